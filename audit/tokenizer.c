/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "audit/json.h"
#include "audit/tokenizer_parts.h"

/* A template names its ids itself: they have to be tokens, like all that encoding gives. */
static assay_status check_around(const tok_where *where, const assay_tokenizer *tokenizer)
{
    const tok_ids *sides[] = { &tokenizer->around.before, &tokenizer->around.after };
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < sides[side]->count; i++)
            if (!assay_tokenizer_piece(tokenizer, sides[side]->data[i]))
                return assay_tok_refuse(where, "post_processor", "id %d is not in the vocabulary",
                                        (int)sides[side]->data[i]);
    return ASSAY_OK;
}

static assay_status parse_parts(tok_where *where, const json_t *root, assay_tokenizer *out)
{
    const char *version = "1.0";
    assay_status status = assay_tok_string(where, root, "version", TOK_OPTIONAL, &version);
    if (status == ASSAY_OK && strcmp(version, "1.0") != 0)
        status = assay_tok_refuse(where, "version", "\"%s\" is not 1.0", version);
    if (status == ASSAY_OK)
        status = assay_tok_model_parse(where, root, &out->model);
    if (status == ASSAY_OK)
        status = assay_tok_steps_parse(where, &assay_tok_normalizers, root, &out->normalizer);
    if (status == ASSAY_OK)
        status = assay_tok_steps_parse(where, &assay_tok_pre_tokenizers, root, &out->pre_tokenizer);
    if (status == ASSAY_OK)
        status = assay_tok_steps_parse(where, &assay_tok_decoders, root, &out->decoder);
    if (status == ASSAY_OK)
        status = assay_tok_added_parse(where, root, &out->model, &out->normalizer, &out->added);
    if (status == ASSAY_OK)
        status = assay_tok_post_parse(where, root, &out->around);
    if (status == ASSAY_OK)
        status = check_around(where, out);
    const json_t *decoder = json_object_get(root, "decoder");
    out->has_decoder = decoder && !json_is_null(decoder);
    return status;
}

assay_status assay_tokenizer_parse(const char *name, const void *bytes, size_t size,
                                   assay_tokenizer **out)
{
    json_t *root = NULL;
    assay_status status = assay_json_parse(name, bytes, size, &root);
    if (status != ASSAY_OK)
        return status;
    assay_tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    tok_where where = { .name = name };
    status = tokenizer ? assay_tok_char_document(&where, &root) : assay_tok_no_memory();
    if (status == ASSAY_OK)
        status = parse_parts(&where, root, tokenizer);
    json_decref(root);
    if (status == ASSAY_OK)
        *out = tokenizer;
    else
        assay_tokenizer_free(tokenizer);
    return status;
}

void assay_tokenizer_free(assay_tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    assay_tok_steps_free(&tokenizer->normalizer);
    assay_tok_steps_free(&tokenizer->pre_tokenizer);
    assay_tok_steps_free(&tokenizer->decoder);
    assay_tok_model_free(&tokenizer->model);
    assay_tok_added_free(&tokenizer->added);
    assay_tok_around_free(&tokenizer->around);
    free(tokenizer);
}

const char *assay_tokenizer_piece(const assay_tokenizer *tokenizer, int32_t id)
{
    const tok_added *added = assay_tok_added_of(&tokenizer->added, id);
    if (added)
        return added->content;
    const tok_entry *entry = assay_tok_entry(&tokenizer->model, id);
    return entry ? entry->text : NULL;
}

size_t assay_tokenizer_vocab_size(const assay_tokenizer *tokenizer)
{
    const tok_model *model = &tokenizer->model;
    const tok_added_set *added = &tokenizer->added;
    size_t size = model->count ? (size_t)model->entries[model->count - 1].id + 1 : 0;
    size_t other = added->count ? (size_t)added->tokens[added->count - 1].id + 1 : 0;
    return size > other ? size : other;
}

/* Rules of a file may make a text longer; no sensible ones do by more than this. */
static size_t limit_of(size_t size)
{
    size_t least = (size_t)1 << 24;
    return size > SIZE_MAX / 64 ? SIZE_MAX : size * 64 < least ? least : size * 64;
}

/* Normalises what is not a token yet, and takes the tokens out that are found afterwards. */
static assay_status normalize(const assay_tokenizer *tokenizer, tok_matches *scratch,
                              const tok_list *in, tok_list *out)
{
    tok_bytes text = { .limit = in->text.limit };
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < in->count && status == ASSAY_OK; i++) {
        tok_item item = in->items[i];
        const char *raw = in->text.data + item.start;
        size_t size = item.end - item.start;
        if (item.id >= 0) {
            assay_tok_add(out, raw, size, item.id, false);
            continue;
        }
        text.size = 0;
        status =
            assay_tok_normalize(&tokenizer->normalizer, raw, size, &item.first, scratch, &text);
        if (status == ASSAY_OK)
            status = assay_tok_extract(&tokenizer->added, &tokenizer->added.normalized, text.data,
                                       text.size, item.first, scratch, out);
    }
    if (status == ASSAY_OK)
        status = assay_tok_check(&text);
    free(text.data);
    return status == ASSAY_OK ? assay_tok_check(&out->text) : status;
}

static assay_status merge(const assay_tokenizer *tokenizer, const tok_list *list, tok_ids *out)
{
    const tok_around *around = &tokenizer->around;
    tok_word word = { 0 };
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < around->before.count; i++)
        assay_tok_push(out, around->before.data[i]);
    for (size_t i = 0; i < list->count && status == ASSAY_OK; i++) {
        tok_item item = list->items[i];
        if (item.id >= 0)
            assay_tok_push(out, item.id);
        else
            status = assay_tok_bpe(&tokenizer->model, list->text.data + item.start,
                                   item.end - item.start, &word, out);
    }
    for (size_t i = 0; i < around->after.count; i++)
        assay_tok_push(out, around->after.data[i]);
    assay_tok_word_free(&word);
    if (status == ASSAY_OK && (out->failed || (!out->data && !(out->data = malloc(4)))))
        status = assay_tok_no_memory();
    return status;
}

assay_status assay_tokenizer_encode(const assay_tokenizer *tokenizer, const char *text, size_t size,
                                    int32_t **ids, size_t *count)
{
    size_t good = assay_tok_utf8_valid(text, size);
    if (good != size)
        return assay_fail(ASSAY_ERR_INPUT, "text: byte %zu is not UTF-8", good);
    tok_matches scratch = { 0 };
    tok_ids result = { 0 };
    tok_list raw = { .text.limit = limit_of(size) }, list = { .text.limit = limit_of(size) };
    assay_status status = assay_tok_extract(&tokenizer->added, &tokenizer->added.raw, text, size,
                                            true, &scratch, &raw);
    if (status == ASSAY_OK)
        status = normalize(tokenizer, &scratch, &raw, &list);
    if (status == ASSAY_OK)
        status = assay_tok_pre_tokenize(&tokenizer->pre_tokenizer, &scratch, &list);
    if (status == ASSAY_OK)
        status = merge(tokenizer, &list, &result);
    assay_tok_list_free(&raw);
    assay_tok_list_free(&list);
    assay_tok_matches_free(&scratch);
    if (status != ASSAY_OK) {
        free(result.data);
        return status;
    }
    *ids = result.data;
    *count = result.count;
    return ASSAY_OK;
}

static assay_status collect(const assay_tokenizer *tokenizer, const int32_t *ids, size_t count,
                            bool skip_special, tok_list *out)
{
    for (size_t i = 0; i < count; i++) {
        if (ids[i] < 0)
            return assay_fail(ASSAY_ERR_VALUE, "token %zu: id %d is negative", i, (int)ids[i]);
        const tok_added *added = assay_tok_added_of(&tokenizer->added, ids[i]);
        const char *piece = assay_tokenizer_piece(tokenizer, ids[i]);
        if (!piece || (skip_special && added && added->special))
            continue;
        if (!tokenizer->has_decoder && out->count > 0)
            assay_tok_put(&out->text, " ", 1);
        assay_tok_add(out, piece, strlen(piece), -1, false);
    }
    out->text.limit = limit_of(out->text.size);
    return assay_tok_check(&out->text);
}

assay_status assay_tokenizer_decode(const assay_tokenizer *tokenizer, const int32_t *ids,
                                    size_t count, bool skip_special, char **text, size_t *size)
{
    tok_list list = { 0 };
    tok_matches scratch = { 0 };
    assay_status status = collect(tokenizer, ids, count, skip_special, &list);
    if (status == ASSAY_OK)
        status = assay_tok_decode(&tokenizer->decoder, &scratch, &list);
    list.text.limit = 0;
    size_t length = list.text.size;
    assay_tok_put(&list.text, "", 1);
    if (status == ASSAY_OK)
        status = assay_tok_check(&list.text);
    if (status == ASSAY_OK) {
        *text = list.text.data;
        *size = length;
        list.text.data = NULL;
    }
    assay_tok_matches_free(&scratch);
    assay_tok_list_free(&list);
    return status;
}
