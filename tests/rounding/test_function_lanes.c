/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of lanes keep the bound that docs/numerics.md, 16 proves, and the ends made of them
 * hold f(x): against MPFR, at random and about the points where formulas change. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "../support/points.h"
#include "audit/verify_operation.h"
#include "rounding/function_lanes.h"

enum { PRECISION = 160, RANDOM = 3000, ABOUT = 8 };

/* Half of what the ends are made for: ten roundings. */
static const double bound = 0x1p-49;

static double sigmoid(double x)
{
    return function_logistic(x, 1);
}

static double silu(double x)
{
    return function_logistic(x, x);
}

static double reciprocal_root(double x)
{
    return 1 / assay_sqrt(x);
}

/* The bound is on results within 2^+-1000, so of arguments from `low` to `high`. */
static const struct {
    assay_operation_id id;
    double (*f)(double);
    double low, high;
} functions[] = {
    { ASSAY_OPERATION_EXP, assay_exp_inline, -690, 690 },
    { ASSAY_OPERATION_EXP2, function_exp2, -999, 999 },
    { ASSAY_OPERATION_SIGMOID, sigmoid, -690, 0x1p127 },
    { ASSAY_OPERATION_SILU, silu, -690, 0x1p127 },
    { ASSAY_OPERATION_GELU, function_gelu, -30, 0x1p127 },
    { ASSAY_OPERATION_TANH, function_tanh, -0x1p127, 0x1p127 },
    { ASSAY_OPERATION_ERF, function_erf, -0x1p127, 0x1p127 },
    { ASSAY_OPERATION_LOG, function_log, 0x1p-400, 0x1p400 },
    { ASSAY_OPERATION_RSQRT, reciprocal_root, 0x1p-400, 0x1p400 },
};

/* A number of 24 bits: of any exponent, or near one of the points. */
static double argument(uint64_t i)
{
    static const double points[] = { 0.125, 0.25, 0.5, 1, 0x1.6a0ap0, 2, 4, 8, 15, 30, 40, 600 };
    const uint64_t random = points_random(i);
    const double sign = random & 1 ? -1 : 1, fraction = ldexp((double)(random >> 41), -23);
    if (i % 4 == 0)
        return sign * ldexp(1 + fraction, (int)(random >> 8 & 255) - 127);
    if (i % 4 == 1)
        return sign * ldexp(1 + fraction, (int)(random >> 8 & 15) - 10);
    const size_t at = (random >> 8) % (sizeof points / sizeof points[0]);
    const double near = i % 4 == 2 ? ldexp(fraction, -8) : ldexp(rint(ABOUT * fraction), -23);
    return sign * (float)(points[at] * (random & 2 ? 1 + near : 1 - near));
}

/* |y / f(x) - 1|, or 0 where both are 0. */
static double error_of(assay_operation_id id, const double *x, double y, mpfr_t r, mpfr_t *at)
{
    mpfr_set_d(at[0], x[0], MPFR_RNDN);
    mpfr_set_d(at[1], x[1], MPFR_RNDN);
    mpfr_set_prec(r, PRECISION);
    assay_verify_apply(id, r, at);
    if (mpfr_zero_p(r))
        return y == 0 ? 0 : INFINITY;
    mpfr_d_div(r, y, r, MPFR_RNDN);
    mpfr_sub_ui(r, r, 1, MPFR_RNDN);
    return fabs(mpfr_get_d(r, MPFR_RNDN));
}

Test(function_lanes, bounds_hold)
{
    mpfr_t r, at[ASSAY_OPERANDS_MOST];
    mpfr_inits2(PRECISION, r, at[0], at[1], (mpfr_ptr)NULL);
    for (size_t k = 0; k < sizeof functions / sizeof functions[0]; k++) {
        double most = 0, where = 0;
        const uint64_t n = points_thorough() ? 100 * RANDOM : RANDOM;
        for (uint64_t i = 0; i < n; i++) {
            const double x[] = { argument(i + k * n), 0 };
            if (x[0] < functions[k].low || x[0] > functions[k].high)
                continue;
            const double e = error_of(functions[k].id, x, functions[k].f(x[0]), r, at);
            where = e > most ? x[0] : where;
            most = e > most ? e : most;
        }
        const char *name = assay_operation_row(functions[k].id)->name;
        printf("%s: 2^%.2f at %a\n", name, log2(most), where);
        cr_expect_lt(most, bound, "%s: 2^%.2f at %a", name, log2(most), where);
    }
    mpfr_clears(r, at[0], at[1], (mpfr_ptr)NULL);
}

static double angle(double y, double x)
{
    return function_angle(y, x, 0x1.921fb54442d18p+0);
}

static double turn(double y, double x)
{
    return function_angle(y, x, 0.5);
}

/* An operand and one at random, near it, near a multiple of 1/64 or 1/128 of it, or, for pow, an
 * integer or what makes the result nearly 1 or 2^+-1000. */
static double other(assay_operation_id id, uint64_t i, double x)
{
    const uint64_t random = points_random(~i);
    const double fraction = ldexp((double)(random >> 41), -23), sign = random & 1 ? -1 : 1;
    const double power = log2(fabs(x));
    if (i % 3 == 0)
        return argument(~i);
    if (id == ASSAY_OPERATION_POW && i % 3 == 1)
        return (float)(sign * (1 + fraction) * ldexp(990 / power, -(int)(random >> 8 & 31)));
    if (id == ASSAY_OPERATION_POW)
        return sign * (double)(random >> 8 & 63);
    return (float)(sign * x * (ldexp((double)(random >> 8 & 127), -7) + ldexp(fraction, -20)));
}

Test(function_lanes, bounds_of_two_operands_hold)
{
    static const struct {
        assay_operation_id id;
        double (*f)(double, double);
        double bound;
    } rows[] = { { ASSAY_OPERATION_POW, function_pow, 0x1p-40 },
                 { ASSAY_OPERATION_ATAN2, angle, 0x1p-49 },
                 { ASSAY_OPERATION_ATAN2PI, turn, 0x1p-49 } };
    mpfr_t r, at[ASSAY_OPERANDS_MOST];
    mpfr_inits2(PRECISION, r, at[0], at[1], (mpfr_ptr)NULL);
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        double most = 0;
        const uint64_t n = points_thorough() ? 100 * RANDOM : RANDOM;
        for (uint64_t i = 0; i < n; i++) {
            const double first = argument(i + k * n), x[] = { first, other(rows[k].id, i, first) };
            const double y = rows[k].f(x[0], x[1]), size = fabs(y);
            if (x[0] == 0 || x[1] == 0 || fabs(x[0]) == 1 || !(size < 0x1p999 && size > 0x1p-999))
                continue;
            if (rows[k].id == ASSAY_OPERATION_POW && x[0] < 0 && rint(x[1]) != x[1])
                continue;
            const double e = error_of(rows[k].id, x, y, r, at);
            most = e > most ? e : most;
            cr_assert_lt(e, rows[k].bound, "%s: 2^%.2f at %a, %a",
                         assay_operation_row(rows[k].id)->name, log2(e), x[0], x[1]);
        }
        printf("%s: 2^%.2f\n", assay_operation_row(rows[k].id)->name, log2(most));
    }
    mpfr_clears(r, at[0], at[1], (mpfr_ptr)NULL);
}
