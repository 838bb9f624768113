/* SPDX-License-Identifier: Apache-2.0 */
/* Operations against MPFR: one evaluation of each tuple serves every mode and policy. */
#if ASSAY_HAVE_MPFR
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/verify_operation.h"

enum {
    BLOCK = 1 << 13, /* tuples at a time                            */
    STRIDE = 16,     /* one in so many goes through assay_operate too */
    RARE = 4099,     /* the same where there are 2^32 */
    STRIP = 4096,    /* neighbours that a thread takes */
};

typedef struct run {
    const assay_verify_operation *job;
    assay_verify_formats formats;
    assay_operator *operators; /* of each mode and policy that apply */
    assay_rounding *roundings;
    size_t count, stride;
    bool smooth;    /* neighbours are evaluated together */
    uint64_t first; /* tuple of the block */
    uint64_t *codes[ASSAY_OPERANDS_MOST], *got, *sampled;
    assay_verify_item *items;
    assay_verify_result *out;
} run;

static uint64_t want(const run *r, size_t which, const assay_verify_item *item)
{
    const assay_rounder *rounder = &r->operators[which].rounder;
    if (item->is_brief)
        return item->brief.modes >> rounder->mode & 1 ? item->brief.high : item->brief.low;
    assay_verify_place place = item->place;
    if (item->down && rounder->mode == ASSAY_RDN && place.kind == ASSAY_PLACE_VALUE &&
        r->formats.result.has_negzero)
        place.toward = r->formats.result.negzero;
    return assay_verify_law(&r->formats.result, &place, rounder->mode, rounder->overflow);
}

/* Cases are shown by tuple, then in the order of modes, whichever thread finds them. */
static void record(const run *r, size_t which, size_t i, const char *path, uint32_t random,
                   uint64_t got, uint64_t expected)
{
    assay_verify_result *out = r->out;
    assay_verify_case c = { .operand_bits = r->first + i,
                            .rounding = r->roundings[which],
                            .policy = r->operators[which].rounder.overflow,
                            .random = random,
                            .got = got,
                            .want = expected };
    for (int k = 0; k < r->job->operation->arity; k++)
        c.codes[k] = r->codes[k][i];
    snprintf(c.path, sizeof c.path, "%s", path);
#pragma omp critical(assay_verify_show)
    {
        size_t at = out->shown;
        for (; at > 0 && out->first[at - 1].operand_bits > c.operand_bits; at--)
            if (at < ASSAY_VERIFY_SHOWN)
                out->first[at] = out->first[at - 1];
        if (at < ASSAY_VERIFY_SHOWN)
            out->first[at] = c;
        out->shown += out->shown < ASSAY_VERIFY_SHOWN;
    }
}

/* ---- deterministic modes ---- */

/* n is a multiple of STRIP, and so is the first code. */
static void evaluate_neighbours(run *r, size_t n)
{
#pragma omp parallel
    {
        assay_verify_terms t;
        assay_verify_terms_init(&r->formats, &t);
#pragma omp for schedule(dynamic)
        for (size_t i = 0; i < n; i += STRIP) {
            assay_verify_neighbours(&r->formats, &t, r->first + i, STRIP, &r->items[i]);
            for (size_t k = i; k < i + STRIP; k++)
                r->codes[0][k] = r->first + k;
        }
        assay_verify_terms_clear(&t);
    }
}

static void evaluate(run *r, size_t n)
{
    if (r->smooth) {
        evaluate_neighbours(r, n);
        return;
    }
#pragma omp parallel
    {
        assay_verify_terms t;
        assay_verify_terms_init(&r->formats, &t);
#pragma omp for schedule(dynamic, 64)
        for (size_t i = 0; i < n; i++) {
            uint64_t codes[ASSAY_OPERANDS_MOST] = { 0 };
            if (r->job->operation->reduces) {
                assay_verify_evaluate_row(&r->formats, &t, r->first + i, &r->items[i]);
                continue;
            }
            assay_verify_tuple(&r->formats, &t, r->job->exhaustive, r->first + i, codes);
            for (int k = 0; k < r->job->operation->arity; k++)
                r->codes[k][i] = codes[k];
            assay_verify_evaluate(&r->formats, &t, codes, &r->items[i]);
        }
        assay_verify_terms_clear(&t);
    }
}

/* Tuple i of the block by the definition, or row i; UINT64_MAX where there is no result. */
static uint64_t define(const run *r, const assay_operator *op, size_t i, const assay_random *random)
{
    uint64_t codes[ASSAY_OPERANDS_MOST] = { 0 }, row[2][ASSAY_VERIFY_ROW], got;
    assay_status status;
    if (op->operation->reduces) {
        const uint64_t *const at[] = { row[0], row[1] };
        size_t n = assay_verify_row(&r->formats, r->first + i, row);
        status = assay_operate_reduce(op, random, 0, at, n, &got);
    } else {
        for (int k = 0; k < op->operation->arity; k++)
            codes[k] = r->codes[k][i];
        status = assay_operate(op, random, 0, codes, &got);
    }
    return status == ASSAY_OK ? got : UINT64_MAX;
}

/* What the definition gives, one tuple in so many. */
static void define_some(run *r, const assay_operator *op, size_t n)
{
    const assay_random none = { 0 };
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i += r->stride)
        r->sampled[i / r->stride] = define(r, op, i, &none);
}

/* What arrays give; sums have one form only. */
static void operate_all(run *r, const assay_operator *op, size_t n)
{
    const assay_random none = { 0 };
    size_t bad;
    if (!op->operation->reduces) {
        memset(r->got, 0xff, n * sizeof *r->got); /* what is missing is wrong */
        assay_status status =
            assay_operate_codes(op, &none, 0, (const uint64_t *const *)r->codes, r->got, n, &bad);
        (void)status;
        return;
    }
#pragma omp parallel for schedule(dynamic, 64)
    for (size_t i = 0; i < n; i++)
        r->got[i] = define(r, op, i, &none);
}

/* A result that is missing is a wrong one: no code of at most 63 bits is UINT64_MAX. */
static void check_operator(run *r, size_t which, size_t n)
{
    const assay_operator *op = &r->operators[which];
    operate_all(r, op, n);
    define_some(r, op, n);
    for (size_t i = 0; i < n; i++) {
        uint64_t expected = want(r, which, &r->items[i]);
        if (r->got[i] != expected) {
            r->out->wrong++;
            record(r, which, i, "array", 0, r->got[i], expected);
        }
    }
    for (size_t i = 0; i < n; i += r->stride) {
        uint64_t expected = want(r, which, &r->items[i]), defined = r->sampled[i / r->stride];
        if (defined != expected && r->got[i] == expected) {
            r->out->wrong++;
            record(r, which, i, "definition", 0, defined, expected);
        }
    }
    r->out->checked += n;
}

/* ---- stochastic modes ---- */

/* The random bits with which the result changes. */
static assay_verify_threshold threshold(const run *r, size_t which, assay_verify_terms *t,
                                        const assay_verify_item *item)
{
    const assay_rounding *rounding = &r->roundings[which];
    if (item->place.kind != ASSAY_PLACE_BETWEEN)
        return assay_verify_threshold_of(*rounding, NULL);
    mpq_t nu;
    mpq_init(nu);
    if (t->is_fraction) {
        mpz_mul_ui(mpq_numref(nu), mpq_numref(t->fraction), r->formats.result.divisor);
        mpz_set(mpq_denref(nu), mpq_denref(t->fraction));
        mpq_canonicalize(nu);
    } else if (!mpfr_zero_p(t->scaled)) {
        mpfr_get_q(nu, t->scaled);
    }
    mpq_abs(nu, nu);
    assay_verify_position(&t->gap, nu);
    if (r->formats.approximate)
        assay_verify_settle(nu);
    assay_verify_threshold h = assay_verify_threshold_of(*rounding, nu);
    mpq_clear(nu);
    return h;
}

static bool check_random(const run *r, size_t which, size_t i, const assay_verify_item *item,
                         const assay_verify_threshold *h)
{
    const assay_operator *op = &r->operators[which];
    uint32_t tries[ASSAY_VERIFY_TRIES];
    size_t count = assay_verify_tries(h, tries);
    for (size_t k = 0; k < count; k++) {
        uint32_t bits = tries[k];
        const assay_random random = { .bits = &bits };
        uint64_t expected = assay_verify_law_random(
            &r->formats.result, &item->place, op->rounder.mode, op->rounder.overflow, h, bits);
        uint64_t got = define(r, op, i, &random);
        if (got == expected)
            continue;
        record(r, which, i, "random bits", bits, got, expected);
        return false;
    }
    return true;
}

static void check_randoms(run *r, size_t n)
{
    uint64_t wrong = 0, checked = 0;
#pragma omp parallel reduction(+ : wrong, checked)
    {
        assay_verify_terms t;
        assay_verify_terms_init(&r->formats, &t);
#pragma omp for schedule(dynamic, 64)
        for (size_t i = 0; i < n; i++) {
            uint64_t codes[ASSAY_OPERANDS_MOST] = { 0 };
            assay_verify_item item;
            for (int k = 0; k < r->job->operation->arity; k++)
                codes[k] = r->codes[k][i];
            if (r->job->operation->reduces)
                assay_verify_evaluate_row(&r->formats, &t, r->first + i, &item);
            else
                assay_verify_evaluate(&r->formats, &t, codes, &item);
            for (size_t o = 0; o < r->count; o++) {
                if (!assay_mode_is_stochastic(r->roundings[o].mode))
                    continue;
                assay_verify_threshold h = threshold(r, o, &t, &item);
                wrong += !check_random(r, o, i, &item, &h);
                checked++;
            }
        }
        assay_verify_terms_clear(&t);
    }
    r->out->wrong += wrong;
    r->out->checked += checked;
}

/* ---- runs ---- */

static assay_status make_operators(run *r, bool *any_random)
{
    const assay_verify_operation *job = r->job;
    const assay_format *const formats[] = { &job->operands, &job->operands, &job->operands };
    for (size_t m = 0; m < job->rounding_count; m++)
        for (size_t p = 0; p < job->policy_count; p++) {
            assay_rounder rounder;
            if (!assay_verify_applies(&job->format, job->policies[p]))
                continue;
            assay_status status =
                assay_rounder_make_for(&job->format, job->roundings[m], job->policies[p],
                                       ASSAY_NAN_RULE_DEFAULT, &rounder);
            if (status == ASSAY_OK)
                status =
                    assay_operator_make(job->operation, &rounder, formats, &r->operators[r->count]);
            if (status != ASSAY_OK)
                return status;
            *any_random = *any_random || assay_mode_is_stochastic(job->roundings[m].mode);
            r->roundings[r->count++] = job->roundings[m];
        }
    return ASSAY_OK;
}

static assay_status make_buffers(run *r, size_t n)
{
    size_t operators = r->job->rounding_count * r->job->policy_count + 1;
    r->operators = calloc(operators, sizeof *r->operators);
    r->roundings = calloc(operators, sizeof *r->roundings);
    r->codes[0] = calloc((ASSAY_OPERANDS_MOST + 2) * n, sizeof *r->codes[0]);
    r->items = calloc(n, sizeof *r->items);
    if (!r->operators || !r->roundings || !r->codes[0] || !r->items)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for %zu operands", n);
    for (int k = 1; k < ASSAY_OPERANDS_MOST; k++)
        r->codes[k] = r->codes[k - 1] + n;
    r->got = r->codes[ASSAY_OPERANDS_MOST - 1] + n;
    r->sampled = r->got + n;
    return ASSAY_OK;
}

static void release(run *r)
{
    assay_verify_ladder_free(&r->formats.result);
    assay_verify_ladder_free(&r->formats.operands);
    free(r->operators);
    free(r->roundings);
    free(r->codes[0]);
    free(r->items);
}

/* How many tuples there are to try. */
static assay_status count_tuples(const assay_verify_operation *job, uint64_t *count)
{
    const assay_operation *o = job->operation;
    int bits = o->arity * job->operands.bits;
    if (o->reduces && job->exhaustive)
        return assay_fail(ASSAY_ERR_USAGE, "%s: it has no last tuple of operands", o->name);
    if (job->exhaustive && bits > ASSAY_VERIFY_TUPLE_BITS)
        return assay_fail(ASSAY_ERR_USAGE, "%s of %s has 2^%d operands, and 2^%d is the most",
                          o->name, job->operands.name, bits, ASSAY_VERIFY_TUPLE_BITS);
    *count = job->exhaustive ? (uint64_t)1 << bits : job->samples;
    return ASSAY_OK;
}

static void check_block(run *r, size_t n, bool any_random)
{
    evaluate(r, n);
    for (size_t i = 0; i < n; i++)
        r->items[i].is_brief =
            assay_verify_law_brief(&r->formats.result, &r->items[i].place, &r->items[i].brief);
    for (size_t o = 0; o < r->count; o++)
        if (!assay_mode_is_stochastic(r->roundings[o].mode))
            check_operator(r, o, n);
    if (any_random)
        check_randoms(r, n);
}

assay_status assay_verify_operate(const assay_verify_operation *job, assay_verify_result *out)
{
    run r = { .job = job, .out = out };
    *out = (assay_verify_result){ 0 };
    uint64_t count = 0;
    bool any_random = false;
    assay_status status = count_tuples(job, &count);
    if (status != ASSAY_OK)
        return status;
    status = assay_verify_formats_make(job, &r.formats);
    if (status == ASSAY_OK)
        status = make_buffers(&r, count < BLOCK ? (size_t)count : BLOCK);
    if (status == ASSAY_OK)
        status = make_operators(&r, &any_random);
    r.formats.fractions = r.formats.fractions || any_random;
    r.smooth = job->exhaustive && !any_random && assay_verify_is_smooth(&r.formats);
    r.stride = r.smooth ? RARE : STRIDE;
    for (uint64_t left = count; status == ASSAY_OK && left > 0; r.first = count - left) {
        size_t n = left < BLOCK ? (size_t)left : BLOCK;
        check_block(&r, n, any_random);
        left -= n;
        if (job->progress)
            job->progress(1 - (double)(int64_t)left / (double)(int64_t)count);
    }
    release(&r);
    return status;
}
#endif
