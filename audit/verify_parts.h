/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the verification share. Not installed; only where MPFR is. */
#ifndef ASSAY_AUDIT_VERIFY_PARTS_H
#define ASSAY_AUDIT_VERIFY_PARTS_H

#include <gmp.h>
#include <mpfr.h>

#include "verify.h"

/* ---- Values: what a code means (verify_value.c, verify_tapered.c) */

/** Bits that hold every value, mean of neighbours and irrational value as far as is needed. */
mpfr_prec_t assay_verify_precision(const assay_format *f);
/** Values are multiplied by this integer, which makes those of every codebook binary fractions. */
unsigned long assay_verify_divisor(const assay_format *f);
/** The value of a code times the divisor: NaN (codes without a meaning too), infinities, -0. */
void assay_verify_value(const assay_format *f, uint64_t code, mpfr_ptr v);
/** The value of a code of `n` bits of a posit or takum, whatever the width of f. */
void assay_verify_posit(int n, int es, uint64_t code, mpfr_ptr v);
void assay_verify_takum(int n, bool logarithmic, uint64_t code, mpfr_ptr v);
/** Family float and P3109: what a magnitude is worth if no code above were special. */
void assay_verify_float_magnitude(const assay_format *f, uint64_t magnitude, mpfr_ptr v);
/** Sign and logarithm: the magnitude k steps above 1. */
void assay_verify_log_magnitude(const assay_format *f, int64_t k, mpfr_ptr v);
/** The steps of the largest value. */
int64_t assay_verify_log_highest(const assay_format *f);
/** The binary64 nearest to v / divisor; NaN is 0x7ff8000000000000. */
double assay_verify_real(const assay_format *f, mpfr_srcptr v);

/* ---- Ladders: the finite values in ascending order, zero once (verify_ladder.c) */

enum { ASSAY_VERIFY_LISTED = 16 }; /* wider formats compute their rungs when asked */

typedef struct assay_verify_ladder {
    const assay_format *format;
    unsigned long divisor;
    mpfr_prec_t precision;
    int64_t bottom, top;   /* the first and the last rung            */
    int64_t at_most_zero;  /* the greatest rung <= 0, or bottom - 1  */
    int64_t at_least_zero; /* the least rung >= 0                    */
    mpfr_t *values;        /* listed formats only */
    uint64_t *codes;
    double *reals; /* by code */
    bool has_zero, has_negzero;
    uint64_t zero, negzero;
} assay_verify_ladder;

/** precision: assay_verify_precision(f) or more. */
ASSAY_NODISCARD assay_status assay_verify_ladder_make(const assay_format *f, mpfr_prec_t precision,
                                                      assay_verify_ladder *out);
void assay_verify_ladder_free(assay_verify_ladder *ladder);
uint64_t assay_verify_rung_code(const assay_verify_ladder *l, int64_t rung);
void assay_verify_rung(const assay_verify_ladder *l, int64_t rung, mpfr_ptr v);
double assay_verify_code_real(const assay_verify_ladder *l, uint64_t code);
double assay_verify_rung_real(const assay_verify_ladder *l, int64_t rung);

/* ---- Places: where an operand lies, and what it then becomes (verify_law.c) */

typedef enum assay_verify_kind {
    ASSAY_PLACE_VALUE,   /* `toward` is it                                        */
    ASSAY_PLACE_BETWEEN, /* between `toward` and `away`, tail as seen from toward */
    ASSAY_PLACE_BEYOND,  /* no value lies away, nor where exponents have no end   */
    ASSAY_PLACE_INFINITE,
    ASSAY_PLACE_NAN
} assay_verify_kind;

typedef struct assay_verify_place {
    assay_verify_kind kind;
    bool negative;  /* the operand                                   */
    bool from_zero; /* toward is zero                                */
    bool over;      /* away is no value of the format                */
    bool bottom;    /* below all values, of which none is negative   */
    int tail;       /* before (-1), on (0) or behind (1) the tie     */
    uint64_t toward, away;
} assay_verify_place;

/** The code that a place becomes in a deterministic mode. */
uint64_t assay_verify_law(const assay_verify_ladder *l, const assay_verify_place *place,
                          assay_mode mode, assay_overflow policy);
/** The same where it is known whether the magnitude goes up. */
uint64_t assay_verify_law_up(const assay_verify_ladder *l, const assay_verify_place *place,
                             assay_mode mode, assay_overflow policy, bool up);

/** The results of all deterministic modes where no policy matters. */
typedef struct assay_verify_brief {
    uint64_t low, high;
    unsigned modes; /* bit m: mode m gives high */
} assay_verify_brief;

/** False for a place that is none between two values. */
bool assay_verify_law_brief(const assay_verify_ladder *l, const assay_verify_place *place,
                            assay_verify_brief *out);

/* ---- Gaps between neighbours, seen from zero outward (verify_gap.c) */

/** Gap k of a side leads from the k-th value (in the operand's direction) to the next one. */
typedef struct assay_verify_gap {
    enum {
        ASSAY_GAP_BOTH,      /* both ends, though `far` may lie above the largest value      */
        ASSAY_GAP_LAST,      /* nothing away: what is not toward is BEYOND                   */
        ASSAY_GAP_UNDERFLOW, /* nothing toward: positive operands become `away`, the least   */
        ASSAY_GAP_NOTHING    /* neither: negative operands where all values are positive     */
    } shape;
    assay_verify_place place; /* kind BETWEEN; tail unset                              */
    mpfr_t near, tie, far;    /* magnitudes in the direction of the side               */
} assay_verify_gap;

void assay_verify_gap_init(const assay_verify_ladder *l, assay_verify_gap *gap);
void assay_verify_gap_clear(assay_verify_gap *gap);
/** How many gaps a side has. */
int64_t assay_verify_gaps(const assay_verify_ladder *l, bool negative);
void assay_verify_gap_fill(const assay_verify_ladder *l, bool negative, int64_t k,
                           assay_verify_gap *gap);

/* ---- Operands: ordinals count the magnitudes of a source format (verify_source.c) */

typedef struct assay_verify_source {
    int bits, fraction, emin, emax;
    uint64_t infinity; /* its ordinal: NaN comes behind, up to `end` */
    uint64_t end;
} assay_verify_source;

bool assay_verify_source_make(int bits, assay_verify_source *out);
/** The first ordinal whose magnitude is at least v / divisor, or above it. */
uint64_t assay_verify_first(const assay_verify_source *s, mpfr_srcptr v, unsigned long divisor,
                            bool above);
/** The operand as a binary64; a NaN keeps what the source's payload makes of it. */
double assay_verify_operand(const assay_verify_source *s, bool negative, uint64_t ordinal);

/** A stretch of ordinals with the same place, from start to before end. */
typedef struct assay_verify_cut {
    uint64_t start, end;
    uint64_t inside; /* an ordinal of it to try, or 0 */
    assay_verify_place place;
} assay_verify_cut;

/** Stretches of one side in ascending order. */
typedef struct assay_verify_cuts {
    bool negative;
    size_t count, room;
    assay_verify_cut *at;
} assay_verify_cuts;

/** Appends the cuts of gaps k .. k + n - 1; with the last gap, of what lies beyond. */
ASSAY_NODISCARD assay_status assay_verify_cuts_add(const assay_verify_ladder *l,
                                                   const assay_verify_source *s, int64_t k,
                                                   int64_t n, assay_verify_cuts *cuts);
/** The gap that an ordinal lies in. */
int64_t assay_verify_locate(const assay_verify_ladder *l, const assay_verify_source *s,
                            bool negative, uint64_t ordinal);

/* ---- Comparing (verify_check.c, verify_random.c) */

/** One rounder and what its results are to be. */
typedef struct assay_verify_target {
    const assay_verify_ladder *ladder;
    const assay_verify_source *source;
    assay_rounding rounding;
    assay_rounder rounder;
} assay_verify_target;

/** Every operand of adjoining cuts, through the array functions for binary32. */
ASSAY_NODISCARD assay_status assay_verify_ranges(const assay_verify_target *t,
                                                 const assay_verify_cuts *cuts,
                                                 assay_verify_result *out);
/** The first `most` operands of every cut, taken in the order start, last, inside, and then all;
 * one in 16 through the definition too. */
ASSAY_NODISCARD assay_status assay_verify_points(const assay_verify_target *t,
                                                 const assay_verify_cuts *cuts, uint64_t most,
                                                 assay_verify_result *out);
/** Stochastic modes: three operands of every cut of a gap, at the random bits where the result
 * changes. */
void assay_verify_randoms(const assay_verify_target *t, const assay_verify_cuts *cuts,
                          const assay_verify_gap *gap, assay_verify_result *out);

/** The random bits with which a magnitude goes up: those from `from` on, or those below it. */
typedef struct assay_verify_threshold {
    uint64_t from;
    bool below;
    unsigned n; /* how many bits there are */
} assay_verify_threshold;

/** nu = (x - near) / (far - near), in place of x; exact. */
void assay_verify_position(const assay_verify_gap *gap, mpq_ptr nu);
/** Takes what is nearer than 2^-1500 to a multiple of 2^-64 in (0, 1) for it. */
void assay_verify_settle(mpq_ptr nu);
/** nu: a position, or NULL for a place that is not between two values, where all bits do alike. */
assay_verify_threshold assay_verify_threshold_of(assay_rounding rounding, mpq_srcptr nu);
enum { ASSAY_VERIFY_TRIES = 4 };
/** The random bits to try: those on both sides of the threshold, the least and the most. Returns
 * how many there are. */
size_t assay_verify_tries(const assay_verify_threshold *h, uint32_t out[ASSAY_VERIFY_TRIES]);
/** The code that a place becomes in a stochastic mode, given the random bits. */
uint64_t assay_verify_law_random(const assay_verify_ladder *l, const assay_verify_place *place,
                                 assay_mode mode, assay_overflow policy,
                                 const assay_verify_threshold *h, uint32_t bits);

void assay_verify_record(assay_verify_result *out, const assay_verify_target *t, bool negative,
                         uint64_t ordinal, const char *path, uint64_t got, uint64_t want);

/** Operand i of a cut: its first, its last, one inside, then all from the second on. */
uint64_t assay_verify_pick(const assay_verify_cut *cut, uint64_t i);

/** The i-th of a fixed sequence of 64 random bits. */
uint64_t assay_verify_mix(uint64_t i);

#endif
