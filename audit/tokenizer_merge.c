/* SPDX-License-Identifier: Apache-2.0 */
/* One word's merges: characters in a linked list, pairs that can merge in a heap. A merge adds
 * two pairs at most, so that a word of n characters takes O(n log n). */
#include <stdlib.h>
#include <string.h>

#include "audit/tokenizer_parts.h"

#define NONE SIZE_MAX

void assay_tok_push(tok_ids *ids, int32_t id)
{
    int32_t *data = assay_tok_grow(ids->data, &ids->room, ids->count + 1, sizeof *data);
    if (!data) {
        ids->failed = true;
        return;
    }
    ids->data = data;
    data[ids->count++] = id;
}

static void add_symbol(tok_word *word, int32_t id)
{
    tok_symbol *symbols =
        assay_tok_grow(word->symbols, &word->room, word->count + 1, sizeof *symbols);
    if (!symbols) {
        word->failed = true;
        return;
    }
    word->symbols = symbols;
    size_t at = word->count++;
    if (at > 0)
        symbols[at - 1].next = at;
    symbols[at] = (tok_symbol){ .id = id, .previous = at ? at - 1 : NONE, .next = NONE };
}

/* Adds the bytes' own pieces, if the vocabulary has one for each of them. */
static bool add_fallback(const tok_model *model, const tok_bytes *text, tok_word *word)
{
    for (size_t i = 0; i < text->size; i++)
        if (model->fallback[(unsigned char)text->data[i]] < 0)
            return false;
    for (size_t i = 0; i < text->size; i++)
        add_symbol(word, model->fallback[(unsigned char)text->data[i]]);
    return true;
}

/* The unknown token waits in *unknown (-1: none) for the next known character, because fuse_unk
 * makes one of several. Without an unknown token such characters are dropped. */
static assay_status add_unknown(const tok_model *model, int32_t *unknown, tok_word *word)
{
    if (!model->unk)
        return ASSAY_OK;
    if (*unknown >= 0 && model->fuse_unk)
        return ASSAY_OK;
    if (*unknown >= 0)
        add_symbol(word, *unknown);
    *unknown = assay_tok_lookup(model, model->unk, strlen(model->unk));
    if (*unknown >= 0)
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_INPUT,
                      "text: character \"%.*s\" is unknown, and the vocabulary lacks unk_token "
                      "\"%.60s\"",
                      (int)(word->text.size > 60 ? 60 : word->text.size), word->text.data,
                      model->unk);
}

/* word->text is the character's piece. */
static assay_status add_character(const tok_model *model, int32_t *unknown, tok_word *word)
{
    const tok_bytes *piece = &word->text;
    int32_t id = assay_tok_lookup(model, piece->data, piece->size);
    if (id < 0 && model->byte_fallback && add_fallback(model, piece, word))
        return ASSAY_OK;
    if (id < 0)
        return add_unknown(model, unknown, word);
    if (*unknown >= 0)
        add_symbol(word, *unknown);
    *unknown = -1;
    add_symbol(word, id);
    return ASSAY_OK;
}

static assay_status characters(const tok_model *model, const char *text, size_t size,
                               tok_word *word)
{
    int32_t unknown = -1;
    assay_status status = ASSAY_OK;
    for (size_t at = 0, start = 0; at < size && status == ASSAY_OK; start = at) {
        assay_tok_next(text, size, &at);
        word->text.size = 0;
        if (start > 0 && model->prefix)
            assay_tok_put(&word->text, model->prefix, strlen(model->prefix));
        assay_tok_put(&word->text, text + start, at - start);
        if (at == size && model->suffix)
            assay_tok_put(&word->text, model->suffix, strlen(model->suffix));
        status = assay_tok_check(&word->text);
        if (status == ASSAY_OK)
            status = add_character(model, &unknown, word);
    }
    if (unknown >= 0)
        add_symbol(word, unknown);
    return status;
}

static bool before(const tok_candidate *a, const tok_candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void push(tok_word *word, tok_candidate c)
{
    tok_candidate *heap =
        assay_tok_grow(word->heap, &word->heap_room, word->waiting + 1, sizeof *heap);
    if (!heap) {
        word->failed = true;
        return;
    }
    word->heap = heap;
    size_t i = word->waiting++;
    for (; i > 0 && before(&c, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = c;
}

static tok_candidate pop(tok_word *word)
{
    tok_candidate *heap = word->heap, top = heap[0], last = heap[--word->waiting];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < word->waiting) {
        if (child + 1 < word->waiting && before(&heap[child + 1], &heap[child]))
            child++;
        if (!before(&heap[child], &last))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

/* Puts the pair that starts at a symbol into the heap if it can merge. */
static void offer(const tok_model *model, tok_word *word, size_t at)
{
    const tok_symbol *symbols = word->symbols;
    if (at == NONE || symbols[at].next == NONE)
        return;
    const tok_merge *merge =
        assay_tok_merge_of(model, symbols[at].id, symbols[symbols[at].next].id);
    if (merge)
        push(word, (tok_candidate){ .at = at, .rank = merge->rank, .id = merge->id });
}

/* A pair in the heap may be out of date: it still merges if the symbols that are there now merge
 * into the same piece. */
static bool stands(const tok_model *model, const tok_word *word, tok_candidate c)
{
    const tok_symbol *symbol = &word->symbols[c.at];
    if (symbol->gone || symbol->next == NONE)
        return false;
    const tok_merge *merge = assay_tok_merge_of(model, symbol->id, word->symbols[symbol->next].id);
    return merge && merge->id == c.id;
}

static void merge_all(const tok_model *model, tok_word *word)
{
    word->waiting = 0;
    for (size_t i = 0; i < word->count; i++)
        offer(model, word, i);
    while (word->waiting > 0 && !word->failed) {
        tok_candidate c = pop(word);
        if (!stands(model, word, c))
            continue;
        tok_symbol *left = &word->symbols[c.at], *right = &word->symbols[left->next];
        right->gone = true;
        left->id = c.id;
        left->next = right->next;
        if (left->next != NONE)
            word->symbols[left->next].previous = c.at;
        offer(model, word, left->previous);
        offer(model, word, c.at);
    }
}

assay_status assay_tok_bpe(const tok_model *model, const char *text, size_t size, tok_word *word,
                           tok_ids *out)
{
    int32_t whole = model->ignore_merges ? assay_tok_lookup(model, text, size) : -1;
    if (whole >= 0) {
        assay_tok_push(out, whole);
        return out->failed ? assay_tok_no_memory() : ASSAY_OK;
    }
    word->count = 0;
    assay_status status = characters(model, text, size, word);
    if (status == ASSAY_OK && !word->failed)
        merge_all(model, word);
    for (size_t i = 0; i < word->count; i++)
        if (!word->symbols[i].gone)
            assay_tok_push(out, word->symbols[i].id);
    if (status == ASSAY_OK && (word->failed || out->failed))
        status = assay_tok_no_memory();
    return status;
}

void assay_tok_word_free(tok_word *word)
{
    free(word->symbols);
    free(word->heap);
    free(word->text.data);
    *word = (tok_word){ 0 };
}
