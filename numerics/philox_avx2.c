/* SPDX-License-Identifier: Apache-2.0 */
#define ASSAY_PHILOX         assay_philox_avx2
#define ASSAY_PHILOX_COLUMNS assay_philox_columns_avx2
#include "numerics/philox_lanes.inc"
