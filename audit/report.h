/* SPDX-License-Identifier: Apache-2.0 */
/* The report of an audit: one JSON document, and everything else rendered from it. */
#ifndef ASSAY_AUDIT_REPORT_H
#define ASSAY_AUDIT_REPORT_H

#include "budget.h"
#include "json.h"
#include "recipe.h"
#include "stage.h"

/** Version of report.json's schema, docs/report.md. */
enum { ASSAY_REPORT_VERSION = 1 };

/** What the report is about. Everything is borrowed. */
typedef struct assay_report_source {
    const assay_replay *replay;
    const assay_summary *summary;
    const assay_recipe *recipe;
    const assay_backend *backend;
    const assay_model *candidate;
    const assay_budget *budget; /* NULL without one */
    const assay_check *checks;  /* [budget->count]  */
    double tie;
    size_t greedy;
} assay_report_source;

/** Whether every rule of the budget holds; true without one. */
bool assay_report_passed(const assay_report_source *source);

/** Builds report.json. Numbers that are not finite are null. The caller owns *out. */
ASSAY_NODISCARD assay_status assay_report_build(const assay_report_source *source, json_t **out);

/** The renderings: each takes the JSON alone, so that a saved report can be rendered again. */
typedef assay_status assay_render_fn(const json_t *report, FILE *stream);
assay_render_fn assay_render_json, assay_render_html, assay_render_markdown, assay_render_junit,
    assay_render_csv;

/** digests.txt: `HEX  reference/DOCUMENT/TAP` and `HEX  candidate/DOCUMENT/TAP` lines. */
ASSAY_NODISCARD assay_status assay_render_digests(const assay_replay *replay, FILE *stream);

/**
 * Writes report.json, report.html, report.md, junit.xml, tensors.csv, digests.txt, byte for byte
 * the same for the same inputs, and run.json (any JSON object: time, memory, host) into a stage.
 */
ASSAY_NODISCARD assay_status assay_report_write(const assay_report_source *source,
                                                const json_t *run, assay_stage *stage);

#endif
