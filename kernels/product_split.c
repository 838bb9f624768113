/* SPDX-License-Identifier: Apache-2.0 */
/* Products of a wide precision from narrower units: operands cut into slices, products of slices
 * summed by other accumulators. docs/kernels-product.md, section 8. */
#include <math.h>
#include <string.h>

#include "kernels/product_parts.h"
#include "kernels/sum.h"
#include "numerics/bits.h"

enum { PARTS = 3, DIGIT = 7 }; /* bfloat16 parts of a binary32; bits of an int8 slice */

bool assay_product_is_split(const assay_accumulator *acc)
{
    return acc->kind == ASSAY_SUM_BF16X9 || acc->kind == ASSAY_SUM_OZAKI;
}

/* ---- slices of one number ---- */

static bool is_finite(double x)
{
    return x - x == 0;
}

/* The part of a finite binary32 that bfloat16 holds, cut where rounding would overflow. */
static double bfloat16_of(float x)
{
    const float most = 0x1.fep127f;
    uint32_t u = assay_bits32(x);
    u += 0x7fff + (u >> 16 & 1);
    float y = assay_from_bits32(u & 0xffff0000);
    return (double)(y > most ? most : y < -most ? -most : y);
}

/* x = part[0] + 2^-8 part[1] + 2^-16 part[2], exactly but for what falls below 2^-149. */
static void cut_binary32(double x, double part[PARTS])
{
    float rest = (float)x;
    for (int s = 0; s < PARTS; s++) {
        part[s] = is_finite((double)rest) ? bfloat16_of(rest) : 0;
        rest = (rest - (float)part[s]) * 0x1p8f;
    }
}

/* x 2^-e in (-1, 1), in digits of 7 bits and its own sign: x = 2^e sum of digit[s] 2^(-7(s+1)). */
static void cut_binary64(double x, int e, size_t slices, double *digit)
{
    double rest = x * assay_pow2(-e / 2) * assay_pow2(-e - -e / 2);
    for (size_t s = 0; s < slices; s++) {
        double scaled = rest * (1 << DIGIT);
        digit[s] = is_finite(scaled) ? trunc(scaled) : 0;
        rest = scaled - digit[s];
    }
}

/* The least e with |x| < 2^e for all n elements that are finite; 0 if these are zeros. */
static int exponent_above(const double *x, size_t stride, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        if (is_finite(x[i * stride]) && fabs(x[i * stride]) > most)
            most = fabs(x[i * stride]);
    return most > 0 ? assay_exponent(most) + 1 : 0;
}

/* x 2^e with one rounding, |x| < 2^60 and at least 2^-112 or zero. */
static double scale_by(double x, int e)
{
    int first = e > 900 ? 900 : e < -800 ? -800 : e, second = e - first;
    second = second > 1023 ? 1023 : second < -1074 ? -1074 : second;
    return x * assay_pow2(first) * assay_pow2(second);
}

/* ---- sums by their definition ---- */

static bool has_special(const assay_sum_terms *t, bool narrow)
{
    for (size_t p = 0; p < t->k; p++) {
        double x = t->x[p * t->sx], y = t->y[p * t->sy];
        if (!is_finite(narrow ? (double)(float)x : x) || !is_finite(narrow ? (double)(float)y : y))
            return true;
    }
    return false;
}

static float bf16x9_chains(const assay_sum_terms *t)
{
    float sum = 0;
    for (int g = 2 * PARTS - 2; g >= 0; g--) {
        for (int a = g < PARTS ? 0 : g - PARTS + 1; a <= g && a < PARTS; a++)
            for (size_t p = 0; p < t->k; p++) {
                double x[PARTS], y[PARTS];
                cut_binary32(t->x[p * t->sx], x);
                cut_binary32(t->y[p * t->sy], y);
                sum = __builtin_fmaf((float)x[a], (float)y[g - a], sum);
            }
        sum = g > 0 ? sum * 0x1p-8f : sum;
    }
    return sum;
}

static double sum_bf16x9(const assay_sum_terms *t, const double *c)
{
    float sum = 0;
    if (has_special(t, true))
        for (size_t p = 0; p < t->k; p++)
            sum = __builtin_fmaf((float)t->x[p * t->sx], (float)t->y[p * t->sy], sum);
    else
        sum = bf16x9_chains(t);
    return (double)(c ? sum + (float)*c : sum);
}

/* The exact sum of products of digits a and g - a over all a, a multiple of 1. */
static int64_t digit_group(const assay_sum_terms *t, int e, int f, size_t g)
{
    int64_t sum = 0;
    for (size_t p = 0; p < t->k; p++) {
        double x[ASSAY_OZAKI_SLICES], y[ASSAY_OZAKI_SLICES];
        cut_binary64(t->x[p * t->sx], e, g + 1, x);
        cut_binary64(t->y[p * t->sy], f, g + 1, y);
        for (size_t a = 0; a <= g; a++)
            sum += (int64_t)x[a] * (int64_t)y[g - a];
    }
    return sum;
}

static double group_weight(size_t g)
{
    return assay_pow2(-DIGIT * (int)(g + 2));
}

static double sum_ozaki(const assay_sum_terms *t, size_t slices, const double *c)
{
    double sum = 0;
    if (has_special(t, false)) {
        for (size_t p = 0; p < t->k; p++)
            sum = sum + t->x[p * t->sx] * t->y[p * t->sy];
    } else {
        int e = exponent_above(t->x, t->sx, t->k), f = exponent_above(t->y, t->sy, t->k);
        for (size_t g = slices; g-- > 0;)
            sum = sum + (double)digit_group(t, e, f, g) * group_weight(g);
        sum = scale_by(sum, e + f);
    }
    return c ? sum + *c : sum;
}

double assay_sum_split(const assay_summer *s, const assay_sum_terms *t, const double *c)
{
    double x = t->k == 0                          ? (c ? *c : 0)
               : s->acc->kind == ASSAY_SUM_BF16X9 ? sum_bf16x9(t, c)
                                                  : sum_ozaki(t, s->acc->block, c);
    return x == x ? x : s->acc->round.nan_value;
}

/* ---- whole products ---- */

/* The operands' slices; A as [slices][m][k], B as bfloat16, which holds them all, [slices][n][k].
 * A row or a column with an infinity or NaN is special. */
typedef struct slices {
    size_t count;
    double *a, *column, *sums;
    uint16_t *b;
    int *row_exponent, *column_exponent;
    bool *row_special, *column_special;
    void *rest;
} slices;

static size_t slice_count(const assay_accumulator *acc)
{
    return acc->kind == ASSAY_SUM_BF16X9 ? PARTS : acc->block;
}

static assay_accumulator inner_of(const assay_accumulator *acc)
{
    assay_accumulator inner = *acc;
    inner.kind = acc->kind == ASSAY_SUM_BF16X9 ? ASSAY_SUM_STEP : ASSAY_SUM_REFERENCE;
    return inner;
}

static void *take(uintptr_t *next, size_t items, size_t size)
{
    void *p = (void *)*next;
    *next += (items * size + 63) / 64 * 64;
    return p;
}

/* Lays the slices out from address `at`; returns where they end. */
static uintptr_t lay_out(const assay_accumulator *acc, size_t m, size_t n, size_t k, uintptr_t at,
                         slices *s)
{
    s->count = slice_count(acc);
    s->a = (double *)take(&at, s->count * m * k, sizeof *s->a);
    s->column = (double *)take(&at, k, sizeof *s->column);
    s->sums = (double *)take(&at, m * n, sizeof *s->sums);
    s->b = (uint16_t *)take(&at, s->count * n * k, sizeof *s->b);
    s->row_exponent = (int *)take(&at, m, sizeof *s->row_exponent);
    s->column_exponent = (int *)take(&at, n, sizeof *s->column_exponent);
    s->row_special = (bool *)take(&at, m, sizeof *s->row_special);
    s->column_special = (bool *)take(&at, n, sizeof *s->column_special);
    s->rest = (void *)at;
    return at;
}

size_t assay_product_split_bytes(const assay_accumulator *acc, size_t m, size_t n, size_t k)
{
    slices s;
    if (!assay_product_is_split(acc))
        return 0;
    assay_accumulator inner = inner_of(acc);
    return lay_out(acc, m, n, k, 0, &s) + assay_product_workspace(&inner, m, n, k);
}

/* Cuts element p of a vector; returns whether it is finite. */
static bool cut(const product *d, double x, int e, double *part)
{
    if (d->acc->kind == ASSAY_SUM_BF16X9) {
        cut_binary32(x, part);
        return is_finite((double)(float)x);
    }
    cut_binary64(x, e, d->acc->block, part);
    return is_finite(x);
}

static void cut_row(const product *d, slices *s, size_t i)
{
    const double *row = d->a + i * d->lda;
    double part[ASSAY_OZAKI_SLICES];
    s->row_exponent[i] = exponent_above(row, 1, d->k);
    s->row_special[i] = false;
    for (size_t p = 0; p < d->k; p++) {
        s->row_special[i] |= !cut(d, row[p], s->row_exponent[i], part);
        for (size_t q = 0; q < s->count; q++)
            s->a[(q * d->m + i) * d->k + p] = part[q];
    }
}

static void load_column(const product *d, slices *s, size_t j)
{
    assay_pack_columns(d->b, 0, d->k, j, 1, 1, s->column);
    assay_pack_round(d->b, d->k, s->column);
}

static void cut_column(const product *d, slices *s, size_t j)
{
    double part[ASSAY_OZAKI_SLICES];
    load_column(d, s, j);
    s->column_exponent[j] = exponent_above(s->column, 1, d->k);
    s->column_special[j] = false;
    for (size_t p = 0; p < d->k; p++) {
        s->column_special[j] |= !cut(d, s->column[p], s->column_exponent[j], part);
        for (size_t q = 0; q < s->count; q++)
            s->b[(q * d->n + j) * d->k + p] = (uint16_t)(assay_bits32((float)part[q]) >> 16);
    }
}

/* sums += slices a of A times slices b of B. */
static void add_slices(const product *d, const slices *s, size_t a, size_t b, double *sums,
                       size_t ld)
{
    assay_accumulator inner = inner_of(d->acc);
    assay_operand operand = { s->b + b * d->n * d->k, ASSAY_STORAGE_BF16, 1, d->k, NULL };
    assay_product_more more = { .c = sums, .ldc = ld };
    assay_product_with(&inner, d->m, d->n, d->k, s->a + a * d->m * d->k, d->k, &operand, &more,
                       sums, ld, s->rest);
}

static void run_bf16x9(const product *d, const slices *s)
{
    for (size_t g = 2 * PARTS - 1; g-- > 0;) {
        for (size_t a = g < PARTS ? 0 : g - PARTS + 1; a <= g && a < PARTS; a++)
            add_slices(d, s, a, g - a, d->out, d->ldo);
        for (size_t i = 0; g > 0 && i < d->m; i++)
            for (size_t j = 0; j < d->n; j++)
                d->out[i * d->ldo + j] = (double)((float)d->out[i * d->ldo + j] * 0x1p-8f);
    }
}

static void run_ozaki(const product *d, const slices *s)
{
    for (size_t g = s->count; g-- > 0;) {
        memset(s->sums, 0, d->m * d->n * sizeof *s->sums);
        for (size_t a = 0; a <= g; a++)
            add_slices(d, s, a, g - a, s->sums, d->n);
        for (size_t i = 0; i < d->m; i++)
            for (size_t j = 0; j < d->n; j++) {
                double *out = &d->out[i * d->ldo + j];
                *out = *out + s->sums[i * d->n + j] * group_weight(g);
            }
    }
    for (size_t i = 0; i < d->m; i++)
        for (size_t j = 0; j < d->n; j++)
            d->out[i * d->ldo + j] =
                scale_by(d->out[i * d->ldo + j], s->row_exponent[i] + s->column_exponent[j]);
}

/* C, and the sums that the slices do not give. */
static void finish_column(const product *d, slices *s, size_t j)
{
    const assay_summer summer = { .acc = d->acc };
    bool narrow = d->acc->kind == ASSAY_SUM_BF16X9, loaded = false;
    for (size_t i = 0; i < d->m; i++) {
        const double *c = product_c(d, i, j);
        double *out = &d->out[i * d->ldo + j];
        if (s->row_special[i] || s->column_special[j]) {
            if (!loaded)
                load_column(d, s, j);
            loaded = true;
            assay_sum_terms t = { d->k, d->a + i * d->lda, s->column, 1, 1, 0 };
            *out = assay_sum_split(&summer, &t, c);
            continue;
        }
        if (c)
            *out = narrow ? (double)((float)*out + (float)*c) : *out + *c;
        *out = *out == *out ? *out : d->acc->round.nan_value;
    }
}

void assay_product_split(const product *d, void *workspace)
{
    slices s;
    lay_out(d->acc, d->m, d->n, d->k, (uintptr_t)workspace, &s);
    for (size_t i = 0; i < d->m; i++)
        cut_row(d, &s, i);
    for (size_t j = 0; j < d->n; j++)
        cut_column(d, &s, j);
    for (size_t i = 0; i < d->m; i++)
        memset(d->out + i * d->ldo, 0, d->n * sizeof *d->out);
    if (d->acc->kind == ASSAY_SUM_BF16X9)
        run_bf16x9(d, &s);
    else
        run_ozaki(d, &s);
    for (size_t j = 0; j < d->n; j++)
        finish_column(d, &s, j);
}
