/* SPDX-License-Identifier: Apache-2.0 */
/* Formats that are taken for one another, and rules of one family that others do not share.
 * Above each test stands who does it how; docs/peers.md has the versions. */
#include <criterion/criterion.h>
#include <math.h>

#include "numerics/bits.h"
#include "rounding/array.h"

#define IS(spec, mode, policy, x, want) \
    is(spec, ASSAY_##mode, ASSAY_OVERFLOW_##policy, x, want, __LINE__)
#define RNE(spec, x, want) IS(spec, RNE, SPEC, x, want)

static const double nan_value = (double)NAN, inf = (double)INFINITY;

static void is(const char *spec, assay_mode mode, assay_overflow policy, double x, double want,
               int line)
{
    assay_format f;
    assay_rounder r;
    double y;
    cr_assert_eq(assay_format_parse(spec, &f), ASSAY_OK, "%s", assay_last_error());
    cr_assert_eq(assay_rounder_make(&f, mode, policy, ASSAY_NAN_RULE_DEFAULT, &r), ASSAY_OK, "%s",
                 assay_last_error());
    assay_round_array_f64(&r, &x, &y, 1);
    cr_expect_eq(assay_bits64(y), assay_bits64(want), "line %d: %s %s %s %a: %a, not %a", line,
                 spec, assay_mode_name(mode), assay_overflow_name(policy), x, y, want);
    y = assay_round(&r, x);
    cr_expect_eq(assay_bits64(y), assay_bits64(want), "line %d: %s %a: %a", line, spec, x, y);
}

static double decoded(const char *spec, uint64_t code)
{
    assay_format f;
    cr_assert_eq(assay_format_parse(spec, &f), ASSAY_OK);
    return assay_decode(&f, code);
}

/* ---- one bit of precision ---- */

/* ml_dtypes always goes up (3 becomes 4), microxcaling and cvt.rp too by intent; gfloat and P3109
 * take the even code. */
Test(traps, e8m0_ties_go_to_the_even_code)
{
    for (int k = -127; k < 127; k++) {
        int even = (k + 127) % 2 == 0 ? k : k + 1;
        RNE("e8m0", ldexp(1.5, k), ldexp(1, even));
        RNE("e8m0", nextafter(ldexp(1.5, k), 0), ldexp(1, k));
        RNE("e8m0", nextafter(ldexp(1.5, k), inf), ldexp(1, k + 1));
        IS("e8m0", RNA, SPEC, ldexp(1.5, k), ldexp(1, k + 1));
        IS("e8m0", RUP, SPEC, nextafter(ldexp(1, k), inf), ldexp(1, k + 1));
        IS("e8m0", RTZ, SPEC, nextafter(ldexp(1, k + 1), 0), ldexp(1, k));
    }
    RNE("e8m0", 3, 2);
    RNE("e8m0", 6, 8);
}

/* gfloat#62 kept what is below 2^-127; ml_dtypes makes zero NaN or 2^-127 by its saturate flag. */
Test(traps, e8m0_has_no_zero_and_no_sign)
{
    static const double none[] = { 0.0, -0.0, -1, -0x1p-200, -(double)INFINITY };
    for (size_t i = 0; i < 5; i++) {
        RNE("e8m0", none[i], nan_value);
        IS("e8m0", RNE, SAT, none[i], 0x1p-127);
    }
    RNE("e8m0", 0x1p-128, 0x1p-127);
    RNE("e8m0", 0x1p-1074, 0x1p-127);
    IS("e8m0", RTZ, SPEC, 0x1p-149, 0x1p-127);
    RNE("e8m0", 0x1.8p127, 0x1p127); /* code 254 is even */
    RNE("e8m0", nextafter(0x1.8p127, inf), nan_value);
    IS("e8m0", RNE, SAT, inf, 0x1p127);
}

/* CPFloat's ties of one-bit formats go up, unless emax is 127: the parity has to be the code's,
 * and so ties follow the bias. */
Test(traps, p1_ties_are_the_code_s_whatever_emax)
{
    RNE("float:e=5,m=0,inf=no,nan=none", 1.5, 2);
    RNE("float:e=5,m=0,inf=no,nan=none", 3, 2);
    RNE("float:e=5,m=0,inf=no,nan=none", 6, 8);
    RNE("float:e=5,m=0,inf=no,nan=none,bias=16", 1.5, 1);
    RNE("float:e=5,m=0,inf=no,nan=none,bias=16", 3, 4);
    RNE("float:e=8,m=0,inf=no,nan=ones", 3, 2);
    RNE("binary8p1uf", 1.5, 1); /* code of 1 is 128 */
    RNE("binary8p1uf", 3, 4);
    RNE("binary8p1uf", 0x1p-128, 0);
    RNE("binary8p1uf", nextafter(0x1p-128, 1), 0x1p-127);
    RNE("binary8p1se", 1.5, 1);
    RNE("binary8p1se", -3, -4);
}

/* ---- names that are not synonyms ---- */

/* P3109's 8p4 is neither OFP8's e4m3 nor the FNUZ one: bias 8, infinity, one NaN, max 224. */
Test(traps, binary8p4se_is_not_e4m3)
{
    cr_expect_eq(decoded("binary8p4se", 0x38), 0.5);
    cr_expect_eq(decoded("e4m3", 0x38), 1);
    cr_expect_eq(decoded("e4m3fnuz", 0x40), 1);
    cr_expect_eq(decoded("binary8p4se", 0x40), 1);
    cr_expect_eq(decoded("binary8p4se", 0x7f), inf);
    cr_expect_eq(decoded("binary8p4se", 0xff), -inf);
    cr_expect(isnan(decoded("e4m3", 0x7f)));
    cr_expect_eq(decoded("e4m3fnuz", 0x7f), 240);
    cr_expect(isnan(decoded("binary8p4se", 0x80)));
    cr_expect(signbit(decoded("e4m3", 0x80)));
    RNE("binary8p4se", 231.9, 224);
    RNE("binary8p4se", 232, 224); /* the code of 224 is even */
    RNE("binary8p4se", nextafter(232, 300), inf);
    IS("binary8p4se", RNE, SAT, 448, 224);
}

/* The block scale of OCP has no zero and bias 127, P3109's has a zero and bias 128. */
Test(traps, binary8p1uf_is_not_e8m0)
{
    cr_expect_eq(decoded("binary8p1uf", 0), 0);
    cr_expect_eq(decoded("e8m0", 0), 0x1p-127);
    cr_expect_eq(decoded("binary8p1uf", 127), 0.5);
    cr_expect_eq(decoded("e8m0", 127), 1);
    RNE("binary8p1uf", 0, 0);
    RNE("e8m0", 0, nan_value);
}

/* "E4M3" alone may mean any of these. */
Test(traps, e4m3_has_four_maxima)
{
    RNE("e4m3", 447, 448);
    IS("e4m3ieee", RNE, SAT, 447, 240);
    IS("e4m3fnuz", RNE, SAT, 447, 240);
    IS("e4m3b11fnuz", RNE, SAT, 447, 30);
    IS("binary8p4se", RNE, SAT, 447, 224);
    IS("cfloat8_143", RNE, SAT, 600, 480);
}

/* ---- P3109, interim report 4.0, 4.7.5 ---- */

/* gfloat 0.5 goes to infinity in unsigned formats too; p3109-cpp and FLoPS agree with the text. */
Test(traps, p3109_to_odd_overflows_by_the_parity_of_max)
{
    IS("binary8p3se", RODD, SPEC, 1e30, inf);
    IS("binary8p3se", RODD, SPEC, -1e30, -inf);
    IS("binary8p3ue", RODD, SPEC, 1e30, decoded("binary8p3ue", 0xfd));
    IS("binary8p3sf", RODD, SPEC, 1e30, decoded("binary8p3sf", 0x7f));
    IS("binary8p3ue", RODD, SPEC, inf, inf);
}

/* gfloat and the formal model of imandra-ai/ieee-p3109 give NaN; the report has Mhi and Mlo. */
Test(traps, p3109_finite_domains_clamp_under_satnone)
{
    const double max = decoded("binary8p3sf", 0x7f), top = decoded("binary8p3uf", 0xfe);
    RNE("binary8p3sf", 1e30, max);
    RNE("binary8p3sf", -1e30, -max);
    RNE("binary8p3sf", -inf, -max);
    RNE("binary8p3uf", inf, top);
    IS("binary8p3uf", RUP, SPEC, 1e30, top);
}

/* gfloat returns -1, which unsigned formats do not have. Finite negatives are NaN but towards
 * zero and up; -infinity is NaN in every mode, since that rule comes first. */
Test(traps, p3109_negatives_into_unsigned_formats)
{
    static const char *const specs[] = { "binary8p3ue", "binary8p3uf", "binary8p1uf" };
    for (size_t i = 0; i < 3; i++) {
        RNE(specs[i], -1, nan_value);
        IS(specs[i], RDN, SPEC, -0x1p-1074, nan_value);
        IS(specs[i], RODD, SPEC, -0x1p-1074, nan_value);
        IS(specs[i], RTZ, SPEC, -1, 0);
        IS(specs[i], RUP, SPEC, -1, 0);
        RNE(specs[i], -0x1p-1000, 0);
        IS(specs[i], RNE, SAT, -1, 0);
        IS(specs[i], RNE, SAT, -inf, 0);
        IS(specs[i], RNE, PROPAGATE, -1, 0);
        IS(specs[i], RNE, PROPAGATE, -inf, 0);
        for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++)
            is(specs[i], (assay_mode)mode, ASSAY_OVERFLOW_SPEC, -inf, nan_value, __LINE__);
    }
}

/* ---- posits and integers ---- */

/* Rounded to the nearest value instead of on the string of bits, 2^22 would be far from a tie. */
Test(traps, posit_ties_lie_on_the_bit_string)
{
    RNE("posit8", 0x1p22, 0x1p20);
    RNE("posit8", nextafter(0x1p22, inf), 0x1p24);
    RNE("posit8", 0x1.1p23, 0x1p24);
    RNE("posit8", -0x1p22, -0x1p20);
    RNE("posit8", 0x1p1000, 0x1p24); /* never to infinity, never to zero */
    RNE("posit8", 0x1p-1074, 0x1p-24);
    RNE("posit8", -0x1p-1074, -0x1p-24);
    RNE("posit8", inf, nan_value);
    RNE("posit8", -0.0, 0);
    RNE("takum16", 0x1p-1074, decoded("takum16", 1));
}

/* (int8_t)(x + 8.5f) truncates and is undefined out of range, lrintf follows the caller's mode,
 * roundf is ties away; microxcaling's int8 is sign and magnitude. */
Test(traps, integers_round_to_even_and_saturate)
{
    RNE("int8", 2.5, 2);
    RNE("int8", -2.5, -2);
    RNE("int8", -0.5, 0);
    RNE("int8", -0.50001, -1);
    RNE("int8", 127.5, 127);
    RNE("int8", 1e30, 127);
    RNE("int8", -1e30, -128);
    RNE("int8", inf, 127);
    RNE("int8", -inf, -128);
    RNE("int8", nan_value, 0);
    RNE("int:n=8,symmetric=yes", -128, -127);
    RNE("uint8", -3, 0);
    RNE("uint8", 255.5, 255);
    RNE("int32", 0x1.fffffffcp30, 0x1.fffffffcp30);
    RNE("int32", 0x1p31, 0x1.fffffffcp30);
    RNE("int32", -0x1p31, -0x1p31);
    RNE("mxint8_element", -2, -2);
    RNE("mxint8_element", 2, 127 / 64.0);
    RNE("int8_sign_magnitude", -0.25, -0.0);
}
