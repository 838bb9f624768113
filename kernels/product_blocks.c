/* SPDX-License-Identifier: Apache-2.0 */
/* A product by loops: tiles and the loop that may evaluate each, blocks of k, panels, threads. */
#include <limits.h>
#include <omp.h>
#include <string.h>

#include "kernels/product_parts.h"

/* ---- which loop [3] ---- */

bool assay_product_is_binary64(const assay_product_extent *a, const assay_product_extent *b)
{
    return a->bits + b->bits <= 53 || a->top + b->top - a->unit - b->unit <= 53;
}

/* The cheapest loop whose conditions hold; ASSAY_STEP_COUNT if only the definition is left. */
static assay_step_kernel choose_step(const product *d, const assay_product_extent *a,
                                     const assay_product_extent *b)
{
    const assay_format *f = &d->acc->round.format;
    bool unfused = d->acc->kind == ASSAY_SUM_UNFUSED;
    bool careful = !a->finite || !b->finite || !f->has_negzero;
    if (!d->has_lanes)
        return ASSAY_STEP_COUNT;
    if (a->unit == INT_MAX || b->unit == INT_MAX) { /* every finite product is zero */
        bool zero = !careful && f->p <= 24;
        return unfused ? (zero ? ASSAY_STEP_UNFUSED : ASSAY_STEP_UNFUSED_CAREFUL)
                       : (zero ? ASSAY_STEP_PRODUCT_EXACT : ASSAY_STEP_CAREFUL);
    }
    int unit = a->unit + b->unit, top = a->top + b->top;
    if (unit < -1074 || top > 960 || a->top > 990 || b->top > 990)
        return ASSAY_STEP_COUNT;
    careful |= !assay_product_is_binary64(a, b) || (unfused && f->p > 24);
    if (careful)
        return unfused ? ASSAY_STEP_UNFUSED_CAREFUL : ASSAY_STEP_CAREFUL;
    if (unfused)
        return ASSAY_STEP_UNFUSED;
    int quantum = f->emin - f->p + 1, least = unit < quantum ? unit : quantum;
    int most = top > f->emax + 1 ? top : f->emax + 1;
    return most + 1 - least <= 53 ? ASSAY_STEP_SUM_EXACT : ASSAY_STEP_PRODUCT_EXACT;
}

/* ---- a tile ---- */

static void define(const product *d, const tile *t, size_t k, const double *a, const double *b)
{
    for (size_t i = 0; i < t->rows; i++)
        for (size_t j = 0; j < t->columns; j++) {
            double *c = t->c + i * t->ldc + j;
            for (size_t p = 0; p < k; p++)
                *c = assay_step_define(d->acc, a[p * t->rows + i], b[p * d->width + j], *c);
        }
}

static void run_chain(const product *d, const tile *t, size_t first, size_t k, const double *a,
                      const double *b)
{
    assay_mode mode = d->acc->round.mode;
    assay_step_kernel step = choose_step(d, t->a_extent, t->b_extent);
    if (assay_mode_is_stochastic(mode)) {
        assay_product_random_chain(d, t, step, first, k, a, b);
        return;
    }
    assay_step_kernel careful =
        d->acc->kind == ASSAY_SUM_UNFUSED ? ASSAY_STEP_UNFUSED_CAREFUL : ASSAY_STEP_CAREFUL;
    if (step == ASSAY_STEP_COUNT)
        define(d, t, k, a, b);
    else if (!d->table->chain[step][mode](&d->lanes, t->rows, k, a, b, t->c, t->ldc))
        (void)d->table->chain[careful][mode](&d->lanes, t->rows, k, a, b, t->c, t->ldc);
}

/* Terms first .. first + k - 1 of the packed block into the tile's sums. */
static void run_terms(const product *d, const tile *t, size_t first, size_t k)
{
    const float *a32 = (const float *)t->a + first * t->rows;
    const float *b32 = (const float *)t->b + first * d->width;
    const double *a = (const double *)t->a + first * t->rows;
    const double *b = (const double *)t->b + first * d->width;
    size_t per_word;
    switch (d->way) {
    case WAY_REFERENCE: d->table->reference(t->rows, k, a, b, t->c, t->ldc); return;
    case WAY_FMA64: d->table->fma64(t->rows, k, a, b, t->c, t->ldc); return;
    case WAY_FMA32: d->table->fma32(t->rows, k, a32, b32, t->c, t->ldc); return;
    case WAY_INTEGER:
        per_word = assay_product_per_word(d);
        d->table->integer[d->words](t->rows, (k + per_word - 1) / per_word,
                                    1 / (d->scale_a * d->scale_b), (const uint32_t *)t->a,
                                    (const uint32_t *)t->b, t->c, t->ldc);
        return;
    case WAY_SINGLE: assay_product_single_chain(d, t, k, a32, b32); return;
    default: run_chain(d, t, first, k, a, b); return;
    }
}

/* total = RND(total + chain), and the chain starts again at +0. */
static void end_block(const product *d, const tile *t, size_t last, double *total, size_t ld)
{
    const assay_accumulator *acc = &d->adder;
    if (assay_mode_is_stochastic(acc->round.mode)) {
        assay_product_random_total(d, t, last, total, ld);
        for (size_t i = 0; i < t->rows; i++)
            memset(t->c + i * t->ldc, 0, d->width * sizeof *t->c);
        return;
    }
    for (size_t i = 0; i < t->rows; i++) {
        double *x = total + i * ld, *y = t->c + i * t->ldc;
        if (d->way == WAY_FMA64)
            d->table->add64(t->columns, x, y);
        else if (d->way == WAY_FMA32)
            d->table->add32(t->columns, x, y);
        else if (d->has_lanes)
            d->table->add[acc->round.mode](&d->lanes, t->columns, x, y);
        else
            for (size_t j = 0; j < t->columns; j++)
                x[j] = assay_step_define(acc, y[j], 1, x[j]);
        memset(y, 0, d->width * sizeof *y);
    }
}

/* The terms of the k-block at d->from, cut where the accumulator's blocks end. */
static void run_blocks(const product *d, const tile *t, double *total, size_t from, size_t k)
{
    for (size_t p = 0; p < k;) {
        size_t left = d->acc->block - (from + p) % d->acc->block;
        size_t terms = left < k - p ? left : k - p;
        run_terms(d, t, p, terms);
        p += terms;
        if (terms == left || from + p == d->k)
            end_block(d, t, p - 1, total, d->ldo);
    }
}

/* A panel that is narrower than the loops' width borrows a tile. */
static void run_tile(const product *d, tile *t, double *out, size_t from, size_t k)
{
    double spare[ASSAY_TILE_ROWS * ASSAY_TILE_COLUMNS];
    if (d->acc->kind == ASSAY_SUM_BLOCK) {
        run_blocks(d, t, out, from, k);
        return;
    }
    t->c = out;
    t->ldc = d->ldo;
    if (t->columns == d->width) {
        run_terms(d, t, 0, k);
        return;
    }
    memset(spare, 0, sizeof spare);
    for (size_t i = 0; i < t->rows; i++)
        memcpy(spare + i * d->width, out + i * d->ldo, t->columns * sizeof *out);
    t->c = spare;
    t->ldc = d->width;
    run_terms(d, t, 0, k);
    for (size_t i = 0; i < t->rows; i++)
        memcpy(out + i * d->ldo, spare + i * d->width, t->columns * sizeof *out);
}

/* ---- blocks and panels ---- */

static bool is_single(const product *d)
{
    return d->way == WAY_FMA32 || d->way == WAY_SINGLE;
}

static void pack_rows(const product *d, size_t row, size_t rows, size_t from, size_t k, void *out)
{
    bool single = is_single(d);
    for (size_t i = 0; i < rows; i++) {
        const double *a = d->a + (row + i) * d->lda + from;
        if (single)
            for (size_t p = 0; p < k; p++)
                ((float *)out)[p * rows + i] = (float)a[p];
        else
            for (size_t p = 0; p < k; p++)
                ((double *)out)[p * rows + i] = a[p];
    }
}

static double *panel_of(const work *w)
{
    return w->panels + (size_t)omp_get_thread_num() * PANEL_DOUBLES;
}

/* Where the packed rows from `first` on lie: doubles, or words. */
static void *rows_of(const product *d, const work *w, size_t first)
{
    if (d->way == WAY_INTEGER)
        return (uint32_t *)w->a + first * assay_product_row_words(d, w);
    return w->a + first * w->k;
}

static bool are_finite(size_t n, const float *x)
{
    uint32_t special = 0;
    for (size_t i = 0; i < n; i++)
        special |= (assay_bits32(x[i]) & 0x7f800000) == 0x7f800000;
    return special == 0;
}

/* Tile number `index` of the row block at `row`: packed rows and what is known of them. */
static void pack_tile(const product *d, const work *w, size_t index)
{
    size_t first = index * d->table->rows;
    size_t rows = w->rows - first < d->table->rows ? w->rows - first : d->table->rows;
    double *a = (double *)rows_of(d, w, first);
    if (d->way == WAY_INTEGER) {
        assay_product_integer_rows(d, w, first, rows, (uint32_t *)a);
        return;
    }
    pack_rows(d, w->row + first, rows, w->from, w->k, a);
    if (d->way == WAY_SINGLE)
        w->extent[index].finite = are_finite(rows * w->k, (const float *)a);
    if (d->way == WAY_CHAIN)
        d->table->scan(rows * w->k, a, &w->extent[index]);
}

/* Floats have the last third, as they may come of doubles. */
static float *pack_floats(const product *d, const work *w, size_t column, size_t count,
                          double *panel)
{
    float *out = (float *)(panel + ASSAY_TILE_DEPTH * ASSAY_TILE_COLUMNS);
    size_t items = w->k * d->width;
    if (!d->b->round || d->b->round->identity) {
        assay_pack_columns_f32(d->b, w->from, w->k, column, count, d->width, out);
        return out;
    }
    assay_pack_columns(d->b, w->from, w->k, column, count, d->width, panel);
    assay_pack_round(d->b, items, panel);
    for (size_t i = 0; i < items; i++)
        out[i] = (float)panel[i];
    return out;
}

static void *pack_panel(const product *d, const work *w, size_t column, size_t count,
                        assay_product_extent *extent)
{
    size_t items = w->k * d->width;
    double *panel = panel_of(w);
    if (d->way == WAY_INTEGER)
        return assay_product_integer_panel(d, w, column, count, panel);
    if (is_single(d)) {
        float *floats = pack_floats(d, w, column, count, panel);
        extent->finite = d->way == WAY_SINGLE && are_finite(items, floats);
        return floats;
    }
    assay_pack_columns(d->b, w->from, w->k, column, count, d->width, panel);
    assay_pack_round(d->b, items, panel);
    if (d->way == WAY_CHAIN)
        d->table->scan(items, panel, extent);
    return panel;
}

/* The sums of a tile lie rows apart, where no hardware prefetcher expects them: worth 8 %. */
static void prefetch_tile(const product *d, const double *out)
{
    for (size_t i = 0; i < d->table->rows; i++)
        for (size_t j = 0; j < d->width; j += 64 / sizeof *out)
            __builtin_prefetch(out + i * d->ldo + j, 1);
}

static void run_panel(const product *d, const work *w, size_t index)
{
    size_t column = index * d->width, rows = d->table->rows;
    size_t count = d->n - column < d->width ? d->n - column : d->width;
    assay_product_extent extent;
    const void *b = pack_panel(d, w, column, count, &extent);
    for (size_t i = 0; i * rows < w->rows; i++) {
        size_t first = i * rows;
        tile t = { .rows = w->rows - first < rows ? w->rows - first : rows,
                   .columns = count,
                   .a = rows_of(d, w, first),
                   .b = b,
                   .a_extent = &w->extent[i],
                   .b_extent = &extent,
                   .c = w->chains + (index * w->rows + first) * d->width,
                   .space = panel_of(w),
                   .ldc = d->width,
                   .row = w->row + first,
                   .column = column,
                   .term = w->from };
        double *out = d->out + (w->row + first) * d->ldo + column;
        if (first + 2 * rows <= w->rows && count == d->width)
            prefetch_tile(d, out + rows * d->ldo);
        run_tile(d, &t, out, w->from, w->k);
    }
}

void assay_product_run(const product *d, void *workspace)
{
    size_t panels = (d->n + d->width - 1) / d->width;
    size_t rows = d->way == WAY_INTEGER ? INTEGER_ROWS : ASSAY_BLOCK_ROWS;
    for (size_t row = 0; row < d->m; row += rows)
        for (size_t from = 0; from < d->k; from += d->depth) {
            work w = assay_product_work(d, row, from, workspace);
            w.rows = d->m - row < rows ? d->m - row : rows;
            size_t tiles = (w.rows + d->table->rows - 1) / d->table->rows;
            if (d->acc->kind == ASSAY_SUM_BLOCK && from == 0)
                memset(w.chains, 0, panels * w.rows * d->width * sizeof(double));
#pragma omp parallel if (d->parallel)
            {
#pragma omp for schedule(static)
                for (size_t i = 0; i < tiles; i++)
                    pack_tile(d, &w, i);
#pragma omp for schedule(static)
                for (size_t j = 0; j < panels; j++)
                    run_panel(d, &w, j);
            }
        }
}
