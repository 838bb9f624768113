/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/feedback.h"

#include <math.h>

#include "formats/family.h"
#include "rounding/array.h"
#include "rounding/feedback_strip.h"

/* The largest value or the least, and the step from it to its neighbour inside. */
static void set_end(const assay_format *f, bool above, double *end, double *step)
{
    uint64_t count = f->family->count(f), last = above ? count - 1 : 0;
    uint64_t inside = count < 2 ? last : above ? count - 2 : 1;
    *end = assay_decode(f, f->family->code(f, last));
    *step = fabs(*end - assay_decode(f, f->family->code(f, inside)));
}

assay_status assay_feedback_make(const assay_rounder *rounder, const assay_rounder *residue,
                                 assay_feedback_type type, assay_feedback *out)
{
    assay_status status = ASSAY_OK;
    if (residue && assay_mode_is_stochastic(residue->mode))
        return assay_fail(ASSAY_ERR_USAGE,
                          "error feedback: the residue's rounding mode %s is not "
                          "deterministic",
                          assay_mode_name(residue->mode));
    if (type == ASSAY_FEEDBACK_F32)
        status = assay_round_array_check_f32(rounder);
    if (status == ASSAY_OK && type == ASSAY_FEEDBACK_F32 && residue)
        status = assay_round_array_check_f32(residue);
    if (status != ASSAY_OK)
        return status;
    assay_feedback f = { .fast = assay_fast_rounder_from(rounder),
                         .rounds_residue = residue != NULL,
                         .type = type };
    if (residue)
        f.residue = assay_fast_rounder_from(residue);
    f.quick = f.fast.direct && !assay_mode_is_stochastic(rounder->mode) &&
              rounder->format.fraction_bits <= 50;
    set_end(&rounder->format, true, &f.highest, &f.step_above);
    set_end(&rounder->format, false, &f.lowest, &f.step_below);
    *out = f;
    return ASSAY_OK;
}

void assay_feedback_merge(assay_feedback_counts *counts, const assay_feedback_counts *part)
{
    counts->resets += part->resets;
    counts->clamps += part->clamps;
    counts->inexact += part->inexact;
    counts->max_error = fmax(counts->max_error, part->max_error);
    assay_superaccumulator_merge(&counts->rounded, &part->rounded);
    assay_superaccumulator_merge(&counts->dropped, &part->dropped);
}

/* ---- The definition: exact sums ---- */

/* x of the terms and of a residue that is not zero. */
static assay_superaccumulator sum_of(const double *terms, int count, const assay_residue *e)
{
    assay_superaccumulator sum;
    assay_superaccumulator_clear(&sum);
    for (int i = 0; i < count; i++)
        assay_superaccumulator_add(&sum, terms[i]);
    if (e->hi != 0)
        assay_superaccumulator_add(&sum, e->hi);
    if (e->lo != 0)
        assay_superaccumulator_add(&sum, e->lo);
    return sum;
}

/* Subtracts the leading 64 bits, which hold nothing below 2^-1074: the terms have no such bits. */
static void take(assay_superaccumulator *sum, assay_exact x)
{
    int zeros = __builtin_ctzll(x.sig), exp = x.exp + zeros, half = exp / 2;
    uint64_t sig = x.sig >> zeros;
    double sign = x.negative ? 1 : -1, scale = assay_pow2(exp - half);
    for (int part = 0; part < 2; part++) {
        uint64_t bits = part ? sig >> 32 : sig & 0xffffffff;
        double factor = assay_pow2(half) * (part ? 0x1p32 : 1);
        assay_superaccumulator_add_product(sum, sign * (double)bits * factor, scale);
    }
}

static assay_exact leading(const assay_superaccumulator *sum, assay_leading *lead)
{
    static const assay_class kinds[] = { [ASSAY_SUM_ZERO] = ASSAY_ZERO,
                                         [ASSAY_SUM_FINITE] = ASSAY_FINITE,
                                         [ASSAY_SUM_INFINITE] = ASSAY_INFINITE,
                                         [ASSAY_SUM_NAN] = ASSAY_NOT_A_NUMBER };
    *lead = assay_superaccumulator_leading(sum);
    return (assay_exact){
        .kind = kinds[lead->kind], .negative = lead->negative, .exp = lead->exp, .sig = lead->sig
    };
}

/* The sum with 256 bits and a rest; an exact cancellation takes `cancelled` as its sign. */
static assay_exact exact_of(assay_superaccumulator sum, bool cancelled)
{
    assay_leading lead;
    assay_exact x = leading(&sum, &lead), next = x;
    if (x.kind == ASSAY_ZERO && !lead.like_signed)
        x.negative = cancelled;
    while (next.kind == ASSAY_FINITE && lead.sticky && !x.rest) {
        take(&sum, next);
        next = leading(&sum, &lead);
        x = assay_exact_add(x, next);
    }
    return x;
}

/* The nearest number of the type, zeros as +0. A binary32 by way of 53 bits rounded to odd; the
 * sums stay far below 2^1000, and a magnitude below 2^-200 is no binary32. */
static double nearest(const assay_feedback *f, const assay_superaccumulator *sum)
{
    assay_leading lead;
    assay_exact x = leading(sum, &lead);
    x.sticky = lead.sticky;
    if (x.kind != ASSAY_FINITE || f->type == ASSAY_FEEDBACK_F64)
        return assay_exact_to_double(x) + 0.0;
    if (x.exp < -264)
        return 0;
    uint64_t odd = x.sig >> 11 | ((x.sig & 0x7ff) != 0 || x.sticky);
    double magnitude = (double)odd * assay_pow2(x.exp + 11);
    return (double)(float)(x.negative ? -magnitude : magnitude) + 0.0;
}

static bool is_zero(const assay_superaccumulator *sum)
{
    return assay_superaccumulator_leading(sum).kind == ASSAY_SUM_ZERO;
}

static void count_error(assay_feedback_counts *counts, const assay_superaccumulator *error)
{
    assay_leading lead;
    assay_exact x = leading(error, &lead);
    x.sticky = lead.sticky;
    counts->inexact++;
    counts->max_error = fmax(counts->max_error, fabs(assay_exact_to_double(x)));
    assay_superaccumulator_merge(&counts->rounded, error);
}

/* lo may have been rounded to half an ulp of hi, where the even one of two hi is RN(hi + lo). */
static void renormalise(const assay_feedback *f, assay_residue *e)
{
    double sum = e->hi + e->lo;
    double hi = f->type == ASSAY_FEEDBACK_F32 ? (double)(float)sum : sum;
    e->lo = (e->hi - hi) + e->lo;
    e->hi = hi;
}

/* e becomes the sum, rounded as f says. */
static void store(const assay_feedback *f, assay_superaccumulator *sum, assay_residue *e,
                  assay_feedback_counts *counts)
{
    *e = (assay_residue){ 0, 0 };
    if (f->rounds_residue) {
        const assay_rounder *r = &f->residue.rounder;
        uint64_t code = assay_round_exact(r, exact_of(*sum, r->mode == ASSAY_RDN));
        double value = assay_decode(&r->format, code);
        if (!isfinite(value)) {
            counts->resets++;
            assay_superaccumulator_merge(&counts->dropped, sum);
            return;
        }
        e->hi = value + 0.0;
        assay_superaccumulator_add(sum, -e->hi);
    } else {
        e->hi = nearest(f, sum);
        assay_superaccumulator_add(sum, -e->hi);
        e->lo = nearest(f, sum);
        assay_superaccumulator_add(sum, -e->lo);
        renormalise(f, e);
    }
    if (!is_zero(sum))
        count_error(counts, sum);
}

/* Cuts the part of e that lies more than a step beyond an end of the format. */
static void clamp(const assay_feedback *f, double q, assay_superaccumulator *e,
                  assay_feedback_counts *counts)
{
    bool negative = assay_superaccumulator_leading(e).negative;
    if (q != (negative ? f->lowest : f->highest))
        return;
    double step = negative ? -f->step_below : f->step_above;
    assay_superaccumulator excess = *e;
    assay_superaccumulator_add(&excess, -step);
    assay_leading lead = assay_superaccumulator_leading(&excess);
    if (lead.kind != ASSAY_SUM_FINITE || lead.negative != negative)
        return;
    counts->clamps++;
    assay_superaccumulator_merge(&counts->dropped, &excess);
    assay_superaccumulator_clear(e);
    assay_superaccumulator_add(e, step);
}

static void reset(assay_residue *e, assay_feedback_counts *counts)
{
    counts->resets++;
    if (isfinite(e->hi) && isfinite(e->lo)) {
        assay_superaccumulator_add(&counts->dropped, e->hi);
        assay_superaccumulator_add(&counts->dropped, e->lo);
    }
    *e = (assay_residue){ 0, 0 };
}

double assay_feedback_define(const assay_feedback *f, const double *terms, int count,
                             assay_residue *e, const assay_random *random, uint64_t i,
                             assay_feedback_counts *counts)
{
    const assay_rounder *r = &f->fast.rounder;
    assay_superaccumulator sum = sum_of(terms, count, e);
    assay_exact x = exact_of(sum, r->mode == ASSAY_RDN);
    double q = assay_decode(&r->format, assay_round_exact_at(r, x, random, i));
    if (x.kind == ASSAY_NOT_A_NUMBER || x.kind == ASSAY_INFINITE || !isfinite(q)) {
        reset(e, counts);
        return q;
    }
    assay_superaccumulator_add(&sum, -q);
    clamp(f, q, &sum, counts);
    store(f, &sum, e, counts);
    return q;
}

/* ---- The same where pairs of binary64 are exact: docs/feedback.md, steps 1 to 4 ---- */

/* The terms and e as s + r, s = RN(s + r); false if that is not exact, or s is not finite. */
static bool pair_of(const double *terms, int count, const assay_residue *e, assay_dd *sum)
{
    double s = terms[0], r = 0;
    for (int i = 1; i < count + 2; i++) {
        double term = i < count ? terms[i] : i == count ? e->hi : e->lo;
        if (i >= count && term == 0)
            continue;
        assay_dd high = assay_two_sum(s, term), low = assay_two_sum(r, high.lo);
        if (low.lo != 0 || low.hi != low.hi)
            return false;
        s = high.hi;
        r = low.hi;
    }
    *sum = r == 0 ? (assay_dd){ s, 0 } : assay_two_sum(s, r);
    return isfinite(s) && isfinite(sum->hi);
}

/* R of s + r. */
static double round_pair(const assay_feedback *f, assay_dd sum, const assay_random *random,
                         uint64_t i)
{
    const assay_rounder *r = &f->fast.rounder;
    if (f->quick)
        return assay_from_bits64(
            assay_fast_bits(&f->fast, r->mode, assay_feedback_odd(sum.hi, sum.lo)));
    if (sum.lo == 0 && !assay_mode_is_stochastic(r->mode))
        return assay_round_fast(&f->fast, sum.hi);
    assay_exact x = sum.lo == 0 ? assay_exact_from(sum.hi) : assay_exact_from_pair(sum.hi, sum.lo);
    return assay_decode(&r->format, assay_round_exact_at(r, x, random, i));
}

/* e = hi + lo rounded by the residue's rounder; false if that needs the definition. */
static bool store_rounded(const assay_feedback *f, assay_dd sum, assay_residue *e,
                          assay_feedback_counts *counts)
{
    const assay_rounder *r = &f->residue.rounder;
    double value =
        sum.lo == 0
            ? assay_round_fast(&f->residue, sum.hi)
            : assay_decode(&r->format, assay_round_exact(r, assay_exact_from_pair(sum.hi, sum.lo)));
    assay_dd high = assay_two_sum(sum.hi, -value), error = assay_two_sum(high.hi, sum.lo);
    if (high.lo != 0 || error.lo != 0 || !isfinite(value))
        return false;
    *e = (assay_residue){ value + 0.0, 0 };
    if (error.hi != 0) {
        counts->inexact++;
        counts->max_error = fmax(counts->max_error, fabs(error.hi));
        assay_superaccumulator_add(&counts->rounded, error.hi);
    }
    return true;
}

/* e = hi + lo as a pair of the type; false if it is none. */
static bool store_pair(const assay_feedback *f, assay_dd sum, assay_residue *e)
{
    double hi = sum.hi, lo = sum.lo;
    if (f->type == ASSAY_FEEDBACK_F32) {
        hi = (double)(float)sum.hi;
        lo = sum.hi - hi;
        if (sum.lo != 0 || (double)(float)lo != lo)
            return false;
    }
    *e = (assay_residue){ hi + 0.0, lo + 0.0 };
    return true;
}

/* e = sum - q; false if that needs the definition. */
static bool settle_pair(const assay_feedback *f, assay_dd sum, double q, assay_residue *e,
                        assay_feedback_counts *counts)
{
    assay_dd high = assay_two_sum(sum.hi, -q), low = assay_two_sum(sum.lo, high.lo);
    assay_dd error = assay_two_sum(high.hi, low.hi);
    bool beyond = (q == f->highest && error.hi >= f->step_above) ||
                  (q == f->lowest && -error.hi >= f->step_below);
    return low.lo == 0 && isfinite(error.hi) && !beyond &&
           (f->rounds_residue ? store_rounded(f, error, e, counts) : store_pair(f, error, e));
}

static double run_step(const assay_feedback *f, const double *terms, int count, assay_residue *e,
                       const assay_random *random, uint64_t i, assay_feedback_counts *counts)
{
    assay_dd sum;
    bool alone = count == 1 && e->hi == 0 && e->lo == 0;
    if (!pair_of(terms, count, e, &sum) ||
        (sum.hi == 0 && !alone && f->fast.rounder.mode == ASSAY_RDN))
        return assay_feedback_define(f, terms, count, e, random, i, counts);
    double q = round_pair(f, sum, random, i);
    if (!settle_pair(f, sum, q, e, counts))
        return assay_feedback_define(f, terms, count, e, random, i, counts);
    return q;
}

double assay_feedback_operand(double x, const assay_residue *e)
{
    assay_dd sum;
    if (e->hi == 0 && e->lo == 0)
        return x;
    if (pair_of(&x, 1, e, &sum))
        return assay_from_bits64(assay_feedback_odd(sum.hi, sum.lo));
    assay_superaccumulator all = sum_of(&x, 1, e);
    assay_leading lead;
    assay_exact u = leading(&all, &lead);
    if (u.kind != ASSAY_FINITE || u.exp < -1000)
        return assay_exact_to_double(u) + 0.0;
    u.sig = (u.sig >> 11 | ((u.sig & 0x7ff) != 0 || lead.sticky)) << 11;
    return assay_exact_to_double(u);
}

void assay_feedback_settle(const assay_feedback *f, double x, double q, assay_residue *e,
                           assay_feedback_counts *counts)
{
    assay_dd pair;
    if (pair_of(&x, 1, e, &pair) && isfinite(q) && settle_pair(f, pair, q, e, counts))
        return;
    assay_superaccumulator sum = sum_of(&x, 1, e);
    assay_sum_class kind = assay_superaccumulator_leading(&sum).kind;
    if (kind == ASSAY_SUM_INFINITE || kind == ASSAY_SUM_NAN || !isfinite(q)) {
        reset(e, counts);
        return;
    }
    assay_superaccumulator_add(&sum, -q);
    clamp(f, q, &sum, counts);
    store(f, &sum, e, counts);
}

double assay_feedback_stream(const assay_feedback *f, double x, assay_residue *e,
                             const assay_random *random, uint64_t i, assay_feedback_counts *counts)
{
    return run_step(f, &x, 1, e, random, i, counts);
}

double assay_feedback_state(const assay_feedback *f, double s, double t_hi, double t_lo,
                            assay_residue *e, const assay_random *random, uint64_t i,
                            assay_feedback_counts *counts)
{
    double terms[3] = { s, t_hi, t_lo };
    return run_step(f, terms, t_lo == 0 ? 2 : 3, e, random, i, counts);
}
