/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/convert.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/cli/hexfloat.h"
#include "audit/npy.h"
#include "formats/pack.h"
#include "numerics/bits.h"
#include "rounding/array.h"

/* Elements at a time, and of them for one thread; multiples of 8, so that packing stays whole. */
enum { PIECE = 1 << 17, PART = 1 << 12 };

/* One conversion under way. */
typedef struct work {
    const cli_conversion *c;
    assay_dtype dtype;    /* of the output's elements               */
    size_t width;         /* bytes of one of them                   */
    assay_rounder into;   /* rne into the input's type */
    double *x;            /* [PIECE] operands                       */
    uint64_t *bits;       /* [PIECE] what is to be stored           */
    unsigned char *bytes; /* [8 PIECE]                              */
} work;

static assay_dtype container(const assay_format *format)
{
    switch (assay_format_container(format)) {
    case 1: return ASSAY_DTYPE_U8;
    case 2: return ASSAY_DTYPE_U16;
    case 4: return ASSAY_DTYPE_U32;
    default: return ASSAY_DTYPE_U64;
    }
}

static assay_dtype output_dtype(const cli_conversion *c)
{
    switch (c->elements) {
    case CLI_VALUES: return cli_input_out_dtype(&c->input);
    case CLI_CODES: return container(&c->scheme.element.format);
    case CLI_PACKED: return ASSAY_DTYPE_U8;
    default: return ASSAY_DTYPE_F64;
    }
}

/* Whether the binary64 nearest to a value stands for it: irrational values have no other. */
static bool has_double(const assay_format *f, assay_exact x, double *value)
{
    *value = assay_exact_to_double(x);
    if (f->fits_binary64 || x.kind != ASSAY_FINITE)
        return true;
    return f->p == 53 ? *value != 0 && !isinf(*value) : assay_exact_is_double(x);
}

/* Integers and values that binary64 does not hold go one by one, exactly. */
static bool store_exact(const work *w, size_t first, size_t i)
{
    const assay_rounder *r = &w->c->scheme.element;
    const cli_input *input = &w->c->input;
    assay_exact x = cli_input_exact(input, first + i);
    double value;
    if (r->nan_is_error && x.kind == ASSAY_NOT_A_NUMBER)
        return false;
    w->bits[i] = assay_round_exact_at(r, x, &w->c->random, first + i);
    if (w->c->elements != CLI_VALUES)
        return true;
    return has_double(&r->format, assay_decode_exact(&r->format, w->bits[i]), &value) &&
           cli_input_encode(input, value, &w->bits[i]);
}

static size_t exact_piece(work *w, size_t first, size_t n)
{
    size_t bad = n;
#pragma omp parallel for reduction(min : bad) if (n > PART)
    for (size_t i = 0; i < n; i++)
        if (!store_exact(w, first, i) && i < bad)
            bad = i;
    return bad;
}

/* Between elements of 1, 2, 4 or 8 bytes and numbers of 64 bits; a constant width vectorises. */
ASSAY_INLINE void widen_by(size_t width, const unsigned char *codes, uint64_t *bits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t u = 0;
        memcpy(&u, codes + i * width, width);
        bits[i] = u;
    }
}

static void widen(size_t width, const unsigned char *codes, uint64_t *bits, size_t n)
{
    switch (width) {
    case 1: widen_by(1, codes, bits, n); return;
    case 2: widen_by(2, codes, bits, n); return;
    case 4: widen_by(4, codes, bits, n); return;
    default: widen_by(8, codes, bits, n); return;
    }
}

ASSAY_INLINE void narrow_by(size_t width, const uint64_t *bits, unsigned char *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        memcpy(out + i * width, &bits[i], width);
}

static void narrow(size_t width, const uint64_t *bits, unsigned char *out, size_t n)
{
    switch (width) {
    case 1: narrow_by(1, bits, out, n); return;
    case 2: narrow_by(2, bits, out, n); return;
    case 4: narrow_by(4, bits, out, n); return;
    default: narrow_by(8, bits, out, n); return;
    }
}

/* Takes values into the input's type and back: what comes back different it does not hold. */
static size_t store_values(const work *w, double *y, uint64_t *bits, size_t n)
{
    const cli_input *input = &w->c->input;
    unsigned char codes[PART * sizeof(uint64_t)];
    double back[PART];
    for (size_t i = 0; i < n && !input->has_format; i++)
        if (!cli_input_encode(input, y[i], &bits[i]))
            return i;
    if (!input->has_format)
        return n;
    assay_encode_array_f64(&w->into, y, codes, n);
    assay_decode_array_f64(&input->format, codes, back, n);
    widen(assay_format_container(&input->format), codes, bits, n);
    for (size_t i = 0; i < n; i++)
        if (assay_bits64(back[i]) != assay_bits64(y[i]) && (back[i] == back[i] || y[i] == y[i]))
            return i;
    return n;
}

/* Elements `at` to `at` + n - 1 of the piece, at most PART; the index of a bad one, or n. */
static size_t round_part(work *w, size_t first, size_t at, size_t n)
{
    const assay_rounder *r = &w->c->scheme.element;
    unsigned char codes[PART * sizeof(uint64_t)];
    double *x = w->x + at;
    if (w->c->values)
        memcpy(x, w->c->values + first + at, n * sizeof *x);
    else
        cli_input_read(&w->c->input, first + at, n, x);
    size_t bad = r->nan_is_error ? assay_find_nan_f64(x, n) : n;
    if (bad < n)
        return bad;
    assay_random random = w->c->random;
    random.bits = random.bits ? random.bits + first + at : NULL;
    if (w->c->elements == CLI_VALUES) {
        assay_round_random_f64(r, &random, first + at, x, x, n);
        return store_values(w, x, w->bits + at, n);
    }
    assay_encode_random_f64(r, &random, first + at, x, codes, n);
    widen(assay_format_container(&r->format), codes, w->bits + at, n);
    return n;
}

/* Fills w->bits; the index of the first element that cannot be stored, n if all can. */
static size_t round_piece(work *w, size_t first, size_t n)
{
    size_t bad = n;
    if (cli_input_is_wide(&w->c->input) || !w->c->scheme.element.format.fits_binary64)
        return exact_piece(w, first, n);
#pragma omp parallel for reduction(min : bad) if (n > PART)
    for (size_t at = 0; at < n; at += PART) {
        size_t part = n - at < PART ? n - at : PART, i = round_part(w, first, at, part);
        if (i < part && at + i < bad)
            bad = at + i;
    }
    return bad;
}

static size_t double_piece(work *w, size_t first, size_t n)
{
    const cli_input *input = &w->c->input;
    cli_input_read(input, first, n, w->x);
    for (size_t i = 0; i < n; i++) {
        if (input->has_format && !input->format.fits_binary64 &&
            !has_double(&input->format, cli_input_exact(input, first + i), &w->x[i]))
            return i;
        w->bits[i] = assay_bits64(w->x[i]);
    }
    return n;
}

static assay_status refuse(const work *w, size_t first, size_t i)
{
    const cli_input *input = &w->c->input;
    char value[CLI_HEXFLOAT_BYTES];
    double own;
    assay_exact x = { .kind = ASSAY_ZERO };
    if (cli_input_is_wide(input))
        x = cli_input_exact(input, first + i);
    else {
        cli_input_read(input, first + i, 1, &own);
        x = assay_exact_from(own);
    }
    if (w->c->elements == CLI_DOUBLES)
        return assay_fail(ASSAY_ERR_VALUE, "%s: element %zu: %s is not a float64", input->name,
                          first + i, cli_hexfloat_exact(x, value));
    if (x.kind == ASSAY_NOT_A_NUMBER && w->c->scheme.element.nan_is_error)
        return assay_fail(ASSAY_ERR_VALUE, "%s: element %zu: NaN, and %s has none", input->name,
                          first + i, w->c->scheme.element.format.name);
    return assay_fail(ASSAY_ERR_VALUE, "%s: element %zu: %s becomes a value that %s does not hold",
                      input->name, first + i, cli_hexfloat_exact(x, value),
                      input->has_format ? input->format.name
                                        : assay_dtypes[input->array.dtype].word);
}

static assay_status write_piece(const work *w, size_t n, FILE *stream)
{
    size_t bytes = n * w->width;
    if (w->c->elements == CLI_PACKED) {
        int width = w->c->scheme.element.format.bits;
        bytes = assay_packed_bytes(n, width);
        assay_pack(w->bits, n, width, w->bytes);
    } else {
        narrow(w->width, w->bits, w->bytes, n);
    }
    if (fwrite(w->bytes, 1, bytes, stream) != bytes)
        return assay_fail(ASSAY_ERR_IO, "cannot write: %s", strerror(errno));
    return ASSAY_OK;
}

static assay_status write_all(work *w, FILE *stream)
{
    size_t count = w->c->input.array.count;
    assay_status status = ASSAY_OK;
    for (size_t at = 0; at < count && status == ASSAY_OK; at += PIECE) {
        size_t n = count - at < PIECE ? count - at : PIECE;
        size_t bad = w->c->elements == CLI_DOUBLES ? double_piece(w, at, n) : round_piece(w, at, n);
        status = bad < n ? refuse(w, at, bad) : write_piece(w, n, stream);
        cli_input_forget(&w->c->input, at, n);
    }
    return status;
}

static assay_status write_header(const work *w, FILE *stream)
{
    const assay_array *a = &w->c->input.array;
    size_t packed = 0;
    if (w->c->elements != CLI_PACKED)
        return assay_npy_write_header(stream, w->dtype, a->ndim, a->shape);
    packed = assay_packed_bytes(a->count, w->c->scheme.element.format.bits);
    return assay_npy_write_header(stream, w->dtype, 1, &packed);
}

static assay_status write_file(work *w, const char *path)
{
    assay_output out;
    assay_status status = assay_output_begin(path, &out);
    if (status != ASSAY_OK)
        return status;
    status = write_header(w, out.stream);
    if (status == ASSAY_OK)
        status = write_all(w, out.stream);
    if (status == ASSAY_OK)
        return assay_output_commit(&out);
    assay_output_abort(&out);
    return status == ASSAY_ERR_IO ? assay_fail_in(status, path) : status;
}

assay_status cli_convert(const cli_conversion *c, const char *path)
{
    work w = { .c = c, .dtype = output_dtype(c) };
    w.width = assay_dtypes[w.dtype].bits / 8;
    assay_status status = ASSAY_OK;
    if (c->input.has_format)
        status = assay_rounder_make(&c->input.format, ASSAY_RNE, ASSAY_OVERFLOW_SPEC,
                                    ASSAY_NAN_RULE_DEFAULT, &w.into);
    if (status != ASSAY_OK)
        return status;
    w.x = malloc(PIECE * sizeof *w.x);
    w.bits = malloc(PIECE * sizeof *w.bits);
    w.bytes = malloc(PIECE * sizeof(uint64_t));
    status = w.x && w.bits && w.bytes ? write_file(&w, path)
                                      : assay_fail(ASSAY_ERR_MEMORY, "out of memory");
    free(w.x);
    free(w.bits);
    free(w.bytes);
    return status;
}
