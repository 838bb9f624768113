/* SPDX-License-Identifier: Apache-2.0 */
/* The types with one level of scales. Encoding replays ggml's binary32 steps (formats of 2025):
 * the scale is stored in binary16, but elements are found with the one in binary32. */
#include "rounding/gguf.h"

#include <math.h>

#include "numerics/bits.h"
#include "rounding/round.h"

enum { SMALL = 32 };

/* Binary16 by its fields: an infinity or a NaN passes into the products. */
double assay_gguf_half(const unsigned char *bytes)
{
    unsigned u = bytes[0] | (unsigned)bytes[1] << 8, e = u >> 10 & 31, m = u & 1023;
    double x = e ? (m + 1024) * assay_pow2((int)e - 25) : m * 0x1p-24;
    if (e == 31)
        x = m ? (double)NAN : (double)INFINITY;
    return u >> 15 ? -x : x;
}

/* To nearest even in units of 2^(E - 10), at least 2^-24; 65520 and above are infinite. */
void assay_gguf_put_half(unsigned char *bytes, float x)
{
    double a = fabs((double)x);
    unsigned u = 0x7e00;
    if (a >= 65520) {
        u = 0x7c00;
    } else if (a == a) {
        int e = a >= 0x1p-14 ? assay_exponent(a) : -14;
        double units = rint(a * assay_pow2(10 - e)); /* nearest even: assay_env_check */
        u = (unsigned)units + ((unsigned)(e + 14) << 10);
    }
    u |= a == a && signbit(x) ? 0x8000 : 0;
    bytes[0] = (unsigned char)u;
    bytes[1] = (unsigned char)(u >> 8);
}

void assay_gguf_nan_first(unsigned char *bytes)
{
    bytes[0] = 0;
    bytes[1] = 0x7e;
}

ASSAY_INLINE double value(double v, double multiply, double minus)
{
    double y = v * multiply - minus;
    return y == y ? y : assay_from_bits64(0x7ff8000000000000);
}

double assay_gguf_value(double v, double multiply, double minus)
{
    return value(v, multiply, minus);
}

/* ---- x = d (q - offset) or d q + m: elements j and j + 16 share a byte, fifth bits apart ---- */

/* A type of this kind: where its parts lie, and how many levels it has. */
typedef struct small_type {
    int levels, offset; /* q from 0 to levels - 1 */
    size_t minimum, fifth, quanta;
} small_type;

static const small_type type_q4_0 = { 16, 8, 0, 0, 2 }, type_q4_1 = { 16, 0, 2, 0, 4 },
                        type_q5_0 = { 32, 16, 0, 2, 6 }, type_q5_1 = { 32, 0, 2, 4, 8 };

/* bytes are zero before. */
ASSAY_INLINE void put_quanta(const small_type *t, const unsigned char q[SMALL],
                             unsigned char *bytes)
{
    for (size_t j = 0; j < 16; j++)
        bytes[t->quanta + j] = (unsigned char)((q[j] & 15) | (q[j + 16] & 15) << 4);
    for (size_t j = 0; t->fifth && j < SMALL; j++)
        bytes[t->fifth + j / 8] = (unsigned char)(bytes[t->fifth + j / 8] | (q[j] >> 4) << j % 8);
}

ASSAY_INLINE void get_quanta(const small_type *t, const unsigned char *bytes,
                             unsigned char q[SMALL])
{
    for (size_t j = 0; j < 16; j++) {
        q[j] = bytes[t->quanta + j] & 15;
        q[j + 16] = bytes[t->quanta + j] >> 4;
    }
    for (size_t j = 0; t->fifth && j < SMALL; j++)
        q[j] = (unsigned char)(q[j] | (bytes[t->fifth + j / 8] >> j % 8 & 1) << 4);
}

static void narrow(const double *x, float *y)
{
    for (size_t j = 0; j < SMALL; j++)
        y[j] = (float)x[j];
}

static float largest(const float *x)
{
    float amax = 0;
#pragma omp simd reduction(max : amax)
    for (size_t j = 0; j < SMALL; j++)
        amax = fabsf(x[j]) > amax ? fabsf(x[j]) : amax;
    return amax;
}

/* The extreme whose magnitude is the largest, the first of equals, becomes the lowest code. */
ASSAY_INLINE void encode_symmetric(const small_type *t, const double *wide, unsigned char *bytes)
{
    float x[SMALL], extreme = 0;
    unsigned char q[SMALL];
    narrow(wide, x);
    const float amax = largest(x), top = (float)(t->levels - 1);
    for (size_t j = SMALL; amax > 0 && j-- > 0;)
        extreme = fabsf(x[j]) == amax ? x[j] : extreme;
    const float d = extreme / (float)-t->offset, inverse = d != 0 ? 1 / d : 0;
    assay_gguf_put_half(bytes, d);
    for (size_t j = 0; j < SMALL; j++) {
        float v = x[j] * inverse + ((float)t->offset + 0.5f);
        v = v < 0 ? 0 : v < top ? v : top; /* subnormal d: an infinite inverse, or NaN */
        q[j] = (unsigned char)(int)v;
    }
    put_quanta(t, q, bytes);
}

ASSAY_INLINE void encode_affine(const small_type *t, const double *wide, unsigned char *bytes)
{
    float x[SMALL];
    unsigned char q[SMALL];
    narrow(wide, x);
    float lo = x[0], hi = x[0];
    for (size_t j = 1; j < SMALL; j++) {
        lo = x[j] < lo ? x[j] : lo;
        hi = x[j] > hi ? x[j] : hi;
    }
    const float top = (float)(t->levels - 1), d = (hi - lo) / top, inverse = d != 0 ? 1 / d : 0;
    assay_gguf_put_half(bytes, d);
    assay_gguf_put_half(bytes + t->minimum, lo);
    for (size_t j = 0; j < SMALL; j++) {
        float v = (x[j] - lo) * inverse + 0.5f;
        v = v < top ? v : top; /* NaN too */
        q[j] = (unsigned char)(int)v;
    }
    put_quanta(t, q, bytes);
}

ASSAY_INLINE void decode_small(const small_type *t, const unsigned char *bytes, double *y)
{
    unsigned char q[SMALL];
    double d = assay_gguf_half(bytes);
    double minus = t->minimum ? -assay_gguf_half(bytes + t->minimum) : 0;
    get_quanta(t, bytes, q);
    for (size_t j = 0; j < SMALL; j++)
        y[j] = value((double)((int)q[j] - t->offset), d, minus);
}

#define SMALL_TYPE(name, kind)                                            \
    static void encode_##name(const assay_block *b, unsigned char *bytes) \
    {                                                                     \
        encode_##kind(&type_##name, b->x, bytes);                         \
    }                                                                     \
    static void decode_##name(const unsigned char *bytes, double *y)      \
    {                                                                     \
        decode_small(&type_##name, bytes, y);                             \
    }

SMALL_TYPE(q4_0, symmetric)
SMALL_TYPE(q4_1, affine)
SMALL_TYPE(q5_0, symmetric)
SMALL_TYPE(q5_1, affine)

/* ---- q8_0: d = amax / 127, ties away from zero ---- */

static void encode_q8_0(const assay_block *b, unsigned char *bytes)
{
    float x[SMALL];
    narrow(b->x, x);
    const float amax = largest(x), d = amax / 127, inverse = d != 0 ? 1 / d : 0;
    assay_gguf_put_half(bytes, d);
    for (size_t j = 0; j < SMALL; j++) {
        float v = roundf(x[j] * inverse);
        v = v < -128 ? -128 : v < 127 ? v : 127;
        bytes[2 + j] = (unsigned char)(v == v ? (int)v : 0);
    }
}

static void decode_q8_0(const unsigned char *bytes, double *y)
{
    double d = assay_gguf_half(bytes);
    for (size_t j = 0; j < SMALL; j++)
        y[j] = value((signed char)bytes[2 + j], d, 0);
}

#define GGUF_SMALL(of, elem, size, text, how) \
    const assay_hierarchy assay_gguf_##of = { \
        .name = #of,                          \
        .element = elem,                      \
        .elements = SMALL,                    \
        .bytes = size,                        \
        .fields = text,                       \
        .rule = how,                          \
        .own = true,                          \
        .encode = encode_##of,                \
        .encode_nan = assay_gguf_nan_first,   \
        .decode = decode_##of,                \
    };

GGUF_SMALL(q4_0, "uint4", 18, "d binary16, 16 bytes of codes: j low, j + 16 high; x = d (q - 8)",
           "d = (extreme of largest magnitude) / -8, q = min(15, trunc(x (1/d) + 8.5)), binary32")
GGUF_SMALL(q4_1, "uint4", 20, "d, m binary16, 16 bytes of codes: j low, j + 16 high; x = d q + m",
           "d = (max - min) / 15, m = min, q = min(15, trunc((x - m)(1/d) + 0.5)), binary32")
GGUF_SMALL(q5_0, "int:n=5,sign=no", 22,
           "d binary16, fifth bits (4 bytes), 16 bytes of low nibbles; x = d (q - 16)",
           "d = (extreme of largest magnitude) / -16, q = min(31, trunc(x (1/d) + 16.5)), binary32")
GGUF_SMALL(q5_1, "int:n=5,sign=no", 24,
           "d, m binary16, fifth bits (4 bytes), 16 bytes of low nibbles; x = d q + m",
           "d = (max - min) / 31, m = min, q = trunc((x - m)(1/d) + 0.5), binary32")
GGUF_SMALL(q8_0, "int8", 34, "d binary16, 32 codes int8; x = d q",
           "d = amax / 127, q = round(x (1/d)), ties away, binary32")
