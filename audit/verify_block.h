/* SPDX-License-Identifier: Apache-2.0 */
/* What a block of a scheme is to become: docs/schemes.md, "What is computed", in fractions. Not
 * installed; only where MPFR is. */
#ifndef ASSAY_AUDIT_VERIFY_BLOCK_H
#define ASSAY_AUDIT_VERIFY_BLOCK_H

#include "verify_parts.h"

/** What a scheme says; of the library's own arithmetic nothing is used. */
typedef struct assay_verify_blocks {
    const assay_scheme *s;
    assay_rounding rounding;                   /* of elements */
    assay_verify_ladder element, scale, whole; /* whole: int32, where there are zero points */
    assay_verify_gap element_gap, scale_gap, whole_gap;
    mpq_t lowest, highest;         /* of elements                               */
    mpq_t max;                     /* what amax is divided by                   */
    float zero;                    /* the block's, for orders that add it first */
    float stored;                  /* the tensor's scale, as it is stored       */
    mpfr_t reciprocal, multiplier; /* S and t of docs/schemes.md, binary32      */
    mpq_t tensor;                  /* what values are multiplied with besides s */
} assay_verify_blocks;

/** What is to be rounded: a fraction, or an infinity; `negative` is the sign of these and of 0. */
typedef struct assay_verify_number {
    mpq_t q;
    bool negative, infinite;
} assay_verify_number;

/** The elements that share a scale, and what is found for them. */
typedef struct assay_verify_block {
    size_t n;
    const double *x;
    double *sizes;        /* [n], room to sort in */
    uint64_t scale, zero; /* codes; zero only where there are zero points */
    uint64_t *codes;      /* [n] */
    double *values;       /* [n], binary64 */
    uint32_t
        *bits; /* [n], of stochastic modes: as a rule the last that go up, or the first not to */
} assay_verify_block;

ASSAY_NODISCARD assay_status assay_verify_blocks_make(const assay_scheme *s,
                                                      assay_rounding rounding,
                                                      assay_verify_blocks *out);
void assay_verify_blocks_clear(assay_verify_blocks *o);

/** Sets the tensor's scale from the largest magnitude; nothing where there is none. */
void assay_verify_set_tensor(assay_verify_blocks *o, double amax);

/** Fills in all but n and x; `seed` varies random bits. */
void assay_verify_fill_block(assay_verify_blocks *o, uint64_t seed, assay_verify_block *block);

/* ---- Tensors (verify_tensor.c) */

typedef struct assay_verify_tensor {
    const assay_scheme *s;
    const assay_verify_source *source;
    uint64_t number; /* which one; says all that follows */
    size_t rows, cols;
    size_t height, width; /* of a block */
    assay_scale_shape scales;
    double *x;
    float *narrow; /* the same, where binary32 has it */
} assay_verify_tensor;

/** The elements of a block. */
typedef struct assay_verify_region {
    size_t row, col, height, width;
} assay_verify_region;

/** At most so many elements. */
size_t assay_verify_tensor_most(const assay_scheme *s);
/** Sets the shape and all elements; x and narrow have room for the most. */
void assay_verify_tensor_fill(assay_verify_tensor *t);
/** Blocks whose elements are moved, once the scale is known, to where rounding turns. */
bool assay_verify_tensor_is_aimed(const assay_verify_tensor *t, size_t b);
void assay_verify_tensor_aim(const assay_verify_tensor *t, const assay_verify_blocks *o,
                             const assay_verify_region *p, const assay_verify_block *block);
/** The largest magnitude outside blocks with a NaN or an infinity. */
double assay_verify_tensor_amax(const assay_verify_tensor *t);
assay_verify_region assay_verify_region_of(const assay_verify_tensor *t, size_t b);
/** Where its element i is in the tensor. */
size_t assay_verify_element_at(const assay_verify_tensor *t, const assay_verify_region *p,
                               size_t i);
uint64_t assay_verify_tensor_random(const assay_verify_tensor *t, uint64_t i);

/* ---- Its parts */

/** The code that x becomes; bits (NULL unless the mode is stochastic) gets the random bits, near
 * those with which the result changes. */
uint64_t assay_verify_round(const assay_verify_ladder *l, assay_verify_gap *gap,
                            const assay_verify_number *x, assay_rounding rounding,
                            assay_overflow policy, uint64_t seed, uint32_t *bits);
uint64_t assay_verify_round_scale(assay_verify_blocks *o, const assay_verify_number *q);
/** A scale, or under order ct what 0 becomes. */
uint64_t assay_verify_nonzero_scale(assay_verify_blocks *o, uint64_t code);
/** The scale of finite elements without zero points (verify_scale.c). */
uint64_t assay_verify_scale_of(assay_verify_blocks *o, const assay_verify_block *block);
/** The code of x under a scale of value s; bits as above. */
uint64_t assay_verify_element(assay_verify_blocks *o, double x, double s, assay_rounding rounding,
                              uint64_t seed, uint32_t *bits);
/** q = the value of a code under that scale. */
void assay_verify_scaled(const assay_verify_blocks *o, uint64_t code, double s, mpq_ptr q);
/** What a producer rounds into the scale's format for amax a, `wide` for 1.5 times that, and into
 * the element's for x (verify_producer.c). *out is initialized, and 0 with x's sign. */
void assay_verify_producer_scale(const assay_verify_blocks *o, mpq_srcptr a, bool wide,
                                 assay_verify_number *out);
void assay_verify_producer_element(const assay_verify_blocks *o, double x, double s,
                                   assay_verify_number *out);
/** With zero points: the scale's value, whose code goes to block->scale, and z, unclamped. */
double assay_verify_producer_affine(assay_verify_blocks *o, assay_verify_block *block,
                                    mpq_ptr zero);
/** The binary64 nearest to q. */
double assay_verify_nearest(mpq_srcptr q);

#endif
