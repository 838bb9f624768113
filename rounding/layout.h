/* SPDX-License-Identifier: Apache-2.0 */
/* How producers store the codes, scales and zero points of a matrix. */
#ifndef ASSAY_ROUNDING_LAYOUT_H
#define ASSAY_ROUNDING_LAYOUT_H

#include <stddef.h>

#include <stdint.h>

#include "../formats/format.h"

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

/**
 * Layouts of a matrix [rows, cols] = [out, in] with codes of b <= 8 bits and scales [rows, groups]:
 * X(enumerator, name, what is stored). Bits count from the low end; elements in two's complement
 * are stored plus 2^(b-1) where it says biased.
 */
#define ASSAY_LAYOUTS(X)                                                                           \
    X(ROWS, "rows",                                                                                \
      "codes uint8 [rows, ceil(cols b / 8)] along each row: compressed-tensors and ModelOpt FP4, " \
      "MX")                                                                                        \
    X(BLACKWELL, "blackwell",                                                                      \
      "codes as rows; one-byte scales in tiles of 128 x 4: cuBLAS, CUTLASS")                       \
    X(WORDS, "words",                                                                              \
      "codes uint32 [rows, ceil(cols b / 32)] along each row, biased; zero points uint32 "         \
      "[ceil(rows b / 32), groups] along columns: compressed-tensors pack-quantized")              \
    X(GPTQ, "gptq",                                                                                \
      "codes uint32 [cols b / 32, rows] along each row, biased; scales [groups, rows]; zero "      \
      "points "                                                                                    \
      "minus 1, uint32 [groups, rows b / 32]: GPTQ, checkpoint_format gptq")                       \
    X(GPTQ_V2, "gptq_v2", "as gptq, with the zero points themselves")                              \
    X(AWQ, "awq",                                                                                  \
      "4 bits: codes uint32 [cols, rows / 8], rows 0, 2, 4, 6, 1, 3, 5, 7 of eight from the low "  \
      "nibble up; scales [groups, rows]; zero points uint32 [groups, rows / 8]: AutoAWQ gemm")     \
    X(BITSANDBYTES, "bitsandbytes",                                                                \
      "4 bits: codes uint8 [rows cols / 2, 1], the first in the high nibble; blocks run through "  \
      "the flattened matrix: bitsandbytes")

typedef enum assay_layout {
#define ASSAY_LAYOUT(id, name, text) ASSAY_LAYOUT_##id,
    ASSAY_LAYOUTS(ASSAY_LAYOUT)
#undef ASSAY_LAYOUT
        ASSAY_LAYOUT_COUNT
} assay_layout;

ASSAY_API const char *assay_layout_name(assay_layout layout);
ASSAY_API const char *assay_layout_text(assay_layout layout);
/** ASSAY_ERR_USAGE lists what there is. */
ASSAY_API ASSAY_NODISCARD assay_status assay_layout_parse(const char *name, assay_layout *out);

/** A stored array of integers of `width` bytes. */
typedef struct assay_stored {
    size_t width, ndim, shape[2];
} assay_stored;

/** The parts of a matrix. */
typedef enum assay_part { ASSAY_PART_CODES, ASSAY_PART_SCALES, ASSAY_PART_ZEROS } assay_part;

/**
 * How a part is stored: of codes [rows, cols], or of scales or zero points [rows, cols = groups],
 * whose codes are of `format`. ASSAY_ERR_SHAPE if the layout does not take that shape,
 * ASSAY_ERR_USAGE if it does not take the format.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_layout_stored(assay_layout layout, assay_part part,
                                                           const assay_format *format, size_t rows,
                                                           size_t cols, assay_stored *out);

/**
 * Codes in containers to what is stored and back, of parts that assay_layout_stored accepts.
 * Padding bits are zero, and are skipped. Aliasing: none. Threads: reentrant. Memory: none.
 */
ASSAY_API void assay_layout_store(assay_layout layout, assay_part part, const assay_format *format,
                                  size_t rows, size_t cols, const void *codes, void *out);
ASSAY_API void assay_layout_load(assay_layout layout, assay_part part, const assay_format *format,
                                 size_t rows, size_t cols, const void *in, void *codes);

#ifdef __cplusplus
}
#endif
#endif
