/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/model_options.h"

#include <stdlib.h>
#include <string.h>

static assay_status open_recipe(const model_options *options, opened_model *out)
{
    const char *backend = options->backend  ? options->backend
                          : options->recipe ? "emulated"
                                            : "reference";
    assay_status status = assay_backend_find(backend, &out->backend);
    if (status != ASSAY_OK || !options->recipe)
        return status;
    if (strcmp(backend, "emulated") != 0)
        return assay_fail(ASSAY_ERR_USAGE, "--backend %s takes no recipe", backend);
    status = assay_recipe_open(options->recipe, &out->recipe);
    if (status == ASSAY_OK)
        status = assay_recipe_compile(&out->recipe, out->model, options->seed, &out->policies);
    return status;
}

assay_status open_model(const model_options *options, const char *name, opened_model *out)
{
    int inputs = (options->tokens != NULL) + (options->text != NULL) + (options->corpus != NULL);
    if (inputs != 1)
        return assay_fail(ASSAY_ERR_USAGE, "give one of --tokens, --text%s",
                          options->corpus ? " and --corpus" : "");
    assay_status status =
        assay_model_open(name, options->allowed.items, options->allowed.count, &out->model);
    if (status == ASSAY_OK)
        status = open_recipe(options, out);
    if (status == ASSAY_OK)
        status = assay_corpus_open(out->model, options->tokens, options->text, options->corpus,
                                   &out->corpus);
    return status;
}

void close_model(opened_model *opened)
{
    assay_corpus_close(&opened->corpus);
    assay_recipe_close(&opened->recipe);
    free(opened->policies);
    assay_model_close(opened->model);
    *opened = (opened_model){ 0 };
}
