/* SPDX-License-Identifier: Apache-2.0 */
#define ASSAY_LANES assay_lanes_avx2
#include "rounding/operation_lanes.inc"
