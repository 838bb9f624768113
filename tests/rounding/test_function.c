/* SPDX-License-Identifier: Apache-2.0 */
/* Functions against MPFR, in every deterministic mode: inputs of the rows of at most 8 bits (those
 * of 7 and 8 at a step which ASSAY_THOROUGH=1 makes 1), samples of wider ones (test_function_slow.c
 * has all of 16 bits). */
#include "rounding/function_parts.h"
#include "test_operation_oracle.h"

/* Functions of one operand: rows after `dot`. */
static bool is_function(const assay_operation *o, int arity)
{
    return o->id >= ASSAY_OPERATION_EXP && o->arity == arity;
}

static size_t check_codes(const char *name, const assay_format *f, const assay_format *g,
                          uint64_t count, uint64_t (*pick)(const assay_format *f, uint64_t i))
{
    assay_operator ops[ASSAY_MODE_COUNT];
    oracle_case c;
    size_t wrong = 0;
    oracle_open(&c);
    oracle_operators(name, f, g, ops);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t mask = ((uint64_t)1 << f->bits) - 1, u = pick(f, i);
        const uint64_t codes[3] = { u & mask, u >> f->bits & mask };
        wrong += oracle_check(&c, ops, codes);
    }
    oracle_close(&c);
    cr_expect_eq(wrong, 0, "%s of %s into %s: %zu wrong", name, f->name, g->name, wrong);
    return wrong;
}

static uint64_t in_order(const assay_format *f, uint64_t i)
{
    (void)f;
    return i;
}

/* Every 11th, with an end of the codes among them. */
static uint64_t every_11th(const assay_format *f, uint64_t i)
{
    (void)f;
    return 11 * i;
}

static uint64_t every_37th(const assay_format *f, uint64_t i)
{
    (void)f;
    return 37 * i;
}

static uint64_t at_random(const assay_format *f, uint64_t i)
{
    (void)f;
    return points_random(i);
}

/* Magnitudes where functions are neither 0, 1 nor infinite, and some of few bits. */
static uint64_t moderate(const assay_format *f, uint64_t i)
{
    uint64_t u = points_random(i), code[2];
    for (int k = 0; k < 2; k++) {
        uint64_t field = (uint64_t)f->bias - 8 + (points_random(7 * i + (uint64_t)k) % 14);
        uint64_t fraction = points_random(3 * i + (uint64_t)k) >> (64 - f->fraction_bits);
        if (i % 5 == 0)
            fraction &= ~(uint64_t)0 << (f->fraction_bits - 3);
        code[k] = (field << f->fraction_bits | fraction) | (u >> k & 1 ? f->sign_bit : 0);
    }
    return code[1] << f->bits | code[0];
}

Test(function, small_rows)
{
    for (size_t i = 0; i < assay_format_count(); i++) {
        const assay_format *f = assay_format_row(i);
        if (f->bits > 8 || !oracle_rational(f))
            continue;
        bool all = f->bits <= 6 || points_thorough();
        uint64_t count = (uint64_t)1 << f->bits;
        for (size_t k = 0; k < ASSAY_OPERATION_COUNT; k++)
            if (is_function(assay_operation_row(k), 1))
                check_codes(assay_operation_row(k)->name, f, f, all ? count : count / 11 + 1,
                            all ? in_order : every_11th);
    }
}

Test(function, two_operands)
{
    static const char *const specs[] = {
        "e2m1", "e3m2", "int4", "e4m3", "e5m2", "posit8", "takum8"
    };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        assay_format f;
        oracle_format(specs[i], &f);
        for (size_t k = 0; k < ASSAY_OPERATION_COUNT; k++)
            if (is_function(assay_operation_row(k), 2))
                check_codes(assay_operation_row(k)->name, &f, &f,
                            f.bits > 6 ? 65536 / 37 : (uint64_t)1 << 2 * f.bits,
                            f.bits > 6 ? every_37th : in_order);
    }
}

static void check_wide(const char *spec, uint64_t count)
{
    assay_format f;
    oracle_format(spec, &f);
    for (size_t k = 0; k < ASSAY_OPERATION_COUNT; k++)
        if (assay_operation_row(k)->id >= ASSAY_OPERATION_EXP) {
            check_codes(assay_operation_row(k)->name, &f, &f, count, at_random);
            if (f.kind == ASSAY_FAMILY_FLOAT)
                check_codes(assay_operation_row(k)->name, &f, &f, 2 * count, moderate);
        }
}

Test(function, binary16)
{
    check_wide("binary16", 150 / points_step(4));
}

Test(function, bfloat16)
{
    check_wide("bfloat16", 150 / points_step(4));
}

Test(function, binary32)
{
    check_wide("binary32", 150 / points_step(4));
}

Test(function, posit16)
{
    check_wide("posit16", 60);
}

Test(function, takum16)
{
    check_wide("takum16", 60);
}

/* The least magnitudes, where results are an exact number and a rest. */
static uint64_t tiny(const assay_format *f, uint64_t i)
{
    uint64_t code[2];
    for (uint64_t k = 0; k < 2; k++) {
        uint64_t u = points_random(2 * i + k);
        code[k] = u % 2 ? u >> (50 + u % 14) : (uint64_t)1 << u % (unsigned)f->fraction_bits;
        code[k] |= u >> 20 & 1 ? f->sign_bit : 0;
    }
    return code[1] << f->bits | code[0];
}

Test(function, tiny_arguments)
{
    assay_format f;
    oracle_format("binary32", &f);
    for (size_t k = ASSAY_OPERATION_EXP; k < ASSAY_OPERATION_COUNT; k++)
        check_codes(assay_operation_row(k)->name, &f, &f, 60, tiny);
}

Test(function, other_wide_formats)
{
    check_wide("tf32", 40);
    check_wide("fp24", 40);
    check_wide("posit32", 40);
}

/* What the fast path claims of its error, against 512 bits: no hard case is needed to see it. */
Test(function, fast_path_keeps_its_bounds)
{
    assay_format f;
    oracle_format("binary32", &f);
    for (size_t k = ASSAY_OPERATION_EXP; k < ASSAY_OPERATION_COUNT; k++) {
        const assay_operation *o = assay_operation_row(k);
        for (uint64_t i = 0; i < 400; i++) {
            uint64_t u = i % 2 ? moderate(&f, i) : points_random(i);
            assay_operand x[2];
            assay_result r = { .d = 1 };
            assay_wide w;
            for (int n = 0; n < 2; n++)
                x[n] = assay_operand_of(&f, (n ? u >> 32 : u) & 0x7fffffff);
            if (!assay_function_fast(o->id, x, &r))
                continue;
            if (assay_function_wide(o->id, 8, &w, x) <= 300)
                continue; /* special cases that come before */
            memset(r.w.at + 2, 0, 6 * sizeof r.w.at[0]);
            assay_wide_sub(8, &r.w, &r.w, &w);
            cr_expect(assay_wide_is_zero(&r.w) || w.exp - r.w.exp >= r.good,
                      "%s: %lld bits, not %d", o->name, (long long)(w.exp - r.w.exp), r.good);
        }
    }
}
