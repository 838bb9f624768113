/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/scheme_cast.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/cli/hexfloat.h"
#include "audit/cli/nested.h"
#include "audit/cli/scheme_part.h"
#include "audit/npy.h"
#include "formats/pack.h"
#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/scheme_hierarchy.h"

enum { CODES, SCALES, ZEROS, TENSOR, NESTED, OFFSET, FILES };

/* One conversion under way. Buffers hold the largest piece. */
typedef struct work {
    const cli_conversion *c;
    const assay_scheme *s;
    assay_scheme whole; /* of a tensor with one scale, where pieces are quantized by it */
    bool nan;           /* which is NaN                                                 */
    scheme_shape shape;
    assay_tensor_scale tensor;
    assay_rounder into; /* rne into the input's type */
    assay_output out[FILES];
    double *x, *u; /* u: of error feedback */
    unsigned char *codes, *scales, *zeros;
    cli_nested nested;
    size_t carried; /* codes of the last piece that did not fill a byte yet */
} work;

assay_status cli_scheme_check(const assay_scheme *s, const cli_scheme_files *f)
{
    bool parts = s->block > 0 && !s->hierarchy;
    if (f->scales && !parts)
        return assay_fail(ASSAY_ERR_USAGE, "option --scales: %s",
                          s->hierarchy ? "the scales are fields of the blocks"
                                       : "the format has no scales");
    if (f->zeros && !s->has_zero)
        return assay_fail(ASSAY_ERR_USAGE, "option --zeros: the scheme has no zero points");
    if (f->tensor_scale && !s->has_tensor_scale)
        return assay_fail(ASSAY_ERR_USAGE, "option --tensor-scale: the scheme has none");
    if ((f->nested_scales || f->nested_offset) && s->nested == 0)
        return assay_fail(ASSAY_ERR_USAGE, "option --nested-%s: the scheme's scales are not nested",
                          f->nested_scales ? "scales" : "offset");
    return ASSAY_OK;
}

static size_t code_bytes(const work *w)
{
    return assay_format_container(&w->s->element.format);
}

/* Bytes of the codes of a piece, hierarchies included. */
static size_t piece_bytes(const assay_scheme *s, size_t rows, size_t cols)
{
    if (!s->hierarchy)
        return rows * cols * assay_format_container(&s->element.format);
    return rows * ((cols + s->hierarchy->elements - 1) / s->hierarchy->elements) *
           s->hierarchy->bytes;
}

static assay_status put(assay_output *out, const void *bytes, size_t size)
{
    if (out->stream && size > 0 && fwrite(bytes, 1, size, out->stream) != size)
        return assay_fail(ASSAY_ERR_IO, "%s: cannot write: %s", out->path, strerror(errno));
    return ASSAY_OK;
}

static void read(const work *w, size_t first, size_t n)
{
    if (w->c->values)
        memcpy(w->x, w->c->values + first, n * sizeof *w->x);
    else
        cli_input_read(&w->c->input, first, n, w->x);
    for (size_t i = 0; i < n && w->nan; i++)
        w->x[i] = NAN;
}

/* ---- values in the input's type ---- */

static assay_status refuse(const work *w, size_t i, double x, const char *why)
{
    const cli_input *input = &w->c->input;
    char value[CLI_HEXFLOAT_BYTES];
    return assay_fail(ASSAY_ERR_VALUE, "%s: element %zu: %s %s", input->name, i,
                      cli_hexfloat(x, value), why);
}

/* A whole value in the range of the input's integers. */
static bool integer_bits(const cli_input *input, double value, uint64_t *bits)
{
    const assay_dtype_info *d = &assay_dtypes[input->array.dtype];
    bool is_signed = d->kind == ASSAY_SIGNED;
    double top = assay_pow2((int)d->bits - is_signed), y = rint(value);
    if (!(y < top && y >= (is_signed ? -top : 0)))
        return false;
    *bits = y < 0 ? (uint64_t)(int64_t)y : (uint64_t)y;
    return true;
}

/* In place of the doubles: one rounding to nearest into the type. */
static assay_status store_values(work *w, const scheme_piece *p, double *y)
{
    const cli_input *input = &w->c->input;
    size_t n = p->rows * p->cols, width = assay_dtypes[input->array.dtype].bits / 8;
    if (input->has_format) {
        for (size_t i = 0; i < n && input->format.nan == ASSAY_NAN_NONE; i++)
            if (y[i] != y[i])
                return refuse(w, p->first + i, y[i], "is no value of the output's type");
        assay_encode_array_f64(&w->into, y, w->codes, n);
        width = assay_format_container(&input->format);
    }
    for (size_t i = 0; i < n && !input->has_format; i++) {
        uint64_t bits;
        if (!integer_bits(input, y[i], &bits))
            return refuse(w, p->first + i, y[i], "is no value of the output's type");
        memcpy(w->codes + i * width, &bits, width);
    }
    return put(&w->out[CODES], w->codes, n * width);
}

/* ---- codes ---- */

/* Whole bytes come from eight codes at a time; the rest waits for the next piece. */
static assay_status store_packed(work *w, size_t n, bool last)
{
    const int bits = w->s->element.format.bits;
    size_t width = code_bytes(w), all = w->carried + n, whole = last ? all : all / 8 * 8;
    unsigned char *packed = (unsigned char *)w->x;
    assay_pack_codes(w->codes, whole, bits, packed);
    assay_status status = put(&w->out[CODES], packed, assay_packed_bytes(whole, bits));
    w->carried = all - whole;
    memmove(w->codes, w->codes + whole * width, w->carried * width);
    return status;
}

static assay_status check_piece(const work *w, const scheme_piece *p)
{
    const cli_input *input = &w->c->input;
    size_t n = p->rows * p->cols;
    for (size_t i = 0; i < n && w->s->element.nan_is_error; i++)
        if (w->x[i] != w->x[i])
            return refuse(w, p->first + i, w->x[i], "is an error under --nan error");
    for (size_t i = 0; i < n && cli_input_is_wide(input); i++)
        if (!assay_exact_is_double(cli_input_exact(input, p->first + i)))
            return refuse(w, p->first + i, w->x[i],
                          "is only near it, and blocks need float64 values");
    return ASSAY_OK;
}

static assay_status store_codes(work *w, const scheme_piece *p)
{
    size_t n = p->rows * p->cols, all = w->shape.matrices * w->shape.rows * w->shape.cols;
    if (w->c->elements == CLI_PACKED && !w->s->hierarchy)
        return store_packed(w, n, p->first + n == all);
    return put(&w->out[CODES], w->codes, piece_bytes(w->s, p->rows, p->cols));
}

/* A piece of a slice of time: its residues are those of the slice's elements. */
static void feed_back(const work *w, const scheme_piece *p, const assay_random *random,
                      const assay_quantized *out)
{
    cli_scheme_feedback *f = w->c->carried;
    size_t at = p->first % f->slice;
    assay_scheme_feedback_step(w->s, &f->feedback, &w->tensor, p->rows, p->cols, w->x, random,
                               p->first, f->hi + at, f->lo + at, w->u, out, &f->counts);
}

static assay_status convert_piece(work *w, const scheme_piece *p)
{
    bool values = w->c->elements == CLI_VALUES;
    bool random = assay_mode_is_stochastic(w->s->element.mode);
    assay_random here = w->c->random;
    read(w, p->first, p->rows * p->cols);
    assay_status status = check_piece(w, p);
    if (status != ASSAY_OK)
        return status;
    here.bits = here.bits ? here.bits + p->first : NULL;
    assay_quantized out = { .scales = w->scales, .zeros = w->s->has_zero ? w->zeros : NULL };
    if (values || w->c->carried)
        out.values = w->x;
    if (values && w->s->nested > 0)
        out = (assay_quantized){ .codes = w->codes };
    if (!values)
        out.codes = w->codes + w->carried * code_bytes(w);
    if (w->c->carried)
        feed_back(w, p, random ? &here : NULL, &out);
    else
        assay_scheme_quantize(w->s, &w->tensor, p->rows, p->cols, w->x, random ? &here : NULL,
                              p->first, &out);
    if (values && w->s->nested > 0)
        assay_scheme_dequantize(w->s, p->rows, p->cols, w->codes, w->nested.values + p->scale, NULL,
                                1, w->x);
    status = values ? store_values(w, p, w->x) : store_codes(w, p);
    if (status == ASSAY_OK && w->s->nested == 0)
        status = put(&w->out[SCALES], w->scales,
                     p->scales * assay_format_container(&w->s->scale.format));
    if (status == ASSAY_OK)
        status = put(&w->out[ZEROS], w->zeros, p->scales * code_bytes(w));
    cli_input_forget(&w->c->input, p->first, p->rows * p->cols);
    return status;
}

/* ---- the whole array ---- */

/* One scale for all: `least` stands for the largest magnitude of all pieces in each of them. */
static void find_whole(work *w)
{
    scheme_piece p = { 0 };
    if (w->s->extent != ASSAY_EXTENT_TENSOR || !scheme_follows_amax(w->s))
        return;
    w->whole = *w->s;
    while (scheme_next_piece(w->s, &w->shape, &p)) {
        size_t n = p.rows * p.cols;
        read(w, p.first, n);
        for (size_t i = 0; i < n; i++) {
            double a = fabs(w->x[i]);
            w->nan = w->nan || !(a < INFINITY);
            w->whole.least = a > w->whole.least ? a : w->whole.least;
        }
        cli_input_forget(&w->c->input, p.first, n);
    }
    w->s = &w->whole;
}

static void find_tensor_scale(work *w)
{
    double amax = 0;
    scheme_piece p = { 0 };
    while (w->s->has_tensor_scale && scheme_next_piece(w->s, &w->shape, &p)) {
        read(w, p.first, p.rows * p.cols);
        double a = assay_scheme_amax(w->s, p.rows, p.cols, w->x);
        amax = a > amax ? a : amax;
        cli_input_forget(&w->c->input, p.first, p.rows * p.cols);
    }
    w->tensor = assay_scheme_tensor_scale(w->s, amax);
}

/* All scales, and their second level. */
static assay_status find_nested(work *w)
{
    const assay_array *a = &w->c->input.array;
    size_t shape[ASSAY_MAX_DIMS], ndim = scheme_scales_shape(w->s, a->ndim, a->shape, shape);
    scheme_piece p = { 0 };
    assay_status status = cli_nested_make(w->s, ndim, shape, w->c->input.name, &w->nested);
    while (status == ASSAY_OK && scheme_next_piece(w->s, &w->shape, &p)) {
        const assay_quantized out = { .scales = w->nested.values + p.scale };
        read(w, p.first, p.rows * p.cols);
        assay_scheme_quantize(w->s, &w->tensor, p.rows, p.cols, w->x, NULL, 0, &out);
        cli_input_forget(&w->c->input, p.first, p.rows * p.cols);
    }
    if (status == ASSAY_OK)
        w->nested.offset = assay_scheme_nest(w->s, w->nested.count, w->nested.values,
                                             w->nested.codes, w->nested.scales);
    return status;
}

static assay_status begin(work *w, int file, const char *path, assay_dtype dtype, size_t ndim,
                          const size_t *shape)
{
    if (!path)
        return ASSAY_OK;
    assay_status status = assay_output_begin(path, &w->out[file]);
    if (status == ASSAY_OK)
        status = assay_npy_write_header(w->out[file].stream, dtype, ndim, shape);
    return status == ASSAY_ERR_IO ? assay_fail_in(status, path) : status;
}

static assay_status begin_codes(work *w, const char *path)
{
    const assay_array *a = &w->c->input.array;
    const assay_hierarchy *h = w->s->hierarchy;
    size_t shape[ASSAY_MAX_DIMS + 2], ndim = a->ndim;
    memcpy(shape, a->shape, sizeof a->shape);
    if (w->c->elements == CLI_VALUES) {
        bool numpy = assay_dtypes[a->dtype].descr != NULL;
        return begin(w, CODES, path, numpy ? a->dtype : scheme_container(&w->c->input.format), ndim,
                     shape);
    }
    if (h) {
        size_t last = ndim > 0 ? shape[ndim - 1] : 1;
        ndim += ndim == 0;
        shape[ndim - 1] = (last + h->elements - 1) / h->elements;
        shape[ndim] = h->bytes;
        return begin(w, CODES, path, ASSAY_DTYPE_U8, ndim + 1, shape);
    }
    if (w->c->elements == CLI_PACKED) {
        shape[0] = assay_packed_bytes(a->count, w->s->element.format.bits);
        return begin(w, CODES, path, ASSAY_DTYPE_U8, 1, shape);
    }
    return begin(w, CODES, path, scheme_container(&w->s->element.format), ndim, shape);
}

static assay_status write_nested(work *w, const cli_scheme_files *f)
{
    const cli_nested *t = &w->nested;
    const size_t one = 1;
    assay_status status = put(&w->out[SCALES], t->codes, t->count);
    if (status == ASSAY_OK)
        status = begin(w, NESTED, f->nested_scales, ASSAY_DTYPE_F32, 1, &t->blocks);
    if (status == ASSAY_OK)
        status = put(&w->out[NESTED], t->scales, t->blocks * sizeof *t->scales);
    if (status == ASSAY_OK)
        status = begin(w, OFFSET, f->nested_offset, ASSAY_DTYPE_F32, 1, &one);
    if (status == ASSAY_OK)
        status = put(&w->out[OFFSET], &t->offset, sizeof t->offset);
    return status;
}

static assay_status begin_all(work *w, const cli_scheme_files *f, const char *path)
{
    const assay_array *a = &w->c->input.array;
    size_t shape[ASSAY_MAX_DIMS], one = 1,
                                  ndim = scheme_scales_shape(w->s, a->ndim, a->shape, shape);
    const assay_format *of_scales = w->s->nested ? &w->s->map.format : &w->s->scale.format;
    assay_status status = begin_codes(w, path);
    if (status == ASSAY_OK)
        status = begin(w, SCALES, f->scales, scheme_container(of_scales), ndim, shape);
    if (status == ASSAY_OK)
        status = begin(w, ZEROS, f->zeros, scheme_container(&w->s->element.format), ndim, shape);
    if (status == ASSAY_OK)
        status = begin(w, TENSOR, f->tensor_scale, ASSAY_DTYPE_F32, 1, &one);
    if (status == ASSAY_OK)
        status = put(&w->out[TENSOR], &w->tensor.stored, sizeof w->tensor.stored);
    return status == ASSAY_OK && w->s->nested > 0 ? write_nested(w, f) : status;
}

/* The files that were asked for, moved to the front, are committed together. */
static assay_status finish(work *w, assay_status status)
{
    size_t n = 0;
    for (size_t i = 0; i < FILES; i++)
        if (w->out[i].stream) {
            assay_output moved = w->out[i];
            w->out[i] = (assay_output){ 0 };
            w->out[n++] = moved;
        }
    if (status == ASSAY_OK)
        return assay_output_commit_all(w->out, n);
    for (size_t i = 0; i < n; i++)
        assay_output_abort(&w->out[i]);
    return status;
}

static assay_status allocate(work *w)
{
    size_t n = w->shape.piece_rows * w->shape.piece_cols + 16;
    assay_scale_shape scales = assay_scheme_scales(w->s, w->shape.piece_rows, w->shape.piece_cols);
    size_t of_scales = (scales.rows * scales.cols + 1) * sizeof(uint64_t);
    size_t bytes = piece_bytes(w->s, w->shape.piece_rows, w->shape.piece_cols);
    w->x = malloc(n * sizeof *w->x);
    w->u = malloc((w->c->carried ? n : 1) * sizeof *w->u);
    w->codes = malloc((bytes > n * sizeof(uint64_t) ? bytes : n * sizeof(uint64_t)));
    w->scales = malloc(of_scales);
    w->zeros = malloc(of_scales);
    if (w->x && w->u && w->codes && w->scales && w->zeros)
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory for its rows", w->c->input.name);
}

assay_status cli_scheme_cast(const cli_conversion *c, const cli_scheme_files *files,
                             const char *path)
{
    const assay_array *a = &c->input.array;
    work w = { .c = c, .s = &c->scheme };
    w.shape = scheme_shape_of(w.s, a->ndim, a->shape);
    scheme_keep_whole(w.s, &w.shape);
    if (c->carried && w.shape.cols > 0 && w.s->extent != ASSAY_EXTENT_TILE &&
        c->carried->slice % (w.shape.piece_rows * w.shape.cols) != 0)
        w.shape.piece_rows = 1; /* pieces do not reach into the next slice */
    assay_status status = cli_scheme_check(w.s, files);
    if (status == ASSAY_OK && c->input.has_format)
        status = assay_rounder_make(&c->input.format, ASSAY_RNE, ASSAY_OVERFLOW_SPEC,
                                    ASSAY_NAN_RULE_DEFAULT, &w.into);
    if (status == ASSAY_OK)
        status = allocate(&w);
    if (status == ASSAY_OK) {
        find_whole(&w);
        find_tensor_scale(&w);
        status = w.s->nested > 0 ? find_nested(&w) : ASSAY_OK;
    }
    if (status == ASSAY_OK)
        status = begin_all(&w, files, path);
    scheme_piece p = { 0 };
    while (status == ASSAY_OK && scheme_next_piece(w.s, &w.shape, &p))
        status = convert_piece(&w, &p);
    status = finish(&w, status);
    free(w.x);
    free(w.u);
    free(w.codes);
    free(w.scales);
    free(w.zeros);
    cli_nested_free(&w.nested);
    return status;
}
