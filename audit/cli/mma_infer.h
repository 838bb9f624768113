/* SPDX-License-Identifier: Apache-2.0 */
/* `assay mma --infer`: which units and parameters explain captured outputs. */
#ifndef ASSAY_CLI_MMA_INFER_H
#define ASSAY_CLI_MMA_INFER_H

#include "cli.h"
#include "mma_arrays.h"

typedef struct cli_mma_question {
    cli_mma_arrays x; /* opened */
    assay_mma_format fa, fb, fc;
    const char *out; /* a directory for vectors, or NULL */
} cli_mma_question;

/** Prints what explains D and what refutes the rest; the exit code: 1 if nothing explains it. */
int cli_mma_infer(const cli *run, const cli_mma_question *question, bool json);

#endif
