/* SPDX-License-Identifier: Apache-2.0 */
/* Measures of errors against exact arithmetic: at zeros, subnormals, infinities, the ends of
 * formats and of binary64, and at random. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <mpfr.h>
#include <stdlib.h>

#include "../support/points.h"
#include "audit/drift.h"
#include "audit/ulp.h"
#include "audit/verify_parts.h"

/* ---- units in the last place: quanta are gaps of the list of all values */

enum { CODES = 1 << 16, PICKED = 160, ENOUGH = 4400 };

static double magnitudes[CODES];

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The finite magnitudes of a format of at most 16 bits, by MPFR from its documents. */
static size_t list(const assay_format *f)
{
    size_t n = 0, kept = 1;
    mpfr_t v;
    mpfr_init2(v, assay_verify_precision(f));
    for (uint64_t code = 0; code >> f->bits == 0; code++) {
        assay_verify_value(f, code, v);
        if (mpfr_number_p(v))
            magnitudes[n++] = fabs(mpfr_get_d(v, MPFR_RNDN));
    }
    mpfr_clear(v);
    qsort(magnitudes, n, sizeof *magnitudes, ascending);
    for (size_t i = 1; i < n; i++)
        if (magnitudes[i] != magnitudes[kept - 1])
            magnitudes[kept++] = magnitudes[i];
    return kept;
}

/* How far the value at or below x is from the next; from zero on where nothing lies below. */
static double gap_at(size_t n, double x)
{
    size_t low = 0, high = n - 1;
    x = fabs(x);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (magnitudes[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    if (low == 0 && n > 2) /* without subnormals the first gap is no quantum */
        low = 1;
    return magnitudes[low + 1] - magnitudes[low];
}

static double exact_ulps(double reference, double candidate, double gap)
{
    if (isnan(reference) || isnan(candidate))
        return isnan(reference) && isnan(candidate) ? 0 : NAN;
    if (isinf(reference) || isinf(candidate))
        return reference == candidate ? 0 : INFINITY;
    mpfr_t d;
    mpfr_init2(d, ENOUGH);
    mpfr_set_d(d, candidate, MPFR_RNDN);
    mpfr_sub_d(d, d, reference, MPFR_RNDN);
    mpfr_abs(d, d, MPFR_RNDN);
    mpfr_div_d(d, d, gap, MPFR_RNDN); /* a power of two */
    double ulps = mpfr_get_d(d, MPFR_RNDU);
    mpfr_clear(d);
    return ulps > DBL_MAX ? DBL_MAX : ulps;
}

static double pick(size_t n, uint64_t i)
{
    static const double ends[] = {
        0, DBL_TRUE_MIN, DBL_MIN, DBL_MAX, INFINITY, NAN, 0x1p-200, 1e300
    };
    const uint64_t random = points_random(i);
    const size_t at = (random >> 20) % n;
    double x = magnitudes[at];
    if (i % 4 == 1)
        x = ends[(random >> 20) % 8];
    else if (i % 4 == 2)
        x = magnitudes[random & 1 ? n - 1 - at % 3 : at % 3 % n];
    else if (i % 4 == 3 && at + 1 < n)
        x += (magnitudes[at + 1] - x) * ldexp((double)(int64_t)(random >> 44), -20);
    return random & 2 ? -x : x;
}

Test(measures, ulps_are_exact_and_rounded_upwards)
{
    static const char *const specs[] = { "e4m3",
                                         "e5m2",
                                         "e2m1",
                                         "e3m2",
                                         "e4m3fnuz",
                                         "binary16",
                                         "bfloat16",
                                         "float:e=4,m=3,subnormals=no",
                                         "float:e=4,m=3,sign=no" };
    for (size_t k = 0; k < sizeof specs / sizeof specs[0]; k++) {
        assay_format f;
        size_t wrong = 0;
        cr_assert_eq(assay_format_parse(specs[k], &f), ASSAY_OK);
        const size_t n = list(&f);
        for (uint64_t i = 0; i < PICKED; i++)
            for (uint64_t j = 0; j < PICKED; j++) {
                const double reference = pick(n, i), candidate = pick(n, PICKED + j);
                const double got = assay_ulp_error(&f, reference, candidate);
                const double want = exact_ulps(reference, candidate, gap_at(n, reference));
                if (!(got == want || (isnan(got) && isnan(want))) && wrong++ == 0)
                    cr_log_error("%s: %a against %a: %a, not %a", specs[k], candidate, reference,
                                 got, want);
            }
        cr_expect_eq(wrong, 0, "%s: %zu wrong", specs[k], wrong);
    }
}

/* Ranks in the list of all values, infinity behind the largest. */
Test(measures, code_distances_are_differences_of_ranks)
{
    static const char *const specs[] = { "e4m3", "e5m2", "e2m3", "e4m3fnuz",
                                         "float:e=4,m=3,sign=no" };
    for (size_t k = 0; k < sizeof specs / sizeof specs[0]; k++) {
        assay_format f;
        cr_assert_eq(assay_format_parse(specs[k], &f), ASSAY_OK);
        size_t n = list(&f), wrong = 0;
        if (f.has_inf)
            magnitudes[n++] = INFINITY;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                for (int sign = 0; sign < (f.is_signed ? 2 : 1); sign++) {
                    uint64_t got = UINT64_MAX, want = sign ? i + j : i > j ? i - j : j - i;
                    double other = sign ? -magnitudes[j] : magnitudes[j];
                    wrong += !assay_code_distance(&f, magnitudes[i], other, &got) || got != want;
                }
        cr_expect_eq(wrong, 0, "%s: %zu wrong", specs[k], wrong);
    }
}

/* ---- norms */

enum { LENGTH = 40 };

/* sqrt(sum (c - r)^2 / sum r^2) and the cosine, where nothing before the last steps is rounded. */
static void exact_norms(const double *r, const double *c, double *rel, double *cosine)
{
    mpfr_t x, y, e2, r2, c2, dot;
    mpfr_inits2(2 * ENOUGH, x, y, e2, r2, c2, dot, (mpfr_ptr)NULL);
    mpfr_set_zero(e2, 1), mpfr_set_zero(r2, 1), mpfr_set_zero(c2, 1), mpfr_set_zero(dot, 1);
    for (size_t i = 0; i < LENGTH; i++) {
        mpfr_set_d(x, r[i], MPFR_RNDN);
        mpfr_set_d(y, c[i], MPFR_RNDN);
        mpfr_fma(r2, x, x, r2, MPFR_RNDN);
        mpfr_fma(c2, y, y, c2, MPFR_RNDN);
        mpfr_fma(dot, x, y, dot, MPFR_RNDN);
        mpfr_sub(y, y, x, MPFR_RNDN);
        mpfr_fma(e2, y, y, e2, MPFR_RNDN);
    }
    mpfr_div(e2, e2, r2, MPFR_RNDN);
    mpfr_sqrt(e2, e2, MPFR_RNDN);
    mpfr_mul(r2, r2, c2, MPFR_RNDN);
    mpfr_sqrt(r2, r2, MPFR_RNDN);
    mpfr_div(dot, dot, r2, MPFR_RNDN);
    *rel = mpfr_get_d(e2, MPFR_RNDN);
    *cosine = mpfr_get_d(dot, MPFR_RNDN);
    mpfr_clears(x, y, e2, r2, c2, dot, (mpfr_ptr)NULL);
}

static double number(uint64_t i, int exponent, int spread)
{
    const uint64_t random = points_random(i);
    const int e = exponent + (int)(random % (uint64_t)(2 * spread + 1)) - spread;
    return ldexp(random & 1 ? -1.25 : 1, e > 1020 ? 1020 : e) *
           (1 + ldexp((double)(int64_t)(random >> 12), -52));
}

/* Rounding: (LENGTH + 3) 2^-53 in a norm, twice that in their quotient, and what errors of the
 * differences add. */
static void check_norms(int exponent, int spread, int error)
{
    double r[LENGTH], c[LENGTH], rel, cosine;
    assay_drift d = { 0 };
    for (uint64_t i = 0; i < LENGTH; i++) {
        r[i] = number(i, exponent, spread);
        c[i] = r[i] + ldexp(number(i + LENGTH, exponent, spread), error);
    }
    assay_drift_add(&d, r, c, LENGTH);
    exact_norms(r, c, &rel, &cosine);
    cr_expect_float_eq(assay_drift_rel_l2(&d) / rel, 1, 1e-13, "2^%d, %d, %d: %g, not %g", exponent,
                       spread, error, assay_drift_rel_l2(&d), rel);
    cr_expect_float_eq(assay_drift_sqnr(&d), -20 * log10(rel), 1e-10);
    cr_expect_float_eq(assay_drift_cosine(&d), cosine, 1e-13, "2^%d, %d, %d", exponent, spread,
                       error);
}

Test(measures, norms_are_right_at_any_scale)
{
    static const int exponents[] = { -1070, -1000, -700, -540, -500, -452, -449, -300,
                                     0,     300,   449,  452,  500,  540,  700,  1000 };
    for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
        check_norms(exponents[i], 2, -3);
        if (exponents[i] > -1000)
            check_norms(exponents[i], 2, -20);
        check_norms(exponents[i], 40, 1);
    }
    check_norms(0, 900, 0); /* tiny, ordinary and huge ones */
    check_norms(-600, 400, 0);
    check_norms(600, 400, 0);
}
