/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and builders: derived constants, every code, and the code tables under tests/vectors. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/oracle.h"
#include "../support/points.h"
#include "numerics/bits.h"
#include "rounding/array.h"

enum { SAMPLE = 20000 };

static double expected(const assay_format *f, uint64_t code)
{
    bool negative = (code & f->sign_bit) != 0;
    oracle_kind kind = oracle_classify(f, code);
    if (kind == ORACLE_CODE_NAN)
        return assay_from_bits64(0x7ff8000000000000);
    double value = INFINITY;
    if (kind == ORACLE_CODE_FINITE) {
        mpfr_t x;
        mpfr_init2(x, 64);
        oracle_value(f, code & ~f->sign_bit, x);
        value = mpfr_get_d(x, MPFR_RNDN);
        mpfr_clear(x);
    }
    return negative ? -value : value;
}

static void check_code(const assay_format *f, uint64_t code)
{
    double want = expected(f, code), got = assay_decode(f, code);
    oracle_kind kind = oracle_classify(f, code);
    if (assay_bits64(want) != assay_bits64(got))
        cr_assert_fail("%s: code %llx is %a, expected %a", f->name, (unsigned long long)code, got,
                       want);
    cr_assert_eq(assay_code_is_nan(f, code), kind == ORACLE_CODE_NAN);
    cr_assert_eq(assay_code_is_inf(f, code), kind == ORACLE_CODE_INF);
    uint64_t back = 1, zero_code = code & ~f->sign_bit;
    bool negative_zero = zero_code == 0 && code != 0 && !f->has_negzero;
    bool ok = assay_encode_exact(f, got, &back);
    if (kind == ORACLE_CODE_NAN)
        cr_assert(ok && back == f->nan_code);
    else
        cr_assert(ok == !negative_zero && (!ok || back == code), "%s: %a", f->name, got);
}

static uint64_t code_of(const assay_format *f, uint64_t i)
{
    uint64_t mask = f->bits == 64 ? ~(uint64_t)0 : ((uint64_t)1 << f->bits) - 1;
    return (f->bits <= 16 ? i : points_random(i) >> (i % 3 * 5)) & mask;
}

static void check_arrays(const assay_format *f, uint64_t n)
{
    size_t bytes = assay_format_container(f);
    char *codes = malloc(n * bytes);
    double *y = malloc(n * sizeof *y);
    float *narrow = malloc(n * sizeof *narrow);
    cr_assert(codes && y && narrow);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t code = code_of(f, i);
        memcpy(codes + i * bytes, &code, bytes); /* little-endian */
    }
    assay_decode_array_f64(f, codes, y, n);
    assay_decode_array_f32(f, codes, narrow, n);
    for (uint64_t i = 0; i < n; i++) {
        double want = assay_decode(f, code_of(f, i));
        if (assay_bits64(y[i]) != assay_bits64(want) ||
            assay_bits32(narrow[i]) != assay_bits32((float)want))
            cr_assert_fail("%s: %llx is %a and %a, expected %a", f->name,
                           (unsigned long long)code_of(f, i), y[i], narrow[i], want);
    }
    free(codes);
    free(y);
    free(narrow);
}

Test(rows, every_code_decodes_and_encodes_back)
{
    for (size_t i = 0; i < points_specs(); i++) {
        assay_format f;
        points_format(i, &f);
        uint64_t n = f.bits <= 16 ? (uint64_t)1 << f.bits : SAMPLE;
        for (uint64_t k = 0; k < n; k++)
            check_code(&f, code_of(&f, k));
        check_arrays(&f, n);
    }
}

/* Families that decode at once do so as through the exact value; 65,536 codes of wider ones. */
Test(rows, decoding_at_once_is_decoding_exactly)
{
    static const char *const specs[] = {
        "posit:n=2,es=0", "posit:n=8,es=0", "posit8",         "posit:n=16,es=1",    "posit16",
        "posit32",        "posit:n=9,es=7", "posit:n=9,es=9", "posit:n=32,es=5",    "takum8",
        "takum16",        "takum:n=32",     "takum:n=13",     "takum:n=8,kind=log", "int8",
    };
    for (size_t s = 0; s < sizeof specs / sizeof specs[0]; s++) {
        assay_format f;
        cr_assert_eq(assay_format_parse(specs[s], &f), ASSAY_OK, "%s", specs[s]);
        uint64_t step = f.bits > 16 ? ((uint64_t)1 << (f.bits - 16)) - 1 : 1;
        for (uint64_t code = 0; code >> f.bits == 0; code += step) {
            double got = assay_decode(&f, code);
            double want = assay_exact_to_double(assay_decode_exact(&f, code));
            if (assay_bits64(got) != assay_bits64(want))
                cr_assert_fail("%s %llx: %a, not %a", specs[s], (unsigned long long)code, got,
                               want);
        }
    }
}

Test(rows, derived_constants)
{
    for (size_t i = 0; i < points_specs(); i++) {
        assay_format f;
        points_format(i, &f);
        cr_expect_eq(f.bits, f.exponent_bits + f.fraction_bits + f.is_signed);
        cr_expect_eq(f.p, f.fraction_bits + 1);
        cr_expect_eq(f.max_code, oracle_max(&f), "%s", f.name);
        cr_expect_eq(f.max, expected(&f, f.max_code));
        cr_expect_eq(f.emax, (int)floor(log2(f.max)) < f.emin ? f.emin - 1 : ilogb(f.max), "%s",
                     f.name);
        cr_expect_eq(f.min_positive, expected(&f, 1));
        cr_expect_eq(8 * assay_format_container(&f) >= (size_t)f.bits, 1);
        cr_expect(f.nan == ASSAY_NAN_NONE || oracle_classify(&f, f.nan_code) == ORACLE_CODE_NAN);
    }
}

Test(rows, names_are_unique_and_parse)
{
    for (size_t i = 0; i < assay_format_count(); i++) {
        const assay_format *f = assay_format_row(i);
        assay_format parsed;
        cr_assert_eq(assay_format_parse(f->name, &parsed), ASSAY_OK);
        cr_expect_str_eq(parsed.name, f->name);
        cr_expect(f->source && *f->source);
        if (f->alias) {
            cr_assert_eq(assay_format_parse(f->alias, &parsed), ASSAY_OK);
            cr_expect_str_eq(parsed.name, f->name);
        }
        for (size_t k = 0; k < i; k++)
            cr_expect_str_neq(assay_format_row(k)->name, f->name);
    }
}
