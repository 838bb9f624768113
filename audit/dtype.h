/* SPDX-License-Identifier: Apache-2.0 */
/* Element types of stored arrays: their names in files, sizes and exact values. */
#ifndef ASSAY_AUDIT_DTYPE_H
#define ASSAY_AUDIT_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../numerics/status.h"

/** Every dtype of safetensors; those with a descr are the ones of .npy too. */
typedef enum assay_dtype {
#define ASSAY_DTYPE(id, ...) ASSAY_DTYPE_##id,
#include "dtypes.def"
#undef ASSAY_DTYPE
    ASSAY_DTYPE_COUNT
} assay_dtype;

/** What the accessors read: the floats with an exact binary64 value of 16 bits and more. */
typedef enum assay_dtype_kind {
    ASSAY_OPAQUE, /* bytes only */
    ASSAY_FLOAT,
    ASSAY_SIGNED,
    ASSAY_UNSIGNED
} assay_dtype_kind;

typedef struct assay_dtype_info {
    const char *name;  /* in safetensors: "F32"                            */
    const char *descr; /* in .npy: "<f4"; NULL where NumPy has no such type */
    const char *word;  /* in messages: "float32"                           */
    unsigned bits;     /* 4, 6, 8, 16, 32 or 64                             */
    assay_dtype_kind kind;
    uint64_t sign, finite, inf, nan; /* codes, see dtypes.def; finite 0: no special values */
} assay_dtype_info;

extern const assay_dtype_info assay_dtypes[ASSAY_DTYPE_COUNT];

/** Finds a dtype by its safetensors name, or by its .npy descr ("<u1" is "|u1"). */
bool assay_dtype_from_name(const char *name, assay_dtype *out);
bool assay_dtype_from_descr(const char *descr, assay_dtype *out);

/**
 * Elements of a shape and the bits of that many elements; false if either product passes
 * size_t before a zero ends it, *out then untouched. Rank 0 has one element.
 */
bool assay_shape_count(size_t ndim, const size_t *shape, size_t *count);
bool assay_dtype_size(assay_dtype dtype, size_t count, size_t *bits);

/** Writes "[2, 3]" for messages; always ends in NUL, cut off where room ends. */
void assay_shape_text(size_t ndim, const size_t *shape, char *text, size_t room);

/** COUNT elements at SRC, any alignment, exactly as binary64. Kind ASSAY_FLOAT only. */
void assay_dtype_to_f64(assay_dtype dtype, const unsigned char *src, size_t count, double *out);

/** Index of the first NaN or infinity of COUNT elements; COUNT if all are finite. */
size_t assay_dtype_nonfinite(assay_dtype dtype, const unsigned char *src, size_t count);

/**
 * Maps -0 to +0 and every NaN to the canonical one, in place, over whole elements.
 * False, nothing changed, for the 6-bit types, whose elements straddle bytes.
 */
bool assay_dtype_canonical(assay_dtype dtype, unsigned char *bytes, size_t size);

#endif
