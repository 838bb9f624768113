/* SPDX-License-Identifier: Apache-2.0 */
/* Files that the library carries within it: the demo model, the shipped recipes, and
 * the style of a page. */
#ifndef ASSAY_AUDIT_BUILTIN_H
#define ASSAY_AUDIT_BUILTIN_H

#include "file.h"

/** The model `demo`: config.json, model.safetensors, tokenizer.json, heldout.txt. */
extern const assay_source assay_builtin_demo;
/** Recipes by name: NAME.json each. */
extern const assay_source assay_builtin_recipes;
/** What report.html holds beside its text: the style and the script, in this order. */
extern const assay_source assay_builtin_page;

#endif
