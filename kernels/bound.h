/* SPDX-License-Identifier: Apache-2.0 */
/* A-priori error bounds: values that carry a bound of their error (docs/kernels.md, bounds). */
#ifndef ASSAY_KERNELS_BOUND_H
#define ASSAY_KERNELS_BOUND_H

#include "kernels/step.h"

/**
 * A quantity of an operation: the exact value lies within e of v, a binary64, and the emulated
 * value within e of the exact one. Nothing bounds it if e is infinite or NaN. The rules below
 * keep this as long as est_round follows each of them: its unit is never below binary64's own,
 * so that it covers v's rounding too. Every e is widened by 1 + 2^-40 for the rounding of e.
 */
typedef struct est {
    double v, e;
} est;

/** One rounding: its unit, and the magnitude above which it overflows. */
typedef struct rounding_unit {
    double relative, absolute, max;
} rounding_unit;

rounding_unit unit_of_rounder(const assay_rounder *rounder);
rounding_unit unit_of_binary64(void);
/** The unit of one step under the policy: binary64's own for `reference` and `exact`. */
rounding_unit unit_of_step(const assay_policy *policy);

est est_round(rounding_unit u, est x);
/** A constant of the model, rounded when it is used. */
est est_constant(rounding_unit u, double v);
est est_add(est a, est b);
est est_subtract(est a, est b);
est est_multiply(est a, est b);
/** room: a lower bound of |b|, exact and emulated; est_room(b) if nothing else is known. */
est est_divide(est a, est b, double room);
double est_room(est b);
/** 1 / sqrt(x) in binary64. */
est est_rsqrt(est x);
/** A function with Lipschitz constant l and an evaluation error of `ulps` binary64 ulps; v = f(x)
 *  as evaluated. */
est est_function(double v, double l, double ulps, est x);

/** |error of the sum| <= growth * sum of |terms| + absolute for k terms (products included). */
typedef struct sum_unit {
    double growth, absolute, max;
    double slack; /* relative error of adding k magnitudes in binary64 */
} sum_unit;
sum_unit unit_of_sum(const assay_policy *policy, size_t k);
/** The same on a matrix unit, without the reference's part; and how many chains one sum has. */
sum_unit bound_unit_sum(const assay_policy *policy, size_t k);
double bound_unit_chains(const assay_policy *policy, size_t k);
/** Whether the policy's sums are a unit's that flushes subnormals. */
bool bound_unit_flushes(const assay_policy *policy);
/** Segments of k whose sums are scaled and added, at most. */
double bound_segments(const assay_policy *policy, size_t k);
/** The error of a sum. operand: of the terms; magnitude: their magnitudes, as they are added. */
double est_sum(sum_unit u, double operand, double magnitude);

/** Element-wise bound of the quantization of an activation row, `@operand:F` included. */
void bound_input(const assay_policy *policy, const double *x, double *dx, size_t n);
/** Of `count` rows of a parameter, as weight_rows takes them, which go to w. */
void bound_weights(const assay_policy *policy, const assay_parameter *p, size_t first, size_t count,
                   double *w, double *dw);
/** Adds the rounding into the output's format; then +inf stands for every e that is no bound. */
void bound_output(const assay_policy *policy, const double *v, double *e, size_t n);

/**
 * The terms of a product. x, dx and w, dw are magnitudes and quantization errors; on return dx
 * and dw hold x + dx and w + dw. For est_sum: operand[i,j] bounds the error of sum x[i,p] w[p,j]
 * that quantization makes, magnitude[i,j] = sum (x + dx)[i,p] (w + dw)[p,j], on a matrix unit
 * with the largest product that it may align to besides, for each chain.
 */
typedef struct product_bound {
    const assay_policy *policy;
    size_t m, n, k;
    double *x, *dx; /* [m, k] */
    double *w, *dw; /* w(p, j) at p * row_stride + j * column_stride, k n of them */
    size_t row_stride, column_stride;
    double *operand, *magnitude; /* [m, operand_ld] and [m, n] */
    size_t operand_ld;
    void *workspace;
} product_bound;
void bound_product(const product_bound *b);

#endif
