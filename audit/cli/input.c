/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/input.h"

#include <math.h>
#include <string.h>

#include "numerics/bits.h"
#include "rounding/array.h"

/* Stored types whose elements are codes of a format, one per element. */
static const struct {
    assay_dtype dtype;
    const char *spec;
} stored[] = {
    { ASSAY_DTYPE_F16, "binary16" },         { ASSAY_DTYPE_BF16, "bfloat16" },
    { ASSAY_DTYPE_F32, "binary32" },         { ASSAY_DTYPE_F64, "binary64" },
    { ASSAY_DTYPE_F8_E4M3, "e4m3" },         { ASSAY_DTYPE_F8_E5M2, "e5m2" },
    { ASSAY_DTYPE_F8_E4M3FNUZ, "e4m3fnuz" }, { ASSAY_DTYPE_F8_E5M2FNUZ, "e5m2fnuz" },
};

static const assay_dtype_info *info(const cli_input *input)
{
    return &assay_dtypes[input->array.dtype];
}

static bool is_integer(const cli_input *input)
{
    return info(input)->kind == ASSAY_SIGNED || info(input)->kind == ASSAY_UNSIGNED;
}

uint64_t cli_input_bits(const cli_input *input, size_t i)
{
    const assay_dtype_info *d = info(input);
    size_t width = d->bits / 8;
    uint64_t u = 0, sign = (uint64_t)1 << (d->bits - 1);
    memcpy(&u, input->array.data + i * width, width);
    return d->kind == ASSAY_SIGNED ? (u ^ sign) - sign : u;
}

bool cli_input_is_wide(const cli_input *input)
{
    return input->has_format ? !input->format.fits_binary64 : info(input)->bits == 64;
}

assay_exact cli_input_exact(const cli_input *input, size_t i)
{
    uint64_t u = cli_input_bits(input, i);
    if (input->has_format)
        return assay_decode_exact(&input->format, u);
    bool negative = info(input)->kind == ASSAY_SIGNED && u >> 63;
    u = negative ? 0 - u : u;
    if (u == 0)
        return (assay_exact){ .kind = ASSAY_ZERO };
    int shift = __builtin_clzll(u);
    return (assay_exact){
        .kind = ASSAY_FINITE, .negative = negative, .exp = -shift, .sig = u << shift
    };
}

static assay_status set_stored_format(cli_input *input)
{
    for (size_t i = 0; i < sizeof stored / sizeof stored[0]; i++)
        if (stored[i].dtype == input->array.dtype) {
            input->has_format = true;
            input->is_codes = info(input)->kind == ASSAY_OPAQUE;
            return assay_format_parse(stored[i].spec, &input->format);
        }
    if (is_integer(input))
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_INPUT, "dtype: %s elements cannot be read as numbers",
                      info(input)->word);
}

/* A signed element below 0 has its upper bits set, so it is beyond any narrower width too. */
static assay_status check_codes(const cli_input *input)
{
    int bits = input->format.bits;
    bool is_signed = info(input)->kind == ASSAY_SIGNED;
    if (!is_signed && (size_t)bits == info(input)->bits)
        return ASSAY_OK;
    for (size_t i = 0; i < input->array.count; i++) {
        uint64_t code = cli_input_bits(input, i);
        if (is_signed && (int64_t)code < 0)
            return assay_fail(ASSAY_ERR_VALUE, "element %zu: %lld is no code: negative", i,
                              (long long)code);
        if (bits < 64 && code >> bits != 0)
            return assay_fail(ASSAY_ERR_VALUE, "element %zu: %llu is no code of %s: it has %d bits",
                              i, (unsigned long long)code, input->format.name, bits);
    }
    return ASSAY_OK;
}

/* Codes are integers, or a tensor of one of the 8-bit types that NumPy lacks. */
static bool holds_codes(const cli_input *input)
{
    bool bytes = info(input)->kind == ASSAY_OPAQUE && info(input)->bits == 8;
    return is_integer(input) || (bytes && input->array.dtype != ASSAY_DTYPE_BOOL);
}

static assay_status set_codes(cli_input *input, const assay_format *in)
{
    if (!holds_codes(input))
        return assay_fail(ASSAY_ERR_INPUT, "dtype: %s elements, but codes of %s are integers",
                          info(input)->word, in->name);
    input->has_format = input->is_codes = true;
    input->format = *in;
    return check_codes(input);
}

assay_status cli_input_open(const char *name, const assay_format *in, cli_input *out)
{
    cli_input input = { .name = name };
    assay_status status = assay_array_open(name, &input.array);
    if (status != ASSAY_OK)
        return status;
    status = in ? set_codes(&input, in) : set_stored_format(&input);
    if (status != ASSAY_OK) {
        cli_input_close(&input);
        return assay_fail_in(status, name);
    }
    *out = input;
    return ASSAY_OK;
}

void cli_input_close(cli_input *input)
{
    assay_array_close(&input->array);
}

void cli_input_read(const cli_input *input, size_t first, size_t n, double *x)
{
    const assay_dtype_info *d = info(input);
    if (input->is_codes && d->bits / 8 == assay_format_container(&input->format)) {
        const unsigned char *codes = input->array.data + first * (d->bits / 8);
        assay_decode_array_f64(&input->format, codes, x, n);
    } else if (input->is_codes) {
        for (size_t i = 0; i < n; i++)
            x[i] = assay_decode(&input->format, cli_input_bits(input, first + i));
    } else if (d->kind == ASSAY_FLOAT) {
        assay_dtype_to_f64(input->array.dtype, input->array.data + first * (d->bits / 8), n, x);
    } else {
        for (size_t i = 0; i < n; i++)
            x[i] = assay_array_get_f64(&input->array, first + i);
    }
}

void cli_input_forget(const cli_input *input, size_t first, size_t n)
{
    size_t width = info(input)->bits / 8;
    assay_file_forget(&input->array.file, input->array.data + first * width, n * width);
}

assay_dtype cli_input_out_dtype(const cli_input *input)
{
    assay_dtype own = input->array.dtype;
    if (assay_dtypes[own].descr)
        return own;
    return assay_format_container(&input->format) == 1 ? ASSAY_DTYPE_U8 : ASSAY_DTYPE_U16;
}

/* An integer type holds a whole value in its range, and has one zero. */
static bool integer_bits(const assay_dtype_info *d, double value, uint64_t *bits)
{
    bool is_signed = d->kind == ASSAY_SIGNED;
    double top = assay_pow2((int)d->bits - is_signed);
    if (!(value < top && value >= (is_signed ? -top : 0)) || trunc(value) != value)
        return false;
    *bits = value < 0 ? (uint64_t)(int64_t)value : (uint64_t)value;
    return true;
}

bool cli_input_encode(const cli_input *input, double value, uint64_t *bits)
{
    if (input->has_format)
        return assay_encode_exact(&input->format, value, bits);
    return integer_bits(info(input), value, bits);
}
