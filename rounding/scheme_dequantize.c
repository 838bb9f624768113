/* SPDX-License-Identifier: Apache-2.0 */
/* From codes, scales and zero points to values. */
#include <math.h>
#include <string.h>

#include "formats/container.h"
#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/scheme_run.h"

/* A tensor that is read back: where its parts lie, and what one block is multiplied with. */
typedef struct stored {
    const assay_scheme *s;
    const void *codes, *scales, *zeros;
    assay_tensor_scale tensor;
    size_t code_bytes, scale_bytes;
    bool past;                 /* the result goes past the caches */
    const float *scale_values; /* of all codes, or NULL */
} stored;

static void read_segment(const stored *t, size_t scale, size_t at, size_t n, double *y)
{
    const assay_format *f = &t->s->element.format, *of_scale = &t->s->scale.format;
    double zero =
               t->zeros ? assay_decode(f, assay_container_load(t->zeros, scale, t->code_bytes)) : 0,
           factor = 1;
    if (t->scales)
        factor = assay_decode(of_scale, assay_container_load(t->scales, scale, t->scale_bytes));
    bool divides = t->s->tensor_divides;
    double by = (double)t->tensor.stored;
    assay_decode_array_f64(f, (const unsigned char *)t->codes + at * t->code_bytes, y + at, n);
    for (size_t i = at; i < at + n; i++) {
        double v = (y[i] - zero) * factor; /* exact: at most 32 + 24 bits, or 53 in all */
        y[i] = divides ? v / by : v * by;
        y[i] = y[i] == y[i] ? y[i] : assay_from_bits64(0x7ff8000000000000);
    }
}

void assay_scheme_dequantize(const assay_scheme *s, size_t rows, size_t cols, const void *codes,
                             const void *scales, const void *zeros, float tensor, double *y)
{
    if (rows == 0 || cols == 0)
        return;
    if (s->hierarchy) {
        assay_hierarchy_dequantize(s, rows, cols, codes, y, NULL);
        return;
    }
    stored t = { s, codes, scales, zeros, { .stored = tensor }, 0, 0, false, NULL };
    t.code_bytes = assay_format_container(&s->element.format);
    if (s->block == 0) {
        assay_decode_array_f64(&s->element.format, codes, y, rows * cols);
        return;
    }
    t.scale_bytes = assay_format_container(&s->scale.format);
    assay_scale_shape shape = assay_scheme_scales(s, rows, cols);
    size_t size = s->block < cols ? s->block : cols, height = s->tile_rows;
    if (s->extent == ASSAY_EXTENT_TENSOR)
        height = rows;
#pragma omp parallel for schedule(static) if (rows > 8)
    for (size_t i = 0; i < rows; i++)
        for (size_t b = 0; b < shape.cols; b++) {
            size_t left = cols - b * size;
            read_segment(&t, i / height * shape.cols + b, i * cols + b * size,
                         left < size ? left : size, y);
        }
}

/* ---- binary32 ---- */

/* Few codes are looked at one by one: a codebook's format does not say what binary32 holds. */
bool assay_narrow_decoder_fits(const assay_scheme *s)
{
    const assay_format *e = &s->element.format;
    bool all = e->bits <= 4;
    for (unsigned i = 0; all && i < 1u << e->bits; i++) {
        double v = assay_decode(e, i);
        all = (double)(float)v == v;
    }
    return all || assay_format_fits_f32(e);
}

/* Whether code, code x scale and the result are each exact or rounded once in binary32. */
static bool is_narrow(const assay_scheme *s, float tensor)
{
    const assay_format *e = &s->element.format, *scale = &s->scale.format;
    bool fits = assay_narrow_decoder_fits(s) && assay_format_fits_f32(scale);
    bool exact = e->p + scale->p <= 24 && e->min_positive * scale->min_positive >= 0x1p-126 &&
                 e->max * scale->max < 0x1p127;
    return ASSAY_HAS_ENVIRONMENT && fits && (tensor == 1 || exact);
}

/* Symmetric integers leave one out. */
static bool has_all_codes(const assay_format *e)
{
    return (uint64_t)(e->highest - e->lowest) + 1 == (uint64_t)1 << e->bits;
}

/* Codes of at most 8 bits that are those of binary16 where its fraction ends and its exponent
 * begins, with another bias: 2^(15 - bias) takes them to their values, exactly. */
static bool is_half(const assay_format *e)
{
    bool named = e->nan == ASSAY_NAN_NONE || e->nan == ASSAY_NAN_ONES || e->nan == ASSAY_NAN_IEEE;
    return e->kind == ASSAY_FAMILY_FLOAT && e->bits <= 8 && e->is_signed && e->has_zero &&
           e->has_negzero && e->has_subnormals && named && e->exponent_bits <= 5 && e->bias <= 15 &&
           e->emin == 1 - e->bias && e->sign_bit == 1u << (e->bits - 1);
}

static void set_back(const assay_format *e, assay_narrow_decoder *d)
{
    assay_back *b = &d->back;
    const bool whole = d->way != NARROW_LOOK_UP && assay_is_whole_format(e) && e->bits <= 8;
    d->one_pass = NULL;
    memcpy(b->table, d->table, sizeof b->table);
    b->t = d->tensor;
    b->over = d->scheme->tensor_divides;
    b->is_signed = e->is_signed;
    b->unit = whole ? (float)assay_pow2(-e->scale) : 1;
    if (e->bits > 8)
        return;
    b->up = b->down = 32 - e->bits;
    b->flip = (uint8_t)((1u << (e->bits - 1)) - 1); /* the code that symmetric ones lack is last */
    b->magnitude = (uint8_t)((1u << e->bits) - 1);
    b->most = (uint8_t)(b->magnitude - (has_all_codes(e) ? 0 : 1));
    b->kind = d->way == NARROW_LOOK_UP ? ASSAY_BACK_TABLE
              : whole                  ? ASSAY_BACK_INTEGERS
                                       : ASSAY_BACK_NONE;
    if (d->way == NARROW_ARRAY && is_half(e)) {
        const int above = 10 - e->fraction_bits; /* of binary16's fraction */
        b->kind = ASSAY_BACK_HALVES;
        b->unit = (float)assay_pow2(15 - e->bias);
        b->flip = 0;
        b->magnitude = (uint8_t)(e->sign_bit - 1);
        b->most = (uint8_t)e->max_code;
        b->up = 16 - e->bits;
        b->down = b->up - above;
        b->mask = 0x8000 | b->magnitude << above;
    }
    bool plain = fabsf(b->t) < INFINITY && b->t != 0;
    if (b->kind != ASSAY_BACK_TABLE && !plain)
        b->kind = ASSAY_BACK_NONE;
    d->one_pass = d->loops->back[b->kind];
}

void assay_narrow_decoder_make(const assay_scheme *s, float tensor, assay_narrow_decoder *d)
{
    const assay_format *e = &s->element.format;
    d->scheme = s;
    d->loops = assay_scheme_loops_current();
    d->tensor = tensor;
    d->usable = is_narrow(s, tensor);
    d->way = e->bits <= 4                                   ? NARROW_LOOK_UP
             : assay_is_whole_format(e) && has_all_codes(e) ? NARROW_INTEGERS
                                                            : NARROW_ARRAY;
    d->integers = (float)assay_pow2(-e->scale);
    for (unsigned i = 0; i < 16 && d->way == NARROW_LOOK_UP; i++)
        d->table[i] = (float)assay_decode(e, i); /* bits above the width are not looked at */
    set_back(e, d);
}

/* Integers before their unit. */
static void decode_raw(const assay_narrow_decoder *d, const void *codes, float *y, size_t n)
{
    const assay_format *e = &d->scheme->element.format;
    switch (d->way) {
    case NARROW_LOOK_UP: d->loops->look_up(d->table, codes, y, n); break;
    case NARROW_INTEGERS:
        d->loops->integers(e->bits, e->is_signed, codes, assay_format_container(e), y, n);
        break;
    default: assay_decode_array_f32(e, codes, y, n);
    }
}

void assay_narrow_decode_codes(const assay_narrow_decoder *d, const void *codes, float *y, size_t n)
{
    decode_raw(d, codes, y, n);
    for (size_t i = 0; d->way == NARROW_INTEGERS && d->integers != 1 && i < n; i++)
        y[i] *= d->integers;
}

/* In two passes: what the vectors of one do not serve. */
static void decode_twice(const assay_narrow_decoder *d, assay_blocks k, const void *codes,
                         const float *scale, const float *zero, float *y)
{
    float times[ASSAY_PIECE_BLOCKS], none[ASSAY_PIECE_BLOCKS];
    const float unit = d->way == NARROW_INTEGERS ? d->integers : 1;
    for (size_t b = 0; b * k.size < k.n; b++) {
        times[b] = scale[b] * unit;
        none[b] = 0;
    }
    decode_raw(d, codes, y, k.n);
    d->loops->finish(k, zero ? zero : none, times, d->tensor, d->scheme->tensor_divides, y);
}

void assay_narrow_decode(const assay_narrow_decoder *d, assay_blocks k, const void *codes,
                         const float *scale, const float *zero, float *y)
{
    float times[ASSAY_PIECE_BLOCKS];
    for (size_t b = 0; b * k.size < k.n; b++)
        times[b] = scale[b] * d->back.unit;
    if (!d->one_pass || !d->one_pass(&d->back, k, codes, times, zero, y))
        decode_twice(d, k, codes, scale, zero, y);
}

/* Past the caches by few lines at a time, so that these drain while the next ones are computed. */
static void decode_past(const assay_narrow_decoder *d, assay_blocks k, const unsigned char *codes,
                        const float *scale, const float *zero, float *y)
{
    enum { PART = 256 };
    _Alignas(ASSAY_LINE) float part[PART];
    const size_t bytes = assay_format_container(&d->scheme->element.format);
    const size_t count = k.size < PART ? PART / k.size : 1;
    for (size_t b = 0; b * k.size < k.n; b += count) {
        size_t from = b * k.size, end = k.n - from < count * k.size ? k.n : from + count * k.size;
        for (size_t i = from; i < end; i += PART) {
            size_t n = end - i < PART ? end - i : PART;
            assay_narrow_decode(d, (assay_blocks){ n, k.size < n ? k.size : n }, codes + i * bytes,
                                scale + b, zero ? zero + b : NULL, part);
            assay_move_past(part, y + i, n * sizeof *y);
        }
    }
}

static const float *read_zeros(const assay_narrow_decoder *d, const stored *t, size_t at, size_t n,
                               float *zero)
{
    if (!t->zeros)
        return NULL;
    assay_narrow_decode_codes(d, (const unsigned char *)t->zeros + at * t->code_bytes, zero, n);
    return zero;
}

static void read_scales(const stored *t, size_t at, size_t n, float *scale)
{
    const unsigned char *codes = (const unsigned char *)t->scales + at * t->scale_bytes;
    if (t->scale_values)
        for (size_t b = 0; b < n; b++)
            scale[b] = t->scale_values[codes[b]];
    else if (t->scales)
        assay_decode_array_f32(&t->s->scale.format, codes, scale, n);
    for (size_t b = 0; !t->scales && b < n; b++)
        scale[b] = 1;
}

/* A piece of a row: whole blocks, or a part of one. */
static void narrow_piece(const assay_narrow_decoder *d, const stored *t, size_t scale_at, size_t at,
                         assay_blocks k, float *y)
{
    float scale[ASSAY_PIECE_BLOCKS], zeros[ASSAY_PIECE_BLOCKS];
    const unsigned char *codes = (const unsigned char *)t->codes + at * t->code_bytes;
    const size_t count = (k.n - 1) / k.size + 1;
    const float *zero = read_zeros(d, t, scale_at, count, zeros);
    read_scales(t, scale_at, count, scale);
    if (t->past)
        decode_past(d, k, codes, scale, zero, y + at);
    else
        assay_narrow_decode(d, k, codes, scale, zero, y + at);
}

/* Whole blocks that fit into a piece, or pieces of one block. */
static void narrow_row(const assay_narrow_decoder *d, const stored *t, size_t scale_at, size_t at,
                       assay_blocks row, float *y)
{
    const size_t piece = ASSAY_PIECE, fit = piece / row.size;
    const size_t count = fit < 1 ? 1 : fit < ASSAY_PIECE_BLOCKS ? fit : ASSAY_PIECE_BLOCKS;
    for (size_t b = 0; b * row.size < row.n; b += count) {
        size_t from = b * row.size, left = row.n - from;
        size_t width = left < count * row.size ? left : count * row.size;
        for (size_t j = 0; j < width; j += piece) {
            size_t n = width - j < piece ? width - j : piece;
            narrow_piece(d, t, scale_at + b, at + from + j,
                         (assay_blocks){ n, fit < 1 ? n : row.size }, y);
        }
    }
}

static void narrow_slowly(const stored *t, size_t scale, size_t at, size_t n, float *y)
{
    double wide[ASSAY_PIECE];
    assay_rounder nearest = assay_binary32_rounder();
    for (size_t i = 0; i < n; i += ASSAY_PIECE) {
        stored here = *t;
        size_t k = n - i < ASSAY_PIECE ? n - i : ASSAY_PIECE;
        here.codes = (const unsigned char *)t->codes + (at + i) * t->code_bytes;
        read_segment(&here, scale, 0, k, wide);
        assay_encode_array_f64(&nearest, wide, y + at + i, k);
    }
}

static const float *all_scales(const assay_format *f, float *values)
{
    uint8_t codes[256];
    for (unsigned i = 0; i < 256; i++)
        codes[i] = (uint8_t)i;
    assay_decode_array_f32(f, codes, values, 256);
    return values;
}

void assay_scheme_dequantize_f32(const assay_scheme *s, size_t rows, size_t cols, const void *codes,
                                 const void *scales, const void *zeros, float tensor, float *y)
{
    assay_narrow_decoder d;
    float scale_values[256];
    if (rows == 0 || cols == 0)
        return;
    if (s->hierarchy) {
        assay_hierarchy_dequantize(s, rows, cols, codes, NULL, y);
        return;
    }
    if (s->block == 0) {
        assay_decode_array_f32(&s->element.format, codes, y, rows * cols);
        return;
    }
    stored t = { s, codes, scales, zeros, { .stored = tensor }, 0, 0, false, NULL };
    t.code_bytes = assay_format_container(&s->element.format);
    t.scale_bytes = assay_format_container(&s->scale.format);
    assay_narrow_decoder_make(s, tensor, &d);
    t.past = (uintptr_t)y % sizeof *y == 0 &&
             assay_array_head(codes, y, rows * cols, sizeof *y) < rows * cols;
    assay_scale_shape shape = assay_scheme_scales(s, rows, cols);
    size_t size = s->block < cols ? s->block : cols, height = s->tile_rows;
    if (t.scale_bytes == 1 && shape.rows * shape.cols >= 512)
        t.scale_values = all_scales(&s->scale.format, scale_values);
    if (s->extent == ASSAY_EXTENT_TENSOR)
        height = rows;
#pragma omp parallel if (rows > 8)
    {
#pragma omp for schedule(static)
        for (size_t i = 0; i < rows; i++) {
            unsigned before = assay_environment_enter(ASSAY_TO_NEAREST);
            size_t at = i / height * shape.cols;
            if (d.usable)
                narrow_row(&d, &t, at, i * cols, (assay_blocks){ cols, size }, y);
            for (size_t b = 0; !d.usable && b < shape.cols; b++)
                narrow_slowly(&t, at + b, i * cols + b * size,
                              cols - b * size < size ? cols - b * size : size, y);
            assay_environment_leave(before);
        }
        if (t.past)
            assay_end_past();
    }
}
