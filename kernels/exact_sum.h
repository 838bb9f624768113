/* SPDX-License-Identifier: Apache-2.0 */
/* Exact sums as values that rounding takes. Internal to the library. */
#ifndef ASSAY_KERNELS_EXACT_SUM_H
#define ASSAY_KERNELS_EXACT_SUM_H

#include "../numerics/superaccumulator.h"
#include "../rounding/round.h"

/**
 * The sum that s holds. IEEE 754-2019, 6.3, on zeros: terms that are all zeros of one sign give
 * that zero; any other exact zero is +0, but -0 under RDN. Only that depends on the mode.
 */
assay_exact assay_exact_sum(const assay_superaccumulator *s, assay_mode mode);

/** The exact a b + c, inf x 0 and inf - inf being NaN; zeros as above. Any operands. */
assay_exact assay_exact_fma(double a, double b, double c, assay_mode mode);

#endif
