/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of an audit that concern the whole corpus. */
#ifndef ASSAY_AUDIT_SUMMARY_H
#define ASSAY_AUDIT_SUMMARY_H

#include "replay.h"

/** Over all positions of the corpus (n) or those with a following token (scored). */
typedef struct assay_summary {
    size_t n, scored;
    double kl_mean, kl_max, kl_reverse_mean, kl_reverse_max; /* nats                        */
    double kl_median, kl_p90, kl_p99;   /* the ceil(q n)-th smallest                    */
    double kl_mean_error;               /* standard error over documents; NaN for one   */
    double floor_kl_mean, floor_kl_max; /* the reference against the wide evaluation    */
    double ppl_reference, ppl_candidate, ppl_wide; /* exp of the mean nll; NaN if scored = 0 */
    size_t flips, near_tie_flips, material_flips;
    size_t agreeing_documents;              /* whose greedy continuations are equal         */
    size_t divergent_min, divergent_median; /* first divergent token over documents         */
} assay_summary;

/** Errors: ASSAY_ERR_MEMORY. */
ASSAY_NODISCARD assay_status assay_summarize(const assay_replay *replay, assay_summary *out);

#endif
