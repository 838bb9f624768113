/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/step.h"

#include <math.h>
#include <string.h>

static const double canonical_nan = __builtin_nan("");

assay_policy assay_policy_reference(void)
{
    assay_scheme identity = assay_scheme_identity();
    return (assay_policy){ .in = identity,
                           .weight = identity,
                           .out = identity,
                           .acc = assay_accumulator_reference(),
                           .operand = identity.element };
}

step step_of(const assay_policy *policy)
{
    bool wide = policy->acc.kind == ASSAY_SUM_EXACT || policy->acc.kind == ASSAY_SUM_REFERENCE;
    if (wide)
        return (step){ .identity = true };
    return (step){ .round = assay_fast_rounder_from(&policy->acc.round),
                   .identity = policy->acc.round.identity };
}

const assay_accumulator *sum_of(const assay_policy *policy, assay_accumulator *exact)
{
    if (policy->acc.kind != ASSAY_SUM_EXACT)
        return &policy->acc;
    *exact = policy->acc;
    exact->round = assay_scheme_identity().element;
    return exact;
}

static double from_half(uint16_t code)
{
    int field = code >> 10 & 31;
    double fraction = code & 1023, value;
    if (field == 31)
        value = fraction != 0 ? canonical_nan : INFINITY;
    else
        value = field > 0 ? (1024 + fraction) * assay_pow2(field - 25) : fraction * 0x1p-24;
    return code >> 15 ? -value : value;
}

double parameter_get(const assay_parameter *p, size_t i)
{
    const unsigned char *bytes = p->data;
    double d;
    float f;
    uint16_t h;
    switch (p->storage) {
    case ASSAY_STORAGE_F64: memcpy(&d, bytes + 8 * i, 8); return d;
    case ASSAY_STORAGE_F32: memcpy(&f, bytes + 4 * i, 4); return (double)f;
    case ASSAY_STORAGE_F16: memcpy(&h, bytes + 2 * i, 2); return from_half(h);
    default: memcpy(&h, bytes + 2 * i, 2); return (double)assay_from_bits32((uint32_t)h << 16);
    }
}

void parameter_row(const assay_parameter *p, size_t i, double *out)
{
    for (size_t j = 0; j < p->cols; j++)
        out[j] = parameter_get(p, i * p->cols + j);
}

/* The second rounding of `@operand:F`, after dequantization. */
static void round_operand(const assay_policy *policy, double *x, size_t n)
{
    if (!policy->has_operand)
        return;
    assay_fast_rounder operand = assay_fast_rounder_from(&policy->operand);
    for (size_t j = 0; j < n; j++)
        x[j] = assay_round_fast(&operand, x[j]);
}

void weight_row(const assay_policy *policy, const assay_parameter *p, size_t i, double *out)
{
    parameter_row(p, i, out);
    if (!assay_scheme_is_identity(&policy->weight))
        assay_scheme_apply(&policy->weight, out, out, p->cols);
    round_operand(policy, out, p->cols);
}

void input_row(const assay_policy *policy, const double *x, double *out, size_t n)
{
    if (assay_scheme_is_identity(&policy->in))
        memmove(out, x, n * sizeof *x);
    else
        assay_scheme_apply(&policy->in, x, out, n);
    round_operand(policy, out, n);
}

void output_row(const assay_policy *policy, double *y, size_t n)
{
    if (!assay_scheme_is_identity(&policy->out))
        assay_scheme_apply(&policy->out, y, y, n);
    for (size_t j = 0; j < n; j++)
        y[j] = y[j] == y[j] ? y[j] : canonical_nan;
}

assay_status check_same_shape(const char *op, const assay_matrix *a, const assay_matrix *b)
{
    if (a->rows == b->rows && a->cols == b->cols)
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_SHAPE,
                      "%s: an operand is [%zu, %zu] where the output is [%zu, %zu]", op, a->rows,
                      a->cols, b->rows, b->cols);
}

assay_status check_vector(const char *op, const char *what, const assay_parameter *p, size_t cols)
{
    if (p->rows == 1 && p->cols == cols)
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_SHAPE, "%s: %s is [%zu, %zu], expected [%zu]", op, what, p->rows,
                      p->cols, cols);
}
