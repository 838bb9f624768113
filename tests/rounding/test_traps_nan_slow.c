/* SPDX-License-Identifier: Apache-2.0 */
/* Where other implementations lose a NaN. Above each test stands who does it how; docs/peers.md
 * has the versions. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "../support/points.h"
#include "formats/container.h"
#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/fast.h"

/* What the documents of the row say a NaN becomes: docs/formats.md. */
static const struct nan_row {
    const char *name;
    uint64_t code;
} nan_rows[] = {
    { "binary64", 0x7ff8000000000000 },
    { "binary32", 0x7fc00000 },
    { "binary16", 0x7e00 },
    { "bfloat16", 0x7fc0 },
    { "tf32", 0x3fe00 },
    { "fp24_pxr24", 0x7fc000 },
    { "dlfloat16", 0x7fff },
    { "e4m3", 0x7f },
    { "e5m2", 0x7e },
    { "e4m3ieee", 0x7c },
    { "e3m4", 0x78 },
    { "e4m3fnuz", 0x80 },
    { "e5m2fnuz", 0x80 },
    { "e4m3b11fnuz", 0x80 },
    { "e8m0", 0xff },
    { "ue4m3", 0x7f },
    { "ue5m3", 0xff },
    { "binary8p4se", 0x80 },
    { "binary8p3se", 0x80 },
    { "binary8p3sf", 0x80 },
    { "binary8p1uf", 0xff },
    { "binary8p3ue", 0xff },
    { "binary4p2sf", 0x8 },
    { "binary16p8se", 0x8000 },
    { "posit8", 0x80 },
    { "posit16", 0x8000 },
    { "posit32", 0x80000000 },
    { "takum16", 0x8000 },
    { "takum16_log", 0x8000 },
    { "lns8", 0xc0 },
    { "hif8", 0x80 },
    { "e2m1", 0x7 }, /* no NaN: max, docs/rounding.md */
    { "e2m3", 0x1f },
    { "e3m2", 0x1f },
    { "int4", 0 }, /* no NaN: zero */
    { "int8", 0 },
    { "uint8", 0 },
    { "mxint8_element", 0 },
    { "pow2_4", 0 },
    { "nf4", 7 },
    { "iq4_nl", 8 }, /* no NaN, no zero: its entry nearest to zero */
};

enum { CHUNK = 1 << 14, SOME = 100, NAN_ROWS = sizeof nan_rows / sizeof nan_rows[0] };

static void nan_patterns(float *x, uint32_t base)
{
    for (uint32_t i = 0; i < CHUNK; i++) {
        uint32_t k = base + i, payload = k & 0x7fffff;
        x[i] = assay_from_bits32(k >> 23 << 31 | 0x7f800000 | (payload ? payload : 1));
    }
}

static void expect_code(const assay_rounder *r, const float *x, size_t n, uint64_t want)
{
    static uint64_t codes[CHUNK];
    static float y[CHUNK];
    size_t bytes = assay_format_container(&r->format), wrong = 0;
    float value = (float)assay_decode(&r->format, want);
    assay_encode_array_f32(r, x, codes, n);
    assay_round_array_f32(r, x, y, n);
    for (size_t i = 0; i < n; i++)
        wrong += assay_container_load(codes, i, bytes) != want ||
                 assay_bits32(y[i]) != assay_bits32(value);
    cr_assert_eq(wrong, 0, "%s %s: %zu NaN from %08x on are not code %llx", r->format.name,
                 assay_mode_name(r->mode), wrong, assay_bits32(x[0]), (unsigned long long)want);
}

/* CPFloat 3583976 rounds without asking for NaN: a quarter of the 2^24 - 2 patterns become
 * infinities or zeros, 0x7fffffff becomes -0. QPyTorch makes all of them its largest value. */
Test(traps, nan_patterns_of_binary32_are_one_code_in_every_format)
{
    static float x[CHUNK];
    static assay_rounder r[NAN_ROWS];
    bool fast[NAN_ROWS]; /* all others go through one function, which gets a sample */
    for (size_t f = 0; f < NAN_ROWS; f++) {
        r[f] = points_rounder(nan_rows[f].name, "rne", ASSAY_OVERFLOW_SPEC);
        fast[f] = assay_fast_rounder_from(&r[f]).direct;
    }
    for (uint32_t base = 0; base < 1 << 24; base += CHUNK) {
        nan_patterns(x, base);
        for (size_t f = 0; f < NAN_ROWS; f++)
            if (fast[f] || base % (64 * CHUNK) == 0)
                expect_code(&r[f], x, CHUNK, nan_rows[f].code);
    }
}

/* The same library in its other modes and in saturation: each takes another path. */
Test(traps, nan_patterns_of_binary32_in_every_mode_and_policy)
{
    static const uint32_t bases[] = { 0, 1 << 22, (1 << 23) - CHUNK, 1 << 23, (1 << 24) - CHUNK };
    static const assay_overflow policies[] = { ASSAY_OVERFLOW_SPEC, ASSAY_OVERFLOW_SAT,
                                               ASSAY_OVERFLOW_PROPAGATE };
    static float x[CHUNK];
    for (size_t b = 0; b < sizeof bases / sizeof bases[0]; b++) {
        nan_patterns(x, bases[b]);
        for (size_t f = 0; f < NAN_ROWS; f++)
            for (int mode = 0; mode < ASSAY_MODE_END; mode++)
                for (size_t p = 0; p < 3; p++) {
                    assay_format format;
                    assay_rounder r;
                    bool counted = mode >= ASSAY_SRA && mode <= ASSAY_SRC;
                    assay_rounding m = { .mode = (assay_mode)mode, .bits = counted ? 8 : 0 };
                    cr_assert_eq(assay_format_parse(nan_rows[f].name, &format), ASSAY_OK);
                    cr_assert_eq(
                        assay_rounder_make_for(&format, m, policies[p], ASSAY_NAN_RULE_DEFAULT, &r),
                        ASSAY_OK);
                    if (assay_mode_is_stochastic(m.mode)) /* arrays of these have another entry */
                        cr_assert_eq(assay_round_code(&r, (double)x[b]), nan_rows[f].code);
                    else
                        expect_code(&r, x, SOME, nan_rows[f].code);
                }
    }
}

/* ml_dtypes 0.6: NaN becomes -0, a negative NaN +0; PTX's satfinite gives +max, torchao 0. Here
 * the rule is named. */
Test(traps, nan_into_fp4_and_fp6_follows_the_rule)
{
    static const char *const specs[] = { "e2m1", "e2m3", "e3m2" };
    for (size_t i = 0; i < 3; i++) {
        assay_format f;
        assay_rounder r;
        cr_assert_eq(assay_format_parse(specs[i], &f), ASSAY_OK);
        const uint64_t want[] = { f.max_code, f.max_code, 0, f.sign_bit };
        for (int rule = 0; rule < 4; rule++)
            for (int sign = 0; sign < 2; sign++) {
                cr_assert_eq(assay_rounder_make(&f, ASSAY_RNE, ASSAY_OVERFLOW_SPEC,
                                                (assay_nan_rule)rule, &r),
                             ASSAY_OK);
                cr_expect_eq(assay_round_code(&r, sign ? -(double)NAN : (double)NAN), want[rule]);
            }
        cr_assert_eq(
            assay_rounder_make(&f, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_ERROR, &r),
            ASSAY_OK);
        cr_expect(r.nan_is_error);
    }
}
