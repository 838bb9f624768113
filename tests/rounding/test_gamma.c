/* SPDX-License-Identifier: Apache-2.0 */
/* A-priori bounds against their formulas in rationals, and against exact errors of sums. */
#include <criterion/criterion.h>
#include <math.h>

#include <gmp.h>
#include <mpfr.h>

#include "../support/points.h"
#include "numerics/gamma.h"
#include "rounding/round.h"

static void near_above(double got, mpfr_srcptr want, const char *what)
{
    mpfr_t over;
    mpfr_init2(over, 200);
    mpfr_d_div(over, got, want, MPFR_RNDN);
    mpfr_sub_ui(over, over, 1, MPFR_RNDN);
    cr_expect(mpfr_sgn(over) >= 0 && mpfr_cmp_d(over, 0x1p-40) < 0, "%s: %a", what, got);
    mpfr_clear(over);
}

Test(gamma, is_its_formula_rounded_upwards)
{
    static const int64_t counts[] = { 1, 2, 3, 100, 4097, 1000003, (int64_t)1 << 40 };
    static const double units[] = { 0x1p-4, 0x1p-9, 0x1p-11, 0x1.8p-24, 0x1p-53 };
    mpfr_t x, y;
    mpfr_inits2(200, x, y, (mpfr_ptr)NULL);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        for (size_t k = 0; k < sizeof units / sizeof units[0]; k++) {
            mpfr_set_d(x, units[k], MPFR_RNDN);
            mpfr_mul_si(x, x, (long)counts[i], MPFR_RNDN);
            if (mpfr_cmp_ui(x, 1) >= 0) {
                cr_expect(isinf(assay_gamma(counts[i], units[k])));
            } else {
                mpfr_ui_sub(y, 1, x, MPFR_RNDN);
                mpfr_div(y, x, y, MPFR_RNDN);
                near_above(assay_gamma(counts[i], units[k]), y, "gamma");
            }
            if (mpfr_cmp_ui(x, 30) > 0)
                continue;
            mpfr_mul_d(x, x, units[k], MPFR_RNDN); /* n u^2 */
            mpfr_sqrt_ui(y, (unsigned long)counts[i], MPFR_RNDN);
            mpfr_mul_d(y, y, 5 * units[k], MPFR_RNDN);
            mpfr_add(x, x, y, MPFR_RNDN);
            mpfr_set_d(y, 1 - units[k], MPFR_RNDN);
            mpfr_div(x, x, y, MPFR_RNDN);
            mpfr_expm1(x, x, MPFR_RNDN);
            near_above(assay_gamma_probable(counts[i], units[k], 5), x, "gamma_probable");
        }
    mpfr_clears(x, y, (mpfr_ptr)NULL);
    cr_expect_eq(assay_gamma(0, 0.5), 0);
    cr_expect_eq(assay_gamma_failure(0), 1);
    cr_expect_float_eq(assay_gamma_failure(6), 2 * exp(-18), 1e-20);
}

/* |error| / sum of magnitudes of a sum of n terms of 16 bits in the rounder's format. Binary64 has
 * the sum of two values exactly, and the sums of all. */
static double relative_error(const assay_rounder *r, uint64_t seed, int64_t n)
{
    double sum = 0, exact = 0, size = 0;
    const assay_random random = { .seed = seed };
    for (int64_t i = 0; i < n; i++) {
        double x = ldexp((double)(int64_t)(points_random(seed + (uint64_t)i) >> 56) + 1, -8);
        x = seed % 2 && i % 3 == 0 ? -x : x;
        uint64_t code = assay_round_exact_at(r, assay_exact_from(sum + x), &random, (uint64_t)i);
        sum = assay_decode(&r->format, code);
        exact += x;
        size += fabs(x);
    }
    return fabs(sum - exact) / size;
}

Test(gamma, bounds_sums_in_every_mode)
{
    enum { TERMS = 300 };
    for (int mode = 0; mode < ASSAY_MODE_END; mode++) {
        assay_format f;
        assay_rounder r;
        const assay_rounding m = { .mode = (assay_mode)mode,
                                   .bits = mode >= ASSAY_SRA && mode <= ASSAY_SRC ? 8 : 0 };
        cr_assert_eq(assay_format_parse("binary16", &f), ASSAY_OK);
        cr_assert_eq(assay_rounder_make_for(&f, m, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r),
                     ASSAY_OK);
        bool nearest = mode <= ASSAY_RNZ;
        double worst = 0, bound = assay_gamma(TERMS - 1, ldexp(1, nearest ? -f.p : 1 - f.p));
        for (uint64_t seed = 0; seed < 40; seed++)
            worst = fmax(worst, relative_error(&r, 1000 * seed + seed, TERMS));
        cr_expect_leq(worst, bound, "%s", assay_mode_name((assay_mode)mode));
        cr_expect_gt(worst, bound / 300, "%s: so wide a bound shows nothing: %g of %g",
                     assay_mode_name((assay_mode)mode), worst, bound);
    }
}

/* 400 sums: none beyond lambda = 6 (one in 10^7), some beyond lambda = 1/8, which promises nothing;
 * and far below what holds for certain. */
Test(gamma, of_stochastic_rounding_grows_with_the_root)
{
    enum { TERMS = 2000, SUMS = 400 };
    assay_format f;
    assay_rounder r;
    const assay_rounding sr = { .mode = ASSAY_SR };
    cr_assert_eq(assay_format_parse("binary16", &f), ASSAY_OK);
    cr_assert_eq(assay_rounder_make_for(&f, sr, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r),
                 ASSAY_OK);
    double u = ldexp(1, 1 - f.p), likely = assay_gamma_probable(TERMS - 1, u, 6);
    double unlikely = assay_gamma_probable(TERMS - 1, u, 0.125);
    int beyond = 0;
    for (uint64_t seed = 0; seed < SUMS; seed++) {
        double e = relative_error(&r, 7919 * seed, TERMS);
        cr_expect_leq(e, likely);
        beyond += e > unlikely;
    }
    cr_expect_gt(beyond, 0);
    cr_expect_lt(assay_gamma_failure(6), 1e-7);
    cr_expect_lt(likely, assay_gamma(TERMS - 1, u) / 4);
}
