/* SPDX-License-Identifier: Apache-2.0 */
/* A transformer as a list of operations with named taps, in the order in which they run. */
#ifndef ASSAY_AUDIT_MODEL_H
#define ASSAY_AUDIT_MODEL_H

#include "../kernels/op.h"
#include "config.h"
#include "tokenizer.h"
#include "weights.h"

enum { ASSAY_TAP_BYTES = 96, ASSAY_NO_NODE = -1, ASSAY_NO_LAYER = -1 };

/** What of the RoPE and attention geometry an operation uses. */
typedef enum assay_shape_kind {
    ASSAY_SHAPE_ROWS,    /* [tokens, width]                  */
    ASSAY_SHAPE_PER_HEAD /* [heads tokens, positions so far] */
} assay_shape_kind;

/** One operation of a model. Inputs are nodes before it; a parameter without data is absent. */
typedef struct assay_node {
    char tap[ASSAY_TAP_BYTES];
    assay_op_id op;
    int in[2];                  /* nodes, ASSAY_NO_NODE if unused                            */
    assay_parameter weight[2];  /* weight or gain, then bias                                 */
    const assay_tensor *tensor; /* where weight[0] stands, NULL if there is none             */
    assay_shape_kind shape;
    size_t width; /* columns of the output, for ASSAY_SHAPE_ROWS               */
    size_t heads, kv_heads, head_dim;
    double eps, scale;
    bool interleaved;
    bool cached;  /* all positions are kept: keys and values                   */
    int layer;    /* ASSAY_NO_LAYER outside of them                            */
    int last_use; /* the last node that reads the output; itself if none does  */
} assay_node;

typedef struct assay_model {
    char *name; /* as the caller gave it */
    assay_config config;
    assay_weights *weights;
    assay_tokenizer *tokenizer; /* NULL if the source has none */
    assay_node *nodes;
    size_t count;
} assay_model;

/**
 * Opens a model: a directory in the Hugging Face layout, or `demo` for the one that the library
 * carries. Parameters stay mapped. Every key of config.json is used, known to be harmless, in
 * `allowed`, or an error; every tensor is used or an error; every parameter is finite.
 * Errors: one line that names the file and the field. The caller closes *out.
 */
ASSAY_NODISCARD assay_status assay_model_open(const char *name, const char *const *allowed,
                                              size_t allowed_count, assay_model **out);
void assay_model_close(assay_model *model);

/** Bytes of the parameters and their number, for reports. */
size_t assay_model_parameters(const assay_model *model);

/** The index of a tap's node, or ASSAY_NO_NODE. */
int assay_model_find(const assay_model *model, const char *tap);

/** Builds the nodes of the LLaMA family; used by assay_model_open. */
ASSAY_NODISCARD assay_status assay_llama_build(assay_model *model);

#endif
