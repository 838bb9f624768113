/* SPDX-License-Identifier: Apache-2.0 */
/* A rounder as constants on the bits of its operands, binary32 or binary64. Not installed:
 * fast.h and array.h are what callers use; docs/rounding.md, proofs 1 to 7. */
#ifndef ASSAY_ROUNDING_CONSTANTS_H
#define ASSAY_ROUNDING_CONSTANTS_H

#include "round.h"

/**
 * Bits are of a source with `fraction` fraction bits (23 or 52), magnitudes unless said
 * otherwise; pairs are per sign ([0] positive). Written for u = |x| as an integer.
 */
typedef struct assay_constants {
    bool direct;           /* everything below holds; else only assay_round does           */
    int fraction;          /* 23 or 52                                                     */
    int start, base;       /* bits dropped from exponent field E: max(start - E, base)     */
    uint64_t inf;          /* bits of infinity                                             */
    uint64_t least;        /* the least positive value                                     */
    uint64_t limit;        /* the largest finite value                                     */
    uint64_t min_normal;   /* the least normal value                                       */
    uint64_t parity;       /* subtracted, it gives the last kept bit the code's parity     */
    uint64_t odd;          /* 1, or 0 if no bit is ever dropped                            */
    uint64_t zero[2];      /* u <= zero rounds to zero                                     */
    uint64_t cap[2];       /* a result is at most this                                     */
    uint64_t beyond[2];    /* u > beyond gives infinity                                    */
    uint64_t nan_above[2]; /* u > nan_above gives NaN                                      */
    uint64_t nan;          /* what NaN becomes, with its sign                              */
    /* Formats with subnormals and fractions: the exponent field, in place, of the lowest binade,
     * and of the one whose significands are their own codes; u > last gives `over`. */
    bool added, cut; /* which quick loops serve it */
    uint64_t emin, code_base, last[2];
    uint64_t over[2], code_over[2], infinite[2], code_infinite[2]; /* where they are not NaN */
    /* Codes: t = w - min(w & mask, top) + shift; the code is t + increment, shifted right by
     * code_start - (min(w & mask, top) >> fraction). */
    uint64_t mask, top, shift;
    int code_start;
    uint64_t code_cap[2], code_inf, code_nan, code_sign;
    /* Formats without -0 or without a sign fold negative operands first: up to fold_zero they
     * are +0, above that and up to fold_nan they are NaN. */
    bool folds;
    uint64_t fold_zero, fold_nan;
} assay_constants;

/** The constants for a source of `fraction` fraction bits; c->direct says whether they apply. */
assay_constants assay_constants_from(const assay_rounder *rounder, int fraction);

/** Whether the constants apply to a format and a source of `fraction` fraction bits. */
bool assay_format_is_direct(const assay_format *format, int fraction);

/** Whether every value of the format is a binary32. */
bool assay_format_fits_f32(const assay_format *format);

/** To the nearest binary32, whose codes are the bits of a float. */
assay_rounder assay_binary32_rounder(void);

#endif
