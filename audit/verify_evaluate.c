/* SPDX-License-Identifier: Apache-2.0 */
/* Operations and functions by MPFR: the result towards zero, and one bit more for what was cut off.
 * That serves every rounding, as no value and no tie of a format lies between the two. */
#if ASSAY_HAVE_MPFR
#include "audit/verify_operation.h"

enum { FARTHEST = 1 << 20 }; /* binary exponents beyond every format */

static void set_far(mpfr_ptr r, bool negative, bool large)
{
    mpfr_set_si_2exp(r, negative ? -1 : 1, large ? FARTHEST : -FARTHEST, MPFR_RNDN);
}

/* The number of that precision next to r, away from zero or towards it. */
static void nudge(mpfr_ptr r, bool away)
{
    if (away == (mpfr_sgn(r) > 0))
        mpfr_nextabove(r);
    else
        mpfr_nextbelow(r);
}

/* r was truncated and is not exact: a last bit says so. What left MPFR's range is far away. */
static void append_rest(mpfr_ptr r)
{
    bool negative = mpfr_signbit(r) != 0;
    if (mpfr_zero_p(r) || mpfr_inf_p(r)) {
        set_far(r, negative, mpfr_inf_p(r) != 0);
    } else if (mpfr_regular_p(r)) {
        mpfr_prec_round(r, mpfr_get_prec(r) + 1, MPFR_RNDN);
        nudge(r, true);
    }
}

/* ---- activations, whose results are irrational but at 0 ---- */

/* At zeros and infinities; softplus(0) = log 2 is left. */
static bool activation_edge(assay_operation_id id, mpfr_ptr r, mpfr_srcptr x)
{
    bool sigmoid = id == ASSAY_OPERATION_SIGMOID, soft = id == ASSAY_OPERATION_SOFTPLUS;
    if (mpfr_nan_p(x))
        mpfr_set_nan(r);
    else if (mpfr_zero_p(x) && sigmoid)
        mpfr_set_d(r, 0.5, MPFR_RNDN);
    else if (mpfr_zero_p(x) && !soft)
        mpfr_set(r, x, MPFR_RNDN);
    else if (mpfr_inf_p(x) && mpfr_sgn(x) < 0)
        mpfr_set_zero(r, sigmoid || soft ? 1 : -1);
    else if (mpfr_inf_p(x) && sigmoid)
        mpfr_set_ui(r, 1, MPFR_RNDN);
    else if (mpfr_inf_p(x))
        mpfr_set_inf(r, 1);
    else
        return false;
    return true;
}

/* x / 2 erfc(-x / sqrt 2), in place of x; errors of the argument grow by x^2. */
static void gelu(mpfr_ptr t, mpfr_srcptr x)
{
    mpfr_sqrt_ui(t, 2, MPFR_RNDN);
    mpfr_div(t, x, t, MPFR_RNDN);
    mpfr_neg(t, t, MPFR_RNDN);
    mpfr_erfc(t, t, MPFR_RNDN);
    mpfr_mul(t, t, x, MPFR_RNDN);
    mpfr_div_2ui(t, t, 1, MPFR_RNDN);
}

/* t = 2 sqrt(2 / pi) (x + 44715 x^3 / 10^6) */
static void tanh_argument(mpfr_ptr t, mpfr_srcptr x)
{
    mpfr_t u;
    mpfr_init2(u, mpfr_get_prec(t));
    mpfr_sqr(t, x, MPFR_RNDN);
    mpfr_mul_ui(t, t, 44715, MPFR_RNDN);
    mpfr_div_ui(t, t, 1000000, MPFR_RNDN);
    mpfr_add_ui(t, t, 1, MPFR_RNDN);
    mpfr_mul(t, t, x, MPFR_RNDN);
    mpfr_const_pi(u, MPFR_RNDN);
    mpfr_ui_div(u, 8, u, MPFR_RNDN);
    mpfr_sqrt(u, u, MPFR_RNDN);
    mpfr_mul(t, t, u, MPFR_RNDN);
    mpfr_clear(u);
}

/* 1 / (1 + e^-t), in place of t */
static void logistic(mpfr_ptr t)
{
    mpfr_neg(t, t, MPFR_RNDN);
    mpfr_exp(t, t, MPFR_RNDN);
    mpfr_add_ui(t, t, 1, MPFR_RNDN);
    mpfr_ui_div(t, 1, t, MPFR_RNDN);
}

/* Nearly f(x): at most ten roundings, of which none is magnified by more than 8 x^4. */
static void approximate(assay_operation_id id, mpfr_ptr t, mpfr_srcptr x)
{
    mpfr_set(t, x, MPFR_RNDN);
    if (id == ASSAY_OPERATION_GELU) {
        gelu(t, x);
    } else if (id == ASSAY_OPERATION_SOFTPLUS) {
        mpfr_exp(t, t, MPFR_RNDN);
        mpfr_log1p(t, t, MPFR_RNDN);
    } else {
        if (id == ASSAY_OPERATION_GELU_TANH)
            tanh_argument(t, x);
        logistic(t);
        if (id != ASSAY_OPERATION_SIGMOID)
            mpfr_mul(t, t, x, MPFR_RNDN);
    }
}

/* Results are irrational: with enough bits it is clear what they are towards zero (Ziv). At first
 * as many as hold what x adds to 1. */
static void activation_rounded(assay_operation_id id, mpfr_ptr r, mpfr_srcptr x)
{
    const mpfr_exp_t e = mpfr_zero_p(x) ? 0 : mpfr_get_exp(x);
    const mpfr_exp_t lost = 8 + (e > 0 ? 4 * e : 0), small = e < 0 && -e < FARTHEST ? -e : 0;
    mpfr_prec_t bits = mpfr_get_prec(r) + lost + small + 32;
    mpfr_t t;
    mpfr_init2(t, bits);
    approximate(id, t, x);
    while (mpfr_regular_p(t) &&
           !mpfr_can_round(t, bits - lost, MPFR_RNDN, MPFR_RNDZ, mpfr_get_prec(r))) {
        bits *= 2;
        mpfr_set_prec(t, bits);
        approximate(id, t, x);
    }
    mpfr_set(r, t, MPFR_RNDZ);
    mpfr_clear(t);
}

static void activation(assay_operation_id id, mpfr_ptr r, mpfr_srcptr x)
{
    bool sigmoid = id == ASSAY_OPERATION_SIGMOID, soft = id == ASSAY_OPERATION_SOFTPLUS;
    const double large = id == ASSAY_OPERATION_GELU || id == ASSAY_OPERATION_GELU_TANH ? 40 : 300;
    if (activation_edge(id, r, x))
        return;
    if (mpfr_cmp_d(x, -3e4) < 0) { /* e^-30000 or less */
        set_far(r, !(soft || sigmoid), false);
    } else if (mpfr_cmp_d(x, large) > 0) { /* 1 - e^-300, x (1 - e^-300), x + e^-300 */
        if (sigmoid)
            mpfr_set_ui(r, 1, MPFR_RNDN);
        else
            mpfr_set(r, x, MPFR_RNDN);
        if (!soft)
            nudge(r, false);
    } else {
        activation_rounded(id, r, x);
    }
    if (mpfr_zero_p(r))
        set_far(r, !(soft || sigmoid), false);
    append_rest(r);
}

/* ---- minimum and its relatives: IEEE 754-2019, 9.6 ---- */

static void extremum(assay_operation_id id, mpfr_ptr r, mpfr_srcptr x, mpfr_srcptr y)
{
    bool number = id == ASSAY_OPERATION_MINIMUM_NUMBER || id == ASSAY_OPERATION_MAXIMUM_NUMBER ||
                  id == ASSAY_OPERATION_MINIMUM_MAGNITUDE_NUMBER ||
                  id == ASSAY_OPERATION_MAXIMUM_MAGNITUDE_NUMBER;
    bool greater = id == ASSAY_OPERATION_MAXIMUM || id == ASSAY_OPERATION_MAXIMUM_NUMBER ||
                   id == ASSAY_OPERATION_MAXIMUM_MAGNITUDE ||
                   id == ASSAY_OPERATION_MAXIMUM_MAGNITUDE_NUMBER;
    if (mpfr_nan_p(x) || mpfr_nan_p(y)) {
        mpfr_set_nan(r);
        if (number)
            mpfr_set(r, mpfr_nan_p(x) ? y : x, MPFR_RNDN);
        return;
    }
    int order = id >= ASSAY_OPERATION_MINIMUM_MAGNITUDE ? mpfr_cmpabs(x, y) : 0;
    order = order ? order : mpfr_cmp(x, y);
    order = order ? order : mpfr_signbit(y) - mpfr_signbit(x);
    mpfr_set(r, (order > 0) == greater ? x : y, MPFR_RNDN);
}

/* MPFR's 1 / sqrt(-0) is +inf; IEEE's has the sign of its operand. */
static int reciprocal_root(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t rnd)
{
    if (!mpfr_zero_p(x))
        return mpfr_rec_sqrt(r, x, rnd);
    mpfr_set_inf(r, mpfr_signbit(x) ? -1 : 1);
    return 0;
}

/* The result in direction rnd, and MPFR's ternary value of it. */
static int apply(assay_operation_id id, mpfr_ptr r, mpfr_t *x, mpfr_rnd_t rnd)
{
    switch (id) {
    case ASSAY_OPERATION_COPY: return mpfr_set(r, x[0], rnd);
    case ASSAY_OPERATION_NEG: return mpfr_neg(r, x[0], rnd);
    case ASSAY_OPERATION_ABS: return mpfr_abs(r, x[0], rnd);
    case ASSAY_OPERATION_ADD: return mpfr_add(r, x[0], x[1], rnd);
    case ASSAY_OPERATION_SUB: return mpfr_sub(r, x[0], x[1], rnd);
    case ASSAY_OPERATION_MUL: return mpfr_mul(r, x[0], x[1], rnd);
    case ASSAY_OPERATION_DIV: return mpfr_div(r, x[0], x[1], rnd);
    case ASSAY_OPERATION_FMA: return mpfr_fma(r, x[0], x[1], x[2], rnd);
    case ASSAY_OPERATION_REMAINDER: return mpfr_remainder(r, x[0], x[1], rnd);
    case ASSAY_OPERATION_SQRT: return mpfr_sqrt(r, x[0], rnd);
    case ASSAY_OPERATION_RSQRT: return reciprocal_root(r, x[0], rnd);
    case ASSAY_OPERATION_RECIPROCAL: return mpfr_ui_div(r, 1, x[0], rnd);
    case ASSAY_OPERATION_HYPOT: return mpfr_hypot(r, x[0], x[1], rnd);
    case ASSAY_OPERATION_EXP: return mpfr_exp(r, x[0], rnd);
    case ASSAY_OPERATION_EXP2: return mpfr_exp2(r, x[0], rnd);
    case ASSAY_OPERATION_EXPM1: return mpfr_expm1(r, x[0], rnd);
    case ASSAY_OPERATION_LOG: return mpfr_log(r, x[0], rnd);
    case ASSAY_OPERATION_LOG2: return mpfr_log2(r, x[0], rnd);
    case ASSAY_OPERATION_LOG1P: return mpfr_log1p(r, x[0], rnd);
    case ASSAY_OPERATION_SIN: return mpfr_sin(r, x[0], rnd);
    case ASSAY_OPERATION_COS: return mpfr_cos(r, x[0], rnd);
    case ASSAY_OPERATION_TAN: return mpfr_tan(r, x[0], rnd);
    case ASSAY_OPERATION_ASIN: return mpfr_asin(r, x[0], rnd);
    case ASSAY_OPERATION_ACOS: return mpfr_acos(r, x[0], rnd);
    case ASSAY_OPERATION_ATAN: return mpfr_atan(r, x[0], rnd);
    case ASSAY_OPERATION_ATAN2: return mpfr_atan2(r, x[0], x[1], rnd);
    case ASSAY_OPERATION_SINPI: return mpfr_sinpi(r, x[0], rnd);
    case ASSAY_OPERATION_COSPI: return mpfr_cospi(r, x[0], rnd);
    case ASSAY_OPERATION_TANPI: return mpfr_tanpi(r, x[0], rnd);
    case ASSAY_OPERATION_ASINPI: return mpfr_asinpi(r, x[0], rnd);
    case ASSAY_OPERATION_ACOSPI: return mpfr_acospi(r, x[0], rnd);
    case ASSAY_OPERATION_ATANPI: return mpfr_atanpi(r, x[0], rnd);
    case ASSAY_OPERATION_ATAN2PI: return mpfr_atan2pi(r, x[0], x[1], rnd);
    case ASSAY_OPERATION_SINH: return mpfr_sinh(r, x[0], rnd);
    case ASSAY_OPERATION_COSH: return mpfr_cosh(r, x[0], rnd);
    case ASSAY_OPERATION_TANH: return mpfr_tanh(r, x[0], rnd);
    case ASSAY_OPERATION_ASINH: return mpfr_asinh(r, x[0], rnd);
    case ASSAY_OPERATION_ACOSH: return mpfr_acosh(r, x[0], rnd);
    case ASSAY_OPERATION_ATANH: return mpfr_atanh(r, x[0], rnd);
    case ASSAY_OPERATION_POW: return mpfr_pow(r, x[0], x[1], rnd);
    case ASSAY_OPERATION_ERF: return mpfr_erf(r, x[0], rnd);
    default: break;
    }
    if (id >= ASSAY_OPERATION_MINIMUM && id <= ASSAY_OPERATION_MAXIMUM_MAGNITUDE_NUMBER)
        extremum(id, r, x[0], x[1]);
    else
        activation(id, r, x[0]);
    return 0;
}

void assay_verify_apply(assay_operation_id id, mpfr_ptr r, mpfr_t *x)
{
    if (apply(id, r, x, MPFR_RNDZ) != 0)
        append_rest(r);
}

bool assay_verify_is_negative_down(assay_operation_id id, mpfr_ptr scratch, mpfr_t *x)
{
    if (id >= ASSAY_OPERATION_EXP)
        return false;
    apply(id, scratch, x, MPFR_RNDD);
    return mpfr_zero_p(scratch) && mpfr_signbit(scratch);
}

/* ---- fractions ---- */

/* x - y n, n the integer nearest to x / y, ties to even. */
static void remainder_of(mpq_ptr r, mpq_srcptr x, mpq_srcptr y)
{
    mpz_t n, rest;
    mpz_inits(n, rest, (mpz_ptr)NULL);
    mpq_div(r, x, y);
    mpz_fdiv_qr(n, rest, mpq_numref(r), mpq_denref(r));
    mpz_mul_2exp(rest, rest, 1);
    int tail = mpz_cmp(rest, mpq_denref(r));
    if (tail > 0 || (tail == 0 && mpz_odd_p(n)))
        mpz_add_ui(n, n, 1);
    mpq_set_z(r, n);
    mpq_mul(r, r, y);
    mpq_sub(r, x, r);
    mpz_clears(n, rest, (mpz_ptr)NULL);
}

void assay_verify_truncate(mpfr_ptr r, mpq_srcptr q)
{
    if (mpfr_set_q(r, q, MPFR_RNDZ) != 0)
        append_rest(r);
}

bool assay_verify_fraction(assay_operation_id id, mpq_ptr r, mpq_t *x)
{
    switch (id) {
    case ASSAY_OPERATION_COPY: mpq_set(r, x[0]); return true;
    case ASSAY_OPERATION_NEG: mpq_neg(r, x[0]); return true;
    case ASSAY_OPERATION_ABS: mpq_abs(r, x[0]); return true;
    case ASSAY_OPERATION_ADD: mpq_add(r, x[0], x[1]); return true;
    case ASSAY_OPERATION_SUB: mpq_sub(r, x[0], x[1]); return true;
    case ASSAY_OPERATION_MUL: mpq_mul(r, x[0], x[1]); return true;
    case ASSAY_OPERATION_FMA:
        mpq_mul(r, x[0], x[1]);
        mpq_add(r, r, x[2]);
        return true;
    case ASSAY_OPERATION_DIV:
    case ASSAY_OPERATION_REMAINDER:
        if (mpq_sgn(x[1]) == 0)
            return false;
        if (id == ASSAY_OPERATION_DIV)
            mpq_div(r, x[0], x[1]);
        else
            remainder_of(r, x[0], x[1]);
        return true;
    case ASSAY_OPERATION_RECIPROCAL:
        if (mpq_sgn(x[0]) != 0)
            mpq_inv(r, x[0]);
        return mpq_sgn(x[0]) != 0;
    default: return false;
    }
}
#endif
