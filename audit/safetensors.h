/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors files, mapped read-only, with every rule of the format enforced. */
#ifndef ASSAY_AUDIT_SAFETENSORS_H
#define ASSAY_AUDIT_SAFETENSORS_H

#include "array.h"

/** One named array inside a mapped file; everything in it lives as long as its container. */
typedef struct assay_tensor {
    const char *name;
    const char *file; /* path, for messages */
    assay_dtype dtype;
    size_t ndim, shape[ASSAY_MAX_DIMS], count; /* row-major; rank 0 has one element */
    const unsigned char *data;                 /* any alignment; sub-byte types are packed */
    size_t bytes;
} assay_tensor;

typedef struct assay_safetensors assay_safetensors;

/**
 * Checks the header and the layout of a whole file: length limit of 100,000,000 bytes,
 * strict JSON, known dtypes, shapes that match their ranges, ranges without holes or
 * overlap up to the end of the file, at most ASSAY_MAX_DIMS dimensions. Elements are not
 * read. NAME stands in messages; it and BYTES have to outlive *out.
 * Errors: ASSAY_ERR_INPUT as "NAME: field: what", ASSAY_ERR_MEMORY; *out is then untouched.
 */
ASSAY_NODISCARD assay_status assay_safetensors_parse(const char *name, const void *bytes,
                                                     size_t size, assay_safetensors **out);
/** The same for a file; *out keeps the mapping and a copy of the path. */
ASSAY_NODISCARD assay_status assay_safetensors_open(const char *path, assay_safetensors **out);
void assay_safetensors_close(assay_safetensors *tensors); /* NULL is fine */

/** Number of tensors; the I-th in ascending order of names (bytes). */
size_t assay_safetensors_count(const assay_safetensors *tensors);
const assay_tensor *assay_safetensors_at(const assay_safetensors *tensors, size_t i);

/** The tensor of a name: NULL, or ASSAY_ERR_INPUT "FILE: NAME: no such tensor". */
const assay_tensor *assay_safetensors_lookup(const assay_safetensors *tensors, const char *name);
ASSAY_NODISCARD assay_status assay_safetensors_find(const assay_safetensors *tensors,
                                                    const char *name, const assay_tensor **out);

/** A value of __metadata__, NULL if it has no such key. */
const char *assay_safetensors_metadata(const assay_safetensors *tensors, const char *key);

#endif
