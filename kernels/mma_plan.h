/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which a plan walks k, and the sums of its tiles. Internal. */
#ifndef ASSAY_KERNELS_MMA_PLAN_H
#define ASSAY_KERNELS_MMA_PLAN_H

#include "mma_parts.h"

typedef struct mma_walk {
    const assay_mma_unit *unit;
    const assay_mma_plan *plan;
    size_t k;
} mma_walk;

/** Terms k0 .. k0 + terms - 1, their first instruction's number along the walk, and what ends
 *  after them. */
typedef struct mma_cut {
    size_t k0, terms, instruction;
    bool group_ends, slice_ends;
} mma_cut;

/** The piece after c, of at most `segment` terms; c zeroed before the first. */
bool mma_next_cut(const mma_walk *walk, size_t segment, mma_cut *c);
size_t mma_count_instructions(const mma_walk *walk, size_t segment);

/** A plan as it is written. */
typedef struct mma_planned {
    assay_mma_plan plan;
    bool needs_split; /* it says how slices are merged */
} mma_planned;
/** Whether a parameter is a plan's, and its value; `plan=NAME` replaces what came before. */
bool mma_plan_has(const char *name);
assay_status mma_plan_set(const char *name, const char *value, mma_planned *to);
assay_status mma_planned_check(const assay_mma_unit *unit, const mma_planned *planned);

ASSAY_INLINE bool mma_splits(const assay_mma_plan *plan)
{
    return plan->split > 1;
}

/** A cell of a tile: C's code in 4 bytes, or 8 of f64; codes of binary16 are held as the binary32
 *  of the same value, others as they are. */
enum { MMA_CELL = 8 };
size_t mma_cell_bytes(const assay_mma_unit *unit);
uint64_t mma_get_cell(const assay_mma_unit *unit, const void *cells, size_t i);
void mma_put_cell(const assay_mma_unit *unit, void *cells, size_t i, uint64_t code);
/** total = RND(total + RND(x)), binary32 cells: x into round_x, the sum into binary32 and then
 *  round_sum (NONE, F16 or BF16); every NaN becomes the unit's. */
void mma_add_cell(const assay_mma_unit *unit, unsigned char *total, const unsigned char *x,
                  size_t i, assay_mma_format round_x, assay_mma_format round_sum);

#endif
