/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/cli/model_options.h"
#include "audit/drift.h"
#include "audit/generate.h"
#include "audit/lane.h"
#include "audit/npy.h"
#include "audit/stage.h"

typedef struct run_options {
    model_options model;
    const char *logits, *taps;
    uint64_t generate, chunk;
} run_options;

/* Taps of a whole document, put together from its chunks: [tokens, width], or for one row per
 * head and token [heads, tokens, tokens] with what no chunk reaches hidden. */
typedef struct collector {
    const assay_lane *lane;
    double **taps; /* [nodes]; NULL where it is not kept */
    bool all;      /* every tap, or the logits alone     */
    size_t tokens;
} collector;

static size_t tap_size(const assay_node *node, size_t tokens)
{
    return node->shape == ASSAY_SHAPE_PER_HEAD ? node->heads * tokens * tokens
                                               : tokens * node->width;
}

static void copy_rows(const collector *c, const assay_node *node, const assay_matrix *m, double *to)
{
    bool per_head = node->shape == ASSAY_SHAPE_PER_HEAD;
    size_t width = per_head ? c->tokens : node->width;
    for (size_t row = 0; row < m->rows; row++) {
        size_t head = row / c->lane->tokens, token = c->lane->past + row % c->lane->tokens;
        size_t at = per_head ? (head * c->tokens + token) * width : token * width;
        memcpy(to + at, m->hi + row * m->ld, m->cols * sizeof *to);
    }
}

static assay_status collect(void *user, size_t index, const assay_matrix *m)
{
    collector *c = user;
    const assay_node *node = &c->lane->model->nodes[index];
    if (!c->all && index + 1 != c->lane->model->count)
        return ASSAY_OK;
    if (!c->taps[index]) {
        size_t n = tap_size(node, c->tokens);
        c->taps[index] = malloc(n * sizeof(double));
        if (!c->taps[index])
            return assay_fail(ASSAY_ERR_MEMORY, "no memory for tap %s", node->tap);
        for (size_t i = 0; i < n; i++)
            c->taps[index][i] = node->op == ASSAY_OP_scores ? -INFINITY : 0;
    }
    copy_rows(c, node, m, c->taps[index]);
    return ASSAY_OK;
}

static assay_status forward(assay_lane *lane, const assay_document *document, size_t chunk,
                            collector *c)
{
    assay_status status = assay_lane_reset(lane, document->count);
    size_t step = chunk ? chunk : document->count;
    for (size_t at = 0; at < document->count && status == ASSAY_OK; at += step) {
        size_t n = document->count - at < step ? document->count - at : step;
        status = assay_lane_forward(lane, document->ids + at, n, collect, c);
    }
    return status;
}

static assay_status write_tap(FILE *stream, const assay_node *node, size_t tokens,
                              const double *data)
{
    bool per_head = node->shape == ASSAY_SHAPE_PER_HEAD;
    size_t shape[3] = { per_head ? node->heads : tokens, per_head ? tokens : node->width, tokens };
    return assay_npy_write(stream, ASSAY_DTYPE_F64, per_head ? 3 : 2, shape, data);
}

static assay_status write_taps(assay_stage *stage, const collector *c)
{
    const assay_model *model = c->lane->model;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < model->count && status == ASSAY_OK; i++) {
        char name[ASSAY_TAP_BYTES + 8];
        FILE *stream;
        snprintf(name, sizeof name, "%s.npy", model->nodes[i].tap);
        status = assay_stage_file(stage, name, &stream);
        if (status == ASSAY_OK)
            status = write_tap(stream, &model->nodes[i], c->tokens, c->taps[i]);
    }
    return status;
}

static assay_status write_logits(FILE *stream, const collector *c)
{
    size_t last = c->lane->model->count - 1;
    return write_tap(stream, &c->lane->model->nodes[last], c->tokens, c->taps[last]);
}

/* What a run writes. Opened before the first operation runs, so that a run which cannot be
 * saved is not made, and finished together. */
typedef struct outputs {
    assay_output logits;
    assay_stage taps;
} outputs;

static assay_status open_outputs(const run_options *o, outputs *out)
{
    assay_status status = ASSAY_OK;
    if (o->logits)
        status = assay_output_begin(o->logits, &out->logits);
    if (status == ASSAY_OK && o->taps)
        status = assay_stage_begin(o->taps, &out->taps);
    return status;
}

static assay_status write_outputs(const run_options *o, outputs *out, const collector *c)
{
    assay_status status = ASSAY_OK;
    if (o->logits)
        status = write_logits(out->logits.stream, c);
    if (status == ASSAY_OK && o->taps)
        status = write_taps(&out->taps, c);
    if (status == ASSAY_OK && o->taps)
        status = assay_stage_commit(&out->taps);
    if (status == ASSAY_OK && o->logits)
        status = assay_output_commit(&out->logits);
    return status;
}

static assay_status print_continuation(assay_lane *lane, const assay_document *document,
                                       size_t count)
{
    const assay_model *model = lane->model;
    int32_t *ids = malloc((document->count + count) * sizeof *ids);
    if (!ids)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for %zu tokens", count);
    memcpy(ids, document->ids, document->count * sizeof *ids);
    size_t made = 0, size = 0;
    char *text = NULL;
    assay_status status =
        assay_generate(lane, document->ids, document->count, count, ids + document->count, &made);
    if (status == ASSAY_OK)
        status = assay_tokenizer_decode(model->tokenizer, ids, document->count + made, true, &text,
                                        &size);
    if (status == ASSAY_OK) {
        fwrite(text, 1, size, stdout);
        putchar('\n');
    }
    free(text);
    free(ids);
    return status;
}

/* What a run says when nothing else was asked of it. */
static void print_summary(const collector *c, const assay_document *document)
{
    const assay_model *model = c->lane->model;
    const double *logits = c->taps[model->count - 1];
    double nll = 0;
    assay_token_drift t;
    for (size_t i = 0; i + 1 < document->count; i++) {
        const double *row = logits + i * model->config.vocab;
        assay_logits_compare(row, row, model->config.vocab, document->ids[i + 1], 0, &t);
        nll += t.nll_reference;
    }
    printf("%zu tokens", document->count);
    if (document->count > 1)
        printf(", mean negative log-likelihood %.6f nat per token over %zu",
               nll / (double)(document->count - 1), document->count - 1);
    putchar('\n');
}

/* What --generate needs of the model. */
static assay_status check_generate(const assay_model *model, size_t length, size_t count)
{
    if (!model->tokenizer)
        return assay_fail(ASSAY_ERR_INPUT, "%s: has no tokenizer.json to print text with",
                          model->name);
    if (count > model->config.max_positions || length > model->config.max_positions - count)
        return assay_fail(ASSAY_ERR_SHAPE,
                          "--generate: %zu tokens and %zu more, but "
                          "max_position_embeddings is %zu",
                          length, count, model->config.max_positions);
    return ASSAY_OK;
}

static assay_status run_document(const run_options *o, assay_lane *lane, collector *c,
                                 const assay_document *document)
{
    outputs out = { 0 };
    assay_status status = ASSAY_OK;
    if (o->generate)
        status = check_generate(lane->model, document->count, o->generate);
    if (status == ASSAY_OK)
        status = open_outputs(o, &out);
    if (status == ASSAY_OK && (o->logits || o->taps || !o->generate))
        status = forward(lane, document, o->chunk, c);
    if (status == ASSAY_OK)
        status = write_outputs(o, &out, c);
    assay_output_abort(&out.logits);
    assay_stage_abort(&out.taps);
    if (status == ASSAY_OK && o->generate)
        status = print_continuation(lane, document, o->generate);
    else if (status == ASSAY_OK && !o->logits && !o->taps)
        print_summary(c, document);
    return status;
}

static assay_status run_model(const run_options *o, const opened_model *opened)
{
    if (opened->corpus.count != 1)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: longer than max_position_embeddings (%zu)",
                          opened->corpus.source, opened->model->config.max_positions);
    assay_lane lane;
    assay_status status = assay_lane_open(opened->model, opened->backend, opened->policies, &lane);
    if (status != ASSAY_OK)
        return status;
    collector c = { .lane = &lane,
                    .all = o->taps != NULL,
                    .tokens = opened->corpus.documents[0].count };
    c.taps = calloc(opened->model->count, sizeof *c.taps);
    status = c.taps ? run_document(o, &lane, &c, &opened->corpus.documents[0])
                    : assay_fail(ASSAY_ERR_MEMORY, "no memory for the taps");
    for (size_t i = 0; c.taps && i < opened->model->count; i++)
        free(c.taps[i]);
    free(c.taps);
    assay_lane_close(&lane);
    return status;
}

static int run(cli *cli_run)
{
    run_options o = { 0 };
    const cli_option options[] = { { "tokens", CLI_TEXT, &o.model.tokens, 0, 0 },
                                   { "text", CLI_TEXT, &o.model.text, 0, 0 },
                                   { "recipe", CLI_TEXT, &o.model.recipe, 0, 0 },
                                   { "seed", CLI_INTEGER, &o.model.seed, 0, UINT64_MAX },
                                   { "backend", CLI_TEXT, &o.model.backend, 0, 0 },
                                   { "allow-key", CLI_LIST, &o.model.allowed, 0, 0 },
                                   { "logits", CLI_TEXT, &o.logits, 0, 0 },
                                   { "taps", CLI_TEXT, &o.taps, 0, 0 },
                                   { "generate", CLI_INTEGER, &o.generate, 1, 1 << 20 },
                                   { "chunk", CLI_INTEGER, &o.chunk, 1, 1 << 30 },
                                   { 0 } };
    int code = cli_parse(cli_run, options, 1, 1);
    if (code != CLI_RUN)
        return code;
    opened_model opened = { 0 };
    assay_status status = open_model(&o.model, cli_run->operands[0], &opened);
    if (status == ASSAY_OK)
        status = run_model(&o, &opened);
    close_model(&opened);
    return status == ASSAY_OK ? CLI_DONE : cli_fail(cli_run, status);
}

const cli_command cli_command_run = {
    .name = "run",
    .usage =
        "MODEL (--tokens IDS.npy | --text S) [--recipe R] [--backend B] [--logits L.npy]\n"
        "                 [--taps DIR] [--generate N] [--chunk N] [--seed N] [--allow-key KEY]",
    .summary = "Run a model: the reference, or under a recipe",
    .help = "MODEL is a directory in the Hugging Face layout, or `demo`.\n\n"
            "  --tokens F     one document of token ids, an integer .npy of one dimension\n"
            "  --text S       one document of text; special tokens in it are parsed\n"
            "  --recipe R     a recipe file, or binary64, binary32, bfloat16, fp8, fp4\n"
            "  --backend B    reference (without a recipe), emulated (with one), wide\n"
            "  --logits F     write the logits, float64 [tokens, vocab]\n"
            "  --taps DIR     write every tap as TAP.npy, float64 [tokens, width]; scores and\n"
            "                 softmax [heads, tokens, tokens], hidden ones -inf and 0\n"
            "  --generate N   continue greedily by N tokens and print the text\n"
            "  --chunk N      N tokens at a time; the bits do not change\n"
            "  --seed N       of the random bits of stochastic modes in a recipe; 0 if absent\n"
            "  --allow-key K  let an unknown key of config.json pass; repeatable\n",
    .run = run,
};
