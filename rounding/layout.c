/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/layout.h"

#include <string.h>

static size_t tiles(size_t n, size_t of)
{
    return n / of + (n % of != 0);
}

size_t assay_swizzled_bytes(size_t rows, size_t cols)
{
    return tiles(rows, ASSAY_SWIZZLE_ROWS) * tiles(cols, ASSAY_SWIZZLE_COLS) *
           (ASSAY_SWIZZLE_ROWS * ASSAY_SWIZZLE_COLS);
}

size_t assay_swizzled_at(size_t cols, size_t row, size_t col)
{
    size_t across = tiles(cols, ASSAY_SWIZZLE_COLS), r = row % ASSAY_SWIZZLE_ROWS;
    size_t tile = row / ASSAY_SWIZZLE_ROWS * across + col / ASSAY_SWIZZLE_COLS;
    return tile * (ASSAY_SWIZZLE_ROWS * ASSAY_SWIZZLE_COLS) + r % 32 * 16 + r / 32 * 4 +
           col % ASSAY_SWIZZLE_COLS;
}

void assay_swizzle_scales(const unsigned char *scales, size_t rows, size_t cols, unsigned char *out)
{
    memset(out, 0, assay_swizzled_bytes(rows, cols));
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            out[assay_swizzled_at(cols, i, j)] = scales[i * cols + j];
}

void assay_unswizzle_scales(const unsigned char *in, size_t rows, size_t cols,
                            unsigned char *scales)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            scales[i * cols + j] = in[assay_swizzled_at(cols, i, j)];
}
