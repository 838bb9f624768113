/* SPDX-License-Identifier: Apache-2.0 */
#define ASSAY_ARRAY_TABLE assay_array_avx512
#include "rounding/array.inc"
