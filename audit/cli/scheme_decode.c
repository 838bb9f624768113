/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit/cli/nested.h"
#include "audit/cli/scheme_part.h"
#include "audit/npy.h"
#include "rounding/scheme_hierarchy.h"

/* Codes of a format out of a file, in containers: integers, or a stored type that is the format. */
typedef struct part {
    cli_input input;
    unsigned char *bytes; /* NULL until it is read */
    size_t width;
} part;

static assay_status open_part(const char *name, const assay_format *format, part *out)
{
    out->width = assay_format_container(format);
    assay_status status = cli_input_open(name, NULL, &out->input);
    if (status == ASSAY_OK && out->input.has_format &&
        strcmp(out->input.format.name, format->name) == 0)
        return ASSAY_OK;
    if (status == ASSAY_OK)
        cli_input_close(&out->input);
    return cli_input_open(name, format, &out->input);
}

static void close_part(part *p)
{
    cli_input_close(&p->input);
    free(p->bytes);
    p->bytes = NULL;
}

static void read_part(const part *p, size_t first, size_t n, unsigned char *out)
{
    const assay_array *a = &p->input.array;
    if (assay_dtypes[a->dtype].bits == 8 * p->width) {
        memcpy(out, a->data + first * p->width, n * p->width);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t code = cli_input_bits(&p->input, first + i);
        memcpy(out + i * p->width, &code, p->width); /* little-endian */
    }
}

/* All of a file that has to have `count` elements; the shape is the caller's matter. */
static assay_status load_part(const char *name, const assay_format *format, size_t count, part *out)
{
    assay_status status = open_part(name, format, out);
    if (status != ASSAY_OK)
        return status;
    size_t n = out->input.array.count;
    out->bytes = malloc(n * out->width + 1);
    if (!out->bytes)
        status = assay_fail(ASSAY_ERR_MEMORY, "%s: no memory", name);
    else if (n != count)
        status = assay_fail(ASSAY_ERR_SHAPE, "%s: shape: %zu elements, but the codes need %zu",
                            name, n, count);
    else
        read_part(out, 0, n, out->bytes);
    if (status != ASSAY_OK)
        close_part(out);
    return status;
}

assay_status scheme_read_tensor_scale(const char *name, float *out)
{
    assay_array a;
    *out = 1;
    if (!name)
        return ASSAY_OK;
    assay_status status = assay_array_open(name, &a);
    if (status != ASSAY_OK)
        return status;
    if (a.dtype != ASSAY_DTYPE_F32 || a.count != 1)
        status = assay_fail(ASSAY_ERR_INPUT, "%s: a tensor scale is one float32", name);
    else
        memcpy(out, a.data, sizeof *out);
    assay_array_close(&a);
    return status;
}

/* A decoding under way. */
typedef struct work {
    const assay_scheme *s;
    part codes, scales, zeros;
    cli_nested nested;
    float tensor;
    size_t ndim, shape[ASSAY_MAX_DIMS]; /* of the values */
    const cli_transforms *undo;         /* or NULL       */
    double *all;                        /* what waits for that */
} work;

/* Values of a hierarchy: [..., blocks, bytes] becomes [..., blocks x elements]. */
static assay_status unfold(work *w)
{
    const assay_hierarchy *h = w->s->hierarchy;
    const assay_array *a = &w->codes.input.array;
    w->ndim = a->ndim;
    memcpy(w->shape, a->shape, sizeof w->shape);
    if (!h)
        return ASSAY_OK;
    if (a->ndim == 0 || a->shape[a->ndim - 1] != h->bytes)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: shape: the last axis of %s has %zu bytes",
                          w->codes.input.name, h->name, h->bytes);
    w->ndim = a->ndim > 1 ? a->ndim - 1 : 1;
    w->shape[w->ndim - 1] = (a->ndim > 1 ? a->shape[a->ndim - 2] : 1) * h->elements;
    return ASSAY_OK;
}

static assay_status open_scales(const cli_scheme_files *f, work *w)
{
    size_t shape[ASSAY_MAX_DIMS], count = 1;
    if (w->s->hierarchy || w->s->block == 0)
        return ASSAY_OK;
    size_t ndim = scheme_scales_shape(w->s, w->ndim, w->shape, shape);
    for (size_t i = 0; i < ndim; i++)
        count *= shape[i];
    if (w->s->nested > 0)
        return cli_nested_read(w->s, ndim, shape, f, &w->nested);
    assay_status status = load_part(f->scales, &w->s->scale.format, count, &w->scales);
    if (status == ASSAY_OK && w->s->has_zero)
        status = load_part(f->zeros, &w->s->element.format, count, &w->zeros);
    return status;
}

static const void *at(const part *p, size_t i)
{
    return p->bytes ? p->bytes + i * p->width : NULL;
}

static const void *scales_at(const work *w, size_t i)
{
    return w->s->nested > 0 ? w->nested.values + i : at(&w->scales, i);
}

static assay_status put(assay_output *out, const double *y, size_t n)
{
    if (fwrite(y, sizeof *y, n, out->stream) != n)
        return assay_fail(ASSAY_ERR_IO, "%s: cannot write: %s", out->path, strerror(errno));
    return ASSAY_OK;
}

static assay_status decode_piece(const work *w, const scheme_piece *p, unsigned char *codes,
                                 double *y, assay_output *out)
{
    const assay_hierarchy *h = w->s->hierarchy;
    size_t n = p->rows * p->cols;
    size_t first = h ? p->first / h->elements * h->bytes : p->first;
    size_t count = h ? n / h->elements * h->bytes : n;
    read_part(&w->codes, first, count, codes);
    cli_input_forget(&w->codes.input, first, count);
    assay_scheme_dequantize(w->s, p->rows, p->cols, codes, scales_at(w, p->scale),
                            at(&w->zeros, p->scale), w->tensor, y);
    if (w->all) {
        memcpy(w->all + p->first, y, n * sizeof *y);
        return ASSAY_OK;
    }
    return put(out, y, n);
}

/* The whole array through the transforms' inverses. */
static assay_status undo(const work *w, assay_output *out)
{
    size_t n = 1;
    for (size_t i = 0; i < w->ndim; i++)
        n *= w->shape[i];
    assay_status status = cli_transforms_undo(w->undo, w->ndim, w->shape, w->all);
    return status == ASSAY_OK ? put(out, w->all, n) : status;
}

static assay_status make_room(work *w, const char *path)
{
    size_t n = 1;
    for (size_t i = 0; i < w->ndim; i++)
        n *= w->shape[i];
    w->all = w->undo ? malloc((n + 1) * sizeof *w->all) : NULL;
    return w->undo && !w->all ? assay_fail(ASSAY_ERR_MEMORY, "%s: no memory", path) : ASSAY_OK;
}

static assay_status write_values(const work *w, const char *path)
{
    scheme_shape all = scheme_shape_of(w->s, w->ndim, w->shape);
    size_t room = all.piece_rows * all.piece_cols + 1;
    double *y = malloc(room * sizeof *y);
    unsigned char *codes = malloc(room * sizeof(uint64_t)); /* no hierarchy has more than 8 bytes
                                                               an element */
    assay_output out = { 0 };
    scheme_piece p = { 0 };
    assay_status status = y && codes ? assay_output_begin(path, &out)
                                     : assay_fail(ASSAY_ERR_MEMORY, "%s: no memory", path);
    if (status == ASSAY_OK)
        status = assay_npy_write_header(out.stream, ASSAY_DTYPE_F64, w->ndim, w->shape);
    while (status == ASSAY_OK && scheme_next_piece(w->s, &all, &p))
        status = decode_piece(w, &p, codes, y, &out);
    if (status == ASSAY_OK && w->undo)
        status = undo(w, &out);
    if (status == ASSAY_OK)
        status = assay_output_commit(&out);
    else
        assay_output_abort(&out);
    free(y);
    free(codes);
    return status;
}

static assay_status check_given(const assay_scheme *s, const cli_scheme_files *f)
{
    bool parts = s->block > 0 && !s->hierarchy;
    if (parts && !f->scales)
        return assay_fail(ASSAY_ERR_USAGE, "option --scales is missing");
    if (s->has_zero && !f->zeros)
        return assay_fail(ASSAY_ERR_USAGE, "option --zeros is missing");
    return ASSAY_OK;
}

assay_status cli_scheme_decode(const assay_scheme *s, const char *codes,
                               const cli_scheme_files *files, const cli_transforms *back,
                               const char *path)
{
    static const char *const bytes = "uint8";
    work w = { .s = s, .undo = back };
    assay_format format = s->element.format;
    assay_status status = cli_scheme_check(s, files);
    if (status == ASSAY_OK)
        status = check_given(s, files);
    if (status == ASSAY_OK && s->hierarchy)
        status = assay_format_parse(bytes, &format);
    if (status == ASSAY_OK)
        status = scheme_read_tensor_scale(files->tensor_scale, &w.tensor);
    if (status == ASSAY_OK)
        status = open_part(codes, &format, &w.codes);
    if (status != ASSAY_OK)
        return status;
    status = unfold(&w);
    if (status == ASSAY_OK)
        status = open_scales(files, &w);
    if (status == ASSAY_OK)
        status = make_room(&w, path);
    if (status == ASSAY_OK)
        status = write_values(&w, path);
    free(w.all);
    cli_nested_free(&w.nested);
    close_part(&w.codes);
    if (w.scales.bytes)
        close_part(&w.scales);
    if (w.zeros.bytes)
        close_part(&w.zeros);
    return status;
}
