/* SPDX-License-Identifier: Apache-2.0 */
#define VECTOR_BYTES 32
#define HAS_FMA      1
#define TABLE        assay_dot_avx2
#include "numerics/superaccumulator_lanes.inc"
