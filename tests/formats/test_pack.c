/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/pack.h"

#include <criterion/criterion.h>
#include <string.h>

Test(pack, sizes)
{
    cr_expect_eq(assay_packed_bytes(0, 4), 0);
    cr_expect_eq(assay_packed_bytes(1, 1), 1);
    cr_expect_eq(assay_packed_bytes(8, 1), 1);
    cr_expect_eq(assay_packed_bytes(9, 1), 2);
    cr_expect_eq(assay_packed_bytes(3, 4), 2);
    cr_expect_eq(assay_packed_bytes(4, 6), 3);
    cr_expect_eq(assay_packed_bytes(5, 6), 4);
    cr_expect_eq(assay_packed_bytes(3, 19), 8);
    cr_expect_eq(assay_packed_bytes(2, 64), 16);
    /* count * bits would pass 2^64 here */
    cr_expect_eq(assay_packed_bytes((size_t)1 << 60, 64), (size_t)1 << 63);
}

static void expect(const uint64_t *codes, size_t count, int bits, const char *bytes, size_t size)
{
    unsigned char out[32];
    memset(out, 0xaa, sizeof out);
    cr_assert_eq(assay_packed_bytes(count, bits), size);
    assay_pack(codes, count, bits, out);
    cr_expect_arr_eq(out, bytes, size);
    cr_expect_eq(out[size], 0xaa, "%d bits: wrote behind the end", bits);
}

/* By hand: code i starts at bit i * bits of the little-endian stream. */
Test(pack, known_bytes)
{
    expect((uint64_t[]){ 0x1, 0xf, 0x8 }, 3, 4, "\xf1\x08", 2);
    expect((uint64_t[]){ 0x3f, 0x00, 0x21, 0x2a }, 4, 6, "\x3f\x10\xaa", 3);
    expect((uint64_t[]){ 1, 0, 1, 1, 0, 0, 0, 1, 1 }, 9, 1, "\x8d\x01", 2);
    expect((uint64_t[]){ 0x1f, 0x01, 0x10 }, 3, 5, "\x3f\x40", 2);
    expect((uint64_t[]){ 0xabc, 0x123 }, 2, 12, "\xbc\x3a\x12", 3);
    expect((uint64_t[]){ 0x7ffff, 1 }, 2, 19, "\xff\xff\x0f\x00\x00", 5);
    expect((uint64_t[]){ 0x0123456789abcdef }, 1, 64, "\xef\xcd\xab\x89\x67\x45\x23\x01", 8);
}

Test(pack, cuts_what_is_above_the_width)
{
    expect((uint64_t[]){ 0xff, 0x00 }, 2, 4, "\x0f", 1);
}

Test(pack, round_trip_of_every_width)
{
    enum { N = 67 };
    uint64_t codes[N], back[N];
    unsigned char bytes[N * 8];
    for (int bits = 1; bits <= 64; bits++) {
        for (size_t i = 0; i < N; i++)
            codes[i] = (i * 0x9e3779b97f4a7c15u + (uint64_t)bits) >> (64 - bits);
        for (size_t n = 0; n <= N; n += 11) {
            assay_pack(codes, n, bits, bytes);
            assay_unpack(bytes, n, bits, back);
            cr_assert_arr_eq(back, codes, n * sizeof *codes, "%d bits, %zu codes", bits, n);
        }
    }
}

/* The containers' form gives the same stream as the general one, and comes back. */
Test(pack, codes_in_containers)
{
    enum { N = 71 };
    uint64_t codes[N], back[N];
    unsigned char want[N * 4 + 1], got[N * 4 + 1];
    for (int bits = 1; bits <= 32; bits++) {
        uint8_t c1[N], b1[N];
        uint16_t c2[N], b2[N];
        uint32_t c4[N], b4[N];
        for (size_t i = 0; i < N; i++) {
            codes[i] = (i * 0x9e3779b97f4a7c15u + (uint64_t)bits) >> (64 - bits);
            c1[i] = (uint8_t)codes[i];
            c2[i] = (uint16_t)codes[i];
            c4[i] = (uint32_t)codes[i];
        }
        const void *narrow = bits <= 8 ? (void *)c1 : bits <= 16 ? (void *)c2 : (void *)c4;
        void *other = bits <= 8 ? (void *)b1 : bits <= 16 ? (void *)b2 : (void *)b4;
        for (size_t n = 0; n <= N; n += n < 9 ? 1 : 31) {
            size_t bytes = assay_packed_bytes(n, bits);
            memset(got, 0xaa, sizeof got);
            assay_pack(codes, n, bits, want);
            assay_pack_codes(narrow, n, bits, got);
            cr_assert_arr_eq(got, want, bytes, "%d bits, %zu codes", bits, n);
            cr_assert_eq(got[bytes], 0xaa, "%d bits: wrote behind the end", bits);
            assay_unpack_codes(got, n, bits, other);
            for (size_t i = 0; i < n; i++)
                back[i] = bits <= 8 ? b1[i] : bits <= 16 ? b2[i] : b4[i];
            cr_assert_arr_eq(back, codes, n * sizeof *codes, "%d bits, %zu codes", bits, n);
        }
    }
}

Test(pack, nibbles_in_the_other_order)
{
    const uint8_t codes[] = { 0x1, 0xf, 0x8, 0x3, 0xb };
    unsigned char bytes[4] = { 0, 0, 0, 0xaa };
    uint8_t back[5];
    assay_pack_nibbles_high(codes, 5, bytes);
    cr_expect_arr_eq(bytes, "\x1f\x83\xb0\xaa", 4);
    assay_unpack_nibbles_high(bytes, 5, back);
    cr_expect_arr_eq(back, codes, 5);
}
