/* SPDX-License-Identifier: Apache-2.0 */
/* Files that the library carries within it: the demo model and the shipped recipes. */
#ifndef ASSAY_AUDIT_BUILTIN_H
#define ASSAY_AUDIT_BUILTIN_H

#include "file.h"

/** The model `demo`: config.json, model.safetensors, tokenizer.json, heldout.txt. */
extern const assay_source assay_builtin_demo;
/** Recipes by name: NAME.json each. */
extern const assay_source assay_builtin_recipes;

#endif
