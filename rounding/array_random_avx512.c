/* SPDX-License-Identifier: Apache-2.0 */
#define ASSAY_RANDOM_TABLE assay_random_avx512
#include "rounding/array_random.inc"
