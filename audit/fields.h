/* SPDX-License-Identifier: Apache-2.0 */
/* Typed fields of a JSON object; every refusal reads "FILE: PATH.KEY: what". */
#ifndef ASSAY_AUDIT_FIELDS_H
#define ASSAY_AUDIT_FIELDS_H

#include "json.h"

/** An object and where it stands: prefix "" at the top, "rope_scaling." inside that key. */
typedef struct assay_fields {
    const char *file, *prefix;
    const json_t *object;
} assay_fields;

/** Sets "FILE: PATH.KEY: WHAT" and returns ASSAY_ERR_INPUT. */
assay_status assay_field_bad(assay_fields fields, const char *key, const char *what);

/** Whether the key is there, null or not; and whether it is there with another value than null. */
bool assay_field_there(assay_fields fields, const char *key);
bool assay_field_given(assay_fields fields, const char *key);

/**
 * The value of a key into *out, untouched on failure: ASSAY_ERR_INPUT if the key is
 * missing, its type is another one (a number is an integer or a real, an integer only that)
 * or it lies outside [min, max].
 */
ASSAY_NODISCARD assay_status assay_field_size(assay_fields fields, const char *key, size_t min,
                                              size_t max, size_t *out);
ASSAY_NODISCARD assay_status assay_field_number(assay_fields fields, const char *key, double min,
                                                double max, double *out);
ASSAY_NODISCARD assay_status assay_field_bool(assay_fields fields, const char *key, bool *out);
ASSAY_NODISCARD assay_status assay_field_text(assay_fields fields, const char *key,
                                              const char **out);

#endif
