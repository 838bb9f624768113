/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/gemm_operand.h"

#include <math.h>
#include <stdlib.h>

#include "audit/cli/hexfloat.h"
#include "kernels/op.h"
#include "rounding/array.h"
#include "rounding/scheme_hierarchy.h"

static assay_status no_memory(const char *name)
{
    return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory", name);
}

static void *grab(size_t items, size_t size)
{
    return calloc(items + 1, size);
}

assay_status cli_gemm_read(const cli_input *input, double *x)
{
    char text[CLI_HEXFLOAT_BYTES];
    size_t n = input->array.count;
    cli_input_read(input, 0, n, x);
    if (!cli_input_is_wide(input))
        return ASSAY_OK;
    for (size_t i = 0; i < n; i++) {
        assay_exact exact = cli_input_exact(input, i);
        if (!assay_exact_is_double(exact))
            return assay_fail(ASSAY_ERR_VALUE, "%s: element %zu: %s is no binary64", input->name, i,
                              cli_hexfloat_exact(exact, text));
    }
    return ASSAY_OK;
}

/* The columns of [k, vectors] as rows. */
static assay_status transpose(cli_gemm_operand *o)
{
    double *rows = (double *)grab(o->vectors * o->k, sizeof *rows);
    if (!rows)
        return no_memory(o->input.name);
    for (size_t p = 0; p < o->k; p++)
        for (size_t j = 0; j < o->vectors; j++)
            rows[j * o->k + p] = o->x[p * o->vectors + j];
    free(o->x);
    o->x = rows;
    return ASSAY_OK;
}

static assay_status load(bool transposed, cli_gemm_operand *o)
{
    const assay_array *a = &o->input.array;
    if (a->ndim != 2)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: shape: %zu axes instead of 2", o->input.name,
                          a->ndim);
    o->vectors = a->shape[transposed];
    o->k = a->shape[!transposed];
    o->x = (double *)grab(a->count, sizeof *o->x);
    if (!o->x)
        return no_memory(o->input.name);
    assay_status status = cli_gemm_read(&o->input, o->x);
    return status == ASSAY_OK && transposed ? transpose(o) : status;
}

assay_status cli_gemm_open(const char *name, bool transposed, cli_gemm_operand *out)
{
    cli_gemm_operand o = { 0 };
    assay_status status = cli_input_open(name, NULL, &o.input);
    if (status != ASSAY_OK)
        return status;
    status = load(transposed, &o);
    if (status == ASSAY_OK)
        *out = o;
    else
        cli_gemm_close(&o);
    return status;
}

void cli_gemm_close(cli_gemm_operand *x)
{
    free(x->x);
    free(x->scale);
    cli_input_close(&x->input);
}

/* ---- schemes ---- */

/* x and scales from codes: x is the code's value less the zero point's. */
static void take_codes(const cli_gemm_quantizer *how, cli_gemm_operand *o, const void *codes,
                       const void *scales, const double *zeros, float tensor)
{
    const assay_scheme *s = &how->scheme;
    assay_scale_shape shape = assay_scheme_scales(s, o->vectors, o->k);
    const assay_tensor_scale whole = { .stored = tensor };
    assay_decode_array_f64(&s->element.format, codes, o->x, o->vectors * o->k);
    assay_decode_array_f64(&s->scale.format, scales, o->scale, shape.rows * shape.cols);
    o->scales = assay_scales_of(s, &whole, how->tensor_apart, o->vectors, o->k, o->scale);
    if (s->has_zero)
        assay_scales_take_zeros(&o->scales, o->vectors, o->k, zeros, o->x);
}

/* Scales that are quantized themselves become what they count as. */
static bool nest(const assay_scheme *s, size_t n, void *scales)
{
    if (s->nested == 0)
        return true;
    uint8_t *codes = (uint8_t *)grab(n, 1);
    float *second = (float *)grab(n / s->nested + 1, sizeof *second);
    bool memory = codes && second;
    if (memory)
        (void)assay_scheme_nest(s, n, (float *)scales, codes, second);
    free(codes);
    free(second);
    return memory;
}

static assay_status split(const cli_gemm_quantizer *how, cli_gemm_operand *o)
{
    const assay_scheme *s = &how->scheme;
    assay_scale_shape shape = assay_scheme_scales(s, o->vectors, o->k);
    size_t scales = shape.rows * shape.cols, element = assay_format_container(&s->element.format);
    void *codes = grab(o->vectors * o->k, element);
    void *scale_codes = grab(scales, assay_format_container(&s->scale.format));
    void *zero_codes = grab(scales, element);
    double *zeros = (double *)grab(scales, sizeof *zeros);
    float tensor = 1;
    o->scale = (double *)grab(scales, sizeof *o->scale);
    bool memory = codes && scale_codes && zero_codes && zeros && o->scale;
    if (memory) {
        assay_scheme_quantize_tensor(s, o->vectors, o->k, o->x, codes, scale_codes,
                                     s->has_zero ? zero_codes : NULL,
                                     s->has_tensor_scale ? &tensor : NULL);
        if (s->has_zero)
            assay_decode_array_f64(&s->element.format, zero_codes, zeros, scales);
        memory = nest(s, scales, scale_codes);
    }
    if (memory)
        take_codes(how, o, codes, scale_codes, zeros, tensor);
    free(codes);
    free(scale_codes);
    free(zero_codes);
    free(zeros);
    return memory ? ASSAY_OK : no_memory(o->input.name);
}

static void replace_values(const assay_scheme *s, cli_gemm_operand *o)
{
    assay_quantized out = { .values = o->x };
    assay_tensor_scale tensor =
        assay_scheme_tensor_scale(s, assay_scheme_amax(s, o->vectors, o->k, o->x));
    assay_scheme_quantize(s, &tensor, o->vectors, o->k, o->x, NULL, 0, &out);
}

static assay_status replace_nested(const assay_scheme *s, cli_gemm_operand *o)
{
    assay_scale_shape shape = assay_scheme_scales(s, o->vectors, o->k);
    size_t scales = shape.rows * shape.cols;
    void *codes = grab(o->vectors * o->k, assay_format_container(&s->element.format));
    float *of_codes = (float *)grab(scales, sizeof *of_codes);
    bool memory = codes && of_codes;
    if (memory) {
        assay_scheme_quantize_tensor(s, o->vectors, o->k, o->x, codes, of_codes, NULL, NULL);
        memory = nest(s, scales, of_codes);
    }
    if (memory)
        assay_scheme_dequantize(s, o->vectors, o->k, codes, of_codes, NULL, 1, o->x);
    free(codes);
    free(of_codes);
    return memory ? ASSAY_OK : no_memory(o->input.name);
}

assay_status cli_gemm_quantize(const cli_gemm_quantizer *how, cli_gemm_operand *x)
{
    const assay_scheme *s = &how->scheme;
    size_t n = x->vectors * x->k;
    bool scaled = s->block > 0 && !s->hierarchy && !how->dequantize && !how->operand;
    if (!s->element.format.fits_binary64)
        return assay_fail(ASSAY_ERR_USAGE,
                          "%s: operands are kept in binary64, which does not hold "
                          "all values of %s",
                          x->input.name, s->element.format.name);
    if (n == 0)
        return ASSAY_OK;
    if (scaled)
        return split(how, x);
    assay_status status = s->nested > 0 ? replace_nested(s, x) : ASSAY_OK;
    if (s->block > 0 && s->nested == 0)
        replace_values(s, x);
    else if (s->block == 0)
        assay_round_array_f64(&s->element, x->x, x->x, n);
    if (how->operand)
        assay_round_array_f64(how->operand, x->x, x->x, n);
    return status;
}

assay_status cli_gemm_check_integers(const cli_gemm_operand *o)
{
    char text[CLI_HEXFLOAT_BYTES];
    for (size_t i = 0; i < o->vectors * o->k; i++)
        if (!(fabs(o->x[i]) <= 0x1p31) || trunc(o->x[i]) != o->x[i])
            return assay_fail(ASSAY_ERR_VALUE,
                              "%s: vector %zu, term %zu: %s is no integer of 32 bits, which "
                              "int32 accumulates",
                              o->input.name, i / o->k, i % o->k, cli_hexfloat(o->x[i], text));
    return ASSAY_OK;
}
