/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/generate.h"
#include "numerics/exact.h"

/* One second evaluation of a node, on the reference's inputs. */
typedef enum second { LOCAL, QUANTIZED, WIDE_LOCAL, BOUND, REFERENCE_BOUND, SECONDS } second;

typedef struct replayer {
    assay_replay *replay;
    const assay_replay_options *options;
    assay_lane reference, candidate, wide;
    assay_policy *quantized; /* the policies with exact arithmetic: what the format costs */
    assay_policy exact;
    assay_scratch buffers[SECONDS]; /* of the second evaluations' outputs */
    assay_scratch workspace;
    size_t document, first_token; /* of the document in the corpus      */
    size_t done, total;
} replayer;

static assay_status no_memory(void)
{
    return assay_fail(ASSAY_ERR_MEMORY, "no memory for the audit's results");
}

static assay_status make_results(const assay_model *model, const assay_corpus *corpus,
                                 assay_replay *r)
{
    r->model = model;
    r->corpus = corpus;
    r->taps = calloc(model->count, sizeof *r->taps);
    r->tokens = calloc(corpus->tokens, sizeof *r->tokens);
    r->greedy = calloc(corpus->count, sizeof *r->greedy);
    r->digests = calloc(corpus->count * model->count, sizeof *r->digests);
    if (!r->taps || !r->tokens || !r->greedy || !r->digests)
        return no_memory();
    for (size_t i = 0; i < model->count; i++) {
        r->taps[i].token_local = calloc(corpus->tokens, sizeof(double));
        r->taps[i].token_propagated = calloc(corpus->tokens, sizeof(double));
        if (!r->taps[i].token_local || !r->taps[i].token_propagated)
            return no_memory();
    }
    return ASSAY_OK;
}

void assay_replay_close(assay_replay *r)
{
    for (size_t i = 0; r->taps && i < r->model->count; i++) {
        free(r->taps[i].token_local);
        free(r->taps[i].token_propagated);
    }
    free(r->taps);
    free(r->tokens);
    free(r->greedy);
    free(r->digests);
    *r = (assay_replay){ 0 };
}

/* What the formats alone do: operands as the policy quantizes them, everything else exact as far
 * as binary64 is; the difference to the reference is E_quant of the design. */
static assay_policy quantized_policy(const assay_policy *policy)
{
    assay_policy q = assay_policy_reference();
    q.in = policy->in;
    q.weight = policy->weight;
    q.whole = policy->whole;
    q.operand = policy->operand;
    q.has_operand = policy->has_operand;
    return q;
}

static assay_status output_buffer(replayer *r, second which, size_t rows, size_t cols, int planes,
                                  assay_matrix *out)
{
    size_t count = rows * cols;
    assay_status status =
        assay_scratch_reserve(&r->buffers[which], count * sizeof(double) * (size_t)planes);
    double *data = r->buffers[which].data;
    *out = (assay_matrix){ data, planes > 1 ? data + count : NULL, rows, cols, cols };
    return status;
}

/* The node's operation on the reference's inputs, with the candidate's parameters and policy. */
static assay_status evaluate(replayer *r, size_t node, const assay_policy *policy,
                             const assay_backend *backend, const assay_model *parameters,
                             second which, assay_matrix *out)
{
    const assay_matrix *y = &r->reference.out[node];
    const assay_node *n = &parameters->nodes[node];
    const assay_op *op = assay_op_row(n->op);
    assay_call call = assay_lane_call(&r->reference, node);
    call.policy = policy;
    call.weight[0] = n->weight[0];
    call.weight[1] = n->weight[1];
    assay_status status = output_buffer(r, which, y->rows, y->cols, backend->planes, out);
    if (status != ASSAY_OK)
        return status;
    call.out = *out;
    status = assay_scratch_reserve(&r->workspace, op->workspace(&call));
    if (status != ASSAY_OK)
        return status;
    call.workspace = r->workspace.data;
    backend->run[n->op](&call);
    return ASSAY_OK;
}

static assay_status evaluate_bound(replayer *r, size_t node, const assay_policy *policy,
                                   second which, assay_matrix *out)
{
    const assay_matrix *y = &r->reference.out[node];
    const assay_op *op = assay_op_row(r->reference.model->nodes[node].op);
    assay_call call = assay_lane_call(&r->reference, node);
    call.policy = policy;
    call.out = *y;
    assay_status status = output_buffer(r, which, y->rows, y->cols, 1, out);
    if (status == ASSAY_OK)
        status = assay_scratch_reserve(&r->workspace, op->workspace(&call));
    if (status != ASSAY_OK)
        return status;
    call.workspace = r->workspace.data;
    op->bound(&call, *out);
    return ASSAY_OK;
}

static const double *row_of(const assay_matrix *m, size_t row)
{
    return m->hi + row * m->ld;
}

static const double *low_row(const assay_matrix *m, size_t row)
{
    return m->lo + row * m->ld;
}

/* What one row of a tap adds: the split of the local error, its bounds, its ulps. */
static void add_local_row(assay_tap_drift *tap, const assay_format *format, size_t n,
                          const double *reference, const double *local, const double *quantized)
{
    for (size_t j = 0; j < n; j++) {
        double quant = quantized[j] - reference[j], arith = local[j] - quantized[j];
        double error = local[j] - reference[j];
        if (!isfinite(quant) || !isfinite(arith))
            quant = arith = error = 0; /* such pairs are counted as not finite */
        tap->quant2 += quant * quant;
        tap->arith2 += arith * arith;
        tap->quant_share += quant * error;
        tap->arith_share += arith * error;
        double ulps = assay_ulp_error(format, reference[j], local[j]);
        assay_ulp_add(&tap->ulps, ulps);
    }
}

static void add_bound_row(assay_tap_drift *tap, size_t n, const double *reference,
                          const double *local, const double *bound, const double *own)
{
    for (size_t j = 0; j < n; j++) {
        tap->reference_bound2 += own[j] * own[j];
        double allowed = bound[j] + own[j], error = fabs(local[j] - reference[j]);
        if (!isfinite(allowed)) {
            tap->unbounded++;
            continue;
        }
        tap->bounded++;
        double ratio = error == 0 ? 0 : error / allowed; /* 0 allowed and an error: +inf */
        /* written so that a NaN, which no bound allows, counts as beyond every bound */
        tap->over_bound = ratio <= tap->over_bound ? tap->over_bound
                          : ratio == ratio         ? ratio
                                                   : INFINITY;
    }
}

/* Elements of a row that take part: all, or the keys that the row may see. */
static size_t row_length(const assay_lane *lane, const assay_node *node, size_t row, size_t cols)
{
    return node->shape == ASSAY_SHAPE_PER_HEAD ? lane->past + row % lane->tokens + 1 : cols;
}

typedef struct token_drift {
    assay_drift local, propagated;
} token_drift;

/* Everything about one node of one document, after the three lanes have run it. */
typedef struct outputs {
    assay_matrix local, quantized, wide, bound, own;
} outputs;

static void add_rows(replayer *r, size_t node, const outputs *o, token_drift *per_token)
{
    const assay_node *n = &r->reference.model->nodes[node];
    assay_tap_drift *tap = &r->replay->taps[node];
    const assay_format *format = &r->options->policies[node].out.element.format;
    const assay_matrix *y = &r->reference.out[node], *c = &r->candidate.out[node];
    const assay_matrix *w = &r->wide.out[node];
    for (size_t row = 0; row < y->rows; row++) {
        size_t count = row_length(&r->reference, n, row, y->cols);
        token_drift *token = &per_token[row % r->reference.tokens];
        const double *reference = row_of(y, row), *local = row_of(&o->local, row);
        assay_drift_add(&token->local, reference, local, count);
        assay_drift_add(&token->propagated, reference, row_of(c, row), count);
        assay_drift_add_wide(&tap->floor_local, row_of(&o->wide, row), low_row(&o->wide, row),
                             reference, count);
        assay_drift_add_wide(&tap->floor_propagated, row_of(w, row), low_row(w, row), reference,
                             count);
        add_local_row(tap, format, count, reference, local, row_of(&o->quantized, row));
        if (r->replay->has_bounds)
            add_bound_row(tap, count, reference, local, row_of(&o->bound, row),
                          row_of(&o->own, row));
    }
}

static assay_status compare_node(replayer *r, size_t node)
{
    const assay_replay_options *o = r->options;
    const assay_backend *wide = r->wide.backend;
    const assay_model *model = r->reference.model;
    outputs out = { 0 };
    assay_status status =
        evaluate(r, node, &o->policies[node], o->backend, o->candidate, LOCAL, &out.local);
    if (status == ASSAY_OK)
        status = evaluate(r, node, &r->quantized[node], o->backend, o->candidate, QUANTIZED,
                          &out.quantized);
    if (status == ASSAY_OK)
        status = evaluate(r, node, &r->exact, wide, model, WIDE_LOCAL, &out.wide);
    if (status == ASSAY_OK && r->replay->has_bounds)
        status = evaluate_bound(r, node, &o->policies[node], BOUND, &out.bound);
    if (status == ASSAY_OK && r->replay->has_bounds)
        status = evaluate_bound(r, node, &r->exact, REFERENCE_BOUND, &out.own);
    token_drift *per_token = calloc(r->reference.tokens, sizeof *per_token);
    if (status == ASSAY_OK && !per_token)
        status = no_memory();
    if (status == ASSAY_OK) {
        assay_tap_drift *tap = &r->replay->taps[node];
        add_rows(r, node, &out, per_token);
        for (size_t i = 0; i < r->reference.tokens; i++) {
            assay_drift_merge(&tap->local, &per_token[i].local);
            assay_drift_merge(&tap->propagated, &per_token[i].propagated);
            tap->token_local[r->first_token + i] = assay_drift_rel_l2(&per_token[i].local);
            tap->token_propagated[r->first_token + i] =
                assay_drift_rel_l2(&per_token[i].propagated);
        }
    }
    free(per_token);
    return status;
}

/* A tap is digested as `assay run --taps` writes it: [tokens, width] or [heads, tokens, tokens]. */
static assay_status digest_tap(const assay_node *node, const assay_matrix *m, size_t tokens,
                               char hex[ASSAY_DIGEST_HEX])
{
    bool per_head = node->shape == ASSAY_SHAPE_PER_HEAD;
    size_t shape[3] = { per_head ? node->heads : tokens, per_head ? tokens : m->cols, m->cols };
    return assay_digest(ASSAY_DTYPE_F64, per_head ? 3 : 2, shape, m->hi, false, hex);
}

static void compare_logits(replayer *r, const assay_document *document)
{
    const assay_matrix *a = &r->reference.out[r->reference.model->count - 1];
    const assay_matrix *b = &r->candidate.out[r->reference.model->count - 1];
    const assay_matrix *w = &r->wide.out[r->reference.model->count - 1];
    for (size_t i = 0; i < document->count; i++) {
        assay_token_drift *t = &r->replay->tokens[r->first_token + i];
        t->document = r->document;
        t->position = i;
        t->id = document->ids[i];
        int32_t next = i + 1 < document->count ? document->ids[i + 1] : -1;
        assay_token_drift floor;
        assay_logits_compare(row_of(a, i), row_of(b, i), a->cols, next, r->options->tie, t);
        assay_logits_compare(row_of(w, i), row_of(a, i), a->cols, next, r->options->tie, &floor);
        t->floor_kl = floor.kl;
        t->nll_wide = floor.nll_reference;
    }
}

static assay_status run_node(replayer *r, size_t node)
{
    const assay_model *model = r->reference.model;
    assay_lane *lanes[] = { &r->reference, &r->candidate, &r->wide };
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < 3 && status == ASSAY_OK; i++)
        status = assay_lane_step(lanes[i], node);
    if (status == ASSAY_OK)
        status = compare_node(r, node);
    assay_tap_digest *digest = &r->replay->digests[r->document * model->count + node];
    size_t tokens = r->reference.tokens;
    char *const hex[] = { digest->reference, digest->candidate };
    for (size_t i = 0; i < 2 && status == ASSAY_OK; i++)
        status = digest_tap(&model->nodes[node], &lanes[i]->out[node], tokens, hex[i]);
    return status;
}

static void report_progress(replayer *r, size_t steps)
{
    r->done += steps;
    if (r->options->progress)
        r->options->progress(r->options->user, r->done, r->total);
}

static assay_status run_document(replayer *r, const assay_document *document)
{
    const assay_model *model = r->reference.model;
    assay_lane *lanes[] = { &r->reference, &r->candidate, &r->wide };
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < 3 && status == ASSAY_OK; i++) {
        status = assay_lane_reset(lanes[i], document->count);
        assay_lane_begin(lanes[i], document->ids, document->count);
    }
    for (size_t node = 0; node < model->count && status == ASSAY_OK; node++) {
        status = run_node(r, node);
        if (status == ASSAY_OK && node + 1 == model->count)
            compare_logits(r, document);
        for (size_t i = 0; i < 3; i++)
            assay_lane_release(lanes[i], node);
        report_progress(r, 1);
    }
    return status;
}

static assay_status compare_greedy(replayer *r, const assay_document *document)
{
    assay_greedy *g = &r->replay->greedy[r->document];
    size_t count = r->options->greedy, made[2] = { 0, 0 };
    int32_t *text = calloc(2 * count + 1, sizeof *text);
    if (!text)
        return no_memory();
    g->prompt = document->count > 1 ? document->count / 2 : 1;
    assay_status status =
        assay_generate(&r->reference, document->ids, g->prompt, count, text, &made[0]);
    if (status == ASSAY_OK)
        status =
            assay_generate(&r->candidate, document->ids, g->prompt, count, text + count, &made[1]);
    g->compared = made[0] < made[1] ? made[0] : made[1];
    while (g->divergent < g->compared && text[g->divergent] == text[count + g->divergent])
        g->divergent++;
    free(text);
    return status;
}

static assay_status open_lanes(replayer *r, const assay_model *model)
{
    const assay_replay_options *o = r->options;
    const assay_backend *reference, *wide;
    r->exact = assay_policy_reference();
    r->quantized = calloc(model->count, sizeof *r->quantized);
    if (!r->quantized)
        return no_memory();
    for (size_t i = 0; i < model->count; i++)
        r->quantized[i] = quantized_policy(&o->policies[i]);
    assay_status status = assay_backend_find("reference", &reference);
    if (status == ASSAY_OK)
        status = assay_backend_find("wide", &wide);
    if (status == ASSAY_OK)
        status = assay_lane_open(model, reference, NULL, &r->reference);
    if (status == ASSAY_OK)
        status = assay_lane_open(o->candidate, o->backend, o->policies, &r->candidate);
    if (status == ASSAY_OK)
        status = assay_lane_open(model, wide, NULL, &r->wide);
    return status;
}

static void close_replayer(replayer *r)
{
    assay_lane *lanes[] = { &r->reference, &r->candidate, &r->wide };
    for (size_t i = 0; i < 3; i++)
        if (lanes[i]->model)
            assay_lane_close(lanes[i]);
    for (size_t i = 0; i < SECONDS; i++)
        assay_scratch_free(&r->buffers[i]);
    assay_scratch_free(&r->workspace);
    free(r->quantized);
}

assay_status assay_replay_run(const assay_model *model, const assay_corpus *corpus,
                              const assay_replay_options *options, assay_replay *out)
{
    assay_replay replay = { .has_bounds = options->candidate == model };
    replayer r = { .replay = &replay, .options = options };
    r.total = corpus->count * (model->count + (options->greedy ? model->count / 4 : 0));
    assay_status status = make_results(model, corpus, &replay);
    if (status == ASSAY_OK)
        status = open_lanes(&r, model);
    for (size_t d = 0; d < corpus->count && status == ASSAY_OK; d++) {
        r.document = d;
        status = run_document(&r, &corpus->documents[d]);
        if (status == ASSAY_OK && options->greedy)
            status = compare_greedy(&r, &corpus->documents[d]);
        report_progress(&r, options->greedy ? model->count / 4 : 0);
        r.first_token += corpus->documents[d].count;
    }
    close_replayer(&r);
    if (status == ASSAY_OK)
        *out = replay;
    else
        assay_replay_close(&replay);
    return status;
}
