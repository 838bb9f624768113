/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "audit/json.h"

enum { PREFIX = 8, HEADER_LIMIT = 100000000 };

struct assay_safetensors {
    json_t *header;        /* owns the names */
    assay_tensor *tensors; /* ascending names */
    size_t count;
    const char *name;
    char *path; /* owned copy of name, or NULL */
    assay_file file;
};

/* What one parse needs to know; base and room are the data section. */
typedef struct layout {
    const char *name;
    const unsigned char *base;
    size_t room;
} layout;

static assay_status bad(const char *file, const char *field, const char *what)
{
    return assay_fail(ASSAY_ERR_INPUT, "%s: %s: %s", file, field, what);
}

/* Only spaces may stand behind the closing brace. */
static assay_status parse_header(const char *name, const unsigned char *bytes, size_t size,
                                 size_t *length, json_t **header)
{
    uint64_t n;
    if (size < PREFIX)
        return bad(name, "header length", "file ends here");
    memcpy(&n, bytes, sizeof n);
    if (n > HEADER_LIMIT)
        return assay_fail(ASSAY_ERR_INPUT, "%s: header length: %llu bytes, at most %d", name,
                          (unsigned long long)n, HEADER_LIMIT);
    if (n > size - PREFIX)
        return assay_fail(ASSAY_ERR_INPUT, "%s: header length: %llu bytes, but the file has %zu",
                          name, (unsigned long long)n, size - PREFIX);
    const unsigned char *text = bytes + PREFIX;
    size_t end = (size_t)n;
    while (end > 0 && text[end - 1] == ' ')
        end--;
    if (end == 0 || text[0] != '{')
        return bad(name, "header", "does not start with '{'");
    if (text[end - 1] != '}')
        return bad(name, "header", "does not end with '}' and spaces");
    *length = (size_t)n;
    return assay_json_parse(name, text, end, header);
}

static assay_status check_metadata(const char *name, const json_t *metadata)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return bad(name, "__metadata__", "expected an object");
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value)
    {
        if (!json_is_string(value))
            return assay_fail(ASSAY_ERR_INPUT, "%s: __metadata__.%.200s: expected a string", name,
                              key);
    }
    return ASSAY_OK;
}

static assay_status bad_tensor(const assay_tensor *t, const char *field, const char *what)
{
    return assay_fail(ASSAY_ERR_INPUT, "%s: %.200s.%s: %s", t->file, t->name, field, what);
}

static bool get_size(const json_t *value, size_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (size_t)json_integer_value(value);
    return true;
}

static assay_status read_dtype(assay_tensor *t, const json_t *value)
{
    const char *text = json_string_value(value);
    if (!text)
        return bad_tensor(t, "dtype", "expected a string");
    if (!assay_dtype_from_name(text, &t->dtype))
        return assay_fail(ASSAY_ERR_INPUT, "%s: %.200s.dtype: unknown type '%.40s'", t->file,
                          t->name, text);
    return ASSAY_OK;
}

static assay_status read_shape(assay_tensor *t, const json_t *value)
{
    if (!json_is_array(value))
        return bad_tensor(t, "shape", "expected an array");
    t->ndim = json_array_size(value);
    if (t->ndim > ASSAY_MAX_DIMS)
        return bad_tensor(t, "shape", "more than 8 dimensions");
    for (size_t i = 0; i < t->ndim; i++)
        if (!get_size(json_array_get(value, i), &t->shape[i]))
            return bad_tensor(t, "shape", "expected integers of 0 and more");
    return ASSAY_OK;
}

static assay_status read_range(assay_tensor *t, const json_t *value, const layout *where)
{
    size_t begin, end;
    if (json_array_size(value) != 2 || !get_size(json_array_get(value, 0), &begin) ||
        !get_size(json_array_get(value, 1), &end))
        return bad_tensor(t, "data_offsets", "expected [begin, end]");
    if (begin > end)
        return bad_tensor(t, "data_offsets", "begin lies behind end");
    if (end > where->room)
        return assay_fail(ASSAY_ERR_INPUT,
                          "%s: %.200s.data_offsets: end %zu, but the data has %zu bytes", t->file,
                          t->name, end, where->room);
    t->data = where->base + begin;
    t->bytes = end - begin;
    return ASSAY_OK;
}

static assay_status check_size(assay_tensor *t)
{
    size_t bits;
    if (!assay_shape_count(t->ndim, t->shape, &t->count) ||
        !assay_dtype_size(t->dtype, t->count, &bits))
        return bad_tensor(t, "shape", "number of elements overflows");
    if (bits % 8 != 0)
        return bad_tensor(t, "shape", "does not fill whole bytes");
    if (bits / 8 != t->bytes)
        return assay_fail(ASSAY_ERR_INPUT,
                          "%s: %.200s.data_offsets: %zu bytes, but the shape has %zu", t->file,
                          t->name, t->bytes, bits / 8);
    return ASSAY_OK;
}

static assay_status read_tensor(const layout *where, const char *name, const json_t *entry,
                                assay_tensor *out)
{
    assay_tensor t = { .name = name, .file = where->name };
    if (!json_is_object(entry))
        return assay_fail(ASSAY_ERR_INPUT, "%s: %.200s: expected an object", t.file, name);
    const json_t *dtype = json_object_get(entry, "dtype");
    const json_t *shape = json_object_get(entry, "shape");
    const json_t *range = json_object_get(entry, "data_offsets");
    if (!dtype || !shape || !range)
        return bad_tensor(&t,
                          !dtype   ? "dtype"
                          : !shape ? "shape"
                                   : "data_offsets",
                          "key is missing");
    if (json_object_size(entry) != 3)
        return assay_fail(ASSAY_ERR_INPUT,
                          "%s: %.200s: unknown key besides dtype, shape, data_offsets", t.file,
                          name);
    assay_status status = read_dtype(&t, dtype);
    if (status == ASSAY_OK)
        status = read_shape(&t, shape);
    if (status == ASSAY_OK)
        status = read_range(&t, range, where);
    if (status == ASSAY_OK)
        status = check_size(&t);
    if (status == ASSAY_OK)
        *out = t;
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const assay_tensor *)a)->name, ((const assay_tensor *)b)->name);
}

/* Empty ranges come before the range that begins where they stand. */
static int by_range(const void *a, const void *b)
{
    const assay_tensor *s = a, *t = b;
    if (s->data != t->data)
        return s->data < t->data ? -1 : 1;
    return (s->bytes > t->bytes) - (s->bytes < t->bytes);
}

/* Leaves the tensors in order of their ranges. */
static assay_status check_layout(const layout *where, assay_tensor *tensors, size_t count)
{
    const unsigned char *at = where->base;
    if (count > 0)
        qsort(tensors, count, sizeof *tensors, by_range);
    for (size_t i = 0; i < count; at = tensors[i].data + tensors[i].bytes, i++)
        if (tensors[i].data != at)
            return bad_tensor(&tensors[i], "data_offsets",
                              tensors[i].data < at ? "overlaps another tensor"
                                                   : "leaves a hole before it");
    if (at != where->base + where->room)
        return assay_fail(ASSAY_ERR_INPUT, "%s: data: %zu bytes belong to no tensor", where->name,
                          (size_t)(where->base + where->room - at));
    return ASSAY_OK;
}

static assay_status read_entries(const layout *where, assay_safetensors *self)
{
    const char *name;
    json_t *entry;
    assay_status status = ASSAY_OK;
    size_t entries = json_object_size(self->header);
    self->tensors = calloc(entries ? entries : 1, sizeof *self->tensors);
    if (!self->tensors)
        return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory for %zu tensors", where->name, entries);
    json_object_foreach(self->header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            status = check_metadata(where->name, entry);
        else
            status = read_tensor(where, name, entry, &self->tensors[self->count++]);
        if (status != ASSAY_OK)
            return status;
    }
    status = check_layout(where, self->tensors, self->count);
    if (self->count > 0)
        qsort(self->tensors, self->count, sizeof *self->tensors, by_name);
    return status;
}

assay_status assay_safetensors_parse(const char *name, const void *bytes, size_t size,
                                     assay_safetensors **out)
{
    size_t length = 0;
    assay_safetensors *self = calloc(1, sizeof *self);
    if (!self)
        return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory", name);
    self->name = name;
    assay_status status = parse_header(name, bytes, size, &length, &self->header);
    if (status == ASSAY_OK) {
        const layout where = { name, (const unsigned char *)bytes + PREFIX + length,
                               size - PREFIX - length };
        status = read_entries(&where, self);
    }
    if (status != ASSAY_OK) {
        assay_safetensors_close(self);
        return status;
    }
    *out = self;
    return ASSAY_OK;
}

assay_status assay_safetensors_open(const char *path, assay_safetensors **out)
{
    assay_file file;
    assay_safetensors *self = NULL;
    char *copy = strdup(path);
    if (!copy)
        return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory", path);
    assay_status status = assay_file_open(path, &file);
    if (status == ASSAY_OK) {
        status = assay_safetensors_parse(copy, file.data, file.size, &self);
        if (status != ASSAY_OK)
            assay_file_close(&file);
    }
    if (status != ASSAY_OK) {
        free(copy);
        return status;
    }
    self->file = file;
    self->path = copy;
    *out = self;
    return ASSAY_OK;
}

void assay_safetensors_close(assay_safetensors *tensors)
{
    if (!tensors)
        return;
    json_decref(tensors->header);
    free(tensors->tensors);
    free(tensors->path);
    assay_file_close(&tensors->file);
    free(tensors);
}

size_t assay_safetensors_count(const assay_safetensors *tensors)
{
    return tensors->count;
}

const assay_tensor *assay_safetensors_at(const assay_safetensors *tensors, size_t i)
{
    return &tensors->tensors[i];
}

const assay_tensor *assay_safetensors_lookup(const assay_safetensors *tensors, const char *name)
{
    const assay_tensor key = { .name = name };
    return bsearch(&key, tensors->tensors, tensors->count, sizeof key, by_name);
}

assay_status assay_safetensors_find(const assay_safetensors *tensors, const char *name,
                                    const assay_tensor **out)
{
    const assay_tensor *found = assay_safetensors_lookup(tensors, name);
    if (!found)
        return assay_fail(ASSAY_ERR_INPUT, "%s: %.200s: no such tensor", tensors->name, name);
    *out = found;
    return ASSAY_OK;
}

const char *assay_safetensors_metadata(const assay_safetensors *tensors, const char *key)
{
    const json_t *metadata = json_object_get(tensors->header, "__metadata__");
    return json_string_value(json_object_get(metadata, key));
}
