/* SPDX-License-Identifier: Apache-2.0 */
/* Where a number lies among the values of a format, found by search. Not installed. */
#ifndef ASSAY_ROUNDING_LADDER_H
#define ASSAY_ROUNDING_LADDER_H

#include "../formats/format.h"

/** The neighbours of x: `toward` zero and `away` from it, in the direction of x's sign. */
typedef struct assay_step {
    uint64_t toward, away;      /* codes; of x itself if exact                              */
    bool exact;                 /* x is a value                                             */
    bool beyond;                /* no value lies away from x                                */
    bool from_zero;             /* toward is zero                                           */
    bool overflows;             /* away lies beyond the largest value                       */
    int tail;                   /* x before (-1), on (0) or after (1) where ties lie         */
    assay_exact fraction, unit; /* x lies fraction / unit of the way from toward to away    */
} assay_step;

assay_step assay_ladder_locate(const assay_format *f, const assay_exact *x);

#endif
