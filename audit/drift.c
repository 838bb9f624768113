/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/drift.h"

#include <math.h>

#include "numerics/elementary.h"
#include "numerics/exact.h"

/* x^2 into a sum, and scaled where binary64 may not hold it. */
static void add_square(double x, double *sum, double *tiny, double *huge)
{
    const double a = fabs(x);
    *sum += x * x;
    if (a < 0x1p-450)
        *tiny += (x * 0x1p600) * (x * 0x1p600);
    else if (a > 0x1p450)
        *huge += (x * 0x1p-600) * (x * 0x1p-600);
}

/* rest is what the reference has below its binary64 r: its value is r + rest. */
static void add_pair(assay_drift *d, double r, double c, double rest)
{
    d->count++;
    if (!isfinite(r) || !isfinite(c)) {
        d->nonfinite += !(r == c);
        return;
    }
    double e = (c - r) - rest, a = fabs(e);
    add_square(r, &d->reference2, &d->tiny[0], &d->huge[0]);
    add_square(c, &d->candidate2, &d->tiny[1], &d->huge[1]);
    add_square(e, &d->error2, &d->tiny[2], &d->huge[2]);
    d->dot += r * c;
    d->max_abs = a > d->max_abs ? a : d->max_abs;
}

void assay_drift_add(assay_drift *drift, const double *reference, const double *candidate, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_pair(drift, reference[i], candidate[i], 0);
}

void assay_drift_add_wide(assay_drift *drift, const double *hi, const double *lo,
                          const double *candidate, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_pair(drift, hi[i], candidate[i], lo[i]);
}

void assay_drift_merge(assay_drift *into, const assay_drift *from)
{
    into->count += from->count;
    into->nonfinite += from->nonfinite;
    into->reference2 += from->reference2;
    into->candidate2 += from->candidate2;
    into->error2 += from->error2;
    into->dot += from->dot;
    for (int i = 0; i < 3; i++) {
        into->tiny[i] += from->tiny[i];
        into->huge[i] += from->huge[i];
    }
    into->max_abs = from->max_abs > into->max_abs ? from->max_abs : into->max_abs;
}

/* The root of a sum of squares, and the exponent it is to be scaled by. Below 2^-900 all terms are
 * tiny ones; a sum beyond binary64 is one of huge ones, the others being 2^-124 of it each. */
static double norm(double sum, double tiny, double huge, int *exponent)
{
    const bool low = sum < 0x1p-900, high = isinf(sum);
    *exponent = low ? -600 : high ? 600 : 0;
    return assay_sqrt(low ? tiny : high ? huge : sum);
}

/* x 2^e, |e| <= 1200 */
static double scaled(double x, int e)
{
    return x * assay_pow2(e / 2) * assay_pow2(e / 2);
}

/* Whether squares of both can be divided as they stand. */
static bool is_ordinary(double a, double b)
{
    return a > 0x1p-500 && a < 0x1p500 && b > 0x1p-500 && b < 0x1p500;
}

double assay_drift_rel_l2(const assay_drift *d)
{
    int error, reference;
    if (d->nonfinite > 0)
        return INFINITY;
    if (d->max_abs == 0)
        return 0;
    if (is_ordinary(d->error2, d->reference2))
        return assay_sqrt(d->error2 / d->reference2);
    double e = norm(d->error2, d->tiny[2], d->huge[2], &error);
    double r = norm(d->reference2, d->tiny[0], d->huge[0], &reference);
    return scaled(e / r, error - reference);
}

double assay_drift_sqnr(const assay_drift *d)
{
    if (d->nonfinite > 0)
        return -INFINITY;
    if (d->max_abs == 0)
        return INFINITY;
    if (is_ordinary(d->error2, d->reference2))
        return 10 * assay_log10(d->reference2 / d->error2);
    int error, reference;
    double e = norm(d->error2, d->tiny[2], d->huge[2], &error);
    double r = norm(d->reference2, d->tiny[0], d->huge[0], &reference);
    return 20 * (assay_log10(r / e) + (reference - error) * 0x1.34413509f79ffp-2); /* log10 2 */
}

/* By the law of cosines, which needs no product of r and c. */
static double cosine_by_norms(const assay_drift *d)
{
    int reference, candidate, error;
    double r = norm(d->reference2, d->tiny[0], d->huge[0], &reference);
    double c = norm(d->candidate2, d->tiny[1], d->huge[1], &candidate);
    double e = norm(d->error2, d->tiny[2], d->huge[2], &error);
    double ratio = scaled(r / c, reference - candidate);
    double side = scaled(e / r, error - reference), other = scaled(e / c, error - candidate);
    return (ratio + 1 / ratio - side * other) / 2;
}

double assay_drift_cosine(const assay_drift *d)
{
    if (d->nonfinite > 0)
        return NAN;
    if (d->max_abs == 0)
        return 1;
    double cosine = d->dot / (assay_sqrt(d->reference2) * assay_sqrt(d->candidate2));
    if (!is_ordinary(d->reference2, d->candidate2))
        cosine = cosine_by_norms(d);
    return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
}

double assay_drift_max_abs(const assay_drift *d)
{
    return d->nonfinite > 0 ? INFINITY : d->max_abs;
}

size_t assay_argmax(const double *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best] || (x[best] != x[best] && x[i] == x[i]))
            best = i;
    return best;
}

/* log sum exp(x - max), the shifted form, so that x[i] - max - this is log p[i]. */
static double log_sum(const double *x, size_t n, double max)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += assay_exp(x[i] - max);
    return assay_log(sum);
}

/* d + exp(-d) - 1 >= 0. Near 0 the terms cancel: the series' rest is below d^6 / 720, under
 * 2^-53 of d^2 / 2 for |d| < 2^-11. */
static double bregman(double d)
{
    if (fabs(d) < 0x1p-11)
        return d * d * (0.5 - d * (1.0 / 6 - d * (1.0 / 24 - d / 120)));
    return d + assay_expm1(-d);
}

/* sum p log(p/q) = sum p (d + exp(-d) - 1) with d = log(p/q), because p and q both sum to 1;
 * every term is non-negative, so small divergences are not lost in cancellation. */
static double divergence(const double *p, double p_shift, const double *q, double q_shift, size_t n)
{
    double kl = 0;
    for (size_t i = 0; i < n; i++) {
        double log_p = p[i] - p_shift;
        double log_q = q[i] - q_shift, d = log_p - log_q, weight = assay_exp(log_p);
        /* p exp(-d) = q, which stays finite where exp(-d) does not */
        if (d < -32)
            kl += (weight == 0 ? 0 : weight * (d - 1)) + assay_exp(log_q);
        else
            kl += weight == 0 ? 0 : weight * bregman(d);
    }
    return kl;
}

static double runner_up(const double *x, size_t n, size_t best)
{
    double second = -INFINITY;
    for (size_t i = 0; i < n; i++)
        if (i != best && x[i] > second)
            second = x[i];
    return second;
}

void assay_logits_compare(const double *reference, const double *candidate, size_t vocab,
                          int32_t next, double tie, assay_token_drift *out)
{
    size_t r = assay_argmax(reference, vocab), c = assay_argmax(candidate, vocab);
    double r_shift = reference[r] + log_sum(reference, vocab, reference[r]);
    double c_shift = candidate[c] + log_sum(candidate, vocab, candidate[c]);
    out->kl = divergence(reference, r_shift, candidate, c_shift, vocab);
    out->kl_reverse = divergence(candidate, c_shift, reference, r_shift, vocab);
    out->nll_reference = next >= 0 ? r_shift - reference[next] : NAN;
    out->nll_candidate = next >= 0 ? c_shift - candidate[next] : NAN;
    out->top_reference = (int32_t)r;
    out->top_candidate = (int32_t)c;
    out->margin = reference[r] - runner_up(reference, vocab, r);
    bool lost = candidate[c] != candidate[c] && reference[r] == reference[r]; /* all are NaN */
    out->flip = r == c && !lost     ? ASSAY_FLIP_NONE
                : out->margin < tie ? ASSAY_FLIP_NEAR_TIE
                                    : ASSAY_FLIP_MATERIAL;
}
