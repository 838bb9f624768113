/* SPDX-License-Identifier: Apache-2.0 */
/* Every path that rounds equals the oracle at every breakpoint, for each format, mode, overflow
 * policy, NaN rule and instruction set. Between breakpoints rounding is constant. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdlib.h>

#include "../support/oracle.h"
#include "../support/points.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "rounding/array.h"
#include "rounding/fast.h"

ParameterizedTestParameters(rounding, breakpoints)
{
    static int ids[64];
    for (int i = 0; i < (int)points_specs(); i++)
        ids[i] = i;
    return cr_make_param_array(int, ids, points_specs(), NULL);
}

/* Operands, where they lie, and what one rounder has to make of them. */
typedef struct bench {
    size_t n, floats;
    double *x, *y, *want;
    oracle_place *place, *above; /* of x, and of a number just beyond x in magnitude */
    uint64_t *code;
    float *xf, *yf;
    size_t *index; /* of each float in x */
    char *codes;
} bench;

static void *allocate(size_t n)
{
    void *p = calloc(n, 8);
    cr_assert(p != NULL);
    return p;
}

static void locate_all(const assay_format *f, bench *b)
{
    mpfr_t x, beyond;
    mpfr_init2(x, 53);
    mpfr_init2(beyond, 200);
    for (size_t i = 0; i < b->n; i++) {
        mpfr_set_d(x, b->x[i], MPFR_RNDN);
        b->place[i] = oracle_locate(f, x);
        mpfr_set_d(beyond, 1 + 0x1p-52, MPFR_RNDN);
        mpfr_mul_2si(beyond, beyond, -100, MPFR_RNDN);
        mpfr_add_ui(beyond, beyond, 1, MPFR_RNDN);
        mpfr_mul(beyond, beyond, x, MPFR_RNDN);
        b->above[i] = i % 8 < 4 ? oracle_locate(f, beyond) : b->place[i];
        float near = (float)b->x[i];
        if ((double)near == b->x[i] || b->x[i] != b->x[i]) {
            b->xf[b->floats] = near;
            b->index[b->floats++] = i;
        }
    }
    mpfr_clears(x, beyond, (mpfr_ptr)NULL);
}

/* Policies differ above the largest value and for infinities: for large formats `rest` keeps
 * those points and a sample. */
static size_t keep_top(const assay_format *f, double *x, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (n < 40000 || !(fabs(x[i]) < f->max / 2) || i % 61 < 2)
            x[kept++] = x[i];
    return kept;
}

static bench make_bench(const assay_format *f, bool rest)
{
    bench b = { 0 };
    b.n = points_make(f, &b.x);
    if (rest)
        b.n = keep_top(f, b.x, b.n);
    b.y = allocate(b.n);
    b.want = allocate(b.n);
    b.place = allocate(b.n * sizeof *b.place / 8);
    b.above = allocate(b.n * sizeof *b.above / 8);
    b.code = allocate(b.n);
    b.xf = allocate(b.n);
    b.yf = allocate(b.n);
    b.index = allocate(b.n);
    b.codes = allocate(b.n);
    locate_all(f, &b);
    return b;
}

#define SHOW(kind, x)                                                    \
    "%s %s %s %s of %a", kind, r->format.name, assay_mode_name(r->mode), \
        assay_overflow_name(r->overflow), (double)(x)

static void check_scalar(const assay_rounder *r, assay_nan_rule rule, const bench *b)
{
    assay_fast_rounder fast = assay_fast_rounder_from(r);
    for (size_t i = 0; i < b->n; i++) {
        double x = b->x[i];
        uint64_t bits = assay_bits64(b->want[i]);
        if (assay_round_code(r, x) != b->code[i])
            cr_assert_fail(SHOW("code", x));
        if (assay_bits64(assay_round(r, x)) != bits)
            cr_assert_fail(SHOW("value", x));
        if (assay_bits64(assay_round_fast(&fast, x)) != bits)
            cr_assert_fail(SHOW("fast", x));
        assay_exact e = assay_exact_from(x);
        e.sticky = e.kind == ASSAY_FINITE && i % 8 < 4;
        uint64_t beyond = oracle_code(&r->format, &b->above[i], r->mode, r->overflow, rule);
        if (assay_round_exact(r, e) != beyond)
            cr_assert_fail(SHOW("sticky", x));
    }
}

static uint64_t code_at(const bench *b, size_t i, size_t bytes)
{
    uint64_t code = 0;
    memcpy(&code, b->codes + i * bytes, bytes); /* little-endian */
    return code;
}

static void check_arrays_f64(const assay_rounder *r, bench *b)
{
    size_t bytes = assay_format_container(&r->format);
    memcpy(b->y, b->x, b->n * sizeof *b->x);
    assay_round_array_f64(r, b->y, b->y, b->n);
    assay_encode_array_f64(r, b->x, b->codes, b->n);
    for (size_t i = 0; i < b->n; i++) {
        if (assay_bits64(b->y[i]) != assay_bits64(b->want[i]))
            cr_assert_fail(SHOW("f64 value", b->x[i]));
        if (code_at(b, i, bytes) != b->code[i])
            cr_assert_fail(SHOW("f64 code", b->x[i]));
    }
}

static void check_arrays_f32(const assay_rounder *r, bench *b)
{
    size_t bytes = assay_format_container(&r->format);
    assay_round_array_f32(r, b->xf, b->yf, b->floats);
    assay_encode_array_f32(r, b->xf, b->codes, b->floats);
    for (size_t i = 0; i < b->floats; i++) {
        uint64_t code = b->code[b->index[i]];
        float want = (float)b->want[b->index[i]];
        if (assay_bits32(b->yf[i]) != assay_bits32(want))
            cr_assert_fail(SHOW("f32 value", b->xf[i]));
        if (code_at(b, i, bytes) != code)
            cr_assert_fail(SHOW("f32 code", b->xf[i]));
    }
}

static void check_rounder(const assay_rounder *r, assay_nan_rule rule, bench *b)
{
    for (size_t i = 0; i < b->n; i++) {
        b->code[i] = oracle_code(&r->format, &b->place[i], r->mode, r->overflow, rule);
        b->want[i] = assay_decode(&r->format, b->code[i]);
    }
    check_scalar(r, rule, b);
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        check_arrays_f64(r, b);
        check_arrays_f32(r, b);
    }
}

/* Other NaN rules change nothing but NaN: one mode and policy show that. Policies change only what
 * overflows and infinities become: a third of the modes of each format shows that, in turns. */
static bool worthwhile(const assay_format *f, assay_mode mode, assay_overflow policy,
                       assay_nan_rule rule, int turn)
{
    bool first = mode == ASSAY_RNE && policy == ASSAY_OVERFLOW_SPEC && f->nan == ASSAY_NAN_NONE;
    bool in_turn = policy == ASSAY_OVERFLOW_SPEC || (turn + (int)mode + (int)policy) % 3 == 0;
    return (rule == ASSAY_NAN_RULE_DEFAULT && (in_turn || points_thorough())) || first;
}

ParameterizedTest(int *id, rounding, breakpoints)
{
    assay_format f;
    points_format((size_t)*id, &f);
    bench all = make_bench(&f, false), rest = make_bench(&f, true);
    for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++)
        for (int policy = 0; policy < ASSAY_OVERFLOW_COUNT; policy++)
            for (int rule = 0; rule <= ASSAY_NAN_RULE_ERROR; rule++) {
                assay_rounder r;
                if (!worthwhile(&f, (assay_mode)mode, (assay_overflow)policy, (assay_nan_rule)rule,
                                *id))
                    continue;
                assay_status status = assay_rounder_make(
                    &f, (assay_mode)mode, (assay_overflow)policy, (assay_nan_rule)rule, &r);
                bool applies = oracle_applies(&f, (assay_overflow)policy, (assay_nan_rule)rule);
                cr_assert_eq(status, applies ? ASSAY_OK : ASSAY_ERR_USAGE);
                if (applies)
                    check_rounder(&r, (assay_nan_rule)rule,
                                  policy == ASSAY_OVERFLOW_SPEC ? &all : &rest);
            }
}
