/* SPDX-License-Identifier: Apache-2.0 */
/* The scales of a group of blocks at once, and what takes elements to them. */
#include <math.h>

#include "formats/container.h"
#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/scheme_run.h"

static void set_scale(fast_group *w, size_t b, const block_scale *scale)
{
    w->code[b] = (uint32_t)scale->code;
    w->value[b] = scale->value;
    w->zero_code[b] = (uint32_t)scale->zero_code;
    w->zero[b] = (int32_t)scale->zero;
}

/* Values are looked at but where codes alone tell what elements become. */
static void round_scales(const assay_fast *f, const run *r, size_t n, const double *q,
                         fast_group *w)
{
    unsigned char codes[ASSAY_PIECE_BLOCKS * sizeof(uint32_t)];
    assay_array_pass_run(&f->of_scales, q, codes, n);
    if (f->near.kind != ASSAY_NEAR_COUNT || r->out.values || r->narrow_values ||
        f->scales == FAST_SEARCH || r->s->order == ASSAY_ORDER_CT)
        assay_decode_array_f64(&r->s->scale.format, codes, w->value, n);
    for (size_t b = 0; r->scale_bytes == 1 && b < n; b++)
        w->code[b] = codes[b];
    for (size_t b = 0; r->scale_bytes > 1 && b < n; b++)
        w->code[b] = (uint32_t)assay_container_load(codes, b, r->scale_bytes);
}

static bool affine_scales(const assay_fast *f, const run *r, size_t n, fast_group *w)
{
    const assay_scheme *s = r->s;
    const assay_format *e = &s->element.format;
    const assay_scheme_loops *loops = f->loops;
    const double least = (double)e->lowest, most = (double)e->highest;
    double q[ASSAY_PIECE_BLOCKS] = { 0 };
    uint32_t top = 0;
    for (size_t b = 0; b < n; b++)
        top = w->top[b] > top ? w->top[b] : top;
    if (top >= 0x7f800000)
        return false;
    for (size_t b = 0; !loops->spans && b < n; b++)
        q[b] = assay_affine_quotient(s, (double)w->low[b], (double)w->high[b]);
    if (loops->spans)
        loops->spans(n, w->low, w->high, s->least, most - least, q);
    round_scales(f, r, n, q, w);
    for (size_t b = 0; !loops->zeros && b < n; b++)
        w->zero[b] = (int32_t)assay_affine_zero(e, (double)w->low[b], w->value[b]);
    if (loops->zeros)
        loops->zeros(n, w->low, w->value, least, most, w->zero);
    for (size_t b = 0; b < n; b++)
        w->zero_code[b] = (uint32_t)w->zero[b] & f->whole.mask;
    return true;
}

bool assay_fast_quotient_scales(const assay_fast *f, const run *r, size_t n, bool wide,
                                fast_group *w)
{
    float a[ASSAY_PIECE_BLOCKS];
    double q[ASSAY_PIECE_BLOCKS];
    const assay_scheme *s = r->s;
    double t = r->tensor ? (double)r->tensor->stored : 1;
    double times = wide ? 3 : 1, over = wide ? 2 : 1; /* products of at most 31 bits: exact */
    if (f->loops->quotients(n, w->top, f->least, times, assay_scale_divisor(s) * t * over, q))
        return false;
    if (s->order != ASSAY_ORDER_EXACT) {
        for (size_t b = 0; b < n; b++)
            a[b] = assay_from_bits32(w->top[b] > f->least ? w->top[b] : f->least);
        assay_order_quotients(s, r->tensor, wide, a, q, n);
    }
    round_scales(f, r, n, q, w);
    for (size_t b = 0; s->order == ASSAY_ORDER_CT && b < n; b++) {
        const block_scale scale =
            assay_order_nonzero(s, (block_scale){ .code = w->code[b], .value = w->value[b] });
        w->code[b] = (uint32_t)scale.code;
        w->value[b] = scale.value;
    }
    return true;
}

/* FAST_ONE: block by block, from the definition, or one that is given. */
static bool search_scales(const run *r, const group *g, fast_group *w)
{
    for (size_t b = 0; b < g->count; b++) {
        size_t start = (g->from + b) * g->size, left = r->cols - start;
        region part =
            assay_run_region(r, g->row * r->cols + start, g->rows, left < g->size ? left : g->size);
        block_scale scale = r->fixed ? r->one : assay_block_scale(r->s, r->tensor, &part);
        if (scale.value != scale.value)
            return false;
        set_scale(w, b, &scale);
    }
    return true;
}

/* False where binary32's range does not do. */
bool assay_fast_factors(const assay_fast *f, const run *r, size_t n, fast_group *w)
{
    double t = r->tensor ? (double)r->tensor->stored : 1, unit = assay_pow2(-f->unit);
    if (f->near.kind == ASSAY_NEAR_COUNT)
        return true;
    if (r->s->order == ASSAY_ORDER_EXACT && f->take != ASSAY_TAKE_SHIFT) {
        bool inverse = f->take == ASSAY_TAKE_MULTIPLY; /* of random modes */
        bool out = f->loops->factors(n, w->value, t, unit, inverse, w->factor, w->by);
        for (int k = 0; f->codes == FAST_COUNT && k < ASSAY_STEPS; k++)
            f->loops->steps(n, w->factor, f->midpoint[k], f->inclusive[k], w->step[k]);
        return !out;
    }
    for (size_t b = 0; b < n; b++) {
        const block_scale scale = { .code = w->code[b], .value = w->value[b] };
        block_step step = assay_block_step(r->s, r->tensor, &scale);
        w->by[b] = (float)(f->take == ASSAY_TAKE_SHIFT ? step.factor / unit : step.factor);
        if (f->take == ASSAY_TAKE_SHIFT && !(w->by[b] < INFINITY))
            return false;
    }
    return true;
}

bool assay_fast_scales(const assay_fast *f, const run *r, const group *g, fast_group *w)
{
    if (f->scales == FAST_POWER) {
        for (size_t b = 0; b < g->count; b++)
            w->zero[b] = 0;
        return f->loops->powers(&f->powers, g->count, w->top, w->code, w->value, w->by) == 0;
    }
    if (f->scales == FAST_QUOTIENT) {
        for (size_t b = 0; b < g->count; b++)
            w->zero[b] = 0;
        return assay_fast_quotient_scales(f, r, g->count, false, w) &&
               assay_fast_factors(f, r, g->count, w);
    }
    if (f->scales == FAST_AFFINE)
        return affine_scales(f, r, g->count, w) && assay_fast_factors(f, r, g->count, w);
    if (f->scales == FAST_SEARCH)
        return assay_fast_search(f, r, g, w);
    return search_scales(r, g, w) && assay_fast_factors(f, r, g->count, w);
}
