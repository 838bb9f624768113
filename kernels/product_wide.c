/* SPDX-License-Identifier: Apache-2.0 */
/* The products in double-double: the evaluation that the reference's own error is measured by;
 * docs/kernels-product.md, 5. */
#include <omp.h>
#include <string.h>

#include "kernels/product_parts.h"
#include "numerics/bits.h"

/* A product of pairs; d.a, d.b and d.out are the high words. */
typedef struct wide_product {
    product d;
    const double *a_lo;
    const assay_operand *b_lo; /* NULL: zero */
    double *out_lo;
} wide_product;

/* Terms from .. from + k - 1 of a panel: B's words, A's pairs. */
typedef struct wide_panel {
    double *b_hi, *b_lo, *pairs;
    size_t column, count, from, k;
} wide_panel;

static void pack_pairs(const wide_product *w, const wide_panel *x, size_t i)
{
    size_t at = i * w->d.lda + x->from;
    for (size_t p = 0; p < x->k; p++) {
        x->pairs[2 * p] = w->d.a[at + p];
        x->pairs[2 * p + 1] = w->a_lo ? w->a_lo[at + p] : 0;
    }
}

static void run_row(const wide_product *w, const wide_panel *x, size_t i)
{
    double hi[ASSAY_TILE_COLUMNS] = { 0 }, lo[ASSAY_TILE_COLUMNS] = { 0 };
    size_t at = i * w->d.ldo + x->column, bytes = x->count * sizeof(double);
    pack_pairs(w, x, i);
    if (x->from > 0) {
        memcpy(hi, w->d.out + at, bytes);
        memcpy(lo, w->out_lo + at, bytes);
    }
    w->d.table->wide(x->k, x->pairs, x->b_hi, x->b_lo, hi, lo);
    memcpy(w->d.out + at, hi, bytes);
    memcpy(w->out_lo + at, lo, bytes);
}

static void run_panel(const wide_product *w, double *space, size_t column)
{
    size_t width = w->d.table->columns, most = ASSAY_TILE_DEPTH * width;
    wide_panel x = { .b_hi = space, .pairs = space + 2 * most, .column = column };
    x.count = w->d.n - column < width ? w->d.n - column : width;
    for (; x.from < w->d.k; x.from += x.k) {
        x.k = w->d.k - x.from < ASSAY_TILE_DEPTH ? w->d.k - x.from : ASSAY_TILE_DEPTH;
        assay_pack_columns(w->d.b, x.from, x.k, column, x.count, width, x.b_hi);
        assay_pack_round(w->d.b, x.k * width, x.b_hi);
        if (w->b_lo) {
            x.b_lo = space + most;
            assay_pack_columns(w->b_lo, x.from, x.k, column, x.count, width, x.b_lo);
        }
        for (size_t i = 0; i < w->d.m; i++)
            run_row(w, &x, i);
    }
}

/* Infinities leave NaN in error-free transforms: those sums are what binary64 makes of them,
 * for which only kinds of terms matter. */
static void mend_specials(const wide_product *w, size_t i, size_t j)
{
    const product *d = &w->d;
    double sum = 0;
    for (size_t p = 0; p < d->k; p++) {
        double b;
        assay_pack_columns(d->b, p, 1, j, 1, 1, &b);
        assay_pack_round(d->b, 1, &b);
        sum = sum + d->a[i * d->lda + p] * b;
    }
    d->out[i * d->ldo + j] = sum == sum ? sum : assay_from_bits64(0x7ff8000000000000);
    w->out_lo[i * d->ldo + j] = 0;
}

void assay_product_wide(size_t m, size_t n, size_t k, const double *a_hi, const double *a_lo,
                        size_t lda, const assay_operand *b_hi, const double *b_lo, double *out_hi,
                        double *out_lo, size_t ldo, void *workspace)
{
    assay_operand low = { b_lo, ASSAY_STORAGE_F64, b_hi->row_stride, b_hi->column_stride, NULL };
    wide_product w = { .d = { .table = assay_product_table(),
                              .m = m,
                              .n = n,
                              .k = k,
                              .a = a_hi,
                              .lda = lda,
                              .b = b_hi,
                              .out = out_hi,
                              .ldo = ldo },
                       .a_lo = a_lo,
                       .b_lo = b_lo ? &low : NULL,
                       .out_lo = out_lo };
    double *space = assay_product_work(&w.d, 0, 0, workspace).panels;
    for (size_t i = 0; i < m; i++) {
        memset(out_hi + i * ldo, 0, n * sizeof *out_hi);
        memset(out_lo + i * ldo, 0, n * sizeof *out_lo);
    }
#pragma omp parallel for schedule(static) if (m * n * k >= PARALLEL_TERMS)
    for (size_t j = 0; j < n; j += w.d.table->columns)
        run_panel(&w, space + (size_t)omp_get_thread_num() * PANEL_DOUBLES, j);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            if (!(out_hi[i * ldo + j] - out_hi[i * ldo + j] == 0))
                mend_specials(&w, i, j);
}
