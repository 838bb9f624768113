/* SPDX-License-Identifier: Apache-2.0 */
/* Stochastic rounding: array loops equal the definition bit for bit on every instruction set. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "../support/points.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "numerics/philox.h"
#include "rounding/array.h"

enum { SAMPLE = 1201, WIDEST = 8 };

/* Every mode; bits where draws of 8, 16 and 32 bits and the ends of their ranges lie. */
static const assay_rounding roundings[] = {
    { ASSAY_SR, 0, false },   { ASSAY_SREQ, 0, false }, { ASSAY_SRA, 1, false },
    { ASSAY_SRA, 8, false },  { ASSAY_SRA, 13, false }, { ASSAY_SRA, 16, false },
    { ASSAY_SRA, 31, false }, { ASSAY_SRA, 32, false }, { ASSAY_SRB, 1, false },
    { ASSAY_SRB, 7, false },  { ASSAY_SRB, 16, false }, { ASSAY_SRB, 30, false },
    { ASSAY_SRB, 31, false }, { ASSAY_SRB, 32, false }, { ASSAY_SRC, 1, false },
    { ASSAY_SRC, 8, false },  { ASSAY_SRC, 11, false }, { ASSAY_SRC, 30, false },
    { ASSAY_SRC, 31, false }, { ASSAY_SRC, 32, false },
};
enum { ROUNDINGS = sizeof roundings / sizeof roundings[0] };

static const uint64_t firsts[] = { 0, 1, 2, 3, 4, 5, 6, 7, ((uint64_t)1 << 34) + 3 };
enum { FIRSTS = sizeof firsts / sizeof firsts[0] };

/* Operands of one format, and the results of one rounder. */
typedef struct bench {
    size_t n, floats;
    double x[SAMPLE], y[SAMPLE], value[SAMPLE];
    float xf[SAMPLE], yf[SAMPLE];
    uint64_t code[SAMPLE];
    uint32_t bits[SAMPLE];
    char codes[SAMPLE * WIDEST];
} bench;

static bench b;

/* Breakpoints, numbers of every size around the format's, and tiny ones. */
static void sample_operands(const assay_format *f, const double *points, size_t n, size_t which)
{
    b.n = SAMPLE - which % 64;
    int low = (int)fmax(ilogb(f->min_positive) - 70, -1070);
    int high = (int)fmin(ilogb(f->max) + 3, 1020);
    for (size_t i = 0; i < b.n; i++) {
        uint64_t random = points_random(7 * i + which);
        int e = low + (int)(random % (uint64_t)(high - low));
        double spread = ldexp(1 + (double)(random >> 12) * 0x1p-52, e);
        b.x[i] = i % 3 != 0 ? points[random % n] : random >> 11 & 1 ? -spread : spread;
        b.xf[i] = (float)b.x[i];
        b.bits[i] = (uint32_t)(points_random(i) >> 32);
    }
}

/* Bits of sr that tie with nu at 32 bits, and near it, are what random ones would never show. */
static void sample_bits(const assay_rounder *r)
{
    for (size_t i = 0; i < b.n; i++) {
        uint64_t word = points_random(i + 99);
        int n = r->random_bits;
        b.bits[i] = (uint32_t)(n > 0 ? word >> (64 - n) : word);
        if (n == 0 && i % 4 != 0) /* a few bits on top: nu of short numbers, and ties with it */
            b.bits[i] = (uint32_t)word << (word >> 59);
        if (i % 11 == 0)
            b.bits[i] = 0;
    }
}

static void check_f64(const assay_rounder *r, const assay_random *random, uint64_t first)
{
    size_t bytes = assay_format_container(&r->format);
    for (size_t i = 0; i < b.n; i++) {
        b.code[i] =
            assay_round_exact_at(r, assay_exact_from(b.x[i]), random, random->bits ? i : first + i);
        b.value[i] = assay_decode(&r->format, b.code[i]);
    }
    memcpy(b.y, b.x, sizeof b.y);
    assay_round_random_f64(r, random, first, b.y, b.y, b.n);
    assay_encode_random_f64(r, random, first, b.x, b.codes, b.n);
    for (size_t i = 0; i < b.n; i++) {
        uint64_t code = 0;
        memcpy(&code, b.codes + i * bytes, bytes);
        if (code != b.code[i] || assay_bits64(b.value[i]) != assay_bits64(b.y[i]))
            cr_assert_fail("%s %s:%d f64 %a at %zu: %a %llx, want %a %llx", r->format.name,
                           assay_mode_name(r->mode), r->random_bits, b.x[i], i, b.y[i],
                           (unsigned long long)code, b.value[i], (unsigned long long)b.code[i]);
    }
}

static void check_f32(const assay_rounder *r, const assay_random *random, uint64_t first)
{
    size_t bytes = assay_format_container(&r->format);
    assay_round_random_f32(r, random, first, b.xf, b.yf, b.n);
    assay_encode_random_f32(r, random, first, b.xf, b.codes, b.n);
    for (size_t i = 0; i < b.n; i++) {
        uint64_t code = 0, want = assay_round_exact_at(r, assay_exact_from((double)b.xf[i]), random,
                                                       random->bits ? i : first + i);
        float value = (float)assay_decode(&r->format, want);
        memcpy(&code, b.codes + i * bytes, bytes);
        if (code != want || assay_bits32(value) != assay_bits32(b.yf[i]))
            cr_assert_fail("%s %s:%d f32 %a at %zu: %a %llx, want %a %llx", r->format.name,
                           assay_mode_name(r->mode), r->random_bits, (double)b.xf[i], i,
                           (double)b.yf[i], (unsigned long long)code, (double)value,
                           (unsigned long long)want);
    }
}

static void check_rounding(const assay_rounder *r, const double *points, size_t n, size_t which)
{
    assay_random random = { .seed = 0x0123456789abcdef + which, .stream = (uint32_t)which };
    uint64_t first = firsts[which % FIRSTS];
    sample_operands(&r->format, points, n, which);
    sample_bits(r);
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        random.bits = NULL;
        check_f64(r, &random, first);
        check_f32(r, &random, first);
        random.bits = b.bits;
        check_f64(r, &random, first);
        check_f32(r, &random, first);
    }
}

ParameterizedTestParameters(random, arrays)
{
    static int ids[64];
    for (int i = 0; i < (int)points_specs(); i++)
        ids[i] = i;
    return cr_make_param_array(int, ids, points_specs(), NULL);
}

/* Policies and NaN rules change what overflow and infinity become: one mode shows all of them. */
ParameterizedTest(int *id, random, arrays)
{
    assay_format f;
    points_format((size_t)*id, &f);
    double *points;
    size_t n = points_make(&f, &points), few = points_thorough() ? 3 : 13;
    for (size_t k = 0; k < ROUNDINGS; k++)
        for (int policy = 0; policy < ((k + (size_t)*id) % few == 0 ? ASSAY_OVERFLOW_COUNT : 1);
             policy++) {
            assay_rounder r;
            if (assay_rounder_make_for(&f, roundings[k], (assay_overflow)policy,
                                       ASSAY_NAN_RULE_DEFAULT, &r) == ASSAY_OK)
                check_rounding(&r, points, n, k + 3 * (size_t)policy + (size_t)*id);
        }
    free(points);
}

/* nu's first 32 bits are the element's first word, so that the second decides: at 2^-32 an element,
 * nothing else would come here. */
Test(random, ties_of_a_word_go_on_to_the_next)
{
    enum { N = 600 };
    static double x[N], y[N];
    const uint64_t first = ((uint64_t)1 << 34) + 3;
    assay_random random = { .seed = 42, .stream = 7 };
    assay_format f = points_parse("e4m3");
    assay_rounder r =
        points_rounder_for(&f, (assay_rounding){ ASSAY_SR, 0, false }, ASSAY_OVERFLOW_SPEC);
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        size_t up = 0;
        for (uint64_t i = 0; i < N; i++) { /* 1 + nu / 8, nu of 49 bits */
            uint64_t word = assay_philox_word(42, 7, first + i, 0);
            x[i] = assay_from_bits64((uint64_t)1023 << 52 | word << 17 | points_random(i) >> 47);
        }
        assay_round_random_f64(&r, &random, first, x, y, N);
        for (uint64_t i = 0; i < N; i++) {
            uint64_t rest = (assay_bits64(x[i]) & 0x1ffff) << 15;
            uint64_t word = assay_philox_word(42, 7, first + i, 1);
            cr_assert_eq(y[i], word < rest ? 1.125 : 1, "%a", x[i]);
            up += y[i] > 1;
        }
        cr_expect(up > N / 3 && up < 2 * N / 3);
    }
}

/* However an array is cut, whatever its alignment, in place or not. */
Test(random, arrays_do_not_depend_on_chunks)
{
    enum { N = 5000, PARTS = 7 };
    static float x[N + 8], whole[N], parts[N + 8];
    static uint8_t codes[N], part_codes[N + 8];
    const char *const specs[] = { "e4m3", "bfloat16", "float:e=4,m=3,inf=no,nan=negzero,bias=8" };
    for (size_t k = 0; k < 3 * ROUNDINGS; k++) {
        assay_format f = points_parse(specs[k % 3]);
        assay_rounder r = points_rounder_for(&f, roundings[k / 3], ASSAY_OVERFLOW_SAT);
        assay_random random = { .seed = k, .stream = 1 };
        bool bytes = assay_format_container(&f) == 1;
        for (size_t i = 0; i < N; i++)
            x[i] = (float)((double)(int64_t)points_random(i) * 0x1p-62);
        assay_round_random_f32(&r, &random, 5, x, whole, N);
        if (bytes)
            assay_encode_random_f32(&r, &random, 5, x, codes, N);
        for (size_t at = 0, part = 1; at < N; at += part, part = part * 3 % 1021 + PARTS) {
            size_t n = part < N - at ? part : N - at, shift = part % 8;
            memcpy(parts + shift, x + at, n * sizeof *x);
            assay_round_random_f32(&r, &random, 5 + at, parts + shift, parts + shift, n);
            cr_assert_arr_eq(parts + shift, whole + at, n * sizeof *x);
            if (!bytes)
                continue;
            assay_encode_random_f32(&r, &random, 5 + at, x + at, part_codes + shift, n);
            cr_assert_arr_eq(part_codes + shift, codes + at, n);
        }
    }
}

Test(random, draws_are_those_of_elements)
{
    enum { N = 3000 };
    static uint32_t draws[N];
    assay_format f = points_parse("e4m3");
    for (size_t k = 0; k < ROUNDINGS; k++)
        for (size_t at = 0; at < FIRSTS; at++) {
            assay_rounder r = points_rounder_for(&f, roundings[k], ASSAY_OVERFLOW_SPEC);
            assay_random random = { .seed = 3, .stream = (uint32_t)k };
            assay_random_draws(&r, &random, firsts[at], draws, N);
            for (size_t i = 0; i < N; i++)
                cr_assert_eq(draws[i], assay_random_draw(&r, &random, firsts[at] + i));
        }
}

/* Settings that a caller may have: they change neither results nor are they changed. */
static const int directions[] = { FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO };

static void cast_all(const assay_rounder *r, const assay_random *random)
{
    assay_round_random_f64(r, random, 1, b.x, b.y, b.n);
    assay_round_random_f32(r, random, 1, b.xf, b.yf, b.n);
    assay_encode_random_f32(r, random, 1, b.xf, b.codes, b.n);
}

static void check_environment(const assay_rounder *r, unsigned flush)
{
    static double value[SAMPLE];
    static float value_f32[SAMPLE];
    static char codes[SAMPLE];
    assay_random random = { .seed = 11 };
    cast_all(r, &random);
    memcpy(value, b.y, sizeof value);
    memcpy(value_f32, b.yf, sizeof value_f32);
    memcpy(codes, b.codes, sizeof codes);
    for (size_t d = 0; d < sizeof directions / sizeof directions[0]; d++) {
        fesetround(directions[d]);
#ifdef __x86_64__
        unsigned before = _mm_getcsr();
        _mm_setcsr(before | flush);
#endif
        cast_all(r, &random);
#ifdef __x86_64__
        cr_assert_eq(_mm_getcsr() & 0xffc0, (before | flush) & 0xffc0);
        _mm_setcsr(before);
#endif
        cr_assert_eq(fegetround(), directions[d]);
        fesetround(FE_TONEAREST);
        cr_assert_arr_eq(value, b.y, b.n * sizeof *value);
        cr_assert_arr_eq(value_f32, b.yf, b.n * sizeof *value_f32);
        cr_assert_arr_eq(codes, b.codes, b.n);
    }
}

Test(random, environment_does_not_matter)
{
    enum { FTZ_AND_DAZ = 0x8040 };
    const char *const specs[] = { "e4m3", "e5m2", "bfloat16", "float:e=7,m=8,bias=116" };
    for (size_t s = 0; s < sizeof specs / sizeof specs[0]; s++) {
        assay_format f = points_parse(specs[s]);
        double *points;
        size_t n = points_make(&f, &points);
        sample_operands(&f, points, n, s);
        free(points);
        for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
            cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
            for (size_t k = 0; k < ROUNDINGS + ASSAY_MODE_COUNT; k++) {
                assay_rounding rounding = { (assay_mode)(k - ROUNDINGS), 0, false };
                assay_rounder r =
                    points_rounder_for(&f, k < ROUNDINGS ? roundings[k] : rounding, 0);
                check_environment(&r, 0);
                check_environment(&r, FTZ_AND_DAZ);
            }
        }
    }
}
