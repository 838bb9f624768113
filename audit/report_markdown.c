/* SPDX-License-Identifier: Apache-2.0 */
/* report.md: an excerpt for a model card. */
#include <math.h>
#include <string.h>

#include "audit/report_parts.h"

static void print_verdict(FILE *f, const json_t *report)
{
    const json_t *verdict = json_object_get(report, "verdict");
    const char *status = assay_page_string(verdict, "status");
    size_t i, failed = assay_page_count(verdict, "failed");
    json_t *check;
    assay_page_put(f, "**%s** \u00b7 %m (%n parameters) under recipe %m, backend %m",
                   strcmp(status, "pass") == 0   ? "PASS"
                   : strcmp(status, "fail") == 0 ? "FAIL"
                                                 : "MEASURED, no budget",
                   assay_page_string(report, "model.name"),
                   assay_page_count(report, "model.parameters"),
                   assay_page_string(report, "candidate.recipe"),
                   assay_page_string(report, "candidate.backend"));
    assay_page_put(f, " \u00b7 corpus %m, %n documents, %n tokens\n\n",
                   assay_page_string(report, "corpus.source"),
                   assay_page_count(report, "corpus.documents"),
                   assay_page_count(report, "corpus.tokens"));
    json_array_foreach(json_object_get(verdict, "checks"), i, check)
    {
        const char *tap = assay_page_string(check, "tap");
        if (json_is_true(json_object_get(check, "passed")))
            continue;
        assay_page_put(f, "- over budget: %m of %m is %r at %m, at most %r allowed\n",
                       assay_page_string(check, "metric"), *tap ? tap : "logits",
                       assay_page_real(check, "worst"), assay_page_string(check, "where"),
                       assay_page_real(check, "max"));
    }
    if (failed)
        fputc('\n', f);
}

static void print_kl(FILE *f, const json_t *kl)
{
    double error = assay_page_real(kl, "mean_standard_error");
    assay_page_put(f, "| KL divergence, mean | %r nat", assay_page_real(kl, "mean"));
    if (isfinite(error))
        assay_page_put(f, " \u00b1 %r (standard error)", error);
    assay_page_put(f, " | %n positions | %r nat |\n", assay_page_count(kl, "n"),
                   assay_page_real(kl, "floor_mean"));
    assay_page_put(f, "| KL divergence, largest | %r nat | %n positions | %r nat |\n",
                   assay_page_real(kl, "max"), assay_page_count(kl, "n"),
                   assay_page_real(kl, "floor_max"));
}

static void print_greedy(FILE *f, const json_t *greedy)
{
    size_t documents = json_array_size(json_object_get(greedy, "documents"));
    size_t agree = assay_page_count(greedy, "agreeing_documents");
    if (assay_page_count(greedy, "tokens") == 0)
        return;
    fputs("| first divergent greedy token | ", f);
    if (agree == documents)
        assay_page_put(f, "none in %n tokens", assay_page_count(greedy, "tokens"));
    else
        assay_page_put(f, "%n at the earliest, median %n; %n documents agree for %n tokens",
                       assay_page_count(greedy, "first_divergent_min"),
                       assay_page_count(greedy, "first_divergent_median"), agree,
                       assay_page_count(greedy, "tokens"));
    assay_page_put(f, " | %n documents | exact |\n", documents);
}

static void print_figures(FILE *f, const json_t *report)
{
    const json_t *ppl = assay_page_at(report, "logits.perplexity");
    const json_t *flips = assay_page_at(report, "logits.top1_flips");
    fputs("| figure | value | n | floor |\n|---|---|---|---|\n", f);
    print_kl(f, assay_page_at(report, "logits.kl"));
    if (assay_page_count(ppl, "n") > 0)
        assay_page_put(f, "| perplexity | %k \u2192 %k (\u0394 %r) | %n tokens | %r |\n",
                       assay_page_real(ppl, "reference"), assay_page_real(ppl, "candidate"),
                       assay_page_real(ppl, "delta"), assay_page_count(ppl, "n"),
                       assay_page_perplexity_floor(ppl));
    assay_page_put(f,
                   "| top-1 flips | %n material, %n near-tie (margin below %r nat) | %n tokens | "
                   "exact |\n",
                   assay_page_count(flips, "material"), assay_page_count(flips, "near_tie"),
                   assay_page_real(flips, "tie"), assay_page_count(flips, "n"));
    print_greedy(f, assay_page_at(report, "logits.greedy"));
}

static bool is_worse(const json_t *a, const json_t *b)
{
    return assay_page_is_worse(assay_page_real(a, "local_rel_l2"),
                               assay_page_real(b, "local_rel_l2"));
}

static void print_worst(FILE *f, const json_t *report)
{
    enum { SHOWN = 3 };
    const json_t *worst[SHOWN + 1] = { NULL };
    size_t i, n = 0;
    json_t *layer;
    json_array_foreach(json_object_get(report, "layers"), i, layer)
    {
        size_t at = n;
        for (; at > 0 && is_worse(layer, worst[at - 1]); at--)
            worst[at] = worst[at - 1];
        worst[at] = layer;
        n += n < SHOWN;
    }
    fputs("\nLargest local error, relative L2:", f);
    for (i = 0; i < n; i++)
        assay_page_put(f, "%s %m %r (%m, propagated %r, floor %r)", i ? ";" : "",
                       assay_page_string(worst[i], "name"),
                       assay_page_real(worst[i], "local_rel_l2"),
                       assay_page_string(worst[i], "local_tap"),
                       assay_page_real(worst[i], "propagated_rel_l2"),
                       assay_page_real(worst[i], "floor_rel_l2"));
    fputs(n ? ".\n" : " no layers.\n", f);
}

static void print_excerpt(FILE *f, const json_t *report)
{
    fputs("### Numerical drift\n\n", f);
    print_verdict(f, report);
    print_figures(f, report);
    print_worst(f, report);
    assay_page_put(f,
                   "\nAgainst a binary64 reference, whose own error is the floor; all figures are "
                   "exact for this corpus. Measured by assay %m; report.html has the rest.\n",
                   assay_page_string(report, "assay_version"));
}

assay_status assay_render_markdown(const json_t *report, FILE *stream)
{
    return assay_page_write(report, stream, "report.md", print_excerpt);
}
