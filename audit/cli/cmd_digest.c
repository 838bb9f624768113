/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "audit/array.h"
#include "audit/cli/options.h"
#include "audit/digest.h"

static int print_digest(const cli *run, const char *name, bool by_value)
{
    assay_array array;
    assay_status status = assay_array_open(name, &array);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    char hex[ASSAY_DIGEST_HEX];
    status = assay_digest(array.dtype, array.ndim, array.shape, array.data, by_value, hex);
    assay_array_close(&array);
    if (status != ASSAY_OK)
        return cli_fail_in(run, status, name);
    printf("%s  %s\n", hex, name);
    return CLI_DONE;
}

static int digest(cli *run)
{
    bool by_value = false;
    const cli_option options[] = { { "value", CLI_FLAG, &by_value, 0, 0 }, { 0 } };
    int code = cli_parse(run, options, 1, SIZE_MAX);
    if (code != CLI_RUN)
        return code;
    code = CLI_DONE;
    for (size_t i = 0; i < run->count && code == CLI_DONE; i++)
        code = print_digest(run, run->operands[i], by_value);
    return code;
}

const cli_command cli_command_digest = {
    .name = "digest",
    .usage = "FILE... [--value]",
    .summary = "Print the SHA-256 of each array's type, shape and bytes",
    .help = "FILE is an .npy file or FILE.safetensors:TENSOR. Prints `HEX  NAME`, and stops at\n"
            "the first file that cannot be read.\n\n"
            "  --value  the digest of the values: -0 counts as +0, every NaN as one\n",
    .run = digest,
};
