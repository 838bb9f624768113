/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/model.h"

#include <stdlib.h>
#include <string.h>

#include "audit/builtin.h"

static assay_status open_tokenizer(const assay_source *source, assay_model *model)
{
    char path[ASSAY_PATH_BYTES];
    assay_file file;
    if (!assay_source_has(source, "tokenizer.json"))
        return ASSAY_OK;
    assay_status status = assay_source_open(source, "tokenizer.json", path, &file);
    if (status != ASSAY_OK)
        return status;
    status = assay_tokenizer_parse(path, file.data, file.size, &model->tokenizer);
    assay_file_close(&file);
    if (status == ASSAY_OK && assay_tokenizer_vocab_size(model->tokenizer) > model->config.vocab)
        return assay_fail(ASSAY_ERR_INPUT,
                          "%s: has pieces up to id %zu, but config.json's "
                          "vocab_size is %zu",
                          path, assay_tokenizer_vocab_size(model->tokenizer) - 1,
                          model->config.vocab);
    return status;
}

static void find_last_uses(assay_model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        model->nodes[i].last_use = (int)i;
        for (int j = 0; j < 2; j++)
            if (model->nodes[i].in[j] != ASSAY_NO_NODE)
                model->nodes[model->nodes[i].in[j]].last_use = (int)i;
    }
}

static assay_status check_finite(const assay_model *model)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < assay_weights_count(model->weights) && status == ASSAY_OK; i++) {
        const assay_tensor *tensor = assay_weights_at(model->weights, i);
        if (assay_dtypes[tensor->dtype].kind == ASSAY_FLOAT)
            status = assay_tensor_check_finite(tensor);
    }
    return status;
}

static assay_status open_parts(const assay_source *source, const char *const *allowed,
                               size_t allowed_count, assay_model *model)
{
    assay_status status = assay_config_open(source, allowed, allowed_count, &model->config);
    if (status == ASSAY_OK)
        status = assay_weights_open(source, &model->weights);
    if (status == ASSAY_OK)
        status = assay_llama_build(model);
    if (status == ASSAY_OK)
        status = check_finite(model);
    if (status == ASSAY_OK)
        status = open_tokenizer(source, model);
    if (status == ASSAY_OK)
        find_last_uses(model);
    return status;
}

assay_status assay_model_open(const char *name, const char *const *allowed, size_t allowed_count,
                              assay_model **out)
{
    assay_source source = { .name = name };
    if (strcmp(name, assay_builtin_demo.name) == 0)
        source = assay_builtin_demo;
    assay_model *model = calloc(1, sizeof *model);
    char *copy = strdup(name);
    if (!model || !copy) {
        free(model);
        free(copy);
        return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory for the model", name);
    }
    model->name = copy;
    assay_status status = open_parts(&source, allowed, allowed_count, model);
    if (status == ASSAY_OK)
        *out = model;
    else
        assay_model_close(model);
    return status;
}

void assay_model_close(assay_model *model)
{
    if (!model)
        return;
    assay_tokenizer_free(model->tokenizer);
    assay_weights_close(model->weights);
    free(model->nodes);
    free(model->name);
    free(model);
}

size_t assay_model_parameters(const assay_model *model)
{
    size_t total = 0;
    for (size_t i = 0; i < assay_weights_count(model->weights); i++)
        total += assay_weights_at(model->weights, i)->count;
    return total;
}

int assay_model_find(const assay_model *model, const char *tap)
{
    for (size_t i = 0; i < model->count; i++)
        if (strcmp(model->nodes[i].tap, tap) == 0)
            return (int)i;
    return ASSAY_NO_NODE;
}
