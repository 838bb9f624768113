/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of producers in binary32, by MPFR: docs/schemes.md, "Orders". */
#if ASSAY_HAVE_MPFR
#include <math.h>
#include <string.h>

#include "audit/verify_block.h"

typedef int operation(mpfr_ptr, mpfr_srcptr, mpfr_srcptr, mpfr_rnd_t);

/* r = a op b, to nearest in an IEEE format of r's precision: MPFR manual, mpfr_subnormalize. */
static void ieee(mpfr_ptr r, operation *op, mpfr_srcptr a, mpfr_srcptr b)
{
    const mpfr_exp_t emin = mpfr_get_emin(), emax = mpfr_get_emax();
    const bool narrow = mpfr_get_prec(r) == 24;
    mpfr_set_emin(narrow ? -148 : -1073);
    mpfr_set_emax(narrow ? 128 : 1024);
    int ternary = op(r, a, b, MPFR_RNDN);
    mpfr_subnormalize(r, ternary, MPFR_RNDN);
    mpfr_set_emin(emin);
    mpfr_set_emax(emax);
}

/* q in an IEEE format of r's precision. */
static void round_fraction(mpfr_ptr r, mpq_srcptr q)
{
    mpfr_t n, d;
    mpfr_init2(n, (mpfr_prec_t)mpz_sizeinbase(mpq_numref(q), 2) + 1);
    mpfr_init2(d, (mpfr_prec_t)mpz_sizeinbase(mpq_denref(q), 2) + 1);
    mpfr_set_z(n, mpq_numref(q), MPFR_RNDN);
    mpfr_set_z(d, mpq_denref(q), MPFR_RNDN);
    ieee(r, mpfr_div, n, d);
    mpfr_clears(n, d, (mpfr_ptr)NULL);
}

double assay_verify_nearest(mpq_srcptr q)
{
    mpfr_t r;
    mpfr_init2(r, 53);
    round_fraction(r, q);
    double x = mpfr_get_d(r, MPFR_RNDN);
    mpfr_clear(r);
    return x;
}

/* ---- scales and elements ---- */

/* The quotient of a producer in binary32, v = a before and the quotient after. */
static void producer_quotient(const assay_verify_blocks *o, bool wide, mpfr_ptr v)
{
    mpfr_t max, one, grow, t;
    mpfr_inits2(24, max, one, grow, t, (mpfr_ptr)NULL);
    mpfr_set_q(max, o->max, MPFR_RNDN);
    mpfr_set_ui(one, 1, MPFR_RNDN);
    mpfr_set_d(grow, wide ? 1.5 : 1, MPFR_RNDN);
    switch (o->s->order) {
    case ASSAY_ORDER_TE: /* a (S (1 / max)) */
        ieee(t, mpfr_div, one, max);
        ieee(t, mpfr_mul, o->reciprocal, t);
        ieee(v, mpfr_mul, v, t);
        break;
    case ASSAY_ORDER_TORCHAO: /* (a / max) / t */
        ieee(v, mpfr_div, v, max);
        ieee(v, mpfr_div, v, o->multiplier);
        break;
    case ASSAY_ORDER_CT: /* S (a / max) */
        ieee(v, mpfr_div, v, max);
        ieee(v, mpfr_mul, o->reciprocal, v);
        break;
    case ASSAY_ORDER_MODELOPT: /* a / (max t) */
        ieee(t, mpfr_mul, max, o->multiplier);
        ieee(v, mpfr_div, v, t);
        break;
    default: ieee(v, mpfr_div, v, max);
    }
    bool none = o->s->order == ASSAY_ORDER_MODELOPT && mpfr_zero_p(v);
    if (none)
        mpfr_set_ui(v, 1, MPFR_RNDN);
    else
        ieee(v, mpfr_mul, v, grow);
    mpfr_clears(max, one, grow, t, (mpfr_ptr)NULL);
}

/* torchao clamps to [the least normal scale, the largest], ModelOpt to the least one above 0. */
static void clamp_quotient(const assay_verify_blocks *o, mpfr_ptr v)
{
    bool torchao = o->s->order == ASSAY_ORDER_TORCHAO;
    if (!torchao && o->s->order != ASSAY_ORDER_MODELOPT)
        return;
    double most = assay_verify_rung_real(&o->scale, o->scale.top);
    double least = torchao ? ldexp(1, 1 - o->s->scale.format.bias)
                           : assay_verify_rung_real(&o->scale, o->scale.at_most_zero + 1);
    if (mpfr_cmp_d(v, least) < 0)
        mpfr_set_d(v, least, MPFR_RNDN);
    if (mpfr_cmp_d(v, most) > 0)
        mpfr_set_d(v, most, MPFR_RNDN);
}

void assay_verify_producer_scale(const assay_verify_blocks *o, mpq_srcptr a, bool wide,
                                 assay_verify_number *out)
{
    mpfr_t v;
    mpfr_init2(v, 24);
    mpfr_set_q(v, a, MPFR_RNDN);
    producer_quotient(o, wide, v);
    clamp_quotient(o, v);
    out->infinite = mpfr_inf_p(v) != 0;
    if (mpfr_regular_p(v))
        mpfr_get_q(out->q, v);
    mpfr_clear(v);
}

/* x in the arithmetic of a producer; s is the scale's value. */
void assay_verify_producer_element(const assay_verify_blocks *o, double x, double s,
                                   assay_verify_number *out)
{
    mpfr_t v, f, t;
    mpfr_inits2(24, v, f, t, (mpfr_ptr)NULL);
    mpfr_set_d(f, s, MPFR_RNDN);
    mpfr_set_d(t, 1, MPFR_RNDN);
    mpfr_set_d(v, (double)(float)x, MPFR_RNDN);
    bool divide = false, unsigned_zero = false;
    switch (o->s->order) {
    case ASSAY_ORDER_TE: /* 1 / (s (1 / S)), at most the largest */
        ieee(v, mpfr_div, t, o->reciprocal);
        ieee(f, mpfr_mul, f, v);
        ieee(f, mpfr_div, t, f);
        if (mpfr_cmp_d(f, 0x1.fffffep127) > 0)
            mpfr_set_d(f, 0x1.fffffep127, MPFR_RNDN);
        unsigned_zero = true;
        break;
    case ASSAY_ORDER_TORCHAO: /* (1 / t) / s */
        ieee(t, mpfr_div, t, o->multiplier);
        ieee(f, mpfr_div, t, f);
        break;
    case ASSAY_ORDER_CT: /* s / S */
        ieee(f, mpfr_div, f, o->reciprocal);
        divide = true;
        unsigned_zero = strcmp(o->s->element.format.name, "e2m1") == 0;
        break;
    case ASSAY_ORDER_MODELOPT: /* s t */
        ieee(f, mpfr_mul, f, o->multiplier);
        divide = unsigned_zero = true;
        break;
    case ASSAY_ORDER_MUL32: ieee(f, mpfr_div, t, f); break;
    default: divide = true;
    }
    mpfr_set_d(v, (double)(float)x, MPFR_RNDN);
    if (!mpfr_zero_p(v))
        ieee(v, divide ? mpfr_div : mpfr_mul, v, f);
    if (o->s->order == ASSAY_ORDER_CT && o->s->has_zero) {
        mpfr_set_flt(t, o->zero, MPFR_RNDN);
        ieee(v, mpfr_add, v, t);
    }
    out->infinite = mpfr_inf_p(v) != 0;
    out->negative = mpfr_signbit(v) && !(unsigned_zero && mpfr_zero_p(v));
    if (mpfr_regular_p(v))
        mpfr_get_q(out->q, v);
    mpfr_clears(v, f, t, (mpfr_ptr)NULL);
}

/* v = fl(fl(hi - lo) / (qmax - qmin)), s = R(v); z = qmin - rne(fl(lo / v)), or rne(clamp(fl(qmin -
 * fl(lo / v)))). */
double assay_verify_producer_affine(assay_verify_blocks *o, assay_verify_block *b, mpq_ptr zero)
{
    mpfr_t v, z, lo, range;
    mpfr_inits2(24, v, z, lo, range, (mpfr_ptr)NULL);
    mpfr_set_ui(lo, 0, MPFR_RNDN);
    mpfr_set_ui(v, 0, MPFR_RNDN);
    for (size_t i = 0; i < b->n; i++) {
        mpfr_set_d(z, (double)(float)b->x[i], MPFR_RNDN);
        mpfr_min(lo, lo, z, MPFR_RNDN);
        mpfr_max(v, v, z, MPFR_RNDN);
    }
    ieee(v, mpfr_sub, v, lo);
    if (mpfr_cmp_d(v, (double)(float)o->s->least) < 0)
        mpfr_set_d(v, (double)(float)o->s->least, MPFR_RNDN);
    mpq_sub(zero, o->highest, o->lowest);
    mpfr_set_q(range, zero, MPFR_RNDN);
    ieee(v, mpfr_div, v, range);
    assay_verify_number q = { .infinite = mpfr_inf_p(v) != 0 };
    mpq_init(q.q);
    if (mpfr_regular_p(v))
        mpfr_get_q(q.q, v);
    b->scale = assay_verify_nonzero_scale(o, assay_verify_round_scale(o, &q));
    mpfr_set_zero(z, 1);
    if (!mpfr_zero_p(v)) {
        ieee(z, mpfr_div, lo, v);
        if (o->s->order != ASSAY_ORDER_CT)
            mpfr_roundeven(z, z);
        mpfr_set_q(range, o->lowest, MPFR_RNDN);
        ieee(z, mpfr_sub, range, z);
        mpfr_roundeven(z, z); /* the ends are integers: clamping can come later */
    }
    mpfr_get_q(zero, z);
    mpq_clear(q.q);
    mpfr_clears(v, z, lo, range, (mpfr_ptr)NULL);
    return assay_verify_code_real(&o->scale, b->scale);
}

/* ---- the tensor's scale ---- */

/* At least the least binary32, at most the largest. */
static void keep_positive(mpfr_ptr v)
{
    if (mpfr_cmp_d(v, 0x1p-149) < 0)
        mpfr_set_d(v, 0x1p-149, MPFR_RNDN);
    if (mpfr_cmp_d(v, 0x1.fffffep127) > 0)
        mpfr_set_d(v, 0x1.fffffep127, MPFR_RNDN);
}

/* aim = max top. */
static void set_exact(assay_verify_blocks *o, mpq_srcptr aim, double amax)
{
    mpq_t q;
    mpq_init(q);
    mpq_set_d(q, amax);
    if (o->s->tensor_divides)
        mpq_div(q, aim, q);
    else
        mpq_div(q, q, aim);
    round_fraction(o->multiplier, q);
    keep_positive(o->multiplier);
    o->stored = mpfr_get_flt(o->multiplier, MPFR_RNDN);
    mpq_clear(q);
}

/* fl(fl(1 / A) aim), A at least the least normal binary32; 1 where that is infinite. */
static void set_ct(assay_verify_blocks *o, mpfr_srcptr one, mpfr_srcptr aim, mpfr_srcptr amax)
{
    mpfr_t a;
    mpfr_init2(a, 24);
    mpfr_set(a, amax, MPFR_RNDN);
    if (mpfr_cmp_d(a, 0x1p-126) < 0)
        mpfr_set_d(a, 0x1p-126, MPFR_RNDN);
    ieee(a, mpfr_div, one, a);
    ieee(o->reciprocal, mpfr_mul, a, aim);
    if (mpfr_inf_p(o->reciprocal))
        mpfr_set_ui(o->reciprocal, 1, MPFR_RNDN);
    mpfr_clear(a);
}

/* S = min(fl(aim / A), FLT_MAX), 1 where it would be 0; t = fl(A / aim), for te and ct fl(1 / S).
 */
static void set_producers(assay_verify_blocks *o, mpq_srcptr aim, double amax)
{
    mpfr_t a, one, target;
    mpfr_inits2(24, a, one, target, (mpfr_ptr)NULL);
    mpfr_set_d(a, (double)(float)amax, MPFR_RNDN);
    mpfr_set_ui(one, 1, MPFR_RNDN);
    round_fraction(target, aim);
    if (o->s->order == ASSAY_ORDER_CT)
        set_ct(o, one, target, a);
    else
        ieee(o->reciprocal, mpfr_div, target, a);
    if (mpfr_cmp_d(o->reciprocal, 0x1.fffffep127) > 0)
        mpfr_set_d(o->reciprocal, 0x1.fffffep127, MPFR_RNDN);
    if (mpfr_zero_p(o->reciprocal))
        mpfr_set_ui(o->reciprocal, 1, MPFR_RNDN);
    ieee(o->multiplier, mpfr_div, a, target);
    keep_positive(o->multiplier);
    if (o->s->order == ASSAY_ORDER_TE || o->s->order == ASSAY_ORDER_CT)
        ieee(o->multiplier, mpfr_div, one, o->reciprocal);
    o->stored = mpfr_get_flt(o->s->tensor_divides ? o->reciprocal : o->multiplier, MPFR_RNDN);
    mpfr_clears(a, one, target, (mpfr_ptr)NULL);
}

void assay_verify_set_tensor(assay_verify_blocks *o, double amax)
{
    o->stored = 1;
    mpfr_set_ui(o->reciprocal, 1, MPFR_RNDN);
    mpfr_set_ui(o->multiplier, 1, MPFR_RNDN);
    mpq_set_ui(o->tensor, 1, 1);
    if (!o->s->has_tensor_scale)
        return;
    mpq_t aim;
    mpq_init(aim);
    mpq_set_d(aim, o->s->top_scale);
    mpq_mul(aim, aim, o->max);
    if (amax > 0 && o->s->order == ASSAY_ORDER_EXACT)
        set_exact(o, aim, amax);
    else if (amax > 0)
        set_producers(o, aim, amax);
    mpq_set_d(o->tensor, (double)o->stored);
    if (o->s->tensor_divides)
        mpq_inv(o->tensor, o->tensor);
    mpq_clear(aim);
}

#endif
