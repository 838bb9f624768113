/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/round.h"

#include "numerics/bits.h"
#include "numerics/philox.h"
#include "rounding/draws.h"
#include "rounding/ladder.h"

/* Whether the magnitude goes up, given the code below it and where x lies between the two:
 * tail < 0 below the midpoint, 0 on it, > 0 above; x is not exactly the code below. */
static bool goes_up(assay_mode mode, bool odd, bool negative, int tail)
{
    switch (mode) {
    case ASSAY_RNE: return tail > 0 || (tail == 0 && odd);
    case ASSAY_RNA: return tail >= 0;
    case ASSAY_RNZ: return tail > 0;
    case ASSAY_RTZ: return false;
    case ASSAY_RAZ: return true;
    case ASSAY_RUP: return !negative;
    case ASSAY_RDN: return negative;
    case ASSAY_RODD: return !odd;
    default: return false;
    }
}

/* Where a magnitude lies: after the code `below`, at fraction / unit of the way to the next. */
typedef struct place {
    uint64_t below;
    bool inexact;
    int tail; /* as goes_up has it */
    assay_exact fraction, unit;
} place;

/* What the random modes need besides: the generator, and the element. */
typedef struct draw {
    const assay_random *random;
    uint64_t index;
} draw;

/* nu = fraction / unit. Between roots of 2, which are known to some 230 bits, sums of roots can lie
 * at dyadic positions, half of the way above all; nu then has 64 bits at most within reach of any
 * draw, and what differs from that by less than 2^-192 is taken for it. Ends of the gap are not
 * meant: what is near to them is a tiny term's doing. */
static assay_expansion position(const assay_format *f, assay_exact fraction, assay_exact unit)
{
    assay_expansion nu = assay_expansion_of(fraction, unit), ahead = nu;
    if (f->kind != ASSAY_FAMILY_LOG || f->scale < 2)
        return nu;
    uint64_t head = (uint64_t)assay_expansion_next(&ahead) << 32;
    head |= assay_expansion_next(&ahead);
    uint32_t all = UINT32_MAX, any = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t word = assay_expansion_next(&ahead);
        all &= word;
        any |= word;
    }
    head += all == UINT32_MAX;
    if (head == 0 || (any != 0 && all != UINT32_MAX))
        return nu;
    return assay_expansion_of(assay_exact_from_ratio(false, head, 1, -64), assay_exact_from(1));
}

static bool goes_up_randomly(const assay_rounder *r, const draw *d, assay_exact fraction,
                             assay_exact unit)
{
    uint32_t bits = assay_random_draw(r, d->random, d->index);
    int n = r->random_bits;
    if (r->mode == ASSAY_SREQ)
        return !(bits >> 31);
    assay_expansion nu = position(&r->format, fraction, unit);
    if (r->mode == ASSAY_SR) {
        uint32_t word = assay_expansion_next(&nu);
        for (uint32_t j = 1; word == bits && !assay_expansion_ended(&nu); j++) {
            /* A rest beyond 256 bits: U met them all, which happens with probability 2^-256. */
            if (j > 64)
                return true;
            bits = d->random->bits
                       ? 0
                       : assay_philox_word(d->random->seed, d->random->stream, d->index, j);
            word = assay_expansion_next(&nu);
        }
        return bits < word;
    }
    uint64_t words = (uint64_t)assay_expansion_next(&nu) << 32;
    words |= assay_expansion_next(&nu);
    const uint64_t one = (uint64_t)1 << n, half = (uint64_t)1 << (63 - n);
    uint64_t whole = words >> (64 - n), tail = words & (2 * half - 1);
    if (r->mode == ASSAY_SRB)
        return (words >> (63 - n)) + 2 * (uint64_t)bits + 1 >= 2 * one;
    if (r->mode == ASSAY_SRC)
        whole += tail > half || (tail == half && (!assay_expansion_ended(&nu) || (whole & 1)));
    return whole + bits >= one;
}

uint32_t assay_random_draw(const assay_rounder *r, const assay_random *random, uint64_t i)
{
    if (random->bits)
        return random->bits[i];
    const assay_draw_share s = assay_draw_share_of(r);
    uint32_t word = assay_philox_word(random->seed, random->stream, i / s.count, 0);
    return assay_draw_of(&s, word, i % s.count);
}

/* Nothing lies between 0 and the least positive value, code 1, of a format without subnormals;
 * nor below the least value, code 0, of one without zero. */
static bool below_least(const assay_format *f, const assay_exact *x, place *p)
{
    if (f->has_subnormals)
        return false;
    uint64_t sig = ((uint64_t)1 << f->fraction_bits) + (f->has_zero ? 1 : 0);
    int up = __builtin_clzll(sig);
    assay_exact least = { .kind = ASSAY_FINITE,
                          .exp = -f->bias - f->fraction_bits - up,
                          .sig = sig << up };
    if (assay_exact_compare(*x, least) >= 0)
        return false;
    p->below = 0;
    p->inexact = f->has_zero;
    p->tail = assay_exact_compare(*x, assay_exact_shifted(least, -1));
    p->fraction = *x;
    p->unit = least;
    return true;
}

/* sig without its low `drop` bits (drop > 0), and where those lie. */
static uint64_t split(uint64_t sig, int drop, bool sticky, place *p)
{
    uint64_t kept = drop < 64 ? sig >> drop : 0;
    uint64_t rest = drop < 64 ? sig << (64 - drop) : drop == 64 ? sig : 0;
    const uint64_t half = (uint64_t)1 << 63;
    p->inexact = rest != 0 || sticky || drop > 64;
    p->tail = rest < half ? -1 : rest > half || sticky ? 1 : 0;
    return kept;
}

/* The magnitude's place if codes went on for ever above max_code; false if it surely lies above.
 * Within a binade the code is the significand plus a constant, and a carry moves into the next
 * binade by itself; so code + 1 is the next value up, everywhere. */
static bool locate(const assay_rounder *r, const assay_exact *x, place *p)
{
    const assay_format *f = &r->format;
    int e = x->exp + 63;
    if (e > f->emax + 1)
        return false;
    if (below_least(f, x, p))
        return true;
    int binade = f->has_subnormals && e < f->emin ? f->emin : e;
    int drop = binade - f->fraction_bits - x->exp;
    uint64_t kept = split(x->sig, drop, x->sticky, p);
    p->below = ((uint64_t)(binade + f->bias - 1) << f->fraction_bits) + kept;
    if (!f->has_zero) /* the field of the lowest binade is 0, not 1 */
        p->below = ((uint64_t)(binade + f->bias) << f->fraction_bits) +
                   (kept - ((uint64_t)1 << f->fraction_bits));
    if (!assay_mode_is_stochastic(r->mode) || !p->inexact)
        return true;
    p->unit =
        (assay_exact){ .kind = ASSAY_FINITE, .exp = x->exp + drop - 63, .sig = (uint64_t)1 << 63 };
    p->fraction = *x;
    p->fraction.negative = false;
    if (kept > 0) {
        int up = __builtin_clzll(kept);
        assay_exact whole = {
            .kind = ASSAY_FINITE, .negative = true, .exp = x->exp + drop - up, .sig = kept << up
        };
        p->fraction = assay_exact_add(p->fraction, whole);
    }
    return true;
}

static uint64_t round_finite(const assay_rounder *r, const assay_exact *x, const draw *d)
{
    const assay_format *f = &r->format;
    place p;
    if (!locate(r, x, &p))
        return r->overflow_code[x->negative];
    if (p.inexact)
        p.below += assay_mode_is_stochastic(r->mode)
                       ? goes_up_randomly(r, d, p.fraction, p.unit)
                       : goes_up(r->mode, p.below & 1, x->negative, p.tail);
    return p.below > f->max_code ? r->overflow_code[x->negative] : p.below;
}

static uint64_t round_float(const assay_rounder *r, const assay_exact *x, const draw *d)
{
    const assay_format *f = &r->format;
    if (x->negative && !f->is_signed && x->kind == ASSAY_FINITE) {
        /* Only what rounds to zero has a place; all else is what an infinity below would be. */
        assay_rounder magnitudes = *r;
        magnitudes.overflow_code[1] = 1;
        bool zero = f->has_zero && round_finite(&magnitudes, x, d) == 0;
        return zero ? 0 : r->overflow_code[1];
    }
    if (x->kind == ASSAY_ZERO)
        return !f->has_zero ? r->overflow_code[1] : x->negative && f->has_negzero ? f->sign_bit : 0;
    uint64_t code = round_finite(r, x, d);
    if (!x->negative || code == r->overflow_code[1] || (code == 0 && !f->has_negzero))
        return code;
    return code | f->sign_bit;
}

/* The values of other families are looked up; docs/rounding.md, 24. */
static uint64_t round_ladder(const assay_rounder *r, const assay_exact *x, const draw *d)
{
    const assay_format *f = &r->format;
    assay_step step = assay_ladder_locate(f, x);
    bool negative = x->negative && x->kind != ASSAY_ZERO; /* a zero that has to be rounded is +0 */
    if (step.exact)
        return step.toward;
    if (step.beyond)
        return r->overflow_code[x->negative];
    if (f->law == ASSAY_LAW_SATURATE && step.from_zero)
        return step.away;
    bool up = assay_mode_is_stochastic(r->mode)
                  ? goes_up_randomly(r, d, step.fraction, step.unit)
                  : goes_up(r->mode, step.toward & 1, negative, step.tail);
    if (!up)
        return step.from_zero && x->negative && f->has_negzero ? f->sign_bit : step.toward;
    return step.overflows ? r->overflow_code[x->negative] : step.away;
}

uint64_t assay_round_exact_at(const assay_rounder *r, assay_exact x, const assay_random *random,
                              uint64_t i)
{
    draw d = { random, i };
    if (x.kind == ASSAY_NOT_A_NUMBER)
        return r->nan_code;
    if (x.kind == ASSAY_INFINITE)
        return r->infinite_code[x.negative];
    return r->format.kind == ASSAY_FAMILY_FLOAT ? round_float(r, &x, &d) : round_ladder(r, &x, &d);
}

uint64_t assay_round_exact(const assay_rounder *r, assay_exact x)
{
    static const assay_random none = { 0 };
    return assay_round_exact_at(r, x, &none, 0);
}

uint64_t assay_round_code(const assay_rounder *rounder, double x)
{
    return assay_round_exact(rounder, assay_exact_from(x));
}

double assay_round(const assay_rounder *rounder, double x)
{
    if (rounder->identity && x == x)
        return x;
    return assay_decode(&rounder->format, assay_round_code(rounder, x));
}
