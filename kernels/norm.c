/* SPDX-License-Identifier: Apache-2.0 */
/* RMSNorm and LayerNorm over rows; the steps are those of docs/kernels.md, in this order. */
#include <math.h>

#include "kernels/bound.h"
#include "kernels/step.h"

enum { SCRATCH_ROWS = 3 }; /* gain, bias, ones; for bounds gain, its error, input */

static assay_status check(const assay_call *c, const char *op)
{
    assay_status status = check_same_shape(op, &c->in[0], &c->out);
    if (status == ASSAY_OK)
        status = check_vector(op, "gain", &c->weight[0], c->out.cols);
    if (status == ASSAY_OK && c->weight[1].data)
        status = check_vector(op, "bias", &c->weight[1], c->out.cols);
    return status;
}

static size_t workspace(const assay_call *c)
{
    return SCRATCH_ROWS * doubles(c->out.cols);
}

/* What the rows share: sums, steps, parameters as the policy has them, and the vector of ones
 * whose dot product is a sum. */
typedef struct norm {
    assay_accumulator sum;
    step s;
    double *gain, *bias, *ones, eps;
    bool has_bias;
} norm;

static norm load(const assay_call *c)
{
    size_t n = c->out.cols;
    arena a = { c->workspace };
    norm k = { .sum = inner_sum(c->policy), .s = step_of(c->policy) };
    k.gain = arena_doubles(&a, n);
    k.bias = arena_doubles(&a, n);
    k.ones = arena_doubles(&a, n);
    k.eps = step_round(&k.s, c->eps);
    k.has_bias = c->weight[1].data != NULL;
    weight_rows(c->policy, &c->weight[0], 0, 1, k.gain);
    for (size_t j = 0; j < n; j++) {
        k.ones[j] = 1;
        k.bias[j] = k.has_bias ? step_round(&k.s, parameter_get(&c->weight[1], j)) : 0;
    }
    return k;
}

/* r = RND(1 / sqrt(RND(RND(sum x^2 / n) + RND(eps)))) */
static double inverse_root(const norm *k, const double *x, size_t n)
{
    double mean = step_divide(&k->s, assay_dot(&k->sum, n, x, 1, x, 1), (double)n);
    return step_round(&k->s, 1 / assay_sqrt(step_add(&k->s, mean, k->eps)));
}

/* x <- RND(x - RND(sum x / n)) */
static void centre(const norm *k, double *x, size_t n)
{
    double mean = step_divide(&k->s, assay_dot(&k->sum, n, x, 1, k->ones, 1), (double)n);
    for (size_t j = 0; j < n; j++)
        x[j] = step_subtract(&k->s, x[j], mean);
}

/* y = Q_out(RND(RND(RND(x r) g) + RND(b))), x centred first for LayerNorm */
static void run_norm(const assay_call *c, bool centred)
{
    norm k = load(c);
    size_t n = c->out.cols;
#pragma omp parallel for schedule(static) if (shares_rows(&c->out))
    for (size_t i = 0; i < c->out.rows; i++) {
        double *y = c->out.hi + i * c->out.ld;
        input_row(c->policy, ASSAY_ROLE_IN, element_of(c, i, n), c->in[0].hi + i * c->in[0].ld, y,
                  n);
        if (centred)
            centre(&k, y, n);
        double r = inverse_root(&k, y, n);
        for (size_t j = 0; j < n; j++) {
            y[j] = step_multiply(&k.s, step_multiply(&k.s, y[j], r), k.gain[j]);
            if (k.has_bias)
                y[j] = step_add(&k.s, y[j], k.bias[j]);
        }
        output_row(c->policy, element_of(c, i, n), y, n);
    }
}

static assay_dd wide_mean(const assay_call *c, size_t i)
{
    assay_dd sum = { 0, 0 };
    for (size_t j = 0; j < c->out.cols; j++)
        sum = assay_dd_add(sum, matrix_get(&c->in[0], i, j));
    return assay_dd_div(sum, assay_dd_from((double)c->out.cols));
}

static void wide_row(const assay_call *c, size_t i, assay_dd mean)
{
    size_t n = c->out.cols;
    assay_dd sum = { 0, 0 };
    for (size_t j = 0; j < n; j++) {
        assay_dd x = assay_dd_sub(matrix_get(&c->in[0], i, j), mean);
        sum = assay_dd_add(sum, assay_dd_mul(x, x));
    }
    assay_dd v = assay_dd_add_d(assay_dd_div(sum, assay_dd_from((double)n)), c->eps);
    assay_dd r = assay_dd_div(assay_dd_from(1), assay_dd_sqrt(v));
    for (size_t j = 0; j < n; j++) {
        assay_dd x = assay_dd_sub(matrix_get(&c->in[0], i, j), mean);
        assay_dd y = assay_dd_mul_d(assay_dd_mul(x, r), parameter_get(&c->weight[0], j));
        if (c->weight[1].data)
            y = assay_dd_add_d(y, parameter_get(&c->weight[1], j));
        matrix_set(&c->out, i, j, y);
    }
}

static void wide_norm(const assay_call *c, bool centred)
{
    for (size_t i = 0; i < c->out.rows; i++)
        wide_row(c, i, centred ? wide_mean(c, i) : assay_dd_from(0));
}

/* The estimate of r for a row of values v with bounds e. */
static est bound_root(const assay_call *c, const double *v, const double *e)
{
    size_t n = c->out.cols;
    double sum = 0, operand = 0;
    for (size_t j = 0; j < n; j++) {
        est x = { v[j], e[j] };
        sum += v[j] * v[j];
        operand += est_multiply(x, x).e;
    }
    rounding_unit u = unit_of_step(c->policy);
    est total = { sum, est_sum(unit_of_sum(c->policy, n), operand, sum + 2 * operand) };
    est mean = est_round(u, est_divide(total, (est){ (double)n, 0 }, (double)n));
    est shifted = est_round(u, est_add(mean, est_constant(u, c->eps)));
    return est_round(u, est_rsqrt(shifted));
}

static void bound_centre(const assay_call *c, double *v, double *e)
{
    size_t n = c->out.cols;
    double sum = 0, magnitude = 0, operand = 0;
    for (size_t j = 0; j < n; j++) {
        sum += v[j];
        magnitude += fabs(v[j]) + e[j];
        operand += e[j];
    }
    rounding_unit u = unit_of_step(c->policy);
    est total = { sum, est_sum(unit_of_sum(c->policy, n), operand, magnitude) };
    est mean = est_round(u, est_divide(total, (est){ (double)n, 0 }, (double)n));
    for (size_t j = 0; j < n; j++) {
        est x = est_round(u, est_subtract((est){ v[j], e[j] }, mean));
        v[j] = x.v;
        e[j] = x.e;
    }
}

/* e of the normalised row becomes e of the result, before the output's rounding. */
static void bound_scaled(const assay_call *c, est r, const double *gain, const double *dgain,
                         const double *v, double *e)
{
    rounding_unit u = unit_of_step(c->policy);
    for (size_t j = 0; j < c->out.cols; j++) {
        est x = est_round(u, est_multiply((est){ v[j], e[j] }, r));
        x = est_round(u, est_multiply(x, (est){ gain[j], dgain[j] }));
        if (c->weight[1].data)
            x = est_round(u, est_add(x, est_constant(u, parameter_get(&c->weight[1], j))));
        e[j] = x.e;
    }
}

static void bound_norm(const assay_call *c, assay_matrix b, bool centred)
{
    size_t n = c->out.cols;
    arena a = { c->workspace };
    double *gain = arena_doubles(&a, n), *dgain = arena_doubles(&a, n), *v = arena_doubles(&a, n);
    bound_weights(c->policy, &c->weight[0], 0, 1, gain, dgain);
    for (size_t i = 0; i < c->out.rows; i++) {
        double *e = b.hi + i * b.ld;
        for (size_t j = 0; j < n; j++)
            v[j] = c->in[0].hi[i * c->in[0].ld + j];
        bound_input(c->policy, v, e, n);
        if (centred)
            bound_centre(c, v, e);
        bound_scaled(c, bound_root(c, v, e), gain, dgain, v, e);
        bound_output(c->policy, c->out.hi + i * c->out.ld, e, n);
    }
}

static assay_status check_rmsnorm(const assay_call *c)
{
    return check(c, "rmsnorm");
}

static void run_rmsnorm(const assay_call *c)
{
    run_norm(c, false);
}

static void wide_rmsnorm(const assay_call *c)
{
    wide_norm(c, false);
}

static void bound_rmsnorm(const assay_call *c, assay_matrix b)
{
    bound_norm(c, b, false);
}

static assay_status check_layernorm(const assay_call *c)
{
    return check(c, "layernorm");
}

static void run_layernorm(const assay_call *c)
{
    run_norm(c, true);
}

static void wide_layernorm(const assay_call *c)
{
    wide_norm(c, true);
}

static void bound_layernorm(const assay_call *c, assay_matrix b)
{
    bound_norm(c, b, true);
}

const assay_op assay_op_rmsnorm = { .name = "rmsnorm",
                                    .text = "x g / sqrt(mean(x^2) + eps) (+ bias)",
                                    .check = check_rmsnorm,
                                    .workspace = workspace,
                                    .run = run_rmsnorm,
                                    .wide = wide_rmsnorm,
                                    .bound = bound_rmsnorm };
const assay_op assay_op_layernorm = { .name = "layernorm",
                                      .text = "(x - mean) g / sqrt(variance + eps) (+ bias)",
                                      .check = check_layernorm,
                                      .workspace = workspace,
                                      .run = run_layernorm,
                                      .wide = wide_layernorm,
                                      .bound = bound_layernorm };
