/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "audit/cli/hexfloat.h"
#include "audit/cli/options.h"
#include "rounding/scheme.h"

enum { WIDEST = 16 };

/* Of a scheme: the format of its elements, or of their scales. */
static int choose(const cli *run, bool scales, assay_format *out)
{
    assay_scheme scheme;
    assay_status status = assay_scheme_parse(run->operands[0], ASSAY_RNE, ASSAY_OVERFLOW_SPEC,
                                             ASSAY_NAN_RULE_DEFAULT, &scheme);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    *out = scheme.element.format;
    if (!scales)
        return CLI_RUN;
    if (scheme.block == 0 || scheme.hierarchy)
        return cli_usage_error(run, "option --scales: %s has %s", run->operands[0],
                               scheme.hierarchy ? "fields: `assay formats` shows them"
                                                : "no scales");
    *out = scheme.nested > 0 ? scheme.map.format : scheme.scale.format;
    return CLI_RUN;
}

static int codes(cli *run)
{
    bool scales = false;
    const cli_option options[] = { { "scales", CLI_FLAG, &scales, 0, 0 }, { 0 } };
    assay_format format;
    int code = cli_parse(run, options, 1, 1);
    if (code == CLI_RUN)
        code = choose(run, scales, &format);
    if (code != CLI_RUN)
        return code;
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
    .usage = "SPEC [--scales]",
    .summary = "Print every code point of a format as CSV",
    .help = "SPEC is a format of at most 16 bits, or a scheme, which has codes of its elements: a\n"
            "value counts before scales. The header is `code,value`; codes are decimal and values\n"
            "C hexadecimal floats, inf, -inf or nan.\n\n"
            "  --scales  the codes of a scheme's scales instead\n",
    .run = codes,
};
