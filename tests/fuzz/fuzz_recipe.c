/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes, budgets, and with them SPECs, modes and accumulators. Oracle: a recipe that is
 * accepted says the same when it is written out with every key and read again, and its rounders
 * keep to their formats. */
#include <jansson.h>
#include <math.h>

#include "audit/budget.h"
#include "audit/recipe.h"
#include "tests/fuzz/fuzz.h"

static json_t *rule_json(const assay_rule *r)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "tap", r->tap, "in", r->in, "weight",
                     r->weight, "acc", r->acc, "out", r->out, "round", r->round, "overflow",
                     r->overflow);
}

static void check_scheme(const assay_scheme *s)
{
    static const double inputs[] = { 0, -0.0, 1, -1.1, 1e300, -1e-300, INFINITY, NAN };
    enum { N = sizeof inputs / sizeof inputs[0] };
    double once[N], twice[N];
    assay_scheme_apply(s, inputs, once, N);
    assay_scheme_apply(s, once, twice, N);
    for (size_t i = 0; i < N && s->block == 0; i++) {
        uint64_t code;
        bool nan = once[i] != once[i];
        CHECK(nan || assay_encode_exact(&s->element.format, once[i], &code));
        CHECK(nan || !isfinite(once[i]) || twice[i] == once[i]);
    }
}

static void check_again(const assay_recipe *recipe)
{
    json_t *rules = json_array();
    for (size_t i = 0; i < recipe->count; i++)
        json_array_append_new(rules, rule_json(&recipe->rules[i]));
    json_t *root = json_pack("{s:i,s:o}", "assay_recipe", 1, "rules", rules);
    char *text = json_dumps(root, 0);
    assay_recipe again;
    CHECK(text && assay_recipe_parse("again", text, strlen(text), &again) == ASSAY_OK);
    CHECK(again.count == recipe->count);
    for (size_t i = 0; i < again.count; i++) {
        const assay_policy *a = &again.rules[i].policy, *b = &recipe->rules[i].policy;
        CHECK(a->acc.kind == b->acc.kind && a->acc.block == b->acc.block);
        CHECK(a->in.block == b->in.block && a->has_operand == b->has_operand);
        CHECK(a->acc.round.mode == b->acc.round.mode);
        CHECK(a->out.element.format.max == b->out.element.format.max);
    }
    assay_recipe_close(&again);
    free(text);
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    assay_recipe recipe;
    assay_status status = assay_recipe_parse("fuzz", data, size, &recipe);
    if (status == ASSAY_OK) {
        for (size_t i = 0; i < recipe.count; i++) {
            check_scheme(&recipe.rules[i].policy.in);
            check_scheme(&recipe.rules[i].policy.weight);
            check_scheme(&recipe.rules[i].policy.out);
        }
        check_again(&recipe);
        assay_recipe_close(&recipe);
    } else {
        fuzz_refusal(status, "fuzz");
    }
    assay_budget budget;
    status = assay_budget_parse("fuzz", data, size, &budget);
    if (status != ASSAY_OK) {
        fuzz_refusal(status, "fuzz");
        return 0;
    }
    for (size_t i = 0; i < budget.count; i++)
        CHECK(budget.limits[i].metric < ASSAY_METRIC_COUNT &&
              budget.limits[i].max == budget.limits[i].max);
    assay_budget_close(&budget);
    return 0;
}
