/* SPDX-License-Identifier: Apache-2.0 */
/* The lanes of exact dot products: one table per ISA. Internal. */
#ifndef ASSAY_NUMERICS_SUPERACCUMULATOR_LANES_H
#define ASSAY_NUMERICS_SUPERACCUMULATOR_LANES_H

#include <stdbool.h>
#include <stdint.h>

enum { ASSAY_DOT_CHUNK = 256 };

/**
 * Products of a chunk as integers. Of binary64: a b in units of 2^(field - 2150), |a|, b < 2^53,
 * 2 <= field <= 4092. Of binary32: a in units of 2^(field - 1070), |a| < 2^48, 725 <= field <=
 * 1278; of a zero, field is 0 and a worth nothing. `first` and `last` are the extreme fields.
 */
typedef struct assay_dot_terms {
    _Alignas(64) int64_t a[ASSAY_DOT_CHUNK], b[ASSAY_DOT_CHUNK], field[ASSAY_DOT_CHUNK];
    int64_t first, last;
} assay_dot_terms;

/** Take a chunk apart; false, and *t means nothing, if a factor is not finite. */
typedef struct assay_dot_lanes {
    bool (*f64)(const double *x, const double *y, assay_dot_terms *t);
    bool (*f32)(const float *x, const float *y, assay_dot_terms *t);
} assay_dot_lanes;

extern const assay_dot_lanes assay_dot_base, assay_dot_avx2, assay_dot_avx512;

#endif
