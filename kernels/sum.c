/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/sum.h"

#include <math.h>

#include "kernels/exact_sum.h"
#include "kernels/product_kernels.h"
#include "numerics/exact.h"

assay_summer assay_summer_make(const assay_accumulator *acc, const assay_random *random,
                               assay_feedback *space)
{
    const assay_rounder *residue = acc->rounds_residue ? &acc->residue : NULL;
    assay_summer s = { .acc = acc };
    if (random)
        s.random = (assay_random){ .seed = random->seed, .stream = random->stream };
    if (!acc->feedback)
        return s;
    if (assay_feedback_make(&acc->round, residue, ASSAY_FEEDBACK_F64, space) != ASSAY_OK)
        __builtin_trap(); /* binary64 residues, rounded deterministically: no error is possible */
    s.feedback = space;
    return s;
}

/* ---- one rounding ---- */

static double value_at(const assay_summer *s, assay_exact x, assay_sum_operation operation,
                       uint64_t i)
{
    const assay_rounder *r = &s->acc->round;
    assay_random random = s->random;
    random.stream += (uint32_t)operation;
    return assay_decode(&r->format, assay_round_exact_at(r, x, &random, i));
}

double assay_sum_fused(const assay_summer *s, double a, double b, double c,
                       assay_sum_operation operation, uint64_t i)
{
    const assay_rounder *r = &s->acc->round;
    if (assay_is_native(r)) {
        double x = __builtin_fma(a, b, c); /* IEEE's fusedMultiplyAdd is this very function */
        return x == x ? x : r->nan_value;
    }
    return value_at(s, assay_exact_fma(a, b, c, r->mode), operation, i);
}

static double sum_of(const assay_summer *s, double x, double y, assay_sum_operation operation,
                     uint64_t i)
{
    return assay_sum_fused(s, x, 1, y, operation, i);
}

/* The exact a b, its zero with the product's sign: a b + 0 would lose that. */
static double product(const assay_summer *s, double a, double b, uint64_t i)
{
    const assay_rounder *r = &s->acc->round;
    double plain = a * b;
    if (a == 0 || b == 0 || plain - plain != 0) {
        assay_superaccumulator sum;
        assay_superaccumulator_clear(&sum);
        assay_superaccumulator_add_product(&sum, a, b);
        return value_at(s, assay_exact_sum(&sum, r->mode), ASSAY_SUM_PRODUCT, i);
    }
    return value_at(s, assay_exact_fma(a, b, 0, r->mode), ASSAY_SUM_PRODUCT, i);
}

static double product_of(const assay_summer *s, const assay_sum_terms *t, size_t p)
{
    return product(s, t->x[p * t->sx], t->y[p * t->sy], t->first + p);
}

/* As kernels do in binary32: the scales' product is rounded, and the sum's with it where nothing is
 * fused. A product of two binary32 is a binary64, and so is rounded once. */
static double scaled_in_binary32(const assay_summer *s, double x, double sa, double sb,
                                 double total)
{
    double scale = (float)((double)(float)sa * (double)(float)sb), y;
    if (s->acc->plan.scaled == ASSAY_MMA_SCALED_FMA)
        return assay_sum_fused(s, x, scale, total, ASSAY_SUM_SCALED, 0);
    y = (float)((float)(x * scale) + (float)total);
    return y == y ? y : s->acc->round.nan_value;
}

double assay_sum_scaled(const assay_summer *s, double x, double sa, double sb, double total,
                        uint64_t i)
{
    const assay_rounder *r = &s->acc->round;
    if (s->acc->kind == ASSAY_SUM_UNIT && s->acc->plan.scaled)
        return scaled_in_binary32(s, x, sa, sb, total);
    double scale = sa * sb, rest = __builtin_fma(sa, sb, -scale);
    if (s->acc->kind == ASSAY_SUM_REFERENCE) {
        total = total + x * scale;
        return total == total ? total : r->nan_value;
    }
    if (rest == 0 || scale - scale != 0)
        return assay_sum_fused(s, x, scale, total, ASSAY_SUM_SCALED, i);
    assay_superaccumulator sum; /* scales of 53 bits: 1 / S of a scheme that stores S */
    assay_superaccumulator_clear(&sum);
    assay_superaccumulator_add_product(&sum, x, scale);
    assay_superaccumulator_add_product(&sum, x, rest);
    assay_superaccumulator_add(&sum, total);
    return value_at(s, assay_exact_sum(&sum, r->mode), ASSAY_SUM_SCALED, i);
}

/* ---- chains ---- */

/* a b as a pair, exactly unless it is below 2^-968: then to 2^-1074. lo = -0 where there is none.
 */
static void product_pair(double a, double b, double *hi, double *lo)
{
    *hi = a * b;
    *lo = *hi - *hi == 0 ? __builtin_fma(a, b, -*hi) : 0;
    *lo = *lo == 0 ? -0.0 : *lo;
}

double assay_sum_step(const assay_summer *s, double a, double b, double sum, uint64_t i)
{
    if (s->acc->kind == ASSAY_SUM_UNFUSED)
        return sum_of(s, product(s, a, b, i), sum, ASSAY_SUM_OF_TERM, i);
    return assay_sum_fused(s, a, b, sum, ASSAY_SUM_OF_TERM, i);
}

/* One term into the chain's sum; e is the chain's residue. */
static double feedback_step(const assay_summer *s, const assay_sum_terms *t, size_t p, double sum,
                            assay_residue *e, assay_feedback_counts *counts)
{
    double a = t->x[p * t->sx], b = t->y[p * t->sy], lo = -0.0;
    if (s->acc->kind == ASSAY_SUM_UNFUSED)
        a = product(s, a, b, t->first + p);
    else
        product_pair(a, b, &a, &lo);
    return assay_feedback_state(s->feedback, sum, a, lo, e, &s->random, t->first + p, counts);
}

static double chain(const assay_summer *s, const assay_sum_terms *t, double sum,
                    assay_feedback_counts *counts)
{
    assay_residue e = { 0, 0 };
    for (size_t p = 0; p < t->k; p++)
        sum = s->feedback ? feedback_step(s, t, p, sum, &e, counts)
                          : assay_sum_step(s, t->x[p * t->sx], t->y[p * t->sy], sum, t->first + p);
    return sum;
}

/* total = RND(total + chain), with a residue of its own. */
static double blocks(const assay_summer *s, const assay_sum_terms *t, double total,
                     assay_feedback_counts *counts)
{
    assay_residue e = { 0, 0 };
    assay_random random = s->random;
    random.stream += ASSAY_SUM_TOTAL;
    for (size_t p = 0, n; p < t->k; p += n) {
        n = t->k - p < s->acc->block ? t->k - p : s->acc->block;
        assay_sum_terms block = {
            n, t->x + p * t->sx, t->y + p * t->sy, t->sx, t->sy, t->first + p
        };
        double sum = chain(s, &block, 0, counts);
        uint64_t last = t->first + p + n - 1;
        total = s->feedback
                    ? assay_feedback_state(s->feedback, total, sum, -0.0, &e, &random, last, counts)
                    : sum_of(s, sum, total, ASSAY_SUM_TOTAL, last);
    }
    return total;
}

/* ---- trees and compensation ---- */

/* Adjacent sums level by level, an odd last one passing up, is a binary counter: a sum of 2^h
 * terms is added to the one before it of as many, and at the end what is left from the right. */
static double pairwise(const assay_summer *s, const assay_sum_terms *t, const double *c)
{
    double sums[64];
    size_t starts[64], depth = 0;
    for (size_t p = 0; p < t->k; p++) {
        sums[depth] = product_of(s, t, p);
        starts[depth++] = p;
        for (size_t n = p + 1; n % 2 == 0; n /= 2, depth--)
            sums[depth - 2] = sum_of(s, sums[depth - 2], sums[depth - 1], ASSAY_SUM_OF_TERM,
                                     t->first + starts[depth - 1]);
    }
    for (; depth > 1; depth--)
        sums[depth - 2] = sum_of(s, sums[depth - 2], sums[depth - 1], ASSAY_SUM_OF_TERM,
                                 t->first + starts[depth - 1]);
    return c ? sum_of(s, sums[0], *c, ASSAY_SUM_OF_TERM, t->first) : sums[0];
}

static double kahan(const assay_summer *s, const assay_sum_terms *t, double sum)
{
    double lost = 0;
    for (size_t p = 0; p < t->k; p++) {
        uint64_t i = t->first + p;
        double y = sum_of(s, product_of(s, t, p), -lost, ASSAY_SUM_SMALLER, i);
        double next = sum_of(s, sum, y, ASSAY_SUM_OF_TERM, i);
        double raised = sum_of(s, next, -sum, ASSAY_SUM_RAISED, i);
        lost = sum_of(s, raised, -y, ASSAY_SUM_CORRECTED, i);
        sum = next;
    }
    return sum;
}

/* ---- binary64, exact, integers ---- */

static double reference(const assay_summer *s, const assay_sum_terms *t, double sum)
{
    for (size_t p = 0; p < t->k; p++)
        sum = sum + t->x[p * t->sx] * t->y[p * t->sy];
    return sum == sum ? sum : s->acc->round.nan_value;
}

static double exact(const assay_summer *s, const assay_sum_terms *t, const double *c)
{
    const assay_rounder *r = &s->acc->round;
    assay_superaccumulator sum;
    assay_superaccumulator_clear(&sum);
    assay_superaccumulator_add_dot_f64(&sum, t->k, t->x, t->sx, t->y, t->sy);
    if (c)
        assay_superaccumulator_add(&sum, *c);
    /* The output's rounding: its index is the sum's, not a term's. */
    return value_at(s, assay_exact_sum(&sum, r->mode), ASSAY_SUM_OF_TERM, t->first);
}

static bool is_integer32(double x)
{
    return fabs(x) <= 0x1p32 && trunc(x) == x;
}

static double integers(const assay_summer *s, const assay_sum_terms *t, double c)
{
    const int64_t most = INT32_MAX, least = INT32_MIN;
    bool saturates = s->acc->kind == ASSAY_SUM_INT32_SAT;
    int64_t sum = (int64_t)c;
    for (size_t p = 0; p < t->k; p++) {
        double x = t->x[p * t->sx], y = t->y[p * t->sy];
        if (!is_integer32(x) || !is_integer32(y) || fabs(x * y) > 0x1p62)
            return s->acc->round.nan_value;
        sum += (int64_t)x * (int64_t)y;
        if (saturates)
            sum = sum > most ? most : sum < least ? least : sum;
        else
            sum = (int64_t)(int32_t)(uint32_t)(uint64_t)sum;
    }
    return (double)sum;
}

double assay_sum_define(const assay_summer *s, const assay_sum_terms *t, const double *c,
                        assay_feedback_counts *counts)
{
    double start = c ? *c : 0;
    switch (s->acc->kind) {
    case ASSAY_SUM_EXACT: return exact(s, t, c);
    case ASSAY_SUM_REFERENCE: return reference(s, t, start);
    case ASSAY_SUM_BLOCK: return blocks(s, t, start, counts);
    case ASSAY_SUM_PAIRWISE: return t->k == 0 ? start : pairwise(s, t, c);
    case ASSAY_SUM_KAHAN: return kahan(s, t, start);
    case ASSAY_SUM_INT32:
    case ASSAY_SUM_INT32_SAT: return integers(s, t, start);
    case ASSAY_SUM_BF16X9:
    case ASSAY_SUM_OZAKI: return assay_sum_split(s, t, c);
    case ASSAY_SUM_UNIT: return assay_sum_unit(s, t, c);
    default: return chain(s, t, start, counts);
    }
}

double assay_dot_with(const assay_accumulator *acc, size_t k, const double *x, size_t sx,
                      const double *y, size_t sy, const double *c, const assay_random *random,
                      uint64_t first, assay_feedback_counts *counts)
{
    assay_feedback space;
    assay_summer s = assay_summer_make(acc, random, &space);
    assay_sum_terms t = { k, x, y, sx, sy, first };
    assay_feedback_counts own = { 0 };
    return assay_sum_define(&s, &t, c, counts ? counts : &own);
}

double assay_dot(const assay_accumulator *acc, size_t k, const double *x, size_t sx,
                 const double *y, size_t sy)
{
    return assay_dot_with(acc, k, x, sx, y, sy, NULL, NULL, 0, NULL);
}
