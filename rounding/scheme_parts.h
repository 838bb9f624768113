/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of schemes share. */
#ifndef ASSAY_ROUNDING_SCHEME_PARTS_H
#define ASSAY_ROUNDING_SCHEME_PARTS_H

#include "rounding/array_table.h"
#include "rounding/scheme.h"

/* The elements that share a scale: rows x cols of a matrix whose rows are `stride` apart. */
typedef struct region {
    const double *x;
    size_t rows, cols, stride;
    const float *narrow; /* if not NULL, in place of x */
} region;

/* Element k in memory. */
ASSAY_INLINE double assay_region_at(const region *r, size_t k)
{
    return r->narrow ? assay_widen_f32(r->narrow[k]) : r->x[k];
}

/* A scale as it is stored, and its value; NaN: the whole block is NaN. */
typedef struct block_scale {
    uint64_t code, zero_code;
    double value, zero;
} block_scale;

/* How x becomes what the element's format rounds. */
typedef enum step_kind {
    STEP_ZERO,       /* a zero of x's sign: the scale is zero, or the block NaN */
    STEP_SHIFT,      /* x factor, a power of two                                */
    STEP_DIVIDE,     /* x times / factor, on the right side of every boundary */
    STEP_DIVIDE32,   /* fl(x / factor) in binary32                              */
    STEP_MULTIPLY32, /* fl(x factor) in binary32                                */
} step_kind;

typedef struct block_step {
    step_kind kind;
    double factor, times;
    bool no_negative_zero; /* -0 comes out as +0 */
    bool adds;             /* fl(.. + zero) is what rounds: the zero point is in it */
    float zero;
} block_step;

/* a / b, a b and a - b for finite operands, b > 0 in the quotient: an inexact result is the
 * neighbour with the odd last bit, so that rounding it to at most 51 bits rounds the exact one
 * (docs/schemes.md). Quotients and products beyond 2^+-1000 stop there. */
double assay_odd_quotient(double a, double b);
double assay_odd_product(double a, double b);
double assay_odd_difference(double a, double b);

/* Largest magnitude; NaN if an element is NaN or infinite. */
double assay_region_amax(const region *r);
/* The k-th smallest magnitude, 1 <= k <= elements, of finite elements. */
double assay_region_select(const region *r, size_t k);

/* The mean magnitude of finite elements, as far as rounding it to 60 bits goes. */
assay_exact assay_region_mean(const region *r);

/* The scale of a block, and the step with it. tensor is NULL where the scheme has none. */
block_scale assay_block_scale(const assay_scheme *s, const assay_tensor_scale *tensor,
                              const region *r);
block_step assay_block_step(const assay_scheme *s, const assay_tensor_scale *tensor,
                            const block_scale *scale);
/* The scale for the largest magnitude a, with the quotient 3/2 as large if `wide`. */
block_scale assay_scale_for(const assay_scheme *s, const assay_tensor_scale *tensor, double a,
                            bool wide);
/* Before it is rounded, as each producer computes it in binary32: all orders but `exact`. */
void assay_order_quotients(const assay_scheme *s, const assay_tensor_scale *tensor, bool wide,
                           const float *a, double *q, size_t n);
/* What amax is divided by: the element's largest value, or half of its range. */
double assay_scale_divisor(const assay_scheme *s);
/* A scale that was rounded to 0, as the order has it: itself, or an epsilon. */
block_scale assay_order_nonzero(const assay_scheme *s, block_scale scale);
/* With zero points: s = (hi - lo) / (levels - 1) before it is rounded, with 0 in [lo, hi] and hi -
 * lo at least s->least, and z = least code - round(lo / s). */
double assay_affine_quotient(const assay_scheme *s, double lo, double hi);
double assay_affine_zero(const assay_format *f, double lo, double scale);
/* The rules that try scales and compare exact errors. */
block_scale assay_scale_search(const assay_scheme *s, const assay_tensor_scale *tensor,
                               const region *r, double a);

/* Whether a is below b, if sums of n squares in binary64 say so surely: 1, 0, or -1. */
int assay_error_is_below(double a, double b, size_t n);

/* Whether the producer writes -0 as +0. */
bool assay_order_drops_sign(const assay_scheme *s);

/* y[i] = the step of x[i]; y may be x. */
void assay_step_row(const block_step *step, const double *x, double *y, size_t n);

/* What a code's value c becomes: c multiply / divide, where c multiply is exact if divide is not
 * 1, and multiply itself is always. So there is one rounding, into binary64. */
typedef struct block_factor {
    double multiply, divide;
} block_factor;
block_factor assay_block_factor(const assay_scheme *s, const assay_tensor_scale *tensor,
                                double scale);

#endif
