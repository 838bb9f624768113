/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the superaccumulator share. Internal. */
#ifndef ASSAY_NUMERICS_SUPERACCUMULATOR_PARTS_H
#define ASSAY_NUMERICS_SUPERACCUMULATOR_PARTS_H

#include "numerics/superaccumulator.h"

__extension__ typedef __int128 assay_int128;

/** Adds sum 2^exp, |sum| < 2^106, -2148 <= exp <= 2011; s->non_zero is the caller's to set. */
void assay_superaccumulator_add_scaled(assay_superaccumulator *s, assay_int128 sum, int exp);

#endif
