/* SPDX-License-Identifier: Apache-2.0 */
/* The scale of one block: rules on exact values. */
#include <math.h>

#include "numerics/bits.h"
#include "numerics/superaccumulator.h"
#include "rounding/scheme_parts.h"

static const uint64_t one = (uint64_t)1 << 63; /* of a significand in [1, 2) */

/* The significand of x != 0, in [1, 2). */
static double unit_part(double x)
{
    const uint64_t fraction = ((uint64_t)1 << 52) - 1, unit = (uint64_t)1023 << 52;
    double normal = assay_exponent(x) < -1022 ? x * 0x1p200 : x;
    return assay_from_bits64((assay_bits64(normal) & fraction) | unit);
}

/* q 2^e, q > 0 off by `rest` in units that do not matter, with the sign of x. */
static double odd(double q, double rest, int e, double x)
{
    uint64_t bits = assay_bits64(q);
    if (rest != 0 && (bits & 1) == 0)
        bits += rest > 0 ? 1 : UINT64_MAX;
    return copysign(assay_from_bits64(bits) * assay_pow2(assay_clamp(e, -1000, 1000)), x);
}

/* Significands in [1, 2) have a quotient in (1/2, 2), whose remainder fma gives exactly. */
double assay_odd_quotient(double a, double b)
{
    if (a == 0)
        return a;
    double u = unit_part(a), v = unit_part(b), q = u / v;
    return odd(q, fma(-q, v, u), assay_exponent(a) - assay_exponent(b), a);
}

double assay_odd_product(double a, double b)
{
    if (a == 0)
        return a;
    double u = unit_part(a), v = unit_part(b), p = u * v;
    return odd(p, fma(u, v, -p), assay_exponent(a) + assay_exponent(b), a);
}

double assay_odd_difference(double a, double b)
{
    double d = a - b, t = d - a, rest = (a - (d - t)) + (-b - t);
    uint64_t bits = assay_bits64(d);
    if (rest != 0 && (bits & 1) == 0 && fabs(d) < INFINITY)
        bits += (rest > 0) == (d > 0) ? 1 : UINT64_MAX;
    d = assay_from_bits64(bits);
    return fabs(d) < INFINITY ? d : copysign(1.7976931348623157e308, d);
}

double assay_region_amax(const region *r)
{
    /* Magnitudes compare as their bits do, and NaN and infinity come after all finite ones. */
    uint64_t top = 0;
    for (size_t i = 0; i < r->rows; i++)
        for (size_t j = 0; j < r->cols; j++) {
            uint64_t u = assay_bits64(assay_region_at(r, i * r->stride + j)) & 0x7fffffffffffffff;
            top = u > top ? u : top;
        }
    return top < (uint64_t)0x7ff << 52 ? assay_from_bits64(top) : (double)NAN;
}

/* Digit by digit from the top: how many magnitudes start with the digits found so far. */
double assay_region_select(const region *r, size_t k)
{
    uint64_t found = 0;
    for (int shift = 56; shift >= 0; shift -= 8) {
        size_t count[256] = { 0 };
        uint64_t above = shift == 56 ? 0 : ~(uint64_t)0 << (shift + 8);
        for (size_t i = 0; i < r->rows; i++)
            for (size_t j = 0; j < r->cols; j++) {
                uint64_t u =
                    assay_bits64(assay_region_at(r, i * r->stride + j)) & 0x7fffffffffffffff;
                if ((u & above) == found)
                    count[u >> shift & 255]++;
            }
        uint64_t digit = 0;
        while (k > count[digit])
            k -= count[digit++];
        found |= digit << shift;
    }
    return assay_from_bits64(found);
}

/* Fraction bits of the largest value: of integers those below its leading one. */
static int fraction_bits(const assay_format *f)
{
    if (f->kind == ASSAY_FAMILY_FIXED)
        return assay_exponent((double)f->highest);
    return f->p < 60 ? f->p - 1 : 60;
}

/* Whether the rule goes one above floor; mu as a significand. */
static bool bumps(const assay_scheme *s, uint64_t mu)
{
    const assay_format *f = &s->element.format;
    switch (s->rule) {
    case ASSAY_SCALE_CEIL: return mu > one;
    case ASSAY_SCALE_RCEIL: return mu > assay_exact_from(f->max).sig;
    case ASSAY_SCALE_EVEN: return mu >= 0 - (one >> (fraction_bits(f) + 1));
    case ASSAY_SCALE_NEAREST: return (unsigned __int128)mu * mu >> 127 != 0;
    case ASSAY_SCALE_CT: return mu >= one / 4 * 7;
    default: return false;
    }
}

int assay_scale_exponent(const assay_scheme *s, double amax)
{
    const assay_format *f = &s->element.format, *scale = &s->scale.format;
    int lowest = assay_exponent(scale->min_positive), highest = assay_exponent(scale->max);
    amax = amax > s->least ? amax : s->least;
    if (amax == 0)
        return lowest;
    int e = assay_exponent(amax) - assay_exponent(f->max);
    return assay_clamp(e + bumps(s, assay_exact_from(amax).sig), lowest, highest);
}

static block_scale scale_of_code(const assay_scheme *s, uint64_t code)
{
    return (block_scale){ .code = code, .value = assay_decode(&s->scale.format, code) };
}

/* 2^e, within the format's range: of e8m0 the code counts from the lowest. */
static block_scale scale_of_power(const assay_scheme *s, int e)
{
    const assay_format *f = &s->scale.format;
    double value = assay_pow2(e);
    if (f->kind == ASSAY_FAMILY_FLOAT && f->p == 1 && !f->is_signed && !f->has_zero)
        return (block_scale){ .code = (uint64_t)(e + f->bias), .value = value };
    return scale_of_code(s, assay_round_code(&s->scale, value));
}

static block_scale nan_scale(const assay_scheme *s)
{
    return (block_scale){ .code = s->scale.format.nan_code, .value = NAN };
}

static bool is_power_rule(const assay_scheme *s)
{
    bool powers = s->scale.format.p == 1;
    switch (s->rule) {
    case ASSAY_SCALE_MAX:
    case ASSAY_SCALE_FOUR_SIX:
    case ASSAY_SCALE_MEAN:
    case ASSAY_SCALE_RANGE: return false;
    case ASSAY_SCALE_PERCENTILE: return powers;
    default: return true;
    }
}

double assay_scale_divisor(const assay_scheme *s)
{
    const assay_format *f = &s->element.format;
    if (s->rule != ASSAY_SCALE_RANGE || f->kind != ASSAY_FAMILY_FIXED)
        return f->max;
    return f->max / (double)f->highest * (double)(f->highest - f->lowest) / 2;
}

/* a / (max t), or 3 a / (2 max t): odd operands and quotients round like the exact ones, since
 * what they are compared with, a midpoint times max t, has at most 51 bits. */
static double exact_quotient(const assay_scheme *s, const assay_tensor_scale *tensor, double a,
                             bool wide)
{
    double divisor = assay_scale_divisor(s);
    if (tensor && s->tensor_divides)
        a = assay_odd_product(a, (double)tensor->stored);
    else if (tensor)
        divisor *= (double)tensor->stored;
    return wide ? assay_odd_quotient(assay_odd_difference(2 * a, -a), 2 * divisor)
                : assay_odd_quotient(a, divisor);
}

void assay_order_quotients(const assay_scheme *s, const assay_tensor_scale *tensor, bool wide,
                           const float *a, double *q, size_t n)
{
    const assay_tensor_scale none = { .stored = 1, .reciprocal = 1, .multiplier = 1 };
    const assay_tensor_scale t = tensor ? *tensor : none;
    const float max = (float)assay_scale_divisor(s), grow = wide ? 1.5f : 1;
    const float normal = (float)s->scale.format.min_normal, top = (float)s->scale.format.max;
    const float least = (float)s->scale.format.min_positive;
    const float te = t.reciprocal * (1 / max), modelopt = max * t.multiplier;
    for (size_t i = 0; i < n; i++) {
        float v;
        switch (s->order) {
        case ASSAY_ORDER_TE: v = a[i] * te * grow; break;
        case ASSAY_ORDER_TORCHAO:
            v = a[i] / max / t.multiplier * grow;
            v = v < normal ? normal : v > top ? top : v;
            break;
        case ASSAY_ORDER_CT: v = t.reciprocal * (a[i] / max) * grow; break;
        case ASSAY_ORDER_MODELOPT:
            v = a[i] / modelopt;
            v = v == 0 ? 1 : v * grow;
            v = v < least ? least : v;
            break;
        default: v = a[i] / max * grow; /* div32, mul32 */
        }
        q[i] = (double)v;
    }
}

/* compressed-tensors: the distance from 1 to the next value, as 0.125 of e4m3. */
block_scale assay_order_nonzero(const assay_scheme *s, block_scale scale)
{
    if (s->order != ASSAY_ORDER_CT || scale.value != 0)
        return scale;
    return scale_of_code(s, assay_round_code(&s->scale, assay_pow2(1 - s->scale.format.p)));
}

/* The block scale before it is rounded. */
static double quotient(const assay_scheme *s, const assay_tensor_scale *tensor, double a, bool wide)
{
    const float amax = (float)a;
    double q;
    if (s->order == ASSAY_ORDER_EXACT)
        return exact_quotient(s, tensor, a, wide);
    assay_order_quotients(s, tensor, wide, &amax, &q, 1);
    return q;
}

block_scale assay_scale_for(const assay_scheme *s, const assay_tensor_scale *tensor, double a,
                            bool wide)
{
    a = a > s->least ? a : s->least;
    if (is_power_rule(s))
        return scale_of_power(s, assay_scale_exponent(s, a));
    uint64_t code = assay_round_code(&s->scale, quotient(s, tensor, a, wide));
    return assay_order_nonzero(s, scale_of_code(s, code));
}

/* The exact sum of magnitudes; 64 bits with a sticky last one round right. */
assay_exact assay_region_mean(const region *r)
{
    assay_superaccumulator sum;
    assay_superaccumulator_clear(&sum);
    for (size_t i = 0; i < r->rows; i++)
        for (size_t j = 0; j < r->cols; j++)
            assay_superaccumulator_add(&sum, fabs(assay_region_at(r, i * r->stride + j)));
    assay_leading l = assay_superaccumulator_leading(&sum);
    if (l.kind == ASSAY_SUM_ZERO)
        return assay_exact_from(0);
    return assay_exact_from_ratio(false, l.sig | l.sticky, (uint64_t)(r->rows * r->cols), l.exp);
}

static block_scale mean_scale(const assay_scheme *s, const region *r)
{
    return scale_of_code(s, assay_round_exact(&s->scale, assay_region_mean(r)));
}

double assay_affine_quotient(const assay_scheme *s, double lo, double hi)
{
    const assay_format *f = &s->element.format;
    double range = assay_odd_difference(hi, lo);
    range = range > s->least ? range : s->least;
    return assay_odd_quotient(range, (double)(f->highest - f->lowest));
}

double assay_affine_zero(const assay_format *f, double lo, double scale)
{
    double least = (double)f->lowest, most = (double)f->highest, z = 0;
    if (scale > 0)
        z = least - rint(assay_odd_quotient(lo, scale)); /* nearest even: assay_env_check */
    return z < least ? least : z > most ? most : z;
}

/* In binary32, z from the scale before it is rounded into its format: torchao's order, or
 * compressed-tensors', which clamps before it rounds. */
static block_scale affine_in_order(const assay_scheme *s, float lo, float hi)
{
    const assay_format *f = &s->element.format;
    const float lowest = (float)f->lowest, highest = (float)f->highest, least = (float)s->least;
    bool ct = s->order == ASSAY_ORDER_CT;
    float range = hi - lo, z = 0;
    range = range > least ? range : least;
    float v = range / (highest - lowest);
    if (v > 0)
        z = lowest - (ct ? lo / v : rintf(lo / v)); /* nearest even: assay_env_check */
    z = z < lowest ? lowest : z > highest ? highest : z;
    block_scale scale = scale_of_code(s, assay_round_code(&s->scale, (double)v));
    scale = assay_order_nonzero(s, scale);
    scale.zero = (double)rintf(z) + 0.0; /* integers have no -0 */
    return scale;
}

static block_scale affine_scale(const assay_scheme *s, const region *r)
{
    const assay_format *f = &s->element.format;
    double lo = 0, hi = 0;
    for (size_t i = 0; i < r->rows; i++)
        for (size_t j = 0; j < r->cols; j++) {
            double x = assay_region_at(r, i * r->stride + j);
            lo = x < lo ? x : lo;
            hi = x > hi ? x : hi;
        }
    block_scale scale;
    if (s->order == ASSAY_ORDER_EXACT) {
        double q = assay_affine_quotient(s, lo, hi);
        scale = scale_of_code(s, assay_round_code(&s->scale, q));
        scale.zero = assay_affine_zero(f, lo, scale.value);
    } else {
        scale = affine_in_order(s, (float)lo, (float)hi);
    }
    return assay_encode_exact(f, scale.zero, &scale.zero_code) ? scale : nan_scale(s);
}

block_scale assay_block_scale(const assay_scheme *s, const assay_tensor_scale *tensor,
                              const region *r)
{
    double a = assay_region_amax(r);
    if (a != a)
        return nan_scale(s);
    if (s->has_zero)
        return affine_scale(s, r);
    if (s->rule == ASSAY_SCALE_MEAN)
        return mean_scale(s, r);
    if (s->rule == ASSAY_SCALE_MSE || s->rule == ASSAY_SCALE_FOUR_SIX)
        return assay_scale_search(s, tensor, r, a);
    size_t n = r->rows * r->cols;
    if (s->rule == ASSAY_SCALE_PERCENTILE && n > 0) {
        const unsigned __int128 whole = 100 * 1000000;
        unsigned __int128 k = ((unsigned __int128)s->percent * n + whole - 1) / whole;
        a = assay_region_select(r, k < 1 ? 1 : k > n ? n : (size_t)k);
    }
    return assay_scale_for(s, tensor, a, false);
}
