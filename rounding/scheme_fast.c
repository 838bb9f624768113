/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks on binary32: which loops serve a scheme, and how. What they
 * do not serve, or not exactly, is left to the definition in scheme_quantize.c. */
#include <math.h>
#include <string.h>

#include "formats/family.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"
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

void assay_move_past(const void *from, void *to, size_t n)
{
    const char *x = (const char *)from;
    char *y = (char *)to;
    size_t head = (ASSAY_LINE - (uintptr_t)y % ASSAY_LINE) % ASSAY_LINE;
    head = head < n ? head : n;
    size_t whole = (n - head) / ASSAY_LINE * ASSAY_LINE, tail = head + whole;
    memcpy(y, x, head);
    assay_scheme_loops_current()->past(x + head, y + head, whole);
    memcpy(y + tail, x + tail, n - tail);
}

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

/* Of the significand of a normal number. */
static int bits_of(double x)
{
    uint64_t fraction = assay_bits64(x) & (((uint64_t)1 << 52) - 1);
    return fraction ? 53 - __builtin_ctzll(fraction) : 1;
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
    bool affine = s->has_zero && s->order == ASSAY_ORDER_EXACT && !r->fixed;
    f->scales = affine && f->of_scales.constants.direct ? FAST_AFFINE
                : assay_fast_search_can(f, r)           ? FAST_SEARCH
                                                        : FAST_ONE;
    if (s->has_zero || r->fixed || (rule >= ASSAY_SCALE_PERCENTILE && rule != ASSAY_SCALE_RANGE))
        return true;
    if (rule < ASSAY_SCALE_MAX) {
        f->scales = FAST_POWER;
        f->powers.bump = bump_of(s);
        return counts && f->powers.lowest <= 0 && f->powers.highest > 1 &&
               s->order == ASSAY_ORDER_EXACT && !r->tensor;
    }
    /* One division is on the right side of midpoints times max t of at most 53 bits. */
    f->scales = FAST_QUOTIENT;
    int top = rule == ASSAY_SCALE_RANGE ? e->bits : bits_of(e->max);
    int bits = scale->p + 1 + top + (r->tensor ? 24 : 0);
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

static bool make(const run *r, assay_fast *f)
{
    const assay_scheme *s = r->s;
    const assay_rounder *e = &s->element;
    bool random = assay_mode_is_stochastic(e->mode), exact;
    assay_rounder plain = *e;
    if (random)
        plain.mode = ASSAY_RNE;
    memset(f, 0, offsetof(assay_fast, steps));
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
    bool counted = e->mode <= ASSAY_RAZ && is_count(&e->format) && !s->has_zero &&
                   (r->tensor || !assay_fast_is_near_whole(r, f));
    if (f->take == ASSAY_TAKE_ODD && counted) {
        f->codes = FAST_COUNT;
        f->unit = 0;
        set_steps(e, f);
        return true;
    }
    if (assay_fast_is_book(r, f)) {
        f->codes = FAST_BOOK;
        return true;
    }
    f->codes = assay_is_whole_format(&e->format) ? FAST_WHOLE : FAST_ARRAY;
    return (f->codes == FAST_WHOLE || direct) && (f->take != ASSAY_TAKE_ODD || !r->tensor);
}

bool assay_fast_make(const run *r, assay_fast *f)
{
    if (!make(r, f))
        return false;
    assay_fast_near_make(r, f);
    return true;
}
