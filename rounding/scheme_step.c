/* SPDX-License-Identifier: Apache-2.0 */
/* From an element to what its format rounds, in the arithmetic of each producer. */
#include <float.h>
#include <math.h>

#include "numerics/bits.h"
#include "rounding/scheme_parts.h"

static bool is_power_of_two(double x)
{
    return x > 0 && (assay_bits64(x) & 0xfffffffffffff) == 0 && assay_exponent(x) >= -1022;
}

block_factor assay_block_factor(const assay_scheme *s, const assay_tensor_scale *tensor,
                                double scale)
{
    if (!tensor)
        return (block_factor){ scale, 1 };
    if (s->tensor_divides)
        return (block_factor){ scale, (double)tensor->stored };
    return (block_factor){ scale * (double)tensor->stored, 1 }; /* 24 + 24 bits */
}

static block_step exact_step(const assay_scheme *s, const assay_tensor_scale *tensor, double scale)
{
    bool divides = tensor && s->tensor_divides;
    double times = divides ? (double)tensor->stored : 1;
    double factor = tensor && !divides ? scale * (double)tensor->stored : scale;
    if (divides || !is_power_of_two(factor) || fabs((double)assay_exponent(factor)) > 1000)
        return (block_step){ STEP_DIVIDE, factor, times, false };
    return (block_step){ STEP_SHIFT, assay_pow2(-assay_exponent(factor)), 1, false };
}

block_step assay_block_step(const assay_scheme *s, const assay_tensor_scale *tensor,
                            const block_scale *scale)
{
    float b = (float)scale->value, encode;
    if (scale->value != scale->value)
        return (block_step){ STEP_ZERO, 0, 1, true };
    switch (s->order) {
    case ASSAY_ORDER_TE:
        encode = 1 / (b * (1 / tensor->reciprocal));
        return (block_step){ STEP_MULTIPLY32, (double)(encode < FLT_MAX ? encode : FLT_MAX), 1,
                             true };
    case ASSAY_ORDER_TORCHAO:
        return (block_step){ STEP_MULTIPLY32, (double)(1 / tensor->multiplier / b), 1, false };
    case ASSAY_ORDER_CT:
        return (block_step){ STEP_DIVIDE32, (double)(b / tensor->reciprocal), 1, false };
    case ASSAY_ORDER_MODELOPT:
        return (block_step){ STEP_DIVIDE32, (double)(b * tensor->multiplier), 1, true };
    case ASSAY_ORDER_DIV32: return (block_step){ STEP_DIVIDE32, (double)b, 1, false };
    case ASSAY_ORDER_MUL32: return (block_step){ STEP_MULTIPLY32, (double)(1 / b), 1, false };
    default: break;
    }
    if (scale->value == 0)
        return (block_step){ STEP_ZERO, 0, 1, false };
    return exact_step(s, tensor, scale->value);
}

/* x 2^-e is exact unless it falls below binary64's normal range, far below half of any
 * element's least value, where only its sign and its not being zero still matter. */
static void shift_row(double factor, const double *x, double *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double z = x[i] * factor;
        y[i] = z == 0 && x[i] != 0 ? copysign(0x1p-1074, x[i]) : z;
    }
}

/* One division to nearest is enough: where m f is a binary64 (a midpoint or a value m of the
 * element times the factor, at most 53 bits) and x is not m f, x / f does not round to m, for
 * x differs from m f by a unit in its last place, and the significand of m f is less than twice
 * that of m. Quotients that underflow stay nonzero, and those that overflow finite. */
static void divide_row(double factor, const double *x, double *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double z = x[i] / factor, a = fabs(z);
        a = a < DBL_MAX ? a : DBL_MAX;
        a = a == 0 && x[i] != 0 ? 0x1p-1074 : a;
        y[i] = copysign(a, x[i]);
    }
}

static void divide_product_row(const block_step *step, const double *x, double *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = assay_odd_quotient(assay_odd_product(x[i], step->times), step->factor);
}

/* 0 over 0 and 0 times infinity are zeros here: the producers' blocks of zeros. */
static void binary32_row(const block_step *step, const double *x, double *y, size_t n)
{
    float f = (float)step->factor;
    bool divide = step->kind == STEP_DIVIDE32;
    for (size_t i = 0; i < n; i++) {
        float v = (float)x[i], z = divide ? v / f : v * f;
        y[i] = v == 0 ? (double)v : (double)z;
    }
}

void assay_step_row(const block_step *step, const double *x, double *y, size_t n)
{
    switch (step->kind) {
    case STEP_SHIFT: shift_row(step->factor, x, y, n); break;
    case STEP_DIVIDE:
        if (step->times == 1)
            divide_row(step->factor, x, y, n);
        else
            divide_product_row(step, x, y, n);
        break;
    case STEP_DIVIDE32:
    case STEP_MULTIPLY32: binary32_row(step, x, y, n); break;
    default:
        for (size_t i = 0; i < n; i++)
            y[i] = copysign(0, x[i]);
    }
    for (size_t i = 0; step->no_negative_zero && i < n; i++)
        y[i] = y[i] == 0 ? 0 : y[i];
}
