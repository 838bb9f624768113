/* SPDX-License-Identifier: Apache-2.0 */
/* A list of values with their codes. Not installed. */
#ifndef ASSAY_FORMATS_CODEBOOK_H
#define ASSAY_FORMATS_CODEBOOK_H

#include "family.h"

enum { ASSAY_CODEBOOK_MAX = 65536 };

/** The value of position i is values[i] / divisor and its code codes[i]; of_code is the inverse,
 * and count for codes that are not used. A value given twice has the code that comes first. */
struct assay_codebook {
    uint32_t divisor, count, code_count;
    const double *values, *listed; /* ascending; and by code */
    const uint32_t *codes, *of_code;
    const struct assay_codebook *next; /* all that were made, for the next one who asks */
};

/** Finds or makes the codebook of a list, NaN for codes that are not used. */
ASSAY_NODISCARD assay_status assay_codebook_make(const double *listed, size_t count,
                                                 uint32_t divisor, const assay_codebook **out);

/** The format of a codebook. */
ASSAY_NODISCARD assay_status assay_codebook_format(const assay_codebook *book, assay_format *f);

#endif
