/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to a tensor before it is quantized, and undone behind it: docs/schemes.md. */
#ifndef ASSAY_ROUNDING_TRANSFORM_H
#define ASSAY_ROUNDING_TRANSFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../numerics/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_transform_kind {
    ASSAY_TRANSFORM_ROTATE, /* rows times diag(signs) H / sqrt(n), block by block       */
    ASSAY_TRANSFORM_SMOOTH, /* column j over by[j]                                      */
    ASSAY_TRANSFORM_PERMUTE /* column j is column order[j]                              */
} assay_transform_kind;

/** Constant data; the arrays are the caller's. */
typedef struct assay_transform {
    assay_transform_kind kind;
    size_t block;  /* rotate: n, a power of two                                            */
    bool random;   /* rotate: sign j of a block is the top bit of Philox word j, else plus */
    uint64_t seed; /* of these words                                                       */
    uint32_t stream;
    size_t cols;           /* smooth, permute: of the rows they are for */
    const double *by;      /* smooth: [cols], finite and not zero       */
    const uint64_t *order; /* permute: [cols], each column once         */
} assay_transform;

/** ASSAY_ERR_USAGE or ASSAY_ERR_VALUE with the parameter if `t` cannot be done to rows of `cols`
 * elements. A permutation takes `seen`, [cols] bytes of scratch. */
ASSAY_API ASSAY_NODISCARD assay_status assay_transform_check(const assay_transform *t, size_t cols,
                                                             unsigned char *seen);

/**
 * y = the transform of x, or with `back` of the inverse. Rows are contiguous.
 *
 * Rotation  H[i][j] = (-1)^(bits of i & j); symmetric, so that the inverse is the same with the
 *           signs last. A row that is no multiple of n ends in blocks of the powers of two of the
 *           remainder, the largest first, so that the whole is orthogonal.
 * Rounding  in the operands' type, to nearest. Rotation: log2 n stages of sums and differences
 *           of neighbours at distance 1, 2, 4, ..., one rounding each, then one product with
 *           fl(1 / sqrt n), exact for powers of four. Signs are exact. Smoothing: one rounding, the
 *           f32 form of by[j] in binary32. Permutation is exact.
 * Specials  every NaN becomes the canonical one; inf - inf is NaN. Zeros add as IEEE has it.
 * Aliasing  y may be x, but not in a permutation.
 * Threads   reentrant; splits rows over threads; bits depend on neither them nor the instruction
 *           set, nor on the caller's floating-point environment on x86-64.
 * Memory    none is allocated.
 */
ASSAY_API void assay_transform_f32(const assay_transform *t, bool back, size_t rows, size_t cols,
                                   const float *x, float *y);
ASSAY_API void assay_transform_f64(const assay_transform *t, bool back, size_t rows, size_t cols,
                                   const double *x, double *y);

/** Which elements are kept in a wider format: those above a magnitude, or a share of each row. */
typedef struct assay_outliers {
    bool above;     /* |x| > least, else the share                      */
    double least;   /*                                                  */
    uint64_t share; /* 10^-6 percent: the ceil(share n) largest of n    */
} assay_outliers;

/**
 * kept[i] = 1 for outliers, else 0; returns how many. Of equal magnitudes the first are taken; NaN
 * and infinities are larger than all finite numbers. Rows [rows, cols]. Reentrant, no memory.
 */
ASSAY_API size_t assay_outliers_find(const assay_outliers *rule, size_t rows, size_t cols,
                                     const double *x, unsigned char *kept);

#ifdef __cplusplus
}
#endif
#endif
