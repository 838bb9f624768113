/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementary functions in double-double arithmetic: the wide evaluation that measures the
 * error of a binary64 reference. Slower than elementary.h by design.
 *
 * Domain  arguments are normalised (hi = RN(hi + lo)); infinities have lo = 0.
 * Error   relative, ASSAY_DD_REL = 2^-100, of every function here unless it says otherwise,
 *         while |result| >= 2^-960; below, the low word loses bits to underflow and the
 *         error is at most 2^-100 |f(x)| + 2^-1073. Proofs: docs/numerics.md, sections 6 to 13.
 * NaN     a NaN argument, or one outside the domain, gives hi = lo = NaN.
 * Other   specials, threads: as in elementary.h.
 */
#ifndef ASSAY_NUMERICS_ELEMENTARY_DD_H
#define ASSAY_NUMERICS_ELEMENTARY_DD_H

#include "exact.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_DD_REL 0x1p-100

/** e^x. */
ASSAY_API assay_dd assay_dd_exp(assay_dd x);

/** e^x - 1. */
ASSAY_API assay_dd assay_dd_expm1(assay_dd x);

/** Natural logarithm, x >= 0. */
ASSAY_API assay_dd assay_dd_log(assay_dd x);

/** x^y = e^(y log x), x >= 0: relative error 2^-100 (1 + |y log x|). Specials as assay_pow. */
ASSAY_API assay_dd assay_dd_pow(assay_dd x, assay_dd y);

/**
 * sin x and cos x together, at half the price of both. x.lo = 0: relative error as above for
 * every finite x. Otherwise 2^-100 absolutely, since x may be nearer to a zero of the function
 * than a double can be.
 */
ASSAY_API void assay_dd_sincos(assay_dd x, assay_dd *sine, assay_dd *cosine);

/** sin x, as assay_dd_sincos. */
ASSAY_API assay_dd assay_dd_sin(assay_dd x);

/** cos x, as assay_dd_sincos. */
ASSAY_API assay_dd assay_dd_cos(assay_dd x);

/** Hyperbolic tangent. */
ASSAY_API assay_dd assay_dd_tanh(assay_dd x);

/** Error function. */
ASSAY_API assay_dd assay_dd_erf(assay_dd x);

/** 1 - erf(x), without cancellation. */
ASSAY_API assay_dd assay_dd_erfc(assay_dd x);

/** 1/(1 + e^-x). */
ASSAY_API assay_dd assay_dd_sigmoid(assay_dd x);

/** x/(1 + e^-x). */
ASSAY_API assay_dd assay_dd_silu(assay_dd x);

/** x/2 (1 + erf(x/sqrt 2)), relative accuracy kept in the left tail. */
ASSAY_API assay_dd assay_dd_gelu_erf(assay_dd x);

/**
 * x/2 (1 + tanh a), a as in assay_gelu_tanh. Relative error 2^-100 (1 + |2a|) for x < 0,
 * as e^(2a) magnifies the rounding of a.
 */
ASSAY_API assay_dd assay_dd_gelu_tanh(assay_dd x);

#ifdef __cplusplus
}
#endif
#endif
