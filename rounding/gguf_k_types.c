/* SPDX-License-Identifier: Apache-2.0 */
/* The K types, a description each, and iq4_nl. */
#include <math.h>

#include "rounding/gguf.h"
#include "rounding/gguf_k.h"

static void add(unsigned char *byte, int value, int shift)
{
    *byte = (unsigned char)(*byte | value << shift);
}

/* ---- q2_k: 4 + 4 bits ---- */

static k_scale get_q2(const unsigned char *b, size_t p)
{
    return (k_scale){ b[p] & 15, b[p] >> 4 };
}

static void put_q2(unsigned char *b, size_t p, k_scale k)
{
    b[p] = (unsigned char)(k.scale | k.minimum << 4);
}

static const k_type type_q2_k = { .parts = 16,
                                  .d = 80,
                                  .has_minimum = true,
                                  .top = 3,
                                  .highest_scale = 15,
                                  .low = 16,
                                  .low_stretch = 128,
                                  .low_step = 32,
                                  .low_bits = 2,
                                  .high_stretch = 1,
                                  .high_step = 1,
                                  .get_scale = get_q2,
                                  .put_scale = put_q2 };

/* ---- q3_k: 6 bits less 32; low nibbles of p and p + 8 share a byte, the upper two bits of p,
 * p + 4, p + 8, p + 12 another ---- */

static k_scale get_q3(const unsigned char *b, size_t p)
{
    int low = b[96 + p % 8] >> (p < 8 ? 0 : 4) & 15, high = b[104 + p % 4] >> 2 * (p / 4) & 3;
    return (k_scale){ (low | high << 4) - 32, 0 };
}

static void put_q3(unsigned char *b, size_t p, k_scale k)
{
    int u = k.scale + 32;
    add(&b[96 + p % 8], u & 15, p < 8 ? 0 : 4);
    add(&b[104 + p % 4], u >> 4, 2 * (int)(p / 4));
}

static const k_type type_q3_k = { .parts = 16,
                                  .d = 108,
                                  .offset = 4,
                                  .top = 7,
                                  .lowest_scale = -32,
                                  .highest_scale = 31,
                                  .low = 32,
                                  .low_stretch = 128,
                                  .low_step = 32,
                                  .low_bits = 2,
                                  .high = 0,
                                  .high_stretch = 256,
                                  .high_step = 32,
                                  .high_bits = 1,
                                  .get_scale = get_q3,
                                  .put_scale = put_q3 };

/* ---- q4_k, q5_k: 6 + 6 bits; of parts 4 to 7 the upper two bits lie above those of 0 to 3 ---- */

static k_scale get_q4(const unsigned char *b, size_t p)
{
    const unsigned char *s = b + 4;
    if (p < 4)
        return (k_scale){ s[p] & 63, s[p + 4] & 63 };
    return (k_scale){ (s[p + 4] & 15) | (s[p - 4] >> 6) << 4, s[p + 4] >> 4 | (s[p] >> 6) << 4 };
}

static void put_q4(unsigned char *b, size_t p, k_scale k)
{
    unsigned char *s = b + 4;
    if (p < 4) {
        add(&s[p], k.scale, 0);
        add(&s[p + 4], k.minimum, 0);
        return;
    }
    add(&s[p + 4], (k.scale & 15) | (k.minimum & 15) << 4, 0);
    add(&s[p - 4], k.scale >> 4, 6);
    add(&s[p], k.minimum >> 4, 6);
}

static const k_type type_q4_k = { .parts = 8,
                                  .d = 0,
                                  .has_minimum = true,
                                  .top = 15,
                                  .highest_scale = 63,
                                  .low = 16,
                                  .low_stretch = 64,
                                  .low_step = 32,
                                  .low_bits = 4,
                                  .high_stretch = 1,
                                  .high_step = 1,
                                  .get_scale = get_q4,
                                  .put_scale = put_q4 };
static const k_type type_q5_k = { .parts = 8,
                                  .d = 0,
                                  .has_minimum = true,
                                  .top = 31,
                                  .highest_scale = 63,
                                  .low = 48,
                                  .low_stretch = 64,
                                  .low_step = 32,
                                  .low_bits = 4,
                                  .high = 16,
                                  .high_stretch = 256,
                                  .high_step = 32,
                                  .high_bits = 1,
                                  .get_scale = get_q4,
                                  .put_scale = put_q4 };

/* ---- q6_k: int8 ---- */

static k_scale get_q6(const unsigned char *b, size_t p)
{
    return (k_scale){ (signed char)b[192 + p], 0 };
}

static void put_q6(unsigned char *b, size_t p, k_scale k)
{
    b[192 + p] = (unsigned char)k.scale;
}

static const k_type type_q6_k = { .parts = 16,
                                  .d = 208,
                                  .offset = 32,
                                  .top = 63,
                                  .lowest_scale = -128,
                                  .highest_scale = 127,
                                  .low = 0,
                                  .low_stretch = 128,
                                  .low_step = 64,
                                  .low_bits = 4,
                                  .high = 128,
                                  .high_stretch = 128,
                                  .high_step = 32,
                                  .high_bits = 2,
                                  .get_scale = get_q6,
                                  .put_scale = put_q6 };

#define K_RULE                                                                                  \
    "minmax: sub-block scales from the extremes, d from the largest; mse: the least squared "   \
    "error among these times (32 - k) / 32, k = 0 .. 8, in binary64, or minmax if the block's " \
    "values are not nearer for it"

#define GGUF_K(of, elem, size, text)                                    \
    static void encode_##of(const assay_block *b, unsigned char *bytes) \
    {                                                                   \
        assay_gguf_k_encode(&type_##of, b, bytes);                      \
    }                                                                   \
    static void nan_##of(unsigned char *bytes)                          \
    {                                                                   \
        assay_gguf_k_encode_nan(&type_##of, bytes);                     \
    }                                                                   \
    static void decode_##of(const unsigned char *bytes, double *y)      \
    {                                                                   \
        assay_gguf_k_decode(&type_##of, bytes, y);                      \
    }                                                                   \
    const assay_hierarchy assay_gguf_##of = {                           \
        .name = #of,                                                    \
        .element = elem,                                                \
        .elements = 256,                                                \
        .bytes = size,                                                  \
        .fields = text,                                                 \
        .rule = K_RULE,                                                 \
        .searches = true,                                               \
        .encode = encode_##of,                                          \
        .encode_nan = nan_##of,                                         \
        .decode = decode_##of,                                          \
    };

GGUF_K(q2_k, "uint2", 84,
       "16 bytes of scales (sc low, m high nibble), 64 bytes of 2-bit codes, d, dmin binary16; "
       "x = d sc q - dmin m")
GGUF_K(q3_k, "int3", 110,
       "third bits (32 bytes), 64 bytes of 2-bit codes, 12 bytes of 6-bit scales, d binary16; "
       "x = d (sc - 32)(q - 4)")
GGUF_K(q4_k, "uint4", 144,
       "d, dmin binary16, 12 bytes of 6-bit scales and minima, 128 bytes of nibbles; "
       "x = d sc q - dmin m")
GGUF_K(q5_k, "int:n=5,sign=no", 176,
       "d, dmin binary16, 12 bytes of 6-bit scales and minima, fifth bits (32 bytes), 128 bytes of "
       "nibbles; x = d sc q - dmin m")
GGUF_K(q6_k, "int:n=6", 210,
       "128 bytes of low nibbles, upper two bits (64 bytes), 16 scales int8, d binary16; "
       "x = d sc (q - 32)")

/* ---- iq4_nl: the nearest of sixteen values, the lower of two equally near ---- */

static const signed char levels[16] = { -127, -104, -83, -65, -49, -35, -22, -10,
                                        1,    13,   25,  38,  53,  69,  89,  113 };
enum { SMALL = 32 };

static size_t nearest(double v)
{
    size_t best = 0;
    for (size_t i = 1; i < 16; i++)
        best = fabs(v - levels[i]) < fabs(v - levels[best]) ? i : best;
    return best;
}

static double error_of(const double *x, double d)
{
    double sum = 0;
    for (size_t j = 0; j < SMALL; j++) {
        double e = x[j] - d * levels[d != 0 ? nearest(x[j] / d) : 8];
        sum += e * e;
    }
    return sum;
}

static void encode_iq4_nl(const assay_block *b, unsigned char *bytes)
{
    double extreme = 0, least = 0, d = 0;
    for (size_t j = 0; j < SMALL; j++)
        extreme = fabs(b->x[j]) > fabs(extreme) ? b->x[j] : extreme;
    int steps = b->scheme->search == ASSAY_SEARCH_MSE ? 8 : 0;
    for (int k = 0; k <= steps; k++) {
        unsigned char stored[2];
        assay_gguf_put_half(stored, (float)(extreme / -127 * (32 - k) / 32));
        double scale = assay_gguf_half(stored), error = steps ? error_of(b->x, scale) : 0;
        if (k == 0 || error < least) {
            least = error;
            d = scale;
            bytes[0] = stored[0];
            bytes[1] = stored[1];
        }
    }
    for (size_t j = 0; j < SMALL; j++)
        add(&bytes[2 + j % 16], (int)(d != 0 ? nearest(b->x[j] / d) : 8), j < 16 ? 0 : 4);
}

static void decode_iq4_nl(const unsigned char *bytes, double *y)
{
    double d = assay_gguf_half(bytes);
    for (size_t j = 0; j < SMALL; j++)
        y[j] = assay_gguf_value(levels[bytes[2 + j % 16] >> (j < 16 ? 0 : 4) & 15], d, 0);
}

const assay_hierarchy assay_gguf_iq4_nl = {
    .name = "iq4_nl",
    .element = "iq4_nl",
    .elements = SMALL,
    .bytes = 18,
    .fields = "d binary16, 16 bytes of codes: j low, j + 16 high; x = d value(q)",
    .rule = "minmax: d = (extreme of largest magnitude) / -127; mse: the least squared error among "
            "this times (32 - k) / 32, k = 0 .. 8, in binary64; nearest values, ties to the lower",
    .searches = true,
    .encode = encode_iq4_nl,
    .encode_nan = assay_gguf_nan_first,
    .decode = decode_iq4_nl,
};
