/* SPDX-License-Identifier: Apache-2.0 */
/* Where: drift and the residual stream from the embedding to the head. */
#include <math.h>
#include <string.h>

#include "audit/report_parts.h"

enum { ROW = 24, MAIN = 230, STRIP = 46, BREAK = 34, HEAD = 34, PANEL = 92, FOOT = 40 };

/* From the top: a row for what is not finite, the decades of the drift, the decades of the floor
 * where they lie far below, a row for what is exactly 0. A row without a value takes no room. */
typedef struct plot {
    assay_svg_axis drift, floor; /* floor.low == floor.high: one axis for both */
    bool nonfinite, zero;
    double infinite_y, zero_y, bottom, step;
    size_t groups;
} plot;

static void look(plot *p, double x, assay_svg_range *range)
{
    assay_svg_extend(range, x);
    p->zero |= x == 0;
    p->nonfinite |= !isfinite(x);
}

static plot lay_out(const json_t *layers)
{
    plot p = { .groups = json_array_size(layers) };
    assay_svg_range drift = ASSAY_SVG_EMPTY, floor = ASSAY_SVG_EMPTY;
    for (size_t i = 0; i < p.groups; i++) {
        const json_t *layer = json_array_get(layers, i);
        look(&p, assay_page_real(layer, "local_rel_l2"), &drift);
        look(&p, assay_page_real(layer, "propagated_rel_l2"), &drift);
        assay_svg_extend(&floor, assay_page_real(layer, "floor_rel_l2"));
    }
    double top = HEAD + (p.nonfinite ? ROW : 0), bottom = top + MAIN;
    p.infinite_y = HEAD + ROW / 3;
    p.drift = assay_svg_decades(&drift, bottom, top);
    p.floor = assay_svg_decades(&floor, bottom + BREAK + STRIP, bottom + BREAK);
    if (assay_svg_is_empty(&drift) || assay_svg_is_empty(&floor) ||
        p.floor.high + 2 > p.drift.low) { /* near enough: one axis */
        assay_svg_extend(&drift, floor.low <= floor.high ? floor.low : 0);
        assay_svg_extend(&drift, floor.low <= floor.high ? floor.high : 0);
        p.drift = assay_svg_decades(&drift, bottom, top);
        p.floor.low = p.floor.high = 0;
    } else {
        bottom = p.floor.bottom;
    }
    p.zero_y = bottom + ROW;
    p.bottom = bottom + (p.zero ? ROW + ROW / 2 : 0);
    p.step = (double)(ASSAY_SVG_WIDTH - ASSAY_SVG_LEFT - ASSAY_SVG_RIGHT) /
             (double)(p.groups ? p.groups : 1);
    return p;
}

static bool is_broken(const plot *p)
{
    return p->floor.low < p->floor.high;
}

static double y_of(const plot *p, double x)
{
    if (!isfinite(x))
        return p->infinite_y;
    if (x <= 0)
        return p->zero_y;
    if (is_broken(p) && assay_svg_y(&p->floor, x) > p->floor.top)
        return assay_svg_y(&p->floor, x);
    return assay_svg_y(&p->drift, x);
}

static double x_of(const plot *p, double i)
{
    return ASSAY_SVG_LEFT + p->step * i;
}

static void print_axes(FILE *f, const plot *p)
{
    double right = ASSAY_SVG_WIDTH - ASSAY_SVG_RIGHT;
    assay_svg_grid(f, &p->drift, ASSAY_SVG_LEFT, right);
    if (is_broken(p))
        assay_svg_grid(f, &p->floor, ASSAY_SVG_LEFT, right);
    if (p->zero)
        assay_page_put(f, "<text class=\"end\" x=\"%d\" y=\"%x\">exactly 0</text>\n",
                       ASSAY_SVG_LEFT - 6, p->zero_y + 4);
    if (p->nonfinite)
        assay_page_put(f, "<text class=\"end bad\" x=\"%d\" y=\"%x\">not finite</text>\n",
                       ASSAY_SVG_LEFT - 6, p->infinite_y + 4);
    assay_page_put(f, "<path class=\"axis\" d=\"M%d %xH%x\"/>\n", ASSAY_SVG_LEFT, p->bottom, right);
}

static void print_floor(FILE *f, const plot *p, const json_t *layers)
{
    size_t i;
    json_t *layer;
    double bottom = is_broken(p) ? p->floor.bottom : p->drift.bottom;
    fputs("<path class=\"floor\" d=\"", f);
    json_array_foreach(layers, i, layer)
    {
        double floor = assay_page_real(layer, "floor_rel_l2");
        if (!(floor > 0))
            continue;
        double y = y_of(p, floor);
        assay_page_put(f, "M%x %xV%xh%xV%xz", x_of(p, (double)i), bottom, y, p->step, bottom);
    }
    fputs("\"/>\n", f);
}

/* A value of exactly 0 is a mark in its row and not a bar: nothing has been lost there. */
static void print_bar(FILE *f, const plot *p, double x, double local)
{
    double wide = p->step * 0.5 > 46 ? 46 : p->step * 0.5, y = y_of(p, local);
    double bottom = is_broken(p) ? p->floor.bottom : p->drift.bottom;
    if (local == 0)
        assay_page_put(f, "<path class=\"zero\" d=\"M%x %xh%x\"/>", x - wide / 2, y, wide);
    else
        assay_page_put(f, "<path class=\"%s\" d=\"M%x %xV%xh%xV%xz\"/>",
                       isfinite(local) ? "bar" : "bar over", x - wide / 2, bottom, y, wide, bottom);
}

static void print_bars(FILE *f, const plot *p, const json_t *layers)
{
    size_t i;
    json_t *layer;
    json_array_foreach(layers, i, layer)
        print_bar(f, p, x_of(p, (double)i + 0.5), assay_page_real(layer, "local_rel_l2"));
    fputc('\n', f);
    if (is_broken(p)) {
        double y = (p->drift.bottom + p->floor.top) / 2;
        assay_page_put(f,
                       "<path class=\"break\" d=\"M%d %xH%d\"/><text class=\"end\" x=\"%d\" "
                       "y=\"%x\">axis break</text>\n",
                       ASSAY_SVG_LEFT, y, ASSAY_SVG_WIDTH - ASSAY_SVG_RIGHT, ASSAY_SVG_LEFT - 6,
                       y + 4);
    }
}

static void print_curve(FILE *f, const plot *p, const json_t *layers)
{
    size_t i;
    json_t *layer;
    fputs("<path class=\"line\" d=\"", f);
    json_array_foreach(layers, i, layer)
    {
        double y = y_of(p, assay_page_real(layer, "propagated_rel_l2"));
        assay_page_put(f, "%s%x %x", i ? "L" : "M", x_of(p, (double)i + 0.5), y);
    }
    fputs("\"/>\n", f);
    json_array_foreach(layers, i, layer)
    {
        double x = assay_page_real(layer, "propagated_rel_l2");
        assay_page_put(f, "<circle class=\"%s\" cx=\"%x\" cy=\"%x\" r=\"%s\"/>",
                       x == 0 ? "dot hollow" : "dot", x_of(p, (double)i + 0.5), y_of(p, x),
                       p->groups > 40 ? "2.5" : "4.5");
    }
    fputc('\n', f);
}

static void print_legend(FILE *f, bool has_floor)
{
    assay_page_put(f,
                   "<g transform=\"translate(%d 8)\"><path class=\"bar\" d=\"M0 0h16v12H0z\"/>"
                   "<text x=\"22\" y=\"10\">local, worst operation</text>"
                   "<path class=\"line\" d=\"M190 6h24\"/><circle class=\"dot\" cx=\"202\" "
                   "cy=\"6\" r=\"4.5\"/><text x=\"220\" y=\"10\">propagated, output</text>",
                   ASSAY_SVG_LEFT);
    if (has_floor)
        fputs("<path class=\"floor\" d=\"M372 0h16v12h-16z\"/>"
              "<text x=\"394\" y=\"10\">floor: the reference&#39;s own error</text>",
              f);
    fputs("</g>\n", f);
}

/* "layer 12" is 12: the axis says what it counts. */
static const char *short_name(const json_t *layer)
{
    const char *name = assay_page_string(layer, "name");
    return strncmp(name, "layer ", 6) == 0 ? name + 6 : name;
}

/* As many as there is room for, both ends among them. */
static void print_names(FILE *f, const plot *p, const json_t *layers, double y)
{
    size_t i, every = (size_t)(34 / p->step) + 1, last = p->groups - 1;
    json_t *layer;
    json_array_foreach(layers, i, layer)
    {
        const char *name = i == 0 && p->step <= 60 ? "emb." : short_name(layer);
        if (i == last || (i % every == 0 && i + every <= last))
            assay_page_put(f, "<text class=\"mid\" x=\"%x\" y=\"%x\">%t</text>",
                           x_of(p, (double)i + 0.5), y, name);
    }
    fputc('\n', f);
}

/* The residual stream grows from layer to layer; an absolute error that grows with it is none
 * that got worse. */
static void print_rms(FILE *f, const plot *p, const json_t *layers, double top)
{
    assay_svg_range range = ASSAY_SVG_EMPTY;
    size_t i;
    json_t *layer;
    json_array_foreach(layers, i, layer)
        assay_svg_extend(&range, assay_page_real(layer, "reference_rms"));
    assay_svg_axis axis = assay_svg_decades(&range, top + PANEL, top);
    assay_page_put(f, "<text x=\"%d\" y=\"%x\">reference: root mean square of the output</text>\n",
                   ASSAY_SVG_LEFT, top - 10);
    assay_svg_grid(f, &axis, ASSAY_SVG_LEFT, ASSAY_SVG_WIDTH - ASSAY_SVG_RIGHT);
    fputs("<path class=\"line soft\" d=\"", f);
    const char *pen = "M";
    json_array_foreach(layers, i, layer)
    {
        double rms = assay_page_real(layer, "reference_rms");
        if (rms > 0) {
            assay_page_put(f, "%s%x %x", pen, x_of(p, (double)i + 0.5), assay_svg_y(&axis, rms));
            pen = "L";
        }
    }
    fputs("\"/>\n", f);
}

/* Bars are thin; the whole column answers to the pointer. */
static void print_tips(FILE *f, const plot *p, const json_t *layers, double bottom)
{
    size_t i;
    json_t *layer;
    json_array_foreach(layers, i, layer)
    {
        assay_page_put(f, "<path class=\"tip\" d=\"M%x %dh%xV%xH%xz\"><title>", x_of(p, (double)i),
                       HEAD, p->step, bottom, x_of(p, (double)i));
        assay_page_put(
            f, "%t: local %r (%t), propagated %r, floor %r, rms %r</title></path>\n",
            assay_page_string(layer, "name"), assay_page_real(layer, "local_rel_l2"),
            assay_page_string(layer, "local_tap"), assay_page_real(layer, "propagated_rel_l2"),
            assay_page_real(layer, "floor_rel_l2"), assay_page_real(layer, "reference_rms"));
    }
}

static void print_table(FILE *f, const json_t *layers)
{
    size_t i;
    json_t *layer;
    fputs("<details><summary>The same figures as a table</summary><div class=\"scroll\">"
          "<table>",
          f);
    assay_page_columns(f,
                       "group|>local rel L2|at|>propagated rel L2|at|>floor of it|>reference rms");
    json_array_foreach(layers, i, layer)
    {
        assay_page_put(f, "<tr><th scope=\"row\">%t</th><td class=\"n\">%r</td><td>%t</td>",
                       assay_page_string(layer, "name"), assay_page_real(layer, "local_rel_l2"),
                       assay_page_string(layer, "local_tap"));
        assay_page_put(
            f,
            "<td class=\"n\">%r</td><td>%t</td><td class=\"n\">%r</td><td class=\"n\">%r</td>"
            "</tr>\n",
            assay_page_real(layer, "propagated_rel_l2"), assay_page_string(layer, "propagated_tap"),
            assay_page_real(layer, "floor_rel_l2"), assay_page_real(layer, "reference_rms"));
    }
    fputs("</tbody></table></div></details>\n", f);
}

void assay_html_layers(FILE *f, const json_t *report)
{
    const json_t *layers = json_object_get(report, "layers");
    plot p = lay_out(layers);
    double names = p.bottom + 18, panel = names + 44, bottom = panel + PANEL;
    fputs("<section id=\"where\"><h2>Where: layer by layer</h2><p>Relative error, logarithmic. A "
          "tall <b>bar</b> is an operation that loses much by itself; the <b>line</b> is what has "
          "come through the whole model so far. Below the shaded <b>floor</b> nothing can be "
          "measured.</p>\n<figure>\n",
          f);
    if (p.groups == 0) {
        fputs("<p>The report has no layers.</p></figure></section>\n", f);
        return;
    }
    assay_svg_open(f, bottom + FOOT, "layers", "Relative L2 error by layer",
                   "Bars: largest local error of a group's operations. Line: propagated error of "
                   "its output. Shaded: error of the reference itself. The table below has the "
                   "same figures.");
    print_legend(f, true);
    print_axes(f, &p);
    print_floor(f, &p, layers);
    print_bars(f, &p, layers);
    print_curve(f, &p, layers);
    print_names(f, &p, layers, names);
    print_rms(f, &p, layers, panel);
    print_names(f, &p, layers, bottom + 18);
    assay_page_put(f, "<text class=\"mid\" x=\"%d\" y=\"%x\">layer</text>\n", ASSAY_SVG_WIDTH / 2,
                   bottom + 34);
    print_tips(f, &p, layers, bottom);
    assay_svg_close(f);
    fputs("</figure>\n", f);
    print_table(f, layers);
    fputs("</section>\n", f);
}
