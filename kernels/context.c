/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <omp.h>

#include "kernels/attention.h"

static assay_status check(const assay_call *c)
{
    return check_heads(c, "context", &c->in[0], &c->out, &c->in[1]);
}

/* One product of a token: the heads that share values see the same keys. */
static size_t bytes_of_token(const assay_call *c)
{
    return product_bytes(c->policy, group_of(c), c->head_dim, c->in[0].cols);
}

static size_t workspace(const assay_call *c)
{
    size_t tokens = c->out.rows, keys = c->in[0].cols, d = c->head_dim;
    size_t run = doubles(c->in[0].rows * keys) + doubles(keys * c->in[1].cols) +
                 (size_t)omp_get_max_threads() * bytes_of_token(c);
    size_t bound = 2 * (doubles(tokens * keys) + doubles(keys * d)) + doubles(tokens * d) +
                   product_bytes(c->policy, tokens, d, keys);
    return larger(run, bound);
}

/* y = Q_out(sum p v) over the visible keys */
static void run(const assay_call *c)
{
    size_t tokens = tokens_of(c, &c->in[0]), keys = c->in[0].cols, kv = c->in[1].cols;
    size_t group = group_of(c), d = c->head_dim, bytes = bytes_of_token(c);
    arena a = { c->workspace };
    double *p = arena_doubles(&a, c->in[0].rows * keys), *v = arena_doubles(&a, keys * kv);
    assay_accumulator acc = final_sum(c->policy);
    load_heads(c, ASSAY_ROLE_IN_2, 0, v);
#pragma omp parallel if (shares_rows(&c->in[0]))
    {
        unsigned char *mine = a.next + (size_t)omp_get_thread_num() * bytes;
#pragma omp for schedule(dynamic, 8)
        for (size_t row = 0; row < c->in[0].rows; row++)
            input_row(c->policy, ASSAY_ROLE_IN, head_element(c, row, tokens),
                      c->in[0].hi + row * c->in[0].ld, p + row * keys, visible(c, row, tokens));
#pragma omp for schedule(dynamic, 8)
        for (size_t i = 0; i < c->kv_heads * tokens; i++) {
            size_t token = i % tokens, head = i / tokens * group;
            assay_operand values = { v + kv_column(c, head), ASSAY_STORAGE_F64, kv, 1, NULL };
            assay_product_more more =
                more_of(c->policy, element_of(c, token, c->heads) + head, 0, d);
            assay_product_with(&acc, group, d, visible(c, token, tokens),
                               p + (head * tokens + token) * keys, tokens * keys, &values, &more,
                               c->out.hi + token * c->out.ld + head * d, d, mine);
        }
#pragma omp for schedule(static)
        for (size_t i = 0; i < tokens; i++)
            output_row(c->policy, element_of(c, i, c->out.cols), c->out.hi + i * c->out.ld,
                       c->out.cols);
    }
}

static void wide(const assay_call *c)
{
    size_t tokens = tokens_of(c, &c->in[0]), group = group_of(c), d = c->head_dim;
    for (size_t i = 0; i < c->kv_heads * tokens; i++) {
        size_t token = i % tokens, head = i / tokens * group, k = kv_column(c, head);
        size_t at = token * c->out.ld + head * d, from = (head * tokens + token) * c->in[0].ld;
        assay_operand values = { c->in[1].hi + k, ASSAY_STORAGE_F64, c->in[1].ld, 1, NULL };
        assay_product_wide(group, d, visible(c, token, tokens), c->in[0].hi + from,
                           c->in[0].lo ? c->in[0].lo + from : NULL, tokens * c->in[0].ld, &values,
                           c->in[1].lo ? c->in[1].lo + k : NULL, c->out.hi + at, c->out.lo + at, d,
                           c->workspace);
    }
}

/* Hidden keys have probability 0 and add nothing to a bound. */
static void load_probabilities(const assay_call *c, size_t head, double *v, double *e)
{
    size_t tokens = c->out.rows, keys = c->in[0].cols;
    for (size_t i = 0; i < tokens; i++) {
        const double *p = c->in[0].hi + (head * tokens + i) * c->in[0].ld;
        size_t seen = visible(c, i, tokens);
        bound_input(c->policy, p, e + i * keys, seen);
        for (size_t j = 0; j < keys; j++) {
            v[i * keys + j] = j < seen ? fabs(p[j]) : 0;
            e[i * keys + j] = j < seen ? e[i * keys + j] : 0;
        }
    }
}

static void bound(const assay_call *c, assay_matrix b)
{
    size_t tokens = c->out.rows, keys = c->in[0].cols, d = c->head_dim;
    arena a = { c->workspace };
    product_bound p = { .policy = c->policy,
                        .m = tokens,
                        .n = d,
                        .k = keys,
                        .row_stride = d,
                        .column_stride = 1,
                        .operand_ld = b.ld };
    p.x = arena_doubles(&a, tokens * keys);
    p.dx = arena_doubles(&a, tokens * keys);
    p.w = arena_doubles(&a, keys * d);
    p.dw = arena_doubles(&a, keys * d);
    p.magnitude = arena_doubles(&a, tokens * d);
    p.workspace = a.next;
    for (size_t h = 0; h < c->heads; h++) {
        load_probabilities(c, h, p.x, p.dx);
        bound_head(c, &c->in[1], kv_column(c, h), p.w, p.dw);
        p.operand = b.hi + h * d;
        bound_product(&p);
        for (size_t i = 0; i < tokens; i++) {
            sum_unit sum = unit_of_sum(c->policy, visible(c, i, tokens));
            for (size_t j = 0; j < d; j++) {
                double *e = &p.operand[i * b.ld + j];
                *e = est_sum(sum, *e, p.magnitude[i * d + j]);
            }
        }
    }
    for (size_t i = 0; i < tokens; i++)
        bound_output(c->policy, c->out.hi + i * c->out.ld, b.hi + i * b.ld, c->out.cols);
}

const assay_op assay_op_context = { .name = "context",
                                    .text = "probabilities times values of each head",
                                    .check = check,
                                    .workspace = workspace,
                                    .run = run,
                                    .wide = wide,
                                    .bound = bound };
