/* SPDX-License-Identifier: Apache-2.0 */
/* Products on a matrix unit: operands into its codes, a panel of columns at a time, and back. */
#include <omp.h>
#include <string.h>

#include "kernels/accumulator_parts.h"
#include "kernels/mma_parts.h"
#include "kernels/product_parts.h"
#include "kernels/sum.h"
#include "rounding/array.h"

enum { PANEL = 1024 }; /* columns */

/* The workspace: codes of A, of a panel of B and its C and D, scales, a row for each thread. */
typedef struct parts {
    size_t panel, scales, row; /* columns; scales of a row of A or B; doubles of a row */
    unsigned char *a, *b, *d;
    uint8_t *sa, *sb;
    double *rows;
    void *rest;
} parts;

static unsigned char *take(uintptr_t *at, size_t bytes)
{
    unsigned char *p = (unsigned char *)*at;
    *at += (bytes + 63) / 64 * 64;
    return p;
}

/* Lays the parts out from address `at`; returns where they end. */
static uintptr_t lay_out(const assay_mma_unit *u, size_t m, size_t n, size_t k, uintptr_t at,
                         parts *s)
{
    size_t K = (size_t)u->K;
    s->panel = n < PANEL ? n : PANEL;
    s->scales = u->block ? (k + K - 1) / K * (K / (size_t)u->block) : 0;
    s->row = (k > s->panel ? k : s->panel) + 8;
    s->a = take(&at, m * k * assay_mma_format_bytes(u->fa));
    s->b = take(&at, s->panel * k * assay_mma_format_bytes(u->fb));
    s->d = take(&at, m * s->panel * assay_mma_format_bytes(u->fc));
    s->sa = take(&at, m * s->scales);
    s->sb = take(&at, s->panel * s->scales);
    s->rows = (double *)take(&at, (size_t)omp_get_max_threads() * s->row * sizeof *s->rows);
    s->rest = (void *)at;
    return at + assay_mma_workspace(u, m, s->panel, k);
}

size_t assay_product_unit_bytes(const assay_accumulator *acc, size_t m, size_t n, size_t k)
{
    parts s;
    return acc->kind == ASSAY_SUM_UNIT ? lay_out(&acc->unit, m, n, k, 0, &s) : 0;
}

/* ---- operands into codes ---- */

static double *own_row(const parts *s)
{
    return s->rows + (size_t)omp_get_thread_num() * s->row;
}

static void encode_rows(const product *d, const parts *s)
{
    const assay_rounder *r = &d->acc->operand[0];
    size_t bytes = d->k * assay_mma_format_bytes(d->acc->unit.fa);
#pragma omp parallel for schedule(static) if (d->parallel)
    for (size_t i = 0; i < d->m; i++)
        assay_encode_array_f64(r, d->a + i * d->lda, s->a + i * bytes, d->k);
}

static void encode_columns(const product *d, const parts *s, size_t column, size_t count)
{
    const assay_operand *b = d->b;
    const assay_rounder *r = &d->acc->operand[1];
    size_t bytes = d->k * assay_mma_format_bytes(d->acc->unit.fb);
#pragma omp parallel for schedule(static) if (d->parallel)
    for (size_t j = 0; j < count; j++) {
        double *row = own_row(s);
        assay_pack_columns(b, 0, d->k, column + j, 1, 1, row);
        assay_pack_round(b, d->k, row);
        assay_encode_array_f64(r, row, s->b + j * bytes, d->k);
    }
}

/* ---- C and D ---- */

/* out holds C. */
static void load_c(const product *d, const parts *s, size_t column, size_t count)
{
    const assay_mma_unit *u = &d->acc->unit;
    size_t bytes = assay_mma_format_bytes(u->fc);
    for (size_t i = 0; i < d->m; i++) {
        const double *row = d->out + i * d->ldo + column;
        unsigned char *codes = s->d + i * count * bytes;
        if (u->fc != ASSAY_MMA_S32)
            assay_encode_array_f64(&d->acc->round, row, codes, count);
        else
            for (size_t j = 0; j < count; j++)
                mma_store(u->fc, codes, j, (uint32_t)assay_unit_integer(row[j]));
    }
}

static void store_d(const product *d, const parts *s, size_t column, size_t count)
{
    const assay_mma_unit *u = &d->acc->unit;
    size_t bytes = assay_mma_format_bytes(u->fc);
    for (size_t i = 0; i < d->m; i++) {
        double *row = d->out + i * d->ldo + column;
        const unsigned char *codes = s->d + i * count * bytes;
        if (u->fc != ASSAY_MMA_S32)
            assay_decode_array_f64(&d->acc->round.format, codes, row, count);
        else
            for (size_t j = 0; j < count; j++)
                row[j] = (double)(int32_t)(uint32_t)mma_load(u->fc, codes, j);
        for (size_t j = 0; j < count; j++)
            row[j] = row[j] == row[j] ? row[j] : d->acc->round.nan_value;
    }
}

/* ---- scales ---- */

/* Scales of `count` vectors as codes; those that fill up the last instruction are 1. */
static void encode_scales(const product *d, const parts *s, const assay_scales *x, size_t first,
                          size_t count, uint8_t *codes)
{
    const assay_accumulator *acc = d->acc;
    size_t block = acc->unit.block ? (size_t)acc->unit.block : 1;
    for (size_t i = 0; i < count; i++)
        for (size_t b = 0; b < s->scales; b++) {
            bool given = x && x->value && b * block < d->k;
            size_t at = given ? (first + i) / x->vectors * x->ld + b * block / x->block : 0;
            codes[i * s->scales + b] =
                (uint8_t)assay_round_code(&acc->scale, given ? x->value[at] : 1);
        }
}

/* ---- the product ---- */

static void run(const product *d, const assay_scales *sa, const assay_scales *sb, void *workspace)
{
    const assay_accumulator *acc = d->acc;
    parts s;
    lay_out(&acc->unit, d->m, d->n, d->k, (uintptr_t)workspace, &s);
    encode_rows(d, &s);
    encode_scales(d, &s, sa, 0, d->m, s.sa);
    for (size_t j = 0; j < d->n; j += s.panel) {
        size_t count = d->n - j < s.panel ? d->n - j : s.panel;
        encode_columns(d, &s, j, count);
        encode_scales(d, &s, sb, j, count, s.sb);
        load_c(d, &s, j, count);
        assay_mma_operands x = { s.a, s.b, s.d, d->k, d->k, count, s.sa, s.sb, s.scales, s.scales };
        assay_status status =
            assay_mma_product(&acc->unit, &acc->plan, d->m, count, d->k, &x, s.d, count, s.rest);
        if (status != ASSAY_OK)
            __builtin_trap(); /* reading the accumulator has checked it, and it fills k up */
        store_d(d, &s, j, count);
    }
}

void assay_product_unit(product *d, void *workspace)
{
    run(d, NULL, NULL, workspace);
}

/* out = RND(out x tensors + C) */
static void apply_tensors(const product *d, const assay_scales *sa, const assay_scales *sb,
                          const double *c, size_t ldc)
{
    double a = sa->tensor != 0 ? sa->tensor : 1, b = sb->tensor != 0 ? sb->tensor : 1;
    const assay_summer s = assay_summer_make(d->acc, NULL, NULL);
    for (size_t i = 0; i < d->m; i++)
        for (size_t j = 0; j < d->n; j++) {
            double *x = &d->out[i * d->ldo + j];
            *x = assay_sum_scaled(&s, *x, a, b, c ? c[i * ldc + j] : 0, 0);
        }
}

/* With tensors' scales C joins after them, so that `sums` holds D first. */
void assay_product_unit_scaled(const assay_accumulator *acc, size_t m, size_t n, size_t k,
                               const double *a, size_t lda, const assay_scales *sa,
                               const assay_operand *b, const assay_scales *sb,
                               const assay_product_more *more, double *out, size_t ldo,
                               void *workspace)
{
    bool tensors = (sa->tensor != 0 && sa->tensor != 1) || (sb->tensor != 0 && sb->tensor != 1);
    double *sums = (double *)workspace;
    void *rest = (unsigned char *)workspace + (m * n * sizeof *sums + 63) / 64 * 64;
    product d = { .acc = acc, .m = m, .n = n, .k = k, .a = a, .lda = lda, .b = b };
    d.parallel = m * n * k >= PARALLEL_TERMS;
    d.out = sums;
    d.ldo = n;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            sums[i * n + j] = more->c && !tensors ? more->c[i * more->ldc + j] : 0;
    if (m > 0 && n > 0 && k > 0)
        run(&d, sa, sb, rest);
    if (tensors)
        apply_tensors(&d, sa, sb, more->c, more->ldc);
    for (size_t i = 0; i < m; i++)
        memcpy(out + i * ldo, sums + i * n, n * sizeof *sums);
}
