/* SPDX-License-Identifier: Apache-2.0 */
/* A line on a terminal that says how far a long command is. */
#ifndef ASSAY_CLI_PROGRESS_H
#define ASSAY_CLI_PROGRESS_H

#include "options.h"

/** Drawn over itself, at most once per percent; nothing where stderr is no terminal or --quiet. */
typedef struct cli_progress {
    const char *command;
    bool wanted;
    int percent;
} cli_progress;

cli_progress cli_progress_begin(const cli *run);
/** `done` of `total`; `progress` is a cli_progress. */
void cli_progress_draw(void *progress, size_t done, size_t total);
/** Takes the line away. */
void cli_progress_end(const cli_progress *progress);

#endif
