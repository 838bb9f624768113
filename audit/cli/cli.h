/* SPDX-License-Identifier: Apache-2.0 */
/* What every subcommand of `assay` is made of: a row of commands.def, a function, its errors. */
#ifndef ASSAY_CLI_CLI_H
#define ASSAY_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "../../numerics/status.h"

/** Exit codes of the command; every subcommand uses these and no others. */
typedef enum cli_exit {
    CLI_DONE = 0,      /* done, and within budget                        */
    CLI_DIFFERENT = 1, /* measured: out of budget, different or wrong    */
    CLI_INVALID = 2,   /* bad usage or invalid input                     */
    CLI_CANNOT = 3,    /* cannot measure here: no memory, no such device */
    CLI_RUN = -1       /* not an exit code: go on (see cli_parse)        */
} cli_exit;

struct cli;

/**
 * A subcommand. Each cmd_NAME.c defines one `const cli_command cli_command_NAME`; a row
 * CLI_COMMAND(NAME) of commands.def makes it known.
 */
typedef struct cli_command {
    const char *name;
    const char *usage;   /* what follows the name on its usage line             */
    const char *summary; /* one line of `assay --help`                          */
    const char *help;    /* the rest of `assay NAME --help`, ends in a newline  */
    int (*run)(struct cli *cli);
} cli_command;

/** One run of a subcommand. cli_parse sets everything below argv. */
typedef struct cli {
    const cli_command *command;
    int argc;
    char **argv;     /* what followed the subcommand's name                   */
    char **operands; /* argv without options; strings live as long as main    */
    size_t count;    /* of operands                                           */
    bool quiet;      /* --quiet: results and errors only, no progress, no notes */
} cli;

/**
 * The exit code that a status stands for: 2 for usage, input, shape, value and I/O, 3 for
 * memory, unavailable and environment.
 */
int cli_exit_code(assay_status status);

/**
 * Prints `assay COMMAND: ` and assay_last_error() as one line on stderr and returns the exit
 * code of status, for `return cli_fail(cli, status);`.
 */
int cli_fail(const cli *run, assay_status status);
/** The same with a file or argument before the text. */
int cli_fail_in(const cli *run, assay_status status, const char *name);
/** Prints `assay COMMAND: ` and a text of its own; returns CLI_INVALID. */
int cli_usage_error(const cli *run, const char *fmt, ...) ASSAY_PRINTF(2, 3);

/** Prints `Usage: assay NAME ...` and the help text on stdout. */
void cli_print_help(const cli_command *command);

#endif
