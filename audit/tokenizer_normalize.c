/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "audit/tokenizer_parts.h"

/* Every normalizer has the parameters of tok_type's slot. *first is cleared where the text's own
 * first character goes: a later Metaspace asks for it. */
#define NORMALIZER                                                                          \
    const tok_step *step, const char *text, size_t size, bool *first, tok_matches *scratch, \
        tok_bytes *out

static assay_status prepend(NORMALIZER)
{
    (void)first, (void)scratch;
    if (size > 0)
        assay_tok_put(out, step->content, strlen(step->content));
    assay_tok_put(out, text, size);
    return ASSAY_OK;
}

static assay_status parse_prepend(tok_where *where, const json_t *object, tok_step *out)
{
    const char *content = NULL;
    assay_status status = assay_tok_string(where, object, "prepend", TOK_REQUIRED, &content);
    if (status != ASSAY_OK)
        return status;
    out->content = strdup(content);
    return out->content ? ASSAY_OK : assay_tok_no_memory();
}

static assay_status replace(NORMALIZER)
{
    assay_status status = assay_tok_replace(step, text, size, scratch, out);
    if (status == ASSAY_OK && !step->content[0] && scratch->items[0].hit &&
        scratch->items[0].end > 0)
        *first = false;
    return status;
}

static assay_status compose(const char *text, size_t size, int options, tok_bytes *out)
{
    utf8proc_uint8_t *result = NULL;
    utf8proc_ssize_t length = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)size,
                                           &result, (utf8proc_option_t)(options | UTF8PROC_STABLE));
    if (length < 0)
        return length == UTF8PROC_ERROR_NOMEM
                   ? assay_tok_no_memory()
                   : assay_fail(ASSAY_ERR_INPUT, "text: cannot be normalised: %s",
                                utf8proc_errmsg(length));
    assay_tok_put(out, (const char *)result, (size_t)length);
    free(result);
    return ASSAY_OK;
}

static assay_status nfc(NORMALIZER)
{
    (void)step, (void)first, (void)scratch;
    return compose(text, size, UTF8PROC_COMPOSE, out);
}

static assay_status nfd(NORMALIZER)
{
    (void)step, (void)first, (void)scratch;
    return compose(text, size, UTF8PROC_DECOMPOSE, out);
}

static assay_status nfkc(NORMALIZER)
{
    (void)step, (void)first, (void)scratch;
    return compose(text, size, UTF8PROC_COMPOSE | UTF8PROC_COMPAT, out);
}

static assay_status nfkd(NORMALIZER)
{
    (void)step, (void)first, (void)scratch;
    return compose(text, size, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, out);
}

/* Character by character, without the context of a word: U+0130 is the one character whose full
 * lower case has two. */
static assay_status lowercase(NORMALIZER)
{
    (void)step, (void)first, (void)scratch;
    for (size_t at = 0; at < size;) {
        int32_t c = assay_tok_next(text, size, &at);
        assay_tok_put_char(out, c == 0x130 ? 'i' : utf8proc_tolower(c));
        if (c == 0x130)
            assay_tok_put_char(out, 0x307);
    }
    return ASSAY_OK;
}

static assay_status strip(NORMALIZER)
{
    (void)scratch;
    size_t start = 0, end = size, at = 0;
    while (step->left && at < size && assay_tok_is_space(assay_tok_next(text, size, &at)))
        start = at;
    for (size_t previous = end; step->right && end > start; end = previous)
        if (!assay_tok_is_space(assay_tok_previous(text, end, &previous)))
            break;
    *first = *first && start == 0;
    assay_tok_put(out, text + start, end - start);
    return ASSAY_OK;
}

static assay_status parse_strip(tok_where *where, const json_t *object, tok_step *out)
{
    assay_status status = assay_tok_bool(where, object, "strip_left", TOK_REQUIRED, &out->left);
    if (status == ASSAY_OK)
        status = assay_tok_bool(where, object, "strip_right", TOK_REQUIRED, &out->right);
    return status;
}

static bool is_mark(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
           category == UTF8PROC_CATEGORY_ME;
}

static assay_status strip_accents(NORMALIZER)
{
    (void)step, (void)scratch;
    for (size_t at = 0; at < size;) {
        size_t start = at;
        if (!is_mark(assay_tok_next(text, size, &at)))
            assay_tok_put(out, text + start, at - start);
        else if (start == 0)
            *first = false;
    }
    return ASSAY_OK;
}

static assay_status byte_level(NORMALIZER)
{
    (void)step, (void)first, (void)scratch;
    assay_tok_put_alphabet(out, text, size);
    return ASSAY_OK;
}

static const tok_type types[] = {
    { .name = "Prepend", .parse = parse_prepend, .normalize = prepend },
    { .name = "Replace", .parse = assay_tok_parse_replace, .normalize = replace },
    { .name = "NFC", .parse = assay_tok_parse_nothing, .normalize = nfc },
    { .name = "NFD", .parse = assay_tok_parse_nothing, .normalize = nfd },
    { .name = "NFKC", .parse = assay_tok_parse_nothing, .normalize = nfkc },
    { .name = "NFKD", .parse = assay_tok_parse_nothing, .normalize = nfkd },
    { .name = "Lowercase", .parse = assay_tok_parse_nothing, .normalize = lowercase },
    { .name = "Strip", .parse = parse_strip, .normalize = strip },
    { .name = "StripAccents", .parse = assay_tok_parse_nothing, .normalize = strip_accents },
    { .name = "ByteLevel", .parse = assay_tok_parse_nothing, .normalize = byte_level },
};

const tok_role assay_tok_normalizers = {
    .field = "normalizer",
    .list = "normalizers",
    .types = types,
    .count = sizeof types / sizeof types[0],
};

assay_status assay_tok_normalize(const tok_steps *steps, const char *text, size_t size, bool *first,
                                 tok_matches *scratch, tok_bytes *out)
{
    tok_bytes from = { .limit = out->limit }, to = { .limit = out->limit };
    assay_tok_put(&from, text, size);
    assay_status status = assay_tok_check(&from);
    for (size_t i = 0; i < steps->count && status == ASSAY_OK; i++) {
        const tok_step *step = &steps->items[i];
        to.size = 0;
        status =
            step->type->normalize(step, from.data ? from.data : "", from.size, first, scratch, &to);
        if (status == ASSAY_OK)
            status = assay_tok_check(&to);
        tok_bytes swap = from;
        from = to;
        to = swap;
    }
    if (status == ASSAY_OK)
        assay_tok_put(out, from.data, from.size);
    free(from.data);
    free(to.data);
    return status;
}
