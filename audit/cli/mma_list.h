/* SPDX-License-Identifier: Apache-2.0 */
/* `assay mma --list`. */
#ifndef ASSAY_CLI_MMA_LIST_H
#define ASSAY_CLI_MMA_LIST_H

#include <stdbool.h>

#include "cli.h"

/** Prints a row for each unit; returns the exit code. */
int cli_mma_list(const cli *run, bool json);

#endif
