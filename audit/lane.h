/* SPDX-License-Identifier: Apache-2.0 */
/* One evaluation of a model: a backend, a policy per node, and the state between chunks. */
#ifndef ASSAY_AUDIT_LANE_H
#define ASSAY_AUDIT_LANE_H

#include "model.h"

/** A growing, 64-byte aligned scratch buffer. */
typedef struct assay_scratch {
    void *data;
    size_t bytes;
} assay_scratch;
ASSAY_NODISCARD assay_status assay_scratch_reserve(assay_scratch *scratch, size_t bytes);
void assay_scratch_free(assay_scratch *scratch);

/** Cosines and sines of all positions of a document, correctly rounded but for 2^-98. */
typedef struct assay_angles {
    assay_matrix cosine, sine;
} assay_angles;

/**
 * An evaluation that runs node by node, so that several can go in step over one document.
 * Activations are freed after their last use; keys and values stay. Documents are independent:
 * assay_lane_reset starts the next one.
 */
typedef struct assay_lane {
    const assay_model *model;
    const assay_backend *backend;
    const assay_policy *policies; /* one per node, or NULL: the reference's for all           */
    assay_matrix *out;            /* of each node, for the chunk under way; hi NULL if freed  */
    assay_matrix *cache;          /* of each cached node: all positions                       */
    assay_angles angles;
    assay_scratch scratch;
    size_t positions; /* of the document, at most             */
    size_t past;      /* positions that are done              */
    size_t tokens;    /* of the chunk under way               */
    const int32_t *ids;
} assay_lane;

/** policies: model->count of them, or NULL. Errors: ASSAY_ERR_MEMORY. */
ASSAY_NODISCARD assay_status assay_lane_open(const assay_model *model, const assay_backend *backend,
                                             const assay_policy *policies, assay_lane *out);
void assay_lane_close(assay_lane *lane);

/** Starts a document of at most `positions` tokens. */
ASSAY_NODISCARD assay_status assay_lane_reset(assay_lane *lane, size_t positions);
/** Starts a chunk: tokens past .. past + count - 1 of the document. ids must outlive it. */
void assay_lane_begin(assay_lane *lane, const int32_t *ids, size_t count);
/** Runs one node of the chunk; nodes go in ascending order. */
ASSAY_NODISCARD assay_status assay_lane_step(assay_lane *lane, size_t node);
/** Frees what no later node reads; call when the node's output and inputs have been looked at. */
void assay_lane_release(assay_lane *lane, size_t node);
/** Ends the chunk. */
void assay_lane_end(assay_lane *lane);

/** All nodes of one chunk; after each, look(user, node, output) if look is not NULL. */
typedef assay_status assay_look_fn(void *user, size_t node, const assay_matrix *output);
ASSAY_NODISCARD assay_status assay_lane_forward(assay_lane *lane, const int32_t *ids, size_t count,
                                                assay_look_fn *look, void *user);

/**
 * The call of one node on this lane's inputs, without output, policy and workspace: for a
 * second evaluation of the same operation on the same inputs.
 */
assay_call assay_lane_call(const assay_lane *lane, size_t node);

/** Shape of a node's output in the chunk under way. */
void assay_lane_shape(const assay_lane *lane, size_t node, size_t *rows, size_t *cols);

/** Allocates a matrix with `planes` planes; assay_matrix_free takes it back. */
ASSAY_NODISCARD assay_status assay_matrix_alloc(size_t rows, size_t cols, int planes,
                                                assay_matrix *out);
void assay_matrix_free(assay_matrix *matrix);

#endif
