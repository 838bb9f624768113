/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks on binary32: which loops serve a scheme, and a group of blocks through them. What they
 * do not serve, or not exactly, is left to the definition in scheme_quantize.c. */
#include <math.h>
#include <string.h>

#include "formats/family.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "numerics/philox.h"
#include "rounding/array.h"
#include "rounding/array_random.h"
#include "rounding/scheme_run.h"

const assay_scheme_loops *assay_scheme_loops_current(void)
{
#ifdef __x86_64__
    static const assay_scheme_loops *const tables[ASSAY_ISA_COUNT] = { &assay_scheme_loops_base,
                                                                       &assay_scheme_loops_avx2,
                                                                       &assay_scheme_loops_avx512 };
    return tables[assay_isa_current()];
#else
    return &assay_scheme_loops_base;
#endif
}

/* ---- the plan ---- */

/* Integers of at most 16 bits whose codes are themselves. */
bool assay_is_whole_format(const assay_format *f)
{
    return f->kind == ASSAY_FAMILY_FIXED && f->step == 1 &&
           f->encoding != ASSAY_CODE_SIGN_MAGNITUDE && f->bits <= 16 && f->scale >= 0;
}

/* Zero and seven magnitudes of either sign, in the order of their codes. */
static bool is_count(const assay_format *f)
{
    bool two = f->kind == ASSAY_FAMILY_FIXED;
    if (f->bits != 4 || assay_position_count(f) != 15 ||
        (two ? !assay_is_whole_format(f) : !f->has_negzero))
        return false;
    for (uint64_t k = 0; k < 8; k++)
        if (assay_position_code(f, 7 + k) != k)
            return false;
    return true;
}

static void set_steps(const assay_rounder *e, assay_fast *f)
{
    for (unsigned k = 0; k < ASSAY_STEPS; k++) {
        double low = assay_decode(&e->format, k), high = assay_decode(&e->format, k + 1);
        f->midpoint[k] = e->mode == ASSAY_RTZ   ? high
                         : e->mode == ASSAY_RAZ ? low
                                                : (low + high) / 2;
        bool even = e->mode == ASSAY_RNE && k % 2 == 1;
        f->inclusive[k] = e->mode == ASSAY_RTZ || e->mode == ASSAY_RNA || even;
    }
    f->two = e->format.kind == ASSAY_FAMILY_FIXED;
}

/* The fraction from which on the rule goes one up: it is monotone. */
static uint32_t bump_of(const assay_scheme *s)
{
    assay_scheme any = *s;
    any.least = 0;
    double unit = assay_pow2(assay_exponent(s->element.format.max));
    uint32_t low = 0, high = 1 << 23; /* not yet, already */
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (assay_scale_exponent(&any, unit * (1 + (double)(int32_t)mid * 0x1p-23)) > 0)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

static bool set_scales(const run *r, assay_fast *f)
{
    const assay_scheme *s = r->s;
    const assay_format *scale = &s->scale.format, *e = &s->element.format;
    assay_scale_rule rule = s->rule;
    f->powers = (assay_powers){ .bump = 1 << 23,
                                .least = assay_bits32((float)s->least),
                                .emax = assay_exponent(e->max),
                                .lowest = assay_exponent(scale->min_positive),
                                .highest = assay_exponent(scale->max),
                                .bias = scale->bias,
                                .unit = f->unit };
    f->least = f->powers.least;
    bool counts =
        scale->kind == ASSAY_FAMILY_FLOAT && scale->p == 1 && !scale->is_signed && !scale->has_zero;
    if ((double)(float)s->least != s->least)
        return false;
    f->of_scales = assay_array_pass_make(&s->scale, ASSAY_F64, true);
    bool affine = s->has_zero && s->order == ASSAY_ORDER_EXACT;
    f->scales = affine && f->of_scales.constants.direct ? FAST_AFFINE
                : assay_fast_search_can(f, r)           ? FAST_SEARCH
                                                        : FAST_ONE;
    if (s->has_zero || (rule >= ASSAY_SCALE_PERCENTILE && rule != ASSAY_SCALE_RANGE))
        return true;
    if (rule < ASSAY_SCALE_MAX) {
        f->scales = FAST_POWER;
        f->powers.bump = bump_of(s);
        return counts && f->powers.lowest <= 0 && f->powers.highest > 1 &&
               s->order == ASSAY_ORDER_EXACT && !r->tensor;
    }
    /* One division is on the right side of midpoints times max t of at most 53 bits. */
    f->scales = FAST_QUOTIENT;
    int bits = scale->p + 1 + (rule == ASSAY_SCALE_RANGE ? e->bits : e->p) + (r->tensor ? 24 : 0);
    return f->of_scales.constants.direct && (s->order != ASSAY_ORDER_EXACT || bits <= 53);
}

/* Quotients that are known up to three roundings of binary32, in units of 2^-31 of a code: below
 * 2^p of them, twice as much where units change. */
static void set_loose(const assay_scheme *s, int p, bool exact, assay_fast *f)
{
    assay_loose *l = &f->loose;
    assay_random_constants c = assay_random_constants_from(&s->element, 23);
    f->codes = FAST_LOOSE;
    l->whole = assay_is_whole_format(&s->element.format);
    l->slack = exact ? 4 : 1 << (p + 10);
    l->range = f->whole;
    if (l->whole)
        return;
    l->emin = (uint32_t)c.emin;
    l->scale = (uint32_t)c.scale;
    l->code_base = (uint32_t)c.code_base;
    l->base = c.base;
    l->max_code = (int32_t)s->element.format.max_code;
    l->sign = (uint32_t)s->element.format.sign_bit;
}

static bool set_stochastic(const assay_scheme *s, bool exact, bool direct, assay_fast *f)
{
    const assay_format *e = &s->element.format;
    bool usual = direct && e->has_subnormals && e->has_negzero && e->is_signed;
    if (s->element.mode == ASSAY_SR && (assay_is_whole_format(e) || usual) && e->p <= 8 &&
        e->bits <= 8) {
        if (!exact)
            f->take = ASSAY_TAKE_MULTIPLY;
        set_loose(s, e->p, exact, f);
        return true;
    }
    f->codes = FAST_RANDOM;
    return exact && direct;
}

static void set_whole(const assay_format *e, assay_fast *f)
{
    f->unit = assay_is_whole_format(e) ? e->scale : 0;
    f->whole = (assay_whole){ (int32_t)e->lowest, (int32_t)e->highest,
                              e->bits < 32 ? ((uint32_t)1 << e->bits) - 1 : UINT32_MAX };
}

/* How elements are taken to their scale, and whether that is exact. */
static bool set_take(const run *r, assay_fast *f, bool *exact)
{
    const assay_scheme *s = r->s;
    f->plus = assay_order_drops_sign(s) ? 0.0F : -0.0F;
    *exact = true;
    switch (s->order) {
    case ASSAY_ORDER_TE:
    case ASSAY_ORDER_TORCHAO:
    case ASSAY_ORDER_MUL32: f->take = ASSAY_TAKE_MULTIPLY; return f->unit == 0;
    case ASSAY_ORDER_CT:
        f->take = ASSAY_TAKE_DIVIDE;
        return f->unit == 0 && !s->has_zero; /* which joins before rounding */
    case ASSAY_ORDER_MODELOPT:
    case ASSAY_ORDER_DIV32: f->take = ASSAY_TAKE_DIVIDE; return f->unit == 0;
    default: break;
    }
    f->take = ASSAY_TAKE_SHIFT;
    if (s->scale.format.p == 1 && !r->tensor)
        return true;
    f->take = ASSAY_TAKE_ODD;
    *exact = false;
    return !s->tensor_divides;
}

bool assay_fast_make(const run *r, assay_fast *f)
{
    const assay_scheme *s = r->s;
    const assay_rounder *e = &s->element;
    bool random = assay_mode_is_stochastic(e->mode), exact;
    assay_rounder plain = *e;
    if (random)
        plain.mode = ASSAY_RNE;
    memset(f, 0, sizeof *f);
    f->loops = assay_scheme_loops_current();
    f->elements = assay_array_pass_make(&plain, ASSAY_F32, true);
    set_whole(&e->format, f);
    assay_narrow_decoder_make(s, r->tensor ? r->tensor->stored : 1, &f->decoder);
    if (!ASSAY_HAS_ENVIRONMENT || e->overflow != ASSAY_OVERFLOW_SAT || !set_scales(r, f) ||
        !set_take(r, f, &exact))
        return false;
    bool direct = f->elements.constants.direct;
    f->exact_only = random || (e->mode != ASSAY_RNE && e->mode != ASSAY_RNA &&
                               e->mode != ASSAY_RNZ && e->mode != ASSAY_RTZ);
    if (random)
        return set_stochastic(s, exact, direct, f);
    bool counted = e->mode <= ASSAY_RAZ && is_count(&e->format) && !s->has_zero;
    if (f->take == ASSAY_TAKE_ODD && counted) {
        f->codes = FAST_COUNT;
        f->unit = 0;
        set_steps(e, f);
        return true;
    }
    f->codes = assay_is_whole_format(&e->format) ? FAST_WHOLE : FAST_ARRAY;
    return (f->codes == FAST_WHOLE || direct) && (f->take != ASSAY_TAKE_ODD || !r->tensor);
}

/* ---- a group ---- */

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

/* Codes that the first bits of U do not decide. */
static void ask(const run *r, size_t from, size_t at, assay_blocks k, fast_group *w)
{
    const assay_scheme *s = r->s;
    const assay_format *e = &s->element.format;
    for (size_t i = 0; i < k.n; i++) {
        if (!w->mark[i])
            continue;
        size_t b = from + i / k.size;
        const block_scale scale = { .code = w->code[b], .value = w->value[b] };
        block_step step = assay_block_step(s, r->tensor, &scale);
        if (!s->has_zero) {
            w->words[i] = (uint32_t)assay_run_code(r, &s->element, &step, at + i);
            continue;
        }
        uint64_t code = assay_run_code(r, &s->whole, &step, at + i);
        int64_t v = (int64_t)assay_decode(&s->whole.format, code) + w->zero[b];
        v = v < e->lowest ? e->lowest : v > e->highest ? e->highest : v;
        w->words[i] = (uint32_t)v & (((uint32_t)1 << e->bits) - 1);
    }
}

void assay_fast_codes(const assay_fast *f, const run *r, size_t from, size_t at, assay_blocks k,
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
    case FAST_WHOLE:
        f->loops->whole[s->element.mode](&f->whole, k, x, w->zero + from, w->words);
        break;
    case FAST_LOOSE:
        if (f->loops->loose(&f->loose, k, x, w->zero + from, draws_of(r, at, k.n, w->draws),
                            w->words, w->mark))
            ask(r, from, at, k, w);
        break;
    default: f->loops->count(k, x, w->step, f->two, w->words);
    }
    f->loops->narrow(w->words, codes, k.n, r->code_bytes);
}

/* Values from codes, as assay_scheme_dequantize has them. */
static void make_values(const assay_fast *f, const run *r, size_t from, size_t at, assay_blocks k,
                        const void *codes, const fast_group *w)
{
    double y[ASSAY_PIECE], zero[ASSAY_PIECE_BLOCKS];
    const double *scale = w->value + from;
    size_t count = (k.n - 1) / k.size + 1;
    for (size_t b = 0; b < count; b++)
        zero[b] = (double)w->zero[from + b];
    if (r->narrow_values && f->decoder.usable) {
        assay_narrow_decode(&f->decoder, k, codes, scale, zero, r->narrow_values + at);
        return;
    }
    assay_decode_array_f64(&r->s->element.format, codes, y, k.n);
    for (size_t b = 0; b < count; b++) {
        block_factor factor = assay_block_factor(r->s, r->tensor, scale[b]);
        size_t end = (b + 1) * k.size < k.n ? (b + 1) * k.size : k.n;
        for (size_t i = b * k.size; i < end; i++)
            y[i] = (y[i] - zero[b]) * factor.multiply;
        for (size_t i = b * k.size; factor.divide != 1 && i < end; i++)
            y[i] /= factor.divide;
    }
    assay_run_put_values(r, at, y, k.n);
}

const float *assay_fast_take(const assay_fast *f, size_t from, assay_blocks k, const float *x,
                             fast_group *w)
{
    if (f->codes == FAST_COUNT)
        return x;
    uint32_t inexact = f->loops->take[f->take](k, x, w->by + from, f->plus, w->taken);
    return inexact && f->exact_only ? NULL : w->taken;
}

/* n elements from `at` on, in blocks of which the first is block `from` of the group; `look` only
 * finds out whether that works. */
static bool do_piece(const assay_fast *f, const run *r, size_t from, size_t at, assay_blocks k,
                     bool look, fast_group *w)
{
    unsigned char own[ASSAY_PIECE * sizeof(uint32_t)];
    void *codes = r->out.codes ? (unsigned char *)r->out.codes + at * r->code_bytes : own;
    const float *x = assay_fast_piece(f, r, at, k.n, w->buffer);
    if (!x)
        return false;
    x = assay_fast_take(f, from, k, x, w);
    if (!x)
        return false;
    if (look)
        return true;
    assay_fast_codes(f, r, from, at, k, x, codes, w);
    if (r->out.values || r->narrow_values)
        make_values(f, r, from, at, k, codes, w);
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
        return do_piece(f, r, 0, at, (assay_blocks){ width, g->size }, look, w);
    for (size_t j = 0; j < width; j += ASSAY_PIECE) {
        size_t n = width - j < ASSAY_PIECE ? width - j : ASSAY_PIECE;
        if (!do_piece(f, r, 0, at + j, (assay_blocks){ n, n }, look, w))
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
