/* SPDX-License-Identifier: Apache-2.0 */
/* What the files report_*.c that print pages share. Nothing here is for other users. */
#ifndef ASSAY_AUDIT_REPORT_PARTS_H
#define ASSAY_AUDIT_REPORT_PARTS_H

#include <stdio.h>

#include "audit/report.h"

/* --- report_page.c: reading the JSON --- */

/* A page never fails on a report that lacks something: paths are keys joined by dots, and what
 * is missing or of another type is NULL, NaN, 0 or "". */
const json_t *assay_page_at(const json_t *object, const char *path);
double assay_page_real(const json_t *object, const char *path);
size_t assay_page_count(const json_t *object, const char *path);
const char *assay_page_string(const json_t *object, const char *path);

/* --- report_page.c: printing --- */

/**
 * Prints text with directives: %s a string as it is, %t one escaped for HTML, %m one escaped for
 * Markdown, %r a double to four digits ("not finite" if it is not), %k the same with its zeros
 * kept, %n a size_t with thousands separated, %d an int, %x a double as an SVG coordinate, %p a
 * double that is a fraction as a percentage, %% a percent sign.
 */
void assay_page_put(FILE *f, const char *format, ...);

/** <thead> of the columns' titles, HTML with '|' between them, those of figures after a '>', and
 * <tbody>. */
void assay_page_columns(FILE *f, const char *titles);

/** Runs `print` in the C locale, so that a caller's never shows in numbers; checks the stream. */
typedef void assay_page_fn(FILE *f, const json_t *report);
ASSAY_NODISCARD assay_status assay_page_write(const json_t *report, FILE *stream, const char *name,
                                              assay_page_fn *print);

/* --- report_page.c: figures of a report that several pages show --- */

/** Whether an error is larger; nothing is larger than one that is not finite. */
bool assay_page_is_worse(double x, double than);
/** The floor of the perplexity: no less than the last place of the figure itself. */
double assay_page_perplexity_floor(const json_t *perplexity);
/** The group of `layers` whose local error is the largest, not finite above all; or NULL. */
const json_t *assay_page_worst_layer(const json_t *report);
/** "layers.3.mlp.act" is "mlp.act"; taps outside the layers stay as they are. */
const char *assay_page_kind(const char *tap);

/* --- report_svg.c: logarithmic axes --- */

enum { ASSAY_SVG_WIDTH = 760, ASSAY_SVG_LEFT = 78, ASSAY_SVG_RIGHT = 14 };

/** Smallest and largest positive finite value seen; low > high if none. */
typedef struct assay_svg_range {
    double low, high;
} assay_svg_range;

#define ASSAY_SVG_EMPTY \
    {                   \
        1, 0            \
    }

void assay_svg_extend(assay_svg_range *range, double x);
bool assay_svg_is_empty(const assay_svg_range *range);

/** A log axis from 10^low at y = bottom to 10^high at y = top. */
typedef struct assay_svg_axis {
    int low, high;
    double bottom, top;
} assay_svg_axis;

/** The axis of whole decades around a range. */
assay_svg_axis assay_svg_decades(const assay_svg_range *range, double bottom, double top);
/** Where x > 0 lies, kept within the axis. */
double assay_svg_y(const assay_svg_axis *axis, double x);
/** Lines and labels at the decades; within two decades also at 2 and 5. */
void assay_svg_grid(FILE *f, const assay_svg_axis *axis, double left, double right);

/** <svg> with title and desc, in a container of its own that scrolls on narrow screens. */
void assay_svg_open(FILE *f, double height, const char *id, const char *title, const char *desc);
void assay_svg_close(FILE *f);

/* --- report_verdict.c --- */

/** The unit of a budget's metric; "" if there is none by that name. */
const char *assay_page_unit(const char *metric);

/* --- the sections of the HTML page, each complete from <section> to </section> --- */

assay_page_fn assay_html_verdict; /* report_verdict.c */
assay_page_fn assay_html_layers;  /* report_layers.c  */
assay_page_fn assay_html_heat;    /* report_heat.c    */
assay_page_fn assay_html_tokens;  /* report_tokens.c  */
assay_page_fn assay_html_greedy;  /* report_greedy.c  */
assay_page_fn assay_html_taps;    /* report_taps.c    */
assay_page_fn assay_html_kinds;   /* report_kinds.c   */
assay_page_fn assay_html_method;  /* report_method.c  */

#endif
