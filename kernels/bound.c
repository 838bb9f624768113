/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/bound.h"

#include <math.h>

#include "numerics/elementary.h"

static const double widen = 1 + 0x1p-40;

rounding_unit unit_of_rounder(const assay_rounder *rounder)
{
    assay_unit u = assay_rounder_unit(rounder);
    return (rounding_unit){ u.relative, u.absolute, rounder->format.max };
}

static rounding_unit binary64_unit(void)
{
    return (rounding_unit){ 0x1p-53, 0x1p-1074, 1.7976931348623157e308 };
}

rounding_unit unit_of_step(const assay_policy *policy)
{
    step s = step_of(policy);
    return s.identity ? binary64_unit() : unit_of_rounder(&s.round.rounder);
}

est est_round(rounding_unit u, est x)
{
    double largest = fabs(x.v) + x.e;
    double e = x.e + u.relative * largest + u.absolute;
    /* A magnitude up to max (1 + relative) may still round to max; above max it may not. */
    return (est){ x.v, largest <= u.max ? e * widen : INFINITY };
}

est est_add(est a, est b)
{
    return (est){ a.v + b.v, (a.e + b.e) * widen };
}

est est_mul(est a, est b)
{
    double e = fabs(a.v) * b.e + fabs(b.v) * a.e + a.e * b.e;
    return (est){ a.v * b.v, e * widen };
}

/* |a'/b' - a/b| = |(a' - a) - (a/b)(b' - b)| / |b'| <= (ea + |a/b| eb) / (|b| - eb) */
est est_div(est a, est b)
{
    double q = a.v / b.v, room = fabs(b.v) - b.e;
    return (est){ q, room > 0 ? (a.e + fabs(q) * b.e) / room * widen : INFINITY };
}

est est_rsqrt(est x)
{
    double v = 1 / assay_sqrt(x.v), worst = x.v > x.e ? 1 / assay_sqrt(x.v - x.e) : INFINITY;
    return (est){ v, (worst - v) * widen + v * 0x1p-51 };
}

est est_function(double v, double l, double ulps, est x)
{
    double spread = l * x.e;
    return (est){ v, (spread + ulps * 0x1p-52 * (fabs(v) + spread) + ulps * 0x1p-1074) * widen };
}

/* n roundings of relative error u each multiply a term by at most (1 + u)^n; Higham,
 * "Accuracy and Stability of Numerical Algorithms", 2nd ed., section 3.1, without the
 * restriction n u < 1 that the closed form gamma_n brings. */
static double growth(double u, double n)
{
    return assay_expm1(n * assay_log1p(u)) * (1 + 0x1p-40);
}

sum_unit unit_of_sum(const assay_policy *policy, size_t k)
{
    assay_accumulator exact;
    const assay_accumulator *acc = sum_of(policy, &exact);
    rounding_unit u = acc->round.identity ? binary64_unit() : unit_of_rounder(&acc->round);
    double n = (double)k, roundings = n + 1;
    if (acc->kind == ASSAY_SUM_EXACT)
        roundings = 1;
    else if (acc->kind == ASSAY_SUM_BLOCK && acc->block < k)
        roundings = (double)acc->block + n / (double)acc->block + 2;
    return (sum_unit){ growth(u.relative, roundings),
                       2 * (n + 1) * u.absolute * (1 + growth(u.relative, roundings)), u.max };
}

double est_sum(sum_unit u, double operand_error, double magnitude)
{
    double e = operand_error + u.growth * magnitude + u.absolute;
    return magnitude * (1 + u.growth) <= u.max ? e * widen : INFINITY;
}

static void bound_operand(const assay_policy *policy, const assay_scheme *scheme, const double *x,
                          double *dx, size_t n)
{
    assay_scheme_bound(scheme, x, dx, n);
    if (!policy->has_operand)
        return;
    rounding_unit u = unit_of_rounder(&policy->operand);
    for (size_t i = 0; i < n; i++)
        dx[i] = est_round(u, (est){ x[i], dx[i] }).e;
}

void bound_input(const assay_policy *policy, const double *x, double *dx, size_t n)
{
    bound_operand(policy, &policy->in, x, dx, n);
}

void bound_weight(const assay_policy *policy, const double *w, double *dw, size_t n)
{
    bound_operand(policy, &policy->weight, w, dw, n);
}

void bound_output(const assay_policy *policy, const double *v, double *e, size_t n)
{
    if (assay_scheme_is_identity(&policy->out))
        return;
    if (policy->out.block == 0) {
        rounding_unit u = unit_of_rounder(&policy->out.element);
        for (size_t i = 0; i < n; i++)
            e[i] = est_round(u, (est){ v[i], e[i] }).e;
        return;
    }
    /* A block's scale follows from the largest of its emulated values, which is at most the
     * largest of the bounds; no element errs by more than that one does. */
    for (size_t i = 0; i < n; i += policy->out.block) {
        size_t m = n - i < policy->out.block ? n - i : policy->out.block;
        double amax = 0;
        for (size_t j = i; j < i + m; j++)
            amax = fmax(amax, fabs(v[j]) + e[j]);
        double largest;
        assay_scheme_bound(&policy->out, &amax, &largest, 1);
        for (size_t j = i; j < i + m; j++)
            e[j] = (e[j] + largest) * widen;
    }
}

/* sum (w + dw)(x + dx) - sum w x bounds what quantizing the operands does; both sums are taken
 * in binary64, with a relative error below (k + 1) 2^-53 each. */
void bound_product(const product_bound *b)
{
    assay_accumulator reference = assay_accumulator_reference();
    assay_operand w = { b->w, ASSAY_STORAGE_F64, b->row_stride, b->column_stride, NULL };
    assay_product(&reference, b->m, b->n, b->k, b->x, b->ldx, &w, b->scratch, b->n, b->workspace);
    for (size_t i = 0; i < b->m; i++)
        for (size_t p = 0; p < b->k; p++)
            b->dx[i * b->ldx + p] += b->x[i * b->ldx + p];
    for (size_t i = 0; i < b->w_count; i++)
        b->dw[i] += b->w[i];
    w.data = b->dw;
    assay_product(&reference, b->m, b->n, b->k, b->dx, b->ldx, &w, b->e, b->lde, b->workspace);
    sum_unit u = unit_of_sum(b->policy, b->k);
    double slack = (double)(b->k + 1) * 0x1p-51;
    for (size_t i = 0; i < b->m; i++)
        for (size_t j = 0; j < b->n; j++) {
            double magnitude = b->e[i * b->lde + j] * (1 + slack);
            double operand = magnitude - b->scratch[i * b->n + j];
            bool untouched = b->e[i * b->lde + j] == b->scratch[i * b->n + j];
            b->e[i * b->lde + j] = est_sum(u, untouched ? 0 : operand, magnitude);
        }
}
