/* SPDX-License-Identifier: Apache-2.0 */
/* Binary-coded quantization: sums of scaled signs. */
#ifndef ASSAY_ROUNDING_SCHEME_BINARY_H
#define ASSAY_ROUNDING_SCHEME_BINARY_H

#include "rounding/scheme_hierarchy.h"

extern const assay_hierarchy assay_hierarchy_bcq1, assay_hierarchy_bcq2, assay_hierarchy_bcq3,
    assay_hierarchy_bcq4;

#endif
