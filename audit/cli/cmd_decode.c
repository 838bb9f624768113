/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/convert.h"
#include "audit/cli/options.h"

static int decode(cli *run)
{
    assay_format from = { 0 };
    const cli_option options[] = { { "from", CLI_FORMAT, &from, 0, 0 }, { 0 } };
    int code = cli_parse(run, options, 2, 2);
    if (code != CLI_RUN)
        return code;
    if (from.bits == 0)
        return cli_usage_error(run, "option --from is missing");
    cli_conversion c = { .elements = CLI_DOUBLES };
    assay_status status = cli_input_open(run->operands[0], &from, &c.input);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    status = cli_convert(&c, run->operands[1]);
    cli_input_close(&c.input);
    return status == ASSAY_OK ? CLI_DONE : cli_fail(run, status);
}

const cli_command cli_command_decode = {
    .name = "decode",
    .usage = "CODES.npy OUT.npy --from SPEC",
    .summary = "Turn codes into float64 values",
    .help = "CODES are integers, one code each; a code beyond the format's width is an error that\n"
            "names its index. Every NaN becomes the canonical one.\n\n"
            "  --from SPEC  the format of the codes\n",
    .run = decode,
};
