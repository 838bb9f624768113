/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes: rules in JSON that give every tap of a model its policy. */
#ifndef ASSAY_AUDIT_RECIPE_H
#define ASSAY_AUDIT_RECIPE_H

#include "model.h"

enum { ASSAY_RULE_TEXT = 128 };

/** One rule as it was written, and the policy that follows from it. */
typedef struct assay_rule {
    char tap[ASSAY_RULE_TEXT]; /* a pattern: '*' matches any characters */
    char in[ASSAY_RULE_TEXT], weight[ASSAY_RULE_TEXT], acc[ASSAY_RULE_TEXT], out[ASSAY_RULE_TEXT];
    char round[16], overflow[16];
    assay_policy policy;
} assay_rule;

typedef struct assay_recipe {
    char *name; /* the file, or a shipped recipe's name */
    assay_rule *rules;
    size_t count;
} assay_recipe;

/**
 * Reads {"assay_recipe": 1, "rules": [...]} from a file, or a shipped recipe by its name.
 * Unknown keys and wrong types are errors that name the rule: "FILE: rules[2].acc: what".
 */
ASSAY_NODISCARD assay_status assay_recipe_open(const char *name_or_file, assay_recipe *out);
ASSAY_NODISCARD assay_status assay_recipe_parse(const char *name, const void *bytes, size_t size,
                                                assay_recipe *out);
void assay_recipe_close(assay_recipe *recipe);

/**
 * Reads ACC or ACC@operand:FORMAT into policy->acc, has_operand and operand, which rounds in that
 * mode. ASSAY_ERR_USAGE says what is wrong.
 */
ASSAY_NODISCARD assay_status assay_recipe_acc(const char *acc, assay_mode mode,
                                              assay_policy *policy);

/** Whether a pattern with '*' matches the whole of a text. */
bool assay_glob(const char *pattern, const char *text);

/** The first rule that matches a tap, or NULL. */
const assay_rule *assay_recipe_match(const assay_recipe *recipe, const char *tap);

/**
 * One policy per node, first match wins. Scales of whole weights are those of this model's
 * parameters: policies serve no other ones. Stochastic modes take the bits of `seed`, and their
 * streams from the tap's name: docs/commands.md. ASSAY_ERR_USAGE names a tap without a match. The
 * caller frees *policies.
 */
ASSAY_NODISCARD assay_status assay_recipe_compile(const assay_recipe *recipe,
                                                  const assay_model *model, uint64_t seed,
                                                  assay_policy **policies);

#endif
