/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar that SPECs, modes and accumulators share: HEAD[:KEY=VALUE[,KEY=VALUE...]] with
 * brackets around a nested SPEC that has parameters. */
#ifndef ASSAY_FORMATS_SPEC_H
#define ASSAY_FORMATS_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "../numerics/status.h"

enum { ASSAY_SPEC_MAX_ITEMS = 16, ASSAY_SPEC_BYTES = 256 };

/** One parameter; value is NULL for a bare word such as `step`. */
typedef struct assay_spec_item {
    const char *key, *value;
} assay_spec_item;

typedef struct assay_spec {
    char text[ASSAY_SPEC_BYTES]; /* the strings point in here */
    const char *head;
    size_t count;
    assay_spec_item items[ASSAY_SPEC_MAX_ITEMS];
} assay_spec;

/** Splits a SPEC; a bracketed value loses its brackets. ASSAY_ERR_USAGE quotes the SPEC. */
ASSAY_NODISCARD assay_status assay_spec_split(const char *spec, assay_spec *out);

/** The item of that key, or NULL. */
const assay_spec_item *assay_spec_find(const assay_spec *spec, const char *key);

/** Reads a decimal integer in [lo, hi] or yes/no; ASSAY_ERR_USAGE names the key. */
ASSAY_NODISCARD assay_status assay_spec_integer(const assay_spec_item *item, long lo, long hi,
                                                long *out);
ASSAY_NODISCARD assay_status assay_spec_yes(const assay_spec_item *item, bool *out);

/** ASSAY_ERR_USAGE: the item's key is none of `known`, a list to show. */
ASSAY_NODISCARD assay_status assay_spec_unknown(const assay_spec_item *item, const char *known);

/** Looks a word up in a NULL-terminated list; ASSAY_ERR_USAGE lists what there is. */
ASSAY_NODISCARD assay_status assay_spec_word(const char *what, const char *word,
                                             const char *const *words, int *out);

#endif
