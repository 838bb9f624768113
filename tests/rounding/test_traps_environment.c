/* SPDX-License-Identifier: Apache-2.0 */
/* What callers do to the floating-point environment: another rounding mode, FTZ, DAZ, and programs
 * compiled with -ffast-math. Results of arrays must not change. */
#include <criterion/criterion.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "numerics/env.h"
#include "rounding/array.h"
#include "rounding/fast.h"
#include "tests/support/points.h"
#include "tests/support/shared.h"

#ifdef __x86_64__
#include <xmmintrin.h>
#endif

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { N = 960, FEW = 48 };

typedef struct results {
    float y32[N], d32[N];
    double y64[N], d64[N];
    uint64_t codes32[N], codes64[N];
} results;

/* Floating-point arithmetic of the test itself stays out of here. */
static void run(const assay_rounder *r, const float *x32, const double *x64, size_t n, results *out)
{
    assay_round_array_f32(r, x32, out->y32, n);
    assay_round_array_f64(r, x64, out->y64, n);
    assay_encode_array_f32(r, x32, out->codes32, n);
    assay_encode_array_f64(r, x64, out->codes64, n);
    assay_decode_array_f32(&r->format, out->codes64, out->d32, n);
    assay_decode_array_f64(&r->format, out->codes64, out->d64, n);
}

/* FE_DOWNWARD and the like, and bits of MXCSR; returns the previous ones. */
static unsigned disturb(int direction, unsigned flush)
{
    fesetround(direction);
#ifdef __x86_64__
    unsigned old = _mm_getcsr();
    _mm_setcsr(old | flush);
    return old;
#else
    return flush;
#endif
}

static void restore(void)
{
#ifdef __x86_64__
    _mm_setcsr(0x1f80);
#endif
    fesetround(FE_TONEAREST);
}

static const char *differs(const results *a, const results *b)
{
    return memcmp(a->y32, b->y32, sizeof a->y32)               ? "f32"
           : memcmp(a->y64, b->y64, sizeof a->y64)             ? "f64"
           : memcmp(a->codes32, b->codes32, sizeof a->codes32) ? "codes of f32"
           : memcmp(a->codes64, b->codes64, sizeof a->codes64) ? "codes of f64"
           : memcmp(a->d32, b->d32, sizeof a->d32)             ? "decoded f32"
           : memcmp(a->d64, b->d64, sizeof a->d64)             ? "decoded f64"
                                                               : NULL;
}

static void check(const assay_format *f, assay_mode mode, const float *x32, const double *x64,
                  size_t n)
{
    static const int directions[] = { FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO };
    static const unsigned flushes[] = { 0, 0x8000, 0x40, 0x8040 }; /* none, FTZ, DAZ, both */
    static results want, got;
    assay_rounder r;
    cr_assert_eq(assay_rounder_make(f, mode, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r),
                 ASSAY_OK);
    memset(&want, 0, sizeof want);
    run(&r, x32, x64, n, &want);
    for (int d = 0; d < 4; d++)
        for (int k = 0; k < 4; k++) {
            memset(&got, 0, sizeof got);
            disturb(directions[d], flushes[k]);
            run(&r, x32, x64, n, &got);
            restore();
            const char *what = differs(&want, &got);
            cr_expect(!what, "%s %s: %s, direction %d, MXCSR | %x, %s", f->name,
                      assay_mode_name(mode), what, d, flushes[k],
                      assay_isa_name(assay_isa_current()));
        }
}

/* Points where results can change, most of them subnormal in binary32 or near a tie. */
static void check_format(const assay_format *f)
{
    static float x32[N];
    static double x64[N];
    double *points = NULL;
    size_t count = f->kind == ASSAY_FAMILY_FLOAT && f->law == ASSAY_LAW_GENERAL && f->has_zero &&
                           f->exponent_bits > 0
                       ? points_make(f, &points)
                       : 0;
    for (size_t i = 0; i < N; i++) {
        uint64_t u = points_random(i);
        x64[i] = count && i % 4 ? points[u % count] : assay_from_bits64(u);
        x32[i] = count && i % 4 ? (float)x64[i] : assay_from_bits32((uint32_t)u >> (i % 3 * 4));
        if (i % 8 == 0) /* subnormals of both types */
            x64[i] = assay_from_bits64(u >> 12 | (u & (uint64_t)1 << 63));
    }
    free(points);
    assay_isa best = assay_isa_best();
    assay_rounder r;
    cr_assert_eq(assay_rounder_make(f, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r),
                 ASSAY_OK);
    size_t n = assay_fast_rounder_from(&r).direct ? N : FEW; /* else one path, which is slow */
    for (int isa = n == N ? 0 : (int)best; isa <= (int)best; isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++)
            check(f, (assay_mode)mode, x32, x64, n);
    }
    cr_assert_eq(assay_isa_force(best), ASSAY_OK);
}

/* CPFloat, pychop and microxcaling compute in the caller's environment; torch.set_flush_denormal
 * and other libraries leave FTZ behind in a thread. */
Test(traps, rounding_modes_ftz_and_daz_of_the_caller)
{
    for (size_t k = 0; k < assay_format_count(); k++)
        check_format(assay_format_row(k));
    for (size_t k = 0; k < points_specs(); k++) {
        assay_format f;
        points_format(k, &f);
        if (f.name[0] == 'f' && strchr(f.name, ':'))
            check_format(&f);
    }
}

/* The check that guards what does compute: each setting is refused by name. */
Test(traps, env_check_names_the_setting)
{
    cr_expect_eq(assay_env_check(), ASSAY_OK);
    disturb(FE_UPWARD, 0);
    assay_status status = assay_env_check();
    restore();
    cr_expect_eq(status, ASSAY_ERR_ENVIRONMENT);
    cr_expect(strstr(assay_last_error(), "rounding mode") != NULL);
#ifdef __x86_64__
    disturb(FE_TONEAREST, 0x8000);
    status = assay_env_check();
    restore();
    cr_expect_eq(status, ASSAY_ERR_ENVIRONMENT);
    cr_expect(strstr(assay_last_error(), "FTZ") != NULL);
    disturb(FE_TONEAREST, 0x40);
    status = assay_env_check();
    restore();
    cr_expect_eq(status, ASSAY_ERR_ENVIRONMENT);
    cr_expect(strstr(assay_last_error(), "DAZ") != NULL);
#endif
    cr_expect_eq(assay_env_check(), ASSAY_OK);
}

/* ---- -ffast-math ---- */

/* A program that writes the bytes of many roundings. */
static const char consumer[] =
    "#include <stdio.h>\n"
    "#include <string.h>\n"
    "#include \"numerics/env.h\"\n"
    "#include \"rounding/array.h\"\n"
    "enum { N = 4096 };\n"
    "static uint32_t u32[N], c32[N];\n"
    "static uint64_t u64[N], c64[N];\n"
    "static float x32[N], y32[N];\n"
    "static double x64[N], y64[N];\n"
    "int main(void)\n"
    "{\n"
    "    static const char *const specs[] = { \"e4m3\", \"e5m2\", \"e2m1\", \"bfloat16\",\n"
    "        \"binary16\", \"tf32\", \"binary32\", \"e4m3fnuz\", \"e8m0\", \"binary8p3ue\", "
    "\"posit16\",\n"
    "        \"takum16\", \"int8\", \"hif8\", \"nf4\" };\n"
    "    for (uint32_t i = 0; i < N; i++) {\n"
    "        u64[i] = (i + 1) * 0x9e3779b97f4a7c15ull;\n"
    "        if (i % 4 == 0)\n"
    "            u64[i] &= 0x800fffffffffffffull; /* subnormal */\n"
    "        if (i % 16 == 1)\n"
    "            u64[i] |= 0x7ff0000000000000ull; /* infinity or NaN */\n"
    "        u32[i] = (uint32_t)(u64[i] >> 32);\n"
    "    }\n"
    "    memcpy(x32, u32, sizeof x32);\n"
    "    memcpy(x64, u64, sizeof x64);\n"
    "    for (size_t f = 0; f < sizeof specs / sizeof specs[0]; f++)\n"
    "        for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {\n"
    "            assay_format format;\n"
    "            assay_rounder r;\n"
    "            if (assay_format_parse(specs[f], &format) != ASSAY_OK ||\n"
    "                assay_rounder_make(&format, (assay_mode)mode, ASSAY_OVERFLOW_SPEC,\n"
    "                                   ASSAY_NAN_RULE_DEFAULT, &r) != ASSAY_OK)\n"
    "                return 1;\n"
    "            assay_round_array_f32(&r, x32, y32, N);\n"
    "            assay_round_array_f64(&r, x64, y64, N);\n"
    "            assay_encode_array_f32(&r, x32, c32, N);\n"
    "            assay_encode_array_f64(&r, x64, c64, N);\n"
    "            fwrite(y32, sizeof y32, 1, stdout);\n"
    "            fwrite(y64, sizeof y64, 1, stdout);\n"
    "            fwrite(c32, sizeof c32, 1, stdout);\n"
    "            fwrite(c64, sizeof c64, 1, stdout);\n"
    "        }\n"
    "    return assay_env_check() == ASSAY_OK ? 0 : 3;\n"
    "}\n";

/* Exit status of the program built with FLAGS, which writes to OUTPUT. */
static int build_and_run(const char *flags, const char *output)
{
    const char *cc = getenv("CC"), *build = getenv("ASSAY_BUILD_DIR");
    const char *source = assay_temp("consumer.c"), *program = assay_temp("consumer");
    char command[4 * 4096];
    assay_temp_write(source, consumer, sizeof consumer - 1);
    snprintf(command, sizeof command,
             "'%s' -std=c17 -O2 %s -I'%s' '%s' '%s/libassay.a' -fopenmp -lm -o '%s' && '%s' >'%s'",
             cc ? cc : "cc", flags, ASSAY_SOURCE_DIR, source, build ? build : ".", program, program,
             output);
    int status = system(command); /* NOLINT: the point is to compile */
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* -ffast-math lets a compiler drop NaN and -0, contract, and set FTZ and DAZ when the program
 * starts. Headers whose bodies would change with it refuse to compile. */
Test(traps, callers_compiled_with_fast_math, .fini = assay_temp_remove)
{
    if (SANITIZED || !getenv("ASSAY_BUILD_DIR"))
        cr_skip("needs a build without sanitizers, and ASSAY_BUILD_DIR");
    char command[4 * 4096];
    cr_assert_eq(build_and_run("", assay_temp("strict")), 0);
    int status = build_and_run("-O3 -march=native -ffast-math", assay_temp("fast"));
#ifdef __x86_64__
    cr_expect_eq(status, 3, "the flags had no effect on the environment: %d", status);
#else
    cr_expect(status == 0 || status == 3);
#endif
    snprintf(command, sizeof command, "cmp '%s' '%s'", assay_temp("strict"), assay_temp("fast"));
    cr_expect_eq(system(command), 0);
    snprintf(command, sizeof command, "-ffast-math -include rounding/fast.h 2>'%s'",
             assay_temp("refusal"));
    cr_expect_eq(build_and_run(command, assay_temp("nothing")), 1);
    snprintf(command, sizeof command, "grep -q 'without -ffast-math' '%s'", assay_temp("refusal"));
    cr_expect_eq(system(command), 0);
}
