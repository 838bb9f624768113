/* SPDX-License-Identifier: Apache-2.0 */
/* report.json (docs/report.md). Objects keep the order in which they are built here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/report.h"
#include "numerics/exact.h"
#include "numerics/version.h"

enum { WORST_TOKENS = 20, CONTEXT_TOKENS = 8, SERIES_DIGITS = 6 };

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *count(size_t n)
{
    return json_integer((json_int_t)n);
}

/* A long series is for plots: six digits, and a file that stays readable. */
static json_t *short_number(double x)
{
    char text[32];
    if (!isfinite(x))
        return json_null();
    snprintf(text, sizeof text, "%.*g", SERIES_DIGITS, x);
    return json_real(strtod(text, NULL));
}

static json_t *series(const double *x, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, short_number(x[i]));
    return list;
}

/* A name as the user gave it, without its folders: the report is the same wherever it is made,
 * and run.json has the paths. What is not UTF-8, or could break a line, is a question mark. */
static json_t *base_name(const char *path)
{
    size_t end = strlen(path), start;
    while (end > 1 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/'; start--)
        ;
    json_t *text = json_stringn(path + start, end - start);
    if (text)
        return text;
    char plain[ASSAY_TAP_BYTES];
    size_t n = end - start < sizeof plain ? end - start : sizeof plain;
    for (size_t i = 0; i < n; i++)
        plain[i] = path[start + i] & ~0x7f ? '?' : path[start + i];
    return json_stringn(plain, n);
}

static json_t *layer_or_null(int layer)
{
    return layer == ASSAY_NO_LAYER ? json_null() : json_integer(layer);
}

bool assay_report_passed(const assay_report_source *source)
{
    for (size_t i = 0; source->budget && i < source->budget->count; i++)
        if (!source->checks[i].passed)
            return false;
    return true;
}

static json_t *verdict(const assay_report_source *s)
{
    json_t *checks = json_array();
    size_t failed = 0;
    for (size_t i = 0; s->budget && i < s->budget->count; i++) {
        const assay_check *c = &s->checks[i];
        const char *where =
            c->node == ASSAY_NO_NODE ? "logits" : s->replay->model->nodes[c->node].tap;
        failed += !c->passed;
        json_array_append_new(checks, json_pack("{s:s?,s:s,s:o,s:o,s:s,s:b}", "tap",
                                                c->limit->tap[0] ? c->limit->tap : NULL, "metric",
                                                assay_metric_name(c->limit->metric), "max",
                                                number(c->limit->max), "worst", number(c->worst),
                                                "where", where, "passed", (int)c->passed));
    }
    return json_pack("{s:s,s:o,s:o,s:o}", "status",
                     !s->budget ? "measured"
                     : failed   ? "fail"
                                : "pass",
                     "budget", s->budget ? base_name(s->budget->name) : json_null(), "failed",
                     count(failed), "checks", checks);
}

static json_t *describe_model(const assay_model *m)
{
    const assay_config *c = &m->config;
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "name", base_name(m->name),
                     "parameters", count(assay_model_parameters(m)), "layers", count(c->layers),
                     "hidden", count(c->hidden), "intermediate", count(c->intermediate), "heads",
                     count(c->heads), "kv_heads", count(c->kv_heads), "head_dim",
                     count(c->head_dim), "vocab", count(c->vocab));
}

static json_t *describe_candidate(const assay_report_source *s)
{
    json_t *rules = json_array();
    for (size_t i = 0; i < s->recipe->count; i++) {
        const assay_rule *r = &s->recipe->rules[i];
        json_array_append_new(rules, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "tap", r->tap, "in",
                                               r->in, "weight", r->weight, "acc", r->acc, "out",
                                               r->out, "round", r->round, "overflow", r->overflow));
    }
    return json_pack("{s:o,s:o,s:s,s:o}", "name", base_name(s->candidate->name), "recipe",
                     base_name(s->recipe->name), "backend", s->backend->name, "rules", rules);
}

static json_t *describe_corpus(const assay_corpus *c, size_t scored)
{
    json_t *lengths = json_array();
    for (size_t i = 0; i < c->count; i++)
        json_array_append_new(lengths, count(c->documents[i].count));
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "source", base_name(c->source), "documents",
                     count(c->count), "tokens", count(c->tokens), "scored", count(scored),
                     "lengths", lengths);
}

static json_t *greedy(const assay_report_source *s)
{
    const assay_replay *r = s->replay;
    json_t *documents = json_array();
    for (size_t i = 0; i < r->corpus->count; i++) {
        const assay_greedy *g = &r->greedy[i];
        json_t *first = g->divergent < g->compared ? count(g->divergent) : json_null();
        json_array_append_new(documents, json_pack("{s:o,s:o,s:o,s:o}", "document", count(i),
                                                   "prompt", count(g->prompt), "compared",
                                                   count(g->compared), "first_divergent", first));
    }
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "tokens", count(s->greedy), "agreeing_documents",
                     count(s->summary->agreeing_documents), "first_divergent_min",
                     count(s->summary->divergent_min), "first_divergent_median",
                     count(s->summary->divergent_median), "documents", documents);
}

static json_t *divergences(const assay_summary *s)
{
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "unit", "nat", "n",
                     count(s->n), "mean", number(s->kl_mean), "mean_standard_error",
                     number(s->kl_mean_error), "median", number(s->kl_median), "p90",
                     number(s->kl_p90), "p99", number(s->kl_p99), "max", number(s->kl_max),
                     "reverse_mean", number(s->kl_reverse_mean), "reverse_max",
                     number(s->kl_reverse_max), "floor_mean", number(s->floor_kl_mean), "floor_max",
                     number(s->floor_kl_max));
}

static json_t *logits(const assay_report_source *s)
{
    const assay_summary *m = s->summary;
    const assay_tap_drift *t = &s->replay->taps[s->replay->model->count - 1];
    json_t *perplexity = json_pack("{s:o,s:o,s:o,s:o,s:o}", "n", count(m->scored), "reference",
                                   number(m->ppl_reference), "candidate", number(m->ppl_candidate),
                                   "delta", number(m->ppl_candidate - m->ppl_reference), "floor",
                                   number(fabs(m->ppl_wide - m->ppl_reference)));
    json_t *flips = json_pack("{s:o,s:o,s:o,s:o,s:o}", "n", count(m->n), "all", count(m->flips),
                              "near_tie", count(m->near_tie_flips), "material",
                              count(m->material_flips), "tie", number(s->tie));
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "kl", divergences(m), "perplexity", perplexity,
                     "top1_flips", flips, "max_abs", number(assay_drift_max_abs(&t->propagated)),
                     "rel_l2", number(assay_drift_rel_l2(&t->propagated)), "greedy", greedy(s));
}

static json_t *drift(const assay_drift *d)
{
    return json_pack("{s:o,s:o,s:o,s:o}", "max_abs", number(assay_drift_max_abs(d)), "rel_l2",
                     number(assay_drift_rel_l2(d)), "sqnr_db", number(assay_drift_sqnr(d)),
                     "cosine", number(assay_drift_cosine(d)));
}

static json_t *ulp_histogram(const assay_ulp_histogram *h)
{
    json_t *buckets = json_array();
    for (size_t i = 0; i < ASSAY_ULP_BUCKETS; i++)
        if (h->count[i] > 0)
            json_array_append_new(
                buckets, json_pack("{s:o,s:o,s:o}", "above", number(assay_ulp_low(i)), "to",
                                   number(assay_ulp_high(i)), "count", count(h->count[i])));
    return json_pack("{s:o,s:o,s:o,s:o}", "max", number(h->max), "infinite", count(h->inf), "nan",
                     count(h->nan), "buckets", buckets);
}

static json_t *split(const assay_tap_drift *t)
{
    double e2 = t->local.error2, r2 = t->local.reference2;
    json_t *shares =
        e2 > 0 ? json_pack("{s:o,s:o,s:o}", "quantization", number(t->quant_share / e2),
                           "arithmetic", number(t->arith_share / e2), "unexplained", number(0))
               : json_null();
    return json_pack("{s:o,s:o,s:o}", "shares", shares, "quantization_rel_l2",
                     number(t->quant2 > 0 ? assay_sqrt(t->quant2 / r2) : 0), "arithmetic_rel_l2",
                     number(t->arith2 > 0 ? assay_sqrt(t->arith2 / r2) : 0));
}

static json_t *floors(const assay_replay *r, const assay_tap_drift *t)
{
    double r2 = t->local.reference2;
    double bound = r->has_bounds && r2 > 0 ? assay_sqrt(t->reference_bound2 / r2) : NAN;
    return json_pack(
        "{s:o,s:o,s:o,s:o}", "local_rel_l2", number(assay_drift_rel_l2(&t->floor_local)),
        "local_max_abs", number(assay_drift_max_abs(&t->floor_local)), "propagated_rel_l2",
        number(assay_drift_rel_l2(&t->floor_propagated)), "bound_rel_l2", number(bound));
}

static json_t *bounds(const assay_replay *r, const assay_tap_drift *t)
{
    if (!r->has_bounds)
        return json_null();
    return json_pack("{s:o,s:o,s:o}", "max_ratio", number(t->over_bound), "bounded",
                     count(t->bounded), "unbounded", count(t->unbounded));
}

static json_t *policy(const assay_report_source *s, const char *tap)
{
    const assay_rule *r = assay_recipe_match(s->recipe, tap);
    return json_pack("{s:s,s:s,s:s,s:s,s:s}", "in", r->in, "weight", r->weight, "acc", r->acc,
                     "out", r->out, "round", r->round);
}

static json_t *tap(const assay_report_source *s, size_t i)
{
    const assay_replay *r = s->replay;
    const assay_node *node = &r->model->nodes[i];
    const assay_tap_drift *t = &r->taps[i];
    double rms = t->local.count ? assay_sqrt(t->local.reference2 / (double)t->local.count) : NAN;
    json_t *tokens =
        json_pack("{s:o,s:o}", "local_rel_l2", series(t->token_local, r->corpus->tokens),
                  "propagated_rel_l2", series(t->token_propagated, r->corpus->tokens));
    json_t *nonfinite = json_pack("{s:o,s:o}", "local", count(t->local.nonfinite), "propagated",
                                  count(t->propagated.nonfinite));
    return json_pack("{s:s,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "tap", node->tap,
                     "layer", layer_or_null(node->layer), "op", assay_op_row(node->op)->name,
                     "policy", policy(s, node->tap), "count", count(t->local.count),
                     "reference_rms", number(rms), "local", drift(&t->local), "propagated",
                     drift(&t->propagated), "floor", floors(r, t), "split", split(t), "bound",
                     bounds(r, t), "ulps", ulp_histogram(&t->ulps), "nonfinite", nonfinite,
                     "tokens", tokens);
}

static json_t *taps(const assay_report_source *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->replay->model->count; i++)
        json_array_append_new(list, tap(s, i));
    return list;
}

/* A group of the layers profile: the taps from `first` up to, not including, `end`. Its
 * propagated error is that of its last tap, its local error the largest of any tap. */
static json_t *layer(const assay_report_source *s, const char *name, size_t first, size_t end)
{
    const assay_replay *r = s->replay;
    size_t worst = first, last = end - 1;
    for (size_t i = first; i < end; i++)
        if (!(assay_drift_rel_l2(&r->taps[i].local) <= assay_drift_rel_l2(&r->taps[worst].local)))
            worst = i;
    const assay_tap_drift *t = &r->taps[last];
    double rms = t->local.count ? assay_sqrt(t->local.reference2 / (double)t->local.count) : NAN;
    return json_pack(
        "{s:s,s:o,s:s,s:o,s:s,s:o,s:o}", "name", name, "local_rel_l2",
        number(assay_drift_rel_l2(&r->taps[worst].local)), "local_tap", r->model->nodes[worst].tap,
        "propagated_rel_l2", number(assay_drift_rel_l2(&t->propagated)), "propagated_tap",
        r->model->nodes[last].tap, "floor_rel_l2", number(assay_drift_rel_l2(&t->floor_propagated)),
        "reference_rms", number(rms));
}

static json_t *layers(const assay_report_source *s)
{
    const assay_model *m = s->replay->model;
    json_t *list = json_array();
    for (size_t first = 0, end; first < m->count; first = end) {
        int group = m->nodes[first].layer;
        char name[32] = "head";
        for (end = first + 1; end < m->count && m->nodes[end].layer == group; end++)
            ;
        if (group != ASSAY_NO_LAYER)
            snprintf(name, sizeof name, "layer %d", group);
        else if (first == 0)
            strcpy(name, "embedding");
        json_array_append_new(list, layer(s, name, first, end));
    }
    return list;
}

static json_t *token_text(const assay_model *m, int32_t id)
{
    char text[ASSAY_TOKEN_TEXT_BYTES];
    if (!m->tokenizer)
        return json_null();
    assay_tokenizer_show(m->tokenizer, id, text);
    json_t *value = json_string(text);
    return value ? value : json_null();
}

static const char *flip_name(assay_flip flip)
{
    static const char *const names[] = { "none", "near-tie", "material" };
    return names[flip];
}

static json_t *token(const assay_report_source *s, size_t i)
{
    const assay_token_drift *t = &s->replay->tokens[i];
    return json_pack("{s:o,s:o,s:o,s:i,s:o,s:o,s:o,s:o,s:o,s:i,s:i,s:o,s:s}", "index", count(i),
                     "document", count(t->document), "position", count(t->position), "id",
                     (int)t->id, "text", token_text(s->replay->model, t->id), "kl", number(t->kl),
                     "kl_reverse", number(t->kl_reverse), "nll_reference", number(t->nll_reference),
                     "nll_candidate", number(t->nll_candidate), "top_reference",
                     (int)t->top_reference, "top_candidate", (int)t->top_candidate, "margin",
                     number(t->margin), "flip", flip_name(t->flip));
}

static json_t *tokens(const assay_report_source *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->replay->corpus->tokens; i++)
        json_array_append_new(list, token(s, i));
    return list;
}

/* NaN and infinity are worse than any number. */
static bool is_worse(double kl, double than)
{
    return isfinite(than) && !(kl <= than);
}

/* Fills order with the indices of the worst tokens, by KL, the earlier first where equal. */
static size_t find_worst(const assay_replay *r, size_t order[WORST_TOKENS])
{
    size_t n = 0;
    for (size_t i = 0; i < r->corpus->tokens; i++) {
        size_t at = n;
        while (at > 0 && is_worse(r->tokens[i].kl, r->tokens[order[at - 1]].kl))
            at--;
        if (at == WORST_TOKENS)
            continue;
        n += n < WORST_TOKENS;
        memmove(order + at + 1, order + at, (n - 1 - at) * sizeof *order);
        order[at] = i;
    }
    return n;
}

static json_t *worst_token(const assay_report_source *s, size_t i)
{
    const assay_replay *r = s->replay;
    const assay_token_drift *t = &r->tokens[i];
    const assay_document *d = &r->corpus->documents[t->document];
    json_t *item = token(s, i);
    char *context = NULL;
    if (r->model->tokenizer &&
        assay_tokenizer_context(r->model->tokenizer, d->ids, d->count, t->position, CONTEXT_TOKENS,
                                &context) == ASSAY_OK)
        json_object_set_new(item, "context", json_string(context));
    free(context);
    json_object_set_new(item, "top_reference_text", token_text(r->model, t->top_reference));
    json_object_set_new(item, "top_candidate_text", token_text(r->model, t->top_candidate));
    return item;
}

static json_t *worst_tokens(const assay_report_source *s)
{
    size_t order[WORST_TOKENS + 1], n = find_worst(s->replay, order);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, worst_token(s, order[i]));
    return list;
}

assay_status assay_report_build(const assay_report_source *s, json_t **out)
{
    json_t *report = json_pack(
        "{s:i,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "assay_report", ASSAY_REPORT_VERSION,
        "assay_version", assay_version(), "verdict", verdict(s), "model",
        describe_model(s->replay->model), "candidate", describe_candidate(s), "corpus",
        describe_corpus(s->replay->corpus, s->summary->scored), "logits", logits(s), "layers",
        layers(s), "worst_tokens", worst_tokens(s), "taps", taps(s), "tokens", tokens(s));
    if (!report)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for the report");
    *out = report;
    return ASSAY_OK;
}
