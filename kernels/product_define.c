/* SPDX-License-Identifier: Apache-2.0 */
/* The sums by their definition, one exact operation and one rounding at a time; and the loops'
 * constants. */
#include "kernels/exact_sum.h"
#include "kernels/product_kernels.h"
#include "numerics/cpu.h"
#include "numerics/exact.h"

const assay_product_kernels *assay_product_table(void)
{
    static const assay_product_kernels *const tables[ASSAY_ISA_COUNT] = {
        [ASSAY_ISA_BASELINE] = &assay_product_base,
        [ASSAY_ISA_AVX2] = &assay_product_avx2,
        [ASSAY_ISA_AVX512] = &assay_product_avx512,
    };
    return tables[assay_isa_current()];
}

/* The bounds keep every constant, and 2^52 quanta of any binade up to emax + 1, normal [2]. */
bool assay_lane_rounder_make(const assay_rounder *r, assay_lane_rounder *out)
{
    const assay_format *f = &r->format;
    if (!f->is_signed || !f->has_subnormals || f->p < 2 || f->p > 50 || f->emax > 960 ||
        f->emin - f->p + 1 < -1022)
        return false;
    const int64_t one = (int64_t)1 << 52;
    *out = (assay_lane_rounder){
        .least = (f->emin + 1023) * one,
        .most = (f->emax + 1024) * one,
        .magic = (53 - f->p) * one,
        .unit = (f->p - 1) * one,
        .max = f->max,
        .overflow = { r->overflow_value[0], r->overflow_value[1] },
        .infinite = { r->infinite_value[0], r->infinite_value[1] },
        .nan = r->nan_value,
        .zero = f->has_negzero ? -0.0 : 0.0,
    };
    return true;
}

static double value(const assay_rounder *r, assay_exact x)
{
    return assay_decode(&r->format, assay_round_exact(r, x));
}

bool assay_is_native(const assay_rounder *r)
{
    return r->identity && r->mode == ASSAY_RNE && r->overflow_value[0] == __builtin_inf() &&
           r->overflow_value[1] == -__builtin_inf();
}

static double fused(const assay_rounder *r, double a, double b, double c)
{
    if (assay_is_native(r)) {
        double x = __builtin_fma(a, b, c); /* IEEE's fusedMultiplyAdd is this very function */
        return x == x ? x : r->nan_value;
    }
    return value(r, assay_exact_fma(a, b, c, r->mode));
}

/* The exact a b, its zero with the product's sign: a b + 0 would lose that. */
static double rounded_product(const assay_rounder *r, double a, double b)
{
    double plain = a * b;
    if (a == 0 || b == 0 || plain - plain != 0) {
        assay_superaccumulator s;
        assay_superaccumulator_clear(&s);
        assay_superaccumulator_add_product(&s, a, b);
        return value(r, assay_exact_sum(&s, r->mode));
    }
    return value(r, assay_exact_fma(a, b, 0, r->mode));
}

double assay_step_define(const assay_accumulator *acc, double a, double b, double sum)
{
    const assay_rounder *r = &acc->round;
    if (acc->kind == ASSAY_SUM_UNFUSED)
        return fused(r, rounded_product(r, a, b), 1, sum);
    return fused(r, a, b, sum);
}

static double exact_dot(const assay_rounder *r, size_t k, const double *x, size_t sx,
                        const double *y, size_t sy)
{
    assay_superaccumulator s;
    assay_superaccumulator_clear(&s);
    for (size_t p = 0; p < k; p++)
        assay_superaccumulator_add_product(&s, x[p * sx], y[p * sy]);
    return value(r, assay_exact_sum(&s, r->mode));
}

static double reference_dot(const assay_rounder *r, size_t k, const double *x, size_t sx,
                            const double *y, size_t sy)
{
    double sum = 0;
    for (size_t p = 0; p < k; p++)
        sum = sum + x[p * sx] * y[p * sy];
    return sum == sum ? sum : r->nan_value;
}

double assay_dot(const assay_accumulator *acc, size_t k, const double *x, size_t sx,
                 const double *y, size_t sy)
{
    const assay_rounder *r = &acc->round;
    if (acc->kind == ASSAY_SUM_REFERENCE)
        return reference_dot(r, k, x, sx, y, sy);
    if (acc->kind == ASSAY_SUM_EXACT)
        return exact_dot(r, k, x, sx, y, sy);
    bool blocked = acc->kind == ASSAY_SUM_BLOCK;
    double total = 0, sum = 0;
    for (size_t p = 0; p < k; p++) {
        sum = assay_step_define(acc, x[p * sx], y[p * sy], sum);
        if (blocked && ((p + 1) % acc->block == 0 || p + 1 == k)) {
            total = fused(r, sum, 1, total);
            sum = 0;
        }
    }
    return blocked ? total : sum;
}
