/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing the right operand into panels: any storage, any strides, rounded on the way in. */
#include "kernels/product_kernels.h"
#include "kernels/storage.h"
#include "rounding/constants.h"

ASSAY_INLINE void store(bool single, void *out, size_t at, double x)
{
    if (single)
        ((float *)out)[at] = (float)x;
    else
        ((double *)out)[at] = x;
}

typedef struct window {
    const unsigned char *from;
    size_t down, across; /* bytes from a term to the next, from a column to the next */
    size_t k, count, width;
} window;

enum { STRIP = 16 }; /* terms: a cache line of binary32, and 3 KiB of a panel */

/* Strips of terms, so that what is written stays in the nearest cache while columns that lie far
 * apart are read, a line of each at a time. */
ASSAY_INLINE void pack(const window *w, const assay_storage storage, const bool single, void *out)
{
    const unsigned char *from = w->from;
    size_t down = w->down, across = w->across, width = w->width;
    for (size_t first = 0; first < w->k; first += STRIP) {
        size_t end = w->k - first < STRIP ? w->k : first + STRIP;
        if (down <= across) {
            for (size_t j = 0; j < w->count; j++)
                for (size_t p = first; p < end; p++)
                    store(single, out, p * width + j,
                          storage_load(storage, from + p * down + j * across));
        } else {
            for (size_t p = first; p < end; p++)
                for (size_t j = 0; j < w->count; j++)
                    store(single, out, p * width + j,
                          storage_load(storage, from + p * down + j * across));
        }
        for (size_t p = first; p < end; p++)
            for (size_t j = w->count; j < width; j++)
                store(single, out, p * width + j, 0);
    }
}

ASSAY_INLINE void pack_any(const window *w, assay_storage storage, const bool single, void *out)
{
    switch (storage) {
    case ASSAY_STORAGE_F64: pack(w, ASSAY_STORAGE_F64, single, out); return;
    case ASSAY_STORAGE_F32: pack(w, ASSAY_STORAGE_F32, single, out); return;
    case ASSAY_STORAGE_F16: pack(w, ASSAY_STORAGE_F16, single, out); return;
    default: pack(w, ASSAY_STORAGE_BF16, single, out); return;
    }
}

static window window_of(const assay_operand *b, size_t row, size_t k, size_t column, size_t count,
                        size_t width)
{
    size_t size = storage_bytes(b->storage), down = b->row_stride * size;
    size_t across = b->column_stride * size;
    const unsigned char *from = (const unsigned char *)b->data + row * down + column * across;
    return (window){ from, down, across, k, count, width };
}

void assay_pack_columns(const assay_operand *b, size_t row, size_t k, size_t column, size_t count,
                        size_t width, double *out)
{
    window w = window_of(b, row, k, column, count, width);
    pack_any(&w, b->storage, false, out);
}

void assay_pack_columns_f32(const assay_operand *b, size_t row, size_t k, size_t column,
                            size_t count, size_t width, float *out)
{
    window w = window_of(b, row, k, column, count, width);
    pack_any(&w, b->storage, true, out);
}

bool assay_has_columns(const assay_operand *b)
{
    bool aligned = (uintptr_t)b->data % sizeof(double) == 0;
    return b->row_stride == 1 &&
           (b->storage == ASSAY_STORAGE_F32 || (b->storage == ASSAY_STORAGE_F64 && aligned));
}

const double *assay_column(const assay_operand *b, size_t row, size_t k, size_t column,
                           double *space)
{
    size_t first = row + column * b->column_stride;
    const unsigned char *from = (const unsigned char *)b->data + first * storage_bytes(b->storage);
    if (b->storage == ASSAY_STORAGE_F64)
        return (const double *)b->data + first;
    for (size_t p = 0; p < k; p++)
        space[p] = storage_load(ASSAY_STORAGE_F32, from + p * sizeof(float));
    return space;
}

void assay_pack_round(const assay_operand *b, size_t n, double *x)
{
    assay_lane_rounder lanes;
    if (!b->round || b->round->identity)
        return;
    if (assay_lane_rounder_make(b->round, &lanes)) {
        assay_product_table()->round[b->round->mode](&lanes, n, x);
        return;
    }
    for (size_t i = 0; i < n; i++)
        x[i] = assay_round(b->round, x[i]);
}

/* Every value of the format is one of binary32's. */
bool assay_operand_fits_f32(const assay_operand *b, size_t k, size_t n)
{
    if (b->round && !b->round->identity)
        return assay_format_fits_f32(&b->round->format);
    if (b->storage != ASSAY_STORAGE_F64)
        return true;
    bool along_rows = b->row_stride <= b->column_stride;
    size_t outer = along_rows ? n : k, inner = along_rows ? k : n;
    size_t step = along_rows ? b->column_stride : b->row_stride;
    size_t stride = along_rows ? b->row_stride : b->column_stride;
    for (size_t i = 0; i < outer; i++)
        for (size_t j = 0; j < inner; j++) {
            size_t at = i * step + j * stride;
            double x = storage_load(ASSAY_STORAGE_F64, (const unsigned char *)b->data + 8 * at);
            if ((double)(float)x != x && x == x)
                return false;
        }
    return true;
}
