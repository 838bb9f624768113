/* SPDX-License-Identifier: Apache-2.0 */
/* Counters against their definitions, element by element, on MPFR's side: every breakpoint, mode,
 * policy and instruction set. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdlib.h>

#include "../support/oracle.h"
#include "../support/points.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "rounding/array.h"
#include "rounding/count.h"

enum { MOST = 2500 };

static double x[MOST], y[MOST];
static float xf[MOST], yf[MOST];
static oracle_place place[MOST];
static size_t count;

static const assay_rounding roundings[] = {
    { ASSAY_SR, 0, false },  { ASSAY_SREQ, 0, false }, { ASSAY_SRA, 8, false },
    { ASSAY_SRB, 5, false }, { ASSAY_SRC, 16, false },
};
enum { STOCHASTIC = sizeof roundings / sizeof roundings[0] };

/* The points near the largest value and zero, where counters differ, and a sample of the rest. */
static void sample(const assay_format *f)
{
    double *points;
    size_t n = points_make(f, &points);
    mpfr_t exact;
    mpfr_init2(exact, 53);
    count = 0;
    for (size_t i = 0; i < n && count < MOST; i++) {
        bool edge = fabs(points[i]) > f->max / 2 || fabs(points[i]) < 4 * f->min_normal;
        if (points_random(i) % n > (edge ? MOST : MOST / 4))
            continue;
        x[count] = points[i];
        mpfr_set_d(exact, x[count], MPFR_RNDN);
        place[count++] = oracle_locate(f, exact);
    }
    free(points);
    mpfr_clear(exact);
}

/* Whether the magnitude goes up: the deterministic modes by their definitions, the others by asking
 * for the result under a policy that leaves no doubt, or, below the largest value, by the result.
 */
static bool goes_up(assay_mode mode, const oracle_place *p)
{
    bool odd = p->below & 1;
    switch (mode) {
    case ASSAY_RNE: return p->tail > 0 || (p->tail == 0 && odd);
    case ASSAY_RNA: return p->tail >= 0;
    case ASSAY_RNZ: return p->tail > 0;
    case ASSAY_RTZ: return false;
    case ASSAY_RAZ: return true;
    case ASSAY_RUP: return !p->negative;
    case ASSAY_RDN: return p->negative;
    default: return !odd;
    }
}

/* A format of the same values and one more binade: what overflows the one lies there. */
static assay_format wider(const assay_format *f)
{
    assay_format wide = *f;
    wide.max_code = ((uint64_t)1 << 63) - 1;
    wide.sign_bit = (uint64_t)1 << 63;
    return wide;
}

static bool exceeds(const assay_rounder *r, const assay_random *random, size_t i)
{
    const oracle_place *p = &place[i];
    uint64_t max = oracle_max(&r->format), code = p->below;
    if (assay_mode_is_stochastic(r->mode)) {
        assay_rounder unbounded = *r;
        unbounded.format = wider(&r->format);
        unbounded.format.is_signed = true;
        uint64_t at = random->bits ? i : 3 + i;
        code = assay_round_exact_at(&unbounded, assay_exact_from(x[i]), random, at) << 1 >> 1;
        if (p->below > max) /* far beyond: the definition does not even look */
            code = p->below;
    } else if (p->inexact) {
        code += goes_up(r->mode, p);
    }
    return p->negative && !r->format.is_signed ? code > 0 : code > max;
}

static assay_counters expected(const assay_rounder *r, const assay_random *random, bool floats)
{
    assay_counters c = { 0 };
    for (size_t i = 0; i < count; i++) {
        double value = floats ? (double)yf[i] : y[i];
        bool finite = isfinite(x[i]), inexact = finite && !(value == x[i]);
        bool over = finite && x[i] != 0 && exceeds(r, random, i);
        if (floats && (double)(float)x[i] != x[i] && !isnan(x[i]))
            continue;
        c.inexact += inexact;
        c.overflow += over;
        c.underflow += inexact && fabs(x[i]) < r->format.min_normal;
        c.saturated += (over || isinf(x[i])) && isfinite(value);
        c.nan += isnan(x[i]) || isnan(value);
    }
    return c;
}

static void check(const assay_counters *got, const assay_counters *want, const assay_rounder *r,
                  const char *source)
{
    bool same = memcmp(got, want, sizeof *got) == 0;
    cr_assert(same, "%s %s %s %s: %d %d %d %d %d, want %d %d %d %d %d", r->format.name,
              assay_mode_name(r->mode), assay_overflow_name(r->overflow), source, (int)got->inexact,
              (int)got->overflow, (int)got->underflow, (int)got->saturated, (int)got->nan,
              (int)want->inexact, (int)want->overflow, (int)want->underflow, (int)want->saturated,
              (int)want->nan);
}

/* Binary32 operands keep their places in the sequence of elements: others count as 0. */
static void check_rounder(const assay_rounder *r)
{
    assay_random random = { .seed = 1 };
    for (size_t i = 0; i < count; i++)
        xf[i] = (double)(float)x[i] == x[i] || isnan(x[i]) ? (float)x[i] : 0;
    bool floats = assay_round_array_check_f32(r) == ASSAY_OK;
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        assay_counters got = { 0 }, got_f32 = { 0 };
        assay_round_random_f64(r, &random, 3, x, y, count);
        assay_round_random_f32(r, &random, 3, xf, yf, count);
        assay_count_f64(r, &random, 3, x, y, count / 3, &got); /* in two parts */
        assay_count_f64(r, &random, 3 + count / 3, x + count / 3, y + count / 3, count - count / 3,
                        &got);
        assay_count_f32(r, &random, 3, xf, yf, count, &got_f32);
        assay_counters want = expected(r, &random, false), want_f32 = expected(r, &random, true);
        check(&got, &want, r, "f64");
        if (floats)
            check(&got_f32, &want_f32, r, "f32");
    }
}

ParameterizedTestParameters(count, breakpoints)
{
    static int ids[64];
    for (int i = 0; i < (int)points_specs(); i++)
        ids[i] = i;
    return cr_make_param_array(int, ids, points_specs(), NULL);
}

ParameterizedTest(int *id, count, breakpoints)
{
    assay_format f;
    points_format((size_t)*id, &f);
    sample(&f);
    for (int k = 0; k < ASSAY_MODE_COUNT + STOCHASTIC; k++)
        for (int policy = 0; policy < ASSAY_OVERFLOW_COUNT; policy++) {
            if (policy > 0 && (k + policy + *id) % 4 > 0 && !points_thorough())
                continue; /* policies in turns: every mode meets each in some formats */
            assay_rounding rounding = { (assay_mode)k, 0, false };
            assay_rounder r;
            if (k >= ASSAY_MODE_COUNT)
                rounding = roundings[k - ASSAY_MODE_COUNT];
            if (assay_rounder_make_for(&f, rounding, (assay_overflow)policy, ASSAY_NAN_RULE_DEFAULT,
                                       &r) == ASSAY_OK)
                check_rounder(&r);
        }
}

/* By hand: 448 is e4m3's largest value, 2^-6 its least normal one. */
Test(count, by_hand)
{
    const float in[] = {
        1, 1.01F, 449, 464, 465, -1000, INFINITY, NAN, 0x1p-7F, 0x1.1p-8F, 0, -0.0F
    };
    enum { N = sizeof in / sizeof in[0] };
    float out[N];
    assay_format f;
    assay_rounder r;
    cr_assert_eq(assay_format_parse("e4m3", &f), ASSAY_OK);
    cr_assert_eq(assay_rounder_make(&f, ASSAY_RNE, ASSAY_OVERFLOW_SAT, ASSAY_NAN_RULE_DEFAULT, &r),
                 ASSAY_OK);
    assay_counters c = { 0 };
    assay_round_array_f32(&r, in, out, N);
    assay_count_f32(&r, NULL, 0, in, out, N, &c);
    cr_expect_eq(c.inexact, 6); /* 1.01, 449, 464, 465, -1000, 0x1.1p-8 */
    cr_expect_eq(c.overflow, 2);
    cr_expect_eq(c.underflow, 1);
    cr_expect_eq(c.saturated, 3);
    cr_expect_eq(c.nan, 1);
}
