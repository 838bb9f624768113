/* SPDX-License-Identifier: Apache-2.0 */
/* Exact sums of binary64 values and of their products, for any exponents and any order:
 * docs/kernels-product.md, 4, and docs/numerics.md, 15. */
#ifndef ASSAY_NUMERICS_SUPERACCUMULATOR_H
#define ASSAY_NUMERICS_SUPERACCUMULATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "number.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Products are multiples of 2^-2148 below 2^2048, and 2^63 of them stay below 2^2111: 4260
 * bits with the sign, in digits of 32. */
enum { ASSAY_SUPERACCUMULATOR_DIGITS = 134, ASSAY_SUPERACCUMULATOR_UNIT = -2148 };

/**
 * A fixed-point number: sum of digit[i] 2^(32 i - 2148) over the digits, each signed and with
 * 31 bits of room, so that carries wait until `pending` additions could fill that room.
 * All zero bytes are the empty sum. It holds up to 2^63 terms. A value: copy it freely.
 */
typedef struct assay_superaccumulator {
    int64_t digit[ASSAY_SUPERACCUMULATOR_DIGITS];
    int64_t pending;
    int low, high;          /* digits outside [low, high) are zero */
    bool nan, infinite[2];  /* a NaN, inf x 0; +inf, -inf among the terms */
    bool zero[2], non_zero; /* terms that were +0, -0, finite and not zero */
} assay_superaccumulator;

/** What the sum is; SUM_ZERO when it is exactly zero, then `like_signed` says if all terms
 *  were zeros of one sign, `negative`. */
typedef enum assay_sum_class {
    ASSAY_SUM_ZERO,
    ASSAY_SUM_FINITE,
    ASSAY_SUM_INFINITE,
    ASSAY_SUM_NAN
} assay_sum_class;

/** The leading 64 bits of a sum: (sig + s) 2^exp, top bit of sig set, 0 < s < 1 iff sticky. */
typedef struct assay_leading {
    assay_sum_class kind;
    bool negative, sticky, like_signed;
    int exp;
    uint64_t sig;
} assay_leading;

/** The empty sum. */
ASSAY_API void assay_superaccumulator_clear(assay_superaccumulator *s);
/** Adds x, or the exact product x y: inf x 0 and NaN make the sum NaN. */
ASSAY_API void assay_superaccumulator_add(assay_superaccumulator *s, double x);
ASSAY_API void assay_superaccumulator_add_product(assay_superaccumulator *s, double x, double y);
/**
 * Adds x[i sx] y[i sy] for all i < n, exactly, as n calls of the above would; a few cycles a term,
 * whatever the magnitudes. Parts of a long sum may go to accumulators of their own, one a thread,
 * and be merged: the bits do not depend on the split. Strides in elements. Memory: 144 KiB of
 * stack.
 */
ASSAY_API void assay_superaccumulator_add_dot_f64(assay_superaccumulator *s, size_t n,
                                                  const double *x, size_t sx, const double *y,
                                                  size_t sy);
ASSAY_API void assay_superaccumulator_add_dot_f32(assay_superaccumulator *s, size_t n,
                                                  const float *x, size_t sx, const float *y,
                                                  size_t sy);
/** Adds the terms of another accumulator (not s itself). */
ASSAY_API void assay_superaccumulator_merge(assay_superaccumulator *s,
                                            const assay_superaccumulator *other);
/** The sum so far; inf - inf is NaN, the empty sum a positive zero, like_signed. Depends on the
 *  terms only, not on their order. */
ASSAY_API assay_leading assay_superaccumulator_leading(const assay_superaccumulator *s);
/** The sum with 256 bits and a rest, for roundings of any kind. A zero is negative as all its terms
 *  were, or where they differ, or something cancelled, as `cancelled` says. */
ASSAY_API assay_exact assay_superaccumulator_exact(const assay_superaccumulator *s, bool cancelled);

#ifdef __cplusplus
}
#endif
#endif
