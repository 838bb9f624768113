/* SPDX-License-Identifier: Apache-2.0 */
/* The LLaMA family: pre-norm blocks of grouped-query attention with half-split RoPE and a gated
 * MLP. One function per part of a block; `build` is the forward pass read from top to bottom. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/model.h"
#include "numerics/exact.h"

enum { NODES_PER_LAYER = 18, NODES_OUTSIDE = 3 };

/* A graph under construction: the first failure sticks, and later calls do nothing. */
typedef struct builder {
    assay_model *model;
    assay_status status;
    int layer;
} builder;

static assay_node *add_node(builder *b, assay_op_id op, int in0, int in1, size_t width,
                            const char *tap)
{
    assay_model *m = b->model;
    assay_node *node = &m->nodes[m->count++];
    *node = (assay_node){ .op = op,
                          .in = { in0, in1 },
                          .width = width,
                          .layer = b->layer,
                          .heads = m->config.heads,
                          .kv_heads = m->config.kv_heads,
                          .head_dim = m->config.head_dim,
                          .eps = m->config.rms_eps };
    if (b->layer == ASSAY_NO_LAYER)
        snprintf(node->tap, sizeof node->tap, "%s", tap);
    else
        snprintf(node->tap, sizeof node->tap, "layers.%d.%s", b->layer, tap);
    return node;
}

static int index_of(const builder *b, const assay_node *node)
{
    return (int)(node - b->model->nodes);
}

static bool storage_of(assay_dtype dtype, assay_storage *out)
{
    switch (dtype) {
    case ASSAY_DTYPE_F64: *out = ASSAY_STORAGE_F64; return true;
    case ASSAY_DTYPE_F32: *out = ASSAY_STORAGE_F32; return true;
    case ASSAY_DTYPE_F16: *out = ASSAY_STORAGE_F16; return true;
    case ASSAY_DTYPE_BF16: *out = ASSAY_STORAGE_BF16; return true;
    default: return false;
    }
}

/* Points weight[slot] of the node at tensor NAME of shape [rows, cols], or [cols] for rows 0. */
static void take(builder *b, assay_node *node, int slot, const char *name, size_t rows, size_t cols)
{
    size_t shape[2] = { rows, cols };
    const assay_tensor *tensor;
    if (b->status != ASSAY_OK)
        return;
    b->status = assay_weights_require(b->model->weights, name, rows ? 2 : 1,
                                      rows ? shape : shape + 1, &tensor);
    if (b->status != ASSAY_OK)
        return;
    assay_parameter *p = &node->weight[slot];
    *p = (assay_parameter){ .data = tensor->data, .rows = rows ? rows : 1, .cols = cols };
    if (!storage_of(tensor->dtype, &p->storage)) {
        b->status =
            assay_fail(ASSAY_ERR_INPUT, "%s: %s: dtype %s is not one of F64, F32, F16, BF16",
                       tensor->file, name, assay_dtypes[tensor->dtype].name);
        return;
    }
    if (slot == 0)
        node->tensor = tensor;
}

static const char *tensor_name(const builder *b, char *out, size_t room, const char *fmt, ...)
    ASSAY_PRINTF(4, 5);

static const char *tensor_name(const builder *b, char *out, size_t room, const char *fmt, ...)
{
    size_t used = 0;
    if (b->layer != ASSAY_NO_LAYER)
        used = (size_t)snprintf(out, room, "model.layers.%d.", b->layer);
    va_list args;
    va_start(args, fmt);
    vsnprintf(out + used, room - used, fmt, args);
    va_end(args);
    return out;
}

static int add_linear(builder *b, const char *module, int in, size_t rows, size_t cols, bool bias)
{
    char name[ASSAY_TAP_BYTES + 32];
    assay_node *node = add_node(b, ASSAY_OP_linear, in, ASSAY_NO_NODE, rows, module);
    take(b, node, 0, tensor_name(b, name, sizeof name, "%s.weight", module), rows, cols);
    if (bias)
        take(b, node, 1, tensor_name(b, name, sizeof name, "%s.bias", module), 0, rows);
    return index_of(b, node);
}

static int add_norm(builder *b, const char *module, const char *tensor, int in)
{
    char name[ASSAY_TAP_BYTES + 32];
    size_t hidden = b->model->config.hidden;
    assay_node *node = add_node(b, ASSAY_OP_rmsnorm, in, ASSAY_NO_NODE, hidden, module);
    take(b, node, 0, tensor_name(b, name, sizeof name, "%s.weight", tensor), 0, hidden);
    return index_of(b, node);
}

static int add_plain(builder *b, assay_op_id op, const char *tap, int in0, int in1, size_t width)
{
    return index_of(b, add_node(b, op, in0, in1, width, tap));
}

static int add_per_head(builder *b, assay_op_id op, const char *tap, int in0, int in1)
{
    assay_node *node = add_node(b, op, in0, in1, 0, tap);
    node->shape = ASSAY_SHAPE_PER_HEAD;
    node->scale = 1 / assay_sqrt((double)b->model->config.head_dim);
    return index_of(b, node);
}

static int attention(builder *b, int x)
{
    const assay_config *c = &b->model->config;
    size_t q_width = c->heads * c->head_dim, kv_width = c->kv_heads * c->head_dim;
    bool bias = c->attention_bias;
    int q = add_linear(b, "self_attn.q_proj", x, q_width, c->hidden, bias);
    int k = add_linear(b, "self_attn.k_proj", x, kv_width, c->hidden, bias);
    int v = add_linear(b, "self_attn.v_proj", x, kv_width, c->hidden, bias);
    b->model->nodes[v].cached = true;
    int q_rope = add_plain(b, ASSAY_OP_rope, "self_attn.q_rope", q, ASSAY_NO_NODE, q_width);
    int k_rope = add_plain(b, ASSAY_OP_rope, "self_attn.k_rope", k, ASSAY_NO_NODE, kv_width);
    b->model->nodes[k_rope].cached = true;
    int scores = add_per_head(b, ASSAY_OP_scores, "self_attn.scores", q_rope, k_rope);
    int softmax = add_per_head(b, ASSAY_OP_softmax, "self_attn.softmax", scores, ASSAY_NO_NODE);
    int context = add_plain(b, ASSAY_OP_context, "self_attn.context", softmax, v, q_width);
    return add_linear(b, "self_attn.o_proj", context, c->hidden, q_width, bias);
}

static int mlp(builder *b, int x)
{
    static const assay_op_id activations[] = { [ASSAY_ACT_SILU] = ASSAY_OP_silu,
                                               [ASSAY_ACT_GELU] = ASSAY_OP_gelu,
                                               [ASSAY_ACT_GELU_TANH] = ASSAY_OP_gelu_tanh,
                                               [ASSAY_ACT_RELU] = ASSAY_OP_relu };
    const assay_config *c = &b->model->config;
    size_t inner = c->intermediate;
    int gate = add_linear(b, "mlp.gate_proj", x, inner, c->hidden, c->mlp_bias);
    int up = add_linear(b, "mlp.up_proj", x, inner, c->hidden, c->mlp_bias);
    int act = add_plain(b, activations[c->hidden_act], "mlp.act", gate, ASSAY_NO_NODE, inner);
    int gated = add_plain(b, ASSAY_OP_multiply, "mlp.gated", act, up, inner);
    return add_linear(b, "mlp.down_proj", gated, c->hidden, inner, c->mlp_bias);
}

static int block(builder *b, int x)
{
    size_t hidden = b->model->config.hidden;
    int normed = add_norm(b, "input_layernorm", "input_layernorm", x);
    int mixed = attention(b, normed);
    int middle = add_plain(b, ASSAY_OP_add, "attn_residual", x, mixed, hidden);
    normed = add_norm(b, "post_attention_layernorm", "post_attention_layernorm", middle);
    return add_plain(b, ASSAY_OP_add, "mlp_residual", middle, mlp(b, normed), hidden);
}

/* Tied embeddings are stored once, under either name. */
static void embeddings(builder *b, int *first, int last, bool head)
{
    static const char *const table = "model.embed_tokens.weight", *const output = "lm_head.weight";
    const assay_config *c = &b->model->config;
    const assay_weights *w = b->model->weights;
    bool has_table = assay_weights_lookup(w, table), has_output = assay_weights_lookup(w, output);
    const char *name = head ? output : table;
    if (c->tie_embeddings && (head ? has_table : !has_table && has_output))
        name = head ? table : output;
    assay_node *node = head ? add_node(b, ASSAY_OP_linear, last, ASSAY_NO_NODE, c->vocab, "lm_head")
                            : add_node(b, ASSAY_OP_embedding, ASSAY_NO_NODE, ASSAY_NO_NODE,
                                       c->hidden, "embed_tokens");
    take(b, node, 0, name, c->vocab, c->hidden);
    *first = index_of(b, node);
}

static bool is_used(const assay_model *model, const assay_tensor *tensor)
{
    for (size_t i = 0; i < model->count; i++)
        for (int j = 0; j < 2; j++)
            if (model->nodes[i].weight[j].data == tensor->data && tensor->data)
                return true;
    return false;
}

/* rotary_emb.inv_freq was a buffer of old checkpoints, recomputed on loading; with tied
 * embeddings a second copy of the table may be stored and is not read. */
static bool is_harmless(const assay_model *model, const char *name)
{
    static const char suffix[] = ".rotary_emb.inv_freq";
    size_t n = strlen(name), s = sizeof suffix - 1;
    return (n > s && strcmp(name + n - s, suffix) == 0) ||
           (model->config.tie_embeddings && strcmp(name, "lm_head.weight") == 0);
}

static assay_status check_all_used(const assay_model *model)
{
    for (size_t i = 0; i < assay_weights_count(model->weights); i++) {
        const assay_tensor *tensor = assay_weights_at(model->weights, i);
        if (!is_used(model, tensor) && !is_harmless(model, tensor->name))
            return assay_fail(ASSAY_ERR_INPUT, "%s: tensor %s is not part of this architecture",
                              tensor->file, tensor->name);
    }
    return ASSAY_OK;
}

assay_status assay_llama_build(assay_model *model)
{
    size_t layers = model->config.layers, tensors = assay_weights_count(model->weights);
    if (layers > tensors) /* and not as much memory as the number asks for */
        return assay_fail(ASSAY_ERR_INPUT,
                          "%s/config.json: num_hidden_layers is %zu, but there are %zu tensors",
                          model->name, layers, tensors);
    model->nodes = calloc(layers * NODES_PER_LAYER + NODES_OUTSIDE, sizeof *model->nodes);
    if (!model->nodes)
        return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory for %zu layers", model->name, layers);
    builder b = { .model = model, .status = ASSAY_OK, .layer = ASSAY_NO_LAYER };
    int x, head;
    embeddings(&b, &x, ASSAY_NO_NODE, false);
    for (size_t i = 0; i < layers && b.status == ASSAY_OK; i++) {
        b.layer = (int)i;
        x = block(&b, x);
    }
    b.layer = ASSAY_NO_LAYER;
    x = add_norm(&b, "norm", "model.norm", x);
    embeddings(&b, &head, x, true);
    return b.status == ASSAY_OK ? check_all_used(model) : b.status;
}
