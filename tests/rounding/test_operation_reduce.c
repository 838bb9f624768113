/* SPDX-License-Identifier: Apache-2.0 */
/* Sums and dot products: exact whatever cancels, of any order; random modes with the exact
 * probability; arrays as elements. */
#include <stdlib.h>

#include "test_operation_oracle.h"

enum { N = 200, SUM_BITS = 4400 };

static void shuffle(uint64_t *a, uint64_t *b, size_t n, uint64_t seed)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = points_random(seed + i) % i;
        uint64_t s = a[i - 1], t = b[i - 1];
        a[i - 1] = a[k];
        b[i - 1] = b[k];
        a[k] = s;
        b[k] = t;
    }
}

/* The exact sum of a[i] b[i], or of a[i], by MPFR. */
static void exact_sum(mpfr_ptr sum, const assay_operator *op, const uint64_t *a, const uint64_t *b,
                      size_t n)
{
    mpfr_t x;
    mpfr_init2(x, 128);
    mpfr_set_zero(sum, 1);
    for (size_t i = 0; i < n; i++) {
        mpfr_set_d(x, assay_decode(op->operands[0], a[i]), MPFR_RNDN);
        if (op->operation->arity == 2)
            mpfr_mul_d(x, x, assay_decode(op->operands[1], b[i]), MPFR_RNDN);
        cr_assert_eq(mpfr_add(sum, sum, x, MPFR_RNDN), 0, "the oracle's sum is exact");
    }
    mpfr_clear(x);
}

static void check_sum(const char *name, const char *spec, uint64_t seed)
{
    assay_format f;
    assay_operator ops[ASSAY_MODE_COUNT];
    uint64_t a[N], b[N];
    const uint64_t *const codes[2] = { a, b };
    const assay_random none = { 0 };
    mpfr_t sum;
    oracle_format(spec, &f);
    oracle_operators(name, &f, &f, ops);
    mpfr_init2(sum, SUM_BITS);
    for (size_t i = 0; i < N; i++) {
        double x = ldexp((double)(int64_t)points_random(seed + i) * 0x1p-63,
                         (int)(points_random(seed ^ i) % 2000) - 1000);
        double y = i % 3 ? 1 : ldexp(1, (int)(points_random(seed * i) % 1000) - 500);
        a[i] = assay_round_code(&ops[ASSAY_RTZ].rounder, x);
        b[i] = assay_round_code(&ops[ASSAY_RTZ].rounder, y);
        if (i % 2) { /* cancels the one before, but for its last bits */
            a[i] = assay_round_code(&ops[ASSAY_RTZ].rounder, -assay_decode(&f, a[i - 1]));
            b[i] = b[i - 1] ^ (i % 4 == 1 && f.p > 20 && seed % 2);
        }
    }
    exact_sum(sum, &ops[0], a, b, N);
    for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {
        oracle_case c = { 0 };
        *c.r = *sum;
        c.down = mode == ASSAY_RDN;
        uint64_t want = oracle_expected(&c, &ops[mode].rounder), got = ~want;
        for (uint64_t order = 0; order < 3; order++) {
            cr_assert_eq(assay_operate_reduce(&ops[mode], &none, 0, codes, N, &got), ASSAY_OK);
            cr_expect_eq(got, want, "%s of %s, seed %llu, %s: %llx, not %llx", name, spec,
                         (unsigned long long)seed, assay_mode_name((assay_mode)mode),
                         (unsigned long long)got, (unsigned long long)want);
            shuffle(a, b, N, seed + order);
        }
    }
    mpfr_clear(sum);
}

Test(reduce, exact_in_any_order)
{
    static const char *const specs[] = { "binary64", "binary32", "bfloat16", "e5m2", "posit16" };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++)
        for (uint64_t seed = 1; seed < 12; seed++) {
            check_sum("sum", specs[i], seed);
            check_sum("dot", specs[i], seed);
        }
}

/* 2^500 and its negative around 2^-1000 and a half of its last place. */
Test(reduce, cancellation_to_the_last_bit)
{
    assay_format f;
    assay_operator ops[ASSAY_MODE_COUNT];
    const assay_random none = { 0 };
    oracle_format("binary64", &f);
    oracle_operators("sum", &f, &f, ops);
    const double x[] = { 0x1p500, 0x1p-1000, 0x1p100, -0x1p500, 0x1p-1053, -0x1p100, 0x1p-1074 };
    uint64_t codes[7], got;
    const uint64_t *const all[] = { codes };
    for (int i = 0; i < 7; i++)
        codes[i] = assay_bits64(x[i]);
    cr_assert_eq(assay_operate_reduce(&ops[ASSAY_RNE], &none, 0, all, 7, &got), ASSAY_OK);
    cr_expect_eq(got, assay_bits64(0x1.0000000000001p-1000));
    cr_assert_eq(assay_operate_reduce(&ops[ASSAY_RNE], &none, 0, all, 6, &got), ASSAY_OK);
    cr_expect_eq(got, assay_bits64(0x1p-1000)); /* a tie: to even */
    cr_assert_eq(assay_operate_reduce(&ops[ASSAY_RDN], &none, 0, all, 0, &got), ASSAY_OK);
    cr_expect_eq(got, 0);
    const double far[] = { 0x1p500, 0x1p447, 0x1p-1074 }; /* a tie but for 1500 bits below */
    for (int i = 0; i < 3; i++)
        codes[i] = assay_bits64(far[i]);
    cr_assert_eq(assay_operate_reduce(&ops[ASSAY_RNE], &none, 0, all, 3, &got), ASSAY_OK);
    cr_expect_eq(got, assay_bits64(0x1.0000000000001p500));
    cr_assert_eq(assay_operate_reduce(&ops[ASSAY_RNE], &none, 0, all, 2, &got), ASSAY_OK);
    cr_expect_eq(got, assay_bits64(0x1p500));
}

/* Logarithmic formats: products of powers are powers; what cancels, cancels exactly. */
static uint64_t reduced(const char *name, const char *spec, const double *x, const double *y,
                        size_t n, assay_mode mode)
{
    assay_format f;
    assay_operator ops[ASSAY_MODE_COUNT];
    const assay_random none = { 0 };
    uint64_t a[16], b[16], got = ~(uint64_t)0;
    const uint64_t *const codes[] = { a, b };
    oracle_format(spec, &f);
    oracle_operators(name, &f, &f, ops);
    for (size_t i = 0; i < n; i++) {
        a[i] = assay_round_code(&ops[0].rounder, x[i]);
        b[i] = y ? assay_round_code(&ops[0].rounder, y[i]) : 0;
    }
    cr_assert_eq(assay_operate_reduce(&ops[mode], &none, 0, codes, n, &got), ASSAY_OK, "%s",
                 assay_last_error());
    return assay_bits64(assay_decode(&f, got));
}

Test(reduce, logarithmic_formats)
{
    const double root = 1.4142135623730951;
    for (int m = 0; m < ASSAY_MODE_COUNT; m++) {
        assay_mode mode = (assay_mode)m;
        const double zero = mode == ASSAY_RDN ? -0.0 : 0.0;
        cr_expect_eq(reduced("sum", "sqrt2_4", (double[]){ root, 1, -root }, NULL, 3, mode),
                     assay_bits64(1));
        cr_expect_eq(reduced("sum", "sqrt2_4", (double[]){ root, -root }, NULL, 2, mode),
                     assay_bits64(zero));
        cr_expect_eq(reduced("dot", "sqrt2_4", (double[]){ root, root / 2 },
                             (double[]){ root / 2, root / 2 }, 2, mode),
                     reduced("sum", "sqrt2_4", (double[]){ 1, 0.5 }, NULL, 2, mode));
        cr_expect_eq(
            reduced("dot", "takum16_log", (double[]){ 3, 5, -3 }, (double[]){ 7, 1, 7 }, 3, mode),
            reduced("sum", "takum16_log", (double[]){ 5 }, NULL, 1, mode));
    }
}

/* The share of R for which sra goes up is floor(nu 2^N) / 2^N: the quotient's own bits. */
Test(random, probability_is_exact)
{
    enum { BITS = 8 };
    assay_format f;
    assay_rounder r;
    uint32_t bits[1 << BITS];
    oracle_format("e4m3", &f);
    const assay_rounding mode = { .mode = ASSAY_SRA, .bits = BITS };
    cr_assert_eq(assay_rounder_make_for(&f, mode, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r),
                 ASSAY_OK);
    static const char *const names[] = { "div", "mul", "add", "sqrt", "exp", "sin", "hypot" };
    for (uint32_t i = 0; i < 1 << BITS; i++)
        bits[i] = i;
    for (uint64_t k = 0; k < 400; k++) {
        assay_operator op, ops[ASSAY_MODE_COUNT];
        const assay_format *const formats[] = { &f, &f };
        const uint64_t codes[3] = { points_random(2 * k) % 0x60 + 8,
                                    points_random(2 * k + 1) % 0x60 + 8 };
        const assay_operation *o = assay_operation_find(names[k % 7]);
        const assay_random random = { .bits = bits };
        uint64_t down, up, got, ups = 0;
        oracle_case c;
        cr_assert_eq(assay_operator_make(o, &r, formats, &op), ASSAY_OK);
        oracle_operators(o->name, &f, &f, ops);
        cr_assert_eq(assay_operate(&ops[ASSAY_RTZ], &random, 0, codes, &down), ASSAY_OK);
        cr_assert_eq(assay_operate(&ops[ASSAY_RAZ], &random, 0, codes, &up), ASSAY_OK);
        double a = assay_decode(&f, down), b = assay_decode(&f, up);
        if (!(b - b == 0) || a == b)
            continue;
        for (uint64_t i = 0; i < 1 << BITS; i++) {
            cr_assert_eq(assay_operate(&op, &random, i, codes, &got), ASSAY_OK);
            cr_assert(got == up || got == down);
            ups += got == up;
        }
        oracle_open(&c);
        oracle_evaluate(&c, &op, codes);
        mpfr_sub_d(c.r, c.r, a, MPFR_RNDN);
        mpfr_div_d(c.r, c.r, b - a, MPFR_RNDN);
        mpfr_mul_2ui(c.r, c.r, BITS, MPFR_RNDN);
        cr_expect_eq(ups, mpfr_get_ui(c.r, MPFR_RNDD), "%s of %llx %llx", o->name,
                     (unsigned long long)codes[0], (unsigned long long)codes[1]);
        oracle_close(&c);
    }
}

/* Arrays, through tables and without, are what elements are; random indices go on. */
Test(arrays, equal_elements)
{
    enum { LONG = 70000 };
    static uint64_t a[LONG], b[LONG], out[LONG];
    const uint64_t *const codes[] = { a, b };
    static const char *const modes[] = { "rne", "sr", "sra:bits=5" };
    assay_format f;
    oracle_format("e4m3", &f);
    for (size_t i = 0; i < LONG; i++) {
        a[i] = points_random(i) & 0xff;
        b[i] = points_random(i + LONG) & 0xff;
    }
    for (size_t k = 0; k < 6; k++) {
        assay_rounding mode;
        assay_rounder r;
        assay_operator op;
        const assay_format *const formats[] = { &f, &f };
        const assay_random random = { .seed = 5, .stream = 3 };
        size_t n = k < 3 ? LONG : 3000, bad;
        cr_assert_eq(assay_rounding_parse(modes[k % 3], &mode), ASSAY_OK);
        cr_assert_eq(
            assay_rounder_make_for(&f, mode, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r),
            ASSAY_OK);
        cr_assert_eq(assay_operator_make(assay_operation_find("div"), &r, formats, &op), ASSAY_OK);
        cr_assert_eq(assay_operate_codes(&op, &random, 11, codes, out, n, &bad), ASSAY_OK);
        cr_expect_eq(bad, n);
        for (size_t i = 0; i < n; i += 7) {
            const uint64_t own[] = { a[i], b[i] };
            uint64_t got;
            cr_assert_eq(assay_operate(&op, &random, 11 + i, own, &got), ASSAY_OK);
            cr_assert_eq(got, out[i], "mode %zu element %zu", k, i);
        }
    }
}

Test(arrays, values_have_to_belong)
{
    assay_format f;
    assay_operator ops[ASSAY_MODE_COUNT];
    const assay_random none = { 0 };
    const double x[] = { 1, 2, 1.1, 3 }, *const all[] = { x };
    double y[4] = { 0 };
    size_t bad;
    oracle_format("e4m3", &f);
    oracle_operators("neg", &f, &f, ops);
    cr_expect_eq(assay_operate_f64(&ops[0], &none, 0, all, y, 4, &bad), ASSAY_ERR_VALUE);
    cr_expect_eq(bad, 2);
    cr_expect_eq(y[0], 0);
    cr_expect_eq(assay_operate_f64(&ops[0], &none, 0, all, y, 2, &bad), ASSAY_OK);
    cr_expect(y[0] == -1 && y[1] == -2);
    cr_expect_null(assay_operation_find("fmod"));
    cr_expect(strstr(assay_last_error(), "remainder") != NULL);
}
