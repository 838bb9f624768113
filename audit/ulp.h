/* SPDX-License-Identifier: Apache-2.0 */
/* Errors counted in units in the last place of a format, and in codes. */
#ifndef ASSAY_AUDIT_ULP_H
#define ASSAY_AUDIT_ULP_H

#include "../formats/format.h"

/**
 * The exponent of the format's quantum in the binade that holds x: 2^that is the spacing of
 * its values there; at 2^k the upper binade's. Zeros and values below the lowest binade take
 * the lowest one's, values and infinities above the largest finite value the highest one's.
 */
int assay_quantum_exponent(const assay_format *format, double x);

/**
 * |candidate - reference| in quanta of the binade that holds the reference, rounded upwards
 * where binary64 does not hold it, so that a bound is never met by rounding alone. Neither
 * value has to belong to the format. Specials: 0 for two NaNs, equal infinities and zeros of
 * either sign; NaN if only one is NaN; +inf if only one is infinite or their signs differ.
 * A finite error is at most the largest binary64.
 */
double assay_ulp_error(const assay_format *format, double reference, double candidate);

/**
 * How many codes apart the two lie, counted through zero; -0 and +0 are 0 apart, infinity
 * and the largest finite value 1. False, *distance untouched, if either is NaN or does not
 * belong to the format.
 */
bool assay_code_distance(const assay_format *format, double a, double b, uint64_t *distance);

/**
 * Counts of ulp errors: bucket 0 holds exactly 0, bucket 1 is (0, 0.5], bucket i > 1 is
 * (2^(i-3), 2^(i-2)], and the last one has no upper end.
 */
enum { ASSAY_ULP_BUCKETS = 66 };

typedef struct assay_ulp_histogram {
    uint64_t count[ASSAY_ULP_BUCKETS], inf, nan;
    double max; /* the largest error that is not NaN; 0 without any */
} assay_ulp_histogram;

void assay_ulp_add(assay_ulp_histogram *histogram, double ulps);
/** Adds the counts of `part`: the same result in any order and any division into parts. */
void assay_ulp_merge(assay_ulp_histogram *histogram, const assay_ulp_histogram *part);

/** The bucket of a finite error >= 0, and the two ends of a bucket: (low, high]. */
size_t assay_ulp_bucket(double ulps);
double assay_ulp_low(size_t bucket);
double assay_ulp_high(size_t bucket);

#endif
