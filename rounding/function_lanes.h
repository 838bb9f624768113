/* SPDX-License-Identifier: Apache-2.0 */
/* Functions in binary64 without branches, and ends that their results lie between. Off by less than
 * 2^-48 (powers: 2^-40), relatively, for arguments of at most 24 bits between 2^-400 and 2^400 in
 * magnitude and results within 2^+-1000; docs/numerics.md, 16. Not installed. */
#ifndef ASSAY_ROUNDING_FUNCTION_LANES_H
#define ASSAY_ROUNDING_FUNCTION_LANES_H

#include <stdbool.h>

#include "numerics/elementary.h"
#include "numerics/elementary_tables.h"
#include "numerics/exact.h"

/** What f(x) is known to lie within in magnitude, its ends included. */
typedef struct function_range {
    double least, most;
} function_range;

static const function_range function_any = { 0x1p-1000, 0x1p1000 };

ASSAY_INLINE double function_size(double x)
{
    return assay_from_bits64(assay_bits64(x) & 0x7fffffffffffffff);
}

/* The numbers beside x > 0. */
ASSAY_INLINE double function_above(double x)
{
    return assay_from_bits64(assay_bits64(x) + 1);
}

ASSAY_INLINE double function_below(double x)
{
    return assay_from_bits64(assay_bits64(x) - 1);
}

/* One of both by its bits: behind a condition gcc would put their loads into branches. */
ASSAY_INLINE double function_choose(bool first, double x, double y)
{
    const uint64_t mask = 0 - (uint64_t)first;
    return assay_from_bits64((assay_bits64(x) & mask) | (assay_bits64(y) & ~mask));
}

ASSAY_INLINE double function_smaller(double x, double y)
{
    return x < y ? x : y;
}

/** The ends around y, an f(x) off by less than margin / 2, or on the same side of 2^+-1000 as
 * f(x). */
ASSAY_INLINE void function_enclose_by(double margin, double y, function_range range, double *low,
                                      double *high)
{
    const uint64_t sign = assay_bits64(y) & (uint64_t)1 << 63;
    double size = function_size(y), lower, upper;
    size = size > 0x1p-1000 ? size : 0x1p-1000;
    size = size < 0x1p1000 ? size : 0x1p1000;
    lower = size - size * margin;
    upper = size + size * margin;
    lower = lower > range.least ? lower : range.least;
    upper = upper < range.most ? upper : range.most;
    *low = assay_from_bits64(assay_bits64(lower) | sign);
    *high = assay_from_bits64(assay_bits64(upper) | sign);
}

ASSAY_INLINE void function_enclose(double y, function_range range, double *low, double *high)
{
    function_enclose_by(0x1p-47, y, range, low, high);
}

/* Horner's rule for the four coefficients from i on, and for twelve; they stand in pairs. Unrolled,
 * as a loop in a loop is not vectorised, and by index, which a gathering load can take. */
ASSAY_INLINE double function_four(const double *c, uint64_t i, double x, double rest)
{
    return c[i] + x * (c[i + 2] + x * (c[i + 4] + x * (c[i + 6] + x * rest)));
}

ASSAY_INLINE double function_series(const double *c, uint64_t i, double x)
{
    return function_four(c, i, x, function_four(c, i + 8, x, function_four(c, i + 16, x, 0)));
}

/** 2^x: as assay_exp_inline, but x - k / 128 is exact and times ln 2 twice rounded. */
ASSAY_INLINE double function_exp2(double x)
{
    double v = x > -1070 ? x : -1070;
    v = v < 1020 ? v : 1020;
    double t = v * 128 + 0x1.8p52;
    return assay_exp_reduced(t, (v - (t - 0x1.8p52) * 0x1p-7) * 0x1.62e42fefa39efp-1);
}

/** f e / (1 + e) with e = e^-|x|, f = 1 or x, for x < 0; f / (1 + e) else: section 5. Beyond 700,
 * of 700, as subnormals are slow. */
ASSAY_INLINE double function_logistic(double x, double f)
{
    double e = assay_exp_inline(-function_smaller(function_size(x), 700));
    return (x < 0 ? f * e : f) / (1 + e);
}

/** log x of x > 0, as section 7: 2^e m, c = 1/m to 10 bits, r = c m - 1 exactly. */
ASSAY_INLINE double function_log(double x)
{
    const uint64_t bits = assay_bits64(x), i = bits >> 45 & 127, up = i >= 53;
    double e = assay_from_bits64(((uint64_t)0x433 << 52) + (bits >> 52) + up) - (0x1p52 + 1023);
    double m = assay_from_bits64((bits & 0xfffffffffffff) | (1023 - up) << 52);
    double r = m * assay_log_table[3 * i] - 1;
    double q =
        0.5 - r * (0x1.5555555555555p-2 -
                   r * (0.25 -
                        r * (0x1.999999999999ap-3 -
                             r * (0x1.5555555555555p-3 - r * (0x1.2492492492492p-3 - r * 0.125)))));
    double p = r - r * r * q;
    return e * assay_ln2[0] + (assay_log_table[3 * i + 1] + (e * assay_ln2[1] + p));
}

/* Results are within 2^+-1000, so beyond 700 it does not matter how large p is. */
ASSAY_INLINE double function_power_log(double x, double y)
{
    double p = y * function_log(function_size(x));
    p = p > -700 ? p : -700;
    return p < 700 ? p : 700;
}

/** |y| with its integer in the low bits: y, of 24 bits, is an even one from 2^24 on. */
ASSAY_INLINE double function_whole(double y)
{
    return function_smaller(function_size(y), 0x1p26) + 0x1p52;
}

/** x^y = e^(y log |x|) with the sign that it has for integers y, off by less than 2^-40.8. */
ASSAY_INLINE double function_pow(double x, double y)
{
    const uint64_t odd = assay_bits64(function_whole(y)) & assay_bits64(x) >> 63;
    double r = assay_exp_inline(function_power_log(x, y));
    return assay_from_bits64(assay_bits64(r) | odd << 63);
}

/** Whether x^y is NaN though neither is: x < 0, and y not an integer. */
ASSAY_INLINE bool function_pow_is_nan(double x, double y)
{
    const double rest = function_whole(y) - 0x1p52 - function_smaller(function_size(y), 0x1p26);
    return (x < 0) & (rest != 0);
}

/** Whether the angle of (x, y) is nearer to the vertical axis. */
ASSAY_INLINE bool function_is_steep(double y, double x)
{
    return function_size(y) > function_size(x);
}

/** The angle of (x, y), of magnitude `half` on the vertical axis, as a multiple of it and atan c +
 * atan d of the smaller coordinate over the larger, where c = i/64 is the nearest to that. */
ASSAY_INLINE double function_angle(double y, double x, double half)
{
    const bool steep = function_is_steep(y, x), left = x < 0;
    double a = function_size(x), b = function_size(y);
    double big = function_choose(steep, b, a), small = function_choose(steep, a, b);
    double t = small / big + 0x1p46, c = t - 0x1p46; /* whose ulp is 1/64 */
    double d = (small - c * big) / (big + c * small), s = d * d;
    double p = 0x1.5555555555555p-2 - s * (0x1.999999999999ap-3 - s * 0x1.2492492492492p-3);
    double f = assay_atan_table[assay_bits64(t) & 127] + (d - d * s * p);
    double base = function_choose(steep, half, function_choose(left, 2 * half, 0));
    double r = base + (steep != left ? -f : f) * (half * 0x1.45f306dc9c883p-1);
    return assay_from_bits64(assay_bits64(r) | (assay_bits64(y) & (uint64_t)1 << 63));
}

/** tanh x by f = e^2|x| - 1, from its series where that would cancel. */
ASSAY_INLINE double function_tanh(double x)
{
    double t = function_smaller(2 * function_size(x), 80);
    double near = function_smaller(t, 0.25);
    double small = near * function_series(assay_exp_series, 0, near);
    double f = function_choose(t < 0.25, small, assay_exp_inline(t) - 1);
    double y = f / (f + 2);
    return x < 0 ? -y : y;
}

/* e^(z^2) erfc(z), 0 <= z < 31: 12 terms of the series of section 11. */
ASSAY_INLINE double function_scaled_erfc(double z)
{
    uint64_t i = (assay_bits64(z + 1) - assay_bits64(1)) >> 48;
    double centre = assay_from_bits64(assay_bits64(1) + (i << 48) + ((uint64_t)1 << 47)) - 1;
    return function_series(assay_scaled_erfc, 44 * i, z - centre);
}

ASSAY_INLINE double function_erf(double x)
{
    double a = function_smaller(function_size(x), 8), near = function_smaller(a, 0.5);
    double small = near * function_series(assay_erf_series, 0, near * near);
    double large = 1 - assay_exp_inline(-(a * a)) * function_scaled_erfc(a);
    double y = function_choose(a < 0.5, small, large);
    return x < 0 ? -y : y;
}

/** x Phi(x) with the tail e^(-x^2/2) f(|x| / sqrt 2) / 2: section 12. */
ASSAY_INLINE double function_gelu(double x)
{
    double a = function_smaller(function_size(x), 30);
    double tail =
        0.5 * assay_exp_inline(-0.5 * (a * a)) * function_scaled_erfc(a * assay_rsqrt2[0]);
    return function_choose(x < 0, -a * tail, x * (1 - tail));
}

#endif
