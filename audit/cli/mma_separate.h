/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors on which the units that are left give different results. */
#ifndef ASSAY_CLI_MMA_SEPARATE_H
#define ASSAY_CLI_MMA_SEPARATE_H

#include "mma_candidates.h"

/**
 * Writes into the question's directory A.npy, B.npy, C.npy, SA.npy and SB.npy where there are
 * scales, each a batch of single outputs, and D1.npy, D2.npy.. that each group predicts for them.
 * Pairs of groups that no random vector separates are left. ASSAY_ERR_IO, _MEMORY.
 */
ASSAY_NODISCARD assay_status cli_mma_separate(const cli_mma_question *q,
                                              const cli_mma_candidates *list, size_t groups);

#endif
