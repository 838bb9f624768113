/* SPDX-License-Identifier: Apache-2.0 */
/* Operands of operations, and where their results lie. */
#if ASSAY_HAVE_MPFR
#include "audit/verify_operation.h"

enum {
    CANCELLED = 1900, /* bits that a sum of numbers known to 2^-2040 loses only to a zero */
    NARROW = 128,     /* bits of results, where formats are rational */
    WIDE = 2048       /* where they are not, and of these values     */
};

bool assay_verify_is_irrational(const assay_format *f)
{
    return f->kind == ASSAY_FAMILY_LOG || (f->kind == ASSAY_FAMILY_TAKUM && f->is_log);
}

/* Where irrational operands can have a result that is a value, or a tie: the others are
 * transcendental at all algebraic operands (Lindemann and Weierstrass) or taken to be so. */
static bool can_be_equal(assay_operation_id id)
{
    switch (id) {
    case ASSAY_OPERATION_EXP: /* e^1 in powers of e */
    case ASSAY_OPERATION_EXP2:
    case ASSAY_OPERATION_LOG:
    case ASSAY_OPERATION_LOG2:
    case ASSAY_OPERATION_POW:
    case ASSAY_OPERATION_SINPI:
    case ASSAY_OPERATION_COSPI:
    case ASSAY_OPERATION_TANPI:
    case ASSAY_OPERATION_ASINPI:
    case ASSAY_OPERATION_ACOSPI:
    case ASSAY_OPERATION_ATANPI:
    case ASSAY_OPERATION_ATAN2PI: return true;
    default: return id < ASSAY_OPERATION_EXP;
    }
}

assay_status assay_verify_formats_make(const assay_verify_operation *job, assay_verify_formats *f)
{
    f->operation = job->operation;
    const assay_format *g = &job->format, *h = &job->operands;
    bool divided = assay_verify_divisor(g) > 1 || assay_verify_divisor(h) > 1;
    bool irrational = assay_verify_is_irrational(g) || assay_verify_is_irrational(h);
    bool list = g->kind == ASSAY_FAMILY_CODEBOOK;
    mpfr_prec_t exact = assay_verify_precision(g), own = assay_verify_precision(h);
    exact = own > exact ? own : exact;
    f->approximate = (divided || irrational) && can_be_equal(job->operation->id);
    exact = f->approximate && exact < WIDE ? WIDE : exact;
    f->precision = divided || irrational || list ? exact : NARROW;
    f->fractions = divided || list;
    assay_status status = assay_verify_ladder_make(g, exact, &f->result);
    return status == ASSAY_OK ? assay_verify_ladder_make(h, exact, &f->operands) : status;
}

void assay_verify_terms_init(const assay_verify_formats *f, assay_verify_terms *t)
{
    for (int k = 0; k < ASSAY_OPERANDS_MOST; k++) {
        mpfr_init2(t->x[k], f->operands.precision);
        mpq_init(t->q[k]);
    }
    mpfr_inits2(f->precision, t->result, t->scaled, (mpfr_ptr)NULL);
    mpq_init(t->fraction);
    assay_verify_gap_init(&f->result, &t->gap);
    assay_verify_gap_init(&f->operands, &t->other);
}

void assay_verify_terms_clear(assay_verify_terms *t)
{
    for (int k = 0; k < ASSAY_OPERANDS_MOST; k++) {
        mpfr_clear(t->x[k]);
        mpq_clear(t->q[k]);
    }
    mpfr_clears(t->result, t->scaled, (mpfr_ptr)NULL);
    mpq_clear(t->fraction);
    assay_verify_gap_clear(&t->gap);
    assay_verify_gap_clear(&t->other);
    mpfr_free_cache();
}

/* Values of the operands; whether all are numbers. */
static bool read_operands(const assay_verify_formats *f, assay_verify_terms *t,
                          const uint64_t *codes)
{
    bool numbers = true;
    for (int k = 0; k < f->operation->arity; k++) {
        assay_verify_value(f->operands.format, codes[k], t->x[k]);
        numbers = numbers && mpfr_number_p(t->x[k]);
        if (f->fractions && numbers) {
            mpfr_get_q(t->q[k], t->x[k]);
            mpz_mul_ui(mpq_denref(t->q[k]), mpq_denref(t->q[k]), f->operands.divisor);
            mpq_canonicalize(t->q[k]);
        }
        if (f->operands.divisor > 1)
            mpfr_div_ui(t->x[k], t->x[k], f->operands.divisor, MPFR_RNDN);
    }
    return numbers;
}

static mpfr_exp_t exponent(mpfr_srcptr x)
{
    return mpfr_regular_p(x) ? mpfr_get_exp(x) : mpfr_get_emin();
}

/* Whether a sum of approximate numbers is nothing but their error. */
static bool is_cancelled(assay_operation_id id, mpfr_srcptr r, mpfr_t *x)
{
    mpfr_exp_t a = exponent(x[0]), b = exponent(x[1]), most = a > b ? a : b;
    if (id == ASSAY_OPERATION_FMA)
        most = a + b > exponent(x[2]) ? a + b : exponent(x[2]);
    else if (id != ASSAY_OPERATION_ADD && id != ASSAY_OPERATION_SUB)
        return false;
    return mpfr_regular_p(r) && mpfr_get_exp(r) < most - CANCELLED;
}

/* A pole or a division by zero in formats where that is NaN. What an infinite operand gives is
 * rounded there as a cast rounds it. */
static bool is_nan(const assay_verify_formats *f, const assay_verify_terms *t)
{
    bool pole = true;
    for (int k = 0; k < f->operation->arity; k++)
        pole = pole && !mpfr_inf_p(t->x[k]);
    assay_operation_id id = f->operation->id;
    assay_law law = f->result.format->law;
    bool division = /* pow(0, -inf) is a limit: IEEE 754-2019, 9.2.1 */
        (id == ASSAY_OPERATION_DIV && mpfr_zero_p(t->x[1])) ||
        ((id == ASSAY_OPERATION_RECIPROCAL || id == ASSAY_OPERATION_RSQRT) &&
         mpfr_zero_p(t->x[0])) ||
        (id == ASSAY_OPERATION_POW && mpfr_zero_p(t->x[0]) && mpfr_number_p(t->x[1]));
    return mpfr_inf_p(t->result) &&
           ((law == ASSAY_LAW_SATURATE && pole) || (law == ASSAY_LAW_P3109 && division));
}

void assay_verify_evaluate(const assay_verify_formats *f, assay_verify_terms *t,
                           const uint64_t *codes, assay_verify_item *out)
{
    assay_operation_id id = f->operation->id;
    bool numbers = read_operands(f, t, codes), cancelled = false;
    t->is_fraction = f->fractions && numbers && assay_verify_fraction(id, t->fraction, t->q);
    mpfr_set_prec(t->result, f->precision);
    if (t->is_fraction && mpq_sgn(t->fraction) != 0) {
        assay_verify_truncate(t->result, t->fraction);
        cancelled = f->approximate && is_cancelled(id, t->result, t->x);
    } else {
        assay_verify_apply(id, t->result, t->x);
        cancelled = (t->is_fraction && !mpfr_zero_p(t->result)) ||
                    (f->approximate && is_cancelled(id, t->result, t->x));
    }
    if (cancelled)
        mpfr_set_zero(t->result, 1);
    else if (is_nan(f, t))
        mpfr_set_nan(t->result);
    mpfr_set_prec(t->scaled, mpfr_get_prec(t->result) + 16);
    out->down =
        mpfr_zero_p(t->result) && (cancelled || assay_verify_is_negative_down(id, t->scaled, t->x));
    mpfr_mul_ui(t->scaled, t->result, f->result.divisor, MPFR_RNDN);
    assay_verify_place_of(&f->result, t->scaled, f->approximate, &t->gap, &out->place);
}

/* ---- samples ---- */

static uint64_t mask_of(const assay_format *f)
{
    return f->bits < 64 ? ((uint64_t)1 << f->bits) - 1 : ~(uint64_t)0;
}

/* The code of a value beside v, which is taken times the divisor. */
static uint64_t code_beside(const assay_verify_formats *f, assay_verify_terms *t, mpfr_ptr v,
                            bool away)
{
    assay_verify_place p;
    mpfr_mul_ui(v, v, f->operands.divisor, MPFR_RNDN);
    assay_verify_place_of(&f->operands, v, false, &t->other, &p);
    bool next = p.kind == ASSAY_PLACE_BETWEEN && away && !p.over;
    return p.kind == ASSAY_PLACE_NAN ? 0 : next ? p.away : p.toward;
}

/* 2^-12 <= |x| < 2^8, half of them of few bits. */
static uint64_t moderate(const assay_verify_formats *f, assay_verify_terms *t, uint64_t random)
{
    uint64_t fraction = random >> 12 & 0xffffffffffff;
    if (random & 1)
        fraction &= ~(uint64_t)0 << 44;
    mpfr_set_prec(t->scaled, 64);
    mpfr_set_ui_2exp(t->scaled, fraction | (uint64_t)1 << 48, (long)(random >> 1 & 1023) % 20 - 60,
                     MPFR_RNDN);
    if (random >> 11 & 1)
        mpfr_neg(t->scaled, t->scaled, MPFR_RNDN);
    return code_beside(f, t, t->scaled, random >> 62 & 1);
}

/* Ends of the codes, of their halves, and of binades. */
static uint64_t special(const assay_format *f, uint64_t random)
{
    uint64_t step = random >> 8 & 3, top = (uint64_t)1 << (f->bits - 1);
    switch (random % 6) {
    case 0: return step & mask_of(f);
    case 1: return (top + step - 1) & mask_of(f);
    case 2: return mask_of(f) - (step & mask_of(f));
    case 3: return (f->max_code + step - 1) & mask_of(f);
    case 4: return (top ^ (f->max_code + step - 1)) & mask_of(f);
    default: return (((uint64_t)1 << (random >> 16) % (unsigned)f->bits) + step - 1) & mask_of(f);
    }
}

/* The last operand so that the result comes near to the value v, or the middle between two. */
static void aim(const assay_verify_formats *f, assay_verify_terms *t, uint64_t random,
                uint64_t *codes)
{
    mpfr_t v, y;
    int last = f->operation->arity - 1;
    bool away = random >> 61 & 1;
    mpfr_inits2(128, v, y, (mpfr_ptr)NULL);
    assay_verify_value(f->result.format, random >> 3 & mask_of(f->result.format), t->gap.near);
    mpfr_set(v, t->gap.near, MPFR_RNDN);
    for (int k = 0; k < last; k++)
        assay_verify_value(f->operands.format, codes[k], t->x[k]);
    if (random & 1) /* half of a unit of 2 to 26 bits beside it */
        mpfr_mul_d(y, v, 1 + __builtin_ldexp(1, -2 - (int)(random >> 40 & 31)), MPFR_RNDN);
    else
        mpfr_set(y, v, MPFR_RNDN);
    switch (f->operation->id) {
    case ASSAY_OPERATION_ADD: mpfr_sub(y, y, t->x[0], MPFR_RNDN); break;
    case ASSAY_OPERATION_SUB: mpfr_sub(y, t->x[0], y, MPFR_RNDN); break;
    case ASSAY_OPERATION_MUL: mpfr_div(y, y, t->x[0], MPFR_RNDN); break;
    case ASSAY_OPERATION_DIV: mpfr_div(y, t->x[0], y, MPFR_RNDN); break;
    case ASSAY_OPERATION_FMA: /* the product cancels */
        mpfr_mul(y, t->x[0], t->x[1], MPFR_RNDN);
        mpfr_neg(y, y, MPFR_RNDN);
        break;
    case ASSAY_OPERATION_SQRT: mpfr_sqr(y, y, MPFR_RNDN); break;
    case ASSAY_OPERATION_RECIPROCAL: mpfr_ui_div(y, 1, y, MPFR_RNDN); break;
    case ASSAY_OPERATION_EXP: mpfr_log(y, y, MPFR_RNDN); break;
    case ASSAY_OPERATION_LOG: mpfr_exp(y, y, MPFR_RNDN); break;
    case ASSAY_OPERATION_TANH: mpfr_atanh(y, y, MPFR_RNDN); break;
    case ASSAY_OPERATION_SIN: mpfr_asin(y, y, MPFR_RNDN); break;
    default: break;
    }
    if (mpfr_number_p(y))
        codes[last] = code_beside(f, t, y, away);
    mpfr_clears(v, y, (mpfr_ptr)NULL);
}

void assay_verify_tuple(const assay_verify_formats *f, assay_verify_terms *t, bool exhaustive,
                        uint64_t i, uint64_t *codes)
{
    const assay_format *g = f->operands.format;
    for (int k = 0; k < f->operation->arity; k++) {
        uint64_t random = assay_verify_mix(4 * i + (uint64_t)k);
        if (exhaustive) {
            codes[k] = i & mask_of(g);
            i >>= g->bits < 64 ? g->bits : 63;
        } else if (i % 4 == 1 || (i % 4 == 3 && random >> 63)) {
            codes[k] = moderate(f, t, random);
        } else if (i % 4 == 2 && random >> 60 > 3) {
            codes[k] = special(g, random);
        } else {
            codes[k] = random & mask_of(g);
        }
    }
    if (!exhaustive && i % 4 == 3)
        aim(f, t, assay_verify_mix(4 * i + 3), codes);
}
#endif
