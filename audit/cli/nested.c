/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/nested.h"

#include <stdlib.h>
#include <string.h>

#include "audit/cli/input.h"

assay_status cli_nested_make(const assay_scheme *s, size_t ndim, const size_t *shape,
                             const char *name, cli_nested *out)
{
    *out = (cli_nested){ .count = 1 };
    for (size_t i = 0; i < ndim; i++)
        out->count *= shape[i];
    out->blocks = out->count / s->nested + (out->count % s->nested != 0);
    out->values = malloc((out->count + 1) * sizeof *out->values);
    out->codes = malloc(out->count + 1);
    out->scales = malloc((out->blocks + 1) * sizeof *out->scales);
    if (out->values && out->codes && out->scales)
        return ASSAY_OK;
    cli_nested_free(out);
    return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory for its scales", name);
}

void cli_nested_free(cli_nested *t)
{
    free(t->values);
    free(t->codes);
    free(t->scales);
    *t = (cli_nested){ 0 };
}

/* `count` float32 of a file. */
static assay_status read_floats(const char *name, size_t count, float *out)
{
    assay_array a;
    assay_status status = assay_array_open(name, &a);
    if (status != ASSAY_OK)
        return status;
    if (a.dtype != ASSAY_DTYPE_F32)
        status =
            assay_fail(ASSAY_ERR_INPUT, "%s: dtype: nested scales and offset are float32", name);
    else if (a.count != count)
        status = assay_fail(ASSAY_ERR_SHAPE, "%s: shape: %zu elements, but the codes need %zu",
                            name, a.count, count);
    else if (count > 0)
        memcpy(out, a.data, count * sizeof *out);
    assay_array_close(&a);
    return status;
}

static assay_status read_codes(const assay_scheme *s, const char *name, cli_nested *t)
{
    cli_input in;
    assay_status status = cli_input_open(name, &s->map.format, &in);
    if (status != ASSAY_OK)
        return status;
    if (in.array.count != t->count)
        status = assay_fail(ASSAY_ERR_SHAPE, "%s: shape: %zu elements, but the codes need %zu",
                            name, in.array.count, t->count);
    for (size_t i = 0; status == ASSAY_OK && i < t->count; i++)
        t->codes[i] = (unsigned char)cli_input_bits(&in, i);
    cli_input_close(&in);
    return status;
}

assay_status cli_nested_read(const assay_scheme *s, size_t ndim, const size_t *shape,
                             const cli_scheme_files *f, cli_nested *out)
{
    if (!f->nested_scales || !f->nested_offset)
        return assay_fail(ASSAY_ERR_USAGE, "option --nested-%s is missing",
                          f->nested_scales ? "offset" : "scales");
    assay_status status = cli_nested_make(s, ndim, shape, f->scales, out);
    if (status != ASSAY_OK)
        return status;
    status = read_codes(s, f->scales, out);
    if (status == ASSAY_OK)
        status = read_floats(f->nested_scales, out->blocks, out->scales);
    if (status == ASSAY_OK)
        status = read_floats(f->nested_offset, 1, &out->offset);
    if (status == ASSAY_OK)
        assay_scheme_unnest(s, out->count, out->codes, out->scales, out->offset, out->values);
    else
        cli_nested_free(out);
    return status;
}
