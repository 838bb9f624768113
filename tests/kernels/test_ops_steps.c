/* SPDX-License-Identifier: Apache-2.0 */
/* Emulated operations bit by bit against the steps of docs/kernels.md, each exact in MPFR and then
 * rounded by the oracle of rounding. */
#include "numerics/elementary.h"
#include "tests/kernels/ops_test.h"
#include "tests/support/ops_oracle.h"
#include "tests/support/oracle.h"

/* ---- one step: the exact result in MPFR, then one rounding ---- */

static mpfr_t x_, y_;

static void start(void)
{
    mpfr_inits2(2400, x_, y_, (mpfr_ptr)NULL);
}

static bool native(const assay_accumulator *acc)
{
    return acc->kind == ASSAY_SUM_EXACT || acc->kind == ASSAY_SUM_REFERENCE;
}

static double rounded(const assay_rounder *r, mpfr_srcptr x)
{
    oracle_place place = oracle_locate(&r->format, x);
    return assay_decode(
        &r->format, oracle_code(&r->format, &place, r->mode, r->overflow, ASSAY_NAN_RULE_DEFAULT));
}

static double rnd(const assay_accumulator *acc, mpfr_srcptr x)
{
    return native(acc) ? mpfr_get_d(x, MPFR_RNDN) : rounded(&acc->round, x);
}

/* MPFR's mode matters for the sign of an exact zero alone. */
static double naive(const assay_accumulator *acc, char operation, double a, double b)
{
    mpfr_rnd_t zero = !native(acc) && acc->round.mode == ASSAY_RDN ? MPFR_RNDD : MPFR_RNDN;
    mpfr_set_d(x_, a, MPFR_RNDN);
    mpfr_set_d(y_, b, MPFR_RNDN);
    switch (operation) {
    case '+': mpfr_add(x_, x_, y_, zero); break;
    case '-': mpfr_sub(x_, x_, y_, zero); break;
    case '*': mpfr_mul(x_, x_, y_, zero); break;
    default: mpfr_div(x_, x_, y_, MPFR_RNDN); break;
    }
    return rnd(acc, x_);
}

static double naive_value(const assay_accumulator *acc, double x)
{
    mpfr_set_d(x_, x, MPFR_RNDN);
    return rnd(acc, x_);
}

/* The sums are proven elsewhere: here they are taken term by term from their definition. */
static double naive_sum(const assay_accumulator *acc, const double *x, const double *y, size_t n)
{
    return assay_dot(acc, n, x, 1, y, 1);
}

/* ---- operands, and each operation on one row ---- */

enum { MOST = 64 };

typedef struct naive_policy {
    const assay_policy *policy;
    assay_accumulator sum, final; /* exact sums: rounded into binary64, or into the output */
} naive_policy;

static naive_policy naive_of(const assay_policy *policy)
{
    naive_policy n = { policy, policy->acc, policy->acc };
    if (policy->acc.kind == ASSAY_SUM_EXACT) {
        n.sum.round = scheme_of("binary64", "rne", "spec").element;
        n.final.round = policy->out.block ? n.sum.round : policy->out.element;
    }
    return n;
}

static void operand(const naive_policy *n, const assay_scheme *scheme, double *x, size_t count)
{
    assay_scheme_apply(scheme, x, x, count);
    for (size_t i = 0; i < count && n->policy->has_operand; i++)
        x[i] = assay_round(&n->policy->operand, x[i]);
}

static void row_of(const naive_policy *n, const assay_matrix *m, size_t i, size_t from,
                   size_t count, double *out)
{
    memcpy(out, m->hi + i * m->ld + from, count * sizeof *out);
    operand(n, &n->policy->in, out, count);
}

static void weights_of(const naive_policy *n, const assay_parameter *p, size_t i, double *out)
{
    for (size_t j = 0; j < p->cols; j++)
        out[j] = ops_oracle_parameter(p, i * p->cols + j);
    operand(n, &n->policy->weight, out, p->cols);
}

static void naive_linear(const naive_policy *n, const assay_call *c, size_t i, double *y)
{
    double x[MOST], w[MOST];
    const assay_accumulator *acc = &n->policy->acc;
    size_t k = c->in[0].cols;
    for (size_t j = 0; j < c->out.cols; j++) {
        row_of(n, &c->in[0], i, 0, k, x);
        weights_of(n, &c->weight[0], j, w);
        bool bias = c->weight[1].data != NULL, folds = bias && acc->kind == ASSAY_SUM_EXACT;
        double b = bias ? ops_oracle_parameter(&c->weight[1], j) : 0;
        x[k] = b;
        w[k] = 1;
        y[j] = naive_sum(&n->final, x, w, k + folds);
        if (bias && !folds)
            y[j] = naive(acc, '+', y[j], naive_value(acc, b));
    }
}

static void naive_norm(const naive_policy *n, const assay_call *c, size_t i, bool centred,
                       double *y)
{
    double x[MOST], ones[MOST], g[MOST];
    const assay_accumulator *acc = &n->policy->acc;
    size_t k = c->in[0].cols;
    row_of(n, &c->in[0], i, 0, k, x);
    weights_of(n, &c->weight[0], 0, g);
    for (size_t j = 0; j < k; j++)
        ones[j] = 1;
    double mean = naive(acc, '/', naive_sum(&n->sum, x, ones, k), (double)k);
    for (size_t j = 0; centred && j < k; j++)
        x[j] = naive(acc, '-', x[j], mean);
    double square = naive(acc, '/', naive_sum(&n->sum, x, x, k), (double)k);
    double shifted = naive(acc, '+', square, naive_value(acc, c->eps));
    double r = naive_value(acc, 1 / sqrt(shifted));
    for (size_t j = 0; j < k; j++) {
        y[j] = naive(acc, '*', naive(acc, '*', x[j], r), g[j]);
        if (c->weight[1].data)
            y[j] = naive(acc, '+', y[j], naive_value(acc, ops_oracle_parameter(&c->weight[1], j)));
    }
}

static void naive_rope(const naive_policy *n, const assay_call *c, size_t i, double *y)
{
    const assay_accumulator *acc = &n->policy->acc;
    size_t d = c->head_dim, angles = c->cosine.cols, row = c->past + i;
    for (size_t h = 0; h < c->out.cols / d; h++) {
        double x[MOST];
        row_of(n, &c->in[0], i, h * d, d, x);
        memcpy(y + h * d, x, d * sizeof *x);
        for (size_t p = 0; p < angles; p++) {
            double cosine = naive_value(acc, c->cosine.hi[row * c->cosine.ld + p]);
            double sine = naive_value(acc, c->sine.hi[row * c->sine.ld + p]);
            size_t a = c->interleaved ? 2 * p : p, b = c->interleaved ? 2 * p + 1 : p + angles;
            y[h * d + a] =
                naive(acc, '-', naive(acc, '*', x[a], cosine), naive(acc, '*', x[b], sine));
            y[h * d + b] =
                naive(acc, '+', naive(acc, '*', x[b], cosine), naive(acc, '*', x[a], sine));
        }
    }
}

/* Row [head tokens + token]; hidden elements are left alone. */
static size_t naive_scores(const naive_policy *n, const assay_call *c, size_t row, double *y)
{
    const assay_accumulator *acc = &n->policy->acc;
    size_t tokens = c->in[0].rows, d = c->head_dim, head = row / tokens, token = row % tokens;
    double q[MOST], k[MOST];
    for (size_t j = 0; j <= c->past + token; j++) {
        row_of(n, &c->in[0], token, head * d, d, q);
        row_of(n, &c->in[1], j, head * c->kv_heads / c->heads * d, d, k);
        y[j] = naive(acc, '*', naive_sum(&n->sum, q, k, d), naive_value(acc, c->scale));
    }
    return c->past + token + 1;
}

static size_t naive_softmax(const naive_policy *n, const assay_call *c, size_t row, double *y)
{
    const assay_accumulator *acc = &n->policy->acc;
    size_t seen = c->past + row % (c->out.rows / c->heads) + 1;
    double ones[MOST], most = -INFINITY;
    row_of(n, &c->in[0], row, 0, seen, y);
    for (size_t j = 0; j < seen; j++) {
        most = fmax(most, y[j]);
        ones[j] = 1;
    }
    for (size_t j = 0; j < seen; j++)
        y[j] = naive_value(acc, assay_exp(naive(acc, '-', y[j], most)));
    double sum = naive_sum(&n->sum, y, ones, seen);
    for (size_t j = 0; j < seen; j++)
        y[j] = naive(acc, '/', y[j], sum);
    return seen;
}

static void naive_context(const naive_policy *n, const assay_call *c, size_t token, double *y)
{
    size_t d = c->head_dim, tokens = c->out.rows, seen = c->past + token + 1;
    double p[MOST], v[MOST], column[MOST];
    for (size_t j = 0; j < c->out.cols; j++) {
        size_t head = j / d, at = head * c->kv_heads / c->heads * d;
        row_of(n, &c->in[0], head * tokens + token, 0, seen, p);
        for (size_t k = 0; k < seen; k++) {
            row_of(n, &c->in[1], k, at, d, v);
            column[k] = v[j % d];
        }
        y[j] = naive_sum(&n->final, p, column, seen);
    }
}

static void naive_two(const naive_policy *n, const assay_call *c, size_t i, char operation,
                      double *y)
{
    double x[MOST];
    row_of(n, &c->in[0], i, 0, c->out.cols, y);
    row_of(n, &c->in[1], i, 0, c->out.cols, x);
    for (size_t j = 0; j < c->out.cols; j++)
        y[j] = naive(&n->policy->acc, operation, y[j], x[j]);
}

static void naive_unary(const naive_policy *n, const assay_call *c, size_t i, double (*f)(double),
                        double *y)
{
    row_of(n, &c->in[0], i, 0, c->out.cols, y);
    for (size_t j = 0; j < c->out.cols; j++)
        y[j] = naive_value(&n->policy->acc, f ? f(y[j]) : y[j] > 0 ? y[j] : 0);
}

/* Row i before the output's rounding; the number of its elements. */
static size_t naive_row(assay_op_id op, const naive_policy *n, const assay_call *c, size_t i,
                        double *y)
{
    switch (op) {
    case ASSAY_OP_embedding: weights_of(n, &c->weight[0], (size_t)c->ids[i], y); break;
    case ASSAY_OP_linear: naive_linear(n, c, i, y); break;
    case ASSAY_OP_rmsnorm: naive_norm(n, c, i, false, y); break;
    case ASSAY_OP_layernorm: naive_norm(n, c, i, true, y); break;
    case ASSAY_OP_rope: naive_rope(n, c, i, y); break;
    case ASSAY_OP_scores: return naive_scores(n, c, i, y);
    case ASSAY_OP_softmax: return naive_softmax(n, c, i, y);
    case ASSAY_OP_context: naive_context(n, c, i, y); break;
    case ASSAY_OP_silu: naive_unary(n, c, i, assay_silu, y); break;
    case ASSAY_OP_gelu: naive_unary(n, c, i, assay_gelu_erf, y); break;
    case ASSAY_OP_gelu_tanh: naive_unary(n, c, i, assay_gelu_tanh, y); break;
    case ASSAY_OP_relu: naive_unary(n, c, i, NULL, y); break;
    default: naive_two(n, c, i, op == ASSAY_OP_multiply ? '*' : '+', y); break;
    }
    return c->out.cols;
}

static const shape shapes[] = {
    { 3, 0, 4, 2, 6, 24, 7, false, false, ASSAY_STORAGE_F64 },
    { 2, 4, 3, 1, 5, 37, 50, true, true, ASSAY_STORAGE_BF16 },
    { 1, 1, 2, 2, 8, 1, 9, false, true, ASSAY_STORAGE_F16 },
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static void check_steps(assay_op_id op, const shape *s, data kind, size_t p)
{
    assay_call c = make_call(op, s, kind);
    assay_policy policy = policy_of(&policies[p]);
    naive_policy n = naive_of(&policy);
    assay_matrix out = run_new(op, &c, &policy, RUN);
    for (size_t i = 0; i < out.rows; i++) {
        double y[MOST];
        size_t count = naive_row(op, &n, &c, i, y);
        assay_scheme_apply(&policy.out, y, y, count);
        for (size_t j = 0; j < count; j++) {
            double got = out.hi[i * out.ld + j], want = y[j] == y[j] ? y[j] : __builtin_nan("");
            cr_assert_eq(assay_bits64(got), assay_bits64(want),
                         "%s, policy %zu, data %d: (%zu, %zu) is %a, not %a",
                         assay_op_row(op)->name, p, (int)kind, i, j, got, want);
        }
    }
}

Test(ops_steps, each_step_is_rounded_once, .init = start)
{
    for (int op = 0; op < ASSAY_OP_COUNT; op++)
        for (size_t p = 0; p < POLICIES; p++)
            for (size_t s = 0; s < SHAPES; s++)
                check_steps((assay_op_id)op, &shapes[s], (data)((p + s) % DATA_COUNT), p);
    for (size_t p = 0; p < POLICIES; p++) /* what moves an activation most: all data */
        for (int kind = 0; kind < DATA_COUNT; kind++) {
            check_steps(ASSAY_OP_rmsnorm, &shapes[0], (data)kind, p);
            check_steps(ASSAY_OP_softmax, &shapes[1], (data)kind, p);
            check_steps(ASSAY_OP_add, &shapes[1], (data)kind, p);
        }
}
