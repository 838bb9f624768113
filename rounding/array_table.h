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

typedef void assay_round_loop(const assay_constants *c, const void *x, void *y, size_t n);
typedef void assay_decode_loop(const assay_decoder *d, const void *codes, void *y, size_t n);
typedef void assay_copy_loop(const void *x, void *y, size_t n);

/** Loops by source; encode and decode have codes as wide as the source. */
typedef struct assay_array_table {
    assay_round_loop *round[ASSAY_SOURCES][ASSAY_MODE_COUNT];
    assay_round_loop *encode[ASSAY_SOURCES][ASSAY_MODE_COUNT];
    assay_round_loop *fold[ASSAY_SOURCES];
    assay_decode_loop *decode[ASSAY_SOURCES];
    /* Between codes of the source's width and of 1, 2 and 4 bytes (index log2); NULL where
     * the widths are the same. */
    assay_copy_loop *narrow[ASSAY_SOURCES][4], *widen[ASSAY_SOURCES][4];
    assay_copy_loop *stream; /* bytes, a multiple of 64, past the caches to an aligned y */
} assay_array_table;

extern const assay_array_table assay_array_base, assay_array_avx2, assay_array_avx512;

/** The table of assay_isa_current. */
const assay_array_table *assay_array_current(void);

/* A block's buffers stay in the first-level cache. */
enum { ASSAY_BLOCK = 512, ASSAY_LINE = 64 };

/** Work on n consecutive elements, at most ASSAY_BLOCK if the job is blocked. */
typedef struct assay_array_job {
    void (*block)(const void *context, const char *x, char *y, size_t n);
    const void *context;
    size_t in, out; /* bytes of an element */
    bool blocked;
} assay_array_job;

/** Does a job on n elements; large results are stored past the caches. */
void assay_array_run(const assay_array_job *job, const void *x, void *y, size_t n);

/** 0, 1, 2, 3 for 1, 2, 4, 8. */
ASSAY_INLINE int assay_log2_bytes(size_t bytes)
{
    return bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3;
}

#endif
