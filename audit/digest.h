/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of an array: of the line "assay1 DESCR d0,d1,...\n" and then its bytes. */
#ifndef ASSAY_AUDIT_DIGEST_H
#define ASSAY_AUDIT_DIGEST_H

#include "dtype.h"

enum { ASSAY_DIGEST_HEX = 65 }; /* 64 lower-case digits and the NUL */

/**
 * The digest of an array in memory. DESCR is the one of .npy ("<f8"), or the safetensors
 * name where NumPy has no such type ("BF16"). BY_VALUE starts the line "assay1v", maps -0
 * to +0 and every NaN to the canonical one; integers stay as they are.
 * Errors: ASSAY_ERR_SHAPE if the size overflows or is no whole number of bytes,
 * ASSAY_ERR_USAGE by value for 6-bit types, ASSAY_ERR_UNAVAILABLE without SHA-256.
 */
ASSAY_NODISCARD assay_status assay_digest(assay_dtype dtype, size_t ndim, const size_t *shape,
                                          const void *data, bool by_value,
                                          char hex[ASSAY_DIGEST_HEX]);

/**
 * The same in pieces: begin with the final shape, update with whole elements in order, end
 * after exactly as many bytes as the shape has. After begin has succeeded, end or abort
 * frees the state, whatever end returns. Too many bytes, too few, or a cut-off element:
 * ASSAY_ERR_SHAPE.
 */
typedef struct assay_digester {
    void *context;
    assay_dtype dtype;
    bool by_value;
    size_t left; /* bytes to come */
} assay_digester;

ASSAY_NODISCARD assay_status assay_digest_begin(assay_digester *digester, assay_dtype dtype,
                                                size_t ndim, const size_t *shape, bool by_value);
ASSAY_NODISCARD assay_status assay_digest_update(assay_digester *digester, const void *data,
                                                 size_t bytes);
ASSAY_NODISCARD assay_status assay_digest_end(assay_digester *digester, char hex[ASSAY_DIGEST_HEX]);
void assay_digest_abort(assay_digester *digester);

#endif
