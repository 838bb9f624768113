/* SPDX-License-Identifier: Apache-2.0 */
#define ASSAY_LADDER_LOOPS assay_ladder_base
#include "rounding/ladder_array.inc"
