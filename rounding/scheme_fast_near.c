/* SPDX-License-Identifier: Apache-2.0 */
/* Elements to codes in one pass, where they round to nearest: which way serves a scheme. Pieces
 * that it is not sure of go through the other loops. */
#include <math.h>
#include <string.h>

#include "formats/codebook.h"
#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/scheme_run.h"

static bool fits_vectors(const run *r)
{
    const size_t size = r->s->block;
    const bool fits = size == 16 || size == 32 || size % 64 == 0 || r->scales.cols == 1;
    return fits && r->code_bytes == 1;
}

static bool is_usual(const assay_fast *f, const assay_format *e)
{
    return f->elements.way == ASSAY_WAY_ADDED && e->is_signed && e->has_negzero && e->p <= 8;
}

/* Integers by quotients; count loops serve narrow ones too, but more slowly. */
bool assay_fast_is_near_whole(const run *r, const assay_fast *f)
{
    const assay_format *e = &r->s->element.format;
    return assay_is_whole_format(e) && r->s->element.mode == ASSAY_RNE &&
           f->take == ASSAY_TAKE_ODD && f->loops->near[ASSAY_NEAR_WHOLE] &&
           -f->whole.lowest >= f->whole.highest;
}

static assay_near_kind kind_of(const run *r, const assay_fast *f)
{
    const assay_format *e = &r->s->element.format;
    bool shift = f->take == ASSAY_TAKE_SHIFT, odd = f->take == ASSAY_TAKE_ODD;
    bool products = f->take == ASSAY_TAKE_MULTIPLY && assay_bits32(f->plus) != 0;
    if (f->codes == FAST_COUNT)
        return ASSAY_NEAR_COUNT;
    if (f->codes == FAST_BOOK)
        return ASSAY_NEAR_BOOK;
    if (f->codes == FAST_LOOSE)
        return !shift && !products                               ? ASSAY_NEAR_NONE
               : f->loose.whole                                  ? ASSAY_NEAR_RANDOM_WHOLE
               : e->p < 8 && f->loose.emin == f->loose.code_base ? ASSAY_NEAR_RANDOM_FLOAT
                                                                 : ASSAY_NEAR_NONE;
    if (assay_fast_is_near_whole(r, f) && !r->s->has_zero)
        return ASSAY_NEAR_WHOLE;
    if (r->s->element.mode != ASSAY_RNE)
        return ASSAY_NEAR_NONE;
    if (f->codes == FAST_ARRAY && is_usual(f, e))
        return shift || products ? ASSAY_NEAR_FLOAT_EXACT
               : odd             ? ASSAY_NEAR_FLOAT
                                 : ASSAY_NEAR_NONE;
    if (f->codes != FAST_WHOLE || !(shift || odd))
        return ASSAY_NEAR_NONE;
    if (r->s->has_zero)
        return odd ? ASSAY_NEAR_ZERO : ASSAY_NEAR_NONE;
    return shift ? ASSAY_NEAR_WHOLE_EXACT : ASSAY_NEAR_NONE;
}

/* Steps of all scales that are not negative: worth it with some elements for each. */
static bool set_table(const run *r, assay_fast *f)
{
    const assay_format *scale = &r->s->scale.format;
    const double t = r->tensor ? (double)r->tensor->stored : 1;
    double value[ASSAY_PIECE_BLOCKS], factor[ASSAY_PIECE_BLOCKS];
    float by[ASSAY_PIECE_BLOCKS];
    uint32_t steps[ASSAY_PIECE_BLOCKS];
    uint8_t codes[ASSAY_PIECE_BLOCKS];
    const uint32_t count = 1u << (scale->bits - (scale->is_signed ? 1 : 0));
    if (scale->bits > 8 || r->rows * r->cols < 16 * (size_t)count)
        return false;
    for (uint32_t code = 0; code < count; code += ASSAY_PIECE_BLOCKS) {
        uint32_t n = count - code < ASSAY_PIECE_BLOCKS ? count - code : ASSAY_PIECE_BLOCKS;
        for (uint32_t b = 0; b < n; b++)
            codes[b] = (uint8_t)(code + b);
        assay_decode_array_f64(scale, codes, value, n);
        f->loops->factors(n, value, t, 1, false, factor, by); /* of scales that occur in range */
        for (int k = 0; k < ASSAY_STEPS; k++) {
            f->loops->steps(n, factor, f->midpoint[k], f->inclusive[k], steps);
            for (uint32_t b = 0; b < n; b++)
                f->steps[code + b][k] = steps[b];
        }
    }
    f->near.steps = f->steps[0];
    return true;
}

/* Three roundings of quotients below 2^p, in units of 2^-23, and what is cut off. */
static int slack_of(const run *r, const assay_fast *f)
{
    bool quotients = r->s->order == ASSAY_ORDER_EXACT && f->take == ASSAY_TAKE_MULTIPLY;
    return quotients ? 2 << r->s->element.format.p : 0;
}

/* Few values of any kind, to the nearest one: whether they are in reach, and magnitudes too. */
bool assay_fast_is_book(const run *r, const assay_fast *f)
{
    const assay_format *e = &r->s->element.format;
    return e->book && e->book->count <= 16 && e->bits <= 8 && e->max <= 0x1p20 &&
           r->s->element.mode == ASSAY_RNE && f->take == ASSAY_TAKE_ODD && !r->tensor &&
           f->loops->near[ASSAY_NEAR_BOOK] && fits_vectors(r);
}

/* A bound of values up to max, rounded once, and three roundings of what it is compared with. */
static void set_book(const assay_format *e, assay_near *p)
{
    const unsigned count = e->book->count;
    double most = 0;
    for (unsigned i = 0; i < 16; i++) {
        unsigned at = i < count ? i : count - 1;
        double value = assay_decode(e, e->book->codes[at]), next = INFINITY;
        if (at + 1 < count)
            next = assay_decode(e, e->book->codes[at + 1]);
        p->upper[i] = (float)(value / 2 + next / 2);
        p->lower[i] = i == 0 ? -INFINITY : p->upper[i - 1];
        p->codes[i] = assay_from_bits32(e->book->codes[at]);
        most = fabs(value) > most ? fabs(value) : most;
    }
    p->margin = (float)most * 0x1p-21F;
}

/* Of the largest magnitude over its scale. Quotients must not saturate; a product of its own may,
 * but it has to be finite. */
static float limit_of(const assay_near *p, const assay_format *e)
{
    switch (p->kind) {
    case ASSAY_NEAR_FLOAT: return (float)e->max * (1 + 0x1p-10F);
    case ASSAY_NEAR_WHOLE: return p->highest + 0.25F;
    case ASSAY_NEAR_ZERO: return 0x1p20F;
    case ASSAY_NEAR_BOOK: return (float)e->max * 2;
    case ASSAY_NEAR_RANDOM_WHOLE: return 255; /* 2^23 of them are a 32-bit integer */
    default: return 0x1p60F;
    }
}

void assay_fast_near_make(const run *r, assay_fast *f)
{
    const assay_format *e = &r->s->element.format;
    const assay_constants *c = &f->elements.constants;
    assay_near *p = &f->near;
    p->kind = fits_vectors(r) ? kind_of(r, f) : ASSAY_NEAR_NONE;
    if (!f->loops->near[p->kind] || (p->kind == ASSAY_NEAR_COUNT && !set_table(r, f)))
        p->kind = ASSAY_NEAR_NONE;
    if (p->kind == ASSAY_NEAR_BOOK)
        set_book(e, p);
    p->two = f->two;
    p->sign = (int32_t)e->sign_bit;
    p->max_code = (int32_t)e->max_code;
    p->emin = (int32_t)(f->codes == FAST_LOOSE ? f->loose.emin : c->emin);
    p->base = f->codes == FAST_LOOSE ? f->loose.base : c->base;
    p->magic = p->base * (1 << 23);
    p->half = (24 - p->base) * (1 << 23);
    p->mask = (int32_t)f->whole.mask;
    p->lowest = (float)f->whole.lowest;
    p->highest = (float)f->whole.highest;
    p->unit = (int32_t)(f->loose.scale + (23u << 23));
    p->slack = slack_of(r, f);
    p->limit = limit_of(p, e);
}

/* Vectors of four blocks look at what follows the last one. */
static void pad(size_t count, fast_group *w)
{
    for (size_t b = count; b % 4 != 0; b++) {
        w->by[b] = 1;
        w->code[b] = 0;
        w->zero[b] = 0;
    }
}

/* Whether largest magnitudes are in reach of what multiplies them. */
static bool are_within(size_t n, const uint32_t *top, const float *by, float limit)
{
    unsigned out = 0;
    for (size_t b = 0; b < n; b++)
        out |= assay_from_bits32(top[b]) * by[b] <= limit ? 0 : 1;
    return out == 0;
}

bool assay_fast_near(const assay_fast *f, assay_blocks k, const float *x, const uint32_t *draw,
                     uint8_t *codes, uint64_t *doubt, fast_group *w)
{
    const assay_near *p = &f->near;
    float inverse[ASSAY_PIECE_BLOCKS];
    size_t count = (k.n - 1) / k.size + 1;
    assay_near_blocks all = { x, codes, draw, w->by, w->by, w->zero, w->code, doubt };
    /* Percentiles and means let elements lie anywhere above their scale. */
    bool bounded = f->take == ASSAY_TAKE_MULTIPLY || p->kind == ASSAY_NEAR_RANDOM_WHOLE ||
                   f->scales == FAST_ONE;
    if (bounded && !are_within(count, w->top, w->by, p->limit))
        return false;
    pad(count, w);
    if (p->kind == ASSAY_NEAR_FLOAT || p->kind == ASSAY_NEAR_WHOLE || p->kind == ASSAY_NEAR_ZERO ||
        p->kind == ASSAY_NEAR_BOOK) {
        if (f->loops->inverses(count, w->by, w->top, p->limit, inverse))
            return false;
        for (size_t b = count; b % 4 != 0; b++)
            inverse[b] = 1;
        all.by = inverse;
    }
    memset(doubt, 0, ((k.n - 1) / 64 + 1) * sizeof *doubt);
    f->loops->near[p->kind](p, k, &all);
    return true;
}
