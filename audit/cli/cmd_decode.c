/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/convert.h"
#include "audit/cli/options.h"
#include "audit/cli/scheme_layout.h"

static int decode(cli *run)
{
    const char *spec = NULL, *layout_name = NULL;
    assay_layout layout = ASSAY_LAYOUT_ROWS;
    uint64_t cols = 0;
    cli_scheme_files files = { 0 };
    cli_transform_request transform = { 0 };
    cli_transforms steps;
    const cli_option options[] = { { "from", CLI_TEXT, &spec, 0, 0 },
                                   { "scales", CLI_TEXT, &files.scales, 0, 0 },
                                   { "tensor-scale", CLI_TEXT, &files.tensor_scale, 0, 0 },
                                   { "zeros", CLI_TEXT, &files.zeros, 0, 0 },
                                   { "nested-scales", CLI_TEXT, &files.nested_scales, 0, 0 },
                                   { "nested-offset", CLI_TEXT, &files.nested_offset, 0, 0 },
                                   { "layout", CLI_TEXT, &layout_name, 0, 0 },
                                   { "cols", CLI_INTEGER, &cols, 1, SIZE_MAX / 64 },
                                   { "transform", CLI_LIST, &transform.list, 0, 0 },
                                   { "outliers", CLI_TEXT, &transform.outliers, 0, 0 },
                                   { "outlier-index", CLI_TEXT, &transform.index, 0, 0 },
                                   { 0 } };
    int code = cli_parse(run, options, 2, 2);
    if (code != CLI_RUN)
        return code;
    if (!spec)
        return cli_usage_error(run, "option --from is missing");
    assay_scheme from;
    assay_status status =
        assay_scheme_parse(spec, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &from);
    if (status != ASSAY_OK)
        return cli_usage_error(run, "option --from: %s", assay_last_error());
    if (layout_name && assay_layout_parse(layout_name, &layout) != ASSAY_OK)
        return cli_usage_error(run, "option --layout: %s", assay_last_error());
    if (cols > 0 && !layout_name)
        return cli_usage_error(run, "option --cols goes with --layout");
    bool undoes = transform.list.count > 0 || transform.outliers || transform.index;
    if (undoes || layout_name || from.block > 0 || files.scales || files.tensor_scale ||
        files.zeros) {
        status = cli_transforms_open(&transform, &steps);
        if (status == ASSAY_OK) {
            const cli_transforms *undo = undoes ? &steps : NULL;
            status = layout_name ? cli_layout_decode(&from, run->operands[0], &files, layout, cols,
                                                     undo, run->operands[1])
                                 : cli_scheme_decode(&from, run->operands[0], &files, undo,
                                                     run->operands[1]);
            cli_transforms_close(&steps);
        }
        return status == ASSAY_OK ? CLI_DONE : cli_fail(run, status);
    }
    cli_conversion c = { .elements = CLI_DOUBLES };
    status = cli_input_open(run->operands[0], &from.element.format, &c.input);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    status = cli_convert(&c, run->operands[1]);
    cli_input_close(&c.input);
    return status == ASSAY_OK ? CLI_DONE : cli_fail(run, status);
}

const cli_command cli_command_decode = {
    .name = "decode",
    .usage = "CODES.npy OUT.npy --from SPEC [--scales F] [--tensor-scale F] [--zeros F] "
             "[--nested-scales F] [--nested-offset F] "
             "[--layout NAME [--cols N]] "
             "[--transform STEP]... [--outliers F] [--outlier-index F]",
    .summary = "Turn codes into float64 values",
    .help =
        "CODES are integers, one code each; a code beyond the format's width is an error that\n"
        "names its index. Every NaN becomes the canonical one.\n\n"
        "  --from SPEC       the format or scheme of the codes\n"
        "  --scales F        a scheme's scale codes\n"
        "  --tensor-scale F  its float32 tensor scale\n"
        "  --zeros F         its zero points\n"
        "  --nested-scales F, --nested-offset F\n"
        "                    the float32 scales and offset of nested scales\n"
        "  --layout NAME     the files are as cast --layout NAME writes them; N columns, or as\n"
        "  --cols N          many as the codes' rows have room for\n"
        "  --transform STEP, --outliers F, --outlier-index F\n"
        "                    the options of cast, in its order: undone in float64\n",
    .run = decode,
};
