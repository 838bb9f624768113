/* SPDX-License-Identifier: Apache-2.0 */
/* The table of schemes for the file that reads SPECs. */
#ifndef ASSAY_ROUNDING_SCHEME_ROWS_H
#define ASSAY_ROUNDING_SCHEME_ROWS_H

#include "formats/spec.h"
#include "rounding/scheme_parts.h"

/* The SPEC of a row, NULL if there is none of that name. */
const char *assay_scheme_row_spec(const char *name);

/* Whether a SPEC with this head is a scheme and not a scalar format. */
bool assay_scheme_is_block_spec(const char *head);

/* The scheme of such a SPEC. Errors do not quote it. */
assay_status assay_scheme_build(const assay_spec *spec, assay_rounding rounding,
                                assay_overflow overflow, assay_nan_rule nan, assay_scheme *out);

/* Lets `size` scales share one, as codes of the SPEC `map`. Errors as above. */
assay_status assay_scheme_make_nested(const char *map, size_t size, assay_scheme *scheme);

/* Whether odd quotients round right in the format of elements, and code x scale is exact. */
bool assay_scheme_is_narrow(const assay_format *format);

#endif
