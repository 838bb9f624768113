/* SPDX-License-Identifier: Apache-2.0 */
/* Units that may have made captured outputs: rows of the table, and rows with parameters set. */
#ifndef ASSAY_CLI_MMA_CANDIDATES_H
#define ASSAY_CLI_MMA_CANDIDATES_H

#include "mma_infer.h"

/** A unit that was tried; `text` is what UNIT would have to be. */
typedef struct cli_mma_candidate {
    assay_mma_unit unit;
    char text[160];
    bool is_row, explains;
    size_t index;           /* of the first output that it does not explain */
    uint64_t expected, got; /* there: D's code and the candidate's          */
    size_t group;           /* of those with the same arithmetic            */
} cli_mma_candidate;

typedef struct cli_mma_candidates {
    cli_mma_candidate *items;
    size_t count, room;
} cli_mma_candidates;

/** All candidates for the question's formats, k and scales. false without memory. */
bool cli_mma_candidates_make(const cli_mma_question *q, cli_mma_candidates *out);
/** Tries them on the question's outputs. */
void cli_mma_candidates_try(const cli_mma_question *q, cli_mma_candidates *list);
/** Numbers those left by arithmetic: equal parameters, but for what cannot matter. */
size_t cli_mma_candidates_group(cli_mma_candidates *list);

/** A chain of k terms of row i and column j of the operands onto a code. */
uint64_t cli_mma_chain(const assay_mma_unit *unit, const assay_mma_operands *x, size_t k, size_t i,
                       size_t j, uint64_t code);

#endif
