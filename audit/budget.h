/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets: how much drift a release may have, per tap and for the logits. */
#ifndef ASSAY_AUDIT_BUDGET_H
#define ASSAY_AUDIT_BUDGET_H

#include "summary.h"

/** ASSAY_METRICS(X): X(enumerator, name, unit, whether a tap has it, whether the logits have it).
 */
#define ASSAY_METRICS(X)                                                  \
    X(MAX_ABS, "max_abs", "local; propagated for the logits", true, true) \
    X(LOCAL_REL_L2, "local_rel_l2", "1", true, true)                      \
    X(PROPAGATED_REL_L2, "propagated_rel_l2", "1", true, true)            \
    X(KL_MEAN, "kl_mean", "nat", false, true)                             \
    X(KL_MAX, "kl_max", "nat", false, true)                               \
    X(TOP1_FLIPS, "top1_flips", "tokens", false, true)                    \
    X(MATERIAL_FLIPS, "material_flips", "tokens", false, true)            \
    X(PPL_DELTA, "ppl_delta", "candidate less reference", false, true)

typedef enum assay_metric {
#define ASSAY_METRIC(id, name, unit, tap, logits) ASSAY_METRIC_##id,
    ASSAY_METRICS(ASSAY_METRIC)
#undef ASSAY_METRIC
        ASSAY_METRIC_COUNT
} assay_metric;

const char *assay_metric_name(assay_metric metric);

/** One rule of a budget file. */
typedef struct assay_limit {
    char tap[ASSAY_TAP_BYTES]; /* a pattern; empty: the logits */
    assay_metric metric;
    double max;
} assay_limit;

typedef struct assay_budget {
    char *name;
    assay_limit *limits;
    size_t count;
} assay_budget;

/** A rule held against a result. */
typedef struct assay_check {
    const assay_limit *limit;
    double worst; /* of all taps that the rule matches          */
    int node;     /* where, ASSAY_NO_NODE for the logits         */
    bool passed;  /* worst <= max; NaN and infinity never pass   */
} assay_check;

/** Reads {"assay_budget": 1, "rules": [...]}; messages as for recipes. */
ASSAY_NODISCARD assay_status assay_budget_open(const char *path, assay_budget *out);
ASSAY_NODISCARD assay_status assay_budget_parse(const char *name, const void *bytes, size_t size,
                                                assay_budget *out);
void assay_budget_close(assay_budget *budget);

/** ASSAY_ERR_INPUT names a rule whose pattern no tap matches: it would check nothing. */
ASSAY_NODISCARD assay_status assay_budget_match(const assay_budget *budget,
                                                const assay_model *model);

/**
 * Checks each rule; checks: [budget->count]. Each has a tap that it matches.
 */
void assay_budget_check(const assay_budget *budget, const assay_replay *replay,
                        const assay_summary *summary, assay_check *checks);

#endif
