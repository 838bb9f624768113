/* SPDX-License-Identifier: Apache-2.0 */
/* Quantizing rows of a tensor: scales of a few neighbouring blocks, then their elements. */
#include <math.h>
#include <string.h>

#include "formats/container.h"
#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/scheme_hierarchy.h"
#include "rounding/scheme_run.h"

assay_scale_shape assay_scheme_scales(const assay_scheme *s, size_t rows, size_t cols)
{
    if (s->block == 0)
        return (assay_scale_shape){ 0, 0 };
    if (s->extent == ASSAY_EXTENT_TENSOR)
        return (assay_scale_shape){ 1, 1 };
    if (s->extent == ASSAY_EXTENT_ROW)
        return (assay_scale_shape){ rows, 1 };
    return (assay_scale_shape){ rows / s->tile_rows + (rows % s->tile_rows != 0),
                                cols / s->block + (cols % s->block != 0) };
}

/* A group, and the scales of its blocks. */
typedef struct work {
    group g;
    block_scale scale[ASSAY_PIECE_BLOCKS];
    block_step step[ASSAY_PIECE_BLOCKS];
    block_factor factor[ASSAY_PIECE_BLOCKS];
} work;

size_t assay_run_scale_at(const run *r, const group *g)
{
    if (r->s->extent == ASSAY_EXTENT_TENSOR)
        return 0;
    return (g->row / r->s->tile_rows) * r->scales.cols + g->from;
}

static void find_scales(const run *r, work *w)
{
    const group *g = &w->g;
    size_t at = assay_run_scale_at(r, g);
    for (size_t b = 0; b < g->count; b++) {
        size_t start = (g->from + b) * g->size, left = r->cols - start;
        size_t cols = left < g->size ? left : g->size;
        region part = assay_run_region(r, g->row * r->cols + start, g->rows, cols);
        w->scale[b] = r->fixed ? r->one : assay_block_scale(r->s, r->tensor, &part);
        w->step[b] = assay_block_step(r->s, r->tensor, &w->scale[b]);
        w->factor[b] = assay_block_factor(r->s, r->tensor, w->scale[b].value);
        if (r->out.scales)
            assay_container_store(r->out.scales, at + b, r->scale_bytes, w->scale[b].code);
        if (r->out.zeros)
            assay_container_store(r->out.zeros, at + b, r->code_bytes, w->scale[b].zero_code);
    }
}

region assay_run_region(const run *r, size_t at, size_t rows, size_t cols)
{
    if (r->narrow)
        return (region){ NULL, rows, cols, r->cols, r->narrow + at };
    return (region){ r->x + at, rows, cols, r->cols, NULL };
}

static double element(const run *r, size_t at)
{
    return r->narrow ? assay_widen_f32(r->narrow[at]) : r->x[at];
}

void assay_run_put_values(const run *r, size_t at, const double *y, size_t n)
{
    if (r->out.values)
        memcpy(r->out.values + at, y, n * sizeof *y);
    if (r->narrow_values) {
        assay_rounder nearest = assay_binary32_rounder();
        assay_encode_array_f64(&nearest, y, r->narrow_values + at, n);
    }
}

/* What is rounded, exactly: a random U may be compared with any of its bits. */
static assay_exact operand(const block_step *step, double x)
{
    if (step->kind == STEP_DIVIDE && x != 0) {
        assay_exact n = assay_exact_from(x), d = assay_exact_from(step->factor);
        return assay_exact_from_ratio(n.negative, n.sig, d.sig, n.exp - d.exp);
    }
    assay_step_row(step, &x, &x, 1);
    return assay_exact_from(x);
}

uint64_t assay_run_code(const run *r, const assay_rounder *rounder, const block_step *step,
                        size_t at)
{
    const assay_random none = { 0 };
    const assay_random *random = r->random ? r->random : &none;
    uint64_t index = random->bits ? at : r->first + at;
    return assay_round_exact_at(rounder, operand(step, element(r, at)), random, index);
}

static double value_of(double code, const block_factor *factor)
{
    return code * factor->multiply / factor->divide;
}

/* One by one: random bits, or zero points. */
static void round_each(const run *r, const work *w, size_t b, size_t at, size_t n)
{
    const assay_scheme *s = r->s;
    const assay_format *f = &s->element.format;
    for (size_t i = at; i < at + n; i++) {
        uint64_t code = 0;
        double v;
        if (s->has_zero) {
            v = assay_decode(&s->whole.format, assay_run_code(r, &s->whole, &w->step[b], i));
            v += w->step[b].adds ? 0 : w->scale[b].zero;
            v = v < (double)f->lowest ? (double)f->lowest : v;
            v = v > (double)f->highest ? (double)f->highest : v;
            if (!assay_encode_exact(f, v, &code))
                __builtin_trap(); /* an integer in the format's range */
        } else {
            code = assay_run_code(r, &s->element, &w->step[b], i);
            v = assay_decode(f, code);
        }
        if (r->out.codes)
            assay_container_store(r->out.codes, i, r->code_bytes, code);
        v = value_of(v - w->scale[b].zero, &w->factor[b]);
        assay_run_put_values(r, i, &v, 1);
    }
}

static void multiply(double *y, const block_factor *factor, size_t n)
{
    double by = factor->multiply;
    for (size_t i = 0; i < n; i++)
        y[i] *= by;
    for (size_t i = 0; factor->divide != 1 && i < n; i++)
        y[i] /= factor->divide;
}

/* One row of the group, `count` blocks or a part of one, from element `at` on. */
static void round_row(const run *r, const work *w, size_t at, size_t n)
{
    size_t size = w->g.size;
    double y[ASSAY_PIECE];
    for (size_t i = 0; i < n; i++)
        y[i] = element(r, at + i);
    for (size_t b = 0, i = 0; i < n; b++, i += size)
        assay_step_row(&w->step[b], y + i, y + i, n - i < size ? n - i : size);
    if (r->out.codes)
        assay_encode_array_f64(&r->s->element, y,
                               (unsigned char *)r->out.codes + at * r->code_bytes, n);
    if (!r->out.values && !r->narrow_values)
        return;
    assay_round_array_f64(&r->s->element, y, y, n);
    for (size_t b = 0, i = 0; i < n; b++, i += size)
        multiply(y + i, &w->factor[b], n - i < size ? n - i : size);
    assay_run_put_values(r, at, y, n);
}

static void spread_nan(const run *r, const work *w, size_t b, size_t at, size_t n)
{
    const double nan = assay_from_bits64(0x7ff8000000000000);
    for (size_t i = at; w->scale[b].value != w->scale[b].value && i < at + n; i++)
        assay_run_put_values(r, i, &nan, 1);
}

static void round_group(const run *r, const work *w)
{
    const group *g = &w->g;
    bool each = r->s->has_zero || assay_mode_is_stochastic(r->s->element.mode);
    size_t start = g->from * g->size, left = r->cols - start;
    size_t width = left / g->count < g->size ? left : g->size * g->count;
    for (size_t i = g->row; i < g->row + g->rows; i++) {
        size_t at = i * r->cols + start;
        for (size_t j = 0; j < width && !each; j += ASSAY_PIECE)
            round_row(r, w, at + j, width - j < ASSAY_PIECE ? width - j : ASSAY_PIECE);
        for (size_t b = 0, j = 0; j < width; b++, j += g->size) {
            size_t n = width - j < g->size ? width - j : g->size;
            if (each)
                round_each(r, w, b, at + j, n);
            spread_nan(r, w, b, at + j, n);
        }
    }
}

/* Blocks of one row, or tile, that are done together: their rows fit into a piece. */
static size_t blocks_at_once(size_t size)
{
    size_t n = size < ASSAY_PIECE ? ASSAY_PIECE / size : 1;
    return n < ASSAY_PIECE_BLOCKS ? n : ASSAY_PIECE_BLOCKS;
}

static void quantize_blocks(const run *r)
{
    const assay_scheme *s = r->s;
    bool all = s->extent == ASSAY_EXTENT_TENSOR;
    size_t height = all ? r->rows : s->tile_rows, size = r->cols < s->block ? r->cols : s->block;
    size_t at_once = blocks_at_once(size), across = (r->scales.cols - 1) / at_once + 1;
    size_t tasks = r->scales.rows * across;
#pragma omp parallel for schedule(static) if (tasks > 8)
    for (size_t task = 0; task < tasks; task++) {
        work w; /* large: nothing of it is set that is not used */
        group *g = &w.g;
        *g = (group){ .row = task / across * height, .from = task % across * at_once };
        g->size = size;
        g->rows = r->rows - g->row < height ? r->rows - g->row : height;
        g->count = r->scales.cols - g->from < at_once ? r->scales.cols - g->from : at_once;
        if (r->fast && assay_fast_group(r->fast, r, g))
            continue;
        find_scales(r, &w);
        round_group(r, &w);
    }
}

static void quantize_scalars(const run *r)
{
    const assay_rounder *e = &r->s->element;
    const assay_random none = { 0 }, *random = r->random ? r->random : &none;
    size_t n = r->rows * r->cols;
    if (r->out.codes && r->narrow)
        assay_encode_random_f32(e, random, r->first, r->narrow, r->out.codes, n);
    else if (r->out.codes)
        assay_encode_random_f64(e, random, r->first, r->x, r->out.codes, n);
    if (r->narrow_values)
        assay_round_random_f32(e, random, r->first, r->narrow, r->narrow_values, n);
    if (r->out.values)
        assay_round_random_f64(e, random, r->first, r->x, r->out.values, n);
}

/* Making the constants of the loops takes as long as the definition for some hundred elements, or
 * for some where it is slow; short rows are many groups. */
static bool pays(const run *r)
{
    bool slow = r->s->has_zero || assay_mode_is_stochastic(r->s->element.mode);
    return slow || (r->cols >= 256 && r->rows >= 1024 / r->cols);
}

/* Rows of whole blocks are one row. */
static void join_rows(run *r)
{
    if (r->s->extent == ASSAY_EXTENT_BLOCK && r->cols % r->s->block == 0) {
        r->cols *= r->rows;
        r->rows = 1;
    }
}

static void take_fixed(run *r)
{
    const assay_tensor_scale *t = r->tensor;
    r->fixed = r->s->extent == ASSAY_EXTENT_TENSOR && t && t->fixed;
    if (!r->fixed)
        return;
    r->one = (block_scale){ .code = t->scale, .zero_code = t->zero };
    r->one.value = assay_decode(&r->s->scale.format, t->scale);
    if (r->s->has_zero)
        r->one.zero = assay_decode(&r->s->element.format, t->zero);
}

static void quantize(run *r, bool quick)
{
    const assay_scheme *s = r->s;
    assay_fast fast;
    take_fixed(r);
    r->tensor = s->has_tensor_scale ? r->tensor : NULL;
    r->code_bytes = assay_format_container(&s->element.format);
    if (r->rows == 0 || r->cols == 0)
        return;
    if (s->hierarchy) {
        assay_hierarchy_quantize(r);
        return;
    }
    if (s->block == 0) {
        quantize_scalars(r);
        return;
    }
    join_rows(r);
    r->scale_bytes = assay_format_container(&s->scale.format);
    r->scales = assay_scheme_scales(s, r->rows, r->cols);
    if (quick && pays(r) && assay_fast_make(r, &fast))
        r->fast = &fast;
    quantize_blocks(r);
}

void assay_scheme_quantize(const assay_scheme *s, const assay_tensor_scale *tensor, size_t rows,
                           size_t cols, const double *x, const assay_random *random, uint64_t first,
                           const assay_quantized *out)
{
    run r = { .s = s, .tensor = tensor, .rows = rows, .cols = cols, .x = x, .random = random };
    r.first = first;
    r.out = *out;
    quantize(&r, true);
}

void assay_scheme_quantize_f32(const assay_scheme *s, const assay_tensor_scale *tensor, size_t rows,
                               size_t cols, const float *x, const assay_random *random,
                               uint64_t first, const assay_quantized_f32 *out)
{
    run r = { .s = s, .tensor = tensor, .rows = rows, .cols = cols, .narrow = x };
    r.random = random;
    r.first = first;
    r.out = (assay_quantized){ out->codes, out->scales, out->zeros, NULL };
    r.narrow_values = out->values;
    quantize(&r, true);
}

void assay_scheme_quantize_slowly(const assay_scheme *s, const assay_tensor_scale *tensor,
                                  size_t rows, size_t cols, const double *x,
                                  const assay_random *random, uint64_t first,
                                  const assay_quantized *out)
{
    run r = { .s = s, .tensor = tensor, .rows = rows, .cols = cols, .x = x, .random = random };
    r.first = first;
    r.out = *out;
    quantize(&r, false);
}
