/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the matrix units share. Internal. */
#ifndef ASSAY_KERNELS_MMA_PARTS_H
#define ASSAY_KERNELS_MMA_PARTS_H

#include "mma.h"

enum { MMA_MAX_K = 128, MMA_MAX_F = 48 };

typedef enum mma_class { MMA_ZERO, MMA_FINITE, MMA_INFINITE, MMA_NAN } mma_class;

/** m 2^q with the exponent e that alignment looks at: that of the format's leading bit, emin for
 *  subnormals; of a product the sum of both, whatever the significands are. */
typedef struct mma_number {
    mma_class kind;
    bool negative;
    uint64_t m;
    int q, e;
} mma_number;

/** Which codes are infinite or NaN. */
typedef enum mma_specials { MMA_IEEE, MMA_ONES_NAN, MMA_NEGZERO_NAN, MMA_NO_SPECIALS } mma_specials;

typedef struct mma_layout {
    int exponent_bits, fraction_bits, bias;
    mma_specials specials;
} mma_layout;

/** Of a floating-point format. */
mma_layout mma_layout_of(assay_mma_format format);
ASSAY_INLINE int mma_emin(assay_mma_format format)
{
    return 1 - mma_layout_of(format).bias;
}
bool mma_is_integer(assay_mma_format format);

/** Element i of an array of containers. */
uint64_t mma_load(assay_mma_format format, const void *codes, size_t i);
void mma_store(assay_mma_format format, void *codes, size_t i, uint64_t code);
mma_number mma_decode(assay_mma_format format, uint64_t code);
int64_t mma_decode_integer(assay_mma_format format, uint64_t code);
/** tf32 codes as the unit sees them. */
uint64_t mma_pre(assay_mma_pre pre, uint64_t code);

/** The code of (-1)^negative (m + sticky) 2^q, 0 < sticky < 1, m = 0 only with sticky clear. */
uint64_t mma_round(assay_mma_rho rho, bool negative, uint64_t m, int q, bool sticky);
uint64_t mma_infinity(assay_mma_format format, bool negative);
/** The NaN that a unit writes. */
uint64_t mma_nan(const assay_mma_unit *unit);
/** A floating-point code of at most 64 bits as binary64. */
double mma_value(assay_mma_format format, uint64_t code);

/** One instruction's operands: K elements of each and the scales of their blocks. */
typedef struct mma_operands {
    mma_number a[MMA_MAX_K], b[MMA_MAX_K];
    mma_number sa[MMA_MAX_K], sb[MMA_MAX_K];
} mma_operands;

/** The step functions: terms first .. first + count - 1 of x onto c, a code. */
typedef uint64_t mma_step_fn(const assay_mma_unit *unit, const mma_operands *x, int first,
                             int count, uint64_t c);
mma_step_fn mma_step_t, mma_step_gst, mma_step_tr, mma_step_gtr, mma_step_e, mma_step_ftz,
    mma_step_fma;

/** a b, specials included. */
mma_number mma_multiply(const mma_number *a, const mma_number *b);

/** What is special among the terms of a sum. */
typedef struct mma_special {
    bool nan, infinite[2];
} mma_special;
void mma_note(mma_special *s, const mma_number *x);
/** Whether the sum is NaN or infinite whatever else it contains, and then its code. */
bool mma_is_special(const assay_mma_unit *unit, const mma_special *s, uint64_t *code);

/** |x| truncated to a multiple of 2^unit, with x's sign, in these units. */
int64_t mma_truncate(const mma_number *x, int unit);
/** (-1)^(x < 0) |x| 2^q into the unit's output; `zero` is the sign of an exact zero. */
uint64_t mma_finish(const assay_mma_unit *unit, int64_t x, int q, bool zero);
/** x + y of two codes of the unit's C, rounded to nearest even. */
uint64_t mma_add(const assay_mma_unit *unit, uint64_t x, uint64_t y);

#endif
