/* SPDX-License-Identifier: Apache-2.0 */
/* Philox for many counters in a row, one instruction set each. Not installed. */
#ifndef ASSAY_NUMERICS_PHILOX_LANES_H
#define ASSAY_NUMERICS_PHILOX_LANES_H

#include <stddef.h>
#include <stdint.h>

/* Rounds, and the groups of four words that a loop makes at once. */
enum { ASSAY_PHILOX_ROUNDS = 10, ASSAY_PHILOX_BATCH = 8 };

/* The multipliers, and what each round adds to the key: the golden ratio, and sqrt(3) - 1. */
#define ASSAY_PHILOX_M0 0xd2511f53u
#define ASSAY_PHILOX_M1 0xcd9e8d57u
#define ASSAY_PHILOX_W0 0x9e3779b9u
#define ASSAY_PHILOX_W1 0xbb67ae85u

/** The words of `batches` times ASSAY_PHILOX_BATCH groups, from counter `group` on. */
typedef void assay_philox_loop(uint64_t seed, uint32_t stream, uint32_t j, uint64_t group,
                               uint32_t *out, size_t batches);

/** Groups of four words: `groups` in a row from counter group + i apart on, for each column i. */
typedef struct assay_philox_grid {
    uint64_t group, apart;
    size_t groups, columns, ld;
} assay_philox_grid;

/** out[(4 q + w) ld + i] = word w (and 0 of the element) of group q of column i. */
typedef void assay_philox_columns_loop(uint64_t seed, uint32_t stream, const assay_philox_grid *g,
                                       uint64_t *out);

assay_philox_loop assay_philox_base, assay_philox_avx2, assay_philox_avx512;
assay_philox_columns_loop assay_philox_columns_base, assay_philox_columns_avx2,
    assay_philox_columns_avx512;

/** The same by the loop of assay_isa_current(). */
assay_philox_columns_loop assay_philox_columns;

#endif
