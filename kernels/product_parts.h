/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the driver share: a product under way, its workspace. Internal. */
#ifndef ASSAY_KERNELS_PRODUCT_PARTS_H
#define ASSAY_KERNELS_PRODUCT_PARTS_H

#include "product_kernels.h"

enum {
    /* A panel as doubles and, where that is rounded first, as floats. */
    PANEL_DOUBLES = ASSAY_TILE_DEPTH * ASSAY_TILE_COLUMNS * 3 / 2,
    INTEGER_WORDS = ASSAY_TILE_DEPTH,    /* of a block of k: half a panel of doubles      */
    INTEGER_ROWS = 2 * ASSAY_BLOCK_ROWS, /* a word is half a double                       */
    PARALLEL_TERMS = 1 << 17             /* about as long as waking a thread takes: 10 us */
};

/** The loops of a product as a whole; only chains still choose at each tile. */
typedef enum way {
    WAY_REFERENCE,
    WAY_FMA64,
    WAY_FMA32,
    WAY_INTEGER,
    WAY_SINGLE, /* chains in binary32's registers [10] */
    WAY_CHAIN
} way;

typedef struct product {
    const assay_accumulator *acc;
    assay_accumulator adder; /* adds a block's chain to the total */
    const assay_product_kernels *table;
    assay_lane_rounder lanes;
    bool has_lanes, parallel;
    int draw_bits; /* that a step of a stochastic chain in lanes looks at [9] */
    way way;
    assay_single_kernel single; /* WAY_SINGLE */
    assay_single_rounder single_rounder;
    size_t width, depth;     /* of a panel; terms of a block of k */
    double scale_a, scale_b; /* WAY_INTEGER: these make the operands integers [4] */
    assay_words words;
    size_t m, n, k;
    const double *a;
    size_t lda;
    const assay_operand *b;
    const assay_product_more *more; /* all of it set */
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
    double *c, *space; /* half a panel's doubles and a tile's, for chains on floats */
    size_t ldc;
    size_t row, column, term; /* of its first sum and first term in this product */
} tile;

/** out += A B by d->way, from what out has; exact sums that are plain ones included. */
void assay_product_run(const product *d, void *workspace);

/** Whether chains of this accumulator, on binary32 operands, run in binary32's registers; sets
 *  d->single and its rounder [10]. k terms of such a tile into its sums. */
bool assay_product_takes_single(product *d);
void assay_product_single_chain(const product *d, const tile *t, size_t k, const float *a,
                                const float *b);

/** Integers in a word; words of a row of the block under way. */
size_t assay_product_per_word(const product *d);
size_t assay_product_row_words(const product *d, const work *w);
/** Rows first .. first + rows - 1 of the block, and a panel of columns, as integers in words;
 * returns what the loops want. */
void assay_product_integer_rows(const product *d, const work *w, size_t first, size_t rows,
                                uint32_t *words);
void *assay_product_integer_panel(const product *d, const work *w, size_t column, size_t count,
                                  double *panel);

work assay_product_work(const product *d, size_t row, size_t from, void *workspace);

/** What all elements of the operands have in common; not finite as soon as one is not. */
void assay_product_scan(const product *d, void *workspace, assay_product_extent *a,
                        assay_product_extent *b);
/** Whether plain binary64 sums of this product are all exact [4]. */
bool assay_product_sums_are_exact(const product *d, const assay_product_extent *a,
                                  const assay_product_extent *b);
/** Exact products by slices, where few enough do; else false and nothing is done. */
bool assay_product_sliced(const product *d, const assay_product_extent *a,
                          const assay_product_extent *b, double *space);
size_t assay_product_sliced_doubles(size_t k, size_t threads);
/** The zero that an exact zero sum is, before C. */
double assay_product_zero(const product *d, size_t i, size_t j);
/** The final rounding of exact sum (i, j). */
double assay_product_round(const product *d, assay_exact x, size_t i, size_t j);
/** Rounds such sums; a zero's sign is found from the terms. */
void assay_product_round_sums(const product *d);
/** The exact product in general. */
void assay_product_exact(const product *d, void *workspace);
/** Whether stochastic chains of this rounding can run in lanes; then *bits are looked at [9]. */
bool assay_product_random_lanes(const assay_rounder *r, assay_lane_rounder *lanes, int *bits);
/** k terms, from the tile's `first` on, into its sums, by the loop `step`, or by the definition
 *  (ASSAY_STEP_COUNT): a [k][rows], b [k][width]. */
void assay_product_random_chain(const product *d, const tile *t, assay_step_kernel step,
                                size_t first, size_t k, const double *a, const double *b);
/** total = RND(total + chain) after the block whose last term is the tile's `last`. */
void assay_product_random_total(const product *d, const tile *t, size_t last, double *total,
                                size_t ld);
/** Rows from `row` on of a panel of columns, out having C or zeros; how many were done, 0 where
 * only the definition does. */
size_t assay_product_lanewise(const product *d, size_t row, const double *panel, size_t column,
                              size_t count);
/** Whether products of finite elements are binary64 numbers, range aside [3]. */
bool assay_product_is_binary64(const assay_product_extent *a, const assay_product_extent *b);
/** Sums that have no loops of their own, by their definition. */
bool assay_product_is_defined(const assay_accumulator *acc);
void assay_product_define(const product *d, void *workspace);
/** BF16X9 and OZAKI as products of slices. */
bool assay_product_is_split(const assay_accumulator *acc);
size_t assay_product_split_bytes(const assay_accumulator *acc, size_t m, size_t n, size_t k);
void assay_product_split(const product *d, void *workspace);

/** A matrix unit's products; with the scales of its blocks, sa of A's rows and sb of B's columns.
 */
size_t assay_product_unit_bytes(const assay_accumulator *acc, size_t m, size_t n, size_t k);
void assay_product_unit(product *d, void *workspace);
void assay_product_unit_scaled(const assay_accumulator *acc, size_t m, size_t n, size_t k,
                               const double *a, size_t lda, const assay_scales *sa,
                               const assay_operand *b, const assay_scales *sb,
                               const assay_product_more *more, double *out, size_t ldo,
                               void *workspace);

/** C of sum (i, j), or NULL. */
ASSAY_INLINE const double *product_c(const product *d, size_t i, size_t j)
{
    return d->more->c ? d->more->c + i * d->more->ldc + j : NULL;
}

/** The number of sum (i, j) in the whole product. */
ASSAY_INLINE uint64_t product_index(const product *d, size_t i, size_t j)
{
    return (d->more->row + i) * d->more->columns + d->more->column + j;
}

/** Where the threads' parts of a workspace for exact or defined sums begin. */
double *assay_product_spaces(const product *d, void *workspace);
/** Where a thread keeps a panel of all terms: doubles as exact_doubles says. */
double *assay_product_space(const product *d, void *workspace);
/** All terms of columns column .. column + count - 1 into the panel [k][table->columns]. */
void assay_product_pack(const product *d, size_t column, size_t count, double *panel);

#endif
