/* SPDX-License-Identifier: Apache-2.0 */
/* The lanes of exact dot products: one table per ISA. Internal. */
#ifndef ASSAY_NUMERICS_SUPERACCUMULATOR_LANES_H
#define ASSAY_NUMERICS_SUPERACCUMULATOR_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ASSAY_DOT_LANES = 16, ASSAY_DOT_LEVELS = 3, ASSAY_DOT_CHUNK = 256 };

/** Sums in each lane: level 0 + level 1 + level 2, unevaluated. */
typedef struct assay_dot_state {
    double level[ASSAY_DOT_LEVELS][ASSAY_DOT_LANES];
} assay_dot_state;

/**
 * Adds the products of a chunk of terms to the lanes; *any says whether one was not zero. False,
 * and nothing is changed, if that is not exact: something reached below the last level, or a
 * product is not finite, huge or tiny.
 */
typedef struct assay_dot_lanes {
    /* The products of a chunk as integers, in units of 2^(field - 300), 2 <= field <= 508. */
    bool (*integers)(const float *x, const float *y, int64_t *product, int64_t *field, bool *any);
    bool (*f64)(const double *x, const double *y, assay_dot_state *state, bool *any);
    bool (*f32)(const float *x, const float *y, assay_dot_state *state, bool *any);
} assay_dot_lanes;

extern const assay_dot_lanes assay_dot_base, assay_dot_avx2, assay_dot_avx512;

#endif
