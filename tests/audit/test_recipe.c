/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "audit/budget.h"
#include "audit/recipe.h"

static assay_status parse(const char *text, assay_recipe *recipe)
{
    return assay_recipe_parse("r.json", text, strlen(text), recipe);
}

Test(recipe, globs)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        { "*", "", true },
        { "*", "layers.0.mlp.act", true },
        { "norm", "norm", true },
        { "norm", "norms", false },
        { "*norm", "layers.3.input_layernorm", true },
        { "layers.*.mlp.*", "layers.11.mlp.down_proj", true },
        { "layers.*.mlp.*", "layers.11.self_attn.q_proj", false },
        { "*a*b", "xaxbxab", true },
        { "*a*b", "xaxbxa", false },
        { "a**c", "abc", true },
        { "", "", true },
        { "", "a", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(assay_glob(cases[i].pattern, cases[i].text), cases[i].matches, "%s on %s",
                     cases[i].pattern, cases[i].text);
}

Test(recipe, absent_keys_are_binary64_and_the_reference)
{
    assay_recipe r;
    cr_assert_eq(parse("{\"assay_recipe\":1,\"rules\":[{\"tap\":\"*\"}]}", &r), ASSAY_OK);
    const assay_policy *p = &r.rules[0].policy;
    cr_expect(assay_scheme_is_identity(&p->in) && assay_scheme_is_identity(&p->weight) &&
              assay_scheme_is_identity(&p->out));
    cr_expect_eq(p->acc.kind, ASSAY_SUM_REFERENCE);
    assay_recipe_close(&r);
}

Test(recipe, the_first_match_wins)
{
    assay_recipe r;
    cr_assert_eq(parse("{\"assay_recipe\":1,\"rules\":[{\"tap\":\"*.mlp.*\",\"in\":\"e4m3\"},"
                       "{\"tap\":\"*\",\"in\":\"e5m2\",\"round\":\"rtz\",\"overflow\":\"sat\"}]}",
                       &r),
                 ASSAY_OK);
    const assay_rule *mlp = assay_recipe_match(&r, "layers.0.mlp.act");
    const assay_rule *rest = assay_recipe_match(&r, "norm");
    cr_expect_str_eq(mlp->policy.in.element.format.name, "e4m3");
    cr_expect_str_eq(rest->policy.in.element.format.name, "e5m2");
    cr_expect_eq(rest->policy.in.element.mode, ASSAY_RTZ);
    cr_expect_eq(rest->policy.in.element.overflow, ASSAY_OVERFLOW_SAT);
    assay_recipe_close(&r);
}

Test(recipe, operands_are_dequantized_into_a_format)
{
    assay_recipe r;
    cr_assert_eq(parse("{\"assay_recipe\":1,\"rules\":[{\"tap\":\"*\",\"weight\":\"mxfp4\","
                       "\"acc\":\"binary32:step@operand:bfloat16\"}]}",
                       &r),
                 ASSAY_OK);
    const assay_policy *p = &r.rules[0].policy;
    cr_expect(p->has_operand);
    cr_expect_str_eq(p->operand.format.name, "bfloat16");
    cr_expect_eq(p->weight.block, 32);
    cr_expect_eq(p->acc.kind, ASSAY_SUM_STEP);
    assay_recipe_close(&r);
}

Test(recipe, mistakes_name_the_rule_and_the_key)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "", "r.json: is empty" },
        { "[]", "r.json: expected a JSON object" },
        { "{\"rules\":[{\"tap\":\"*\"}]}", "r.json: assay_recipe" },
        { "{\"assay_recipe\":2,\"rules\":[{\"tap\":\"*\"}]}", "r.json: assay_recipe" },
        { "{\"assay_recipe\":1,\"rules\":[]}", "r.json: rules" },
        { "{\"assay_recipe\":1,\"rules\":[{\"tap\":\"*\"}],\"x\":1}", "key 'x'" },
        { "{\"assay_recipe\":1,\"rules\":[3]}", "rules[0]" },
        { "{\"assay_recipe\":1,\"rules\":[{\"in\":\"e4m3\"}]}", "rules[0].tap" },
        { "{\"assay_recipe\":1,\"rules\":[{\"tap\":\"*\"},{\"tap\":\"*\",\"inn\":\"e4m3\"}]}",
          "rules[1].inn" },
        { "{\"assay_recipe\":1,\"rules\":[{\"tap\":\"*\",\"in\":7}]}", "rules[0].in" },
        { "{\"assay_recipe\":1,\"rules\":[{\"tap\":\"*\",\"in\":\"e4m9\"}]}", "e4m9" },
        { "{\"assay_recipe\":1,\"rules\":[{\"tap\":\"*\",\"acc\":\"binary32:blok=4\"}]}",
          "rules[0].acc" },
        { "{\"assay_recipe\":1,\"rules\":[{\"tap\":\"*\",\"round\":\"up\"}]}", "rules[0].round" },
        { "{\"assay_recipe\":1,\"rules\":[{\"tap\":\"*\",\"out\":\"e2m1\",\"overflow\":\"inf\"}]}",
          "rules[0]" },
        { "{\"assay_recipe\":1,\"rules\":[{\"tap\":\"*\",\"in\":\"int8\",\"weight\":\"q4_k\","
          "\"acc\":\"int32\"}]}",
          "@operand" },
        { "{\"assay_recipe\":1,\"rules\":[{\"tap\":\"*\",\"tap\":\"*\"}]}", "r.json" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assay_recipe r = { .count = 99 };
        assay_status status = parse(cases[i].text, &r);
        cr_expect(status == ASSAY_ERR_INPUT || status == ASSAY_ERR_USAGE, "%s", cases[i].text);
        cr_expect(strstr(assay_last_error(), cases[i].says), "%s: %s", cases[i].text,
                  assay_last_error());
        cr_expect_null(strchr(assay_last_error(), '\n'));
        cr_expect_eq(r.count, 99, "untouched on failure");
    }
}

Test(recipe, shipped_ones_parse_and_match_everything)
{
    static const char *const names[] = { "binary64", "binary32", "bfloat16", "fp8", "fp4" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assay_recipe r;
        cr_assert_eq(assay_recipe_open(names[i], &r), ASSAY_OK, "%s", assay_last_error());
        cr_expect_not_null(assay_recipe_match(&r, "anything"));
        assay_recipe_close(&r);
    }
}

Test(budget, mistakes_name_the_rule_and_the_key)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "{\"assay_budget\":1,\"rules\":[]}", "rules" },
        { "{\"assay_budget\":1,\"rules\":[{\"metric\":\"kl_mean\"}]}", "rules[0].max" },
        { "{\"assay_budget\":1,\"rules\":[{\"max\":1}]}", "rules[0].metric" },
        { "{\"assay_budget\":1,\"rules\":[{\"metric\":\"kl\",\"max\":1}]}", "rules[0].metric" },
        { "{\"assay_budget\":1,\"rules\":[{\"metric\":\"kl_mean\",\"max\":\"1\"}]}",
          "rules[0].max" },
        { "{\"assay_budget\":1,\"rules\":[{\"tap\":\"*\",\"metric\":\"kl_mean\",\"max\":1}]}",
          "leave out the tap" },
        { "{\"assay_budget\":1,\"rules\":[{\"metric\":\"kl_mean\",\"max\":1,\"min\":0}]}",
          "rules[0].min" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assay_budget b = { .count = 99 };
        assay_status status =
            assay_budget_parse("b.json", cases[i].text, strlen(cases[i].text), &b);
        cr_expect_eq(status, ASSAY_ERR_INPUT, "%s", cases[i].text);
        cr_expect(strstr(assay_last_error(), cases[i].says), "%s", assay_last_error());
        cr_expect(strstr(assay_last_error(), "b.json"), "%s", assay_last_error());
        cr_expect_eq(b.count, 99, "untouched on failure");
    }
}
