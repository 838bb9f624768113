/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/constants.h"

#include <math.h>

#include "numerics/bits.h"

enum { ROW_BINARY32 = 1 };

/* Bits of a magnitude that belongs to the source. For binary32 by its codec, not by a cast,
 * which would flush a subnormal under a caller's FTZ. */
static uint64_t bits_of(int fraction, double value)
{
    uint64_t bits = assay_bits64(value) & 0x7fffffffffffffff;
    if (fraction == 23 && !assay_encode_exact(assay_format_row(ROW_BINARY32), fabs(value), &bits))
        bits = 0;
    return bits;
}

/* The largest operand at most half of `bits`, and whether it is the half: in the lowest two
 * binades halving is a shift, above it takes 1 off the exponent field. */
static uint64_t half_of(const assay_constants *c, uint64_t bits, bool *exact)
{
    uint64_t field = bits >> c->fraction;
    *exact = field > 1 || (bits & 1) == 0;
    return field > 1 ? bits - ((uint64_t)1 << c->fraction) : bits >> 1;
}

/* The largest magnitude that rounds to zero. Code 0 is even and the least value's code is 1, so
 * rne takes the tie down and rodd goes up from anything but zero. */
static uint64_t last_to_zero(const assay_constants *c, assay_mode mode, bool negative)
{
    bool exact;
    uint64_t half = half_of(c, c->least, &exact);
    switch (mode) {
    case ASSAY_RNE:
    case ASSAY_RNZ: return half;
    case ASSAY_RNA: return half - exact;
    case ASSAY_RAZ:
    case ASSAY_RODD: return 0;
    case ASSAY_RUP: return negative ? c->least - 1 : 0;
    case ASSAY_RDN: return negative ? 0 : c->least - 1;
    default: return c->least - 1; /* rtz */
    }
}

/* The largest magnitude that does not overflow. Bits of neighbours differ by 2^drop, of a
 * value and the midpoint above it by half of that; binades join without a gap. */
static uint64_t last_in_range(const assay_constants *c, assay_mode mode, bool negative, bool odd)
{
    int drop = c->start - (int)(c->limit >> c->fraction);
    uint64_t unit = (uint64_t)1 << (drop > c->base ? drop : c->base);
    if (unit == 1)
        return c->limit;
    switch (mode) {
    case ASSAY_RNE: return c->limit + unit / 2 - odd;
    case ASSAY_RNA: return c->limit + unit / 2 - 1;
    case ASSAY_RNZ: return c->limit + unit / 2;
    case ASSAY_RAZ: return c->limit;
    case ASSAY_RUP: return negative ? c->limit + unit - 1 : c->limit;
    case ASSAY_RDN: return negative ? c->limit : c->limit + unit - 1;
    case ASSAY_RODD: return odd ? c->limit + unit - 1 : c->limit;
    default: return c->limit + unit - 1; /* rtz */
    }
}

/* In the source's subnormals the exponent field does not say where the top bit is. Formats stay
 * above them, or have the source's own emin, so that one number of bits is dropped everywhere.
 * A format with all of the source's fraction bits is served only if it never drops one. */
bool assay_format_is_direct(const assay_format *f, int fraction)
{
    int lowest = fraction == 23 ? -126 : -1022;
    int least = f->has_subnormals ? f->emin - f->fraction_bits : -f->bias;
    bool uniform = f->has_subnormals && f->emin == lowest;
    if (f->kind != ASSAY_FAMILY_FLOAT || !f->has_zero || !f->fits_binary64)
        return false;
    return f->emax <= 1 - lowest && (uniform ? f->fraction_bits <= fraction
                                             : f->fraction_bits < fraction && least >= lowest);
}

static void set_special(assay_constants *c, const assay_rounder *r, int i)
{
    const assay_format *f = &r->format;
    double over = r->overflow_value[i], infinite = r->infinite_value[i];
    uint64_t last = last_in_range(c, r->mode, i, f->max_code & 1);
    uint64_t none = c->fraction == 23 ? 0x7fffffff : 0x7fffffffffffffff;
    c->zero[i] = last_to_zero(c, r->mode, i);
    c->cap[i] = isfinite(over) ? bits_of(c->fraction, over) : c->inf;
    c->code_cap[i] = isfinite(over) ? f->max_code : f->has_inf ? f->inf_code : f->max_code + 1;
    c->beyond[i] = isinf(over) ? last : isinf(infinite) ? c->inf - 1 : none;
    c->nan_above[i] = isnan(over) ? last : isnan(infinite) ? c->inf - 1 : c->inf;
}

static void set_codes(assay_constants *c, const assay_rounder *r)
{
    const assay_format *f = &r->format;
    int bias = c->fraction == 23 ? 127 : 1023;
    bool varies = f->has_subnormals && f->emin > 1 - bias;
    uint64_t hidden = (uint64_t)1 << c->fraction;
    c->mask = varies ? c->inf : 0;
    c->top = varies ? (uint64_t)(f->emin + bias) << c->fraction : 0;
    c->shift = varies ? hidden : (uint64_t)(f->bias - bias) << c->fraction;
    c->code_start = varies ? c->start : c->base;
    c->code_inf = f->inf_code;
    c->code_nan = r->nan_code;
    c->code_sign = f->sign_bit;
}

/* A sum with 2^(F + unit's exponent) has to be finite and its fraction to hold all of an operand
 * in units; parity is the significand's where it has more than one bit. */
static void set_quick(assay_constants *c, const assay_rounder *r)
{
    const assay_format *f = &r->format;
    int bias = c->fraction == 23 ? 127 : 1023, lowest = 1 - bias;
    bool usual = f->has_subnormals && f->fraction_bits > 0 && c->base > 0;
    c->cut = usual && f->emin == lowest;
    c->added = usual && f->emin > lowest && c->base > 1 && f->emax + c->base <= bias;
    if (r->mode == ASSAY_RNA) /* which adds half of the least unit */
        c->added = c->added && f->emin - f->fraction_bits > lowest;
    c->emin = (uint64_t)(f->emin + bias) << c->fraction;
    c->code_base = c->emin;
    for (int i = 0; i < 2; i++) {
        double over = r->overflow_value[i], infinite = r->infinite_value[i];
        c->last[i] = last_in_range(c, r->mode, i, f->max_code & 1);
        c->over[i] = isfinite(over) ? c->limit : c->inf;
        c->code_over[i] = isfinite(over) ? f->max_code : f->inf_code;
        c->infinite[i] = isfinite(infinite) ? c->limit : c->inf;
        c->code_infinite[i] = isfinite(infinite) ? f->max_code : f->inf_code;
    }
}

static void set_fold(assay_constants *c, const assay_rounder *r)
{
    const assay_format *f = &r->format;
    c->folds = !f->has_negzero;
    c->fold_zero = c->fold_nan = c->zero[1];
    if (f->is_signed)
        return;
    /* P3109 has modes in which finite negatives are 0 and -infinity is NaN. */
    if (!isnan(r->overflow_value[1]))
        c->fold_zero = c->inf - 1;
    if (isnan(r->infinite_value[1]))
        c->fold_nan = c->inf;
    else
        c->fold_zero = c->fold_nan = c->inf;
}

assay_constants assay_constants_from(const assay_rounder *r, int fraction)
{
    const assay_format *f = &r->format;
    assay_constants c = { .direct = assay_format_is_direct(f, fraction) &&
                                    !assay_mode_is_stochastic(r->mode),
                          .fraction = fraction };
    if (!c.direct)
        return c;
    int bias = fraction == 23 ? 127 : 1023;
    c.base = fraction - f->fraction_bits;
    c.start = f->has_subnormals && f->emin > 1 - bias ? c.base + f->emin + bias : 0;
    c.inf = (uint64_t)(2 * bias + 1) << fraction;
    c.least = bits_of(fraction, f->min_positive);
    c.limit = bits_of(fraction, f->max);
    c.min_normal = bits_of(fraction, f->min_normal);
    c.parity = ((c.least >> fraction) - 1) << fraction;
    c.odd = c.base > 0;
    for (int i = 0; i < 2; i++)
        set_special(&c, r, i);
    set_codes(&c, r);
    set_quick(&c, r);
    set_fold(&c, r);
    c.nan = bits_of(fraction, r->nan_value) |
            assay_bits64(r->nan_value) >> 63 << (fraction == 23 ? 31 : 63);
    return c;
}

bool assay_format_fits_f32(const assay_format *f)
{
    if (f->kind != ASSAY_FAMILY_FLOAT)
        return f->p <= 24 && f->emax <= 127 && f->emin - f->p + 1 >= -149;
    int least = f->has_subnormals ? f->emin - f->fraction_bits : -f->bias - f->fraction_bits;
    return f->fraction_bits <= 23 && f->emax <= 127 && least >= -149;
}

assay_rounder assay_binary32_rounder(void)
{
    assay_rounder r;
    if (assay_rounder_make(assay_format_row(ROW_BINARY32), ASSAY_RNE, ASSAY_OVERFLOW_SPEC,
                           ASSAY_NAN_RULE_DEFAULT, &r) != ASSAY_OK)
        __builtin_unreachable(); /* the row has infinity and NaN */
    return r;
}
