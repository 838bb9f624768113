/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that try scales: exact squared errors, compared in a superaccumulator. */
#include <math.h>

#include "numerics/bits.h"
#include "numerics/superaccumulator.h"
#include "rounding/fast.h"
#include "rounding/scheme_parts.h"

/* One scale under trial: stochastic elements are tried to nearest. */
typedef struct trial {
    block_step step;
    block_factor factor;
    const assay_fast_rounder *round;
} trial;

static double value(const trial *t, double x)
{
    double y;
    assay_step_row(&t->step, &x, &y, 1);
    return assay_round_fast(t->round, y) * t->factor.multiply / t->factor.divide;
}

/* Sum of (x - u)^2 - (x - v)^2 = u^2 - v^2 + 2 x (v - u), whose products are exact terms. */
static void add_difference(assay_superaccumulator *sum, double x, double u, double v)
{
    assay_superaccumulator_add_product(sum, u, u);
    assay_superaccumulator_add_product(sum, -v, v);
    assay_superaccumulator_add_product(sum, x, 2 * v);
    assay_superaccumulator_add_product(sum, x, -2 * u);
}

static bool is_better(const trial *a, const trial *b, const region *r)
{
    assay_superaccumulator sum;
    assay_superaccumulator_clear(&sum);
    for (size_t i = 0; i < r->rows; i++)
        for (size_t j = 0; j < r->cols; j++) {
            double x = assay_region_at(r, i * r->stride + j), u = value(a, x), v = value(b, x);
            if (u != v)
                add_difference(&sum, x, u, v);
        }
    assay_leading l = assay_superaccumulator_leading(&sum);
    return l.kind == ASSAY_SUM_FINITE && l.negative;
}

/* The candidates in the order in which ties are won. */
static size_t candidates(const assay_scheme *s, const assay_tensor_scale *tensor, double a,
                         block_scale out[3])
{
    if (s->rule == ASSAY_SCALE_FOUR_SIX) {
        out[0] = assay_scale_for(s, tensor, a, false);
        out[1] = assay_scale_for(s, tensor, a, true);
        return 2;
    }
    int lowest = assay_exponent(s->scale.format.min_positive);
    int highest = assay_exponent(s->scale.format.max), e = assay_scale_exponent(s, a);
    for (int i = 0; i < 3; i++) {
        double power = assay_pow2(assay_clamp(e + 1 - i, lowest, highest));
        out[i].code = assay_round_code(&s->scale, power);
        out[i].value = power;
    }
    return 3;
}

block_scale assay_scale_search(const assay_scheme *s, const assay_tensor_scale *tensor,
                               const region *r, double a)
{
    block_scale all[3] = { 0 };
    size_t n = candidates(s, tensor, a, all), best = 0;
    assay_rounder nearest = s->element;
    if (assay_mode_is_stochastic(nearest.mode))
        nearest.mode = ASSAY_RNE;
    assay_fast_rounder round = assay_fast_rounder_from(&nearest);
    trial trials[3];
    for (size_t i = 0; i < n; i++)
        trials[i] = (trial){ assay_block_step(s, tensor, &all[i]),
                             assay_block_factor(s, tensor, all[i].value), &round };
    for (size_t i = 1; i < n; i++)
        if (is_better(&trials[i], &trials[best], r))
            best = i;
    return all[best];
}
