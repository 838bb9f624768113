/* SPDX-License-Identifier: Apache-2.0 */
/* What one instruction set's loops for operations look like to the dispatcher. Not installed. */
#ifndef ASSAY_ROUNDING_OPERATION_LANES_H
#define ASSAY_ROUNDING_OPERATION_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum assay_lane {
    ASSAY_LANE_NONE,
    ASSAY_LANE_COPY, /* out = x */
    ASSAY_LANE_NEG,
    ASSAY_LANE_ABS,
    ASSAY_LANE_ADD,
    ASSAY_LANE_SUB,
    ASSAY_LANE_MUL,
    ASSAY_LANE_FMA,
    ASSAY_LANE_DIV,
    ASSAY_LANE_SQRT,
    ASSAY_LANE_HYPOT,
    ASSAY_LANE_EXACT_ADD, /* where sums are exact in binary64 */
    ASSAY_LANE_EXACT_SUB,
    ASSAY_LANE_EXACT_FMA,
    ASSAY_LANE_BOUNDED, /* out and high enclose f(x): the first of these */
    ASSAY_LANE_EXP = ASSAY_LANE_BOUNDED,
    ASSAY_LANE_EXP2,
    ASSAY_LANE_SIGMOID,
    ASSAY_LANE_SILU,
    ASSAY_LANE_GELU,
    ASSAY_LANE_TANH,
    ASSAY_LANE_ERF,
    ASSAY_LANE_LOG,
    ASSAY_LANE_RSQRT,
    ASSAY_LANE_POW,
    ASSAY_LANE_ATAN2,
    ASSAY_LANE_ATAN2PI,
    ASSAY_LANE_COUNT
} assay_lane;

/**
 * Of values of at most 24 bits between 2^-400 and 2^400, and their infinities, zeros and NaN: exact
 * results rounded to odd in binary64, which no value and no tie of a format of at most 24 bits
 * tells from the exact ones; docs/numerics.md, 16. Zeros that are differences are -0 if `down`.
 * Bounded functions: f(x) lies between out and high; operands that are zero or no number are not
 * theirs.
 */
typedef void assay_lane_loop(const double *const *x, double *out, double *high, size_t n,
                             bool down);

/**
 * Of binary32: exact results rounded to odd in binary32, which no value and no tie of a format of
 * at most 22 bits tells from the exact ones; the same section. Zeros as above. Entries of x that an
 * operation does not take are read all the same.
 */
typedef void assay_odd_loop(const float *const *x, float *out, size_t n, bool down);

typedef struct assay_lane_table {
    assay_lane_loop *loops[ASSAY_LANE_COUNT];
    assay_odd_loop *odd[ASSAY_LANE_COUNT]; /* or NULL */
    void (*narrow)(const uint64_t *codes, void *packed, size_t n, size_t bytes);
    void (*widen)(const void *packed, uint64_t *codes, size_t n, size_t bytes);
} assay_lane_table;

extern const assay_lane_table assay_lanes_base, assay_lanes_avx2, assay_lanes_avx512;

#endif
