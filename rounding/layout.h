/* SPDX-License-Identifier: Apache-2.0 */
/* Where matrix units expect scales to lie: 128 rows by 4 scales at a time. */
#ifndef ASSAY_ROUNDING_LAYOUT_H
#define ASSAY_ROUNDING_LAYOUT_H

#include <stddef.h>

#include "../numerics/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ASSAY_SWIZZLE_ROWS = 128, ASSAY_SWIZZLE_COLS = 4 };

/** Bytes of the swizzled scales of [rows, cols]: both rounded up to whole tiles. */
ASSAY_API size_t assay_swizzled_bytes(size_t rows, size_t cols);

/** The byte of scale (row, col): tiles of 128 x 4 in row-major order, 512 bytes each; within one,
 * row r and column c lie at 16 (r mod 32) + 4 (r div 32) + c. */
ASSAY_API size_t assay_swizzled_at(size_t cols, size_t row, size_t col);

/**
 * One-byte scales [rows, cols] to that layout and back; padding is zero bytes, and is skipped.
 * Source: cuBLAS, 1D block scaling factors layout; CUTLASS Sm1xxBlockScaledConfig; torchao.
 * Aliasing: none. Threads: reentrant. Memory: none.
 */
ASSAY_API void assay_swizzle_scales(const unsigned char *scales, size_t rows, size_t cols,
                                    unsigned char *out);
ASSAY_API void assay_unswizzle_scales(const unsigned char *in, size_t rows, size_t cols,
                                      unsigned char *scales);

#ifdef __cplusplus
}
#endif
#endif
