/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of one format into codes of another, with one rounding. */
#ifndef ASSAY_ROUNDING_RECODE_H
#define ASSAY_ROUNDING_RECODE_H

#include <stddef.h>

#include "round.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * out[i] = the code that the rounder gives the value of code in[i] of `from`: float16 and bfloat16
 * arrays are codes of binary16 and bfloat16, so this is how they are quantized. Codes stand in
 * containers of assay_format_container bytes, in the machine's byte order.
 *
 * Rounding  once, from the exact value, also where binary64 holds it not; an irrational value
 *           stands for its nearest binary64. A stochastic mode takes the bits of element first + i,
 *           or random->bits[i].
 * Specials  as assay_round_exact has them. Bits beyond the width of `from` are ignored.
 * Aliasing  out must not overlap in, unless both have the same container and are the same array.
 * Threads   reentrant; the same bits for every instruction set and division into calls.
 * Memory    never allocates.
 */
ASSAY_API void assay_recode(const assay_rounder *rounder, const assay_random *random,
                            uint64_t first, const assay_format *from, const void *in, void *out,
                            size_t n);

#ifdef __cplusplus
}
#endif
#endif
