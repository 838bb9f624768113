/* SPDX-License-Identifier: Apache-2.0 */
/* Streams an input array through a quantizer into an output file, piece by piece. */
#ifndef ASSAY_CLI_CONVERT_H
#define ASSAY_CLI_CONVERT_H

#include "../../rounding/scheme_feedback.h"
#include "input.h"

/** What the output's elements are. */
typedef enum cli_elements {
    CLI_VALUES, /* values in the input's type: its floats, its integers, or codes of its format */
    CLI_CODES,  /* codes of the scheme's format, in the smallest container                      */
    CLI_PACKED, /* the same, densely packed into uint8 [ceil(n bits / 8)]                        */
    CLI_DOUBLES /* the input's own values as float64; the scheme is not looked at              */
} cli_elements;

/** What error feedback with a scheme carries on: residues of a slice of time. */
typedef struct cli_scheme_feedback {
    assay_feedback feedback;
    double *hi, *lo;
    size_t slice; /* elements */
    assay_feedback_counts counts;
} cli_scheme_feedback;

typedef struct cli_conversion {
    cli_input input;
    assay_scheme scheme; /* a block scheme goes to cli_scheme_cast */
    cli_elements elements;
    assay_random random;          /* of stochastic modes; bits by the input's index */
    double *values;               /* if not NULL, what stands in the input's place */
    cli_scheme_feedback *carried; /* or NULL; of block schemes */
} cli_conversion;

/**
 * Writes `path`, whole or not at all. Errors name the file, and ASSAY_ERR_VALUE the index of
 * the first element that the output's type does not hold, or of a NaN that is an error.
 * The bytes do not depend on threads. Memory: some megabytes, whatever the array's size.
 */
ASSAY_NODISCARD assay_status cli_convert(const cli_conversion *conversion, const char *path);

#endif
