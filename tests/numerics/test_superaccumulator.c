/* SPDX-License-Identifier: Apache-2.0 */
#include "numerics/superaccumulator.h"

#include <criterion/criterion.h>
#include <math.h>
#include <mpfr.h>
#include <stdlib.h>

#include "numerics/bits.h"

enum { PRECISION = 4400, TERMS = 100000 };

static uint64_t state = 1;

static uint64_t draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 11 ^ state << 47;
}

/* Any finite binary64 but NaN and infinity, subnormals as often as binades say. */
static double any_double(void)
{
    double x;
    do
        x = assay_from_bits64(draw());
    while (x - x != 0);
    return x;
}

static double near_one(void)
{
    return (double)(int64_t)draw() * 0x1p-63;
}

/* x == s exactly: 64 leading bits, and whether anything follows. */
static void expect_equal(const assay_superaccumulator *s, const mpfr_t x, const char *what)
{
    assay_leading l = assay_superaccumulator_leading(s);
    if (mpfr_zero_p(x)) {
        cr_assert_eq(l.kind, ASSAY_SUM_ZERO, "%s", what);
        return;
    }
    mpfr_t y, z;
    mpfr_inits2(64, y, z, (mpfr_ptr)0);
    bool inexact = mpfr_set(y, x, MPFR_RNDZ) != 0;
    mpfr_set_uj_2exp(z, l.sig, l.exp, MPFR_RNDN);
    if (l.negative)
        mpfr_neg(z, z, MPFR_RNDN);
    cr_assert_eq(l.kind, ASSAY_SUM_FINITE, "%s", what);
    cr_assert(l.sig >> 63, "%s: not normalised", what);
    cr_assert(mpfr_equal_p(y, z), "%s: leading bits differ", what);
    cr_assert_eq(l.sticky, inexact, "%s: sticky", what);
    mpfr_clears(y, z, (mpfr_ptr)0);
}

static void check_products(double (*next)(void), const char *what)
{
    mpfr_t sum, x, y;
    mpfr_inits2(PRECISION, sum, x, y, (mpfr_ptr)0);
    mpfr_set_zero(sum, 1);
    assay_superaccumulator s;
    assay_superaccumulator_clear(&s);
    for (int i = 0; i < TERMS; i++) {
        double a = next(), b = next();
        assay_superaccumulator_add_product(&s, a, b);
        mpfr_set_d(x, a, MPFR_RNDN);
        mpfr_set_d(y, b, MPFR_RNDN);
        cr_assert_eq(mpfr_mul(x, x, y, MPFR_RNDN), 0);
        cr_assert_eq(mpfr_add(sum, sum, x, MPFR_RNDN), 0);
        if (i % 10000 == 0 || i < 50)
            expect_equal(&s, sum, what);
    }
    expect_equal(&s, sum, what);
    mpfr_clears(sum, x, y, (mpfr_ptr)0);
}

Test(superaccumulator, products)
{
    check_products(any_double, "any exponents");
    check_products(near_one, "near one");
}

/* Every term comes back negated, in another order: what is left is one term, or nothing. */
Test(superaccumulator, massive_cancellation)
{
    static double a[TERMS], b[TERMS];
    assay_superaccumulator s;
    assay_superaccumulator_clear(&s);
    for (int i = 0; i < TERMS; i++) {
        a[i] = any_double();
        b[i] = any_double();
        assay_superaccumulator_add_product(&s, a[i], b[i]);
    }
    assay_superaccumulator_add_product(&s, 0x1p-1074, 0x1p-1074);
    for (int i = TERMS; i-- > 0;)
        assay_superaccumulator_add_product(&s, -b[i], a[i]);
    assay_leading l = assay_superaccumulator_leading(&s);
    cr_assert_eq(l.kind, ASSAY_SUM_FINITE);
    cr_assert_eq(l.sig, (uint64_t)1 << 63);
    cr_assert_eq(l.exp, -2148 - 63);
    cr_assert(!l.sticky && !l.negative);
    assay_superaccumulator_add_product(&s, 0x1p-1074, -0x1p-1074);
    l = assay_superaccumulator_leading(&s);
    cr_assert(l.kind == ASSAY_SUM_ZERO && !l.like_signed);
}

Test(superaccumulator, sums_and_merges)
{
    mpfr_t sum;
    mpfr_init2(sum, PRECISION);
    mpfr_set_zero(sum, 1);
    assay_superaccumulator all, part;
    assay_superaccumulator_clear(&all);
    assay_superaccumulator_clear(&part);
    for (int i = 0; i < 5000; i++) {
        double x = i % 3 ? near_one() * 0x1p-1060 : any_double();
        assay_superaccumulator_add(&part, x);
        mpfr_add_d(sum, sum, x, MPFR_RNDN);
        if (i % 7 == 6) {
            assay_superaccumulator_merge(&all, &part);
            assay_superaccumulator_clear(&part);
            expect_equal(&all, sum, "merged");
        }
    }
    mpfr_clear(sum);
}

/* Extremes of the range, with carries across it. */
Test(superaccumulator, range)
{
    assay_superaccumulator s;
    assay_superaccumulator_clear(&s);
    const double max = 0x1.fffffffffffffp+1023;
    for (int i = 0; i < 1000; i++)
        assay_superaccumulator_add_product(&s, -max, max);
    assay_leading l = assay_superaccumulator_leading(&s);
    cr_assert(l.kind == ASSAY_SUM_FINITE && l.negative);
    cr_assert_eq(l.exp + 63, 2057); /* 1000 * 2^2048 less a little */
    assay_superaccumulator_add_product(&s, 0x1p-1074, 0x1p-1074);
    cr_assert(assay_superaccumulator_leading(&s).sticky);
    for (int i = 0; i < 1000; i++)
        assay_superaccumulator_add_product(&s, max, max);
    l = assay_superaccumulator_leading(&s);
    cr_assert(l.kind == ASSAY_SUM_FINITE && !l.negative && l.exp + 63 == -2148);
}

static assay_leading of_two(double a, double b)
{
    assay_superaccumulator s;
    assay_superaccumulator_clear(&s);
    assay_superaccumulator_add(&s, a);
    assay_superaccumulator_add(&s, b);
    return assay_superaccumulator_leading(&s);
}

static assay_leading of_product(double a, double b)
{
    assay_superaccumulator s;
    assay_superaccumulator_clear(&s);
    assay_superaccumulator_add_product(&s, a, b);
    return assay_superaccumulator_leading(&s);
}

Test(superaccumulator, specials)
{
    const double inf = INFINITY;
    cr_assert_eq(of_two(inf, -inf).kind, ASSAY_SUM_NAN);
    cr_assert_eq(of_two(inf, NAN).kind, ASSAY_SUM_NAN);
    cr_assert(of_two(-inf, 1).kind == ASSAY_SUM_INFINITE && of_two(-inf, 1).negative);
    cr_assert_eq(of_product(inf, -0.0).kind, ASSAY_SUM_NAN);
    cr_assert(of_product(inf, -0x1p-1074).negative);
    cr_assert_eq(of_product(0x1p1023, 0x1p1023).kind, ASSAY_SUM_FINITE);
    cr_assert(of_two(-0.0, -0.0).negative && of_two(-0.0, -0.0).like_signed);
    cr_assert(!of_two(0.0, -0.0).negative && !of_two(0.0, -0.0).like_signed);
    cr_assert(!of_two(0.0, 0.0).negative && of_two(0.0, 0.0).like_signed);
    cr_assert(!of_two(1, -1).negative && !of_two(1, -1).like_signed);
    cr_assert(of_product(-0.0, 5).negative);
}
