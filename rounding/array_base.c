/* SPDX-License-Identifier: Apache-2.0 */
#define ASSAY_ARRAY_TABLE assay_array_base
#include "rounding/array.inc"
