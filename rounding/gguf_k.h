/* SPDX-License-Identifier: Apache-2.0 */
/* What describes a K type of GGUF. */
#ifndef ASSAY_ROUNDING_GGUF_K_H
#define ASSAY_ROUNDING_GGUF_K_H

#include "rounding/scheme_hierarchy.h"

typedef struct k_scale {
    int scale, minimum;
} k_scale;

/**
 * Codes are q = low bits | high bits << low_bits, less the offset, 0 <= q + offset <= top. The
 * low bits of elements j, j + step, ... of each `stretch` share a byte, lowest bits first, and
 * bytes follow each other from `low` on; the high bits likewise.
 */
typedef struct k_type {
    size_t parts; /* sub-blocks */
    size_t d;     /* byte of d; dmin follows */
    bool has_minimum;
    int offset, top;
    int lowest_scale, highest_scale;
    size_t low, low_stretch, low_step;
    int low_bits;
    size_t high, high_stretch, high_step;
    int high_bits;
    k_scale (*get_scale)(const unsigned char *bytes, size_t part);
    void (*put_scale)(unsigned char *bytes, size_t part, k_scale scale);
} k_type;

void assay_gguf_k_decode(const k_type *type, const unsigned char *bytes, double *y);
void assay_gguf_k_encode(const k_type *type, const assay_block *block, unsigned char *bytes);
void assay_gguf_k_encode_nan(const k_type *type, unsigned char *bytes);

#endif
