/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "audit/cli/hexfloat.h"
#include "audit/cli/options.h"
#include "formats/format.h"

enum { WIDEST = 16 };

static int codes(cli *run)
{
    static const cli_option none[] = { { 0 } };
    int code = cli_parse(run, none, 1, 1);
    if (code != CLI_RUN)
        return code;
    assay_format format;
    assay_status status = assay_format_parse(run->operands[0], &format);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    if (format.bits > WIDEST)
        return cli_usage_error(run, "%s: %d bits, at most %d can be listed", format.name,
                               format.bits, WIDEST);
    puts("code,value");
    char value[CLI_HEXFLOAT_BYTES];
    for (unsigned c = 0; c < 1u << format.bits; c++)
        printf("%u,%s\n", c, cli_hexfloat_exact(assay_decode_exact(&format, c), value));
    return CLI_DONE;
}

const cli_command cli_command_codes = {
    .name = "codes",
    .usage = "FORMAT",
    .summary = "Print every code point of a format as CSV",
    .help = "FORMAT is a scalar format of at most 16 bits. The header is `code,value`; codes are\n"
            "decimal and values C hexadecimal floats, inf, -inf or nan.\n",
    .run = codes,
};
