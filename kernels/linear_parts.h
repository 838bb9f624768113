/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the operation linear share. Internal. */
#ifndef ASSAY_KERNELS_LINEAR_PARTS_H
#define ASSAY_KERNELS_LINEAR_PARTS_H

#include "kernels/step.h"

bool linear_biased(const assay_call *c);
/** Columns of the output whose weights are dequantized at a time: whole tiles. */
size_t linear_panel(const assay_call *c);
/** out = RND(out + RND(b)), then Q_out; bias [out.cols] is scratch. */
void linear_finish(const assay_call *c, double *bias);

/** The product of codes whose scales are applied to sums. */
size_t linear_scaled_workspace(const assay_call *c);
void linear_run_scaled(const assay_call *c);

#endif
