/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/scheme_feedback.h"

#include <math.h>

#include "formats/container.h"
#include "rounding/feedback_strip.h"
#include "rounding/scheme_parts.h"

assay_status assay_scheme_feedback_check(const assay_scheme *s)
{
    if (s->hierarchy)
        return assay_fail(ASSAY_ERR_USAGE,
                          "error feedback is not for types with fields of their own");
    if (s->extent == ASSAY_EXTENT_TENSOR || s->nested > 0)
        return assay_fail(ASSAY_ERR_USAGE,
                          "error feedback runs along time, which a scale of the whole tensor, and "
                          "nested ones, would span; use a block, tile, group, channel or token "
                          "scheme");
    int bits = s->element.format.p + 1 + s->scale.format.p + 1 + (s->has_tensor_scale ? 24 : 0);
    if (bits > 51 || s->element.format.kind == ASSAY_FAMILY_CODEBOOK)
        return assay_fail(ASSAY_ERR_USAGE, "error feedback: elements and scales are too wide");
    return ASSAY_OK;
}

static double decoded(const assay_format *f, const void *codes, size_t i)
{
    return assay_decode(f, assay_container_load(codes, i, assay_format_container(f)));
}

/* f with the ends of a block: of q = code x scale, as the quantizer computes it. */
static assay_feedback of_block(const assay_scheme *s, const assay_feedback *f,
                               const assay_tensor_scale *tensor, double scale, double zero)
{
    const block_factor by = assay_block_factor(s, s->has_tensor_scale ? tensor : NULL, scale);
    const double most = f->highest - zero, least = f->lowest - zero;
    const double inner = most - f->step_above, outer = least + f->step_below;
    assay_feedback block = *f;
    block.highest = most * by.multiply / by.divide;
    block.lowest = least * by.multiply / by.divide;
    block.step_above = fabs(block.highest - inner * by.multiply / by.divide);
    block.step_below = fabs(block.lowest - outer * by.multiply / by.divide);
    return block;
}

void assay_scheme_feedback_step(const assay_scheme *s, const assay_feedback *f,
                                const assay_tensor_scale *tensor, size_t rows, size_t cols,
                                const double *x, const assay_random *random, uint64_t first,
                                double *hi, double *lo, double *u, const assay_quantized *out,
                                assay_feedback_counts *counts)
{
    if (rows == 0 || cols == 0)
        return;
    const assay_scale_shape shape = assay_scheme_scales(s, rows, cols);
    const size_t size = s->block < cols ? s->block : cols;
    assay_quantized made = *out;
    for (size_t i = 0; i < rows * cols; i++) {
        const assay_residue e = { hi[i], lo[i] };
        double own = x[i];
        u[i] = assay_feedback_operand(own, &e);
        if (out->values != x)
            out->values[i] = own;
    }
    /* values hold x until each is settled: the quantizer writes to u, in place. */
    made.values = u;
    assay_scheme_quantize(s, tensor, rows, cols, u, random, first, &made);
    for (size_t i = 0; i < rows; i++)
        for (size_t b = 0; b < shape.cols; b++) {
            size_t at = i / s->tile_rows * shape.cols + b, from = b * size;
            double scale = decoded(&s->scale.format, out->scales, at);
            double zero = s->has_zero ? decoded(&s->element.format, out->zeros, at) : 0;
            const assay_feedback block = of_block(s, f, tensor, scale, zero);
            for (size_t j = from; j < cols && j < from + size; j++) {
                size_t k = i * cols + j;
                assay_residue e = { hi[k], lo[k] };
                assay_feedback_settle(&block, out->values[k], u[k], &e, counts);
                hi[k] = e.hi;
                lo[k] = e.lo;
                out->values[k] = u[k];
            }
        }
}
