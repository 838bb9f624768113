/* SPDX-License-Identifier: Apache-2.0 */
/* `pairwise`, `kahan` and error feedback on all columns of a panel and a few rows at once: the
 * operations of their definition, each by the lanes that round any binary64 numbers. */
#include <limits.h>
#include <string.h>

#include "kernels/product_parts.h"

/* Sums at once, and partial sums of a tree that are open at a time: of 2^h terms, one for each h.
 */
enum { ROWS = 4, LANES = ROWS * ASSAY_TILE_COLUMNS / 2, OPEN = 64 };

typedef struct sums {
    double x[LANES];
} sums;

/* Rows and columns under way; n lanes [rows][width]. */
typedef struct lanewise {
    const product *d;
    const double *a, *b; /* the first row's; [k][width] */
    size_t rows, n;
} lanewise;

/* x = RND(x + y), or RND(x - y). */
static void add(const lanewise *w, sums *x, const sums *y)
{
    const product *d = w->d;
    d->table->add[d->acc->round.mode](&d->lanes, w->n, x->x, y->x);
}

static void subtract(const lanewise *w, sums *x, const sums *y)
{
    sums minus;
    for (size_t i = 0; i < w->n; i++)
        minus.x[i] = -y->x[i];
    add(w, x, &minus);
}

static void multiply_exactly(const lanewise *w, size_t p, sums *out)
{
    const product *d = w->d;
    size_t width = d->table->columns;
    const double *b = w->b + p * width;
    for (size_t i = 0; i < w->rows; i++) {
        double a = w->a[i * d->lda + p];
        for (size_t j = 0; j < width; j++)
            out->x[i * width + j] = a * b[j];
    }
}

static void multiply(const lanewise *w, size_t p, sums *out)
{
    const product *d = w->d;
    multiply_exactly(w, p, out);
    d->table->round[d->acc->round.mode](&d->lanes, w->n, out->x);
}

static void kahan(const lanewise *w, sums *sum)
{
    sums lost = { { 0 } }, y, next, raised;
    for (size_t p = 0; p < w->d->k; p++) {
        multiply(w, p, &y);
        subtract(w, &y, &lost);
        next = *sum;
        add(w, &next, &y);
        raised = next;
        subtract(w, &raised, sum);
        lost = raised;
        subtract(w, &lost, &y);
        *sum = next;
    }
}

/* C joins last, where there is one. */
static void pairwise(const lanewise *w, sums *sum)
{
    sums open[OPEN];
    size_t depth = 0;
    for (size_t p = 0; p < w->d->k; p++) {
        multiply(w, p, &open[depth++]);
        for (size_t n = p + 1; n % 2 == 0; n /= 2, depth--)
            add(w, &open[depth - 2], &open[depth - 1]);
    }
    for (; depth > 1; depth--)
        add(w, &open[depth - 2], &open[depth - 1]);
    if (w->d->more->c)
        add(w, &open[0], sum);
    *sum = open[0];
}

typedef struct residues {
    sums hi, lo;
} residues;

static void clear(const lanewise *w, residues *e)
{
    for (size_t i = 0; i < w->n; i++)
        e->hi.x[i] = e->lo.x[i] = -0.0;
}

static bool feed_back(const lanewise *w, const sums *t, sums *sum, residues *e)
{
    const product *d = w->d;
    return d->table->feedback[d->acc->round.mode](&d->lanes, w->n, t->x, sum->x, e->hi.x, e->lo.x);
}

/* Terms from .. end - 1, with a residue of their own. */
static bool feedback_chain(const lanewise *w, size_t from, size_t end, sums *sum)
{
    bool unfused = w->d->acc->kind == ASSAY_SUM_UNFUSED, done = true;
    residues e;
    sums t;
    clear(w, &e);
    for (size_t p = from; p < end && done; p++) {
        if (unfused)
            multiply(w, p, &t);
        else
            multiply_exactly(w, p, &t);
        done = feed_back(w, &t, sum, &e);
    }
    return done;
}

/* false if a step has to be done by the definition. */
static bool feedback(const lanewise *w, sums *total)
{
    size_t k = w->d->k, block = w->d->acc->block;
    residues e;
    bool done = true;
    if (w->d->acc->kind != ASSAY_SUM_BLOCK)
        return feedback_chain(w, 0, k, total);
    clear(w, &e);
    for (size_t p = 0; p < k && done; p += block) {
        sums chain = { { 0 } };
        done = feedback_chain(w, p, k - p < block ? k : p + block, &chain) &&
               feed_back(w, &chain, total, &e);
    }
    return done;
}

/* Residues in a format of their own and draws are the definition's, and so are formats whose zeros
 * the fast rounding does not make. */
static bool is_served(const assay_accumulator *acc)
{
    if (assay_mode_is_stochastic(acc->round.mode))
        return false;
    if (acc->feedback)
        return !acc->rounds_residue && acc->round.format.has_negzero;
    return acc->kind == ASSAY_SUM_KAHAN || acc->kind == ASSAY_SUM_PAIRWISE;
}

/* Products have to be binary64 numbers, as `round` takes no others. */
static bool products_are_exact(const lanewise *w)
{
    const product *d = w->d;
    assay_product_extent a, b;
    d->table->scan(d->k * d->table->columns, w->b, &b);
    for (size_t i = 0; i < w->rows; i++) {
        d->table->scan(d->k, w->a + i * d->lda, &a);
        if (a.unit == INT_MAX || b.unit == INT_MAX)
            continue; /* zeros, and what is not finite */
        if (a.unit + b.unit < -1074 || a.top + b.top > 960 || !assay_product_is_binary64(&a, &b))
            return false;
    }
    return true;
}

size_t assay_product_lanewise(const product *d, size_t row, const double *panel, size_t column,
                              size_t count)
{
    const assay_accumulator *acc = d->acc;
    size_t width = d->table->columns;
    lanewise w = { .d = d, .a = d->a + row * d->lda, .b = panel };
    w.rows = d->m - row < ROWS ? d->m - row : ROWS;
    w.n = w.rows * width;
    if (!is_served(acc) || !d->has_lanes || !products_are_exact(&w))
        return 0;
    sums sum = { { 0 } };
    for (size_t i = 0; i < w.rows; i++)
        memcpy(sum.x + i * width, d->out + (row + i) * d->ldo + column, count * sizeof *sum.x);
    if (acc->feedback) {
        if (!feedback(&w, &sum))
            return 0;
    } else if (acc->kind == ASSAY_SUM_KAHAN) {
        kahan(&w, &sum);
    } else {
        pairwise(&w, &sum);
    }
    for (size_t i = 0; i < w.rows; i++)
        for (size_t j = 0; j < count; j++) {
            double x = sum.x[i * width + j]; /* lanes carry any NaN */
            d->out[(row + i) * d->ldo + column + j] = x == x ? x : acc->round.nan_value;
        }
    return w.rows;
}
