/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions named after instructions: against published vectors, against integer models of adding
 * random bits and cutting, and against the instruction where this processor has it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "../support/points.h"
#include "numerics/bits.h"
#include "rounding/hardware.h"

enum { SAMPLE = 200000 };

static const assay_instruction *row(const char *name)
{
    const assay_instruction *found = NULL;
    cr_assert_eq(assay_hardware_find(name, &found), ASSAY_OK, "%s", assay_last_error());
    return found;
}

static uint32_t one(const char *name, uint32_t source, uint32_t word)
{
    const assay_instruction *r = row(name);
    uint32_t x[4] = { source, source, source, source }, codes[4];
    cr_assert_eq(assay_hardware_convert(r, x, &word, codes, 1), ASSAY_OK);
    return codes[0];
}

static uint32_t of(const char *name, float x)
{
    return one(name, assay_bits32(x), 0);
}

/* ---- NVIDIA ---- */

static void expect_group(const char *name, uint32_t word, const uint32_t want[4])
{
    static const uint32_t x[4] = { 0x3f8a3d71, 0x40133333, 0xbe99999a, 0x3d4ccccd };
    uint32_t codes[4];
    cr_assert_eq(assay_hardware_convert(row(name), x, &word, codes, 1), ASSAY_OK);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(codes[i], want[i], "%s %x: %x at %d", name, word, codes[i], i);
}

Test(hardware, cvt_rs_vectors)
{
    expect_group("cvt.rs.satfinite.e4m3x4.f32", 0x12345678, (uint32_t[]){ 0x38, 0x41, 0xa9, 0x15 });
    expect_group("cvt.rs.satfinite.e4m3x4.f32", 0xdeadbeef, (uint32_t[]){ 0x39, 0x42, 0xaa, 0x15 });
    expect_group("cvt.rs.satfinite.e5m2x4.f32", 0x12345678, (uint32_t[]){ 0x3c, 0x40, 0xb4, 0x2a });
    expect_group("cvt.rs.satfinite.e5m2x4.f32", 0xdeadbeef, (uint32_t[]){ 0x3d, 0x41, 0xb5, 0x2b });
    expect_group("cvt.rs.satfinite.e2m1x4.f32", 0x12345678, (uint32_t[]){ 2, 4, 8, 0 });
    expect_group("cvt.rs.satfinite.e2m1x4.f32", 0xdeadbeef, (uint32_t[]){ 2, 5, 9, 0 });
}

Test(hardware, cvt_saturates_and_names_its_nan)
{
    cr_expect_eq(of("cvt.rn.satfinite.e4m3x2.f32", INFINITY), 0x7e);
    cr_expect_eq(of("cvt.rn.satfinite.e4m3x2.f32", -1e9f), 0xfe);
    cr_expect_eq(of("cvt.rn.satfinite.e4m3x2.f32", -NAN), 0x7f);
    cr_expect_eq(of("cvt.rn.satfinite.e5m2x2.f32", 61440), 0x7b);
    cr_expect_eq(of("cvt.rn.satfinite.e2m1x2.f32", NAN), 7);
    cr_expect_eq(of("cvt.rn.satfinite.e2m3x2.f32", NAN), 0x1f);
    cr_expect_eq(of("cvt.rn.satfinite.e2m1x2.f32", 2.5f), 4);
    cr_expect_eq(of("cvt.rn.satfinite.relu.e4m3x2.f32", -3), 0);
    cr_expect_eq(of("cvt.rn.satfinite.relu.e4m3x2.f32", -0.0f), 0);
    cr_expect_eq(of("cvt.rn.satfinite.relu.e4m3x2.f32", NAN), 0x7f);
    cr_expect_eq(of("cvt.rn.relu.bf16x2.f32", -INFINITY), 0);
    cr_expect_eq(of("cvt.rn.bf16x2.f32", -NAN), 0x7fff);
    cr_expect_eq(of("cvt.rn.f16x2.f32", 65520), 0x7c00);
    cr_expect_eq(of("cvt.rz.f16x2.f32", 1e9f), 0x7bff);
    cr_expect_eq(of("cvt.rs.f16x2.f32", 65504), 0x7bff);
    cr_expect_eq(one("cvt.rn.satfinite.e4m3x2.f16x2", 0x3c00, 0), 0x38);
    cr_expect_eq(one("cvt.rn.satfinite.e5m2x2.f16x2", 0x7bff, 0), 0x7b);
}

Test(hardware, cvt_of_scales_and_tf32)
{
    cr_expect_eq(of("cvt.rz.satfinite.ue8m0x2.f32", 3), 128);
    cr_expect_eq(of("cvt.rp.satfinite.ue8m0x2.f32", 3), 129);
    cr_expect_eq(of("cvt.rp.satfinite.ue8m0x2.f32", 4), 129);
    cr_expect_eq(of("cvt.rp.satfinite.ue8m0x2.f32", 0), 0);
    cr_expect_eq(of("cvt.rp.satfinite.ue8m0x2.f32", 0x1p-149f), 0);
    cr_expect_eq(of("cvt.rp.satfinite.ue8m0x2.f32", 0x1.8p127f), 0xfe);
    cr_expect_eq(of("cvt.rp.satfinite.ue8m0x2.f32", INFINITY), 0xfe);
    cr_expect_eq(of("cvt.rz.satfinite.ue8m0x2.f32", NAN), 0xff);
    cr_expect_eq(of("cvt.rna.tf32.f32", 0x1.002p0f), (127u << 10) + 1);
    cr_expect_eq(of("cvt.rn.tf32.f32", 0x1.002p0f), 127u << 10);
    cr_expect_eq(of("cvt.rz.tf32.f32", 0x1.003p0f), 127u << 10);
}

/* ---- Adding random bits and cutting, as integers ---- */

typedef struct target {
    int fraction, bias, n;
    uint32_t max;
} target;

/* The magnitude of a finite binary32: floor(nu 2^n) + R >= 2^n goes up. */
static uint32_t stochastic_a(const target *t, uint32_t bits, uint32_t r)
{
    int field = (int)(bits >> 23 & 0xff);
    uint64_t sig = (bits & 0x7fffff) | (field > 0 ? 0x800000u : 0);
    int e = (field > 0 ? field : 1) - 127 + t->bias;
    int cut = 23 - t->fraction + (e < 1 ? 1 - e : 0);
    if (cut > 60)
        return 0; /* nu 2^n < 1 */
    uint64_t kept = sig >> cut, nu = sig & (((uint64_t)1 << cut) - 1);
    nu = cut > t->n ? nu >> (cut - t->n) : nu << (t->n - cut);
    kept += nu + r >= (uint64_t)1 << t->n;
    return (uint32_t)(((uint64_t)(e < 1 ? 0 : e - 1) << t->fraction) + kept);
}

/* What captures of AMD's show: the top n bits of the seed are added to the significand, which is
 * first moved to the place of a subnormal result; the bits that fall off then are forgotten. */
static uint32_t amd(const target *t, uint32_t bits, uint32_t seed)
{
    int e = (int)(bits >> 23 & 0xff) - 127 + t->bias, cut = 23 - t->fraction;
    uint32_t r = seed >> (9 + t->fraction);
    if (e >= 1)
        return (((uint32_t)e << 23) + (bits & 0x7fffff) + r) >> cut;
    uint32_t sig = (bits & 0x7fffff) | 0x800000;
    return ((1 - e < 32 ? sig >> (1 - e) : 0) + r) >> cut;
}

static uint32_t sample(uint64_t i)
{
    uint64_t u = points_random(i);
    uint32_t field = i % 2 ? 127 - 24 + (uint32_t)(u >> 40) % 44 : (uint32_t)(u >> 40) % 255;
    return ((uint32_t)u & 0x807fffff) | field << 23;
}

/* Element `lane` of each group has the bits that `bits` takes from the word. */
static void check_a(const char *name, target t, int lane, uint32_t (*bits)(uint32_t))
{
    const assay_instruction *r = row(name);
    for (uint64_t i = 0; i < SAMPLE / 4; i++) {
        uint32_t word = (uint32_t)(points_random(i + 7) >> 16), x[4] = { 0 }, codes[4];
        x[lane] = sample(i);
        cr_assert_eq(assay_hardware_convert(r, x, &word, codes, 1), ASSAY_OK);
        uint32_t want = stochastic_a(&t, x[lane], bits(word));
        if (want > t.max) /* satfinite, or infinity */
            want = r->overflow == ASSAY_OVERFLOW_SAT ? t.max : t.max + 1;
        cr_assert_eq(codes[lane] & (2 * t.max > 0xfff ? 0x7fffu : 0x7fu), want, "%s %x %x", name,
                     x[lane], word);
    }
}

static uint32_t reversed(uint32_t x)
{
    uint32_t r = 0;
    for (int i = 0; i < 16; i++)
        r = r << 1 | (x >> i & 1);
    return r;
}

static uint32_t low_13(uint32_t w)
{
    return w & 0x1fff;
}

static uint32_t high_13(uint32_t w)
{
    return w >> 16 & 0x1fff;
}

static uint32_t low_16(uint32_t w)
{
    return w & 0xffff;
}

static uint32_t high_16(uint32_t w)
{
    return w >> 16;
}

static uint32_t low_reversed(uint32_t w)
{
    return reversed(w & 0xffff);
}

static uint32_t high_reversed(uint32_t w)
{
    return reversed(w >> 16);
}

Test(hardware, cvt_rs_adds_bits_and_cuts)
{
    const target half = { 10, 15, 13, 0x7bff }, bfloat = { 7, 127, 16, 0x7f7f };
    const target e4m3 = { 3, 7, 16, 0x7e }, e5m2 = { 2, 15, 16, 0x7b };
    check_a("cvt.rs.f16x2.f32", half, 0, high_13);
    check_a("cvt.rs.f16x2.f32", half, 1, low_13);
    check_a("cvt.rs.bf16x2.f32", bfloat, 0, high_16);
    check_a("cvt.rs.bf16x2.f32", bfloat, 1, low_16);
    check_a("cvt.rs.satfinite.e4m3x4.f32", e4m3, 0, high_reversed);
    check_a("cvt.rs.satfinite.e4m3x4.f32", e4m3, 1, high_16);
    check_a("cvt.rs.satfinite.e5m2x4.f32", e5m2, 2, low_reversed);
    check_a("cvt.rs.satfinite.e5m2x4.f32", e5m2, 3, low_16);
}

/* Without a sticky bit the subnormal path is StochasticA too: the bits that fall off lie below the
 * n that a floor keeps. Only NaN and its sign deviate. */
static void check_amd(const char *name, target t, uint32_t limit)
{
    const assay_instruction *r = row(name);
    for (uint64_t i = 0; i < SAMPLE; i++) {
        uint32_t seed = (uint32_t)(points_random(i + 7) >> 16), x = sample(i), code;
        cr_assert_eq(assay_hardware_convert(r, &x, &seed, &code, 1), ASSAY_OK);
        uint32_t want = (x >> 23 & 0xff) == 0 ? 0 : amd(&t, x, seed);
        want = (want > t.max ? limit : want) | (x >> 24 & 0x80);
        cr_assert_eq(code, want, "%s %x %x: %x, expected %x", name, x, seed, code, want);
    }
}

Test(hardware, amd_sr_equals_its_integer_model)
{
    check_amd("gfx12.v_cvt_sr_fp8_f32", (target){ 3, 7, 20, 0x7e }, 0x7f);
    check_amd("gfx12.v_cvt_sr_fp8_f32.ovfl", (target){ 3, 7, 20, 0x7e }, 0x7e);
    check_amd("gfx12.v_cvt_sr_bf8_f32", (target){ 2, 15, 21, 0x7b }, 0x7c);
    check_amd("gfx12.v_cvt_sr_bf8_f32.ovfl", (target){ 2, 15, 21, 0x7b }, 0x7b);
}

Test(hardware, amd_keeps_infinity_and_signs)
{
    cr_expect_eq(of("gfx12.v_cvt_sr_fp8_f32", -INFINITY), 0xff);
    cr_expect_eq(of("gfx12.v_cvt_sr_fp8_f32.ovfl", INFINITY), 0x7f);
    cr_expect_eq(of("gfx12.v_cvt_sr_bf8_f32.ovfl", -INFINITY), 0xfc);
    cr_expect_eq(of("gfx12.v_cvt_sr_fp8_f32", NAN), 0xff);
    cr_expect_eq(of("gfx12.v_cvt_sr_bf8_f32", NAN), 0xfe);
    cr_expect_eq(of("gfx940.v_cvt_sr_fp8_f32", INFINITY), 0x80);
    cr_expect_eq(of("gfx1250.ue5m3", -1), 0);
    cr_expect_eq(of("gfx1250.ue5m3", INFINITY), 0xfe);
}

/* ---- Intel ---- */

/* All binary16 and all biases: the low 8 bits are added to and cut off. */
Test(hardware, vcvtbias_to_bf8_adds_the_bias)
{
    const assay_instruction *plain = row("vcvtbiasph2bf8"), *saturating = row("vcvtbiasph2bf8s");
    static uint32_t x[65536], words[65536], codes[65536], clamped[65536];
    for (uint32_t bias = 0; bias < 256; bias += 5) {
        for (uint32_t i = 0; i < 65536; i++) {
            x[i] = i;
            words[i] = bias;
        }
        cr_assert_eq(assay_hardware_convert(plain, x, words, codes, 65536), ASSAY_OK);
        cr_assert_eq(assay_hardware_convert(saturating, x, words, clamped, 65536), ASSAY_OK);
        for (uint32_t i = 0; i < 65536; i++) {
            bool special = (i & 0x7c00) == 0x7c00, nan = special && (i & 0x3ff);
            uint32_t want = special ? i >> 8 | (nan ? 2 : 0) : (i + bias) >> 8;
            uint32_t limit = !special && (want & 0x7f) == 0x7c ? (want & 0x80) | 0x7b : want;
            if (codes[i] != want || clamped[i] != limit) /* an assertion costs a microsecond */
                cr_assert_fail("%x + %x: %x, saturating %x", i, bias, codes[i], clamped[i]);
        }
    }
}

/* e4m3 cuts 7 bits of a normal result: the bias's lowest bit does not matter there. */
Test(hardware, vcvtbias_to_hf8_uses_seven_bits)
{
    for (uint32_t i = 0x2400; i < 0x5f00; i += 3)
        for (uint32_t bias = 0; bias < 256; bias += 17) {
            uint32_t want = ((i + (bias >> 1)) >> 7) - (8 << 3);
            cr_assert_eq(one("vcvtbiasph2hf8", i, bias), want < 0x7f ? want : 0x7f, "%x %x", i,
                         bias);
        }
    cr_expect_eq(one("vcvtbiasph2hf8s", 0x7bff, 0), 0x7e);
    cr_expect_eq(one("vcvtbiasph2hf8s", 0xfc00, 0), 0xff);
}

Test(hardware, vcvtneps2bf16_flushes_and_quiets)
{
    cr_expect_eq(one("vcvtneps2bf16", 0x007fffff, 0), 0);
    cr_expect_eq(one("vcvtneps2bf16", 0x80000001, 0), 0x8000);
    cr_expect_eq(one("vcvtneps2bf16", 0x00800000, 0), 0x0080);
    cr_expect_eq(one("vcvtneps2bf16", 0xff810000, 0), 0xffc1);
    cr_expect_eq(one("vcvtneps2bf16", 0x7f800001, 0), 0x7fc0);
    cr_expect_eq(one("vcvtneps2bf16", 0x7f7fffff, 0), 0x7f80);
}

#if defined __x86_64__ && (defined __clang__ || __GNUC__ >= 10)
__attribute__((target("avx512bf16,avx512vl,avx512f"))) static void by_instruction(const uint32_t *x,
                                                                                  uint32_t *codes)
{
    uint16_t out[16];
    __m256bh y = _mm512_cvtneps_pbh(_mm512_loadu_ps(x));
    memcpy(out, &y, sizeof out);
    for (int i = 0; i < 16; i++)
        codes[i] = out[i];
}

/* Each upper half with the lower halves where something can change, then a sample. */
Test(hardware, vcvtneps2bf16_equals_the_instruction)
{
    static const uint32_t low[8] = { 0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, 0x1234, 0xfedc };
    if (!__builtin_cpu_supports("avx512bf16")) {
        fprintf(stderr, "SKIPPED for want of AVX512_BF16: the instruction itself\n");
        return;
    }
    for (uint64_t i = 0; i < (1 << 15) + 200000; i++) {
        uint32_t x[16], want[16], got[16];
        for (uint32_t k = 0; k < 16; k++)
            x[k] = i < 1 << 15 ? (uint32_t)(2 * i + k / 8) << 16 | low[k % 8]
                               : (uint32_t)(points_random(16 * i + k) >> 20);
        by_instruction(x, want);
        cr_assert_eq(assay_hardware_convert(row("vcvtneps2bf16"), x, NULL, got, 16), ASSAY_OK);
        for (int k = 0; k < 16; k++)
            cr_assert_eq(got[k], want[k], "%x: %x, instruction %x", x[k], got[k], want[k]);
    }
}
#endif

/* ---- The table ---- */

Test(hardware, every_row_converts)
{
    for (size_t i = 0; i < assay_hardware_count(); i++) {
        const assay_instruction *r = assay_hardware_row(i);
        uint32_t x[4] = { 0 }, word = 0, codes[4] = { 9, 9, 9, 9 };
        cr_expect_eq(row(r->name), r);
        cr_expect_eq(assay_hardware_convert(r, x, &word, codes, 1), ASSAY_OK, "%s", r->name);
        cr_expect_eq(codes[r->group - 1], 0, "%s", r->name);
        if (r->bits != ASSAY_HARDWARE_BITS_NONE)
            cr_expect_eq(assay_hardware_convert(r, x, NULL, codes, 1), ASSAY_ERR_USAGE);
    }
    const assay_instruction *none = NULL;
    cr_expect_eq(assay_hardware_find("cvt.rn", &none), ASSAY_ERR_USAGE);
    cr_expect_null(none);
}
