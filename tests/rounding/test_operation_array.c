/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on arrays give what the definition gives, element by element: through binary64 for
 * each instruction set, through tables, in place, and with elements that fail. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/points.h"
#include "numerics/cpu.h"
#include "rounding/operation_parts.h"

enum { N = 300, TABLE = 1 << 16 };

/* Codes at random, of like magnitude, the ends, and operands that cancel. */
static void fill(const assay_format *f, uint64_t codes[3][N])
{
    uint64_t mask = ((uint64_t)1 << f->bits) - 1;
    for (uint64_t i = 0; i < N; i++) {
        uint64_t u = points_random(i), one = points_random(i % 7);
        codes[0][i] = (i % 5 == 0 ? one : u) & mask;
        codes[1][i] = (i % 3 == 0 ? codes[0][i] ^ (u >> 60) : points_random(i + N)) & mask;
        codes[2][i] = points_random(i + 2 * N) & mask;
        if (i % 11 == 0)
            codes[i % 3][i] = (u >> 62 ? f->max_code + (u >> 61) : u >> 61) & mask;
        if (i % 13 == 0)
            codes[1][i] = codes[0][i] ^ f->sign_bit;
    }
}

static void check(const char *name, const assay_format *f, const assay_format *g, assay_mode mode)
{
    static uint64_t codes[3][N], want[N], got[N];
    const uint64_t *const at[] = { codes[0], codes[1], codes[2] };
    const assay_format *const operands[] = { g, g, g };
    const assay_random none = { 0 };
    assay_rounder r;
    assay_operator op;
    size_t bad, wrong = 0, first = N;
    fill(g, codes);
    cr_assert_eq(assay_rounder_make(f, mode, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r),
                 ASSAY_OK);
    cr_assert_eq(assay_operator_make(assay_operation_find(name), &r, operands, &op), ASSAY_OK);
    for (size_t i = 0; i < N; i++) {
        const uint64_t own[] = { codes[0][i], codes[1][i], codes[2][i] };
        cr_assert_eq(assay_operate(&op, &none, 0, own, &want[i]), ASSAY_OK);
    }
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        cr_assert_eq(assay_operate_codes(&op, &none, 0, at, got, N, &bad), ASSAY_OK);
        for (size_t i = 0; i < N; i++)
            if (got[i] != want[i] && wrong++ == 0)
                first = i;
        cr_expect_eq(wrong, 0, "%s of %s into %s, %s, %s: %zu wrong; %llx %llx %llx", name, g->name,
                     f->name, assay_mode_name(mode), assay_isa_name((assay_isa)isa), wrong,
                     (unsigned long long)codes[0][first % N],
                     (unsigned long long)codes[1][first % N],
                     (unsigned long long)codes[2][first % N]);
    }
    cr_assert_eq(assay_operate_codes(&op, &none, 0, at, codes[0], N, &bad), ASSAY_OK);
    cr_expect_arr_eq(codes[0], want, sizeof want, "%s of %s in place", name, f->name);
}

Test(operation_array, binary64_gives_what_the_definition_gives)
{
    static const char *const specs[][2] = {
        { "e4m3", "e4m3" },         { "binary16", "binary16" },       { "bfloat16", "bfloat16" },
        { "binary32", "binary32" }, { "posit16", "posit16" },         { "takum16", "takum16" },
        { "e8m0", "int8" },         { "binary8p3se", "binary8p3se" }, { "e2m1", "binary32" },
        { "binary32", "e5m2" },     { "hif8", "bfloat16" },           { "uint8", "int8" },
    };
    static const char *const names[] = { "add",   "sub",  "mul",   "div",    "fma",     "sqrt",
                                         "hypot", "exp",  "exp2",  "log",    "sigmoid", "silu",
                                         "gelu",  "tanh", "erf",   "rsqrt",  "copy",    "neg",
                                         "abs",   "pow",  "atan2", "atan2pi" };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        assay_format f, g;
        cr_assert_eq(assay_format_parse(specs[i][0], &f), ASSAY_OK);
        cr_assert_eq(assay_format_parse(specs[i][1], &g), ASSAY_OK);
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
            for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++)
                if ((i + k + (size_t)mode) % points_step(5) == 0)
                    check(names[k], &f, &g, (assay_mode)mode);
    }
}

/* The second call finds the table of the first; other modes and operands do not. */
Test(operation_array, tables_are_told_apart)
{
    static const char *const specs[] = { "e4m3", "e5m2" };
    uint64_t *codes = malloc(2 * TABLE * sizeof *codes), *out = codes + TABLE;
    const uint64_t *const at[] = { codes, codes };
    const assay_random none = { 0 };
    size_t bad;
    for (int round = 0; round < 2; round++)
        for (int s = 0; s < 2; s++)
            for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++)
                for (int two = 0; two < 2; two++) {
                    assay_format f;
                    assay_rounder r;
                    assay_operator op;
                    const assay_format *const operands[] = { &f, &f };
                    cr_assert_eq(assay_format_parse(specs[s], &f), ASSAY_OK);
                    cr_assert_eq(assay_rounder_make(&f, (assay_mode)mode, ASSAY_OVERFLOW_SPEC,
                                                    ASSAY_NAN_RULE_DEFAULT, &r),
                                 ASSAY_OK);
                    cr_assert_eq(assay_operator_make(assay_operation_find(two ? "maximum" : "tanh"),
                                                     &r, operands, &op),
                                 ASSAY_OK);
                    for (uint64_t i = 0; i < TABLE; i++)
                        codes[i] = points_random(i) & 0xff;
                    cr_assert_eq(assay_operate_codes(&op, &none, 0, at, out, TABLE, &bad),
                                 ASSAY_OK);
                    for (size_t i = 0; i < TABLE; i += 331) {
                        const uint64_t own[] = { codes[i], codes[i] };
                        uint64_t want = 0;
                        cr_assert_eq(assay_operate(&op, &none, 0, own, &want), ASSAY_OK);
                        cr_expect_eq(out[i], want);
                    }
                }
    free(codes);
}

Test(operation_array, a_failing_element_is_named)
{
    static uint64_t codes[TABLE], out[TABLE];
    const uint64_t *const at[] = { codes };
    const assay_random none = { 0 };
    assay_format f;
    assay_rounder r;
    assay_operator op;
    const assay_format *const operands[] = { &f };
    cr_assert_eq(assay_format_parse("e2m1", &f), ASSAY_OK);
    cr_assert_eq(assay_rounder_make(&f, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_ERROR, &r),
                 ASSAY_OK);
    cr_assert_eq(assay_operator_make(assay_operation_find("sqrt"), &r, operands, &op), ASSAY_OK);
    codes[777] = 0xa;
    for (int round = 0; round < 2; round++) {
        size_t n = round ? TABLE : 1000, bad = 0;
        cr_expect_eq(assay_operate_codes(&op, &none, 0, at, out, n, &bad), ASSAY_ERR_VALUE);
        cr_expect_eq(bad, 777);
    }
}
