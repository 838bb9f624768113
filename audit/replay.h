/* SPDX-License-Identifier: Apache-2.0 */
/* The audit itself: reference, candidate and wide evaluation go through a corpus in step. */
#ifndef ASSAY_AUDIT_REPLAY_H
#define ASSAY_AUDIT_REPLAY_H

#include "corpus.h"
#include "digest.h"
#include "drift.h"
#include "lane.h"
#include "ulp.h"

/** What was measured at one tap, over all documents. */
typedef struct assay_tap_drift {
    assay_drift local;            /* candidate's operation on the reference's inputs            */
    assay_drift propagated;       /* candidate running free                                     */
    assay_drift floor_local;      /* reference against the wide evaluation on the same inputs   */
    assay_drift floor_propagated; /* reference against the wide evaluation running free         */
    double quant2, arith2;        /* sum of squares of E_quant and E_arith                      */
    double quant_share, arith_share; /* sums <E_quant, E> and <E_arith, E>: divide by error2    */
    double reference_bound2;   /* sum of squares of the reference's own a-priori bounds      */
    double over_bound;         /* max of local error over its a-priori bound                 */
    size_t bounded, unbounded; /* elements with a finite bound, and without                  */
    assay_ulp_histogram ulps;  /* of the local error, in the output's format                 */
    double *token_local, *token_propagated; /* [corpus tokens] rel L2 of each token's row       */
} assay_tap_drift;

/** A greedy continuation of the first half of a document by both. */
typedef struct assay_greedy {
    size_t prompt, compared; /* tokens of the prompt; tokens continued by both      */
    size_t divergent;        /* index of the first that differs, == compared if none */
} assay_greedy;

/** Digest of one tap of one document. */
typedef struct assay_tap_digest {
    char reference[ASSAY_DIGEST_HEX], candidate[ASSAY_DIGEST_HEX];
} assay_tap_digest;

typedef struct assay_replay {
    const assay_model *model;
    const assay_corpus *corpus;
    assay_tap_drift *taps;     /* [model nodes]                          */
    assay_token_drift *tokens; /* [corpus tokens]                        */
    assay_greedy *greedy;      /* [documents]                            */
    assay_tap_digest *digests; /* [documents, model nodes]               */
    bool has_bounds;           /* false for a candidate with other parameters */
} assay_replay;

/** How far it is: done of total steps. */
typedef void assay_progress_fn(void *user, size_t done, size_t total);

typedef struct assay_replay_options {
    const assay_model *candidate; /* == model unless the candidate has its own parameters */
    const assay_policy *policies; /* one per node                                         */
    const assay_backend *backend; /* of the candidate                                     */
    double tie;                   /* nats                                                 */
    size_t greedy;                /* tokens to continue                                   */
    assay_progress_fn *progress;  /* or NULL                                              */
    void *user;
} assay_replay_options;

/** Errors: ASSAY_ERR_MEMORY and what the operations' checks find. The caller closes *out. */
ASSAY_NODISCARD assay_status assay_replay_run(const assay_model *model, const assay_corpus *corpus,
                                              const assay_replay_options *options,
                                              assay_replay *out);
void assay_replay_close(assay_replay *replay);

#endif
