/* SPDX-License-Identifier: Apache-2.0 */
/* Wide numbers against MPFR: operations to one unit, functions to what they return. */
#include <criterion/criterion.h>
#include <mpfr.h>
#include <string.h>

#include "../support/points.h"
#include "numerics/wide_function.h"

enum { TRIALS = 300, MOST_BITS = 64 * ASSAY_WIDE_LIMBS };

static void to_mpfr(int n, mpfr_ptr r, const assay_wide *x)
{
    mpfr_t limb;
    mpfr_init2(limb, 64);
    mpfr_set_prec(r, 64 * n + 64);
    mpfr_set_zero(r, 1);
    for (int i = n - 1; i >= 0; i--) {
        mpfr_div_2ui(r, r, 64, MPFR_RNDN);
        mpfr_set_ui(limb, x->at[i], MPFR_RNDN);
        mpfr_add(r, r, limb, MPFR_RNDN);
    }
    mpfr_mul_2si(r, r, x->exp - 64, MPFR_RNDN);
    mpfr_setsign(r, r, x->negative, MPFR_RNDN);
    mpfr_clear(limb);
}

/* n limbs of sparse, dense or random bits. */
static void random_wide(int n, assay_wide *x, uint64_t seed)
{
    memset(x, 0, sizeof *x);
    for (int i = 0; i < n; i++) {
        uint64_t u = points_random(64 * seed + (uint64_t)i), kind = points_random(seed) % 5;
        x->at[i] = kind == 0 ? 0 : kind == 1 ? ~(uint64_t)0 : kind == 2 && i > 0 ? u >> 60 : u;
    }
    x->at[0] |= (uint64_t)1 << 63;
    x->exp = (int64_t)(points_random(seed + 9) % 200) - 100;
    x->negative = points_random(seed + 5) & 1;
}

/* -log2 of the relative error; huge if there is none. */
static long good_bits(int n, const assay_wide *got, mpfr_srcptr want)
{
    mpfr_t x;
    mpfr_init2(x, 64);
    to_mpfr(n, x, got);
    mpfr_sub(x, x, want, MPFR_RNDN);
    if (!mpfr_zero_p(x))
        mpfr_div(x, x, want, MPFR_RNDN);
    long bits = mpfr_zero_p(x) ? 1 << 20 : -(long)mpfr_get_exp(x);
    mpfr_clear(x);
    return bits;
}

Test(wide, operations)
{
    static const int limbs[] = { 1, 2, 3, 8, 17, 39 };
    mpfr_t x, y, z;
    mpfr_inits2(2 * MOST_BITS + 600, x, y, z, (mpfr_ptr)NULL);
    for (uint64_t t = 0; t < 6 * TRIALS; t++) {
        int n = limbs[t % 6];
        assay_wide a, b, r;
        random_wide(n, &a, 3 * t);
        random_wide(n, &b, 3 * t + 1);
        if (t % 4 == 0) { /* near to a: their difference cancels */
            b = a;
            b.negative = !a.negative;
            b.at[n - 1] ^= points_random(t) >> (t % 64);
            b.exp -= (int64_t)(t % 3);
            b.at[0] |= (uint64_t)1 << 63;
        }
        mpfr_t u, v;
        mpfr_inits2(64, u, v, (mpfr_ptr)NULL);
        to_mpfr(n, u, &a);
        to_mpfr(n, v, &b);
        mpfr_add(z, u, v, MPFR_RNDN);
        assay_wide_add(n, &r, &a, &b);
        cr_expect(mpfr_zero_p(z) ? assay_wide_is_zero(&r) : good_bits(n, &r, z) >= 64 * n - 1);
        mpfr_mul(z, u, v, MPFR_RNDN);
        assay_wide_mul(n, &r, &a, &b);
        cr_expect(good_bits(n, &r, z) >= 64 * n - 1);
        mpfr_div(z, u, v, MPFR_RNDN);
        assay_wide_div(n, &r, &a, &b);
        cr_expect(good_bits(n, &r, z) >= 64 * n - 1, "%d limbs: %ld", n, good_bits(n, &r, z));
        uint64_t m = points_random(t) >> (t % 64) | 1;
        mpfr_mul_ui(z, u, m, MPFR_RNDN);
        assay_wide_mul_u(n, &r, &a, m);
        cr_expect(good_bits(n, &r, z) >= 64 * n - 1);
        mpfr_div_ui(z, u, m, MPFR_RNDN);
        assay_wide_div_u(n, &r, &a, m);
        cr_expect(good_bits(n, &r, z) >= 64 * n - 1);
        a.negative = false;
        mpfr_abs(u, u, MPFR_RNDN);
        mpfr_sqrt(z, u, MPFR_RNDN);
        assay_wide_sqrt(n, &r, &a);
        cr_expect(good_bits(n, &r, z) >= 64 * n - 3, "sqrt, %d limbs: %ld", n, good_bits(n, &r, z));
        mpfr_clears(u, v, (mpfr_ptr)NULL);
    }
    mpfr_clears(x, y, z, (mpfr_ptr)NULL);
}

typedef int (*wide_function)(int, assay_wide *, const assay_wide *);
typedef int (*mpfr_function)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);

static void check_function(const char *name, wide_function f, mpfr_function g, int low, int high,
                           bool any_sign)
{
    static const int limbs[] = { 3, 4, 8, 16, 32 };
    mpfr_t x, y;
    mpfr_inits2(64, x, y, (mpfr_ptr)NULL);
    for (uint64_t t = 0; t < TRIALS; t++) {
        int n = limbs[t % 5];
        assay_wide a, r;
        random_wide(t % 2 ? 1 : n, &a, t);
        a.exp = low + (int64_t)(points_random(t) % (uint64_t)(high - low + 1));
        a.negative = any_sign && a.negative;
        to_mpfr(n, x, &a);
        mpfr_set_prec(y, 64 * n + 200);
        g(y, x, MPFR_RNDN);
        int good = f(n, &r, &a);
        long real = good_bits(n, &r, y);
        cr_expect(good > 64 * n - 100 && real >= good, "%s, %d limbs, trial %llu: %ld, not %d",
                  name, n, (unsigned long long)t, real, good);
    }
    mpfr_clears(x, y, (mpfr_ptr)NULL);
    mpfr_free_cache();
}

Test(wide, functions)
{
    check_function("exp", assay_wide_exp, mpfr_exp, -120, 30, true);
    check_function("expm1", assay_wide_expm1, mpfr_expm1, -120, 20, true);
    check_function("log", assay_wide_log, mpfr_log, -300, 300, false);
    check_function("log near 1", assay_wide_log, mpfr_log, 0, 1, false);
    check_function("log1p", assay_wide_log1p, mpfr_log1p, -120, 60, false);
    check_function("log1p", assay_wide_log1p, mpfr_log1p, -60, -1, true);
    check_function("atan", assay_wide_atan, mpfr_atan, -120, 100, true);
    check_function("sin", assay_wide_sin, mpfr_sin, -120, -1, true);
    check_function("cos", assay_wide_cos, mpfr_cos, -120, -1, true);
    check_function("erf", assay_wide_erf, mpfr_erf, -120, 4, true);
}

Test(wide, erfc)
{
    mpfr_t x, y;
    mpfr_inits2(64, x, y, (mpfr_ptr)NULL);
    for (uint64_t t = 0; t < 60; t++) {
        assay_wide a, r;
        random_wide(1, &a, t);
        a.exp = -4 + (int64_t)(t % 8);
        a.negative = false;
        to_mpfr(8, x, &a);
        mpfr_set_prec(y, 700);
        mpfr_erfc(y, x, MPFR_RNDN);
        int good = assay_wide_erfc(8, &r, &a);
        cr_expect(good > 400 && good_bits(8, &r, y) >= good, "%llu: %ld, not %d",
                  (unsigned long long)t, good_bits(8, &r, y), good);
    }
    mpfr_clears(x, y, (mpfr_ptr)NULL);
}

/* x - q pi/2 for x of few bits and large exponents. */
Test(wide, reduction)
{
    mpfr_t x, y, pi;
    mpfr_inits2(4000, x, y, pi, (mpfr_ptr)NULL);
    for (uint64_t t = 0; t < TRIALS; t++) {
        assay_wide a, r;
        unsigned q;
        random_wide(1, &a, t);
        a.exp = (int64_t)(points_random(t) % 1100) - 5;
        to_mpfr(1, x, &a);
        int good = assay_wide_reduce(8, &r, &a, &q);
        mpfr_const_pi(pi, MPFR_RNDN);
        mpfr_div_2ui(pi, pi, 1, MPFR_RNDN);
        mpfr_set_prec(y, 4000);
        mpfr_remquo(y, (long[1]){ 0 }, x, pi, MPFR_RNDN);
        cr_expect(good > 500 && good_bits(8, &r, y) >= good, "%llu: %ld, not %d",
                  (unsigned long long)t, good_bits(8, &r, y), good);
    }
    mpfr_clears(x, y, pi, (mpfr_ptr)NULL);
    mpfr_free_cache();
}

/* What certify promises holds for every true value within the error. */
Test(wide, certify)
{
    assay_exact e;
    assay_wide x;
    assay_wide_from(3, &x, 1, 0, false);
    cr_expect(!assay_wide_certify(3, &x, 180, 64, &e), "a number of few bits may be either side");
    x.at[1] = (uint64_t)1 << 63;
    cr_expect(assay_wide_certify(3, &x, 180, 64, &e));
    cr_expect(e.sig == (uint64_t)1 << 63 && e.rest && e.exp == -63);
    x.at[1] = ~(uint64_t)0;
    x.at[2] = ~(uint64_t)0;
    cr_expect(!assay_wide_certify(3, &x, 180, 64, &e));
    x.at[2] = 0; /* beyond the error */
    cr_expect(assay_wide_certify(3, &x, 180, 64, &e));
    cr_expect(!assay_wide_certify(3, &x, 128, 64, &e));
}
