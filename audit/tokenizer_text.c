/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/tokenizer_parts.h"

void *assay_tok_grow(void *data, size_t *room, size_t need, size_t item)
{
    if (data && need <= *room)
        return data;
    size_t grown = *room > SIZE_MAX / 2 ? need : *room * 2;
    grown = grown < need ? need : grown;
    grown = grown < 16 ? 16 : grown;
    if (grown > PTRDIFF_MAX / item)
        return NULL;
    void *moved = realloc(data, grown * item);
    if (moved)
        *room = grown;
    return moved;
}

void assay_tok_put(tok_bytes *out, const char *text, size_t size)
{
    if (out->failed || out->limited || size == 0)
        return;
    if (out->limit && size > out->limit - out->size) {
        out->limited = true;
        return;
    }
    char *data = assay_tok_grow(out->data, &out->room, out->size + size, 1);
    out->failed = !data;
    if (!data)
        return;
    out->data = data;
    memcpy(data + out->size, text, size);
    out->size += size;
}

void assay_tok_put_char(tok_bytes *out, int32_t c)
{
    char b[4];
    uint32_t u = (uint32_t)c;
    int extra = u < 0x80 ? 0 : u < 0x800 ? 1 : u < 0x10000 ? 2 : 3;
    static const unsigned char lead[4] = { 0, 0xc0, 0xe0, 0xf0 };
    b[0] = (char)(lead[extra] | u >> (6 * extra));
    for (int i = 1; i <= extra; i++)
        b[i] = (char)(0x80 | (u >> (6 * (extra - i)) & 0x3f));
    assay_tok_put(out, b, (size_t)extra + 1);
}

assay_status assay_tok_check(const tok_bytes *text)
{
    if (text->limited)
        return assay_fail(ASSAY_ERR_INPUT,
                          "text: the tokenizer's rules make it longer than %zu bytes", text->limit);
    return text->failed ? assay_tok_no_memory() : ASSAY_OK;
}

void assay_tok_close(tok_list *list, size_t start, int32_t id, bool first)
{
    tok_item *items = assay_tok_grow(list->items, &list->room, list->count + 1, sizeof *items);
    if (!items) {
        list->text.failed = true;
        return;
    }
    list->items = items;
    items[list->count++] =
        (tok_item){ .start = start, .end = list->text.size, .id = id, .first = first };
}

void assay_tok_add(tok_list *list, const char *text, size_t size, int32_t id, bool first)
{
    size_t start = list->text.size;
    assay_tok_put(&list->text, text, size);
    assay_tok_close(list, start, id, first);
}

void assay_tok_clear(tok_list *list)
{
    list->text.size = 0;
    list->count = 0;
}

void assay_tok_list_free(tok_list *list)
{
    free(list->text.data);
    free(list->items);
    *list = (tok_list){ 0 };
}

/* Length of the character that a lead byte announces, and the range of its second byte: the
 * table of well-formed sequences in the Unicode standard, section 3.9. */
static int announced(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    *high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

int assay_tok_utf8(const char *text, size_t size, int32_t *c)
{
    const unsigned char *b = (const unsigned char *)text;
    unsigned char low, high;
    int length = announced(b[0], &low, &high);
    if (length <= 1) {
        *c = b[0];
        return length ? 1 : -1;
    }
    int32_t value = b[0] & (0x7f >> length);
    for (int i = 1; i < length; i++) {
        if ((size_t)i >= size || b[i] < low || b[i] > high)
            return -i;
        value = value << 6 | (b[i] & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    *c = value;
    return length;
}

int32_t assay_tok_next(const char *text, size_t size, size_t *at)
{
    int32_t c = 0;
    int length = assay_tok_utf8(text + *at, size - *at, &c);
    *at += (size_t)(length < 0 ? -length : length);
    return c;
}

int32_t assay_tok_previous(const char *text, size_t at, size_t *start)
{
    size_t from = at - 1;
    while (from > 0 && ((unsigned char)text[from] & 0xc0) == 0x80)
        from--;
    *start = from;
    return assay_tok_next(text, at, &from);
}

size_t assay_tok_utf8_valid(const char *text, size_t size)
{
    int32_t c;
    for (size_t at = 0; at < size;) {
        int length = assay_tok_utf8(text + at, size - at, &c);
        if (length < 0)
            return at;
        at += (size_t)length;
    }
    return size;
}

void assay_tok_put_lossy(tok_bytes *out, const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        size_t good = assay_tok_utf8_valid(text + at, size - at);
        assay_tok_put(out, text + at, good);
        at += good;
        if (at == size)
            break;
        int32_t c;
        at += (size_t)-assay_tok_utf8(text + at, size - at, &c);
        assay_tok_put_char(out, 0xfffd);
    }
}

bool assay_tok_is_space(int32_t c)
{
    return (c >= 9 && c <= 0xd) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}
