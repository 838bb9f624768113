/* SPDX-License-Identifier: Apache-2.0 */
/* Scales of a tensor that are quantized themselves. */
#ifndef ASSAY_CLI_NESTED_H
#define ASSAY_CLI_NESTED_H

#include "scheme_cast.h"

/** `count` scales as they count, their codes, and the float32 of each block of codes. */
typedef struct cli_nested {
    size_t count, blocks;
    float *values, *scales, offset;
    unsigned char *codes;
} cli_nested;

/** Room for scales of a shape. ASSAY_ERR_MEMORY names `name`. Freed by cli_nested_free. */
ASSAY_NODISCARD assay_status cli_nested_make(const assay_scheme *scheme, size_t ndim,
                                             const size_t *shape, const char *name,
                                             cli_nested *out);
void cli_nested_free(cli_nested *nested);

/** The values of scales of a shape out of files. Errors name the file, or the option missing. */
ASSAY_NODISCARD assay_status cli_nested_read(const assay_scheme *scheme, size_t ndim,
                                             const size_t *shape, const cli_scheme_files *files,
                                             cli_nested *out);

#endif
