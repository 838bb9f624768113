/* SPDX-License-Identifier: Apache-2.0 */
/* Every tap: its error by itself and on the way, and what it is made of. */
#include <math.h>
#include <string.h>

#include "audit/report_parts.h"

enum { SPARK = 16 };

/* Bucket i > 1 of the histogram ends at 2^(i-2) ulps: the same place for every tap. */
static int bucket_place(const json_t *bucket)
{
    double to = assay_page_real(bucket, "to");
    int exponent;
    if (to == 0)
        return 0;
    if (!isfinite(to))
        return 65;
    frexp(to, &exponent); /* to = 2^(exponent-1) */
    return exponent + 1 > 0 ? exponent + 1 : 1;
}

static int last_place(const json_t *taps)
{
    size_t i, j;
    json_t *tap, *bucket;
    int last = 8;
    json_array_foreach(taps, i, tap) json_array_foreach(assay_page_at(tap, "ulps.buckets"), j,
                                                        bucket) if (bucket_place(bucket) > last)
        last = bucket_place(bucket);
    return last;
}

/* Bars of the histogram, the fullest as high as the line. */
static void print_spark(FILE *f, const json_t *tap, int places)
{
    const json_t *buckets = assay_page_at(tap, "ulps.buckets");
    size_t i, total = 0, most = 1;
    json_t *bucket;
    json_array_foreach(buckets, i, bucket)
    {
        size_t n = assay_page_count(bucket, "count");
        total += n;
        most = n > most ? n : most;
    }
    assay_page_put(f,
                   "<svg class=\"spark\" viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\"><title>",
                   places * 4, SPARK, places * 4);
    json_array_foreach(buckets, i, bucket)
    {
        double part = (double)assay_page_count(bucket, "count") / (double)total;
        const char *comma = i ? ", " : "";
        if (json_is_null(json_object_get(bucket, "to")))
            assay_page_put(f, "%smore: %p", comma, part);
        else
            assay_page_put(f, "%s\u2264 %r: %p", comma, assay_page_real(bucket, "to"), part);
    }
    fputs("</title><path d=\"", f);
    json_array_foreach(buckets, i, bucket)
    {
        double n = (double)assay_page_count(bucket, "count");
        double high = n > 0 ? 1 + (SPARK - 1) * n / (double)most : 0;
        assay_page_put(f, "M%d %dv%xh3V%dz", 4 * bucket_place(bucket), SPARK, -high, SPARK);
    }
    fputs("\"/></svg>", f);
}

static void print_policy(FILE *f, const json_t *tap)
{
    const json_t *p = json_object_get(tap, "policy");
    assay_page_put(f, "<td>%t \u00d7 %t \u00b7 %t \u2192 %t</td>", assay_page_string(p, "in"),
                   assay_page_string(p, "weight"), assay_page_string(p, "acc"),
                   assay_page_string(p, "out"));
}

/* Signal over error: infinite, and null in the JSON, where there is no error. */
static void print_sqnr(FILE *f, const json_t *tap)
{
    if (assay_page_real(tap, "local.rel_l2") == 0)
        fputs("<td class=\"n\">\u221e</td>", f);
    else
        assay_page_put(f, "<td class=\"n\">%r</td>", assay_page_real(tap, "local.sqnr_db"));
}

static void print_bound(FILE *f, const json_t *tap)
{
    double ratio = assay_page_real(tap, "bound.max_ratio");
    if (json_is_object(json_object_get(tap, "bound")))
        assay_page_put(f, "<td class=\"n%s\">%r</td>", ratio <= 1 ? "" : " bad", ratio);
    else
        fputs("<td class=\"n\">\u2014</td>", f);
}

static void print_row(FILE *f, const json_t *tap, int places)
{
    size_t nonfinite =
        assay_page_count(tap, "nonfinite.local") + assay_page_count(tap, "nonfinite.propagated");
    assay_page_put(f,
                   "<tr><th scope=\"row\">%t</th><td class=\"n\">%r</td><td class=\"n\">%r</td>"
                   "<td class=\"n\">%r</td><td class=\"n\">%r</td>",
                   assay_page_string(tap, "tap"), assay_page_real(tap, "local.rel_l2"),
                   assay_page_real(tap, "floor.local_rel_l2"),
                   assay_page_real(tap, "propagated.rel_l2"),
                   assay_page_real(tap, "floor.propagated_rel_l2"));
    print_sqnr(f, tap);
    assay_page_put(f, "<td class=\"n\">%r</td><td>", assay_page_real(tap, "ulps.max"));
    print_spark(f, tap, places);
    fputs("</td>", f);
    print_bound(f, tap);
    assay_page_put(f,
                   "<td class=\"n\">%p</td><td class=\"n\">%p</td><td class=\"n%s\">%n</td>"
                   "<td class=\"n\">%n</td><td>%t</td>",
                   assay_page_real(tap, "split.shares.quantization"),
                   assay_page_real(tap, "split.shares.arithmetic"), nonfinite ? " bad" : "",
                   nonfinite, assay_page_count(tap, "count"), assay_page_string(tap, "op"));
    print_policy(f, tap);
    fputs("</tr>\n", f);
}

static const char intro[] =
    "<section id=\"taps\"><h2>Every operation</h2><p>A row is a tap, the output of one operation. "
    "<b>Local</b>: the operation under the recipe on the reference&#39;s inputs. "
    "<b>Propagated</b>: the same place with the whole model under the recipe. <b>Max ulps</b> "
    "counts the local error in units in the last place of the output format; where a sum cancels "
    "it is large without harm. <b>Error / bound</b> is the largest local error over its a-priori "
    "bound; above 1 the arithmetic or the bound has a defect. Shares of the local squared error "
    "are signed and sum to "
    "100\u00a0%.</p>\n";

static const char head[] =
    "tap|>local rel L2|>its floor|>propagated rel L2|>its floor|>SQNR, dB|>max ulps|"
    "ulps: 0, \u2264\u00bd, \u22641, \u22642 \u2026|>error / bound|>share of quantization|"
    ">share of arithmetic|>not finite, elements|>n, elements|operation|"
    "in \u00d7 weight \u00b7 accumulator \u2192 out";

void assay_html_taps(FILE *f, const json_t *report)
{
    const json_t *taps = json_object_get(report, "taps");
    int places = last_place(taps) + 1;
    size_t i;
    json_t *tap;
    fputs(intro, f);
    if (json_array_size(taps) == 0) {
        fputs("<p>The report has no taps.</p></section>\n", f);
        return;
    }
    assay_page_put(f,
                   "<div class=\"scroll tall\" tabindex=\"0\" role=\"group\" aria-label=\"taps\">"
                   "<table class=\"sort\"><caption>%n taps in the order of evaluation; all figures "
                   "are exact for this corpus. tensors.csv has them in full.</caption>",
                   json_array_size(taps));
    assay_page_columns(f, head);
    json_array_foreach(taps, i, tap) print_row(f, tap, places);
    fputs("</tbody></table></div></section>\n", f);
}
