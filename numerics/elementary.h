/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementary functions on binary64, made of + - * / sqrt and integer operations alone: their
 * bits depend on no libm, compiler, instruction set or FMA unit. They need what
 * assay_env_check checks: round to nearest, subnormals kept.
 *
 * Error   |result - f(x)| <= ULPS * ulp(f(x)), where ulp(y) = 2^(max(floor log2 |y|, -1022) - 52);
 *         where |f(x)| < 2^-1022 the bound is ASSAY_SUBNORMAL_ULPS instead. A result
 *         overflows to infinity only if |f(x)| exceeds the largest finite number.
 *         Proofs: docs/numerics.md, the section named beside each bound.
 * NaN     a NaN argument gives the NaN 0x7ff8000000000000; so does an argument
 *         outside the domain. Nothing sets errno or reads the floating-point flags.
 * Threads all functions are pure.
 */
#ifndef ASSAY_NUMERICS_ELEMENTARY_H
#define ASSAY_NUMERICS_ELEMENTARY_H

#include "bits.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_EXP_ULPS       0.52   /* section 4                                          */
#define ASSAY_SIGMOID_ULPS   2.6    /* section 5                                          */
#define ASSAY_SILU_ULPS      3.6    /* section 5                                          */
#define ASSAY_EXPM1_ULPS     0.5001 /* sections 6 to 13: a double-double result, rounded  */
#define ASSAY_LOG_ULPS       0.5001
#define ASSAY_LOG1P_ULPS     0.5001
#define ASSAY_LOG10_ULPS     0.5001
#define ASSAY_POW_ULPS       0.5001
#define ASSAY_SIN_ULPS       0.5001
#define ASSAY_COS_ULPS       0.5001
#define ASSAY_TANH_ULPS      0.5001
#define ASSAY_ERF_ULPS       0.5001
#define ASSAY_ERFC_ULPS      0.5001
#define ASSAY_GELU_ERF_ULPS  0.5001
#define ASSAY_GELU_TANH_ULPS 0.5001
#define ASSAY_SUBNORMAL_ULPS 0.77 /* of any function here                               */

/** e^x. exp(-inf) = 0, exp(inf) = inf, exp(+-0) = 1. */
ASSAY_API double assay_exp(double x);

/** e^x - 1. expm1(-inf) = -1, expm1(inf) = inf, expm1(+-0) = +-0. */
ASSAY_API double assay_expm1(double x);

/** Natural logarithm of x >= 0. log(+-0) = -inf, log(inf) = inf, log(1) = +0. */
ASSAY_API double assay_log(double x);

/** log(1 + x), x >= -1. log1p(-1) = -inf, log1p(inf) = inf, log1p(+-0) = +-0. */
ASSAY_API double assay_log1p(double x);

/** Decimal logarithm of x >= 0, exact at powers of ten. Specials as assay_log. */
ASSAY_API double assay_log10(double x);

/**
 * x^y for x >= 0. pow(x, +-0) = pow(1, y) = 1, whatever the other is, even NaN. For x = 0 or
 * inf and y = +-inf the limits: pow(0, y) = inf for y < 0 and +0 for y > 0, and so on.
 * A negative x other than -0 is outside the domain.
 */
ASSAY_API double assay_pow(double x, double y);

/** sin x, x in radians, for every finite x; +-inf is outside the domain. sin(+-0) = +-0. */
ASSAY_API double assay_sin(double x);

/** cos x, x in radians, for every finite x; +-inf is outside the domain. */
ASSAY_API double assay_cos(double x);

/** Hyperbolic tangent. tanh(+-inf) = +-1, tanh(+-0) = +-0. */
ASSAY_API double assay_tanh(double x);

/** 2/sqrt(pi) * integral of e^(-t^2) over [0, x]. erf(+-inf) = +-1, erf(+-0) = +-0. */
ASSAY_API double assay_erf(double x);

/** 1 - erf(x), without cancellation. erfc(inf) = 0, erfc(-inf) = 2. */
ASSAY_API double assay_erfc(double x);

/** 1/(1 + e^-x). sigmoid(-inf) = 0, sigmoid(inf) = 1. */
ASSAY_API double assay_sigmoid(double x);

/** x/(1 + e^-x). silu(-inf) = -0, silu(inf) = inf, silu(+-0) = +-0. */
ASSAY_API double assay_silu(double x);

/** x Phi(x) = x/2 (1 + erf(x/sqrt 2)), relative accuracy kept in the left tail.
 * gelu(-inf) = -0, gelu(inf) = inf, gelu(+-0) = +-0. */
ASSAY_API double assay_gelu_erf(double x);

/** x/2 (1 + tanh(a)), a = sqrt(2/pi) (x + 0.044715 x^3) with the real numbers sqrt(2/pi)
 * and 44715/10^6; relative accuracy kept in the left tail. Specials as assay_gelu_erf. */
ASSAY_API double assay_gelu_tanh(double x);

/** 2^(j/128) = hi + lo in words 2j and 2j + 1, j < 128; |error| <= 2^-107. */
ASSAY_API extern const double assay_exp_table[256];

/** 2^(k/128) e^r where t = 2^52 + 2^51 + k, |k| < 2048 * 128, |r| < 0.00271: table, polynomial and
 * scaling of section 4. */
ASSAY_INLINE double assay_exp_reduced(double t, double r)
{
    uint64_t i = assay_bits64(t) - 0x4338000000000000 + (2048 << 7); /* k + 2048 * 128 > 0 */
    uint64_t n = i >> 7, half = n >> 1;
    double hi = assay_exp_table[2 * (i & 127)], lo = assay_exp_table[2 * (i & 127) + 1];
    double p = r + r * r *
                       (0.5 + r * (0x1.5555555555555p-3 +
                                   r * (0x1.5555555555555p-5 + r * 0x1.1111111111111p-7)));
    double y = hi + (lo + hi * p);
    /* 2^(n - 2048) in two factors: the first product is exact, the second rounds once. */
    return y * assay_from_bits64((half - 1) << 52) * assay_from_bits64((n - half - 1) << 52);
}

/**
 * assay_exp without a call: no branch, so a loop over it vectorises where the target can
 * gather. The same bits as assay_exp, if the caller too is compiled with -ffp-contract=off and
 * without fast-math. x = (128 n + j) ln2/128 + r, |r| < 0.00271, and
 * e^x = 2^n 2^(j/128) e^r; docs/numerics.md section 4 proves the steps and the bound.
 */
ASSAY_INLINE double assay_exp_inline(double x)
{
    double v = x > -746 ? x : -746;                /* e^-746 < 2^-1075 rounds to 0; takes NaN too */
    v = v < 710 ? v : 710;                         /* e^710 overflows                             */
    double t = v * 0x1.71547652b82fep7 + 0x1.8p52; /* 128/ln2; the sum rounds to an integer */
    double k = t - 0x1.8p52;
    double r = (v - k * 0x1.62e42fef8p-8) - k * 0x1.1cf79abc9e3b4p-43;
    double y = assay_exp_reduced(t, r); /* here, as loads behind a condition do not vectorise */
    return x != x ? assay_from_bits64(0x7ff8000000000000) : y;
}

#ifdef __cplusplus
}
#endif
#endif
