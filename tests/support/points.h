/* SPDX-License-Identifier: Apache-2.0 */
/* Formats and operands that tests of rounding share. */
#ifndef ASSAY_TESTS_SUPPORT_POINTS_H
#define ASSAY_TESTS_SUPPORT_POINTS_H

#include <stdbool.h>

#include "rounding/round.h"

/** The formats to test: every row of a binary float, then builders that reach each parameter; i <
 * points_specs. */
size_t points_specs(void);
void points_format(size_t i, assay_format *out);

/**
 * Operands where rounding into the format can change, with both signs: rounding is monotone
 * and constant between them. Every value and midpoint of the format and past its end, their
 * neighbours in binary64 and in binary32; for formats over 16 bits the edges of all binades
 * and a sample of the rest. Then zeros, infinities, NaN and the ends of binary64 and binary32.
 * The caller frees *points.
 */
size_t points_make(const assay_format *format, double **points);

/** A format, and rounders under the usual rule for NaN; a SPEC or a mode that is none fails the
 * test. */
assay_format points_parse(const char *spec);
assay_rounder points_rounder_for(const assay_format *f, assay_rounding rounding,
                                 assay_overflow policy);
assay_rounder points_rounder(const char *spec, const char *mode, assay_overflow policy);

/** The i-th of a fixed sequence of 64 random bits. */
uint64_t points_random(uint64_t i);

/** Whether ASSAY_THOROUGH=1 asks for every case (`./dev certify tests`) instead of a share of them
 * that takes seconds. */
bool points_thorough(void);
/** 1 if so, else the step through the cases. */
uint64_t points_step(uint64_t usual);

#endif
