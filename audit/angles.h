/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_AUDIT_ANGLES_H
#define ASSAY_AUDIT_ANGLES_H

#include "lane.h"

/**
 * Cosines and sines [positions, head_dim / 2] in two planes. The frequencies are the model's
 * constants, binary64 numbers that every backend takes as exact; position times frequency and
 * the attention factor are carried in double-double. Errors: ASSAY_ERR_MEMORY.
 */
ASSAY_NODISCARD assay_status assay_angles_make(const assay_config *config, size_t positions,
                                               assay_angles *out);

#endif
