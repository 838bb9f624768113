/* SPDX-License-Identifier: Apache-2.0 */
/* The scales of a group of blocks at once, and what takes elements to them. */
#include <float.h>
#include <math.h>

#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/scheme_run.h"

/* Finite amax > 0 as its exponent and fraction bits, subnormals too. */
static int exponent_of(uint32_t bits, uint32_t *fraction)
{
    int top = 31 - __builtin_clz(bits);
    bool normal = bits >> 23 != 0;
    *fraction = (normal ? bits : bits << (23 - top)) & 0x7fffff;
    return normal ? (int)(bits >> 23) - 127 : top - 149;
}

static bool power_scale(const assay_fast *f, const run *r, uint32_t bits, block_scale *out)
{
    uint32_t fraction;
    int e = f->lowest, E = 0;
    if (bits > 0) {
        E = exponent_of(bits, &fraction);
        e = assay_clamp(E - f->emax + (fraction >= f->bump), f->lowest, f->highest);
    }
    out->value = assay_pow2(e);
    out->code = f->counts ? (uint64_t)(e + r->s->scale.format.bias)
                          : assay_round_code(&r->s->scale, out->value);
    return E - e + f->unit < 100 && f->unit - e <= 127;
}

/* a / max in the arithmetic of the order, as scale.c has it for one block. */
static void quotients(const run *r, const float *a, double *q, size_t n)
{
    const assay_scheme *s = r->s;
    const float max = (float)s->element.format.max;
    const float least = (float)s->scale.format.min_normal, top = (float)s->scale.format.max;
    const assay_tensor_scale t = r->tensor ? *r->tensor : (assay_tensor_scale){ 1, 1, 1 };
    const float te = t.reciprocal * (1 / max), modelopt = max * t.multiplier;
    const double divisor = s->element.format.max * (r->tensor ? (double)t.stored : 1);
    for (size_t i = 0; i < n; i++) {
        float v;
        switch (s->order) {
        case ASSAY_ORDER_TE: v = a[i] * te; break;
        case ASSAY_ORDER_TORCHAO:
            v = a[i] / max / t.multiplier;
            v = v < least ? least : v > top ? top : v;
            break;
        case ASSAY_ORDER_CT: v = t.reciprocal * (a[i] / max); break;
        case ASSAY_ORDER_MODELOPT: v = a[i] / modelopt, v = v == 0 ? 1 : v; break;
        case ASSAY_ORDER_DIV32:
        case ASSAY_ORDER_MUL32: v = a[i] / max; break;
        default: q[i] = (double)a[i] / divisor; continue;
        }
        q[i] = (double)v;
    }
}

static void quotient_scales(const assay_fast *f, const run *r, group *g, const uint32_t *top)
{
    float a[ASSAY_PIECE_BLOCKS];
    double q[ASSAY_PIECE_BLOCKS], value[ASSAY_PIECE_BLOCKS];
    uint32_t codes[ASSAY_PIECE_BLOCKS];
    const assay_format *format = &r->s->scale.format;
    for (size_t b = 0; b < g->count; b++)
        a[b] = assay_from_bits32(top[b] > f->least ? top[b] : f->least);
    quotients(r, a, q, g->count);
    assay_array_pass_run(&f->of_scales, q, codes, g->count);
    assay_decode_array_f64(format, codes, value, g->count);
    for (size_t b = 0; b < g->count; b++) {
        uint64_t code = r->scale_bytes == 1   ? ((const uint8_t *)codes)[b]
                        : r->scale_bytes == 2 ? ((const uint16_t *)(const void *)codes)[b]
                                              : codes[b];
        g->scale[b] = (block_scale){ .code = code, .value = value[b] };
        if (r->s->order == ASSAY_ORDER_CT && value[b] == 0) {
            g->scale[b].code = assay_round_code(&r->s->scale, 0.125);
            g->scale[b].value = assay_decode(format, g->scale[b].code);
        }
    }
}

bool assay_fast_scales(const assay_fast *f, const run *r, group *g, uint32_t *top)
{
    bool all = true;
    for (size_t b = 0; b < g->count; b++)
        all = all && top[b] < 0x7f800000;
    if (!all)
        return false;
    if (f->scales == FAST_QUOTIENT) {
        quotient_scales(f, r, g, top);
        return true;
    }
    for (size_t b = 0; b < g->count; b++) {
        size_t start = (g->from + b) * g->size, left = r->cols - start;
        if (f->scales == FAST_POWER) {
            g->scale[b] = (block_scale){ 0 };
            all = power_scale(f, r, top[b] > f->least ? top[b] : f->least, &g->scale[b]) && all;
            continue;
        }
        region part =
            assay_run_region(r, g->row * r->cols + start, g->rows, left < g->size ? left : g->size);
        g->scale[b] = assay_block_scale(r->s, r->tensor, &part);
        all = all && g->scale[b].value == g->scale[b].value;
    }
    return all;
}
