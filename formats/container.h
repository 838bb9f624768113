/* SPDX-License-Identifier: Apache-2.0 */
/* Codes in arrays of their containers: unsigned integers of 1, 2, 4 or 8 bytes, little-endian, at
 * any byte address. Internal. */
#ifndef ASSAY_FORMATS_CONTAINER_H
#define ASSAY_FORMATS_CONTAINER_H

#include <string.h>

#include "numerics/bits.h"

ASSAY_INLINE uint64_t assay_container_load(const void *codes, size_t i, size_t bytes)
{
    const unsigned char *at = (const unsigned char *)codes + i * bytes;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    switch (bytes) {
    case 1: return *at;
    case 2: return memcpy(&u16, at, sizeof u16), u16;
    case 4: return memcpy(&u32, at, sizeof u32), u32;
    default: return memcpy(&u64, at, sizeof u64), u64;
    }
}

/* The low bits of the code. */
ASSAY_INLINE void assay_container_store(void *codes, size_t i, size_t bytes, uint64_t code)
{
    unsigned char *at = (unsigned char *)codes + i * bytes;
    uint16_t u16 = (uint16_t)code;
    uint32_t u32 = (uint32_t)code;
    switch (bytes) {
    case 1: *at = (unsigned char)code; return;
    case 2: memcpy(at, &u16, sizeof u16); return;
    case 4: memcpy(at, &u32, sizeof u32); return;
    default: memcpy(at, &code, sizeof code); return;
    }
}

#endif
