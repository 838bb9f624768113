/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict: what a reader of one screen has to know. */
#include <math.h>
#include <string.h>

#include "audit/report_parts.h"

const char *assay_page_unit(const char *metric)
{
    static const struct {
        const char *name, *unit;
    } units[] = { { "max_abs", "units of the tensor" },
                  { "local_rel_l2", "relative" },
                  { "propagated_rel_l2", "relative" },
                  { "kl_mean", "nat" },
                  { "kl_max", "nat" },
                  { "top1_flips", "tokens" },
                  { "material_flips", "tokens" },
                  { "ppl_delta", "perplexity" } };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(units[i].name, metric) == 0)
            return units[i].unit;
    return "";
}

static void print_check(FILE *f, const json_t *check)
{
    bool passed = json_is_true(json_object_get(check, "passed"));
    const char *metric = assay_page_string(check, "metric");
    const char *tap = assay_page_string(check, "tap");
    assay_page_put(f, "<tr><td class=\"%s\">%s</td><th scope=\"row\">%t</th><td>%t</td>",
                   passed ? "good" : "bad", passed ? "\u2713 holds" : "\u2717 exceeded", metric,
                   *tap ? tap : "logits");
    assay_page_put(f, "<td class=\"n\">%r</td><td class=\"n\">%r</td><td>%s</td><td>%t</td></tr>\n",
                   assay_page_real(check, "worst"), assay_page_real(check, "max"),
                   assay_page_unit(metric), assay_page_string(check, "where"));
}

/* The failed ones first: they are what the reader came for. */
static void print_checks(FILE *f, const json_t *checks)
{
    if (json_array_size(checks) == 0)
        return;
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"checks\"><table>", f);
    assay_page_columns(f, "check|metric|of|>worst|>at most|unit|found at");
    for (int passed = 0; passed <= 1; passed++) {
        size_t i;
        json_t *check;
        json_array_foreach(checks, i, check) if (json_is_true(json_object_get(check, "passed")) ==
                                                 passed) print_check(f, check);
    }
    fputs("</tbody></table></div>\n", f);
}

static void print_banner(FILE *f, const json_t *report)
{
    const json_t *verdict = json_object_get(report, "verdict");
    const char *status = assay_page_string(verdict, "status");
    size_t checks = json_array_size(json_object_get(verdict, "checks"));
    size_t failed = assay_page_count(verdict, "failed");
    bool pass = strcmp(status, "pass") == 0, fail = strcmp(status, "fail") == 0;
    assay_page_put(f, "<div class=\"banner %s\"><p class=\"word\">%s</p><p>",
                   pass   ? "is-pass"
                   : fail ? "is-fail"
                          : "is-measured",
                   pass   ? "\u2713 PASS"
                   : fail ? "\u2717 FAIL"
                          : "MEASURED");
    if (pass)
        assay_page_put(f, "All %n checks of the budget <b>%t</b> hold.", checks,
                       assay_page_string(verdict, "budget"));
    else if (fail)
        assay_page_put(f, "%n of %n checks of the budget <b>%t</b> exceeded.", failed, checks,
                       assay_page_string(verdict, "budget"));
    else
        fputs("No budget was given: these are measurements and not a judgement.", f);
    fputs("</p></div>\n", f);
}

/* A figure that its own floor reaches cannot be told from 0. */
static const char *beside_floor(double figure, double floor)
{
    return figure > 0 && figure <= floor ? " \u2014 the figure is not above it" : "";
}

static void print_kl(FILE *f, const json_t *report)
{
    const json_t *kl = assay_page_at(report, "logits.kl");
    double mean = assay_page_real(kl, "mean"), error = assay_page_real(kl, "mean_standard_error");
    double floor = assay_page_real(kl, "floor_mean"), max = assay_page_real(kl, "max");
    assay_page_put(f,
                   "<div class=\"tile\"><h3>KL divergence, mean</h3><p class=\"big\">%r<i>nat</i>"
                   "</p><p>",
                   mean);
    if (isfinite(error))
        assay_page_put(f, "\u00b1 %r standard error over %n documents<br/>", error,
                       assay_page_count(report, "corpus.documents"));
    assay_page_put(f, "n = %n positions, exact<br/>floor %r nat%s</p></div>\n",
                   assay_page_count(kl, "n"), floor, beside_floor(mean, floor));
    floor = assay_page_real(kl, "floor_max");
    assay_page_put(
        f,
        "<div class=\"tile\"><h3>KL divergence, largest</h3><p class=\"big\">%r<i>nat</i>"
        "</p><p>median %r, 99 %% \u2264 %r<br/>n = %n positions, exact<br/>floor %r "
        "nat%s</p></div>\n",
        max, assay_page_real(kl, "median"), assay_page_real(kl, "p99"), assay_page_count(kl, "n"),
        floor, beside_floor(max, floor));
}

static void print_perplexity(FILE *f, const json_t *report)
{
    const json_t *ppl = assay_page_at(report, "logits.perplexity");
    double delta = assay_page_real(ppl, "delta"), floor = assay_page_perplexity_floor(ppl);
    fputs("<div class=\"tile\"><h3>Perplexity</h3>", f);
    if (assay_page_count(ppl, "n") == 0) {
        fputs("<p class=\"big\">\u2014</p><p>no token follows another</p></div>\n", f);
        return;
    }
    assay_page_put(f,
                   "<p class=\"big\">%k \u2192 %k</p><p>\u0394 %s%r candidate less reference<br/>"
                   "n = %n scored tokens, exact<br/>floor %r%s</p></div>\n",
                   assay_page_real(ppl, "reference"), assay_page_real(ppl, "candidate"),
                   delta > 0 ? "+" : "", delta, assay_page_count(ppl, "n"), floor,
                   beside_floor(fabs(delta), floor));
}

static void print_flips(FILE *f, const json_t *report)
{
    const json_t *flips = assay_page_at(report, "logits.top1_flips");
    assay_page_put(
        f,
        "<div class=\"tile\"><h3>Top-1 flips</h3><p class=\"big\">%n<i>of %n tokens</i>"
        "</p><p><b>%n material</b>, %n near-tie<br/>near-tie: the reference&#39;s margin "
        "is below %r nat<br/>exact counts</p></div>\n",
        assay_page_count(flips, "all"), assay_page_count(flips, "n"),
        assay_page_count(flips, "material"), assay_page_count(flips, "near_tie"),
        assay_page_real(flips, "tie"));
}

static void print_greedy(FILE *f, const json_t *report)
{
    const json_t *greedy = assay_page_at(report, "logits.greedy");
    size_t documents = json_array_size(json_object_get(greedy, "documents"));
    size_t agree = assay_page_count(greedy, "agreeing_documents");
    size_t tokens = assay_page_count(greedy, "tokens");
    fputs("<div class=\"tile\"><h3>First divergent token</h3>", f);
    if (tokens == 0)
        fputs("<p class=\"big\">\u2014</p><p>not measured</p></div>\n", f);
    else if (agree == documents)
        assay_page_put(f, "<p class=\"big\">none<i>in %n tokens</i></p>", tokens);
    else
        assay_page_put(f, "<p class=\"big\">%n<i>at the earliest</i></p>",
                       assay_page_count(greedy, "first_divergent_min"));
    if (tokens > 0)
        assay_page_put(
            f,
            "<p>median %n; %n of %n documents agree throughout<br/>greedy continuation by "
            "%n tokens, counted from 0; none counts as %n<br/>exact counts</p></div>\n",
            assay_page_count(greedy, "first_divergent_median"), agree, documents, tokens, tokens);
}

static void print_logits(FILE *f, const json_t *report)
{
    const json_t *taps = json_object_get(report, "taps");
    const json_t *head = json_array_get(taps, json_array_size(taps) - 1);
    double error = assay_page_real(report, "logits.rel_l2");
    double floor = assay_page_real(head, "floor.propagated_rel_l2");
    assay_page_put(
        f,
        "<div class=\"tile\"><h3>Logits, relative L2 error</h3><p class=\"big\">%r</p>"
        "<p>largest absolute error %r<br/>n = %n logits, exact<br/>floor %r%s</p></div>\n",
        error, assay_page_real(report, "logits.max_abs"), assay_page_count(head, "count"), floor,
        beside_floor(error, floor));
}

/* Where to look first: the largest local error and the worst token. */
static void print_where(FILE *f, const json_t *report)
{
    const json_t *layer = assay_page_worst_layer(report);
    const json_t *token = json_array_get(json_object_get(report, "worst_tokens"), 0);
    if (!layer || !token)
        return;
    if (assay_page_real(layer, "local_rel_l2") == 0 && assay_page_real(token, "kl") == 0) {
        fputs("<p class=\"where\">No operation and no token differs from the reference.</p>\n", f);
        return;
    }
    assay_page_put(f,
                   "<p class=\"where\"><b>Look first</b> at <code>%t</code> (%t): largest local "
                   "error, %r relative. ",
                   assay_page_string(layer, "local_tap"), assay_page_string(layer, "name"),
                   assay_page_real(layer, "local_rel_l2"));
    assay_page_put(f,
                   "Worst token: document %n, position %n, <code><bdi>%t</bdi></code>, KL %r nat."
                   "</p>\n",
                   assay_page_count(token, "document"), assay_page_count(token, "position"),
                   assay_page_string(token, "text"), assay_page_real(token, "kl"));
}

static void print_identity(FILE *f, const json_t *report)
{
    const json_t *m = json_object_get(report, "model"), *c = json_object_get(report, "candidate");
    assay_page_put(f,
                   "<dl class=\"identity\"><div><dt>model</dt><dd><b>%t</b>, %n parameters, %n "
                   "layers, hidden %n, %n heads (%n key-value), vocabulary %n</dd></div>",
                   assay_page_string(m, "name"), assay_page_count(m, "parameters"),
                   assay_page_count(m, "layers"), assay_page_count(m, "hidden"),
                   assay_page_count(m, "heads"), assay_page_count(m, "kv_heads"),
                   assay_page_count(m, "vocab"));
    assay_page_put(f,
                   "<div><dt>candidate</dt><dd><b>%t</b> under the recipe <b>%t</b>, backend "
                   "<b>%t</b></dd></div>",
                   assay_page_string(c, "name"), assay_page_string(c, "recipe"),
                   assay_page_string(c, "backend"));
    assay_page_put(
        f,
        "<div><dt>corpus</dt><dd><b>%t</b>, %n documents, %n tokens, %n of them scored"
        "</dd></div><div><dt>assay</dt><dd>%t, report.json version %n</dd></div></dl>\n",
        assay_page_string(report, "corpus.source"), assay_page_count(report, "corpus.documents"),
        assay_page_count(report, "corpus.tokens"), assay_page_count(report, "corpus.scored"),
        assay_page_string(report, "assay_version"), assay_page_count(report, "assay_report"));
}

void assay_html_verdict(FILE *f, const json_t *report)
{
    fputs("<section id=\"verdict\"><h2 class=\"quiet\">Verdict</h2>\n", f);
    print_banner(f, report);
    print_checks(f, assay_page_at(report, "verdict.checks"));
    fputs("<div class=\"tiles\">\n", f);
    print_kl(f, report);
    print_perplexity(f, report);
    print_flips(f, report);
    print_greedy(f, report);
    print_logits(f, report);
    fputs("</div>\n", f);
    print_where(f, report);
    print_identity(f, report);
    fputs("</section>\n", f);
}
