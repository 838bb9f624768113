/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/transform.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/npy.h"
#include "formats/spec.h"
#include "rounding/array.h"

/* A number with at most six digits after the point, times 10^6. */
static assay_status read_share(const char *text, uint64_t *out)
{
    char *end;
    double value = text ? strtod(text, &end) : -1;
    if (!text || *end || !(value >= 0 && value <= 100))
        return assay_fail(ASSAY_ERR_USAGE, "share=%s: expected percent, from 0 to 100",
                          text ? text : "");
    *out = (uint64_t)(int64_t)llrint(value * 1e6);
    return ASSAY_OK;
}

static assay_status open_rotation(const assay_spec *spec, assay_transform *t)
{
    long n = 0, seed = 0, stream = 0;
    assay_status status = ASSAY_OK;
    t->kind = ASSAY_TRANSFORM_ROTATE;
    for (size_t i = 0; i < spec->count && status == ASSAY_OK; i++) {
        const assay_spec_item *item = &spec->items[i];
        if (strcmp(item->key, "n") == 0)
            status = assay_spec_integer(item, 1, 1 << 30, &n);
        else if (strcmp(item->key, "seed") == 0)
            status = assay_spec_integer(item, 0, INT64_MAX, &seed);
        else if (strcmp(item->key, "stream") == 0)
            status = assay_spec_integer(item, 0, UINT32_MAX, &stream);
        else
            status = assay_spec_unknown(item, "n, seed, stream");
        t->random = t->random || strcmp(item->key, "n") != 0;
    }
    t->block = (size_t)n;
    t->seed = (uint64_t)seed;
    t->stream = (uint32_t)stream;
    return status == ASSAY_OK ? assay_transform_check(t, 0, NULL) : status;
}

static assay_status open_outliers(const assay_spec *spec, cli_transforms *out)
{
    const assay_spec_item *above = assay_spec_find(spec, "above");
    const assay_spec_item *share = assay_spec_find(spec, "share");
    const assay_spec_item *keep = assay_spec_find(spec, "keep");
    assay_format format;
    char *end;
    if (!above == !share || spec->count != 1 + (keep != NULL) || (above && !above->value))
        return assay_fail(ASSAY_ERR_USAGE, "outliers take above=X or share=P, and keep=FORMAT");
    if (out->splits)
        return assay_fail(ASSAY_ERR_USAGE, "outliers can be taken out once");
    out->splits = true;
    out->split_at = out->count;
    out->rule.above = above != NULL;
    out->rule.least = above ? strtod(above->value, &end) : 0;
    if (above && (*end || !(out->rule.least >= 0)))
        return assay_fail(ASSAY_ERR_USAGE, "above=%s: expected a number, not negative",
                          above->value);
    assay_status status = share ? read_share(share->value, &out->rule.share) : ASSAY_OK;
    if (status == ASSAY_OK)
        status = assay_format_parse(keep && keep->value ? keep->value : "binary32", &format);
    if (status == ASSAY_OK)
        status = assay_rounder_make(&format, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT,
                                    &out->keep);
    return status;
}

/* smooth:FILE and permute:FILE. */
static assay_status open_columns(const char *file, bool smooth, cli_transforms *out)
{
    assay_array a;
    assay_transform *t = &out->steps[out->count];
    assay_status status = assay_array_open(file, &a);
    if (status != ASSAY_OK)
        return status;
    t->kind = smooth ? ASSAY_TRANSFORM_SMOOTH : ASSAY_TRANSFORM_PERMUTE;
    t->cols = a.count;
    if (smooth)
        t->by = out->by[out->count] = malloc((a.count + 1) * sizeof(double));
    else
        t->order = out->order[out->count] = malloc((a.count + 1) * sizeof(uint64_t));
    unsigned char *seen = malloc(a.count + 1);
    if (!seen || !(smooth ? (const void *)t->by : (const void *)t->order))
        status = assay_fail(ASSAY_ERR_MEMORY, "no memory");
    else if (smooth)
        status = assay_array_to_f64(&a, out->by[out->count]);
    else
        status = assay_array_to_u64(&a, out->order[out->count]);
    if (status == ASSAY_OK)
        status = assay_transform_check(t, a.count, seen);
    free(seen);
    assay_array_close(&a);
    return status == ASSAY_OK ? ASSAY_OK : assay_fail_in(status, file);
}

static assay_status open_step(const char *text, cli_transforms *out)
{
    assay_spec spec;
    assay_transform *t = &out->steps[out->count];
    if (out->count == CLI_TRANSFORMS)
        return assay_fail(ASSAY_ERR_USAGE, "at most %d steps", CLI_TRANSFORMS);
    if (strncmp(text, "smooth:", 7) == 0 || strncmp(text, "permute:", 8) == 0) {
        bool smooth = *text == 's';
        assay_status status = open_columns(text + (smooth ? 7 : 8), smooth, out);
        out->count++; /* what was allocated is freed */
        return status;
    }
    assay_status status = assay_spec_split(text, &spec);
    if (status != ASSAY_OK)
        return status;
    if (strcmp(spec.head, "outliers") == 0)
        return open_outliers(&spec, out);
    if (strcmp(spec.head, "hadamard") != 0)
        return assay_fail(ASSAY_ERR_USAGE,
                          "'%s': the steps are hadamard, smooth, permute, outliers", spec.head);
    status = open_rotation(&spec, t);
    out->count += status == ASSAY_OK;
    return status;
}

assay_status cli_transforms_open(const cli_transform_request *r, cli_transforms *out)
{
    assay_status status = ASSAY_OK;
    *out = (cli_transforms){ .outliers = r->outliers, .index = r->index };
    for (size_t i = 0; i < r->list.count && status == ASSAY_OK; i++)
        status = open_step(r->list.items[i], out);
    if (status == ASSAY_OK && out->splits != (r->outliers != NULL))
        status = assay_fail(ASSAY_ERR_USAGE, out->splits ? "--outliers F is missing"
                                                         : "--outliers needs a step outliers");
    if (status == ASSAY_OK && r->index && !r->outliers)
        status = assay_fail(ASSAY_ERR_USAGE, "--outlier-index needs --outliers");
    if (status != ASSAY_OK)
        cli_transforms_close(out);
    return status == ASSAY_ERR_USAGE ? assay_fail_in(status, "option --transform") : status;
}

void cli_transforms_close(cli_transforms *t)
{
    for (size_t i = 0; i < CLI_TRANSFORMS; i++) {
        free(t->by[i]);
        free(t->order[i]);
    }
    *t = (cli_transforms){ 0 };
}

/* ---- an array ---- */

typedef struct matrix {
    size_t rows, cols;
    double *x;
} matrix;

static matrix matrix_of(size_t ndim, const size_t *shape, double *x)
{
    matrix m = { 1, ndim > 0 ? shape[ndim - 1] : 1, x };
    for (size_t i = 0; i + 1 < ndim; i++)
        m.rows *= shape[i];
    return m;
}

static assay_status narrow_step(const assay_transform *t, matrix m)
{
    size_t n = m.rows * m.cols;
    float *x = calloc(2 * n + 1, sizeof *x), *y = x ? x + n : NULL;
    if (!x)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for a transform");
    for (size_t i = 0; i < n; i++)
        x[i] = (float)m.x[i];
    assay_transform_f32(t, false, m.rows, m.cols, x, y);
    for (size_t i = 0; i < n; i++)
        m.x[i] = (double)y[i];
    free(x);
    return ASSAY_OK;
}

static assay_status step(const assay_transform *t, bool back, bool narrow, matrix m)
{
    size_t n = m.rows * m.cols;
    if (t->kind != ASSAY_TRANSFORM_ROTATE && t->cols != m.cols)
        return assay_fail(ASSAY_ERR_SHAPE,
                          "option --transform: a file of %zu elements, but the rows have %zu",
                          t->cols, m.cols);
    if (narrow)
        return narrow_step(t, m);
    double *x = malloc((n + 1) * sizeof *x);
    if (!x)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for a transform");
    memcpy(x, m.x, n * sizeof *x);
    assay_transform_f64(t, back, m.rows, m.cols, x, m.x);
    free(x);
    return ASSAY_OK;
}

static assay_status write_file(const char *path, assay_dtype dtype, size_t ndim,
                               const size_t *shape, const void *data, assay_output *out)
{
    assay_status status = assay_output_begin(path, out);
    if (status == ASSAY_OK)
        status = assay_npy_write(out->stream, dtype, ndim, shape, data);
    return status == ASSAY_ERR_IO ? assay_fail_in(status, path) : status;
}

/* The outliers leave x; `kept` marks them, `place` gets their indices. */
static size_t take_out(const cli_transforms *t, matrix m, const unsigned char *kept, double *value,
                       uint64_t *place)
{
    size_t found = 0;
    for (size_t i = 0; i < m.rows * m.cols; i++) {
        double v = kept[i] ? assay_round(&t->keep, m.x[i]) : 0;
        m.x[i] = kept[i] ? 0 : m.x[i];
        if (!t->index)
            value[i] = v;
        else if (kept[i]) {
            value[found] = v;
            place[found] = i;
        }
        found += kept[i];
    }
    return found;
}

static assay_status split(const cli_transforms *t, size_t ndim, const size_t *shape, matrix m)
{
    size_t n = m.rows * m.cols, outputs = 1 + (t->index != NULL);
    unsigned char *kept = malloc(n + 1);
    double *value = malloc((n + 1) * sizeof *value);
    uint64_t *place = malloc((n + 1) * sizeof *place);
    assay_output out[2] = { { 0 }, { 0 } };
    assay_status status =
        kept && value && place ? ASSAY_OK : assay_fail(ASSAY_ERR_MEMORY, "no memory for outliers");
    if (status == ASSAY_OK) {
        assay_outliers_find(&t->rule, m.rows, m.cols, m.x, kept);
        size_t found = take_out(t, m, kept, value, place);
        status = write_file(t->outliers, ASSAY_DTYPE_F64, t->index ? 1 : ndim,
                            t->index ? &found : shape, value, &out[0]);
        if (status == ASSAY_OK && t->index)
            status = write_file(t->index, ASSAY_DTYPE_U64, 1, &found, place, &out[1]);
    }
    if (status == ASSAY_OK)
        status = assay_output_commit_all(out, outputs);
    else
        for (size_t i = 0; i < outputs; i++)
            assay_output_abort(&out[i]);
    free(kept);
    free(value);
    free(place);
    return status;
}

assay_status cli_transforms_apply(const cli_transforms *t, bool narrow, size_t ndim,
                                  const size_t *shape, double *x)
{
    const matrix m = matrix_of(ndim, shape, x);
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i <= t->count && status == ASSAY_OK; i++) {
        if (t->splits && i == t->split_at)
            status = split(t, ndim, shape, m);
        if (i < t->count && status == ASSAY_OK)
            status = step(&t->steps[i], false, narrow, m);
    }
    return status;
}

/* Adds the outliers to where they were taken from. */
static assay_status put_back(const cli_transforms *t, matrix m)
{
    assay_array value, place = { 0 };
    size_t n = m.rows * m.cols;
    assay_status status = assay_array_open(t->outliers, &value);
    if (status != ASSAY_OK)
        return status;
    if (t->index)
        status = assay_array_open(t->index, &place);
    if (status != ASSAY_OK) {
        assay_array_close(&value);
        return status;
    }
    if (value.count != (t->index ? place.count : n))
        status = assay_fail(ASSAY_ERR_SHAPE, "%s: shape: %zu elements, expected %zu", t->outliers,
                            value.count, t->index ? place.count : n);
    for (size_t i = 0; i < value.count && status == ASSAY_OK; i++) {
        int64_t at = (int64_t)i;
        if (t->index)
            status = assay_array_get_i64(&place, i, &at);
        if (status == ASSAY_OK && (at < 0 || (uint64_t)at >= n))
            status =
                assay_fail(ASSAY_ERR_VALUE, "%s: element %zu: no place of the array", t->index, i);
        double v = assay_array_get_f64(&value, i);
        if (status == ASSAY_OK && (t->index || v != 0))
            m.x[at] += v;
    }
    if (t->index)
        assay_array_close(&place);
    assay_array_close(&value);
    return status;
}

assay_status cli_transforms_undo(const cli_transforms *t, size_t ndim, const size_t *shape,
                                 double *x)
{
    const matrix m = matrix_of(ndim, shape, x);
    assay_status status = ASSAY_OK;
    for (size_t i = t->count + 1; i-- > 0 && status == ASSAY_OK;) {
        if (i < t->count)
            status = step(&t->steps[i], true, false, m);
        if (t->splits && i == t->split_at && status == ASSAY_OK)
            status = put_back(t, m);
    }
    return status;
}
