/* SPDX-License-Identifier: Apache-2.0 */
/* A-priori error bounds: values that carry a bound of their error (docs/kernels.md, bounds). */
#ifndef ASSAY_KERNELS_BOUND_H
#define ASSAY_KERNELS_BOUND_H

#include "kernels/step.h"

/**
 * A quantity of an operation: v its magnitude in the reference, e a bound of
 * |emulated - exact|. v differs from the exact value by binary64 rounding errors only, which
 * enter e multiplied by a unit of roundoff: every result is widened by 1 + 2^-40 to cover that
 * and the rounding of e itself.
 */
typedef struct est {
    double v, e;
} est;

/** One rounding: its unit, and the magnitude above which it overflows. */
typedef struct rounding_unit {
    double relative, absolute, max;
} rounding_unit;

rounding_unit unit_of_rounder(const assay_rounder *rounder);
/** The unit of one step under the policy: binary64's own for `reference` and `exact`. */
rounding_unit unit_of_step(const assay_policy *policy);
/** Adds the rounding into the output's format; blocks are taken by their elements' scheme. */
void bound_output(const assay_policy *policy, const double *v, double *e, size_t n);

est est_round(rounding_unit u, est x);
est est_add(est a, est b);
est est_mul(est a, est b);
est est_div(est a, est b);
/** 1 / sqrt(x), to which binary64 adds at most 2^-52 relative. */
est est_rsqrt(est x);
/** A function with Lipschitz constant l, value v and an evaluation error of `ulps` binary64 ulps.
 */
est est_function(double v, double l, double ulps, est x);

/** |error of the sum| <= growth * sum of |terms| + absolute for k terms (products included). */
typedef struct sum_unit {
    double growth, absolute, max;
} sum_unit;
sum_unit unit_of_sum(const assay_policy *policy, size_t k);
/** magnitude: the sum of the magnitudes of the terms that are really added. */
double est_sum(sum_unit u, double operand_error, double magnitude);

/** Element-wise bound of the quantization of an activation row, `@operand:F` included. */
void bound_input(const assay_policy *policy, const double *x, double *dx, size_t n);
void bound_weight(const assay_policy *policy, const double *w, double *dw, size_t n);

/**
 * Bounds of a product's sums before any later rounding. x, dx and w, dw are magnitudes and
 * quantization errors; on return dx and dw hold x + dx and w + dw.
 * e[i,j] bounds |emulated sum - sum_p x[i,p] w[p,j]|; scratch holds m * n doubles.
 */
typedef struct product_bound {
    const assay_policy *policy;
    size_t m, n, k;
    double *x, *dx;
    size_t ldx;
    double *w, *dw; /* w(p, j) at p * row_stride + j * column_stride */
    size_t row_stride, column_stride, w_count;
    double *e, *scratch;
    size_t lde;
    void *workspace;
} product_bound;
void bound_product(const product_bound *b);

#endif
