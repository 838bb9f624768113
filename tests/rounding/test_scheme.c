/* SPDX-License-Identifier: Apache-2.0 */
/* Schemes: blocks against hand-computed ones, SPECs, bounds. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "numerics/bits.h"
#include "rounding/scheme.h"
#include "tests/support/points.h"

static assay_scheme scheme_with(const char *spec, assay_mode mode, assay_overflow overflow)
{
    assay_scheme s;
    cr_assert_eq(assay_scheme_parse(spec, mode, overflow, ASSAY_NAN_RULE_DEFAULT, &s), ASSAY_OK,
                 "%s", assay_last_error());
    return s;
}

static assay_scheme scheme(const char *spec)
{
    return scheme_with(spec, ASSAY_RNE, ASSAY_OVERFLOW_SPEC);
}

static void expect_row(const char *spec, const double *x, const double *want, size_t n)
{
    double y[40];
    assay_scheme s = scheme(spec);
    assay_scheme_apply(&s, x, y, n);
    for (size_t i = 0; i < n; i++)
        cr_expect_eq(assay_bits64(y[i]), assay_bits64(want[i]),
                     "%s: element %zu of %a is %a, not %a", spec, i, x[i], y[i], want[i]);
}

/* e2m1: 0 0.5 1 1.5 2 3 4 6. amax 7 = 1.75 2^2: e = 2 - 2 = 0. */
Test(scheme, mxfp4_block_by_hand)
{
    const double x[] = { 7, -5, 0.25, 0.75, -0.2, 2.5, 3.5, -0.0, 0.26, 1.25 };
    const double y[] = { 6, -4, 0, 1, -0.0, 2, 4, -0.0, 0.5, 1 };
    expect_row("mxfp4", x, y, 10);
    const double up[] = {
        8, -4, 0, 1, -0.0, 2, 4, -0.0, 0, 1
    }; /* e = 1: values 0 1 2 3 4 6 8 12 */
    expect_row("mxfp4:rule=ceil", x, up, 10);
    expect_row("mxfp4:rule=rceil", x, up, 10);
}

/* 6 = 1.5 2^2 is max itself: floor and rceil keep it, ceil does not. */
Test(scheme, rules_differ_between_a_power_of_two_and_max)
{
    const double amax[] = { 4, 4.0000001, 6, 6.0000001, 7.9, 8, 0x1p-1074, 3 * 0x1p-1074 };
    const int floors[] = { 0, 0, 0, 0, 0, 1, -127, -127 };
    const int ceils[] = { 0, 1, 1, 1, 1, 1, -127, -127 };
    const int rceils[] = { 0, 0, 0, 1, 1, 1, -127, -127 };
    const char *const specs[] = { "mxfp4", "mxfp4:rule=ceil", "mxfp4:rule=rceil" };
    const int *const want[] = { floors, ceils, rceils };
    for (size_t r = 0; r < 3; r++)
        for (size_t i = 0; i < 8; i++) {
            assay_scheme s = scheme(specs[r]);
            cr_expect_eq(assay_scale_exponent(&s, amax[i]), want[r][i], "%s of %a is %d", specs[r],
                         amax[i], assay_scale_exponent(&s, amax[i]));
        }
    assay_scheme s = scheme("mxfp8_e4m3"); /* emax 8, max 1.75 2^8 */
    cr_expect_eq(assay_scale_exponent(&s, 448), 0);
    cr_expect_eq(assay_scale_exponent(&s, 0x1p-10), -18);
    cr_expect_eq(assay_scale_exponent(&s, 0x1p1000), 127);
    cr_expect_eq(assay_scale_exponent(&s, 0), -127);
}

Test(scheme, special_blocks)
{
    const double nan = __builtin_nan("");
    double x[34], y[34];
    for (size_t i = 0; i < 34; i++) {
        x[i] = i % 2 ? -0.0 : 0.0;
        y[i] = x[i];
    }
    expect_row("mxfp4", x, y, 34); /* amax 0 */
    x[3] = NAN;
    x[33] = 1;
    for (size_t i = 0; i < 32; i++)
        y[i] = nan;
    y[33] = 1;
    expect_row("mxfp4", x, y, 34); /* the tail is a block of its own */
    x[3] = -INFINITY;
    expect_row("mxfp4", x, y, 34);
    expect_row("mxfp8_e5m2", x, y, 34);
}

/* With e = -127 the least e2m1 is 2^-128; with e = 127 max is 6 2^127. */
Test(scheme, scales_stop_at_the_ends)
{
    const double small[] = { 0x1p-128, 0x1.8p-129, 0x1p-129, -0x1p-1074, 0x1p-127 };
    const double kept[] = { 0x1p-128, 0x1p-128, 0, -0.0, 0x1p-127 };
    expect_row("mxfp4", small, kept, 5);
    const double large[] = { 0x1p1000, -0x1p127, 0x1p126, 0x1p-1074 };
    const double clipped[] = { 0x1.8p129, -0x1p127, 0x1p126, 0 };
    expect_row("mxfp4", large, clipped, 4);
}

Test(scheme, blocks_follow_size_and_element)
{
    const double x[] = { 1, 3.3, 100, 1 }, y[] = { 1, 3.25, 96, 0 };
    expect_row("block:elem=[float:e=4,m=3],size=2,scale=e8m0,rule=floor", x, y, 2);
    expect_row("block:elem=e2m1,size=2", x + 2, y + 2, 2);
    double z[4];
    assay_scheme s = scheme_with("block:elem=e2m1,size=4", ASSAY_RUP, ASSAY_OVERFLOW_SPEC);
    const double one[] = { 4, 0.1, -0.1, 3.1 };
    assay_scheme_apply(&s, one, z, 4);
    cr_expect(z[0] == 4 && z[1] == 0.5 && z[2] == 0 && z[3] == 4);
}

/* ---- scalars are assay_round ---- */

Test(scheme, scalars_round_each_element)
{
    const char *const specs[] = { "binary64", "bfloat16", "e4m3", "e2m1", "e5m2" };
    for (size_t f = 0; f < 5; f++) {
        assay_scheme s = scheme_with(specs[f], ASSAY_RTZ, ASSAY_OVERFLOW_SPEC);
        double x[300], y[300];
        for (size_t i = 0; i < 300; i++)
            x[i] = assay_from_bits64(points_random(i));
        x[0] = NAN;
        x[1] = -INFINITY;
        x[2] = -0.0;
        assay_scheme_apply(&s, x, y, 300);
        for (size_t i = 0; i < 300; i++)
            cr_assert_eq(assay_bits64(y[i]), assay_bits64(assay_round(&s.element, x[i])),
                         "%s of %a", specs[f], x[i]);
    }
}

/* ---- SPECs ---- */

Test(scheme, wrong_specs_are_refused_by_name)
{
    const struct {
        const char *spec, *text;
    } rows[] = { { "mxfp5", "mxfp5" },
                 { "mxfp4:rule=up", "up" },
                 { "mxfp4:size=0", "size" },
                 { "mxfp4:elem=e4m3", "elem" },
                 { "mxfp4:scale=binary16", "scale" },
                 { "block:elem=e2m1", "size" },
                 { "block:size=32", "elem" },
                 { "block:elem=e2m9,size=32", "e2m9" },
                 { "block:elem=binary64,size=32", "binary64" },
                 { "mxfp4:", "mxfp4" },
                 { "", "" } };
    assay_scheme s = assay_scheme_identity(), kept = s;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(assay_scheme_parse(rows[i].spec, ASSAY_RNE, ASSAY_OVERFLOW_SPEC,
                                        ASSAY_NAN_RULE_DEFAULT, &s),
                     ASSAY_ERR_USAGE, "%s", rows[i].spec);
        cr_expect(strstr(assay_last_error(), rows[i].text) && !strchr(assay_last_error(), '\n'),
                  "%s: %s", rows[i].spec, assay_last_error());
    }
    cr_expect_eq(memcmp(&s, &kept, sizeof s), 0);
}

Test(scheme, rows_are_the_builder_with_their_parameters)
{
    for (size_t i = 0; i < assay_scheme_count(); i++) {
        assay_scheme s = scheme(assay_scheme_name(i));
        assay_scheme built = scheme(assay_scheme_spec(i));
        cr_expect_eq(memcmp(&s, &built, sizeof s), 0, "%s is not %s", assay_scheme_name(i),
                     assay_scheme_spec(i));
        cr_expect(s.block > 0 && s.element.overflow == ASSAY_OVERFLOW_SAT &&
                      strlen(assay_scheme_text(i)) > 0,
                  "%s", assay_scheme_name(i));
    }
    cr_expect(assay_scheme_is_identity(&(assay_scheme){ .element = scheme("binary64").element }));
    assay_scheme fp32 = scheme("binary32");
    cr_expect(!assay_scheme_is_identity(&fp32));
}

/* ---- bounds ---- */

static void check_bound(const char *spec, assay_mode mode, assay_overflow overflow)
{
    assay_scheme s = scheme_with(spec, mode, overflow);
    double x[40], y[40], e[40];
    for (uint64_t round = 0; round < 50; round++) {
        for (uint64_t i = 0; i < 40; i++) {
            uint64_t u = points_random(round * 40 + i);
            x[i] = ldexp((double)(int64_t)u * 0x1p-62, (int)(u % 14) - (round % 3 ? 4 : 140));
            x[i] = u % 11 ? u % 5 ? x[i] : rint(x[i] * 64) / 64 : 0;
        }
        assay_scheme_apply(&s, x, y, 40);
        assay_scheme_bound(&s, x, e, 40);
        for (size_t i = 0; i < 40; i++)
            cr_assert(e[i] >= 0 && (fabs(y[i] - x[i]) <= e[i] || e[i] == INFINITY),
                      "%s, %s: %a becomes %a, bound %g", spec, assay_mode_name(mode), x[i], y[i],
                      e[i]);
    }
}

Test(scheme, bounds_hold)
{
    const char *const specs[] = { "binary32",
                                  "bfloat16",
                                  "e4m3",
                                  "e2m1",
                                  "mxfp4",
                                  "mxfp4:rule=ceil",
                                  "mxfp4:rule=rceil",
                                  "mxfp8_e4m3",
                                  "block:elem=e5m2,size=7",
                                  "float:e=5,m=1,sign=no",
                                  "float:e=4,m=3,subnormals=no" };
    const assay_overflow overflows[] = { ASSAY_OVERFLOW_SPEC, ASSAY_OVERFLOW_SAT,
                                         ASSAY_OVERFLOW_PROPAGATE };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++)
        for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++)
            for (int o = 0; o < 3; o++)
                check_bound(specs[i], (assay_mode)mode, overflows[o]);
    const double x[] = { NAN, INFINITY, 1e300, -1 };
    double e[4];
    assay_scheme s = scheme("binary64");
    assay_scheme_bound(&s, x, e, 4);
    cr_expect(e[0] == INFINITY && e[1] == INFINITY && e[2] == 0 && e[3] == 0);
    s = scheme("binary32");
    assay_scheme_bound(&s, x, e, 4);
    cr_expect(e[2] == INFINITY && e[3] < 0x1p-23);
}
