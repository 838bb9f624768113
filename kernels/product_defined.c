/* SPDX-License-Identifier: Apache-2.0 */
/* Products whose sums have no register tiles: by their definition. */
#include "kernels/product_parts.h"
#include "kernels/sum.h"

bool assay_product_is_defined(const assay_accumulator *acc)
{
    bool chain = acc->kind == ASSAY_SUM_STEP || acc->kind == ASSAY_SUM_BLOCK;
    bool stochastic = acc->kind != ASSAY_SUM_EXACT && assay_accumulator_is_stochastic(acc);
    return (stochastic && !chain) || acc->feedback || acc->kind == ASSAY_SUM_PAIRWISE ||
           acc->kind == ASSAY_SUM_KAHAN || acc->kind == ASSAY_SUM_INT32 ||
           acc->kind == ASSAY_SUM_INT32_SAT;
}

/* A panel of columns under way. */
typedef struct columns {
    const product *d;
    const assay_summer *s;
    size_t column, count;
    const double *b; /* [k][width] */
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

static void define_panel(const product *d, const assay_summer *s, double *panel, size_t column,
                         assay_feedback_counts *counts)
{
    size_t width = d->table->columns;
    columns c = { .d = d, .s = s, .column = column, .b = panel };
    c.count = d->n - column < width ? d->n - column : width;
    assay_product_pack(d, column, c.count, panel);
    for (size_t i = 0, done; i < d->m; i += done) {
        done = assay_product_lanewise(d, i, panel, column, c.count);
        if (done > 0)
            continue;
        define_row(&c, i, counts);
        done = 1;
    }
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
