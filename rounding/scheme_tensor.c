/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to a tensor as a whole: its scale, and the way back from codes. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/scheme_run.h"

double assay_scheme_amax(const assay_scheme *s, size_t rows, size_t cols, const double *x)
{
    size_t height = s->tile_rows, size = s->block < cols ? s->block : cols;
    double top = 0;
    for (size_t i = 0; i < rows && size > 0; i += height)
        for (size_t j = 0; j < cols; j += size) {
            region part = { x + i * cols + j, rows - i < height ? rows - i : height,
                            cols - j < size ? cols - j : size, cols, NULL };
            double a = assay_region_amax(&part);
            top = a > top ? a : top;
        }
    return top;
}

/* Of the blocks of some rows, tiles that begin with the first of them. */
static uint32_t finite_amax(const assay_scheme *s, size_t rows, size_t cols, const float *x)
{
    const uint32_t infinity = 0x7f800000;
    const assay_scheme_loops *loops = assay_scheme_loops_current();
    size_t height = s->tile_rows, size = s->block < cols ? s->block : cols;
    uint32_t top = 0;
    for (size_t i = 0; i < rows; i += height)
        for (size_t j = 0; j < cols; j += size) {
            uint32_t a = 0;
            size_t n = cols - j < size ? cols - j : size;
            for (size_t k = i; k < rows && k - i < height; k++)
                loops->amax((assay_blocks){ n, n }, x + k * cols + j, &a);
            top = a < infinity && a > top ? a : top;
        }
    return top;
}

/* Blocks matter only among rows with a NaN or an infinity. */
double assay_scheme_amax_f32(const assay_scheme *s, size_t rows, size_t cols, const float *x)
{
    uint32_t top = 0;
    for (size_t i = 0; i < rows && cols > 0; i += s->tile_rows) {
        size_t height = rows - i < s->tile_rows ? rows - i : s->tile_rows, n = height * cols;
        uint32_t a = 0;
        assay_scheme_loops_current()->amax((assay_blocks){ n, n }, x + i * cols, &a);
        if (a >= 0x7f800000)
            a = finite_amax(s, height, cols, x + i * cols);
        top = a > top ? a : top;
    }
    return assay_widen_f32(assay_from_bits32(top));
}

/* fl(n / d), at least the least positive binary32 where the quotient is not zero. */
static float positive32(double n, double d)
{
    double q = assay_odd_quotient(n, d);
    float f = q < FLT_MAX ? (float)q : FLT_MAX; /* odd: rounded once */
    return f > 0 ? f : assay_from_bits32(1);
}

/* S. A number over a tensor is two roundings in torch: compressed-tensors' quotient. */
static float reciprocal32(assay_order order, float aim, float a)
{
    bool ct = order == ASSAY_ORDER_CT;
    float s = ct ? 1 / (a > FLT_MIN ? a : FLT_MIN) * aim : aim / a;
    s = s < FLT_MAX ? s : ct ? 1 : FLT_MAX;
    return s == 0 ? 1 : s;
}

/* max of the element times the block scale aimed at: 6 x 448 of NVFP4. */
assay_tensor_scale assay_scheme_tensor_scale(const assay_scheme *s, double amax)
{
    double aim = assay_scale_divisor(s) * s->top_scale;
    assay_tensor_scale t = { .stored = 1, .reciprocal = 1, .multiplier = 1 };
    if (!s->has_tensor_scale)
        return t;
    if (amax > 0) {
        float a = (float)amax;
        t.reciprocal = reciprocal32(s->order, (float)aim, a);
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

bool assay_scheme_follows_range(const assay_scheme *s)
{
    return s->has_zero || s->rule <= ASSAY_SCALE_MAX || s->rule == ASSAY_SCALE_RANGE;
}

void assay_scheme_fix_scale(const assay_scheme *s, size_t rows, size_t cols, const double *x,
                            assay_tensor_scale *tensor)
{
    if (s->extent != ASSAY_EXTENT_TENSOR)
        return;
    region all = { x, rows, cols, cols, NULL };
    block_scale one = assay_block_scale(s, s->has_tensor_scale ? tensor : NULL, &all);
    tensor->fixed = true;
    tensor->scale = one.code;
    tensor->zero = one.zero_code;
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
