/* SPDX-License-Identifier: Apache-2.0 */
/* Scale rules on fractions: docs/schemes.md, "What is computed", 1. */
#if ASSAY_HAVE_MPFR
#include <math.h>
#include <stdlib.h>

#include "audit/verify_block.h"

/* floor(log2 q), q > 0. */
static long exponent(mpq_srcptr q)
{
    long e = (long)mpz_sizeinbase(mpq_numref(q), 2) - (long)mpz_sizeinbase(mpq_denref(q), 2);
    mpq_t power;
    mpq_init(power);
    mpq_set_ui(power, 1, 1);
    if (e >= 0)
        mpq_mul_2exp(power, power, (mp_bitcnt_t)e);
    else
        mpq_div_2exp(power, power, (mp_bitcnt_t)-e);
    e -= mpq_cmp(q, power) < 0;
    mpq_clear(power);
    return e;
}

static void set_power(mpq_ptr q, long e)
{
    mpq_set_ui(q, 1, 1);
    if (e >= 0)
        mpq_mul_2exp(q, q, (mp_bitcnt_t)e);
    else
        mpq_div_2exp(q, q, (mp_bitcnt_t)-e);
}

/* M: of integers the bits below the leading one of max. */
static unsigned fraction_bits(const assay_verify_blocks *o)
{
    const assay_format *f = &o->s->element.format;
    enum { MANY = 60 };
    if (f->kind == ASSAY_FAMILY_FLOAT)
        return (unsigned)f->fraction_bits;
    if (f->kind != ASSAY_FAMILY_FIXED)
        return MANY;
    mpq_t top;
    mpq_init(top);
    mpq_set_d(top, assay_verify_rung_real(&o->element, o->element.top));
    mpq_mul_2exp(top, top, (mp_bitcnt_t)f->scale);
    long bits = exponent(top);
    mpq_clear(top);
    return (unsigned)bits;
}

/* Whether an exponent's rule goes one above floor; mu = a / 2^E. */
static bool bumps(const assay_verify_blocks *o, mpq_srcptr a)
{
    const unsigned m = fraction_bits(o);
    bool up = false;
    mpq_t mu, t;
    mpq_inits(mu, t, (mpq_ptr)NULL);
    set_power(t, exponent(a));
    mpq_div(mu, a, t);
    switch (o->s->rule) {
    case ASSAY_SCALE_CEIL: up = mpq_cmp_ui(mu, 1, 1) > 0; break;
    case ASSAY_SCALE_EVEN: /* 2 - 2^-(M+1) */
        up = mpq_cmp_ui(mu, ((unsigned long)4 << m) - 1, (unsigned long)2 << m) >= 0;
        break;
    case ASSAY_SCALE_CT: up = mpq_cmp_ui(mu, 7, 4) >= 0; break;
    case ASSAY_SCALE_RCEIL: /* max / 2^emax */
        set_power(t, exponent(o->max));
        mpq_div(t, o->max, t);
        up = mpq_cmp(mu, t) > 0;
        break;
    case ASSAY_SCALE_NEAREST:
        mpq_mul(t, mu, mu);
        up = mpq_cmp_ui(t, 2, 1) >= 0;
        break;
    default: break;
    }
    mpq_clears(mu, t, (mpq_ptr)NULL);
    return up;
}

uint64_t assay_verify_round_scale(assay_verify_blocks *o, const assay_verify_number *q)
{
    const assay_rounder *r = &o->s->scale;
    return assay_verify_round(&o->scale, &o->scale_gap, q, (assay_rounding){ .mode = r->mode },
                              r->overflow, 0, NULL);
}

/* 2^(1 - p), as 0.125 of e4m3. */
uint64_t assay_verify_nonzero_scale(assay_verify_blocks *o, uint64_t code)
{
    assay_verify_number epsilon = { 0 };
    if (o->s->order != ASSAY_ORDER_CT || assay_verify_code_real(&o->scale, code) != 0)
        return code;
    mpq_init(epsilon.q);
    set_power(epsilon.q, 1 - o->s->scale.format.p);
    code = assay_verify_round_scale(o, &epsilon);
    mpq_clear(epsilon.q);
    return code;
}

/* 2^e with e clamped into the scale's format. */
static uint64_t power_scale(assay_verify_blocks *o, long e)
{
    assay_verify_number power = { 0 };
    mpq_init(power.q);
    mpq_set_d(power.q, assay_verify_rung_real(&o->scale, o->scale.at_most_zero + 1));
    long lowest = exponent(power.q);
    mpq_set_d(power.q, assay_verify_rung_real(&o->scale, o->scale.top));
    long highest = exponent(power.q);
    set_power(power.q, e < lowest ? lowest : e > highest ? highest : e);
    uint64_t code = assay_verify_round_scale(o, &power);
    mpq_clear(power.q);
    return code;
}

static bool is_power_rule(const assay_scheme *s)
{
    switch (s->rule) {
    case ASSAY_SCALE_MAX:
    case ASSAY_SCALE_FOUR_SIX:
    case ASSAY_SCALE_MEAN:
    case ASSAY_SCALE_RANGE: return false;
    case ASSAY_SCALE_PERCENTILE: return s->scale.format.p == 1;
    default: return true;
    }
}

static void quotient(assay_verify_blocks *o, mpq_srcptr a, bool wide, assay_verify_number *out)
{
    *out = (assay_verify_number){ 0 };
    mpq_init(out->q);
    if (o->s->order == ASSAY_ORDER_EXACT) {
        mpq_div(out->q, a, o->max);
        mpq_div(out->q, out->q, o->tensor);
        mpq_t grow;
        mpq_init(grow);
        mpq_set_ui(grow, wide ? 3 : 2, 2);
        mpq_canonicalize(grow);
        mpq_mul(out->q, out->q, grow);
        mpq_clear(grow);
        return;
    }
    assay_verify_producer_scale(o, a, wide, out);
}

/* The scale for the largest magnitude a. */
static uint64_t scale_for(assay_verify_blocks *o, mpq_srcptr amax, bool wide)
{
    assay_verify_number q;
    mpq_t a;
    mpq_init(a);
    mpq_set_d(a, o->s->least);
    if (mpq_cmp(amax, a) > 0)
        mpq_set(a, amax);
    uint64_t code;
    if (is_power_rule(o->s)) {
        enum { BELOW_ALL = -100000 };
        long e = mpq_sgn(a) == 0 ? BELOW_ALL : exponent(a) + bumps(o, a) - exponent(o->max);
        code = power_scale(o, e);
    } else {
        quotient(o, a, wide, &q);
        code = assay_verify_nonzero_scale(o, assay_verify_round_scale(o, &q));
        mpq_clear(q.q);
    }
    mpq_clear(a);
    return code;
}

/* ---- rules that try scales ---- */

/* False if an element is not finite, which is worse than any error. */
static bool squared_error(assay_verify_blocks *o, const assay_verify_block *b, uint64_t scale,
                          mpq_ptr sum)
{
    double s = assay_verify_code_real(&o->scale, scale);
    assay_rounding rounding = o->rounding;
    if (assay_mode_is_stochastic(rounding.mode))
        rounding = (assay_rounding){ .mode = ASSAY_RNE };
    bool finite = true;
    mpq_t v, x;
    mpq_inits(v, x, (mpq_ptr)NULL);
    mpq_set_ui(sum, 0, 1);
    for (size_t i = 0; i < b->n && finite; i++) {
        uint64_t code = assay_verify_element(o, b->x[i], s, rounding, 0, NULL);
        finite = fabs(assay_verify_code_real(&o->element, code)) < INFINITY;
        if (!finite)
            break;
        assay_verify_scaled(o, code, s, v);
        mpq_set_d(x, b->x[i]);
        mpq_sub(v, v, x);
        mpq_mul(v, v, v);
        mpq_add(sum, sum, v);
    }
    mpq_clears(v, x, (mpq_ptr)NULL);
    return finite;
}

/* The first of those with the least error. */
static uint64_t search(assay_verify_blocks *o, const assay_verify_block *b, mpq_srcptr amax)
{
    uint64_t tries[3] = { 0 };
    int n = 2;
    if (o->s->rule == ASSAY_SCALE_FOUR_SIX) {
        tries[0] = scale_for(o, amax, false);
        tries[1] = scale_for(o, amax, true);
    } else {
        mpq_t a;
        mpq_init(a);
        uint64_t floor = scale_for(o, amax, false); /* clamped */
        mpq_set_d(a, assay_verify_code_real(&o->scale, floor));
        long e = exponent(a);
        for (n = 0; n < 3; n++)
            tries[n] = power_scale(o, e + 1 - n);
        mpq_clear(a);
    }
    mpq_t least, error;
    mpq_inits(least, error, (mpq_ptr)NULL);
    int best = 0;
    bool finite = squared_error(o, b, tries[0], least);
    for (int i = 1; i < n; i++)
        if (squared_error(o, b, tries[i], error) && (!finite || mpq_cmp(error, least) < 0)) {
            mpq_set(least, error);
            finite = true;
            best = i;
        }
    mpq_clears(least, error, (mpq_ptr)NULL);
    return tries[best];
}

/* ---- all rules ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The k-th smallest magnitude; k counts from 1. */
static double smallest(const assay_verify_block *b, size_t k)
{
    for (size_t i = 0; i < b->n; i++)
        b->sizes[i] = fabs(b->x[i]);
    qsort(b->sizes, b->n, sizeof *b->sizes, by_size);
    return b->sizes[k - 1];
}

static size_t percentile(const assay_scheme *s, size_t n)
{
    mpz_t k;
    mpz_init_set_ui(k, (unsigned long)n);
    mpz_mul_ui(k, k, (unsigned long)s->percent);
    mpz_cdiv_q_ui(k, k, 100000000);
    size_t found = mpz_get_ui(k);
    mpz_clear(k);
    return found < 1 ? 1 : found > n ? n : found;
}

uint64_t assay_verify_scale_of(assay_verify_blocks *o, const assay_verify_block *b)
{
    const assay_scheme *s = o->s;
    assay_verify_number mean = { 0 };
    mpq_t amax, x;
    mpq_inits(amax, x, mean.q, (mpq_ptr)NULL);
    uint64_t code;
    size_t k = s->rule == ASSAY_SCALE_PERCENTILE ? percentile(s, b->n) : b->n;
    mpq_set_d(amax, smallest(b, k));
    for (size_t i = 0; i < b->n && s->rule == ASSAY_SCALE_MEAN; i++) {
        mpq_set_d(x, fabs(b->x[i]));
        mpq_add(mean.q, mean.q, x);
    }
    if (s->rule == ASSAY_SCALE_MEAN) {
        mpq_set_ui(x, (unsigned long)b->n, 1);
        mpq_div(mean.q, mean.q, x);
        code = assay_verify_round_scale(o, &mean);
    } else if (s->rule == ASSAY_SCALE_MSE || s->rule == ASSAY_SCALE_FOUR_SIX) {
        code = search(o, b, amax);
    } else {
        code = scale_for(o, amax, false);
    }
    mpq_clears(amax, x, mean.q, (mpq_ptr)NULL);
    return code;
}
#endif
