/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules suit which operations: matrix units multiply, and scales lie along k. */
#include <stdio.h>

#include "audit/recipe_parts.h"

static assay_status fail_at(const assay_recipe *recipe, const assay_rule *rule,
                            const assay_node *node, const char *key)
{
    char prefix[ASSAY_PATH_BYTES];
    snprintf(prefix, sizeof prefix, "%s: rules[%zu].%s: tap %s", recipe->name,
             (size_t)(rule - recipe->rules), key, node->tap);
    (void)assay_fail_in(ASSAY_ERR_INPUT, prefix);
    return ASSAY_ERR_INPUT;
}

static bool multiplies_activations(const assay_node *node)
{
    return node->op == ASSAY_OP_scores || node->op == ASSAY_OP_context;
}

/* Both operands of attention's products are activations. */
static assay_status check_operands(const assay_recipe *recipe, const assay_rule *rule,
                                   const assay_node *node)
{
    assay_policy p = rule->policy;
    bool attention = multiplies_activations(node);
    if (attention)
        p.weight = p.in;
    for (int side = 0; side < 2; side++)
        if (assay_policy_check_operand(&p, side) != ASSAY_OK)
            return fail_at(recipe, rule, node,
                           p.has_operand        ? "acc"
                           : side && !attention ? "weight"
                                                : "in");
    return ASSAY_OK;
}

assay_status assay_recipe_suits(const assay_recipe *recipe, const assay_rule *rule,
                                const assay_node *node)
{
    const assay_policy *p = &rule->policy;
    bool unit = p->acc.kind == ASSAY_SUM_UNIT;
    bool linear = node->op == ASSAY_OP_linear, attention = multiplies_activations(node);
    if (unit && !linear && !attention) {
        (void)assay_fail(ASSAY_ERR_INPUT, "a matrix unit multiplies matrices, and %s does not",
                         assay_op_row((size_t)node->op)->name);
        return fail_at(recipe, rule, node, "acc");
    }
    if (attention && p->in.block > 0 && !p->has_operand && p->acc.kind != ASSAY_SUM_EXACT) {
        (void)assay_fail(ASSAY_ERR_INPUT, "scales along a head are not those of its sums: say into "
                                          "what operands are dequantized, as in "
                                          "binary32@operand:bfloat16");
        return fail_at(recipe, rule, node, "acc");
    }
    return unit ? check_operands(recipe, rule, node) : ASSAY_OK;
}
