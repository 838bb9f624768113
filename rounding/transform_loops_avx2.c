/* SPDX-License-Identifier: Apache-2.0 */
#define ASSAY_TRANSFORM_LOOPS assay_transform_avx2
#include "rounding/transform_loops.inc"
