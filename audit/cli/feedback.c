/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/feedback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/npy.h"
#include "formats/spec.h"
#include "rounding/array.h"
#include "rounding/feedback.h"

/* One run: a residue is a pair of the input's type, float64 for integers, float32 for what is
 * narrower. */
typedef struct feedback_run {
    const cli_feedback *options;
    cli_conversion *c;
    const cli_scheme_files *files;
    const char *path;
    assay_feedback feedback;
    assay_feedback_shape shape;
    assay_feedback_counts counts;
    size_t lanes, width; /* width: bytes of one number of a residue */
    void *hi, *lo, *x;   /* x: operands and results of that width   */
} feedback_run;

static bool is_narrow(const cli_input *input)
{
    return input->has_format && !input->is_codes && input->array.dtype != ASSAY_DTYPE_F64;
}

/* time: axis 0 by all the rest; else all axes but the last by the last. */
static assay_status set_shape(feedback_run *run)
{
    const assay_array *a = &run->c->input.array;
    const char *along = run->options->along ? run->options->along : "time";
    static const char *const words[] = { "time", "row", "block", NULL };
    assay_spec_item block = { .key = "block", .value = along + 6 };
    long size = 0;
    int layout = 0;
    bool is_block = strncmp(along, "block=", 6) == 0;
    assay_status status = is_block ? assay_spec_integer(&block, 1, 1L << 40, &size)
                                   : assay_spec_word("--ef", along, words, &layout);
    if (status == ASSAY_OK && layout == 2)
        status = assay_fail(ASSAY_ERR_USAGE,
                            "--ef block: %s has no blocks; say --ef block=N for blocks of N",
                            run->c->scheme.element.format.name);
    if (status != ASSAY_OK)
        return status;
    size_t last = a->ndim > 0 ? a->shape[a->ndim - 1] : 1, first = a->ndim > 0 ? a->shape[0] : 1;
    assay_feedback_shape *s = &run->shape;
    s->layout = is_block ? ASSAY_FEEDBACK_BLOCK : (assay_feedback_layout)layout;
    s->rows = s->layout == ASSAY_FEEDBACK_TIME ? first : last ? a->count / last : 0;
    s->columns = s->layout == ASSAY_FEEDBACK_TIME ? (first ? a->count / first : 0) : last;
    s->stride = s->columns;
    s->block = (size_t)size;
    run->lanes = assay_feedback_lanes(s);
    return ASSAY_OK;
}

static assay_status make(feedback_run *run)
{
    const cli_feedback *o = run->options;
    const assay_rounder *r = &run->c->scheme.element;
    assay_rounder residue;
    bool narrow = is_narrow(&run->c->input);
    run->width = narrow ? sizeof(float) : sizeof(double);
    if (run->c->scheme.block > 0) {
        assay_status usable = assay_scheme_feedback_check(&run->c->scheme);
        bool tiles = run->c->scheme.extent == ASSAY_EXTENT_TILE;
        if (usable == ASSAY_OK && run->c->input.array.ndim < (tiles ? 3 : 2))
            usable = assay_fail(ASSAY_ERR_SHAPE,
                                "%s: shape: error feedback needs an axis of time "
                                "before %s",
                                run->c->input.name,
                                tiles ? "the two of the tiles" : "that of the blocks");
        if (usable == ASSAY_OK && o->along && strcmp(o->along, "time") != 0)
            usable = assay_fail(ASSAY_ERR_USAGE,
                                "--ef %s: a block's scale depends on all of its x + e, so that "
                                "schemes feed back along time",
                                o->along);
        if (usable != ASSAY_OK)
            return usable;
    }
    if (cli_input_is_wide(&run->c->input) || !r->format.fits_binary64)
        return assay_fail(ASSAY_ERR_USAGE,
                          "--round: error feedback needs values that float64 holds");
    assay_status status = ASSAY_OK;
    if (o->residue.bits > 0)
        status = assay_rounder_make(&o->residue, ASSAY_RNE, ASSAY_OVERFLOW_SPEC,
                                    ASSAY_NAN_RULE_DEFAULT, &residue);
    if (status == ASSAY_OK)
        status =
            assay_feedback_make(r, o->residue.bits > 0 ? &residue : NULL,
                                narrow ? ASSAY_FEEDBACK_F32 : ASSAY_FEEDBACK_F64, &run->feedback);
    return status == ASSAY_OK ? set_shape(run) : status;
}

static assay_status allocate(feedback_run *run)
{
    size_t count = run->c->input.array.count;
    run->hi = calloc(run->lanes + 1, run->width);
    run->lo = calloc(run->lanes + 1, run->width);
    run->x = malloc((count + 1) * run->width);
    bool blocks = run->c->scheme.block > 0; /* which are read piece by piece */
    run->c->values = blocks ? NULL : malloc((count + 1) * sizeof(double));
    if (run->hi && run->lo && run->x && (blocks || run->c->values))
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory for %zu elements", run->c->input.name,
                      count);
}

/* The file's shape: [2, lanes], first hi and then lo. */
static assay_status read_residues(feedback_run *run)
{
    const char *path = run->options->in;
    assay_array a;
    assay_status status = path ? assay_array_open(path, &a) : ASSAY_OK;
    if (!path || status != ASSAY_OK)
        return status;
    assay_dtype want = run->width == 4 ? ASSAY_DTYPE_F32 : ASSAY_DTYPE_F64;
    size_t bytes = run->lanes * run->width;
    if (a.dtype != want)
        status = assay_fail(ASSAY_ERR_INPUT, "%s: dtype: residues here are %s", path,
                            assay_dtypes[want].word);
    else if (a.ndim != 2 || a.shape[0] != 2 || a.shape[1] != run->lanes)
        status = assay_fail(ASSAY_ERR_SHAPE, "%s: shape: expected [2, %zu]", path, run->lanes);
    if (status == ASSAY_OK && bytes > 0) {
        memcpy(run->hi, a.data, bytes);
        memcpy(run->lo, a.data + bytes, bytes);
    }
    assay_array_close(&a);
    return status;
}

static assay_status write_residues(const feedback_run *run, assay_output *out)
{
    const char *path = run->options->out;
    if (!path)
        return ASSAY_OK;
    assay_status status = assay_output_begin(path, out);
    if (status != ASSAY_OK)
        return status;
    const size_t shape[] = { 2, run->lanes };
    status = assay_npy_write_header(out->stream,
                                    run->width == 4 ? ASSAY_DTYPE_F32 : ASSAY_DTYPE_F64, 2, shape);
    bool written = fwrite(run->hi, run->width, run->lanes, out->stream) == run->lanes &&
                   fwrite(run->lo, run->width, run->lanes, out->stream) == run->lanes;
    if (status == ASSAY_OK && !written)
        status = assay_fail(ASSAY_ERR_IO, "%s: cannot write", path);
    return status;
}

static double number_at(const feedback_run *run, const void *from, size_t i)
{
    return run->width == 4 ? (double)((const float *)from)[i] : ((const double *)from)[i];
}

static void set_number(const feedback_run *run, void *to, size_t i, double x)
{
    if (run->width == 4)
        ((float *)to)[i] = (float)x; /* a residue of that type */
    else
        ((double *)to)[i] = x;
}

/* A scheme writes its files itself. */
static assay_status quantize_blocks(feedback_run *run)
{
    cli_conversion *c = run->c;
    cli_scheme_feedback carried = { .feedback = run->feedback, .slice = run->lanes };
    carried.hi = malloc((run->lanes + 1) * sizeof(double));
    carried.lo = malloc((run->lanes + 1) * sizeof(double));
    assay_status status = carried.hi && carried.lo
                              ? ASSAY_OK
                              : assay_fail(ASSAY_ERR_MEMORY, "%s: no memory", c->input.name);
    for (size_t i = 0; status == ASSAY_OK && i < run->lanes; i++) {
        carried.hi[i] = number_at(run, run->hi, i);
        carried.lo[i] = number_at(run, run->lo, i);
    }
    c->carried = &carried;
    if (status == ASSAY_OK)
        status = cli_scheme_cast(c, run->files, run->path);
    c->carried = NULL;
    for (size_t i = 0; status == ASSAY_OK && i < run->lanes; i++) {
        set_number(run, run->hi, i, carried.hi[i]);
        set_number(run, run->lo, i, carried.lo[i]);
    }
    run->counts = carried.counts;
    free(carried.hi);
    free(carried.lo);
    return status;
}

static assay_status quantize(feedback_run *run)
{
    cli_conversion *c = run->c;
    size_t n = c->input.array.count;
    double *values = c->values;
    if (c->scheme.block > 0)
        return quantize_blocks(run);
    cli_input_read(&c->input, 0, n, values);
    if (c->scheme.element.nan_is_error) {
        size_t i = assay_find_nan_f64(values, n);
        if (i < n)
            return assay_fail(ASSAY_ERR_VALUE, "%s: element %zu: NaN, and %s has none",
                              c->input.name, i, c->scheme.element.format.name);
    }
    if (run->width == sizeof(double))
        return assay_feedback_array_f64(&run->feedback, &run->shape, values, values, &c->random, 0,
                                        run->hi, run->lo, &run->counts);
    float *x = run->x;
    for (size_t i = 0; i < n; i++)
        x[i] = (float)values[i];
    assay_status status = assay_feedback_array_f32(&run->feedback, &run->shape, x, x, &c->random, 0,
                                                   run->hi, run->lo, &run->counts);
    for (size_t i = 0; i < n; i++)
        values[i] = x[i];
    return status;
}

void cli_feedback_report(const char *command, const assay_feedback_counts *k)
{
    if (k->resets + k->clamps + k->inexact == 0)
        return;
    fprintf(stderr,
            "assay %s: error feedback: %llu residues set to 0 (not finite), %llu clamped "
            "(saturation), %llu rounded, each by at most %g\n",
            command, (unsigned long long)k->resets, (unsigned long long)k->clamps,
            (unsigned long long)k->inexact, k->max_error);
}

assay_status cli_feedback_run(const cli_feedback *options, bool quiet, cli_conversion *c,
                              const cli_scheme_files *files, const char *path, assay_output *out)
{
    feedback_run run = { .options = options, .c = c, .files = files, .path = path };
    assay_status status = make(&run);
    if (status == ASSAY_OK)
        status = allocate(&run);
    if (status == ASSAY_OK)
        status = read_residues(&run);
    if (status == ASSAY_OK)
        status = quantize(&run);
    if (status == ASSAY_OK)
        status = write_residues(&run, out);
    if (status == ASSAY_OK && !quiet)
        cli_feedback_report("cast", &run.counts);
    free(run.hi);
    free(run.lo);
    free(run.x);
    return status;
}
