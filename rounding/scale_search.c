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

enum { STRIP = 64 };

static void values(const trial *t, const double *x, double *v, size_t n)
{
    double by = t->factor.multiply, over = t->factor.divide;
    assay_step_row(&t->step, x, v, n);
    if (t->round->direct && t->round->mode == ASSAY_RNE)
        for (size_t i = 0; i < n; i++)
            v[i] = assay_from_bits64(assay_fast_bits(t->round, ASSAY_RNE, assay_bits64(v[i]))) * by;
    else
        for (size_t i = 0; i < n; i++)
            v[i] = assay_round_fast(t->round, v[i]) * by;
    for (size_t i = 0; over != 1 && i < n; i++)
        v[i] /= over;
}

/* Elements from column j on of row i, at most a strip of them. */
static size_t load(const region *r, size_t i, size_t j, double *x)
{
    size_t n = r->cols - j < STRIP ? r->cols - j : STRIP;
    for (size_t k = 0; k < n; k++)
        x[k] = assay_region_at(r, i * r->stride + j + k);
    return n;
}

/* The sum of (x - v)^2: terms are not negative, so that each of its n + 2 roundings costs no more
 * than 2^-53 of it. */
static double squared_error(const trial *t, const region *r)
{
    double x[STRIP], v[STRIP], sum = 0;
    for (size_t i = 0; i < r->rows; i++)
        for (size_t j = 0; j < r->cols; j += STRIP) {
            size_t n = load(r, i, j, x);
            values(t, x, v, n);
            for (size_t k = 0; k < n; k++)
                sum += (x[k] - v[k]) * (x[k] - v[k]);
        }
    return sum;
}

/* Sum of (x - u)^2 - (x - v)^2 = u^2 - v^2 + 2 x (v - u), whose products are exact terms. */
static void add_difference(assay_superaccumulator *sum, double x, double u, double v)
{
    assay_superaccumulator_add_product(sum, u, u);
    assay_superaccumulator_add_product(sum, -v, v);
    assay_superaccumulator_add_product(sum, x, 2 * v);
    assay_superaccumulator_add_product(sum, x, -2 * u);
}

static bool is_finite(const trial *t, const region *r)
{
    double x[STRIP], v[STRIP];
    for (size_t i = 0; i < r->rows; i++)
        for (size_t j = 0; j < r->cols; j += STRIP) {
            size_t n = load(r, i, j, x);
            values(t, x, v, n);
            for (size_t k = 0; k < n; k++)
                if (!(fabs(v[k]) < INFINITY))
                    return false;
        }
    return true;
}

/* An element that is infinite or NaN, under policies that have such, is worse than any error. */
static bool is_better(const trial *a, const trial *b, const region *r)
{
    double x[STRIP], u[STRIP], v[STRIP];
    assay_superaccumulator sum;
    assay_superaccumulator_clear(&sum);
    for (size_t i = 0; i < r->rows; i++)
        for (size_t j = 0; j < r->cols; j += STRIP) {
            size_t n = load(r, i, j, x);
            values(a, x, u, n);
            values(b, x, v, n);
            for (size_t k = 0; k < n; k++)
                if (u[k] != v[k])
                    add_difference(&sum, x[k], u[k], v[k]);
        }
    assay_leading l = assay_superaccumulator_leading(&sum);
    if (l.kind == ASSAY_SUM_INFINITE || l.kind == ASSAY_SUM_NAN)
        return is_finite(a, r) && !is_finite(b, r);
    return l.kind == ASSAY_SUM_FINITE && l.negative;
}

int assay_error_is_below(double a, double b, size_t n)
{
    double margin = ((double)(int64_t)n + 8) * 0x1p-52 * (a > b ? a : b);
    if (!(a < INFINITY && b < INFINITY && margin < INFINITY) || a < 0x1p-900 || b < 0x1p-900)
        return -1;
    return a < b - margin ? 1 : a > b + margin ? 0 : -1;
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
    double error[3];
    for (size_t i = 0; i < n; i++)
        trials[i] = (trial){ assay_block_step(s, tensor, &all[i]),
                             assay_block_factor(s, tensor, all[i].value), &round };
    for (size_t i = 0; i < n; i++)
        error[i] = squared_error(&trials[i], r);
    for (size_t i = 1; i < n; i++) {
        int below = assay_error_is_below(error[i], error[best], r->rows * r->cols);
        if (below > 0 || (below < 0 && is_better(&trials[i], &trials[best], r)))
            best = i;
    }
    return all[best];
}
