/* SPDX-License-Identifier: Apache-2.0 */
/* The ternary types: 256 trits, and one binary16 behind them. */
#include <math.h>

#include "rounding/gguf.h"

enum { LARGE = 256 };

/* q = round(x / amax) + 1, ties away, with the reciprocal in binary32. */
static float find_trits(const double *x, unsigned char q[LARGE])
{
    float amax = 0;
    for (size_t j = 0; j < LARGE; j++)
        amax = fabsf((float)x[j]) > amax ? fabsf((float)x[j]) : amax;
    const float inverse = amax != 0 ? 1 / amax : 0;
    for (size_t j = 0; j < LARGE; j++) {
        float v = roundf((float)x[j] * inverse) + 1;
        q[j] = v == v && v > 0 ? (unsigned char)(v < 2 ? v : 2) : 0;
    }
    return amax;
}

/* Element of trit n of byte m of tq1_0: 32 bytes of 5, then 16 of 5, then 4 of 4. */
static size_t place(size_t byte, size_t n)
{
    if (byte < 32)
        return byte + 32 * n;
    return byte < 48 ? 160 + (byte - 32) + 16 * n : 240 + (byte - 48) + 4 * n;
}

/* The trits as a fraction of 243, the first one the highest digit, rounded up to 8 bits. */
static void encode_tq1_0(const assay_block *b, unsigned char *bytes)
{
    unsigned char q[LARGE];
    assay_gguf_put_half(bytes + 52, find_trits(b->x, q));
    for (size_t i = 0; i < 52; i++) {
        unsigned v = 0;
        for (size_t n = 0; n < 5; n++)
            v = 3 * v + (i < 48 || n < 4 ? q[place(i, n)] : 0);
        bytes[i] = (unsigned char)((v * 256 + 242) / 243);
    }
}

/* Multiplying by 3^n leaves the digits behind the n-th as a fraction of 256. */
static void decode_tq1_0(const unsigned char *bytes, double *y)
{
    double d = assay_gguf_half(bytes + 52);
    for (size_t i = 0; i < 52; i++) {
        unsigned v = bytes[i];
        for (size_t n = 0; n < (i < 48 ? 5 : 4); n++, v = v * 3 & 255)
            y[place(i, n)] = assay_gguf_value((double)(v * 3 >> 8) - 1, d, 0);
    }
}

/* Two bits each: byte m of a half holds elements m, m + 32, m + 64, m + 96 of it. */
static void encode_tq2_0(const assay_block *b, unsigned char *bytes)
{
    unsigned char q[LARGE];
    assay_gguf_put_half(bytes + 64, find_trits(b->x, q));
    for (size_t j = 0; j < LARGE; j++) {
        unsigned char *to = bytes + j / 128 * 32 + j % 32;
        *to = (unsigned char)(*to | q[j] << 2 * (j % 128 / 32));
    }
}

static void decode_tq2_0(const unsigned char *bytes, double *y)
{
    double d = assay_gguf_half(bytes + 64);
    for (size_t j = 0; j < LARGE; j++) {
        int q = bytes[j / 128 * 32 + j % 32] >> 2 * (j % 128 / 32) & 3;
        y[j] = assay_gguf_value(q - 1, d, 0);
    }
}

static void nan_tq1_0(unsigned char *bytes)
{
    assay_gguf_nan_first(bytes + 52);
}

static void nan_tq2_0(unsigned char *bytes)
{
    assay_gguf_nan_first(bytes + 64);
}

#define TRIT_RULE "d = amax, q = round(x (1/d)) + 1, ties away, binary32"

const assay_hierarchy assay_gguf_tq1_0 = {
    .name = "tq1_0",
    .element = "ternary",
    .elements = LARGE,
    .bytes = 54,
    .fields = "32 bytes of 5 trits (elements m + 32 n), 16 of 5 (160 + m + 16 n), 4 of 4 "
              "(240 + m + 4 n), d binary16; x = d (q - 1)",
    .rule = TRIT_RULE,
    .own = true,
    .encode = encode_tq1_0,
    .encode_nan = nan_tq1_0,
    .decode = decode_tq1_0,
};
const assay_hierarchy assay_gguf_tq2_0 = {
    .name = "tq2_0",
    .element = "ternary",
    .elements = LARGE,
    .bytes = 66,
    .fields = "64 bytes of four 2-bit codes (m, m + 32, m + 64, m + 96 of each half), d binary16; "
              "x = d (q - 1)",
    .rule = TRIT_RULE,
    .own = true,
    .encode = encode_tq2_0,
    .encode_nan = nan_tq2_0,
    .decode = decode_tq2_0,
};
