/* SPDX-License-Identifier: Apache-2.0 */
/* Two and three levels of power-of-two scales: shared microexponents and HiFloat4. */
#ifndef ASSAY_ROUNDING_SCHEME_MICRO_H
#define ASSAY_ROUNDING_SCHEME_MICRO_H

#include "rounding/scheme_hierarchy.h"

extern const assay_hierarchy assay_hierarchy_mx9, assay_hierarchy_mx6, assay_hierarchy_mx4,
    assay_hierarchy_hif4;

#endif
