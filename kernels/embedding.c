/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "kernels/bound.h"
#include "kernels/step.h"

static assay_status check(const assay_call *c)
{
    const assay_parameter *table = &c->weight[0];
    if (!table->data || !c->ids || table->cols != c->out.cols)
        return assay_fail(ASSAY_ERR_SHAPE, "embedding: a table of [%zu, %zu] for rows of %zu",
                          table->rows, table->cols, c->out.cols);
    for (size_t i = 0; i < c->out.rows; i++)
        if (c->ids[i] < 0 || (size_t)c->ids[i] >= table->rows)
            return assay_fail(ASSAY_ERR_VALUE,
                              "embedding: token %zu is %d, outside the vocabulary of %zu", i,
                              (int)c->ids[i], table->rows);
    return ASSAY_OK;
}

static size_t workspace(const assay_call *c)
{
    return 2 * doubles(weight_height(c->policy, &c->weight[0]) * c->out.cols);
}

/* The rows that are quantized together with that of token i. */
typedef struct strip {
    size_t first, count;
    size_t at; /* of the token's row in it, in elements */
} strip;

static strip strip_of(const assay_call *c, size_t i)
{
    const assay_parameter *table = &c->weight[0];
    size_t id = (size_t)c->ids[i], height = weight_height(c->policy, table);
    size_t first = id / height * height, left = table->rows - first;
    return (strip){ first, left < height ? left : height, (id - first) * table->cols };
}

/* row = Q_out(Q_weight(table[id])) */
static void run(const assay_call *c)
{
    double *rows = c->workspace;
    for (size_t i = 0; i < c->out.rows; i++) {
        double *row = c->out.hi + i * c->out.ld;
        strip s = strip_of(c, i);
        weight_rows(c->policy, &c->weight[0], s.first, s.count, rows);
        memcpy(row, rows + s.at, c->out.cols * sizeof *row);
        output_row(c->policy, element_of(c, i, c->out.cols), row, c->out.cols);
    }
}

static void wide(const assay_call *c)
{
    for (size_t i = 0; i < c->out.rows; i++)
        for (size_t j = 0; j < c->out.cols; j++) {
            size_t at = (size_t)c->ids[i] * c->out.cols + j;
            matrix_set(&c->out, i, j, assay_dd_from(parameter_get(&c->weight[0], at)));
        }
}

static void bound(const assay_call *c, assay_matrix b)
{
    arena a = { c->workspace };
    size_t n = weight_height(c->policy, &c->weight[0]) * c->out.cols;
    double *rows = arena_doubles(&a, n), *bounds = arena_doubles(&a, n);
    for (size_t i = 0; i < c->out.rows; i++) {
        double *e = b.hi + i * b.ld;
        strip s = strip_of(c, i);
        bound_weights(c->policy, &c->weight[0], s.first, s.count, rows, bounds);
        memcpy(e, bounds + s.at, c->out.cols * sizeof *e);
        bound_output(c->policy, c->out.hi + i * c->out.ld, e, c->out.cols);
    }
}

const assay_op assay_op_embedding = { .name = "embedding",
                                      .text = "row of a table by token",
                                      .check = check,
                                      .workspace = workspace,
                                      .run = run,
                                      .wide = wide,
                                      .bound = bound };
