/* SPDX-License-Identifier: Apache-2.0 */
/* Stochastic modes: from the exact position between the neighbours, the least random bits that
 * change the result, and what is given on both sides of them. */
#if ASSAY_HAVE_MPFR
#include <stdio.h>

#include "audit/verify_parts.h"

void assay_verify_position(const assay_verify_gap *gap, mpq_ptr nu)
{
    mpq_t near, far;
    mpq_inits(near, far, (mpq_ptr)NULL);
    mpfr_get_q(near, gap->near);
    mpfr_get_q(far, gap->far);
    mpq_sub(far, far, near);
    mpq_sub(nu, nu, near);
    mpq_div(nu, nu, far);
    mpq_clears(near, far, (mpq_ptr)NULL);
}

void assay_verify_settle(mpq_ptr nu)
{
    enum { GRID = 64, NEAR = 1500 };
    mpz_t whole, rest;
    mpz_inits(whole, rest, (mpz_ptr)NULL);
    mpz_mul_2exp(whole, mpq_numref(nu), GRID + 1);
    mpz_add(whole, whole, mpq_denref(nu)); /* nu 2^GRID + 1/2 */
    mpz_mul_2exp(rest, mpq_denref(nu), 1);
    mpz_fdiv_q(whole, whole, rest);
    mpq_t grid, off;
    mpq_inits(grid, off, (mpq_ptr)NULL);
    mpq_set_z(grid, whole);
    mpq_div_2exp(grid, grid, GRID);
    mpq_sub(off, nu, grid);
    mpq_abs(off, off);
    mpq_mul_2exp(off, off, NEAR);
    if (mpq_cmp_ui(off, 1, 1) < 0 && mpq_sgn(grid) > 0 && mpq_cmp_ui(grid, 1, 1) < 0)
        mpq_set(nu, grid);
    mpq_clears(grid, off, (mpq_ptr)NULL);
    mpz_clears(whole, rest, (mpz_ptr)NULL);
}

/* The position of a binary64. */
static void position(const assay_verify_gap *gap, double magnitude, unsigned long divisor, mpq_t nu)
{
    mpq_set_d(nu, magnitude);
    mpz_mul_ui(mpq_numref(nu), mpq_numref(nu), divisor);
    mpq_canonicalize(nu);
    assay_verify_position(gap, nu);
}

/* floor(nu 2^n), and 2 nu 2^n - 2 floor against 1: the rest below, at or above one half. */
static uint64_t scaled(mpq_srcptr nu, unsigned n, int *tail)
{
    mpz_t whole, rest;
    mpz_inits(whole, rest, (mpz_ptr)NULL);
    mpz_mul_2exp(whole, mpq_numref(nu), n);
    mpz_fdiv_qr(whole, rest, whole, mpq_denref(nu));
    *tail = mpz_sgn(rest) == 0 ? -2 : 0;
    mpz_mul_2exp(rest, rest, 1);
    if (*tail == 0) {
        int order = mpz_cmp(rest, mpq_denref(nu));
        *tail = (order > 0) - (order < 0);
    }
    uint64_t value = mpz_get_ui(whole);
    mpz_clears(whole, rest, (mpz_ptr)NULL);
    return value;
}

assay_verify_threshold assay_verify_threshold_of(assay_rounding r, mpq_srcptr nu)
{
    int tail;
    unsigned n = r.bits ? (unsigned)r.bits : 32;
    const uint64_t one = (uint64_t)1 << n;
    uint64_t whole;
    if (!nu)
        return (assay_verify_threshold){ 1, false, n };
    switch (r.mode) {
    case ASSAY_SREQ: return (assay_verify_threshold){ (uint64_t)1 << 31, true, 32 };
    case ASSAY_SR: /* U = R 2^-32 < nu */
        whole = scaled(nu, 32, &tail);
        return (assay_verify_threshold){ whole + (tail != -2), true, 32 };
    case ASSAY_SRA: return (assay_verify_threshold){ one - scaled(nu, n, &tail), false, n };
    case ASSAY_SRB: /* floor(nu 2^(N+1)) + 2 R + 1 >= 2^(N+1) */
        return (assay_verify_threshold){ (2 * one - scaled(nu, n + 1, &tail)) / 2, false, n };
    default: /* to the nearest integer, ties to even */
        whole = scaled(nu, n, &tail);
        whole += tail > 0 || (tail == 0 && whole % 2 == 1);
        return (assay_verify_threshold){ one - whole, false, n };
    }
}

size_t assay_verify_tries(const assay_verify_threshold *h, uint32_t out[ASSAY_VERIFY_TRIES])
{
    const uint64_t last = ((uint64_t)1 << h->n) - 1;
    const uint64_t tries[ASSAY_VERIFY_TRIES] = { h->from - 1, h->from, 0, last };
    size_t count = 0;
    for (int i = 0; i < ASSAY_VERIFY_TRIES; i++)
        if (tries[i] <= last)
            out[count++] = (uint32_t)tries[i];
    return count;
}

uint64_t assay_verify_law_random(const assay_verify_ladder *l, const assay_verify_place *place,
                                 assay_mode mode, assay_overflow policy,
                                 const assay_verify_threshold *h, uint32_t bits)
{
    if (place->kind != ASSAY_PLACE_BETWEEN)
        return assay_verify_law(l, place, mode, policy);
    return assay_verify_law_up(l, place, mode, policy, h->below ? bits < h->from : bits >= h->from);
}

static void check_at(const assay_verify_target *t, const assay_verify_cuts *cuts, uint64_t ordinal,
                     const assay_verify_place *place, const assay_verify_threshold *h,
                     assay_verify_result *out)
{
    uint32_t tries[ASSAY_VERIFY_TRIES];
    size_t count = assay_verify_tries(h, tries);
    double x = assay_verify_operand(t->source, cuts->negative, ordinal);
    bool wrong = false;
    for (size_t i = 0; i < count && !wrong; i++) {
        uint32_t bits = tries[i];
        uint64_t want = assay_verify_law_random(t->ladder, place, t->rounding.mode,
                                                t->rounder.overflow, h, bits);
        assay_random random = { .bits = &bits };
        uint64_t got = assay_round_exact_at(&t->rounder, assay_exact_from(x), &random, 0);
        wrong = got != want;
        if (wrong) {
            char path[ASSAY_VERIFY_PATH_BYTES];
            snprintf(path, sizeof path, "random bits %#x", (unsigned)bits);
            assay_verify_record(out, t, cuts->negative, ordinal, path, got, want);
        }
    }
    out->checked++;
    out->wrong += wrong;
}

static void check_cut(const assay_verify_target *t, const assay_verify_cuts *cuts,
                      const assay_verify_gap *gap, uint64_t ordinal,
                      const assay_verify_place *place, assay_verify_result *out)
{
    assay_verify_threshold h = assay_verify_threshold_of(t->rounding, NULL);
    if (place->kind == ASSAY_PLACE_BETWEEN) {
        double x = assay_verify_operand(t->source, cuts->negative, ordinal);
        mpq_t nu;
        mpq_init(nu);
        position(gap, cuts->negative ? -x : x, t->ladder->divisor, nu);
        if (place->negative != cuts->negative) /* -0 as +0, from the other end of the gap */
            mpz_sub(mpq_numref(nu), mpq_denref(nu), mpq_numref(nu));
        h = assay_verify_threshold_of(t->rounding, nu);
        mpq_clear(nu);
    }
    check_at(t, cuts, ordinal, place, &h, out);
}

/* The cut that an ordinal lies in, or NULL. */
static const assay_verify_cut *cut_of(const assay_verify_cuts *cuts, uint64_t ordinal)
{
    for (size_t c = 0; c < cuts->count; c++)
        if (cuts->at[c].start <= ordinal && ordinal < cuts->at[c].end)
            return &cuts->at[c];
    return NULL;
}

/* Operands at odd multiples of 2^-(N+1) of the gap, where B and C differ, and just before. */
static void check_steps(const assay_verify_target *t, const assay_verify_cuts *cuts,
                        const assay_verify_gap *gap, assay_verify_result *out)
{
    enum { TRIES = 4 };
    int n = t->rounding.bits ? t->rounding.bits : 32;
    const uint64_t mask = ((uint64_t)1 << n) - 1;
    mpfr_t v;
    mpfr_init2(v, t->ladder->precision);
    for (uint64_t i = 0; i < TRIES; i++) {
        uint64_t odd = 2 * (i < 2 ? i : assay_verify_mix(i) & mask) + 1;
        mpfr_sub(v, gap->far, gap->near, MPFR_RNDN);
        mpfr_mul_ui(v, v, odd, MPFR_RNDN);
        mpfr_div_2ui(v, v, (unsigned long)n + 1, MPFR_RNDN);
        mpfr_add(v, v, gap->near, MPFR_RNDN);
        uint64_t ordinal = assay_verify_first(t->source, v, t->ladder->divisor, false);
        for (uint64_t k = 0; k < 2 && k <= ordinal; k++) {
            const assay_verify_cut *cut = cut_of(cuts, ordinal - k);
            if (cut && cut->place.negative == cuts->negative)
                check_cut(t, cuts, gap, ordinal - k, &cut->place, out);
        }
    }
    mpfr_clear(v);
}

void assay_verify_randoms(const assay_verify_target *t, const assay_verify_cuts *cuts,
                          const assay_verify_gap *gap, assay_verify_result *out)
{
    for (size_t c = 0; c < cuts->count; c++) {
        const assay_verify_cut *cut = &cuts->at[c];
        for (uint64_t i = 0; i < 3 && i < cut->end - cut->start; i++)
            check_cut(t, cuts, gap, assay_verify_pick(cut, i), &cut->place, out);
    }
    if (gap->shape == ASSAY_GAP_BOTH)
        check_steps(t, cuts, gap, out);
}
#endif
