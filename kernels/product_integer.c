/* SPDX-License-Identifier: Apache-2.0 */
/* Operands as integers of 16 or 8 bits in words of 32, as the loops for integers take them:
 * docs/kernels-product.md, section 4. */
#include <omp.h>
#include <string.h>

#include "kernels/product_parts.h"
#include "kernels/storage.h"

/* Vectors of a block of k that are made words of at a time, and terms of columns that lie apart. */
enum { GROUP = 16, STRIP = 64 };

size_t assay_product_per_word(const product *d)
{
    return d->words == ASSAY_WORDS_VNNI_QUADS ? 4 : 2;
}

size_t assay_product_row_words(const product *d, const work *w)
{
    size_t per_word = assay_product_per_word(d);
    return (w->k + per_word - 1) / per_word;
}

/* Words of `count` vectors, each INTEGER_WORDS from the one before, to [words][apart]: 16 of each
 * at a time, which are a line. */
static void interleave(size_t count, size_t words, const uint32_t *from, uint32_t *to, size_t apart)
{
    for (size_t first = 0; first < words; first += GROUP) {
        size_t end = words - first < GROUP ? words : first + GROUP;
        for (size_t j = 0; j < count; j++)
            for (size_t p = first; p < end; p++)
                to[p * apart + j] = from[j * INTEGER_WORDS + p];
    }
}

/* k terms of one vector into its words, of which the last may have room. */
static int32_t narrow(const product *d, bool single, size_t k, double scale, int raise,
                      const void *x, uint32_t *words)
{
    size_t per_word = assay_product_per_word(d);
    words[(k - 1) / per_word] = 0;
    return d->table->narrow[single][per_word == 4](k, scale, raise, x, words);
}

/* Bytes of A are raised by 128, and sums of columns take that off again. */
static int raise_of(const product *d)
{
    return d->words == ASSAY_WORDS_VNNI_QUADS ? 128 : 0;
}

void assay_product_integer_rows(const product *d, const work *w, size_t first, size_t rows,
                                uint32_t *words)
{
    uint32_t own[ASSAY_TILE_ROWS * INTEGER_WORDS];
    for (size_t i = 0; i < rows; i++)
        (void)narrow(d, false, w->k, d->scale_a, raise_of(d),
                     d->a + (w->row + first + i) * d->lda + w->from, own + i * INTEGER_WORDS);
    interleave(rows, assay_product_row_words(d, w), own, words, rows);
}

/* A group of columns whose terms lie side by side. */
static void narrow_columns(const product *d, const work *w, size_t column, size_t count,
                           uint32_t *own, uint32_t *start)
{
    bool single = d->b->storage == ASSAY_STORAGE_F32;
    const unsigned char *data = (const unsigned char *)d->b->data;
    for (size_t j = 0; j < count; j++) {
        size_t at = w->from + (column + j) * d->b->column_stride;
        int32_t sum = narrow(d, single, w->k, d->scale_b, 0,
                             data + at * storage_bytes(d->b->storage), own + j * INTEGER_WORDS);
        start[j] = (uint32_t)(-raise_of(d) * sum);
    }
}

/* The same of any other, by way of doubles [terms][count]. */
static void narrow_others(const product *d, const work *w, size_t column, size_t count,
                          double *strip, uint32_t *own, uint32_t *start)
{
    double terms[STRIP];
    size_t per_word = assay_product_per_word(d);
    for (size_t p = 0, n; p < w->k; p += n) {
        n = w->k - p < STRIP ? w->k - p : STRIP;
        assay_pack_columns(d->b, w->from + p, n, column, count, count, strip);
        assay_pack_round(d->b, n * count, strip);
        for (size_t j = 0; j < count; j++) {
            for (size_t q = 0; q < n; q++)
                terms[q] = strip[q * count + j];
            int32_t sum =
                narrow(d, false, n, d->scale_b, 0, terms, own + j * INTEGER_WORDS + p / per_word);
            start[j] += (uint32_t)(-raise_of(d) * sum);
        }
    }
}

void *assay_product_integer_panel(const product *d, const work *w, size_t column, size_t count,
                                  double *panel)
{
    uint32_t *start = (uint32_t *)panel, *words = start + d->width;
    double *strip = panel + (INTEGER_WORDS + 1) * ASSAY_TILE_COLUMNS / 2;
    uint32_t *own = (uint32_t *)(strip + STRIP * GROUP);
    size_t row_words = assay_product_row_words(d, w);
    bool rounds = d->b->round && !d->b->round->identity;
    memset(start, 0, d->width * (count < d->width ? row_words + 1 : 1) * sizeof *start);
    for (size_t j = 0, n; j < count; j += n) {
        n = count - j < GROUP ? count - j : GROUP;
        if (!rounds && assay_has_columns(d->b))
            narrow_columns(d, w, column + j, n, own, start + j);
        else
            narrow_others(d, w, column + j, n, strip, own, start + j);
        interleave(n, row_words, own, words + j, d->width);
    }
    return panel;
}
