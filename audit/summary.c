/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/summary.h"

#include <math.h>
#include <stdlib.h>

#include "numerics/elementary.h"
#include "numerics/exact.h"

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    if (x != x || y != y) /* NaN last: a quantile that meets it is NaN */
        return (x != x) - (y != y);
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, size_t n, double q)
{
    double rank = __builtin_ceil(q * (double)n);
    size_t i = rank < 1 ? 0 : (size_t)rank - 1;
    return sorted[i < n ? i : n - 1];
}

static double larger(double a, double b)
{
    return b > a || b != b ? b : a; /* NaN wins, and stays */
}

static void add_tokens(const assay_replay *r, assay_summary *s)
{
    double nll[3] = { 0, 0, 0 };
    for (size_t i = 0; i < s->n; i++) {
        const assay_token_drift *t = &r->tokens[i];
        s->kl_mean += t->kl;
        s->kl_reverse_mean += t->kl_reverse;
        s->floor_kl_mean += t->floor_kl;
        s->kl_max = larger(s->kl_max, t->kl);
        s->kl_reverse_max = larger(s->kl_reverse_max, t->kl_reverse);
        s->floor_kl_max = larger(s->floor_kl_max, t->floor_kl);
        s->flips += t->flip != ASSAY_FLIP_NONE;
        s->near_tie_flips += t->flip == ASSAY_FLIP_NEAR_TIE;
        s->material_flips += t->flip == ASSAY_FLIP_MATERIAL;
        if (i + 1 < s->n && r->tokens[i + 1].document == t->document) {
            s->scored++;
            nll[0] += t->nll_reference;
            nll[1] += t->nll_candidate;
            nll[2] += t->nll_wide;
        }
    }
    double n = (double)s->n, scored = (double)s->scored;
    s->kl_mean /= n;
    s->kl_reverse_mean /= n;
    s->floor_kl_mean /= n;
    s->ppl_reference = s->scored ? assay_exp(nll[0] / scored) : NAN;
    s->ppl_candidate = s->scored ? assay_exp(nll[1] / scored) : NAN;
    s->ppl_wide = s->scored ? assay_exp(nll[2] / scored) : NAN;
}

/* Tokens of a document are correlated, documents are not: the spread of their means. */
static void add_documents(const assay_replay *r, assay_summary *s)
{
    double spread = 0, n = (double)r->corpus->count;
    size_t first = 0;
    for (size_t d = 0; d < r->corpus->count; d++) {
        size_t count = r->corpus->documents[d].count;
        double mean = 0;
        for (size_t i = first; i < first + count; i++)
            mean += r->tokens[i].kl;
        mean = mean / (double)count - s->kl_mean;
        spread += mean * mean;
        first += count;
    }
    s->kl_mean_error = r->corpus->count > 1 ? assay_sqrt(spread / (n - 1) / n) : NAN;
}

static int ascending_size(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static assay_status add_greedy(const assay_replay *r, assay_summary *s)
{
    size_t n = r->corpus->count, *first = malloc(n * sizeof *first);
    if (!first)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for the summary");
    for (size_t d = 0; d < n; d++) {
        first[d] = r->greedy[d].divergent;
        s->agreeing_documents += r->greedy[d].divergent == r->greedy[d].compared;
    }
    qsort(first, n, sizeof *first, ascending_size);
    s->divergent_min = first[0];
    s->divergent_median = first[(n - 1) / 2];
    free(first);
    return ASSAY_OK;
}

assay_status assay_summarize(const assay_replay *r, assay_summary *out)
{
    assay_summary s = { .n = r->corpus->tokens };
    double *kl = malloc(s.n * sizeof *kl);
    if (!kl)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for the summary");
    for (size_t i = 0; i < s.n; i++)
        kl[i] = r->tokens[i].kl;
    qsort(kl, s.n, sizeof *kl, ascending);
    s.kl_median = quantile(kl, s.n, 0.5);
    s.kl_p90 = quantile(kl, s.n, 0.9);
    s.kl_p99 = quantile(kl, s.n, 0.99);
    free(kl);
    add_tokens(r, &s);
    add_documents(r, &s);
    assay_status status = add_greedy(r, &s);
    if (status == ASSAY_OK)
        *out = s;
    return status;
}
