/* SPDX-License-Identifier: Apache-2.0 */
#define ASSAY_PHILOX         assay_philox_base
#define ASSAY_PHILOX_COLUMNS assay_philox_columns_base
#include "numerics/philox_lanes.inc"
