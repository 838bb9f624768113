/* SPDX-License-Identifier: Apache-2.0 */
#define ASSAY_LANES assay_lanes_base
#include "rounding/operation_lanes.inc"
