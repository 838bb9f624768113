/* SPDX-License-Identifier: Apache-2.0 */
/* Slow stand-ins until the array loops take random bits. */
#ifndef ASSAY_ROUNDING_ARRAY_RANDOM_H
#define ASSAY_ROUNDING_ARRAY_RANDOM_H
#include "../../rounding/array.h"
static inline void slow_round_random_f64(const assay_rounder *r, const assay_random *random,
                                         uint64_t first, const double *x, double *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t at = random->bits ? i : first + i;
        y[i] =
            assay_decode(&r->format, assay_round_exact_at(r, assay_exact_from(x[i]), random, at));
    }
}
#endif
