/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/scheme_layout.h"

#include <stdlib.h>
#include <string.h>

#include "audit/cli/nested.h"
#include "audit/cli/scheme_part.h"
#include "audit/npy.h"

enum { TENSOR = ASSAY_PART_ZEROS + 1, NESTED, OFFSET, FILES };

/* A matrix: its parts in containers and as they are stored. */
typedef struct work {
    const assay_scheme *s;
    assay_layout layout;
    size_t rows, cols;
    assay_scale_shape scales;
    double *x;
    void *plain[TENSOR], *stored[TENSOR];
    cli_nested nested;
    assay_output out[FILES];
} work;

static const assay_format *format_of(const work *w, int part)
{
    if (part == ASSAY_PART_SCALES)
        return w->s->nested > 0 ? &w->s->map.format : &w->s->scale.format;
    return &w->s->element.format;
}

static size_t count_of(const work *w, int part)
{
    return part == ASSAY_PART_CODES ? w->rows * w->cols : w->scales.rows * w->scales.cols;
}

static assay_status stored_of(const work *w, int part, assay_stored *out)
{
    bool codes = part == ASSAY_PART_CODES;
    return assay_layout_stored(w->layout, (assay_part)part, format_of(w, part),
                               codes ? w->rows : w->scales.rows, codes ? w->cols : w->scales.cols,
                               out);
}

static size_t bytes_of(const assay_stored *s)
{
    return s->width * s->shape[0] * (s->ndim > 1 ? s->shape[1] : 1);
}

static assay_status check(const work *w)
{
    if (w->s->hierarchy)
        return assay_fail(ASSAY_ERR_USAGE,
                          "option --layout: the blocks have a layout of their own");
    if (w->s->nested > 0 && w->layout != ASSAY_LAYOUT_BITSANDBYTES)
        return assay_fail(ASSAY_ERR_USAGE,
                          "option --layout: nested scales have the layout bitsandbytes only");
    if (assay_format_container(&w->s->element.format) > 1)
        return assay_fail(ASSAY_ERR_USAGE, "option --layout: codes of %d bits are not packed",
                          w->s->element.format.bits);
    return ASSAY_OK;
}

static bool wanted(const work *w, int part)
{
    if (part == ASSAY_PART_ZEROS)
        return w->s->has_zero;
    return part == ASSAY_PART_CODES || w->s->block > 0;
}

static assay_status allocate(work *w)
{
    size_t n = w->rows * w->cols;
    assay_status status = ASSAY_OK;
    w->scales = assay_scheme_scales(w->s, w->rows, w->cols);
    w->x = malloc((n + 1) * sizeof *w->x);
    bool all = w->x != NULL;
    for (int part = 0; part < TENSOR && status == ASSAY_OK; part++) {
        assay_stored stored;
        if (!wanted(w, part))
            continue;
        status = stored_of(w, part, &stored);
        if (status != ASSAY_OK)
            break;
        w->plain[part] = calloc(count_of(w, part) + 1, assay_format_container(format_of(w, part)));
        w->stored[part] = malloc(bytes_of(&stored) + 1);
        all = all && w->plain[part] && w->stored[part];
    }
    if (status == ASSAY_OK && !all)
        status = assay_fail(ASSAY_ERR_MEMORY, "no memory for the matrix");
    return status;
}

static void release(work *w)
{
    free(w->x);
    cli_nested_free(&w->nested);
    for (int part = 0; part < TENSOR; part++) {
        free(w->plain[part]);
        free(w->stored[part]);
    }
}

static assay_status shape_matrix(work *w, size_t ndim, const size_t *shape, const char *name)
{
    if (ndim > 2)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: shape: layouts are of matrices, this has %zu axes",
                          name, ndim);
    w->rows = ndim > 1 ? shape[0] : 1;
    w->cols = ndim > 0 ? shape[ndim - 1] : 1;
    if (w->layout == ASSAY_LAYOUT_BITSANDBYTES) {
        w->cols *= w->rows;
        w->rows = 1;
    }
    return ASSAY_OK;
}

/* ---- to files ---- */

static void write_part(work *w, int part, const char *path, assay_status *status)
{
    static const assay_dtype types[] = {
        [1] = ASSAY_DTYPE_U8, [2] = ASSAY_DTYPE_U16, [4] = ASSAY_DTYPE_U32
    };
    assay_stored s = { 0 };
    bool codes = part == ASSAY_PART_CODES;
    if (*status != ASSAY_OK || !path)
        return;
    *status = stored_of(w, part, &s);
    if (*status != ASSAY_OK)
        return;
    assay_layout_store(w->layout, (assay_part)part, format_of(w, part),
                       codes ? w->rows : w->scales.rows, codes ? w->cols : w->scales.cols,
                       w->plain[part], w->stored[part]);
    *status = assay_output_begin(path, &w->out[part]);
    if (*status == ASSAY_OK)
        *status =
            assay_npy_write(w->out[part].stream, types[s.width], s.ndim, s.shape, w->stored[part]);
}

static void write_floats(work *w, int file, const char *path, size_t n, const float *x,
                         assay_status *status)
{
    if (*status != ASSAY_OK || !path)
        return;
    *status = assay_output_begin(path, &w->out[file]);
    if (*status == ASSAY_OK)
        *status = assay_npy_write(w->out[file].stream, ASSAY_DTYPE_F32, 1, &n, x);
}

static assay_status write_all(work *w, const cli_scheme_files *f, const char *path, float tensor)
{
    size_t n = 0;
    assay_output kept[FILES];
    assay_status status = ASSAY_OK;
    write_part(w, ASSAY_PART_CODES, path, &status);
    write_part(w, ASSAY_PART_SCALES, f->scales, &status);
    write_part(w, ASSAY_PART_ZEROS, f->zeros, &status);
    write_floats(w, TENSOR, f->tensor_scale, 1, &tensor, &status);
    write_floats(w, NESTED, f->nested_scales, w->nested.blocks, w->nested.scales, &status);
    write_floats(w, OFFSET, f->nested_offset, 1, &w->nested.offset, &status);
    for (int i = 0; i < FILES; i++)
        if (w->out[i].stream)
            kept[n++] = w->out[i];
    if (status == ASSAY_OK)
        return assay_output_commit_all(kept, n);
    while (n > 0)
        assay_output_abort(&kept[--n]);
    return status;
}

static assay_status make_nested(work *w, const char *name)
{
    const size_t shape[] = { w->scales.rows, w->scales.cols };
    return cli_nested_make(w->s, 2, shape, name, &w->nested);
}

/* Scales that elements are quantized with. */
static void *scales_of(const work *w)
{
    return w->s->nested > 0 ? w->nested.values : w->plain[ASSAY_PART_SCALES];
}

static void nest(work *w)
{
    cli_nested *t = &w->nested;
    if (w->s->nested == 0)
        return;
    t->offset = assay_scheme_nest(w->s, t->count, t->values, t->codes, t->scales);
    memcpy(w->plain[ASSAY_PART_SCALES], t->codes, t->count);
}

assay_status cli_layout_cast(const cli_conversion *c, const cli_scheme_files *files,
                             assay_layout layout, const char *path)
{
    const cli_input *input = &c->input;
    work w = { .s = &c->scheme, .layout = layout };
    assay_tensor_scale tensor = assay_scheme_tensor_scale(&c->scheme, 0);
    assay_status status = check(&w);
    if (status == ASSAY_OK)
        status = cli_scheme_check(w.s, files);
    if (status == ASSAY_OK && cli_input_is_wide(input))
        status = assay_fail(ASSAY_ERR_INPUT, "%s: dtype: blocks need float64 values", input->name);
    if (status == ASSAY_OK)
        status = shape_matrix(&w, input->array.ndim, input->array.shape, input->name);
    if (status == ASSAY_OK)
        status = allocate(&w);
    if (status == ASSAY_OK && w.s->nested > 0)
        status = make_nested(&w, input->name);
    if (status == ASSAY_OK) {
        if (c->values)
            memcpy(w.x, c->values, w.rows * w.cols * sizeof *w.x);
        else
            cli_input_read(input, 0, w.rows * w.cols, w.x);
        tensor = assay_scheme_tensor_scale(w.s, assay_scheme_amax(w.s, w.rows, w.cols, w.x));
        const assay_quantized out = { w.plain[ASSAY_PART_CODES], scales_of(&w),
                                      w.plain[ASSAY_PART_ZEROS], NULL };
        assay_scheme_quantize(w.s, &tensor, w.rows, w.cols, w.x, &c->random, 0, &out);
        nest(&w);
        status = write_all(&w, files, path, tensor.stored);
    }
    release(&w);
    return status;
}

/* ---- and back ---- */

/* The matrix that stored codes [a, b] are, with as many columns as there is room for. */
static assay_status shape_from(work *w, const assay_array *stored, size_t cols, const char *name)
{
    size_t bits = (size_t)w->s->element.format.bits;
    if (stored->ndim != 2)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: shape: stored codes have two axes", name);
    size_t a = stored->shape[0], b = stored->shape[1];
    switch (w->layout) {
    case ASSAY_LAYOUT_GPTQ:
    case ASSAY_LAYOUT_GPTQ_V2: w->rows = b, w->cols = a * 32 / bits; break;
    case ASSAY_LAYOUT_AWQ: w->rows = b * 8, w->cols = a; break;
    case ASSAY_LAYOUT_BITSANDBYTES: w->rows = 1, w->cols = 2 * a; break;
    case ASSAY_LAYOUT_WORDS: w->rows = a, w->cols = b * 32 / bits; break;
    default: w->rows = a, w->cols = b * 8 / bits;
    }
    if (cols > w->cols)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: shape: it has no room for %zu columns", name, cols);
    w->cols = cols > 0 ? cols : w->cols;
    return ASSAY_OK;
}

static assay_status load(work *w, int part, const char *name, const assay_array *a)
{
    assay_stored s;
    bool codes = part == ASSAY_PART_CODES;
    assay_status status = stored_of(w, part, &s);
    if (status != ASSAY_OK)
        return status;
    size_t count = s.shape[0] * (s.ndim > 1 ? s.shape[1] : 1);
    if (assay_dtypes[a->dtype].bits != 8 * s.width)
        return assay_fail(ASSAY_ERR_INPUT, "%s: dtype: expected integers of %zu bytes", name,
                          s.width);
    if (a->count != count)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: shape: %zu elements, but the layout has %zu", name,
                          a->count, count);
    memcpy(w->stored[part], a->data, count * s.width);
    assay_layout_load(w->layout, (assay_part)part, format_of(w, part),
                      codes ? w->rows : w->scales.rows, codes ? w->cols : w->scales.cols,
                      w->stored[part], w->plain[part]);
    return ASSAY_OK;
}

static assay_status load_file(work *w, int part, const char *name)
{
    assay_array a;
    if (!wanted(w, part))
        return ASSAY_OK;
    if (!name)
        return assay_fail(ASSAY_ERR_USAGE, "option --%s is missing",
                          part == ASSAY_PART_SCALES ? "scales" : "zeros");
    assay_status status = assay_array_open(name, &a);
    if (status != ASSAY_OK)
        return status;
    status = load(w, part, name, &a);
    assay_array_close(&a);
    return status;
}

static assay_status load_scales(work *w, const cli_scheme_files *f)
{
    const size_t shape[] = { w->scales.rows, w->scales.cols };
    if (w->s->nested == 0 || !f->scales)
        return load_file(w, ASSAY_PART_SCALES, f->scales);
    return cli_nested_read(w->s, 2, shape, f, &w->nested);
}

static assay_status write_values(work *w, const cli_transforms *undo, const char *path)
{
    const size_t shape[] = { w->rows, w->cols };
    assay_output out = { 0 };
    assay_status status = undo ? cli_transforms_undo(undo, 2, shape, w->x) : ASSAY_OK;
    if (status == ASSAY_OK)
        status = assay_output_begin(path, &out);
    if (status == ASSAY_OK)
        status = assay_npy_write(out.stream, ASSAY_DTYPE_F64, 2, shape, w->x);
    if (status == ASSAY_OK)
        return assay_output_commit(&out);
    assay_output_abort(&out);
    return status;
}

assay_status cli_layout_decode(const assay_scheme *s, const char *codes,
                               const cli_scheme_files *files, assay_layout layout, size_t cols,
                               const cli_transforms *undo, const char *path)
{
    assay_array a;
    float tensor = 1;
    work w = { .s = s, .layout = layout };
    assay_status status = check(&w);
    if (status == ASSAY_OK)
        status = cli_scheme_check(s, files);
    if (status == ASSAY_OK)
        status = assay_array_open(codes, &a);
    if (status != ASSAY_OK)
        return status;
    status = shape_from(&w, &a, cols, codes);
    if (status == ASSAY_OK)
        status = allocate(&w);
    if (status == ASSAY_OK)
        status = load(&w, ASSAY_PART_CODES, codes, &a);
    assay_array_close(&a);
    if (status == ASSAY_OK)
        status = load_scales(&w, files);
    if (status == ASSAY_OK)
        status = load_file(&w, ASSAY_PART_ZEROS, files->zeros);
    if (status == ASSAY_OK)
        status = scheme_read_tensor_scale(files->tensor_scale, &tensor);
    if (status == ASSAY_OK) {
        assay_scheme_dequantize(s, w.rows, w.cols, w.plain[ASSAY_PART_CODES], scales_of(&w),
                                w.plain[ASSAY_PART_ZEROS], tensor, w.x);
        status = write_values(&w, undo, path);
    }
    release(&w);
    return status;
}
