/* SPDX-License-Identifier: Apache-2.0 */
/* Where: a heat map of propagated error, layer by token. */
#include <math.h>
#include <string.h>

#include "audit/report_parts.h"
#include "numerics/elementary.h"

/* Ten colours, and two classes beside them; 256 columns keep a page of any corpus small. */
enum { LEVELS = 10, ZERO = LEVELS, NONFINITE = LEVELS + 1, MAX_COLUMNS = 256, MAX_DECADES = 6 };
enum { LEFT = 98, WIDE = 508, TOP = 22 };

typedef struct heat {
    size_t tokens, columns, rows;
    double low, high; /* decimal logarithms of the ends of the colours */
    double height;    /* of a row */
    bool coloured;    /* whether any value is neither 0 nor beyond measure */
} heat;

/* Where the model's state stands: the residual stream after each layer, and both ends. */
static bool is_row(const json_t *tap)
{
    static const char *const others[] = { "embed_tokens", "norm", "lm_head" };
    const char *name = assay_page_string(tap, "tap"), *kind = assay_page_kind(name);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(name, others[i]) == 0)
            return true;
    return kind != name && strcmp(kind, "mlp_residual") == 0;
}

static const json_t *series(const json_t *tap)
{
    return assay_page_at(tap, "tokens.propagated_rel_l2");
}

static double at(const json_t *list, size_t i)
{
    const json_t *value = json_array_get(list, i);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* Counts of values by a quarter of a decade: enough for a quantile of a colour scale. */
typedef struct tally {
    size_t bin[4 * 640], total;
} tally;

static void count_value(tally *counts, double x)
{
    if (!(x > 0) || !isfinite(x))
        return;
    counts->bin[(int)(4 * (assay_log10(x) + 325))]++;
    counts->total++;
}

/* A fifth of the values may lie below the scale's low end: the embedding's, mostly. Else their
 * distance from all others would use up the colours. */
static void choose_scale(heat *h, const tally *counts, const assay_svg_range *range)
{
    size_t below = 0, i = 0;
    h->coloured = counts->total > 0;
    while (5 * (below + counts->bin[i]) < counts->total)
        below += counts->bin[i++];
    h->high = assay_svg_is_empty(range) ? 0 : assay_log10(range->high);
    h->low = assay_svg_is_empty(range) ? -1 : assay_log10(range->low);
    if (counts->total > 0 && h->low < (double)i / 4 - 325)
        h->low = (double)i / 4 - 325;
    if (h->low < h->high - MAX_DECADES)
        h->low = h->high - MAX_DECADES;
    if (h->low > h->high - 0.25) /* all alike: still a scale */
        h->low = h->high - 0.25;
}

static heat lay_out(const json_t *taps)
{
    heat h = { 0 };
    tally counts = { 0 };
    assay_svg_range range = ASSAY_SVG_EMPTY;
    size_t i;
    json_t *tap;
    json_array_foreach(taps, i, tap)
    {
        const json_t *list = is_row(tap) ? series(tap) : NULL;
        h.rows += list != NULL;
        if (json_array_size(list) > h.tokens)
            h.tokens = json_array_size(list);
        for (size_t t = 0; t < json_array_size(list); t++) {
            assay_svg_extend(&range, at(list, t));
            count_value(&counts, at(list, t));
        }
    }
    h.columns = h.tokens < MAX_COLUMNS ? h.tokens : MAX_COLUMNS;
    h.height = h.rows <= 16 ? 20 : h.rows <= 48 ? 12 : 6;
    choose_scale(&h, &counts, &range);
    return h;
}

static int level_of(const heat *h, double x)
{
    if (!isfinite(x))
        return NONFINITE;
    if (x <= 0)
        return ZERO;
    int level = (int)floor((assay_log10(x) - h->low) / (h->high - h->low) * LEVELS);
    return level < 0 ? 0 : level >= LEVELS ? LEVELS - 1 : level;
}

/* The largest of a column's tokens, what is not finite above all. */
static int column_level(const heat *h, const json_t *list, size_t column)
{
    size_t from = column * h->tokens / h->columns, to = (column + 1) * h->tokens / h->columns;
    double worst = at(list, from);
    for (size_t i = from + 1; i < to; i++)
        if (assay_page_is_worse(at(list, i), worst))
            worst = at(list, i);
    return level_of(h, worst);
}

static void print_name(FILE *f, const heat *h, const char *tap, double y, size_t row)
{
    size_t every = h->height >= 12 ? 1 : 3, last = h->rows - 1;
    if (row != last && (row % every != 0 || row + every > last))
        return;
    const char *kind = assay_page_kind(tap);
    if (kind == tap)
        assay_page_put(f, "<text class=\"end\" x=\"%d\" y=\"%x\">%t</text>", LEFT - 6, y, tap);
    else
        fprintf(f, "<text class=\"end\" x=\"%d\" y=\"%.0f\">layer %.*s</text>", LEFT - 6, y,
                (int)strspn(tap + 7, "0123456789"), tap + 7);
}

/* The largest value in figures: colours alone would leave it to the eye. */
static void print_worst(FILE *f, const json_t *list, double y)
{
    size_t worst = 0;
    for (size_t i = 1; i < json_array_size(list); i++)
        if (assay_page_is_worse(at(list, i), at(list, worst)))
            worst = i;
    if (at(list, worst) == 0)
        assay_page_put(f, "<text x=\"%d\" y=\"%x\">exactly 0</text>\n", LEFT + WIDE + 8, y);
    else
        assay_page_put(f, "<text x=\"%d\" y=\"%x\">%r at %n</text>\n", LEFT + WIDE + 8, y,
                       at(list, worst), worst);
}

/* One path for each colour of a row; neighbours of the same colour are one stroke. */
static void print_row(FILE *f, const heat *h, const json_t *list, size_t row)
{
    int level[MAX_COLUMNS];
    for (size_t c = 0; c < h->columns; c++)
        level[c] = column_level(h, list, c);
    for (int k = 0; k <= NONFINITE; k++) {
        bool open = false;
        for (size_t c = 0, end; c < h->columns; c = end) {
            for (end = c + 1; end < h->columns && level[end] == level[c]; end++)
                ;
            if (level[c] != k)
                continue;
            if (!open)
                fprintf(f, "<path class=\"h%d\" d=\"", k);
            open = true;
            fprintf(f, "M%zu %zu.5h%zu", c, row, end - c);
        }
        if (open)
            fputs("\"/>", f);
    }
    fputc('\n', f);
}

static void print_cells(FILE *f, const heat *h, const json_t *taps)
{
    size_t i, row = 0;
    json_t *tap;
    assay_page_put(f, "<g class=\"heat\" transform=\"translate(%d %d) scale(", LEFT, TOP);
    fprintf(f, "%.6f %.0f)\">\n", WIDE / (double)h->columns, h->height);
    json_array_foreach(taps, i, tap) if (is_row(tap) && series(tap))
        print_row(f, h, series(tap), row++);
    fputs("</g>\n", f);
    row = 0;
    json_array_foreach(taps, i, tap) if (is_row(tap) && series(tap))
    {
        double y = TOP + h->height * ((double)row + 0.5) + 4;
        print_name(f, h, assay_page_string(tap, "tap"), y, row++);
        if (h->height >= 12)
            print_worst(f, series(tap), y);
    }
}

/* A line where a document starts, and its number where there is room for it. */
static void print_documents(FILE *f, const heat *h, const json_t *lengths)
{
    double from = LEFT, last = -100, bottom = TOP + h->height * (double)h->rows;
    size_t i;
    json_t *length;
    json_array_foreach(lengths, i, length)
    {
        double wide = json_number_value(length) * WIDE / (double)h->tokens;
        if (from - last >= 4) {
            assay_page_put(f, "<path class=\"cut\" d=\"M%x %xV%x\"/>", from, TOP - 6.0, bottom);
            last = from;
        }
        if (wide >= 46)
            assay_page_put(f, "<text class=\"mid\" x=\"%x\" y=\"%d\">doc %n</text>",
                           from + wide / 2, TOP - 8, i);
        from += wide;
    }
    if (h->height >= 12)
        assay_page_put(f, "<text x=\"%d\" y=\"%d\">largest, at token</text>\n", LEFT + WIDE + 8,
                       TOP - 8);
    assay_page_put(f, "<path class=\"axis\" d=\"M%d %dh%dV%xH%dz\"/>\n", LEFT, TOP, WIDE, bottom,
                   LEFT);
}

static void print_key(FILE *f, int level, int x, double y, const char *name)
{
    assay_page_put(f,
                   "<path class=\"edge\" d=\"M%d %xh28v14h-28z\"/><path class=\"heat h%d key\" "
                   "d=\"M%d %xh28\"/><text x=\"%d\" y=\"%x\">%s</text>\n",
                   x, y, level, x, y + 7, x + 34, y + 11, name);
}

static void print_legend(FILE *f, const heat *h, double y)
{
    for (int k = 0; k < LEVELS && h->coloured; k++)
        assay_page_put(f, "<path class=\"heat h%d key\" d=\"M%d %xh28\"/>", k, LEFT + 28 * k,
                       y + 7);
    for (int k = 0; k <= LEVELS && h->coloured; k += LEVELS / 2)
        assay_page_put(f, "<text class=\"mid\" x=\"%d\" y=\"%x\">%s%r</text>", LEFT + 28 * k,
                       y + 29, k == 0 ? "\u2264 " : "",
                       assay_pow(10, h->low + (h->high - h->low) * k / LEVELS));
    if (h->coloured)
        assay_page_put(f, "<text class=\"end\" x=\"%d\" y=\"%x\">rel L2</text>\n", LEFT - 6,
                       y + 11);
    print_key(f, ZERO, LEFT + 310, y, "exactly 0");
    print_key(f, NONFINITE, LEFT + 420, y, "not finite");
}

void assay_html_heat(FILE *f, const json_t *report)
{
    const json_t *taps = json_object_get(report, "taps");
    heat h = lay_out(taps);
    fputs("<section id=\"heat\"><h2>Where: layer by token</h2>\n", f);
    if (h.rows == 0 || h.tokens == 0) {
        fputs("<p>The report has no series over tokens.</p></section>\n", f);
        return;
    }
    assay_page_put(
        f,
        "<p>Propagated relative error of each token's row, in the residual stream after "
        "each layer and at both ends. %n tokens in %n columns%s; the first token is "
        "0. A row that stands out is a layer, a column a token, that loses more than the "
        "rest.</p>\n<figure>\n",
        h.tokens, h.columns,
        h.columns < h.tokens ? ", each showing the largest of its tokens" : "");
    double bottom = TOP + h.height * (double)h.rows;
    assay_svg_open(f, bottom + 52, "map", "Propagated relative L2 error by layer and token",
                   "Rows are layers, columns tokens in the order of the corpus, colours the "
                   "logarithm of the error. The largest error of each row stands beside it.");
    print_cells(f, &h, taps);
    print_documents(f, &h, assay_page_at(report, "corpus.lengths"));
    print_legend(f, &h, bottom + 14);
    assay_svg_close(f);
    fputs("</figure></section>\n", f);
}
