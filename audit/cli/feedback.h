/* SPDX-License-Identifier: Apache-2.0 */
/* `assay cast` with error feedback. */
#ifndef ASSAY_CLI_FEEDBACK_H
#define ASSAY_CLI_FEEDBACK_H

#include "../../rounding/feedback.h"
#include "scheme_cast.h"

/** What the options say. */
typedef struct cli_feedback {
    const char *along;    /* time, row, block=N; NULL: time */
    const char *in, *out; /* residue files, or NULL         */
    assay_format residue; /* bits = 0: kept exactly         */
} cli_feedback;

/**
 * Quantizes all of c->input with c->scheme.element and feedback into c->values, which the caller
 * frees; a block scheme with scales writes `path` and the files itself. The residues are written
 * into *out, which the caller commits with the result or aborts (it is zero without a file). A line
 * on stderr says what was not exact, unless quiet. Errors name the file or the option:
 * ASSAY_ERR_USAGE, _SHAPE, _INPUT, _VALUE, _IO, _MEMORY.
 */
ASSAY_NODISCARD assay_status cli_feedback_run(const cli_feedback *options, bool quiet,
                                              cli_conversion *c, const cli_scheme_files *files,
                                              const char *path, assay_output *out);

/** The line on stderr: what was not exact; none if all was. */
void cli_feedback_report(const char *command, const assay_feedback_counts *counts);

#endif
