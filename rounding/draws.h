/* SPDX-License-Identifier: Apache-2.0 */
/* Random bits of elements that lie apart. Not installed. */
#ifndef ASSAY_ROUNDING_DRAWS_H
#define ASSAY_ROUNDING_DRAWS_H

#include "rounding/round.h"

/** How draws lie in words of Philox: several in one where a rounding takes at most 16 or 8 bits. */
typedef struct assay_draw_share {
    unsigned width, count, bits; /* of a word for each element, elements of a word, of a draw */
} assay_draw_share;

ASSAY_INLINE assay_draw_share assay_draw_share_of(const assay_rounder *r)
{
    unsigned bits = r->random_bits ? (unsigned)r->random_bits : 32;
    unsigned width = bits > 16 ? 32 : bits > 8 ? 16 : 8;
    return (assay_draw_share){ width, 32 / width, bits };
}

/** The draw of the element that has place `at` in its word. */
ASSAY_INLINE uint32_t assay_draw_of(const assay_draw_share *s, uint32_t word, size_t at)
{
    return word >> (at * s->width + s->width - s->bits) & UINT32_MAX >> (32 - s->bits);
}

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
