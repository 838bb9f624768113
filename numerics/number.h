/* SPDX-License-Identifier: Apache-2.0 */
/* A real number as far as any rounding can tell: 256 significant bits and whether more follows.
 * docs/rounding.md, 23; exponentials 25. */
#ifndef ASSAY_NUMERICS_NUMBER_H
#define ASSAY_NUMERICS_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What kind of value an assay_exact is. */
typedef enum assay_class {
    ASSAY_ZERO,
    ASSAY_FINITE,
    ASSAY_INFINITE,
    ASSAY_NOT_A_NUMBER
} assay_class;

/**
 * The magnitude (sig + m) 2^exp, 0 <= m < 1, with the top bit of sig set. m has the bits of
 * more[0], more[1], more[2] after the point, and then something nonzero if `rest`. sticky says
 * that m > 0, which is all that a deterministic rounding to at most 62 bits needs; where only
 * sticky is given (more all zero, no rest), the bits of m are unknown and count as a rest.
 */
typedef struct assay_exact {
    assay_class kind;
    bool negative, sticky;
    int exp;
    uint64_t sig;
    uint64_t more[3];
    bool rest;
} assay_exact;

ASSAY_API assay_exact assay_exact_from(double x);
/** The exact sum hi + lo of any two binary64, as TwoSum and TwoProd give it or not. */
ASSAY_API assay_exact assay_exact_from_pair(double hi, double lo);
/** (-1)^negative n / d 2^exp; d = 0 gives NaN. */
ASSAY_API assay_exact assay_exact_from_ratio(bool negative, uint64_t n, uint64_t d, int exp);

/**
 * a + b with the sign of a rounding to nearest's zero (+0 unless both are -0). What does not fit
 * becomes a rest of less than 2^-254 of the sum; at most one operand may have a rest. inf - inf is
 * NaN.
 */
ASSAY_API assay_exact assay_exact_add(assay_exact a, assay_exact b);
/** x k, and |x| 2^e. */
ASSAY_API assay_exact assay_exact_times(assay_exact x, uint32_t k);
ASSAY_API assay_exact assay_exact_shifted(assay_exact x, int e);
/** -1, 0 or 1 as |a| is below, equal to or above |b|, both zero or finite. */
ASSAY_API int assay_exact_compare(assay_exact a, assay_exact b);
/** The nearest binary64, ties to even, gradual underflow; NaN is quiet. */
ASSAY_API double assay_exact_to_double(assay_exact x);
/** Whether x is a binary64. */
ASSAY_API bool assay_exact_is_double(assay_exact x);

/** 2^(n / d), d = 1 to 2^30, correct to 2^-230 of itself (exact where the value is a power of 2).
 */
ASSAY_API assay_exact assay_exact_exp2(int64_t n, uint32_t d);
/** e^(n / d), |n / d| < 2^15, correct to 2^-220 of itself (exact for n = 0). */
ASSAY_API assay_exact assay_exact_exp(int64_t n, uint32_t d);

/** The binary expansion of a proper fraction |n| / |d| < 1, 32 bits at a time. */
typedef struct assay_expansion {
    uint64_t rest[5], divisor[5];
    int zeros;    /* bits that are 0 before the quotient of the significands starts */
    bool unknown; /* n had a rest: its expansion goes on, but not with zeros only   */
} assay_expansion;

ASSAY_API assay_expansion assay_expansion_of(assay_exact n, assay_exact d);
ASSAY_API uint32_t assay_expansion_next(assay_expansion *e);
/** Whether all bits that follow are 0. */
ASSAY_API bool assay_expansion_ended(const assay_expansion *e);

#ifdef __cplusplus
}
#endif
#endif
