/* SPDX-License-Identifier: Apache-2.0 */
/* Products whose sums have no register tiles: by their definition, and in stochastic modes row by
 * row in lanes where these are proven to do. */
#include <string.h>

#include "kernels/product_parts.h"
#include "kernels/sum.h"
#include "rounding/array.h"

enum { DEPTH = 64 }; /* terms whose random bits are made at a time */

bool assay_product_is_defined(const assay_accumulator *acc)
{
    bool stochastic = acc->kind != ASSAY_SUM_EXACT && assay_accumulator_is_stochastic(acc);
    return stochastic || acc->feedback || acc->kind == ASSAY_SUM_PAIRWISE ||
           acc->kind == ASSAY_SUM_KAHAN || acc->kind == ASSAY_SUM_INT32 ||
           acc->kind == ASSAY_SUM_INT32_SAT;
}

/* A panel of columns under way. */
typedef struct columns {
    const product *d;
    const assay_summer *s;
    size_t column, count;
    const double *b; /* [k][width] */
    assay_lane_rounder lanes;
    bool has_lanes;
    int bits; /* of a draw */
} columns;

static uint64_t first_index(const columns *c, size_t i, size_t j)
{
    uint64_t sum = product_index(c->d, i, c->column + j);
    bool exact = c->d->acc->kind == ASSAY_SUM_EXACT;
    return exact ? sum : sum * c->d->more->terms + c->d->more->term;
}

static void define_row(const columns *c, size_t i, assay_feedback_counts *counts)
{
    const product *d = c->d;
    for (size_t j = 0; j < c->count; j++) {
        assay_sum_terms t = { d->k, d->a + i * d->lda, c->b + j,
                              1,    d->table->columns, first_index(c, i, j) };
        d->out[i * d->ldo + c->column + j] =
            assay_sum_define(c->s, &t, product_c(d, i, c->column + j), counts);
    }
}

/* ---- stochastic chains in lanes [9] ---- */

/* Rounding to odd comes first, so that 51 bits have to hold nu's thresholds. */
static void choose_lanes(columns *c)
{
    const assay_accumulator *acc = c->d->acc;
    bool chain = acc->kind == ASSAY_SUM_STEP || acc->kind == ASSAY_SUM_BLOCK;
    c->bits = acc->round.random_bits ? acc->round.random_bits : 32;
    c->has_lanes = chain && !acc->feedback && assay_accumulator_is_stochastic(acc) &&
                   acc->round.format.p + c->bits + 2 <= 51 &&
                   assay_lane_rounder_make(&acc->round, &c->lanes);
}

/* Bits of terms p .. p + n - 1 of row i: [n][width]. */
static void draw(const columns *c, size_t i, size_t p, size_t n, uint32_t *draws)
{
    size_t width = c->d->table->columns;
    uint32_t column[DEPTH];
    for (size_t j = 0; j < width; j++) {
        assay_random_draws(&c->d->acc->round, &c->s->random,
                           first_index(c, i, j < c->count ? j : 0) + p, column, n);
        for (size_t q = 0; q < n; q++)
            draws[q * width + j] = column[q];
    }
}

/* Terms p .. p + n - 1 of row i into its sums. */
static bool add_terms(const columns *c, size_t i, size_t p, size_t n, double *sums)
{
    uint32_t draws[DEPTH * ASSAY_TILE_COLUMNS / 2];
    const product *d = c->d;
    const assay_rounder *r = &d->acc->round;
    for (size_t q = 0, part; q < n; q += part) {
        part = n - q < DEPTH ? n - q : DEPTH;
        draw(c, i, p + q, part, draws);
        if (!d->table->random[r->mode - ASSAY_MODE_COUNT](
                &c->lanes, c->bits, part, d->a + i * d->lda + p + q,
                c->b + (p + q) * d->table->columns, draws, sums))
            return false;
    }
    return true;
}

static bool run_row(const columns *c, size_t i)
{
    const product *d = c->d;
    double total[ASSAY_TILE_COLUMNS] = { 0 }, chain[ASSAY_TILE_COLUMNS];
    double *out = d->out + i * d->ldo + c->column;
    const double *start = product_c(d, i, c->column);
    if (start)
        memcpy(total, start, c->count * sizeof *total);
    if (d->acc->kind == ASSAY_SUM_STEP && !add_terms(c, i, 0, d->k, total))
        return false;
    for (size_t p = 0, n; d->acc->kind == ASSAY_SUM_BLOCK && p < d->k; p += n) {
        n = d->k - p < d->acc->block ? d->k - p : d->acc->block;
        memset(chain, 0, sizeof chain);
        if (!add_terms(c, i, p, n, chain))
            return false;
        for (size_t j = 0; j < c->count; j++)
            total[j] = assay_sum_fused(c->s, chain[j], 1, total[j], ASSAY_SUM_TOTAL,
                                       first_index(c, i, j) + p + n - 1);
    }
    for (size_t j = 0; j < c->count; j++) /* lanes carry any NaN */
        out[j] = total[j] == total[j] ? total[j] : d->acc->round.nan_value;
    return true;
}

static void define_panel(const product *d, const assay_summer *s, double *panel, size_t column,
                         assay_feedback_counts *counts)
{
    size_t width = d->table->columns;
    columns c = { .d = d, .s = s, .column = column, .b = panel };
    c.count = d->n - column < width ? d->n - column : width;
    assay_product_pack(d, column, c.count, panel);
    choose_lanes(&c);
    for (size_t i = 0; i < d->m; i++)
        if (!c.has_lanes || !run_row(&c, i))
            define_row(&c, i, counts);
}

void assay_product_define(const product *d, void *workspace)
{
    assay_feedback space;
    const assay_summer s = assay_summer_make(d->acc, &d->more->random, &space);
#pragma omp parallel if (d->parallel)
    {
        assay_feedback_counts mine = { 0 };
#pragma omp for schedule(dynamic)
        for (size_t j = 0; j < d->n; j += d->table->columns)
            define_panel(d, &s, assay_product_space(d, workspace), j, &mine);
        if (d->more->counts) {
#pragma omp critical(assay_product_counts)
            assay_feedback_merge(d->more->counts, &mine);
        }
    }
}
