/* SPDX-License-Identifier: Apache-2.0 */
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
    (void)c;
    return 0;
}

/* row = Q_out(Q_weight(table[id])) */
static void run(const assay_call *c)
{
    for (size_t i = 0; i < c->out.rows; i++) {
        double *row = c->out.hi + i * c->out.ld;
        weight_row(c->policy, &c->weight[0], (size_t)c->ids[i], row);
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
    for (size_t i = 0; i < c->out.rows; i++) {
        const double *row = c->out.hi + i * c->out.ld;
        bound_weight(c->policy, row, b.hi + i * b.ld, c->out.cols);
        bound_output(c->policy, row, b.hi + i * b.ld, c->out.cols);
    }
}

const assay_op assay_op_embedding = { .name = "embedding",
                                      .text = "row of a table by token",
                                      .check = check,
                                      .workspace = workspace,
                                      .run = run,
                                      .wide = wide,
                                      .bound = bound };
