/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/mma_arrays.h"

#include <string.h>

static const char *format_text(assay_mma_format format)
{
    return assay_mma_format_name(format);
}

/* Unsigned integers of the container's width; integers may be signed too. */
static assay_status check_dtype(const char *name, const assay_array *a, assay_mma_format format)
{
    const assay_dtype_info *d = &assay_dtypes[a->dtype];
    bool is_integer = format >= ASSAY_MMA_S32;
    bool is_signed = d->kind == ASSAY_SIGNED && is_integer;
    size_t bytes = assay_mma_format_bytes(format);
    if ((d->kind != ASSAY_UNSIGNED && !is_signed) || d->bits != 8 * bytes)
        return assay_fail(ASSAY_ERR_INPUT, "%s: dtype: %s, but codes of %s are uint%zu", name,
                          d->word, format_text(format), 8 * bytes);
    return ASSAY_OK;
}

/* A code beyond its width is a mistake, but for the sign of a signed integer, and for the scales
 * of 8 bits all are codes. */
static assay_status check_codes(const char *name, const assay_array *a, assay_mma_format format)
{
    size_t bits = assay_mma_format_bits(format);
    bool is_signed = assay_dtypes[a->dtype].kind == ASSAY_SIGNED;
    if (bits >= 8)
        return ASSAY_OK;
    for (size_t i = 0; i < a->count; i++) {
        unsigned code = a->data[i];
        bool extended = is_signed && (code >> (bits - 1)) == 0xffu >> (bits - 1);
        if (code >> bits != 0 && !extended)
            return assay_fail(ASSAY_ERR_VALUE,
                              "%s: element %zu: %u is no code of %s: it has %zu bits", name, i,
                              code, format_text(format), bits);
    }
    return ASSAY_OK;
}

static assay_status open_one(cli_mma_arrays *x, cli_mma_role role, assay_mma_format format)
{
    assay_array *a = &x->arrays[role];
    const char *name = x->names[role];
    assay_status status = assay_array_open(name, a);
    if (status != ASSAY_OK)
        return status;
    x->open[role] = true;
    status = check_dtype(name, a, format);
    if (status == ASSAY_OK && a->ndim < 2)
        status = assay_fail(ASSAY_ERR_SHAPE, "%s: shape: a matrix has two dimensions", name);
    return status == ASSAY_OK ? check_codes(name, a, format) : status;
}

static size_t rows_of(const assay_array *a)
{
    return a->shape[a->ndim - 2];
}

static size_t columns_of(const assay_array *a)
{
    return a->shape[a->ndim - 1];
}

/* [.., rows, columns], the dots being A's. */
static assay_status check_shape(const cli_mma_arrays *x, cli_mma_role role, size_t rows,
                                size_t columns)
{
    const assay_array *a = &x->arrays[role], *first = &x->arrays[CLI_MMA_A];
    char got[128], wanted[128];
    size_t shape[ASSAY_MAX_DIMS];
    if (!x->open[role])
        return ASSAY_OK;
    memcpy(shape, first->shape, sizeof shape);
    shape[first->ndim - 2] = rows;
    shape[first->ndim - 1] = columns;
    bool same = a->ndim == first->ndim;
    for (size_t i = 0; same && i < a->ndim; i++)
        same = a->shape[i] == shape[i];
    if (same)
        return ASSAY_OK;
    assay_shape_text(a->ndim, a->shape, got, sizeof got);
    assay_shape_text(first->ndim, shape, wanted, sizeof wanted);
    return assay_fail(ASSAY_ERR_SHAPE, "%s: shape: %s, not %s", x->names[role], got, wanted);
}

static assay_status check_shapes(cli_mma_arrays *x)
{
    const assay_array *a = &x->arrays[CLI_MMA_A], *b = &x->arrays[CLI_MMA_B];
    x->batches = 1;
    for (size_t i = 0; i + 2 < a->ndim; i++)
        x->batches *= a->shape[i];
    x->m = rows_of(a);
    x->k = columns_of(a);
    x->n = rows_of(b);
    x->scales = x->open[CLI_MMA_SA] ? columns_of(&x->arrays[CLI_MMA_SA]) : 0;
    assay_status status = check_shape(x, CLI_MMA_B, x->n, x->k);
    if (status == ASSAY_OK)
        status = check_shape(x, CLI_MMA_C, x->m, x->n);
    if (status == ASSAY_OK)
        status = check_shape(x, CLI_MMA_D, x->m, x->n);
    if (status == ASSAY_OK)
        status = check_shape(x, CLI_MMA_SA, x->m, x->scales);
    return status == ASSAY_OK ? check_shape(x, CLI_MMA_SB, x->n, x->scales) : status;
}

assay_status cli_mma_open(cli_mma_arrays *x, assay_mma_format fa, assay_mma_format fb,
                          assay_mma_format fc)
{
    const assay_mma_format formats[CLI_MMA_ROLES] = {
        fa, fb, fc, fc, ASSAY_MMA_UE8M0, ASSAY_MMA_UE8M0
    };
    assay_status status = ASSAY_OK;
    for (int role = 0; role < CLI_MMA_ROLES && status == ASSAY_OK; role++)
        if (x->names[role])
            status = open_one(x, (cli_mma_role)role, formats[role]);
    if (status == ASSAY_OK)
        status = check_shapes(x);
    if (status != ASSAY_OK)
        cli_mma_close(x);
    return status;
}

void cli_mma_close(cli_mma_arrays *x)
{
    for (int role = 0; role < CLI_MMA_ROLES; role++)
        if (x->open[role])
            assay_array_close(&x->arrays[role]);
    memset(x->open, 0, sizeof x->open);
}

assay_status cli_mma_suits(const cli_mma_arrays *x, const assay_mma_unit *unit)
{
    size_t block = (size_t)unit->block, K = (size_t)unit->K;
    if (x->k % K != 0)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: shape: k = %zu is not a multiple of %zu",
                          x->names[CLI_MMA_A], x->k, K);
    if (block == 0 && (x->names[CLI_MMA_SA] || x->names[CLI_MMA_SB]))
        return assay_fail(ASSAY_ERR_USAGE, "option --%s: %s has no scales",
                          x->names[CLI_MMA_SA] ? "sa" : "sb", unit->name);
    if (block > 0 && !(x->names[CLI_MMA_SA] && x->names[CLI_MMA_SB]))
        return assay_fail(ASSAY_ERR_USAGE, "option --%s is missing: %s has scales",
                          x->names[CLI_MMA_SA] ? "sb" : "sa", unit->name);
    if (block > 0 && x->scales != x->k / block)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: shape: %zu scales in a row, not %zu",
                          x->names[CLI_MMA_SA], x->scales, x->k / block);
    return ASSAY_OK;
}

const unsigned char *cli_mma_codes(const cli_mma_arrays *x, cli_mma_role role, size_t i)
{
    const assay_array *a = &x->arrays[role];
    if (!x->open[role] || a->count == 0)
        return NULL;
    return a->data + i * (assay_array_bytes(a) / x->batches);
}

assay_mma_operands cli_mma_operands(const cli_mma_arrays *x, size_t i)
{
    return (assay_mma_operands){ .a = cli_mma_codes(x, CLI_MMA_A, i),
                                 .b = cli_mma_codes(x, CLI_MMA_B, i),
                                 .c = cli_mma_codes(x, CLI_MMA_C, i),
                                 .lda = x->k,
                                 .ldb = x->k,
                                 .ldc = x->n,
                                 .sa = cli_mma_codes(x, CLI_MMA_SA, i),
                                 .sb = cli_mma_codes(x, CLI_MMA_SB, i),
                                 .ldsa = x->scales,
                                 .ldsb = x->scales };
}
