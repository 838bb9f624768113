/* SPDX-License-Identifier: Apache-2.0 */
/* What `run` and `audit` share: the model, its recipe and backend, and what it is run on. */
#ifndef ASSAY_CLI_MODEL_OPTIONS_H
#define ASSAY_CLI_MODEL_OPTIONS_H

#include "../corpus.h"
#include "../recipe.h"
#include "options.h"

/** Options as given; NULL where absent. */
typedef struct model_options {
    const char *tokens, *text, *corpus, *recipe, *backend;
    cli_list allowed; /* --allow-key */
    uint64_t seed;
} model_options;

/** What they open. Zeroed members are closed without harm. */
typedef struct opened_model {
    assay_model *model;
    assay_corpus corpus;
    assay_recipe recipe;
    assay_policy *policies; /* one per node; NULL without a recipe */
    const assay_backend *backend;
} opened_model;

/** Opens model, corpus, recipe and backend; without a backend, `emulated` where a recipe is. */
ASSAY_NODISCARD assay_status open_model(const model_options *options, const char *name,
                                        opened_model *out);
void close_model(opened_model *opened);

#endif
