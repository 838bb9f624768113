/* SPDX-License-Identifier: Apache-2.0 */
/* The functions under test, their truth by MPFR, and the arguments; for test_elementary*.c. */
#ifndef ASSAY_TESTS_ELEMENTARY_CASES_H
#define ASSAY_TESTS_ELEMENTARY_CASES_H

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include <mpfr.h>

#include "numerics/elementary.h"
#include "numerics/elementary_dd.h"
#include "tests/support/points.h"

enum { BITS = 320, POINTS = 20000 };

typedef void oracle(mpfr_t y, const mpfr_t x);

static void truth_exp(mpfr_t y, const mpfr_t x)
{
    mpfr_exp(y, x, MPFR_RNDN);
}

static void truth_expm1(mpfr_t y, const mpfr_t x)
{
    mpfr_expm1(y, x, MPFR_RNDN);
}

static void truth_log(mpfr_t y, const mpfr_t x)
{
    mpfr_log(y, x, MPFR_RNDN);
}

static void truth_log1p(mpfr_t y, const mpfr_t x)
{
    mpfr_log1p(y, x, MPFR_RNDN);
}

static void truth_log10(mpfr_t y, const mpfr_t x)
{
    mpfr_log10(y, x, MPFR_RNDN);
}

static void truth_sin(mpfr_t y, const mpfr_t x)
{
    mpfr_sin(y, x, MPFR_RNDN);
}

static void truth_cos(mpfr_t y, const mpfr_t x)
{
    mpfr_cos(y, x, MPFR_RNDN);
}

static void truth_tanh(mpfr_t y, const mpfr_t x)
{
    mpfr_tanh(y, x, MPFR_RNDN);
}

static void truth_erf(mpfr_t y, const mpfr_t x)
{
    mpfr_erf(y, x, MPFR_RNDN);
}

static void truth_erfc(mpfr_t y, const mpfr_t x)
{
    mpfr_erfc(y, x, MPFR_RNDN);
}

static void truth_sigmoid(mpfr_t y, const mpfr_t x)
{
    mpfr_neg(y, x, MPFR_RNDN);
    mpfr_exp(y, y, MPFR_RNDN);
    mpfr_add_ui(y, y, 1, MPFR_RNDN);
    mpfr_ui_div(y, 1, y, MPFR_RNDN);
}

static void truth_silu(mpfr_t y, const mpfr_t x)
{
    truth_sigmoid(y, x);
    mpfr_mul(y, y, x, MPFR_RNDN);
}

static void truth_gelu_erf(mpfr_t y, const mpfr_t x)
{
    mpfr_sqrt_ui(y, 2, MPFR_RNDN);
    mpfr_div(y, x, y, MPFR_RNDN);
    mpfr_neg(y, y, MPFR_RNDN);
    mpfr_erfc(y, y, MPFR_RNDN);
    mpfr_mul(y, y, x, MPFR_RNDN);
    mpfr_div_2ui(y, y, 1, MPFR_RNDN);
}

/* y = 2 sqrt(2/pi) (x + 0.044715 x^3) */
static void gelu_argument(mpfr_t y, const mpfr_t x)
{
    mpfr_t c;
    mpfr_init2(c, BITS);
    mpfr_sqr(y, x, MPFR_RNDN);
    mpfr_mul_ui(y, y, 44715, MPFR_RNDN);
    mpfr_div_ui(y, y, 1000000, MPFR_RNDN);
    mpfr_add_ui(y, y, 1, MPFR_RNDN);
    mpfr_mul(y, y, x, MPFR_RNDN);
    mpfr_const_pi(c, MPFR_RNDN);
    mpfr_ui_div(c, 8, c, MPFR_RNDN);
    mpfr_sqrt(c, c, MPFR_RNDN);
    mpfr_mul(y, y, c, MPFR_RNDN);
    mpfr_clear(c);
}

static void truth_gelu_tanh(mpfr_t y, const mpfr_t x)
{
    gelu_argument(y, x);
    truth_sigmoid(y, y);
    mpfr_mul(y, y, x, MPFR_RNDN);
}

/* lo, hi: where results are neither 0 nor constant nor infinite, and a little more. */
typedef struct row {
    const char *name;
    double (*f)(double);
    assay_dd (*wide)(assay_dd);
    oracle *truth;
    double ulps, lo, hi;
    size_t cost;     /* MPFR's erfc takes a millisecond: that many times fewer points */
    uint64_t digest; /* of 10^5 results: any build has to reproduce it                */
} row;

static const row rows[] = {
    { "exp", assay_exp, assay_dd_exp, truth_exp, ASSAY_EXP_ULPS, -750, 715, 1, 0x399be241ce582a4d },
    { "expm1", assay_expm1, assay_dd_expm1, truth_expm1, ASSAY_EXPM1_ULPS, -60, 715, 1,
      0x0374f48546dc2a2f },
    { "log", assay_log, assay_dd_log, truth_log, ASSAY_LOG_ULPS, 0, 4, 1, 0xf4643128ac25e239 },
    { "log1p", assay_log1p, NULL, truth_log1p, ASSAY_LOG1P_ULPS, -1, 3, 1, 0xdab8640be2d53900 },
    { "log10", assay_log10, NULL, truth_log10, ASSAY_LOG10_ULPS, 0, 1100, 1, 0x101afcfb64a596e3 },
    { "sin", assay_sin, assay_dd_sin, truth_sin, ASSAY_SIN_ULPS, -100, 100, 1, 0x1cdfdbc17b46fc41 },
    { "cos", assay_cos, assay_dd_cos, truth_cos, ASSAY_COS_ULPS, -100, 100, 1, 0x77aa3514fb7452d1 },
    { "tanh", assay_tanh, assay_dd_tanh, truth_tanh, ASSAY_TANH_ULPS, -45, 45, 1,
      0x5628f0dde1c2f33c },
    { "erf", assay_erf, assay_dd_erf, truth_erf, ASSAY_ERF_ULPS, -10, 10, 4, 0xc463f9fcb84241dd },
    { "erfc", assay_erfc, assay_dd_erfc, truth_erfc, ASSAY_ERFC_ULPS, -7, 28, 40,
      0x5d718c0c40ddc18e },
    { "sigmoid", assay_sigmoid, assay_dd_sigmoid, truth_sigmoid, ASSAY_SIGMOID_ULPS, -750, 50, 1,
      0x13f4ebabc454e8ae },
    { "silu", assay_silu, assay_dd_silu, truth_silu, ASSAY_SILU_ULPS, -760, 50, 1,
      0xf60d5ed21c6819cc },
    { "gelu_erf", assay_gelu_erf, assay_dd_gelu_erf, truth_gelu_erf, ASSAY_GELU_ERF_ULPS, -39, 20,
      40, 0xd1c0d0dfe6ce2f79 },
    { "gelu_tanh", assay_gelu_tanh, assay_dd_gelu_tanh, truth_gelu_tanh, ASSAY_GELU_TANH_ULPS, -22,
      20, 1, 0x25b875a017a1bfba },
};

enum { ROWS = sizeof rows / sizeof *rows };

/* Thresholds, neighbours of multiples of pi/2 (6381956970095103 * 2^797 is the double nearest
 * to one in relative terms), borders of the tables and of the ranges in the code. */
static const double hard[] = {
    0x1p-1074,
    0x1.8p-1073,
    0x1p-1022,
    0x1.fffffffffffffp-1023,
    0x1p-970,
    0x1p-110,
    0x1.fffffffffffffp-111,
    0x1p-60,
    0x1p-54,
    0x1p-53,
    0x1.0000000000001p-53,
    0x1p-27,
    0x1p-10,
    0.0027,
    0.00271,
    0.0054,
    0.0078125,
    0.0625,
    0.125,
    0x1.fffffffffffffp-4,
    0.25,
    0.3465735902799726,
    0.5,
    0x1.fffffffffffffp-2,
    0.7071067811865475,
    0.7071067811865476,
    0x1.921fb54442d18p-1,
    0x1.921fb54442d19p-1,
    0x1.fffffffffffffp-1,
    1,
    0x1.0000000000001p0,
    1.0078125,
    1.4140625,
    1.4142135623730951,
    0x1.921fb54442d18p0,
    2,
    0x1.2d97c7f3321d2p1,
    3,
    0x1.921fb54442d18p1,
    5,
    7,
    9,
    0x1.2p3,
    10,
    0x1.921fb54442d18p3,
    22,
    26.5432,
    0x1.a8b12fc6e4892p+4,
    27.2,
    27.3,
    27.5,
    30.9,
    38,
    38.4,
    38.75,
    40,
    44.361419555836498,
    100,
    355,
    700,
    0x1.5ep9,
    708.3964185322641,
    709,
    709.4361393,
    0x1.62e42fefa39efp+9,
    0x1.62e42fefa39fp+9,
    709.8,
    710,
    716.2,
    744.44,
    745.1332191019411,
    745.1332191019412,
    746,
    751.5,
    752,
    800,
    801,
    1000,
    1e6,
    0x1p26,
    1073741824,
    0x1p52,
    0x1p53,
    1e15,
    1e16,
    1e22,
    0x1.6ac5b262ca1ffp+849,
    0x1p1000,
    1e300,
    0x1.fffffffffffffp1023,
    INFINITY,
};

static const uint64_t golden = 0x9e3779b97f4a7c15;

/* SplitMix64's output function at step i. */
static uint64_t hash(uint64_t i)
{
    uint64_t z = (i + 1) * golden;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static double unit(uint64_t i)
{
    return (double)(hash(i) >> 11) * 0x1p-53;
}

/* The i-th test argument: over the range, over all binades, or over those about 1. */
static double argument(const row *r, uint64_t i)
{
    uint64_t u = hash(3 * i);
    switch (i % 3) {
    case 0: return r->lo + unit(3 * i + 1) * (r->hi - r->lo);
    case 1: return assay_from_bits64(u);
    default:
        return assay_from_bits64((u & 0x800fffffffffffff) | (uint64_t)(963 + hash(i) % 74) << 52);
    }
}

static size_t points(size_t cost)
{
    return (points_thorough() ? 100 : 1) * (size_t)POINTS / cost;
}

typedef struct worst {
    double value, at;
} worst;

static void keep(worst *w, double value, double at)
{
    if (!(value <= w->value))
        *w = (worst){ value, at };
}

#define PER_FUNCTION(test)                                \
    ParameterizedTestParameters(elementary, test)         \
    {                                                     \
        static int ids[ROWS];                             \
        for (int i = 0; i < ROWS; i++)                    \
            ids[i] = i;                                   \
        return cr_make_param_array(int, ids, ROWS, NULL); \
    }                                                     \
    ParameterizedTest(int *id, elementary, test)

#endif
