/* SPDX-License-Identifier: Apache-2.0 */
/* Greedy continuation of a prompt. */
#ifndef ASSAY_AUDIT_GENERATE_H
#define ASSAY_AUDIT_GENERATE_H

#include "lane.h"

/**
 * Continues `prompt` greedily by `count` tokens into out: the most likely token each time, the
 * lower id if equal. The lane is reset. *made < count only where positions end.
 */
ASSAY_NODISCARD assay_status assay_generate(assay_lane *lane, const int32_t *prompt, size_t length,
                                            size_t count, int32_t *out, size_t *made);

#endif
