/* SPDX-License-Identifier: Apache-2.0 */
/* Which quick loop serves a stochastic mode of a format, and the constants that its loops take. */
#include "rounding/array.h"
#include "rounding/array_random.h"
#include "rounding/constants.h"

static assay_dice dice_of(const assay_rounder *r)
{
    if (r->mode == ASSAY_SREQ)
        return ASSAY_DICE_COIN;
    bool floor = (r->mode == ASSAY_SRA && r->random_bits <= 31) ||
                 (r->mode == ASSAY_SRB && r->random_bits <= 30);
    return floor ? ASSAY_DICE_FLOOR : ASSAY_DICE_TIES;
}

/* Proofs 9, 10, 13 and 14 have the conditions. */
static assay_quick quick_of(const assay_rounder *r, const assay_random_constants *c, int fraction)
{
    const assay_format *f = &r->format;
    const int bias = fraction == 23 ? 127 : 1023, emin = f->emin + bias, m = f->fraction_bits;
    if (!f->has_subnormals || !f->is_signed)
        return ASSAY_QUICK_NONE;
    if (f->emin == 1 - bias)
        return c->base <= 32 || c->dice != ASSAY_DICE_TIES ? ASSAY_QUICK_CUT : ASSAY_QUICK_NONE;
    if (!ASSAY_HAS_ENVIRONMENT)
        return ASSAY_QUICK_NONE;
    bool sums = c->base > 3 && f->emax + c->base < bias;
    if (r->mode == ASSAY_SRA && sums && r->random_bits <= 24 && emin > m + r->random_bits)
        return ASSAY_QUICK_PLUS;
    if (r->mode == ASSAY_SR && fraction == 23 && sums && m <= 20 && emin > m + 31)
        return ASSAY_QUICK_MINUS;
    int whole_bits = fraction == 23 ? 24 : 31;
    return f->p < whole_bits && f->emax < bias && f->emax - m + 1 < bias ? ASSAY_QUICK_SCALED
                                                                         : ASSAY_QUICK_NONE;
}

/* What overflow and infinity become: the largest value, infinity or NaN. */
static uint64_t value_bits(const assay_random_constants *c, double value, uint64_t sign)
{
    if (value != value)
        return c->inf | c->inf >> 1;
    return (value - value == 0 ? c->limit : c->inf) | sign;
}

/* The largest bits in the unit above the largest value. */
static uint64_t last_in_unit(const assay_constants *d)
{
    int drop = d->start - (int)(d->limit >> d->fraction);
    return d->limit + ((uint64_t)1 << (drop > d->base ? drop : d->base)) - 1;
}

assay_random_constants assay_random_constants_from(const assay_rounder *r, int fraction)
{
    const assay_format *f = &r->format;
    assay_rounder nearest = *r;
    nearest.mode = ASSAY_RNE;
    const assay_constants d = assay_constants_from(&nearest, fraction);
    assay_random_constants c = { .direct = d.direct };
    if (!c.direct)
        return c;
    uint64_t bias = fraction == 23 ? 127 : 1023, sign = fraction == 23 ? 1u << 31 : 1ull << 63;
    c.drops = d.base > 0;
    c.is_signed = f->is_signed;
    c.dice = dice_of(r);
    c.start = d.start;
    c.base = d.base;
    c.inf = d.inf;
    c.emin = f->has_subnormals ? ((uint64_t)f->emin + bias) << fraction : 0;
    c.code_base = (bias + 1 - (uint64_t)f->bias) << fraction;
    c.scale = (2 * bias + (uint64_t)f->fraction_bits) << fraction;
    c.unit = (uint64_t)f->fraction_bits << fraction;
    c.limit = d.limit;
    c.ask_to = f->has_subnormals ? 0 : d.least - 1;
    c.zero_sign = f->has_negzero ? sign : 0;
    c.code_sign = f->sign_bit;
    c.code_zero_sign = f->has_negzero ? f->sign_bit : 0;
    c.max_code = f->max_code;
    c.nan = r->nan_code;
    for (int i = 0; i < 2; i++) {
        c.overflow[i] = r->overflow_code[i];
        c.infinite[i] = r->infinite_code[i];
        c.overflow_bits[i] = value_bits(&c, r->overflow_value[i], i ? sign : 0);
        c.infinite_bits[i] = value_bits(&c, r->infinite_value[i], i ? sign : 0);
    }
    c.nan_bits = d.nan;
    c.beyond = last_in_unit(&d) + 1;
    c.quick = quick_of(r, &c, fraction);
    bool minus = c.quick == ASSAY_QUICK_MINUS;
    uint64_t finer = (uint64_t)f->fraction_bits + (minus ? 31 : (uint64_t)r->random_bits);
    c.step = finer << fraction;
    /* The last bit of 2^F units, or of 3/2 times as much where negative sums occur. */
    c.magic = ((uint64_t)c.base << fraction) + (minus ? (uint64_t)1 << (fraction - 1) : 0);
    return c;
}
