/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/fast.h"

#include "rounding/constants.h"

assay_fast_rounder assay_fast_rounder_from(const assay_rounder *rounder)
{
    assay_constants c = assay_constants_from(rounder, 52);
    assay_fast_rounder fast = { .direct = c.direct,
                                .mode = rounder->mode,
                                .start = c.start,
                                .base = c.base,
                                .least = c.least,
                                .parity = c.parity,
                                .odd = c.odd,
                                .zero = { c.zero[0], c.zero[1] } };
    fast.rounder = *rounder;
    fast.zero_sign = rounder->format.has_negzero ? (uint64_t)1 << 63 : 0;
    fast.limit[0] = c.limit;
    fast.limit[1] = rounder->format.is_signed ? c.limit : 0; /* unsigned: only zero is in range */
    fast.nan = assay_bits64(rounder->nan_value);
    for (int i = 0; i < 2; i++) {
        fast.overflow[i] = assay_bits64(rounder->overflow_value[i]);
        fast.infinite[i] = assay_bits64(rounder->infinite_value[i]);
    }
    return fast;
}
