/* SPDX-License-Identifier: Apache-2.0 */
#define ASSAY_PHILOX         assay_philox_avx512
#define ASSAY_PHILOX_COLUMNS assay_philox_columns_avx512
#include "numerics/philox_lanes.inc"
