/* SPDX-License-Identifier: Apache-2.0 */
/* --layout: matrices as producers store them. */
#ifndef ASSAY_CLI_SCHEME_LAYOUT_H
#define ASSAY_CLI_SCHEME_LAYOUT_H

#include "../../rounding/layout.h"
#include "scheme_cast.h"

/** What cli_scheme_cast writes, in a layout: codes to `path` and the files, all or none. Memory:
 * the whole matrix. */
ASSAY_NODISCARD assay_status cli_layout_cast(const cli_conversion *c, const cli_scheme_files *files,
                                             assay_layout layout, const char *path);

/** The way back to float64 [rows, cols]. cols = 0: as many as the stored codes have room for. */
ASSAY_NODISCARD assay_status cli_layout_decode(const assay_scheme *scheme, const char *codes,
                                               const cli_scheme_files *files, assay_layout layout,
                                               size_t cols, const cli_transforms *undo,
                                               const char *path);

#endif
