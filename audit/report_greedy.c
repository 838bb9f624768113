/* SPDX-License-Identifier: Apache-2.0 */
/* How long the two write the same text: greedy continuations of the documents. */
#include <math.h>

#include "audit/report_parts.h"

enum { TOP = 20, HIGH = 170, FOOT = 44, MAX_ROWS = 200 };

/* Of the documents that were continued by t tokens at least, how many agree on all of these. */
static size_t agreeing(const json_t *documents, size_t t, size_t *of)
{
    size_t i, agree = 0;
    json_t *document;
    *of = 0;
    json_array_foreach(documents, i, document)
    {
        const json_t *first = json_object_get(document, "first_divergent");
        if (assay_page_count(document, "compared") < t)
            continue;
        ++*of;
        agree += !json_is_integer(first) || (size_t)json_integer_value(first) >= t;
    }
    return agree;
}

static double share(const json_t *documents, size_t t)
{
    size_t of, agree = agreeing(documents, t, &of);
    return of ? (double)agree / (double)of : NAN;
}

static void print_curve(FILE *f, const json_t *documents, size_t tokens)
{
    double wide = (double)(ASSAY_SVG_WIDTH - ASSAY_SVG_LEFT - ASSAY_SVG_RIGHT) / (double)tokens;
    fputs("<path class=\"line\" d=\"", f);
    for (size_t t = 0; t <= tokens; t++) {
        double part = share(documents, t), y = TOP + HIGH * (1 - part);
        if (!isfinite(part)) /* no document was continued that far */
            break;
        if (t == 0)
            assay_page_put(f, "M%d %x", ASSAY_SVG_LEFT, y);
        else
            assay_page_put(f, "H%xV%x", ASSAY_SVG_LEFT + wide * (double)t, y);
    }
    fputs("\"/>\n", f);
}

static void print_axes(FILE *f, size_t tokens)
{
    double right = ASSAY_SVG_WIDTH - ASSAY_SVG_RIGHT;
    double wide = (right - ASSAY_SVG_LEFT) / (double)tokens;
    for (int percent = 0; percent <= 100; percent += 25) {
        double y = TOP + HIGH * (1 - percent / 100.0);
        assay_page_put(f, "<path class=\"grid\" d=\"M%d %xH%x\"/><text class=\"end\" x=\"%d\" ",
                       ASSAY_SVG_LEFT, y, right, ASSAY_SVG_LEFT - 6);
        assay_page_put(f, "y=\"%x\">%d %%</text>\n", y + 4, percent);
    }
    for (size_t t = 0, every = (tokens + 15) / 16; t <= tokens; t += every)
        assay_page_put(f, "<text class=\"mid\" x=\"%x\" y=\"%d\">%n</text>",
                       ASSAY_SVG_LEFT + wide * (double)t, TOP + HIGH + 18, t);
    assay_page_put(f, "<text class=\"mid\" x=\"%d\" y=\"%d\">tokens continued</text>\n",
                   ASSAY_SVG_WIDTH / 2, TOP + HIGH + 36);
}

/* KL of one document's tokens: what the standard error of the mean is made of. */
static void sum_kl(const json_t *tokens, size_t document, double *mean, double *max)
{
    size_t i, n = 0;
    json_t *token;
    double sum = 0;
    *max = 0;
    json_array_foreach(tokens, i, token)
    {
        double kl = assay_page_real(token, "kl");
        if (assay_page_count(token, "document") != document)
            continue;
        n++;
        sum += kl;
        if (assay_page_is_worse(kl, *max))
            *max = kl;
    }
    *mean = n ? sum / (double)n : NAN;
}

static void print_row(FILE *f, const json_t *report, const json_t *document, size_t index)
{
    const json_t *first = json_object_get(document, "first_divergent");
    const json_t *length = json_array_get(assay_page_at(report, "corpus.lengths"), index);
    double mean, max;
    sum_kl(json_object_get(report, "tokens"), index, &mean, &max);
    assay_page_put(f,
                   "<tr><th scope=\"row\">%n</th><td class=\"n\">%n</td><td class=\"n\">%r</td>"
                   "<td class=\"n\">%r</td><td class=\"n\">%n</td><td class=\"n\">%n</td>",
                   index, assay_page_count(length, ""), mean, max,
                   assay_page_count(document, "prompt"), assay_page_count(document, "compared"));
    if (json_is_integer(first))
        assay_page_put(f, "<td class=\"n\">%n</td></tr>\n", (size_t)json_integer_value(first));
    else
        fputs("<td class=\"n\">none</td></tr>\n", f);
}

static void print_documents(FILE *f, const json_t *report, const json_t *documents)
{
    size_t i;
    json_t *document;
    fputs(
        "<div class=\"scroll tall\" tabindex=\"0\" role=\"group\" aria-label=\"documents\"><table>"
        "<caption>By document; the first token of a continuation is 0.",
        f);
    if (json_array_size(documents) > MAX_ROWS)
        assay_page_put(f, " The first %d of %n; report.json has all.", MAX_ROWS,
                       json_array_size(documents));
    fputs("</caption>", f);
    assay_page_columns(f, "document|>tokens|>KL mean, nat|>KL max, nat|>prompt, tokens|"
                          ">continued by, tokens|>first divergent token");
    json_array_foreach(documents, i, document) if (i < MAX_ROWS)
        print_row(f, report, document, assay_page_count(document, "document"));
    fputs("</tbody></table></div>\n", f);
}

void assay_html_greedy(FILE *f, const json_t *report)
{
    const json_t *greedy = assay_page_at(report, "logits.greedy");
    const json_t *documents = json_object_get(greedy, "documents");
    size_t tokens = assay_page_count(greedy, "tokens"), of, agree = agreeing(documents, 0, &of);
    fputs("<section id=\"greedy\"><h2>How long the text agrees</h2>\n", f);
    if (tokens == 0 || of == 0) {
        fputs("<p>Greedy continuations were not asked for.</p>\n", f);
    } else {
        agree = agreeing(documents, tokens, &of);
        assay_page_put(f,
                       "<p>Both models continue the first half of each document greedily, each "
                       "from its own tokens. After %n tokens %n of the %n documents continued that "
                       "far still agree. One near-tie decided otherwise is enough to diverge: "
                       "these counts are exact, and say nothing about quality.</p>\n<figure>\n",
                       tokens, agree, of);
        assay_svg_open(f, TOP + HIGH + FOOT, "agree", "Share of documents that still agree",
                       "Falls by a step where a document's continuation diverges. The table below "
                       "has the position for each document.");
        print_axes(f, tokens);
        print_curve(f, documents, tokens);
        assay_svg_close(f);
        fputs("</figure>\n", f);
    }
    if (json_array_size(documents) > 0)
        print_documents(f, report, documents);
    fputs("</section>\n", f);
}
