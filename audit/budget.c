/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/budget.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/file.h"
#include "audit/json.h"
#include "audit/recipe.h"
#include "formats/spec.h"

#define NAME(id, name, unit, tap, logits)   name,
#define OF_TAP(id, name, unit, tap, logits) tap,
static const char *const metric_names[] = { ASSAY_METRICS(NAME) NULL };
static const bool metric_of_tap[] = { ASSAY_METRICS(OF_TAP) };

const char *assay_metric_name(assay_metric metric)
{
    return metric_names[metric];
}

static assay_status fail_at(const char *file, size_t rule, const char *key, const char *what)
{
    return assay_fail(ASSAY_ERR_INPUT, "%s: rules[%zu].%s: %s", file, rule, key, what);
}

static assay_status read_key(const char *file, size_t rule, const char *key, json_t *value,
                             assay_limit *limit)
{
    const char *text = json_string_value(value);
    if (strcmp(key, "tap") == 0) {
        if (!text || !*text || strlen(text) >= sizeof limit->tap)
            return fail_at(file, rule, key, "expected the pattern of a tap");
        memcpy(limit->tap, text, strlen(text) + 1);
        return ASSAY_OK;
    }
    if (strcmp(key, "metric") == 0) {
        int index = 0;
        if (!text)
            return fail_at(file, rule, key, "expected a string");
        if (assay_spec_word("metric", text, metric_names, &index) != ASSAY_OK)
            return fail_at(file, rule, key, assay_last_error());
        limit->metric = (assay_metric)index;
        return ASSAY_OK;
    }
    if (strcmp(key, "max") == 0) {
        if (!json_is_number(value))
            return fail_at(file, rule, key, "expected a number");
        limit->max = json_number_value(value);
        return ASSAY_OK;
    }
    return fail_at(file, rule, key, "is not a key of a rule; there are tap, metric, max");
}

static assay_status read_limit(const char *file, size_t rule, json_t *object, assay_limit *limit)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return assay_fail(ASSAY_ERR_INPUT, "%s: rules[%zu]: expected an object", file, rule);
    json_object_foreach(object, key, value)
    {
        assay_status status = read_key(file, rule, key, value, limit);
        if (status != ASSAY_OK)
            return status;
    }
    if (!json_object_get(object, "metric") || !json_object_get(object, "max"))
        return fail_at(file, rule, json_object_get(object, "metric") ? "max" : "metric",
                       "is missing");
    if (limit->tap[0] && !metric_of_tap[limit->metric])
        return fail_at(file, rule, "metric", "concerns the logits, leave out the tap");
    return ASSAY_OK;
}

static assay_status read_budget(const char *name, json_t *root, assay_budget *budget)
{
    json_t *rules = NULL;
    assay_status status = assay_json_rules(name, root, "assay_budget", &rules);
    if (status != ASSAY_OK)
        return status;
    budget->count = json_array_size(rules);
    budget->limits = calloc(budget->count, sizeof *budget->limits);
    budget->name = strdup(name);
    if (!budget->limits || !budget->name)
        return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory for its rules", name);
    for (size_t i = 0; i < budget->count && status == ASSAY_OK; i++)
        status = read_limit(name, i, json_array_get(rules, i), &budget->limits[i]);
    return status;
}

assay_status assay_budget_parse(const char *name, const void *bytes, size_t size, assay_budget *out)
{
    json_t *root;
    assay_budget budget = { 0 };
    assay_status status = assay_json_parse(name, bytes, size, &root);
    if (status != ASSAY_OK)
        return status;
    status = read_budget(name, root, &budget);
    json_decref(root);
    if (status == ASSAY_OK)
        *out = budget;
    else
        assay_budget_close(&budget);
    return status;
}

assay_status assay_budget_open(const char *path, assay_budget *out)
{
    assay_file file;
    assay_status status = assay_file_open(path, &file);
    if (status != ASSAY_OK)
        return status;
    status = assay_budget_parse(path, file.data, file.size, out);
    assay_file_close(&file);
    return status;
}

void assay_budget_close(assay_budget *budget)
{
    free(budget->name);
    free(budget->limits);
    *budget = (assay_budget){ 0 };
}

static double tap_metric(const assay_tap_drift *tap, assay_metric metric)
{
    switch (metric) {
    case ASSAY_METRIC_MAX_ABS: return assay_drift_max_abs(&tap->local);
    case ASSAY_METRIC_LOCAL_REL_L2: return assay_drift_rel_l2(&tap->local);
    default: return assay_drift_rel_l2(&tap->propagated);
    }
}

static double logits_metric(const assay_replay *r, const assay_summary *s, assay_metric metric)
{
    const assay_tap_drift *logits = &r->taps[r->model->count - 1];
    switch (metric) {
    case ASSAY_METRIC_MAX_ABS: return assay_drift_max_abs(&logits->propagated);
    case ASSAY_METRIC_KL_MEAN: return s->kl_mean;
    case ASSAY_METRIC_KL_MAX: return s->kl_max;
    case ASSAY_METRIC_TOP1_FLIPS: return (double)s->flips;
    case ASSAY_METRIC_MATERIAL_FLIPS: return (double)s->material_flips;
    case ASSAY_METRIC_PPL_DELTA: return s->ppl_candidate - s->ppl_reference;
    default: return tap_metric(logits, metric);
    }
}

static assay_check check_limit(const assay_limit *limit, const assay_replay *r,
                               const assay_summary *s)
{
    assay_check c = { .limit = limit, .node = ASSAY_NO_NODE, .worst = -INFINITY };
    if (!limit->tap[0])
        c.worst = logits_metric(r, s, limit->metric);
    for (size_t i = 0; limit->tap[0] && i < r->model->count; i++) {
        if (!assay_glob(limit->tap, r->model->nodes[i].tap))
            continue;
        double value = tap_metric(&r->taps[i], limit->metric);
        if (c.node != ASSAY_NO_NODE && (value <= c.worst || c.worst != c.worst))
            continue;
        c.worst = value;
        c.node = (int)i;
    }
    c.passed = isfinite(c.worst) && c.worst <= limit->max;
    return c;
}

assay_status assay_budget_match(const assay_budget *budget, const assay_model *model)
{
    for (size_t i = 0; i < budget->count; i++) {
        const char *tap = budget->limits[i].tap;
        bool found = !*tap;
        for (size_t j = 0; j < model->count && !found; j++)
            found = assay_glob(tap, model->nodes[j].tap);
        if (!found)
            return fail_at(budget->name, i, "tap", "no tap of the model matches");
    }
    return ASSAY_OK;
}

void assay_budget_check(const assay_budget *budget, const assay_replay *replay,
                        const assay_summary *summary, assay_check *checks)
{
    for (size_t i = 0; i < budget->count; i++)
        checks[i] = check_limit(&budget->limits[i], replay, summary);
}
