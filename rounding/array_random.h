/* SPDX-License-Identifier: Apache-2.0 */
/* Stochastic rounding of arrays: what its loops share with their driver. Not installed.
 *
 * A threshold V stands for the random bits of an element: its magnitude goes up iff the first 32
 * bits of nu are above V. docs/rounding.md, proofs 8 to 15. */
#ifndef ASSAY_ROUNDING_ARRAY_RANDOM_H
#define ASSAY_ROUNDING_ARRAY_RANDOM_H

#include "array_table.h"
#include "round.h"

/** What else there is to V: nothing, and its last bit is set; if the bits equal it, more of nu
 * may be needed; or it is a coin in its top bit, nu only being zero or not. */
typedef enum assay_dice {
    ASSAY_DICE_FLOOR,
    ASSAY_DICE_TIES,
    ASSAY_DICE_COIN,
    ASSAY_DICES
} assay_dice;

/** Loops for operands that the format can hold. */
typedef enum assay_quick {
    ASSAY_QUICK_NONE,
    ASSAY_QUICK_CUT,    /* the format has the source's own emin: `base` bits are cut          */
    ASSAY_QUICK_SCALED, /* units vary: operands are scaled by 1 / unit, a power of two        */
    ASSAY_QUICK_PLUS,   /* R 2^-N units are added, what is beyond a whole unit is cut: sra    */
    ASSAY_QUICK_MINUS   /* U units are subtracted, the rest goes up to a whole one: sr        */
} assay_quick;

/**
 * A rounder of a stochastic mode as constants on the bits of a source with `fraction` fraction
 * bits, u being the magnitude of an operand. Pairs are per sign ([0] positive).
 */
typedef struct assay_random_constants {
    bool direct; /* what follows holds; else only the definition does                    */
    bool drops;  /* bits are dropped at all; else every mode only decides about overflow */
    bool is_signed;
    assay_quick quick;
    assay_dice dice;
    int start, base;    /* bits dropped from exponent field E: max(start - E, base)     */
    uint64_t inf;       /* bits of infinity                                             */
    uint64_t emin;      /* the exponent field, in place, of the lowest binade, or 0     */
    uint64_t code_base; /* the field whose significands are their own codes             */
    uint64_t scale;     /* minus the field: bits of 1 / unit                            */
    uint64_t unit;      /* the field minus this: bits of the unit                       */
    uint64_t step;      /* the same for 2^-N units, or 2^-31 units                      */
    uint64_t magic;     /* the field plus this: bits of a number whose last bit is one unit */
    int shift;          /* of a draw, to N bits                                         */
    size_t draw_bytes;
    uint64_t limit;     /* bits of the largest value: quick loops take u up to it       */
    uint64_t ask_to;    /* 0 < u <= ask_to: the definition is asked                     */
    uint64_t zero_sign; /* the operand's sign bit if there is a -0, else 0              */
    uint64_t beyond;    /* what follows the largest value, were there more of them      */
    uint64_t max_code, overflow[2], infinite[2], nan, code_sign, code_zero_sign;
    uint64_t overflow_bits[2], infinite_bits[2], nan_bits; /* those values, signs included */
} assay_random_constants;

assay_random_constants assay_random_constants_from(const assay_rounder *rounder, int fraction);

/** Results as words, bits or codes. Nonzero if an operand was out of reach: then y is void. `dice`
 * are thresholds; draws of c->draw_bytes for PLUS; words for MINUS. */
typedef uint64_t assay_quick_loop(const assay_random_constants *c, const void *x, const void *dice,
                                  void *y, size_t n);

/** Codes as words, of any operands. Where mark[i] != 0 the definition has to be asked; nonzero if
 * there is such a place. */
typedef uint64_t assay_random_loop(const assay_random_constants *c, const void *x,
                                   const uint32_t *threshold, void *codes, void *mark, size_t n);

/** V = b - lower - (b >> parity & odd), b = ~(draw << left & mask), for draws of `bytes` bytes. */
typedef struct assay_thresholds {
    size_t bytes;
    int left, parity;
    uint32_t mask, lower, odd;
} assay_thresholds;

typedef void assay_threshold_loop(const assay_thresholds *t, const void *draws, uint32_t *v,
                                  size_t n);
typedef void assay_narrow_loop(const void *words, char *codes, size_t n, size_t bytes);

/** Loops by source; quick loops also by whether codes are wanted, and, last, whether operands
 * beyond the format are in reach, which costs. */
typedef struct assay_random_table {
    assay_quick_loop *cut[ASSAY_SOURCES][2][ASSAY_DICES];
    assay_quick_loop *scaled[ASSAY_SOURCES][2][ASSAY_DICES][2];
    assay_quick_loop *plus[ASSAY_SOURCES][2][2], *minus[ASSAY_SOURCES][2][2];
    assay_random_loop *any[ASSAY_SOURCES][ASSAY_DICES];
    assay_narrow_loop *narrow[ASSAY_SOURCES];
    assay_threshold_loop *thresholds;
} assay_random_table;

extern const assay_random_table assay_random_base, assay_random_avx2, assay_random_avx512;

#endif
