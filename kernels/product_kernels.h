/* SPDX-License-Identifier: Apache-2.0 */
/* What the driver of the products and its inner loops, one table per ISA, agree on. Internal.
 * Numbers in brackets are sections of docs/kernels-product.md. */
#ifndef ASSAY_KERNELS_PRODUCT_KERNELS_H
#define ASSAY_KERNELS_PRODUCT_KERNELS_H

#include "product.h"

enum {
    ASSAY_TILE_ROWS = 8,     /* rows of a tile, at most                                   */
    ASSAY_TILE_COLUMNS = 48, /* columns of a panel, at most                               */
    ASSAY_TILE_DEPTH = 256,  /* terms of a block of k: 48 KiB of a panel of 24 doubles   */
    ASSAY_BLOCK_ROWS = 512   /* rows of A packed at a time: 1 MiB, half a nearer cache    */
};

/** A rounding as the loops want it: constants of [2], all from an assay_rounder. */
typedef struct assay_lane_rounder {
    int64_t least, most; /* exponent fields, in place, of the binades emin and emax + 1 */
    int64_t magic, unit; /* to a binade's 2^e add the one for 2^52 quanta, subtract the other
                            for one quantum */
    double max, overflow[2], infinite[2], nan;
    double zero; /* added last: +0 where the format has no -0, else -0, which changes nothing */
} assay_lane_rounder;

/** What is known of the finite elements of an operand: x is a multiple of 2^unit, |x| < 2^top,
 *  and has at most `bits` significant bits; unit = INT_MAX and top = INT_MIN if all are zero. */
typedef struct assay_product_extent {
    int unit, top, bits;
    bool finite;
    double least, most; /* where all are finite: least <= x <= most, and least <= 0 <= most */
} assay_product_extent;

/** How a chain's step is evaluated; each has its conditions, and where several hold they give
 *  the same bits [3]. */
typedef enum assay_step_kernel {
    ASSAY_STEP_SUM_EXACT, /* a b + acc is a binary64 */
    ASSAY_STEP_PRODUCT_EXACT,
    ASSAY_STEP_CAREFUL, /* infinities, NaN, any significands, formats without -0 */
    ASSAY_STEP_UNFUSED,
    ASSAY_STEP_UNFUSED_CAREFUL,
    ASSAY_STEP_COUNT
} assay_step_kernel;

/** Chains in binary32's registers: formats that are binary32 less its last bits, and others [10].
 */
typedef enum assay_single_kernel {
    ASSAY_SINGLE_CUT,
    ASSAY_SINGLE_CUT_UNFUSED,
    ASSAY_SINGLE_GRID,
    ASSAY_SINGLE_GRID_UNFUSED,
    ASSAY_SINGLE_COUNT
} assay_single_kernel;

/** Their rounding, as constants on binary32's codes. */
typedef struct assay_single_rounder {
    int dropped;         /* CUT: how many bits are zero at the end of a code             */
    uint32_t least;      /* GRID: exponent field, in place, of emin                       */
    uint32_t magic, max; /* to a binade's 2^e add this for 3/2 2^23 half quanta; F's max  */
} assay_single_rounder;

/**
 * rows x columns sums, c += a b over k terms: a is packed [k][rows], b [k][columns of the panel].
 * Chains return false, c untouched, if something overflowed that only a careful one may meet.
 */
typedef void assay_tile_fn(size_t rows, size_t k, const void *a, const void *b, double *c,
                           size_t ldc);
typedef bool assay_chain_fn(const assay_lane_rounder *r, size_t rows, size_t k, const double *a,
                            const double *b, double *c, size_t ldc);
/** The same in a stochastic mode: with the bits R of N, or the first N of U for sr, as draws
 *  [k][rows][columns]. False, c untouched, also if these bits of U do not decide [9]. */
typedef bool assay_random_chain_fn(const assay_lane_rounder *r, int bits, size_t rows, size_t k,
                                   const double *a, const double *b, const uint64_t *draws,
                                   double *c, size_t ldc);
/** The same on finite binary32 operands, b [k][columns of floats], while the processor rounds as
 *  section 10 says. */
typedef bool assay_single_chain_fn(const assay_single_rounder *r, size_t rows, size_t k,
                                   const float *a, const float *b, double *c, size_t ldc);
/** x = RND(x) or x = RND(x + y), any binary64 values (y in the format too). */
typedef void assay_round_lanes_fn(const assay_lane_rounder *r, size_t n, double *x);
typedef void assay_add_lanes_fn(const assay_lane_rounder *r, size_t n, double *x, const double *y);
/** A step of error feedback: sum = RND(sum + t + hi + lo), whose error becomes hi + lo. false if it
 *  has to be done by the definition, from the chain's start [11]. Zero residues are -0. */
typedef bool assay_feedback_lanes_fn(const assay_lane_rounder *r, size_t n, const double *t,
                                     double *sum, double *hi, double *lo);
/** How integers lie in words of 32 bits: two of 16 bits; or four of 8, those of A raised by 128 to
 *  have no sign. The last two are VNNI's. */
typedef enum assay_words {
    ASSAY_WORDS_PAIRS,
    ASSAY_WORDS_VNNI_PAIRS,
    ASSAY_WORDS_VNNI_QUADS,
    ASSAY_WORDS_COUNT
} assay_words;

/** c += scale times the sums of products of integers: a packed as [words][rows], b [1 + words]
 *  [columns of floats], whose first row is what the sums begin with. They stay below 2^31 in
 *  magnitude. */
typedef void assay_integer_tile_fn(size_t rows, size_t words, double scale, const uint32_t *a,
                                   const uint32_t *b, double *c, size_t ldc);
/** out[i] = x[i] scale + raise as integers of 16 bits, or of 8; returns their sum. x are doubles,
 *  or floats at any address. */
typedef int32_t assay_narrow_fn(size_t n, double scale, int raise, const void *x, void *out);
/** One row of double-double sums: a packed as pairs hi, lo; b_lo may be NULL. */
typedef void assay_wide_fn(size_t k, const double *a, const double *b_hi, const double *b_lo,
                           double *hi, double *lo);

typedef struct assay_product_kernels {
    size_t columns; /* of a panel of doubles; panels of floats have twice as many */
    size_t rows;    /* of a tile */
    assay_tile_fn *reference, *fma64;
    assay_tile_fn *fma32; /* operands as float; NULL: the chains do it */
    assay_chain_fn *chain[ASSAY_STEP_COUNT][ASSAY_MODE_COUNT];
    assay_random_chain_fn *random[ASSAY_STEP_UNFUSED][ASSAY_MODE_END - ASSAY_MODE_COUNT];
    assay_single_chain_fn *single[ASSAY_SINGLE_COUNT][ASSAY_MODE_COUNT]; /* or NULL */
    assay_round_lanes_fn *round[ASSAY_MODE_COUNT];
    assay_add_lanes_fn *add[ASSAY_MODE_COUNT];
    assay_feedback_lanes_fn *feedback[ASSAY_MODE_COUNT];
    void (*add64)(size_t n, double *x, const double *y); /* the processor's additions */
    void (*add32)(size_t n, double *x, const double *y);
    assay_integer_tile_fn *integer[ASSAY_WORDS_COUNT]; /* or NULL; VNNI's where there is one */
    assay_narrow_fn *narrow[2][2];                     /* of floats too; into 8 bits too */
    void (*scan)(size_t n, const double *x, assay_product_extent *out);
    assay_wide_fn *wide;
} assay_product_kernels;

extern const assay_product_kernels assay_product_base, assay_product_avx2, assay_product_avx512;

/** The table of assay_isa_current(). */
const assay_product_kernels *assay_product_table(void);

/** The words on this machine for integers of 16 bits, or of 8 if they are that short. */
assay_words assay_product_words(const assay_product_kernels *table, bool are_bytes);

/** false if the rounding is not one that the lanes do [2]; then only the definition is left. */
bool assay_lane_rounder_make(const assay_rounder *rounder, assay_lane_rounder *out);

/** Terms row .. row + k - 1 of columns column .. column + count - 1 of B as [k][width], what
 *  lies beyond count zero. The float form takes values that binary32 holds. */
void assay_pack_columns(const assay_operand *b, size_t row, size_t k, size_t column, size_t count,
                        size_t width, double *out);
void assay_pack_columns_f32(const assay_operand *b, size_t row, size_t k, size_t column,
                            size_t count, size_t width, float *out);
/** Whether a column's terms are binary32 or aligned binary64 numbers side by side; and k of them as
 *  doubles, where they lie or in space[k], unrounded. */
bool assay_has_columns(const assay_operand *b);
const double *assay_column(const assay_operand *b, size_t row, size_t k, size_t column,
                           double *space);
/** Rounds what assay_pack_columns gave as b->round says. */
void assay_pack_round(const assay_operand *b, size_t n, double *x);
/** Whether binary32 holds every element that the operand yields; false if finding out is dear. */
bool assay_operand_fits_f32(const assay_operand *b, size_t k, size_t n);

/** Whether the processor's own binary64 operations round like this, overflow included. */
bool assay_is_native(const assay_rounder *rounder);

/** RND(a b + acc), or RND(RND(a b) + acc), by the definition. */
double assay_step_define(const assay_accumulator *acc, double a, double b, double sum);

#endif
