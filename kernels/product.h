/* SPDX-License-Identifier: Apache-2.0 */
/* The one matrix product that every summing operation uses, for any accumulator. */
#ifndef ASSAY_KERNELS_PRODUCT_H
#define ASSAY_KERNELS_PRODUCT_H

#include "../rounding/feedback.h"
#include "accumulator.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How a matrix lies in memory: IEEE formats, little-endian, at any byte address. */
typedef enum assay_storage {
    ASSAY_STORAGE_F64,
    ASSAY_STORAGE_F32,
    ASSAY_STORAGE_F16,
    ASSAY_STORAGE_BF16
} assay_storage;

/**
 * The right operand B [k, n]. B(p, j) = data[p row_stride + j column_stride], strides in
 * elements: a weight [n, k] has row_stride 1 and column_stride k. With `round`, each element
 * is rounded on its way in, so a mapped weight is quantized without a copy of it.
 */
typedef struct assay_operand {
    const void *data;
    assay_storage storage;
    size_t row_stride, column_stride;
    const assay_rounder *round; /* NULL: as it stands */
} assay_operand;

/**
 * What a product takes besides its operands. All zero bytes: nothing. The random index of term p of
 * sum (i, j) is ((row + i) columns + column + j) terms + term + p: a part of a larger product says
 * where it lies, so that its bits are those of the whole.
 */
typedef struct assay_product_more {
    const double *c; /* [m, n]: a term of each sum, by itself no product; NULL: +0 */
    size_t ldc;
    assay_random random; /* of stochastic accumulators; random.bits is not looked at  */
    uint64_t row, column, term;
    uint64_t columns, terms;       /* 0: n and k of the call                             */
    assay_feedback_counts *counts; /* or NULL; what error feedback did is added to it    */
} assay_product_more;

/** Bytes of scratch that assay_product wants for these sizes (its threads share it). */
ASSAY_API size_t assay_product_workspace(const assay_accumulator *acc, size_t m, size_t n,
                                         size_t k);

/**
 * out[i,j] = the accumulator's sum over p = 0..k-1 of a[i,p] B(p,j), from +0.
 *
 * Shapes    a [m, k] with lda >= k; B [k, n]; out [m, n] with ldo >= n; strides in elements.
 * Rounding  the order of each sum depends on k and the accumulator alone: same bits for any
 *           m, n, thread count, ISA and compiler. EXACT rounds once with acc->round.
 * Specials  any NaN, inf x 0 or inf - inf gives the accumulator format's NaN; k = 0 gives +0. An
 *           EXACT sum whose terms are all -0 is -0; under RDN a zero sum is -0 unless all are +0.
 * Aliasing  out overlaps nothing.
 * Threads   splits columns over OpenMP threads; reentrant.
 * Memory    allocates nothing; workspace as assay_product_workspace says, 64-byte aligned.
 */
ASSAY_API void assay_product(const assay_accumulator *acc, size_t m, size_t n, size_t k,
                             const double *a, size_t lda, const assay_operand *b, double *out,
                             size_t ldo, void *workspace);

/**
 * The same with C, random bits and counts; `more` may be NULL. REFERENCE, the F kinds but PAIRWISE
 * and the integers start from C; PAIRWISE, BF16X9 and OZAKI add it last, with one rounding; for
 * EXACT it is one more term. Without terms (k = 0) out is C. C has to belong to acc->round.format
 * for the F kinds, to be a binary32 for BF16X9 and an integer of 32 bits for the integers; out may
 * be C.
 */
ASSAY_API void assay_product_with(const assay_accumulator *acc, size_t m, size_t n, size_t k,
                                  const double *a, size_t lda, const assay_operand *b,
                                  const assay_product_more *more, double *out, size_t ldo,
                                  void *workspace);

/**
 * Scales of an operand whose vectors run along k: vector r, term p has value[r / vectors * ld + p /
 * block]. NULL: all are 1.
 */
typedef struct assay_scales {
    const double *value;
    size_t vectors, block, ld; /* the first two at least 1 */
    double tensor;             /* of the whole operand besides, for units with scales; 0: 1 */
} assay_scales;

/** Scratch of assay_product_scaled. */
ASSAY_API size_t assay_product_scaled_workspace(const assay_accumulator *acc, size_t m, size_t n,
                                                size_t k);

/**
 * The product of scaled codes. k is cut wherever a block of either operand ends. The codes of a
 * segment are summed by acc from +0; then, in ascending order, total = RND(s x + total) from C or
 * +0, with s the segment's sum and x the exact product of its two scales: one rounding by
 * acc->round (REFERENCE: both operations and the scales' product rounded to binary64). Its random
 * index is the segment's last term's. Error feedback stays within segments. `a` and `b` are codes
 * as values; sb counts columns as vectors. Not for EXACT: dequantize first, which is the same sum.
 * A matrix unit with scales takes them itself, which have to be of its format and block; with a
 * tensor's scale out = RND(D x tensors + C) ends it.
 */
ASSAY_API void assay_product_scaled(const assay_accumulator *acc, size_t m, size_t n, size_t k,
                                    const double *a, size_t lda, const assay_scales *sa,
                                    const assay_operand *b, const assay_scales *sb,
                                    const assay_product_more *more, double *out, size_t ldo,
                                    void *workspace);

/** The same sum of one pair of vectors with strides, for norms and tests: the definition. Random
 *  indices are the term's. */
ASSAY_API double assay_dot(const assay_accumulator *acc, size_t k, const double *x, size_t sx,
                           const double *y, size_t sy);
/** The definition with C (NULL: none) and the random index of its first term. */
ASSAY_API double assay_dot_with(const assay_accumulator *acc, size_t k, const double *x, size_t sx,
                                const double *y, size_t sy, const double *c,
                                const assay_random *random, uint64_t first,
                                assay_feedback_counts *counts);

/**
 * The wide evaluation: double-double operands a = a_hi + a_lo (a_lo may be NULL) and B likewise
 * (b_lo NULL or of the same layout), each sum in double-double, relative error of a sum at most
 * k 2^-100 times the sum of the magnitudes of its terms, while products are at least 2^-968 in
 * magnitude. The same bits for any ISA under the same condition. Threads, memory: as above, with
 * the workspace of any accumulator. Specials: hi as in binary64, lo = 0.
 */
ASSAY_API void assay_product_wide(size_t m, size_t n, size_t k, const double *a_hi,
                                  const double *a_lo, size_t lda, const assay_operand *b_hi,
                                  const double *b_lo, double *out_hi, double *out_lo, size_t ldo,
                                  void *workspace);

#ifdef __cplusplus
}
#endif
#endif
