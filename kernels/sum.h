/* SPDX-License-Identifier: Apache-2.0 */
/* One sum by its definition, for every accumulator: one exact operation and one rounding at a time.
 * Internal. */
#ifndef ASSAY_KERNELS_SUM_H
#define ASSAY_KERNELS_SUM_H

#include "product.h"

/** Which rounding of a term this is: operation s takes its bits from stream + s. */
typedef enum assay_sum_operation {
    ASSAY_SUM_OF_TERM,  /* the sum that takes the term in; of PAIRWISE, the addition whose right
                           operand starts at the term                                        */
    ASSAY_SUM_PRODUCT,  /* RND(a b) of UNFUSED, PAIRWISE and KAHAN                             */
    ASSAY_SUM_TOTAL,    /* the total of BLOCK after the block's last term                      */
    ASSAY_SUM_SCALED,   /* a scaled block's sum, after its last term: product_scaled.c         */
    ASSAY_SUM_SMALLER,  /* KAHAN: y = RND(p - c)                                               */
    ASSAY_SUM_RAISED,   /* KAHAN: RND(t - s)                                                   */
    ASSAY_SUM_CORRECTED /* KAHAN: c = RND(RND(t - s) - y)                                      */
} assay_sum_operation;

/** Terms of a sum: x[p sx] y[p sy], p < k, and the random index of the first. */
typedef struct assay_sum_terms {
    size_t k;
    const double *x, *y;
    size_t sx, sy;
    uint64_t first;
} assay_sum_terms;

/** What sums of one product have in common, built once. */
typedef struct assay_summer {
    const assay_accumulator *acc;
    assay_random random;
    const assay_feedback *feedback; /* of acc->feedback, else NULL */
} assay_summer;

/** random NULL: zeros. *space belongs to the caller, and lives as long as the summer. */
assay_summer assay_summer_make(const assay_accumulator *acc, const assay_random *random,
                               assay_feedback *space);

/** RND(a b + sum), of UNFUSED RND(RND(a b) + sum): one term without feedback. */
double assay_sum_step(const assay_summer *s, double a, double b, double sum, uint64_t i);

/** RND(a b + c) with the bits of operation s of the term with random index i. */
double assay_sum_fused(const assay_summer *s, double a, double b, double c,
                       assay_sum_operation operation, uint64_t i);

/** RND(x sa sb + total) with the bits of ASSAY_SUM_SCALED; the reference rounds each operation. */
double assay_sum_scaled(const assay_summer *s, double x, double sa, double sb, double total,
                        uint64_t i);

/** BF16X9 and OZAKI. */
double assay_sum_split(const assay_summer *s, const assay_sum_terms *t, const double *c);

/** UNIT: by the table's definition, its scales 1. */
double assay_sum_unit(const assay_summer *s, const assay_sum_terms *t, const double *c);

/** The sum, from *c or +0 (c NULL). Counts may be NULL without feedback. */
double assay_sum_define(const assay_summer *s, const assay_sum_terms *t, const double *c,
                        assay_feedback_counts *counts);

#endif
