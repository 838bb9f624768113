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
    return x.hi > 0 || x.hi != x.hi ? x : assay_dd_from(0);
}

static const unary unary_silu = { assay_silu, assay_dd_silu, ASSAY_SILU_ULPS, 1.1 };
static const unary unary_gelu = { assay_gelu_erf, assay_dd_gelu_erf, ASSAY_GELU_ERF_ULPS, 1.13 };
static const unary unary_gelu_tanh = { assay_gelu_tanh, assay_dd_gelu_tanh, ASSAY_GELU_TANH_ULPS,
                                       1.13 };
static const unary unary_relu = { relu_value, relu_wide, 0, 1 };

static assay_status check(const assay_call *c, const char *op, bool two)
{
    assay_status status = check_same_shape(op, &c->in[0], &c->out);
    return status == ASSAY_OK && two ? check_same_shape(op, &c->in[1], &c->out) : status;
}

/* The second operand as the input scheme has it, or two rows of bounds. */
static size_t workspace_binary(const assay_call *c)
{
    return larger(doubles(c->out.rows * c->out.cols), 2 * doubles(c->out.cols));
}

static size_t workspace_unary(const assay_call *c)
{
    (void)c;
    return 0;
}

/* y = Q_out(RND(f(Q_in(x)))) */
static void run_unary(const assay_call *c, const unary *f)
{
    step s = step_of(c->policy);
#pragma omp parallel for schedule(static) if (shares_rows(&c->out))
    for (size_t i = 0; i < c->out.rows; i++) {
        double *y = c->out.hi + i * c->out.ld;
        uint64_t first = element_of(c, i, c->out.cols);
        input_row(c->policy, ASSAY_ROLE_IN, first, c->in[0].hi + i * c->in[0].ld, y, c->out.cols);
        for (size_t j = 0; j < c->out.cols; j++)
            y[j] = step_round(&s, f->value(y[j]));
        output_row(c->policy, first, y, c->out.cols);
    }
}

static void wide_unary(const assay_call *c, const unary *f)
{
#pragma omp parallel for schedule(static) if (shares_rows(&c->out))
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
            e[j] = s.native ? value.e : est_round(u, value).e;
        }
        bound_output(c->policy, y, e, c->out.cols);
    }
}

/* y = Q_out(RND(Q_in(a) Q_in(b))), or of the sum */
static void run_binary(const assay_call *c, bool product)
{
    step s = step_of(c->policy);
    double *scratch = c->workspace;
#pragma omp parallel for schedule(static) if (shares_rows(&c->out))
    for (size_t i = 0; i < c->out.rows; i++) {
        double *y = c->out.hi + i * c->out.ld, *b = scratch + i * c->out.cols;
        uint64_t first = element_of(c, i, c->out.cols);
        input_row(c->policy, ASSAY_ROLE_IN_2, first, c->in[1].hi + i * c->in[1].ld, b, c->out.cols);
        input_row(c->policy, ASSAY_ROLE_IN, first, c->in[0].hi + i * c->in[0].ld, y, c->out.cols);
        for (size_t j = 0; j < c->out.cols; j++)
            y[j] = product ? step_multiply(&s, y[j], b[j]) : step_add(&s, y[j], b[j]);
        output_row(c->policy, first, y, c->out.cols);
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
    arena a = { c->workspace };
    double *da = arena_doubles(&a, c->out.cols), *db = arena_doubles(&a, c->out.cols);
    for (size_t i = 0; i < c->out.rows; i++) {
        const double *x = c->in[0].hi + i * c->in[0].ld, *y = c->in[1].hi + i * c->in[1].ld;
        double *e = b.hi + i * b.ld;
        bound_input(c->policy, x, da, c->out.cols);
        bound_input(c->policy, y, db, c->out.cols);
        for (size_t j = 0; j < c->out.cols; j++) {
            est p = { x[j], da[j] }, q = { y[j], db[j] };
            e[j] = est_round(u, product ? est_multiply(p, q) : est_add(p, q)).e;
        }
        bound_output(c->policy, c->out.hi + i * c->out.ld, e, c->out.cols);
    }
}

#define OPERATION(id, description, two, size, kind, argument)                 \
    static assay_status check_##id(const assay_call *c)                       \
    {                                                                         \
        return check(c, #id, two);                                            \
    }                                                                         \
    static void run_##id(const assay_call *c)                                 \
    {                                                                         \
        run_##kind(c, argument);                                              \
    }                                                                         \
    static void wide_##id(const assay_call *c)                                \
    {                                                                         \
        wide_##kind(c, argument);                                             \
    }                                                                         \
    static void bound_##id(const assay_call *c, assay_matrix b)               \
    {                                                                         \
        bound_##kind(c, b, argument);                                         \
    }                                                                         \
    const assay_op assay_op_##id = { #id,      description, check_##id, size, \
                                     run_##id, wide_##id,   bound_##id };
#define UNARY(id, text)           OPERATION(id, text, false, workspace_unary, unary, &unary_##id)
#define BINARY(id, product, text) OPERATION(id, text, true, workspace_binary, binary, product)

UNARY(silu, "x / (1 + exp(-x))")
UNARY(gelu, "x (1 + erf(x / sqrt 2)) / 2")
UNARY(gelu_tanh, "x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2")
UNARY(relu, "max(x, 0)")
BINARY(multiply, true, "gated product a b")
BINARY(add, false, "residual sum a + b")
