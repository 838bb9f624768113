/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constants and elementary functions of wide numbers. Not installed.
 *
 * Each function returns `good`: its result is within a relative error of 2^-good of the function
 * of the x it was given, whatever the function's size; docs/operations.md, 2.6,
 * proves the bounds. n is at most ASSAY_WIDE_MOST; constants are right to 2^-2540. Results may be
 * operands. Threads: reentrant.
 */
#ifndef ASSAY_NUMERICS_WIDE_FUNCTION_H
#define ASSAY_NUMERICS_WIDE_FUNCTION_H

#include "wide.h"

enum { ASSAY_WIDE_MOST = ASSAY_WIDE_LIMBS - 1 };

/** pi and ln 2, truncated. */
void assay_wide_pi(int n, assay_wide *r);
void assay_wide_ln2(int n, assay_wide *r);

/** e^x and e^x - 1, |x| < 2^31. */
int assay_wide_exp(int n, assay_wide *r, const assay_wide *x);
int assay_wide_expm1(int n, assay_wide *r, const assay_wide *x);
/** log x, x > 0; log(1 + x), x > -1. */
int assay_wide_log(int n, assay_wide *r, const assay_wide *x);
int assay_wide_log1p(int n, assay_wide *r, const assay_wide *x);
/** x > 0, or x of any sign. */
int assay_wide_atan(int n, assay_wide *r, const assay_wide *x);
/** sin x and cos x, |x| < 0.8. */
int assay_wide_sin(int n, assay_wide *r, const assay_wide *x);
int assay_wide_cos(int n, assay_wide *r, const assay_wide *x);
/** erf x, |x| < 2^5; 1 - erf x, 0 < x < 2^5, 0 if n does not suffice. */
int assay_wide_erf(int n, assay_wide *r, const assay_wide *x);
int assay_wide_erfc(int n, assay_wide *r, const assay_wide *x);

/**
 * x mod 1 in [-1/2, 1/2], exactly, and the low 62 bits of the integer that was taken away (of
 * its magnitude, which has the sign of x).
 */
uint64_t assay_wide_nearest(int n, const assay_wide *x, assay_wide *fraction);
/**
 * q, modulo 4, and r with x = q pi/2 + r, |r| < 0.8, for an exact x of at most n limbs, whose
 * further limbs are zeros up to ASSAY_WIDE_LIMBS. Returns good; 0 if x is too large for it.
 */
int assay_wide_reduce(int n, assay_wide *r, const assay_wide *x, unsigned *q);

#endif
