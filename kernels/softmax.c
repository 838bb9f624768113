/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax over the keys that a row may see, shifted by the row's maximum. */
#include <math.h>

#include "kernels/attention.h"
#include "numerics/elementary.h"
#include "numerics/elementary_dd.h"

static assay_status check(const assay_call *c)
{
    size_t tokens = tokens_of(c, &c->out);
    if (tokens == 0 || c->out.rows != c->heads * tokens || c->out.cols != c->past + tokens)
        return assay_fail(ASSAY_ERR_SHAPE, "softmax: [%zu, %zu] for %zu heads after %zu positions",
                          c->out.rows, c->out.cols, c->heads, c->past);
    return check_same_shape("softmax", &c->in[0], &c->out);
}

static size_t workspace(const assay_call *c)
{
    return doubles(c->out.cols);
}

/* The maximum is exact; a NaN anywhere in the row makes it NaN. */
static double maximum(const double *x, size_t n)
{
    double m = x[0];
    for (size_t j = 1; j < n; j++)
        m = x[j] > m || x[j] != x[j] ? x[j] : m;
    return m;
}

/* p = Q_out(RND(e / sum e)), e = RND(exp(RND(x - max))) */
static void run_row(const assay_call *c, const assay_accumulator *acc, const step *s,
                    const double *ones, size_t row, size_t seen)
{
    double *y = c->out.hi + row * c->out.ld;
    uint64_t first = head_element(c, row, tokens_of(c, &c->out));
    input_row(c->policy, ASSAY_ROLE_IN, first, c->in[0].hi + row * c->in[0].ld, y, seen);
    double m = maximum(y, seen);
    for (size_t j = 0; j < seen; j++)
        y[j] = step_round(s, assay_exp(step_subtract(s, y[j], m)));
    double sum = assay_dot(acc, seen, y, 1, ones, 1);
    for (size_t j = 0; j < seen; j++)
        y[j] = step_divide(s, y[j], sum);
    output_row(c->policy, first, y, seen);
    for (size_t j = seen; j < c->out.cols; j++)
        y[j] = 0;
}

static void run(const assay_call *c)
{
    size_t tokens = tokens_of(c, &c->out);
    assay_accumulator acc = inner_sum(c->policy);
    step s = step_of(c->policy);
    double *ones = c->workspace;
    for (size_t j = 0; j < c->out.cols; j++)
        ones[j] = 1;
#pragma omp parallel for schedule(dynamic, 8) if (shares_rows(&c->out))
    for (size_t row = 0; row < c->out.rows; row++)
        run_row(c, &acc, &s, ones, row, visible(c, row, tokens));
}

static void wide_row(const assay_call *c, size_t row, size_t seen)
{
    assay_dd m = matrix_get(&c->in[0], row, 0), sum = { 0, 0 };
    for (size_t j = 1; j < seen; j++) {
        assay_dd x = matrix_get(&c->in[0], row, j);
        m = assay_dd_compare(x, m) > 0 ? x : m;
    }
    for (size_t j = 0; j < seen; j++) {
        assay_dd e = assay_dd_exp(assay_dd_sub(matrix_get(&c->in[0], row, j), m));
        sum = assay_dd_add(sum, e);
        matrix_set(&c->out, row, j, e);
    }
    for (size_t j = 0; j < c->out.cols; j++) {
        assay_dd p = { 0, 0 };
        if (j < seen)
            p = assay_dd_div(matrix_get(&c->out, row, j), sum);
        matrix_set(&c->out, row, j, p);
    }
}

static void wide(const assay_call *c)
{
    size_t tokens = tokens_of(c, &c->out);
#pragma omp parallel for schedule(static) if (shares_rows(&c->out))
    for (size_t row = 0; row < c->out.rows; row++)
        wide_row(c, row, visible(c, row, tokens));
}

/* z <= 0 before and after the emulation, so that no two values of exp differ by more than 1;
 * within 2 e of v they differ by at most exp(v + e) (exp(e) - 1). */
static est bound_exp(rounding_unit u, est z)
{
    double v = assay_exp(z.v), grown = assay_expm1(z.e);
    double spread = (v + 0x1p-1073) * (grown + grown * grown) * (1 + 0x1p-40);
    spread = spread < 1 ? spread : z.e < INFINITY ? 1 : INFINITY;
    return est_round(u, est_function(v, 1, ASSAY_EXP_ULPS, (est){ z.v, spread }));
}

/* A lower bound of the sum of exponentials: that of the largest element is exactly 1, and no
 * rounding of a growing sum takes it below, if the format has 1. */
static double room_of(const assay_call *c, est total)
{
    const assay_format *f = &c->policy->acc.round.format;
    double room = est_room(total);
    return room < 1 && f->emin <= 0 && f->max >= 1 ? 1 : room;
}

static void bound_row(const assay_call *c, size_t row, size_t seen, double *e, double *v)
{
    const double *x = c->in[0].hi + row * c->in[0].ld;
    rounding_unit u = unit_of_step(c->policy);
    bound_input(c->policy, x, e, seen);
    double m = maximum(x, seen), dm = 0, sum = 0, operand = 0;
    for (size_t j = 0; j < seen; j++) /* the maximum moves by no more than some element does */
        dm = e[j] > dm ? e[j] : dm;
    for (size_t j = 0; j < seen; j++) {
        est z = est_round(u, est_subtract((est){ x[j], e[j] }, (est){ m, dm }));
        est p = bound_exp(u, z);
        v[j] = p.v;
        e[j] = p.e;
        sum += p.v;
        operand += p.e;
    }
    est total = { sum, est_sum(unit_of_sum(c->policy, seen), operand, sum + 2 * operand) };
    double room = room_of(c, total);
    for (size_t j = 0; j < seen; j++)
        e[j] = est_round(u, est_divide((est){ v[j], e[j] }, total, room)).e;
    bound_output(c->policy, c->out.hi + row * c->out.ld, e, seen);
    for (size_t j = seen; j < c->out.cols; j++)
        e[j] = 0;
}

static void bound(const assay_call *c, assay_matrix b)
{
    size_t tokens = tokens_of(c, &c->out);
    for (size_t row = 0; row < c->out.rows; row++)
        bound_row(c, row, visible(c, row, tokens), b.hi + row * b.ld, c->workspace);
}

const assay_op assay_op_softmax = { .name = "softmax",
                                    .text = "exp(x - max) / sum over the visible keys",
                                    .check = check,
                                    .workspace = workspace,
                                    .run = run,
                                    .wide = wide,
                                    .bound = bound };
