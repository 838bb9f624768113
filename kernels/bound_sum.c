/* SPDX-License-Identifier: Apache-2.0 */
/* Error bounds of sums; numbers in brackets are those of docs/kernels.md, bounds. */
#include <math.h>

#include "kernels/bound.h"
#include "numerics/elementary.h"
#include "rounding/constants.h"

static const double widen = 1 + 0x1p-40;

/* [6] n roundings of relative error u multiply a term by at most (1 + u)^n; Higham, "Accuracy
 * and Stability of Numerical Algorithms", 2nd ed., section 3.1, without the restriction n u < 1
 * that the closed form gamma_n brings. */
static double growth(double u, double n)
{
    return assay_expm1(n * assay_log1p(u)) * widen;
}

/* (1 + a) (1 + b) - 1 */
static double together(double a, double b)
{
    return (a + b + a * b) * widen;
}

double assay_accumulator_roundings(const assay_accumulator *acc, size_t k)
{
    double n = (double)k, block = (double)acc->block;
    if (acc->feedback)
        return NAN;
    switch (acc->kind) {
    case ASSAY_SUM_EXACT: return 1;
    case ASSAY_SUM_REFERENCE:
    case ASSAY_SUM_STEP:
    case ASSAY_SUM_UNFUSED: return n + 1;
    case ASSAY_SUM_BLOCK: return block < n ? block + n / block + 2 : n + 1;
    case ASSAY_SUM_PAIRWISE: /* the product, each level */
        return 66 - (k > 0 ? __builtin_clzll((uint64_t)k) : 64);
    default: return NAN;
    }
}

/* [13] What one term's share of s - c and of c are at most, s - c less the term itself. */
typedef struct share {
    double off, lost;
} share;

static share one_more(double u, share x)
{
    double s = 1 + x.off + x.lost, two = 2 * u + u * u, up = 1 + u;
    return (share){ x.off + u * two * s + x.lost * (u + up * (u + two * up)),
                    u * up * up * s + up * up * two * x.lost };
}

static double kahan_growth(double u, size_t k)
{
    const double two = 2 * u + u * u, up = 1 + u;
    share x = { u + up * (u * up + u * two), up * up * two };
    for (size_t i = 1; i < k && x.off < INFINITY; i++)
        x = one_more(u, x);
    return together(x.off + x.lost, u); /* the product's rounding */
}

/* [13] e <= u x is all that is off, but for what roundings of e have lost on the way. */
static sum_unit feedback_sum(const assay_accumulator *acc, double n)
{
    rounding_unit u = unit_of_rounder(&acc->round), e = { 0x1p-100, 0x1p-1074, INFINITY };
    if (acc->rounds_residue)
        e = unit_of_rounder(&acc->residue);
    double steps = acc->kind == ASSAY_SUM_BLOCK ? n + n / (double)acc->block + 1 : n;
    double lost = growth(u.relative * e.relative, steps), own = growth(u.relative, 3);
    double kept = e.max / u.relative;
    return (sum_unit){ together(own, lost), 4 * (n + 1) * (u.absolute + e.absolute) * (1 + lost),
                       kept < u.max ? kept : u.max, 0 };
}

/* [13] Operands that are no binary32 are rounded, and may overflow. */
static bool are_binary32(const assay_policy *p)
{
    const assay_format *in = &p->in.element.format, *weight = &p->weight.element.format;
    if (p->has_operand)
        in = weight = &p->operand.format;
    return assay_format_fits_f32(in) && assay_format_fits_f32(weight);
}

static sum_unit parts_sum(const assay_policy *policy, double n, double scaled)
{
    rounding_unit u = unit_of_rounder(&policy->acc.round);
    double own = growth(u.relative, 9 * n + 1 + scaled) * (1 + 0x1p-4);
    if (!are_binary32(policy))
        own = INFINITY;
    return (sum_unit){ own, (18 * n + 10) * u.absolute * (1 + own) + own * n * 0x1p-126, u.max / 8,
                       0 };
}

static sum_unit slices_sum(const assay_accumulator *acc, double n, double scaled)
{
    double slices = (double)acc->block;
    double cut = (slices + 2) * assay_pow2(-7 * (int)acc->block) + (slices + 1) * 0x1p-52;
    rounding_unit u = unit_of_binary64();
    return (sum_unit){ 4 * n * cut * widen + growth(u.relative, scaled + 2),
                       2 * (n + 1) * u.absolute, u.max, 0 };
}

static sum_unit own_sum(const assay_policy *policy, size_t k, double scaled)
{
    const assay_accumulator *acc = &policy->acc;
    const double n = (double)k;
    bool integers = acc->kind == ASSAY_SUM_INT32 || acc->kind == ASSAY_SUM_INT32_SAT;
    rounding_unit u = unit_of_binary64();
    switch (acc->kind) {
    case ASSAY_SUM_EXACT:
    case ASSAY_SUM_REFERENCE: break;
    case ASSAY_SUM_INT32:
    case ASSAY_SUM_INT32_SAT: u.max = 0x1p31 - 1; break; /* scales are binary64's */
    case ASSAY_SUM_BF16X9: return parts_sum(policy, n, scaled);
    case ASSAY_SUM_OZAKI: return slices_sum(acc, n, scaled);
    case ASSAY_SUM_KAHAN: {
        u = unit_of_rounder(&acc->round);
        double own = together(kahan_growth(u.relative, k), growth(u.relative, scaled));
        return (sum_unit){ own, 4 * (5 * n + 1) * u.absolute * (1 + own), u.max / 2, 0 };
    }
    default: u = unit_of_rounder(&acc->round);
    }
    double roundings = integers ? n + 1 : assay_accumulator_roundings(acc, k);
    double own = growth(u.relative, roundings + scaled);
    return (sum_unit){ own, 2 * (n + 1) * u.absolute * (1 + own), u.max, 0 };
}

sum_unit unit_of_sum(const assay_policy *policy, size_t k)
{
    const assay_accumulator *acc = &policy->acc;
    double scaled = assay_policy_is_scaled(policy) ? 3 * bound_segments(policy, k) : 0;
    double n = (double)k, reference = growth(0x1p-53, n + 1 + scaled);
    sum_unit unit;
    if (acc->kind == ASSAY_SUM_UNIT) {
        unit = bound_unit_sum(policy, k);
        unit.growth += reference;
    } else if (acc->feedback) {
        unit = feedback_sum(acc, n);
        unit.growth = together(unit.growth, growth(unit_of_rounder(&acc->round).relative, scaled));
    } else {
        unit = own_sum(policy, k, scaled);
    }
    unit.growth = unit.growth > reference ? unit.growth : reference;
    unit.slack = (n + 2) * 0x1p-52;
    return unit;
}
