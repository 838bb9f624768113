/* SPDX-License-Identifier: Apache-2.0 */
/* How the command cuts an array into pieces that a scheme quantizes by themselves. */
#ifndef ASSAY_CLI_SCHEME_PART_H
#define ASSAY_CLI_SCHEME_PART_H

#include "scheme_cast.h"

/** An array as matrices [rows, cols] one after the other, and the largest piece of them. */
typedef struct scheme_shape {
    size_t matrices, rows, cols;
    size_t piece_rows, piece_cols;
} scheme_shape;

/** Rank 0 is [1]; tiles see the last two axes, everything else rows. */
scheme_shape scheme_shape_of(const assay_scheme *scheme, size_t ndim, const size_t *shape);

/** Whether a scale follows from the largest magnitude alone. */
bool scheme_follows_amax(const assay_scheme *scheme);
/** For quantizing: a tensor whose one scale does not is one piece. */
void scheme_keep_whole(const assay_scheme *scheme, scheme_shape *shape);

/** A piece: `rows` x `cols` elements from element `first` on; cols < the array's only if rows is
 * 1. Its scales are those from `scale` on; of a tensor's one scale, the first piece counts it. */
typedef struct scheme_piece {
    size_t first, rows, cols, scale, scales;
} scheme_piece;

/** The first piece (count of elements 0: none), and the next one. */
bool scheme_next_piece(const assay_scheme *scheme, const scheme_shape *shape, scheme_piece *piece);

/** The shape of the scales' array: returns its rank. */
size_t scheme_scales_shape(const assay_scheme *scheme, size_t ndim, const size_t *shape,
                           size_t out[ASSAY_MAX_DIMS]);

/** One float32 of a file, or 1 without one. Errors name the file. */
ASSAY_NODISCARD assay_status scheme_read_tensor_scale(const char *name, float *out);

/** The stored type of the codes of a format. */
assay_dtype scheme_container(const assay_format *format);

#endif
