/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/array.h"
#include "audit/builtin.h"
#include "audit/json.h"

static assay_status no_memory(const char *source)
{
    return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory for its tokens", source);
}

/* Takes over ids on success; they are freed on failure. */
static assay_status append(assay_corpus *corpus, int32_t *ids, size_t count)
{
    assay_document *grown =
        realloc(corpus->documents, (corpus->count + 1) * sizeof *corpus->documents);
    if (!grown) {
        free(ids);
        return no_memory(corpus->source);
    }
    corpus->documents = grown;
    corpus->documents[corpus->count++] = (assay_document){ ids, count };
    corpus->tokens += count;
    return ASSAY_OK;
}

static assay_status check_id(const assay_model *model, const char *source, size_t at, int64_t id)
{
    if (id >= 0 && (uint64_t)id < model->config.vocab)
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_VALUE, "%s: token %zu is %lld, outside the vocabulary of %zu",
                      source, at, (long long)id, model->config.vocab);
}

static assay_status take_ids(const assay_model *model, const assay_array *array,
                             assay_corpus *corpus)
{
    if (array->ndim != 1 || array->count == 0)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: expected one dimension of at least one token",
                          corpus->source);
    if (array->count > model->config.max_positions)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: %zu tokens, but max_position_embeddings is %zu",
                          corpus->source, array->count, model->config.max_positions);
    int32_t *ids = malloc(array->count * sizeof *ids);
    if (!ids)
        return no_memory(corpus->source);
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < array->count && status == ASSAY_OK; i++) {
        int64_t id = 0;
        status = assay_array_get_i64(array, i, &id);
        if (status == ASSAY_OK)
            status = check_id(model, corpus->source, i, id);
        else
            status = assay_fail_in(status, corpus->source);
        ids[i] = (int32_t)id;
    }
    if (status == ASSAY_OK)
        return append(corpus, ids, array->count);
    free(ids);
    return status;
}

static assay_status read_tokens(const assay_model *model, const char *path, assay_corpus *corpus)
{
    assay_array array;
    assay_status status = assay_array_open(path, &array);
    if (status != ASSAY_OK)
        return status;
    status = take_ids(model, &array, corpus);
    assay_array_close(&array);
    return status;
}

/* Cuts ids into pieces that the model has positions for; frees ids. */
static assay_status append_pieces(const assay_model *model, int32_t *ids, size_t count,
                                  assay_corpus *corpus)
{
    assay_status status = ASSAY_OK;
    size_t most = model->config.max_positions;
    for (size_t i = 0; i < count && status == ASSAY_OK; i++)
        status = check_id(model, corpus->source, i, ids[i]);
    for (size_t i = 0; i < count && status == ASSAY_OK; i += most) {
        size_t n = count - i < most ? count - i : most;
        int32_t *piece = malloc(n * sizeof *piece);
        if (!piece) {
            status = no_memory(corpus->source);
            break;
        }
        memcpy(piece, ids + i, n * sizeof *piece);
        status = append(corpus, piece, n);
    }
    free(ids);
    return status;
}

static assay_status add_text(const assay_model *model, const char *text, size_t size,
                             assay_corpus *corpus)
{
    int32_t *ids;
    size_t count;
    if (!model->tokenizer)
        return assay_fail(ASSAY_ERR_INPUT, "%s: has no tokenizer.json; give --tokens", model->name);
    assay_status status = assay_tokenizer_encode(model->tokenizer, text, size, &ids, &count);
    if (status != ASSAY_OK)
        return assay_fail_in(status, corpus->source);
    return append_pieces(model, ids, count, corpus);
}

/* Length of the line at text, its newline included. */
static size_t line_length(const char *text, size_t size)
{
    const char *end = memchr(text, '\n', size);
    return end ? (size_t)(end - text) + 1 : size;
}

static bool is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!strchr(" \t\r\n", text[i]) || !text[i])
            return false;
    return true;
}

/* One paragraph without the newlines that end it; nothing if it is empty. */
static assay_status add_paragraph(const assay_model *model, const char *text, size_t size,
                                  assay_corpus *corpus)
{
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
        size--;
    return size > 0 ? add_text(model, text, size, corpus) : ASSAY_OK;
}

static assay_status add_paragraphs(const assay_model *model, const char *text, size_t size,
                                   assay_corpus *corpus)
{
    size_t start = 0, at = 0;
    assay_status status = ASSAY_OK;
    if (size == 0) /* and text is NULL */
        return ASSAY_OK;
    while (at < size && status == ASSAY_OK) {
        size_t n = line_length(text + at, size - at);
        if (is_blank(text + at, n)) {
            status = add_paragraph(model, text + start, at - start, corpus);
            start = at + n;
        }
        at += n;
    }
    return status == ASSAY_OK ? add_paragraph(model, text + start, size - start, corpus) : status;
}

static assay_status add_json_line(const assay_model *model, const char *text, size_t size,
                                  size_t line, assay_corpus *corpus)
{
    char name[ASSAY_PATH_BYTES];
    json_t *root;
    snprintf(name, sizeof name, "%s: document %zu", corpus->source, line);
    assay_status status = assay_json_parse(name, text, size, &root);
    if (status != ASSAY_OK)
        return status;
    json_t *value = json_object_get(root, "text");
    if (json_is_string(value))
        status = add_text(model, json_string_value(value), json_string_length(value), corpus);
    else
        status = assay_fail(ASSAY_ERR_INPUT, "%s: text: expected a string", name);
    json_decref(root);
    return status;
}

static assay_status add_json_lines(const assay_model *model, const char *text, size_t size,
                                   assay_corpus *corpus)
{
    assay_status status = ASSAY_OK;
    for (size_t at = 0, line = 0; at < size && status == ASSAY_OK; line++) {
        size_t n = line_length(text + at, size - at);
        if (!is_blank(text + at, n))
            status = add_json_line(model, text + at, n, line, corpus);
        at += n;
    }
    return status;
}

static assay_status read_corpus(const assay_model *model, const char *path, assay_corpus *corpus)
{
    assay_file file;
    char inner[ASSAY_PATH_BYTES];
    bool demo = strcmp(path, "demo") == 0 && strcmp(model->name, "demo") == 0;
    assay_status status = demo ? assay_source_open(&assay_builtin_demo, "heldout.txt", inner, &file)
                               : assay_file_open(path, &file);
    if (status != ASSAY_OK)
        return status;
    size_t n = strlen(path);
    const char *text = (const char *)file.data;
    if (n > 6 && strcmp(path + n - 6, ".jsonl") == 0)
        status = add_json_lines(model, text, file.size, corpus);
    else
        status = add_paragraphs(model, text, file.size, corpus);
    assay_file_close(&file);
    if (status == ASSAY_OK && corpus->count == 0)
        status = assay_fail(ASSAY_ERR_INPUT, "%s: holds no document", path);
    return status;
}

assay_status assay_corpus_open(const assay_model *model, const char *tokens, const char *text,
                               const char *path, assay_corpus *out)
{
    const char *source = tokens ? tokens : text ? "--text" : path;
    assay_corpus corpus = { .source = strdup(source) };
    if (!corpus.source)
        return no_memory(source);
    assay_status status = tokens ? read_tokens(model, tokens, &corpus)
                          : text ? add_text(model, text, strlen(text), &corpus)
                                 : read_corpus(model, path, &corpus);
    if (status == ASSAY_OK && corpus.tokens == 0)
        status = assay_fail(ASSAY_ERR_INPUT, "%s: no token to run on", source);
    if (status == ASSAY_OK)
        *out = corpus;
    else
        assay_corpus_close(&corpus);
    return status;
}

void assay_corpus_close(assay_corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++)
        free(corpus->documents[i].ids);
    free(corpus->documents);
    free(corpus->source);
    *corpus = (assay_corpus){ 0 };
}
