/* SPDX-License-Identifier: Apache-2.0 */
/* A group of blocks on binary32 by the loops that scheme_fast.c has chosen. */
#include <string.h>

#include "formats/family.h"
#include "numerics/bits.h"
#include "numerics/philox.h"
#include "rounding/array.h"
#include "rounding/array_random.h"
#include "rounding/scheme_run.h"

const float *assay_fast_piece(const assay_fast *f, const run *r, size_t at, size_t n, float *buffer)
{
    if (r->narrow)
        return r->narrow + at;
    return f->loops->narrow_f64(r->x + at, buffer, n) == 0 ? buffer : NULL;
}

static const uint32_t *draws_of(const run *r, size_t at, size_t n, uint32_t *words)
{
    const assay_random none = { 0 }, *random = r->random ? r->random : &none;
    if (random->bits)
        return random->bits + at;
    assay_philox_words(random->seed, random->stream, 0, r->first + at, words, n);
    return words;
}

/* The code of element at + i from the definition. */
static uint32_t ask(const run *r, size_t at, assay_blocks k, size_t i, const fast_group *w)
{
    const assay_scheme *s = r->s;
    const assay_format *e = &s->element.format;
    const size_t b = i / k.size;
    const block_scale scale = { .code = w->code[b], .value = w->value[b] };
    block_step step = assay_block_step(s, r->tensor, &scale);
    if (!s->has_zero)
        return (uint32_t)assay_run_code(r, &s->element, &step, at + i);
    uint64_t code = assay_run_code(r, &s->whole, &step, at + i);
    int64_t v = (int64_t)assay_decode(&s->whole.format, code) + w->zero[b];
    v = v < e->lowest ? e->lowest : v > e->highest ? e->highest : v;
    return (uint32_t)v & (((uint32_t)1 << e->bits) - 1);
}

/* In one pass, and the definition for codes that it is not sure of; false if these are many and
 * other loops serve them. */
static bool encode_near(const assay_fast *f, const run *r, size_t at, assay_blocks k,
                        const float *x, uint8_t *codes, fast_group *w)
{
    enum { FEW = 8 };
    const uint32_t *draw = f->codes == FAST_LOOSE ? draws_of(r, at, k.n, w->draws) : NULL;
    const bool only = f->codes == FAST_BOOK;
    uint64_t doubt[ASSAY_PIECE / 64];
    int count = 0;
    if (!assay_fast_near(f, k, x, draw, codes, doubt, w)) {
        if (!only)
            return false;
        memset(doubt, 0xff, sizeof doubt);
    }
    for (size_t i = 0; i < k.n; i += 64)
        count += __builtin_popcountll(doubt[i / 64]);
    if (count > FEW && !only)
        return false;
    for (size_t i = 0; count > 0 && i < k.n; i += 64)
        for (uint64_t left = doubt[i / 64]; left != 0; left &= left - 1) {
            size_t j = i + (size_t)__builtin_ctzll(left);
            if (j < k.n)
                codes[j] = (uint8_t)ask(r, at, k, j, w);
        }
    return true;
}

/* Codes of what assay_fast_take gives. */
static void round_taken(const assay_fast *f, const run *r, size_t at, assay_blocks k,
                        const float *x, void *codes, fast_group *w)
{
    const assay_random none = { 0 };
    const assay_scheme *s = r->s;
    assay_random here = r->random ? *r->random : none;
    here.bits = here.bits ? here.bits + at : NULL;
    switch (f->codes) {
    case FAST_ARRAY: assay_array_pass_run(&f->elements, x, codes, k.n); return;
    case FAST_RANDOM:
        assay_encode_random_f32(&s->element, &here, r->first + at, x, codes, k.n);
        return;
    case FAST_WHOLE: f->loops->whole[s->element.mode](&f->whole, k, x, w->zero, w->words); break;
    case FAST_LOOSE:
        f->loops->loose(&f->loose, k, x, w->zero, draws_of(r, at, k.n, w->draws), w->words,
                        w->mark);
        for (size_t i = 0; i < k.n; i++)
            if (w->mark[i])
                w->words[i] = ask(r, at, k, i, w);
        break;
    default: f->loops->count(k, x, w->step, f->two, w->words);
    }
    f->loops->narrow(w->words, codes, k.n, r->code_bytes);
}

/* Values from codes, as assay_scheme_dequantize has them. */
static void make_values(const assay_fast *f, const run *r, size_t at, assay_blocks k,
                        const void *codes, const fast_group *w)
{
    double y[ASSAY_PIECE];
    float scale[ASSAY_PIECE_BLOCKS], zero[ASSAY_PIECE_BLOCKS];
    size_t count = (k.n - 1) / k.size + 1;
    if (r->narrow_values && f->decoder.usable) {
        for (size_t b = 0; b < count; b++) {
            scale[b] = (float)w->value[b];
            zero[b] = (float)w->zero[b];
        }
        assay_narrow_decode(&f->decoder, k, codes, scale, r->s->has_zero ? zero : NULL,
                            r->narrow_values + at);
        return;
    }
    assay_decode_array_f64(&r->s->element.format, codes, y, k.n);
    for (size_t b = 0; b < count; b++) {
        block_factor factor = assay_block_factor(r->s, r->tensor, w->value[b]);
        size_t end = (b + 1) * k.size < k.n ? (b + 1) * k.size : k.n;
        for (size_t i = b * k.size; i < end; i++)
            y[i] = (y[i] - (double)w->zero[b]) * factor.multiply;
        for (size_t i = b * k.size; factor.divide != 1 && i < end; i++)
            y[i] /= factor.divide;
    }
    assay_run_put_values(r, at, y, k.n);
}

/* What is rounded, or NULL if that is not exact and has to be. */
static const float *take(const assay_fast *f, assay_blocks k, const float *x, fast_group *w)
{
    if (f->codes == FAST_COUNT)
        return x;
    uint32_t inexact = f->loops->take[f->take](k, x, w->by, f->plus, w->taken);
    return inexact && f->exact_only ? NULL : w->taken;
}

bool assay_fast_encode(const assay_fast *f, const run *r, size_t at, assay_blocks k, const float *x,
                       void *codes, fast_group *w)
{
    if (f->near.kind && encode_near(f, r, at, k, x, codes, w))
        return true;
    x = take(f, k, x, w);
    if (x)
        round_taken(f, r, at, k, x, codes, w);
    return x != NULL;
}

/* n elements from `at` on, in the group's blocks; `look` only finds out whether that works. */
static bool do_piece(const assay_fast *f, const run *r, size_t at, assay_blocks k, bool look,
                     fast_group *w)
{
    unsigned char own[ASSAY_PIECE * sizeof(uint32_t)];
    void *codes = r->out.codes ? (unsigned char *)r->out.codes + at * r->code_bytes : own;
    const float *x = assay_fast_piece(f, r, at, k.n, w->buffer);
    if (!x)
        return false;
    if (look)
        return take(f, k, x, w) != NULL;
    if (!assay_fast_encode(f, r, at, k, x, codes, w))
        return false;
    if (r->out.values || r->narrow_values)
        make_values(f, r, at, k, codes, w);
    return true;
}

/* Blocks longer than a piece are done in pieces of one block. */
static bool do_row(const assay_fast *f, const run *r, const group *g, size_t row, bool look,
                   fast_group *w)
{
    size_t start = g->from * g->size, left = r->cols - start;
    size_t width = left / g->count < g->size ? left : g->size * g->count,
           at = row * r->cols + start;
    if (width <= ASSAY_PIECE)
        return do_piece(f, r, at, (assay_blocks){ width, g->size }, look, w);
    for (size_t j = 0; j < width; j += ASSAY_PIECE) {
        size_t n = width - j < ASSAY_PIECE ? width - j : ASSAY_PIECE;
        if (!do_piece(f, r, at + j, (assay_blocks){ n, n }, look, w))
            return false;
    }
    return true;
}

static bool find_tops(const assay_fast *f, const run *r, const group *g, fast_group *w)
{
    size_t start = g->from * g->size, left = r->cols - start;
    size_t width = left / g->count < g->size ? left : g->size * g->count;
    memset(w->top, 0, g->count * sizeof *w->top);
    if (f->scales == FAST_AFFINE) {
        memset(w->low, 0, g->count * sizeof *w->low);
        memset(w->high, 0, g->count * sizeof *w->high);
    }
    for (size_t i = g->row; i < g->row + g->rows; i++)
        for (size_t j = 0; j < width; j += ASSAY_PIECE) {
            size_t n = width - j < ASSAY_PIECE ? width - j : ASSAY_PIECE;
            const float *x = assay_fast_piece(f, r, i * r->cols + start + j, n, w->buffer);
            if (!x)
                return false;
            const assay_blocks k = { n, width > ASSAY_PIECE ? n : g->size };
            f->loops->amax(k, x, w->top);
            if (f->scales == FAST_AFFINE)
                f->loops->range(k, x, w->low, w->high);
        }
    return true;
}

static void put_scales(const assay_fast *f, const run *r, const group *g, const fast_group *w)
{
    size_t at = assay_run_scale_at(r, g);
    if (r->out.scales)
        f->loops->narrow(w->code, (unsigned char *)r->out.scales + at * r->scale_bytes, g->count,
                         r->scale_bytes);
    if (r->out.zeros)
        f->loops->narrow(w->zero_code, (unsigned char *)r->out.zeros + at * r->code_bytes, g->count,
                         r->code_bytes);
}

bool assay_fast_group(const assay_fast *f, const run *r, const group *g)
{
    _Alignas(ASSAY_LINE) fast_group w;
    unsigned before = assay_environment_enter(ASSAY_TO_NEAREST);
    bool values = r->out.values || r->narrow_values; /* which may be x itself */
    bool done = find_tops(f, r, g, &w) && assay_fast_scales(f, r, g, &w);
    if (done)
        put_scales(f, r, g, &w);
    for (size_t i = g->row; done && f->exact_only && values && i < g->row + g->rows; i++)
        done = do_row(f, r, g, i, true, &w);
    for (size_t i = g->row; done && i < g->row + g->rows; i++)
        done = do_row(f, r, g, i, false, &w);
    assay_environment_leave(before);
    return done;
}
