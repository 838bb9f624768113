/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/recipe_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/builtin.h"
#include "audit/json.h"

static const char operand_mark[] = "@operand:";

/* Where a message belongs: FILE and the index of the rule. */
typedef struct place {
    const char *file;
    size_t rule;
} place;

static assay_status fail_at(const place *at, const char *key, assay_status status)
{
    char prefix[ASSAY_PATH_BYTES];
    snprintf(prefix, sizeof prefix, "%s: rules[%zu]%s%s", at->file, at->rule, *key ? "." : "", key);
    (void)assay_fail_in(status, prefix);
    return status == ASSAY_ERR_MEMORY ? status : ASSAY_ERR_INPUT;
}

static assay_status copy_text(const place *at, const char *key, const json_t *value, char *out,
                              size_t room)
{
    const char *text = json_string_value(value);
    if (!text)
        return fail_at(at, key, assay_fail(ASSAY_ERR_INPUT, "expected a string"));
    if (strlen(text) >= room || strlen(text) != json_string_length(value))
        return fail_at(at, key, assay_fail(ASSAY_ERR_INPUT, "is too long"));
    memcpy(out, text, strlen(text) + 1);
    return ASSAY_OK;
}

static assay_status read_keys(const place *at, json_t *object, assay_rule *rule)
{
    const struct {
        const char *key;
        char *to;
        size_t room;
    } fields[] = { { "tap", rule->tap, sizeof rule->tap },
                   { "in", rule->in, sizeof rule->in },
                   { "weight", rule->weight, sizeof rule->weight },
                   { "acc", rule->acc, sizeof rule->acc },
                   { "out", rule->out, sizeof rule->out },
                   { "round", rule->round, sizeof rule->round },
                   { "overflow", rule->overflow, sizeof rule->overflow } };
    enum { FIELDS = sizeof fields / sizeof fields[0] };
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (i < FIELDS && strcmp(key, fields[i].key) != 0)
            i++;
        if (i == FIELDS)
            return fail_at(at, key,
                           assay_fail(ASSAY_ERR_INPUT,
                                      "is not a key of a rule; there are "
                                      "tap, in, weight, acc, out, round, overflow"));
        assay_status status = copy_text(at, key, value, fields[i].to, fields[i].room);
        if (status != ASSAY_OK)
            return status;
    }
    if (!rule->tap[0])
        return fail_at(at, "tap", assay_fail(ASSAY_ERR_INPUT, "is missing"));
    return ASSAY_OK;
}

static void set_default(char *text, const char *value)
{
    if (!text[0])
        strcpy(text, value);
}

assay_status assay_recipe_acc(const char *acc, assay_mode mode, assay_policy *policy)
{
    char text[ASSAY_RULE_TEXT];
    if (strlen(acc) >= sizeof text)
        return assay_fail(ASSAY_ERR_USAGE, "an accumulator has at most %d characters",
                          ASSAY_RULE_TEXT - 1);
    strcpy(text, acc);
    char *mark = strstr(text, operand_mark);
    policy->has_operand = mark != NULL;
    if (mark) {
        assay_format format;
        *mark = 0;
        assay_status status = assay_format_parse(mark + sizeof operand_mark - 1, &format);
        if (status == ASSAY_OK)
            status = assay_rounder_make(&format, mode, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT,
                                        &policy->operand);
        if (status != ASSAY_OK)
            return status;
    }
    return assay_accumulator_parse(text, &policy->acc);
}

static assay_status read_scheme(const char *text, assay_rounding rounding, assay_overflow overflow,
                                assay_role role, assay_scheme *out)
{
    assay_status status =
        assay_scheme_parse_for(text, rounding, overflow, ASSAY_NAN_RULE_DEFAULT, out);
    if (status == ASSAY_OK && !out->element.format.fits_binary64)
        return assay_fail(ASSAY_ERR_INPUT,
                          "%s: a model's values are float64, which does not hold "
                          "all of this format's",
                          text);
    if (status == ASSAY_OK && role == ASSAY_ROLE_WEIGHT && out->nested > 0)
        return assay_fail(ASSAY_ERR_INPUT, "%s: recipes know no nested scales; leave out nested",
                          text);
    if (status != ASSAY_OK || role == ASSAY_ROLE_WEIGHT)
        return status;
    return assay_scheme_check_rows(out, role == ASSAY_ROLE_OUT);
}

/* Whether products of operands may all be integers. */
static bool is_integer(const assay_policy *p)
{
    const assay_scheme *schemes[] = { &p->in, &p->weight };
    for (int i = 0; i < 2; i++)
        if (!assay_scheme_is_identity(schemes[i]) &&
            !(schemes[i]->element.format.min_positive >= 1))
            return false;
    return !assay_scheme_is_identity(&p->in);
}

/* A model's operands are not checked one by one, as those of `assay gemm` are. */
static assay_status check_acc(const assay_policy *p)
{
    bool integers = p->acc.kind == ASSAY_SUM_INT32 || p->acc.kind == ASSAY_SUM_INT32_SAT;
    if (integers && !is_integer(p))
        return assay_fail(ASSAY_ERR_INPUT, "int32 accumulates integers: in and weight have to be "
                                           "formats of integers, as int8");
    const assay_scheme *schemes[] = { &p->in, &p->weight };
    bool unit = p->acc.kind == ASSAY_SUM_UNIT && !p->has_operand;
    for (int i = 0; i < 2; i++)
        if ((schemes[i]->hierarchy && (unit || (integers && !p->has_operand))) ||
            (schemes[i]->has_zero && unit))
            return assay_fail(ASSAY_ERR_INPUT,
                              "operands with fields or zero points are dequantized first here: say "
                              "into what, as in @operand:bfloat16");
    return ASSAY_OK;
}

static assay_status make_policy(const place *at, assay_rule *rule)
{
    assay_policy *p = &rule->policy;
    assay_rounding rounding = { .mode = ASSAY_RNE };
    assay_overflow overflow = ASSAY_OVERFLOW_SPEC;
    assay_status status;
    *p = assay_policy_reference();
    if ((status = assay_rounding_parse(rule->round, &rounding)) != ASSAY_OK)
        return fail_at(at, "round", status);
    if (rounding.feedback)
        return fail_at(
            at, "round",
            assay_fail(ASSAY_ERR_INPUT, "errors are fed back in sums only: F:step,ef=yes"));
    bool stochastic = assay_mode_is_stochastic(rounding.mode);
    assay_mode mode = stochastic ? ASSAY_RNE : rounding.mode; /* of operand formats */
    if ((status = assay_overflow_parse(rule->overflow, &overflow)) != ASSAY_OK)
        return fail_at(at, "overflow", status);
    if ((status = read_scheme(rule->in, rounding, overflow, ASSAY_ROLE_IN, &p->in)) != ASSAY_OK)
        return fail_at(at, "in", status);
    if ((status = read_scheme(rule->weight, rounding, overflow, ASSAY_ROLE_WEIGHT, &p->weight)) !=
        ASSAY_OK)
        return fail_at(at, "weight", status);
    if ((status = read_scheme(rule->out, rounding, overflow, ASSAY_ROLE_OUT, &p->out)) != ASSAY_OK)
        return fail_at(at, "out", status);
    if ((status = assay_recipe_acc(rule->acc, mode, p)) != ASSAY_OK)
        return fail_at(at, "acc", status);
    if ((status = check_acc(p)) != ASSAY_OK)
        return fail_at(at, "acc", status);
    return ASSAY_OK;
}

static assay_status read_rule(const place *at, json_t *object, assay_rule *rule)
{
    if (!json_is_object(object))
        return fail_at(at, "", assay_fail(ASSAY_ERR_INPUT, "expected an object"));
    assay_status status = read_keys(at, object, rule);
    if (status != ASSAY_OK)
        return status;
    set_default(rule->in, "binary64");
    set_default(rule->weight, "binary64");
    set_default(rule->out, "binary64");
    set_default(rule->acc, "reference");
    set_default(rule->round, "rne");
    set_default(rule->overflow, "spec");
    return make_policy(at, rule);
}

static assay_status read_rules(const char *name, json_t *root, assay_recipe *recipe)
{
    json_t *rules = NULL;
    assay_status status = assay_json_rules(name, root, "assay_recipe", &rules);
    if (status != ASSAY_OK)
        return status;
    recipe->count = json_array_size(rules);
    recipe->rules = calloc(recipe->count, sizeof *recipe->rules);
    recipe->name = strdup(name);
    if (!recipe->rules || !recipe->name)
        return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory for its rules", name);
    for (size_t i = 0; i < recipe->count && status == ASSAY_OK; i++) {
        place at = { name, i };
        status = read_rule(&at, json_array_get(rules, i), &recipe->rules[i]);
    }
    return status;
}

assay_status assay_recipe_parse(const char *name, const void *bytes, size_t size, assay_recipe *out)
{
    json_t *root;
    assay_recipe recipe = { 0 };
    assay_status status = assay_json_parse(name, bytes, size, &root);
    if (status != ASSAY_OK)
        return status;
    status = read_rules(name, root, &recipe);
    json_decref(root);
    if (status == ASSAY_OK)
        *out = recipe;
    else
        assay_recipe_close(&recipe);
    return status;
}

assay_status assay_recipe_open(const char *name, assay_recipe *out)
{
    char file_name[ASSAY_PATH_BYTES], path[ASSAY_PATH_BYTES];
    assay_file file;
    snprintf(file_name, sizeof file_name, "%s.json", name);
    bool shipped = assay_source_has(&assay_builtin_recipes, file_name);
    assay_status status = shipped
                              ? assay_source_open(&assay_builtin_recipes, file_name, path, &file)
                              : assay_file_open(name, &file);
    if (status != ASSAY_OK)
        return status;
    status = assay_recipe_parse(name, file.data, file.size, out);
    assay_file_close(&file);
    return status;
}

void assay_recipe_close(assay_recipe *recipe)
{
    free(recipe->name);
    free(recipe->rules);
    *recipe = (assay_recipe){ 0 };
}

/* Greedy with one way back: after a '*' that failed, it takes one character more. */
bool assay_glob(const char *pattern, const char *text)
{
    const char *star = NULL, *resume = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

const assay_rule *assay_recipe_match(const assay_recipe *recipe, const char *tap)
{
    for (size_t i = 0; i < recipe->count; i++)
        if (assay_glob(recipe->rules[i].tap, tap))
            return &recipe->rules[i];
    return NULL;
}

/* 32-bit FNV-1a (Fowler, Noll, Vo) of the tap's name and what is rounded. */
static uint32_t stream_of(const char *tap, const char *role)
{
    uint32_t h = 0x811c9dc5;
    for (const char *parts[] = { tap, role }, **part = parts; part < parts + 2; part++)
        for (const char *c = *part; *c; c++)
            h = (h ^ (unsigned char)*c) * 0x01000193u;
    return h;
}

static void set_streams(assay_policy *policy, const char *tap)
{
    static const char *const roles[ASSAY_ROLE_COUNT] = {
        [ASSAY_ROLE_OUT] = "",
        [ASSAY_ROLE_IN] = ":in",
        [ASSAY_ROLE_IN_2] = ":in2",
        [ASSAY_ROLE_WEIGHT] = ":weight",
    };
    for (size_t role = 0; role < ASSAY_ROLE_COUNT; role++)
        policy->streams[role] = stream_of(tap, roles[role]);
}

static assay_status compile_node(const assay_recipe *recipe, const assay_node *node, uint64_t seed,
                                 assay_policy *out)
{
    const assay_rule *rule = assay_recipe_match(recipe, node->tap);
    if (!rule)
        return assay_fail(ASSAY_ERR_USAGE, "%s: rules: none matches tap %s", recipe->name,
                          node->tap);
    assay_status status = assay_recipe_suits(recipe, rule, node);
    if (status != ASSAY_OK)
        return status;
    *out = rule->policy;
    out->seed = seed;
    set_streams(out, node->tap);
    status = assay_policy_weigh(out, &node->weight[0]);
    return status == ASSAY_OK ? status : assay_fail_in(status, node->tap);
}

assay_status assay_recipe_compile(const assay_recipe *recipe, const assay_model *model,
                                  uint64_t seed, assay_policy **policies)
{
    assay_policy *list = calloc(model->count, sizeof *list);
    assay_status status = ASSAY_OK;
    if (!list)
        return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory for its policies", recipe->name);
    for (size_t i = 0; i < model->count && status == ASSAY_OK; i++)
        status = compile_node(recipe, &model->nodes[i], seed, &list[i]);
    if (status == ASSAY_OK)
        *policies = list;
    else
        free(list);
    return status;
}
