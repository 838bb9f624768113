/* SPDX-License-Identifier: Apache-2.0 */
/* The loops over binary32 that quantize and dequantize blocks, per instruction set. Not installed.
 * docs/schemes.md, "Speed", proves the steps. */
#ifndef ASSAY_ROUNDING_SCHEME_LOOPS_H
#define ASSAY_ROUNDING_SCHEME_LOOPS_H

#include <stddef.h>

#include "round.h"

/** Elements that are done together, so that their buffers stay in the first-level cache. */
enum { ASSAY_PIECE = 2048, ASSAY_PIECE_BLOCKS = 128, ASSAY_STEPS = 7 };

/** n elements in blocks of `size`, the last of which may be shorter; x, y, codes: n of them. */
typedef struct assay_blocks {
    size_t n, size;
} assay_blocks;

/** How an element becomes what the format rounds. */
typedef enum assay_take {
    ASSAY_TAKE_SHIFT,    /* x by, a power of two: exact                          */
    ASSAY_TAKE_MULTIPLY, /* fl(x by), zeros stay zeros                           */
    ASSAY_TAKE_DIVIDE,   /* fl(x / by), zeros stay zeros                         */
    ASSAY_TAKE_ODD,      /* x / by rounded to odd                                */
    ASSAY_TAKES
} assay_take;

/** What an integer format makes of a whole number: the code is clamp(i + zero) & mask. */
typedef struct assay_whole {
    int32_t lowest, highest;
    uint32_t mask;
} assay_whole;

/** Stochastic rounding of quotients that are known up to `slack` 2^-31 of a unit. */
typedef struct assay_loose {
    uint32_t emin;      /* the exponent field, in place, of the lowest binade             */
    uint32_t scale;     /* minus the field: bits of 1 / unit                              */
    uint32_t code_base; /* the field whose significands are their own codes               */
    int base;
    bool whole; /* integers: the unit is 1                                        */
    int32_t slack, max_code;
    uint32_t sign; /* of a code                                                      */
    assay_whole range;
} assay_loose;

/** Scales 2^e of a rule of an exponent: E - emax, one more from the fraction `bump` on. */
typedef struct assay_powers {
    uint32_t bump, least; /* amax counts as at least this: bits      */
    int32_t emax, lowest, highest;
    int32_t bias; /* of the scale's codes                            */
    int32_t unit; /* elements are counted in units of 2^-unit scale  */
} assay_powers;

/** One pass from elements to codes of one byte, to nearest or stochastic: which way, and its
 * constants. */
typedef enum assay_near_kind {
    ASSAY_NEAR_NONE,
    ASSAY_NEAR_FLOAT_EXACT, /* floating point, by is a power of two or fl(x by) is what counts */
    ASSAY_NEAR_FLOAT,       /* floating point, the quotient x / scale                          */
    ASSAY_NEAR_WHOLE_EXACT, /* integers                                                        */
    ASSAY_NEAR_WHOLE,
    ASSAY_NEAR_ZERO,  /* the same with zero points                                             */
    ASSAY_NEAR_COUNT, /* steps of the block's scale                                            */
    ASSAY_NEAR_BOOK,  /* at most 16 values of any kind */
    ASSAY_NEAR_RANDOM_FLOAT, /* stochastic, by 32 bits for each element                        */
    ASSAY_NEAR_RANDOM_WHOLE,
    ASSAY_NEAR_KINDS
} assay_near_kind;

typedef struct assay_near {
    assay_near_kind kind;
    int32_t emin;  /* the exponent field, in place, of the lowest binade                        */
    int32_t magic; /* what takes a field to that of the number whose unit is the binade's       */
    int32_t half;  /* and from it to half a unit                                                */
    int32_t unit;  /* stochastic, minus the field: bits of 2^23 over a unit                    */
    int32_t slack; /* how far x by may be from the quotient, in units of 2^-23                 */
    int32_t base, max_code, sign, mask;
    float lowest, highest;
    float limit; /* what largest magnitudes, over their scale, must not exceed        */
    float upper[16], lower[16]; /* bounds of the values of each place                          */
    float codes[16];            /* and its code, as bits                                       */
    float margin;               /* how far bounds and x by may be from the numbers they are of */
    const uint32_t *steps; /* [scale code][8]: see count below                                  */
    bool two;
} assay_near;

/** From codes of one byte to values in one pass: which way, and its constants. */
typedef enum assay_back_kind {
    ASSAY_BACK_NONE,
    ASSAY_BACK_TABLE,    /* at most 16 codes                                            */
    ASSAY_BACK_INTEGERS, /* as they are                                                 */
    ASSAY_BACK_HALVES,   /* codes that are those of binary16 but for their place, and bias */
    ASSAY_BACK_KINDS
} assay_back_kind;

typedef struct assay_back {
    assay_back_kind kind;
    float table[16];
    float unit;     /* of what is decoded                                                */
    float t;        /* the tensor's scale, 1 if there is none                            */
    bool over;      /* which divides                                                     */
    bool is_signed; /* integers                                                          */
    int up, down;   /* shifts of integers in 32 bits, of codes in 16                     */
    int mask;       /* of binary16                                                       */
    uint8_t flip, magnitude, most; /* codes are served if (code ^ flip) & magnitude <= most */
} assay_back;

/** What it works on: elements and their codes and random bits, and by block (by is near
 * 1 / scale), up to a multiple of 4 blocks. */
typedef struct assay_near_blocks {
    const float *x;
    uint8_t *codes;
    const uint32_t *draw;
    const float *by, *scale;
    const int32_t *zero;
    const uint32_t *code;
    uint64_t *doubt; /* bit j mod 64 of word j / 64 is set if code j is not sure */
} assay_near_blocks;

typedef struct assay_scheme_loops {
    /* top[b] = the bits of the largest magnitude of block b and of what top[b] was. */
    void (*amax)(assay_blocks blocks, const float *x, uint32_t *top);
    /* The least and the largest elements of block b, and what low[b] and high[b] were. */
    void (*range)(assay_blocks blocks, const float *x, float *low, float *high);
    /* Of block b, in any order: the sum of (x[i] - v[i] factor[b])^2. */
    void (*errors)(assay_blocks blocks, const float *x, const float *v, const double *factor,
                   double *sum);
    /* The codes of scales from the bits of amax, their values, and 2^(unit - e), 1 for amax 0;
     * nonzero if one is out of reach. */
    uint32_t (*powers)(const assay_powers *p, size_t n, const uint32_t *top, uint32_t *code,
                       double *value, float *by);
    /* q = amax times / divisor; nonzero if an amax is infinite or NaN. */
    uint32_t (*quotients)(size_t n, const uint32_t *top, uint32_t least, double times,
                          double divisor, double *q);
    /* With zero points, as assay_affine_quotient and assay_affine_zero have them, in binary64;
     * NULL: not provided. */
    void (*spans)(size_t n, const float *low, const float *high, double least, double levels,
                  double *q);
    void (*zeros)(size_t n, const float *low, const double *value, double least, double most,
                  int32_t *zero);
    /* factor = value t, by the nearest to factor unit, infinity for 0, or 1 over it; true if one
     * is out of reach. */
    bool (*factors)(size_t n, const double *value, double t, double unit, bool inverse,
                    double *factor, float *by);
    /* The bits of the largest binary32 below (not above) midpoint factor if inclusive (or not). */
    void (*steps)(size_t n, const double *factor, double midpoint, bool inclusive, uint32_t *step);
    /* Nonzero if a y[i] may not be exact, SHIFT and ODD only. plus: -0, or +0 for no -0 in y. */
    uint32_t (*take[ASSAY_TAKES])(assay_blocks blocks, const float *x, const float *by, float plus,
                                  float *y);
    /* Words: how many of the ASSAY_STEPS magnitudes step[k][b] are below |x|, with its sign. */
    void (*count)(assay_blocks blocks, const float *x,
                  const uint32_t step[ASSAY_STEPS][ASSAY_PIECE_BLOCKS], bool two, uint32_t *codes);
    /* Words: x rounded to a whole number, plus zero[b]. */
    void (*whole[ASSAY_MODE_COUNT])(const assay_whole *w, assay_blocks blocks, const float *x,
                                    const int32_t *zero, uint32_t *codes);
    /* Words, by the first 32 bits of U; mark[i] where these do not decide; nonzero if any is. */
    uint32_t (*loose)(const assay_loose *l, assay_blocks blocks, const float *x,
                      const int32_t *zero, const uint32_t *draw, uint32_t *codes, uint32_t *mark);
    /* Blocks of 16, 32, a multiple of 64, or one. NULL: not provided. */
    void (*near[ASSAY_NEAR_KINDS])(const assay_near *p, assay_blocks blocks,
                                   const assay_near_blocks *all);
    /* by[b] = fl(1 / scale[b]); true if top[b] by[b] is above limit, or NaN. */
    bool (*inverses)(size_t n, const float *scale, const uint32_t *top, float limit, float *by);
    /* n words to integers of `bytes` bytes. */
    void (*narrow)(const uint32_t *words, void *codes, size_t n, size_t bytes);
    /* y[i] = (code - zero[b]) times[b], then times or over t; NaN is the canonical one. zero: or
     * NULL. False if there are codes, or scales, that it does not serve. */
    bool (*back[ASSAY_BACK_KINDS])(const assay_back *p, assay_blocks blocks, const uint8_t *codes,
                                   const float *times, const float *zero, float *y);
    /* y[i] = table[codes[i] & 15]; bytes. */
    void (*look_up)(const float table[16], const uint8_t *codes, float *y, size_t n);
    /* Two's complement or unsigned codes of `bits` bits, as they are. */
    void (*integers)(int bits, bool is_signed, const void *codes, size_t bytes, float *y, size_t n);
    /* y[i] = (y[i] - zero[b]) times[b], then times or over t; NaN is the canonical one. */
    void (*finish)(assay_blocks blocks, const float *zero, const float *times, float t, bool over,
                   float *y);
    /* Moves n bytes, a multiple of 64, past the caches; to is aligned to a line. */
    void (*past)(const void *from, void *to, size_t n);
    /* y[i] = x[i]; nonzero if one is not a binary32. */
    uint64_t (*narrow_f64)(const double *x, float *y, size_t n);
} assay_scheme_loops;

extern const assay_scheme_loops assay_scheme_loops_base, assay_scheme_loops_avx2,
    assay_scheme_loops_avx512;

/** The loops of assay_isa_current. They run between assay_environment_enter and its end. */
const assay_scheme_loops *assay_scheme_loops_current(void);

/** Copies n bytes; lines that are y's alone go past the caches, until assay_end_past. */
void assay_move_past(const void *x, void *y, size_t n);

#endif
