/* SPDX-License-Identifier: Apache-2.0 */
/* Stochastic rounding goes up exactly as often as the formulas say, over all random bits, on every
 * instruction set. */
#include <criterion/criterion.h>
#include <gmp.h>
#include <math.h>

#include "../support/oracle.h"
#include "../support/points.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "rounding/array.h"

/* Where |x| lies: nu = (|x| - lower) / (upper - lower), exactly, and the code of the lower one. */
static uint64_t locate(const assay_format *f, double x, mpq_t nu)
{
    mpfr_t exact, lower, upper;
    mpq_t from, to;
    mpfr_inits2(200, exact, lower, upper, (mpfr_ptr)NULL);
    mpq_inits(from, to, NULL);
    mpfr_set_d(exact, fabs(x), MPFR_RNDN);
    oracle_place place = oracle_locate(f, exact);
    oracle_value(f, place.below, lower);
    oracle_value(f, place.below + 1, upper);
    mpfr_get_q(from, lower);
    mpfr_get_q(to, upper);
    mpq_set_d(nu, fabs(x));
    mpq_sub(nu, nu, from);
    mpq_sub(to, to, from);
    mpq_div(nu, nu, to);
    mpfr_clears(exact, lower, upper, (mpfr_ptr)NULL);
    mpq_clears(from, to, NULL);
    return place.below;
}

/* floor(nu 2^n), and whether and how it falls short: -1 below half, 0 at it, 1 above. */
static uint64_t floor_of(const mpq_t nu, unsigned n, int *tail)
{
    mpq_t scaled, half;
    mpz_t whole;
    mpq_inits(scaled, half, NULL);
    mpz_init(whole);
    mpq_mul_2exp(scaled, nu, n);
    mpz_fdiv_q(whole, mpq_numref(scaled), mpq_denref(scaled));
    uint64_t result = mpz_get_ui(whole);
    mpq_set_ui(half, 1, 2);
    mpq_set_z(half, whole);
    mpq_sub(scaled, scaled, half);
    mpq_set_ui(half, 1, 2);
    int side = mpq_cmp(scaled, half);
    *tail = (side > 0) - (side < 0);
    mpq_clears(scaled, half, NULL);
    mpz_clear(whole);
    return result;
}

/* Of the 2^N values of R, how many take x up: the documents' formulas, solved for R. */
static uint64_t ups(assay_rounding rounding, const mpq_t nu)
{
    unsigned n = (unsigned)rounding.bits;
    int tail;
    uint64_t whole = floor_of(nu, n, &tail);
    switch (rounding.mode) {
    case ASSAY_SRA: return whole;
    case ASSAY_SRB: return (floor_of(nu, n + 1, &tail) + 1) / 2;
    default: return whole + (tail > 0 || (tail == 0 && whole % 2 == 1));
    }
}

enum { MOST_DRAWS = 1 << 16 };
static uint32_t all_bits[MOST_DRAWS];
static double same[MOST_DRAWS], rounded[MOST_DRAWS];
static float same_f32[MOST_DRAWS], rounded_f32[MOST_DRAWS];

/* What up and down become as values, overflow included. */
static double value_of(const assay_rounder *r, uint64_t magnitude, double x)
{
    if (magnitude > oracle_max(&r->format))
        return r->overflow_value[signbit(x) != 0];
    mpfr_t value;
    mpfr_init2(value, 64);
    oracle_value(&r->format, magnitude, value);
    double y = mpfr_get_d(value, MPFR_RNDN);
    mpfr_clear(value);
    return signbit(x) && (y != 0 || r->format.has_negzero) ? -y : y;
}

static bool identical(double y, double want)
{
    return assay_bits64(y) == assay_bits64(want);
}

/* Every R in order: R of element i is i, so the last ones go up, as many as the formula says. */
static void check_probability(const assay_rounder *r, assay_rounding rounding, double x)
{
    mpq_t nu;
    mpq_init(nu);
    uint64_t below = locate(&r->format, x, nu), n = (uint64_t)1 << rounding.bits;
    uint64_t up = ups(rounding, nu);
    double low = value_of(r, below, x), high = value_of(r, below + 1, x);
    assay_random random = { .bits = all_bits };
    mpq_clear(nu);
    for (uint64_t i = 0; i < n; i++)
        same[i] = x, same_f32[i] = (float)x, all_bits[i] = (uint32_t)i;
    assay_round_random_f64(r, &random, 0, same, rounded, n);
    for (uint64_t i = 0; i < n; i++)
        if (!identical(rounded[i], i >= n - up ? high : low))
            cr_assert_fail("%s %s:%d %a, R = %llu: %a, want %llu of %llu up to %a", r->format.name,
                           assay_mode_name(r->mode), rounding.bits, x, (unsigned long long)i,
                           rounded[i], (unsigned long long)up, (unsigned long long)n, high);
    if ((double)(float)x != x)
        return;
    assay_round_random_f32(r, &random, 0, same_f32, rounded_f32, n);
    for (uint64_t i = 0; i < n; i++)
        if (!identical((double)rounded_f32[i], i >= n - up ? high : low))
            cr_assert_fail("%s %s:%d %a in binary32, R = %llu", r->format.name,
                           assay_mode_name(r->mode), rounding.bits, x, (unsigned long long)i);
}

/* sr with R given: U = R 2^-32 exactly, so up iff R < nu 2^32, tested where that changes. */
static void check_threshold(const assay_rounder *r, double x)
{
    enum { AROUND = 5 };
    mpq_t nu;
    mpq_init(nu);
    int tail;
    uint64_t below = locate(&r->format, x, nu), first = floor_of(nu, 32, &tail);
    double low = value_of(r, below, x), high = value_of(r, below + 1, x);
    mpq_mul_2exp(nu, nu, 32);
    for (uint64_t i = 0; i < AROUND; i++) {
        uint64_t word = first + i - 2;
        uint32_t bits = (uint32_t)word;
        assay_random random = { .bits = &bits };
        if (word > UINT32_MAX)
            continue;
        bool up = mpq_cmp_ui(nu, word, 1) > 0;
        double y;
        assay_round_random_f64(r, &random, 0, &x, &y, 1);
        cr_assert(identical(y, up ? high : low), "%s sr %a: %a", r->format.name, x, y);
    }
    mpq_clear(nu);
}

static void check_coin(const assay_rounder *r, double x)
{
    mpq_t nu;
    mpq_init(nu);
    uint64_t below = locate(&r->format, x, nu);
    bool inexact = mpq_sgn(nu) != 0;
    mpq_clear(nu);
    for (uint32_t bits = 0x3fffffff; bits != 0x3ffffffe; bits += 0x40000000) {
        assay_random random = { .bits = &bits };
        double y, want = value_of(r, below + (inexact && bits < 0x80000000), x);
        assay_round_random_f64(r, &random, 0, &x, &y, 1);
        cr_assert(identical(y, want), "%s sreq %a: %a", r->format.name, x, y);
        if (bits == 0xffffffff)
            break;
    }
}

static const char *const probability_specs[] = {
    "e4m3",     "e5m2", "e2m1", "binary16", "bfloat16", "float:e=4,m=3,inf=no,nan=negzero,bias=8",
    "binary32",
};

/* Residues j / 2^M of the lowest binades, of 1, of the last one and of what overflows; then numbers
 * far below the least, where nu has leading zeros. */
static size_t residues(const assay_format *f, double *x)
{
    enum { M = 5 };
    const uint64_t max = oracle_max(f);
    const uint64_t codes[] = {
        0,       1,  ((uint64_t)1 << f->fraction_bits) - 1, (uint64_t)f->bias << f->fraction_bits,
        max - 1, max
    };
    size_t n = 0;
    mpfr_t lower, upper;
    mpfr_inits2(200, lower, upper, (mpfr_ptr)NULL);
    for (size_t c = 0; c < sizeof codes / sizeof codes[0]; c++)
        for (unsigned long j = 0; j < 1 << M; j++) {
            oracle_value(f, codes[c], lower);
            oracle_value(f, codes[c] + 1, upper);
            mpfr_sub(upper, upper, lower, MPFR_RNDN);
            mpfr_mul_ui(upper, upper, j, MPFR_RNDN);
            mpfr_div_2ui(upper, upper, M, MPFR_RNDN);
            mpfr_add(lower, lower, upper, MPFR_RNDN);
            x[n] = mpfr_get_d(lower, MPFR_RNDN) * (n % 2 == 0 ? 1 : -1);
            n++;
        }
    mpfr_clears(lower, upper, (mpfr_ptr)NULL);
    for (int k = 1; k < 80; k += 3)
        x[n++] = ldexp(f->min_positive, -k) * 1.375;
    return n;
}

Test(random, probabilities_are_the_formulas)
{
    static double x[6 * 32 + 80];
    for (size_t s = 0; s < sizeof probability_specs / sizeof probability_specs[0]; s++) {
        assay_format f = points_parse(probability_specs[s]);
        size_t n = residues(&f, x);
        for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
            cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
            for (assay_mode mode = ASSAY_SRA; mode <= ASSAY_SRC; mode++)
                for (int bits = 1; bits <= 16; bits += bits == 8 ? 8 : 1) {
                    assay_rounding rounding = { mode, bits, false };
                    assay_rounder r = points_rounder_for(&f, rounding, ASSAY_OVERFLOW_SPEC);
                    for (size_t i = 0; i < n; i += bits == 16 ? 17 : 1)
                        check_probability(&r, rounding, x[i]);
                }
            assay_rounder sr = points_rounder_for(&f, (assay_rounding){ ASSAY_SR, 0, false }, 0);
            assay_rounder sreq =
                points_rounder_for(&f, (assay_rounding){ ASSAY_SREQ, 0, false }, 0);
            for (size_t i = 0; i < n; i++) {
                check_threshold(&sr, x[i]);
                check_coin(&sreq, x[i]);
            }
        }
    }
}
