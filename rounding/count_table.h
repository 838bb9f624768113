/* SPDX-License-Identifier: Apache-2.0 */
/* What one instruction set's counting loops look like to the dispatcher. Not installed. */
#ifndef ASSAY_ROUNDING_COUNT_TABLE_H
#define ASSAY_ROUNDING_COUNT_TABLE_H

#include "array_table.h"
#include "count.h"

/**
 * Thresholds on the bits u of |x|, per sign: up to `below` x does not overflow, above `beyond` it
 * does; between them it does unless y is the largest value, and if overflow gives that too, or
 * `refuse` has the sign of x, only the definition knows.
 */
typedef struct assay_count_constants {
    uint64_t inf, limit, min_normal, below[2], beyond[2], refuse;
    uint64_t held; /* up to here nothing is beyond the format, whatever its sign */
    bool told;     /* overflow gives something else than the largest value */
} assay_count_constants;

/** Adds to the counters. Words marks[i] are not 0 where x's overflow is left to the definition;
 * returns how many those are. At most ASSAY_BLOCK elements. */
typedef uint64_t assay_count_loop(const assay_count_constants *c, const void *x, const void *y,
                                  void *marks, size_t n, assay_counters *counters);

typedef struct assay_count_table {
    assay_count_loop *count[ASSAY_SOURCES];
} assay_count_table;

extern const assay_count_table assay_count_base, assay_count_avx2, assay_count_avx512;

#endif
