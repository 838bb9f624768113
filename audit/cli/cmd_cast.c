/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/cli/feedback.h"
#include "audit/cli/options.h"
#include "audit/cli/scheme_layout.h"
#include "audit/cli/transform.h"

/* What the command line says, before any file is opened. */
typedef struct request {
    const char *to, *bits, *layout_name;
    assay_layout layout;
    assay_format in;
    assay_rounding round;
    assay_overflow overflow;
    assay_nan_rule nan;
    bool codes, packed;
    uint64_t seed, stream;
    cli_feedback feedback;
    cli_scheme_files files;
    cli_transform_request transform;
    cli_transforms *steps; /* or NULL */
} request;

/* R for each element: uint32 of the input's shape, each below 2^N of the mode. */
static assay_status check_bits(const request *r, const cli_input *input, const assay_array *bits)
{
    const assay_array *a = &input->array;
    bool same = bits->ndim == a->ndim;
    for (size_t i = 0; same && i < a->ndim; i++)
        same = bits->shape[i] == a->shape[i];
    if (bits->dtype != ASSAY_DTYPE_U32)
        return assay_fail(ASSAY_ERR_INPUT, "%s: dtype: the bits have to be uint32", r->bits);
    if (!same)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: shape: not that of %s", r->bits, input->name);
    return ASSAY_OK;
}

static assay_status read_bits(const request *r, const cli_input *input, uint32_t **out)
{
    assay_array bits;
    assay_status status = assay_array_open(r->bits, &bits);
    if (status != ASSAY_OK)
        return status;
    status = check_bits(r, input, &bits);
    uint32_t *words = status == ASSAY_OK ? malloc((bits.count + 1) * sizeof *words) : NULL;
    if (status == ASSAY_OK && !words)
        status = assay_fail(ASSAY_ERR_MEMORY, "%s: no memory", r->bits);
    if (status == ASSAY_OK && bits.count > 0)
        memcpy(words, bits.data, bits.count * sizeof *words);
    for (size_t i = 0; status == ASSAY_OK && r->round.bits > 0 && i < bits.count; i++)
        if ((uint64_t)words[i] >> r->round.bits != 0)
            status = assay_fail(ASSAY_ERR_VALUE, "%s: element %zu: %u needs more than %d bits",
                                r->bits, i, words[i], r->round.bits);
    assay_array_close(&bits);
    if (status != ASSAY_OK) {
        free(words);
        words = NULL;
    }
    *out = words;
    return status;
}

/* Reads the whole array and takes it through the transforms, in the input's own precision. */
static assay_status transform(const request *r, cli_conversion *c)
{
    const cli_input *input = &c->input;
    const assay_array *a = &input->array;
    bool narrow = input->has_format && input->format.p <= 24;
    if (cli_input_is_wide(input))
        return assay_fail(ASSAY_ERR_INPUT, "%s: dtype: transforms need values that float64 holds",
                          input->name);
    c->values = malloc((a->count + 1) * sizeof *c->values);
    if (!c->values)
        return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory", input->name);
    cli_input_read(input, 0, a->count, c->values);
    return cli_transforms_apply(r->steps, narrow, a->ndim, a->shape, c->values);
}

/* With feedback the values are there before they are written, and belong to the format. */
static assay_status convert_values(const cli *run, const request *r, cli_conversion *c)
{
    assay_output residues = { 0 };
    assay_status status = ASSAY_OK;
    if (r->round.feedback) {
        status =
            cli_feedback_run(&r->feedback, run->quiet, c, &r->files, run->operands[1], &residues);
        c->scheme.element.mode = ASSAY_RNE;
    } else if (r->steps) {
        status = transform(r, c);
    }
    bool written = r->round.feedback && c->scheme.block > 0;
    if (status == ASSAY_OK && r->layout_name)
        status = cli_layout_cast(c, &r->files, r->layout, run->operands[1]);
    else if (status == ASSAY_OK && !written)
        status = c->scheme.block > 0 ? cli_scheme_cast(c, &r->files, run->operands[1])
                                     : cli_convert(c, run->operands[1]);
    if (status == ASSAY_OK && r->feedback.out)
        status = assay_output_commit(&residues);
    else
        assay_output_abort(&residues);
    free(c->values);
    return status;
}

static int convert(const cli *run, const request *r, cli_conversion *c)
{
    const assay_format *in = r->in.bits > 0 ? &r->in : NULL;
    uint32_t *bits = NULL;
    assay_status status = cli_input_open(run->operands[0], in, &c->input);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    if (r->bits)
        status = read_bits(r, &c->input, &bits);
    c->random.bits = bits;
    if (status == ASSAY_OK)
        status = convert_values(run, r, c);
    free(bits);
    cli_input_close(&c->input);
    return status == ASSAY_OK ? CLI_DONE : cli_fail(run, status);
}

static int open_transforms(const cli *run, request *r, cli_conversion *c)
{
    cli_transforms steps;
    const cli_transform_request *t = &r->transform;
    if (t->list.count == 0 && !t->outliers && !t->index)
        return convert(run, r, c);
    if (r->round.feedback)
        return cli_usage_error(run, "option --transform: not with error feedback");
    assay_status status = cli_transforms_open(t, &steps);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    r->steps = &steps;
    int code = convert(run, r, c);
    cli_transforms_close(&steps);
    return code;
}

static int cast(cli *run)
{
    request r = { .round = { .mode = ASSAY_RNE } };
    const cli_option options[] = { { "to", CLI_TEXT, &r.to, 0, 0 },
                                   { "in", CLI_FORMAT, &r.in, 0, 0 },
                                   { "round", CLI_MODE, &r.round, 0, 0 },
                                   { "overflow", CLI_POLICY, &r.overflow, 0, 0 },
                                   { "nan", CLI_NAN, &r.nan, 0, 0 },
                                   { "codes", CLI_FLAG, &r.codes, 0, 0 },
                                   { "packed", CLI_FLAG, &r.packed, 0, 0 },
                                   { "seed", CLI_INTEGER, &r.seed, 0, UINT64_MAX },
                                   { "stream", CLI_INTEGER, &r.stream, 0, UINT32_MAX },
                                   { "bits", CLI_TEXT, &r.bits, 0, 0 },
                                   { "scales", CLI_TEXT, &r.files.scales, 0, 0 },
                                   { "tensor-scale", CLI_TEXT, &r.files.tensor_scale, 0, 0 },
                                   { "zeros", CLI_TEXT, &r.files.zeros, 0, 0 },
                                   { "nested-scales", CLI_TEXT, &r.files.nested_scales, 0, 0 },
                                   { "nested-offset", CLI_TEXT, &r.files.nested_offset, 0, 0 },
                                   { "layout", CLI_TEXT, &r.layout_name, 0, 0 },
                                   { "transform", CLI_LIST, &r.transform.list, 0, 0 },
                                   { "outliers", CLI_TEXT, &r.transform.outliers, 0, 0 },
                                   { "outlier-index", CLI_TEXT, &r.transform.index, 0, 0 },
                                   { "ef", CLI_TEXT, &r.feedback.along, 0, 0 },
                                   { "residue", CLI_FORMAT, &r.feedback.residue, 0, 0 },
                                   { "residue-in", CLI_TEXT, &r.feedback.in, 0, 0 },
                                   { "residue-out", CLI_TEXT, &r.feedback.out, 0, 0 },
                                   { 0 } };
    int code = cli_parse(run, options, 2, 2);
    if (code != CLI_RUN)
        return code;
    if (!r.to)
        return cli_usage_error(run, "option --to is missing");
    if (r.bits && !assay_mode_is_stochastic(r.round.mode))
        return cli_usage_error(run, "option --bits: the rounding mode takes no random bits");
    const cli_feedback *f = &r.feedback;
    if (!r.round.feedback && (f->along || f->in || f->out || f->residue.bits > 0))
        return cli_usage_error(run,
                               "option --%s: the rounding mode is without error feedback; "
                               "append +ef to it",
                               f->along ? "ef"
                               : f->in  ? "residue-in"
                               : f->out ? "residue-out"
                                        : "residue");
    if (r.layout_name && (r.packed || r.round.feedback))
        return cli_usage_error(run, "option --layout: not with %s",
                               r.packed ? "--packed" : "error feedback");
    if (r.layout_name && assay_layout_parse(r.layout_name, &r.layout) != ASSAY_OK)
        return cli_usage_error(run, "option --layout: %s", assay_last_error());
    cli_conversion c = { .elements = r.packed  ? CLI_PACKED
                                     : r.codes ? CLI_CODES
                                               : CLI_VALUES,
                         .random = { .seed = r.seed, .stream = (uint32_t)r.stream } };
    assay_status status = assay_scheme_parse_for(r.to, r.round, r.overflow, r.nan, &c.scheme);
    if (status != ASSAY_OK)
        return cli_fail_in(run, status, "option --to");
    status = cli_scheme_check(&c.scheme, &r.files);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    return open_transforms(run, &r, &c);
}

const cli_command cli_command_cast = {
    .name = "cast",
    .usage = "IN OUT.npy --to SPEC [--in FORMAT] [--round MODE] [--overflow POLICY] [--nan RULE] "
             "[--codes|--packed] [--seed N] [--stream N] [--bits R.npy] "
             "[--ef time|row|block=N] [--residue FORMAT] [--residue-in F] [--residue-out F] "
             "[--scales F] [--tensor-scale F] [--zeros F] [--nested-scales F] [--nested-offset F] "
             "[--layout NAME] [--transform STEP]... "
             "[--outliers F] "
             "[--outlier-index F]",
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
        "                     the low bits of byte 0\n"
        "  --seed N           of the random bits of stochastic modes (Philox4x32-10); 0 if absent\n"
        "  --stream N         another stream of the same seed, below 2^32; 0 if absent\n"
        "  --bits R.npy       the bits themselves: uint32 of IN's shape, below 2^N of the mode\n"
        "  --scales F         write a scheme's scale codes, one for each block, tile or row\n"
        "  --tensor-scale F   write its float32 tensor scale: value = code x scale x tensor scale\n"
        "  --zeros F          write its zero points\n"
        "  --nested-scales F  write the float32 scales of nested scales, [ceil(scales / nested)]\n"
        "  --nested-offset F  write their float32 offset: scale = code x nested scale + "
        "offset\n" CLI_TRANSFORMS_HELP
        "  --ef AXIS          of MODE+ef: time (along axis 0, the default), row (along the last\n"
        "                     axis) or block=N (reset every N elements of a row); schemes: time\n"
        "  --residue FORMAT   round residues into FORMAT; exact pairs of IN's type if absent\n"
        "  --residue-in F     residues to start from, [2, lanes]: first parts, then second parts\n"
        "  --residue-out F    residues at the end\n",
    .run = cast,
};
