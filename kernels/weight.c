/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters: as they lie in the file, quantized some rows at a time, and what a scheme takes from
 * all of one. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "kernels/step.h"
#include "kernels/storage.h"

double parameter_get(const assay_parameter *p, size_t i)
{
    const unsigned char *bytes = p->data;
    return storage_load(p->storage, bytes + i * storage_bytes(p->storage));
}

static void parameter_rows(const assay_parameter *p, size_t first, size_t count, double *out)
{
    for (size_t i = 0; i < count * p->cols; i++)
        out[i] = parameter_get(p, first * p->cols + i);
}

void parameter_row(const assay_parameter *p, size_t i, double *out)
{
    parameter_rows(p, i, 1, out);
}

size_t weight_height(const assay_policy *policy, const assay_parameter *p)
{
    size_t height = policy->weight.tile_rows;
    return p->rows > 0 && p->rows < height ? p->rows : height;
}

void weight_rows(const assay_policy *policy, const assay_parameter *p, size_t first, size_t count,
                 double *out)
{
    const assay_scheme *s = &policy->weight;
    const assay_quantized values = { .values = out };
    assay_random random = random_of(policy, ASSAY_ROLE_WEIGHT);
    bool stochastic = assay_mode_is_stochastic(s->element.mode);
    parameter_rows(p, first, count, out);
    if (!assay_scheme_is_identity(s))
        assay_scheme_quantize(s, &policy->whole, count, p->cols, out, stochastic ? &random : NULL,
                              (uint64_t)first * p->cols, &values);
    round_operand(policy, out, count * p->cols);
}

/* ---- what a scheme takes from the whole of a parameter ---- */

/* Of elements, and of 0; `high` is infinite if one of them is NaN or infinite. */
typedef struct span {
    double amax, low, high;
} span;

static void look(const assay_scheme *s, size_t rows, size_t cols, const double *x, span *out)
{
    double amax = s->has_tensor_scale ? assay_scheme_amax(s, rows, cols, x) : 0;
    out->amax = amax > out->amax ? amax : out->amax;
    for (size_t i = 0; i < rows * cols; i++) {
        out->low = x[i] < out->low ? x[i] : out->low;
        out->high = x[i] > out->high ? x[i] : out->high;
        out->high = fabs(x[i]) < INFINITY ? out->high : INFINITY;
    }
}

/* The span of all rows, `piece` of them at a time, which threads take in turn; room [threads,
 * piece, cols]. */
static span look_at_all(const assay_scheme *s, const assay_parameter *p, size_t piece, double *room)
{
    double amax = 0, low = 0, high = 0;
#pragma omp parallel for schedule(static, 1) reduction(max : amax, high) reduction(min : low)
    for (size_t i = 0; i < p->rows; i += piece) {
        size_t rows = p->rows - i < piece ? p->rows - i : piece;
        double *x = room + (size_t)omp_get_thread_num() * piece * p->cols;
        span all = { amax, low, high };
        parameter_rows(p, i, rows, x);
        look(s, rows, p->cols, x, &all);
        amax = all.amax;
        low = all.low;
        high = all.high;
    }
    return (span){ amax, low, high };
}

/* About 2^16 elements, in whole tiles; of a rule that needs all of them at once, all. */
static size_t rows_at_once(const assay_policy *policy, const assay_parameter *p)
{
    const assay_scheme *s = &policy->weight;
    size_t height = weight_height(policy, p), rows = ((size_t)1 << 16) / (p->cols + 1) + 1;
    if (s->extent == ASSAY_EXTENT_TENSOR && !assay_scheme_follows_range(s))
        return p->rows;
    rows = (rows + height - 1) / height * height;
    return rows < p->rows ? rows : p->rows;
}

assay_status assay_policy_weigh(assay_policy *policy, const assay_parameter *p)
{
    const assay_scheme *s = &policy->weight;
    policy->whole = assay_scheme_tensor_scale(s, 0);
    bool tensor = s->extent == ASSAY_EXTENT_TENSOR;
    if (!p->data || p->rows * p->cols == 0 || (!tensor && !s->has_tensor_scale))
        return ASSAY_OK;
    size_t piece = rows_at_once(policy, p), count = (p->rows - 1) / piece + 1;
    size_t threads = (size_t)omp_get_max_threads();
    threads = count < threads ? count : threads;
    double *room = malloc(threads * piece * p->cols * sizeof *room);
    if (!room)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for a weight [%zu, %zu]", p->rows, p->cols);
    span all = look_at_all(s, p, piece, room);
    policy->whole = assay_scheme_tensor_scale(s, all.amax);
    if (assay_scheme_follows_range(s))
        assay_scheme_fix_scale(s, 1, 2, (const double[]){ all.low, all.high }, &policy->whole);
    else
        assay_scheme_fix_scale(s, p->rows, p->cols, room, &policy->whole);
    free(room);
    return ASSAY_OK;
}

/* ---- scales of products ---- */

assay_scales assay_scales_of(const assay_scheme *s, const assay_tensor_scale *tensor, bool apart,
                             size_t vectors, size_t k, double *value)
{
    assay_scale_shape shape = assay_scheme_scales(s, vectors, k);
    bool along = s->extent == ASSAY_EXTENT_BLOCK || s->extent == ASSAY_EXTENT_TILE;
    bool all = s->extent == ASSAY_EXTENT_TENSOR;
    double t = s->tensor_divides ? 1 / (double)tensor->stored : (double)tensor->stored;
    for (size_t i = 0; s->has_tensor_scale && !apart && i < shape.rows * shape.cols; i++)
        value[i] *= t;
    return (assay_scales){ .value = value,
                           .vectors = all ? vectors + 1 : s->tile_rows,
                           .block = along ? s->block : k + 1,
                           .ld = shape.cols,
                           .tensor = s->has_tensor_scale && apart ? t : 0 };
}

void assay_scales_take_zeros(const assay_scales *at, size_t vectors, size_t k, const double *zeros,
                             double *x)
{
    for (size_t i = 0; i < vectors; i++)
        for (size_t p = 0; p < k; p++)
            x[i * k + p] -= zeros[i / at->vectors * at->ld + p / at->block];
}
