/* SPDX-License-Identifier: Apache-2.0 */
/* The renderings of a report, from JSON built here. A page must be well-formed XML beyond its
 * doctype, so that the small checker below can tell a tag that text forged from one that is meant.
 */
#include "audit/report.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static const char hostile[] = "<script>alert(\"1\")</script> & ' \x01 ]]> | `x` \xe2\x9f\xa6";

static char *render(assay_render_fn *how, const json_t *report)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    cr_assert_eq(how(report, stream), ASSAY_OK, "%s", assay_last_error());
    fclose(stream);
    cr_assert_eq(strlen(text), size, "a NUL byte");
    return text;
}

static const char *const layers_taps[] = { "embed_tokens", "layers.0.self_attn.q_proj",
                                           "layers.0.mlp_residual", "norm", "lm_head" };

static json_t *make_tap(const char *name, json_t *x, size_t tokens)
{
    json_t *series = json_array();
    for (size_t i = 0; i < tokens; i++)
        json_array_append(series, x);
    json_t *tap = json_pack(
        "{s:s,s:n,s:s,s:{s:s,s:s,s:s,s:s,s:s},s:i,s:f,s:{s:O,s:O,s:n,s:f},s:{s:O,s:O},"
        "s:{s:f,s:f},s:{s:{s:f,s:f,s:f},s:f,s:f},s:{s:f,s:i},"
        "s:{s:O,s:[{s:f,s:f,s:i},{s:f,s:n,s:i}]},s:{s:i,s:i},s:{s:O,s:O}}",
        "tap", name, "layer", "op", "linear", "policy", "in", "e4m3", "weight", "e4m3", "acc",
        "binary32", "out", "bfloat16", "round", "rne", "count", 12, "reference_rms", 0.5, "local",
        "max_abs", x, "rel_l2", x, "sqnr_db", "cosine", 1.0, "propagated", "max_abs", x, "rel_l2",
        x, "floor", "local_rel_l2", 1e-16, "propagated_rel_l2", 2e-16, "split", "shares",
        "quantization", 1.25, "arithmetic", -0.25, "unexplained", 0.0, "quantization_rel_l2", 1e-3,
        "arithmetic_rel_l2", 1e-5, "bound", "max_ratio", 0.5, "bounded", 12, "ulps", "max", x,
        "buckets", "above", 0.0, "to", 0.5, "count", 10, "above", 1e18, "to", "count", 2,
        "nonfinite", "local", 0, "propagated", 3, "tokens", "local_rel_l2", series,
        "propagated_rel_l2", series);
    cr_assert_not_null(tap);
    json_decref(series);
    return tap;
}

static json_t *make_token(size_t i, const char *text, json_t *x)
{
    return json_pack("{s:i,s:i,s:i,s:i,s:s,s:O,s:O,s:O,s:O,s:i,s:i,s:O,s:s}", "index", (int)i,
                     "document", 0, "position", (int)i, "id", 7, "text", text, "kl", x,
                     "kl_reverse", x, "nll_reference", x, "nll_candidate", x, "top_reference", 1,
                     "top_candidate", 2, "margin", x, "flip", "material");
}

static json_t *make_logits(json_t *x, size_t tokens)
{
    return json_pack("{s:{s:s,s:i,s:O,s:O,s:O,s:O,s:O,s:O,s:O,s:O,s:f,s:f},s:{s:i,s:O,s:O,s:O,s:f},"
                     "s:{s:i,s:i,s:i,s:i,s:f},s:O,s:O,s:{s:i,s:i,s:i,s:i,s:[{s:i,s:i,s:i,s:n},"
                     "{s:i,s:i,s:i,s:i}]}}",
                     "kl", "unit", "nat", "n", (int)tokens, "mean", x, "mean_standard_error", x,
                     "median", x, "p90", x, "p99", x, "max", x, "reverse_mean", x, "reverse_max", x,
                     "floor_mean", 1e-30, "floor_max", 1e-29, "perplexity", "n", (int)tokens,
                     "reference", x, "candidate", x, "delta", x, "floor", 1e-14, "top1_flips", "n",
                     (int)tokens, "all", 2, "near_tie", 1, "material", 1, "tie", 0.05, "max_abs", x,
                     "rel_l2", x, "greedy", "tokens", 4, "agreeing_documents", 1,
                     "first_divergent_min", 1, "first_divergent_median", 1, "documents", "document",
                     0, "prompt", 3, "compared", 4, "first_divergent", "document", 1, "prompt", 3,
                     "compared", 4, "first_divergent", 1);
}

/* A whole report in which every measured figure is x (not finite where null). */
static json_t *make_report(json_t *x, size_t tokens, const char *text)
{
    json_t *taps = json_array(), *list = json_array(), *worst = json_array();
    for (size_t i = 0; i < sizeof layers_taps / sizeof layers_taps[0]; i++)
        json_array_append_new(taps, make_tap(layers_taps[i], x, tokens));
    for (size_t i = 0; i < tokens; i++)
        json_array_append_new(list, make_token(i, text, x));
    json_t *token = make_token(0, text, x);
    json_object_set_new(token, "context", json_string(text));
    json_object_set_new(token, "top_reference_text", json_string(text));
    json_object_set_new(token, "top_candidate_text", json_null());
    json_array_append_new(worst, token);
    json_t *layer =
        json_pack("{s:s,s:O,s:s,s:O,s:s,s:f,s:f}", "name", "layer 0", "local_rel_l2", x,
                  "local_tap", "layers.0.mlp.act", "propagated_rel_l2", x, "propagated_tap",
                  "layers.0.mlp_residual", "floor_rel_l2", 1e-16, "reference_rms", 2.0);
    json_t *report = json_pack(
        "{s:i,s:s,s:{s:s,s:n,s:i,s:[]},s:{s:s,s:i,s:i},s:{s:s,s:s,s:s,s:[{s:s,s:s}]},"
        "s:{s:s,s:i,s:i,s:i,s:[i]},s:o,s:[o],s:o,s:o,s:o}",
        "assay_report", 1, "assay_version", "0.1.0", "verdict", "status", "measured", "budget",
        "failed", 0, "checks", "model", "name", text, "parameters", 1234567, "layers", 1,
        "candidate", "name", text, "recipe", text, "backend", "emulated", "rules", "tap", text,
        "in", "e4m3", "corpus", "source", text, "documents", 1, "tokens", (int)tokens, "scored", 1,
        "lengths", (int)tokens, "logits", make_logits(x, tokens), "layers", layer, "worst_tokens",
        worst, "taps", taps, "tokens", list);
    cr_assert_not_null(report);
    return report;
}

static void fail_budget(json_t *report, const char *text)
{
    json_t *verdict =
        json_pack("{s:s,s:s,s:i,s:[{s:n,s:s,s:f,s:n,s:s,s:b},{s:s,s:s,s:f,s:f,s:s,s:b}]}", "status",
                  "fail", "budget", text, "failed", 1, "checks", "tap", "metric", "kl_mean", "max",
                  0.25, "worst", "where", "logits", "passed", 0, "tap", text, "metric",
                  "local_rel_l2", "max", 0.5, "worst", 0.125, "where", "lm_head", "passed", 1);
    cr_assert_not_null(verdict);
    json_object_set_new(report, "verdict", verdict);
}

/* Reads one tag, from behind its '<' to behind its '>'; quotes hold anything but '<'. */
static const char *read_tag(const char *at, char name[32], bool *closing, bool *empty)
{
    size_t n = 0;
    char quote = 0;
    *closing = *at == '/';
    at += *closing;
    for (; isalnum((unsigned char)*at) || *at == '!' || *at == '?'; at++)
        if (n < 31)
            name[n++] = *at;
    name[n] = 0;
    cr_assert(n > 0, "a tag without a name: %.40s", at);
    for (; *at && (quote || *at != '>'); at++) {
        cr_assert_neq(*at, '<', "within <%s>: %.40s", name, at);
        if (quote ? *at == quote : *at == '"' || *at == '\'')
            quote = quote ? 0 : *at;
    }
    cr_assert_eq(*at, '>', "<%s> does not end", name);
    *empty = at[-1] == '/' || name[0] == '!' || name[0] == '?';
    return at + 1;
}

static const char *check_entity(const char *at)
{
    static const char *const names[] = { "&lt;", "&gt;", "&amp;", "&quot;", "&#39;" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(at, names[i], strlen(names[i])) == 0)
            return at + strlen(names[i]);
    cr_assert_fail("a bare ampersand: %.40s", at);
    return at + 1;
}

/* Tags nest, ampersands are entities, and no control character is left. */
static void check_markup(const char *page)
{
    enum { DEEP = 32 };
    char open[DEEP][32], name[32];
    size_t depth = 0;
    for (const char *at = page; *at;) {
        bool closing, empty;
        cr_assert((unsigned char)*at >= ' ' || *at == '\n' || *at == '\t', "control: %.40s", at);
        if (*at == '&') {
            at = check_entity(at);
        } else if (*at != '<') {
            at++;
        } else {
            at = read_tag(at + 1, name, &closing, &empty);
            if (closing) {
                cr_assert(depth > 0, "</%s> alone", name);
                depth--;
                cr_assert_str_eq(open[depth], name);
            } else if (!empty) {
                cr_assert_lt(depth, DEEP);
                strcpy(open[depth++], name);
            }
        }
    }
    cr_assert_eq(depth, 0, "<%s> is open", depth ? open[depth - 1] : "");
}

static size_t occurrences(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

/* One file that loads nothing: no address, no import, no source. */
static void check_page(const json_t *report)
{
    static const char *const banned[] = { "http:", "https:", "src=", "@import",
                                          "url(",  "<link",  "<img", "<iframe" };
    char *page = render(assay_render_html, report), *again = render(assay_render_html, report);
    cr_assert_str_eq(page, again);
    check_markup(page);
    for (size_t i = 0; i < sizeof banned / sizeof banned[0]; i++)
        cr_expect_eq(occurrences(page, banned[i]), 0, "%s", banned[i]);
    for (const char *at = strstr(page, "</style>"); (at = strstr(at, " d=\"")); at++)
        for (const char *end = strchr(at + 4, '"'), *c = at + 4; c < end; c++)
            cr_assert(strchr("MLHVhvzZ0123456789.- ", *c), "a path: %.60s", at);
    cr_expect_eq(occurrences(page, "<script>"), 1, "the page's own alone");
    cr_expect_eq(occurrences(page, "<section "), 8);
    cr_expect_eq(occurrences(page, "</html>"), 1);
    free(page);
    free(again);
}

static void check_all(json_t *report)
{
    check_page(report);
    char *xml = render(assay_render_junit, report), *csv = render(assay_render_csv, report);
    char *card = render(assay_render_markdown, report), *json = render(assay_render_json, report);
    check_markup(xml);
    cr_expect_eq(occurrences(csv, "\n"), 1 + json_array_size(json_object_get(report, "taps")));
    cr_expect_eq(occurrences(card, "<"), 0, "HTML in Markdown: %s", card);
    json_t *copy = json_loads(json, 0, NULL);
    cr_expect(json_equal(copy, report), "report.json read back");
    json_decref(copy);
    free(xml);
    free(csv);
    free(card);
    free(json);
    json_decref(report);
}

Test(report, of_values_from_nothing_to_everything)
{
    const double values[] = { 0.0, 5e-324, 1e-9, 0.5, 1.0, 1e300, 1.7976931348623157e308, -1.0 };
    const size_t tokens[] = { 1, 2, 255, 256, 257, 1000 };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        json_t *x = json_real(values[i]);
        check_all(make_report(x, tokens[i % 6], "text"));
        json_decref(x);
    }
}

Test(report, of_figures_that_are_not_finite)
{
    json_t *x = json_null();
    check_all(make_report(x, 1, "text"));
    check_all(make_report(x, 300, "text"));
    json_t *report = make_report(x, 1, "text");
    char *page = render(assay_render_html, report);
    cr_expect_gt(occurrences(page, "not finite"), 20);
    free(page);
    json_decref(report);
}

Test(report, of_hostile_text)
{
    json_t *x = json_real(0.125), *report = make_report(x, 3, hostile);
    fail_budget(report, hostile);
    char *page = render(assay_render_html, report);
    cr_expect_gt(occurrences(page, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;"),
                 5);
    free(page);
    check_all(report);
    json_decref(x);
}

/* What is missing is no reason to fail: a page says so, or leaves it out. */
Test(report, of_parts_that_are_missing)
{
    static const char *const keys[] = { "verdict", "model",        "candidate", "corpus", "logits",
                                        "layers",  "worst_tokens", "taps",      "tokens" };
    json_t *x = json_real(0.125);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_t *report = make_report(x, 2, "text");
        json_object_del(report, keys[i]);
        check_page(report);
        free(render(assay_render_markdown, report));
        json_t *of_another_type = make_report(x, 2, "text");
        json_object_set_new(of_another_type, keys[i], json_string("x"));
        check_page(of_another_type);
        free(render(assay_render_markdown, of_another_type));
        json_decref(report);
        json_decref(of_another_type);
    }
    json_t *nothing = json_object();
    check_page(nothing);
    free(render(assay_render_markdown, nothing));
    json_decref(nothing);
    json_t *empty = make_report(x, 0, "text");
    json_array_clear(json_object_get(empty, "taps"));
    json_array_clear(json_object_get(empty, "layers"));
    json_array_clear(json_object_get(empty, "worst_tokens"));
    check_all(empty);
    json_decref(x);
}

Test(report, says_pass_fail_or_measured)
{
    json_t *x = json_real(0.125), *report = make_report(x, 2, "text");
    char *page = render(assay_render_html, report), *card = render(assay_render_markdown, report);
    cr_expect_eq(occurrences(page, ">MEASURED<"), 1);
    cr_expect_eq(occurrences(card, "**MEASURED, no budget**"), 1);
    free(page);
    free(card);
    fail_budget(report, "release.json");
    page = render(assay_render_html, report);
    card = render(assay_render_markdown, report);
    cr_expect_eq(occurrences(page, "FAIL</p>"), 1);
    cr_expect_eq(occurrences(page, "1 of 2 checks of the budget <b>release.json</b> exceeded"), 1);
    cr_expect_lt(strstr(page, "exceeded</td>"), strstr(page, "holds</td>"), "the failed one first");
    cr_expect_eq(occurrences(card, "**FAIL**"), 1);
    cr_expect_eq(occurrences(card, "kl\\_mean of logits is not finite at logits, at most 0.25"), 1);
    free(page);
    free(card);
    char *xml = render(assay_render_junit, report);
    cr_expect_eq(occurrences(xml, "failures=\"1\""), 1);
    cr_expect_eq(occurrences(xml, "<failure message=\"not finite at logits, at most 0.25"), 1);
    json_object_set_new(json_object_get(report, "verdict"), "status", json_string("pass"));
    free(xml);
    page = render(assay_render_html, report);
    cr_expect_eq(occurrences(page, "PASS</p>"), 1);
    free(page);
    json_decref(report);
    json_decref(x);
}

/* Figures: four digits, thousands separated in counts, exponents without padding. */
Test(report, prints_figures_with_their_floor)
{
    json_t *x = json_real(1.23456e-7), *report = make_report(x, 2, "text");
    char *page = render(assay_render_html, report), *card = render(assay_render_markdown, report);
    cr_expect_eq(occurrences(page, "1,234,567 parameters"), 1);
    cr_expect_gt(occurrences(page, "<p class=\"big\">1.235e-7<i>nat</i>"), 0);
    cr_expect_gt(occurrences(page, "floor 1e-30 nat"), 0);
    cr_expect_gt(occurrences(page, "125.0\xe2\x80\xaf%"), 0, "shares may exceed 100 %%");
    cr_expect_gt(occurrences(page, "-25.0\xe2\x80\xaf%"), 0, "or be negative");
    cr_expect_eq(occurrences(page, "the figure is not above it"), 0);
    cr_expect_eq(occurrences(card, "| 2 positions | 1e-30 nat |"), 1);
    cr_expect_leq(occurrences(card, "\n"), 16, "an excerpt");
    free(page);
    free(card);
    json_decref(report);
    json_decref(x);
}

/* A figure within its floor is said to be no more than that. */
Test(report, marks_figures_within_the_floor)
{
    json_t *x = json_real(1e-31), *report = make_report(x, 2, "text");
    char *page = render(assay_render_html, report);
    cr_expect_gt(occurrences(page, "the figure is not above it"), 2);
    free(page);
    json_decref(report);
    json_decref(x);
}

/* A program may have set a locale with a decimal comma. */
Test(report, ignores_the_locale)
{
    json_t *x = json_real(0.125), *report = make_report(x, 2, "text");
    char *wanted = render(assay_render_html, report);
    static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8" };
    bool found = false;
    for (size_t i = 0; i < 3 && !found; i++)
        found = setlocale(LC_ALL, names[i]) != NULL;
    char *page = render(assay_render_html, report);
    cr_expect_str_eq(page, wanted);
    setlocale(LC_ALL, "C");
    free(page);
    free(wanted);
    json_decref(report);
    json_decref(x);
}

Test(report, reports_a_stream_that_cannot_be_written)
{
    json_t *x = json_real(0.125), *report = make_report(x, 2, "text");
    assay_render_fn *const all[] = { assay_render_html, assay_render_markdown };
    for (size_t i = 0; i < 2; i++) {
        FILE *full = fopen("/dev/full", "w");
        setvbuf(full, NULL, _IONBF, 0);
        cr_expect_eq(all[i](report, full), ASSAY_ERR_IO);
        fclose(full);
    }
    json_decref(report);
    json_decref(x);
}
