/* SPDX-License-Identifier: Apache-2.0 */
/* NumPy's .npy files: versions 1 and 2 in, version 1 out, little-endian and C order only. */
#ifndef ASSAY_AUDIT_NPY_H
#define ASSAY_AUDIT_NPY_H

#include <stdio.h>

#include "array.h"

/**
 * Maps a .npy file. The header has to be NumPy's dictionary with exactly the keys descr,
 * fortran_order and shape, and the data has to end where the file ends.
 * Errors: ASSAY_ERR_IO; ASSAY_ERR_INPUT as "FILE: field: what". *out is then untouched.
 */
ASSAY_NODISCARD assay_status assay_npy_open(const char *path, assay_array *out);
/** The same on bytes of the caller's, which have to outlive *out. NAME stands in messages. */
ASSAY_NODISCARD assay_status assay_npy_parse(const char *name, const void *bytes, size_t size,
                                             assay_array *out);

/**
 * Writes an array, byte for byte what numpy.save writes. ASSAY_ERR_USAGE for a type that
 * NumPy lacks or more than ASSAY_MAX_DIMS dimensions, ASSAY_ERR_SHAPE if the size
 * overflows, ASSAY_ERR_IO if the stream refuses.
 */
ASSAY_NODISCARD assay_status assay_npy_write(FILE *stream, assay_dtype dtype, size_t ndim,
                                             const size_t *shape, const void *data);
/** Only the header, for data that the caller writes behind it. */
ASSAY_NODISCARD assay_status assay_npy_write_header(FILE *stream, assay_dtype dtype, size_t ndim,
                                                    const size_t *shape);

#endif
