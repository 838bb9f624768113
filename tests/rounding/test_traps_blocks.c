/* SPDX-License-Identifier: Apache-2.0 */
/* Where other implementations take a wrong scale for a block, or lose its NaN. Above each test
 * stands who does it how; docs/peers.md has the versions. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "numerics/bits.h"
#include "rounding/scheme.h"

static assay_scheme scheme(const char *spec)
{
    assay_scheme s;
    cr_assert_eq(
        assay_scheme_parse(spec, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &s),
        ASSAY_OK, "%s", assay_last_error());
    return s;
}

static const struct element {
    const char *name;
    int emax;
    double max;
} elements[] = { { "mxfp4", 2, 6 },
                 { "mxfp6_e2m3", 2, 7.5 },
                 { "mxfp6_e3m2", 4, 28 },
                 { "mxfp8_e4m3", 8, 448 },
                 { "mxfp8_e5m2", 15, 57344 } };

enum { ELEMENTS = sizeof elements / sizeof elements[0] };

static int clamped(int e)
{
    return e < -127 ? -127 : e > 127 ? 127 : e;
}

static void expect_exponent(size_t i, const char *rule, double amax, int want)
{
    char spec[64];
    snprintf(spec, sizeof spec, "%s:rule=%s", elements[i].name, rule);
    assay_scheme s = scheme(spec);
    cr_expect_eq(assay_scale_exponent(&s, amax), clamped(want), "%s of %a: %d, not %d", spec, amax,
                 assay_scale_exponent(&s, amax), clamped(want));
}

/* floor(log2f(x)) is one too high for the largest binary32 below 2^k in 249 of 253 binades, and
 * log2 of a binary64 fails too: microxcaling, gfloat, pychop, Universal and ggml's MXFP4. */
Test(traps, floor_of_log2_just_below_every_power_of_two)
{
    for (int k = -1070; k <= 1024; k++) {
        double two = ldexp(1, k), below = nextafter(k == 1024 ? (double)INFINITY : two, 0);
        double below32 =
            k >= -125 && k <= 127 ? (double)assay_from_bits32(assay_bits32((float)two) - 1) : below;
        for (size_t i = 0; i < ELEMENTS; i++) {
            int e = k - 1 - elements[i].emax;
            expect_exponent(i, "floor", below, e);
            expect_exponent(i, "floor", below32, e);
            expect_exponent(i, "ceil", below32, e + 1);
            if (k == 1024)
                continue;
            expect_exponent(i, "floor", two, e + 1);
            expect_exponent(i, "ceil", two, e + 1);
            expect_exponent(i, "ceil", nextafter(two, (double)INFINITY), e + 2);
        }
    }
}

/* The exponent field of a subnormal is 0, whatever its magnitude is. */
Test(traps, amax_subnormal_in_binary32)
{
    for (int k = -149; k < -126; k++)
        for (size_t i = 0; i < ELEMENTS; i++)
            expect_exponent(i, "floor", ldexp(1.5, k), k - elements[i].emax);
    double y, x = 0x1p-140; /* Universal's block of this decodes to NaN */
    assay_scheme s = scheme("mxfp8_e4m3");
    assay_scheme_apply(&s, &x, &y, 1);
    cr_expect(y == 0, "%a", y); /* below half of 2^-127 2^-9 */
    x = 0x1p-136;
    assay_scheme_apply(&s, &x, &y, 1);
    cr_expect_eq(y, x);
}

/* amax fl(1 / max) is not amax / max: for 1/448 in more than half of all binary32 in [1, 2). At
 * max 2^k and its neighbours the exact rule is the one that neither saturates nor wastes. */
Test(traps, rceil_divides_exactly)
{
    for (int k = -100; k <= 100; k++)
        for (size_t i = 0; i < ELEMENTS; i++) {
            double a = ldexp(elements[i].max, k);
            float f = (float)a;
            expect_exponent(i, "rceil", a, k);
            expect_exponent(i, "rceil", nextafter(a, 0), k);
            expect_exponent(i, "rceil", nextafter(a, (double)INFINITY), k + 1);
            expect_exponent(i, "rceil", (double)assay_from_bits32(assay_bits32(f) + 1), k + 1);
        }
}

/* fmax ignores NaN, and so do Universal's and other reductions to amax. */
Test(traps, a_nan_or_infinity_poisons_its_block_only)
{
    static const double bad[] = { (double)NAN, (double)INFINITY, -(double)INFINITY };
    for (size_t b = 0; b < 3; b++)
        for (size_t at = 0; at < 32; at += 31)
            for (size_t i = 0; i < ELEMENTS; i++) {
                double x[64], y[64];
                for (size_t k = 0; k < 64; k++)
                    x[k] = 1;
                x[at] = bad[b];
                assay_scheme s = scheme(elements[i].name);
                assay_scheme_apply(&s, x, y, 64);
                for (size_t k = 0; k < 64; k++)
                    cr_assert(k < 32 ? isnan(y[k]) : y[k] == 1, "%s: element %zu is %a",
                              elements[i].name, k, y[k]);
            }
}

/* TransformerEngine and DeepGEMM drop the sign of zero in a block; OCP's elements have it. */
Test(traps, blocks_keep_negative_zero)
{
    double x[] = { 4, -0.0, -0x1p-300, 0 }, y[4];
    assay_scheme s = scheme("mxfp4");
    assay_scheme_apply(&s, x, y, 4);
    cr_expect(y[0] == 4 && signbit(y[1]) && signbit(y[2]) && !signbit(y[3]));
}
