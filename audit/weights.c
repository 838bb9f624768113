/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/weights.h"

#include <stdlib.h>
#include <string.h>

#include "audit/json.h"

static const char single_name[] = "model.safetensors";
static const char index_name[] = "model.safetensors.index.json";

typedef struct shard {
    char *name, *path;
    assay_file file;
    assay_safetensors *tensors;
} shard;

struct assay_weights {
    char *path; /* of the file or the index, for messages */
    shard *shards;
    size_t shard_count;
    const assay_tensor **tensors; /* ascending names */
    size_t count;
};

static assay_status no_memory(const char *path)
{
    return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory", path);
}

static assay_status open_shard(const assay_source *source, const char *name, shard *out)
{
    char path[ASSAY_PATH_BYTES];
    assay_status status = assay_source_open(source, name, path, &out->file);
    if (status != ASSAY_OK)
        return status;
    out->name = strdup(name);
    out->path = strdup(path);
    if (!out->name || !out->path)
        return no_memory(path);
    return assay_safetensors_parse(out->path, out->file.data, out->file.size, &out->tensors);
}

static int by_name(const void *a, const void *b)
{
    const assay_tensor *const *s = a, *const *t = b;
    return strcmp((*s)->name, (*t)->name);
}

static assay_status collect(assay_weights *w)
{
    size_t total = 0;
    for (size_t s = 0; s < w->shard_count; s++)
        total += assay_safetensors_count(w->shards[s].tensors);
    w->tensors = malloc((total + 1) * sizeof *w->tensors);
    if (!w->tensors)
        return no_memory(w->path);
    for (size_t s = 0; s < w->shard_count; s++)
        for (size_t i = 0; i < assay_safetensors_count(w->shards[s].tensors); i++)
            w->tensors[w->count++] = assay_safetensors_at(w->shards[s].tensors, i);
    qsort(w->tensors, w->count, sizeof *w->tensors, by_name);
    return ASSAY_OK;
}

/* A shard lies beside its index: a name with '/' could reach anywhere else. */
static bool is_plain(const char *name)
{
    return name && *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The distinct file names of the map, ascending; *names is the caller's to free. */
static assay_status shard_names(const char *path, const json_t *map, const char ***names,
                                size_t *count)
{
    const char *tensor;
    json_t *file;
    size_t n = 0, kept = 0;
    const char **list = malloc((json_object_size(map) + 1) * sizeof *list);
    if (!list)
        return no_memory(path);
    json_object_foreach((json_t *)(uintptr_t)map, tensor, file)
    {
        if (!is_plain(json_string_value(file))) {
            free(list);
            return assay_fail(ASSAY_ERR_INPUT, "%s: weight_map.%s: expected a plain file name",
                              path, tensor);
        }
        list[n++] = json_string_value(file);
    }
    qsort(list, n, sizeof *list, by_text);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(list[i], list[i - 1]) != 0)
            list[kept++] = list[i];
    *names = list;
    *count = kept;
    return ASSAY_OK;
}

static assay_status open_shards(const assay_source *source, const json_t *map, assay_weights *w)
{
    const char **names = NULL;
    size_t count = 0;
    assay_status status = shard_names(w->path, map, &names, &count);
    if (status != ASSAY_OK)
        return status;
    w->shards = calloc(count + 1, sizeof *w->shards);
    if (!w->shards)
        status = no_memory(w->path);
    for (size_t s = 0; s < count && status == ASSAY_OK; s++)
        status = open_shard(source, names[s], &w->shards[w->shard_count++]);
    free(names);
    return status;
}

/* Every tensor is where the map says, and the map names no other: as many as it has. */
static assay_status check_map(const json_t *map, const assay_weights *w)
{
    size_t count = 0;
    for (size_t s = 0; s < w->shard_count; s++)
        for (size_t i = 0; i < assay_safetensors_count(w->shards[s].tensors); i++, count++) {
            const assay_tensor *t = assay_safetensors_at(w->shards[s].tensors, i);
            const char *file = json_string_value(json_object_get(map, t->name));
            if (!file || strcmp(file, w->shards[s].name) != 0)
                return assay_fail(ASSAY_ERR_INPUT, "%s: weight_map.%s: %s, but the tensor is in %s",
                                  w->path, t->name, file ? file : "missing", w->shards[s].name);
        }
    const char *name;
    json_t *file;
    json_object_foreach((json_t *)(uintptr_t)map, name, file)
    {
        const shard *s = w->shards;
        while (strcmp(s->name, json_string_value(file)) != 0)
            s++; /* ends: a shard was opened for every name of the map */
        if (!assay_safetensors_lookup(s->tensors, name))
            return assay_fail(ASSAY_ERR_INPUT, "%s: %s: no such tensor, but weight_map names it",
                              s->path, name);
    }
    return ASSAY_OK;
}

static assay_status check_index(const char *path, const json_t *index)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)index, key, value)
    {
        if (strcmp(key, "metadata") != 0 && strcmp(key, "weight_map") != 0)
            return assay_fail(ASSAY_ERR_INPUT, "%s: %s: unknown key", path, key);
        if (!json_is_object(value))
            return assay_fail(ASSAY_ERR_INPUT, "%s: %s: expected an object", path, key);
    }
    if (!json_object_get(index, "weight_map"))
        return assay_fail(ASSAY_ERR_INPUT, "%s: weight_map: key is missing", path);
    return ASSAY_OK;
}

static assay_status open_indexed(const assay_source *source, assay_weights *w)
{
    char path[ASSAY_PATH_BYTES];
    assay_file file;
    json_t *index = NULL;
    assay_status status = assay_source_open(source, index_name, path, &file);
    if (status != ASSAY_OK)
        return status;
    status = assay_json_parse(path, file.data, file.size, &index);
    assay_file_close(&file);
    w->path = strdup(path);
    if (status == ASSAY_OK && !w->path)
        status = no_memory(path);
    if (status == ASSAY_OK)
        status = check_index(path, index);
    const json_t *map = json_object_get(index, "weight_map");
    if (status == ASSAY_OK)
        status = open_shards(source, map, w);
    if (status == ASSAY_OK)
        status = check_map(map, w);
    json_decref(index);
    return status;
}

static assay_status open_single(const assay_source *source, assay_weights *w)
{
    w->shards = calloc(1, sizeof *w->shards);
    if (!w->shards)
        return no_memory(source->name);
    w->shard_count = 1;
    assay_status status = open_shard(source, single_name, w->shards);
    if (status != ASSAY_OK)
        return status;
    w->path = strdup(w->shards->path);
    return w->path ? ASSAY_OK : no_memory(source->name);
}

assay_status assay_weights_open(const assay_source *source, assay_weights **out)
{
    bool single = assay_source_has(source, single_name);
    if (!single && !assay_source_has(source, index_name))
        return assay_fail(ASSAY_ERR_IO, "%s: has neither %s nor %s", source->name, single_name,
                          index_name);
    assay_weights *w = calloc(1, sizeof *w);
    if (!w)
        return no_memory(source->name);
    assay_status status = single ? open_single(source, w) : open_indexed(source, w);
    if (status == ASSAY_OK)
        status = collect(w);
    if (status != ASSAY_OK) {
        assay_weights_close(w);
        return status;
    }
    *out = w;
    return ASSAY_OK;
}

void assay_weights_close(assay_weights *weights)
{
    if (!weights)
        return;
    for (size_t s = 0; s < weights->shard_count; s++) {
        assay_safetensors_close(weights->shards[s].tensors);
        assay_file_close(&weights->shards[s].file);
        free(weights->shards[s].name);
        free(weights->shards[s].path);
    }
    free(weights->shards);
    free(weights->tensors);
    free(weights->path);
    free(weights);
}

size_t assay_weights_count(const assay_weights *weights)
{
    return weights->count;
}

const assay_tensor *assay_weights_at(const assay_weights *weights, size_t i)
{
    return weights->tensors[i];
}

const assay_tensor *assay_weights_lookup(const assay_weights *weights, const char *name)
{
    const assay_tensor tensor = { .name = name }, *key = &tensor;
    const assay_tensor **found =
        bsearch(&key, weights->tensors, weights->count, sizeof key, by_name);
    return found ? *found : NULL;
}

assay_status assay_weights_find(const assay_weights *weights, const char *name,
                                const assay_tensor **out)
{
    const assay_tensor *found = assay_weights_lookup(weights, name);
    if (!found)
        return assay_fail(ASSAY_ERR_INPUT, "%s: %s: no such tensor", weights->path, name);
    *out = found;
    return ASSAY_OK;
}

assay_status assay_weights_require(const assay_weights *weights, const char *name, size_t ndim,
                                   const size_t *shape, const assay_tensor **out)
{
    const assay_tensor *t = NULL;
    char is[256], wanted[256];
    assay_status status = assay_weights_find(weights, name, &t);
    if (status != ASSAY_OK)
        return status;
    if (t->ndim != ndim || memcmp(t->shape, shape, ndim * sizeof *shape) != 0) {
        assay_shape_text(t->ndim, t->shape, is, sizeof is);
        assay_shape_text(ndim, shape, wanted, sizeof wanted);
        return assay_fail(ASSAY_ERR_SHAPE, "%s: %s: shape %s, expected %s", t->file, name, is,
                          wanted);
    }
    *out = t;
    return ASSAY_OK;
}
