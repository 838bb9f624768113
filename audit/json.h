/* SPDX-License-Identifier: Apache-2.0 */
/* JSON input on Jansson: duplicate keys, NUL bytes and trailing text are errors. */
#ifndef ASSAY_AUDIT_JSON_H
#define ASSAY_AUDIT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "../numerics/status.h"

/**
 * Parses one JSON object. NAME stands in the messages. The caller owns *out (json_decref).
 * Errors: ASSAY_ERR_INPUT with "NAME: line L, column C: what". Depth is limited by Jansson
 * (2048); integers beyond int64 are errors, never rounded.
 */
ASSAY_NODISCARD assay_status assay_json_parse(const char *name, const void *bytes, size_t size,
                                              json_t **out);
/** The same for a file. */
ASSAY_NODISCARD assay_status assay_json_load(const char *path, json_t **out);

/**
 * The head that recipes and budgets share: {KIND: 1, "rules": [at least one]} and nothing else.
 * *rules is borrowed from root. ASSAY_ERR_INPUT names the key.
 */
ASSAY_NODISCARD assay_status assay_json_rules(const char *name, json_t *root, const char *kind,
                                              json_t **rules);

#endif
