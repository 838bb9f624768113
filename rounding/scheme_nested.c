/* SPDX-License-Identifier: Apache-2.0 */
/* Scales that are quantized themselves: their mean taken off, in blocks, by a map of 8 bits. */
#include <string.h>

#include "numerics/bits.h"
#include "numerics/superaccumulator.h"
#include "rounding/array.h"
#include "rounding/scheme_rows.h"
#include "rounding/scheme_run.h"

assay_status assay_scheme_make_nested(const char *map, size_t size, assay_scheme *s)
{
    assay_format f;
    if (s->has_zero || s->has_tensor_scale || s->hierarchy ||
        strcmp(s->scale.format.name, "binary32") != 0)
        return assay_fail(ASSAY_ERR_USAGE,
                          "nested=%zu: only scale=binary32 is nested, without zero points and "
                          "tensor scale",
                          size);
    assay_status status = assay_format_parse(map, &f);
    if (status != ASSAY_OK)
        return status;
    if (f.bits > 8 || !assay_scheme_is_narrow(&f) || f.kind == ASSAY_FAMILY_FLOAT)
        return assay_fail(ASSAY_ERR_USAGE,
                          "map=%s: a map of scales is a codebook of at most 8 bits, or integers",
                          map);
    s->nested = size;
    return assay_rounder_make(&f, ASSAY_RNE, ASSAY_OVERFLOW_SAT, ASSAY_NAN_RULE_ZERO, &s->map);
}

/* The scheme of the scales, which are one row. */
static assay_scheme of_scales(const assay_scheme *s)
{
    return (assay_scheme){ .element = s->map,
                           .block = s->nested,
                           .rule = ASSAY_SCALE_MAX,
                           .extent = ASSAY_EXTENT_BLOCK,
                           .tile_rows = 1,
                           .order = s->order,
                           .scale = s->scale };
}

/* The exact mean of what is no NaN, rounded once. */
static float mean(const float *x, size_t n)
{
    assay_superaccumulator sum;
    uint64_t count = 0;
    assay_superaccumulator_clear(&sum);
    for (size_t i = 0; i < n; i++)
        if (x[i] == x[i]) {
            assay_superaccumulator_add(&sum, assay_widen_f32(x[i]));
            count++;
        }
    assay_leading l = assay_superaccumulator_leading(&sum);
    if (l.kind == ASSAY_SUM_ZERO)
        return 0;
    assay_exact exact = assay_exact_from_ratio(false, l.sig | l.sticky, count, l.exp);
    assay_rounder nearest = assay_binary32_rounder();
    return assay_from_bits32((uint32_t)assay_round_exact(&nearest, exact));
}

float assay_scheme_nest(const assay_scheme *s, size_t n, float *scales, uint8_t *codes,
                        float *nested)
{
    const assay_scheme second = of_scales(s);
    const assay_quantized_f32 out = { .codes = codes, .scales = nested };
    const float offset = mean(scales, n);
    for (size_t i = 0; i < n; i++)
        scales[i] -= offset; /* a NaN stays one, and is its block's */
    assay_scheme_quantize_f32(&second, NULL, 1, n, scales, NULL, 0, &out);
    assay_scheme_unnest(s, n, codes, nested, offset, scales);
    return offset;
}

void assay_scheme_unnest(const assay_scheme *s, size_t n, const uint8_t *codes, const float *nested,
                         float offset, float *scales)
{
    for (size_t i = 0; i < n; i++) {
        float product = (float)assay_decode(&s->map.format, codes[i]) * nested[i / s->nested];
        float sum = product + offset; /* two roundings: no fused operation here */
        scales[i] = sum == sum ? sum : assay_from_bits32(0x7fc00000);
    }
}
