/* SPDX-License-Identifier: Apache-2.0 */
/* One stored array, mapped read-only: an .npy file or one tensor of a safetensors file. */
#ifndef ASSAY_AUDIT_ARRAY_H
#define ASSAY_AUDIT_ARRAY_H

#include "dtype.h"
#include "file.h"

enum { ASSAY_MAX_DIMS = 8 };

/** Row-major, little-endian; data may have any alignment, so read it through the accessors. */
typedef struct assay_array {
    assay_dtype dtype;
    size_t ndim, shape[ASSAY_MAX_DIMS], count; /* rank 0: ndim 0, count 1 */
    const unsigned char *data;                 /* NULL allowed when count is 0 */
    assay_file file;                           /* what assay_array_close gives back */
} assay_array;

/**
 * Opens SPEC: "FILE.safetensors:TENSOR", or the path of an .npy file. *out is untouched on
 * failure. Errors: ASSAY_ERR_IO, ASSAY_ERR_INPUT, as "FILE: field: what".
 */
ASSAY_NODISCARD assay_status assay_array_open(const char *spec, assay_array *out);
void assay_array_close(assay_array *array);

/** Bytes of the elements. */
size_t assay_array_bytes(const assay_array *array);

/**
 * Element I as binary64: floats of 16 bits and more and integers up to 32 bits exactly,
 * 64-bit integers rounded to nearest; NaN for the other types. i < count, unchecked.
 */
double assay_array_get_f64(const assay_array *array, size_t i);

/**
 * All elements, exactly, into out[count]. ASSAY_ERR_INPUT if the type has no accessor here;
 * ASSAY_ERR_VALUE with the index of an integer that binary64 does not hold. On failure the
 * contents of out are undefined. The texts name the element; assay_fail_in adds the file.
 */
ASSAY_NODISCARD assay_status assay_array_to_f64(const assay_array *array, double *out);

/**
 * Integer elements: ASSAY_ERR_INPUT if the type is not an integer, ASSAY_ERR_VALUE with the
 * index if the element does not fit. The get form leaves *out untouched on failure.
 */
ASSAY_NODISCARD assay_status assay_array_get_i64(const assay_array *array, size_t i, int64_t *out);
ASSAY_NODISCARD assay_status assay_array_to_i64(const assay_array *array, int64_t *out);
ASSAY_NODISCARD assay_status assay_array_to_u64(const assay_array *array, uint64_t *out);

#endif
