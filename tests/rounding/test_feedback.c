/* SPDX-License-Identifier: Apache-2.0 */
/* Error feedback against sums and residues in MPFR, which hold every bit. R itself is the
 * primitive on that exact sum, which other tests compare with MPFR, or with its own here. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mpfr.h>

#include "../support/oracle.h"
#include "../support/points.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "rounding/feedback_strip.h"

enum { BITS = 2600, STEPS = 160, FORMATS = 26, MODES = 13 };

static const char *const formats[FORMATS] = {
    "bfloat16",       "e4m3",           "e5m2",     "e2m1",   "e3m2",       "e4m3fnuz",
    "e8m0",           "ue5m3",          "binary16", "tf32",   "binary32",   "e3m0",
    "dlfloat16",      "binary8p3se",    "posit8",   "takum8", "takum8_log", "nf4",
    "int8",           "binary8p1uf",    "lns8",     "hif8",   "bnb_fp4",    "binary64",
    "float:e=11,m=3", "float:e=11,m=20"
};
static const char *const modes[MODES] = { "rne",        "rna",        "rnz",  "rtz", "raz",
                                          "rup",        "rdn",        "rodd", "sr",  "sra:bits=16",
                                          "srb:bits=5", "src:bits=3", "sreq" };

/* ---- The oracle ---- */

typedef struct ends {
    double highest, lowest, above, below; /* and the steps inwards */
} ends;

/* The two largest and the two least values among all codes, or those of a wide float. */
static ends ends_of(const assay_format *f)
{
    if (f->bits > 16) {
        double max = ldexp(2 - ldexp(2, -f->p), f->emax), step = ldexp(1, f->emax - f->p + 1);
        return (ends){ max, -max, step, step };
    }
    double top[2] = { -INFINITY, -INFINITY }, least[2] = { INFINITY, INFINITY };
    for (uint64_t code = 0; code < (uint64_t)1 << f->bits; code++) {
        double v = assay_decode(f, code);
        if (!isfinite(v))
            continue;
        if (v > top[0])
            top[1] = top[0], top[0] = v;
        else if (v < top[0] && v > top[1])
            top[1] = v;
        if (v < least[0])
            least[1] = least[0], least[0] = v;
        else if (v > least[0] && v < least[1])
            least[1] = v;
    }
    return (ends){ top[0], least[0], top[0] - top[1], least[1] - least[0] };
}

typedef struct model {
    assay_rounder r;
    const assay_rounder *residue;
    bool narrow;
    ends ends;
    mpfr_t e, u, part, before; /* before: e as it was */
    uint64_t resets, clamps, inexact;
    double max_error;
    mpfr_t lost; /* by clamps, resets and roundings of e */
} model;

static void model_init(model *m, assay_rounder r, const assay_rounder *residue, bool narrow)
{
    *m = (model){ .r = r, .residue = residue, .narrow = narrow, .ends = ends_of(&r.format) };
    mpfr_inits2(BITS, m->e, m->u, m->part, m->before, m->lost, (mpfr_ptr)0);
    mpfr_set_zero(m->e, 1);
    mpfr_set_zero(m->lost, 1);
}

static void model_clear(model *m)
{
    mpfr_clears(m->e, m->u, m->part, m->before, m->lost, (mpfr_ptr)0);
}

/* The leading 256 bits and whether more follow. */
static assay_exact exact_from(mpfr_srcptr x)
{
    assay_exact out = { .kind = ASSAY_ZERO, .negative = mpfr_signbit(x) };
    if (mpfr_nan_p(x) || mpfr_inf_p(x))
        out.kind = mpfr_nan_p(x) ? ASSAY_NOT_A_NUMBER : ASSAY_INFINITE;
    if (!mpfr_regular_p(x))
        return out;
    mpz_t z, low;
    mpz_inits(z, low, NULL);
    mpfr_exp_t exp = mpfr_get_z_2exp(z, x);
    mpz_abs(z, z);
    long extra = (long)mpz_sizeinbase(z, 2) - 256;
    mpz_tdiv_r_2exp(low, z, extra > 0 ? (mp_bitcnt_t)extra : 0);
    out.rest = mpz_sgn(low) != 0;
    if (extra > 0)
        mpz_tdiv_q_2exp(z, z, (mp_bitcnt_t)extra);
    else
        mpz_mul_2exp(z, z, (mp_bitcnt_t)-extra);
    uint64_t limb[4] = { 0 };
    mpz_export(limb, NULL, 1, 8, 0, 0, z);
    out.kind = ASSAY_FINITE;
    out.sig = limb[0];
    memcpy(out.more, limb + 1, sizeof out.more);
    out.sticky = out.rest || (limb[1] | limb[2] | limb[3]) != 0;
    out.exp = (int)(exp + extra) + 192;
    mpz_clears(z, low, NULL);
    return out;
}

static void add(mpfr_ptr sum, double x)
{
    if (x != 0)
        cr_assert_eq(mpfr_add_d(sum, sum, x, MPFR_RNDN), 0, "exact");
}

static double nearest(const model *m, mpfr_srcptr x)
{
    return (m->narrow ? (double)mpfr_get_flt(x, MPFR_RNDN) : mpfr_get_d(x, MPFR_RNDN)) + 0.0;
}

static uint64_t code_of(const model *m, const assay_random *random, uint64_t i)
{
    const assay_rounder *r = &m->r;
    uint64_t code = assay_round_exact_at(r, exact_from(m->u), random, i);
    if (r->format.kind == ASSAY_FAMILY_FLOAT && r->format.has_zero &&
        r->format.law == ASSAY_LAW_GENERAL && !assay_mode_is_stochastic(r->mode)) {
        oracle_place place = oracle_locate(&r->format, m->u);
        cr_assert_eq(code,
                     oracle_code(&r->format, &place, r->mode, r->overflow, ASSAY_NAN_RULE_DEFAULT));
    }
    return code;
}

static void model_reset(model *m)
{
    m->resets++;
    if (mpfr_number_p(m->before))
        mpfr_add(m->lost, m->lost, m->before, MPFR_RNDN);
    mpfr_set_zero(m->e, 1);
}

/* u - q is in m->e: cuts and rounds it; *hi, *lo as they are to be stored. */
static void model_store(model *m, double q, double *hi, double *lo)
{
    int sign = mpfr_sgn(m->e);
    double step = q == m->ends.highest && sign > 0  ? m->ends.above
                  : q == m->ends.lowest && sign < 0 ? m->ends.below
                                                    : INFINITY;
    mpfr_set(m->part, m->e, MPFR_RNDN);
    if (mpfr_cmpabs(m->e, (mpfr_set_d(m->u, step, MPFR_RNDN), m->u)) > 0) {
        m->clamps++;
        mpfr_set_d(m->e, sign * step, MPFR_RNDN);
    }
    mpfr_sub(m->part, m->part, m->e, MPFR_RNDN);
    mpfr_add(m->lost, m->lost, m->part, MPFR_RNDN);
    if (m->residue) {
        uint64_t code = assay_round_exact(m->residue, exact_from(m->e));
        *hi = assay_decode(&m->residue->format, code) + 0.0;
        if (!isfinite(*hi)) {
            mpfr_set(m->before, m->e, MPFR_RNDN);
            model_reset(m);
            *hi = 0;
            return;
        }
        mpfr_sub_d(m->part, m->e, *hi, MPFR_RNDN);
    } else {
        *hi = nearest(m, m->e);
        mpfr_sub_d(m->part, m->e, *hi, MPFR_RNDN);
        *lo = nearest(m, m->part);
        mpfr_sub_d(m->part, m->part, *lo, MPFR_RNDN);
        mpfr_sub(m->u, m->e, m->part, MPFR_RNDN); /* what the pair holds, as it is written */
        *hi = nearest(m, m->u);
        mpfr_sub_d(m->u, m->u, *hi, MPFR_RNDN);
        *lo = nearest(m, m->u);
    }
    m->inexact += !mpfr_zero_p(m->part);
    m->max_error = fmax(m->max_error, fabs(mpfr_get_d(m->part, MPFR_RNDN)));
    mpfr_add(m->lost, m->lost, m->part, MPFR_RNDN);
    mpfr_sub(m->e, m->e, m->part, MPFR_RNDN);
}

static double model_step(model *m, const double *terms, int count, const assay_random *random,
                         uint64_t i, double *hi, double *lo)
{
    *hi = *lo = 0;
    mpfr_set(m->before, m->e, MPFR_RNDN);
    mpfr_rnd_t zero_sign = m->r.mode == ASSAY_RDN ? MPFR_RNDD : MPFR_RNDN;
    mpfr_set_d(m->u, terms[0], MPFR_RNDN);
    for (int k = 1; k < count; k++)
        mpfr_add_d(m->u, m->u, terms[k], zero_sign);
    if (!mpfr_zero_p(m->e))
        mpfr_add(m->u, m->u, m->e, zero_sign);
    double q = assay_decode(&m->r.format, code_of(m, random, i));
    if (!mpfr_number_p(m->u) || !isfinite(q)) {
        model_reset(m);
        return q;
    }
    mpfr_set(m->e, m->u, MPFR_RNDN);
    add(m->e, -q);
    model_store(m, q, hi, lo);
    return q;
}

/* ---- Operands ---- */

static double uniform(uint64_t i)
{
    return (double)(points_random(i) >> 11) * 0x1p-53;
}

/* Operand i of a stream for the format: of its size, of any size, on and beside the boundaries of
 * rounding, beyond its ends, special, or the residue's own negative (a cancellation). */
static double operand(const assay_format *f, bool narrow, uint64_t i, const assay_residue *e)
{
    uint64_t u = points_random(i ^ 0x5eed), kind = u % 16;
    double max = isfinite(f->max) ? f->max : DBL_MAX, sign = u >> 40 & 1 ? -1 : 1;
    double x = sign * uniform(i) * fmin(max, 8);
    if (kind == 0)
        x = assay_from_bits64(points_random(i + 77)); /* any binary64, NaN and infinity too */
    else if (kind == 1)
        x = sign * max * (0.5 + uniform(i));
    else if (kind == 2)
        x = sign * f->min_positive * uniform(i) * 4;
    else if (kind == 3)
        x = assay_decode(f, u >> 8) + sign * f->min_positive / 2;
    else if (kind == 4)
        x = i % 3 == 0 ? -0.0 : i % 3 == 1 ? 0.0 : -e->hi;
    else if (kind == 5)
        x = sign * ldexp(1 + uniform(i), (int)(u >> 20 & 127) - 100);
    else if (kind == 6 && u >> 50 & 1)
        x = u >> 30 & 1 ? INFINITY : u >> 31 & 1 ? -INFINITY : NAN;
    else if (kind == 7)
        x = sign * (narrow ? 0x1p-149 : 0x1p-1074) * (double)(u >> 8 & 7);
    return narrow ? (double)(float)x : x;
}

static void expect_same(const char *what, const model *m, size_t i, double got, double want)
{
    if (assay_bits64(got) != assay_bits64(want))
        cr_assert_fail("%s %s %s %s, step %zu: %s %a, expected %a", m->r.format.name,
                       assay_mode_name(m->r.mode), assay_overflow_name(m->r.overflow),
                       m->narrow ? "f32" : "f64", i, what, got, want);
}

static void expect_counts(model *m, const assay_feedback_counts *c)
{
    cr_assert_eq(c->resets, m->resets, "%s", m->r.format.name);
    cr_assert_eq(c->clamps, m->clamps, "%s", m->r.format.name);
    cr_assert_eq(c->inexact, m->inexact, "%s: %llu %llu", m->r.format.name,
                 (unsigned long long)c->inexact, (unsigned long long)m->inexact);
    cr_assert_eq(c->max_error, m->max_error);
    mpfr_t sum;
    mpfr_init2(sum, BITS);
    mpfr_set_zero(sum, 1);
    for (int i = 0; i < ASSAY_SUPERACCUMULATOR_DIGITS; i++)
        for (int k = 0; k < 2; k++) {
            mpfr_set_si(m->u, (long)(k ? &c->rounded : &c->dropped)->digit[i], MPFR_RNDN);
            mpfr_mul_2si(m->u, m->u, 32 * i + ASSAY_SUPERACCUMULATOR_UNIT, MPFR_RNDN);
            mpfr_add(sum, sum, m->u, MPFR_RNDN);
        }
    cr_assert(mpfr_equal_p(sum, m->lost), "%s", m->r.format.name);
    mpfr_clear(sum);
}

/* One stream through the quick steps, through the definition and through the model. */
static void check_stream(assay_rounder r, const assay_rounder *residue, bool narrow, uint64_t seed,
                         bool state)
{
    assay_feedback f;
    assay_random random = { .seed = seed, .stream = 3 };
    assay_feedback_counts quick = { 0 }, defined = { 0 };
    assay_residue e = { 0, 0 }, d = { 0, 0 };
    model m;
    if (assay_feedback_make(&r, residue, narrow ? ASSAY_FEEDBACK_F32 : ASSAY_FEEDBACK_F64, &f))
        return;
    model_init(&m, r, residue, narrow);
    double s = 0;
    for (uint64_t i = 0; i < STEPS; i++) {
        double terms[3] = { operand(&r.format, narrow, seed * STEPS + i, &e) }, hi, lo, q;
        int count = 1;
        if (state) {
            terms[1] = terms[0];
            terms[0] = s;
            terms[2] = terms[1] * 0x1p-60;
            count = terms[2] == 0 ? 2 : 3;
            q = assay_feedback_state(&f, s, terms[1], terms[2], &e, &random, i, &quick);
        } else {
            q = assay_feedback_stream(&f, terms[0], &e, &random, i, &quick);
        }
        double p = assay_feedback_define(&f, terms, count, &d, &random, i, &defined);
        double want = model_step(&m, terms, count, &random, i, &hi, &lo);
        expect_same("defined q", &m, i, p, want);
        expect_same("defined hi", &m, i, d.hi, hi);
        expect_same("defined lo", &m, i, d.lo, lo);
        expect_same("q", &m, i, q, want);
        expect_same("hi", &m, i, e.hi, hi);
        expect_same("lo", &m, i, e.lo, lo);
        s = isfinite(q) ? q : 0;
    }
    expect_counts(&m, &defined);
    expect_counts(&m, &quick);
    model_clear(&m);
}

static void check_all(const char *residue_spec, bool state)
{
    assay_rounder residue;
    if (residue_spec)
        residue = points_rounder(residue_spec, "rne", ASSAY_OVERFLOW_SPEC);
    for (uint64_t i = 0; i < FORMATS; i++)
        for (uint64_t k = 0; k < MODES; k++)
            for (uint64_t which = 0; which < 4; which++)
                check_stream(points_rounder(formats[i], modes[k],
                                            which & 1 ? ASSAY_OVERFLOW_SAT : ASSAY_OVERFLOW_SPEC),
                             residue_spec ? &residue : NULL, which & 2, i * 64 + k * 4 + which,
                             state);
}

Test(feedback, streams_equal_mpfr)
{
    check_all(NULL, false);
}

Test(feedback, states_equal_mpfr)
{
    check_all(NULL, true);
}

Test(feedback, rounded_residues_equal_mpfr)
{
    check_all("binary32", false);
    check_all("e5m2", false);
}
