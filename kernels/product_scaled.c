/* SPDX-License-Identifier: Apache-2.0 */
/* Products of codes that have scales: segments of k, each a product of its own, and their totals.
 */
#include <string.h>

#include "kernels/product_parts.h"
#include "kernels/storage.h"
#include "kernels/sum.h"
#include "numerics/exact.h"
#include "rounding/feedback_strip.h"

size_t assay_product_scaled_workspace(const assay_accumulator *acc, size_t m, size_t n, size_t k)
{
    size_t sums = (m * n * sizeof(double) + 63) / 64 * 64;
    return sums + assay_product_workspace(acc, m, n, k);
}

static double scale_of(const assay_scales *s, size_t vector, size_t term)
{
    return s->value ? s->value[vector / s->vectors * s->ld + term / s->block] : 1;
}

/* Where the segment that holds `term` ends. */
static size_t segment_end(const assay_scales *s, size_t term, size_t k)
{
    size_t left = s->value ? s->block - term % s->block : k;
    return left < k - term ? term + left : k;
}

/* One segment under way. */
typedef struct segment {
    const assay_accumulator *acc;
    const assay_product_more *more;
    const assay_scales *sa, *sb;
    size_t n, from, end;
    const double *sums; /* [m, n] */
    double *total;
    size_t ld;
    assay_lane_rounder lanes;
    bool has_lanes;
} segment;

/* Whether x is such that products and sums of two such numbers have exact pairs. */
static bool moderate(double x)
{
    double size = __builtin_fabs(x);
    return size >= 0x1p-400 && size <= 0x1p400;
}

/* x scale + total rounded to odd, which the lanes may round again; false where that needs care. */
static bool odd_total(double x, double scale, double total, double *out)
{
    double p = x * scale;
    if (!moderate(p) || !moderate(x) || (total != 0 && !moderate(total)) ||
        __builtin_fma(x, scale, -p) != 0)
        return false;
    assay_dd sum = assay_two_sum(p, total);
    *out = assay_from_bits64(assay_feedback_odd(sum.hi, sum.lo));
    return sum.hi != 0;
}

static void add_row(const segment *g, const assay_summer *s, size_t i)
{
    const assay_product_more *more = g->more;
    const double *x = g->sums + i * g->n, a = scale_of(g->sa, i, g->from);
    double *total = g->total + i * g->ld;
    for (size_t j = 0; j < g->n; j++) {
        uint64_t sum = (more->row + i) * more->columns + more->column + j;
        double b = scale_of(g->sb, j, g->from), scale = a * b;
        bool exact = g->has_lanes && __builtin_fma(a, b, -scale) == 0;
        if (!exact || !odd_total(x[j], scale, total[j], &total[j]))
            total[j] = assay_sum_scaled(s, x[j], a, b, total[j],
                                        sum * more->terms + more->term + g->end - 1);
    }
    if (g->has_lanes) /* which changes no number of the format */
        assay_product_table()->round[g->acc->round.mode](&g->lanes, g->n, total);
}

static void add_segment(const segment *g, size_t m)
{
    assay_summer s = { .acc = g->acc, .random = g->more->random };
    s.random.bits = NULL;
#pragma omp parallel for schedule(static) if (m * g->n >= PARALLEL_TERMS)
    for (size_t i = 0; i < m; i++)
        add_row(g, &s, i);
}

static void start(size_t m, size_t n, const assay_product_more *more, double *out, size_t ldo)
{
    for (size_t i = 0; i < m; i++) {
        double *row = out + i * ldo;
        const double *c = more->c ? more->c + i * more->ldc : NULL;
        if (!c)
            memset(row, 0, n * sizeof *row);
        else if (c != row)
            memcpy(row, c, n * sizeof *row);
    }
}

/* Binary64 has no lanes, and stochastic roundings and those that a plan adds are not theirs. */
static bool lanes_round(const assay_accumulator *acc, assay_lane_rounder *lanes)
{
    return !acc->plan.scaled && assay_accumulator_has_format(acc->kind) &&
           !assay_accumulator_is_stochastic(acc) && assay_lane_rounder_make(&acc->round, lanes);
}

void assay_product_scaled(const assay_accumulator *acc, size_t m, size_t n, size_t k,
                          const double *a, size_t lda, const assay_scales *sa,
                          const assay_operand *b, const assay_scales *sb,
                          const assay_product_more *more, double *out, size_t ldo, void *workspace)
{
    assay_product_more all = more ? *more : (assay_product_more){ 0 };
    all.columns = all.columns ? all.columns : n;
    all.terms = all.terms ? all.terms : k;
    double *sums = (double *)workspace;
    void *rest = (unsigned char *)workspace + (m * n * sizeof *sums + 63) / 64 * 64;
    if (acc->kind == ASSAY_SUM_UNIT && acc->unit.block) {
        assay_product_unit_scaled(acc, m, n, k, a, lda, sa, b, sb, &all, out, ldo, workspace);
        return;
    }
    segment g = { acc, &all, sa, sb, .n = n, .sums = sums, .total = out, .ld = ldo };
    g.has_lanes = lanes_round(acc, &g.lanes);
    start(m, n, &all, out, ldo);
    for (; g.from < k && m > 0 && n > 0; g.from = g.end) {
        size_t of_a = segment_end(sa, g.from, k), of_b = segment_end(sb, g.from, k);
        assay_product_more part = all;
        assay_operand terms = *b;
        g.end = of_a < of_b ? of_a : of_b;
        part.c = NULL;
        part.term += g.from;
        terms.data =
            (const unsigned char *)b->data + g.from * b->row_stride * storage_bytes(b->storage);
        assay_product_with(acc, m, n, g.end - g.from, a + g.from, lda, &terms, &part, sums, n,
                           rest);
        add_segment(&g, m);
    }
}
