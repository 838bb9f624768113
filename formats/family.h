/* SPDX-License-Identifier: Apache-2.0 */
/* What a family of formats is: a way to parse its SPEC and to walk its values. Not installed. */
#ifndef ASSAY_FORMATS_FAMILY_H
#define ASSAY_FORMATS_FAMILY_H

#include "format.h"
#include "spec.h"

/**
 * The values of a format in ascending order, zero once, are its positions 0 .. count - 1; NaN,
 * infinities and a second code of a value have none. Adding a family is one of these tables and
 * a line in format_parse.c; rounding (rounding/ladder.h) needs nothing else of it.
 */
struct assay_format_family {
    const char *name; /* the builder: `posit` of `posit:n=8,es=2` */
    const char *help; /* its parameters, in one line              */
    /** Fills in what the SPEC says; name, container and the extremes follow by themselves. */
    assay_status (*parse)(const assay_spec *spec, assay_format *out);
    uint64_t (*count)(const assay_format *f);
    /** Times assay_format_divisor. */
    assay_exact (*value)(const assay_format *f, uint64_t position);
    uint64_t (*code)(const assay_format *f, uint64_t position);
    /** False for a code without a position: NaN, an infinity or one that is not used. */
    bool (*position)(const assay_format *f, uint64_t code, uint64_t *position);
    /** Where ties between a position and the next one lie, if not at the arithmetic mean. */
    assay_exact (*tie)(const assay_format *f, uint64_t position);
    /** The magnitude that would follow the largest one; NULL if overflow gives the largest. */
    assay_exact (*beyond)(const assay_format *f);
    /** A finite code's value where binary64 holds it, at once; NULL: by way of value. */
    double (*decode)(const assay_format *f, uint64_t code);
    /** value to 2^-40, for a search, where value is slow; else NULL. */
    double (*near)(const assay_format *f, uint64_t position);
};

extern const assay_format_family assay_family_float, assay_family_p3109, assay_family_int,
    assay_family_fixed, assay_family_posit, assay_family_takum, assay_family_lns, assay_family_pow2,
    assay_family_sqrt2, assay_family_hifloat, assay_family_codebook;

/** All builders, NULL at the end. */
extern const assay_format_family *const assay_families[];

/** Values of a codebook are thirds and twelfths too: exact comparisons are with x times this. */
uint32_t assay_format_divisor(const assay_format *f);

/**
 * The greatest position whose value is at most x / divisor, x zero or finite; false if x lies below
 * every value. `exact` says whether it is x.
 */
bool assay_position_below(const assay_format *f, const assay_exact *x, uint64_t *position,
                          bool *exact);

/** -1, 0, 1 as a is below, equal to or above b, as real numbers (-0 is 0). */
int assay_compare_signed(const assay_exact *a, const assay_exact *b);

/** Derives max, min_positive, emin, emax and fits_binary64 from the positions. */
assay_status assay_format_finish(assay_format *f);

/** The SPEC of a row that was given by one, else NULL. */
const char *assay_format_row_spec(const assay_format *row);

/** Fills in a parameter of a binary float and builds it; docs/formats.md. */
assay_status assay_float_parse(const assay_spec *spec, const assay_format *row, const char *text,
                               assay_format *out);

#endif
