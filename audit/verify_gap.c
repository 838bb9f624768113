/* SPDX-License-Identifier: Apache-2.0 */
/* Neighbours on the way from zero outward: their codes, and where ties between them lie. */
#if ASSAY_HAVE_MPFR
#include "audit/verify_parts.h"

void assay_verify_gap_init(const assay_verify_ladder *l, assay_verify_gap *gap)
{
    *gap = (assay_verify_gap){ 0 };
    mpfr_inits2(l->precision, gap->near, gap->tie, gap->far, (mpfr_ptr)NULL);
}

void assay_verify_gap_clear(assay_verify_gap *gap)
{
    mpfr_clears(gap->near, gap->tie, gap->far, (mpfr_ptr)NULL);
}

int64_t assay_verify_gaps(const assay_verify_ladder *l, bool negative)
{
    if (!negative)
        return l->top - l->at_most_zero + 1;
    return l->at_least_zero - l->bottom + 1;
}

/* The magnitude behind the last one if exponents had no end; false for families where there is
 * none (posits and takums saturate, lists end). */
static bool beyond(const assay_verify_ladder *l, bool negative, mpfr_ptr v)
{
    const assay_format *f = l->format;
    uint64_t last = assay_verify_rung_code(l, negative ? l->bottom : l->top);
    if (negative && !f->is_signed && f->kind != ASSAY_FAMILY_CODEBOOK && l->has_zero) {
        assay_verify_rung(l, l->at_most_zero + 1, v); /* the mirrored least value */
        return true;
    }
    switch (f->kind) {
    case ASSAY_FAMILY_FLOAT:
        last &= ~(negative ? (uint64_t)1 << (f->bits - 1) : 0);
        assay_verify_float_magnitude(f, last + 1, v);
        return true;
    case ASSAY_FAMILY_FIXED: {
        mpfr_t step;
        mpfr_init2(step, l->precision);
        mpfr_set_ui_2exp(step, (unsigned long)f->step, -f->scale, MPFR_RNDN);
        assay_verify_rung(l, negative ? l->bottom : l->top, v);
        mpfr_abs(v, v, MPFR_RNDN);
        mpfr_add(v, v, step, MPFR_RNDN);
        mpfr_clear(step);
        return true;
    }
    case ASSAY_FAMILY_LOG:
        assay_verify_log_magnitude(f, assay_verify_log_highest(f) + 1, v);
        return true;
    case ASSAY_FAMILY_HIFLOAT: /* one fraction bit, as the binade of max has */
        mpfr_set_d(v, 0x1.8p+15, MPFR_RNDN);
        return true;
    default: return false;
    }
}

/* Posits and takums: the value of the code of one bit more. Others: the mean. */
static void set_tie(const assay_verify_ladder *l, int64_t lower, bool negative, mpfr_ptr tie,
                    mpfr_srcptr near, mpfr_srcptr far)
{
    const assay_format *f = l->format;
    if (f->law != ASSAY_LAW_SATURATE || f->kind == ASSAY_FAMILY_CODEBOOK) {
        mpfr_add(tie, near, far, MPFR_RNDN);
        mpfr_div_2ui(tie, tie, 1, MPFR_RNDN);
        return;
    }
    uint64_t mask = ((uint64_t)2 << f->bits) - 1;
    uint64_t code = assay_verify_rung_code(l, lower) << 1 | 1;
    if (f->kind == ASSAY_FAMILY_POSIT)
        assay_verify_posit(f->bits + 1, f->scale, code & mask, tie);
    else
        assay_verify_takum(f->bits + 1, f->is_log, code & mask, tie);
    if (negative)
        mpfr_neg(tie, tie, MPFR_RNDN);
}

/* Below the least of values that are all positive. */
static void fill_bottom(const assay_verify_ladder *l, bool negative, assay_verify_gap *gap)
{
    gap->place.away = assay_verify_rung_code(l, l->bottom);
    gap->place.bottom = l->format->kind == ASSAY_FAMILY_CODEBOOK;
    assay_verify_rung(l, l->bottom, gap->far);
    mpfr_set_zero(gap->near, 1);
    gap->shape = negative ? ASSAY_GAP_NOTHING : ASSAY_GAP_UNDERFLOW;
}

void assay_verify_gap_fill(const assay_verify_ladder *l, bool negative, int64_t k,
                           assay_verify_gap *gap)
{
    int64_t toward = negative ? l->at_least_zero - k : l->at_most_zero + k;
    int64_t away = negative ? toward - 1 : toward + 1;
    gap->place = (assay_verify_place){ .kind = ASSAY_PLACE_BETWEEN, .negative = negative };
    gap->shape = ASSAY_GAP_BOTH;
    if (toward < l->bottom || (negative && away < l->bottom && !l->has_zero && k == 0)) {
        fill_bottom(l, negative, gap);
        return;
    }
    gap->place.toward = assay_verify_rung_code(l, toward);
    assay_verify_rung(l, toward, gap->near);
    gap->place.from_zero = mpfr_zero_p(gap->near);
    if (negative)
        mpfr_neg(gap->near, gap->near, MPFR_RNDN);
    gap->place.over = away < l->bottom || away > l->top;
    if (gap->place.over) {
        gap->shape = beyond(l, negative, gap->far) ? ASSAY_GAP_BOTH : ASSAY_GAP_LAST;
    } else {
        gap->place.away = assay_verify_rung_code(l, away);
        assay_verify_rung(l, away, gap->far);
        if (negative)
            mpfr_neg(gap->far, gap->far, MPFR_RNDN);
    }
    if (gap->shape == ASSAY_GAP_BOTH)
        set_tie(l, negative ? away : toward, negative, gap->tie, gap->near, gap->far);
}
#endif
