/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays with error feedback equal their elements in any layout, part and instruction set; and what
 * is provable of their sums. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include <mpfr.h>

#include "../support/points.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "rounding/array.h"
#include "rounding/feedback.h"

enum { MODES = 13, RARE = 12 };

static const char *const modes[MODES] = { "rne",        "rna",        "rnz",  "rtz", "raz",
                                          "rup",        "rdn",        "rodd", "sr",  "sra:bits=16",
                                          "srb:bits=5", "src:bits=3", "sreq" };

static double uniform(uint64_t i)
{
    return (double)(points_random(i) >> 11) * 0x1p-53;
}

static void add(mpfr_ptr sum, double x)
{
    cr_assert_eq(mpfr_add_d(sum, sum, x, MPFR_RNDN), 0, "exact");
}

/* Operands that the loops leave to single steps, or where they might go wrong. */
static const double rare[RARE] = { INFINITY, -INFINITY, NAN,     1e30,    -1e30,  0x1p-149,
                                   -0.0,     0,         0x1p-70, -0x1p-9, 448.25, -3.3e38 };

/* ---- Arrays ---- */

enum { ROWS = 21, COLUMNS = 37, STRIDE = 41, CELLS = ROWS * STRIDE, BLOCK = 8 };

typedef struct fields {
    double x[CELLS], y[CELLS], hi[CELLS], lo[CELLS];
    assay_feedback_counts counts;
} fields;

/* Where element (r, c) stands: its lane. */
static size_t lane_of(const assay_feedback_shape *s, size_t r, size_t c)
{
    size_t per = (s->columns + s->block - 1) / s->block;
    return s->layout == ASSAY_FEEDBACK_TIME  ? c
           : s->layout == ASSAY_FEEDBACK_ROW ? r
                                             : r * per + c / s->block;
}

static void by_element(const assay_feedback *f, const assay_feedback_shape *s, fields *a,
                       const assay_random *random)
{
    for (size_t r = 0; r < s->rows; r++)
        for (size_t c = 0; c < s->columns; c++) {
            size_t i = r * s->stride + c, lane = lane_of(s, r, c);
            assay_residue e = { a->hi[lane], a->lo[lane] };
            a->y[i] = assay_feedback_stream(f, a->x[i], &e, random, 1000 + i, &a->counts);
            a->hi[lane] = e.hi;
            a->lo[lane] = e.lo;
        }
}

/* The same by the array function, in place, on the part that `s` describes. */
static void by_array(const assay_feedback *f, assay_feedback_shape s, fields *a, size_t first,
                     size_t lane, const assay_random *random)
{
    assay_feedback_counts part = { 0 };
    float y[CELLS], hi[CELLS], lo[CELLS];
    if (f->type == ASSAY_FEEDBACK_F64) {
        cr_assert_eq(assay_feedback_array_f64(f, &s, a->y + first, a->y + first, random,
                                              1000 + first, a->hi + lane, a->lo + lane, &part),
                     ASSAY_OK);
        assay_feedback_merge(&a->counts, &part);
        return;
    }
    for (size_t i = 0; i < CELLS; i++) {
        y[i] = (float)a->y[i];
        hi[i] = (float)a->hi[i];
        lo[i] = (float)a->lo[i];
    }
    cr_assert_eq(assay_feedback_array_f32(f, &s, y + first, y + first, random, 1000 + first,
                                          hi + lane, lo + lane, &part),
                 ASSAY_OK);
    for (size_t i = 0; i < CELLS; i++) {
        a->y[i] = (double)y[i];
        a->hi[i] = (double)hi[i];
        a->lo[i] = (double)lo[i];
    }
    assay_feedback_merge(&a->counts, &part);
}

static void expect_equal(const fields *got, const fields *want, const char *what)
{
    for (size_t i = 0; i < CELLS; i++)
        cr_assert(assay_bits64(got->y[i]) == assay_bits64(want->y[i]) &&
                      assay_bits64(got->hi[i]) == assay_bits64(want->hi[i]) &&
                      assay_bits64(got->lo[i]) == assay_bits64(want->lo[i]),
                  "%s at %zu: %a %a %a, expected %a %a %a", what, i, got->y[i], got->hi[i],
                  got->lo[i], want->y[i], want->hi[i], want->lo[i]);
    const assay_feedback_counts *c = &got->counts, *d = &want->counts;
    cr_assert(c->resets == d->resets && c->clamps == d->clamps && c->inexact == d->inexact);
    cr_assert_eq(c->max_error, d->max_error);
    assay_leading a = assay_superaccumulator_leading(&c->rounded);
    assay_leading b = assay_superaccumulator_leading(&d->rounded);
    cr_assert(a.sig == b.sig && a.kind == b.kind && a.exp == b.exp && a.negative == b.negative);
}

static void check_layout(const assay_feedback *f, assay_feedback_layout layout, uint64_t seed)
{
    static fields start, want, whole, parts;
    assay_feedback_shape s = { layout, ROWS, COLUMNS, STRIDE, BLOCK }, part = s;
    assay_random random = { .seed = seed };
    memset(&start, 0, sizeof start);
    for (size_t i = 0; i < CELLS; i++) {
        start.x[i] = uniform(i + seed) - 0.25;
        if (points_random(i ^ seed) % 8 == 0)
            start.x[i] = rare[points_random(i + seed) % RARE];
        start.x[i] = f->type == ASSAY_FEEDBACK_F32 ? (double)(float)start.x[i] : start.x[i];
        start.y[i] = start.x[i];
        start.hi[i] = i % 5 == 0 ? 0x1p-12 : 0;
        start.lo[i] = i % 10 == 0 ? -0x1p-60 : 0;
    }
    want = whole = parts = start;
    by_element(f, &s, &want, &random);
    by_array(f, s, &whole, 0, 0, &random);
    expect_equal(&whole, &want, "whole");
    size_t cut = 13, from = layout == ASSAY_FEEDBACK_TIME  ? 0
                            : layout == ASSAY_FEEDBACK_ROW ? cut
                                                           : cut * 5;
    part.rows = cut; /* rows first, and then each half by columns where blocks allow it */
    by_array(f, part, &parts, 0, 0, &random);
    part.rows = ROWS - cut;
    if (layout == ASSAY_FEEDBACK_BLOCK) {
        by_array(f, part, &parts, cut * STRIDE, from, &random);
    } else {
        size_t lane = layout == ASSAY_FEEDBACK_TIME ? 16 : from;
        part.columns = 16;
        by_array(f, part, &parts, cut * STRIDE, from, &random);
        part.columns = COLUMNS - 16;
        by_array(f, part, &parts, cut * STRIDE + 16, lane, &random);
    }
    expect_equal(&parts, &want, "parts");
}

Test(feedback, arrays_equal_elements_for_any_layout_parts_and_isa)
{
    static const char *const specs[] = { "bfloat16", "e4m3", "ue4m3", "posit8", "e4m3fnuz" };
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        for (uint64_t k = 0; k < 5 * MODES * 6; k++) {
            assay_rounder r =
                points_rounder(specs[k % 5], modes[k / 5 % MODES], ASSAY_OVERFLOW_SPEC);
            assay_rounder half = points_rounder("bfloat16", "rne", ASSAY_OVERFLOW_SPEC);
            assay_feedback f;
            cr_assert_eq(assay_feedback_make(
                             &r, k % 7 ? NULL : &half,
                             k / 5 / MODES % 2 ? ASSAY_FEEDBACK_F32 : ASSAY_FEEDBACK_F64, &f),
                         ASSAY_OK);
            check_layout(&f, (assay_feedback_layout)(k / 5 / MODES / 2), k);
        }
    }
}

Test(feedback, joined_blocks_equal_rows)
{
    enum { N = 700 };
    assay_rounder r = points_rounder("e4m3", "sr", ASSAY_OVERFLOW_SPEC);
    assay_feedback f;
    assay_feedback_counts counts = { 0 };
    assay_random random = { .seed = 9 };
    float x[N], y[N], z[N], hi[N] = { 0 }, lo[N] = { 0 }, hi2[N] = { 0 }, lo2[N] = { 0 };
    for (uint64_t i = 0; i < N; i++)
        x[i] = (float)uniform(i);
    cr_assert_eq(assay_feedback_make(&r, NULL, ASSAY_FEEDBACK_F32, &f), ASSAY_OK);
    assay_feedback_shape blocks = { ASSAY_FEEDBACK_BLOCK, 7, 100, 100, 25 };
    assay_feedback_shape rows = { ASSAY_FEEDBACK_ROW, 28, 25, 25, 0 };
    cr_assert_eq(assay_feedback_lanes(&blocks), 28);
    cr_assert_eq(assay_feedback_array_f32(&f, &blocks, x, y, &random, 0, hi, lo, &counts),
                 ASSAY_OK);
    cr_assert_eq(assay_feedback_array_f32(&f, &rows, x, z, &random, 0, hi2, lo2, &counts),
                 ASSAY_OK);
    cr_assert_arr_eq(y, z, sizeof y);
    cr_assert_arr_eq(hi, hi2, sizeof hi);
}

Test(feedback, errors)
{
    assay_rounder r = points_rounder("e4m3", "rne", ASSAY_OVERFLOW_SPEC);
    assay_rounder random = points_rounder("e4m3", "sr", ASSAY_OVERFLOW_SPEC);
    assay_rounder wide = points_rounder("binary64", "rne", ASSAY_OVERFLOW_SPEC);
    assay_feedback f = { .highest = 7 };
    cr_expect_eq(assay_feedback_make(&r, &random, ASSAY_FEEDBACK_F64, &f), ASSAY_ERR_USAGE);
    cr_expect_eq(assay_feedback_make(&wide, NULL, ASSAY_FEEDBACK_F32, &f), ASSAY_ERR_VALUE);
    cr_expect_eq(assay_feedback_make(&r, &wide, ASSAY_FEEDBACK_F32, &f), ASSAY_ERR_VALUE);
    cr_expect_eq(f.highest, 7);
    cr_assert_eq(assay_feedback_make(&r, NULL, ASSAY_FEEDBACK_F32, &f), ASSAY_OK);
    float x = 0.3f, y = 9, hi = 0, lo = 0;
    double wide_x = 0.3, none = 0;
    assay_random bits = { 0 };
    assay_feedback_counts counts = { 0 };
    assay_feedback_shape s = { ASSAY_FEEDBACK_BLOCK, 1, 1, 1, 0 };
    cr_expect_eq(assay_feedback_array_f32(&f, &s, &x, &y, &bits, 0, &hi, &lo, &counts),
                 ASSAY_ERR_SHAPE);
    s = (assay_feedback_shape){ ASSAY_FEEDBACK_TIME, 1, 2, 1, 0 };
    cr_expect_eq(assay_feedback_array_f32(&f, &s, &x, &y, &bits, 0, &hi, &lo, &counts),
                 ASSAY_ERR_SHAPE);
    s.columns = 1;
    cr_expect_eq(
        assay_feedback_array_f64(&f, &s, &wide_x, &wide_x, &bits, 0, &none, &none, &counts),
        ASSAY_ERR_USAGE);
    cr_expect_eq(y, 9);
}

/* ---- What is provable of sums ---- */

static void add_sum(mpfr_ptr out, const assay_superaccumulator *sum)
{
    mpfr_t digit;
    mpfr_init2(digit, 64);
    for (int i = 0; i < ASSAY_SUPERACCUMULATOR_DIGITS; i++) {
        mpfr_set_si(digit, (long)sum->digit[i], MPFR_RNDN);
        mpfr_mul_2si(digit, digit, 32 * i + ASSAY_SUPERACCUMULATOR_UNIT, MPFR_RNDN);
        mpfr_add(out, out, digit, MPFR_RNDN);
    }
    mpfr_clear(digit);
}

/* sum q + e + rounded + dropped = sum x: to the last bit, whatever was clamped or rounded. */
Test(feedback, nothing_is_lost)
{
    assay_rounder half = points_rounder("binary16", "rne", ASSAY_OVERFLOW_SPEC);
    mpfr_t sum;
    mpfr_init2(sum, 4400);
    for (uint64_t k = 0; k < 2 * MODES; k++) {
        assay_rounder r = points_rounder("e4m3", modes[k / 2], ASSAY_OVERFLOW_SAT);
        assay_feedback f;
        assay_feedback_counts counts = { 0 };
        assay_residue e = { 0, 0 };
        assay_random random = { .seed = k };
        cr_assert_eq(assay_feedback_make(&r, k % 2 ? &half : NULL, ASSAY_FEEDBACK_F64, &f),
                     ASSAY_OK);
        mpfr_set_zero(sum, 1);
        for (uint64_t i = 0; i < 2000; i++) {
            double x = ldexp(uniform(i) - 0.5, (int)(points_random(i) % 60) - 48);
            double q = assay_feedback_stream(&f, x, &e, &random, i, &counts);
            add(sum, x);
            add(sum, -q);
            double bound = k / 2 < 3 ? 16 : 32; /* a step at the top of e4m3, or half of it */
            cr_assert(counts.clamps > 0 || counts.inexact > 0 || fabs(e.hi) <= bound);
        }
        add(sum, -e.hi);
        add(sum, -e.lo);
        mpfr_neg(sum, sum, MPFR_RNDN);
        add_sum(sum, &counts.rounded);
        add_sum(sum, &counts.dropped);
        cr_expect(mpfr_zero_p(sum), "%s", modes[k / 2]);
        cr_expect((counts.clamps > 0) && (counts.inexact > 0) == (k % 2));
    }
    mpfr_clear(sum);
}

/* |e| <= gap / 2 to nearest, < gap otherwise, for every state on the way. */
Test(feedback, residues_stay_below_a_step)
{
    for (uint64_t k = 0; k < MODES; k++) {
        assay_rounder r = points_rounder("bfloat16", modes[k], ASSAY_OVERFLOW_SPEC);
        assay_feedback f;
        assay_feedback_counts counts = { 0 };
        assay_residue e = { 0, 0 };
        assay_random random = { .seed = k };
        cr_assert_eq(assay_feedback_make(&r, NULL, ASSAY_FEEDBACK_F32, &f), ASSAY_OK);
        for (uint64_t i = 0; i < 4000; i++) {
            double x = (double)(float)(uniform(i) + 1);
            double q = assay_feedback_stream(&f, x, &e, &random, i, &counts);
            double gap = assay_pow2(assay_exponent(fmax(q, x)) - 7);
            cr_assert(k < 3 ? fabs(e.hi) <= gap / 2 : fabs(e.hi) < gap, "%s", modes[k]);
        }
        cr_expect(counts.resets == 0 && counts.clamps == 0 && counts.inexact == 0);
    }
}

enum { UPDATES = 1000000, RUNS = 16 };

/* A million updates of 1e-6 from 0.5: the sum is 1.5 to 2^-30. */
static void check_updates(const char *spec, double ulp, double scatter)
{
    assay_rounder rne = points_rounder(spec, "rne", ASSAY_OVERFLOW_SPEC);
    assay_rounder sr = points_rounder(spec, "sr", ASSAY_OVERFLOW_SPEC), narrow;
    narrow = points_rounder("binary32", "rne", ASSAY_OVERFLOW_SPEC);
    assay_feedback exact, rounded;
    assay_feedback_counts none = { 0 }, counts = { 0 };
    assay_residue e = { 0, 0 }, d = { 0, 0 };
    assay_random random = { .seed = 1 };
    cr_assert_eq(assay_feedback_make(&rne, NULL, ASSAY_FEEDBACK_F64, &exact), ASSAY_OK);
    cr_assert_eq(assay_feedback_make(&rne, &narrow, ASSAY_FEEDBACK_F64, &rounded), ASSAY_OK);
    double plain = 0.5, state = 0.5, other = 0.5, runs[RUNS], mean = 0;
    for (int i = 0; i < RUNS; i++)
        runs[i] = 0.5;
    for (uint64_t i = 0; i < UPDATES; i++) {
        plain = assay_round(&rne, plain + 1e-6);
        state = assay_feedback_state(&exact, state, 1e-6, 0, &e, &random, i, &none);
        other = assay_feedback_state(&rounded, other, 1e-6, 0, &d, &random, i, &counts);
        for (int k = 0; k < RUNS; k++)
            runs[k] += 1e-6;
        assay_round_random_f64(&sr, &random, i * RUNS, runs, runs, RUNS);
    }
    cr_expect_eq(plain, 0.5);
    cr_expect(fabs(state - 1.5) <= ulp / 2 + 0x1p-30 && none.inexact == 0);
    mpfr_t sum;
    mpfr_init2(sum, 4400);
    mpfr_set_d(sum, -1e-6, MPFR_RNDN);
    mpfr_mul_si(sum, sum, UPDATES, MPFR_RNDN);
    add(sum, other - 0.5);
    add(sum, d.hi);
    add_sum(sum, &counts.rounded);
    cr_expect(mpfr_zero_p(sum), "state + e + what was reported as lost is the sum");
    mpfr_clear(sum);
    cr_expect(fabs(other + d.hi - 1.5) <= UPDATES * counts.max_error);
    for (int k = 0; k < RUNS; k++)
        mean += runs[k] / RUNS;
    cr_expect(fabs(mean - 1.5) < scatter, "%s: %g", spec, mean);
}

Test(feedback, a_million_small_updates_arrive)
{
    check_updates("bfloat16", 0x1p-7, 0.1);
    check_updates("e4m3", 0x1p-3, 0.4);
}
