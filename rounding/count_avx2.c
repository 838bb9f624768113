/* SPDX-License-Identifier: Apache-2.0 */
#define ASSAY_COUNT_TABLE assay_count_avx2
#include "rounding/count.inc"
