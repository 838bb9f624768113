/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to a tensor as a whole: its scale, and the way back from codes. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/scheme_hierarchy.h"
#include "rounding/scheme_parts.h"

double assay_scheme_amax(const assay_scheme *s, size_t rows, size_t cols, const double *x)
{
    size_t height = s->tile_rows, size = s->block < cols ? s->block : cols;
    double top = 0;
    for (size_t i = 0; i < rows && size > 0; i += height)
        for (size_t j = 0; j < cols; j += size) {
            region part = { x + i * cols + j, rows - i < height ? rows - i : height,
                            cols - j < size ? cols - j : size, cols };
            double a = assay_region_amax(&part);
            top = a > top ? a : top;
        }
    return top;
}

/* fl(n / d), at least the least positive binary32 where the quotient is not zero. */
static float positive32(double n, double d)
{
    double q = assay_odd_quotient(n, d);
    float f = q < FLT_MAX ? (float)q : FLT_MAX; /* odd: rounded once */
    return f > 0 ? f : assay_from_bits32(1);
}

/* max of the element times the block scale aimed at: 6 x 448 of NVFP4. */
assay_tensor_scale assay_scheme_tensor_scale(const assay_scheme *s, double amax)
{
    double aim = s->element.format.max * s->top_scale;
    assay_tensor_scale t = { 1, 1, 1 };
    if (!s->has_tensor_scale)
        return t;
    if (amax > 0) {
        float a = (float)amax, reciprocal = (float)aim / a;
        t.reciprocal = reciprocal < FLT_MAX ? reciprocal : FLT_MAX;
        if (t.reciprocal == 0)
            t.reciprocal = 1;
        t.multiplier = s->order == ASSAY_ORDER_EXACT ? positive32(amax, aim) : a / (float)aim;
        if (t.multiplier == 0) /* a binary32 amax below 2^-138 */
            t.multiplier = assay_from_bits32(1);
        if (s->order == ASSAY_ORDER_TE || s->order == ASSAY_ORDER_CT)
            t.multiplier = 1 / t.reciprocal;
    }
    t.stored = s->tensor_divides ? t.reciprocal : t.multiplier;
    if (s->order == ASSAY_ORDER_EXACT && s->tensor_divides && amax > 0)
        t.stored = positive32(aim, amax);
    return t;
}

void assay_scheme_quantize_tensor(const assay_scheme *s, size_t rows, size_t cols, const double *x,
                                  void *codes, void *scales, void *zeros, float *tensor)
{
    double amax = s->has_tensor_scale ? assay_scheme_amax(s, rows, cols, x) : 0;
    assay_tensor_scale t = assay_scheme_tensor_scale(s, amax);
    assay_quantized out = { codes, scales, zeros, NULL };
    assay_scheme_quantize(s, &t, rows, cols, x, NULL, 0, &out);
    if (tensor)
        *tensor = t.stored;
}

static uint64_t get(const void *from, size_t i, size_t bytes)
{
    uint64_t code = 0;
    memcpy(&code, (const unsigned char *)from + i * bytes, bytes); /* little-endian */
    return code;
}

/* A tensor that is read back: where its parts lie, and what one block is multiplied with. */
typedef struct stored {
    const assay_scheme *s;
    const void *codes, *scales, *zeros;
    assay_tensor_scale tensor;
    size_t code_bytes, scale_bytes;
} stored;

static void read_segment(const stored *t, size_t scale, size_t at, size_t n, double *y)
{
    const assay_format *f = &t->s->element.format, *of_scale = &t->s->scale.format;
    double zero = t->zeros ? assay_decode(f, get(t->zeros, scale, t->code_bytes)) : 0, factor = 1;
    if (t->scales)
        factor = assay_decode(of_scale, get(t->scales, scale, t->scale_bytes));
    bool divides = t->s->tensor_divides;
    double by = (double)t->tensor.stored;
    assay_decode_array_f64(f, (const unsigned char *)t->codes + at * t->code_bytes, y + at, n);
    for (size_t i = at; i < at + n; i++) {
        double v = (y[i] - zero) * factor; /* exact: at most 32 + 24 bits, or 53 in all */
        y[i] = divides ? v / by : v * by;
        y[i] = y[i] == y[i] ? y[i] : assay_from_bits64(0x7ff8000000000000);
    }
}

void assay_scheme_dequantize(const assay_scheme *s, size_t rows, size_t cols, const void *codes,
                             const void *scales, const void *zeros, float tensor, double *y)
{
    if (rows == 0 || cols == 0)
        return;
    if (s->hierarchy) {
        assay_hierarchy_dequantize(s, rows, cols, codes, y);
        return;
    }
    stored t = { s, codes, scales, zeros, { .stored = tensor }, 0, 0 };
    t.code_bytes = assay_format_container(&s->element.format);
    if (s->block == 0) {
        assay_decode_array_f64(&s->element.format, codes, y, rows * cols);
        return;
    }
    t.scale_bytes = assay_format_container(&s->scale.format);
    assay_scale_shape shape = assay_scheme_scales(s, rows, cols);
    size_t size = s->block < cols ? s->block : cols, height = s->tile_rows;
    if (s->extent == ASSAY_EXTENT_TENSOR)
        height = rows;
#pragma omp parallel for schedule(static) if (rows > 8)
    for (size_t i = 0; i < rows; i++)
        for (size_t b = 0; b < shape.cols; b++) {
            size_t left = cols - b * size;
            read_segment(&t, i / height * shape.cols + b, i * cols + b * size,
                         left < size ? left : size, y);
        }
}
