/* SPDX-License-Identifier: Apache-2.0 */
/* What `assay diff` measures between two arrays of the same type and shape. */
#ifndef ASSAY_CLI_COMPARE_H
#define ASSAY_CLI_COMPARE_H

#include "../ulp.h"
#include "input.h"

/** a is the reference. Pairs are elements of the same index. */
typedef struct cli_comparison {
    size_t count;
    size_t bits_differ, first; /* pairs whose bits differ; index of the first of them      */
    size_t values_differ;      /* -0 is +0, and every NaN is the same                      */
    size_t nan_differ;         /* pairs of which exactly one is NaN                        */
    size_t nan_bits;           /* two NaNs of different bits                               */
    size_t inf_differ;         /* exactly one is infinite, or their signs differ; no NaN   */
    size_t zero_signs;         /* +0 against -0                                            */
    double max_abs;            /* largest |a - b|, pairs with a NaN left out               */
    double rel_l2;             /* |a - b|_2 / |a|_2 over the pairs that are both finite    */
    uint64_t max_codes;        /* largest distance in codes                                */
    size_t no_codes;           /* pairs that have none: a NaN, or not in the format        */
    assay_ulp_histogram ulps;
} cli_comparison;

/**
 * Compares; both have the same dtype and shape. Errors are counted in the format, or in units
 * for integers without one. The result does not depend on threads.
 */
void cli_compare(const cli_input *a, const cli_input *b, const assay_format *format,
                 cli_comparison *out);

#endif
