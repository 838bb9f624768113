/* SPDX-License-Identifier: Apache-2.0 */
/* Exact products of operands cut into slices, so few bits each that sums of products of slices are
 * binary64; the sums of all pairs of slices make one exact pair. docs/kernels-product.md, 4. */
#include <limits.h>
#include <omp.h>
#include <string.h>

#include "kernels/exact_sum.h"
#include "kernels/product_parts.h"
#include "numerics/exact.h"
#include "rounding/feedback_strip.h"

enum { MOST = 3, ROWS = 128 }; /* slices of an operand; rows cut at a time */

size_t assay_product_sliced_doubles(size_t k, size_t threads)
{
    size_t rows = MOST * ROWS * k, columns = MOST * ASSAY_TILE_COLUMNS / 2 * k;
    size_t sums = MOST * MOST * ASSAY_TILE_ROWS * ASSAY_TILE_COLUMNS / 2;
    return rows + threads * ((columns + sums + 7) / 8 * 8) + 8;
}

/* Bits of a slice but the last, how many there are, and the constant that rounds to the first. */
typedef struct cutting {
    int count, bits;
    double first;
} cutting;

typedef struct slicing {
    const product *d;
    cutting a, b;
    double *rows, *space;    /* slices of a block of rows [slice][tile][k][rows of a tile] */
    size_t row, tiles, each; /* the block's first row; doubles of a thread's space         */
} slicing;

static int slices_for(int span, int count)
{
    return (span + count - 1) / count;
}

static cutting cut_into(const assay_product_extent *x, int count)
{
    int bits = slices_for(x->top - x->unit, count);
    return (cutting){ count, bits, 1.5 * assay_pow2(52 + x->top - bits) };
}

/* The fewest products of slices whose sums of k terms have at most 53 bits. */
static bool choose(slicing *s, const assay_product_extent *a, const assay_product_extent *b)
{
    int best = INT_MAX;
    if (!a->finite || !b->finite || a->unit == INT_MAX || b->unit == INT_MAX || a->top > 400 ||
        b->top > 400 || a->unit < -400 || b->unit < -400)
        return false;
    int span_a = a->top - a->unit, span_b = b->top - b->unit;
    int terms = 64 - __builtin_clzll((uint64_t)s->d->k);
    if (span_a + span_b + terms > 100)
        return false;
    for (int i = 1; i <= MOST; i++)
        for (int j = 1; j <= MOST; j++)
            if (slices_for(span_a, i) + slices_for(span_b, j) + terms <= 53 && i * j < best) {
                best = i * j;
                s->a = cut_into(a, i);
                s->b = cut_into(b, j);
            }
    return best < INT_MAX;
}

/* x[n] in slices, `apart` doubles from one to the next: each but the last rounded to its unit. */
static void cut(const cutting *c, size_t n, double *x, size_t apart)
{
    double magic = c->first, down = assay_pow2(-c->bits);
    for (int s = 0; s + 1 < c->count; s++, magic *= down) {
        double *slice = x + (size_t)s * apart, *rest = slice + apart;
        for (size_t i = 0; i < n; i++) {
            double whole = slice[i], part = (whole + magic) - magic;
            slice[i] = part;
            rest[i] = whole - part;
        }
    }
}

static size_t tile_rows(const slicing *s, size_t index)
{
    size_t first = s->row + index * s->d->table->rows, left = s->d->m - first;
    return left < s->d->table->rows ? left : s->d->table->rows;
}

static double *tile_slice(const slicing *s, int slice, size_t index)
{
    return s->rows + ((size_t)slice * s->tiles + index) * s->d->table->rows * s->d->k;
}

static void cut_tile(const slicing *s, size_t index)
{
    const product *d = s->d;
    size_t rows = tile_rows(s, index), first = s->row + index * d->table->rows;
    double *out = tile_slice(s, 0, index);
    for (size_t i = 0; i < rows; i++)
        for (size_t p = 0; p < d->k; p++)
            out[p * rows + i] = d->a[(first + i) * d->lda + p];
    cut(&s->a, rows * d->k, out, s->tiles * d->table->rows * d->k);
}

/* ---- sums ---- */

/* The sums of one pair of slices, [rows][columns]. */
static void sum_slices(const product *d, size_t rows, const double *a, const double *b, double *c)
{
    size_t width = d->table->columns;
    memset(c, 0, rows * width * sizeof *c);
    for (size_t p = 0, n; p < d->k; p += n) {
        n = d->k - p < ASSAY_TILE_DEPTH ? d->k - p : ASSAY_TILE_DEPTH;
        if (d->table->fma32)
            d->table->fma64(rows, n, a + p * rows, b + p * width, c, width);
        else
            d->table->reference(rows, n, a + p * rows, b + p * width, c, width);
    }
}

/* The sum of `count` numbers, `apart` from each other: exactly hi + lo, hi = RN(hi + lo). */
ASSAY_INLINE assay_dd pair_of(const double *x, int count, size_t apart)
{
    double high = x[0], low = 0;
    for (int q = 1; q < count; q++) {
        assay_dd t = assay_two_sum(high, x[(size_t)q * apart]);
        high = t.hi;
        low += t.lo;
    }
    return assay_two_sum(high, low);
}

static double round_pair(const product *d, assay_dd sum, size_t i, size_t j)
{
    assay_superaccumulator s;
    assay_superaccumulator_clear(&s);
    assay_superaccumulator_add(&s, sum.hi != 0 ? sum.hi : assay_product_zero(d, i, j));
    if (sum.lo != 0)
        assay_superaccumulator_add(&s, sum.lo);
    if (product_c(d, i, j))
        assay_superaccumulator_add(&s, *product_c(d, i, j));
    return assay_product_round(d, assay_exact_sum(&s, d->acc->round.mode), i, j);
}

static void finish_row(const product *d, const double *sums, int count, size_t i, size_t column,
                       size_t columns)
{
    const assay_rounder *r = &d->acc->round;
    const size_t apart = ASSAY_TILE_ROWS * ASSAY_TILE_COLUMNS / 2;
    double *out = d->out + i * d->ldo + column;
    bool nearest = r->identity && r->mode == ASSAY_RNE;
    bool quick = !d->more->c && !assay_mode_is_stochastic(r->mode) && (nearest || d->has_lanes);
    for (size_t j = 0; j < columns; j++) {
        assay_dd sum = pair_of(sums + j, count, apart);
        if (!quick || sum.hi == 0)
            out[j] = round_pair(d, sum, i, column + j);
        else if (nearest)
            out[j] = sum.hi;
        else
            out[j] = assay_from_bits64(assay_feedback_odd(sum.hi, sum.lo));
    }
    if (quick && !nearest)
        d->table->round[r->mode](&d->lanes, columns, out);
}

static void run_panel(const slicing *s, size_t column)
{
    const product *d = s->d;
    size_t width = d->table->columns, items = width * d->k;
    size_t columns = d->n - column < width ? d->n - column : width;
    double *b = s->space + (size_t)omp_get_thread_num() * s->each, *sums = b + MOST * items;
    const size_t apart = ASSAY_TILE_ROWS * ASSAY_TILE_COLUMNS / 2;
    assay_product_pack(d, column, columns, b);
    cut(&s->b, items, b, items);
    for (size_t index = 0; index < s->tiles; index++) {
        size_t rows = tile_rows(s, index), first = s->row + index * d->table->rows;
        for (int i = 0; i < s->a.count; i++)
            for (int j = 0; j < s->b.count; j++)
                sum_slices(d, rows, tile_slice(s, i, index), b + (size_t)j * items,
                           sums + (size_t)(i * s->b.count + j) * apart);
        for (size_t i = 0; i < rows; i++)
            finish_row(d, sums + i * width, s->a.count * s->b.count, first + i, column, columns);
    }
}

bool assay_product_sliced(const product *d, const assay_product_extent *a,
                          const assay_product_extent *b, double *space)
{
    slicing s = { .d = d, .rows = space, .space = space + MOST * ROWS * d->k };
    if (!choose(&s, a, b))
        return false;
    s.each = (MOST * d->table->columns * d->k +
              MOST * MOST * ASSAY_TILE_ROWS * ASSAY_TILE_COLUMNS / 2 + 7) /
             8 * 8;
    for (; s.row < d->m; s.row += ROWS) {
        size_t left = d->m - s.row < ROWS ? d->m - s.row : ROWS;
        s.tiles = (left + d->table->rows - 1) / d->table->rows;
#pragma omp parallel if (d->parallel)
        {
#pragma omp for schedule(static)
            for (size_t i = 0; i < s.tiles; i++)
                cut_tile(&s, i);
#pragma omp for schedule(static)
            for (size_t j = 0; j < d->n; j += d->table->columns)
                run_panel(&s, j);
        }
    }
    return true;
}
