/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic operations against MPFR, in every deterministic mode: all pairs of the smallest
 * formats, and those of 8-bit ones at steps which ASSAY_THOROUGH=1 makes 1. */
#include "test_operation_oracle.h"

static const char *const binary[] = { "add",
                                      "sub",
                                      "mul",
                                      "div",
                                      "remainder",
                                      "hypot",
                                      "minimum",
                                      "maximum",
                                      "minimum_number",
                                      "maximum_number",
                                      "minimum_magnitude",
                                      "maximum_magnitude",
                                      "minimum_magnitude_number",
                                      "maximum_magnitude_number" };
static const char *const unary[] = { "copy", "neg", "abs", "sqrt", "rsqrt", "reciprocal" };
enum { BINARY = sizeof binary / sizeof binary[0], UNARY = sizeof unary / sizeof unary[0] };

static uint64_t size(const assay_format *f)
{
    return (uint64_t)1 << f->bits;
}

/* Every `step`-th pair. */
static void check_pairs(const char *name, const assay_format *f, const assay_format *g,
                        uint64_t step)
{
    assay_operator ops[ASSAY_MODE_COUNT];
    oracle_case c;
    oracle_open(&c);
    oracle_operators(name, f, g, ops);
    bool two = ops[0].operation->arity == 2;
    uint64_t count = two ? size(f) * size(f) : size(f);
    size_t wrong = 0;
    for (uint64_t i = 0; i < count; i += step) {
        const uint64_t codes[3] = { i % size(f), i / size(f) };
        wrong += oracle_check(&c, ops, codes);
    }
    oracle_close(&c);
    cr_expect_eq(wrong, 0, "%s of %s into %s: %zu wrong", name, f->name, g->name, wrong);
}

static void check_format(const assay_format *f, const assay_format *g, uint64_t step)
{
    for (int i = 0; i < BINARY; i++)
        check_pairs(binary[i], f, g, step);
    for (int i = 0; i < UNARY; i++)
        check_pairs(unary[i], f, g, 1);
}

Test(operation, all_pairs_of_small_rows)
{
    for (size_t i = 0; i < assay_format_count(); i++) {
        const assay_format *f = assay_format_row(i);
        if (f->bits <= 6 && oracle_rational(f))
            check_format(f, f, f->bits > 4 ? points_step(5) : 1);
    }
}

static void check_row(const char *spec, uint64_t step)
{
    assay_format f;
    oracle_format(spec, &f);
    check_format(&f, &f, step);
}

Test(operation, all_pairs_of_e4m3)
{
    check_row("e4m3", points_step(19));
}

Test(operation, all_pairs_of_e5m2)
{
    check_row("e5m2", points_step(19));
}

Test(operation, all_pairs_of_posit8)
{
    check_row("posit8", points_step(19));
}

/* The other rows of 7 and 8 bits. */
Test(operation, pairs_of_other_rows)
{
    for (size_t i = 0; i < assay_format_count(); i++) {
        const assay_format *f = assay_format_row(i);
        if (f->bits > 6 && f->bits <= 8 && oracle_rational(f))
            check_format(f, f, points_step(12) * 37);
    }
}

Test(operation, operands_of_another_format)
{
    static const char *const specs[][2] = {
        { "e4m3", "e2m1" },    { "e2m1", "e4m3" },
        { "int8", "e5m2" },    { "e3m2", "int4" },
        { "posit8", "e4m3" },  { "e4m3", "posit8" },
        { "e3m2", "hif8" },    { "e3m2", "binary8p3se" },
        { "e2m3", "e8m0" },    { "takum8", "e4m3" },
        { "nf4", "nf4" },      { "e4m3", "binary16" },
        { "e2m1", "ternary" }, { "binary8p4se", "binary8p3se" },
    };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        assay_format f, g;
        oracle_format(specs[i][0], &f);
        oracle_format(specs[i][1], &g);
        check_format(&f, &g, f.bits > 6 ? 41 * points_step(11) : points_step(5));
    }
}

/* fma: codes from a counter, or random ones. */
static void check_triples(const char *spec, uint64_t count, uint64_t step)
{
    assay_operator ops[ASSAY_MODE_COUNT];
    assay_format f;
    oracle_case c;
    size_t wrong = 0;
    oracle_format(spec, &f);
    oracle_open(&c);
    oracle_operators("fma", &f, &f, ops);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t u = step > 0 ? i * step : points_random(i), n = size(&f);
        const uint64_t codes[3] = { u % n, u / n % n, u / n / n % n };
        wrong += oracle_check(&c, ops, codes);
    }
    oracle_close(&c);
    cr_expect_eq(wrong, 0, "fma of %s: %zu wrong", spec, wrong);
}

Test(operation, fma)
{
    check_triples("e2m1", 16 * 16 * 16, 1);
    check_triples("e2m3", 64 * 64 * 64 / 7, 7);
    check_triples("e4m3", 20000 / points_step(4), 0);
    check_triples("e5m2", 40000 / points_step(4), 0);
    check_triples("e5m2fnuz", 20000 / points_step(4), 0);
    check_triples("posit8", 20000 / points_step(4), 0);
    check_triples("int8", 10000 / points_step(4), 0);
}

/* Wide formats: random codes, and products that a sum nearly cancels. */
static void check_random(const char *name, const char *spec, uint64_t count)
{
    assay_operator ops[ASSAY_MODE_COUNT];
    assay_format f;
    oracle_case c;
    size_t wrong = 0;
    oracle_format(spec, &f);
    oracle_open(&c);
    oracle_operators(name, &f, &f, ops);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t codes[3];
        for (uint64_t k = 0; k < 3; k++)
            codes[k] = points_random(5 * i + k) >> (64 - f.bits);
        if (i % 3 == 1) /* like exponents */
            codes[1] = (codes[0] ^ points_random(i) >> 45) & (f.bits < 64 ? size(&f) - 1 : ~0ull);
        if (i % 3 == 2 && ops[0].operation->arity == 3) {
            double x = assay_decode(&f, codes[0]), y = assay_decode(&f, codes[1]);
            codes[2] = assay_round_code(&ops[i % 8].rounder, -x * y);
        }
        wrong += oracle_check(&c, ops, codes);
    }
    oracle_close(&c);
    cr_expect_eq(wrong, 0, "%s of %s: %zu wrong", name, spec, wrong);
}

Test(operation, wide_formats)
{
    static const char *const names[] = { "add",  "sub",   "mul",   "div",       "fma",
                                         "sqrt", "rsqrt", "hypot", "remainder", "reciprocal" };
    static const char *const specs[] = { "binary16", "bfloat16", "binary32", "binary64",
                                         "posit32",  "takum32",  "tf32" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t k = 0; k < sizeof specs / sizeof specs[0]; k++) {
            bool huge = strcmp(names[i], "remainder") == 0 && k == 3;
            /* the oracle's odd binary64 has no room beside a binary64's own bits */
            check_random(names[i], specs[k], huge ? 200 : 1500 / points_step(3));
        }
}

/* Twelfths: exact rational arithmetic by hand. */
Test(operation, codebooks_with_a_divisor)
{
    assay_format f;
    const assay_random none = { 0 };
    oracle_format("bnb_fp4", &f); /* 0 1 128 192 64 96 32 48 over 192 */
    static const struct {
        const char *name;
        uint64_t a, b, want;
        assay_mode mode;
    } cases[] = {
        { "add", 4, 4, 2, ASSAY_RTZ },   { "mul", 2, 5, 4, ASSAY_RTZ },
        { "mul", 2, 5, 4, ASSAY_RAZ },   { "div", 6, 5, 4, ASSAY_RTZ },
        { "div", 4, 2, 5, ASSAY_RAZ },   { "sub", 3, 4, 2, ASSAY_RDN },
        { "add", 4, 6, 5, ASSAY_RTZ },   { "add", 7, 6, 4, ASSAY_RDN },
        { "add", 7, 6, 5, ASSAY_RUP },   { "remainder", 3, 2, 12, ASSAY_RTZ },
        { "hypot", 3, 3, 3, ASSAY_RNE }, { "sub", 4, 12, 2, ASSAY_RAZ },
        { "mul", 14, 14, 1, ASSAY_RDN },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assay_operator ops[ASSAY_MODE_COUNT];
        uint64_t codes[3] = { cases[i].a, cases[i].b }, got = 99;
        oracle_operators(cases[i].name, &f, &f, ops);
        cr_assert_eq(assay_operate(&ops[cases[i].mode], &none, 0, codes, &got), ASSAY_OK);
        cr_expect_eq(got, cases[i].want, "case %zu: %llu", i, (unsigned long long)got);
    }
}
