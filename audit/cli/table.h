/* SPDX-License-Identifier: Apache-2.0 */
/* Results as JSON values, printed for people or, with --json, as they are. */
#ifndef ASSAY_CLI_TABLE_H
#define ASSAY_CLI_TABLE_H

#include <jansson.h>

#include "cli.h"

/**
 * Prints an array of objects with the same keys in the same order as an aligned table: numbers
 * to the right, null as "-"; as JSON if asked to. Gives rows back to Jansson. Returns CLI_DONE,
 * or CLI_CANNOT if rows is NULL, as Jansson answers when memory runs out.
 */
int cli_print_table(const cli *run, json_t *rows, bool json);

/** The same for one object: a line per key; an array of objects inside it as a table. */
int cli_print_record(const cli *run, json_t *record, bool json);

#endif
