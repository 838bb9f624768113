/* SPDX-License-Identifier: Apache-2.0 */
/* Counter-based random bits: Philox4x32-10 (Salmon et al., SC 2011), the same bits everywhere. */
#ifndef ASSAY_NUMERICS_PHILOX_H
#define ASSAY_NUMERICS_PHILOX_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** out = Philox4x32-10 of counter and key, as Random123 has it. */
ASSAY_API void assay_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/**
 * Word j of element i: key (seed low, seed high), counter (i / 4 low, i / 4 high, j, stream),
 * output word i mod 4.
 */
ASSAY_API uint32_t assay_philox_word(uint64_t seed, uint32_t stream, uint64_t i, uint32_t j);

/** out[k] = word j of element first + k, k < n: the same, many at a time. Reentrant. */
ASSAY_API void assay_philox_words(uint64_t seed, uint32_t stream, uint32_t j, uint64_t first,
                                  uint32_t *out, size_t n);

#ifdef __cplusplus
}
#endif
#endif
