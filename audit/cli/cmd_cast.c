/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/convert.h"
#include "audit/cli/options.h"

/* What the command line says, before any file is opened. */
typedef struct request {
    const char *to, *bits;
    assay_format in;
    assay_rounding round;
    assay_overflow overflow;
    assay_nan_rule nan;
    bool codes, packed;
    uint64_t seed, stream;
} request;

/* R for each element: uint32 of the input's shape, each below 2^N of the mode. */
static assay_status open_bits(const request *r, const cli_input *input, assay_array *bits)
{
    assay_status status = assay_array_open(r->bits, bits);
    if (status != ASSAY_OK)
        return status;
    const assay_array *a = &input->array;
    bool same = bits->ndim == a->ndim;
    for (size_t i = 0; same && i < a->ndim; i++)
        same = bits->shape[i] == a->shape[i];
    if (bits->dtype != ASSAY_DTYPE_U32)
        status = assay_fail(ASSAY_ERR_INPUT, "%s: dtype: the bits have to be uint32", r->bits);
    else if (!same)
        status = assay_fail(ASSAY_ERR_SHAPE, "%s: shape: not that of %s", r->bits, input->name);
    const uint32_t *words = (const uint32_t *)(const void *)bits->data;
    for (size_t i = 0; status == ASSAY_OK && r->round.bits > 0 && i < bits->count; i++)
        if ((uint64_t)words[i] >> r->round.bits != 0)
            status = assay_fail(ASSAY_ERR_VALUE, "%s: element %zu: %u needs more than %d bits",
                                r->bits, i, words[i], r->round.bits);
    if (status != ASSAY_OK)
        assay_array_close(bits);
    return status;
}

static int convert(const cli *run, const request *r, cli_conversion *c)
{
    const assay_format *in = r->in.bits > 0 ? &r->in : NULL;
    assay_array bits;
    assay_status status = cli_input_open(run->operands[0], in, &c->input);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    if (r->bits) {
        status = open_bits(r, &c->input, &bits);
        c->random.bits = status == ASSAY_OK ? (const uint32_t *)(const void *)bits.data : NULL;
    }
    if (status == ASSAY_OK)
        status = cli_convert(c, run->operands[1]);
    if (c->random.bits)
        assay_array_close(&bits);
    cli_input_close(&c->input);
    return status == ASSAY_OK ? CLI_DONE : cli_fail(run, status);
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
                                   { 0 } };
    int code = cli_parse(run, options, 2, 2);
    if (code != CLI_RUN)
        return code;
    if (!r.to)
        return cli_usage_error(run, "option --to is missing");
    if (r.bits && !assay_mode_is_stochastic(r.round.mode))
        return cli_usage_error(run, "option --bits: the rounding mode takes no random bits");
    cli_conversion c = { .elements = r.packed  ? CLI_PACKED
                                     : r.codes ? CLI_CODES
                                               : CLI_VALUES,
                         .random = { .seed = r.seed, .stream = (uint32_t)r.stream } };
    assay_status status = assay_scheme_parse_for(r.to, r.round, r.overflow, r.nan, &c.scheme);
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
             "[--codes|--packed] [--seed N] [--stream N] [--bits R.npy]",
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
        "  --bits R.npy       the bits themselves: uint32 of IN's shape, below 2^N of the mode\n",
    .run = cast,
};
