/* SPDX-License-Identifier: Apache-2.0 */
/* Results of the shipped functions against the places of their operands. */
#if ASSAY_HAVE_MPFR
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/verify_parts.h"
#include "numerics/bits.h"
#include "rounding/array.h"

enum { CHUNK = 1 << 15, BATCH = 1 << 12, STRIDE = 16 };

uint64_t assay_verify_mix(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Where c belongs among the cases shown: by operand, so that threads do not matter. */
static void show(assay_verify_result *out, const assay_verify_case *c)
{
    size_t i = out->shown;
    while (i > 0 && out->first[i - 1].rounding.mode == c->rounding.mode &&
           out->first[i - 1].policy == c->policy &&
           out->first[i - 1].operand_bits > c->operand_bits) {
        if (i < ASSAY_VERIFY_SHOWN)
            out->first[i] = out->first[i - 1];
        i--;
    }
    if (i == ASSAY_VERIFY_SHOWN)
        return;
    out->first[i] = *c;
    out->shown += out->shown < ASSAY_VERIFY_SHOWN;
}

void assay_verify_record(assay_verify_result *out, const assay_verify_target *t, bool negative,
                         uint64_t ordinal, const char *path, uint64_t got, uint64_t want)
{
    const assay_verify_source *s = t->source;
    assay_verify_case c = { .operand = assay_verify_operand(s, negative, ordinal),
                            .operand_bits = ordinal | (negative ? s->end : 0),
                            .rounding = t->rounding,
                            .policy = t->rounder.overflow,
                            .got = got,
                            .want = want };
    snprintf(c.path, sizeof c.path, "%s", path);
#pragma omp critical(assay_verify_show)
    show(out, &c);
}

/* What the cuts become: codes, and their values as bits of the source. */
typedef struct wants {
    uint64_t *code, *value;
} wants;

static uint64_t value_bits(const assay_verify_target *t, uint64_t code)
{
    double real = assay_verify_code_real(t->ladder, code);
    if (t->source->bits == 64)
        return assay_bits64(real);
    return real == real ? assay_bits32((float)real) : 0x7fc00000;
}

static assay_status wants_make(const assay_verify_target *t, const assay_verify_cuts *cuts,
                               wants *out)
{
    uint64_t *code = malloc(2 * cuts->count * sizeof *code + 1);
    if (!code)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for %zu results", cuts->count);
    *out = (wants){ code, code + cuts->count };
#pragma omp parallel for schedule(static) if (cuts->count > BATCH)
    for (size_t i = 0; i < cuts->count; i++) {
        code[i] =
            assay_verify_law(t->ladder, &cuts->at[i].place, t->rounding.mode, t->rounder.overflow);
        out->value[i] = value_bits(t, code[i]);
    }
    return ASSAY_OK;
}

static uint64_t load(const void *array, size_t bytes, size_t i)
{
    uint64_t code = 0;
    memcpy(&code, (const char *)array + i * bytes, bytes); /* little-endian */
    return code;
}

/* ---- All operands of binary32 */

typedef struct workspace {
    float x[CHUNK], y[CHUNK];
    uint32_t codes[CHUNK];
} workspace;

static size_t differ_u8(const uint8_t *got, size_t n, uint8_t want)
{
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += got[i] != want;
    return wrong;
}

static size_t differ_u16(const uint16_t *got, size_t n, uint16_t want)
{
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += got[i] != want;
    return wrong;
}

static size_t differ_u32(const uint32_t *got, size_t n, uint32_t want)
{
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += got[i] != want;
    return wrong;
}

static size_t differ(const void *got, size_t bytes, size_t from, size_t n, uint64_t want)
{
    if (bytes == 1)
        return differ_u8((const uint8_t *)got + from, n, (uint8_t)want);
    if (bytes == 2)
        return differ_u16((const uint16_t *)got + from, n, (uint16_t)want);
    return differ_u32((const uint32_t *)got + from, n, (uint32_t)want);
}

/* Counts what is wrong one by one, where something is. */
static uint64_t count_wrong(const assay_verify_target *t, const workspace *w, bool negative,
                            uint64_t ordinal, size_t from, size_t n, uint64_t code, uint64_t value,
                            assay_verify_result *out)
{
    size_t bytes = assay_format_container(&t->rounder.format);
    uint64_t wrong = 0;
    for (size_t i = from; i < from + n; i++) {
        uint64_t got = load(w->codes, bytes, i), bits = assay_bits32(w->y[i]);
        if (got == code && bits == value)
            continue;
        if (wrong++ >= ASSAY_VERIFY_SHOWN)
            continue;
        bool by_code = got != code;
        assay_verify_record(out, t, negative, ordinal + i, by_code ? "encode f32" : "round f32",
                            by_code ? got : bits, by_code ? code : value);
    }
    return wrong;
}

/* The cut that an ordinal lies in. */
static size_t find_cut(const assay_verify_cuts *cuts, uint64_t ordinal)
{
    size_t below = 0, above = cuts->count;
    while (above - below > 1) {
        size_t middle = below + (above - below) / 2;
        if (cuts->at[middle].start <= ordinal)
            below = middle;
        else
            above = middle;
    }
    return below;
}

static uint64_t check_chunk(const assay_verify_target *t, const assay_verify_cuts *cuts,
                            const wants *want, uint64_t start, size_t n, workspace *w,
                            assay_verify_result *out)
{
    uint32_t base = (uint32_t)start | (cuts->negative ? 0x80000000 : 0);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = base + (uint32_t)i;
        memcpy(&w->x[i], &bits, sizeof bits);
    }
    assay_encode_array_f32(&t->rounder, w->x, w->codes, n);
    assay_round_array_f32(&t->rounder, w->x, w->y, n);
    size_t bytes = assay_format_container(&t->rounder.format);
    uint64_t wrong = 0;
    for (size_t i = 0, c = find_cut(cuts, start); i < n; c++) {
        uint64_t end = cuts->at[c].end;
        size_t run = end - start < n ? (size_t)(end - start) - i : n - i;
        if (differ(w->codes, bytes, i, run, want->code[c]) ||
            differ_u32((const uint32_t *)(const void *)w->y + i, run, (uint32_t)want->value[c]))
            wrong += count_wrong(t, w, cuts->negative, start, i, run, want->code[c], want->value[c],
                                 out);
        i += run;
    }
    return wrong;
}

assay_status assay_verify_ranges(const assay_verify_target *t, const assay_verify_cuts *cuts,
                                 assay_verify_result *out)
{
    if (cuts->count == 0)
        return ASSAY_OK;
    wants want;
    assay_status status = wants_make(t, cuts, &want);
    if (status != ASSAY_OK)
        return status;
    uint64_t first = cuts->at[0].start, end = cuts->at[cuts->count - 1].end, n = end - first;
    uint64_t wrong = 0;
    int64_t chunks = (int64_t)((n + CHUNK - 1) / CHUNK);
    bool memory = true;
#pragma omp parallel reduction(+ : wrong) reduction(&& : memory)
    {
        workspace *w = malloc(sizeof *w);
        memory = w != NULL;
#pragma omp for schedule(dynamic, 16)
        for (int64_t c = 0; c < chunks; c++) {
            uint64_t start = first + (uint64_t)c * CHUNK, left = end - start;
            if (w)
                wrong +=
                    check_chunk(t, cuts, &want, start, left < CHUNK ? (size_t)left : CHUNK, w, out);
        }
        free(w);
    }
    free(want.code);
    out->checked += n;
    out->wrong += wrong;
    return memory ? ASSAY_OK : assay_fail(ASSAY_ERR_MEMORY, "no memory for operands");
}

/* ---- Breakpoints */

typedef struct batch {
    size_t n;
    uint64_t ordinal[BATCH];
    size_t cut[BATCH];
    double x[BATCH], y[BATCH];
    float xf[BATCH], yf[BATCH];
    uint64_t codes[BATCH];
} batch;

static void run_arrays(const assay_verify_target *t, const assay_verify_cuts *cuts, batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        b->x[i] = assay_verify_operand(t->source, cuts->negative, b->ordinal[i]);
        b->xf[i] = (float)b->x[i];
    }
    if (t->source->bits == 64) {
        assay_encode_array_f64(&t->rounder, b->x, b->codes, b->n);
        assay_round_array_f64(&t->rounder, b->x, b->y, b->n);
    } else {
        assay_encode_array_f32(&t->rounder, b->xf, b->codes, b->n);
        assay_round_array_f32(&t->rounder, b->xf, b->yf, b->n);
    }
}

static void compare(const assay_verify_target *t, const assay_verify_cuts *cuts, const wants *want,
                    const batch *b, size_t i, assay_verify_result *out)
{
    const bool wide = t->source->bits == 64;
    uint64_t code = want->code[b->cut[i]], value = want->value[b->cut[i]];
    uint64_t got = load(b->codes, assay_format_container(&t->rounder.format), i);
    uint64_t bits = wide ? assay_bits64(b->y[i]) : assay_bits32(b->yf[i]);
    uint64_t defined = i % STRIDE ? code : assay_round_code(&t->rounder, b->x[i]);
    out->checked++;
    out->wrong += defined != code || got != code || bits != value;
    if (defined != code)
        assay_verify_record(out, t, cuts->negative, b->ordinal[i], "round_code", defined, code);
    else if (got != code)
        assay_verify_record(out, t, cuts->negative, b->ordinal[i],
                            wide ? "encode f64" : "encode f32", got, code);
    else if (bits != value)
        assay_verify_record(out, t, cuts->negative, b->ordinal[i], wide ? "round f64" : "round f32",
                            bits, value);
}

static void flush(const assay_verify_target *t, const assay_verify_cuts *cuts, const wants *want,
                  batch *b, assay_verify_result *out)
{
    run_arrays(t, cuts, b);
    for (size_t i = 0; i < b->n; i++)
        compare(t, cuts, want, b, i, out);
    b->n = 0;
}

uint64_t assay_verify_pick(const assay_verify_cut *cut, uint64_t i)
{
    uint64_t length = cut->end - cut->start;
    if (i == 0)
        return cut->start;
    if (i == 1)
        return cut->end - 1;
    if (i > 2) /* the inside one is met again */
        return cut->start + i - 2;
    return cut->inside ? cut->inside : cut->start + 1 + assay_verify_mix(cut->start) % (length - 2);
}

assay_status assay_verify_points(const assay_verify_target *t, const assay_verify_cuts *cuts,
                                 uint64_t most, assay_verify_result *out)
{
    wants want = { 0 };
    batch *b = calloc(1, sizeof *b);
    assay_status status = b ? wants_make(t, cuts, &want) : ASSAY_ERR_MEMORY;
    for (size_t c = 0; status == ASSAY_OK && c < cuts->count; c++) {
        uint64_t length = cuts->at[c].end - cuts->at[c].start;
        for (uint64_t i = 0; i < most && i < length; i++) {
            if (b->n == BATCH)
                flush(t, cuts, &want, b, out);
            b->cut[b->n] = c;
            b->ordinal[b->n++] = assay_verify_pick(&cuts->at[c], i);
        }
    }
    if (status == ASSAY_OK)
        flush(t, cuts, &want, b, out);
    free(b);
    free(want.code);
    return status == ASSAY_ERR_MEMORY ? assay_fail(status, "no memory for operands") : status;
}
#endif
