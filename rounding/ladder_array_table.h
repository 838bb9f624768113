/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of ladder_array.h, their builders and their loops. Not installed. */
#ifndef ASSAY_ROUNDING_LADDER_ARRAY_TABLE_H
#define ASSAY_ROUNDING_LADDER_ARRAY_TABLE_H

#include <stddef.h>

#include "constants.h"

/**
 * A finite magnitude u > 0 of the source, 2^(key-1) <= u / (least subnormal) < 2^key, lies in the
 * cell `key`, whether u is subnormal or not; cell 0 is zero, the last one infinity and NaN. The
 * coordinate w of u is key 2^F plus the fraction behind the leading 1 in F bits.
 */
enum { ASSAY_KEYS_F32 = 255 + 23 + 1, ASSAY_KEYS_F64 = 2047 + 52 + 1 };

/** What a tie or an inexact value adds to the rule that a cell's constants state. */
typedef enum assay_cell_rule {
    ASSAY_CELL_PLAIN, /* nothing                               */
    ASSAY_CELL_EVEN,  /* ties go up: those to an odd q go back */
    ASSAY_CELL_ODD,   /* an inexact even q becomes odd         */
    ASSAY_CELL_RULES
} assay_cell_rule;

/* Ends of linear cells that are not linear, per sign: at the least and at the largest value. */
enum { ASSAY_REGIONS = 2 };

/* Bits of a shape below its offset: those of d, and one for the cells that the rule `odd` is for.
 */
enum { ASSAY_SHAPE_F32 = 5, ASSAY_SHAPE_F64 = 6 };

/**
 * A table. Arrays of words (32 or 64 bits as the source's) are indexed by key, negative operands
 * behind the positive ones.
 *
 * Cells:  with t = 2 fraction + offset, q = t >> d, adjusted by the rule; the result is
 *         base + q delta, or `over` for w in [from, from + span) of one of the regions.
 * Steps:  threshold lists ascending coordinates where the result changes. The bucket w >> shift
 *         says how many are certainly passed; `rounds` halvings find the rest.
 * Decode: results by code.
 */
typedef struct assay_ladder {
    enum { ASSAY_LADDER_CELLS, ASSAY_LADDER_STEPS, ASSAY_LADDER_DECODE } kind;
    assay_cell_rule rule;
    int regions;
    uint64_t from[ASSAY_REGIONS][2], span[ASSAY_REGIONS][2], over[ASSAY_REGIONS][2]; /* [][sign] */
    const void *shape, *base, *delta;
    int shift, rounds;
    uint64_t buckets; /* of one sign */
    const void *start, *threshold, *out;
    uint64_t mask; /* of a code */
} assay_ladder;

/** n results of `bytes` bytes each; for decode x has codes of `bytes` bytes. */
typedef void assay_ladder_loop(const assay_ladder *ladder, const void *x, void *y, size_t n,
                               size_t bytes);

/** Loops of one instruction set, by source. */
typedef struct assay_ladder_loops {
    assay_ladder_loop *cells[2][ASSAY_CELL_RULES][ASSAY_REGIONS + 1];
    assay_ladder_loop *steps[2], *decode[2];
} assay_ladder_loops;

extern const assay_ladder_loops assay_ladder_base, assay_ladder_avx2, assay_ladder_avx512;

/** What a table is built from: results of the definition, by the source's bits. */
typedef struct assay_ladder_source {
    const assay_rounder *rounder;
    assay_rounder narrow; /* to binary32 */
    int fraction;         /* 23 or 52    */
    bool code;
} assay_ladder_source;

assay_ladder_source assay_ladder_source_of(const assay_rounder *rounder, int fraction, bool code);

/** The result's word for magnitude bits u. */
uint64_t assay_ladder_result(const assay_ladder_source *s, bool negative, uint64_t u);
/** The binary64 with these bits; exact. */
double assay_ladder_operand(const assay_ladder_source *s, bool negative, uint64_t u);

/** First magnitude of a cell, and the coordinate of a magnitude. */
uint64_t assay_ladder_first(int fraction, int key);
uint64_t assay_ladder_coordinate(int fraction, uint64_t u);

/** Builders: one block of memory, which free() takes; NULL if there is no such table or no
 * memory. */
assay_ladder *assay_ladder_cells(const assay_ladder_source *s);
assay_ladder *assay_ladder_steps(const assay_ladder_source *s);
assay_ladder *assay_ladder_codes(const assay_format *format, int fraction);

/** Stores word i of a table. */
void assay_ladder_put(void *words, int fraction, size_t i, uint64_t value);

#endif
