/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/scheme_binary.h"

#include <string.h>

#include "numerics/bits.h"
#include "rounding/gguf.h"
#include "rounding/scheme_parts.h"

enum { ELEMENTS = 128, PLANE = ELEMENTS / 8 };

/* Greedy: each plane takes the signs of what is left and the mean of its magnitudes. */
static void encode(const assay_block *b, int planes, unsigned char *bytes)
{
    double rest[ELEMENTS];
    assay_format half;
    assay_rounder to_half;
    if (assay_format_parse("binary16", &half) != ASSAY_OK ||
        assay_rounder_make(&half, ASSAY_RNE, ASSAY_OVERFLOW_SAT, ASSAY_NAN_RULE_DEFAULT,
                           &to_half) != ASSAY_OK)
        __builtin_trap();
    memcpy(rest, b->x, sizeof rest);
    for (int k = 0; k < planes; k++) {
        const region all = { rest, 1, ELEMENTS, ELEMENTS, NULL };
        uint64_t code = assay_round_exact(&to_half, assay_region_mean(&all));
        double alpha = assay_decode(&half, code);
        unsigned char *signs = bytes + 2 * planes + k * PLANE;
        bytes[2 * k] = (unsigned char)code;
        bytes[2 * k + 1] = (unsigned char)(code >> 8);
        for (int i = 0; i < ELEMENTS; i++) {
            bool plus = rest[i] >= 0;
            signs[i / 8] = (unsigned char)(signs[i / 8] | plus << i % 8);
            rest[i] += plus ? -alpha : alpha;
        }
    }
}

/* Sums of up to four binary16 numbers are exact. */
static void decode(int planes, const unsigned char *bytes, double *y)
{
    for (int i = 0; i < ELEMENTS; i++) {
        double sum = 0;
        for (int k = 0; k < planes; k++) {
            double alpha = assay_gguf_half(bytes + 2 * k);
            bool plus = bytes[2 * planes + k * PLANE + i / 8] >> i % 8 & 1;
            sum += plus ? alpha : -alpha;
        }
        y[i] = sum == sum ? sum : assay_from_bits64(0x7ff8000000000000);
    }
}

#define BINARY(planes, size)                                                                  \
    static void encode_##planes(const assay_block *b, unsigned char *bytes)                   \
    {                                                                                         \
        encode(b, planes, bytes);                                                             \
    }                                                                                         \
    static void decode_##planes(const unsigned char *bytes, double *y)                        \
    {                                                                                         \
        decode(planes, bytes, y);                                                             \
    }                                                                                         \
    const assay_hierarchy assay_hierarchy_bcq##planes = {                                     \
        .name = "bcq" #planes,                                                                \
        .element = "int:n=1,sign=no",                                                         \
        .elements = ELEMENTS,                                                                 \
        .bytes = size,                                                                        \
        .fields = "binary16 alpha of each plane (2 bytes), then planes of 128 bits, set for " \
                  "+alpha, element 0 lowest",                                                 \
        .rule = "greedy: alpha = the mean magnitude of what is left, rounded to binary16, "   \
                "signs + for x >= 0; what is left in binary64",                               \
        .own = true,                                                                          \
        .encode = encode_##planes,                                                            \
        .encode_nan = assay_gguf_nan_first,                                                   \
        .decode = decode_##planes,                                                            \
    };
BINARY(1, 18)
BINARY(2, 36)
BINARY(3, 54)
BINARY(4, 72)
