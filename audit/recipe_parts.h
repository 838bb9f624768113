/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of recipes share. Internal. */
#ifndef ASSAY_AUDIT_RECIPE_PARTS_H
#define ASSAY_AUDIT_RECIPE_PARTS_H

#include "recipe.h"

/** Whether a rule suits an operation of the model: ASSAY_ERR_INPUT names rule, key and tap. */
ASSAY_NODISCARD assay_status assay_recipe_suits(const assay_recipe *recipe, const assay_rule *rule,
                                                const assay_node *node);

#endif
