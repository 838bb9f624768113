/* SPDX-License-Identifier: Apache-2.0 */
/* One step of many lanes at once, and what it shares with one step of one lane. Not installed. */
#ifndef ASSAY_ROUNDING_FEEDBACK_STRIP_H
#define ASSAY_ROUNDING_FEEDBACK_STRIP_H

#include "../numerics/exact.h"
#include "feedback.h"

/* Lanes of a strip: their buffers stay in the first-level cache. */
enum { ASSAY_FEEDBACK_STRIP = 512 };

/** Residues hi + lo of a strip's lanes before and after a step, its results, and which hold. */
typedef struct assay_feedback_strip {
    double hi[2][ASSAY_FEEDBACK_STRIP], lo[2][ASSAY_FEEDBACK_STRIP];
    double q[ASSAY_FEEDBACK_STRIP];
    uint64_t done[ASSAY_FEEDBACK_STRIP]; /* all ones or 0: whether the quick step applies */
    int now;                             /* which of the two is before                    */
} assay_feedback_strip;

/** The step of n lanes with operands x, of the loop's type; returns whether all are done. */
typedef bool assay_feedback_loop(const assay_feedback *f, const void *x, assay_feedback_strip *s,
                                 size_t n);

typedef struct assay_feedback_table {
    assay_feedback_loop *loop[2][ASSAY_MODE_COUNT]; /* by assay_feedback_type and mode */
} assay_feedback_table;

extern const assay_feedback_table assay_feedback_base, assay_feedback_avx2, assay_feedback_avx512;

/**
 * The bits of s + r rounded to odd, for s = RN(s + r), s != 0 or r = 0: cut off towards zero, and
 * the last bit set if something was cut. docs/feedback.md says why R may follow.
 */
ASSAY_INLINE uint64_t assay_feedback_odd(double s, double r)
{
    uint64_t bits = assay_bits64(s), opposite = (bits ^ assay_bits64(r)) >> 63, cut = r != 0;
    return (bits - (cut & opposite)) | cut;
}

/** x + e where binary64 holds it, else rounded to odd; zero residues are no operand. */
double assay_feedback_operand(double x, const assay_residue *e);
/** e = x + e - q for a q that somebody else made of x + e; f has the ends of the format. */
void assay_feedback_settle(const assay_feedback *f, double x, double q, assay_residue *e,
                           assay_feedback_counts *counts);

/** assay_feedback_stream and _state as they are defined, by exact sums; for tests too. */
double assay_feedback_define(const assay_feedback *f, const double *terms, int count,
                             assay_residue *e, const assay_random *random, uint64_t i,
                             assay_feedback_counts *counts);

#endif
