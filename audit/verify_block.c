/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of a block by fractions: docs/schemes.md, "What is computed". */
#if ASSAY_HAVE_MPFR
#include <math.h>

#include "audit/verify_block.h"
#include "audit/verify_operation.h"

/* ---- rounding into a format ---- */

/* Random bits next to where the result changes, or any. */
static uint32_t choose_bits(const assay_verify_threshold *h, uint64_t seed)
{
    const uint64_t last = ((uint64_t)1 << h->n) - 1, m = assay_verify_mix(seed);
    const uint64_t tries[] = { h->from - 1, h->from, m >> 8, m >> 16 };
    uint64_t bits = tries[m % 4];
    return (uint32_t)(bits > last ? bits & last : bits);
}

static uint64_t round_stochastic(const assay_verify_ladder *l, const assay_verify_gap *gap,
                                 const assay_verify_place *place, assay_rounding rounding,
                                 assay_overflow policy, mpq_ptr magnitude, uint64_t seed,
                                 uint32_t *bits)
{
    assay_verify_threshold h = assay_verify_threshold_of(rounding, NULL);
    if (place->kind == ASSAY_PLACE_BETWEEN) {
        assay_verify_position(gap, magnitude);
        h = assay_verify_threshold_of(rounding, magnitude);
    }
    *bits = choose_bits(&h, seed);
    return assay_verify_law_random(l, place, rounding.mode, policy, &h, *bits);
}

/* bits is NULL unless the mode is stochastic. */
uint64_t assay_verify_round(const assay_verify_ladder *l, assay_verify_gap *gap,
                            const assay_verify_number *x, assay_rounding rounding,
                            assay_overflow policy, uint64_t seed, uint32_t *bits)
{
    assay_verify_place place;
    mpq_t scaled;
    mpfr_t v;
    mpq_init(scaled);
    mpfr_init2(v, l->precision + 8);
    mpz_mul_ui(mpq_numref(scaled), mpq_numref(x->q), l->divisor);
    mpz_set(mpq_denref(scaled), mpq_denref(x->q));
    mpq_canonicalize(scaled);
    if (x->infinite)
        mpfr_set_inf(v, x->negative ? -1 : 1);
    else if (mpq_sgn(x->q) != 0)
        assay_verify_truncate(v, scaled);
    if (!x->infinite && mpq_sgn(x->q) == 0)
        assay_verify_zero(l, x->negative, gap, &place);
    else
        assay_verify_place_of(l, v, false, gap, &place);
    mpq_abs(scaled, scaled);
    uint64_t code = bits ? round_stochastic(l, gap, &place, rounding, policy, scaled, seed, bits)
                         : assay_verify_law(l, &place, rounding.mode, policy);
    mpfr_clear(v);
    mpq_clear(scaled);
    return code;
}

/* ---- elements ---- */

/* What the element's format rounds; the scale may be 0 or NaN. */
static void element_operand(const assay_verify_blocks *o, double x, double s,
                            assay_verify_number *out)
{
    *out = (assay_verify_number){ .negative = signbit(x) != 0 };
    mpq_init(out->q);
    if (s != s) {
        out->negative = false;
        return;
    }
    if (o->s->order != ASSAY_ORDER_EXACT) {
        assay_verify_producer_element(o, x, s, out);
        return;
    }
    if (s == 0)
        return;
    mpq_t f;
    mpq_init(f);
    mpq_set_d(f, s);
    mpq_mul(f, f, o->tensor);
    mpq_set_d(out->q, x);
    mpq_div(out->q, out->q, f);
    mpq_clear(f);
}

/* Of trials and elements alike; bits as assay_verify_round has them. */
uint64_t assay_verify_element(assay_verify_blocks *o, double x, double s, assay_rounding rounding,
                              uint64_t seed, uint32_t *bits)
{
    assay_verify_number q;
    element_operand(o, x, s, &q);
    uint64_t code = assay_verify_round(&o->element, &o->element_gap, &q, rounding,
                                       o->s->element.overflow, seed, bits);
    mpq_clear(q.q);
    return code;
}

/* q = value of a code times scale and tensor scale. */
void assay_verify_scaled(const assay_verify_blocks *o, uint64_t code, double s, mpq_ptr q)
{
    mpq_t f;
    mpq_init(f);
    mpq_set_d(f, s);
    mpq_set_d(q, assay_verify_code_real(&o->element, code));
    mpq_mul(q, q, f);
    mpq_mul(q, q, o->tensor);
    mpq_clear(f);
}

/* ---- blocks ---- */

/* The value of a code under a scale above zero or of zero: zeros, infinities and NaN as the code's.
 */
static double value_out(const assay_verify_blocks *o, uint64_t code, double s)
{
    double v = assay_verify_code_real(&o->element, code);
    if (!(fabs(v) < INFINITY))
        return v;
    mpq_t q;
    mpq_init(q);
    assay_verify_scaled(o, code, s, q);
    double y = mpq_sgn(q) ? assay_verify_nearest(q) : copysign(0, v);
    mpq_clear(q);
    return y;
}

static void clamp(const assay_verify_blocks *o, mpq_ptr q)
{
    if (mpq_cmp(q, o->lowest) < 0)
        mpq_set(q, o->lowest);
    if (mpq_cmp(q, o->highest) > 0)
        mpq_set(q, o->highest);
}

/* The code of an integer in range. */
static uint64_t integer_code(assay_verify_blocks *o, const assay_verify_number *k)
{
    return assay_verify_round(&o->element, &o->element_gap, k,
                              (assay_rounding){ .mode = ASSAY_RNE }, ASSAY_OVERFLOW_SAT, 0, NULL);
}

/* s = R((hi - lo) / (qmax - qmin)) and qmin - rne(lo / s), which `zero` becomes. */
static double affine_scale(assay_verify_blocks *o, assay_verify_block *b, mpq_ptr zero)
{
    assay_verify_number q = { 0 };
    double lo = 0, hi = 0;
    for (size_t i = 0; i < b->n; i++) {
        lo = b->x[i] < lo ? b->x[i] : lo;
        hi = b->x[i] > hi ? b->x[i] : hi;
    }
    mpq_t t;
    mpq_inits(t, q.q, (mpq_ptr)NULL);
    mpq_set_d(q.q, hi);
    mpq_set_d(t, lo);
    mpq_sub(q.q, q.q, t);
    mpq_set_d(t, o->s->least);
    if (mpq_cmp(q.q, t) < 0)
        mpq_set(q.q, t);
    mpq_sub(t, o->highest, o->lowest);
    mpq_div(q.q, q.q, t);
    b->scale = assay_verify_round_scale(o, &q);
    double s = assay_verify_code_real(&o->scale, b->scale);
    mpq_set_ui(zero, 0, 1);
    if (s > 0) {
        mpq_set_d(q.q, lo);
        mpq_set_d(t, s);
        mpq_div(q.q, q.q, t);
        uint64_t code =
            assay_verify_round(&o->whole, &o->whole_gap, &q, (assay_rounding){ .mode = ASSAY_RNE },
                               ASSAY_OVERFLOW_SAT, 0, NULL);
        mpq_set_si(t, (int32_t)code, 1);
        mpq_sub(zero, o->lowest, t);
    }
    mpq_clears(t, q.q, (mpq_ptr)NULL);
    return s;
}

/* q = clamp(R(x / s) + z), value (q - z) s. */
static void fill_affine(assay_verify_blocks *o, uint64_t seed, assay_verify_block *b)
{
    mpq_t zero, t;
    mpq_inits(zero, t, (mpq_ptr)NULL);
    double s = o->s->order == ASSAY_ORDER_EXACT ? affine_scale(o, b, zero)
                                                : assay_verify_producer_affine(o, b, zero);
    clamp(o, zero);
    assay_verify_number z = { 0 };
    mpq_init(z.q);
    mpq_set(z.q, zero);
    b->zero = integer_code(o, &z);
    mpq_clear(z.q);
    bool added = o->s->order == ASSAY_ORDER_CT;
    o->zero = (float)mpq_get_d(zero);
    for (size_t i = 0; i < b->n; i++) {
        assay_verify_number q;
        element_operand(o, b->x[i], s, &q);
        uint64_t code =
            assay_verify_round(&o->whole, &o->whole_gap, &q, o->rounding, ASSAY_OVERFLOW_SAT,
                               seed + i, b->bits ? &b->bits[i] : NULL);
        mpq_set_si(q.q, (int32_t)code, 1);
        if (!added)
            mpq_add(q.q, q.q, zero);
        clamp(o, q.q);
        q.negative = mpq_sgn(q.q) < 0;
        b->codes[i] = integer_code(o, &q);
        mpq_sub(q.q, q.q, zero);
        mpq_set_d(t, s);
        mpq_mul(q.q, q.q, t);
        b->values[i] = mpq_sgn(q.q) ? assay_verify_nearest(q.q) : 0;
        mpq_clear(q.q);
    }
    mpq_clears(zero, t, (mpq_ptr)NULL);
}

static bool is_finite(const assay_verify_block *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (!(fabs(b->x[i]) < INFINITY))
            return false;
    return true;
}

/* NaN as R gives it. */
static uint64_t nan_scale(assay_verify_blocks *o)
{
    const assay_verify_place nan = { .kind = ASSAY_PLACE_NAN };
    return assay_verify_law(&o->scale, &nan, ASSAY_RNE, ASSAY_OVERFLOW_SAT);
}

void assay_verify_fill_block(assay_verify_blocks *o, uint64_t seed, assay_verify_block *b)
{
    bool finite = is_finite(b);
    b->zero = 0;
    if (finite && o->s->has_zero) {
        fill_affine(o, seed, b);
        return;
    }
    b->scale = finite ? assay_verify_scale_of(o, b) : nan_scale(o);
    double s = finite ? assay_verify_code_real(&o->scale, b->scale) : NAN;
    for (size_t i = 0; i < b->n; i++) {
        uint32_t *bits = b->bits ? &b->bits[i] : NULL;
        b->codes[i] = assay_verify_element(o, b->x[i], s, o->rounding, seed + i, bits);
        b->values[i] = finite ? value_out(o, b->codes[i], s) : NAN;
    }
}

/* ---- making ---- */

static assay_status make_ladder(const assay_format *f, assay_verify_ladder *l,
                                assay_verify_gap *gap)
{
    assay_status status = assay_verify_ladder_make(f, assay_verify_precision(f), l);
    if (status == ASSAY_OK)
        assay_verify_gap_init(l, gap);
    return status;
}

assay_status assay_verify_blocks_make(const assay_scheme *s, assay_rounding rounding,
                                      assay_verify_blocks *o)
{
    *o = (assay_verify_blocks){ .s = s, .rounding = rounding };
    assay_status status = make_ladder(&s->element.format, &o->element, &o->element_gap);
    if (status == ASSAY_OK)
        status = make_ladder(&s->scale.format, &o->scale, &o->scale_gap);
    if (status == ASSAY_OK && s->has_zero)
        status = make_ladder(&s->whole.format, &o->whole, &o->whole_gap);
    mpq_inits(o->max, o->lowest, o->highest, o->tensor, (mpq_ptr)NULL);
    mpfr_inits2(24, o->reciprocal, o->multiplier, (mpfr_ptr)NULL);
    if (status != ASSAY_OK)
        return status;
    const assay_verify_ladder *l = &o->element;
    mpq_set_d(o->lowest, assay_verify_rung_real(l, l->bottom));
    mpq_set_d(o->highest, assay_verify_rung_real(l, l->top));
    mpq_set(o->max, o->highest);
    if (s->rule == ASSAY_SCALE_RANGE && s->element.format.kind == ASSAY_FAMILY_FIXED) {
        mpq_sub(o->max, o->highest, o->lowest);
        mpq_div_2exp(o->max, o->max, 1);
    }
    return ASSAY_OK;
}

static void free_ladder(assay_verify_ladder *l, assay_verify_gap *gap)
{
    if (l->format)
        assay_verify_gap_clear(gap);
    assay_verify_ladder_free(l);
}

void assay_verify_blocks_clear(assay_verify_blocks *o)
{
    free_ladder(&o->element, &o->element_gap);
    free_ladder(&o->scale, &o->scale_gap);
    free_ladder(&o->whole, &o->whole_gap);
    mpq_clears(o->max, o->lowest, o->highest, o->tensor, (mpq_ptr)NULL);
    mpfr_clears(o->reciprocal, o->multiplier, (mpfr_ptr)NULL);
}
#endif
