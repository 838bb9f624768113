/* SPDX-License-Identifier: Apache-2.0 */
/* report.html: one file that needs nothing else. It is complete without its script, which only
 * sorts tables. */
#include "audit/builtin.h"
#include "audit/report_parts.h"

static void print_file(FILE *f, size_t index)
{
    const assay_embedded *file = &assay_builtin_page.files[index];
    fwrite(file->data, 1, (size_t)(file->end - file->data), f);
}

static void print_head(FILE *f, const json_t *report)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'; script-src 'unsafe-inline'\"/>\n",
          f);
    assay_page_put(f, "<title>%t under %t: assay report</title>\n<style>\n",
                   assay_page_string(report, "model.name"),
                   assay_page_string(report, "candidate.recipe"));
    print_file(f, 0);
    fputs("</style></head>\n<body><header>", f);
    assay_page_put(f, "<h1>%t <small>under</small> %t</h1>\n",
                   assay_page_string(report, "model.name"),
                   assay_page_string(report, "candidate.recipe"));
    fputs(
        "<nav aria-label=\"sections\"><a href=\"#where\">layers</a> <a href=\"#heat\">heat map</a> "
        "<a href=\"#tokens\">tokens</a> <a href=\"#greedy\">agreement</a> "
        "<a href=\"#why\">why</a> <a href=\"#taps\">operations</a> "
        "<a href=\"#method\">method</a></nav></header>\n<main>\n",
        f);
}

static void print_page(FILE *f, const json_t *report)
{
    static assay_page_fn *const sections[] = { assay_html_verdict, assay_html_layers,
                                               assay_html_heat,    assay_html_tokens,
                                               assay_html_greedy,  assay_html_kinds,
                                               assay_html_taps,    assay_html_method };
    print_head(f, report);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        sections[i](f, report);
    fputs("</main>\n<script>\n", f);
    print_file(f, 1);
    fputs("</script></body></html>\n", f);
}

assay_status assay_render_html(const json_t *report, FILE *stream)
{
    return assay_page_write(report, stream, "report.html", print_page);
}
