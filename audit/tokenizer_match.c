/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/tokenizer_parts.h"

assay_status assay_tok_compile(const tok_where *where, const char *field, const char *pattern,
                               size_t size, uint32_t options, pcre2_code **out)
{
    int error;
    PCRE2_SIZE at;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context)
        return assay_tok_no_memory();
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    if (!(options & PCRE2_LITERAL))
        options |= PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern, size, options | PCRE2_UTF, &error, &at, context);
    pcre2_compile_context_free(context);
    if (code) {
        *out = code;
        return ASSAY_OK;
    }
    PCRE2_UCHAR text[128] = { 0 };
    if (error == PCRE2_ERROR_NOMEMORY)
        return assay_tok_no_memory();
    pcre2_get_error_message(error, text, sizeof text);
    return assay_tok_refuse(where, field, "cannot use the pattern: %s", (const char *)text);
}

static assay_status compile_regex(const tok_where *where, const char *regex, pcre2_code **out)
{
    tok_bytes pattern = { 0 };
    assay_status status = assay_tok_translate(where, "Regex", regex, &pattern);
    if (status == ASSAY_OK)
        status = assay_tok_compile(where, "Regex", pattern.data ? pattern.data : "", pattern.size,
                                   0, out);
    free(pattern.data);
    return status;
}

assay_status assay_tok_compile_field(tok_where *where, const json_t *object, pcre2_code **out)
{
    const json_t *field = json_object_get(object, "pattern");
    if (!json_is_object(field))
        return assay_tok_refuse(where, "pattern", "expected {\"String\": ...} or {\"Regex\": ...}");
    const char *literal = NULL, *regex = NULL;
    size_t mark = assay_tok_enter(where, ".pattern");
    assay_status status = assay_tok_string(where, field, "String", TOK_OPTIONAL, &literal);
    if (status == ASSAY_OK)
        status = assay_tok_string(where, field, "Regex", TOK_OPTIONAL, &regex);
    if (status == ASSAY_OK && !literal == !regex)
        status = assay_tok_refuse(where, NULL, "expected either \"String\" or \"Regex\"");
    else if (status == ASSAY_OK && literal)
        status = assay_tok_compile(where, "String", literal, strlen(literal), PCRE2_LITERAL, out);
    else if (status == ASSAY_OK)
        status = compile_regex(where, regex, out);
    assay_tok_leave(where, mark);
    return status;
}

static void add(tok_matches *out, size_t start, size_t end, bool hit)
{
    tok_match *items = assay_tok_grow(out->items, &out->room, out->count + 1, sizeof *items);
    if (!items) {
        out->failed = true;
        return;
    }
    out->items = items;
    items[out->count++] = (tok_match){ .start = start, .end = end, .hit = hit };
}

/* What a match leaves before it, and the match. */
static void add_hit(tok_matches *out, size_t *done, size_t start, size_t end)
{
    if (start != *done)
        add(out, *done, start, false);
    add(out, start, end, true);
    *done = end;
}

static assay_status finish(tok_matches *out, size_t done, size_t size)
{
    if (done != size || size == 0)
        add(out, done, size, false);
    return out->failed ? assay_tok_no_memory() : ASSAY_OK;
}

/* Steps of backtracking that one search may take: enough for any sensible pattern, and more for
 * long texts, where a repetition that fails takes a step for each character. */
static assay_status prepare(tok_matches *out, size_t size)
{
    if (!out->data)
        out->data = pcre2_match_data_create(1, NULL);
    if (!out->limits)
        out->limits = pcre2_match_context_create(NULL);
    if (!out->data || !out->limits)
        return assay_tok_no_memory();
    size_t limit = 1000000 + (size > UINT32_MAX / 64 ? UINT32_MAX / 2 : 16 * size);
    pcre2_set_match_limit(out->limits, (uint32_t)limit);
    out->count = 0;
    return ASSAY_OK;
}

static assay_status refuse_match(int error, size_t at)
{
    if (error == PCRE2_ERROR_NOMEMORY)
        return assay_tok_no_memory();
    return assay_fail(ASSAY_ERR_INPUT,
                      "text: a pattern of the tokenizer fails at byte %zu of a stretch (PCRE2 "
                      "error %d; -47 is too much backtracking)",
                      at, error);
}

assay_status assay_tok_find(const pcre2_code *code, const char *text, size_t size, tok_matches *out)
{
    assay_status status = prepare(out, size);
    if (status != ASSAY_OK || size == 0)
        return status != ASSAY_OK ? status : finish(out, 0, 0);
    const PCRE2_SIZE *found = pcre2_get_ovector_pointer(out->data);
    bool matched = false;
    size_t done = 0;
    for (size_t at = 0; at <= size;) {
        int rc = pcre2_match(code, (PCRE2_SPTR)text, size, at, PCRE2_NO_UTF_CHECK, out->data,
                             out->limits);
        if (rc == PCRE2_ERROR_NOMATCH)
            break;
        if (rc < 0 || found[0] < done || found[1] < found[0])
            return refuse_match(rc < 0 ? rc : 0, at);
        /* An empty match right behind the last one is none. */
        if (found[0] == found[1] && matched && found[1] == done) {
            if (done == size)
                break;
            at = done;
            assay_tok_next(text, size, &at);
            continue;
        }
        add_hit(out, &done, found[0], found[1]);
        matched = true;
        at = done;
    }
    return finish(out, done, size);
}

assay_status assay_tok_find_chars(tok_test *test, int32_t argument, const char *text, size_t size,
                                  tok_matches *out)
{
    out->count = 0;
    size_t done = 0;
    for (size_t at = 0; at < size;) {
        size_t start = at;
        if (test(assay_tok_next(text, size, &at), argument))
            add_hit(out, &done, start, at);
    }
    return finish(out, done, size);
}

static void reverse(tok_match *items, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        tok_match kept = items[i];
        items[i] = items[count - 1 - i];
        items[count - 1 - i] = kept;
    }
}

/* Joins a stretch to the one before it in the list: any of the same kind (contiguous), or a match
 * to what is not one. */
static void join(tok_matches *matches, bool contiguous)
{
    size_t kept = 0;
    bool before = false;
    for (size_t i = 0; i < matches->count; i++) {
        tok_match m = matches->items[i], *last = &matches->items[kept - (kept > 0)];
        if (kept > 0 && (contiguous ? m.hit == before : m.hit && !before)) {
            last->start = m.start < last->start ? m.start : last->start;
            last->end = m.end > last->end ? m.end : last->end;
        } else {
            matches->items[kept++] = (tok_match){ .start = m.start, .end = m.end };
        }
        before = m.hit;
    }
    matches->count = kept;
}

void assay_tok_behave(tok_matches *matches, tok_behavior behavior)
{
    switch (behavior) {
    case TOK_REMOVED: break;
    case TOK_ISOLATED:
        for (size_t i = 0; i < matches->count; i++)
            matches->items[i].hit = false;
        break;
    case TOK_CONTIGUOUS: join(matches, true); break;
    case TOK_MERGED_WITH_PREVIOUS: join(matches, false); break;
    case TOK_MERGED_WITH_NEXT:
        reverse(matches->items, matches->count);
        join(matches, false);
        reverse(matches->items, matches->count);
        break;
    }
}

void assay_tok_matches_free(tok_matches *matches)
{
    free(matches->items);
    pcre2_match_data_free(matches->data);
    pcre2_match_context_free(matches->limits);
    *matches = (tok_matches){ 0 };
}
