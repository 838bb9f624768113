/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/tokenizer_parts.h"

/* Every decoder has the parameters of tok_type's slot: a list of pieces becomes another. */
#define DECODER const tok_step *step, const tok_list *in, tok_matches *scratch, tok_list *out

static const char *text_of(const tok_list *list, size_t i, size_t *size)
{
    *size = list->items[i].end - list->items[i].start;
    return list->text.data ? list->text.data + list->items[i].start : "";
}

/* All pieces become one text, because a character may be spread over several of them. */
static assay_status byte_level(DECODER)
{
    (void)step, (void)scratch;
    tok_bytes bytes = { 0 };
    for (size_t i = 0; i < in->count; i++) {
        size_t size;
        const char *piece = text_of(in, i, &size);
        assay_tok_put_from_alphabet(&bytes, piece, size);
    }
    assay_status status = assay_tok_check(&bytes);
    size_t start = out->text.size;
    if (status == ASSAY_OK)
        assay_tok_put_lossy(&out->text, bytes.data, bytes.size);
    assay_tok_close(out, start, -1, false);
    free(bytes.data);
    return status;
}

static assay_status replace(DECODER)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < in->count && status == ASSAY_OK; i++) {
        size_t size, start = out->text.size;
        const char *piece = text_of(in, i, &size);
        if (size > 0)
            status = assay_tok_replace(step, piece, size, scratch, &out->text);
        assay_tok_close(out, start, -1, false);
    }
    return status;
}

/* A run of byte pieces is one text if it is UTF-8, else a U+FFFD for each byte. */
static void put_run(const tok_bytes *run, tok_list *out)
{
    if (assay_tok_utf8_valid(run->data, run->size) == run->size) {
        assay_tok_add(out, run->data, run->size, -1, false);
        return;
    }
    for (size_t i = 0; i < run->size; i++)
        assay_tok_add(out, "\xef\xbf\xbd", 3, -1, false);
}

static assay_status byte_fallback(DECODER)
{
    (void)step, (void)scratch;
    tok_bytes run = { 0 };
    for (size_t i = 0; i < in->count; i++) {
        size_t size;
        const char *piece = text_of(in, i, &size);
        int byte = assay_tok_fallback_byte(piece, size);
        if (byte < 0) {
            if (run.size)
                put_run(&run, out);
            run.size = 0;
            assay_tok_add(out, piece, size, -1, false);
        } else {
            char c = (char)byte;
            assay_tok_put(&run, &c, 1);
        }
    }
    if (run.size)
        put_run(&run, out);
    assay_status status = assay_tok_check(&run);
    free(run.data);
    return status;
}

static assay_status fuse(DECODER)
{
    (void)step, (void)scratch;
    assay_tok_add(out, in->text.data, in->text.size, -1, false);
    return ASSAY_OK;
}

static assay_status strip(DECODER)
{
    (void)scratch;
    for (size_t i = 0; i < in->count; i++) {
        size_t size, start = 0, next = 0;
        const char *piece = text_of(in, i, &size);
        for (size_t n = 0; n < step->start && next < size; n++) {
            if (assay_tok_next(piece, size, &next) != step->character)
                break;
            start = next;
        }
        size_t end = size, previous = size;
        for (size_t n = 0; n < step->stop && end > start; n++) {
            if (assay_tok_previous(piece, end, &previous) != step->character)
                break;
            end = previous;
        }
        assay_tok_add(out, piece + start, end - start, -1, false);
    }
    return ASSAY_OK;
}

static assay_status parse_strip(tok_where *where, const json_t *object, tok_step *out)
{
    assay_status status = assay_tok_character(where, object, "content", &out->character);
    if (status == ASSAY_OK)
        status = assay_tok_size(where, object, "start", &out->start);
    if (status == ASSAY_OK)
        status = assay_tok_size(where, object, "stop", &out->stop);
    return status;
}

/* The first piece loses the mark that the encoder prepended to the text. */
static void put_unmarked(const tok_step *step, const char *piece, size_t size, bool first,
                         tok_bytes *out)
{
    for (size_t at = 0; at < size;) {
        int32_t c = assay_tok_next(piece, size, &at);
        if (c != step->character)
            assay_tok_put_char(out, c);
        else if (!first || step->prepend == TOK_NEVER)
            assay_tok_put(out, " ", 1);
    }
}

static assay_status metaspace(DECODER)
{
    (void)scratch;
    for (size_t i = 0; i < in->count; i++) {
        size_t size, start = out->text.size;
        const char *piece = text_of(in, i, &size);
        put_unmarked(step, piece, size, i == 0, &out->text);
        assay_tok_close(out, start, -1, false);
    }
    return ASSAY_OK;
}

static const tok_type types[] = {
    { .name = "ByteLevel", .parse = assay_tok_parse_nothing, .decode = byte_level },
    { .name = "Replace", .parse = assay_tok_parse_replace, .decode = replace },
    { .name = "ByteFallback", .parse = assay_tok_parse_nothing, .decode = byte_fallback },
    { .name = "Fuse", .parse = assay_tok_parse_nothing, .decode = fuse },
    { .name = "Strip", .parse = parse_strip, .decode = strip },
    { .name = "Metaspace", .parse = assay_tok_parse_metaspace, .decode = metaspace },
};

const tok_role assay_tok_decoders = {
    .field = "decoder",
    .list = "decoders",
    .types = types,
    .count = sizeof types / sizeof types[0],
};

assay_status assay_tok_decode(const tok_steps *steps, tok_matches *scratch, tok_list *list)
{
    assay_status status = ASSAY_OK;
    tok_list next = { .text.limit = list->text.limit };
    for (size_t i = 0; i < steps->count && status == ASSAY_OK; i++) {
        assay_tok_clear(&next);
        status = steps->items[i].type->decode(&steps->items[i], list, scratch, &next);
        if (status == ASSAY_OK)
            status = assay_tok_check(&next.text);
        tok_list swap = *list;
        *list = next;
        next = swap;
    }
    assay_tok_list_free(&next);
    return status;
}

/* What one decoder makes of a piece that is neither the first nor the last. */
static assay_status bytes_of(const tok_step *step, const char *text, size_t size,
                             tok_matches *scratch, tok_bytes *out)
{
    int byte = assay_tok_fallback_byte(text, size);
    if (step->type->decode == byte_level) {
        assay_tok_put_from_alphabet(out, text, size);
    } else if (step->type->decode == byte_fallback && byte >= 0) {
        char c = (char)byte;
        assay_tok_put(out, &c, 1);
    } else if (step->type->decode == metaspace) {
        put_unmarked(step, text, size, false, out);
    } else if (step->type->decode == replace && size > 0) {
        return assay_tok_replace(step, text, size, scratch, out);
    } else {
        assay_tok_put(out, text, size);
    }
    return ASSAY_OK;
}

/* Once a step has made bytes which are not a text, later steps leave them alone. */
assay_status assay_tok_piece_bytes(const tok_steps *steps, const char *piece, tok_bytes *out)
{
    tok_bytes from = { 0 }, to = { 0 };
    tok_matches scratch = { 0 };
    assay_tok_put(&from, piece, strlen(piece));
    assay_status status = assay_tok_check(&from);
    for (size_t i = 0; i < steps->count && status == ASSAY_OK; i++) {
        const char *text = from.data ? from.data : "";
        if (assay_tok_utf8_valid(text, from.size) != from.size)
            break;
        to.size = 0;
        status = bytes_of(&steps->items[i], text, from.size, &scratch, &to);
        if (status == ASSAY_OK)
            status = assay_tok_check(&to);
        tok_bytes swap = from;
        from = to;
        to = swap;
    }
    if (status == ASSAY_OK)
        assay_tok_put(out, from.data, from.size);
    assay_tok_matches_free(&scratch);
    free(from.data);
    free(to.data);
    return status;
}
