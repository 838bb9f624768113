/* SPDX-License-Identifier: Apache-2.0 */
/* Bit access to IEEE 754 binary32 and binary64; exact, no libm, no flags. */
#ifndef ASSAY_NUMERICS_BITS_H
#define ASSAY_NUMERICS_BITS_H

#include <stdint.h>
#include <string.h>

#include "status.h"

#ifdef __FAST_MATH__
#error "Assay's results are exact bits: compile without -ffast-math and -Ofast"
#endif

ASSAY_INLINE uint64_t assay_bits64(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

ASSAY_INLINE double assay_from_bits64(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

ASSAY_INLINE uint32_t assay_bits32(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

ASSAY_INLINE float assay_from_bits32(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/** 2^e as a binary64, e in [-1074, 1023]. */
ASSAY_INLINE double assay_pow2(int e)
{
    return assay_from_bits64(e >= -1022 ? (uint64_t)(e + 1023) << 52 : (uint64_t)1 << (e + 1074));
}

/** floor(log2 |x|) of a finite x != 0, subnormals included: from the bits, never log2. */
ASSAY_INLINE int assay_exponent(double x)
{
    uint64_t u = assay_bits64(x) & 0x7fffffffffffffff;
    return u >> 52 ? (int)(u >> 52) - 1023 : -1011 - __builtin_clzll(u);
}

ASSAY_INLINE int assay_clamp(int x, int lo, int hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

#endif
