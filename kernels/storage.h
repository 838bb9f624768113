/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one stored number, at any byte address, exactly as binary64. */
#ifndef ASSAY_KERNELS_STORAGE_H
#define ASSAY_KERNELS_STORAGE_H

#include <string.h>

#include "kernels/product.h"
#include "numerics/bits.h"

/* binary16: the 15 low bits as the top of a binary64 are 2^-1008 of the value, subnormals too. */
ASSAY_INLINE double storage_half(uint16_t h)
{
    uint64_t size = (uint64_t)(h & 0x7fff) << 42;
    double x = assay_from_bits64(size) * 0x1p1008;
    if (size >> 52 == 0x1f)
        x = assay_from_bits64(size | (uint64_t)0x7ff << 52);
    return assay_from_bits64(assay_bits64(x) | (uint64_t)(h >> 15) << 63);
}

ASSAY_INLINE double storage_load(assay_storage storage, const unsigned char *p)
{
    uint64_t u64;
    uint32_t u32;
    uint16_t u16;
    switch (storage) {
    case ASSAY_STORAGE_F64: memcpy(&u64, p, sizeof u64); return assay_from_bits64(u64);
    case ASSAY_STORAGE_F32: memcpy(&u32, p, sizeof u32); return (double)assay_from_bits32(u32);
    case ASSAY_STORAGE_F16: memcpy(&u16, p, sizeof u16); return storage_half(u16);
    default: memcpy(&u16, p, sizeof u16); return (double)assay_from_bits32((uint32_t)u16 << 16);
    }
}

ASSAY_INLINE size_t storage_bytes(assay_storage storage)
{
    return storage == ASSAY_STORAGE_F64 ? 8 : storage == ASSAY_STORAGE_F32 ? 4 : 2;
}

#endif
