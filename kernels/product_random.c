/* SPDX-License-Identifier: Apache-2.0 */
/* Stochastic chains of a tile: in lanes where these are proven to do, else by their definition.
 * docs/kernels-product.md, section 9. */
#include "kernels/product_parts.h"
#include "kernels/sum.h"
#include "rounding/draws.h"

/* Terms whose random bits are made at a time: as many as share a group of Philox's words at most,
 * so that a piece which begins with a group has whole ones. With LEAST bits of U one tile's piece
 * in hundreds asks for more. */
enum { DEPTH = 16, LEAST = 20 };

/* Rounding to odd comes first, so that 51 bits have to hold nu's thresholds; sr may look at fewer
 * bits of U and ask again, and sreq looks at none of nu's. */
bool assay_product_random_lanes(const assay_rounder *r, assay_lane_rounder *lanes, int *bits)
{
    int most = 49 - r->format.p;
    *bits = r->random_bits ? r->random_bits : 32;
    if (r->mode == ASSAY_SR && *bits > most)
        *bits = most;
    return (*bits <= most || r->mode == ASSAY_SREQ) && most >= LEAST &&
           assay_lane_rounder_make(r, lanes);
}

/* The random index of term `first` of the tile's sum (i, 0). */
static uint64_t index_of(const product *d, const tile *t, size_t first, size_t i)
{
    return product_index(d, t->row + i, t->column) * d->more->terms + d->more->term + t->term +
           first;
}

static void define(const product *d, const tile *t, size_t first, size_t k, const double *a,
                   const double *b)
{
    const assay_summer s = assay_summer_make(d->acc, &d->more->random, NULL);
    for (size_t i = 0; i < t->rows; i++)
        for (size_t j = 0; j < t->columns; j++) {
            uint64_t index = index_of(d, t, first, i) + j * d->more->terms;
            double *c = t->c + i * t->ldc + j;
            for (size_t p = 0; p < k; p++)
                *c = assay_sum_step(&s, a[p * t->rows + i], b[p * d->width + j], *c, index + p);
        }
}

/* Draws of terms first .. first + DEPTH - 1: [DEPTH][rows][width]. */
static void draw(const product *d, const tile *t, size_t first, uint64_t *draws)
{
    const assay_rounder *r = &d->acc->round;
    int drop = r->random_bits ? 0 : 32 - d->draw_bits;
    for (size_t i = 0; i < t->rows; i++) {
        uint64_t index = index_of(d, t, first, i);
        assay_draw_grid grid = { index, d->more->terms, d->width, DEPTH, drop };
        assay_random_columns(r, &d->more->random, &grid, draws + i * d->width, t->rows * d->width);
    }
}

void assay_product_random_chain(const product *d, const tile *t, assay_step_kernel step,
                                size_t first, size_t k, const double *a, const double *b)
{
    uint64_t draws[DEPTH * ASSAY_TILE_ROWS * ASSAY_TILE_COLUMNS / 2];
    int mode = (int)d->acc->round.mode - ASSAY_MODE_COUNT;
    if (step == ASSAY_STEP_COUNT) {
        define(d, t, first, k, a, b);
        return;
    }
    for (size_t p = 0, n; p < k; p += n) {
        const double *x = a + p * t->rows, *y = b + p * d->width;
        n = k - p < DEPTH ? k - p : DEPTH;
        draw(d, t, first + p, draws);
        if (!d->table->random[step][mode](&d->lanes, d->draw_bits, t->rows, n, x, y, draws, t->c,
                                          t->ldc) &&
            !d->table->random[ASSAY_STEP_CAREFUL][mode](&d->lanes, d->draw_bits, t->rows, n, x, y,
                                                        draws, t->c, t->ldc))
            define(d, t, first + p, n, x, y);
    }
}

void assay_product_random_total(const product *d, const tile *t, size_t first, double *total,
                                size_t ld)
{
    const assay_summer s = assay_summer_make(d->acc, &d->more->random, NULL);
    for (size_t i = 0; i < t->rows; i++)
        for (size_t j = 0; j < t->columns; j++) {
            double *x = total + i * ld + j;
            *x = assay_sum_fused(&s, t->c[i * t->ldc + j], 1, *x, ASSAY_SUM_TOTAL,
                                 index_of(d, t, first, i) + j * d->more->terms);
        }
}
