/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/tokenizer_parts.h"

#define NO_PAIR UINT64_MAX

/* FNV-1a, with the upper half folded in because tables take the lower bits. */
static size_t hash_text(const char *text, size_t size)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
    return (size_t)(h ^ h >> 32);
}

static size_t hash_pair(uint64_t pair)
{
    pair = (pair ^ pair >> 32) * 0x9e3779b97f4a7c15u; /* 2^64 over the golden ratio */
    return (size_t)(pair ^ pair >> 32);
}

/* A power of two of at least twice the count: tables stay half empty. */
static size_t table_size(size_t count)
{
    size_t size = 16;
    while (size < 2 * count)
        size *= 2;
    return size;
}

/* The slot of a text: its own, or the free one where it belongs. */
static size_t slot_of(const tok_model *model, const char *text, size_t size)
{
    size_t slot = hash_text(text, size) & model->slot_mask;
    for (; model->slots[slot]; slot = (slot + 1) & model->slot_mask) {
        const tok_entry *entry = &model->entries[model->slots[slot] - 1];
        if (entry->size == size && memcmp(entry->text, text, size) == 0)
            break;
    }
    return slot;
}

int32_t assay_tok_lookup(const tok_model *model, const char *text, size_t size)
{
    uint32_t index = model->slots[slot_of(model, text, size)];
    return index ? model->entries[index - 1].id : -1;
}

const tok_entry *assay_tok_entry(const tok_model *model, int32_t id)
{
    size_t low = 0, high = model->count;
    if (id >= 0 && (size_t)id < high && model->entries[id].id == id)
        return &model->entries[id];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (model->entries[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < model->count && model->entries[low].id == id ? &model->entries[low] : NULL;
}

static tok_merge *merge_slot(const tok_model *model, uint64_t pair)
{
    size_t slot = hash_pair(pair) & model->merge_mask;
    while (model->merges[slot].pair != NO_PAIR && model->merges[slot].pair != pair)
        slot = (slot + 1) & model->merge_mask;
    return &model->merges[slot];
}

static uint64_t pair_of(int32_t left, int32_t right)
{
    return (uint64_t)left << 32 | (uint64_t)right;
}

const tok_merge *assay_tok_merge_of(const tok_model *model, int32_t left, int32_t right)
{
    const tok_merge *merge = merge_slot(model, pair_of(left, right));
    return merge->pair == NO_PAIR ? NULL : merge;
}

static int by_id(const void *a, const void *b)
{
    int32_t x = ((const tok_entry *)a)->id, y = ((const tok_entry *)b)->id;
    return (x > y) - (x < y);
}

static assay_status refuse_entry(const tok_where *where, const char *piece, const json_t *value)
{
    int32_t id;
    char field[80];
    snprintf(field, sizeof field, "vocab[\"%.60s\"]", piece);
    return assay_tok_id(where, field, value, &id);
}

static assay_status read_entries(const tok_where *where, json_t *vocab, tok_model *out)
{
    const char *piece;
    json_t *value;
    size_t bytes = 0, used = 0;
    json_object_foreach(vocab, piece, value) bytes += strlen(piece) + 1;
    out->arena = malloc(bytes + 1);
    out->entries = calloc(json_object_size(vocab) + 1, sizeof *out->entries);
    if (!out->arena || !out->entries)
        return assay_tok_no_memory();
    json_object_foreach(vocab, piece, value)
    {
        tok_entry *entry = &out->entries[out->count];
        entry->size = strlen(piece);
        entry->text = memcpy(out->arena + used, piece, entry->size + 1);
        used += entry->size + 1;
        entry->id = (int32_t)json_integer_value(value);
        if (!json_is_integer(value) || json_integer_value(value) != entry->id || entry->id < 0)
            return refuse_entry(where, piece, value);
        out->count++;
    }
    return ASSAY_OK;
}

static assay_status index_entries(const tok_where *where, tok_model *out)
{
    if (out->count >= UINT32_MAX / 4)
        return assay_tok_refuse(where, "vocab", "has %zu pieces, too many", out->count);
    qsort(out->entries, out->count, sizeof *out->entries, by_id);
    size_t size = table_size(out->count);
    out->slots = calloc(size, sizeof *out->slots);
    if (!out->slots)
        return assay_tok_no_memory();
    out->slot_mask = size - 1;
    for (size_t i = 0; i < out->count; i++) {
        const tok_entry *entry = &out->entries[i];
        if (i > 0 && entry[-1].id == entry->id)
            return assay_tok_refuse(where, "vocab", "id %d is both \"%.60s\" and \"%.60s\"",
                                    (int)entry->id, entry[-1].text, entry->text);
        out->slots[slot_of(out, entry->text, entry->size)] = (uint32_t)i + 1;
    }
    return ASSAY_OK;
}

/* The two pieces of a merge: ["a", "b"] or "a b". */
static bool read_merge(const json_t *value, const char **left, size_t *left_size,
                       const char **right)
{
    if (json_is_array(value) && json_array_size(value) == 2) {
        *left = json_string_value(json_array_get(value, 0));
        *right = json_string_value(json_array_get(value, 1));
        *left_size = *left ? strlen(*left) : 0;
        return *left && *right;
    }
    *left = json_string_value(value);
    const char *space = *left ? strchr(*left, ' ') : NULL;
    if (!space || strchr(space + 1, ' '))
        return false;
    *left_size = (size_t)(space - *left);
    *right = space + 1;
    return true;
}

static assay_status refuse_piece(const tok_where *where, size_t i, const char *piece, size_t size)
{
    char field[40];
    snprintf(field, sizeof field, "merges[%zu]", i);
    if (!piece)
        return assay_tok_refuse(where, field, "expected \"left right\" or [\"left\", \"right\"]");
    return assay_tok_refuse(where, field, "\"%.*s\" is not in the vocabulary",
                            (int)(size < 60 ? size : 60), piece);
}

static assay_status add_merge(const tok_where *where, const json_t *value, size_t i, uint32_t rank,
                              tok_bytes *joined, tok_model *out)
{
    const char *left, *right;
    size_t size, skip = out->prefix ? strlen(out->prefix) : 0;
    if (!read_merge(value, &left, &size, &right))
        return refuse_piece(where, i, NULL, 0);
    size_t right_size = strlen(right);
    int32_t a = assay_tok_lookup(out, left, size), b = assay_tok_lookup(out, right, right_size);
    if (a < 0 || b < 0)
        return refuse_piece(where, i, a < 0 ? left : right, a < 0 ? size : right_size);
    if (right_size < skip)
        return assay_tok_refuse(where, "continuing_subword_prefix",
                                "\"%.60s\" of merge %zu is shorter", right, i);
    joined->size = 0;
    assay_tok_put(joined, left, size);
    assay_tok_put(joined, right + skip, right_size - skip);
    if (joined->failed)
        return assay_tok_no_memory();
    const char *both = joined->data ? joined->data : "";
    int32_t id = assay_tok_lookup(out, both, joined->size);
    if (id < 0)
        return refuse_piece(where, i, both, joined->size);
    *merge_slot(out, pair_of(a, b)) = (tok_merge){ .pair = pair_of(a, b), .rank = rank, .id = id };
    return ASSAY_OK;
}

static assay_status read_merges(const tok_where *where, const json_t *merges, tok_model *out)
{
    size_t count = json_array_size(merges), size = table_size(count);
    out->merges = malloc(size * sizeof *out->merges);
    if (!out->merges)
        return assay_tok_no_memory();
    out->merge_mask = size - 1;
    for (size_t i = 0; i < size; i++)
        out->merges[i].pair = NO_PAIR;
    tok_bytes joined = { 0 };
    assay_status status = ASSAY_OK;
    uint32_t rank = 0;
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        const json_t *value = json_array_get(merges, i);
        const char *text = json_string_value(value);
        if (text && strncmp(text, "#version", 8) == 0)
            continue; /* the first line of the merges.txt that such a list was taken from */
        status = add_merge(where, value, i, rank++, &joined, out);
    }
    free(joined.data);
    return status;
}

static assay_status read_text(const tok_where *where, const json_t *model, const char *key,
                              char **out)
{
    const char *text = NULL;
    assay_status status = assay_tok_string(where, model, key, TOK_OPTIONAL, &text);
    if (status != ASSAY_OK || !text)
        return status;
    *out = strdup(text);
    return *out ? ASSAY_OK : assay_tok_no_memory();
}

static assay_status read_options(const tok_where *where, const json_t *model, tok_model *out)
{
    const char *type = "BPE"; /* files that do not say are older than the other types */
    assay_status status = assay_tok_string(where, model, "type", TOK_OPTIONAL, &type);
    if (status == ASSAY_OK && strcmp(type, "BPE") != 0)
        status = assay_tok_refuse(where, "type", "\"%s\" is not supported, only BPE is", type);
    const json_t *dropout = json_object_get(model, "dropout");
    if (status == ASSAY_OK && dropout && !json_is_null(dropout) &&
        !(json_is_number(dropout) && !(json_number_value(dropout) != 0)))
        status = assay_tok_refuse(where, "dropout",
                                  "expected null or 0: ids have to be the same "
                                  "each time");
    if (status == ASSAY_OK)
        status = read_text(where, model, "unk_token", &out->unk);
    if (status == ASSAY_OK)
        status = read_text(where, model, "continuing_subword_prefix", &out->prefix);
    if (status == ASSAY_OK)
        status = read_text(where, model, "end_of_word_suffix", &out->suffix);
    if (status == ASSAY_OK)
        status = assay_tok_bool(where, model, "fuse_unk", TOK_OPTIONAL, &out->fuse_unk);
    if (status == ASSAY_OK)
        status = assay_tok_bool(where, model, "byte_fallback", TOK_OPTIONAL, &out->byte_fallback);
    if (status == ASSAY_OK)
        status = assay_tok_bool(where, model, "ignore_merges", TOK_OPTIONAL, &out->ignore_merges);
    return status;
}

static void find_fallback(tok_model *out)
{
    for (unsigned i = 0; i < 256; i++) {
        char piece[8];
        int length = snprintf(piece, sizeof piece, "<0x%02X>", i);
        out->fallback[i] = assay_tok_lookup(out, piece, (size_t)length);
    }
}

assay_status assay_tok_model_parse(tok_where *where, const json_t *root, tok_model *out)
{
    const json_t *model = json_object_get(root, "model");
    if (!json_is_object(model))
        return assay_tok_refuse(where, "model", model ? "expected an object" : "is missing");
    json_t *vocab = json_object_get(model, "vocab"), *merges = json_object_get(model, "merges");
    size_t mark = assay_tok_enter(where, "model");
    assay_status status = read_options(where, model, out);
    if (status == ASSAY_OK && !json_is_object(vocab))
        status = assay_tok_refuse(where, "vocab", "expected an object of pieces and their ids");
    if (status == ASSAY_OK && !json_is_array(merges))
        status = assay_tok_refuse(where, "merges", "expected a list");
    if (status == ASSAY_OK)
        status = read_entries(where, vocab, out);
    if (status == ASSAY_OK)
        status = index_entries(where, out);
    if (status == ASSAY_OK)
        status = read_merges(where, merges, out);
    if (status == ASSAY_OK)
        find_fallback(out);
    assay_tok_leave(where, mark);
    return status;
}

void assay_tok_model_free(tok_model *model)
{
    free(model->arena);
    free(model->entries);
    free(model->slots);
    free(model->merges);
    free(model->unk);
    free(model->prefix);
    free(model->suffix);
    *model = (tok_model){ 0 };
}
