/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/weights.h"

assay_status assay_tensor_to_f64(const assay_tensor *tensor, size_t first, size_t count,
                                 double *out)
{
    const assay_dtype_info *d = &assay_dtypes[tensor->dtype];
    if (d->kind != ASSAY_FLOAT)
        return assay_fail(ASSAY_ERR_INPUT, "%s: %s: dtype %s, expected F16, BF16, F32 or F64",
                          tensor->file, tensor->name, d->name);
    if (first > tensor->count || count > tensor->count - first)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: %s: elements %zu to %zu of %zu", tensor->file,
                          tensor->name, first, first + count, tensor->count);
    assay_dtype_to_f64(tensor->dtype, tensor->data + first * (d->bits / 8), count, out);
    return ASSAY_OK;
}

assay_status assay_tensor_row_f64(const assay_tensor *tensor, size_t row, double *out)
{
    size_t width = tensor->ndim ? tensor->shape[tensor->ndim - 1] : 1;
    if (width == 0 || row >= tensor->count / width)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: %s: no row %zu", tensor->file, tensor->name, row);
    return assay_tensor_to_f64(tensor, row * width, width, out);
}

assay_status assay_tensor_check_finite(const assay_tensor *tensor)
{
    size_t i = assay_dtype_nonfinite(tensor->dtype, tensor->data, tensor->count);
    if (i == tensor->count)
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_VALUE, "%s: %s: element %zu is NaN or infinite", tensor->file,
                      tensor->name, i);
}
