/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/mma_candidates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/mma_parts.h"

/* ---- what is tried ---- */

static bool append(cli_mma_candidates *list, const assay_mma_unit *unit, const char *text,
                   bool is_row)
{
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 1024;
        cli_mma_candidate *items = realloc(list->items, room * sizeof *items);
        if (!items)
            return false;
        list->items = items;
        list->room = room;
    }
    cli_mma_candidate *c = &list->items[list->count++];
    memset(c, 0, sizeof *c);
    c->unit = *unit;
    c->is_row = is_row;
    snprintf(c->text, sizeof c->text, "%s", text);
    return true;
}

static bool fits(const cli_mma_question *q, const assay_mma_unit *u)
{
    size_t block = (size_t)u->block;
    bool formats = u->fa == q->fa && u->fb == q->fb && u->fc == q->fc;
    bool scales = block ? q->x.scales > 0 && q->x.scales == q->x.k / block : q->x.scales == 0;
    return formats && scales && q->x.k % (size_t)u->K == 0;
}

/* Every F, conversion and e_zero that a row of the kind has or might have, around one row. */
static bool vary(const cli_mma_question *q, const assay_mma_unit *row, cli_mma_candidates *list)
{
    static const int zeros_f32[] = { -126, -131, -132, -133, -139 };
    static const int zeros_f16[] = { -14, -20, -21, -22, -133 };
    const int *zeros = row->fc == ASSAY_MMA_F16 ? zeros_f16 : zeros_f32;
    int least = row->kind == ASSAY_MMA_KIND_GST ? 20 : 8;
    for (int rho = 0; rho < ASSAY_MMA_RHO_COUNT; rho++)
        for (int F = least; F < least + 22; F++)
            for (int z = 0; z < 5; z++) {
                assay_mma_unit u = *row;
                char text[160];
                u.F = F;
                u.rho = (assay_mma_rho)rho;
                u.e_zero = zeros[z];
                if (assay_mma_unit_check(&u) != ASSAY_OK)
                    continue;
                snprintf(text, sizeof text, "%s:F=%d,rho=%s,e_zero=%d", row->name, F,
                         assay_mma_rho_name(u.rho), u.e_zero);
                if (fits(q, &u) && !append(list, &u, text, false))
                    return false;
            }
    return true;
}

/* Whether an earlier row has the same formats, kind, step and lowering: varied once is enough. */
static bool is_varied(size_t row)
{
    const assay_mma_unit *u = assay_mma_row(row);
    for (size_t i = 0; i < row; i++) {
        const assay_mma_unit *v = assay_mma_row(i);
        if (v->kind == u->kind && v->fa == u->fa && v->fb == u->fb && v->fc == u->fc &&
            v->L == u->L && v->K == u->K && v->emulated == u->emulated && v->fs == u->fs &&
            v->block == u->block)
            return true;
    }
    return false;
}

bool cli_mma_candidates_make(const cli_mma_question *q, cli_mma_candidates *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < assay_mma_count(); i++) {
        const assay_mma_unit *u = assay_mma_row(i);
        if (fits(q, u) && !append(out, u, u->name, true))
            return false;
    }
    for (size_t i = 0; i < assay_mma_count(); i++) {
        const assay_mma_unit *u = assay_mma_row(i);
        if (u->kind <= ASSAY_MMA_KIND_GST && fits(q, u) && !is_varied(i) && !vary(q, u, out))
            return false;
    }
    return true;
}

/* ---- what explains ---- */

uint64_t cli_mma_chain(const assay_mma_unit *u, const assay_mma_operands *x, size_t k, size_t i,
                       size_t j, uint64_t code)
{
    size_t K = (size_t)u->K, block = u->block ? (size_t)u->block : 1;
    const unsigned char *a = x->a, *b = x->b;
    for (size_t p = 0; p < k; p += K)
        code = assay_mma_define(u, a + (i * x->lda + p) * assay_mma_format_bytes(u->fa),
                                b + (j * x->ldb + p) * assay_mma_format_bytes(u->fb),
                                x->sa ? x->sa + i * x->ldsa + p / block : NULL,
                                x->sb ? x->sb + j * x->ldsb + p / block : NULL, code);
    return code;
}

static bool is_nan(assay_mma_format f, uint64_t code)
{
    return !mma_is_integer(f) && mma_decode(f, code).kind == MMA_NAN;
}

/* NVIDIA's NaN is one code; of other makers any NaN will do. */
static bool equal(const assay_mma_unit *u, uint64_t x, uint64_t y)
{
    return x == y || (u->kind > ASSAY_MMA_KIND_GST && is_nan(u->fc, x) && is_nan(u->fc, y));
}

static void try_one(const cli_mma_question *q, cli_mma_candidate *c)
{
    const cli_mma_arrays *x = &q->x;
    c->explains = true;
    for (size_t s = 0; s < x->batches; s++) {
        assay_mma_operands operands = cli_mma_operands(x, s);
        const unsigned char *d = cli_mma_codes(x, CLI_MMA_D, s);
        for (size_t e = 0; e < x->m * x->n; e++) {
            uint64_t code = mma_load(q->fc, operands.c, e), expected = mma_load(q->fc, d, e);
            uint64_t got = cli_mma_chain(&c->unit, &operands, x->k, e / x->n, e % x->n, code);
            if (equal(&c->unit, got, expected))
                continue;
            c->explains = false;
            c->index = s * x->m * x->n + e;
            c->expected = expected;
            c->got = got;
            return;
        }
    }
}

void cli_mma_candidates_try(const cli_mma_question *q, cli_mma_candidates *list)
{
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < list->count; i++)
        try_one(q, &list->items[i]);
}

/* ---- what is the same ---- */

/* No product of two numbers has an exponent below this, and no C other than zero is below emin:
 * at or below both, e_zero is never the largest of exponents that matter. Where it is, C is zero,
 * and it cuts nothing off if products have no bits below 2^(e_zero - F). */
static int effective_zero(const assay_mma_unit *u)
{
    int least = mma_emin(u->fa) + mma_emin(u->fb), own = mma_emin(u->fc);
    int last = least - mma_layout_of(u->fa).fraction_bits - mma_layout_of(u->fb).fraction_bits;
    least = least < own ? least : own;
    bool hidden = u->e_zero <= least || (u->e_zero <= own && u->e_zero - u->F <= last);
    return u->block == 0 && hidden ? INT32_MIN : u->e_zero;
}

/* What the bits depend on; K, the shape and the source do not count, since steps of L chain
 * through C wherever instructions end, except where an order spans an instruction. */
static bool same_arithmetic(const assay_mma_unit *u, const assay_mma_unit *v)
{
    bool spans = u->emulated || u->chain == ASSAY_MMA_EVEN_ODD;
    bool aligned = u->kind <= ASSAY_MMA_KIND_GTR;
    bool steps = u->kind != ASSAY_MMA_KIND_FMA && (u->kind != ASSAY_MMA_KIND_INT || u->saturate);
    return u->kind == v->kind && u->emulated == v->emulated && u->chain == v->chain &&
           u->flush == v->flush && u->saturate == v->saturate && u->rho == v->rho &&
           u->pre == v->pre && u->fs == v->fs && u->block == v->block && (!steps || u->L == v->L) &&
           (!spans || u->K == v->K) && (!aligned || u->F == v->F) &&
           (u->kind > ASSAY_MMA_KIND_GST || effective_zero(u) == effective_zero(v)) &&
           u->F2 == v->F2 && u->G == v->G;
}

size_t cli_mma_candidates_group(cli_mma_candidates *list)
{
    size_t groups = 0;
    for (size_t i = 0; i < list->count; i++) {
        cli_mma_candidate *c = &list->items[i];
        if (!c->explains)
            continue;
        c->group = groups;
        for (size_t j = 0; j < i && c->group == groups; j++)
            if (list->items[j].explains && same_arithmetic(&c->unit, &list->items[j].unit))
                c->group = list->items[j].group;
        groups += c->group == groups;
    }
    return groups;
}
