/* SPDX-License-Identifier: Apache-2.0 */
/* The plain renderings of a report: JSON, CSV, JUnit, digests. */
#include <stdio.h>
#include <string.h>

#include "audit/report.h"
#include "audit/report_parts.h"

static assay_status finished(FILE *stream, const char *what)
{
    return ferror(stream) ? assay_fail(ASSAY_ERR_IO, "%s: cannot write", what) : ASSAY_OK;
}

assay_status assay_render_json(const json_t *report, FILE *stream)
{
    if (json_dumpf(report, stream, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) != 0)
        return assay_fail(ASSAY_ERR_IO, "report.json: cannot write");
    fputc('\n', stream);
    return finished(stream, "report.json");
}

/* One column of tensors.csv: where its number stands in a tap's object. */
typedef struct column {
    const char *name, *group, *key;
} column;

static const column columns[] = {
    { "count", NULL, "count" },
    { "reference_rms", NULL, "reference_rms" },
    { "local_rel_l2", "local", "rel_l2" },
    { "local_max_abs", "local", "max_abs" },
    { "local_sqnr_db", "local", "sqnr_db" },
    { "local_cosine", "local", "cosine" },
    { "local_max_ulps", "ulps", "max" },
    { "local_over_bound", "bound", "max_ratio" },
    { "local_nonfinite", "nonfinite", "local" },
    { "quantization_rel_l2", "split", "quantization_rel_l2" },
    { "arithmetic_rel_l2", "split", "arithmetic_rel_l2" },
    { "propagated_rel_l2", "propagated", "rel_l2" },
    { "propagated_max_abs", "propagated", "max_abs" },
    { "propagated_sqnr_db", "propagated", "sqnr_db" },
    { "propagated_cosine", "propagated", "cosine" },
    { "propagated_nonfinite", "nonfinite", "propagated" },
    { "floor_local_rel_l2", "floor", "local_rel_l2" },
    { "floor_propagated_rel_l2", "floor", "propagated_rel_l2" },
    { "floor_bound_rel_l2", "floor", "bound_rel_l2" },
};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

static void print_cell(const json_t *value, FILE *stream)
{
    if (json_is_integer(value))
        fprintf(stream, ",%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        fprintf(stream, ",%.17g", json_real_value(value));
    else
        fputc(',', stream); /* not finite, or not defined here */
}

static void print_csv(FILE *stream, const json_t *report)
{
    size_t i;
    json_t *tap;
    fputs("tap,op", stream);
    for (size_t j = 0; j < COLUMNS; j++)
        fprintf(stream, ",%s", columns[j].name);
    fputc('\n', stream);
    json_array_foreach(json_object_get(report, "taps"), i, tap)
    {
        fprintf(stream, "%s,%s", json_string_value(json_object_get(tap, "tap")),
                json_string_value(json_object_get(tap, "op")));
        for (size_t j = 0; j < COLUMNS; j++) {
            const json_t *from = columns[j].group ? json_object_get(tap, columns[j].group) : tap;
            print_cell(json_object_get(from, columns[j].key), stream);
        }
        fputc('\n', stream);
    }
}

assay_status assay_render_csv(const json_t *report, FILE *stream)
{
    return assay_page_write(report, stream, "tensors.csv", print_csv);
}

/* Text within XML; control characters, which XML 1.0 cannot hold at all, become '?'. */
static void print_xml(const char *text, FILE *stream)
{
    for (; *text; text++) {
        switch (*text) {
        case '<': fputs("&lt;", stream); break;
        case '>': fputs("&gt;", stream); break;
        case '&': fputs("&amp;", stream); break;
        case '"': fputs("&quot;", stream); break;
        default: fputc((unsigned char)*text < 0x20 ? '?' : *text, stream);
        }
    }
}

static void print_case(const json_t *check, FILE *stream)
{
    const char *tap = json_string_value(json_object_get(check, "tap"));
    fputs("  <testcase classname=\"budget\" name=\"", stream);
    print_xml(json_string_value(json_object_get(check, "metric")), stream);
    fputs(" of ", stream);
    print_xml(tap ? tap : "logits", stream);
    if (json_is_true(json_object_get(check, "passed"))) {
        fputs("\"/>\n", stream);
        return;
    }
    fputs("\">\n    <failure message=\"", stream);
    const json_t *worst = json_object_get(check, "worst");
    if (json_is_real(worst))
        fprintf(stream, "%.17g", json_real_value(worst));
    else
        fputs("not finite", stream);
    fputs(" at ", stream);
    print_xml(json_string_value(json_object_get(check, "where")), stream);
    fprintf(stream, ", at most %.17g allowed\"/>\n  </testcase>\n",
            json_number_value(json_object_get(check, "max")));
}

static void print_junit(FILE *stream, const json_t *report)
{
    const json_t *verdict = json_object_get(report, "verdict");
    const json_t *checks = json_object_get(verdict, "checks");
    size_t i, n = json_array_size(checks);
    json_t *check;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", stream);
    fprintf(stream, "<testsuite name=\"assay audit\" tests=\"%zu\" failures=\"%lld\">\n",
            n > 0 ? n : 1, (long long)json_integer_value(json_object_get(verdict, "failed")));
    if (n == 0) /* a suite without cases counts as broken in most readers */
        fputs("  <testcase classname=\"audit\" name=\"measured without a budget\"/>\n", stream);
    json_array_foreach(checks, i, check) print_case(check, stream);
    fputs("</testsuite>\n", stream);
}

assay_status assay_render_junit(const json_t *report, FILE *stream)
{
    return assay_page_write(report, stream, "junit.xml", print_junit);
}

assay_status assay_render_digests(const assay_replay *r, FILE *stream)
{
    for (size_t d = 0; d < r->corpus->count; d++)
        for (size_t i = 0; i < r->model->count; i++) {
            const assay_tap_digest *digest = &r->digests[d * r->model->count + i];
            const char *tap = r->model->nodes[i].tap;
            fprintf(stream, "%s  reference/%zu/%s\n", digest->reference, d, tap);
            fprintf(stream, "%s  candidate/%zu/%s\n", digest->candidate, d, tap);
        }
    return finished(stream, "digests.txt");
}

static const struct {
    const char *name;
    assay_render_fn *render;
} files[] = { { "report.json", assay_render_json },
              { "report.html", assay_render_html },
              { "report.md", assay_render_markdown },
              { "junit.xml", assay_render_junit },
              { "tensors.csv", assay_render_csv } };

assay_status assay_report_write(const assay_report_source *source, const json_t *run,
                                assay_stage *stage)
{
    json_t *report;
    FILE *stream;
    assay_status status = assay_report_build(source, &report);
    if (status != ASSAY_OK)
        return status;
    for (size_t i = 0; i < sizeof files / sizeof files[0] && status == ASSAY_OK; i++) {
        status = assay_stage_file(stage, files[i].name, &stream);
        if (status == ASSAY_OK)
            status = files[i].render(report, stream);
    }
    json_decref(report);
    if (status == ASSAY_OK)
        status = assay_stage_file(stage, "digests.txt", &stream);
    if (status == ASSAY_OK)
        status = assay_render_digests(source->replay, stream);
    if (status == ASSAY_OK)
        status = assay_stage_file(stage, "run.json", &stream);
    return status == ASSAY_OK ? assay_render_json(run, stream) : status;
}
