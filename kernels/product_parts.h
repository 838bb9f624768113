/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the driver share: a product under way, its workspace. Internal. */
#ifndef ASSAY_KERNELS_PRODUCT_PARTS_H
#define ASSAY_KERNELS_PRODUCT_PARTS_H

#include "product_kernels.h"

enum {
    /* A panel as doubles and, where that is rounded first, as floats. */
    PANEL_DOUBLES = ASSAY_TILE_DEPTH * ASSAY_TILE_COLUMNS * 3 / 2,
    PARALLEL_TERMS = 1 << 17 /* about as long as waking a thread takes: 10 us */
};

/** The loops of a product as a whole; only chains still choose at each tile. */
typedef enum way { WAY_REFERENCE, WAY_FMA64, WAY_FMA32, WAY_CHAIN } way;

typedef struct product {
    const assay_accumulator *acc;
    assay_accumulator adder; /* adds a block's chain to the total */
    const assay_product_kernels *table;
    assay_lane_rounder lanes;
    bool has_lanes, parallel;
    way way;
    size_t width; /* of a panel */
    size_t m, n, k;
    const double *a;
    size_t lda;
    const assay_operand *b;
    double *out;
    size_t ldo;
} product;

/** A block of rows and terms, and the workspace's parts. */
typedef struct work {
    size_t row, rows, from, k;
    double *a;                    /* tiles of packed rows                          */
    assay_product_extent *extent; /* of each tile                                  */
    double *panels;               /* PANEL_DOUBLES for each thread                 */
    double *chains;               /* BLOCK: a block's chains, panel by panel       */
} work;

/** Sums of one tile: c, and its packed operands. */
typedef struct tile {
    size_t rows, columns;
    const void *a, *b;
    const assay_product_extent *a_extent, *b_extent;
    double *c;
    size_t ldc;
} tile;

work assay_product_work(const product *d, size_t row, size_t from, void *workspace);

/** Whether plain binary64 sums of this product are all exact [4]. */
bool assay_product_exact_as_reference(const product *d, void *workspace);
/** Rounds such sums; a zero's sign is found from the terms. */
void assay_product_round_sums(const product *d);
/** The exact product in general. */
void assay_product_exact(const product *d, void *workspace);

#endif
