/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/tokenizer_parts.h"

/* GPT-2's alphabet: a byte that is a printable Latin-1 character stands for itself, the other 68
 * are numbered from U+0100 in ascending order. */
static bool is_itself(int byte)
{
    return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
}

static int32_t letter_of(int byte)
{
    if (is_itself(byte))
        return byte;
    /* Bytes below that are not themselves: 00-20, 7f-a0, ad. */
    int before = byte <= 0x20 ? byte : byte <= 0xa0 ? 0x21 + byte - 0x7f : 0x21 + 0x22;
    return 0x100 + before;
}

static int byte_of(int32_t letter)
{
    if (letter < 0x100)
        return is_itself(letter) ? letter : -1;
    int32_t n = letter - 0x100;
    if (n > 0x21 + 0x22)
        return -1;
    return n <= 0x20 ? n : n < 0x21 + 0x22 ? n - 0x21 + 0x7f : 0xad;
}

void assay_tok_put_alphabet(tok_bytes *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        assay_tok_put_char(out, letter_of((unsigned char)text[i]));
}

void assay_tok_put_from_alphabet(tok_bytes *out, const char *piece, size_t size)
{
    size_t mark = out->size;
    for (size_t at = 0; at < size;) {
        int byte = byte_of(assay_tok_next(piece, size, &at));
        if (byte < 0) {
            out->size = mark;
            assay_tok_put(out, piece, size);
            return;
        }
        char c = (char)byte;
        assay_tok_put(out, &c, 1);
    }
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int assay_tok_fallback_byte(const char *piece, size_t size)
{
    if (size != 6 || piece[0] != '<' || piece[1] != '0' || piece[2] != 'x' || piece[5] != '>')
        return -1;
    int high = hex(piece[3]), low = hex(piece[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}
