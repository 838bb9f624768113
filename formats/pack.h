/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of any width side by side without gaps. */
#ifndef ASSAY_FORMATS_PACK_H
#define ASSAY_FORMATS_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "../numerics/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Dense packing, little-endian in bits: code i of width `bits` (1 to 64) takes the bits
 * i bits .. (i + 1) bits - 1 of the stream, and bit j of the stream is bit j mod 8 of byte
 * j / 8. So element 0 lies in the low bits of byte 0; bits behind the last code are 0.
 * Threads: reentrant. Memory: none is allocated.
 */

/** ceil(count bits / 8), which fits whenever count codes fit into memory one by one. */
ASSAY_API size_t assay_packed_bytes(size_t count, int bits);

/** Packs codes[count] into out[assay_packed_bytes(count, bits)]; bits above the width are cut. */
ASSAY_API void assay_pack(const uint64_t *codes, size_t count, int bits, unsigned char *out);

/** The inverse; reads assay_packed_bytes(count, bits) bytes. */
ASSAY_API void assay_unpack(const unsigned char *in, size_t count, int bits, uint64_t *codes);

/**
 * The same for codes of 1 to 32 bits in their containers (uint8_t up to 8 bits, uint16_t up to
 * 16, else uint32_t), as the array functions write and read them. Pairs of FP4 codes come out
 * with element 0 in the low nibble, as torch's float4_e2m1fn_x2 has it, and four FP6 codes in
 * three bytes. Bits above the width are cut when packing and 0 after unpacking.
 */
ASSAY_API void assay_pack_codes(const void *codes, size_t count, int bits, unsigned char *out);
ASSAY_API void assay_unpack_codes(const unsigned char *in, size_t count, int bits, void *codes);

/** Pairs of 4-bit codes with element 0 in the high nibble, as PTX's cvt to e2m1x2 has its first
 * operand. ceil(count / 2) bytes; the low nibble behind the last of an odd count is 0. */
ASSAY_API void assay_pack_nibbles_high(const uint8_t *codes, size_t count, unsigned char *out);
ASSAY_API void assay_unpack_nibbles_high(const unsigned char *in, size_t count, uint8_t *codes);

#ifdef __cplusplus
}
#endif
#endif
