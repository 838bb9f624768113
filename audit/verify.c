/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/verify.h"

#if ASSAY_HAVE_MPFR
#include <stdlib.h>

#include "audit/verify_parts.h"

enum {
    BLOCK = 1 << 16,      /* gaps whose cuts are at hand together                    */
    QUICK_GAPS = 3000,    /* of a wide format, on each side                          */
    EDGE = 48,            /* gaps at both ends that are always tried                 */
    QUICK_RANDOM = 40,    /* gaps of each side in stochastic modes                   */
    RANDOM = 2000,        /* the same under --exhaustive                             */
    POINTS = 3,           /* operands of a cut: its ends and one inside              */
    REST = 16,            /* other policies than the first: one in so many cuts      */
    WALKED = 24,          /* bits of formats whose gaps are all walked through            */
    SAMPLE_GAPS = 1 << 14 /* of wider ones under --exhaustive, on each side              */
};

typedef struct run {
    const assay_verify *job;
    assay_verify_ladder ladder;
    assay_verify_source source;
    assay_verify_target *targets;
    size_t count;
    uint64_t done, steps;
    assay_verify_result *out;
} run;

static assay_status make_targets(run *r)
{
    const assay_verify *job = r->job;
    r->targets = calloc(job->rounding_count * job->policy_count + 1, sizeof *r->targets);
    if (!r->targets)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for the modes");
    for (size_t m = 0; m < job->rounding_count; m++)
        for (size_t p = 0; p < job->policy_count; p++) {
            assay_verify_target *t = &r->targets[r->count];
            t->ladder = &r->ladder;
            t->source = &r->source;
            t->rounding = job->roundings[m];
            bool applies = assay_verify_applies(&job->format, job->policies[p]);
            assay_status status = assay_rounder_make_for(
                &job->format, t->rounding, job->policies[p], ASSAY_NAN_RULE_DEFAULT, &t->rounder);
            if (applies && status != ASSAY_OK)
                return status;
            if (!applies && status == ASSAY_OK)
                return assay_fail(ASSAY_ERR_VALUE, "%s takes policy %s, which it lacks",
                                  job->format.name, assay_overflow_name(job->policies[p]));
            r->count += applies;
        }
    return ASSAY_OK;
}

static void step(run *r)
{
    r->done++;
    if (r->job->progress)
        r->job->progress((double)r->done / (double)r->steps);
}

/* Policies differ only where something overflows or is special: of the rest a part will do. */
static assay_status thin(const assay_verify_cuts *all, bool is_signed, assay_verify_cuts *out)
{
    out->at = malloc((all->count + 1) * sizeof *out->at);
    if (!out->at)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for breakpoints");
    out->negative = all->negative;
    for (size_t i = 0; i < all->count; i++) {
        const assay_verify_place *p = &all->at[i].place;
        bool special = p->over || p->kind > ASSAY_PLACE_BETWEEN || (p->negative && !is_signed);
        if (special || i % REST == 0)
            out->at[out->count++] = all->at[i];
    }
    return ASSAY_OK;
}

static assay_status check_points(run *r, const assay_verify_cuts *cuts, uint64_t most)
{
    assay_verify_cuts rest = { 0 };
    assay_status status = thin(cuts, r->job->format.is_signed, &rest);
    for (size_t i = 0; i < r->count && status == ASSAY_OK; i++) {
        const assay_verify_target *t = &r->targets[i];
        if (assay_mode_is_stochastic(t->rounding.mode))
            continue;
        bool first = most > POINTS || t->rounder.overflow == r->job->policies[0];
        status = assay_verify_points(t, first ? cuts : &rest, most, r->out);
        step(r);
    }
    free(rest.at);
    return status;
}

/* Which gaps of a side are sampled: its ends, where binades and regimes may change, and more. */
static int64_t sample(const assay_verify_ladder *l, int64_t gaps, uint64_t i)
{
    uint64_t n = (uint64_t)gaps, m = assay_verify_mix(i);
    uint64_t power = (uint64_t)1 << (m >> 32) % 63, near = (m >> 16) % 5;
    uint64_t binade = (uint64_t)1 << l->format->fraction_bits;
    if (i < EDGE)
        return (int64_t)(i % n);
    if (i < 2 * EDGE)
        return (int64_t)(n - 1 - i % EDGE % n);
    switch (i % 4) {
    case 0: return (int64_t)((power + near + n - 2 % n) % n);
    case 1: return (int64_t)((n - power % n + near) % n);
    case 2: return (int64_t)((m % n / binade * binade + near + n - 2 % n) % n);
    default: return (int64_t)(m % n);
    }
}

static int ascending(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Chooses gaps: around random operands, or half of them otherwise; sorted, each once. */
static size_t choose(const run *r, bool negative, size_t n, bool operands, int64_t *chosen)
{
    int64_t gaps = assay_verify_gaps(&r->ladder, negative);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t ordinal = assay_verify_mix(i) % r->source.infinity;
        chosen[i] = operands || i % 2
                        ? assay_verify_locate(&r->ladder, &r->source, negative, ordinal)
                        : sample(&r->ladder, gaps, i / 2);
    }
    qsort(chosen, n, sizeof *chosen, ascending);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || chosen[i] != chosen[i - 1])
            chosen[kept++] = chosen[i];
    return kept;
}

/* Puts the random operands themselves into their cuts. */
static void set_inside(const run *r, assay_verify_cuts *cuts, size_t n)
{
    for (size_t i = 0; i < n && cuts->count > 0; i++) {
        uint64_t ordinal = assay_verify_mix(i) % r->source.infinity;
        size_t below = 0, above = cuts->count;
        while (above - below > 1) {
            size_t middle = below + (above - below) / 2;
            if (cuts->at[middle].start <= ordinal)
                below = middle;
            else
                above = middle;
        }
        if (ordinal > cuts->at[below].start && ordinal + 1 < cuts->at[below].end)
            cuts->at[below].inside = ordinal;
    }
}

static assay_status check_sample(run *r, bool negative, size_t n, bool operands)
{
    int64_t *chosen = malloc((n + 1) * sizeof *chosen);
    assay_verify_cuts cuts = { .negative = negative };
    assay_status status =
        chosen ? ASSAY_OK : assay_fail(ASSAY_ERR_MEMORY, "no memory for %zu samples", n);
    size_t kept = chosen ? choose(r, negative, n, operands, chosen) : 0;
    for (size_t i = 0; i < kept && status == ASSAY_OK; i++)
        status = assay_verify_cuts_add(&r->ladder, &r->source, chosen[i], 1, &cuts);
    set_inside(r, &cuts, n);
    if (status == ASSAY_OK)
        status = check_points(r, &cuts, POINTS);
    free(chosen);
    free(cuts.at);
    return status;
}

static assay_status check_all(run *r, bool negative)
{
    const assay_verify *job = r->job;
    bool ranges = job->tier == ASSAY_VERIFY_EXHAUSTIVE && job->source_bits == 32;
    uint64_t most =
        job->tier == ASSAY_VERIFY_EXHAUSTIVE && job->source_bits == 16 ? r->source.end : POINTS;
    int64_t gaps = assay_verify_gaps(&r->ladder, negative);
    assay_verify_cuts cuts = { .negative = negative };
    assay_status status = ASSAY_OK;
    for (int64_t k = 0; k < gaps && status == ASSAY_OK; k += BLOCK) {
        cuts.count = 0;
        status = assay_verify_cuts_add(&r->ladder, &r->source, k,
                                       gaps - k < BLOCK ? gaps - k : BLOCK, &cuts);
        if (status == ASSAY_OK && !ranges)
            status = check_points(r, &cuts, most);
        for (size_t i = 0; ranges && i < r->count && status == ASSAY_OK; i++) {
            if (assay_mode_is_stochastic(r->targets[i].rounding.mode))
                continue;
            status = assay_verify_ranges(&r->targets[i], &cuts, r->out);
            step(r);
        }
    }
    free(cuts.at);
    return status;
}

static assay_status check_randoms(run *r, bool negative)
{
    bool most = r->job->tier == ASSAY_VERIFY_EXHAUSTIVE, any = false;
    for (size_t i = 0; i < r->count; i++)
        any = any || assay_mode_is_stochastic(r->targets[i].rounding.mode);
    int64_t gaps = assay_verify_gaps(&r->ladder, negative), chosen[RANDOM];
    size_t few = r->job->tier == ASSAY_VERIFY_SAMPLED ? (size_t)r->job->samples / 4 + 4 : RANDOM;
    size_t wanted = !any ? 0 : most ? RANDOM : few < QUICK_RANDOM ? few : QUICK_RANDOM, n = 0;
    for (size_t i = 0; i < wanted; i++) /* from the ends, then everywhere */
        chosen[i] = sample(&r->ladder, gaps, i < 4 ? i : i < 8 ? EDGE + i - 4 : 2 * EDGE + i);
    qsort(chosen, wanted, sizeof *chosen, ascending);
    assay_verify_cuts cuts = { .negative = negative };
    assay_verify_gap gap;
    assay_verify_gap_init(&r->ladder, &gap);
    assay_status status = ASSAY_OK;
    for (; n < wanted && status == ASSAY_OK; n++) {
        if (n > 0 && chosen[n] == chosen[n - 1])
            continue;
        cuts.count = 0;
        status = assay_verify_cuts_add(&r->ladder, &r->source, chosen[n], 1, &cuts);
        assay_verify_gap_fill(&r->ladder, negative, chosen[n], &gap);
        bool ends = chosen[n] == 0 || chosen[n] + 1 == gaps || most;
        for (size_t i = 0; i < r->count && status == ASSAY_OK; i++) {
            const assay_verify_target *t = &r->targets[i];
            if (assay_mode_is_stochastic(t->rounding.mode) &&
                (ends || t->rounder.overflow == r->job->policies[0]))
                assay_verify_randoms(t, &cuts, &gap, r->out);
        }
    }
    assay_verify_gap_clear(&gap);
    free(cuts.at);
    return status;
}

static assay_status check_side(run *r, bool negative)
{
    const assay_verify *job = r->job;
    int64_t gaps = assay_verify_gaps(&r->ladder, negative);
    bool listed = job->format.bits <= ASSAY_VERIFY_LISTED;
    bool all = job->tier == ASSAY_VERIFY_EXHAUSTIVE ? job->format.bits <= WALKED
                                                    : job->tier == ASSAY_VERIFY_QUICK && listed;
    int64_t blocks = all ? (gaps + BLOCK - 1) / BLOCK : 1;
    r->done = 0;
    r->steps = (uint64_t)blocks * (r->count + 1);
    assay_status status = ASSAY_OK;
    if (job->tier == ASSAY_VERIFY_SAMPLED)
        status = check_sample(r, negative, (size_t)(job->samples + 1) / 2, true);
    else if (all)
        status = check_all(r, negative);
    else
        status = check_sample(r, negative,
                              job->tier == ASSAY_VERIFY_QUICK ? QUICK_GAPS : SAMPLE_GAPS, false);
    return status == ASSAY_OK ? check_randoms(r, negative) : status;
}

assay_status assay_verify_cast(const assay_verify *job, assay_verify_result *out)
{
    run r = { .job = job, .out = out };
    *out = (assay_verify_result){ 0 };
    if (!assay_verify_source_make(job->source_bits, &r.source))
        return assay_fail(ASSAY_ERR_USAGE, "operands of %d bits", job->source_bits);
    assay_status status =
        assay_verify_ladder_make(&job->format, assay_verify_precision(&job->format), &r.ladder);
    if (status != ASSAY_OK)
        return status;
    status = make_targets(&r);
    for (int negative = 0; negative < 2 && status == ASSAY_OK; negative++)
        status = check_side(&r, negative);
    assay_verify_ladder_free(&r.ladder);
    free(r.targets);
    return status;
}

bool assay_verify_available(void)
{
    return true;
}
#else
bool assay_verify_applies(const assay_format *f, assay_overflow policy)
{
    return !(policy == ASSAY_OVERFLOW_INF && !f->has_inf) &&
           !(policy == ASSAY_OVERFLOW_NAN && f->nan == ASSAY_NAN_NONE);
}

bool assay_verify_available(void)
{
    return false;
}

static assay_status unavailable(assay_verify_result *out)
{
    *out = (assay_verify_result){ 0 };
    return assay_fail(ASSAY_ERR_UNAVAILABLE, "built without MPFR");
}

assay_status assay_verify_cast(const assay_verify *job, assay_verify_result *out)
{
    (void)job;
    return unavailable(out);
}

assay_status assay_verify_codes(const assay_format *format, assay_verify_result *out)
{
    (void)format;
    return unavailable(out);
}

assay_status assay_verify_operate(const assay_verify_operation *job, assay_verify_result *out)
{
    (void)job;
    return unavailable(out);
}

assay_status assay_verify_quantize(const assay_verify_schemes *job, assay_verify_result *out)
{
    (void)job;
    return unavailable(out);
}
#endif
