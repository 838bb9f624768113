/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "kernels/attention.h"

static assay_status check(const assay_call *c)
{
    assay_status status = check_heads(c, "scores", &c->out, &c->in[0], &c->in[1]);
    if (status == ASSAY_OK && !(c->scale > 0 && c->scale < INFINITY))
        return assay_fail(ASSAY_ERR_VALUE, "scores: scale %g is not a positive number", c->scale);
    return status;
}

static size_t workspace(const assay_call *c)
{
    size_t tokens = c->in[0].rows, keys = c->in[1].rows, d = c->head_dim;
    size_t run = doubles(tokens * c->in[0].cols) + doubles(keys * c->in[1].cols);
    size_t bound = 2 * (doubles(tokens * d) + doubles(keys * d)) + doubles(tokens * keys);
    return larger(run, bound) + product_bytes(c->policy, tokens, keys, d);
}

/* y = Q_out(RND(sum q k . RND(scale))); the hidden rest is -inf */
static void finish_row(const assay_call *c, const step *s, double scale, size_t row, size_t seen)
{
    uint64_t first = head_element(c, row, c->in[0].rows);
    double *y = c->out.hi + row * c->out.ld;
    for (size_t j = 0; j < seen; j++)
        y[j] = step_multiply(s, y[j], scale);
    output_row(c->policy, first, y, seen);
    for (size_t j = seen; j < c->out.cols; j++)
        y[j] = -INFINITY;
}

static void run(const assay_call *c)
{
    size_t tokens = tokens_of(c, &c->out), width = c->in[0].cols, kv = c->in[1].cols;
    arena a = { c->workspace };
    double *q = arena_doubles(&a, tokens * width), *k = arena_doubles(&a, c->in[1].rows * kv);
    assay_accumulator acc = inner_sum(c->policy);
    step s = step_of(c->policy);
    double scale = step_round(&s, c->scale);
    load_heads(c, ASSAY_ROLE_IN, c->past, q);
    load_heads(c, ASSAY_ROLE_IN_2, 0, k);
    for (size_t h = 0; h < c->heads; h++) {
        assay_operand keys = { k + kv_column(c, h), ASSAY_STORAGE_F64, 1, kv, NULL };
        assay_product(&acc, tokens, c->out.cols, c->head_dim, q + h * c->head_dim, width, &keys,
                      c->out.hi + h * tokens * c->out.ld, c->out.ld, a.next);
    }
#pragma omp parallel for schedule(static) if (shares_rows(&c->out))
    for (size_t row = 0; row < c->out.rows; row++)
        finish_row(c, &s, scale, row, visible(c, row, tokens));
}

static void wide(const assay_call *c)
{
    size_t tokens = tokens_of(c, &c->out);
    for (size_t h = 0; h < c->heads; h++) {
        size_t q = h * c->head_dim, k = kv_column(c, h), at = h * tokens * c->out.ld;
        assay_operand keys = { c->in[1].hi + k, ASSAY_STORAGE_F64, 1, c->in[1].ld, NULL };
        assay_product_wide(tokens, c->out.cols, c->head_dim, c->in[0].hi + q,
                           c->in[0].lo ? c->in[0].lo + q : NULL, c->in[0].ld, &keys,
                           c->in[1].lo ? c->in[1].lo + k : NULL, c->out.hi + at, c->out.lo + at,
                           c->out.ld, c->workspace);
        for (size_t row = h * tokens; row < (h + 1) * tokens; row++)
            for (size_t j = 0; j < c->out.cols; j++) {
                assay_dd y = assay_dd_mul_d(matrix_get(&c->out, row, j), c->scale);
                bool hidden = j >= visible(c, row, tokens);
                matrix_set(&c->out, row, j, hidden ? assay_dd_from(-INFINITY) : y);
            }
    }
}

/* e becomes the bound of a row, magnitude being that of its sums. With s' = s (1 + d) the rounded
 * scale, S's' - S s = (S' - S) s' + S s d, and |S s| is at most e s beyond |y|. */
static void bound_row(const assay_call *c, size_t row, size_t seen, double *e,
                      const double *magnitude)
{
    rounding_unit u = unit_of_step(c->policy);
    sum_unit sum = unit_of_sum(c->policy, c->head_dim);
    est scale = est_constant(u, c->scale);
    const double *y = c->out.hi + row * c->out.ld;
    for (size_t j = 0; j < seen; j++) {
        double s = est_sum(sum, e[j], magnitude[j]) * (c->scale + scale.e);
        double d = (fabs(y[j]) + s) * (scale.e / c->scale);
        e[j] = est_round(u, (est){ y[j], (s + d) * (1 + 0x1p-40) }).e;
    }
    bound_output(c->policy, y, e, seen);
    for (size_t j = seen; j < c->out.cols; j++)
        e[j] = 0;
}

static void bound(const assay_call *c, assay_matrix b)
{
    size_t tokens = tokens_of(c, &c->out), keys = c->in[1].rows, d = c->head_dim;
    arena a = { c->workspace };
    product_bound p = { .policy = c->policy,
                        .m = tokens,
                        .n = keys,
                        .k = d,
                        .row_stride = 1,
                        .column_stride = d,
                        .operand_ld = b.ld };
    p.x = arena_doubles(&a, tokens * d);
    p.dx = arena_doubles(&a, tokens * d);
    p.w = arena_doubles(&a, keys * d);
    p.dw = arena_doubles(&a, keys * d);
    p.magnitude = arena_doubles(&a, tokens * keys);
    p.workspace = a.next;
    for (size_t h = 0; h < c->heads; h++) {
        bound_head(c, &c->in[0], h * d, p.x, p.dx);
        bound_head(c, &c->in[1], kv_column(c, h), p.w, p.dw);
        p.operand = b.hi + h * tokens * b.ld;
        bound_product(&p);
        for (size_t i = 0; i < tokens; i++)
            bound_row(c, h * tokens + i, visible(c, i, tokens), p.operand + i * b.ld,
                      p.magnitude + i * keys);
    }
}

const assay_op assay_op_scores = { .name = "scores",
                                   .text = "scale q k^T of each head, causal",
                                   .check = check,
                                   .workspace = workspace,
                                   .run = run,
                                   .wide = wide,
                                   .bound = bound };
