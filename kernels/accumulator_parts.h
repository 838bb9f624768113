/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of accumulators share. Internal. */
#ifndef ASSAY_KERNELS_ACCUMULATOR_PARTS_H
#define ASSAY_KERNELS_ACCUMULATOR_PARTS_H

#include "accumulator.h"

/** Whether a text names a matrix unit, and reading it. */
bool assay_accumulator_is_unit(const char *text);
assay_status assay_accumulator_parse_unit(const char *text, assay_accumulator *out);

/** C of a unit that sums integers: an integer of 32 bits, and 0 for what is none. */
ASSAY_INLINE int32_t assay_unit_integer(double c)
{
    return c >= -0x1p31 && c < 0x1p31 ? (int32_t)c : 0;
}

#endif
