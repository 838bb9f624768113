/* SPDX-License-Identifier: Apache-2.0 */
#define VECTOR_BYTES 64
#define HAS_FMA      1
#define TABLE        assay_dot_avx512
#include "numerics/superaccumulator_lanes.inc"
