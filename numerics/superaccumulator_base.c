/* SPDX-License-Identifier: Apache-2.0 */
#define TABLE assay_dot_base
#include "numerics/superaccumulator_lanes.inc"
