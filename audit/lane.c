/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/lane.h"

#include <stdlib.h>
#include <string.h>

#include "audit/angles.h"

enum { ALIGNMENT = 64 };

static void *allocate(size_t bytes)
{
    return aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT);
}

assay_status assay_scratch_reserve(assay_scratch *scratch, size_t bytes)
{
    if (bytes <= scratch->bytes && scratch->data)
        return ASSAY_OK;
    void *data = allocate(bytes);
    if (!data)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for a workspace of %zu bytes", bytes);
    free(scratch->data);
    *scratch = (assay_scratch){ data, bytes };
    return ASSAY_OK;
}

void assay_scratch_free(assay_scratch *scratch)
{
    free(scratch->data);
    *scratch = (assay_scratch){ 0 };
}

assay_status assay_matrix_alloc(size_t rows, size_t cols, int planes, assay_matrix *out)
{
    size_t count, bytes;
    if (__builtin_mul_overflow(rows, cols, &count) ||
        __builtin_mul_overflow(count, sizeof(double), &bytes) || bytes > SIZE_MAX / 4)
        return assay_fail(ASSAY_ERR_MEMORY, "an activation of [%zu, %zu] does not fit", rows, cols);
    double *data = allocate(bytes * (size_t)planes);
    if (!data)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for an activation of [%zu, %zu]", rows,
                          cols);
    *out = (assay_matrix){ data, planes > 1 ? data + count : NULL, rows, cols, cols };
    return ASSAY_OK;
}

void assay_matrix_free(assay_matrix *matrix)
{
    free(matrix->hi);
    *matrix = (assay_matrix){ 0 };
}

assay_status assay_lane_open(const assay_model *model, const assay_backend *backend,
                             const assay_policy *policies, assay_lane *out)
{
    assay_lane lane = { .model = model, .backend = backend, .policies = policies };
    lane.out = calloc(model->count, sizeof *lane.out);
    lane.cache = calloc(model->count, sizeof *lane.cache);
    *out = lane;
    if (lane.out && lane.cache)
        return ASSAY_OK;
    assay_lane_close(out);
    return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory for its taps", model->name);
}

/* A cached node's output lies within its cache. */
static void drop(assay_lane *lane, int index)
{
    if (lane->model->nodes[index].cached)
        lane->out[index] = (assay_matrix){ 0 };
    else
        assay_matrix_free(&lane->out[index]);
}

static void free_activations(assay_lane *lane)
{
    for (size_t i = 0; lane->out && lane->cache && i < lane->model->count; i++) {
        drop(lane, (int)i);
        assay_matrix_free(&lane->cache[i]);
    }
    assay_matrix_free(&lane->angles.cosine);
    assay_matrix_free(&lane->angles.sine);
}

void assay_lane_close(assay_lane *lane)
{
    free_activations(lane);
    free(lane->out);
    free(lane->cache);
    assay_scratch_free(&lane->scratch);
    *lane = (assay_lane){ 0 };
}

assay_status assay_lane_reset(assay_lane *lane, size_t positions)
{
    free_activations(lane);
    lane->positions = positions;
    lane->past = lane->tokens = 0;
    for (size_t i = 0; i < lane->model->count; i++) {
        const assay_node *node = &lane->model->nodes[i];
        if (!node->cached)
            continue;
        assay_status status =
            assay_matrix_alloc(positions, node->width, lane->backend->planes, &lane->cache[i]);
        if (status != ASSAY_OK)
            return status;
    }
    return assay_angles_make(&lane->model->config, positions, &lane->angles);
}

void assay_lane_begin(assay_lane *lane, const int32_t *ids, size_t count)
{
    lane->ids = ids;
    lane->tokens = count;
}

void assay_lane_shape(const assay_lane *lane, size_t index, size_t *rows, size_t *cols)
{
    const assay_node *node = &lane->model->nodes[index];
    bool per_head = node->shape == ASSAY_SHAPE_PER_HEAD;
    *rows = per_head ? node->heads * lane->tokens : lane->tokens;
    *cols = per_head ? lane->past + lane->tokens : node->width;
}

/* Where node `index` finds an input: keys and values of all positions, else this chunk's. */
static assay_matrix input_of(const assay_lane *lane, int index)
{
    if (index == ASSAY_NO_NODE)
        return (assay_matrix){ 0 };
    return lane->out[index];
}

static assay_matrix all_positions(const assay_lane *lane, int index)
{
    assay_matrix m = lane->cache[index];
    m.rows = lane->past + lane->tokens;
    return m;
}

assay_call assay_lane_call(const assay_lane *lane, size_t index)
{
    const assay_node *node = &lane->model->nodes[index];
    assay_call call = { .in = { input_of(lane, node->in[0]), input_of(lane, node->in[1]) },
                        .weight = { node->weight[0], node->weight[1] },
                        .ids = lane->ids,
                        .eps = node->eps,
                        .heads = node->heads,
                        .kv_heads = node->kv_heads,
                        .head_dim = node->head_dim,
                        .past = lane->past,
                        .scale = node->scale,
                        .interleaved = node->interleaved,
                        .cosine = lane->angles.cosine,
                        .sine = lane->angles.sine };
    if (node->op == ASSAY_OP_scores || node->op == ASSAY_OP_context)
        call.in[1] = all_positions(lane, node->in[1]);
    return call;
}

/* A cached node writes into the rows of its cache that belong to this chunk. */
static assay_status make_output(assay_lane *lane, size_t index, assay_matrix *out)
{
    size_t rows, cols;
    assay_lane_shape(lane, index, &rows, &cols);
    if (!lane->model->nodes[index].cached)
        return assay_matrix_alloc(rows, cols, lane->backend->planes, out);
    assay_matrix m = lane->cache[index];
    size_t skip = lane->past * m.ld;
    *out = (assay_matrix){ m.hi + skip, m.lo ? m.lo + skip : NULL, rows, cols, m.ld };
    return ASSAY_OK;
}

assay_status assay_lane_step(assay_lane *lane, size_t index)
{
    const assay_node *node = &lane->model->nodes[index];
    const assay_op *op = assay_op_row(node->op);
    assay_policy reference = assay_policy_reference();
    assay_call call = assay_lane_call(lane, index);
    call.policy = lane->policies ? &lane->policies[index] : &reference;
    assay_status status = make_output(lane, index, &lane->out[index]);
    if (status != ASSAY_OK)
        return status;
    call.out = lane->out[index];
    status = op->check(&call);
    if (status == ASSAY_OK)
        status = assay_scratch_reserve(&lane->scratch, op->workspace(&call));
    if (status != ASSAY_OK)
        return assay_fail_in(status, node->tap);
    call.workspace = lane->scratch.data;
    lane->backend->run[node->op](&call);
    return ASSAY_OK;
}

void assay_lane_release(assay_lane *lane, size_t index)
{
    const assay_node *node = &lane->model->nodes[index];
    for (int j = 0; j < 2; j++)
        if (node->in[j] != ASSAY_NO_NODE && lane->model->nodes[node->in[j]].last_use == (int)index)
            drop(lane, node->in[j]);
    if (node->last_use == (int)index)
        drop(lane, (int)index);
}

void assay_lane_end(assay_lane *lane)
{
    lane->past += lane->tokens;
    lane->tokens = 0;
}

assay_status assay_lane_forward(assay_lane *lane, const int32_t *ids, size_t count,
                                assay_look_fn *look, void *user)
{
    assay_status status = ASSAY_OK;
    assay_lane_begin(lane, ids, count);
    for (size_t i = 0; i < lane->model->count && status == ASSAY_OK; i++) {
        status = assay_lane_step(lane, i);
        if (status == ASSAY_OK && look)
            status = look(user, i, &lane->out[i]);
        assay_lane_release(lane, i);
    }
    assay_lane_end(lane);
    return status;
}
