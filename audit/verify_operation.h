/* SPDX-License-Identifier: Apache-2.0 */
/* What the verification of operations is made of. Not installed; only where MPFR is. */
#ifndef ASSAY_AUDIT_VERIFY_OPERATION_H
#define ASSAY_AUDIT_VERIFY_OPERATION_H

#include "verify_parts.h"

/* ---- Results (verify_evaluate.c) */

/** The result of operands x towards zero in r's precision; if that is not exact, r gets one bit
 * more, and it is 1. A result beyond MPFR's range is finite and beyond every format. */
void assay_verify_apply(assay_operation_id id, mpfr_ptr r, mpfr_t *x);
/** Whether a result that is zero is -0 when rounded downwards. */
bool assay_verify_is_negative_down(assay_operation_id id, mpfr_ptr scratch, mpfr_t *x);
/** The result as a fraction, where the operation has one and x are numbers. */
bool assay_verify_fraction(assay_operation_id id, mpq_ptr r, mpq_t *x);
/** q as assay_verify_apply gives it. */
void assay_verify_truncate(mpfr_ptr r, mpq_srcptr q);

/* ---- Places (verify_place.c) */

/** The place of the number v / divisor, NaN and zeros by their sign. approximate: numbers are known
 * to 2^-2040, and are equal to what they are so near to. *gap gets the gap where it lies, unless v
 * is NaN or a zero that is a value. */
void assay_verify_place_of(const assay_verify_ladder *l, mpfr_srcptr v, bool approximate,
                           assay_verify_gap *gap, assay_verify_place *out);
void assay_verify_zero(const assay_verify_ladder *l, bool negative, assay_verify_gap *gap,
                       assay_verify_place *out);

/* ---- Tuples (verify_tuple.c) */

typedef struct assay_verify_terms {
    mpfr_t x[ASSAY_OPERANDS_MOST], result, scaled;
    mpq_t q[ASSAY_OPERANDS_MOST], fraction;
    bool is_fraction; /* the last result was one */
    assay_verify_gap gap, other;
} assay_verify_terms;

typedef struct assay_verify_formats {
    const assay_operation *operation;
    assay_verify_ladder result, operands;
    mpfr_prec_t precision; /* of results                                          */
    bool approximate;      /* irrational values somewhere                         */
    bool fractions;        /* thirds, or positions in gaps, want exact fractions  */
} assay_verify_formats;

/** The ladders are freed by the caller. */
ASSAY_NODISCARD assay_status assay_verify_formats_make(const assay_verify_operation *job,
                                                       assay_verify_formats *f);
bool assay_verify_is_irrational(const assay_format *f);

/** Where a tuple's result lies. */
typedef struct assay_verify_item {
    assay_verify_place place;
    bool down;                /* zero, and -0 downwards */
    bool is_brief;            /* `brief` says it all */
    assay_verify_brief brief; /* by the loop that compares */
} assay_verify_item;

void assay_verify_terms_init(const assay_verify_formats *f, assay_verify_terms *t);
void assay_verify_terms_clear(assay_verify_terms *t);
void assay_verify_evaluate(const assay_verify_formats *f, assay_verify_terms *t,
                           const uint64_t *codes, assay_verify_item *out);
/** The i-th tuple of all, or of a sample. */
void assay_verify_tuple(const assay_verify_formats *f, assay_verify_terms *t, bool exhaustive,
                        uint64_t i, uint64_t *codes);

/* ---- Neighbours (verify_smooth.c) */

/** Whether assay_verify_neighbours knows the function, and both formats are binary32. */
bool assay_verify_is_smooth(const assay_verify_formats *f);
/** What assay_verify_evaluate gives for codes code .. code + n - 1, all of one sign and binade; far
 * fewer evaluations by MPFR, and a proof. */
void assay_verify_neighbours(const assay_verify_formats *f, assay_verify_terms *t, uint64_t code,
                             size_t n, assay_verify_item *out);

/* ---- Rows of sum and dot (verify_row.c) */

enum { ASSAY_VERIFY_ROW = 24 };

/** The i-th row: codes of both operands (sum has one), and how many. */
size_t assay_verify_row(const assay_verify_formats *f, uint64_t i,
                        uint64_t codes[2][ASSAY_VERIFY_ROW]);
void assay_verify_evaluate_row(const assay_verify_formats *f, assay_verify_terms *t, uint64_t i,
                               assay_verify_item *out);

#endif
