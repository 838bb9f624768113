/* SPDX-License-Identifier: Apache-2.0 */
/* Error bounds of sums on matrix units; numbers in brackets are those of docs/kernels.md, bounds.
 */
#include <math.h>

#include "kernels/bound.h"
#include "kernels/mma_plan.h"
#include "numerics/elementary.h"

static double rho_unit(assay_mma_rho rho)
{
    switch (rho) {
    case ASSAY_MMA_RZ_F32: return 0x1p-23;
    case ASSAY_MMA_RZ_E8M13: return 0x1p-13;
    case ASSAY_MMA_RNE_F32: return 0x1p-24;
    case ASSAY_MMA_RNE_F16: return 0x1p-11;
    case ASSAY_MMA_RZ_F16: return 0x1p-10;
    case ASSAY_MMA_RNE_F64: return 0x1p-53;
    default: return 0;
    }
}

/* [11] What a step of L products errs by, in units of the sum of magnitudes and the peak. */
static double step_error(const assay_mma_unit *u)
{
    double cut = assay_pow2(-u->F), L = u->L, rho = rho_unit(u->rho);
    switch (u->kind) {
    case ASSAY_MMA_KIND_T:
    case ASSAY_MMA_KIND_ST: return (L + 1) * cut + rho;
    case ASSAY_MMA_KIND_GST: return (L / u->G + 1) * 0x1p8 * cut + rho;
    case ASSAY_MMA_KIND_TR: return (L + 4) * cut + rho;
    case ASSAY_MMA_KIND_GTR: return (L + 8) * cut + rho;
    case ASSAY_MMA_KIND_E: return rho;
    case ASSAY_MMA_KIND_FTZ:
    case ASSAY_MMA_KIND_FMA: return (L + 2) * rho;
    default: return 0;
    }
}

/* Chains from +0 of one sum, steps of the longest, and additions of chains to totals. */
typedef struct shape {
    double chains, steps, additions, slices;
} shape;

static shape shape_of_sum(const assay_accumulator *acc, size_t k)
{
    const assay_mma_unit *u = &acc->unit;
    const assay_mma_plan *p = &acc->plan;
    mma_walk walk = { u, p, k };
    shape s = { .chains = 1 };
    double steps = 0;
    for (mma_cut c = { 0 }; mma_next_cut(&walk, (size_t)u->K, &c);) {
        steps += u->emulated ? 1 : (double)(u->K / u->L);
        bool ends = (p->promote && c.group_ends) || (mma_splits(p) && c.slice_ends);
        s.steps = steps > s.steps ? steps : s.steps;
        s.chains += ends;
        s.slices += mma_splits(p) && c.slice_ends;
        steps = ends ? 0 : steps;
    }
    s.additions = p->promote || mma_splits(p) ? s.chains + s.slices : 0;
    return s;
}

double bound_segments(const assay_policy *p, size_t k)
{
    double segments = 1;
    if (!assay_policy_is_scaled(p) || p->acc.unit.block)
        return segments;
    if (p->in.block > 0 && p->in.block < k)
        segments += (double)(k / p->in.block);
    if (p->weight.block > 0 && p->weight.block < k)
        segments += (double)(k / p->weight.block);
    return segments;
}

/* Segments between scales are sums of their own, of at most k terms. */
static shape shape_of(const assay_policy *p, size_t k)
{
    shape s = shape_of_sum(&p->acc, k);
    double segments = bound_segments(p, k), each = p->acc.plan.scaled ? 4 : 2;
    if (assay_policy_is_scaled(p) && !p->acc.unit.block) {
        s.chains *= segments;
        s.slices *= segments;
        s.additions = (s.additions + each) * segments;
    }
    return s;
}

double bound_unit_chains(const assay_policy *policy, size_t k)
{
    return shape_of(policy, k).chains;
}

bool bound_unit_flushes(const assay_policy *policy)
{
    const assay_accumulator *acc = &policy->acc;
    return acc->kind == ASSAY_SUM_UNIT && (acc->unit.flush || acc->unit.kind == ASSAY_MMA_KIND_FTZ);
}

/* Operands in binary32 lose 13 bits where they come in. */
static double operand_error(const assay_policy *policy)
{
    const assay_mma_unit *u = &policy->acc.unit;
    double lost = u->pre == ASSAY_MMA_PRE_TRUNCATE ? 0x1p-10 : 0x1p-11;
    bool a = policy->in.element.format.p > 11, b = policy->weight.element.format.p > 11;
    if (u->fa != ASSAY_MMA_TF32 || (!a && !b))
        return 0;
    return a && b ? lost * (2 + lost) : lost;
}

/* [11] Each step errs by its share of what has been summed by then, the error so far included. */
sum_unit bound_unit_sum(const assay_policy *policy, size_t k)
{
    const assay_accumulator *acc = &policy->acc;
    const assay_mma_unit *u = &acc->unit;
    shape s = shape_of(policy, k);
    double each = step_error(u), binary32 = 0x1p-24, rounded = 0;
    if (u->emulated)
        each = 2 * each + (u->fc == ASSAY_MMA_F16 ? 0x1p-11 : 0x1p-24);
    if (acc->plan.rounded)
        rounded = acc->plan.rounded == ASSAY_MMA_F16 ? 0x1p-11 : 0x1p-8;
    double exponent = s.steps * assay_log1p(each) + s.additions * assay_log1p(binary32) +
                      s.slices * assay_log1p(rounded);
    double growth = assay_expm1(exponent) + operand_error(policy) * assay_exp(exponent);
    bool integer = u->fc == ASSAY_MMA_S32;
    double least = integer ? 0 : assay_pow2(mma_emin(u->fc));
    double zero = u->kind <= ASSAY_MMA_KIND_GST ? assay_pow2(u->e_zero) : 0;
    double absolute = s.steps * s.chains * (u->L + 2) * (least + zero) * 0x1p-9;
    if (bound_unit_flushes(policy)) /* products and sums; bound_product sees to the operands */
        absolute = s.steps * s.chains * (2 * u->L + 4) * least * (1 + growth);
    if (acc->plan.rounded == ASSAY_MMA_F16)
        absolute += s.slices * 0x1p-24;
    double max = integer ? 0x1p31 - 1 : unit_of_rounder(&acc->round).max;
    return (sum_unit){ growth * (1 + 0x1p-40), absolute, max, 0 };
}
