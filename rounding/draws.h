/* SPDX-License-Identifier: Apache-2.0 */
/* Random bits of elements that lie apart. Not installed. */
#ifndef ASSAY_ROUNDING_DRAWS_H
#define ASSAY_ROUNDING_DRAWS_H

#include "rounding/round.h"

/** Which elements: first + j apart + q, j < columns, q < n; of whose draws the last `drop` bits are
 *  not wanted. */
typedef struct assay_draw_grid {
    uint64_t first, apart;
    size_t columns, n;
    int drop;
} assay_draw_grid;

/** draws[q ld + j] = assay_random_draw of element first + j apart + q, random->bits aside. Fast if
 *  first, apart and n are multiples of 16. Reentrant. */
void assay_random_columns(const assay_rounder *rounder, const assay_random *random,
                          const assay_draw_grid *grid, uint64_t *draws, size_t ld);

#endif
