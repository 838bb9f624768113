/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "kernels/attention.h"

static assay_status check(const assay_call *c)
{
    return check_heads(c, "scores", &c->out, &c->in[0], &c->in[1]);
}

static size_t workspace(const assay_call *c)
{
    size_t q = c->in[0].rows * c->in[0].cols, k = c->in[1].rows * c->in[1].cols;
    return 2 * (align64(q * sizeof(double)) + align64(k * sizeof(double))) +
           align64(c->in[0].rows * c->in[1].rows * sizeof(double)) +
           align64(2 * c->head_dim * c->in[1].rows * sizeof(double)) +
           product_bytes(c, c->in[0].rows, c->in[1].rows, c->head_dim);
}

/* y = Q_out(RND(sum q k . scale)); the hidden rest is -inf */
static void finish_head(const assay_call *c, size_t head, size_t tokens)
{
    step s = step_of(c->policy);
    for (size_t i = 0; i < tokens; i++) {
        size_t row = head * tokens + i, seen = visible(c, row, tokens);
        double *y = c->out.hi + row * c->out.ld;
        for (size_t j = 0; j < seen; j++)
            y[j] = step_round(&s, y[j] * c->scale);
        output_row(c->policy, y, seen);
        for (size_t j = seen; j < c->out.cols; j++)
            y[j] = -INFINITY;
    }
}

static void run(const assay_call *c)
{
    size_t tokens = tokens_of(c, &c->out), width = c->in[0].cols, kv = c->in[1].cols;
    arena a = { c->workspace };
    double *q = arena_doubles(&a, tokens * width), *k = arena_doubles(&a, c->in[1].rows * kv);
    assay_accumulator exact;
    const assay_accumulator *acc = sum_of(c->policy, &exact);
    load_heads(c, &c->in[0], q);
    load_heads(c, &c->in[1], k);
    for (size_t h = 0; h < c->heads; h++) {
        assay_operand keys = { k + kv_column(c, h), ASSAY_STORAGE_F64, 1, kv, NULL };
        assay_product(acc, tokens, c->out.cols, c->head_dim, q + h * c->head_dim, width, &keys,
                      c->out.hi + h * tokens * c->out.ld, c->out.ld, a.next);
        finish_head(c, h, tokens);
    }
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

static void bound_head(const assay_call *c, assay_matrix b, size_t head, size_t tokens)
{
    rounding_unit u = unit_of_step(c->policy);
    for (size_t row = head * tokens; row < (head + 1) * tokens; row++) {
        const double *y = c->out.hi + row * c->out.ld;
        double *e = b.hi + row * b.ld;
        size_t seen = visible(c, row, tokens);
        for (size_t j = 0; j < seen; j++) {
            est sum = { y[j] / c->scale, e[j] };
            e[j] = est_round(u, est_mul(sum, (est){ c->scale, 0 })).e;
        }
        bound_output(c->policy, y, e, seen);
        for (size_t j = seen; j < c->out.cols; j++)
            e[j] = 0;
    }
}

static void bound(const assay_call *c, assay_matrix b)
{
    size_t tokens = tokens_of(c, &c->out), width = c->in[0].cols, keys = c->in[1].rows;
    size_t kv = c->in[1].cols, d = c->head_dim;
    arena a = { c->workspace };
    double *q = arena_doubles(&a, tokens * width), *dq = arena_doubles(&a, tokens * width);
    double *k = arena_doubles(&a, keys * kv), *dk = arena_doubles(&a, keys * kv);
    double *scratch = arena_doubles(&a, tokens * keys), *w = arena_doubles(&a, 2 * d * keys);
    bound_heads(c, &c->in[0], q, dq);
    bound_heads(c, &c->in[1], k, dk);
    for (size_t h = 0; h < c->heads; h++) {
        for (size_t j = 0; j < keys; j++) /* the keys of this head, packed: they are changed */
            for (size_t p = 0; p < d; p++) {
                w[j * d + p] = k[j * kv + kv_column(c, h) + p];
                w[(keys + j) * d + p] = dk[j * kv + kv_column(c, h) + p];
            }
        product_bound p = { c->policy,
                            tokens,
                            keys,
                            d,
                            q + h * d,
                            dq + h * d,
                            width,
                            w,
                            w + keys * d,
                            1,
                            d,
                            keys * d,
                            b.hi + h * tokens * b.ld,
                            scratch,
                            b.ld,
                            a.next };
        bound_product(&p);
        bound_head(c, b, h, tokens);
    }
}

const assay_op assay_op_scores = {
    "scores", "scale q k^T of each head, causal", check, workspace, run, wide, bound
};
