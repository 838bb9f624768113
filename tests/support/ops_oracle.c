/* SPDX-License-Identifier: Apache-2.0 */
#include "ops_oracle.h"

#include <math.h>
#include <string.h>

#define RN MPFR_RNDN

/* Scratch numbers, made once. */
static mpfr_t t_, u_, mean_, variance_, spread_;

static void start(void)
{
    static bool started;
    if (!started)
        mpfr_inits2(OPS_ORACLE_BITS, t_, u_, mean_, variance_, spread_, (mpfr_ptr)NULL);
    started = true;
}

double ops_oracle_parameter(const assay_parameter *p, size_t i)
{
    const unsigned char *bytes = (const unsigned char *)p->data;
    uint64_t u = 0;
    size_t size = p->storage == ASSAY_STORAGE_F64 ? 8 : p->storage == ASSAY_STORAGE_F32 ? 4 : 2;
    for (size_t b = size; b-- > 0;)
        u = u << 8 | bytes[i * size + b];
    static const int fractions[] = { 52, 23, 10, 7 }, biases[] = { 1023, 127, 15, 127 };
    int fraction = fractions[p->storage], bias = biases[p->storage];
    int field = (int)(u >> fraction & (2 * (uint64_t)bias + 1));
    double f = (double)(u & (((uint64_t)1 << fraction) - 1));
    double x = field ? ldexp(ldexp(1, fraction) + f, field - bias - fraction)
                     : ldexp(f, 1 - bias - fraction);
    return u >> (8 * size - 1) & 1 ? -x : x;
}

static double in(const assay_call *c, int which, size_t i, size_t j)
{
    const assay_matrix *m = &c->in[which];
    return m->hi[i * m->ld + j];
}

/* value += a b, scale += |a b| */
static void add_term(mpfr_ptr value, mpfr_ptr scale, double a, double b)
{
    mpfr_set_d(t_, a, RN);
    mpfr_mul_d(t_, t_, b, RN);
    mpfr_add(value, value, t_, RN);
    mpfr_abs(t_, t_, RN);
    mpfr_add(scale, scale, t_, RN);
}

static void linear(const assay_call *c, size_t i, size_t j, mpfr_ptr value, mpfr_ptr scale)
{
    size_t k = c->in[0].cols;
    for (size_t p = 0; p < k; p++)
        add_term(value, scale, in(c, 0, i, p), ops_oracle_parameter(&c->weight[0], j * k + p));
    if (c->weight[1].data)
        add_term(value, scale, ops_oracle_parameter(&c->weight[1], j), 1);
}

/* mean_ and variance_ of row i, and spread_ = sum (|x| + |mean|)^2 / sum (x - mean)^2 */
static void moments(const assay_call *c, size_t i, bool centred)
{
    unsigned long n = c->out.cols;
    mpfr_set_zero(mean_, 1);
    for (size_t j = 0; centred && j < n; j++)
        mpfr_add_d(mean_, mean_, in(c, 0, i, j), RN);
    mpfr_div_ui(mean_, mean_, n, RN);
    mpfr_set_zero(variance_, 1);
    mpfr_set_zero(spread_, 1);
    for (size_t j = 0; j < n; j++) {
        mpfr_sub_d(t_, mean_, in(c, 0, i, j), RN);
        mpfr_sqr(t_, t_, RN);
        mpfr_add(variance_, variance_, t_, RN);
        mpfr_abs(t_, mean_, RN);
        mpfr_add_d(t_, t_, fabs(in(c, 0, i, j)), RN);
        mpfr_sqr(t_, t_, RN);
        mpfr_add(spread_, spread_, t_, RN);
    }
    if (mpfr_zero_p(variance_))
        mpfr_set_ui(spread_, 1, RN);
    else
        mpfr_div(spread_, spread_, variance_, RN);
    mpfr_div_ui(variance_, variance_, n, RN);
}

static void norm(const assay_call *c, size_t i, size_t j, bool centred, mpfr_ptr value,
                 mpfr_ptr scale)
{
    double gain = ops_oracle_parameter(&c->weight[0], j), x = in(c, 0, i, j);
    moments(c, i, centred);
    mpfr_add_d(u_, variance_, c->eps, RN);
    mpfr_rec_sqrt(u_, u_, RN);
    mpfr_mul_d(u_, u_, gain, RN);
    mpfr_d_sub(value, x, mean_, RN);
    mpfr_mul(value, value, u_, RN);
    mpfr_abs(scale, mean_, RN);
    mpfr_add_d(scale, scale, fabs(x), RN);
    mpfr_mul(scale, scale, u_, RN);
    mpfr_abs(scale, scale, RN);
    mpfr_add_ui(spread_, spread_, 1, RN);
    mpfr_mul(scale, scale, spread_, RN);
    if (c->weight[1].data)
        add_term(value, scale, ops_oracle_parameter(&c->weight[1], j), 1);
}

/* value += x (hi + lo) with that sign */
static void add_rotated(const assay_matrix *m, size_t i, size_t p, double x, mpfr_ptr value,
                        mpfr_ptr scale)
{
    add_term(value, scale, x, m->hi[i * m->ld + p]);
    if (m->lo)
        add_term(value, scale, x, m->lo[i * m->ld + p]);
}

static void rope(const assay_call *c, size_t i, size_t j, mpfr_ptr value, mpfr_ptr scale)
{
    size_t angles = c->cosine.cols, in_head = j % c->head_dim, base = j - in_head, p;
    bool second = c->interleaved ? in_head % 2 : in_head >= angles;
    if (in_head >= 2 * angles) {
        add_term(value, scale, in(c, 0, i, j), 1);
        return;
    }
    p = c->interleaved ? in_head / 2 : in_head % angles;
    size_t a = base + (c->interleaved ? 2 * p : p);
    size_t b = base + (c->interleaved ? 2 * p + 1 : p + angles);
    double x = in(c, 0, i, a), y = in(c, 0, i, b);
    add_rotated(&c->cosine, c->past + i, p, second ? y : x, value, scale);
    add_rotated(&c->sine, c->past + i, p, second ? x : -y, value, scale);
}

static void scores(const assay_call *c, size_t row, size_t j, mpfr_ptr value, mpfr_ptr scale)
{
    size_t tokens = c->in[0].rows, head = row / tokens, share = c->heads / c->kv_heads;
    for (size_t p = 0; p < c->head_dim; p++)
        add_term(value, scale, in(c, 0, row % tokens, head * c->head_dim + p),
                 in(c, 1, j, head / share * c->head_dim + p));
    mpfr_mul_d(value, value, c->scale, RN);
    mpfr_mul_d(scale, scale, c->scale, RN);
}

static void softmax(const assay_call *c, size_t row, size_t j, mpfr_ptr value, mpfr_ptr scale)
{
    size_t seen = ops_oracle_columns(ASSAY_OP_softmax, c, row);
    double most = in(c, 0, row, 0), least = most;
    for (size_t p = 1; p < seen; p++) {
        most = fmax(most, in(c, 0, row, p));
        least = fmin(least, in(c, 0, row, p));
    }
    mpfr_set_zero(u_, 1);
    for (size_t p = 0; p < seen; p++) {
        mpfr_set_d(t_, in(c, 0, row, p), RN);
        mpfr_sub_d(t_, t_, most, RN);
        mpfr_exp(t_, t_, RN);
        mpfr_add(u_, u_, t_, RN);
        if (p == j)
            mpfr_set(value, t_, RN);
    }
    mpfr_div(value, value, u_, RN);
    mpfr_mul_d(scale, value, 1 + (most - least), RN);
}

static void context(const assay_call *c, size_t i, size_t j, mpfr_ptr value, mpfr_ptr scale)
{
    size_t head = j / c->head_dim, share = c->heads / c->kv_heads;
    for (size_t p = 0; p < c->past + i + 1; p++)
        add_term(value, scale, in(c, 0, head * c->out.rows + i, p),
                 in(c, 1, p, head / share * c->head_dim + j % c->head_dim));
}

/* x / (1 + e^-a); scale |value| (1 + |a|) */
static void gated(double x, mpfr_srcptr a, mpfr_ptr value, mpfr_ptr scale)
{
    mpfr_neg(t_, a, RN);
    mpfr_exp(t_, t_, RN);
    mpfr_add_ui(t_, t_, 1, RN);
    mpfr_d_div(value, x, t_, RN);
    mpfr_abs(t_, a, RN);
    mpfr_add_ui(t_, t_, 1, RN);
    mpfr_mul(scale, value, t_, RN);
    mpfr_abs(scale, scale, RN);
}

static void silu(double x, mpfr_ptr value, mpfr_ptr scale)
{
    mpfr_set_d(u_, x, RN);
    gated(x, u_, value, scale);
}

/* 2 sqrt(2/pi) (x + 0.044715 x^3) */
static void gelu_tanh(double x, mpfr_ptr value, mpfr_ptr scale)
{
    mpfr_set_d(u_, x, RN);
    mpfr_pow_ui(u_, u_, 3, RN);
    mpfr_mul_ui(u_, u_, 44715, RN);
    mpfr_div_ui(u_, u_, 1000000, RN);
    mpfr_add_d(u_, u_, x, RN);
    mpfr_const_pi(t_, RN);
    mpfr_ui_div(t_, 2, t_, RN);
    mpfr_sqrt(t_, t_, RN);
    mpfr_mul(u_, u_, t_, RN);
    mpfr_mul_ui(u_, u_, 2, RN);
    gated(x, u_, value, scale);
}

/* x erfc(-x / sqrt 2) / 2 */
static void gelu(double x, mpfr_ptr value, mpfr_ptr scale)
{
    mpfr_set_ui(t_, 2, RN);
    mpfr_rec_sqrt(t_, t_, RN);
    mpfr_mul_d(t_, t_, -x, RN);
    mpfr_erfc(value, t_, RN);
    mpfr_mul_d(value, value, x / 2, RN);
    mpfr_mul_d(scale, value, 1 + x * x, RN);
    mpfr_abs(scale, scale, RN);
}

static void two(const assay_call *c, size_t i, size_t j, bool product, mpfr_ptr value,
                mpfr_ptr scale)
{
    double a = in(c, 0, i, j), b = in(c, 1, i, j);
    add_term(value, scale, a, product ? b : 1);
    if (!product)
        add_term(value, scale, b, 1);
}

size_t ops_oracle_columns(assay_op_id op, const assay_call *c, size_t i)
{
    bool per_head = op == ASSAY_OP_scores || op == ASSAY_OP_softmax;
    return per_head ? c->past + i % (c->out.rows / c->heads) + 1 : c->out.cols;
}

void ops_oracle(assay_op_id op, const assay_call *c, size_t i, size_t j, mpfr_ptr value,
                mpfr_ptr scale)
{
    start();
    mpfr_set_zero(value, 1);
    mpfr_set_zero(scale, 1);
    bool unary = op == ASSAY_OP_silu || op == ASSAY_OP_gelu || op == ASSAY_OP_gelu_tanh ||
                 op == ASSAY_OP_relu;
    double x = unary ? in(c, 0, i, j) : 0;
    switch (op) {
    case ASSAY_OP_embedding:
        add_term(value, scale,
                 ops_oracle_parameter(&c->weight[0], (size_t)c->ids[i] * c->out.cols + j), 1);
        return;
    case ASSAY_OP_linear: linear(c, i, j, value, scale); return;
    case ASSAY_OP_rmsnorm: norm(c, i, j, false, value, scale); return;
    case ASSAY_OP_layernorm: norm(c, i, j, true, value, scale); return;
    case ASSAY_OP_rope: rope(c, i, j, value, scale); return;
    case ASSAY_OP_scores: scores(c, i, j, value, scale); return;
    case ASSAY_OP_softmax: softmax(c, i, j, value, scale); return;
    case ASSAY_OP_context: context(c, i, j, value, scale); return;
    case ASSAY_OP_silu: silu(x, value, scale); return;
    case ASSAY_OP_gelu: gelu(x, value, scale); return;
    case ASSAY_OP_gelu_tanh: gelu_tanh(x, value, scale); return;
    case ASSAY_OP_relu: add_term(value, scale, x > 0 ? x : 0, 1); return;
    case ASSAY_OP_multiply: two(c, i, j, true, value, scale); return;
    default: two(c, i, j, false, value, scale); return;
    }
}
