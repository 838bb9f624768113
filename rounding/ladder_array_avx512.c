/* SPDX-License-Identifier: Apache-2.0 */
#define ASSAY_LADDER_LOOPS assay_ladder_avx512
#include "rounding/ladder_array.inc"
