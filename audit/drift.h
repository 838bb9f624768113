/* SPDX-License-Identifier: Apache-2.0 */
/* Drift: the measured difference at a tap, and at the logits. All sums are taken in binary64 in
 * the order of the elements, on one thread, so that a report never depends on the machine. */
#ifndef ASSAY_AUDIT_DRIFT_H
#define ASSAY_AUDIT_DRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Sums over pairs of a reference r and a candidate c. Pairs with a value that is not finite are
 * counted and take part in nothing else; if both have the same infinity, they agree.
 */
typedef struct assay_drift {
    size_t count, nonfinite;
    double reference2; /* sum r^2       */
    double candidate2; /* sum c^2       */
    double error2;     /* sum (c - r)^2 */
    double dot;        /* sum r c       */
    double max_abs;    /* max |c - r|   */
    /* Of r, c and c - r: the squares of magnitudes below 2^-450 times 2^1200, and of those above
     * 2^450 times 2^-1200. Ratios take these where the sums above leave binary64. */
    double tiny[3], huge[3];
} assay_drift;

void assay_drift_add(assay_drift *drift, const double *reference, const double *candidate,
                     size_t n);
/** The same against a reference that is an unevaluated sum hi + lo. */
void assay_drift_add_wide(assay_drift *drift, const double *hi, const double *lo,
                          const double *candidate, size_t n);
/** The sums of two disjoint sets of pairs. */
void assay_drift_merge(assay_drift *into, const assay_drift *from);

/** sqrt(sum (c - r)^2 / sum r^2); 0 if both sums are 0, +inf where r is 0 or c is not finite. */
double assay_drift_rel_l2(const assay_drift *drift);
/** 10 log10(sum r^2 / sum (c - r)^2) in dB; +inf without an error. */
double assay_drift_sqnr(const assay_drift *drift);
/** Cosine of the angle between r and c; 1 if they are equal, NaN if one of them is 0. */
double assay_drift_cosine(const assay_drift *drift);
/** max |c - r|, +inf where c is not finite. */
double assay_drift_max_abs(const assay_drift *drift);

typedef enum assay_flip { ASSAY_FLIP_NONE, ASSAY_FLIP_NEAR_TIE, ASSAY_FLIP_MATERIAL } assay_flip;

/** What happened to the distribution of the next token at one position. */
typedef struct assay_token_drift {
    size_t document, position;
    int32_t id;                          /* the token at this position                          */
    double kl, kl_reverse;               /* KL(reference || candidate) and the other way, nats  */
    double nll_reference, nll_candidate; /* of the token that follows; NaN at the end  */
    double floor_kl, nll_wide; /* KL(wide || reference), and the wide evaluation's nll: floors */
    int32_t top_reference, top_candidate; /* most likely next token, the lower id if equal */
    double margin; /* reference's log-probability of its first less its second */
    assay_flip flip;
} assay_token_drift;

/**
 * Compares two rows of logits. next is the token that follows, or -1. Over the whole
 * vocabulary, no tail cut off. NaN logits give NaN.
 */
void assay_logits_compare(const double *reference, const double *candidate, size_t vocab,
                          int32_t next, double tie, assay_token_drift *out);

/** The index of the largest element, the lowest one if several are equal; NaN never wins. */
size_t assay_argmax(const double *x, size_t n);

#endif
