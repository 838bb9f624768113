/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error-free transforms and double-word ("double-double") arithmetic on binary64: docs/numerics.md,
 * 1 and 2.
 *
 * Below u = 2^-53. Every statement holds in round-to-nearest without overflow, and as long
 * as no word that it needs falls below 2^-1022; the arguments of double-words are finite and
 * normalised (hi = RN(hi + lo)), and so are the results. [JMP] is Joldes, Muller, Popescu,
 * "Tight and rigorous error bounds for basic building blocks of double-word arithmetic",
 * ACM TOMS 44(2), 2017; where [MR] is cited, Muller and Rideau, "Formalization of
 * double-word arithmetic, and comments on [JMP]", ACM TOMS 48(1), 2022, checked the bound
 * in Coq. All functions are pure, hence safe from any thread. They are inline: the including file
 * has to be compiled with -ffp-contract=off too.
 */
#ifndef ASSAY_NUMERICS_EXACT_H
#define ASSAY_NUMERICS_EXACT_H

#include "bits.h"

#ifdef __FAST_MATH__
#error "fast-math reorders the operations that these functions are made of"
#endif

/** An unevaluated sum of two doubles with hi = RN(hi + lo): about 106 bits of precision. */
typedef struct assay_dd {
    double hi, lo;
} assay_dd;

/** Square root rounded to nearest: one IEEE operation, without libm's errno. */
ASSAY_INLINE double assay_sqrt(double x)
{
    return __builtin_sqrt(x);
}

/** hi + lo = a + b exactly, hi = RN(a + b). Knuth's 6 operations; any a, b. */
ASSAY_INLINE assay_dd assay_two_sum(double a, double b)
{
    double s = a + b, t = s - a;
    assay_dd r = { s, (a - (s - t)) + (b - t) };
    return r;
}

/** The same in 3 operations (Dekker) when a = 0 or exponent(a) >= exponent(b). */
ASSAY_INLINE assay_dd assay_fast_two_sum(double a, double b)
{
    double s = a + b;
    assay_dd r = { s, b - (s - a) };
    return r;
}

/** a = hi + lo with 26 bits in hi and 26 and a sign in lo (Veltkamp); |a| <= 2^996. */
ASSAY_INLINE assay_dd assay_split(double a)
{
    double c = 0x1.0000002p27 * a; /* 2^27 + 1 */
    double hi = c - (c - a);
    assay_dd r = { hi, a - hi };
    return r;
}

/**
 * hi + lo = a * b exactly, hi = RN(a * b), if a b = 0 or |a b| >= 2^-968 (so that lo is
 * exact). With FMA one operation gives lo; without, Dekker's 17, which also need
 * |a|, |b| <= 2^996. Within these limits both give the same bits, as lo is exact in both.
 */
ASSAY_INLINE assay_dd assay_two_prod(double a, double b)
{
    double p = a * b;
#ifdef __FMA__
    assay_dd r = { p, __builtin_fma(a, b, -p) };
#else
    assay_dd x = assay_split(a), y = assay_split(b);
    assay_dd r = { p, x.lo * y.lo - (((p - x.hi * y.hi) - x.lo * y.hi) - x.hi * y.lo) };
#endif
    return r;
}

/** x as a double-word; exact. */
ASSAY_INLINE assay_dd assay_dd_from(double x)
{
    assay_dd r = { x, 0 };
    return r;
}

/** RN(hi + lo), which is hi; adding would turn -0 into +0. */
ASSAY_INLINE double assay_dd_to_double(assay_dd x)
{
    return x.hi;
}

/** -x; exact. */
ASSAY_INLINE assay_dd assay_dd_neg(assay_dd x)
{
    assay_dd r = { -x.hi, -x.lo };
    return r;
}

/** |x|; exact. */
ASSAY_INLINE assay_dd assay_dd_abs(assay_dd x)
{
    return x.hi < 0 ? assay_dd_neg(x) : x;
}

/** -1, 0 or 1 as x < y, x = y, x > y; exact. Neither may be NaN. */
ASSAY_INLINE int assay_dd_compare(assay_dd x, assay_dd y)
{
    int hi = (x.hi > y.hi) - (x.hi < y.hi);
    return hi != 0 ? hi : (x.lo > y.lo) - (x.lo < y.lo);
}

/** x * 2^e, e in [-1022, 1023]; exact, unless a word leaves the normal range. */
ASSAY_INLINE assay_dd assay_dd_ldexp(assay_dd x, int e)
{
    double s = assay_pow2(e);
    assay_dd r = { x.hi * s, x.lo * s };
    return r;
}

/** x + y, relative error <= 2 u^2. [JMP] algorithm 4, theorem 2.1 (DWPlusFP). */
ASSAY_INLINE assay_dd assay_dd_add_d(assay_dd x, double y)
{
    assay_dd s = assay_two_sum(x.hi, y);
    return assay_fast_two_sum(s.hi, x.lo + s.lo);
}

/**
 * x + y, relative error <= 3 u^2 / (1 - 4u), whatever cancels. [JMP] algorithm 6,
 * theorem 3.1 (AccurateDWPlusDW); [MR] theorem 3.
 */
ASSAY_INLINE assay_dd assay_dd_add(assay_dd x, assay_dd y)
{
    assay_dd s = assay_two_sum(x.hi, y.hi), t = assay_two_sum(x.lo, y.lo);
    assay_dd v = assay_fast_two_sum(s.hi, s.lo + t.hi);
    return assay_fast_two_sum(v.hi, t.lo + v.lo);
}

/** x - y; the bound of assay_dd_add. */
ASSAY_INLINE assay_dd assay_dd_sub(assay_dd x, assay_dd y)
{
    return assay_dd_add(x, assay_dd_neg(y));
}

/** x * y, relative error <= 3/2 u^2 + 4 u^3. [JMP] algorithm 7, theorem 4.1 (DWTimesFP1). */
ASSAY_INLINE assay_dd assay_dd_mul_d(assay_dd x, double y)
{
    assay_dd c = assay_two_prod(x.hi, y);
    assay_dd t = assay_fast_two_sum(c.hi, x.lo * y);
    return assay_fast_two_sum(t.hi, t.lo + c.lo);
}

/**
 * x * y, relative error <= 7 u^2. [JMP] algorithm 10, theorem 5.1 (DWTimesDW1); [MR] gives
 * 5 u^2. The variant without FMA, so that builds with and without one agree.
 */
ASSAY_INLINE assay_dd assay_dd_mul(assay_dd x, assay_dd y)
{
    assay_dd c = assay_two_prod(x.hi, y.hi);
    return assay_fast_two_sum(c.hi, c.lo + (x.hi * y.lo + x.lo * y.hi));
}

/** x / y, relative error <= 15 u^2 + 56 u^3. [JMP] algorithm 17, theorem 6.2 (DWDivDW2). */
ASSAY_INLINE assay_dd assay_dd_div(assay_dd x, assay_dd y)
{
    double q = x.hi / y.hi;
    assay_dd r = assay_dd_mul_d(y, q);
    return assay_fast_two_sum(q, ((x.hi - r.hi) + (x.lo - r.lo)) / y.hi);
}

/**
 * sqrt(x), x >= 0, relative error <= 25/8 u^2. Algorithm SQRTDWtoDW and its theorem in
 * Lefevre, Louvet, Muller, Picot, Rideau, "Accurate calculation of Euclidean norms using
 * double-word arithmetic", ACM TOMS 49(1), 2023. The residual x.hi - q^2 is a double
 * (Markstein), so the two subtractions below are exact and equal their one FMA.
 */
ASSAY_INLINE assay_dd assay_dd_sqrt(assay_dd x)
{
    double q = assay_sqrt(x.hi);
    assay_dd p = assay_two_prod(q, q), zero = { q, 0 };
    if (!(q > 0))
        return zero;
    return assay_fast_two_sum(q, (((x.hi - p.hi) - p.lo) + x.lo) / (q + q));
}

#endif
