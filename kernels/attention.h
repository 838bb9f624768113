/* SPDX-License-Identifier: Apache-2.0 */
/* Causal grouped-query attention in three operations. A row of scores or probabilities is
 * [head tokens + token], as long as all keys; what lies beyond its own position is -inf in the
 * scores and 0 in the probabilities, and takes part in no sum. */
#ifndef ASSAY_KERNELS_ATTENTION_H
#define ASSAY_KERNELS_ATTENTION_H

#include "kernels/bound.h"
#include "kernels/step.h"

/** Tokens of a matrix that has a row per head and token. */
size_t tokens_of(const assay_call *c, const assay_matrix *per_head);
/** Keys that row `row` of a [heads tokens, keys] matrix may see. */
size_t visible(const assay_call *c, size_t row, size_t tokens);
/** Heads that share keys and values, and the first column that a head reads of them. */
size_t group_of(const assay_call *c);
size_t kv_column(const assay_call *c, size_t head);
ASSAY_NODISCARD assay_status check_heads(const assay_call *c, const char *op,
                                         const assay_matrix *rows, const assay_matrix *wide,
                                         const assay_matrix *kv);
/** The index of the first element of row `row` of a per-head activation. */
uint64_t head_element(const assay_call *c, size_t row, size_t tokens);
/** Rows of the activation through the input scheme, head by head: blocks do not cross heads. The
 * first row is that of position `past`. */
void load_heads(const assay_call *c, assay_role role, size_t past, double *out);
/** Magnitudes and bounds of the head that starts at `column`, both [x->rows, head_dim]. */
void bound_head(const assay_call *c, const assay_matrix *x, size_t column, double *v, double *e);

#endif
