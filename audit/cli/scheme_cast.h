/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays to the files of a scheme (codes, scales, zero points, tensor scale) and back. */
#ifndef ASSAY_CLI_SCHEME_CAST_H
#define ASSAY_CLI_SCHEME_CAST_H

#include "convert.h"
#include "transform.h"

/** The files beside the codes, each NULL where it is not asked for. */
typedef struct cli_scheme_files {
    const char *scales, *tensor_scale, *zeros;
    const char *nested_scales, *nested_offset;
} cli_scheme_files;

/** ASSAY_ERR_USAGE if the scheme has no scales, zero points or tensor scale that are asked for. */
ASSAY_NODISCARD assay_status cli_scheme_check(const assay_scheme *scheme,
                                              const cli_scheme_files *files);

/**
 * Quantizes an array and writes `path` and the files, all or none: values in the input's type,
 * or codes as c->elements says. Memory: some rows, or a whole matrix where the scheme's extent is
 * one. Errors as of cli_convert.
 */
ASSAY_NODISCARD assay_status cli_scheme_cast(const cli_conversion *c, const cli_scheme_files *files,
                                             const char *path);

/** Writes the float64 values of `codes` and the files to `path`, `undo` (or NULL) undone. Errors
 * name file and index. */
ASSAY_NODISCARD assay_status cli_scheme_decode(const assay_scheme *scheme, const char *codes,
                                               const cli_scheme_files *files,
                                               const cli_transforms *undo, const char *path);

#endif
