/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every format and mode, and the traps that implementations fall into. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "../support/points.h"
#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/fast.h"

enum { SAMPLE = 400 };

static double rne(const char *spec, double x)
{
    assay_rounder r = points_rounder(spec, "rne", ASSAY_OVERFLOW_SPEC);
    assay_fast_rounder fast = assay_fast_rounder_from(&r);
    double y = assay_round(&r, x), z;
    cr_expect_eq(assay_bits64(y), assay_bits64(assay_round_fast(&fast, x)));
    assay_round_array_f64(&r, &x, &z, 1);
    cr_expect_eq(assay_bits64(y), assay_bits64(z));
    return y;
}

static assay_mode mirror(assay_mode mode)
{
    return mode == ASSAY_RUP ? ASSAY_RDN : mode == ASSAY_RDN ? ASSAY_RUP : mode;
}

/* Idempotent; between its neighbours; mirrored by the sign where the format has one. */
static void check_laws(const assay_format *f, assay_mode mode, double x)
{
    assay_rounder r, m, up, down;
    const assay_overflow sat = ASSAY_OVERFLOW_SAT;
    const assay_nan_rule rule = ASSAY_NAN_RULE_DEFAULT;
    cr_assert_eq(assay_rounder_make(f, mode, sat, rule, &r), ASSAY_OK);
    cr_assert_eq(assay_rounder_make(f, mirror(mode), sat, rule, &m), ASSAY_OK);
    cr_assert_eq(assay_rounder_make(f, ASSAY_RUP, sat, rule, &up), ASSAY_OK);
    cr_assert_eq(assay_rounder_make(f, ASSAY_RDN, sat, rule, &down), ASSAY_OK);
    double y = assay_round(&r, x);
    uint64_t code;
    if (f->nan != ASSAY_NAN_NONE || !isnan(x))
        cr_assert(assay_encode_exact(f, y, &code), "%s %a: %a", f->name, x, y);
    cr_assert_eq(assay_bits64(assay_round(&r, y)), assay_bits64(y), "%s %a", f->name, x);
    cr_assert(isnan(x) || y == assay_round(&up, x) || y == assay_round(&down, x), "%s %a", f->name,
              x);
    if (f->is_signed && !isnan(x))
        cr_assert_eq(assay_round(&m, -x), -y, "%s %s %a", f->name, assay_mode_name(mode), x);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

Test(laws, hold_for_every_format_and_mode)
{
    for (size_t i = 0; i < points_specs(); i++) {
        assay_format f;
        points_format(i, &f);
        double *x;
        size_t n = points_make(&f, &x);
        for (size_t k = 0; k < SAMPLE; k++)
            for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++)
                check_laws(&f, (assay_mode)mode, x[points_random(k) % n]);
        free(x);
    }
}

Test(laws, monotone)
{
    for (size_t i = 0; i < points_specs(); i++) {
        assay_format f;
        assay_rounder r;
        points_format(i, &f);
        double x[SAMPLE], *points;
        size_t n = points_make(&f, &points);
        for (size_t k = 0; k < SAMPLE; k++) {
            x[k] = points[points_random(k) % n];
            x[k] = isnan(x[k]) ? 0 : x[k];
        }
        free(points);
        qsort(x, SAMPLE, sizeof x[0], ascending);
        for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {
            cr_assert_eq(assay_rounder_make(&f, (assay_mode)mode, ASSAY_OVERFLOW_SAT,
                                            ASSAY_NAN_RULE_DEFAULT, &r),
                         ASSAY_OK);
            for (size_t k = 1; k < SAMPLE; k++)
                cr_assert_leq(assay_round(&r, x[k - 1]), assay_round(&r, x[k]));
        }
    }
}

Test(traps, binary64_is_rounded_once)
{
    cr_expect_eq(rne("e4m3", 0x1.1000000001p0), 0x1.2p0);
    cr_expect_eq(rne("e4m3", 0x1.1p0), 1);
    cr_expect_eq(rne("e5m2", 0x1.2000000001p0), 0x1.4p0);
    cr_expect_eq(rne("e2m1", 0x1.4000000001p0), 0x1.8p0);
    cr_expect_eq(rne("bfloat16", 0x1.0100000001p0), 0x1.02p0);
    cr_expect_eq(rne("binary16", 0x1.0020000001p0), 0x1.004p0);
    cr_expect_eq(rne("tf32", 0x1.0020000001p0), 0x1.004p0);
    cr_expect(isnan(rne("e4m3", 464 + 0x1p-30)));
}

Test(traps, overflow_is_decided_after_rounding)
{
    cr_expect_eq(rne("e4m3", 464), 448);
    cr_expect_eq(rne("e4m3", -464), -448);
    cr_expect_eq(rne("e5m2", 61439.99), 57344);
    cr_expect_eq(rne("e5m2", 61440), INFINITY);
    cr_expect_eq(rne("binary16", 65520), INFINITY);
    cr_expect(isnan(rne("float:e=4,m=3,inf=no,nan=negzero,bias=8", 248)));
    cr_expect_eq(rne("e2m1", 100), 6);
}

Test(traps, saturation_takes_infinity_too)
{
    assay_rounder sat = points_rounder("e5m2", "rne", ASSAY_OVERFLOW_SAT);
    cr_expect_eq(assay_round(&sat, INFINITY), 57344);
    cr_expect_eq(assay_round(&sat, -INFINITY), -57344);
    assay_rounder keep = points_rounder("e5m2", "rne", ASSAY_OVERFLOW_PROPAGATE);
    cr_expect_eq(assay_round(&keep, 1e9), 57344);
    cr_expect_eq(assay_round(&keep, INFINITY), INFINITY);
    assay_rounder toward = points_rounder("e4m3", "rtz", ASSAY_OVERFLOW_SPEC);
    cr_expect_eq(assay_round(&toward, 1e9), 448);
    cr_expect(isnan(assay_round(&toward, INFINITY)));
}

Test(traps, negative_zero)
{
    cr_expect(signbit(rne("e4m3", -0.0)));
    cr_expect(signbit(rne("e4m3", -0x1p-1074)));
    cr_expect(!signbit(rne("float:e=4,m=3,inf=no,nan=negzero", -0.0)));
    cr_expect(!signbit(rne("float:e=4,m=3,inf=no,nan=negzero", -0x1p-40)));
    cr_expect(!signbit(rne("binary64:zero=unsigned", -0.0)));
}

/* One-bit significands: parity is the code's, so ties alternate by binade. */
Test(traps, parity_of_p1_is_the_code_s)
{
    const char *spec = "float:e=8,m=0,sign=no,inf=no,nan=ones";
    cr_expect_eq(rne(spec, 1.5), 2);
    cr_expect_eq(rne(spec, 3), 2);
    cr_expect_eq(rne(spec, 6), 8);
    cr_expect_eq(rne(spec, 12), 8);
}

/* Every NaN pattern of binary32: all 2^24 - 2, to one canonical code and value. */
Test(traps, every_nan_is_canonical)
{
    enum { CHUNK = 1 << 14 };
    static float x[CHUNK], y[CHUNK];
    static uint8_t code[CHUNK];
    assay_rounder r = points_rounder("e4m3", "rne", ASSAY_OVERFLOW_SPEC);
    for (uint32_t base = 0; base < 1 << 24; base += CHUNK) {
        for (uint32_t i = 0; i < CHUNK; i++) {
            uint32_t k = base + i, payload = k & 0x7fffff;
            x[i] = assay_from_bits32(k >> 23 << 31 | 0x7f800000 | (payload ? payload : 1));
        }
        assay_round_array_f32(&r, x, y, CHUNK);
        assay_encode_array_f32(&r, x, code, CHUNK);
        for (uint32_t i = 0; i < CHUNK; i++)
            if (assay_bits32(y[i]) != 0x7fc00000 || code[i] != 0x7f)
                cr_assert_fail("NaN %08x: %08x, %02x", assay_bits32(x[i]), assay_bits32(y[i]),
                               code[i]);
    }
    cr_expect_eq(assay_find_nan_f32(x, CHUNK), 0);
    cr_expect_eq(assay_find_nan_f32((float[]){ 1, NAN }, 2), 1);
    cr_expect_eq(assay_find_nan_f64((double[]){ 1, INFINITY }, 2), 2);
}

/* Large outputs are stored past the caches: same values, whatever the alignment and length. */
Test(arrays, large_and_unaligned)
{
    enum { N = (4 << 20) + 4567 };
    float *x = malloc((N + 16) * sizeof *x), *y = malloc((N + 16) * sizeof *y);
    uint8_t *code = malloc(N + 16);
    cr_assert(x && y && code);
    assay_rounder r = points_rounder("e4m3", "rne", ASSAY_OVERFLOW_SPEC);
    for (size_t i = 0; i < N + 16; i++)
        x[i] = (float)((double)(int32_t)points_random(i) * 0x1p-24);
    for (size_t offset = 0; offset < 4; offset += 3) {
        y[offset + N] = 7;
        code[offset + N] = 7;
        assay_round_array_f32(&r, x + 1, y + offset, N);
        assay_encode_array_f32(&r, x + 1, code + offset, N);
        cr_expect(y[offset + N] == 7 && code[offset + N] == 7, "written past the end");
        for (size_t i = 0; i < N; i += i % 64 ? 1 : 7) {
            double want = assay_round(&r, x[i + 1]);
            if (y[offset + i] != want || assay_decode(&r.format, code[offset + i]) != want)
                cr_assert_fail("element %zu of %a: %a", i, x[i + 1], y[offset + i]);
        }
    }
    free(x);
    free(y);
    free(code);
}

Test(arrays, check_names_the_format)
{
    assay_rounder wide = points_rounder("binary64", "rne", ASSAY_OVERFLOW_SPEC);
    cr_expect_eq(assay_round_array_check_f32(&wide), ASSAY_ERR_VALUE);
    cr_expect(strstr(assay_last_error(), "binary64") != NULL);
    assay_rounder fits = points_rounder("tf32", "rne", ASSAY_OVERFLOW_SPEC);
    cr_expect_eq(assay_round_array_check_f32(&fits), ASSAY_OK);
}
