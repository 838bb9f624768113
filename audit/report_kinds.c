/* SPDX-License-Identifier: Apache-2.0 */
/* Why: the taps of all layers gathered by what they do. */
#include <math.h>
#include <string.h>

#include "audit/report_parts.h"

/* One kind of operation over all layers. */
typedef struct kind {
    const char *worst; /* the tap of the largest local error */
    size_t taps, shared;
    double local, floor, propagated, quantization, arithmetic, ratio, shares[2];
} kind;

static double larger(double a, double b)
{
    return assay_page_is_worse(b, a) ? b : a;
}

static void add(kind *k, const json_t *tap)
{
    double local = assay_page_real(tap, "local.rel_l2");
    if (k->taps++ == 0 || assay_page_is_worse(local, k->local))
        k->worst = assay_page_string(tap, "tap");
    k->local = larger(k->local, local);
    k->floor = larger(k->floor, assay_page_real(tap, "floor.local_rel_l2"));
    k->propagated = larger(k->propagated, assay_page_real(tap, "propagated.rel_l2"));
    k->quantization = larger(k->quantization, assay_page_real(tap, "split.quantization_rel_l2"));
    k->arithmetic = larger(k->arithmetic, assay_page_real(tap, "split.arithmetic_rel_l2"));
    k->ratio = larger(k->ratio, assay_page_real(tap, "bound.max_ratio"));
    if (json_is_object(assay_page_at(tap, "split.shares"))) {
        k->shared++;
        k->shares[0] += assay_page_real(tap, "split.shares.quantization");
        k->shares[1] += assay_page_real(tap, "split.shares.arithmetic");
    }
}

static kind gather(const json_t *taps, const char *name)
{
    kind k = { 0 };
    size_t i;
    json_t *tap;
    json_array_foreach(taps, i, tap) if (strcmp(assay_page_kind(assay_page_string(tap, "tap")),
                                                name) == 0) add(&k, tap);
    return k;
}

/* Whether an earlier tap is of the same kind. A model has some twenty kinds, so that looking
 * through them is cheap, and keeps the order of evaluation. */
static bool is_seen(const json_t *taps, size_t i, const char *name)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(assay_page_kind(assay_page_string(json_array_get(taps, j), "tap")), name) == 0)
            return true;
    return false;
}

/* Shares are signed: what lies outside of 0 and 1 is cut in the bar, and stands in figures. */
static void print_bar(FILE *f, double quantization)
{
    double wide = 80 * (quantization < 0 ? 0 : quantization > 1 ? 1 : quantization);
    if (isfinite(quantization))
        assay_page_put(f,
                       "<svg class=\"share\" viewBox=\"0 0 80 12\" width=\"80\" height=\"12\" "
                       "aria-hidden=\"true\"><path class=\"quant\" d=\"M0 0h%xv12H0z\"/>"
                       "<path class=\"arith\" d=\"M%x 0H80v12H%xz\"/></svg>",
                       wide, wide, wide);
}

static void print_kind(FILE *f, const char *name, const kind *k)
{
    double n = (double)k->shared;
    assay_page_put(f,
                   "<tr><th scope=\"row\">%t</th><td class=\"n\">%n</td><td class=\"n\">%r</td>"
                   "<td class=\"n\">%r</td><td>%t</td><td>",
                   name, k->taps, k->local, k->floor, k->worst);
    print_bar(f, k->shared ? k->shares[0] / n : NAN);
    assay_page_put(f, "</td><td class=\"n\">%p</td><td class=\"n\">%p</td>",
                   k->shared ? k->shares[0] / n : NAN, k->shared ? k->shares[1] / n : NAN);
    assay_page_put(f, "<td class=\"n\">%r</td><td class=\"n\">%r</td>", k->quantization,
                   k->arithmetic);
    if (k->ratio >= 0)
        assay_page_put(f, "<td class=\"n\">%r</td>", k->ratio);
    else
        fputs("<td class=\"n\">\u2014</td>", f);
    assay_page_put(f, "<td class=\"n\">%r</td></tr>\n", k->propagated);
}

static const char intro[] =
    "<section id=\"why\"><h2>Why: by kind of operation</h2><p>The taps of all layers gathered by "
    "what they do. <b>Quantization</b> is what the formats of inputs and weights cost with exact "
    "arithmetic after them; <b>arithmetic</b> is what accumulating and rounding the output add. A "
    "kind with a large local error is where a better format pays.</p>\n";

static const char head[] =
    "kind|>n, taps|>max local rel L2|>max floor|largest at|"
    "<span class=\"key quant\"></span> quantization, <span class=\"key arith\"></span> arithmetic|"
    ">mean share of quantization|>mean share of arithmetic|>max quantization rel L2|"
    ">max arithmetic rel L2|>max error / bound|>max propagated rel L2";

void assay_html_kinds(FILE *f, const json_t *report)
{
    const json_t *taps = json_object_get(report, "taps");
    size_t i;
    json_t *tap;
    fputs(intro, f);
    if (json_array_size(taps) == 0) {
        fputs("<p>The report has no taps.</p></section>\n", f);
        return;
    }
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"kinds of operation\">"
          "<table class=\"sort\"><caption>Mean shares are over the taps that have an "
          "error.</caption>",
          f);
    assay_page_columns(f, head);
    json_array_foreach(taps, i, tap)
    {
        const char *name = assay_page_kind(assay_page_string(tap, "tap"));
        kind k;
        if (is_seen(taps, i, name))
            continue;
        k = gather(taps, name);
        print_kind(f, name, &k);
    }
    fputs("</tbody></table></div></section>\n", f);
}
