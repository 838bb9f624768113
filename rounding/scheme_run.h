/* SPDX-License-Identifier: Apache-2.0 */
/* One call of assay_scheme_quantize: what its definition and its fast path share. */
#ifndef ASSAY_ROUNDING_SCHEME_RUN_H
#define ASSAY_ROUNDING_SCHEME_RUN_H

#include "rounding/scheme_loops.h"
#include "rounding/scheme_parts.h"

typedef struct assay_fast assay_fast;

typedef struct run {
    const assay_scheme *s;
    const assay_tensor_scale *tensor; /* NULL where the scheme has none */
    bool fixed;                       /* the one scale of all elements is given: */
    block_scale one;
    size_t rows, cols;
    const double *x;
    const float *narrow;        /* if not NULL, in place of x */
    const assay_random *random; /* or NULL */
    uint64_t first;
    assay_quantized out;
    float *narrow_values; /* in place of out.values, or NULL */
    size_t code_bytes, scale_bytes;
    assay_scale_shape scales;
    const assay_fast *fast; /* or NULL */
} run;

/* Blocks `from` to `from + count` - 1 of the rows `row` to `row + rows` - 1. */
typedef struct group {
    size_t row, rows, from, count, size;
} group;

/* rows x cols elements of the tensor from element `at` on. */
region assay_run_region(const run *r, size_t at, size_t rows, size_t cols);
/* Where the scale of the group's first block is. */
size_t assay_run_scale_at(const run *r, const group *g);
/* Values of the output, n from element `at` on; of binary32 the nearest ones. */
void assay_run_put_values(const run *r, size_t at, const double *y, size_t n);
/* The code of one element, from the definition. */
uint64_t assay_run_code(const run *r, const assay_rounder *rounder, const block_step *step,
                        size_t at);

/* From codes to binary32; usable: the results are the nearest ones. */
typedef struct assay_narrow_decoder {
    const assay_scheme *scheme;
    const assay_scheme_loops *loops;
    enum { NARROW_LOOK_UP, NARROW_INTEGERS, NARROW_ARRAY } way;
    bool usable;
    float tensor, integers, table[16];
    assay_back back;
    bool (*one_pass)(const assay_back *p, assay_blocks blocks, const uint8_t *codes,
                     const float *times, const float *zero, float *y); /* or NULL */
} assay_narrow_decoder;

/* How a scheme's blocks are done on binary32. */
struct assay_fast {
    const assay_scheme_loops *loops;
    enum { FAST_POWER, FAST_QUOTIENT, FAST_AFFINE, FAST_SEARCH, FAST_ONE } scales;
    enum { FAST_ARRAY, FAST_COUNT, FAST_WHOLE, FAST_RANDOM, FAST_LOOSE, FAST_BOOK } codes;
    assay_take take;
    bool exact_only; /* an operand that is not exact is left to the definition */
    float plus;      /* +0 if -0 comes out as +0, else -0                      */
    int unit;        /* the loops count integers: units of 2^-unit             */
    uint32_t least;  /* bits of what amax counts as at least                   */
    assay_powers powers;
    assay_array_pass elements, of_scales;
    assay_whole whole;
    assay_loose loose;
    assay_narrow_decoder decoder; /* where binary32 values are wanted */
    double midpoint[ASSAY_STEPS]; /* FAST_COUNT: between magnitudes k and k + 1 */
    bool inclusive[ASSAY_STEPS];  /* whether that goes up                       */
    bool two;
    assay_near near; /* or of kind NONE */
    uint32_t steps[256][ASSAY_STEPS + 1];
};

/* False if the definition has to do it all. */
bool assay_fast_make(const run *r, assay_fast *out);
/* Quantizes a group; false if the definition has to do it. */
bool assay_fast_group(const assay_fast *f, const run *r, const group *g);

/* What is known of the blocks of a group, and room for a piece of it. */
typedef struct fast_group {
    float by[ASSAY_PIECE_BLOCKS], low[ASSAY_PIECE_BLOCKS], high[ASSAY_PIECE_BLOCKS];
    int32_t zero[ASSAY_PIECE_BLOCKS];
    uint32_t top[ASSAY_PIECE_BLOCKS], code[ASSAY_PIECE_BLOCKS], zero_code[ASSAY_PIECE_BLOCKS];
    double value[ASSAY_PIECE_BLOCKS], factor[ASSAY_PIECE_BLOCKS];
    uint32_t step[ASSAY_STEPS][ASSAY_PIECE_BLOCKS];
    float buffer[ASSAY_PIECE], taken[ASSAY_PIECE];
    uint32_t words[ASSAY_PIECE], draws[ASSAY_PIECE + 4];
    uint32_t mark[ASSAY_PIECE];
} fast_group;

/* Scales and factors from the bits of the largest magnitudes; false as above. */
bool assay_fast_scales(const assay_fast *f, const run *r, const group *g, fast_group *w);

/* Its parts, for n blocks, or k elements from `at` on whose first block is `from`. */
bool assay_fast_quotient_scales(const assay_fast *f, const run *r, size_t n, bool wide,
                                fast_group *w);
bool assay_fast_factors(const assay_fast *f, const run *r, size_t n, fast_group *w);
bool assay_fast_search_can(const assay_fast *f, const run *r);
bool assay_fast_search(const assay_fast *f, const run *r, const group *g, fast_group *w);
/* The elements in binary32, or NULL if they are not. */
const float *assay_fast_piece(const assay_fast *f, const run *r, size_t at, size_t n,
                              float *buffer);
/* The codes of elements, whose blocks are the first ones of w; false if they are not exact. */
bool assay_fast_encode(const assay_fast *f, const run *r, size_t at, assay_blocks k, const float *x,
                       void *codes, fast_group *w);

/* One pass from elements to codes: its plan, after the rest of f; and a piece, whose blocks are the
 * first ones of w, with doubts as in assay_near_blocks, which are cleared; false: not in reach. */
void assay_fast_near_make(const run *r, assay_fast *f);
bool assay_fast_is_near_whole(const run *r, const assay_fast *f);
bool assay_fast_is_book(const run *r, const assay_fast *f);
bool assay_fast_near(const assay_fast *f, assay_blocks k, const float *x, const uint32_t *draw,
                     uint8_t *codes, uint64_t *doubt, fast_group *w);

/* See assay_narrow_decoder. */
void assay_narrow_decoder_make(const assay_scheme *s, float tensor, assay_narrow_decoder *out);
/* Whether codes are binary32 values; assay_narrow_decode_codes has them. */
bool assay_narrow_decoder_fits(const assay_scheme *s);
void assay_narrow_decode_codes(const assay_narrow_decoder *d, const void *codes, float *y,
                               size_t n);
/* Within assay_environment_enter; scales and zero points (or NULL) by block. */
void assay_narrow_decode(const assay_narrow_decoder *d, assay_blocks k, const void *codes,
                         const float *scale, const float *zero, float *y);
/* Integers of at most 16 bits whose codes are themselves, in units of a power of two. */
bool assay_is_whole_format(const assay_format *f);

/* The parts of assay_scheme_quantize and assay_scheme_dequantize for hierarchies. */
void assay_hierarchy_quantize(const run *r);
void assay_hierarchy_dequantize(const assay_scheme *scheme, size_t rows, size_t cols,
                                const unsigned char *codes, double *y, float *narrow);

/* assay_scheme_quantize without the fast path, for tests. */
void assay_scheme_quantize_slowly(const assay_scheme *s, const assay_tensor_scale *tensor,
                                  size_t rows, size_t cols, const double *x,
                                  const assay_random *random, uint64_t first,
                                  const assay_quantized *out);

#endif
