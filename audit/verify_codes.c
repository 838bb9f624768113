/* SPDX-License-Identifier: Apache-2.0 */
/* Codes: what each one decodes to, and what its value is encoded as. */
#if ASSAY_HAVE_MPFR
#include <math.h>
#include <stdio.h>

#include "audit/verify_parts.h"
#include "numerics/bits.h"
#include "rounding/array.h"

enum { SAMPLES = 1 << 12 };

/* What one check compares. */
typedef struct checker {
    const assay_format *f;
    const assay_verify_ladder *ladder;
    assay_rounder rounder; /* to nearest */
    assay_verify_result *out;
    uint64_t code;
    double real;
    bool good;
} checker;

static void expect(checker *c, const char *path, uint64_t got, uint64_t want)
{
    if (got == want || !c->good)
        return;
    c->good = false;
    c->out->wrong++;
    if (c->out->shown == ASSAY_VERIFY_SHOWN)
        return;
    assay_verify_case *shown = &c->out->first[c->out->shown++];
    *shown = (assay_verify_case){
        .operand = c->real, .operand_bits = c->code, .got = got, .want = want
    };
    snprintf(shown->path, sizeof shown->path, "%s", path);
}

/* The code that a finite value has in the ladder: the first of those that share it. */
static uint64_t canonical(const checker *c, mpfr_srcptr v)
{
    const assay_verify_ladder *l = c->ladder;
    int64_t below = l->bottom - 1, above = l->top + 1;
    mpfr_t rung;
    mpfr_init2(rung, l->precision);
    while (below + 1 < above) {
        int64_t middle = (below >> 1) + (above >> 1) + (below & above & 1);
        assay_verify_rung(l, middle, rung);
        if (mpfr_lessequal_p(rung, v))
            below = middle;
        else
            above = middle;
    }
    bool there = below >= l->bottom;
    if (there) {
        assay_verify_rung(l, below, rung);
        there = mpfr_equal_p(rung, v);
    }
    uint64_t code = there ? assay_verify_rung_code(l, below) : c->code;
    if (mpfr_zero_p(v) && mpfr_signbit(v))
        code = l->negzero;
    mpfr_clear(rung);
    return there ? code : UINT64_MAX;
}

static void check_decode(checker *c, mpfr_srcptr v)
{
    const assay_format *f = c->f;
    uint64_t bits = assay_bits64(c->real);
    double array;
    float single;
    expect(c, "decode", assay_bits64(assay_decode(f, c->code)), bits);
    assay_decode_array_f64(f, &c->code, &array, 1); /* little-endian */
    expect(c, "decode f64", assay_bits64(array), bits);
    assay_decode_array_f32(f, &c->code, &single, 1);
    uint32_t want = c->real == c->real ? assay_bits32((float)c->real) : 0x7fc00000;
    expect(c, "decode f32", assay_bits32(single), want);
    expect(c, "is nan", assay_code_is_nan(f, c->code), mpfr_nan_p(v) != 0);
    expect(c, "is inf", assay_code_is_inf(f, c->code), mpfr_inf_p(v) != 0);
}

/* Whether the value's binary64 stands for it: the value itself, or an irrational one's nearest. */
static bool has_way_back(const checker *c, mpfr_srcptr v)
{
    const assay_format *f = c->f;
    if (mpfr_nan_p(v))
        return f->nan != ASSAY_NAN_NONE;
    if (!isfinite(c->real) || (c->real == 0 && !mpfr_zero_p(v)))
        return mpfr_inf_p(v);
    if (f->kind == ASSAY_FAMILY_LOG || f->is_log)
        return true;
    return c->ladder->divisor > 1 || mpfr_cmp_d(v, c->real) == 0;
}

static void check_encode(checker *c, mpfr_srcptr v)
{
    const assay_format *f = c->f;
    if (!has_way_back(c, v))
        return;
    uint64_t want = 0, got = 0;
    if (mpfr_nan_p(v) || mpfr_inf_p(v)) {
        assay_verify_place place = { .kind = mpfr_nan_p(v) ? ASSAY_PLACE_NAN : ASSAY_PLACE_INFINITE,
                                     .negative = mpfr_signbit(v) != 0 };
        want = assay_verify_law(c->ladder, &place, ASSAY_RNE, ASSAY_OVERFLOW_SPEC);
    } else {
        want = canonical(c, v);
    }
    if (want == UINT64_MAX)
        return;
    expect(c, "encode_exact", assay_encode_exact(f, c->real, &got), true);
    expect(c, "encode_exact", got, want);
    expect(c, "round_code", assay_round_code(&c->rounder, c->real), want);
}

assay_status assay_verify_codes(const assay_format *f, assay_verify_result *out)
{
    *out = (assay_verify_result){ 0 };
    assay_verify_ladder ladder;
    checker c = { .f = f, .ladder = &ladder, .out = out };
    assay_status status =
        assay_rounder_make(f, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &c.rounder);
    if (status == ASSAY_OK)
        status = assay_verify_ladder_make(f, assay_verify_precision(f), &ladder);
    if (status != ASSAY_OK)
        return status;
    mpfr_t v;
    mpfr_init2(v, ladder.precision);
    bool all = f->bits <= ASSAY_VERIFY_LISTED;
    uint64_t mask = f->bits == 64 ? ~(uint64_t)0 : ((uint64_t)1 << f->bits) - 1;
    for (uint64_t i = 0; i <= (all ? mask : SAMPLES); i++) {
        c.code = all ? i : assay_verify_mix(i) & mask;
        assay_verify_value(f, c.code, v);
        c.real = assay_verify_real(f, v);
        c.good = true;
        check_decode(&c, v);
        check_encode(&c, v);
        out->checked++;
    }
    mpfr_clear(v);
    assay_verify_ladder_free(&ladder);
    return ASSAY_OK;
}
#endif
