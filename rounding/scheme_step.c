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
        return (block_step){ .kind = STEP_DIVIDE, .factor = factor, .times = times };
    factor = assay_pow2(-assay_exponent(factor));
    return (block_step){ .kind = STEP_SHIFT, .factor = factor, .times = 1 };
}

/* compressed-tensors multiplies e2m1 by the sign of what is rounded, which is 0 for -0. */
bool assay_order_drops_sign(const assay_scheme *s)
{
    const assay_format *f = &s->element.format;
    return s->order == ASSAY_ORDER_TE || s->order == ASSAY_ORDER_MODELOPT ||
           (s->order == ASSAY_ORDER_CT && f->bits == 4 && f->kind == ASSAY_FAMILY_FLOAT);
}

/* What elements are divided by, or multiplied with. */
static float order_factor(const assay_scheme *s, assay_tensor_scale t, float scale)
{
    float encode;
    switch (s->order) {
    case ASSAY_ORDER_TE:
        encode = 1 / (scale * (1 / t.reciprocal));
        return encode < FLT_MAX ? encode : FLT_MAX;
    case ASSAY_ORDER_TORCHAO: return 1 / t.multiplier / scale;
    case ASSAY_ORDER_CT: return scale / t.reciprocal;
    case ASSAY_ORDER_MODELOPT: return scale * t.multiplier;
    case ASSAY_ORDER_MUL32: return 1 / scale;
    default: return scale; /* div32 */
    }
}

block_step assay_block_step(const assay_scheme *s, const assay_tensor_scale *tensor,
                            const block_scale *scale)
{
    const assay_tensor_scale none = { .stored = 1, .reciprocal = 1, .multiplier = 1 };
    if (scale->value != scale->value)
        return (block_step){ .kind = STEP_ZERO, .times = 1, .no_negative_zero = true };
    if (s->order == ASSAY_ORDER_EXACT && scale->value == 0)
        return (block_step){ .kind = STEP_ZERO, .times = 1 };
    if (s->order == ASSAY_ORDER_EXACT)
        return exact_step(s, tensor, scale->value);
    block_step step = { .kind = STEP_DIVIDE32, .times = 1 };
    if (s->order == ASSAY_ORDER_TE || s->order == ASSAY_ORDER_TORCHAO ||
        s->order == ASSAY_ORDER_MUL32)
        step.kind = STEP_MULTIPLY32;
    step.factor = (double)order_factor(s, tensor ? *tensor : none, (float)scale->value);
    step.no_negative_zero = assay_order_drops_sign(s);
    step.adds = s->order == ASSAY_ORDER_CT && s->has_zero;
    step.zero = (float)scale->zero;
    return step;
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
        z = v == 0 ? v : z;
        y[i] = (double)(step->adds ? z + step->zero : z);
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
