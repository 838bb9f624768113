/* SPDX-License-Identifier: Apache-2.0 */
/* What one instruction set's array loops look like to the dispatcher. Not installed. */
#ifndef ASSAY_ROUNDING_ARRAY_TABLE_H
#define ASSAY_ROUNDING_ARRAY_TABLE_H

#include "constants.h"

/* Sources of loops, by their fraction bits: binary32 and binary64. */
enum { ASSAY_F32, ASSAY_F64, ASSAY_SOURCES };

/** A decoder as constants on a code's bits, results as bits of binary32 or binary64. */
typedef struct assay_decoder {
    uint64_t sign, magnitude; /* masks of the code                                      */
    uint64_t linear;          /* magnitudes from here on are (magnitude << base) + shift */
    int base;
    uint64_t shift;
    double quantum; /* below, the value is magnitude * quantum                 */
    uint64_t inf_from, nan_above, nan_code;
    uint64_t inf; /* bits of the result's infinity */
} assay_decoder;

/** n results of `bytes` bytes each; past the caches if y is aligned to a line and past is set. */
typedef void assay_round_loop(const assay_constants *c, const void *x, char *y, size_t n,
                              size_t bytes, bool past);
/** n values of codes of `bytes` bytes each; past as above. */
typedef void assay_decode_loop(const assay_decoder *d, const char *codes, char *y, size_t n,
                               size_t bytes, bool past);
typedef void assay_fold_loop(const assay_constants *c, const void *x, void *y, size_t n);

/** Loops by source. */
typedef struct assay_array_table {
    assay_round_loop *round[ASSAY_SOURCES][ASSAY_MODE_COUNT];
    assay_round_loop *encode[ASSAY_SOURCES][ASSAY_MODE_COUNT];
    assay_fold_loop *fold[ASSAY_SOURCES];
    assay_decode_loop *decode[ASSAY_SOURCES];
} assay_array_table;

extern const assay_array_table assay_array_base, assay_array_avx2, assay_array_avx512;

/** The table of assay_isa_current. */
const assay_array_table *assay_array_current(void);

/* A block's buffers stay in the first-level cache. */
enum { ASSAY_BLOCK = 512, ASSAY_LINE = 64 };

/**
 * How many of n results of `bytes` bytes come before y is aligned to a line, if the rest is to
 * be stored past the caches; n if not. assay_end_past orders such stores for other threads.
 */
size_t assay_array_head(const void *x, const void *y, size_t n, size_t bytes);
void assay_end_past(void);

#endif
