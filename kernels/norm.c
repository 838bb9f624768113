/* SPDX-License-Identifier: Apache-2.0 */
/* RMSNorm and LayerNorm over rows; the steps are those of docs/kernels.md, in this order. */
#include <math.h>

#include "kernels/bound.h"
#include "kernels/step.h"

enum { SCRATCH_ROWS = 6 }; /* gain, bias, ones, and the bounds' three rows */

static assay_status check(const assay_call *c)
{
    assay_status status = check_same_shape("norm", &c->in[0], &c->out);
    if (status == ASSAY_OK)
        status = check_vector("norm", "gain", &c->weight[0], c->out.cols);
    if (status == ASSAY_OK && c->weight[1].data)
        status = check_vector("norm", "bias", &c->weight[1], c->out.cols);
    return status;
}

static size_t workspace(const assay_call *c)
{
    return SCRATCH_ROWS * align64(c->out.cols * sizeof(double));
}

/* The parameters as the policy has them, and the vector of ones whose dot product is a sum. */
typedef struct parameters {
    double *gain, *bias, *ones;
    bool has_bias;
    arena rest;
} parameters;

static parameters load(const assay_call *c)
{
    size_t n = c->out.cols;
    arena a = { c->workspace };
    parameters p = { arena_doubles(&a, n),
                     arena_doubles(&a, n),
                     arena_doubles(&a, n),
                     c->weight[1].data != NULL,
                     { NULL } };
    step s = step_of(c->policy);
    weight_row(c->policy, &c->weight[0], 0, p.gain);
    for (size_t j = 0; j < n; j++) {
        p.ones[j] = 1;
        p.bias[j] = p.has_bias ? step_round(&s, parameter_get(&c->weight[1], j)) : 0;
    }
    p.rest = a;
    return p;
}

/* r = RND(1 / sqrt(RND(RND(sum x^2 / n) + eps))) */
static double inverse_root(const step *s, const assay_accumulator *acc, const double *x, size_t n,
                           double eps)
{
    double mean = step_round(s, assay_dot(acc, n, x, 1, x, 1) / (double)n);
    return step_round(s, 1 / assay_sqrt(step_round(s, mean + eps)));
}

/* x <- RND(x - RND(sum x / n)) */
static void centre(const step *s, const assay_accumulator *acc, double *x, const double *ones,
                   size_t n)
{
    double mean = step_round(s, assay_dot(acc, n, x, 1, ones, 1) / (double)n);
    for (size_t j = 0; j < n; j++)
        x[j] = step_round(s, x[j] - mean);
}

/* y = Q_out(RND(RND(x r) g) (+ b)), x centred first for LayerNorm */
static void run_norm(const assay_call *c, bool centred)
{
    parameters p = load(c);
    assay_accumulator exact;
    const assay_accumulator *acc = sum_of(c->policy, &exact);
    step s = step_of(c->policy);
    size_t n = c->out.cols;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < c->out.rows; i++) {
        double *y = c->out.hi + i * c->out.ld;
        input_row(c->policy, c->in[0].hi + i * c->in[0].ld, y, n);
        if (centred)
            centre(&s, acc, y, p.ones, n);
        double r = inverse_root(&s, acc, y, n, c->eps);
        for (size_t j = 0; j < n; j++) {
            y[j] = step_round(&s, step_round(&s, y[j] * r) * p.gain[j]);
            if (p.has_bias)
                y[j] = step_round(&s, y[j] + p.bias[j]);
        }
        output_row(c->policy, y, n);
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

/* The estimate of r for a row of magnitudes v with bounds e. */
static est bound_root(const assay_call *c, const double *v, const double *e)
{
    size_t n = c->out.cols;
    double sum = 0, operand = 0;
    for (size_t j = 0; j < n; j++) {
        est x = { v[j], e[j] };
        sum += v[j] * v[j];
        operand += est_mul(x, x).e;
    }
    rounding_unit u = unit_of_step(c->policy);
    est total = { sum, est_sum(unit_of_sum(c->policy, n), operand, sum + operand) };
    est mean = est_round(u, est_div(total, (est){ (double)n, 0 }));
    est shifted = est_round(u, est_add(mean, (est){ c->eps, 0 }));
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
    est mean = est_round(u, est_div(total, (est){ (double)n, 0 }));
    for (size_t j = 0; j < n; j++) {
        est x = est_round(u, est_add((est){ v[j], e[j] }, (est){ -mean.v, mean.e }));
        v[j] = x.v;
        e[j] = x.e;
    }
}

static void bound_norm(const assay_call *c, assay_matrix b, bool centred)
{
    size_t n = c->out.cols;
    arena a = { c->workspace };
    double *gain = arena_doubles(&a, n), *dgain = arena_doubles(&a, n), *v = arena_doubles(&a, n);
    rounding_unit u = unit_of_step(c->policy);
    parameter_row(&c->weight[0], 0, gain);
    bound_weight(c->policy, gain, dgain, n);
    for (size_t i = 0; i < c->out.rows; i++) {
        double *e = b.hi + i * b.ld;
        for (size_t j = 0; j < n; j++)
            v[j] = c->in[0].hi[i * c->in[0].ld + j];
        bound_input(c->policy, v, e, n);
        if (centred)
            bound_centre(c, v, e);
        est r = bound_root(c, v, e);
        for (size_t j = 0; j < n; j++) {
            est x = est_round(u, est_mul((est){ v[j], e[j] }, r));
            x = est_round(u, est_mul(x, (est){ gain[j], dgain[j] }));
            if (c->weight[1].data) {
                est bias = est_round(u, (est){ parameter_get(&c->weight[1], j), 0 });
                x = est_round(u, est_add(x, bias));
            }
            e[j] = x.e;
        }
        bound_output(c->policy, c->out.hi + i * c->out.ld, e, n);
    }
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

const assay_op assay_op_rmsnorm = { "rmsnorm",    "x g / sqrt(mean(x^2) + eps)",
                                    check,        workspace,
                                    run_rmsnorm,  wide_rmsnorm,
                                    bound_rmsnorm };
const assay_op assay_op_layernorm = { "layernorm",    "(x - mean) g / sqrt(variance + eps) + bias",
                                      check,          workspace,
                                      run_layernorm,  wide_layernorm,
                                      bound_layernorm };
