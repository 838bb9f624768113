/* SPDX-License-Identifier: Apache-2.0 */
/* Error-free transforms are exact, double-word operations within their proven bounds. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>

#include <mpfr.h>

#include "numerics/exact.h"

enum { BITS = 2200, POINTS = 100000 };

/* u^2 */
static const double unit2 = 0x1p-106;

static uint64_t hash(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* A double with random sign and fraction and an exponent within +-range; every fourth has few
 * bits, so that products and cancellations are sometimes exact. */
static double number(uint64_t i, unsigned range)
{
    uint64_t u = hash(2 * i), e = 1023 - range + hash(2 * i + 1) % (2 * range + 1);
    uint64_t fraction = u & (i % 4 ? 0xfffffffffffff : 0xff00000000000);
    return assay_from_bits64((u & 0x8000000000000000) | e << 52 | fraction);
}

/* A normalised double-word; its low word is sometimes 0 or half an ulp, or far below. */
static assay_dd pair(uint64_t i, unsigned range)
{
    double hi = number(i, range), ulp = assay_pow2(assay_exponent(hi) - 52);
    double lo = ulp * ((double)(int64_t)hash(i + 77) * 0x1p-64);
    switch (hash(i + 5) % 8) {
    case 0: lo = 0; break;
    case 1: lo = ulp * 0.49999; break;
    case 2: lo *= 0x1p-40; break;
    default: break;
    }
    return assay_two_sum(hi, lo);
}

/* b, or close to -a, so that a + b cancels. */
static assay_dd partner(assay_dd a, uint64_t i, unsigned range)
{
    assay_dd b = pair(i + 1000003, range);
    if (i % 3 == 0)
        b = assay_two_sum(-a.hi, number(i, 1) * a.hi * 0x1p-53);
    return i % 9 == 0 ? assay_two_sum(-a.hi, -a.lo * (1 + 0x1p-50)) : b;
}

static void set(mpfr_t t, assay_dd x)
{
    mpfr_set_d(t, x.hi, MPFR_RNDN);
    mpfr_add_d(t, t, x.lo, MPFR_RNDN);
}

/* |y - t|/|t| in u^2. */
static double error(assay_dd y, const mpfr_t t)
{
    mpfr_t d;
    mpfr_init2(d, BITS);
    set(d, y);
    mpfr_sub(d, d, t, MPFR_RNDN);
    if (!mpfr_zero_p(d))
        mpfr_div(d, d, t, MPFR_RNDN);
    double e = fabs(mpfr_get_d(d, MPFR_RNDA));
    mpfr_clear(d);
    return e / unit2;
}

static void expect_normal(assay_dd x)
{
    cr_expect_eq(x.hi + x.lo, x.hi, "%a + %a is not normalised", x.hi, x.lo);
}

Test(exact, two_sum)
{
    mpfr_t t;
    mpfr_init2(t, BITS);
    for (uint64_t i = 0; i < POINTS; i++) {
        double a = number(i, 900), b = i % 2 ? number(i + 9, 900) : a * number(i + 9, 60);
        mpfr_set_d(t, a, MPFR_RNDN);
        mpfr_add_d(t, t, b, MPFR_RNDN);
        assay_dd s = assay_two_sum(a, b), swapped = assay_two_sum(b, a);
        assay_dd fast = fabs(a) >= fabs(b) ? assay_fast_two_sum(a, b) : assay_fast_two_sum(b, a);
        cr_expect_eq(error(s, t), 0);
        cr_expect_eq(s.hi, a + b);
        cr_expect(s.hi == swapped.hi && s.lo == swapped.lo && s.hi == fast.hi && s.lo == fast.lo);
    }
    mpfr_clear(t);
}

Test(exact, two_prod)
{
    mpfr_t t;
    mpfr_init2(t, BITS);
    for (uint64_t i = 0; i < POINTS; i++) {
        double a = number(i, i % 2 ? 480 : 990), b = i % 2 ? number(i + 9, 480) : number(i + 9, 25);
        if (!(fabs(a * b) >= 0x1p-968 && fabs(a * b) <= 0x1p1000 && fabs(a) <= 0x1p996))
            continue;
        mpfr_set_d(t, a, MPFR_RNDN);
        mpfr_mul_d(t, t, b, MPFR_RNDN);
        assay_dd p = assay_two_prod(a, b);
        cr_expect_eq(error(p, t), 0, "%a * %a", a, b);
        cr_expect(p.hi == a * b && p.lo == fma(a, b, -p.hi), "%a * %a", a, b);
    }
    mpfr_clear(t);
}

Test(exact, two_prod_at_the_edge)
{
    double least = 0x1.fffffffffffffp-485, small = 0x1.fffffffffffffp-484;
    cr_expect_eq(assay_two_prod(least, small).lo, fma(least, small, -(least * small)));
    double big = 0x1.fffffffffffffp995;
    cr_expect_eq(assay_two_prod(big, 1.75).lo, fma(big, 1.75, -(big * 1.75)));
    cr_expect_eq(assay_two_prod(0, 5).lo, 0);
}

Test(exact, sums)
{
    double worst = 0, worst_d = 0;
    mpfr_t s, t;
    mpfr_inits2(BITS, s, t, (mpfr_ptr)0);
    for (uint64_t i = 0; i < POINTS; i++) {
        assay_dd a = pair(i, 60), b = partner(a, i, 60), sum = assay_dd_add(a, b);
        set(s, a);
        set(t, b);
        mpfr_add(t, s, t, MPFR_RNDN);
        worst = fmax(worst, error(sum, t));
        assay_dd difference = assay_dd_sub(a, assay_dd_neg(b));
        cr_expect(difference.hi == sum.hi && difference.lo == sum.lo);
        expect_normal(sum);
        mpfr_add_d(t, s, b.hi, MPFR_RNDN);
        worst_d = fmax(worst_d, error(assay_dd_add_d(a, b.hi), t));
    }
    mpfr_clears(s, t, (mpfr_ptr)0);
    cr_log_info("add %.2f u^2, add_d %.2f u^2", worst, worst_d);
    cr_expect(worst <= 3.0001 && worst_d <= 2, "%g %g", worst, worst_d);
}

Test(exact, products)
{
    double worst = 0, worst_d = 0;
    mpfr_t s, t;
    mpfr_inits2(BITS, s, t, (mpfr_ptr)0);
    for (uint64_t i = 0; i < POINTS; i++) {
        assay_dd a = pair(i, 200), b = pair(i + 1000003, 200), product = assay_dd_mul(a, b);
        set(s, a);
        set(t, b);
        mpfr_mul(t, s, t, MPFR_RNDN);
        worst = fmax(worst, error(product, t));
        expect_normal(product);
        mpfr_mul_d(t, s, b.hi, MPFR_RNDN);
        worst_d = fmax(worst_d, error(assay_dd_mul_d(a, b.hi), t));
    }
    mpfr_clears(s, t, (mpfr_ptr)0);
    cr_log_info("mul %.2f u^2, mul_d %.2f u^2", worst, worst_d);
    cr_expect(worst <= 7 && worst_d <= 1.5001, "%g %g", worst, worst_d);
}

Test(exact, quotients_and_roots)
{
    double worst = 0, worst_root = 0;
    mpfr_t s, t;
    mpfr_inits2(BITS, s, t, (mpfr_ptr)0);
    for (uint64_t i = 0; i < POINTS; i++) {
        assay_dd a = assay_dd_abs(pair(i, 200)), b = pair(i + 1000003, 200);
        assay_dd quotient = assay_dd_div(a, b), root = assay_dd_sqrt(a);
        set(s, a);
        set(t, b);
        mpfr_div(t, s, t, MPFR_RNDN);
        worst = fmax(worst, error(quotient, t));
        mpfr_sqrt(t, s, MPFR_RNDN);
        worst_root = fmax(worst_root, error(root, t));
        expect_normal(quotient);
        expect_normal(root);
    }
    mpfr_clears(s, t, (mpfr_ptr)0);
    cr_log_info("div %.2f u^2, sqrt %.2f u^2", worst, worst_root);
    cr_expect(worst <= 15.0001 && worst_root <= 3.125, "%g %g", worst, worst_root);
}

Test(exact, order_and_sign)
{
    assay_dd one = assay_dd_from(1), above = { 1, 0x1p-80 }, below = { 1, -0x1p-80 };
    cr_expect_eq(assay_dd_compare(one, above), -1);
    cr_expect_eq(assay_dd_compare(one, below), 1);
    cr_expect_eq(assay_dd_compare(above, above), 0);
    cr_expect_eq(assay_dd_compare(assay_dd_neg(above), below), -1);
    cr_expect_eq(assay_dd_abs(assay_dd_neg(below)).lo, -0x1p-80);
    cr_expect_eq(assay_dd_to_double(above), 1);
    cr_expect(signbit(assay_dd_to_double(assay_dd_from(-0.0))));
    cr_expect_eq(assay_dd_ldexp(above, -100).lo, 0x1p-180);
    cr_expect_eq(assay_dd_sqrt(assay_dd_from(0)).hi, 0);
    cr_expect(isnan(assay_dd_sqrt(assay_dd_from(-1)).hi));
}
