/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/array.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/npy.h"
#include "audit/safetensors.h"

/* Where the tensor's name begins in "FILE.safetensors:TENSOR"; NULL for any other spec. */
static const char *tensor_of(const char *spec)
{
    static const char mark[] = ".safetensors:";
    const char *at = strstr(spec, mark);
    return at ? at + sizeof mark - 1 : NULL;
}

static assay_status open_tensor(const char *path, const char *name, assay_array *out)
{
    assay_file file;
    assay_safetensors *tensors = NULL;
    const assay_tensor *tensor = NULL;
    assay_status status = assay_file_open(path, &file);
    if (status != ASSAY_OK)
        return status;
    status = assay_safetensors_parse(path, file.data, file.size, &tensors);
    if (status == ASSAY_OK)
        status = assay_safetensors_find(tensors, name, &tensor);
    if (status == ASSAY_OK) {
        *out = (assay_array){ .dtype = tensor->dtype,
                              .ndim = tensor->ndim,
                              .count = tensor->count,
                              .data = tensor->data,
                              .file = file };
        memcpy(out->shape, tensor->shape, sizeof out->shape);
    } else {
        assay_file_close(&file);
    }
    assay_safetensors_close(tensors);
    return status;
}

assay_status assay_array_open(const char *spec, assay_array *out)
{
    const char *name = tensor_of(spec);
    if (!name) {
        size_t length = strlen(spec), tail = strlen(".safetensors");
        if (length > tail && strcmp(spec + length - tail, ".safetensors") == 0)
            return assay_fail(ASSAY_ERR_INPUT, "%s: no tensor named: write FILE.safetensors:TENSOR",
                              spec);
        return assay_npy_open(spec, out);
    }
    char path[ASSAY_PATH_BYTES];
    size_t length = (size_t)(name - spec) - 1;
    if (length >= sizeof path)
        return assay_fail(ASSAY_ERR_IO, "%.64s...: path is too long", spec);
    memcpy(path, spec, length);
    path[length] = 0;
    return open_tensor(path, name, out);
}

void assay_array_close(assay_array *array)
{
    assay_file_close(&array->file);
    *array = (assay_array){ 0 };
}

size_t assay_array_bytes(const assay_array *array)
{
    size_t bits = 0;
    (void)assay_dtype_size(array->dtype, array->count, &bits); /* the reader has checked it */
    return bits / 8;
}

/* Element i's bits, sign-extended for signed types. */
static uint64_t integer(const assay_array *array, size_t i)
{
    const assay_dtype_info *d = &assay_dtypes[array->dtype];
    size_t width = d->bits / 8;
    uint64_t u = 0;
    memcpy(&u, array->data + i * width, width);
    uint64_t sign = (uint64_t)1 << (d->bits - 1);
    return d->kind == ASSAY_SIGNED ? (u ^ sign) - sign : u;
}

double assay_array_get_f64(const assay_array *array, size_t i)
{
    const assay_dtype_info *d = &assay_dtypes[array->dtype];
    double value = NAN;
    if (d->kind == ASSAY_FLOAT)
        assay_dtype_to_f64(array->dtype, array->data + i * (d->bits / 8), 1, &value);
    else if (d->kind == ASSAY_SIGNED)
        value = (double)(int64_t)integer(array, i);
    else if (d->kind == ASSAY_UNSIGNED)
        value = (double)integer(array, i);
    return value;
}

static assay_status no_access(const assay_array *array, const char *wanted)
{
    return assay_fail(ASSAY_ERR_INPUT, "dtype: %s elements, expected %s",
                      assay_dtypes[array->dtype].word, wanted);
}

/* A 64-bit integer is a binary64 iff its odd part has at most 53 bits. */
static bool exact_in_f64(uint64_t magnitude)
{
    return magnitude == 0 || magnitude >> __builtin_ctzll(magnitude) >> 53 == 0;
}

assay_status assay_array_to_f64(const assay_array *array, double *out)
{
    const assay_dtype_info *d = &assay_dtypes[array->dtype];
    if (d->kind == ASSAY_OPAQUE)
        return no_access(array, "floats or integers");
    if (d->kind == ASSAY_FLOAT) {
        assay_dtype_to_f64(array->dtype, array->data, array->count, out);
        return ASSAY_OK;
    }
    for (size_t i = 0; i < array->count; i++) {
        uint64_t u = integer(array, i);
        bool negative = d->kind == ASSAY_SIGNED && (int64_t)u < 0;
        if (!exact_in_f64(negative ? 0 - u : u))
            return assay_fail(ASSAY_ERR_VALUE, "element %zu: %s%llu is not a float64", i,
                              negative ? "-" : "", (unsigned long long)(negative ? 0 - u : u));
        out[i] = d->kind == ASSAY_SIGNED ? (double)(int64_t)u : (double)u;
    }
    return ASSAY_OK;
}

static bool is_integer(const assay_array *array)
{
    assay_dtype_kind kind = assay_dtypes[array->dtype].kind;
    return kind == ASSAY_SIGNED || kind == ASSAY_UNSIGNED;
}

assay_status assay_array_get_i64(const assay_array *array, size_t i, int64_t *out)
{
    if (!is_integer(array))
        return no_access(array, "integers");
    uint64_t u = integer(array, i);
    if (assay_dtypes[array->dtype].kind == ASSAY_UNSIGNED && u > INT64_MAX)
        return assay_fail(ASSAY_ERR_VALUE, "element %zu: %llu is more than 2^63 - 1", i,
                          (unsigned long long)u);
    *out = (int64_t)u;
    return ASSAY_OK;
}

assay_status assay_array_to_i64(const assay_array *array, int64_t *out)
{
    if (!is_integer(array))
        return no_access(array, "integers");
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < array->count && status == ASSAY_OK; i++)
        status = assay_array_get_i64(array, i, &out[i]);
    return status;
}

assay_status assay_array_to_u64(const assay_array *array, uint64_t *out)
{
    if (!is_integer(array))
        return no_access(array, "integers");
    bool is_signed = assay_dtypes[array->dtype].kind == ASSAY_SIGNED;
    for (size_t i = 0; i < array->count; i++) {
        out[i] = integer(array, i);
        if (is_signed && (int64_t)out[i] < 0)
            return assay_fail(ASSAY_ERR_VALUE, "element %zu: %lld is negative", i,
                              (long long)out[i]);
    }
    return ASSAY_OK;
}
