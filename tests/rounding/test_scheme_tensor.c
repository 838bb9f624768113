/* SPDX-License-Identifier: Apache-2.0 */
/* Whole tensors: codes and scales by hand, laws over all rows, layouts of scales. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/bits.h"
#include "rounding/layout.h"
#include "rounding/scheme_run.h"
#include "tests/support/points.h"

static assay_scheme scheme_with(const char *spec, assay_rounding rounding)
{
    assay_scheme s;
    cr_assert_eq(
        assay_scheme_parse_for(spec, rounding, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &s),
        ASSAY_OK, "%s", assay_last_error());
    return s;
}

static assay_scheme scheme(const char *spec)
{
    return scheme_with(spec, (assay_rounding){ .mode = ASSAY_RNE });
}

enum { ROWS = 21, COLS = 75 };

static void fill(double *x, uint64_t seed)
{
    for (uint64_t i = 0; i < ROWS * COLS; i++)
        x[i] = (double)(float)ldexp((double)(int64_t)points_random(seed + i), -64);
}

/* amax 6 x 448 makes t = 1; block amax 6 x 2^k makes the scale 2^k. */
Test(scheme_tensor, nvfp4_by_hand)
{
    double x[32] = { 6 * 448, 448, -3 * 448, 0.25 * 448, 0.75 * 448 };
    x[16] = 6;
    x[17] = -0.5;
    x[18] = 2.5;
    const uint8_t want[] = { 7, 2, 13, 0, 2 };
    uint8_t codes[32], scales[2];
    float t = 0;
    assay_scheme s = scheme("nvfp4");
    assay_scheme_quantize_tensor(&s, 1, 32, x, codes, scales, NULL, &t);
    cr_expect_eq(memcmp(codes, want, sizeof want), 0);
    cr_expect(t == 1 && scales[0] == 0x7e && scales[1] == 0x38);
    cr_expect(codes[16] == 7 && codes[17] == 9 && codes[18] == 4);
}

/* The exponent of the next power of two, from bits. */
static int exponent_up(float q)
{
    uint32_t u = assay_bits32(q);
    return (int)(u >> 23) - 127 + ((u & 0x7fffff) != 0);
}

/* Kernels round a / max, or a times 1 / max, to binary32 before they take the next power of two:
 * docs/peers.md says why that decides as the exact quotient does. */
Test(scheme_tensor, rceil_is_what_kernels_compute)
{
    static const char *const specs[] = { "mxfp8_e4m3:rule=rceil", "mxfp8_e5m2:rule=rceil",
                                         "mxfp6_e2m3:rule=rceil", "mxfp6_e3m2:rule=rceil",
                                         "mxfp4:rule=rceil" };
    for (size_t i = 0; i < 5; i++) {
        assay_scheme s = scheme(specs[i]);
        const float max = (float)s.element.format.max;
        for (int step = -64; step <= 64; step++) {
            float a = assay_from_bits32(assay_bits32(max) + (uint32_t)step);
            const double x = (double)a;
            uint8_t code, scale;
            assay_scheme_quantize_tensor(&s, 1, 1, &x, &code, &scale, NULL, NULL);
            cr_expect_eq(scale - 127, exponent_up(a / max), "%s, %d", specs[i], step);
            cr_expect_eq(scale - 127, exponent_up(a * (1 / max)), "%s, %d", specs[i], step);
            cr_expect_eq(scale - 127, step > 0, "%s, %d", specs[i], step);
        }
    }
}

/* Half of the range: 7.5 of int4. 15 / 7.5 = 2, and -8 is a code. */
Test(scheme_tensor, range_by_hand)
{
    const double x[] = { 15, -15, 14, -16.9 + 2, 1 };
    const uint8_t want[] = { 7, 8, 7, 9, 0 };
    uint8_t codes[5];
    uint32_t scale = 0;
    assay_scheme s = scheme("group:elem=int4,size=8,scale=binary32,rule=range");
    assay_scheme_quantize_tensor(&s, 1, 5, x, codes, &scale, NULL, NULL);
    cr_expect_eq(scale, 0x40000000);
    cr_expect_eq(memcmp(codes, want, sizeof want), 0);
}

/* (max - min) / 15 = 1: zero point 5, codes from 0 to 15. */
Test(scheme_tensor, zero_points_by_hand)
{
    const double x[] = { -5, 10, 0, 0.5, 1.5, -4.6 };
    const uint8_t want[] = { 0, 15, 5, 5, 7, 0 };
    uint8_t codes[6], zero = 0;
    uint16_t scale = 0;
    double y[6];
    assay_scheme s = scheme("group:elem=uint4,size=8,scale=binary16,zero=yes");
    assay_scheme_quantize_tensor(&s, 1, 6, x, codes, &scale, &zero, NULL);
    cr_expect_eq(memcmp(codes, want, sizeof want), 0);
    cr_expect(scale == 0x3c00 && zero == 5);
    assay_scheme_dequantize(&s, 1, 6, codes, &scale, &zero, 1, y);
    cr_expect(y[0] == -5 && y[1] == 10 && y[2] == 0 && y[4] == 2);
}

/* Every row: values are the dequantized codes, one row alone too, and each bound holds. */
Test(scheme_tensor, values_are_dequantized_codes)
{
    static double x[ROWS * COLS], values[ROWS * COLS], back[ROWS * COLS], bound[COLS];
    static unsigned char codes[ROWS * 16 * 512];
    static uint64_t scales[ROWS * COLS], zeros[ROWS * COLS];
    for (size_t i = 0; i < assay_scheme_count(); i++) {
        assay_scheme s = scheme(assay_scheme_name(i));
        fill(x, 1000 * i);
        x[5 * COLS + 1] = i % 3 ? 0.5 : (double)INFINITY;
        double amax = assay_scheme_amax(&s, ROWS, COLS, x);
        assay_tensor_scale t = assay_scheme_tensor_scale(&s, amax);
        assay_quantized out = { codes, scales, zeros, values };
        assay_scheme_quantize(&s, &t, ROWS, COLS, x, NULL, 0, &out);
        assay_scheme_dequantize(&s, ROWS, COLS, codes, scales, s.has_zero ? zeros : NULL, t.stored,
                                back);
        cr_expect_eq(memcmp(values, back, sizeof back), 0, "%s", assay_scheme_name(i));
        assay_scheme_apply(&s, x, back, COLS);
        if (assay_scheme_reach(&s) == ASSAY_REACH_TOKEN)
            cr_expect_eq(memcmp(values, back, COLS * sizeof *back), 0, "%s", assay_scheme_name(i));
        assay_scheme_bound(&s, x, bound, COLS);
        for (size_t j = 0; j < COLS; j++)
            cr_expect(fabs(back[j] - x[j]) <= bound[j], "%s: %zu", assay_scheme_name(i), j);
    }
}

/* With the bits 0, sra keeps what rtz gives; with all ones it goes up. */
Test(scheme_tensor, random_bits_are_those_of_the_element)
{
    static double x[ROWS * COLS], down[COLS], up[COLS], rtz[COLS];
    uint32_t bits[COLS] = { 0 };
    const char *const specs[] = { "int8_token", "mxfp4", "int8_token_asym", "mx9" };
    for (size_t i = 0; i < 4; i++) {
        assay_scheme s = scheme_with(specs[i], (assay_rounding){ .mode = ASSAY_SRA, .bits = 8 });
        assay_scheme toward_zero = scheme_with(specs[i], (assay_rounding){ .mode = ASSAY_RTZ });
        fill(x, i);
        memset(bits, 0, sizeof bits);
        assay_random random = { .bits = bits };
        assay_scheme_apply_random(&s, &random, 0, x, down, COLS);
        assay_scheme_apply(&toward_zero, x, rtz, COLS);
        cr_expect_eq(memcmp(down, rtz, sizeof rtz), 0, "%s", specs[i]);
        for (size_t j = 1; j < COLS; j += 2)
            bits[j] = 255;
        assay_scheme_apply_random(&s, &random, 0, x, up, COLS);
        size_t raised = 0;
        for (size_t j = 0; j < COLS; j++) {
            cr_expect(j % 2 || up[j] == down[j], "%s: %zu", specs[i], j);
            raised += fabs(up[j]) > fabs(down[j]);
        }
        cr_expect_gt(raised, 10, "%s: %zu", specs[i], raised);
    }
}

/* Rows quantized with the one scale of all: on binary64, on binary32, and by the definition. */
Test(scheme_tensor, parts_with_a_fixed_scale_are_those_of_the_whole)
{
    enum { M = 12, N = 300, PART = 4 };
    static double x[M * N], whole[M * N], y[M * N], slow[M * N];
    static float x32[M * N], whole32[M * N], y32[M * N];
    static const char *const specs[] = { "fp8_tensor",
                                         "fp8_tensor:order=mul32",
                                         "int8_tensor",
                                         "int8_tensor_asym",
                                         "dfp8",
                                         "dfp16",
                                         "ternary_tensor",
                                         "int8_tensor_asym:order=ct",
                                         "int4_tensor",
                                         "int8_tensor_asym:least=9",
                                         "fp8_tensor:rule=[percentile:p=50]",
                                         "tensor:elem=e2m1,scale=e4m3,tensor=multiplier,rule=46" };
    static const assay_mode modes[] = { ASSAY_RNE, ASSAY_SR, ASSAY_RAZ };
    const assay_random random = { .seed = 3 };
    for (size_t c = 0; c < 3 * sizeof specs / sizeof specs[0]; c++) {
        assay_scheme s = scheme_with(specs[c / 3], (assay_rounding){ .mode = modes[c % 3] });
        for (size_t i = 0; i < M * N; i++)
            x32[i] = (float)(x[i] = (double)(int64_t)points_random(i + c) * 0x1p-70);
        assay_tensor_scale t = assay_scheme_tensor_scale(&s, assay_scheme_amax(&s, M, N, x)),
                           of = t;
        assay_scheme_quantize(&s, &t, M, N, x, &random, 0, &(assay_quantized){ .values = whole });
        assay_scheme_fix_scale(&s, M, N, x, &of);
        for (size_t i = 0; i < M * N; i += PART * N) {
            assay_scheme_quantize(&s, &of, PART, N, x + i, &random, i,
                                  &(assay_quantized){ .values = y + i });
            assay_scheme_quantize_slowly(&s, &of, PART, N, x + i, &random, i,
                                         &(assay_quantized){ .values = slow + i });
        }
        cr_expect_eq(memcmp(whole, y, sizeof y), 0, "%s, mode %zu", specs[c / 3], c % 3);
        cr_expect_eq(memcmp(whole, slow, sizeof y), 0, "%s, mode %zu", specs[c / 3], c % 3);
        for (size_t i = 0; i < M * N; i++)
            x[i] = (double)x32[i];
        t = of = assay_scheme_tensor_scale(&s, assay_scheme_amax_f32(&s, M, N, x32));
        assay_scheme_quantize_f32(&s, &t, M, N, x32, &random, 0,
                                  &(assay_quantized_f32){ .values = whole32 });
        assay_scheme_fix_scale(&s, M, N, x, &of);
        for (size_t i = 0; i < M * N; i += PART * N)
            assay_scheme_quantize_f32(&s, &of, PART, N, x32 + i, &random, i,
                                      &(assay_quantized_f32){ .values = y32 + i });
        cr_expect_eq(memcmp(whole32, y32, sizeof y32), 0, "%s, mode %zu", specs[c / 3], c % 3);
    }
}

/* Integers in two's complement, and some codebooks, have values below -max. */
Test(scheme_tensor, bounds_hold_below_minus_max)
{
    static const assay_mode modes[] = { ASSAY_RNE, ASSAY_RTZ, ASSAY_RAZ, ASSAY_RDN, ASSAY_RUP };
    static const char *const specs[] = { "mxint4", "mxint8", "bfp16:rule=floor",
                                         "block:elem=iq4_nl,size=32,scale=e8m0,rule=floor" };
    double x[32], y[32], bound[32];
    for (size_t c = 0; c < 5 * sizeof specs / sizeof specs[0]; c++) {
        assay_scheme s = scheme_with(specs[c / 5], (assay_rounding){ .mode = modes[c % 5] });
        for (size_t i = 0; i < 3200; i++) {
            x[i % 32] = (double)(int64_t)points_random(i) * 0x1p-62;
            if (i % 32 != 31)
                continue;
            assay_scheme_apply(&s, x, y, 32);
            assay_scheme_bound(&s, x, bound, 32);
            for (size_t j = 0; j < 32; j++)
                cr_expect(fabs(y[j] - x[j]) <= bound[j], "%s, mode %zu: %a", specs[c / 5], c % 5,
                          x[j]);
        }
    }
}

Test(scheme_tensor, rows_alone_are_refused_by_name)
{
    const char *const refused[] = { "nvfp4", "int8_tensor", "deepseek_128x128" };
    const char *const taken[] = { "mxfp4", "int8_token", "int4_group_asym", "q4_k", "e4m3" };
    for (size_t i = 0; i < 3; i++) {
        assay_scheme s = scheme(refused[i]);
        cr_expect_eq(assay_scheme_check_rows(&s, false), ASSAY_ERR_USAGE, "%s", refused[i]);
    }
    for (size_t i = 0; i < 5; i++) {
        assay_scheme s = scheme(taken[i]);
        cr_expect_eq(assay_scheme_check_rows(&s, false), ASSAY_OK, "%s", taken[i]);
        cr_expect_eq(assay_scheme_check_rows(&s, true) == ASSAY_OK, i == 0 || i == 4, "%s",
                     taken[i]);
    }
}

Test(scheme_tensor, wrong_parameters_are_refused_by_name)
{
    const char *const wrong[][2] = {
        { "block:elem=e2m1,size=16,scale=binary64", "binary64" },
        { "block:elem=e2m1,size=16,scale=e2m1", "NaN" },
        { "group:elem=e4m3,size=8,zero=yes", "zero" },
        { "nvfp4:order=div32", "div32" },
        { "deepseek_1x128:order=te", "tensor" },
        { "int8_group_asym:order=torchao", "zero" },
        { "tensor:elem=int8,size=3", "size" },
        { "tile:elem=int8,rows=3", "cols" },
        { "mxfp4:rule=percentile", "percentile" },
        { "mxfp4:rule=[percentile:p=101]", "101" },
        { "mxfp4:rule=[floor:p=3]", "floor" },
        { "q4_0:rule=mse", "own" },
        { "q4_k:rule=own", "minmax" },
        { "q4_k:scale=e4m3", "scale" },
        { "packed:type=q9", "type" },
        { "nvfp4:least=-1", "least" },
    };
    assay_scheme s;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_expect_eq(assay_scheme_parse(wrong[i][0], ASSAY_RNE, ASSAY_OVERFLOW_SPEC,
                                        ASSAY_NAN_RULE_DEFAULT, &s),
                     ASSAY_ERR_USAGE, "%s", wrong[i][0]);
        cr_expect(strstr(assay_last_error(), wrong[i][1]), "%s: %s", wrong[i][0],
                  assay_last_error());
    }
}

Test(scheme_tensor, swizzled_scales)
{
    cr_expect_eq(assay_swizzled_at(8, 0, 3), 3);
    cr_expect_eq(assay_swizzled_at(8, 1, 0), 16);
    cr_expect_eq(assay_swizzled_at(8, 32, 0), 4);
    cr_expect_eq(assay_swizzled_at(8, 127, 3), 31 * 16 + 15);
    cr_expect_eq(assay_swizzled_at(8, 0, 4), 512);
    cr_expect_eq(assay_swizzled_at(8, 128, 0), 1024);
    enum { R = 130, C = 5 };
    unsigned char plain[R * C], back[R * C], laid[4 * 512];
    for (size_t i = 0; i < R * C; i++)
        plain[i] = (unsigned char)(i % 251 + 1);
    cr_expect_eq(assay_swizzled_bytes(R, C), sizeof laid);
    assay_swizzle_scales(plain, R, C, laid);
    assay_unswizzle_scales(laid, R, C, back);
    cr_expect_eq(memcmp(plain, back, sizeof back), 0);
    size_t zeros = 0;
    for (size_t i = 0; i < sizeof laid; i++)
        zeros += laid[i] == 0;
    cr_expect_eq(zeros, sizeof laid - sizeof plain);
}
