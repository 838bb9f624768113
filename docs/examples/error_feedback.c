/* SPDX-License-Identifier: Apache-2.0 */
/* A million updates of 1e-6 into a narrow state that starts at 0.5: what arrives? Rounding to
 * nearest loses every one of them, stochastic rounding scatters, error feedback loses nothing. */
#include <assay.h>
#include <assay/rounding/feedback.h>
#include <math.h>
#include <stdio.h>

enum { UPDATES = 1000000, RUNS = 16 };
static const double update = 1e-6, start = 0.5;

static int fail(void)
{
    fprintf(stderr, "%s\n", assay_last_error());
    return 1;
}

static int make(const char *format, const char *mode, assay_rounder *out)
{
    assay_format f;
    assay_rounding how;
    return assay_format_parse(format, &f) != ASSAY_OK ||
           assay_rounding_parse(mode, &how) != ASSAY_OK ||
           assay_rounder_make_for(&f, how, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, out) !=
               ASSAY_OK;
}

/* RUNS runs side by side, each with random bits of its own: mean and standard deviation of their
 * states. A sum here is a binary64, wrong by at most 2^-44 of a step between two states. */
static int plain(const char *format, const char *mode)
{
    assay_rounder r;
    assay_random random = { .seed = 1 };
    double state[RUNS], mean = 0, spread = 0;
    if (make(format, mode, &r))
        return fail();
    for (int run = 0; run < RUNS; run++)
        state[run] = start;
    for (uint64_t i = 0; i < UPDATES; i++) {
        for (int run = 0; run < RUNS; run++)
            state[run] += update;
        assay_round_random_f64(&r, &random, i * RUNS, state, state, RUNS);
    }
    for (int run = 0; run < RUNS; run++)
        mean += state[run] / RUNS;
    for (int run = 0; run < RUNS; run++)
        spread += (state[run] - mean) * (state[run] - mean) / (RUNS - 1);
    printf("%-9s %-22s %.6f +- %.6f\n", format, mode, mean, sqrt(spread));
    return 0;
}

/* The state, and the distance of state + e from the sum 1.5: what e's own rounding lost. */
static int with_feedback(const char *format, const char *mode, const char *residue)
{
    assay_rounder r, of_e;
    assay_feedback f;
    assay_feedback_counts counts = { 0 };
    assay_residue e = { 0, 0 };
    assay_random random = { .seed = 1 };
    if (make(format, mode, &r) || (residue && make(residue, "rne", &of_e)) ||
        assay_feedback_make(&r, residue ? &of_e : NULL, ASSAY_FEEDBACK_F64, &f) != ASSAY_OK)
        return fail();
    double state = start;
    for (uint64_t i = 0; i < UPDATES; i++)
        state = assay_feedback_state(&f, state, update, 0, &e, &random, i, &counts);
    printf("%-9s %s+ef, e %-13s %.6f, with e %.9f\n", format, mode, residue ? residue : "exact",
           state, state + (e.hi + e.lo));
    return 0;
}

int main(void)
{
    static const char *const formats[] = { "bfloat16", "e4m3" };
    static const char *const residues[] = { "e5m2", "bfloat16", "binary32", NULL };
    for (int i = 0; i < 2; i++) {
        if (plain(formats[i], "rne") || plain(formats[i], "sr"))
            return 1;
        for (int k = 0; k < 4; k++)
            if (with_feedback(formats[i], "rne", residues[k]))
                return 1;
        if (with_feedback(formats[i], "sr", NULL))
            return 1;
    }
    return 0;
}
