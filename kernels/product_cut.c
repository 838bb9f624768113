/* SPDX-License-Identifier: Apache-2.0 */
/* Chains in formats that are binary32 cut short: which these are, and tiles that the fast loops
 * give up. Numbers in brackets are sections of docs/kernels-product.md. */
#include "kernels/product_parts.h"
#include "rounding/array_table.h"

enum { BINARY32_P = 24, BINARY32_EMAX = 127 };

/* Finite values are binary32's with the last bits of their codes zero. */
static bool is_cut_binary32(const assay_format *f)
{
    return f->kind == ASSAY_FAMILY_FLOAT && f->p >= 2 && f->p <= BINARY32_P && f->is_signed &&
           f->has_negzero && f->has_subnormals && f->emin == 1 - BINARY32_EMAX &&
           f->max == (2 - assay_pow2(1 - f->p)) * assay_pow2(BINARY32_EMAX);
}

/* A tie of a format of 24 bits is not a binary32. */
static bool is_nearest(assay_mode mode)
{
    return mode == ASSAY_RNE || mode == ASSAY_RNA || mode == ASSAY_RNZ;
}

/* Whether what the mode keeps finite on overflow is the largest finite value: infinite sums are
 * seen at the end, these are not. */
static bool keeps_overflow(const assay_rounder *r)
{
    bool bounded = r->mode == ASSAY_RTZ || r->mode == ASSAY_RODD;
    bool above = bounded || r->mode == ASSAY_RDN, below = bounded || r->mode == ASSAY_RUP;
    double max = r->format.max;
    return (!above || r->overflow_value[0] == max) && (!below || r->overflow_value[1] == -max);
}

bool assay_product_takes_cut(const product *d)
{
    const assay_rounder *r = &d->acc->round;
    return d->has_lanes && !assay_mode_is_stochastic(r->mode) && d->table->cut[0][r->mode] &&
           is_cut_binary32(&r->format) && r->format.p <= BINARY32_P - is_nearest(r->mode) &&
           keeps_overflow(r);
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

void assay_product_cut_chain(const product *d, const tile *t, size_t k, const float *a,
                             const float *b)
{
    static const assay_direction directions[ASSAY_MODE_COUNT] = {
        [ASSAY_RNE] = ASSAY_DOWN,    [ASSAY_RNA] = ASSAY_TO_ZERO, [ASSAY_RNZ] = ASSAY_DOWN,
        [ASSAY_RTZ] = ASSAY_TO_ZERO, [ASSAY_RAZ] = ASSAY_DOWN,    [ASSAY_RUP] = ASSAY_UP,
        [ASSAY_RDN] = ASSAY_DOWN,    [ASSAY_RODD] = ASSAY_DOWN
    };
    const assay_rounder *r = &d->acc->round;
    bool done = false;
    if (t->a_extent->finite && t->b_extent->finite) {
        unsigned before = assay_environment_enter(directions[r->mode]);
        done = d->table->cut[d->acc->kind == ASSAY_SUM_UNFUSED][r->mode](
            BINARY32_P - r->format.p, t->rows, k, a, b, t->c, t->ldc);
        assay_environment_leave(before);
    }
    if (!done)
        redo(d, t, k, a, b);
}
