/* SPDX-License-Identifier: Apache-2.0 */
/* Operands by their ordinals, and the stretches of them that lie in the same place. */
#if ASSAY_HAVE_MPFR
#include <math.h>
#include <stdlib.h>

#include "audit/verify_parts.h"
#include "numerics/bits.h"

bool assay_verify_source_make(int bits, assay_verify_source *out)
{
    static const struct {
        int bits, fraction, emax;
    } formats[] = { { 16, 10, 15 }, { 32, 23, 127 }, { 64, 52, 1023 } };
    for (int i = 0; i < 3; i++)
        if (formats[i].bits == bits) {
            int fraction = formats[i].fraction, emax = formats[i].emax;
            uint64_t infinity = (uint64_t)(2 * emax + 1) << fraction;
            *out = (assay_verify_source){ bits, fraction, 1 - emax,
                                          emax, infinity, (uint64_t)1 << (bits - 1) };
            return true;
        }
    return false;
}

/* With v / divisor in [2^e, 2^(e+1)) and e >= emin, the ordinal of a magnitude x of that binade is
 * (e - emin) 2^F + x 2^(F-e); below 2^emin the same with e = emin. */
uint64_t assay_verify_first(const assay_verify_source *s, mpfr_srcptr v, unsigned long divisor,
                            bool above)
{
    if (mpfr_sgn(v) <= 0)
        return above && mpfr_zero_p(v);
    mpfr_t quotient;
    mpfr_init2(quotient, 64);
    mpfr_div_ui(quotient, v, divisor, MPFR_RNDZ);
    long e = mpfr_get_exp(quotient) - 1;
    mpfr_clear(quotient);
    if (e > s->emax)
        return s->infinity;
    if (e < s->emin - s->fraction - 2)
        return 1;
    if (e < s->emin)
        e = s->emin;
    mpz_t n;
    mpz_init(n);
    long shift = (long)mpfr_get_z_2exp(n, v) + s->fraction - e;
    mpz_t d;
    mpz_init_set_ui(d, divisor);
    if (shift >= 0)
        mpz_mul_2exp(n, n, (mp_bitcnt_t)shift);
    else
        mpz_mul_2exp(d, d, (mp_bitcnt_t)-shift);
    if (above)
        mpz_fdiv_q(n, n, d);
    else
        mpz_cdiv_q(n, n, d);
    uint64_t ordinal = ((uint64_t)(e - s->emin) << s->fraction) + mpz_get_ui(n) + above;
    mpz_clears(n, d, (mpz_ptr)NULL);
    return ordinal < s->infinity ? ordinal : s->infinity;
}

double assay_verify_operand(const assay_verify_source *s, bool negative, uint64_t ordinal)
{
    uint64_t sign = (uint64_t)negative << 63;
    if (s->bits == 64)
        return assay_from_bits64(ordinal | sign);
    if (ordinal > s->infinity)
        return assay_from_bits64(0x7ff0000000000000 | sign |
                                 (ordinal - s->infinity) << (52 - s->fraction));
    if (ordinal == s->infinity)
        return negative ? -INFINITY : INFINITY;
    uint64_t field = ordinal >> s->fraction, one = (uint64_t)1 << s->fraction;
    uint64_t integer = field ? (ordinal & (one - 1)) | one : ordinal;
    double x = ldexp((double)integer, s->emin - s->fraction + (field ? (int)field - 1 : 0));
    return negative ? -x : x;
}

/* Adds what of a stretch lies behind the last one. */
static void add(assay_verify_cuts *cuts, uint64_t start, uint64_t end,
                const assay_verify_place *place, assay_verify_kind kind, int tail)
{
    if (cuts->count > 0 && start < cuts->at[cuts->count - 1].end)
        start = cuts->at[cuts->count - 1].end;
    if (start >= end)
        return;
    assay_verify_cut *cut = &cuts->at[cuts->count++];
    cut->start = start;
    cut->end = end;
    cut->inside = 0;
    cut->place = *place;
    cut->place.kind = kind;
    cut->place.tail = tail;
}

/* Zero itself, for which -0 may have a code of its own. */
static void add_value(const assay_verify_ladder *l, const assay_verify_gap *gap, uint64_t start,
                      uint64_t end, assay_verify_cuts *cuts)
{
    assay_verify_place place = gap->place;
    if (place.from_zero && place.negative && l->has_negzero)
        place.toward = l->negzero;
    add(cuts, start, end, &place, ASSAY_PLACE_VALUE, 0);
}

/* All values are positive: a list's least, or what is below e8m0's: zero and negatives have no
 * place, and positive underflow gives the least value. */
static void add_bottom(const assay_verify_gap *gap, uint64_t next, uint64_t infinity,
                       assay_verify_cuts *cuts)
{
    assay_verify_place place = gap->place;
    place.toward = place.away;
    if (place.bottom || place.negative) {
        add(cuts, 0, place.negative ? infinity : next, &place, ASSAY_PLACE_BEYOND, 0);
        return;
    }
    assay_verify_place zero = place;
    zero.negative = true;
    add(cuts, 0, 1, &zero, ASSAY_PLACE_BEYOND, 0);
    add(cuts, 1, next, &place, ASSAY_PLACE_VALUE, 0);
}

/* -0 where there is no zero, but values of both signs: the number 0, which rounds as +0 does. */
static void add_negative_zero(const assay_verify_ladder *l, assay_verify_cuts *cuts)
{
    assay_verify_gap gap;
    assay_verify_gap_init(l, &gap);
    assay_verify_gap_fill(l, false, 0, &gap);
    add(cuts, 0, 1, &gap.place, ASSAY_PLACE_BETWEEN, -mpfr_sgn(gap.tie));
    assay_verify_gap_clear(&gap);
}

static void add_gap(const assay_verify_ladder *l, const assay_verify_source *s,
                    const assay_verify_gap *gap, assay_verify_cuts *cuts)
{
    const unsigned long d = l->divisor;
    bool ends = gap->shape == ASSAY_GAP_BOTH || gap->shape == ASSAY_GAP_UNDERFLOW;
    uint64_t next = ends ? assay_verify_first(s, gap->far, d, false) : s->infinity;
    if (gap->shape == ASSAY_GAP_UNDERFLOW || gap->shape == ASSAY_GAP_NOTHING) {
        add_bottom(gap, next, s->infinity, cuts);
        return;
    }
    uint64_t here = assay_verify_first(s, gap->near, d, false);
    uint64_t above = assay_verify_first(s, gap->near, d, true);
    add_value(l, gap, here, above, cuts);
    if (gap->shape == ASSAY_GAP_LAST) {
        add(cuts, above, s->infinity, &gap->place, ASSAY_PLACE_BEYOND, 0);
        return;
    }
    uint64_t tie = assay_verify_first(s, gap->tie, d, false);
    uint64_t behind = assay_verify_first(s, gap->tie, d, true);
    add(cuts, above, tie, &gap->place, ASSAY_PLACE_BETWEEN, -1);
    add(cuts, tie, behind, &gap->place, ASSAY_PLACE_BETWEEN, 0);
    add(cuts, behind, next, &gap->place, ASSAY_PLACE_BETWEEN, 1);
    if (gap->place.over)
        add(cuts, next, s->infinity, &gap->place, ASSAY_PLACE_BEYOND, 0);
}

assay_status assay_verify_cuts_add(const assay_verify_ladder *l, const assay_verify_source *s,
                                   int64_t k, int64_t n, assay_verify_cuts *cuts)
{
    size_t room = cuts->count + 5 * (size_t)n + 4;
    if (cuts->room < room) {
        room += room / 2;
        assay_verify_cut *at = realloc(cuts->at, room * sizeof *at);
        if (!at)
            return assay_fail(ASSAY_ERR_MEMORY, "no memory for %zu breakpoints", room);
        cuts->at = at;
        cuts->room = room;
    }
    assay_verify_gap gap;
    assay_verify_gap_init(l, &gap);
    for (int64_t i = k; i < k + n; i++) {
        assay_verify_gap_fill(l, cuts->negative, i, &gap);
        if (cuts->negative && i == 0 && !l->has_zero && gap.shape == ASSAY_GAP_BOTH)
            add_negative_zero(l, cuts);
        add_gap(l, s, &gap, cuts);
    }
    if (k + n == assay_verify_gaps(l, cuts->negative)) {
        add(cuts, s->infinity, s->infinity + 1, &gap.place, ASSAY_PLACE_INFINITE, 0);
        add(cuts, s->infinity + 1, s->end, &gap.place, ASSAY_PLACE_NAN, 0);
    }
    assay_verify_gap_clear(&gap);
    return ASSAY_OK;
}

int64_t assay_verify_locate(const assay_verify_ladder *l, const assay_verify_source *s,
                            bool negative, uint64_t ordinal)
{
    int64_t below = 0, above = assay_verify_gaps(l, negative);
    assay_verify_gap gap;
    assay_verify_gap_init(l, &gap);
    while (above - below > 1) {
        int64_t middle = below + (above - below) / 2;
        assay_verify_gap_fill(l, negative, middle, &gap);
        if (assay_verify_first(s, gap.near, l->divisor, false) <= ordinal)
            below = middle;
        else
            above = middle;
    }
    assay_verify_gap_clear(&gap);
    return below;
}
#endif
