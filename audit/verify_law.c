/* SPDX-License-Identifier: Apache-2.0 */
/* What an operand becomes, given where it lies: the contract's paragraphs on modes, overflow and
 * NaN, word for word; P3109's from its report. */
#if ASSAY_HAVE_MPFR
#include "audit/verify_parts.h"

bool assay_verify_applies(const assay_format *f, assay_overflow policy)
{
    return !(policy == ASSAY_OVERFLOW_INF && !f->has_inf) &&
           !(policy == ASSAY_OVERFLOW_NAN && f->nan == ASSAY_NAN_NONE);
}

/* "up" is away from zero; parity is the code's. */
static bool moves_up(const assay_verify_place *p, assay_mode mode)
{
    bool odd = p->toward % 2 == 1;
    switch (mode) {
    case ASSAY_RNE: return p->tail > 0 || (p->tail == 0 && odd);
    case ASSAY_RNA: return p->tail >= 0;
    case ASSAY_RNZ: return p->tail > 0;
    case ASSAY_RTZ: return false;
    case ASSAY_RAZ: return true;
    case ASSAY_RUP: return !p->negative;
    case ASSAY_RDN: return p->negative;
    default: return !odd;
    }
}

static uint64_t ones(int n)
{
    return ((uint64_t)1 << n) - 1;
}

/* Sign 0, exponent all ones and top fraction bit set; families with one NaN have that one. */
static uint64_t canonical_nan(const assay_format *f)
{
    uint64_t top = (uint64_t)1 << (f->bits - 1);
    switch (f->kind) {
    case ASSAY_FAMILY_FLOAT:
        if (f->law == ASSAY_LAW_P3109)
            return f->is_signed ? top : ones(f->bits);
        if (f->nan == ASSAY_NAN_IEEE)
            return (ones(f->exponent_bits) << f->fraction_bits) |
                   (f->fraction_bits > 0 ? (uint64_t)1 << (f->fraction_bits - 1) : 0);
        return f->nan == ASSAY_NAN_ONES ? ones(f->exponent_bits + f->fraction_bits) : top;
    case ASSAY_FAMILY_LOG: return top | top >> 1;
    default: return top; /* NaR, and HiFloat8's 0x80 */
    }
}

static uint64_t largest(const assay_verify_ladder *l, bool negative)
{
    return assay_verify_rung_code(l, negative ? l->bottom : l->top);
}

static uint64_t infinity(const assay_verify_ladder *l, bool negative)
{
    const assay_format *f = l->format;
    uint64_t sign = negative ? (uint64_t)1 << (f->bits - 1) : 0, code;
    if (f->kind == ASSAY_FAMILY_HIFLOAT)
        code = 0x6f;
    else if (f->law == ASSAY_LAW_P3109)
        code = f->is_signed ? ones(f->bits - 1) : ones(f->bits) - 1;
    else if (f->nan == ASSAY_NAN_IEEE)
        code = ones(f->exponent_bits) << f->fraction_bits;
    else
        code = ones(f->exponent_bits + f->fraction_bits) - (f->nan == ASSAY_NAN_ONES);
    return code | sign;
}

/* Without NaN: max for FP4 and FP6 (and what is written like them), else zero, or the value
 * nearest to it. Powers of 2 and of sqrt 2 are not spoken of: as their row says. */
static uint64_t nan_result(const assay_verify_ladder *l)
{
    const assay_format *f = l->format;
    if (f->nan != ASSAY_NAN_NONE)
        return canonical_nan(f);
    bool max = f->kind == ASSAY_FAMILY_FLOAT ||
               (f->kind == ASSAY_FAMILY_LOG && f->nan_rule == ASSAY_NAN_RULE_MAX);
    if (max)
        return largest(l, false);
    if (l->has_zero)
        return l->zero;
    assay_verify_gap gap;
    assay_verify_gap_init(l, &gap);
    assay_verify_gap_fill(l, false, 0, &gap);
    uint64_t code = gap.place.away;
    if (gap.shape == ASSAY_GAP_BOTH) {
        gap.place.tail = -mpfr_sgn(gap.tie);
        code = moves_up(&gap.place, ASSAY_RNE) ? gap.place.away : gap.place.toward;
    }
    assay_verify_gap_clear(&gap);
    return code;
}

/* +-Inf, NaN where there is no Inf, +-max where there is neither. */
static uint64_t overflow_value(const assay_verify_ladder *l, bool negative)
{
    const assay_format *f = l->format;
    if (f->has_inf)
        return infinity(l, negative);
    bool clamps = f->law == ASSAY_LAW_P3109; /* a finite format clamps */
    return f->nan != ASSAY_NAN_NONE && !clamps ? canonical_nan(f) : largest(l, negative);
}

/* Unsigned, and the result is not zero: NaN, or zero under sat and where there is no NaN; P3109
 * clamps, and under SatNone a finite number is zero towards zero and upwards. */
static uint64_t below_unsigned(const assay_verify_ladder *l, assay_mode mode, assay_overflow policy,
                               bool finite)
{
    const assay_format *f = l->format;
    uint64_t least = largest(l, true);
    if (f->nan == ASSAY_NAN_NONE || policy == ASSAY_OVERFLOW_SAT)
        return least;
    if (f->law == ASSAY_LAW_P3109 &&
        (policy == ASSAY_OVERFLOW_PROPAGATE ||
         (policy == ASSAY_OVERFLOW_SPEC && finite && (mode == ASSAY_RTZ || mode == ASSAY_RUP))))
        return least;
    return canonical_nan(f);
}

/* Modes that give max for a finite number beyond it. P3109's ToOdd does so where max is odd. */
static bool inward(const assay_format *f, assay_mode mode, bool negative)
{
    if (mode == ASSAY_RODD)
        return f->law != ASSAY_LAW_P3109 || !f->is_signed;
    return mode == ASSAY_RTZ || (mode == ASSAY_RUP && negative) || (mode == ASSAY_RDN && !negative);
}

static uint64_t overflowed(const assay_verify_ladder *l, const assay_verify_place *p,
                           assay_mode mode, assay_overflow policy)
{
    const assay_format *f = l->format;
    bool finite = p->kind != ASSAY_PLACE_INFINITE;
    if (p->bottom)
        return largest(l, true);
    if (p->negative && !f->is_signed)
        return below_unsigned(l, mode, policy, finite);
    uint64_t max = largest(l, p->negative);
    switch (policy) {
    case ASSAY_OVERFLOW_SAT: return max;
    case ASSAY_OVERFLOW_INF: return infinity(l, p->negative);
    case ASSAY_OVERFLOW_NAN: return canonical_nan(f);
    case ASSAY_OVERFLOW_PROPAGATE: return finite ? max : overflow_value(l, p->negative);
    default: break;
    }
    bool stays = finite && (f->law == ASSAY_LAW_SATURATE || inward(f, mode, p->negative));
    return stays ? max : overflow_value(l, p->negative);
}

uint64_t assay_verify_law_up(const assay_verify_ladder *l, const assay_verify_place *p,
                             assay_mode mode, assay_overflow policy, bool up)
{
    if (up || (l->format->law == ASSAY_LAW_SATURATE && p->from_zero)) /* never to zero */
        return p->over ? overflowed(l, p, mode, policy) : p->away;
    return p->from_zero && p->negative && l->has_negzero ? l->negzero : p->toward;
}

bool assay_verify_law_brief(const assay_verify_ladder *l, const assay_verify_place *p,
                            assay_verify_brief *out)
{
    if (p->kind != ASSAY_PLACE_BETWEEN || p->over)
        return false;
    out->modes = 0;
    for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++)
        out->modes |= (unsigned)moves_up(p, (assay_mode)mode) << mode;
    out->low = assay_verify_law_up(l, p, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, false);
    out->high = assay_verify_law_up(l, p, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, true);
    return true;
}

uint64_t assay_verify_law(const assay_verify_ladder *l, const assay_verify_place *p,
                          assay_mode mode, assay_overflow policy)
{
    switch (p->kind) {
    case ASSAY_PLACE_NAN: return nan_result(l);
    case ASSAY_PLACE_VALUE: return p->toward;
    case ASSAY_PLACE_BETWEEN: return assay_verify_law_up(l, p, mode, policy, moves_up(p, mode));
    default: return overflowed(l, p, mode, policy);
    }
}
#endif
