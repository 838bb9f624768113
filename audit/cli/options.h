/* SPDX-License-Identifier: Apache-2.0 */
/* Options as a table: what each is called, what its value is and where that goes. */
#ifndef ASSAY_CLI_OPTIONS_H
#define ASSAY_CLI_OPTIONS_H

#include <stdint.h>

#include "cli.h"

/** What an option takes, and the type that `to` points at. Absent options leave it untouched. */
typedef enum cli_kind {
    CLI_FLAG,    /* nothing; bool, set to true                                       */
    CLI_TEXT,    /* any text; const char *                                           */
    CLI_LIST,    /* any text, and the option may be repeated; cli_list               */
    CLI_INTEGER, /* a decimal integer in [lo, hi], digits only; uint64_t             */
    CLI_REAL,    /* a decimal number, finite and not negative; double                */
    CLI_FORMAT,  /* the SPEC of a scalar format; assay_format                        */
    CLI_MODE,    /* a rounding mode; assay_rounding                                  */
    CLI_POLICY,  /* an overflow policy; assay_overflow                               */
    CLI_NAN      /* a rule for NaN; assay_nan_rule                                   */
} cli_kind;

enum { CLI_LIST_ITEMS = 32 };

typedef struct cli_list {
    size_t count;
    const char *items[CLI_LIST_ITEMS];
} cli_list;

/** A table of these ends in one without a name. At most 63 rows. */
typedef struct cli_option {
    const char *name; /* without the two hyphens */
    cli_kind kind;
    void *to;
    uint64_t lo, hi; /* of CLI_INTEGER */
} cli_option;

/**
 * Reads the arguments of a run: options of the table, and those of every command: --threads N,
 * --isa NAME, --quiet, --help. Both `--name value` and `--name=value`; a separate value must
 * not start with `--`; `--` ends the options. Then there have to be LEAST to MOST operands.
 * Returns CLI_RUN, or the exit code with which the command ends: CLI_DONE after --help,
 * CLI_INVALID after printing what is wrong, CLI_CANNOT if this CPU lacks the instruction set.
 */
int cli_parse(cli *run, const cli_option *options, size_t least, size_t most);

#endif
