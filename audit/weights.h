/* SPDX-License-Identifier: Apache-2.0 */
/* A model's weights in the Hugging Face layout: one safetensors file, or shards with an index. */
#ifndef ASSAY_AUDIT_WEIGHTS_H
#define ASSAY_AUDIT_WEIGHTS_H

#include "safetensors.h"

typedef struct assay_weights assay_weights;

/**
 * Opens model.safetensors, or where that is not there model.safetensors.index.json and every
 * shard it names: plain file names, each tensor in the shard that weight_map states, no
 * tensor in a shard that weight_map lacks. All files stay mapped; no weight is copied.
 * Errors: ASSAY_ERR_IO, ASSAY_ERR_INPUT as "FILE: field: what", ASSAY_ERR_MEMORY.
 */
ASSAY_NODISCARD assay_status assay_weights_open(const assay_source *source, assay_weights **out);
void assay_weights_close(assay_weights *weights); /* NULL is fine */

/** Number of tensors of all shards; the I-th in ascending order of names (bytes). */
size_t assay_weights_count(const assay_weights *weights);
const assay_tensor *assay_weights_at(const assay_weights *weights, size_t i);

/** The tensor of a name: NULL, or ASSAY_ERR_INPUT "FILE: NAME: no such tensor". */
const assay_tensor *assay_weights_lookup(const assay_weights *weights, const char *name);
ASSAY_NODISCARD assay_status assay_weights_find(const assay_weights *weights, const char *name,
                                                const assay_tensor **out);
/** The same, and ASSAY_ERR_SHAPE with both shapes if the tensor's is another one. */
ASSAY_NODISCARD assay_status assay_weights_require(const assay_weights *weights, const char *name,
                                                   size_t ndim, const size_t *shape,
                                                   const assay_tensor **out);

/**
 * COUNT elements from FIRST on, exactly as binary64: F16, BF16, F32 and F64. ASSAY_ERR_INPUT
 * names the tensor and its type if it is another one; ASSAY_ERR_SHAPE if the range passes
 * the end. A row is all but the first ndim - 1 indices: shape[ndim - 1] elements.
 */
ASSAY_NODISCARD assay_status assay_tensor_to_f64(const assay_tensor *tensor, size_t first,
                                                 size_t count, double *out);
ASSAY_NODISCARD assay_status assay_tensor_row_f64(const assay_tensor *tensor, size_t row,
                                                  double *out);

/** ASSAY_ERR_VALUE with the index of the first element that is NaN or infinite. */
ASSAY_NODISCARD assay_status assay_tensor_check_finite(const assay_tensor *tensor);

#endif
