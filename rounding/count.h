/* SPDX-License-Identifier: Apache-2.0 */
/* What roundings did to the elements of an array: counted from operands and results. */
#ifndef ASSAY_ROUNDING_COUNT_H
#define ASSAY_ROUNDING_COUNT_H

#include <stddef.h>

#include "round.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Elements x with result y; one element can count in several places. */
typedef struct assay_counters {
    uint64_t inexact;   /* x finite, y != x (0 and -0 are equal, a NaN differs)                 */
    uint64_t overflow;  /* x finite, and rounded without an upper end it exceeds the largest
                           value; of unsigned formats: also x < 0 that does not round to zero   */
    uint64_t underflow; /* inexact, and |x| below the least normal value, before rounding       */
    uint64_t saturated; /* x overflows or is infinite, and y is finite                          */
    uint64_t nan;       /* x or y is NaN                                                        */
} assay_counters;

/**
 * Adds the counts of n roundings to *counters: y[k] is what the rounder makes of x[k], by
 * assay_round_array, or by assay_round_random with the same random and first, which say on which
 * side of the largest value an x just above it went where y cannot (random may be NULL for
 * deterministic modes). The f32 form is for formats of binary32 values.
 *
 * Aliasing  y must not be x: where a cast is in place, count block by block.
 * Threads   reentrant, for counters of the thread's own. Memory: never allocates.
 */
ASSAY_API void assay_count_f32(const assay_rounder *rounder, const assay_random *random,
                               uint64_t first, const float *x, const float *y, size_t n,
                               assay_counters *counters);
ASSAY_API void assay_count_f64(const assay_rounder *rounder, const assay_random *random,
                               uint64_t first, const double *x, const double *y, size_t n,
                               assay_counters *counters);

#ifdef __cplusplus
}
#endif
#endif
