/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

static uint64_t low_ones(int n)
{
    uint64_t ones = 0;
    while (n-- > 0)
        ones = ones * 2 + 1;
    return ones;
}

static uint64_t all_ones(const assay_format *f)
{
    return low_ones(f->exponent_bits + f->fraction_bits);
}

static uint64_t sign_of(const assay_format *f)
{
    return f->is_signed ? all_ones(f) + 1 : 0;
}

oracle_kind oracle_classify(const assay_format *f, uint64_t code)
{
    uint64_t magnitude = code & all_ones(f), fraction = magnitude & low_ones(f->fraction_bits);
    bool negative = (code & sign_of(f)) != 0;
    bool top_field = magnitude >> f->fraction_bits == low_ones(f->exponent_bits);
    switch (f->nan) {
    case ASSAY_NAN_IEEE:
        if (top_field)
            return f->has_inf && fraction == 0 ? ORACLE_CODE_INF : ORACLE_CODE_NAN;
        return ORACLE_CODE_FINITE;
    case ASSAY_NAN_ONES:
        if (magnitude == all_ones(f))
            return ORACLE_CODE_NAN;
        return f->has_inf && magnitude + 1 == all_ones(f) ? ORACLE_CODE_INF : ORACLE_CODE_FINITE;
    case ASSAY_NAN_NEGZERO:
        if (negative && magnitude == 0)
            return ORACLE_CODE_NAN;
        break;
    default: break;
    }
    return f->has_inf && magnitude == all_ones(f) ? ORACLE_CODE_INF : ORACLE_CODE_FINITE;
}

uint64_t oracle_max(const assay_format *f)
{
    uint64_t code = all_ones(f);
    if (f->nan == ASSAY_NAN_IEEE) /* every fraction of the top field is special */
        code -= low_ones(f->fraction_bits);
    while (oracle_classify(f, code) != ORACLE_CODE_FINITE)
        code--;
    return code;
}

static uint64_t find_code(const assay_format *f, oracle_kind kind)
{
    if (kind == ORACLE_CODE_INF)
        return oracle_max(f) + 1;
    /* Canonical: sign 0, exponent all ones and top fraction bit set where fractions vary. */
    if (f->nan == ASSAY_NAN_IEEE)
        return low_ones(f->exponent_bits) << f->fraction_bits |
               (f->fraction_bits > 0 ? (uint64_t)1 << (f->fraction_bits - 1) : 0);
    return f->nan == ASSAY_NAN_ONES ? all_ones(f) : sign_of(f);
}

/* (-1)^0 (m / 2^M) 2^(1 - bias) for e = 0 with subnormals, (1 + m / 2^M) 2^(e - bias) else. */
void oracle_value(const assay_format *f, uint64_t magnitude, mpfr_ptr x)
{
    uint64_t field = magnitude >> f->fraction_bits;
    uint64_t fraction = magnitude & low_ones(f->fraction_bits);
    mpfr_set_ui(x, fraction, MPFR_RNDN);
    mpfr_div_2si(x, x, f->fraction_bits, MPFR_RNDN);
    bool normal = field > 0 || (!f->has_subnormals && fraction > 0);
    if (normal)
        mpfr_add_ui(x, x, 1, MPFR_RNDN);
    mpfr_mul_2si(x, x, (f->has_subnormals && field == 0 ? 1 : (long)field) - f->bias, MPFR_RNDN);
}

/* Nothing lies between zero and code 1 where there are no subnormals. */
static bool locate_low(const assay_format *f, mpfr_srcptr magnitude, oracle_place *place)
{
    mpfr_t least;
    mpfr_init2(least, 64);
    oracle_value(f, 1, least);
    bool low = mpfr_cmp(magnitude, least) < 0;
    if (low) {
        mpfr_div_2ui(least, least, 1, MPFR_RNDN);
        int side = mpfr_cmp(magnitude, least);
        place->tail = (side > 0) - (side < 0);
        place->inexact = true;
        place->below = 0;
    }
    mpfr_clear(least);
    return low;
}

static void locate_magnitude(const assay_format *f, mpfr_srcptr magnitude, oracle_place *place)
{
    long e = mpfr_get_exp(magnitude) - 1, lowest = f->has_subnormals ? 1 - f->bias : -f->bias;
    if (e < lowest)
        e = lowest;
    mpfr_t units, whole;
    mpfr_init2(units, mpfr_get_prec(magnitude));
    mpfr_init2(whole, mpfr_get_prec(magnitude));
    mpfr_mul_2si(units, magnitude, f->fraction_bits - e, MPFR_RNDN);
    mpfr_trunc(whole, units);
    uint64_t n = mpfr_get_ui(whole, MPFR_RNDN); /* below 2^(M+1) */
    mpfr_sub(units, units, whole, MPFR_RNDN);   /* exact: bits of units */
    int side = mpfr_cmp_d(units, 0.5);
    place->tail = (side > 0) - (side < 0);
    place->inexact = !mpfr_zero_p(units);
    uint64_t one = (uint64_t)1 << f->fraction_bits;
    if (n >= one)
        n = (n - one) | (uint64_t)(e + f->bias) << f->fraction_bits;
    place->below = e + f->bias > 4096 ? ~(uint64_t)0 - 1 : n;
    mpfr_clears(units, whole, (mpfr_ptr)NULL);
}

oracle_place oracle_locate(const assay_format *f, mpfr_srcptr x)
{
    oracle_place place = { .kind = ORACLE_REAL, .negative = mpfr_signbit(x) };
    if (mpfr_nan_p(x))
        place.kind = ORACLE_NAN;
    else if (mpfr_inf_p(x))
        place.kind = ORACLE_INF;
    if (place.kind != ORACLE_REAL || mpfr_zero_p(x))
        return place;
    mpfr_t magnitude;
    mpfr_init2(magnitude, mpfr_get_prec(x));
    mpfr_abs(magnitude, x, MPFR_RNDN);
    if (f->has_subnormals || !locate_low(f, magnitude, &place))
        locate_magnitude(f, magnitude, &place);
    mpfr_clear(magnitude);
    return place;
}

/* The table of modes: "up" is the neighbour of larger magnitude; parity is the code's. */
static bool moves_up(const oracle_place *p, assay_mode mode)
{
    bool odd = p->below % 2 == 1;
    if (!p->inexact)
        return false;
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

static uint64_t with_sign(const assay_format *f, bool negative, uint64_t magnitude)
{
    bool minus = negative && f->is_signed;
    return magnitude + (minus ? sign_of(f) : 0);
}

static uint64_t nan_result(const assay_format *f, assay_nan_rule rule)
{
    if (f->nan != ASSAY_NAN_NONE)
        return find_code(f, ORACLE_CODE_NAN);
    switch (rule) {
    case ASSAY_NAN_RULE_ZERO: return 0;
    case ASSAY_NAN_RULE_NEGZERO: return sign_of(f);
    default: return oracle_max(f);
    }
}

/* +-Inf, NaN where there is no Inf, +-max where there is neither. */
static uint64_t overflow_value(const assay_format *f, bool negative)
{
    if (f->has_inf)
        return with_sign(f, negative, find_code(f, ORACLE_CODE_INF));
    if (f->nan != ASSAY_NAN_NONE)
        return find_code(f, ORACLE_CODE_NAN);
    return with_sign(f, negative, oracle_max(f));
}

static uint64_t overflowed(const assay_format *f, const oracle_place *p, assay_mode mode,
                           assay_overflow policy)
{
    bool finite = p->kind == ORACLE_REAL;
    uint64_t max = with_sign(f, p->negative, oracle_max(f));
    bool inward = mode == ASSAY_RTZ || mode == ASSAY_RODD || (mode == ASSAY_RUP && p->negative) ||
                  (mode == ASSAY_RDN && !p->negative);
    switch (policy) {
    case ASSAY_OVERFLOW_SAT: return max;
    case ASSAY_OVERFLOW_INF: return with_sign(f, p->negative, find_code(f, ORACLE_CODE_INF));
    case ASSAY_OVERFLOW_NAN: return find_code(f, ORACLE_CODE_NAN);
    case ASSAY_OVERFLOW_PROPAGATE: return finite ? max : overflow_value(f, p->negative);
    default: return finite && inward ? max : overflow_value(f, p->negative);
    }
}

uint64_t oracle_code(const assay_format *f, const oracle_place *p, assay_mode mode,
                     assay_overflow policy, assay_nan_rule rule)
{
    if (p->kind == ORACLE_NAN)
        return nan_result(f, rule);
    uint64_t magnitude = p->below + moves_up(p, mode);
    bool zero = p->kind == ORACLE_REAL && magnitude == 0;
    if (zero)
        return p->negative && f->is_signed && f->has_negzero ? sign_of(f) : 0;
    if (p->negative && !f->is_signed)
        return policy == ASSAY_OVERFLOW_SAT || f->nan == ASSAY_NAN_NONE
                   ? 0
                   : find_code(f, ORACLE_CODE_NAN);
    if (p->kind == ORACLE_INF || magnitude > oracle_max(f))
        return overflowed(f, p, mode, policy);
    return with_sign(f, p->negative, magnitude);
}

bool oracle_applies(const assay_format *f, assay_overflow policy, assay_nan_rule rule)
{
    bool none = f->nan == ASSAY_NAN_NONE;
    if (none && rule == ASSAY_NAN_RULE_NEGZERO && !(f->is_signed && f->has_negzero))
        return false;
    return !(policy == ASSAY_OVERFLOW_INF && !f->has_inf) &&
           !(policy == ASSAY_OVERFLOW_NAN && none);
}
