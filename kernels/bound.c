/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of error bounds; numbers in brackets are those of docs/kernels.md, bounds. */
#include "kernels/bound.h"

#include <math.h>

#include "numerics/elementary.h"

static const double widen = 1 + 0x1p-40;

/* An unsigned format has no room for a value whose sign is not known. */
rounding_unit unit_of_rounder(const assay_rounder *rounder)
{
    assay_unit u = assay_rounder_unit(rounder);
    double max = rounder->format.is_signed ? rounder->format.max : 0;
    return (rounding_unit){ u.relative, u.absolute, max };
}

rounding_unit unit_of_binary64(void)
{
    return (rounding_unit){ 0x1p-53, 0x1p-1074, 0x1.fffffffffffffp1023 };
}

rounding_unit unit_of_step(const assay_policy *policy)
{
    step s = step_of(policy);
    return s.native ? unit_of_binary64() : unit_of_rounder(&s.round.rounder);
}

/* [2] What is rounded lies within 2 e of v. */
est est_round(rounding_unit u, est x)
{
    double largest = fabs(x.v) + 2 * x.e;
    double e = x.e + u.relative * largest + u.absolute;
    return (est){ x.v, largest <= u.max ? e * widen : INFINITY };
}

est est_constant(rounding_unit u, double v)
{
    return est_round(u, (est){ v, 0 });
}

est est_add(est a, est b)
{
    return (est){ a.v + b.v, (a.e + b.e) * widen };
}

est est_subtract(est a, est b)
{
    return (est){ a.v - b.v, (a.e + b.e) * widen };
}

/* [3] a'b' - ab = a (b' - b) + b (a' - a) + (a' - a)(b' - b), |a| <= |v| + e. */
est est_multiply(est a, est b)
{
    double e = fabs(a.v) * b.e + fabs(b.v) * a.e + 3 * (a.e * b.e);
    return (est){ a.v * b.v, e * widen };
}

double est_room(est b)
{
    return (fabs(b.v) - 2 * b.e) * (1 - 0x1p-50);
}

/* [4] a'/b' - a/b = ((a' - a) - (a/b)(b' - b)) / b', and |a/b| <= (|v| + e) / room. */
est est_divide(est a, est b, double room)
{
    double quotient = (fabs(a.v) + a.e) / room, e = (a.e + quotient * b.e) / room;
    return (est){ a.v / b.v, room > 0 ? e * widen : INFINITY };
}

/* [5] 1 / sqrt falls and is convex: nothing differs more than the ends of [v - 2 e, v]. Two
 * operations make each of its values here and in the emulation. */
est est_rsqrt(est x)
{
    double low = est_room(x);
    double v = 1 / assay_sqrt(x.v), worst = low > 0 ? 1 / assay_sqrt(low) : INFINITY;
    return (est){ v, (worst - v) * widen + worst * 0x1p-50 };
}

est est_function(double v, double l, double ulps, est x)
{
    double spread = l * x.e;
    return (est){ v, (spread + ulps * 0x1p-52 * (fabs(v) + spread) + ulps * 0x1p-1074) * widen };
}

double est_sum(sum_unit u, double operand, double magnitude)
{
    double sum = magnitude * (1 + u.slack), error = u.growth * sum + u.absolute;
    double e = operand * (1 + u.slack) + error;
    return sum + error <= u.max ? e * widen : INFINITY;
}

/* What `@operand:F` adds. */
static void bound_operand(const assay_policy *policy, const double *x, double *dx, size_t n)
{
    if (!policy->has_operand || policy->operand.identity)
        return;
    rounding_unit u = unit_of_rounder(&policy->operand);
    for (size_t i = 0; i < n; i++)
        dx[i] = est_round(u, (est){ x[i], dx[i] }).e;
}

void bound_input(const assay_policy *policy, const double *x, double *dx, size_t n)
{
    assay_scheme_bound(&policy->in, x, dx, n);
    bound_operand(policy, x, dx, n);
}

void bound_weights(const assay_policy *policy, const assay_parameter *p, size_t first, size_t count,
                   double *w, double *dw)
{
    for (size_t i = 0; i < count; i++)
        parameter_row(p, first + i, w + i * p->cols);
    assay_scheme_bound_rows(&policy->weight, &policy->whole, count, p->cols, w, dw);
    bound_operand(policy, w, dw, count * p->cols);
}

/* [7] What any element of a block errs by whose magnitudes are at most amax. A smaller block may
 * have a smaller scale, and then be clipped where one with amax itself is not. */
static double block_error(const assay_scheme *s, double amax)
{
    const assay_rounder *r = &s->element;
    assay_unit u = assay_rounder_unit(r);
    if (!(amax < INFINITY) || !r->format.is_signed)
        return INFINITY;
    double scale = assay_pow2(assay_scale_exponent(s, amax)), top = scale * r->format.max;
    double clip = amax > top ? amax - top : 0;
    if (s->rule == ASSAY_SCALE_FLOOR)
        clip = fmax(clip, scale * (assay_pow2(r->format.emax + 1) - r->format.max));
    bool clips = r->overflow == ASSAY_OVERFLOW_SAT || r->overflow == ASSAY_OVERFLOW_PROPAGATE;
    if (clip > 0 && !clips)
        return INFINITY;
    return (amax * u.relative + scale * u.absolute + clip) * widen;
}

static void bound_block(const assay_scheme *s, const double *v, double *e, size_t n)
{
    double amax = 0;
    for (size_t j = 0; j < n; j++) {
        double a = fabs(v[j]) + 2 * e[j];
        amax = a <= amax ? amax : a == a ? a : INFINITY;
    }
    double largest = block_error(s, amax * widen);
    for (size_t j = 0; j < n; j++)
        e[j] = (e[j] + largest) * widen;
}

void bound_output(const assay_policy *policy, const double *v, double *e, size_t n)
{
    const assay_scheme *s = &policy->out;
    rounding_unit u = unit_of_rounder(&s->element);
    for (size_t i = 0; s->block > 0 && i < n; i += s->block)
        bound_block(s, v + i, e + i, n - i < s->block ? n - i : s->block);
    for (size_t i = 0; i < n; i++) {
        if (s->block == 0 && !s->element.identity)
            e[i] = est_round(u, (est){ v[i], e[i] }).e;
        if (!(fabs(v[i]) + e[i] < INFINITY))
            e[i] = INFINITY;
    }
}

static bool any(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] != 0)
            return true;
    return false;
}

static void add_to(double *sum, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += x[i];
}

static double largest(const double *x, size_t n, size_t stride)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = x[i * stride] > most ? x[i * stride] : most;
    return most;
}

/* [11] What a product may be aligned to: the largest of the row times that of the column, each at
 * least its format's least normal value, as which subnormals count; 0 for slices [13]. */
static void add_peaks(const product_bound *b, const double *x, const double *w)
{
    const assay_accumulator *acc = &b->policy->acc;
    double *rows = b->workspace;
    double chains = acc->kind == ASSAY_SUM_UNIT ? bound_unit_chains(b->policy, b->k) : 1;
    for (size_t i = 0; i < b->m; i++)
        rows[i] = largest(x + i * b->k, b->k, 1) + acc->operand[0].format.min_normal;
    for (size_t j = 0; j < b->n; j++) {
        double column = largest(w + j * b->column_stride, b->k, b->row_stride);
        column = (column + acc->operand[1].format.min_normal) * chains * widen;
        for (size_t i = 0; i < b->m; i++)
            b->magnitude[i * b->n + j] += rows[i] * column;
    }
}

/* [11] Of a unit that flushes, an operand that may be subnormal may be lost. */
static void flush(const assay_rounder *operand, const double *x, double *dx, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] - dx[i] < operand->format.min_normal)
            dx[i] += x[i];
}

/* [13] A subnormal's parts may be larger than itself. */
static void add_parts(const double *x, double *dx, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] != 0 && x[i] - dx[i] < 0x1p-126)
            dx[i] += 0x1p-126;
}

/* [8] sum (x + dx)(w + dw) - sum x w bounds what quantizing the operands does; both sums are
 * taken in binary64, with a relative error below (k + 3) 2^-53 each. */
void bound_product(const product_bound *b)
{
    assay_accumulator reference = assay_accumulator_reference();
    assay_operand w = { b->w, ASSAY_STORAGE_F64, b->row_stride, b->column_stride, NULL };
    if (b->policy->acc.kind == ASSAY_SUM_BF16X9) {
        add_parts(b->x, b->dx, b->m * b->k);
        add_parts(b->w, b->dw, b->k * b->n);
    }
    if (bound_unit_flushes(b->policy)) {
        flush(&b->policy->acc.operand[0], b->x, b->dx, b->m * b->k);
        flush(&b->policy->acc.operand[1], b->w, b->dw, b->k * b->n);
    }
    assay_product(&reference, b->m, b->n, b->k, b->x, b->k, &w, b->magnitude, b->n, b->workspace);
    bool rounded = any(b->dx, b->m * b->k) || any(b->dw, b->k * b->n);
    if (rounded) {
        add_to(b->dx, b->x, b->m * b->k);
        add_to(b->dw, b->w, b->k * b->n);
        w.data = b->dw;
        assay_product(&reference, b->m, b->n, b->k, b->dx, b->k, &w, b->operand, b->operand_ld,
                      b->workspace);
    }
    double slack = (double)(b->k + 3) * 0x1p-51;
    for (size_t i = 0; i < b->m; i++)
        for (size_t j = 0; j < b->n; j++) {
            double *operand = &b->operand[i * b->operand_ld + j];
            double *magnitude = &b->magnitude[i * b->n + j], plain = *magnitude;
            *magnitude = (rounded ? *operand : plain) * (1 + slack);
            *operand = rounded ? *magnitude - plain : 0;
        }
    if (b->policy->acc.kind == ASSAY_SUM_UNIT || b->policy->acc.kind == ASSAY_SUM_OZAKI)
        add_peaks(b, rounded ? b->dx : b->x, rounded ? b->dw : b->w);
}
