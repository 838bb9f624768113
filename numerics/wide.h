/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real numbers of any precision up to 2560 bits, for results that have to be certain whatever
 * the cost. Not installed.
 *
 * Every function takes n, the limbs to compute with (1 to ASSAY_WIDE_LIMBS), first; of its
 * operands it reads the first n limbs, of its result it writes the first n. Operations truncate:
 * |result| is at most the true magnitude and less than 1 ulp below it, ulp = 2^(1 - 64 n) of the
 * result, unless they say otherwise; docs/operations.md, 2.5, proves it. Exponents
 * have 62 bits, and nobody comes near their ends. Results may be operands.
 */
#ifndef ASSAY_NUMERICS_WIDE_H
#define ASSAY_NUMERICS_WIDE_H

#include "number.h"

enum { ASSAY_WIDE_LIMBS = 40 };

/** +-(0.at[0] at[1] ...) 2^exp, the most significant limb first with its top bit set; or zero,
 * when at[0] = 0. */
typedef struct assay_wide {
    int64_t exp;
    bool negative;
    uint64_t at[ASSAY_WIDE_LIMBS];
} assay_wide;

static inline bool assay_wide_is_zero(const assay_wide *x)
{
    return x->at[0] == 0;
}

void assay_wide_set(int n, assay_wide *r, const assay_wide *x);
/** m 2^e, negative or not; exact. */
void assay_wide_from(int n, assay_wide *r, uint64_t m, int64_t e, bool negative);
/** Zero or finite; truncated if 64 n bits do not hold it. */
void assay_wide_from_exact(int n, assay_wide *r, const assay_exact *x);

void assay_wide_add(int n, assay_wide *r, const assay_wide *x, const assay_wide *y);
void assay_wide_sub(int n, assay_wide *r, const assay_wide *x, const assay_wide *y);
void assay_wide_mul(int n, assay_wide *r, const assay_wide *x, const assay_wide *y);
/** y is not zero; exact if the quotient has 64 n - 64 bits. */
void assay_wide_div(int n, assay_wide *r, const assay_wide *x, const assay_wide *y);
/** x m and x / m, m > 0. */
void assay_wide_mul_u(int n, assay_wide *r, const assay_wide *x, uint64_t m);
void assay_wide_div_u(int n, assay_wide *r, const assay_wide *x, uint64_t m);
/** x >= 0; less than 4 ulp off on either side. */
void assay_wide_sqrt(int n, assay_wide *r, const assay_wide *x);

/** -1, 0, 1 as |x| is below, equal to or above |y|. */
int assay_wide_compare(int n, const assay_wide *x, const assay_wide *y);
/** Truncates to an integer below 2^64 in magnitude, *fraction gets what is cut off, exactly. */
uint64_t assay_wide_split(int n, const assay_wide *x, assay_wide *fraction);

/**
 * x, known to a relative error of 2^-good on either side, as a truncated number of `bits` bits
 * (64 to 256) and a rest; false where the error leaves these bits uncertain, or whether there is
 * a rest. true is a proof for every value within the error that is no number of `bits` bits.
 */
bool assay_wide_certify(int n, const assay_wide *x, int good, int bits, assay_exact *out);

#endif
