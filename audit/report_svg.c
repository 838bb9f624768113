/* SPDX-License-Identifier: Apache-2.0 */
/* Logarithmic axes, printed as SVG. log10 and pow are the library's own: a coordinate must not
 * depend on the C library. */
#include <math.h>

#include "audit/report_parts.h"
#include "numerics/elementary.h"

void assay_svg_extend(assay_svg_range *range, double x)
{
    if (!(x > 0) || !isfinite(x))
        return;
    if (assay_svg_is_empty(range))
        *range = (assay_svg_range){ x, x };
    if (x < range->low)
        range->low = x;
    if (x > range->high)
        range->high = x;
}

bool assay_svg_is_empty(const assay_svg_range *range)
{
    return range->low > range->high;
}

assay_svg_axis assay_svg_decades(const assay_svg_range *range, double bottom, double top)
{
    assay_svg_axis axis = { -1, 0, bottom, top };
    if (assay_svg_is_empty(range))
        return axis;
    axis.low = (int)floor(assay_log10(range->low));
    axis.high = (int)ceil(assay_log10(range->high));
    if (axis.high == axis.low)
        axis.high++;
    return axis;
}

double assay_svg_y(const assay_svg_axis *axis, double x)
{
    double part = (assay_log10(x) - axis->low) / (axis->high - axis->low);
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    return axis->bottom + part * (axis->top - axis->bottom);
}

static void line(FILE *f, const assay_svg_axis *axis, double left, double right, int decade,
                 int times)
{
    double y = assay_svg_y(axis, times * assay_pow(10, decade));
    assay_page_put(f, "<path class=\"grid\" d=\"M%x %xH%x\"/>", left, y, right);
    assay_page_put(f, "<text class=\"end\" x=\"%x\" y=\"%x\">%de%d</text>\n", left - 6, y + 4,
                   times, decade);
}

void assay_svg_grid(FILE *f, const assay_svg_axis *axis, double left, double right)
{
    /* A label is 12 units high, and wants as much again around it. */
    int decades = axis->high - axis->low;
    int room = (int)((axis->bottom - axis->top) / 24);
    int step = room > 0 ? (decades + room - 1) / room : decades;
    for (int d = axis->low; d <= axis->high; d += step > 0 ? step : 1) {
        line(f, axis, left, right, d, 1);
        if (decades <= 2 && d < axis->high && room >= 4 * decades) {
            line(f, axis, left, right, d, 2);
            line(f, axis, left, right, d, 5);
        }
    }
}

void assay_svg_open(FILE *f, double height, const char *id, const char *title, const char *desc)
{
    assay_page_put(f, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"%t\">",
                   title);
    assay_page_put(f,
                   "<svg viewBox=\"0 0 %d %x\" role=\"img\" aria-labelledby=\"%s-t %s-d\">"
                   "<title id=\"%s-t\">%t</title><desc id=\"%s-d\">%t</desc>\n",
                   ASSAY_SVG_WIDTH, height, id, id, id, title, id, desc);
}

void assay_svg_close(FILE *f)
{
    fputs("</svg></div>\n", f);
}
