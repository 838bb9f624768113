/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/round.h"

#include "numerics/bits.h"

static const assay_exact not_a_number = { .kind = ASSAY_NOT_A_NUMBER };

assay_exact assay_exact_from(double x)
{
    uint64_t bits = assay_bits64(x);
    int field = (int)(bits >> 52 & 0x7ff);
    uint64_t sig = bits & 0xfffffffffffff;
    assay_exact e = { .negative = bits >> 63 };
    if (field == 0x7ff)
        return sig ? not_a_number : (assay_exact){ ASSAY_INFINITE, e.negative, false, 0, 0 };
    if (field > 0)
        sig |= (uint64_t)1 << 52;
    if (sig == 0)
        return e;
    int shift = __builtin_clzll(sig);
    e.kind = ASSAY_FINITE;
    e.sig = sig << shift;
    e.exp = (field > 0 ? field : 1) - 1075 - shift;
    return e;
}

assay_exact assay_exact_from_pair(double hi, double lo)
{
    assay_exact h = assay_exact_from(hi), l = assay_exact_from(lo);
    if (h.kind != ASSAY_FINITE || l.kind != ASSAY_FINITE)
        return h;
    /* lo in units of h's last place: whole units and the rest. |lo| <= ulp(hi) = 2^11 units
     * (fewer for a subnormal hi). */
    int shift = h.exp - l.exp;
    if (shift <= 0) /* both are the least subnormal */
        return assay_exact_from(hi + lo);
    uint64_t whole = shift < 64 ? l.sig >> shift : 0;
    bool rest = shift < 64 ? l.sig << (64 - shift) != 0 : true;
    h.sticky = rest;
    if (l.negative == h.negative) {
        if (__builtin_add_overflow(h.sig, whole, &h.sig)) {
            h.sticky |= h.sig & 1;
            h.sig = h.sig >> 1 | (uint64_t)1 << 63;
            h.exp++;
        }
        return h;
    }
    h.sig -= whole + rest;
    if (!(h.sig >> 63)) { /* hi was a power of two: a bit moves up, and the unit halves */
        h.sig = h.sig << 1;
        h.exp--;
        if (rest) { /* redo the subtraction in half units: the new last bit is not known yet */
            uint64_t half = shift - 1 < 64 ? l.sig >> (shift - 1) : 0;
            bool rest2 = shift - 1 < 64 ? l.sig << (65 - shift) != 0 : true;
            h.sig = 0 - half - rest2;
            h.sticky = rest2;
        }
    }
    return h;
}

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

/* sig without its low `drop` bits (drop > 0), and where those lie: *tail as goes_up has it. */
static uint64_t split(uint64_t sig, int drop, bool sticky, bool *inexact, int *tail)
{
    uint64_t kept = drop < 64 ? sig >> drop : 0;
    uint64_t rest = drop < 64 ? sig << (64 - drop) : drop == 64 ? sig : 0;
    const uint64_t half = (uint64_t)1 << 63;
    *inexact = rest != 0 || sticky || drop > 64;
    *tail = rest < half ? -1 : rest > half || sticky ? 1 : 0;
    return kept;
}

/* -1, 0 or 1 as |x| is below, at or above 2^exp sig; both significands have their top bit set. */
static int compare(assay_exact x, int exp, uint64_t sig)
{
    if (x.exp != exp)
        return x.exp < exp ? -1 : 1;
    return x.sig < sig ? -1 : x.sig > sig || x.sticky ? 1 : 0;
}

/* Without subnormals nothing lies between 0 and the least positive value, code 1. */
static bool below_least(const assay_format *f, assay_exact x, int *tail)
{
    if (f->has_subnormals)
        return false;
    assay_exact least = assay_exact_from(f->min_positive);
    *tail = compare(x, least.exp - 1, least.sig);
    return compare(x, least.exp, least.sig) < 0;
}

/* The magnitude's code if codes went on for ever above max_code; *beyond if it surely lies
 * above. Within a binade the code is the significand plus a constant, and a carry moves into
 * the next binade by itself; so code + 1 is the next value up, everywhere. */
static uint64_t magnitude_code(const assay_rounder *r, assay_exact x, bool *beyond)
{
    const assay_format *f = &r->format;
    int e = x.exp + 63, tail;
    *beyond = e > f->emax + 1;
    if (*beyond)
        return 0;
    if (below_least(f, x, &tail))
        return goes_up(r->mode, false, x.negative, tail);
    int binade = f->has_subnormals && e < f->emin ? f->emin : e;
    bool inexact;
    uint64_t kept = split(x.sig, binade - f->fraction_bits - x.exp, x.sticky, &inexact, &tail);
    uint64_t code = ((uint64_t)(binade + f->bias - 1) << f->fraction_bits) + kept;
    return code + (inexact && goes_up(r->mode, code & 1, x.negative, tail));
}

uint64_t assay_round_exact(const assay_rounder *r, assay_exact x)
{
    const assay_format *f = &r->format;
    if (x.kind == ASSAY_NOT_A_NUMBER)
        return r->nan_code;
    if (x.kind == ASSAY_INFINITE)
        return r->infinite_code[x.negative];
    uint64_t code = 0;
    if (x.kind == ASSAY_FINITE) {
        bool beyond;
        code = magnitude_code(r, x, &beyond);
        if (beyond || code > f->max_code)
            return r->overflow_code[x.negative];
    }
    if (!x.negative || (code == 0 && !f->has_negzero))
        return code;
    return f->is_signed ? code | f->sign_bit : r->infinite_code[1];
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
