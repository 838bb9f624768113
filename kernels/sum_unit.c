/* SPDX-License-Identifier: Apache-2.0 */
/* One sum on a matrix unit by its definition: instruction by instruction, as its plan walks k. */
#include <string.h>

#include "kernels/accumulator_parts.h"
#include "kernels/mma_plan.h"
#include "kernels/sum.h"

/* Up to K terms of one side from term `at` on as codes, filled up with +0. */
static void encode(const assay_summer *s, const assay_sum_terms *t, int side, size_t at,
                   size_t terms, unsigned char *codes)
{
    const assay_mma_unit *u = &s->acc->unit;
    const assay_rounder *r = &s->acc->operand[side];
    const double *x = side ? t->y : t->x;
    size_t step = side ? t->sy : t->sx;
    assay_mma_format format = side ? u->fb : u->fa;
    memset(codes, 0, (size_t)u->K * assay_mma_format_bytes(format));
    for (size_t p = 0; p < terms; p++)
        mma_store(format, codes, p, assay_round_code(r, x[(at + p) * step]));
}

static uint64_t run_instruction(const assay_summer *s, const assay_sum_terms *t, const mma_cut *c,
                                uint64_t code)
{
    unsigned char a[MMA_MAX_K * MMA_CELL], b[MMA_MAX_K * MMA_CELL];
    uint8_t ones[MMA_MAX_K];
    const assay_mma_unit *u = &s->acc->unit;
    encode(s, t, 0, c->k0, c->terms, a);
    encode(s, t, 1, c->k0, c->terms, b);
    if (u->block)
        memset(ones, (int)assay_round_code(&s->acc->scale, 1), sizeof ones);
    return assay_mma_define(u, a, b, ones, ones, code);
}

static uint64_t code_of(const assay_summer *s, const double *c)
{
    if (!c)
        return 0;
    return s->acc->unit.fc == ASSAY_MMA_S32 ? (uint32_t)assay_unit_integer(*c)
                                            : assay_round_code(&s->acc->round, *c);
}

static double value_of(const assay_summer *s, uint64_t code)
{
    if (s->acc->unit.fc == ASSAY_MMA_S32)
        return (double)(int32_t)(uint32_t)code;
    double x = assay_decode(&s->acc->round.format, code);
    return x == x ? x : s->acc->round.nan_value;
}

double assay_sum_unit(const assay_summer *s, const assay_sum_terms *t, const double *c)
{
    const assay_mma_unit *u = &s->acc->unit;
    const assay_mma_plan *p = &s->acc->plan;
    mma_walk walk = { u, p, t->k };
    /* The chain, the total of promoted groups, the total of slices: C starts the outermost. */
    unsigned char cells[3][MMA_CELL] = { { 0 } };
    int outer = mma_splits(p) ? 2 : p->promote ? 1 : 0;
    bool serial = p->merge == ASSAY_MMA_MERGE_SERIAL, rounded = p->merge == ASSAY_MMA_MERGE_ROUNDED;
    mma_put_cell(u, cells[outer], 0, code_of(s, c));
    for (mma_cut cut = { 0 }; mma_next_cut(&walk, (size_t)u->K, &cut);) {
        mma_put_cell(u, cells[0], 0, run_instruction(s, t, &cut, mma_get_cell(u, cells[0], 0)));
        if (p->promote && cut.group_ends) {
            mma_add_cell(u, cells[1], cells[0], 0, ASSAY_MMA_NONE, ASSAY_MMA_NONE);
            memset(cells[0], 0, MMA_CELL);
        }
        if (mma_splits(p) && cut.slice_ends) {
            mma_add_cell(u, cells[2], cells[p->promote ? 1 : 0], 0,
                         rounded ? p->rounded : ASSAY_MMA_NONE,
                         serial ? p->rounded : ASSAY_MMA_NONE);
            memset(cells, 0, 2 * MMA_CELL);
        }
    }
    return value_of(s, mma_get_cell(u, cells[outer], 0));
}
