/* SPDX-License-Identifier: Apache-2.0 */
/* Ground truth for rounding, on MPFR numbers and from a format's parameters alone. It shares no
 * code with formats/ and rounding/: special codes, the largest value and overflow come from the
 * documents (docs/formats.md and docs/rounding.md cite them). */
#ifndef ASSAY_TESTS_SUPPORT_ORACLE_H
#define ASSAY_TESTS_SUPPORT_ORACLE_H

#include <mpfr.h>

#include "rounding/round.h"

/** Where a number lies between the magnitudes of a format whose exponents have no upper end. */
typedef struct oracle_place {
    enum { ORACLE_NAN, ORACLE_INF, ORACLE_REAL } kind;
    bool negative, inexact;
    int tail;       /* |x| below (-1), on (0) or above (1) the midpoint of its neighbours */
    uint64_t below; /* code of the neighbour below, or of x; huge values: all ones        */
} oracle_place;

oracle_place oracle_locate(const assay_format *format, mpfr_srcptr x);

/** The code that the place rounds to. */
uint64_t oracle_code(const assay_format *format, const oracle_place *place, assay_mode mode,
                     assay_overflow policy, assay_nan_rule rule);

/** Whether the format has what policy and rule ask for. */
bool oracle_applies(const assay_format *format, assay_overflow policy, assay_nan_rule rule);

typedef enum oracle_kind { ORACLE_CODE_FINITE, ORACLE_CODE_INF, ORACLE_CODE_NAN } oracle_kind;

/** What a code is, and its value if finite (x needs 53 bits). Magnitudes above all codes too. */
oracle_kind oracle_classify(const assay_format *format, uint64_t code);
void oracle_value(const assay_format *format, uint64_t magnitude, mpfr_ptr x);

/** The code of the largest finite value, found by asking oracle_classify from the top. */
uint64_t oracle_max(const assay_format *format);

#endif
