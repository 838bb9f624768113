/* SPDX-License-Identifier: Apache-2.0 */
/* Where any number lies among the values of a format. */
#if ASSAY_HAVE_MPFR
#include "audit/verify_operation.h"

/* Numbers that are known to 2^-2040 are equal if they differ by less than 2^-CLOSE of them. */
enum { CLOSE = 1900 };

/* The number in the direction of the side it is on, and room for a rung. */
typedef struct search {
    const assay_verify_ladder *l;
    mpfr_srcptr v; /* >= 0, in the direction of the side */
    bool negative, approximate;
    mpfr_t rung;
} search;

static int compare(search *s, mpfr_srcptr value)
{
    int order = mpfr_cmp(s->v, value);
    if (order == 0 || !s->approximate || !mpfr_regular_p(value))
        return order;
    mpfr_t d;
    mpfr_init2(d, 64);
    mpfr_sub(d, s->v, value, MPFR_RNDN);
    /* What exceeds MPFR's range was cut off at its end, and rounds beyond it again here. */
    bool close =
        mpfr_zero_p(d) || (mpfr_regular_p(d) && mpfr_get_exp(d) < mpfr_get_exp(value) - CLOSE);
    mpfr_clear(d);
    return close ? 0 : order;
}

/* v against the k-th value of the side; the 0th may be missing, and is then below. */
static int against(search *s, int64_t k)
{
    int64_t rung = s->negative ? s->l->at_least_zero - k : s->l->at_most_zero + k;
    if (rung < s->l->bottom || rung > s->l->top)
        return 1;
    assay_verify_rung(s->l, rung, s->rung);
    if (s->negative)
        mpfr_neg(s->rung, s->rung, MPFR_RNDN);
    return compare(s, s->rung);
}

/* Binary floats of the usual kind number their values by exponent and fraction. */
static int64_t guess(const search *s)
{
    const assay_format *f = s->l->format;
    if (f->kind != ASSAY_FAMILY_FLOAT || !mpfr_regular_p(s->v))
        return 0;
    long field = mpfr_get_exp(s->v) - 1 + f->bias, least = field > 1 ? field : 1;
    if (field >= 1L << f->exponent_bits)
        return assay_verify_gaps(s->l, s->negative) - 1;
    mpfr_t t;
    mpfr_init2(t, mpfr_get_prec(s->v));
    mpfr_mul_2si(t, s->v, f->fraction_bits + f->bias - least, MPFR_RNDN);
    int64_t n = (int64_t)mpfr_get_si(t, MPFR_RNDZ);
    mpfr_clear(t);
    return n + ((least - 1) << f->fraction_bits);
}

/* The last gap that does not begin behind v. */
static int64_t find(search *s)
{
    int64_t below = 0, above = assay_verify_gaps(s->l, s->negative),
            k = s->l->values ? 0 : guess(s);
    if (k > 0 && k < above && against(s, k) >= 0) {
        below = k;
        if (k + 1 < above && against(s, k + 1) < 0)
            return k;
    }
    while (above - below > 1) {
        int64_t middle = below + (above - below) / 2;
        if (against(s, middle) >= 0)
            below = middle;
        else
            above = middle;
    }
    return below;
}

/* Where all values are positive: zero and negatives have no place, and what is below the least one
 * becomes that, unless a list says nothing of the kind. */
static void below_all(assay_verify_place *p, bool zero)
{
    p->toward = p->away;
    p->kind = ASSAY_PLACE_BEYOND;
    if (p->bottom || p->negative)
        return;
    if (zero)
        p->negative = true;
    else
        p->kind = ASSAY_PLACE_VALUE;
}

static void place_in(search *s, const assay_verify_gap *gap, bool zero, assay_verify_place *p)
{
    *p = gap->place;
    if (gap->shape == ASSAY_GAP_UNDERFLOW || gap->shape == ASSAY_GAP_NOTHING) {
        below_all(p, zero);
        return;
    }
    if (compare(s, gap->near) == 0)
        p->kind = ASSAY_PLACE_VALUE;
    else if (gap->shape == ASSAY_GAP_LAST || (p->over && compare(s, gap->far) >= 0))
        p->kind = ASSAY_PLACE_BEYOND;
    else
        p->tail = compare(s, gap->tie);
}

void assay_verify_zero(const assay_verify_ladder *l, bool negative, assay_verify_gap *gap,
                       assay_verify_place *out)
{
    bool own = negative && l->has_negzero;
    *out = (assay_verify_place){ .kind = ASSAY_PLACE_VALUE,
                                 .negative = negative,
                                 .from_zero = true,
                                 .toward = own ? l->negzero : l->zero };
    if (l->has_zero)
        return;
    mpfr_t zero;
    mpfr_init2(zero, MPFR_PREC_MIN);
    mpfr_set_zero(zero, 1);
    search s = { .l = l, .v = zero };
    assay_verify_gap_fill(l, false, 0, gap);
    place_in(&s, gap, true, out);
    mpfr_clear(zero);
}

void assay_verify_place_of(const assay_verify_ladder *l, mpfr_srcptr v, bool approximate,
                           assay_verify_gap *gap, assay_verify_place *out)
{
    bool negative = mpfr_signbit(v) != 0;
    *out = (assay_verify_place){ .kind = ASSAY_PLACE_NAN };
    if (mpfr_nan_p(v))
        return;
    if (mpfr_zero_p(v)) {
        assay_verify_zero(l, negative, gap, out);
        return;
    }
    if (mpfr_inf_p(v)) {
        assay_verify_gap_fill(l, negative, assay_verify_gaps(l, negative) - 1, gap);
        *out = gap->place;
        out->kind = ASSAY_PLACE_INFINITE;
        return;
    }
    mpfr_t size;
    mpfr_init2(size, mpfr_get_prec(v));
    mpfr_abs(size, v, MPFR_RNDN);
    search s = { .l = l, .v = size, .negative = negative, .approximate = approximate };
    mpfr_init2(s.rung, l->precision);
    assay_verify_gap_fill(l, negative, find(&s), gap);
    place_in(&s, gap, false, out);
    mpfr_clears(s.rung, size, (mpfr_ptr)NULL);
}
#endif
