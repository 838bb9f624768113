/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/npy.h"

#include <errno.h>
#include <string.h>

static const char magic[] = "\x93NUMPY";
enum { MAGIC = 6, SHORT_DESCR = 16 };

typedef struct reader {
    const char *name;
    const char *at, *end; /* the header's text */
} reader;

static assay_status bad(const reader *r, const char *field, const char *what)
{
    return assay_fail(ASSAY_ERR_INPUT, "%s: %s: %s", r->name, field, what);
}

static void skip_space(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
}

static bool take(reader *r, char c)
{
    skip_space(r);
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

/* A Python string literal without escapes: no name or descr of ours has one. */
static assay_status take_string(reader *r, const char *field, char *text, size_t room)
{
    skip_space(r);
    char quote = r->at < r->end ? *r->at : 0;
    if (quote != '\'' && quote != '"')
        return bad(r, field, "expected a quoted string");
    const char *start = ++r->at;
    while (r->at < r->end && *r->at != quote && *r->at != '\\' && (unsigned char)*r->at >= 0x20)
        r->at++;
    if (r->at == r->end || *r->at != quote)
        return bad(r, field, "string does not end");
    size_t length = (size_t)(r->at++ - start);
    if (length >= room)
        return bad(r, field, "string is too long");
    memcpy(text, start, length);
    text[length] = 0;
    return ASSAY_OK;
}

static assay_status take_descr(reader *r, assay_array *out)
{
    char descr[SHORT_DESCR];
    skip_space(r);
    if (r->at < r->end && *r->at == '[')
        return bad(r, "descr", "structured elements, expected floats or integers");
    assay_status status = take_string(r, "descr", descr, sizeof descr);
    if (status != ASSAY_OK)
        return status;
    if (descr[0] == '>')
        return bad(r, "descr", "big-endian, expected little-endian");
    if (!assay_dtype_from_descr(descr, &out->dtype))
        return assay_fail(
            ASSAY_ERR_INPUT,
            "%s: descr: '%s', expected float16 to float64 or integers of 8 to 64 bits", r->name,
            descr);
    return ASSAY_OK;
}

static bool take_word(reader *r, const char *word)
{
    size_t length = strlen(word);
    skip_space(r);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0)
        return false;
    r->at += length;
    return true;
}

static assay_status take_order(reader *r)
{
    if (take_word(r, "True"))
        return bad(r, "fortran_order", "True, expected C order");
    if (!take_word(r, "False"))
        return bad(r, "fortran_order", "expected True or False");
    return ASSAY_OK;
}

static assay_status take_size(reader *r, size_t *out)
{
    size_t value = 0;
    const char *start = r->at;
    if (r->at < r->end && *r->at == '-')
        return bad(r, "shape", "negative dimension");
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
        if (__builtin_mul_overflow(value, (size_t)10, &value) ||
            __builtin_add_overflow(value, (size_t)(*r->at - '0'), &value) || value >> 63)
            return bad(r, "shape", "dimension of 2^63 or more");
    if (r->at == start || (*start == '0' && r->at - start > 1))
        return bad(r, "shape", "expected a tuple of decimal integers");
    *out = value;
    return ASSAY_OK;
}

/* "()", "(3,)", "(3, 4)" or "(3, 4,)": one number without a comma is no tuple. */
static assay_status take_shape(reader *r, assay_array *out)
{
    bool comma = true;
    if (!take(r, '('))
        return bad(r, "shape", "expected a tuple of decimal integers");
    for (out->ndim = 0; !take(r, ')'); comma = take(r, ',')) {
        if (!comma)
            return bad(r, "shape", "expected ',' or ')'");
        if (out->ndim == ASSAY_MAX_DIMS)
            return bad(r, "shape", "more than 8 dimensions");
        assay_status status = take_size(r, &out->shape[out->ndim++]);
        if (status != ASSAY_OK)
            return status;
    }
    if (out->ndim == 1 && !comma)
        return bad(r, "shape", "one number without a comma, expected a tuple");
    return ASSAY_OK;
}

static assay_status take_value(reader *r, const char *key, unsigned *seen, assay_array *out)
{
    static const char *const keys[] = { "descr", "fortran_order", "shape" };
    unsigned k = 0;
    while (k < 3 && strcmp(keys[k], key) != 0)
        k++;
    if (k == 3)
        return assay_fail(ASSAY_ERR_INPUT, "%s: header: unknown key '%s'", r->name, key);
    if (*seen & 1u << k)
        return bad(r, key, "key appears twice");
    *seen |= 1u << k;
    if (!take(r, ':'))
        return bad(r, key, "expected ':' behind the key");
    return k == 0 ? take_descr(r, out) : k == 1 ? take_order(r) : take_shape(r, out);
}

static assay_status parse_header(reader *r, assay_array *out)
{
    unsigned seen = 0;
    bool comma = true;
    if (!take(r, '{'))
        return bad(r, "header", "expected a dictionary");
    for (; !take(r, '}'); comma = take(r, ',')) {
        char key[SHORT_DESCR];
        if (!comma)
            return bad(r, "header", "expected ',' or '}'");
        assay_status status = take_string(r, "header", key, sizeof key);
        if (status == ASSAY_OK)
            status = take_value(r, key, &seen, out);
        if (status != ASSAY_OK)
            return status;
    }
    skip_space(r);
    if (r->at != r->end)
        return bad(r, "header", "text behind the dictionary");
    if (seen != 7)
        return bad(r,
                   !(seen & 1)   ? "descr"
                   : !(seen & 2) ? "fortran_order"
                                 : "shape",
                   "key is missing");
    return ASSAY_OK;
}

/* Finds the header's text and returns where the data begins. */
static assay_status find_header(reader *r, const unsigned char *bytes, size_t size, size_t *data)
{
    if (size < MAGIC || memcmp(bytes, magic, MAGIC) != 0)
        return bad(r, "magic", "not a .npy file");
    if (size < MAGIC + 2)
        return bad(r, "version", "file ends here");
    unsigned major = bytes[6], minor = bytes[7];
    if (major < 1 || major > 2 || minor != 0)
        return assay_fail(ASSAY_ERR_INPUT, "%s: version: %u.%u, expected 1.0 or 2.0", r->name,
                          major, minor);
    size_t start = major == 1 ? 10 : 12, length = 0;
    if (size < start)
        return bad(r, "header length", "file ends here");
    memcpy(&length, bytes + 8, start - 8);
    if (length > size - start)
        return assay_fail(ASSAY_ERR_INPUT, "%s: header: %zu bytes, but the file has %zu left",
                          r->name, length, size - start);
    r->at = (const char *)bytes + start;
    r->end = r->at + length;
    *data = start + length;
    return ASSAY_OK;
}

assay_status assay_npy_parse(const char *name, const void *bytes, size_t size, assay_array *out)
{
    reader r = { .name = name };
    assay_array array = { 0 };
    size_t data = 0, bits;
    assay_status status = find_header(&r, bytes, size, &data);
    if (status == ASSAY_OK)
        status = parse_header(&r, &array);
    if (status != ASSAY_OK)
        return status;
    if (!assay_shape_count(array.ndim, array.shape, &array.count) ||
        !assay_dtype_size(array.dtype, array.count, &bits))
        return bad(&r, "shape", "number of elements overflows");
    if (bits / 8 != size - data)
        return assay_fail(ASSAY_ERR_INPUT, "%s: data: %zu bytes, expected %zu", name, size - data,
                          bits / 8);
    array.data = (const unsigned char *)bytes + data;
    *out = array;
    return ASSAY_OK;
}

assay_status assay_npy_open(const char *path, assay_array *out)
{
    assay_file file;
    assay_status status = assay_file_open(path, &file);
    if (status != ASSAY_OK)
        return status;
    status = assay_npy_parse(path, file.data, file.size, out);
    if (status == ASSAY_OK)
        out->file = file;
    else
        assay_file_close(&file);
    return status;
}

/* NumPy also leaves room for the first dimension to grow to 21 digits. That never moves the end
 * of the padding: of an array that fits into memory, 8 dimensions have at most 26 digits, and
 * even the longest header is done at byte 126 of 128 with that room. */
enum { HEADER_ROOM = 512, ALIGNMENT = 64, PREFIX = 10 };

static size_t header_text(char text[HEADER_ROOM], const char *descr, size_t ndim,
                          const size_t *shape)
{
    size_t n = (size_t)snprintf(text, HEADER_ROOM,
                                "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (size_t i = 0; i < ndim; i++)
        n += (size_t)snprintf(text + n, HEADER_ROOM - n, i ? ", %zu" : "%zu", shape[i]);
    n += (size_t)snprintf(text + n, HEADER_ROOM - n, ndim == 1 ? ",), }" : "), }");
    size_t total = (PREFIX + n + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT - PREFIX;
    memset(text + n, ' ', total - 1 - n);
    text[total - 1] = '\n';
    return total;
}

assay_status assay_npy_write_header(FILE *stream, assay_dtype dtype, size_t ndim,
                                    const size_t *shape)
{
    char text[HEADER_ROOM];
    const char *descr = assay_dtypes[dtype].descr;
    if (!descr)
        return assay_fail(ASSAY_ERR_USAGE, "npy: NumPy has no %s", assay_dtypes[dtype].word);
    if (ndim > ASSAY_MAX_DIMS)
        return assay_fail(ASSAY_ERR_USAGE, "npy: %zu dimensions, at most %d", ndim, ASSAY_MAX_DIMS);
    size_t length = header_text(text, descr, ndim, shape);
    unsigned char prefix[PREFIX] = { 0, 0, 0, 0, 0, 0, 1, 0, length & 255, (length >> 8) & 255 };
    memcpy(prefix, magic, MAGIC);
    if (fwrite(prefix, 1, PREFIX, stream) != PREFIX || fwrite(text, 1, length, stream) != length)
        return assay_fail(ASSAY_ERR_IO, "npy: cannot write: %s", strerror(errno));
    return ASSAY_OK;
}

assay_status assay_npy_write(FILE *stream, assay_dtype dtype, size_t ndim, const size_t *shape,
                             const void *data)
{
    size_t count, bits;
    if (ndim <= ASSAY_MAX_DIMS &&
        (!assay_shape_count(ndim, shape, &count) || !assay_dtype_size(dtype, count, &bits)))
        return assay_fail(ASSAY_ERR_SHAPE, "npy: number of elements overflows");
    assay_status status = assay_npy_write_header(stream, dtype, ndim, shape);
    if (status == ASSAY_OK && bits > 0 && fwrite(data, 1, bits / 8, stream) != bits / 8)
        status = assay_fail(ASSAY_ERR_IO, "npy: cannot write: %s", strerror(errno));
    return status;
}
