/* SPDX-License-Identifier: Apache-2.0 */
/* What the driver of the matrix units and its loops, one table per ISA, agree on. Internal. */
#ifndef ASSAY_KERNELS_MMA_LANES_H
#define ASSAY_KERNELS_MMA_LANES_H

#include "mma_parts.h"

enum {
    MMA_PANEL = 32,   /* columns of a panel, at most         */
    MMA_ROWS = 128,   /* rows of A packed at a time          */
    MMA_SEGMENT = 128 /* terms of B packed at a time, at most */
};

/**
 * Terms of one operand, instruction after instruction, as the loops of a kind read them: `width`
 * rows or columns side by side, [term][width]. Floating point: the value in sig, as float or
 * double, NaN for what is not finite. Aligned kinds: besides, the exponent in exp, int16_t in a
 * panel and twice in 32 bits in a row; 0 instead of NaN. GST: two terms in one sig, and for each
 * group the scale's significand and exponent. INT: the integer in sig.
 */
typedef struct mma_packed {
    void *sig, *exp;
    int32_t *scale_sig, *scale_exp; /* GST: [group][width] */
    uint32_t *special;              /* [instruction]: lanes with an infinity or a NaN */
    int32_t *lowest, *top; /* values: at a piece's first instruction, [width]: all its values are
                              multiples of 2^lowest and below 2^top in magnitude */
} mma_packed;

/** Where one row meets a panel. `state` is C, then D: float (values of binary16 too), double or
 *  int32. `repair` redoes an instruction for the lanes of a mask, by the definition. */
typedef struct mma_job {
    const assay_mma_unit *unit;
    const mma_packed *a, *b;
    size_t width; /* of the panel, a multiple of a vector's lanes */
    void *context;
    void (*repair)(void *context, size_t instruction, uint32_t lanes, const void *before,
                   void *state);
} mma_job;

/** `count` instructions, A's from number `first` on and B's from 0 on. */
typedef void mma_lanes_fn(const mma_job *job, size_t first, size_t count, void *state);

typedef struct mma_lanes {
    size_t width; /* columns of a panel */
    mma_lanes_fn *aligned, *gst, *joined, *exact, *flushed, *fma32, *fma64, *integer;
} mma_lanes;

extern const mma_lanes mma_lanes_base, mma_lanes_avx2, mma_lanes_avx512;

/** The loop for a unit, NULL if only the definition is left. */
mma_lanes_fn *mma_lanes_for(const mma_lanes *table, const assay_mma_unit *unit);
const mma_lanes *mma_lanes_current(void);

/** What a code of at most 8 bits stands for; exponent MMA_NOTHING for zero, NaN as in sig. */
enum { MMA_TABLE = 256, MMA_NOTHING = -4096 };
typedef struct mma_decoded {
    float x;
    int32_t e;
} mma_decoded;
void mma_decode_table(assay_mma_format format, mma_decoded table[MMA_TABLE]);
/** n codes, at most MMA_SEGMENT; `table` only for codes of at most 8 bits. */
void mma_decode_terms(assay_mma_format format, assay_mma_pre pre, const mma_decoded *table,
                      const unsigned char *codes, size_t n, float *x, int16_t *e);

/** One side of a product: rows of codes, of which `count` are packed from row `row` on. */
typedef struct mma_side {
    const assay_mma_unit *unit;
    bool is_b;
    const void *codes;
    const mma_decoded *table; /* of the operand's format */
    size_t ld, row, count, width;
    const uint8_t *scales;
    size_t lds;
} mma_side;

/** Instructions starting at term k0, `terms` of them, the last filled up with zeros; into
 *  instruction number `at` of out. */
void mma_pack(const mma_side *side, size_t k0, size_t terms, size_t at, const mma_packed *out);
/** Bytes of one term, and carves the arrays of `instructions` out of memory. */
size_t mma_packed_bytes(const assay_mma_unit *unit, size_t instructions, size_t width);
mma_packed mma_packed_in(const assay_mma_unit *unit, size_t instructions, size_t width,
                         void *memory);

#endif
