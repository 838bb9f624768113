/* SPDX-License-Identifier: Apache-2.0 */
/* Chains in binary32's registers: which accumulators have them, and tiles that these loops give up.
 * Numbers in brackets are sections of docs/kernels-product.md. */
#include "kernels/product_parts.h"
#include "rounding/array_table.h"

enum { FIELD = 23, EMIN = -126, EMAX = 127 }; /* of binary32 */

/* Binary32 keeps a bit below those of F where a nearest mode has to see ties. */
static bool is_nearest(assay_mode mode)
{
    return mode == ASSAY_RNE || mode == ASSAY_RNA || mode == ASSAY_RNZ;
}

/* Finite values are binary32's with the last bits of their codes zero. */
static bool is_cut(const assay_rounder *r)
{
    const assay_format *f = &r->format;
    return f->emin == EMIN && f->max == (2 - assay_pow2(1 - f->p)) * assay_pow2(EMAX) &&
           f->p <= (is_nearest(r->mode) ? FIELD : FIELD + 1);
}

/* 3/2 2^23 half quanta of the binade after the last are a binary32, and so are half quanta. */
static bool is_grid(const assay_rounder *r)
{
    const assay_format *f = &r->format;
    return f->p <= FIELD - 3 && f->emin >= EMIN && f->emin - f->p >= EMIN - FIELD &&
           f->emax + 1 + FIELD - f->p <= EMAX;
}

/* Whether the finite value that the mode gives on overflow is the largest one: cut chains see
 * infinite sums at their end, but not these. */
static bool keeps_overflow(const assay_rounder *r)
{
    bool bounded = r->mode == ASSAY_RTZ || r->mode == ASSAY_RODD;
    bool above = bounded || r->mode == ASSAY_RDN, below = bounded || r->mode == ASSAY_RUP;
    double max = r->format.max;
    return (!above || r->overflow_value[0] == max) && (!below || r->overflow_value[1] == -max);
}

bool assay_product_takes_single(product *d)
{
    const assay_rounder *r = &d->acc->round;
    const assay_format *f = &r->format;
    bool unfused = d->acc->kind == ASSAY_SUM_UNFUSED, cut = is_cut(r) && keeps_overflow(r);
    if (!d->has_lanes || assay_mode_is_stochastic(r->mode) || f->kind != ASSAY_FAMILY_FLOAT ||
        !f->has_negzero || (!cut && !is_grid(r)))
        return false;
    if (cut)
        d->single = unfused ? ASSAY_SINGLE_CUT_UNFUSED : ASSAY_SINGLE_CUT;
    else
        d->single = unfused ? ASSAY_SINGLE_GRID_UNFUSED : ASSAY_SINGLE_GRID;
    d->single_rounder = (assay_single_rounder){
        .dropped = FIELD + 1 - f->p,
        .least = (uint32_t)(f->emin + EMAX) << FIELD,
        .magic = ((uint32_t)(FIELD - f->p) << FIELD) + ((uint32_t)1 << (FIELD - 1)),
        .max = assay_bits32((float)f->max),
    };
    return d->table->single[d->single][r->mode] != NULL;
}

/* What the loop of this mode has the processor do [10]. */
static assay_direction direction(const product *d)
{
    assay_mode mode = d->acc->round.mode;
    bool grid = d->single == ASSAY_SINGLE_GRID || d->single == ASSAY_SINGLE_GRID_UNFUSED;
    if (!grid && (mode == ASSAY_RTZ || mode == ASSAY_RNA))
        return ASSAY_TO_ZERO;
    return !grid && mode == ASSAY_RUP ? ASSAY_UP : ASSAY_DOWN;
}

/* The loops for any numbers, on one half of the columns after the other. */
static void redo(const product *d, const tile *t, size_t k, const float *a, const float *b)
{
    const bool unfused = d->acc->kind == ASSAY_SUM_UNFUSED;
    const assay_step_kernel careful = unfused ? ASSAY_STEP_UNFUSED_CAREFUL : ASSAY_STEP_CAREFUL;
    size_t columns = d->table->columns;
    double *x = t->space, *y = x + ASSAY_TILE_ROWS * ASSAY_TILE_DEPTH;
    for (size_t i = 0; i < t->rows * k; i++)
        x[i] = (double)a[i];
    for (size_t from = 0; from < d->width; from += columns) {
        for (size_t p = 0; p < k; p++)
            for (size_t j = 0; j < columns; j++)
                y[p * columns + j] = (double)b[p * d->width + from + j];
        (void)d->table->chain[careful][d->acc->round.mode](&d->lanes, t->rows, k, x, y, t->c + from,
                                                           t->ldc);
    }
}

void assay_product_single_chain(const product *d, const tile *t, size_t k, const float *a,
                                const float *b)
{
    assay_single_chain_fn *chain = d->table->single[d->single][d->acc->round.mode];
    bool done = false;
    if (t->a_extent->finite && t->b_extent->finite) {
        unsigned before = assay_environment_enter(direction(d));
        done = chain(&d->single_rounder, t->rows, k, a, b, t->c, t->ldc);
        assay_environment_leave(before);
    }
    if (!done)
        redo(d, t, k, a, b);
}
