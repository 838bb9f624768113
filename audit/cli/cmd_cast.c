/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/convert.h"
#include "audit/cli/options.h"

/* What the command line says, before any file is opened. */
typedef struct request {
    const char *to;
    assay_format in;
    assay_mode mode;
    assay_overflow overflow;
    assay_nan_rule nan;
    bool codes, packed;
} request;

static int convert(const cli *run, const request *r, cli_conversion *c)
{
    const assay_format *in = r->in.bits > 0 ? &r->in : NULL;
    assay_status status = cli_input_open(run->operands[0], in, &c->input);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    status = cli_convert(c, run->operands[1]);
    cli_input_close(&c->input);
    return status == ASSAY_OK ? CLI_DONE : cli_fail(run, status);
}

static int cast(cli *run)
{
    request r = { .mode = ASSAY_RNE };
    const cli_option options[] = {
        { "to", CLI_TEXT, &r.to, 0, 0 },         { "in", CLI_FORMAT, &r.in, 0, 0 },
        { "round", CLI_MODE, &r.mode, 0, 0 },    { "overflow", CLI_POLICY, &r.overflow, 0, 0 },
        { "nan", CLI_NAN, &r.nan, 0, 0 },        { "codes", CLI_FLAG, &r.codes, 0, 0 },
        { "packed", CLI_FLAG, &r.packed, 0, 0 }, { 0 }
    };
    int code = cli_parse(run, options, 2, 2);
    if (code != CLI_RUN)
        return code;
    if (!r.to)
        return cli_usage_error(run, "option --to is missing");
    cli_conversion c = { .elements = r.packed ? CLI_PACKED : r.codes ? CLI_CODES : CLI_VALUES };
    assay_status status = assay_scheme_parse(r.to, r.mode, r.overflow, r.nan, &c.scheme);
    if (status != ASSAY_OK)
        return cli_fail_in(run, status, "option --to");
    if (c.scheme.block > 0 && c.elements != CLI_VALUES)
        return cli_usage_error(run, "option --%s: %s has scales besides, which are not written yet",
                               r.packed ? "packed" : "codes", r.to);
    return convert(run, &r, &c);
}

const cli_command cli_command_cast = {
    .name = "cast",
    .usage = "IN OUT.npy --to SPEC [--in FORMAT] [--round MODE] [--overflow POLICY] [--nan RULE] "
             "[--codes|--packed]",
    .summary = "Quantize an array",
    .help =
        "OUT has the values in IN's type; one which that type does not hold is an error that\n"
        "names its index, except that block schemes round code x scale into it, to nearest.\n"
        "Blocks run along the last axis.\n\n"
        "  --to SPEC          format or scheme\n"
        "  --in FORMAT        IN's integers are codes of FORMAT, and so are OUT's\n"
        "  --round MODE       rounding mode, rne if absent; `assay formats --modes`\n"
        "  --overflow POLICY  overflow policy, spec if absent; `assay formats --policies`\n"
        "  --nan RULE         what a NaN becomes where the format has none: max, zero, negzero,\n"
        "                     error\n"
        "  --codes            write codes: unsigned integers of the smallest container\n"
        "  --packed           write codes side by side: uint8 [ceil(n bits / 8)], element 0 in\n"
        "                     the low bits of byte 0\n",
    .run = cast,
};
