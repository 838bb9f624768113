/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <omp.h>

#include "kernels/attention.h"

static assay_status check(const assay_call *c)
{
    return check_heads(c, "context", &c->in[0], &c->out, &c->in[1]);
}

static size_t workspace(const assay_call *c)
{
    size_t p = c->in[0].rows * c->in[0].cols, v = c->in[1].rows * c->in[1].cols;
    size_t per_thread = product_bytes(c, 1, c->head_dim, c->in[0].cols) +
                        2 * align64(c->in[0].cols * c->head_dim * sizeof(double)) +
                        align64(c->head_dim * sizeof(double));
    size_t whole = product_bytes(c, 1, c->head_dim, c->in[0].cols);
    return 2 * (align64(p * sizeof(double)) + align64(v * sizeof(double))) + whole +
           (size_t)omp_get_max_threads() * per_thread;
}

static void run(const assay_call *c)
{
    size_t tokens = tokens_of(c, &c->in[0]), keys = c->in[0].cols, kv = c->in[1].cols;
    arena a = { c->workspace };
    double *p = arena_doubles(&a, c->in[0].rows * keys), *v = arena_doubles(&a, keys * kv);
    size_t bytes = product_bytes(c, 1, c->head_dim, keys);
    assay_accumulator exact;
    const assay_accumulator *acc = sum_of(c->policy, &exact);
    load_heads(c, &c->in[1], v);
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < c->in[0].rows; row++) {
        size_t head = row / tokens, seen = visible(c, row, tokens);
        double *out = c->out.hi + row % tokens * c->out.ld + head * c->head_dim;
        assay_operand values = { v + kv_column(c, head), ASSAY_STORAGE_F64, kv, 1, NULL };
        input_row(c->policy, c->in[0].hi + row * c->in[0].ld, p + row * keys, seen);
        assay_product(acc, 1, c->head_dim, seen, p + row * keys, keys, &values, out, c->out.ld,
                      a.next + (size_t)omp_get_thread_num() * bytes);
    }
    for (size_t i = 0; i < tokens; i++)
        output_row(c->policy, c->out.hi + i * c->out.ld, c->out.cols);
}

static void wide(const assay_call *c)
{
    size_t tokens = tokens_of(c, &c->in[0]);
    for (size_t row = 0; row < c->in[0].rows; row++) {
        size_t head = row / tokens, seen = visible(c, row, tokens), k = kv_column(c, head);
        size_t at = row % tokens * c->out.ld + head * c->head_dim, from = row * c->in[0].ld;
        assay_operand values = { c->in[1].hi + k, ASSAY_STORAGE_F64, c->in[1].ld, 1, NULL };
        assay_product_wide(1, c->head_dim, seen, c->in[0].hi + from,
                           c->in[0].lo ? c->in[0].lo + from : NULL, c->in[0].ld, &values,
                           c->in[1].lo ? c->in[1].lo + k : NULL, c->out.hi + at, c->out.lo + at,
                           c->out.ld, c->workspace);
    }
}

static void bound_row(const assay_call *c, assay_matrix b, size_t row, double *v, double *dv,
                      arena a)
{
    size_t tokens = tokens_of(c, &c->in[0]), keys = c->in[0].cols, d = c->head_dim;
    size_t head = row / tokens, seen = visible(c, row, tokens), kv = c->in[1].cols;
    double *w = arena_doubles(&a, keys * d), *dw = arena_doubles(&a, keys * d);
    double *scratch = arena_doubles(&a, d);
    double *p = v + keys * kv, *dp = p + keys; /* behind the values: one row of probabilities */
    for (size_t j = 0; j < seen; j++) {
        p[j] = fabs(c->in[0].hi[row * c->in[0].ld + j]);
        for (size_t i = 0; i < d; i++) {
            w[j * d + i] = v[j * kv + kv_column(c, head) + i];
            dw[j * d + i] = dv[j * kv + kv_column(c, head) + i];
        }
    }
    bound_input(c->policy, c->in[0].hi + row * c->in[0].ld, dp, seen);
    product_bound q = { c->policy,
                        1,
                        d,
                        seen,
                        p,
                        dp,
                        keys,
                        w,
                        dw,
                        d,
                        1,
                        seen * d,
                        b.hi + row % tokens * b.ld + head * d,
                        scratch,
                        b.ld,
                        a.next };
    bound_product(&q);
}

static void bound(const assay_call *c, assay_matrix b)
{
    size_t tokens = tokens_of(c, &c->in[0]), keys = c->in[0].cols, kv = c->in[1].cols;
    arena a = { c->workspace };
    double *dv = arena_doubles(&a, keys * kv);
    double *v = arena_doubles(&a, keys * kv + 2 * c->in[0].rows * keys);
    bound_heads(c, &c->in[1], v, dv);
    for (size_t row = 0; row < c->in[0].rows; row++)
        bound_row(c, b, row, v, dv, a);
    for (size_t i = 0; i < tokens; i++)
        bound_output(c->policy, c->out.hi + i * c->out.ld, b.hi + i * b.ld, c->out.cols);
}

const assay_op assay_op_context = {
    "context", "probabilities times values of each head", check, workspace, run, wide, bound
};
