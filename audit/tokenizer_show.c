/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens as a reader of a report sees them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "audit/tokenizer_parts.h"

/* Letters, marks, numbers, punctuation and symbols; not separators, controls, formats (which
 * could turn a line around), private ones and those that are not assigned. */
static bool is_printable(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_SO;
}

/* One character, or a byte that is none, in printable form; returns the bytes read. */
static size_t print_character(const char *text, size_t size, char out[16])
{
    int32_t c = 0;
    int length = assay_tok_utf8(text, size, &c);
    if (length < 0) {
        snprintf(out, 16, "\\x%02X", (unsigned)(unsigned char)text[0]);
        return 1;
    }
    if (c == ' ')
        snprintf(out, 16, "\xe2\x90\xa3");
    else if (c == '\n' || c == '\t' || c == '\r')
        snprintf(out, 16, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
    else if (c == '\\')
        snprintf(out, 16, "\\\\");
    else if (is_printable(c))
        snprintf(out, 16, "%.*s", length, text);
    else
        snprintf(out, 16, "\\u{%X}", (unsigned)c);
    return (size_t)length;
}

void assay_tokenizer_show(const assay_tokenizer *tokenizer, int32_t id,
                          char out[ASSAY_TOKEN_TEXT_BYTES])
{
    static const char more[] = "\xe2\x80\xa6";
    const char *piece = assay_tokenizer_piece(tokenizer, id);
    tok_bytes bytes = { 0 };
    size_t used = 0, at = 0, room = ASSAY_TOKEN_TEXT_BYTES - sizeof more;
    bool special = assay_tok_added_of(&tokenizer->added, id) != NULL;
    if (piece && special)
        assay_tok_put(&bytes, piece, strlen(piece));
    else if (piece && assay_tok_piece_bytes(&tokenizer->decoder, piece, &bytes) != ASSAY_OK)
        bytes.size = 0;
    while (at < bytes.size) {
        char shown[16];
        size_t read = print_character(bytes.data + at, bytes.size - at, shown);
        size_t length = strlen(shown);
        if (used + length > room) {
            memcpy(out + used, more, sizeof more - 1);
            used += sizeof more - 1;
            break;
        }
        memcpy(out + used, shown, length);
        used += length;
        at += read;
    }
    out[used] = 0;
    free(bytes.data);
    if (used == 0)
        snprintf(out, ASSAY_TOKEN_TEXT_BYTES, "[%d]", (int)id);
}

assay_status assay_tokenizer_context(const assay_tokenizer *tokenizer, const int32_t *ids,
                                     size_t count, size_t at, size_t around, char **text)
{
    tok_bytes out = { 0 };
    size_t from = at > around ? at - around : 0;
    size_t to = around < count && at + 1 < count - around ? at + 1 + around : count;
    for (size_t i = from; i < to; i++) {
        char shown[ASSAY_TOKEN_TEXT_BYTES];
        assay_tokenizer_show(tokenizer, ids[i], shown);
        assay_tok_put(&out, "\xe2\x9f\xa6", i == at ? 3 : 0);
        assay_tok_put(&out, shown, strlen(shown));
        assay_tok_put(&out, "\xe2\x9f\xa7", i == at ? 3 : 0);
    }
    assay_tok_put(&out, "", 1);
    assay_status status = assay_tok_check(&out);
    if (status == ASSAY_OK)
        *text = out.data;
    else
        free(out.data);
    return status;
}
