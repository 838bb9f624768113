/* SPDX-License-Identifier: Apache-2.0 */
/* The products: which way a product goes. */
#include "kernels/product.h"

#include <limits.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/product_parts.h"

/* ---- which loop [3] ---- */

static bool is_binary32_rne(const assay_rounder *r)
{
    const assay_format *f = &r->format;
    return f->p == 24 && f->emin == -126 && f->emax == 127 && f->is_signed && f->has_negzero &&
           f->has_subnormals && r->mode == ASSAY_RNE && r->overflow_value[0] == __builtin_inf() &&
           r->overflow_value[1] == -__builtin_inf() && r->infinite_value[0] == __builtin_inf() &&
           r->infinite_value[1] == -__builtin_inf() && r->nan_value != r->nan_value;
}

static bool rows_fit_f32(const product *d)
{
    for (size_t i = 0; i < d->m; i++)
        for (size_t p = 0; p < d->k; p++) {
            double x = d->a[i * d->lda + p];
            if ((double)(float)x != x && x == x)
                return false;
        }
    return true;
}

static way choose_way(product *d)
{
    const assay_accumulator *acc = d->acc;
    bool native = assay_is_native(&acc->round);
    if (acc->kind == ASSAY_SUM_REFERENCE || (native && acc->kind == ASSAY_SUM_UNFUSED))
        return WAY_REFERENCE;
    if (native)
        return WAY_FMA64;
    bool fma32 = d->table->fma32 && acc->kind != ASSAY_SUM_UNFUSED && is_binary32_rne(&acc->round);
    if ((fma32 || assay_product_takes_single(d)) && assay_operand_fits_f32(d->b, d->k, d->n) &&
        rows_fit_f32(d))
        return fma32 ? WAY_FMA32 : WAY_SINGLE;
    return WAY_CHAIN;
}

/* out = C, or zeros. An exact sum takes C at the end. */
static void start(const product *d)
{
    for (size_t i = 0; i < d->m; i++) {
        double *out = d->out + i * d->ldo;
        const double *c = d->acc->kind == ASSAY_SUM_EXACT ? NULL : product_c(d, i, 0);
        if (!c)
            memset(out, 0, d->n * sizeof *out);
        else if (c != out)
            memcpy(out, c, d->n * sizeof *out);
    }
}

/* x86 makes negative NaNs, and lanes carry any. */
static void make_canonical(const product *d)
{
    for (size_t i = 0; i < d->m; i++)
        for (size_t j = 0; j < d->n; j++)
            if (d->out[i * d->ldo + j] != d->out[i * d->ldo + j])
                d->out[i * d->ldo + j] = d->acc->round.nan_value;
}

static bool are_bytes(const assay_product_extent *x, double scale)
{
    return x->least * scale >= INT8_MIN && x->most * scale <= INT8_MAX;
}

/* Integers below 2^15 whose sums over a block of k stay below 2^31 take the loop for pairs. */
static bool takes_integers(product *d, const assay_product_extent *a, const assay_product_extent *b)
{
    if (a->unit == INT_MAX || b->unit == INT_MAX) /* nothing but zeros */
        return false;
    int bits_a = a->top - a->unit, bits_b = b->top - b->unit;
    if (bits_a > 15 || bits_b > 15 || bits_a + bits_b > 22 || abs(a->unit) > 500 ||
        abs(b->unit) > 500)
        return false;
    d->scale_a = assay_pow2(-a->unit);
    d->scale_b = assay_pow2(-b->unit);
    d->words = assay_product_words(d->table, are_bytes(a, d->scale_a) && are_bytes(b, d->scale_b));
    return true;
}

/* Exact sums all of whose partial sums are binary64 take a plain loop: fusing changes nothing then.
 * Returns whether the others still need their rounding, as those do. */
static bool sum_exactly(product *d, void *workspace)
{
    assay_product_extent a, b;
    assay_product_scan(d, workspace, &a, &b);
    if (!assay_product_sums_are_exact(d, &a, &b)) {
        if (!assay_product_sliced(d, &a, &b, assay_product_spaces(d, workspace)))
            assay_product_exact(d, workspace);
        return false;
    }
    d->way = takes_integers(d, &a, &b) ? WAY_INTEGER : d->table->fma32 ? WAY_FMA64 : WAY_REFERENCE;
    return true;
}

static void run(product *d, void *workspace)
{
    const assay_accumulator *acc = d->acc;
    bool exact = acc->kind == ASSAY_SUM_EXACT;
    if (acc->kind == ASSAY_SUM_UNIT) {
        assay_product_unit(d, workspace);
        return;
    }
    if (assay_product_is_split(acc)) {
        assay_product_split(d, workspace);
        return;
    }
    d->has_lanes = assay_mode_is_stochastic(acc->round.mode) && !exact
                       ? assay_product_random_lanes(&acc->round, &d->lanes, &d->draw_bits)
                       : assay_lane_rounder_make(&acc->round, &d->lanes);
    if (assay_product_is_defined(acc)) {
        assay_product_define(d, workspace);
        return;
    }
    if (exact && !sum_exactly(d, workspace))
        return;
    if (!exact)
        d->way = choose_way(d);
    bool narrow = d->way == WAY_FMA32 || d->way == WAY_SINGLE || d->way == WAY_INTEGER;
    if (d->way == WAY_INTEGER)
        d->depth = INTEGER_WORDS * assay_product_per_word(d);
    d->width = d->table->columns * (narrow ? 2 : 1);
    assay_product_run(d, workspace);
    if (exact) /* of finite sums: any NaN is the rounding's */
        assay_product_round_sums(d);
    else
        make_canonical(d);
}

void assay_product_with(const assay_accumulator *acc, size_t m, size_t n, size_t k, const double *a,
                        size_t lda, const assay_operand *b, const assay_product_more *more,
                        double *out, size_t ldo, void *workspace)
{
    assay_product_more all = more ? *more : (assay_product_more){ 0 };
    all.columns = all.columns ? all.columns : n;
    all.terms = all.terms ? all.terms : k;
    product d = { .acc = acc,
                  .adder = *acc,
                  .table = assay_product_table(),
                  .m = m,
                  .n = n,
                  .k = k,
                  .a = a,
                  .lda = lda,
                  .b = b,
                  .more = &all,
                  .out = out,
                  .ldo = ldo };
    d.adder.kind = ASSAY_SUM_STEP;
    d.depth = ASSAY_TILE_DEPTH;
    d.parallel = m * n * k >= PARALLEL_TERMS;
    start(&d);
    if (m == 0 || n == 0)
        return;
    if (k == 0) {
        if (acc->kind == ASSAY_SUM_EXACT)
            assay_product_define(&d, workspace);
        return;
    }
    run(&d, workspace);
}

void assay_product(const assay_accumulator *acc, size_t m, size_t n, size_t k, const double *a,
                   size_t lda, const assay_operand *b, double *out, size_t ldo, void *workspace)
{
    assay_product_with(acc, m, n, k, a, lda, b, NULL, out, ldo, workspace);
}
