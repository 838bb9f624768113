/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/scheme_micro.h"

#include <math.h>
#include <string.h>

#include "formats/pack.h"
#include "numerics/bits.h"
#include "rounding/scheme_parts.h"

/* The code of element i, x k 2^e, exactly; zeros, and so the padding, take no random bits. */
static uint8_t element_code(const assay_block *b, size_t i, uint32_t k, int e)
{
    const assay_rounder *r = &b->scheme->element;
    assay_exact x = assay_exact_shifted(assay_exact_times(assay_exact_from(b->x[i]), k), e);
    if (x.kind != ASSAY_FINITE)
        return (uint8_t)assay_round_exact(r, x);
    uint64_t index = b->random->bits ? i : b->first + i;
    return (uint8_t)assay_round_exact_at(r, x, b->random, index);
}

static double largest(const double *x, size_t n)
{
    region part = { x, 1, n, n, NULL };
    return assay_region_amax(&part);
}

/* ---- shared microexponents: byte 0 the exponent, byte 1 a bit per pair, then sign-magnitude
 * codes of 1 + m bits, the unit of a pair 2^(E - d - m + 1) ---- */

enum { MICRO = 16 };

static void micro_encode(const assay_block *b, unsigned char *bytes)
{
    double amax = largest(b->x, MICRO);
    int e = amax == 0 ? -127 : assay_clamp(assay_exponent(amax), -127, 127);
    uint8_t codes[MICRO];
    bytes[0] = (unsigned char)(e + 127);
    for (size_t i = 0; i < MICRO; i += 2) {
        double pair = largest(b->x + i, 2);
        int d = pair == 0 || assay_exponent(pair) < e;
        bytes[1] = (unsigned char)(bytes[1] | d << i / 2);
        codes[i] = element_code(b, i, 1, d - e);
        codes[i + 1] = element_code(b, i + 1, 1, d - e);
    }
    assay_pack_codes(codes, MICRO, b->scheme->element.format.bits, bytes + 2);
}

static void micro_nan(unsigned char *bytes)
{
    bytes[0] = 0xff;
}

static void micro_decode(int width, const unsigned char *bytes, double *y)
{
    uint8_t codes[MICRO];
    assay_unpack_codes(bytes + 2, MICRO, width, codes);
    for (size_t i = 0; i < MICRO; i++) {
        int magnitude = codes[i] & ((1 << (width - 1)) - 1), d = bytes[1] >> i / 2 & 1;
        double value = magnitude * assay_pow2(bytes[0] - 127 - d - (width - 2));
        y[i] = codes[i] >> (width - 1) ? -value : value;
        y[i] = bytes[0] == 0xff ? assay_from_bits64(0x7ff8000000000000) : y[i];
    }
}

#define MICRO_RULE                                                                              \
    "E = floor(log2 amax); a pair's d = 1 iff both exponents are below E; elements round with " \
    "the unit of their pair, saturating"

#define MICRO_TYPE(of, width, packed)                                                       \
    static void of##_decode(const unsigned char *bytes, double *y)                          \
    {                                                                                       \
        micro_decode(width, bytes, y);                                                      \
    }                                                                                       \
    const assay_hierarchy assay_hierarchy_##of = {                                          \
        .name = #of,                                                                        \
        .element = #of "_element",                                                          \
        .elements = MICRO,                                                                  \
        .bytes = 2 + MICRO * width / 8,                                                     \
        .fields = "exponent e8m0 (1 byte), d of 8 pairs (1 byte, pair 0 lowest), 16 codes " \
                  "of " #width " bits" packed,                                              \
        .rule = MICRO_RULE,                                                                 \
        .follows_mode = true,                                                               \
        .own = true,                                                                        \
        .encode = micro_encode,                                                             \
        .encode_nan = micro_nan,                                                            \
        .decode = of##_decode,                                                              \
    };
MICRO_TYPE(mx9, 8, "")
MICRO_TYPE(mx6, 5, ", packed")
MICRO_TYPE(mx4, 3, ", packed")

/* ---- HiFloat4: byte 0 the e6m2 scale, byte 1 a bit per 8 elements, bytes 2 and 3 a bit per 4,
 * then 64 codes s1p2 ---- */

enum { HIF4 = 64 };

static assay_rounder rounder_of(const char *spec)
{
    assay_format f;
    assay_rounder r = { 0 };
    if (assay_format_parse(spec, &f) != ASSAY_OK ||
        assay_rounder_make(&f, ASSAY_RNE, ASSAY_OVERFLOW_SAT, ASSAY_NAN_RULE_DEFAULT, &r) !=
            ASSAY_OK)
        __builtin_trap();
    return r;
}

static void hif4_encode(const assay_block *b, unsigned char *bytes)
{
    const assay_rounder bf16 = rounder_of("bfloat16"), e6m2 = rounder_of("e6m2");
    const double seventh = 0x1.24p-3; /* bf16(1/7) */
    double amax = largest(b->x, HIF4), scale = assay_round(&bf16, assay_odd_product(amax, seventh));
    bytes[0] = (unsigned char)assay_round_code(&e6m2, scale);
    double inverse =
        assay_round(&bf16, assay_odd_quotient(1, assay_decode(&e6m2.format, bytes[0])));
    uint8_t codes[HIF4];
    int e = assay_exponent(inverse) - 7;
    uint32_t k = (uint32_t)(inverse * assay_pow2(-e)); /* 8 bits */
    for (size_t i = 0; i < HIF4; i++) {
        double eight = largest(b->x + i / 8 * 8, 8), four = largest(b->x + i / 4 * 4, 4);
        int up8 = assay_round(&bf16, assay_odd_product(eight, inverse)) >= 4;
        int up4 = assay_odd_product(four, inverse) >= (up8 ? 4 : 2);
        bytes[1] = (unsigned char)(bytes[1] | up8 << i / 8);
        bytes[2 + i / 32] = (unsigned char)(bytes[2 + i / 32] | up4 << i / 4 % 8);
        codes[i] = element_code(b, i, k, e - up8 - up4);
    }
    assay_pack_codes(codes, HIF4, 4, bytes + 4);
}

static void hif4_decode(const unsigned char *bytes, double *y)
{
    uint8_t codes[HIF4];
    assay_unpack_codes(bytes + 4, HIF4, 4, codes);
    double scale = assay_from_bits64(0x7ff8000000000000);
    if (bytes[0] != 0xff)
        scale = (4 + (bytes[0] & 3)) * assay_pow2((bytes[0] >> 2) - 50);
    for (size_t i = 0; i < HIF4; i++) {
        int up = (bytes[1] >> i / 8 & 1) + (bytes[2 + i / 32] >> i / 4 % 8 & 1);
        double value = scale * (codes[i] & 7) * assay_pow2(up - 2);
        y[i] = codes[i] >> 3 && value == value ? -value : value;
    }
}

const assay_hierarchy assay_hierarchy_hif4 = {
    .name = "hif4",
    .element = "hif4_element",
    .elements = HIF4,
    .bytes = 36,
    .fields = "scale e6m2 (1 byte), x2 of 8 groups of 8 (1 byte), x2 of 16 groups of 4 (2 bytes), "
              "64 codes of 4 bits, low nibble first",
    .rule = "scale e6m2(bf16(amax bf16(1/7))), r = bf16(1/scale); x2 of 8 iff bf16(amax8 r) >= 4, "
            "x2 of 4 iff what is left >= 2; elements round x r, saturating",
    .follows_mode = true,
    .own = true,
    .encode = hif4_encode,
    .encode_nan = micro_nan,
    .decode = hif4_decode,
};
