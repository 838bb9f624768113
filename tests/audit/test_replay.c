/* SPDX-License-Identifier: Apache-2.0 */
/* What the audit promises about whole models: exactly zero, within bounds, the same bits. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/generate.h"
#include "audit/recipe.h"
#include "audit/summary.h"
#include "numerics/cpu.h"

static const char text[] = "In the beginning God created the heaven";

/* The built-in model on a few words, audited under a recipe. */
typedef struct fixture {
    assay_model *model;
    assay_corpus corpus;
    assay_recipe recipe;
    assay_policy *policies;
    assay_replay replay;
    assay_summary summary;
} fixture;

static void open_fixture(fixture *f, const char *recipe)
{
    memset(f, 0, sizeof *f);
    cr_assert_eq(assay_model_open("demo", NULL, 0, &f->model), ASSAY_OK, "%s", assay_last_error());
    cr_assert_eq(assay_corpus_open(f->model, NULL, text, NULL, &f->corpus), ASSAY_OK);
    cr_assert_eq(assay_recipe_open(recipe, &f->recipe), ASSAY_OK, "%s", assay_last_error());
    cr_assert_eq(assay_recipe_compile(&f->recipe, f->model, 0, &f->policies), ASSAY_OK);
    assay_replay_options options = {
        .candidate = f->model, .policies = f->policies, .tie = 0.05, .greedy = 4
    };
    cr_assert_eq(assay_backend_find("emulated", &options.backend), ASSAY_OK);
    cr_assert_eq(assay_replay_run(f->model, &f->corpus, &options, &f->replay), ASSAY_OK, "%s",
                 assay_last_error());
    cr_assert_eq(assay_summarize(&f->replay, &f->summary), ASSAY_OK);
}

static void close_fixture(fixture *f)
{
    assay_replay_close(&f->replay);
    free(f->policies);
    assay_recipe_close(&f->recipe);
    assay_corpus_close(&f->corpus);
    assay_model_close(f->model);
}

Test(replay, binary64_drifts_by_exactly_nothing)
{
    fixture f;
    open_fixture(&f, "binary64");
    for (size_t i = 0; i < f.model->count; i++) {
        const assay_tap_drift *t = &f.replay.taps[i];
        const assay_tap_digest *d = &f.replay.digests[i];
        cr_expect_eq(t->local.error2, 0, "%s", f.model->nodes[i].tap);
        cr_expect_eq(t->propagated.error2, 0, "%s", f.model->nodes[i].tap);
        cr_expect_eq(t->propagated.nonfinite + t->local.nonfinite, 0);
        cr_expect_str_eq(d->reference, d->candidate, "%s", f.model->nodes[i].tap);
    }
    cr_expect_eq(f.summary.kl_mean, 0);
    cr_expect_eq(f.summary.flips, 0);
    cr_expect_eq(f.summary.agreeing_documents, 1);
    close_fixture(&f);
}

Test(replay, local_errors_are_within_their_bounds)
{
    static const char *const recipes[] = { "binary32", "bfloat16", "fp8", "fp4" };
    for (size_t k = 0; k < sizeof recipes / sizeof recipes[0]; k++) {
        fixture f;
        open_fixture(&f, recipes[k]);
        size_t bounded = 0;
        for (size_t i = 0; i < f.model->count; i++) {
            const assay_tap_drift *t = &f.replay.taps[i];
            cr_expect_leq(t->over_bound, 1, "%s: %s", recipes[k], f.model->nodes[i].tap);
            cr_expect_gt(t->propagated.count, 0);
            bounded += t->bounded;
            if (k == 0)
                cr_expect_eq(t->unbounded, 0, "binary32 cannot overflow here: %s",
                             f.model->nodes[i].tap);
        }
        cr_expect_gt(bounded, 0);
        close_fixture(&f);
    }
}

Test(replay, the_floor_is_measured_and_below_its_bound)
{
    fixture f;
    open_fixture(&f, "binary32");
    for (size_t i = 0; i < f.model->count; i++) {
        const assay_tap_drift *t = &f.replay.taps[i];
        double floor = assay_drift_rel_l2(&t->floor_local);
        double bound = sqrt(t->reference_bound2 / t->local.reference2);
        cr_expect_lt(floor, 1e-13, "%s", f.model->nodes[i].tap);
        cr_expect_leq(floor, bound, "%s", f.model->nodes[i].tap);
        cr_expect_lt(floor, assay_drift_rel_l2(&t->local) + 1e-15, "%s", f.model->nodes[i].tap);
    }
    const assay_tap_drift *logits = &f.replay.taps[f.model->count - 1];
    cr_expect_gt(assay_drift_rel_l2(&logits->floor_propagated), 0, "measured, not assumed");
    cr_expect_lt(assay_drift_rel_l2(&logits->floor_propagated), 1e-13);
    close_fixture(&f);
}

Test(replay, shares_of_the_split_sum_to_one)
{
    fixture f;
    open_fixture(&f, "fp8");
    for (size_t i = 0; i < f.model->count; i++) {
        const assay_tap_drift *t = &f.replay.taps[i];
        if (t->local.error2 > 0)
            cr_expect_float_eq((t->quant_share + t->arith_share) / t->local.error2, 1, 1e-9, "%s",
                               f.model->nodes[i].tap);
    }
    close_fixture(&f);
}

Test(replay, coarser_formats_drift_more)
{
    static const char *const recipes[] = { "binary32", "bfloat16", "fp8", "fp4" };
    double last = 0;
    for (size_t k = 0; k < sizeof recipes / sizeof recipes[0]; k++) {
        fixture f;
        open_fixture(&f, recipes[k]);
        cr_expect_gt(f.summary.kl_mean, last, "%s", recipes[k]);
        last = f.summary.kl_mean;
        close_fixture(&f);
    }
}

/* All taps of one forward pass, as one list of bits. */
typedef struct record {
    double *values;
    size_t count, capacity;
} record;

static assay_status keep(void *user, size_t node, const assay_matrix *m)
{
    record *r = user;
    (void)node;
    if (r->count + m->rows * m->cols > r->capacity) {
        r->capacity = 2 * (r->count + m->rows * m->cols);
        r->values = realloc(r->values, r->capacity * sizeof *r->values);
    }
    for (size_t i = 0; i < m->rows; i++, r->count += m->cols)
        memcpy(r->values + r->count, m->hi + i * m->ld, m->cols * sizeof *r->values);
    return ASSAY_OK;
}

static record forward(const fixture *f, assay_isa isa)
{
    record r = { 0 };
    const assay_backend *backend;
    assay_lane lane;
    const assay_document *d = &f->corpus.documents[0];
    cr_assert_eq(assay_isa_force(isa), ASSAY_OK);
    cr_assert_eq(assay_backend_find("emulated", &backend), ASSAY_OK);
    cr_assert_eq(assay_lane_open(f->model, backend, f->policies, &lane), ASSAY_OK);
    cr_assert_eq(assay_lane_reset(&lane, d->count), ASSAY_OK);
    cr_assert_eq(assay_lane_forward(&lane, d->ids, d->count, keep, &r), ASSAY_OK);
    assay_lane_close(&lane);
    return r;
}

Test(replay, every_isa_gives_the_same_bits)
{
    static const char *const recipes[] = { "binary64", "binary32", "fp8" };
    for (size_t k = 0; k < sizeof recipes / sizeof recipes[0]; k++) {
        fixture f;
        open_fixture(&f, recipes[k]);
        record expected = forward(&f, ASSAY_ISA_BASELINE);
        for (assay_isa isa = ASSAY_ISA_AVX2; isa <= assay_isa_best(); isa++) {
            record r = forward(&f, isa);
            cr_assert_eq(r.count, expected.count);
            cr_expect_eq(memcmp(r.values, expected.values, r.count * sizeof(double)), 0, "%s on %s",
                         recipes[k], assay_isa_name(isa));
            free(r.values);
        }
        free(expected.values);
        close_fixture(&f);
    }
}

Test(generate, does_not_depend_on_how_the_prompt_is_fed)
{
    fixture f;
    open_fixture(&f, "binary64");
    const assay_backend *backend;
    const assay_document *d = &f.corpus.documents[0];
    int32_t whole[6], tail[6];
    size_t made;
    assay_lane lane;
    cr_assert_eq(assay_backend_find("reference", &backend), ASSAY_OK);
    cr_assert_eq(assay_lane_open(f.model, backend, NULL, &lane), ASSAY_OK);
    cr_assert_eq(assay_generate(&lane, d->ids, d->count, 6, whole, &made), ASSAY_OK);
    cr_expect_eq(made, 6);
    /* the same continuation, prompted by the first three tokens of itself */
    int32_t *longer = malloc((d->count + 3) * sizeof *longer);
    memcpy(longer, d->ids, d->count * sizeof *longer);
    memcpy(longer + d->count, whole, 3 * sizeof *longer);
    cr_assert_eq(assay_generate(&lane, longer, d->count + 3, 3, tail, &made), ASSAY_OK);
    cr_expect_eq(memcmp(tail, whole + 3, 3 * sizeof *tail), 0);

    cr_assert_eq(assay_generate(&lane, d->ids, 1, 0, tail, &made), ASSAY_OK);
    cr_expect_eq(made, 0);
    free(longer);
    assay_lane_close(&lane);
    close_fixture(&f);
}
