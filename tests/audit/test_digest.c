/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/digest.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "numerics/bits.h"

/* Expected hashes: hashlib.sha256 over the line and the bytes. */
static const size_t two_by_three[] = { 2, 3 };

static void expect(assay_dtype dtype, size_t ndim, const size_t *shape, const void *data,
                   bool by_value, const char *wanted)
{
    char hex[ASSAY_DIGEST_HEX];
    cr_assert_eq(assay_digest(dtype, ndim, shape, data, by_value, hex), ASSAY_OK);
    cr_expect_str_eq(hex, wanted);
}

Test(digest, of_known_arrays)
{
    const uint64_t values[6] = { 0x3ff8000000000000, 0x8000000000000000, 0x7ff8000000000000,
                                 0x7ff0000000000000, 0xc000000000000000, 1 };
    const int32_t ints[7] = { 0, 1, 2, 3, 4, 5, 6 };
    const uint16_t three = 0x4200;
    const size_t seven[] = { 7 }, none[] = { 0, 4 };
    expect(ASSAY_DTYPE_F64, 2, two_by_three, values, false,
           "c8f99e1f5b2a94e1c32752d3dc129ffe2aac7079c12c886c3d46b464528ced45");
    expect(ASSAY_DTYPE_F64, 2, two_by_three, values, true,
           "30f9f3d582d0892f764c52a8fda3233e9750e3476e720a582a443b0dccde3066");
    expect(ASSAY_DTYPE_I32, 1, seven, ints, false,
           "b68bd51f628176c8b988602318b235105a0836334a38c201a48cb966e1aeba49");
    expect(ASSAY_DTYPE_I32, 1, seven, ints, true,
           "42c0504b175939ee9d043f8eaaf417e52d78bfb94cd320334fc91f4c191f5dea");
    expect(ASSAY_DTYPE_F16, 0, NULL, &three, false,
           "0c72ebbafa555833ab3074807c46fff4d9f119d15e6a71a37e20f144d888a6ed");
    expect(ASSAY_DTYPE_F32, 2, none, NULL, false,
           "f57ec5a6d9fc84c447ae966eb3922bd3e7c138fb65b782b2146daa8584bba915");
}

/* 400 kB: more than one chunk. Every NaN has its sign and a payload bit flipped. */
static void big_array(uint32_t *bits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bits[i] = assay_bits32((float)i);
        if (i % 7 == 0)
            bits[i] = 0x80000000;
        if (i % 11 == 0)
            bits[i] = 0x7fc00000 ^ 0x80000001;
    }
}

Test(digest, in_pieces_is_the_same)
{
    enum { N = 100000 };
    static uint32_t bits[N];
    const size_t shape[] = { N };
    const char *const wanted[] = {
        "66ecfec5a6e2099b1c7ebb6a967795689828978985cb4ff9bcd92ac54d062ab9",
        "db17117e7c9dc918e96319641c6cb29191101ef771f6977f9294c965dbde848d"
    };
    big_array(bits, N);
    for (int by_value = 0; by_value < 2; by_value++) {
        expect(ASSAY_DTYPE_F32, 1, shape, bits, by_value, wanted[by_value]);
        assay_digester d;
        char hex[ASSAY_DIGEST_HEX];
        cr_assert_eq(assay_digest_begin(&d, ASSAY_DTYPE_F32, 1, shape, by_value), ASSAY_OK);
        for (size_t at = 0, step = 0; at < N; at += step, step = step * 3 + 1) {
            step = step < N - at ? step : N - at;
            cr_assert_eq(assay_digest_update(&d, bits + at, 4 * step), ASSAY_OK);
        }
        cr_assert_eq(assay_digest_end(&d, hex), ASSAY_OK);
        cr_expect_str_eq(hex, wanted[by_value]);
    }
    expect(ASSAY_DTYPE_F32, 1, shape, bits, false, wanted[0]); /* the input is left alone */
}

Test(digest, refuses_wrong_sizes)
{
    const size_t shape[] = { 3 }, huge[] = { SIZE_MAX, 2 };
    const double values[4] = { 0 };
    char hex[ASSAY_DIGEST_HEX] = "untouched";
    assay_digester d;
    cr_expect_eq(assay_digest(ASSAY_DTYPE_F64, 2, huge, values, false, hex), ASSAY_ERR_SHAPE);
    cr_expect_eq(assay_digest(ASSAY_DTYPE_F4, 1, shape, values, false, hex), ASSAY_ERR_SHAPE);
    cr_assert_eq(assay_digest_begin(&d, ASSAY_DTYPE_F64, 1, shape, true), ASSAY_OK);
    cr_expect_eq(assay_digest_update(&d, values, 32), ASSAY_ERR_SHAPE);
    cr_expect_eq(assay_digest_update(&d, values, 12), ASSAY_ERR_SHAPE);
    cr_expect_eq(assay_digest_update(&d, values, 16), ASSAY_OK);
    cr_expect_eq(assay_digest_end(&d, hex), ASSAY_ERR_SHAPE);
    cr_expect_str_eq(assay_last_error(), "digest: 8 bytes less than the shape has");
    cr_expect_str_eq(hex, "untouched");
    assay_digest_abort(&d);
}

Test(digest, canonical_codes)
{
    const struct {
        assay_dtype dtype;
        unsigned code, canonical;
    } rows[] = {
        { ASSAY_DTYPE_F16, 0x8000, 0 },
        { ASSAY_DTYPE_F16, 0xfc01, 0x7e00 },
        { ASSAY_DTYPE_F16, 0xfc00, 0xfc00 },
        { ASSAY_DTYPE_BF16, 0xffff, 0x7fc0 },
        { ASSAY_DTYPE_BF16, 0x8000, 0 },
        { ASSAY_DTYPE_BF16, 0x8001, 0x8001 },
        { ASSAY_DTYPE_F8_E4M3, 0xff, 0x7f },
        { ASSAY_DTYPE_F8_E4M3, 0xfe, 0xfe },
        { ASSAY_DTYPE_F8_E5M2, 0xfd, 0x7e },
        { ASSAY_DTYPE_F8_E5M2, 0xfc, 0xfc },
        { ASSAY_DTYPE_F8_E4M3FNUZ, 0x80, 0x80 },
        { ASSAY_DTYPE_F8_E5M2FNUZ, 0, 0 },
        { ASSAY_DTYPE_F8_E8M0, 0xff, 0xff },
        { ASSAY_DTYPE_F8_E8M0, 0, 0 },
        { ASSAY_DTYPE_F4, 0x88, 0 },
        { ASSAY_DTYPE_F4, 0x98, 0x90 },
        { ASSAY_DTYPE_U16, 0x8000, 0x8000 },
        { ASSAY_DTYPE_I8, 0x80, 0x80 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char bytes[4];
        unsigned out = 0;
        size_t size = assay_dtypes[rows[i].dtype].bits == 16 ? 2 : 1;
        memcpy(bytes, &rows[i].code, sizeof bytes);
        cr_assert(assay_dtype_canonical(rows[i].dtype, bytes, size));
        memcpy(&out, bytes, size);
        cr_expect_eq(out, rows[i].canonical, "row %zu: %x", i, out);
    }
}

Test(digest, six_bit_elements_straddle_bytes)
{
    unsigned char six[3] = { 1, 2, 3 };
    char hex[ASSAY_DIGEST_HEX];
    const size_t four[] = { 4 };
    cr_expect_not(assay_dtype_canonical(ASSAY_DTYPE_F6_E2M3, six, 3));
    cr_expect_eq(assay_digest(ASSAY_DTYPE_F6_E2M3, 1, four, six, true, hex), ASSAY_ERR_USAGE);
    cr_expect_eq(assay_digest(ASSAY_DTYPE_F6_E2M3, 1, four, six, false, hex), ASSAY_OK);
}

Test(digest, first_nonfinite_element)
{
    static float values[10000];
    const unsigned char *bytes = (const unsigned char *)values;
    cr_expect_eq(assay_dtype_nonfinite(ASSAY_DTYPE_F32, bytes, 10000), 10000);
    values[9999] = INFINITY;
    cr_expect_eq(assay_dtype_nonfinite(ASSAY_DTYPE_F32, bytes, 10000), 9999);
    cr_expect_eq(assay_dtype_nonfinite(ASSAY_DTYPE_C64, bytes, 5000), 4999);
    values[4096] = NAN;
    cr_expect_eq(assay_dtype_nonfinite(ASSAY_DTYPE_F32, bytes, 10000), 4096);
    const unsigned char codes[4] = { 0x7e, 0xfe, 0x80, 0xff };
    cr_expect_eq(assay_dtype_nonfinite(ASSAY_DTYPE_F8_E4M3, codes, 4), 3);
    cr_expect_eq(assay_dtype_nonfinite(ASSAY_DTYPE_F8_E5M2, codes, 4), 0);
    cr_expect_eq(assay_dtype_nonfinite(ASSAY_DTYPE_F8_E4M3FNUZ, codes, 4), 2);
    cr_expect_eq(assay_dtype_nonfinite(ASSAY_DTYPE_F8_E8M0, codes, 4), 3);
    cr_expect_eq(assay_dtype_nonfinite(ASSAY_DTYPE_U8, codes, 4), 4);
}
