/* SPDX-License-Identifier: Apache-2.0 */
#define TABLE assay_dot_avx512
#include "numerics/superaccumulator_lanes.inc"
