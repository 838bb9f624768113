/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/dtype.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "numerics/bits.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "stored arrays are little-endian");

const assay_dtype_info assay_dtypes[ASSAY_DTYPE_COUNT] = {
#define ASSAY_DTYPE(id, ...) [ASSAY_DTYPE_##id] = { __VA_ARGS__ },
#include "audit/dtypes.def"
#undef ASSAY_DTYPE
};

bool assay_dtype_from_name(const char *name, assay_dtype *out)
{
    for (int i = 0; i < ASSAY_DTYPE_COUNT; i++)
        if (strcmp(assay_dtypes[i].name, name) == 0) {
            *out = (assay_dtype)i;
            return true;
        }
    return false;
}

/* The byte order of a one-byte type is written '|' and read as '<' too. */
static bool same_descr(const char *row, const char *descr)
{
    if (!row || strcmp(row + 1, descr + 1) != 0)
        return false;
    return descr[0] == row[0] || (descr[0] == '<' && row[0] == '|');
}

bool assay_dtype_from_descr(const char *descr, assay_dtype *out)
{
    for (int i = 0; descr[0] && i < ASSAY_DTYPE_COUNT; i++)
        if (same_descr(assay_dtypes[i].descr, descr)) {
            *out = (assay_dtype)i;
            return true;
        }
    return false;
}

bool assay_shape_count(size_t ndim, const size_t *shape, size_t *count)
{
    size_t product = 1;
    for (size_t i = 0; i < ndim; i++)
        if (__builtin_mul_overflow(product, shape[i], &product))
            return false;
    *count = product;
    return true;
}

bool assay_dtype_size(assay_dtype dtype, size_t count, size_t *bits)
{
    size_t product;
    if (__builtin_mul_overflow(count, (size_t)assay_dtypes[dtype].bits, &product))
        return false;
    *bits = product;
    return true;
}

void assay_shape_text(size_t ndim, const size_t *shape, char *text, size_t room)
{
    size_t used = 0;
    for (size_t i = 0; i <= ndim && used < room; i++) {
        const char *before = i == 0 ? "[" : i == ndim ? "" : ", ";
        int n = i == ndim ? snprintf(text + used, room - used, "%s]", before)
                          : snprintf(text + used, room - used, "%s%zu", before, shape[i]);
        used += (size_t)n;
    }
}

/* Every float16 is a normal binary32: the bias grows by 112, all ones stay all ones. A subnormal
 * is 1.m * 2^-14 - 2^-14, exact, and no binary32 subnormal is met on the way. */
ASSAY_INLINE double from_half(uint16_t h)
{
    uint32_t e = h >> 10 & 31, m = h & 1023, sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t zero = 0 - (uint32_t)(e == 0), ones = 0 - (uint32_t)(e == 31);
    uint32_t exponent = e + 112 + (zero & 1) + (ones & 112);
    float magnitude =
        assay_from_bits32(exponent << 23 | m << 13) - assay_from_bits32(zero & 0x38800000);
    return assay_from_bits32(sign | assay_bits32(magnitude));
}

static void halves(const unsigned char *src, size_t count, double *out)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t h;
        memcpy(&h, src + 2 * i, sizeof h);
        out[i] = from_half(h);
    }
}

static void bfloats(const unsigned char *src, size_t count, double *out)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t h;
        memcpy(&h, src + 2 * i, sizeof h);
        out[i] = assay_from_bits32((uint32_t)h << 16);
    }
}

static void singles(const unsigned char *src, size_t count, double *out)
{
    for (size_t i = 0; i < count; i++) {
        float f;
        memcpy(&f, src + 4 * i, sizeof f);
        out[i] = f;
    }
}

void assay_dtype_to_f64(assay_dtype dtype, const unsigned char *src, size_t count, double *out)
{
    assert(assay_dtypes[dtype].kind == ASSAY_FLOAT);
    if (count == 0)
        return;
    switch (dtype) {
    case ASSAY_DTYPE_F16: halves(src, count, out); break;
    case ASSAY_DTYPE_BF16: bfloats(src, count, out); break;
    case ASSAY_DTYPE_F32: singles(src, count, out); break;
    default: memcpy(out, src, count * sizeof *out);
    }
}

/* WIDTH is a constant wherever this is inlined; a memcpy of part of a u would not vectorise. */
ASSAY_INLINE uint64_t load(const unsigned char *p, size_t width)
{
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    switch (width) {
    case 1: return *p;
    case 2: return memcpy(&u16, p, sizeof u16), u16;
    case 4: return memcpy(&u32, p, sizeof u32), u32;
    default: return memcpy(&u64, p, sizeof u64), u64;
    }
}

/* Whole blocks first: the loop without an exit is the one that vectorises, and twice as wide
 * where the codes fit in 32 bits. */
ASSAY_INLINE bool any_nonfinite(const assay_dtype_info *d, const unsigned char *p, size_t n,
                                size_t width)
{
    uint64_t sign = d->sign, finite = d->finite, nan = d->nan;
    uint32_t found = 0;
    if (width < 8)
        for (size_t i = 0; i < n; i++) {
            uint32_t u = (uint32_t)load(p + i * width, width);
            found |= ((u & ~(uint32_t)sign) > (uint32_t)finite) | (u == (uint32_t)nan);
        }
    else
        for (size_t i = 0; i < n; i++) {
            uint64_t u = load(p + i * width, width);
            found |= ((u & ~sign) > finite) | (u == nan);
        }
    return found;
}

ASSAY_INLINE size_t find(const assay_dtype_info *d, const unsigned char *p, size_t n, size_t width)
{
    enum { BLOCK = 4096 };
    for (size_t start = 0; start < n; start += BLOCK) {
        size_t size = n - start < BLOCK ? n - start : BLOCK;
        if (!any_nonfinite(d, p + start * width, size, width))
            continue;
        while (!any_nonfinite(d, p + start * width, 1, width))
            start++;
        return start;
    }
    return n;
}

size_t assay_dtype_nonfinite(assay_dtype dtype, const unsigned char *src, size_t count)
{
    const assay_dtype_info *d = &assay_dtypes[dtype];
    if (dtype == ASSAY_DTYPE_C64)
        return find(&assay_dtypes[ASSAY_DTYPE_F32], src, 2 * count, 4) / 2;
    if (d->finite == 0)
        return count;
    switch (d->bits) {
    case 8: return find(d, src, count, 1);
    case 16: return find(d, src, count, 2);
    case 32: return find(d, src, count, 4);
    default: return find(d, src, count, 8);
    }
}

/* FNUZ types have one NaN, in the place of -0: both tests leave it alone. */
ASSAY_INLINE void map(const assay_dtype_info *row, unsigned char *p, size_t n, size_t width)
{
    const assay_dtype_info d = *row;
    for (size_t i = 0; i < n; i++) {
        uint64_t u = load(p + i * width, width);
        u = (u & ~d.sign) > d.inf ? d.nan : u == d.sign && u != d.nan ? 0 : u;
        memcpy(p + i * width, &u, width);
    }
}

static void map_nibbles(unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned low = p[i] & 15, high = p[i] >> 4;
        p[i] = (unsigned char)((low == 8 ? 0 : low) | (high == 8 ? 0 : high) << 4);
    }
}

bool assay_dtype_canonical(assay_dtype dtype, unsigned char *bytes, size_t size)
{
    const assay_dtype_info *d = &assay_dtypes[dtype];
    if (dtype == ASSAY_DTYPE_C64)
        d = &assay_dtypes[ASSAY_DTYPE_F32];
    if (d->bits == 6)
        return false;
    if (d->bits == 4)
        map_nibbles(bytes, size);
    else if (d->finite != 0)
        switch (d->bits) {
        case 8: map(d, bytes, size, 1); break;
        case 16: map(d, bytes, size / 2, 2); break;
        case 32: map(d, bytes, size / 4, 4); break;
        default: map(d, bytes, size / 8, 8);
        }
    return true;
}
