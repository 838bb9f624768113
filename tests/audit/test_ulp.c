/* SPDX-License-Identifier: Apache-2.0 */
/* Every expected number is computed by hand from the definitions in ulp.h. */
#include "audit/ulp.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

static assay_format format(const char *spec)
{
    assay_format f;
    cr_assert_eq(assay_format_parse(spec, &f), ASSAY_OK, "%s", assay_last_error());
    return f;
}

static void expect_ulps(const char *spec, double reference, double candidate, double wanted)
{
    assay_format f = format(spec);
    double ulps = assay_ulp_error(&f, reference, candidate);
    cr_expect(ulps == wanted || (ulps != ulps && wanted != wanted), "%s: %a against %a: %a, not %a",
              spec, candidate, reference, ulps, wanted);
}

static void expect_distance(const char *spec, double a, double b, uint64_t wanted)
{
    assay_format f = format(spec);
    uint64_t ab = 0, ba = 0;
    cr_assert(assay_code_distance(&f, a, b, &ab), "%s: %a, %a", spec, a, b);
    cr_assert(assay_code_distance(&f, b, a, &ba), "%s: %a, %a", spec, b, a);
    cr_expect(ab == wanted && ba == wanted, "%s: %a, %a: %llu and %llu, not %llu", spec, a, b,
              (unsigned long long)ab, (unsigned long long)ba, (unsigned long long)wanted);
}

/* e4m3: p = 4, emin = -6, emax = 8, so quanta are 2^-9 (subnormal and lowest binade) to 2^5. */
Test(ulp, quantum)
{
    assay_format e4m3 = format("e4m3"), bare = format("float:e=4,m=3,subnormals=no");
    const double x[] = { 0.0, -0.0, 0x1p-9, 0x1p-6, 0x1p-5, 1.0, 1.875, 2.0, 256.0, 448.0 };
    const int wanted[] = { -9, -9, -9, -9, -8, -3, -3, -2, 5, 5 };
    for (size_t i = 0; i < sizeof x / sizeof x[0]; i++)
        cr_expect_eq(assay_quantum_exponent(&e4m3, x[i]), wanted[i], "%a", x[i]);
    cr_expect_eq(assay_quantum_exponent(&e4m3, 1e300), 5, "beyond max: the highest binade");
    cr_expect_eq(assay_quantum_exponent(&e4m3, -INFINITY), 5);
    cr_expect_eq(assay_quantum_exponent(&e4m3, 1e-300), -9, "below all: the lowest binade");
    /* Without subnormals the exponent field 0 is the binade 2^-bias = 2^-7. */
    cr_expect_eq(assay_quantum_exponent(&bare, 0), -10);
}

Test(ulp, error_in_quanta_of_the_reference)
{
    expect_ulps("e4m3", 1.0, 1.125, 1);
    expect_ulps("e4m3", 1.0625, 1.0, 0.5);
    expect_ulps("e4m3", 1.0, 0.9375, 0.5); /* at 2^k the upper binade's quantum, 1/8 */
    expect_ulps("e4m3", 0.9375, 1.0, 1);   /* whose quantum is 1/16 */
    expect_ulps("e4m3", -1.0, 1.0, 16);
    expect_ulps("e4m3", 448, 480, 1); /* a candidate beyond the format */
    expect_ulps("e4m3", 1000, 448, 552.0 / 32);
    expect_ulps("e4m3", 0x1p-9, 0, 1);
    expect_ulps("e4m3", 0, -0x1p-9, 1);
    expect_ulps("e4m3", 0x1p-9, -0x1p-9, 2);
    expect_ulps("e4m3", 0x1p-7, 0x1p-6, 4); /* subnormal to normal */
    expect_ulps("binary64", 0, DBL_TRUE_MIN, 1);
    expect_ulps("binary64", DBL_MAX, -DBL_MAX, 0x1.fffffffffffffp53);
    expect_ulps("binary32", 1.0, 1.0 + 0x1p-23, 1);
    expect_ulps("binary32", 1.0, 1.0 + 0x1p-24, 0.5);
}

Test(ulp, error_of_specials)
{
    expect_ulps("e5m2", 0.0, -0.0, 0);
    expect_ulps("e5m2", NAN, -NAN, 0);
    expect_ulps("e5m2", NAN, 1, NAN);
    expect_ulps("e5m2", INFINITY, NAN, NAN);
    expect_ulps("e5m2", INFINITY, INFINITY, 0);
    expect_ulps("e5m2", INFINITY, -INFINITY, INFINITY);
    expect_ulps("e5m2", INFINITY, 57344, INFINITY);
    expect_ulps("e5m2", 57344, -INFINITY, INFINITY);
    /* 2^1023 / 2^-1074 is beyond binary64, but not infinite. */
    expect_ulps("binary64", DBL_TRUE_MIN, 0x1p1023, DBL_MAX);
    expect_ulps("binary64", DBL_TRUE_MIN, -DBL_MAX, DBL_MAX);
}

/* |1/2 + 2^-60| quanta: rounding to nearest would say 1/2, and the bucket would be wrong. */
Test(ulp, error_is_rounded_upwards)
{
    expect_ulps("binary32", 1.0 + 0x1p-23, 1.0 + 0x1p-24, 0.5);
    expect_ulps("float:e=8,m=0,inf=no,nan=none", 1, 0x1p-60, 1);
    expect_ulps("float:e=8,m=0,inf=no,nan=none", 1, -0x1p-60, 1 + 0x1p-52);
    expect_ulps("float:e=11,m=4", -1, 0x1p-1022, nextafter(16, 17));
    expect_ulps("float:e=11,m=4", 0x1p1023, -DBL_TRUE_MIN, nextafter(16, 17));
    expect_ulps("float:e=11,m=4", 0x1p1023, DBL_TRUE_MIN, 16);
}

Test(ulp, code_distance)
{
    expect_distance("e4m3", 1.0, 1.0, 0);
    expect_distance("e4m3", 0.0, -0.0, 0);
    expect_distance("e4m3", 1.0, 1.125, 1);
    expect_distance("e4m3", 0.9375, 1.125, 2);    /* across a binade */
    expect_distance("e4m3", -0x1p-9, 0x1p-9, 2);  /* across zero */
    expect_distance("e4m3", 0x1.cp-7, 0x1p-6, 1); /* largest subnormal, least normal */
    expect_distance("e4m3", -448, 448, 2 * 0x7e);
    expect_distance("e5m2", 57344, INFINITY, 1);
    expect_distance("e5m2", -INFINITY, INFINITY, 2 * 0x7c);
    expect_distance("e4m3:bias=8,nan=negzero", -0x1p-10, 0.0, 1);
    expect_distance("e4m3:bias=8,nan=negzero", -0.0, 0x1p-10, 1); /* it has no -0 */
    expect_distance("float:e=4,m=3,sign=no", 0, 0x1p-9, 1);
    expect_distance("binary64", -DBL_MAX, DBL_MAX, 2 * 0x7fefffffffffffffu);
    expect_distance("binary64", -INFINITY, INFINITY, 2 * 0x7ff0000000000000u);
}

Test(ulp, code_distance_needs_codes)
{
    assay_format f = format("e4m3");
    const double outside[] = { NAN, INFINITY, 449, 0x1p-10, 1.0625 };
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        uint64_t distance = 77;
        cr_expect_not(assay_code_distance(&f, 1.0, outside[i], &distance), "%a", outside[i]);
        cr_expect_not(assay_code_distance(&f, outside[i], 1.0, &distance), "%a", outside[i]);
        cr_expect_eq(distance, 77, "untouched");
    }
}

Test(ulp, buckets)
{
    const double ulps[] = { 0,      DBL_TRUE_MIN, 0.5,    0x1.0000000000001p-1,
                            1,      1.5,          2,      2.5,
                            4,      4.5,          0x1p62, 0x1.8p62,
                            DBL_MAX };
    const size_t wanted[] = { 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 64, 65, 65 };
    for (size_t i = 0; i < sizeof ulps / sizeof ulps[0]; i++)
        cr_expect_eq(assay_ulp_bucket(ulps[i]), wanted[i], "%a", ulps[i]);
    for (size_t b = 1; b < ASSAY_ULP_BUCKETS; b++) {
        double high = assay_ulp_high(b);
        cr_expect_eq(assay_ulp_bucket(nextafter(assay_ulp_low(b), INFINITY)), b);
        if (high < INFINITY) {
            cr_expect_eq(assay_ulp_bucket(high), b, "the high end belongs to bucket %zu", b);
            cr_expect_eq(assay_ulp_low(b + 1), high);
        }
    }
}

Test(ulp, histogram)
{
    assay_ulp_histogram all = { 0 }, part = { 0 };
    assay_ulp_add(&all, 0);
    assay_ulp_add(&all, 0.25);
    assay_ulp_add(&all, 3);
    assay_ulp_add(&all, NAN);
    cr_expect_eq(all.max, 3);
    assay_ulp_add(&part, 3.5);
    assay_ulp_add(&part, INFINITY);
    assay_ulp_merge(&all, &part);
    cr_expect(all.count[0] == 1 && all.count[1] == 1 && all.count[4] == 2);
    cr_expect(all.inf == 1 && all.nan == 1);
    cr_expect(isinf(all.max));
}
