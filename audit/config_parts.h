/* SPDX-License-Identifier: Apache-2.0 */
/* What config.c and config_rope.c share. */
#ifndef ASSAY_AUDIT_CONFIG_PARTS_H
#define ASSAY_AUDIT_CONFIG_PARTS_H

#include "config.h"
#include "fields.h"

typedef struct assay_allowed {
    const char *const *names;
    size_t count;
} assay_allowed;

/** Whether --allow-key lets PREFIX KEY pass. */
bool assay_config_allows(assay_allowed allowed, const char *prefix, const char *key);

/** Refuses KEY as unknown. */
assay_status assay_config_unknown(assay_fields fields, const char *key);

/** Fills config->rope; head_dim and max_positions have to be there. */
ASSAY_NODISCARD assay_status assay_config_rope(assay_fields top, assay_allowed allowed,
                                               assay_config *config);

#endif
