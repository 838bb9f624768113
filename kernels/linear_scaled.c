/* SPDX-License-Identifier: Apache-2.0 */
/* y = x W^T (+ b) where block schemes' codes are multiplied and their scales applied to sums, or
 * taken by a matrix unit that has them. */
#include <string.h>

#include "kernels/linear_parts.h"
#include "rounding/array.h"

enum { CODE = 4 }; /* bytes of an element's or a scale's code, at most */

/* Rows as codes' values less their zero points, and the values of their scales. */
typedef struct side {
    const assay_scheme *scheme;
    size_t rows, k;
    double *x, *scale, *zero;
    void *codes, *scale_codes, *zero_codes;
} side;

static size_t side_bytes(const assay_scheme *s, size_t rows, size_t k)
{
    assay_scale_shape shape = assay_scheme_scales(s, rows, k);
    size_t scales = shape.rows * shape.cols;
    return doubles(rows * k) + 2 * doubles(scales) + align64(CODE * rows * k) +
           2 * align64(CODE * scales);
}

static side make_side(arena *a, const assay_scheme *s, size_t rows, size_t k)
{
    assay_scale_shape shape = assay_scheme_scales(s, rows, k);
    size_t scales = shape.rows * shape.cols;
    side x = { .scheme = s, .rows = rows, .k = k };
    x.x = arena_doubles(a, rows * k);
    x.scale = arena_doubles(a, scales);
    x.codes = arena_doubles(a, (CODE * rows * k + 7) / 8);
    x.scale_codes = arena_doubles(a, (CODE * scales + 7) / 8);
    x.zero = arena_doubles(a, scales);
    x.zero_codes = arena_doubles(a, (CODE * scales + 7) / 8);
    return x;
}

/* x holds `rows` rows, the first element being number `first` of its array. */
static assay_scales quantize(const assay_policy *p, const side *s, size_t rows, assay_role role,
                             uint64_t first)
{
    const assay_random random = random_of(p, role);
    const assay_scheme *scheme = s->scheme;
    const assay_tensor_scale none = { .stored = 1, .reciprocal = 1, .multiplier = 1 };
    const assay_tensor_scale *tensor = role == ASSAY_ROLE_WEIGHT ? &p->whole : &none;
    assay_scale_shape shape = assay_scheme_scales(scheme, rows, s->k);
    if (scheme->block == 0) {
        assay_round_random_f64(&scheme->element, &random, first, s->x, s->x, rows * s->k);
        return (assay_scales){ .vectors = 1, .block = 1 };
    }
    assay_quantized out = { .codes = s->codes, .scales = s->scale_codes };
    if (scheme->has_zero)
        out.zeros = s->zero_codes;
    bool stochastic = assay_mode_is_stochastic(scheme->element.mode);
    assay_scheme_quantize(scheme, tensor, rows, s->k, s->x, stochastic ? &random : NULL, first,
                          &out);
    assay_decode_array_f64(&scheme->element.format, s->codes, s->x, rows * s->k);
    assay_decode_array_f64(&scheme->scale.format, s->scale_codes, s->scale,
                           shape.rows * shape.cols);
    assay_scales scales =
        assay_scales_of(scheme, tensor, p->acc.unit.block > 0, rows, s->k, s->scale);
    if (scheme->has_zero) {
        assay_decode_array_f64(&scheme->element.format, s->zero_codes, s->zero,
                               shape.rows * shape.cols);
        assay_scales_take_zeros(&scales, rows, s->k, s->zero, s->x);
    }
    return scales;
}

size_t linear_scaled_workspace(const assay_call *c)
{
    const assay_policy *p = c->policy;
    size_t m = c->out.rows, k = c->in[0].cols, panel = linear_panel(c);
    return side_bytes(&p->in, m, k) + side_bytes(&p->weight, panel, k) + doubles(c->out.cols) +
           align64(assay_product_scaled_workspace(&p->acc, m, panel, k));
}

void linear_run_scaled(const assay_call *c)
{
    const assay_policy *p = c->policy;
    size_t m = c->out.rows, n = c->out.cols, k = c->in[0].cols, panel = linear_panel(c);
    arena a = { c->workspace };
    side x = make_side(&a, &p->in, m, k), w = make_side(&a, &p->weight, panel, k);
    double *bias = arena_doubles(&a, n);
    for (size_t i = 0; i < m; i++)
        memcpy(x.x + i * k, c->in[0].hi + i * c->in[0].ld, k * sizeof *x.x);
    assay_scales of_x = quantize(p, &x, m, ASSAY_ROLE_IN, element_of(c, 0, k));
    for (size_t j = 0; j < n; j += panel) {
        size_t count = n - j < panel ? n - j : panel;
#pragma omp parallel for schedule(static)
        for (size_t i = 0; i < count; i++)
            parameter_row(&c->weight[0], j + i, w.x + i * k);
        assay_scales of_w = quantize(p, &w, count, ASSAY_ROLE_WEIGHT, (uint64_t)j * k);
        assay_operand b = { w.x, ASSAY_STORAGE_F64, 1, k, NULL };
        assay_product_scaled(&p->acc, m, count, k, x.x, k, &of_x, &b, &of_w, NULL, c->out.hi + j,
                             c->out.ld, a.next);
    }
    linear_finish(c, bias);
}
