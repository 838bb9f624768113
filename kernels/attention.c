/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention.h"

#include <math.h>

size_t tokens_of(const assay_call *c, const assay_matrix *per_head)
{
    return c->heads ? per_head->rows / c->heads : 0;
}

size_t visible(const assay_call *c, size_t row, size_t tokens)
{
    return c->past + row % tokens + 1;
}

size_t group_of(const assay_call *c)
{
    return c->heads / c->kv_heads;
}

size_t kv_column(const assay_call *c, size_t head)
{
    return head / group_of(c) * c->head_dim;
}

assay_status check_heads(const assay_call *c, const char *op, const assay_matrix *rows,
                         const assay_matrix *wide, const assay_matrix *kv)
{
    size_t tokens = tokens_of(c, rows);
    if (tokens == 0 || c->kv_heads == 0 || c->head_dim == 0 || c->heads % c->kv_heads != 0 ||
        rows->rows != c->heads * tokens || rows->cols != c->past + tokens || wide->rows != tokens ||
        wide->cols != c->heads * c->head_dim || kv->rows != rows->cols ||
        kv->cols != c->kv_heads * c->head_dim)
        return assay_fail(
            ASSAY_ERR_SHAPE,
            "%s: %zu heads of %zu over %zu after %zu positions do not fit [%zu, %zu], "
            "[%zu, %zu] and [%zu, %zu]",
            op, c->heads, c->head_dim, c->kv_heads, c->past, rows->rows, rows->cols, wide->rows,
            wide->cols, kv->rows, kv->cols);
    return ASSAY_OK;
}

uint64_t head_element(const assay_call *c, size_t row, size_t tokens)
{
    return (element_of(c, row % tokens, c->heads) + row / tokens) << 32;
}

void load_heads(const assay_call *c, assay_role role, size_t past, double *out)
{
    const assay_matrix *x = &c->in[role == ASSAY_ROLE_IN_2];
#pragma omp parallel for schedule(static) if (shares_rows(x))
    for (size_t i = 0; i < x->rows; i++)
        for (size_t base = 0; base < x->cols; base += c->head_dim)
            input_row(c->policy, role, (uint64_t)(past + i) * x->cols + base,
                      x->hi + i * x->ld + base, out + i * x->cols + base, c->head_dim);
}

void bound_head(const assay_call *c, const assay_matrix *x, size_t column, double *v, double *e)
{
    for (size_t i = 0; i < x->rows; i++) {
        const double *from = x->hi + i * x->ld + column;
        bound_input(c->policy, from, e + i * c->head_dim, c->head_dim);
        for (size_t j = 0; j < c->head_dim; j++)
            v[i * c->head_dim + j] = fabs(from[j]);
    }
}
