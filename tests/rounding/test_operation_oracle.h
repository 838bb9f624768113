/* SPDX-License-Identifier: Apache-2.0 */
/* What operations give, by MPFR: the result towards zero with one bit more for what is cut off,
 * which serves every mode. */
#ifndef ASSAY_TESTS_ROUNDING_OPERATION_ORACLE_H
#define ASSAY_TESTS_ROUNDING_OPERATION_ORACLE_H

#include <criterion/criterion.h>
#include <math.h>

#include <mpfr.h>

#include "../support/oracle.h"
#include "../support/points.h"
#include "numerics/bits.h"
#include "rounding/operation.h"

enum { ORACLE_BITS = 192, ORACLE_FAR = 1 << 20 };

/* x (1 - tiny) or x (1 + tiny): the last bit of a number of ORACLE_BITS. */
static inline void oracle_nudge(mpfr_ptr r, int up)
{
    if ((up > 0) == (mpfr_sgn(r) > 0))
        mpfr_nextabove(r);
    else
        mpfr_nextbelow(r);
}

/* r with a last bit for what was cut off; a result that left MPFR's range is a finite one. */
static inline void oracle_sticky(mpfr_ptr r, int ternary)
{
    if (ternary == 0)
        return;
    int sign = mpfr_signbit(r) ? -1 : 1;
    if (mpfr_inf_p(r))
        mpfr_set_si_2exp(r, sign, ORACLE_FAR, MPFR_RNDN);
    else if (mpfr_zero_p(r))
        mpfr_set_si_2exp(r, sign, -ORACLE_FAR, MPFR_RNDN);
    else if (mpfr_regular_p(r) && mpfr_get_prec(r) == ORACLE_BITS) {
        mpfr_prec_round(r, ORACLE_BITS + 1, MPFR_RNDN);
        if (sign > 0)
            mpfr_nextabove(r);
        else
            mpfr_nextbelow(r);
    }
}

/* f(x) of the activations, whose results are irrational but at 0. */
static inline void oracle_activation(assay_operation_id id, mpfr_ptr r, mpfr_srcptr x)
{
    mpfr_t t, u;
    if (mpfr_nan_p(x) || mpfr_inf_p(x) || mpfr_zero_p(x)) {
        double a = mpfr_get_d(x, MPFR_RNDN), zero = isinf(a) && a < 0 ? -0.0 : a;
        double half = id == ASSAY_OPERATION_SIGMOID ? 0.5 : a;
        double y = isnan(a) ? a : id == ASSAY_OPERATION_SIGMOID ? (isinf(a) ? a > 0 : half) : zero;
        if (id == ASSAY_OPERATION_SOFTPLUS && isinf(a))
            y = a > 0 ? a : 0;
        mpfr_set_d(r, y, MPFR_RNDN);
        if (id != ASSAY_OPERATION_SOFTPLUS || !mpfr_zero_p(x))
            return;
    }
    mpfr_inits2(4 * ORACLE_BITS, t, u, (mpfr_ptr)NULL);
    bool soft = id == ASSAY_OPERATION_SOFTPLUS, sigmoid = id == ASSAY_OPERATION_SIGMOID;
    if (mpfr_cmp_d(x, -3e4) < 0) { /* -e^-30000 or less */
        mpfr_set_si_2exp(r, soft || sigmoid ? 1 : -1, -ORACLE_FAR, MPFR_RNDN);
    } else if (mpfr_cmp_d(x, 300) > 0) { /* 1 - e^-300, x (1 - e^-300), x + e^-300 */
        if (sigmoid)
            mpfr_set_ui(r, 1, MPFR_RNDN);
        else
            mpfr_set(r, x, MPFR_RNDN);
        oracle_nudge(r, soft ? 1 : -1);
    } else if (id == ASSAY_OPERATION_GELU) {
        mpfr_sqrt_ui(t, 2, MPFR_RNDN);
        mpfr_div(t, x, t, MPFR_RNDN);
        mpfr_neg(t, t, MPFR_RNDN);
        mpfr_erfc(t, t, MPFR_RNDN);
        mpfr_mul(t, t, x, MPFR_RNDN);
        mpfr_div_2ui(r, t, 1, MPFR_RNDZ);
        if (mpfr_zero_p(r))
            mpfr_set_si_2exp(r, -1, -ORACLE_FAR, MPFR_RNDN);
        if (mpfr_cmp(r, x) == 0) /* 1 - e^-500 or nearer to 1 */
            oracle_nudge(r, -1);
    } else {
        mpfr_set(t, x, MPFR_RNDN);
        if (id == ASSAY_OPERATION_GELU_TANH) { /* 2 sqrt(2/pi) (x + 0.044715 x^3) */
            mpfr_sqr(t, x, MPFR_RNDN);
            mpfr_mul_ui(t, t, 44715, MPFR_RNDN);
            mpfr_div_ui(t, t, 1000000, MPFR_RNDN);
            mpfr_add_ui(t, t, 1, MPFR_RNDN);
            mpfr_mul(t, t, x, MPFR_RNDN);
            mpfr_const_pi(u, MPFR_RNDN);
            mpfr_ui_div(u, 8, u, MPFR_RNDN);
            mpfr_sqrt(u, u, MPFR_RNDN);
            mpfr_mul(t, t, u, MPFR_RNDN);
        }
        if (!soft)
            mpfr_neg(t, t, MPFR_RNDN);
        mpfr_exp(t, t, MPFR_RNDN);
        if (soft) {
            mpfr_log1p(r, t, MPFR_RNDZ);
        } else {
            mpfr_add_ui(t, t, 1, MPFR_RNDN);
            if (sigmoid)
                mpfr_set_ui(u, 1, MPFR_RNDN);
            else
                mpfr_set(u, x, MPFR_RNDN);
            mpfr_div(r, u, t, MPFR_RNDZ);
            if (mpfr_zero_p(r))
                mpfr_set_si_2exp(r, sigmoid ? 1 : -1, -ORACLE_FAR, MPFR_RNDN);
            if (mpfr_cmp_ui(r, 1) == 0 && sigmoid)
                oracle_nudge(r, -1);
            if (mpfr_cmp(r, x) == 0)
                oracle_nudge(r, -1);
        }
    }
    mpfr_clears(t, u, (mpfr_ptr)NULL);
    oracle_sticky(r, 1); /* irrational */
}

/* minimum and its relatives, as IEEE 754-2019, 9.6 has them. */
static inline void oracle_extremum(assay_operation_id id, mpfr_ptr r, mpfr_srcptr x, mpfr_srcptr y)
{
    static const assay_operation_id numbers[] = { ASSAY_OPERATION_MINIMUM_NUMBER,
                                                  ASSAY_OPERATION_MAXIMUM_NUMBER,
                                                  ASSAY_OPERATION_MINIMUM_MAGNITUDE_NUMBER,
                                                  ASSAY_OPERATION_MAXIMUM_MAGNITUDE_NUMBER };
    bool number = false, greater, magnitude = id >= ASSAY_OPERATION_MINIMUM_MAGNITUDE;
    for (int i = 0; i < 4; i++)
        number |= id == numbers[i];
    greater = id == ASSAY_OPERATION_MAXIMUM || id == numbers[1] || id == numbers[3] ||
              id == ASSAY_OPERATION_MAXIMUM_MAGNITUDE;
    if (mpfr_nan_p(x) || mpfr_nan_p(y)) {
        mpfr_set_nan(r);
        if (number)
            mpfr_set(r, mpfr_nan_p(x) ? y : x, MPFR_RNDN);
        return;
    }
    int order = magnitude ? mpfr_cmpabs(x, y) : 0;
    order = order ? order : mpfr_cmp(x, y);
    order = order ? order : mpfr_signbit(y) - mpfr_signbit(x);
    mpfr_set(r, (order > 0) == greater ? x : y, MPFR_RNDN);
}

/* The ternary value of the result in direction rnd. */
static inline int oracle_apply(assay_operation_id id, mpfr_ptr r, mpfr_t *x, mpfr_rnd_t rnd)
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
    case ASSAY_OPERATION_RSQRT:
        if (mpfr_zero_p(x[0])) { /* MPFR's is +inf for -0 too */
            mpfr_set_inf(r, mpfr_signbit(x[0]) ? -1 : 1);
            return 0;
        }
        return mpfr_rec_sqrt(r, x[0], rnd);
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
        oracle_extremum(id, r, x[0], x[1]);
    else
        oracle_activation(id, r, x[0]);
    return 0;
}

/* As a binary64 rounded to odd: no boundary of 51 bits lies between the two. */
static inline double oracle_odd(mpfr_srcptr x)
{
    double y = mpfr_get_d(x, MPFR_RNDZ);
    if (mpfr_nan_p(x) || mpfr_inf_p(x) || mpfr_cmp_d(x, y) == 0)
        return y;
    return assay_from_bits64(assay_bits64(y) | (uint64_t)mpfr_signbit(x) << 63 | 1);
}

/* A pole or a division by zero in formats where that is NaN. */
static inline bool oracle_is_nan(const assay_operator *op, const mpfr_t *x, mpfr_srcptr r)
{
    assay_operation_id id = op->operation->id;
    assay_law law = op->rounder.format.law;
    bool pole = mpfr_inf_p(r) && law == ASSAY_LAW_SATURATE;
    bool division =
        (id == ASSAY_OPERATION_DIV && mpfr_zero_p(x[1])) ||
        ((id == ASSAY_OPERATION_RECIPROCAL || id == ASSAY_OPERATION_RSQRT) && mpfr_zero_p(x[0]));
    return pole || (law == ASSAY_LAW_P3109 && division);
}

typedef struct oracle_case {
    mpfr_t x[ASSAY_OPERANDS_MOST], r, down;
} oracle_case;

static inline void oracle_open(oracle_case *c)
{
    for (int i = 0; i < ASSAY_OPERANDS_MOST; i++)
        mpfr_init2(c->x[i], 64);
    mpfr_init2(c->r, ORACLE_BITS);
    mpfr_init2(c->down, ORACLE_BITS);
}

static inline void oracle_close(oracle_case *c)
{
    for (int i = 0; i < ASSAY_OPERANDS_MOST; i++)
        mpfr_clear(c->x[i]);
    mpfr_clears(c->r, c->down, (mpfr_ptr)NULL);
    mpfr_free_cache();
}

/* c->r of the operands' values, which binary64 holds. */
static inline void oracle_evaluate(oracle_case *c, const assay_operator *op, const uint64_t *codes)
{
    assay_operation_id id = op->operation->id;
    for (int i = 0; i < op->operation->arity; i++)
        mpfr_set_d(c->x[i], assay_decode(op->operands[i], codes[i]), MPFR_RNDN);
    mpfr_set_prec(c->r, ORACLE_BITS);
    oracle_sticky(c->r, oracle_apply(id, c->r, c->x, MPFR_RNDZ));
    if (oracle_is_nan(op, (const mpfr_t *)c->x, c->r))
        mpfr_set_nan(c->r);
    mpfr_set_zero(c->down, 1);
    if (mpfr_zero_p(c->r) && id < ASSAY_OPERATION_EXP) /* which zero it is under rdn */
        oracle_apply(id, c->down, c->x, MPFR_RNDD);
}

static inline bool oracle_knows(const assay_rounder *r)
{
    return r->format.kind == ASSAY_FAMILY_FLOAT && r->format.law == ASSAY_LAW_GENERAL &&
           r->format.has_zero;
}

static inline uint64_t oracle_expected(const oracle_case *c, const assay_rounder *r)
{
    bool down = mpfr_zero_p(c->r) && r->mode == ASSAY_RDN && mpfr_signbit(c->down);
    if (!oracle_knows(r)) {
        double x = down ? -0.0 : oracle_odd(c->r);
        return assay_round_code(r, x);
    }
    oracle_place place = oracle_locate(&r->format, c->r);
    place.negative |= down;
    return oracle_code(&r->format, &place, r->mode, r->overflow, ASSAY_NAN_RULE_DEFAULT);
}

/* All modes of one operand tuple; the count of wrong ones. */
static inline size_t oracle_check(oracle_case *c, assay_operator *ops, const uint64_t *codes)
{
    size_t wrong = 0;
    const assay_random none = { 0 };
    oracle_evaluate(c, &ops[0], codes);
    for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {
        uint64_t want = oracle_expected(c, &ops[mode].rounder), got = ~want;
        assay_status status = assay_operate(&ops[mode], &none, 0, codes, &got);
        if (status == ASSAY_OK && got == want)
            continue;
        if (wrong++ == 0)
            cr_log_error("%s %s into %s, %s: codes %llx %llx %llx give %llx, not %llx %s",
                         ops[mode].operation->name, ops[mode].operands[0]->name,
                         ops[mode].rounder.format.name, assay_mode_name((assay_mode)mode),
                         (unsigned long long)codes[0], (unsigned long long)codes[1],
                         (unsigned long long)codes[2], (unsigned long long)got,
                         (unsigned long long)want, status == ASSAY_OK ? "" : assay_last_error());
    }
    return wrong;
}

/* One operator per mode, spec. */
static inline void oracle_operators(const char *name, const assay_format *operands,
                                    const assay_format *result, assay_operator *ops)
{
    const assay_format *const all[] = { operands, operands, operands };
    const assay_operation *operation = assay_operation_find(name);
    cr_assert(operation, "%s", assay_last_error());
    for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {
        assay_rounder r;
        cr_assert_eq(assay_rounder_make(result, (assay_mode)mode, ASSAY_OVERFLOW_SPEC,
                                        ASSAY_NAN_RULE_DEFAULT, &r),
                     ASSAY_OK);
        cr_assert_eq(assay_operator_make(operation, &r, all, &ops[mode]), ASSAY_OK, "%s",
                     assay_last_error());
    }
}

static inline void oracle_format(const char *spec, assay_format *f)
{
    cr_assert_eq(assay_format_parse(spec, f), ASSAY_OK, "%s", assay_last_error());
}

/* Values that are binary64, so that MPFR has the operands. */
static inline bool oracle_rational(const assay_format *f)
{
    bool powers = f->kind == ASSAY_FAMILY_LOG && f->scale > 1;
    bool book = f->kind == ASSAY_FAMILY_CODEBOOK && strcmp(f->name, "bnb_fp4") == 0;
    return f->fits_binary64 && !powers && !book && !(f->kind == ASSAY_FAMILY_TAKUM && f->is_log);
}

#endif
