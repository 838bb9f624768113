/* SPDX-License-Identifier: Apache-2.0 */
/* Exact and double-double products, and where a product's workspace goes. Numbers in brackets are
 * sections of docs/kernels-product.md. */
#include <limits.h>
#include <omp.h>
#include <string.h>

#include "kernels/exact_sum.h"
#include "kernels/product_parts.h"
#include "kernels/storage.h"
#include "numerics/exact.h"

enum { WIDE_COLUMNS = ASSAY_TILE_COLUMNS / 2 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t round_up(size_t x, size_t unit)
{
    return (x + unit - 1) / unit * unit;
}

/* Doubles for the packed rows; every tile has at least one row. */
static size_t row_doubles(size_t m, size_t k)
{
    return round_up(least(m, ASSAY_BLOCK_ROWS) * least(k, ASSAY_TILE_DEPTH), 8);
}

static size_t extent_doubles(size_t m)
{
    return round_up(least(m, ASSAY_BLOCK_ROWS) * sizeof(assay_product_extent) / sizeof(double) + 1,
                    8);
}

static size_t exact_doubles(size_t k)
{
    return round_up((WIDE_COLUMNS + 2) * k, 8);
}

static size_t threads(void)
{
    return (size_t)omp_get_max_threads();
}

size_t assay_product_workspace(const assay_accumulator *acc, size_t m, size_t n, size_t k)
{
    size_t doubles = row_doubles(m, k) + extent_doubles(m) + threads() * PANEL_DOUBLES;
    if (acc->kind == ASSAY_SUM_BLOCK)
        doubles += least(m, ASSAY_BLOCK_ROWS) * round_up(n, ASSAY_TILE_COLUMNS);
    if (acc->kind == ASSAY_SUM_EXACT)
        doubles += larger(threads() * exact_doubles(k), assay_product_sliced_doubles(k, threads()));
    else if (assay_product_is_defined(acc))
        doubles += threads() * exact_doubles(k);
    return doubles * sizeof(double) + assay_product_split_bytes(acc, m, n, k) +
           assay_product_unit_bytes(acc, m, n, k);
}

double *assay_product_spaces(const product *d, void *workspace)
{
    return assay_product_work(d, 0, 0, workspace).chains;
}

double *assay_product_space(const product *d, void *workspace)
{
    return assay_product_spaces(d, workspace) + (size_t)omp_get_thread_num() * exact_doubles(d->k);
}

void assay_product_pack(const product *d, size_t column, size_t count, double *panel)
{
    size_t width = d->table->columns;
    assay_pack_columns(d->b, 0, d->k, column, count, width, panel);
    assay_pack_round(d->b, d->k * width, panel);
}

work assay_product_work(const product *d, size_t row, size_t from, void *workspace)
{
    work w = { .row = row,
               .rows = least(d->m - row, ASSAY_BLOCK_ROWS),
               .from = from,
               .k = least(d->k - from, d->depth ? d->depth : ASSAY_TILE_DEPTH),
               .a = (double *)workspace };
    double *extents = w.a + row_doubles(d->m, d->k);
    w.extent = (assay_product_extent *)extents;
    w.panels = extents + extent_doubles(d->m);
    w.chains = w.panels + threads() * PANEL_DOUBLES;
    return w;
}

/* ---- sums that are exact in binary64 ---- */

static void widen(assay_product_extent *all, const assay_product_extent *x)
{
    all->finite &= x->finite;
    all->unit = x->unit < all->unit ? x->unit : all->unit;
    all->top = x->top > all->top ? x->top : all->top;
    all->bits = x->bits > all->bits ? x->bits : all->bits;
    all->least = x->least < all->least ? x->least : all->least;
    all->most = x->most > all->most ? x->most : all->most;
}

static void scan_rows(const product *d, assay_product_extent *all)
{
    for (size_t i = 0; i < d->m && all->finite; i++) {
        assay_product_extent row;
        d->table->scan(d->k, d->a + i * d->lda, &row);
        widen(all, &row);
    }
}

/* A column whose terms lie side by side is scanned where it lies. */
static void scan_column(const product *d, size_t column, double *space, assay_product_extent *all)
{
    for (size_t from = 0; from < d->k && all->finite; from += PANEL_DOUBLES) {
        size_t k = least(d->k - from, PANEL_DOUBLES);
        assay_product_extent part;
        d->table->scan(k, assay_column(d->b, from, k, column, space), &part);
        widen(all, &part);
    }
}

static void scan_panel(const product *d, size_t column, double *panel, assay_product_extent *all)
{
    size_t width = d->table->columns, columns = least(d->n - column, width);
    bool rounds = d->b->round && !d->b->round->identity;
    if (!rounds && assay_has_columns(d->b)) {
        for (size_t j = 0; j < columns; j++)
            scan_column(d, column + j, panel, all);
        return;
    }
    for (size_t from = 0; from < d->k && all->finite; from += ASSAY_TILE_DEPTH) {
        size_t k = least(d->k - from, ASSAY_TILE_DEPTH);
        assay_product_extent part;
        assay_pack_columns(d->b, from, k, column, columns, width, panel);
        assay_pack_round(d->b, k * width, panel);
        d->table->scan(k * width, panel, &part);
        widen(all, &part);
    }
}

void assay_product_scan(const product *d, void *workspace, assay_product_extent *a,
                        assay_product_extent *b)
{
    const assay_product_extent none = { INT_MAX, INT_MIN, 1, true, 0, 0 };
    work w = assay_product_work(d, 0, 0, workspace);
    *a = *b = none;
    scan_rows(d, a);
#pragma omp parallel if (d->parallel && a->finite)
    {
        assay_product_extent mine = none;
        mine.finite = a->finite;
        double *panel = w.panels + (size_t)omp_get_thread_num() * PANEL_DOUBLES;
#pragma omp for schedule(static)
        for (size_t j = 0; j < d->n; j += d->table->columns)
            scan_panel(d, j, panel, &mine);
#pragma omp critical(assay_product_extent)
        widen(b, &mine);
    }
}

bool assay_product_sums_are_exact(const product *d, const assay_product_extent *a,
                                  const assay_product_extent *b)
{
    if (!a->finite || !b->finite)
        return false;
    if (a->unit == INT_MAX || b->unit == INT_MAX)
        return true;
    int unit = a->unit + b->unit, top = a->top + b->top + 64 - __builtin_clzll((uint64_t)d->k);
    return unit >= -1074 && top <= 1023 && top - unit <= 53;
}

static double element(const product *d, size_t p, size_t j)
{
    size_t at = p * d->b->row_stride + j * d->b->column_stride;
    const unsigned char *data = (const unsigned char *)d->b->data;
    double x = storage_load(d->b->storage, data + at * storage_bytes(d->b->storage));
    return d->b->round ? assay_round(d->b->round, x) : x;
}

/* The zero that an exact zero sum is: its terms' if they are zeros of one sign. */
double assay_product_zero(const product *d, size_t i, size_t j)
{
    bool rdn = d->acc->round.mode == ASSAY_RDN;
    double mixed = rdn ? -0.0 : 0.0;
    for (size_t p = 0; p < d->k; p++) {
        double x = d->a[i * d->lda + p] * element(d, p, j);
        if (x != 0 || assay_bits64(x) == assay_bits64(mixed))
            return mixed;
    }
    return -mixed;
}

double assay_product_round(const product *d, assay_exact x, size_t i, size_t j)
{
    const assay_rounder *r = &d->acc->round;
    return assay_decode(&r->format,
                        assay_round_exact_at(r, x, &d->more->random, product_index(d, i, j)));
}

static bool has_zero(const double *x, size_t n)
{
    int64_t zeros = 0;
    for (size_t j = 0; j < n; j++)
        zeros |= x[j] == 0 ? -1 : 0;
    return zeros != 0;
}

static void round_row(const product *d, size_t i)
{
    const assay_rounder *r = &d->acc->round;
    double *row = d->out + i * d->ldo;
    if (has_zero(row, d->n))
        for (size_t j = 0; j < d->n; j++)
            row[j] = row[j] != 0 ? row[j] : assay_product_zero(d, i, j);
    if (!d->more->c && (r->identity || (d->has_lanes && !assay_mode_is_stochastic(r->mode)))) {
        if (!r->identity)
            d->table->round[r->mode](&d->lanes, d->n, row);
        return;
    }
    for (size_t j = 0; j < d->n; j++) {
        const double *c = product_c(d, i, j);
        assay_exact x = c ? assay_exact_fma(row[j], 1, *c, r->mode) : assay_exact_from(row[j]);
        row[j] = assay_product_round(d, x, i, j);
    }
}

void assay_product_round_sums(const product *d)
{
#pragma omp parallel for schedule(static) if (d->parallel)
    for (size_t i = 0; i < d->m; i++)
        round_row(d, i);
}

/* ---- exact sums in general ---- */

typedef struct column_panel {
    double *b, *pairs; /* [k][width]; a row as pairs (a, 0) */
    size_t column, count;
    assay_product_extent extent;
} column_panel;

static double by_superaccumulator(const product *d, const column_panel *c, size_t i, size_t j)
{
    assay_superaccumulator s;
    assay_superaccumulator_clear(&s);
    assay_superaccumulator_add_dot_f64(&s, d->k, d->a + i * d->lda, 1, c->b + j, d->table->columns);
    if (product_c(d, i, c->column + j))
        assay_superaccumulator_add(&s, *product_c(d, i, c->column + j));
    return assay_product_round(d, assay_exact_sum(&s, d->acc->round.mode), i, c->column + j);
}

static bool round_pair(const assay_rounder *r, double hi, double lo, uint64_t *code)
{
    assay_dd x = assay_two_sum(hi, lo);
    *code = assay_round_exact(r, assay_exact_from_pair(x.hi, x.lo));
    return x.hi - x.hi == 0 && x.hi != 0;
}

/* Whether everything within `error` of hi + lo rounds to one value: rounding is monotone but for
 * overflow on both sides to one NaN, so that equal ends settle what lies between [4]. */
static bool settled(const assay_rounder *r, double hi, double lo, double error, double *out)
{
    uint64_t below, above;
    if (!round_pair(r, hi, lo - error, &below) || !round_pair(r, hi, lo + error, &above) ||
        below != above)
        return false;
    *out = assay_decode(&r->format, below);
    return *out == *out;
}

/* Row i as pairs; a bound on the error of its double-double sums, or NaN if there is none. */
static double prepare_row(const product *d, const column_panel *c, size_t i)
{
    const double *a = d->a + i * d->lda;
    double magnitude = 0;
    assay_product_extent row;
    for (size_t p = 0; p < d->k; p++) {
        c->pairs[2 * p] = a[p];
        c->pairs[2 * p + 1] = 0;
        magnitude += __builtin_fabs(a[p]);
    }
    d->table->scan(d->k, a, &row);
    const assay_product_extent *b = &c->extent;
    if (!row.finite || !b->finite || row.unit == INT_MAX || b->unit == INT_MAX ||
        row.unit + b->unit < -1074 || row.top > 900 || b->top > 900 || row.top + b->top > 900 ||
        d->k > (size_t)1 << 40 || b->top < -900)
        return __builtin_nan("");
    return magnitude * assay_pow2(b->top) * ((double)d->k * 0x1p-101) + 0x1p-1000;
}

static void exact_row(const product *d, const column_panel *c, size_t i)
{
    double hi[WIDE_COLUMNS] = { 0 }, lo[WIDE_COLUMNS] = { 0 };
    double error = prepare_row(d, c, i), *out = d->out + i * d->ldo + c->column;
    bool bounded = error == error && !assay_mode_is_stochastic(d->acc->round.mode);
    if (bounded)
        d->table->wide(d->k, c->pairs, c->b, NULL, hi, lo);
    for (size_t j = 0; j < c->count; j++) {
        const double *more = product_c(d, i, c->column + j);
        assay_dd sum = { hi[j], lo[j] };
        if (more)
            sum = assay_dd_add_d(sum, *more);
        double e = more ? error + __builtin_fabs(*more) * 0x1p-101 : error;
        if (!bounded || !settled(&d->acc->round, sum.hi, sum.lo, e, &out[j]))
            out[j] = by_superaccumulator(d, c, i, j);
    }
}

static void exact_panel(const product *d, double *space, size_t column)
{
    size_t width = d->table->columns;
    column_panel c = { .b = space, .pairs = space + width * d->k, .column = column };
    c.count = least(d->n - column, width);
    assay_product_pack(d, column, c.count, c.b);
    d->table->scan(d->k * width, c.b, &c.extent);
    for (size_t i = 0; i < d->m; i++)
        exact_row(d, &c, i);
}

void assay_product_exact(const product *d, void *workspace)
{
#pragma omp parallel for schedule(static) if (d->parallel)
    for (size_t j = 0; j < d->n; j += d->table->columns)
        exact_panel(d, assay_product_space(d, workspace), j);
}
