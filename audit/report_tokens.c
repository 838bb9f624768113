/* SPDX-License-Identifier: Apache-2.0 */
/* Which tokens: the spread of KL over all of them, and the worst in their context. */
#include <math.h>
#include <string.h>

#include "audit/report_parts.h"
#include "numerics/elementary.h"

enum { BINS = 40, TOP = 34, HIGH = 180, FOOT = 44 };

/* Bins of equal width in the logarithm, `fine` to a decade; two more for what has none. */
typedef struct histogram {
    int low, fine, count;
    size_t bin[BINS], zero, nonfinite, most;
} histogram;

static int bin_of(const histogram *h, double x)
{
    int i = (int)floor((assay_log10(x) - h->low) * h->fine);
    return i < 0 ? 0 : i >= h->count ? h->count - 1 : i;
}

static histogram count_tokens(const json_t *tokens)
{
    histogram h = { 0 };
    assay_svg_range range = ASSAY_SVG_EMPTY;
    size_t i;
    json_t *token;
    json_array_foreach(tokens, i, token) assay_svg_extend(&range, assay_page_real(token, "kl"));
    if (!assay_svg_is_empty(&range)) {
        assay_svg_axis axis = assay_svg_decades(&range, 0, 1);
        if (axis.high - axis.low > BINS) /* what lies lower counts with the lowest */
            axis.low = axis.high - BINS;
        h.low = axis.low;
        h.fine = axis.high - axis.low <= BINS / 4 ? 4 : axis.high - axis.low <= BINS / 2 ? 2 : 1;
        h.count = (axis.high - axis.low) * h.fine;
    }
    json_array_foreach(tokens, i, token)
    {
        double kl = assay_page_real(token, "kl");
        size_t *bin = !isfinite(kl) ? &h.nonfinite : kl <= 0 ? &h.zero : &h.bin[bin_of(&h, kl)];
        if (++*bin > h.most)
            h.most = *bin;
    }
    return h;
}

static void print_bin(FILE *f, const histogram *h, double x, double wide, size_t n,
                      const char *class)
{
    if (n == 0)
        return;
    double y = TOP + HIGH * (1 - (double)n / (double)h->most);
    assay_page_put(f, "<path class=\"%s\" d=\"M%x %dV%xh%xV%dz\"/>", class, x + 1, TOP + HIGH, y,
                   wide - 2, TOP + HIGH);
    assay_page_put(f, "<text class=\"mid small\" x=\"%x\" y=\"%x\">%n</text>\n", x + wide / 2,
                   y - 4, n);
}

static void print_bins(FILE *f, const histogram *h, double left, double wide)
{
    for (int i = 0; i < h->count; i++)
        print_bin(f, h, left + wide * i, wide, h->bin[i], "bar");
    int every = h->count / h->fine > 14 ? 2 : 1;
    for (int d = 0; d * h->fine <= h->count; d += every)
        assay_page_put(f, "<text class=\"mid\" x=\"%x\" y=\"%d\">1e%d</text>",
                       left + wide * d * h->fine, TOP + HIGH + 18, h->low + d);
}

static void print_histogram(FILE *f, const json_t *report)
{
    histogram h = count_tokens(json_object_get(report, "tokens"));
    double left = 20, right = ASSAY_SVG_WIDTH - 20, y = TOP + HIGH;
    assay_svg_open(f, TOP + HIGH + FOOT, "spread", "Histogram of KL per token",
                   "Counts of tokens by the logarithm of their KL divergence in nat. The count "
                   "stands above each bar.");
    assay_page_put(f, "<text x=\"20\" y=\"14\">tokens</text><path class=\"axis\" d=\"M%x %xH%x\"/>",
                   left, y, right);
    if (h.zero) {
        print_bin(f, &h, left, 64, h.zero, "bar");
        assay_page_put(f, "<text class=\"mid\" x=\"%x\" y=\"%x\">%s</text>", left + 32, y + 18,
                       "exactly 0");
        left += 84;
    }
    if (h.nonfinite) {
        right -= 84;
        print_bin(f, &h, right + 20, 64, h.nonfinite, "bar over");
        assay_page_put(f, "<text class=\"mid bad\" x=\"%x\" y=\"%x\">not finite</text>", right + 52,
                       y + 18);
    }
    if (h.count) {
        left += 12;
        print_bins(f, &h, left, (right - left - 12) / h.count);
        assay_page_put(f, "<text class=\"mid\" x=\"%x\" y=\"%x\">KL per token, nat</text>",
                       (left + right) / 2, y + 38);
    }
    assay_svg_close(f);
}

/* The context shows spaces as U+2423, so that tokens can be told apart, and the token within
 * brackets. In running text a space reads better, outside of the token. */
static void print_context(FILE *f, const char *text)
{
    static const char open[] = "\xe2\x9f\xa6", close[] = "\xe2\x9f\xa7", space[] = "\xe2\x90\xa3";
    bool marked = false;
    for (; *text; text++) {
        if (!marked && strncmp(text, open, 3) == 0)
            fputs("<mark>", f);
        else if (marked && strncmp(text, close, 3) == 0)
            fputs("</mark>", f);
        else if (!marked && strncmp(text, space, 3) == 0)
            fputc(' ', f);
        else {
            assay_page_put(f, "%t", (char[]){ *text, 0 });
            continue;
        }
        marked = marked ? strncmp(text, close, 3) != 0 : strncmp(text, open, 3) == 0;
        text += 2;
    }
    if (marked)
        fputs("</mark>", f);
}

static void print_token(FILE *f, const json_t *token, size_t rank)
{
    const char *context = assay_page_string(token, "context");
    assay_page_put(f,
                   "<tr><th scope=\"row\">%n</th><td class=\"n\">%n:%n</td>"
                   "<td class=\"text\"><bdi>",
                   rank, assay_page_count(token, "document"), assay_page_count(token, "position"));
    if (*context)
        print_context(f, context);
    else
        assay_page_put(f, "<mark>%t</mark> (id %n)", assay_page_string(token, "text"),
                       assay_page_count(token, "id"));
    assay_page_put(f, "</bdi></td><td class=\"n\">%r</td><td class=\"n\">",
                   assay_page_real(token, "kl"));
    if (json_is_null(assay_page_at(token, "nll_reference")))
        fputs("last of its document", f);
    else
        assay_page_put(f, "%k \u2192 %k", assay_page_real(token, "nll_reference"),
                       assay_page_real(token, "nll_candidate"));
    assay_page_put(f,
                   "</td><td class=\"n\">%r</td><td><bdi>%t</bdi> (%n)</td>"
                   "<td><bdi>%t</bdi> (%n)</td>",
                   assay_page_real(token, "margin"), assay_page_string(token, "top_reference_text"),
                   assay_page_count(token, "top_reference"),
                   assay_page_string(token, "top_candidate_text"),
                   assay_page_count(token, "top_candidate"));
    const char *flip = assay_page_string(token, "flip");
    assay_page_put(f, "<td%s>%t</td></tr>\n", strcmp(flip, "material") == 0 ? " class=\"bad\"" : "",
                   flip);
}

static void print_worst(FILE *f, const json_t *report)
{
    const json_t *worst = json_object_get(report, "worst_tokens");
    size_t i;
    json_t *token;
    assay_page_put(
        f,
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"worst tokens\">"
        "<table><caption>The %n worst of %n positions by KL; floor: at most %r nat. The "
        "prediction judged is the one after the marked token.</caption>",
        json_array_size(worst), assay_page_count(report, "logits.kl.n"),
        assay_page_real(report, "logits.kl.floor_max"));
    assay_page_columns(f, "#|>document:position|context|>KL, nat|>nll of the next token, nat|"
                          ">margin, nat|top-1 reference (id)|top-1 candidate (id)|flip");
    json_array_foreach(worst, i, token) if (assay_page_real(token, "kl") != 0)
        print_token(f, token, i + 1);
    fputs("</tbody></table></div>\n", f);
}

void assay_html_tokens(FILE *f, const json_t *report)
{
    const json_t *kl = assay_page_at(report, "logits.kl");
    fputs("<section id=\"tokens\"><h2>Which tokens</h2>\n", f);
    assay_page_put(
        f,
        "<p>KL(reference \u2016 candidate) of the next token&#39;s distribution, in nat, "
        "at %n positions: median %r, 90\u00a0%% at most %r, 99\u00a0%% at most %r, largest %r. In "
        "the other direction: mean %r, largest %r. Floor: mean %r, largest %r.</p>\n",
        assay_page_count(kl, "n"), assay_page_real(kl, "median"), assay_page_real(kl, "p90"),
        assay_page_real(kl, "p99"), assay_page_real(kl, "max"), assay_page_real(kl, "reverse_mean"),
        assay_page_real(kl, "reverse_max"), assay_page_real(kl, "floor_mean"),
        assay_page_real(kl, "floor_max"));
    if (json_array_size(json_object_get(report, "tokens")) > 0) {
        fputs("<figure>\n", f);
        print_histogram(f, report);
        fputs("</figure>\n", f);
    }
    if (assay_page_real(kl, "max") == 0)
        fputs("<p>No token&#39;s distribution differs.</p>\n", f);
    else if (json_array_size(json_object_get(report, "worst_tokens")) > 0)
        print_worst(f, report);
    fputs("</section>\n", f);
}
