/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/tokenizer_parts.h"

static int by_id(const void *a, const void *b)
{
    int32_t x = ((const tok_added *)a)->id, y = ((const tok_added *)b)->id;
    return (x > y) - (x < y);
}

static int by_pattern(const void *a, const void *b)
{
    const tok_added *x = *(const tok_added *const *)a, *y = *(const tok_added *const *)b;
    size_t size = x->pattern.size < y->pattern.size ? x->pattern.size : y->pattern.size;
    int order = size ? memcmp(x->pattern.data, y->pattern.data, size) : 0;
    if (order == 0)
        order = (x->pattern.size > y->pattern.size) - (x->pattern.size < y->pattern.size);
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static assay_status read_flags(const tok_where *where, const json_t *object, tok_added *out)
{
    const struct {
        const char *key;
        bool *flag;
    } flags[] = { { "single_word", &out->single_word },
                  { "lstrip", &out->lstrip },
                  { "rstrip", &out->rstrip },
                  { "normalized", &out->normalized },
                  { "special", &out->special } };
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0] && status == ASSAY_OK; i++)
        status = assay_tok_bool(where, object, flags[i].key, TOK_REQUIRED, flags[i].flag);
    return status;
}

/* The id is the file's, and has to agree with the model's vocabulary. */
static assay_status check_id(const tok_where *where, const tok_model *model, const tok_added *token)
{
    int32_t known = assay_tok_lookup(model, token->content, strlen(token->content));
    const tok_entry *entry = assay_tok_entry(model, token->id);
    if (known >= 0 && known != token->id)
        return assay_tok_refuse(where, "id", "%d, but \"%.60s\" is %d in model.vocab",
                                (int)token->id, token->content, (int)known);
    if (known < 0 && entry)
        return assay_tok_refuse(where, "id", "%d is \"%.60s\" in model.vocab", (int)token->id,
                                entry->text);
    return ASSAY_OK;
}

static assay_status read_token(const tok_where *where, const json_t *object, const tok_model *model,
                               const tok_steps *normalizer, tok_added *out)
{
    if (!json_is_object(object))
        return assay_tok_refuse(where, NULL, "expected an object");
    const char *content = NULL;
    assay_status status = assay_tok_id(where, "id", json_object_get(object, "id"), &out->id);
    if (status == ASSAY_OK)
        status = assay_tok_string(where, object, "content", TOK_REQUIRED, &content);
    if (status == ASSAY_OK)
        status = read_flags(where, object, out);
    if (status != ASSAY_OK)
        return status;
    out->content = strdup(content);
    if (!out->content)
        return assay_tok_no_memory();
    status = check_id(where, model, out);
    if (status != ASSAY_OK)
        return status;
    static const tok_steps nothing;
    tok_matches scratch = { 0 };
    bool first = true;
    out->pattern.limit = 1u << 20;
    status = assay_tok_normalize(out->normalized ? normalizer : &nothing, content, strlen(content),
                                 &first, &scratch, &out->pattern);
    assay_tok_matches_free(&scratch);
    return status == ASSAY_OK ? assay_tok_check(&out->pattern) : assay_fail_in(status, where->path);
}

/* An empty pattern is never found. */
static assay_status build_index(const tok_added_set *set, bool normalized, tok_index *out)
{
    out->tokens = malloc((set->count + 1) * sizeof *out->tokens);
    if (!out->tokens)
        return assay_tok_no_memory();
    for (size_t i = 0; i < set->count; i++) {
        const tok_added *token = &set->tokens[i];
        if (token->normalized != normalized || token->pattern.size == 0)
            continue;
        out->tokens[out->count++] = token;
        out->starts[(unsigned char)token->pattern.data[0]] = true;
    }
    qsort(out->tokens, out->count, sizeof *out->tokens, by_pattern);
    return ASSAY_OK;
}

static assay_status finish(const tok_where *where, tok_added_set *set)
{
    qsort(set->tokens, set->count, sizeof *set->tokens, by_id);
    for (size_t i = 1; i < set->count; i++)
        if (set->tokens[i].id == set->tokens[i - 1].id)
            return assay_tok_refuse(where, NULL, "id %d occurs twice", (int)set->tokens[i].id);
    const char *word = "[" TOK_WORD "\\x{200c}\\x{200d}]";
    assay_status status = assay_tok_compile(where, NULL, word, strlen(word), 0, &set->word);
    if (status == ASSAY_OK)
        status = build_index(set, false, &set->raw);
    if (status == ASSAY_OK)
        status = build_index(set, true, &set->normalized);
    return status;
}

assay_status assay_tok_added_parse(tok_where *where, const json_t *root, const tok_model *model,
                                   const tok_steps *normalizer, tok_added_set *out)
{
    const json_t *list = json_object_get(root, "added_tokens");
    if (list && !json_is_null(list) && !json_is_array(list))
        return assay_tok_refuse(where, "added_tokens", "expected a list");
    size_t count = json_array_size(list);
    out->tokens = calloc(count + 1, sizeof *out->tokens);
    if (!out->tokens)
        return assay_tok_no_memory();
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        size_t mark = assay_tok_enter(where, "added_tokens[%zu]", i);
        status = read_token(where, json_array_get(list, i), model, normalizer,
                            &out->tokens[out->count++]);
        assay_tok_leave(where, mark);
    }
    size_t mark = assay_tok_enter(where, "added_tokens");
    if (status == ASSAY_OK)
        status = finish(where, out);
    assay_tok_leave(where, mark);
    return status;
}

void assay_tok_added_free(tok_added_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->tokens[i].content);
        free(set->tokens[i].pattern.data);
    }
    free(set->tokens);
    free(set->raw.tokens);
    free(set->normalized.tokens);
    pcre2_code_free(set->word);
    *set = (tok_added_set){ 0 };
}

const tok_added *assay_tok_added_of(const tok_added_set *set, int32_t id)
{
    tok_added key = { .id = id };
    return bsearch(&key, set->tokens, set->count, sizeof *set->tokens, by_id);
}

/* First of tokens[low, high), which agree in `depth` bytes, whose next byte is at least `byte`. */
static size_t lower_bound(const tok_index *index, size_t low, size_t high, size_t depth, int byte)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const tok_bytes *pattern = &index->tokens[middle]->pattern;
        if (pattern->size == depth || (unsigned char)pattern->data[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The longest token that the text starts with, or NULL. */
static const tok_added *longest(const tok_index *index, const char *text, size_t size)
{
    if (!index->starts[(unsigned char)text[0]])
        return NULL;
    const tok_added *best = NULL;
    size_t low = 0, high = index->count;
    for (size_t depth = 0; depth < size && low < high; depth++) {
        int byte = (unsigned char)text[depth];
        low = lower_bound(index, low, high, depth, byte);
        high = lower_bound(index, low, high, depth, byte + 1);
        if (low < high && index->tokens[low]->pattern.size == depth + 1)
            best = index->tokens[low];
    }
    return best;
}

static bool is_word(const tok_added_set *set, const char *character, size_t size,
                    tok_matches *scratch, assay_status *status)
{
    *status = assay_tok_find(set->word, character, size, scratch);
    return *status == ASSAY_OK && scratch->items[0].hit;
}

/* Whether no word goes on before start or after end. */
static bool stands_alone(const tok_added_set *set, const char *text, size_t size, size_t start,
                         size_t end, tok_matches *scratch, assay_status *status)
{
    size_t from = start, to = end;
    if (start > 0) {
        assay_tok_previous(text, start, &from);
        if (is_word(set, text + from, start - from, scratch, status) || *status != ASSAY_OK)
            return false;
    }
    if (end == size)
        return true;
    assay_tok_next(text, size, &to);
    return !is_word(set, text + end, to - end, scratch, status) && *status == ASSAY_OK;
}

/* The stretch that a token takes out of the text: itself, and spaces that it strips from what
 * is not taken yet. */
static void take(const tok_added *token, const char *text, size_t size, size_t done, size_t *start,
                 size_t *end)
{
    for (size_t at = *start; token->lstrip && at > 0; *start = at)
        if (!assay_tok_is_space(assay_tok_previous(text, at, &at)))
            break;
    if (token->lstrip && *start < done)
        *start = done;
    for (size_t at = *end; token->rstrip && at < size; *end = at)
        if (!assay_tok_is_space(assay_tok_next(text, size, &at)))
            break;
}

assay_status assay_tok_extract(const tok_added_set *set, const tok_index *index, const char *text,
                               size_t size, bool first, tok_matches *scratch, tok_list *out)
{
    assay_status status = ASSAY_OK;
    size_t done = 0;
    for (size_t at = 0; at < size && status == ASSAY_OK;) {
        const tok_added *token = index->count ? longest(index, text + at, size - at) : NULL;
        size_t start = at, end = at + (token ? token->pattern.size : 1);
        at = token ? end : at + 1;
        if (!token ||
            (token->single_word && !stands_alone(set, text, size, start, end, scratch, &status)))
            continue;
        take(token, text, size, done, &start, &end);
        if (done < start)
            assay_tok_add(out, text + done, start - done, -1, first && done == 0);
        assay_tok_add(out, text + start, end > start ? end - start : 0, token->id, false);
        done = end;
    }
    if (status == ASSAY_OK && done < size)
        assay_tok_add(out, text + done, size - done, -1, first && done == 0);
    return status == ASSAY_OK ? assay_tok_check(&out->text) : status;
}
