/* SPDX-License-Identifier: Apache-2.0 */
/* Rotary position embedding. The cosines and sines are constants that the model declares. */
#include <math.h>

#include "kernels/bound.h"
#include "kernels/step.h"

static assay_status check(const assay_call *c)
{
    assay_status status = check_same_shape("rope", &c->in[0], &c->out);
    if (status != ASSAY_OK)
        return status;
    if (c->head_dim == 0 || c->out.cols % c->head_dim != 0 || 2 * c->cosine.cols > c->head_dim)
        return assay_fail(ASSAY_ERR_SHAPE, "rope: %zu columns, heads of %zu, %zu angles",
                          c->out.cols, c->head_dim, c->cosine.cols);
    status = check_same_shape("rope", &c->sine, &c->cosine);
    if (status != ASSAY_OK)
        return status;
    if (c->past + c->out.rows > c->cosine.rows)
        return assay_fail(ASSAY_ERR_SHAPE, "rope: position %zu is beyond the table of %zu",
                          c->past + c->out.rows - 1, c->cosine.rows);
    return ASSAY_OK;
}

static size_t workspace(const assay_call *c)
{
    (void)c;
    return 0;
}

/* Columns of the two members of pair p in the head that starts at column `base`. */
typedef struct pair {
    size_t first, second;
} pair;

static pair pair_at(const assay_call *c, size_t base, size_t p)
{
    if (c->interleaved)
        return (pair){ base + 2 * p, base + 2 * p + 1 };
    return (pair){ base + p, base + p + c->cosine.cols };
}

/* y1 = RND(RND(a c) - RND(b s)), y2 = RND(RND(b c) + RND(a s)), c and s rounded first */
static void rotate_head(const assay_call *c, const step *s, size_t i, size_t base, double *y)
{
    for (size_t p = 0; p < c->cosine.cols; p++) {
        double cosine = step_round(s, matrix_get(&c->cosine, c->past + i, p).hi);
        double sine = step_round(s, matrix_get(&c->sine, c->past + i, p).hi);
        pair q = pair_at(c, base, p);
        double a = y[q.first], b = y[q.second];
        y[q.first] = step_subtract(s, step_multiply(s, a, cosine), step_multiply(s, b, sine));
        y[q.second] = step_add(s, step_multiply(s, b, cosine), step_multiply(s, a, sine));
    }
}

static void run(const assay_call *c)
{
    step s = step_of(c->policy);
#pragma omp parallel for schedule(static) if (shares_rows(&c->out))
    for (size_t i = 0; i < c->out.rows; i++) {
        double *y = c->out.hi + i * c->out.ld;
        for (size_t base = 0; base < c->out.cols; base += c->head_dim) {
            input_row(c->policy, ASSAY_ROLE_IN, element_of(c, i, c->out.cols) + base,
                      c->in[0].hi + i * c->in[0].ld + base, y + base, c->head_dim);
            rotate_head(c, &s, i, base, y);
        }
        output_row(c->policy, element_of(c, i, c->out.cols), y, c->out.cols);
    }
}

static void wide_head(const assay_call *c, size_t i, size_t base)
{
    for (size_t j = base; j < base + c->head_dim; j++)
        matrix_set(&c->out, i, j, matrix_get(&c->in[0], i, j));
    for (size_t p = 0; p < c->cosine.cols; p++) {
        pair q = pair_at(c, base, p);
        assay_dd cosine = matrix_get(&c->cosine, c->past + i, p);
        assay_dd sine = matrix_get(&c->sine, c->past + i, p);
        assay_dd a = matrix_get(&c->in[0], i, q.first), b = matrix_get(&c->in[0], i, q.second);
        matrix_set(&c->out, i, q.first,
                   assay_dd_sub(assay_dd_mul(a, cosine), assay_dd_mul(b, sine)));
        matrix_set(&c->out, i, q.second,
                   assay_dd_add(assay_dd_mul(b, cosine), assay_dd_mul(a, sine)));
    }
}

static void wide(const assay_call *c)
{
    for (size_t i = 0; i < c->out.rows; i++)
        for (size_t base = 0; base < c->out.cols; base += c->head_dim)
            wide_head(c, i, base);
}

/* The exact constant is hi + lo, of which hi is used. */
static est constant(rounding_unit u, assay_dd x)
{
    return est_round(u, (est){ x.hi, fabs(x.lo) });
}

static void bound_head(const assay_call *c, size_t i, size_t base, double *e)
{
    rounding_unit u = unit_of_step(c->policy);
    const double *x = c->in[0].hi + i * c->in[0].ld;
    bound_input(c->policy, x + base, e + base, c->head_dim);
    for (size_t p = 0; p < c->cosine.cols; p++) {
        pair q = pair_at(c, base, p);
        est cosine = constant(u, matrix_get(&c->cosine, c->past + i, p));
        est sine = constant(u, matrix_get(&c->sine, c->past + i, p));
        est a = { x[q.first], e[q.first] }, b = { x[q.second], e[q.second] };
        est ac = est_round(u, est_multiply(a, cosine)), bs = est_round(u, est_multiply(b, sine));
        est bc = est_round(u, est_multiply(b, cosine)), as = est_round(u, est_multiply(a, sine));
        e[q.first] = est_round(u, est_subtract(ac, bs)).e;
        e[q.second] = est_round(u, est_add(bc, as)).e;
    }
}

static void bound(const assay_call *c, assay_matrix b)
{
    for (size_t i = 0; i < c->out.rows; i++) {
        double *e = b.hi + i * b.ld;
        for (size_t base = 0; base < c->out.cols; base += c->head_dim)
            bound_head(c, i, base, e);
        bound_output(c->policy, c->out.hi + i * c->out.ld, e, c->out.cols);
    }
}

const assay_op assay_op_rope = { .name = "rope",
                                 .text = "rotary position embedding, half-split or interleaved",
                                 .check = check,
                                 .workspace = workspace,
                                 .run = run,
                                 .wide = wide,
                                 .bound = bound };
