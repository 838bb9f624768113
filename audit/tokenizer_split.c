/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "audit/tokenizer_parts.h"

/* Every pre-tokenizer has the parameters of tok_type's slot. */
#define PRE_TOKENIZER                                                                      \
    const tok_step *step, const char *text, size_t size, bool first, tok_matches *scratch, \
        tok_list *out

/* Adds the stretches that the behavior keeps; empty ones are nothing. */
static void add_stretches(const char *text, bool first, tok_matches *matches, tok_behavior behavior,
                          tok_list *out)
{
    assay_tok_behave(matches, behavior);
    for (size_t i = 0; i < matches->count; i++) {
        tok_match m = matches->items[i];
        if (!m.hit && m.end > m.start)
            assay_tok_add(out, text + m.start, m.end - m.start, -1, first && m.start == 0);
    }
}

static void invert(tok_matches *matches)
{
    for (size_t i = 0; i < matches->count; i++)
        matches->items[i].hit = !matches->items[i].hit;
}

static assay_status split(PRE_TOKENIZER)
{
    assay_status status = assay_tok_find(step->pattern, text, size, scratch);
    if (status != ASSAY_OK)
        return status;
    if (step->invert)
        invert(scratch);
    add_stretches(text, first, scratch, step->behavior, out);
    return ASSAY_OK;
}

static assay_status parse_behavior(const tok_where *where, const json_t *object, tok_need need,
                                   tok_behavior *out)
{
    static const char *const names[] = { "Isolated", "Removed", "MergedWithPrevious",
                                         "MergedWithNext", "Contiguous" };
    const char *name = names[*out];
    assay_status status = assay_tok_string(where, object, "behavior", need, &name);
    if (status != ASSAY_OK)
        return status;
    for (int i = 0; i < 5; i++) {
        if (strcmp(name, names[i]) != 0)
            continue;
        *out = (tok_behavior)i;
        return ASSAY_OK;
    }
    return assay_tok_refuse(where, "behavior", "\"%s\" is not supported", name);
}

static assay_status parse_split(tok_where *where, const json_t *object, tok_step *out)
{
    assay_status status = parse_behavior(where, object, TOK_REQUIRED, &out->behavior);
    if (status == ASSAY_OK)
        status = assay_tok_bool(where, object, "invert", TOK_REQUIRED, &out->invert);
    if (status == ASSAY_OK)
        status = assay_tok_compile_field(where, object, &out->pattern);
    return status;
}

/* Adds a text in the byte alphabet. */
static void add_letters(const char *text, size_t size, bool first, tok_list *out)
{
    size_t start = out->text.size;
    assay_tok_put_alphabet(&out->text, text, size);
    assay_tok_close(out, start, -1, first);
}

static assay_status byte_level(PRE_TOKENIZER)
{
    tok_bytes padded = { 0 };
    if (step->prepend == TOK_ALWAYS && text[0] != ' ') {
        assay_tok_put(&padded, " ", 1);
        assay_tok_put(&padded, text, size);
        text = padded.data;
        size = padded.size;
    }
    assay_status status = assay_tok_check(&padded);
    if (status == ASSAY_OK && !step->pattern)
        add_letters(text, size, first, out);
    else if (status == ASSAY_OK)
        status = assay_tok_find(step->pattern, text, size, scratch);
    for (size_t i = 0; status == ASSAY_OK && step->pattern && i < scratch->count; i++) {
        tok_match m = scratch->items[i];
        if (m.end > m.start)
            add_letters(text + m.start, m.end - m.start, first && m.start == 0, out);
    }
    free(padded.data);
    return status;
}

static assay_status compile(const tok_where *where, const char *pattern, pcre2_code **out)
{
    return assay_tok_compile(where, NULL, pattern, strlen(pattern), 0, out);
}

static assay_status parse_byte_level(tok_where *where, const json_t *object, tok_step *out)
{
    bool prefix = false, regex = true;
    assay_status status = assay_tok_bool(where, object, "add_prefix_space", TOK_REQUIRED, &prefix);
    if (status == ASSAY_OK)
        status = assay_tok_bool(where, object, "use_regex", TOK_OPTIONAL, &regex);
    out->prepend = prefix ? TOK_ALWAYS : TOK_NEVER;
    if (status != ASSAY_OK || !regex)
        return status;
    return compile(where,
                   "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" TOK_SPACE "\\p{L}\\p{N}]+|"
                   "[" TOK_SPACE "]+(?![^" TOK_SPACE "])|[" TOK_SPACE "]+",
                   &out->pattern);
}

static bool is_same(int32_t c, int32_t argument)
{
    return c == argument;
}

static void put_metaspaced(const tok_step *step, const char *text, size_t size, bool first,
                           tok_bytes *out)
{
    size_t at = 0;
    int32_t c = assay_tok_next(text, size, &at);
    bool wanted = step->prepend == TOK_ALWAYS || (step->prepend == TOK_FIRST && first);
    if (wanted && c != ' ' && c != step->character)
        assay_tok_put_char(out, step->character);
    for (at = 0; at < size;) {
        c = assay_tok_next(text, size, &at);
        assay_tok_put_char(out, c == ' ' ? step->character : c);
    }
}

static assay_status metaspace(PRE_TOKENIZER)
{
    tok_bytes marked = { .limit = out->text.limit };
    put_metaspaced(step, text, size, first, &marked);
    assay_status status = assay_tok_check(&marked);
    if (status == ASSAY_OK && !step->split)
        assay_tok_add(out, marked.data, marked.size, -1, first);
    else if (status == ASSAY_OK)
        status = assay_tok_find_chars(is_same, step->character, marked.data, marked.size, scratch);
    if (status == ASSAY_OK && step->split)
        add_stretches(marked.data, first, scratch, TOK_MERGED_WITH_NEXT, out);
    free(marked.data);
    return status;
}

static bool is_numeric(int32_t c, int32_t argument)
{
    (void)argument;
    utf8proc_category_t category = utf8proc_category(c);
    return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL ||
           category == UTF8PROC_CATEGORY_NO;
}

static bool is_punctuation(int32_t c, int32_t argument)
{
    (void)argument;
    if (c < 0x80)
        return (c > ' ' && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') ||
               (c > 'z' && c < 0x7f);
    utf8proc_category_t category = utf8proc_category(c);
    return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

static bool is_white(int32_t c, int32_t argument)
{
    (void)argument;
    return assay_tok_is_space(c);
}

static assay_status by_class(tok_test *test, tok_behavior behavior, const char *text, size_t size,
                             bool first, tok_matches *scratch, tok_list *out)
{
    assay_status status = assay_tok_find_chars(test, 0, text, size, scratch);
    if (status == ASSAY_OK)
        add_stretches(text, first, scratch, behavior, out);
    return status;
}

static assay_status digits(PRE_TOKENIZER)
{
    tok_behavior behavior = step->individual ? TOK_ISOLATED : TOK_CONTIGUOUS;
    return by_class(is_numeric, behavior, text, size, first, scratch, out);
}

static assay_status parse_digits(tok_where *where, const json_t *object, tok_step *out)
{
    return assay_tok_bool(where, object, "individual_digits", TOK_REQUIRED, &out->individual);
}

static assay_status punctuation(PRE_TOKENIZER)
{
    return by_class(is_punctuation, step->behavior, text, size, first, scratch, out);
}

static assay_status parse_punctuation(tok_where *where, const json_t *object, tok_step *out)
{
    return parse_behavior(where, object, TOK_OPTIONAL, &out->behavior);
}

static assay_status whitespace_split(PRE_TOKENIZER)
{
    (void)step;
    return by_class(is_white, TOK_REMOVED, text, size, first, scratch, out);
}

/* Words, and runs of what is neither word nor space; here words may hold joiners. */
static assay_status parse_whitespace(tok_where *where, const json_t *object, tok_step *out)
{
    (void)object;
    out->behavior = TOK_REMOVED;
    out->invert = true;
    return compile(where,
                   "[" TOK_WORD "\\x{200c}\\x{200d}]+|"
                   "[^" TOK_WORD "\\x{200c}\\x{200d}" TOK_SPACE "]+",
                   &out->pattern);
}

static const tok_type types[] = {
    { .name = "ByteLevel", .parse = parse_byte_level, .split = byte_level },
    { .name = "Split", .parse = parse_split, .split = split },
    { .name = "Metaspace", .parse = assay_tok_parse_metaspace, .split = metaspace },
    { .name = "Digits", .parse = parse_digits, .split = digits },
    { .name = "Whitespace", .parse = parse_whitespace, .split = split },
    { .name = "WhitespaceSplit", .parse = assay_tok_parse_nothing, .split = whitespace_split },
    { .name = "Punctuation", .parse = parse_punctuation, .split = punctuation },
};

const tok_role assay_tok_pre_tokenizers = {
    .field = "pre_tokenizer",
    .list = "pretokenizers",
    .types = types,
    .count = sizeof types / sizeof types[0],
};

static assay_status run(const tok_step *step, const tok_list *in, tok_matches *scratch,
                        tok_list *out)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < in->count && status == ASSAY_OK; i++) {
        tok_item item = in->items[i];
        const char *text = in->text.data + item.start;
        size_t size = item.end - item.start;
        if (item.id >= 0)
            assay_tok_add(out, text, size, item.id, false);
        else
            status = step->type->split(step, text, size, item.first, scratch, out);
    }
    return status == ASSAY_OK ? assay_tok_check(&out->text) : status;
}

assay_status assay_tok_pre_tokenize(const tok_steps *steps, tok_matches *scratch, tok_list *list)
{
    assay_status status = ASSAY_OK;
    tok_list next = { .text.limit = list->text.limit };
    for (size_t i = 0; i < steps->count && status == ASSAY_OK; i++) {
        assay_tok_clear(&next);
        status = run(&steps->items[i], list, scratch, &next);
        tok_list swap = *list;
        *list = next;
        next = swap;
    }
    assay_tok_list_free(&next);
    return status;
}
