/* SPDX-License-Identifier: Apache-2.0 */
/* Error feedback: what a rounding loses is added to the next operand. docs/feedback.md. */
#ifndef ASSAY_ROUNDING_FEEDBACK_H
#define ASSAY_ROUNDING_FEEDBACK_H

#include "../numerics/superaccumulator.h"
#include "fast.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The type of operands; residues are unevaluated sums hi + lo of two of that type. */
typedef enum assay_feedback_type { ASSAY_FEEDBACK_F32, ASSAY_FEEDBACK_F64 } assay_feedback_type;

/** e = hi + lo, hi = RN(hi + lo); in the type of the operands, whatever holds it here. */
typedef struct assay_residue {
    double hi, lo;
} assay_residue;

/**
 * What happened. All zero bytes: nothing yet. Sums are exact, so that counts of parts merge to
 * the counts of the whole in any order. With them, over all steps whose operands and results
 * were finite, sum q = sum x + e_first - e_last - rounded - dropped, exactly.
 */
typedef struct assay_feedback_counts {
    uint64_t resets;  /* an operand, a residue or a result was not finite: e = 0 */
    uint64_t clamps;  /* saturation: e was cut to a step of the format           */
    uint64_t inexact; /* e itself was rounded                                    */
    double max_error; /* of these roundings, the nearest binary64                */
    assay_superaccumulator rounded, dropped; /* what roundings of e, what clamps and resets lost */
} assay_feedback_counts;

/** How one R feeds back: constant data, built by assay_feedback_make, shared by threads. */
typedef struct assay_feedback {
    assay_fast_rounder fast;    /* of R                                              */
    assay_fast_rounder residue; /* of residue=FORMAT, if rounds_residue              */
    bool rounds_residue, quick; /* quick: one rounding to odd may come before R      */
    assay_feedback_type type;
    double highest, lowest;        /* the largest and the least value of R's format   */
    double step_above, step_below; /* from these to their neighbours inside           */
} assay_feedback;

/**
 * R with error feedback. Without `residue` (NULL) e is kept exactly wherever a pair of the
 * operands' type can (then `inexact` counts the exceptions, rounded to the nearest pair); with
 * it e is rounded by that rounder, whose mode is deterministic.
 * Errors: ASSAY_ERR_USAGE for a stochastic `residue`; ASSAY_ERR_VALUE if the type is F32 and a
 * format has values that are not binary32.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_feedback_make(const assay_rounder *rounder,
                                                           const assay_rounder *residue,
                                                           assay_feedback_type type,
                                                           assay_feedback *out);

/**
 * One step: q = R(x + e), then e = (x + e) - q. Returns q as assay_decode gives it.
 *
 * Rounding  x + e is exact, R is the only rounding of q. e is exact, see assay_feedback_make.
 * Specials  zero residues (of any sign) are no operand, so that -0 stays -0 at e = 0; an exact
 *           cancellation is +0, in rdn -0. If x, e, q or the rounded e is not finite, e is 0.
 *           Where x + e lies beyond the largest (below the least) value of the format and q is
 *           that value, |e| is at most the step from there to the neighbour inside.
 * Random    a stochastic R takes the bits of element i.
 * Threads   reentrant; counts and e are the caller's.
 * Requires  the environment of assay_env_check.
 * Source    docs/feedback.md.
 */
ASSAY_API double assay_feedback_stream(const assay_feedback *f, double x, assay_residue *e,
                                       const assay_random *random, uint64_t i,
                                       assay_feedback_counts *counts);
/**
 * The state form: s' = R(s + t + e), then e = (s + t + e) - s'. t = t_hi + t_lo is any sum of two
 * binary64, as TwoProd gives it (t_lo = -0 where there is none: s = t_hi = -0 stay -0).
 */
ASSAY_API double assay_feedback_state(const assay_feedback *f, double s, double t_hi, double t_lo,
                                      assay_residue *e, const assay_random *random, uint64_t i,
                                      assay_feedback_counts *counts);

/** Along what an array feeds back. */
typedef enum assay_feedback_layout {
    ASSAY_FEEDBACK_TIME, /* from row to row, each column by itself     */
    ASSAY_FEEDBACK_ROW,  /* along each row, by itself                  */
    ASSAY_FEEDBACK_BLOCK /* along each block of `block` elements of a row, the last one shorter */
} assay_feedback_layout;

/**
 * A part of an array [rows, columns], or all of it: for time axis 0 and the product of the other
 * extents, else the product of all but the last and the last. `stride` elements lie between
 * the starts of rows, in memory as in the whole array.
 */
typedef struct assay_feedback_shape {
    assay_feedback_layout layout;
    size_t rows, columns, stride, block;
} assay_feedback_shape;

/** Residues that the layout has: columns, rows, or rows ceil(columns / block), in that order. */
ASSAY_API size_t assay_feedback_lanes(const assay_feedback_shape *shape);

/**
 * assay_feedback_stream on every element of each lane in order, bit for bit.
 *
 * Shapes    x, y [rows, columns] with `stride`; hi, lo: assay_feedback_lanes residues, read and
 *           written; zeros at the start.
 * Random    element i = index + its offset from x[0] in memory: `index` is x[0]'s place in the
 *           whole array (row-major).
 * Chunks    rows or columns of a part go on where the last call left hi and lo: calls over
 *           parts give the bits of one call, if a part in blocks starts at a block.
 * Aliasing  y may be x.
 * Errors    ASSAY_ERR_SHAPE for stride < columns or block = 0; ASSAY_ERR_USAGE if f is for the
 *           other type; ASSAY_ERR_ENVIRONMENT as assay_env_check. Nothing is then written.
 * Threads   reentrant: lanes may be split over threads, each with its own counts.
 * Memory    never allocates; about 60 KiB of stack.
 */
ASSAY_API ASSAY_NODISCARD assay_status
assay_feedback_array_f32(const assay_feedback *f, const assay_feedback_shape *shape, const float *x,
                         float *y, const assay_random *random, uint64_t index, float *hi, float *lo,
                         assay_feedback_counts *counts);
ASSAY_API ASSAY_NODISCARD assay_status
assay_feedback_array_f64(const assay_feedback *f, const assay_feedback_shape *shape,
                         const double *x, double *y, const assay_random *random, uint64_t index,
                         double *hi, double *lo, assay_feedback_counts *counts);

/** Adds the counts of a part to those of the whole (not the same object). */
ASSAY_API void assay_feedback_merge(assay_feedback_counts *counts,
                                    const assay_feedback_counts *part);

#ifdef __cplusplus
}
#endif
#endif
