/* SPDX-License-Identifier: Apache-2.0 */
/* numerics/elementary_tables.c, every word recomputed with MPFR. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>

#include <mpfr.h>

#include "numerics/elementary.h"
#include "numerics/elementary_tables.h"

enum { BITS = 320 };

/* Every word of a table against c: hi = RN(c), lo = RN(c - hi), what tables.py promises. */
static void expect_words(const double *pair, const mpfr_t c, const char *table, size_t i)
{
    mpfr_t rest;
    mpfr_init2(rest, mpfr_get_prec(c));
    cr_expect_eq(pair[0], mpfr_get_d(c, MPFR_RNDN), "%s[%zu].hi", table, i);
    mpfr_sub_d(rest, c, pair[0], MPFR_RNDN);
    cr_expect_eq(pair[1], mpfr_get_d(rest, MPFR_RNDN), "%s[%zu].lo", table, i);
    mpfr_clear(rest);
}

static void expect_ratio(const double *pair, mpfr_t c, unsigned long factorial_of,
                         const char *table, size_t i)
{
    mpfr_t f;
    mpfr_init2(f, BITS);
    mpfr_fac_ui(f, factorial_of, MPFR_RNDN);
    mpfr_div(c, c, f, MPFR_RNDN);
    expect_words(pair, c, table, i);
    mpfr_clear(f);
}

Test(elementary, table_of_roots_and_series)
{
    mpfr_t c;
    mpfr_init2(c, BITS);
    for (size_t j = 0; j < 128; j++) {
        mpfr_set_d(c, (double)j / 128, MPFR_RNDN);
        mpfr_exp2(c, c, MPFR_RNDN);
        expect_words(assay_exp_table + 2 * j, c, "exp", j);
    }
    for (unsigned long n = 0; n < 19; n++) {
        mpfr_set_ui(c, 1, MPFR_RNDN);
        expect_ratio(assay_exp_series + 2 * n, c, n + 1, "exp_series", n);
    }
    for (unsigned long n = 0; n < 7; n++) {
        mpfr_set_ui(c, 1, MPFR_RNDN);
        mpfr_div_ui(c, c, 2 * n + 1, MPFR_RNDN);
        expect_words(assay_atanh_series + 2 * n, c, "atanh_series", n);
    }
    for (unsigned long n = 0; n < 16; n++) {
        mpfr_set_si(c, n % 2 ? -1 : 1, MPFR_RNDN);
        expect_ratio(assay_cos_series + 2 * n, c, 2 * n, "cos_series", n);
        mpfr_set_si(c, n % 2 ? -1 : 1, MPFR_RNDN);
        if (n < 15)
            expect_ratio(assay_sin_series + 2 * n, c, 2 * n + 1, "sin_series", n);
    }
    for (size_t i = 0; i <= 64; i++) {
        mpfr_set_d(c, (double)i / 64, MPFR_RNDN);
        mpfr_atan(c, c, MPFR_RNDN);
        cr_expect_eq(assay_atan_table[i], mpfr_get_d(c, MPFR_RNDN), "atan[%zu]", i);
    }
    for (unsigned long n = 0; n < 22; n++) {
        mpfr_const_pi(c, MPFR_RNDN);
        mpfr_rec_sqrt(c, c, MPFR_RNDN);
        mpfr_mul_si(c, c, n % 2 ? -2 : 2, MPFR_RNDN);
        mpfr_div_ui(c, c, 2 * n + 1, MPFR_RNDN);
        expect_ratio(assay_erf_series + 2 * n, c, n, "erf_series", n);
    }
    mpfr_clear(c);
}

Test(elementary, table_of_logarithms)
{
    mpfr_t c;
    mpfr_init2(c, BITS);
    for (size_t i = 0; i < 128; i++) {
        const double *entry = assay_log_table + 3 * i;
        double half = i >= 53 ? 0.5 : 1, m0 = half * (1 + (double)i / 128), m1 = m0 + half / 128;
        cr_expect(fabs(entry[0] * m0 - 1) <= 0x1p-7 && fabs(entry[0] * m1 - 1) <= 0x1p-7, "%zu", i);
        cr_expect_eq(entry[0] * 1024, rint(entry[0] * 1024));
        mpfr_set_d(c, entry[0], MPFR_RNDN);
        mpfr_log(c, c, MPFR_RNDN);
        mpfr_neg(c, c, MPFR_RNDN);
        expect_words(entry + 1, c, "log", i);
    }
    mpfr_clear(c);
}

/* f = e^(x^2) erfc(x), f' = 2 x f - 2/sqrt(pi), f^(n+1) = 2 x f^(n) + 2 n f^(n-1). */
static void scaled_erfc_row(mpfr_t *f, size_t i)
{
    mpfr_t x, t;
    mpfr_inits2(2600, x, t, (mpfr_ptr)0);
    mpfr_set_d(x, ldexp(1 + ((double)(i % 16) + 0.5) / 16, (int)(i / 16)) - 1, MPFR_RNDN);
    mpfr_sqr(t, x, MPFR_RNDN);
    mpfr_exp(t, t, MPFR_RNDN);
    mpfr_erfc(f[0], x, MPFR_RNDN);
    mpfr_mul(f[0], f[0], t, MPFR_RNDN);
    mpfr_mul_2ui(x, x, 1, MPFR_RNDN);
    mpfr_const_pi(t, MPFR_RNDN);
    mpfr_rec_sqrt(t, t, MPFR_RNDN);
    mpfr_mul_2ui(t, t, 1, MPFR_RNDN);
    mpfr_fms(f[1], x, f[0], t, MPFR_RNDN);
    for (unsigned long n = 1; n < 21; n++) {
        mpfr_mul_ui(t, f[n - 1], 2 * n, MPFR_RNDN);
        mpfr_fma(f[n + 1], x, f[n], t, MPFR_RNDN);
    }
    mpfr_clears(x, t, (mpfr_ptr)0);
}

Test(elementary, table_of_scaled_erfc)
{
    mpfr_t f[22];
    for (size_t n = 0; n < 22; n++)
        mpfr_init2(f[n], 2600);
    for (size_t i = 0; i < 80; i++) {
        scaled_erfc_row(f, i);
        for (unsigned long n = 0; n < 22; n++)
            expect_ratio(assay_scaled_erfc + 44 * i + 2 * n, f[n], n, "scaled_erfc", i);
    }
    for (size_t n = 0; n < 22; n++)
        mpfr_clear(f[n]);
}

/* The sum of the parts is the constant to 2^-bits, and all parts but the last are short. */
static void expect_parts(const double *part, const mpfr_t c, double integers, int bits)
{
    mpfr_t d;
    mpfr_init2(d, BITS);
    for (int i = 0; i < 2; i++)
        cr_expect_eq(fma(integers, part[i], -(integers * part[i])), 0);
    mpfr_set_d(d, part[0], MPFR_RNDN);
    mpfr_add_d(d, d, part[1], MPFR_RNDN);
    mpfr_add_d(d, d, part[2], MPFR_RNDN);
    mpfr_sub(d, d, c, MPFR_RNDN);
    cr_expect(mpfr_zero_p(d) || mpfr_get_exp(d) <= -bits);
    mpfr_clear(d);
}

Test(elementary, table_of_constants)
{
    mpfr_t c;
    mpfr_init2(c, 1400);
    mpfr_const_log2(c, MPFR_RNDN);
    expect_parts(assay_ln2, c, 2047, 136);
    mpfr_div_2ui(c, c, 7, MPFR_RNDN);
    expect_parts(assay_ln2_128, c, 524287, 127);
    mpfr_set_ui(c, 10, MPFR_RNDN);
    mpfr_log(c, c, MPFR_RNDN);
    mpfr_ui_div(c, 1, c, MPFR_RNDN);
    expect_words(assay_rlog10, c, "rlog10", 0);
    mpfr_set_d(c, 0.5, MPFR_RNDN);
    mpfr_sqrt(c, c, MPFR_RNDN);
    expect_words(assay_rsqrt2, c, "rsqrt2", 0);
    mpfr_const_pi(c, MPFR_RNDN);
    mpfr_div_2ui(c, c, 1, MPFR_RNDN);
    expect_words(assay_half_pi, c, "half_pi", 0);
    mpfr_ui_div(c, 4, c, MPFR_RNDN);
    mpfr_sqrt(c, c, MPFR_RNDN);
    expect_words(assay_gelu_linear, c, "gelu_linear", 0);
    mpfr_mul_ui(c, c, 44715, MPFR_RNDN);
    mpfr_div_ui(c, c, 1000000, MPFR_RNDN);
    expect_words(assay_gelu_cubic, c, "gelu_cubic", 0);
    mpfr_clear(c);
}

Test(elementary, table_of_two_over_pi)
{
    mpfr_t c;
    mpfr_init2(c, 1400);
    mpfr_const_pi(c, MPFR_RNDN);
    mpfr_ui_div(c, 2, c, MPFR_RNDN);
    cr_expect_eq(assay_two_over_pi[0], 0);
    for (size_t j = 1; j < 21; j++) {
        mpfr_mul_2ui(c, c, 64, MPFR_RNDN);
        uint64_t word = mpfr_get_uj(c, MPFR_RNDZ);
        cr_expect_eq(assay_two_over_pi[j], word, "word %zu", j);
        mpfr_frac(c, c, MPFR_RNDN);
    }
    mpfr_clear(c);
}
