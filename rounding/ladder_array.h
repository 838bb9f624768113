/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays of formats that are not direct, by tables instead of a search. Not installed: array.h is
 * what callers use; docs/rounding.md, proofs 16 to 22. */
#ifndef ASSAY_ROUNDING_LADDER_ARRAY_H
#define ASSAY_ROUNDING_LADDER_ARRAY_H

#include <stddef.h>

#include "constants.h"

/**
 * y[i] = assay_round(rounder, x[i]), the binary32 nearest to that for a source of 23 fraction
 * bits, or its code if `code`. False, with y untouched, if x is left to the definition: stochastic
 * modes, direct formats, formats without a table, and few elements of a rounder whose table is not
 * built yet. Tables are kept for the process, a bounded number of them; y may be x.
 */
bool assay_ladder_array(const assay_rounder *rounder, int fraction, bool code, const void *x,
                        void *y, size_t n);

/** The same for y[i] = assay_decode(format, codes[i]), formats of at most 16 bits. */
bool assay_ladder_decode(const assay_format *format, int fraction, const void *codes, void *y,
                         size_t n);

#endif
