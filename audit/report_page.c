/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a report's JSON, and printing what pages are made of. */
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "audit/report_parts.h"

const json_t *assay_page_at(const json_t *object, const char *path)
{
    while (object && *path) {
        char key[64];
        size_t n = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        object = json_object_get(object, key);
        path += n + (path[n] == '.');
    }
    return object;
}

double assay_page_real(const json_t *object, const char *path)
{
    const json_t *value = assay_page_at(object, path);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

size_t assay_page_count(const json_t *object, const char *path)
{
    json_int_t value = json_integer_value(assay_page_at(object, path));
    return value > 0 ? (size_t)value : 0;
}

const char *assay_page_string(const json_t *object, const char *path)
{
    const char *text = json_string_value(assay_page_at(object, path));
    return text ? text : "";
}

/* What HTML gives a meaning, within elements and attributes; other controls than a line's end
 * and a tab have no place in a page at all. */
static void print_html(FILE *f, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        switch (c) {
        case '<': fputs("&lt;", f); break;
        case '>': fputs("&gt;", f); break;
        case '&': fputs("&amp;", f); break;
        case '"': fputs("&quot;", f); break;
        case '\'': fputs("&#39;", f); break;
        default:
            if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
                fputs("\xef\xbf\xbd", f);
            else
                fputc(c, f);
        }
    }
}

/* A line's end would leave a table's row, and HTML works within Markdown. */
static void print_markdown(FILE *f, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '<')
            fputs("&lt;", f);
        else if (c == '&')
            fputs("&amp;", f);
        else if (c < 0x20 || c == 0x7f)
            fputc(' ', f);
        else
            fprintf(f, strchr("\\`*_{}[]()#+!|~>$", c) ? "\\%c" : "%c", c);
    }
}

/* 3.04e-07 is 3.04e-7: two-digit exponents only widen tables. */
static void print_real(FILE *f, double x)
{
    char text[40];
    if (!isfinite(x)) {
        fputs("not finite", f);
        return;
    }
    snprintf(text, sizeof text, fabs(x) >= 1e4 && fabs(x) < 1e6 ? "%.0f" : "%.4g", x);
    char *e = strchr(text, 'e');
    if (e && e[2] == '0')
        memmove(e + 2, e + 3, strlen(e + 3) + 1);
    if (e && e[1] == '+')
        memmove(e + 1, e + 2, strlen(e + 2) + 1);
    fputs(text, f);
}

/* Two figures side by side keep their zeros: 45.23 and 45.10. */
static void print_kept(FILE *f, double x)
{
    char text[40];
    if (!isfinite(x) || fabs(x) < 1e-3 || fabs(x) >= 1e6) {
        print_real(f, x);
        return;
    }
    int n = snprintf(text, sizeof text, fabs(x) >= 1000 ? "%.0f" : "%#.4g", x);
    if (text[n - 1] == '.')
        text[n - 1] = 0;
    fputs(text, f);
}

static void print_count(FILE *f, size_t n)
{
    if (n >= 1000) {
        print_count(f, n / 1000);
        fprintf(f, ",%03zu", n % 1000);
    } else {
        fprintf(f, "%zu", n);
    }
}

static void print_coordinate(FILE *f, double x)
{
    char text[40];
    int n = snprintf(text, sizeof text, "%.1f", x);
    if (n > 2 && strcmp(text + n - 2, ".0") == 0)
        text[n - 2] = 0;
    fputs(strcmp(text, "-0") == 0 ? "0" : text, f);
}

static void print_percent(FILE *f, double x)
{
    if (isfinite(x))
        fprintf(f, "%.1f\u202f%%", 100 * x);
    else
        fputs("\u2014", f);
}

void assay_page_put(FILE *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    for (const char *at = format; *at; at++) {
        if (*at != '%') {
            fputc(*at, f);
            continue;
        }
        switch (*++at) {
        case 's': fputs(va_arg(args, const char *), f); break;
        case 't': print_html(f, va_arg(args, const char *)); break;
        case 'm': print_markdown(f, va_arg(args, const char *)); break;
        case 'r': print_real(f, va_arg(args, double)); break;
        case 'k': print_kept(f, va_arg(args, double)); break;
        case 'n': print_count(f, va_arg(args, size_t)); break;
        case 'd': fprintf(f, "%d", va_arg(args, int)); break;
        case 'x': print_coordinate(f, va_arg(args, double)); break;
        case 'p': print_percent(f, va_arg(args, double)); break;
        default: fputc('%', f);
        }
    }
    va_end(args);
}

void assay_page_columns(FILE *f, const char *titles)
{
    fputs("<thead><tr>", f);
    while (*titles) {
        size_t n = strcspn(titles, "|");
        bool right = *titles == '>';
        fprintf(f, "<th scope=\"col\"%s>%.*s</th>", right ? " class=\"n\"" : "", (int)(n - right),
                titles + right);
        titles += n + (titles[n] == '|');
    }
    fputs("</tr></thead><tbody>\n", f);
}

assay_status assay_page_write(const json_t *report, FILE *stream, const char *name,
                              assay_page_fn *print)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c)
        return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory", name);
    locale_t callers = uselocale(c);
    print(stream, report);
    uselocale(callers);
    freelocale(c);
    return ferror(stream) ? assay_fail(ASSAY_ERR_IO, "%s: cannot write", name) : ASSAY_OK;
}

bool assay_page_is_worse(double x, double than)
{
    return isfinite(than) && !(x <= than);
}

double assay_page_perplexity_floor(const json_t *perplexity)
{
    double floor = assay_page_real(perplexity, "floor");
    double figure = assay_page_real(perplexity, "reference");
    double place = nextafter(figure, INFINITY) - figure;
    return floor < place ? place : floor;
}

const json_t *assay_page_worst_layer(const json_t *report)
{
    const json_t *worst = NULL;
    size_t i;
    json_t *layer;
    json_array_foreach(json_object_get(report, "layers"), i, layer)
    {
        double local = assay_page_real(layer, "local_rel_l2");
        if (!worst || assay_page_is_worse(local, assay_page_real(worst, "local_rel_l2")))
            worst = layer;
    }
    return worst;
}

const char *assay_page_kind(const char *tap)
{
    const char *rest;
    if (strncmp(tap, "layers.", 7) != 0)
        return tap;
    rest = strchr(tap + 7, '.');
    return rest ? rest + 1 : tap;
}
