/* SPDX-License-Identifier: Apache-2.0 */
/* Operations against themselves: on other machines, in chunks and in other layouts the bits are
 * the same. */
#include <omp.h>

#include "tests/kernels/ops_test.h"

/* ---- the same bits everywhere ---- */

static const shape machine_shape = { 9, 2, 4, 2, 16, 70, 100, false, true, ASSAY_STORAGE_F32 };

Test(ops_bits, isa_and_threads_change_nothing)
{
    for (int op = 0; op < ASSAY_OP_COUNT; op++)
        for (size_t p = 0; p < ALL_POLICIES; p++) {
            assay_call c = make_call((assay_op_id)op, &machine_shape, RANGE);
            assay_policy policy;
            if (!any_policy((assay_op_id)op, p, &policy))
                continue;
            omp_set_num_threads(1);
            cr_assert_eq(assay_isa_force(ASSAY_ISA_BASELINE), ASSAY_OK);
            assay_matrix first = run_new((assay_op_id)op, &c, &policy, RUN);
            for (int isa = 0; isa < ASSAY_ISA_COUNT; isa++) {
                if (assay_isa_force((assay_isa)isa) != ASSAY_OK)
                    continue;
                omp_set_num_threads(2);
                assay_matrix again = run_new((assay_op_id)op, &c, &policy, RUN);
                expect_equal(&again, &first, assay_op_row((size_t)op)->name);
            }
        }
}

/* Rows from .. from + count - 1 of a matrix. */
static assay_matrix part(const assay_matrix *m, size_t from, size_t count)
{
    return (assay_matrix){ m->hi ? m->hi + from * m->ld : NULL, NULL, count, m->cols, m->ld };
}

/* Token t alone of a [heads tokens, keys] matrix, with the keys that it may see. */
static assay_matrix token_of(const assay_matrix *m, const assay_call *c, size_t t)
{
    size_t tokens = m->rows / c->heads;
    assay_matrix one = matrix(c->heads, c->past + t + 1, 1);
    for (size_t h = 0; h < c->heads; h++)
        memcpy(one.hi + h * one.ld, m->hi + (h * tokens + t) * m->ld, one.cols * sizeof(double));
    return one;
}

/* The call of token t alone, after the tokens before it. */
static assay_call call_of_token(assay_op_id op, const assay_call *c, size_t t)
{
    assay_call one = *c;
    one.past = c->past + t;
    one.ids = c->ids ? c->ids + t : NULL;
    one.in[0] = part(&c->in[0], t, 1);
    one.in[1] = part(&c->in[1], t, 1);
    if (op == ASSAY_OP_softmax || op == ASSAY_OP_context)
        one.in[0] = token_of(&c->in[0], c, t);
    if (op == ASSAY_OP_scores || op == ASSAY_OP_context)
        one.in[1] = part(&c->in[1], 0, one.past + 1);
    one.out = part(&c->out, t, 1);
    if (op == ASSAY_OP_scores || op == ASSAY_OP_softmax)
        one.out = matrix(c->heads, one.past + 1, 1);
    return one;
}

static void check_chunks(assay_op_id op, size_t p, const shape *s)
{
    assay_call c = make_call(op, s, NORMAL);
    assay_policy policy;
    if (!any_policy(op, p, &policy))
        return;
    c.out = run_new(op, &c, &policy, RUN);
    for (size_t t = 0; t < s->tokens; t++) {
        assay_call one = call_of_token(op, &c, t);
        one.policy = &policy;
        cr_assert_eq(assay_op_row(op)->check(&one), ASSAY_OK, "%s", assay_last_error());
        assay_matrix got = run_new(op, &one, &policy, RUN);
        bool per_head = op == ASSAY_OP_scores || op == ASSAY_OP_softmax;
        assay_matrix want = per_head ? token_of(&c.out, &c, t) : part(&c.out, t, 1);
        expect_equal(&got, &want, assay_op_row(op)->name);
    }
}

Test(ops_bits, row_by_row_is_the_same)
{
    const shape s = { 5, 3, 4, 2, 6, 40, 11, true, true, ASSAY_STORAGE_F64 };
    for (int op = 0; op < ASSAY_OP_COUNT; op++)
        for (size_t p = 0; p < ALL_POLICIES; p++)
            check_chunks((assay_op_id)op, p, &s);
}

/* A copied weight is taken some columns at a time: 260 columns of 16,400 terms are two panels. */
Test(ops_bits, panels_of_a_weight_change_nothing)
{
    enum { TERMS = 16400, OUTPUTS = 260 };
    policy_row row = { "bfloat16", "mxfp4", "binary32", "binary32", "bfloat16", "rne", "spec" };
    assay_policy policy = policy_of(&row);
    uint16_t *w = (uint16_t *)malloc(sizeof *w * TERMS * OUTPUTS);
    assay_call c = { .in = { filled(1, TERMS, NORMAL) }, .out = matrix(1, OUTPUTS, 1) };
    for (size_t i = 0; i < TERMS * OUTPUTS; i++)
        w[i] = (uint16_t)(0x3f00 + (i * 40503 >> 5) % 256); /* 0.5 .. 2, some order */
    c.weight[0] = (assay_parameter){ w, ASSAY_STORAGE_BF16, OUTPUTS, TERMS };
    assay_matrix all = run_new(ASSAY_OP_linear, &c, &policy, RUN);
    c.weight[0].rows = OUTPUTS / 2;
    for (size_t half = 0; half < 2; half++) {
        c.out = all;
        c.out.hi += half * c.weight[0].rows;
        c.out.cols = c.weight[0].rows;
        c.weight[0].data = w + half * TERMS * c.weight[0].rows;
        assay_matrix got = run_new(ASSAY_OP_linear, &c, &policy, RUN), want = c.out;
        expect_equal(&got, &want, "linear");
    }
    free(w);
}

/* ---- layouts ---- */

/* Column 2 p + m of an interleaved head is column p + m d/2 of a half-split one. */
static void interleave(const assay_matrix *from, size_t d, assay_matrix *to)
{
    for (size_t i = 0; i < from->rows; i++)
        for (size_t j = 0; j < from->cols; j++) {
            size_t in_head = j % d, column = in_head % (d / 2) * 2 + in_head / (d / 2);
            to->hi[i * to->ld + j - in_head + column] = from->hi[i * from->ld + j];
        }
}

Test(ops_bits, rope_layouts_are_permutations)
{
    const shape s = { 4, 2, 3, 3, 8, 0, 0, false, false, ASSAY_STORAGE_F64 };
    for (size_t p = 0; p < POLICIES; p++) {
        assay_policy policy = policy_of(&policies[p]);
        if (policy.in.block || policy.out.block)
            continue; /* which elements share a scale is up to the layout */
        assay_call c = make_call(ASSAY_OP_rope, &s, NORMAL), d = c;
        d.interleaved = true;
        d.in[0] = matrix(c.in[0].rows, c.in[0].cols, 1);
        interleave(&c.in[0], s.head_dim, &d.in[0]);
        assay_matrix split = run_new(ASSAY_OP_rope, &c, &policy, RUN), want = matrix(4, 24, 1);
        assay_matrix got = run_new(ASSAY_OP_rope, &d, &policy, RUN);
        interleave(&split, s.head_dim, &want);
        expect_equal(&got, &want, "rope");
    }
}

/* Keys or values with each head written out for every query head that reads it. */
static assay_matrix repeat_heads(const assay_matrix *m, const shape *s)
{
    assay_matrix all = matrix(m->rows, s->heads * s->head_dim, 1);
    for (size_t i = 0; i < m->rows; i++)
        for (size_t h = 0; h < s->heads; h++)
            memcpy(all.hi + i * all.ld + h * s->head_dim,
                   m->hi + i * m->ld + h / (s->heads / s->kv_heads) * s->head_dim,
                   s->head_dim * sizeof(double));
    return all;
}

Test(ops_bits, grouped_heads_are_repeated_heads)
{
    const shape s = { 4, 2, 6, 2, 5, 0, 0, false, false, ASSAY_STORAGE_F64 };
    const assay_op_id ops[] = { ASSAY_OP_scores, ASSAY_OP_context };
    for (size_t o = 0; o < 2; o++)
        for (size_t p = 0; p < POLICIES; p++) {
            assay_call c = make_call(ops[o], &s, NORMAL), all = c;
            assay_policy policy = policy_of(&policies[p]);
            all.kv_heads = s.heads;
            all.in[1] = repeat_heads(&c.in[1], &s);
            assay_matrix got = run_new(ops[o], &c, &policy, RUN);
            assay_matrix want = run_new(ops[o], &all, &policy, RUN);
            expect_equal(&got, &want, assay_op_row(ops[o])->name);
        }
}
