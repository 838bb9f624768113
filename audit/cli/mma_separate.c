/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/mma_separate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/npy.h"
#include "kernels/mma_parts.h"

enum { TRIES = 20000, MOST = 256 };

/* One vector under construction and those kept so far. */
typedef struct vectors {
    const cli_mma_question *q;
    const assay_mma_unit **units; /* one of each group */
    size_t groups, count, k, scales;
    unsigned char *a, *b, *c, *sa, *sb, *d; /* [MOST][..]; d [groups][MOST] */
    uint64_t state;
} vectors;

static uint64_t draw(vectors *v)
{
    v->state ^= v->state << 13;
    v->state ^= v->state >> 7;
    return v->state ^= v->state << 17;
}

/* Any bits, or exponents in a window that starts anywhere: there terms are cut off. */
static uint64_t element(vectors *v, assay_mma_format f, uint64_t base, uint64_t window)
{
    uint64_t code =
        draw(v) & (assay_mma_format_bits(f) < 64 ? ((uint64_t)1 << assay_mma_format_bits(f)) - 1
                                                 : UINT64_MAX);
    if (mma_is_integer(f))
        return code;
    mma_layout l = mma_layout_of(f);
    int drop = f == ASSAY_MMA_TF32 ? 13 : 0, low = l.fraction_bits + drop;
    uint64_t fields = (uint64_t)1 << l.exponent_bits, field = base % fields + draw(v) % window;
    if (draw(v) % 8 == 0)
        return 0;
    field = field >= fields - 1 ? fields - 2 : field;
    uint64_t sign = draw(v) & 1, fraction = code & (((uint64_t)1 << low) - 1);
    return (sign << l.exponent_bits | field) << low | fraction;
}

/* Two large products that cancel, beside ones that are cut off: only what is cut off is left. */
static void cancel(vectors *v)
{
    const cli_mma_question *q = v->q;
    size_t at = v->count * v->k, bits = assay_mma_format_bits(q->fb);
    mma_layout l = mma_layout_of(q->fb);
    uint64_t top = ((uint64_t)1 << l.exponent_bits) - 2, depth = draw(v) % (top + 1);
    uint64_t a = element(v, q->fa, top - depth / 2, 1), b = element(v, q->fb, top - depth / 2, 1);
    uint64_t sign = (uint64_t)1 << (bits - 1);
    size_t other = 1 + draw(v) % (v->k > 1 ? v->k - 1 : 1);
    if (mma_is_integer(q->fb) || v->k < 2)
        return;
    mma_store(q->fa, v->a, at, a);
    mma_store(q->fa, v->a, at + other, a);
    mma_store(q->fb, v->b, at, b);
    mma_store(q->fb, v->b, at + other, b ^ sign);
}

/* 2^e in a format, whose range it may leave. */
static uint64_t power(assay_mma_format f, int e)
{
    mma_layout l = mma_layout_of(f);
    int drop = f == ASSAY_MMA_TF32 ? 13 : 0;
    return (uint64_t)(e + l.bias) << (l.fraction_bits + drop);
}

/* Half of C's least number, where rounding turns on the last bit of what small terms leave; beside
 * it few of those, so that e_zero says which of them are cut off. */
static void balance(vectors *v)
{
    const cli_mma_question *q = v->q;
    mma_layout a = mma_layout_of(q->fa), b = mma_layout_of(q->fb);
    int half = mma_emin(q->fc) - mma_layout_of(q->fc).fraction_bits - 1;
    int least = mma_emin(q->fa), room = half - mma_emin(q->fb) - least;
    if (mma_is_integer(q->fa) || q->fc == ASSAY_MMA_F64 || room < 0)
        return;
    int ea = least + (int)(draw(v) % (uint64_t)(room + 1));
    size_t at = v->count * v->k, few = 1 + draw(v) % 3;
    int drop_a = q->fa == ASSAY_MMA_TF32 ? 13 : 0, drop_b = q->fb == ASSAY_MMA_TF32 ? 13 : 0;
    for (size_t k = 0; k < v->k; k++) {
        bool small = k > 0 && k <= few;
        uint64_t x = (uint64_t)1 << draw(v) % (uint64_t)(a.fraction_bits + 2) << drop_a;
        uint64_t y = (uint64_t)1 << draw(v) % (uint64_t)(b.fraction_bits + 2) << drop_b;
        mma_store(q->fa, v->a, at + k, k == 0 ? power(q->fa, ea) : small ? x : 0);
        mma_store(q->fb, v->b, at + k, k == 0 ? power(q->fb, half - ea) : small ? y : 0);
    }
    mma_store(q->fc, v->c, v->count, 0);
}

/* A positive number near 2^e, or in one of eight any positive one. */
static uint64_t positive(vectors *v, assay_mma_format f, int e)
{
    uint64_t beside = power(f, 1 - mma_layout_of(f).bias) - 1, one = power(f, 0);
    uint64_t any = draw(v) & (one | (one - 1));
    return draw(v) % 8 ? (draw(v) & beside) | power(f, e) : any;
}

/* Most of one exponent, and all positive: there sums are longest. */
static void pile_up(vectors *v)
{
    const cli_mma_question *q = v->q;
    if (mma_is_integer(q->fa) || q->fc == ASSAY_MMA_F64)
        return;
    int ea = (int)(draw(v) % (uint64_t)mma_layout_of(q->fa).bias);
    int eb = (int)(draw(v) % (uint64_t)mma_layout_of(q->fb).bias);
    for (size_t k = 0; k < v->k; k++) {
        size_t at = v->count * v->k + k;
        mma_store(q->fa, v->a, at, positive(v, q->fa, ea));
        mma_store(q->fb, v->b, at, positive(v, q->fb, eb));
    }
}

static void fill(vectors *v)
{
    const cli_mma_question *q = v->q;
    uint64_t base = draw(v), shift = draw(v) % 3, window = 1 + draw(v) % 24;
    bool balances = false;
    /* Small exponents on both sides, where e_zero matters, in a third of the tries. */
    base = shift == 0 ? draw(v) % 80 : base;
    for (size_t k = 0; k < v->k; k++) {
        mma_store(q->fa, v->a, v->count * v->k + k, element(v, q->fa, base, window));
        mma_store(q->fb, v->b, v->count * v->k + k, element(v, q->fb, base + shift, window));
    }
    switch (draw(v) % 8) {
    case 0: pile_up(v); break;
    case 1:
    case 2: balances = true; break;
    case 3:
    case 4:
    case 5: cancel(v); break;
    default: break;
    }
    for (size_t s = 0; s < v->scales; s++) {
        v->sa[v->count * v->scales + s] = (unsigned char)(100 + draw(v) % 28);
        v->sb[v->count * v->scales + s] = (unsigned char)(100 + draw(v) % 28);
    }
    uint64_t c = draw(v) % 2 ? 0 : element(v, q->fc, draw(v), 16);
    mma_store(q->fc, v->c, v->count, c);
    if (balances)
        balance(v);
}

static uint64_t predict(const vectors *v, size_t group)
{
    size_t wa = assay_mma_format_bytes(v->q->fa), wb = assay_mma_format_bytes(v->q->fb);
    assay_mma_operands x = { .a = v->a + v->count * v->k * wa,
                             .b = v->b + v->count * v->k * wb,
                             .lda = v->k,
                             .ldb = v->k,
                             .sa = v->sa + v->count * v->scales,
                             .sb = v->sb + v->count * v->scales };
    return cli_mma_chain(v->units[group], &x, v->k, 0, 0, mma_load(v->q->fc, v->c, v->count));
}

/* Keeps a vector that splits a class of groups no earlier one has split; parts[g] is g's class. */
static bool refine(vectors *v, size_t *parts, size_t *classes)
{
    uint64_t *codes = malloc(v->groups * sizeof *codes);
    size_t *fresh = malloc(v->groups * sizeof *fresh), count = 0;
    bool kept = false;
    for (size_t g = 0; codes && fresh && g < v->groups; g++) {
        codes[g] = predict(v, g);
        fresh[g] = count;
        for (size_t h = 0; h < g && fresh[g] == count; h++)
            if (parts[h] == parts[g] && codes[h] == codes[g])
                fresh[g] = fresh[h];
        count += fresh[g] == count;
    }
    if (codes && fresh && count > *classes) {
        *classes = count;
        memcpy(parts, fresh, v->groups * sizeof *parts);
        for (size_t g = 0; g < v->groups; g++)
            mma_store(v->q->fc, v->d, g * MOST + v->count, codes[g]);
        v->count++;
        kept = true;
    }
    free(codes);
    free(fresh);
    return kept;
}

static void search(vectors *v, size_t *parts)
{
    size_t classes = 1;
    for (int t = 0; t < TRIES && classes < v->groups && v->count < MOST; t++) {
        fill(v);
        (void)refine(v, parts, &classes);
    }
}

static assay_status write_one(const vectors *v, const char *name, cli_mma_role like,
                              const void *data, size_t columns)
{
    char path[ASSAY_PATH_BYTES];
    size_t shape[3] = { v->count, 1, columns };
    assay_output out;
    snprintf(path, sizeof path, "%s/%s.npy", v->q->out, name);
    assay_status status = assay_output_begin(path, &out);
    if (status != ASSAY_OK)
        return status;
    status = assay_npy_write(out.stream, v->q->x.arrays[like].dtype, 3, shape, data);
    if (status == ASSAY_OK)
        return assay_output_commit(&out);
    assay_output_abort(&out);
    return assay_fail_in(status, path);
}

static assay_status write_all(const vectors *v)
{
    size_t wc = assay_mma_format_bytes(v->q->fc);
    assay_status status = assay_make_directory(v->q->out);
    if (status == ASSAY_OK)
        status = write_one(v, "A", CLI_MMA_A, v->a, v->k);
    if (status == ASSAY_OK)
        status = write_one(v, "B", CLI_MMA_B, v->b, v->k);
    if (status == ASSAY_OK)
        status = write_one(v, "C", CLI_MMA_C, v->c, 1);
    if (status == ASSAY_OK && v->scales > 0)
        status = write_one(v, "SA", CLI_MMA_SA, v->sa, v->scales);
    if (status == ASSAY_OK && v->scales > 0)
        status = write_one(v, "SB", CLI_MMA_SB, v->sb, v->scales);
    for (size_t g = 0; g < v->groups && status == ASSAY_OK; g++) {
        char name[32];
        snprintf(name, sizeof name, "D%zu", g + 1);
        status = write_one(v, name, CLI_MMA_D, v->d + g * MOST * wc, 1);
    }
    return status;
}

assay_status cli_mma_separate(const cli_mma_question *q, const cli_mma_candidates *list,
                              size_t groups)
{
    vectors v = { .q = q, .groups = groups, .k = q->x.k, .scales = q->x.scales, .state = 1 };
    size_t *parts = calloc(groups, sizeof *parts);
    v.units = calloc(groups, sizeof *v.units);
    v.a = calloc(MOST * v.k + 1, 8), v.b = calloc(MOST * v.k + 1, 8), v.c = calloc(MOST, 8);
    v.sa = calloc(MOST * v.scales + 1, 1), v.sb = calloc(MOST * v.scales + 1, 1);
    v.d = calloc(groups * MOST, 8);
    bool memory = parts && v.units && v.a && v.b && v.c && v.sa && v.sb && v.d;
    assay_status status = memory ? ASSAY_OK : assay_fail(ASSAY_ERR_MEMORY, "out of memory");
    for (size_t i = list->count; memory && i-- > 0;)
        if (list->items[i].explains)
            v.units[list->items[i].group] = &list->items[i].unit;
    if (memory)
        search(&v, parts);
    if (status == ASSAY_OK)
        status = write_all(&v);
    void *all[] = { parts, (void *)v.units, v.a, v.b, v.c, v.sa, v.sb, v.d };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    return status;
}
