/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/scheme_part.h"

#include <string.h>

enum { PIECE = 1 << 17 }; /* elements, about */

scheme_shape scheme_shape_of(const assay_scheme *s, size_t ndim, const size_t *shape)
{
    scheme_shape all = { 1, 1, ndim > 0 ? shape[ndim - 1] : 1, 0, 0 };
    bool tiles = s->extent == ASSAY_EXTENT_TILE;
    for (size_t i = 0; i + 1 < ndim; i++) {
        if (tiles && i + 2 < ndim)
            all.matrices *= shape[i];
        else
            all.rows *= shape[i];
    }
    all.piece_cols = all.cols;
    all.piece_rows = all.cols < PIECE ? PIECE / (all.cols + 1) + 1 : 1;
    all.piece_rows = (all.piece_rows + s->tile_rows - 1) / s->tile_rows * s->tile_rows;
    bool whole = s->extent == ASSAY_EXTENT_TENSOR;
    if ((whole || s->extent == ASSAY_EXTENT_BLOCK) && all.cols > PIECE) {
        size_t block = whole ? 1 : s->block;
        all.piece_rows = 1;
        all.piece_cols = block > PIECE ? block : PIECE / block * block;
    }
    return all;
}

bool scheme_follows_amax(const assay_scheme *s)
{
    return !s->has_zero && assay_scheme_follows_range(s);
}

void scheme_keep_whole(const assay_scheme *s, scheme_shape *all)
{
    if (s->extent == ASSAY_EXTENT_TENSOR && !scheme_follows_amax(s)) {
        all->piece_rows = all->rows;
        all->piece_cols = all->cols;
    }
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

bool scheme_next_piece(const assay_scheme *s, const scheme_shape *all, scheme_piece *p)
{
    size_t matrix = all->rows * all->cols, count = all->matrices * matrix;
    p->first += p->rows * p->cols;
    p->scale += p->scales;
    if (p->first >= count)
        return false;
    size_t row = p->first % matrix / all->cols, col = p->first % all->cols;
    p->rows = least(all->piece_rows, all->rows - row);
    p->cols = least(all->piece_cols, all->cols - col);
    assay_scale_shape scales = assay_scheme_scales(s, p->rows, p->cols);
    p->scales = scales.rows * scales.cols;
    if (s->extent == ASSAY_EXTENT_TENSOR) { /* the first piece has the only one */
        p->scale = 0;
        p->scales = p->first == 0;
    }
    return true;
}

/* An empty array has no scales at all, whatever the extent. */
size_t scheme_scales_shape(const assay_scheme *s, size_t ndim, const size_t *shape,
                           size_t out[ASSAY_MAX_DIMS])
{
    scheme_shape all = scheme_shape_of(s, ndim, shape);
    bool empty = all.matrices * all.rows * all.cols == 0;
    assay_scale_shape one = assay_scheme_scales(s, all.rows, all.cols);
    if (s->extent == ASSAY_EXTENT_TENSOR || ndim == 0) {
        out[0] = !empty;
        return 1;
    }
    memcpy(out, shape, ndim * sizeof *out);
    out[ndim - 1] = all.cols == 0 ? 0 : one.cols;
    if (s->extent == ASSAY_EXTENT_TILE && ndim > 1)
        out[ndim - 2] = one.rows;
    return ndim;
}

assay_dtype scheme_container(const assay_format *format)
{
    switch (assay_format_container(format)) {
    case 1: return ASSAY_DTYPE_U8;
    case 2: return ASSAY_DTYPE_U16;
    case 4: return ASSAY_DTYPE_U32;
    default: return ASSAY_DTYPE_U64;
    }
}
