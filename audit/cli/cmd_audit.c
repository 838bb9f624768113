/* SPDX-License-Identifier: Apache-2.0 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>

#include "audit/cli/model_options.h"
#include "audit/cli/progress.h"
#include "audit/report.h"
#include "numerics/cpu.h"
#include "numerics/version.h"

typedef struct audit_options {
    model_options model;
    const char *out, *budget;
    double tie;
    uint64_t greedy;
} audit_options;

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What may differ between two runs of the same audit: run.json. */
static json_t *describe_run(const cli *run, double seconds)
{
    struct utsname host;
    struct rusage usage;
    char when[32] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    memset(&host, 0, sizeof host);
    (void)uname(&host);
    getrusage(RUSAGE_SELF, &usage);
    json_t *line = json_array();
    json_array_append_new(line, json_string("audit"));
    for (int i = 0; i < run->argc; i++)
        json_array_append_new(line, json_string(run->argv[i]) ?: json_null());
    return json_pack("{s:s,s:o,s:s,s:f,s:I,s:i,s:s,s:s,s:s,s:s}", "assay_version", assay_version(),
                     "arguments", line, "finished", when, "wall_seconds", seconds,
                     "peak_memory_kib", (json_int_t)usage.ru_maxrss, "threads",
                     omp_get_max_threads(), "isa", assay_isa_name(assay_isa_current()), "host",
                     host.nodename, "system", host.sysname, "machine", host.machine);
}

static void print_verdict(const assay_report_source *s, const char *out)
{
    const assay_summary *m = s->summary;
    printf("%s under %s: %zu tokens, KL %.3g nat (max %.3g), ", s->replay->model->name,
           s->recipe->name, m->n, m->kl_mean, m->kl_max);
    if (m->scored)
        printf("perplexity %.4f -> %.4f, ", m->ppl_reference, m->ppl_candidate);
    printf("top-1 flips %zu (%zu material)\n", m->flips, m->material_flips);
    for (size_t i = 0; s->budget && i < s->budget->count; i++) {
        const assay_check *c = &s->checks[i];
        if (!c->passed)
            printf("over budget: %s of %s is %.6g at %s, at most %.6g allowed\n",
                   assay_metric_name(c->limit->metric), c->limit->tap[0] ? c->limit->tap : "logits",
                   c->worst,
                   c->node == ASSAY_NO_NODE ? "logits" : s->replay->model->nodes[c->node].tap,
                   c->limit->max);
    }
    printf("%s: %s/report.html\n",
           !s->budget               ? "measured"
           : assay_report_passed(s) ? "within budget"
                                    : "OVER BUDGET",
           out);
}

/* Both models must have the same taps: a release keeps its original's architecture. */
static assay_status check_candidate(const assay_model *model, const assay_model *candidate)
{
    bool same = model->count == candidate->count;
    for (size_t i = 0; same && i < model->count; i++) {
        const assay_node *a = &model->nodes[i], *b = &candidate->nodes[i];
        same = strcmp(a->tap, b->tap) == 0 && a->op == b->op && a->width == b->width &&
               a->heads == b->heads && a->kv_heads == b->kv_heads && a->eps == b->eps;
    }
    if (same &&
        memcmp(&model->config.rope, &candidate->config.rope, sizeof model->config.rope) == 0)
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_INPUT, "%s: config.json: another architecture than %s's",
                      candidate->name, model->name);
}

/* Without a recipe the candidate's own parameters run in binary64: what the release's bytes
 * alone cost. */
static assay_status complete(const audit_options *o, opened_model *opened)
{
    if (o->model.recipe)
        return ASSAY_OK;
    assay_status status = assay_recipe_open("binary64", &opened->recipe);
    if (status == ASSAY_OK)
        status = assay_recipe_compile(&opened->recipe, opened->model, 0, &opened->policies);
    if (status == ASSAY_OK && !o->model.backend)
        status = assay_backend_find("emulated", &opened->backend);
    return status;
}

/* Scales of whole weights are those of the parameters that are quantized. */
static assay_status compile_for(const audit_options *o, const assay_model *candidate,
                                opened_model *opened)
{
    if (!o->model.recipe)
        return ASSAY_OK;
    free(opened->policies);
    opened->policies = NULL;
    return assay_recipe_compile(&opened->recipe, candidate, o->model.seed, &opened->policies);
}

/* Everything that one audit opens. */
typedef struct audit_job {
    opened_model opened;
    assay_model *candidate; /* NULL: the model itself */
    assay_budget budget;
    assay_check *checks;
    assay_replay replay;
    assay_summary summary;
    assay_stage stage;
} audit_job;

static assay_status open_job(const audit_options *o, const cli *run, audit_job *job)
{
    assay_status status = open_model(&o->model, run->operands[0], &job->opened);
    if (status == ASSAY_OK)
        status = complete(o, &job->opened);
    if (status == ASSAY_OK && run->count > 1) {
        status = assay_model_open(run->operands[1], o->model.allowed.items, o->model.allowed.count,
                                  &job->candidate);
        if (status == ASSAY_OK)
            status = check_candidate(job->opened.model, job->candidate);
        if (status == ASSAY_OK)
            status = compile_for(o, job->candidate, &job->opened);
    }
    if (status == ASSAY_OK && o->budget)
        status = assay_budget_open(o->budget, &job->budget);
    if (status == ASSAY_OK && o->budget)
        status = assay_budget_match(&job->budget, job->opened.model);
    if (status == ASSAY_OK)
        status = assay_stage_begin(o->out, &job->stage);
    return status;
}

static void close_job(audit_job *job)
{
    assay_stage_abort(&job->stage);
    if (job->replay.model)
        assay_replay_close(&job->replay);
    free(job->checks);
    assay_budget_close(&job->budget);
    assay_model_close(job->candidate);
    close_model(&job->opened);
}

static assay_status measure(const audit_options *o, const cli *run, audit_job *job)
{
    const assay_model *model = job->opened.model;
    cli_progress progress = cli_progress_begin(run);
    assay_replay_options options = { .candidate = job->candidate ? job->candidate : model,
                                     .policies = job->opened.policies,
                                     .backend = job->opened.backend,
                                     .tie = o->tie,
                                     .greedy = o->greedy,
                                     .progress = cli_progress_draw,
                                     .user = &progress };
    assay_status status = assay_replay_run(model, &job->opened.corpus, &options, &job->replay);
    cli_progress_end(&progress);
    if (status == ASSAY_OK)
        status = assay_summarize(&job->replay, &job->summary);
    if (status != ASSAY_OK || !job->budget.name)
        return status;
    job->checks = calloc(job->budget.count, sizeof *job->checks);
    if (!job->checks)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for the budget's checks");
    assay_budget_check(&job->budget, &job->replay, &job->summary, job->checks);
    return ASSAY_OK;
}

static assay_status report(const audit_options *o, const cli *run, audit_job *job, double start,
                           bool *passed)
{
    assay_report_source source = { .replay = &job->replay,
                                   .summary = &job->summary,
                                   .recipe = &job->opened.recipe,
                                   .backend = job->opened.backend,
                                   .candidate = job->candidate ? job->candidate : job->opened.model,
                                   .budget = job->budget.name ? &job->budget : NULL,
                                   .checks = job->checks,
                                   .tie = o->tie,
                                   .greedy = o->greedy };
    json_t *about = describe_run(run, seconds_now() - start);
    if (!about)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for run.json");
    assay_status status = assay_report_write(&source, about, &job->stage);
    json_decref(about);
    if (status == ASSAY_OK)
        status = assay_stage_commit(&job->stage);
    if (status != ASSAY_OK)
        return status;
    *passed = assay_report_passed(&source);
    if (!run->quiet)
        print_verdict(&source, o->out);
    return ASSAY_OK;
}

static int audit(cli *run)
{
    audit_options o = { .tie = 0.05, .greedy = 64 };
    const cli_option options[] = { { "tokens", CLI_TEXT, &o.model.tokens, 0, 0 },
                                   { "text", CLI_TEXT, &o.model.text, 0, 0 },
                                   { "corpus", CLI_TEXT, &o.model.corpus, 0, 0 },
                                   { "recipe", CLI_TEXT, &o.model.recipe, 0, 0 },
                                   { "seed", CLI_INTEGER, &o.model.seed, 0, UINT64_MAX },
                                   { "backend", CLI_TEXT, &o.model.backend, 0, 0 },
                                   { "allow-key", CLI_LIST, &o.model.allowed, 0, 0 },
                                   { "out", CLI_TEXT, &o.out, 0, 0 },
                                   { "budget", CLI_TEXT, &o.budget, 0, 0 },
                                   { "tie", CLI_REAL, &o.tie, 0, 0 },
                                   { "greedy", CLI_INTEGER, &o.greedy, 0, 1 << 20 },
                                   { 0 } };
    int code = cli_parse(run, options, 1, 2);
    if (code != CLI_RUN)
        return code;
    if (!o.out)
        return cli_usage_error(run, "--out DIR is missing");
    double start = seconds_now();
    bool passed = true;
    audit_job job = { 0 };
    assay_status status = open_job(&o, run, &job);
    if (status == ASSAY_OK)
        status = measure(&o, run, &job);
    if (status == ASSAY_OK)
        status = report(&o, run, &job, start, &passed);
    close_job(&job);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    return passed ? CLI_DONE : CLI_DIFFERENT;
}

const cli_command cli_command_audit = {
    .name = "audit",
    .usage = "MODEL [CANDIDATE] [--recipe R] (--tokens F | --text S | --corpus F) --out DIR\n"
             "                   [--backend B] [--budget FILE] [--tie X] [--greedy N] [--seed N]",
    .summary = "Measure what a recipe or a release does to a model, and report it",
    .help =
        "Runs MODEL in binary64 and the candidate (MODEL under the recipe, or the parameters of\n"
        "CANDIDATE) in step, and writes report.html, report.json, report.md, junit.xml,\n"
        "tensors.csv, digests.txt and run.json into DIR. Exit code 1 if over budget.\n\n"
        "  --recipe R     a recipe file, or binary64, binary32, bfloat16, fp8, fp4\n"
        "  --tokens F     one document of token ids, an integer .npy of one dimension\n"
        "  --text S       one document of text\n"
        "  --corpus F     a text file, blank lines between documents, or .jsonl with \"text\";\n"
        "                 `demo` is the built-in model's held-out text; text beyond\n"
        "                 max_position_embeddings becomes a further document\n"
        "  --out DIR      where the report goes\n"
        "  --budget FILE  the drift that is allowed; decides the exit code\n"
        "  --tie X        margin in nat below which a flip is a near-tie (default 0.05)\n"
        "  --greedy N     tokens to continue each document's first half by (default 64)\n"
        "  --backend B    reference, emulated (default) or wide, as the candidate\n"
        "  --seed N       of the random bits of stochastic modes in a recipe; 0 if absent\n"
        "  --allow-key K  let an unknown key of config.json pass; repeatable\n",
    .run = audit,
};
