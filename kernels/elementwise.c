/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that act on each element by itself: activations, gated product, residual sum. */
#include <math.h>

#include "kernels/bound.h"
#include "kernels/step.h"
#include "numerics/elementary.h"
#include "numerics/elementary_dd.h"

/* A function of one element: its binary64 and wide evaluations, the error of the former in
 * ulps, and a Lipschitz constant (docs/kernels.md, bounds). */
typedef struct unary {
    double (*value)(double);
    assay_dd (*wide)(assay_dd);
    double ulps, lipschitz;
} unary;

static double relu_value(double x)
{
    return x > 0 || x != x ? x : 0;
}

static assay_dd relu_wide(assay_dd x)
{
    return x.hi > 0 ? x : assay_dd_from(0);
}

static const unary unary_silu = { assay_silu, assay_dd_silu, ASSAY_SILU_ULPS, 1.1 };
static const unary unary_gelu = { assay_gelu_erf, assay_dd_gelu_erf, ASSAY_GELU_ERF_ULPS, 1.13 };
static const unary unary_gelu_tanh = { assay_gelu_tanh, assay_dd_gelu_tanh, ASSAY_GELU_TANH_ULPS,
                                       1.13 };
static const unary unary_relu = { relu_value, relu_wide, 0, 1 };

static assay_status check_unary(const assay_call *c)
{
    return check_same_shape("activation", &c->in[0], &c->out);
}

static assay_status check_binary(const assay_call *c)
{
    assay_status status = check_same_shape("element-wise operation", &c->in[0], &c->out);
    return status == ASSAY_OK ? check_same_shape("element-wise operation", &c->in[1], &c->out)
                              : status;
}

/* Two rows for each row of the output: operands, or their bounds; none is shared by threads. */
static size_t workspace(const assay_call *c)
{
    return 2 * align64(c->out.rows * c->out.cols * sizeof(double));
}

/* y = Q_out(RND(f(Q_in(x)))) */
static void run_unary(const assay_call *c, const unary *f)
{
    step s = step_of(c->policy);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < c->out.rows; i++) {
        double *y = c->out.hi + i * c->out.ld;
        input_row(c->policy, c->in[0].hi + i * c->in[0].ld, y, c->out.cols);
        for (size_t j = 0; j < c->out.cols; j++)
            y[j] = step_round(&s, f->value(y[j]));
        output_row(c->policy, y, c->out.cols);
    }
}

static void wide_unary(const assay_call *c, const unary *f)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < c->out.rows; i++)
        for (size_t j = 0; j < c->out.cols; j++)
            matrix_set(&c->out, i, j, f->wide(matrix_get(&c->in[0], i, j)));
}

static void bound_unary(const assay_call *c, assay_matrix b, const unary *f)
{
    rounding_unit u = unit_of_step(c->policy);
    step s = step_of(c->policy);
    for (size_t i = 0; i < c->out.rows; i++) {
        const double *x = c->in[0].hi + i * c->in[0].ld, *y = c->out.hi + i * c->out.ld;
        double *e = b.hi + i * b.ld;
        bound_input(c->policy, x, e, c->out.cols);
        for (size_t j = 0; j < c->out.cols; j++) {
            est value = est_function(y[j], f->lipschitz, f->ulps, (est){ x[j], e[j] });
            e[j] = s.identity ? value.e : est_round(u, value).e;
        }
        bound_output(c->policy, y, e, c->out.cols);
    }
}

/* y = Q_out(RND(Q_in(a) . Q_in(b))) */
static void run_binary(const assay_call *c, bool product)
{
    step s = step_of(c->policy);
    double *scratch = c->workspace;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < c->out.rows; i++) {
        double *y = c->out.hi + i * c->out.ld, *b = scratch + i * c->out.cols;
        input_row(c->policy, c->in[1].hi + i * c->in[1].ld, b, c->out.cols);
        input_row(c->policy, c->in[0].hi + i * c->in[0].ld, y, c->out.cols);
        for (size_t j = 0; j < c->out.cols; j++)
            y[j] = step_round(&s, product ? y[j] * b[j] : y[j] + b[j]);
        output_row(c->policy, y, c->out.cols);
    }
}

static void wide_binary(const assay_call *c, bool product)
{
    for (size_t i = 0; i < c->out.rows; i++)
        for (size_t j = 0; j < c->out.cols; j++) {
            assay_dd a = matrix_get(&c->in[0], i, j), b = matrix_get(&c->in[1], i, j);
            matrix_set(&c->out, i, j, product ? assay_dd_mul(a, b) : assay_dd_add(a, b));
        }
}

static void bound_binary(const assay_call *c, assay_matrix b, bool product)
{
    rounding_unit u = unit_of_step(c->policy);
    double *da = c->workspace, *db = da + c->out.cols;
    for (size_t i = 0; i < c->out.rows; i++) {
        const double *x = c->in[0].hi + i * c->in[0].ld, *y = c->in[1].hi + i * c->in[1].ld;
        double *e = b.hi + i * b.ld;
        bound_input(c->policy, x, da, c->out.cols);
        bound_input(c->policy, y, db, c->out.cols);
        for (size_t j = 0; j < c->out.cols; j++) {
            est p = { x[j], da[j] }, q = { y[j], db[j] };
            e[j] = est_round(u, product ? est_mul(p, q) : est_add(p, q)).e;
        }
        bound_output(c->policy, c->out.hi + i * c->out.ld, e, c->out.cols);
    }
}

#define UNARY(id, description)                                                      \
    static void run_##id(const assay_call *c)                                       \
    {                                                                               \
        run_unary(c, &unary_##id);                                                  \
    }                                                                               \
    static void wide_##id(const assay_call *c)                                      \
    {                                                                               \
        wide_unary(c, &unary_##id);                                                 \
    }                                                                               \
    static void bound_##id(const assay_call *c, assay_matrix b)                     \
    {                                                                               \
        bound_unary(c, b, &unary_##id);                                             \
    }                                                                               \
    const assay_op assay_op_##id = { #id,      description, check_unary, workspace, \
                                     run_##id, wide_##id,   bound_##id };

#define BINARY(id, product, description)                                             \
    static void run_##id(const assay_call *c)                                        \
    {                                                                                \
        run_binary(c, product);                                                      \
    }                                                                                \
    static void wide_##id(const assay_call *c)                                       \
    {                                                                                \
        wide_binary(c, product);                                                     \
    }                                                                                \
    static void bound_##id(const assay_call *c, assay_matrix b)                      \
    {                                                                                \
        bound_binary(c, b, product);                                                 \
    }                                                                                \
    const assay_op assay_op_##id = { #id,      description, check_binary, workspace, \
                                     run_##id, wide_##id,   bound_##id };

UNARY(silu, "x / (1 + exp(-x))")
UNARY(gelu, "x (1 + erf(x / sqrt 2)) / 2")
UNARY(gelu_tanh, "x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2")
UNARY(relu, "max(x, 0)")
BINARY(multiply, true, "gated product a b")
BINARY(add, false, "residual sum a + b")
