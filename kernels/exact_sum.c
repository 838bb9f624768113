/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/exact_sum.h"

#include "numerics/exact.h"

assay_exact assay_exact_sum(const assay_superaccumulator *s, assay_mode mode)
{
    static const assay_class kinds[] = {
        [ASSAY_SUM_ZERO] = ASSAY_ZERO,
        [ASSAY_SUM_FINITE] = ASSAY_FINITE,
        [ASSAY_SUM_INFINITE] = ASSAY_INFINITE,
        [ASSAY_SUM_NAN] = ASSAY_NOT_A_NUMBER,
    };
    if (assay_mode_is_stochastic(mode)) /* whose chances depend on every bit */
        return assay_superaccumulator_exact(s, false);
    assay_leading l = assay_superaccumulator_leading(s);
    assay_exact x = { .kind = kinds[l.kind],
                      .negative = l.negative,
                      .sticky = l.sticky,
                      .exp = l.exp,
                      .sig = l.sig };
    if (l.kind == ASSAY_SUM_ZERO && !l.like_signed)
        x.negative = mode == ASSAY_RDN;
    return x;
}

/* Whether x y is TwoProd's exact pair, with room for every step (docs/kernels-product.md 3). */
static bool moderate(double x)
{
    double size = __builtin_fabs(x);
    return size >= 0x1p-450 && size <= 0x1p450;
}

assay_exact assay_exact_fma(double a, double b, double c, assay_mode mode)
{
    if (moderate(a) && moderate(b) && (c == 0 || moderate(c))) {
        assay_dd u = assay_two_prod(a, b), t = assay_two_sum(c, u.lo);
        assay_dd v = assay_two_sum(u.hi, t.hi), z = assay_two_sum(t.lo, v.lo);
        if ((v.hi != 0 || z.hi != 0) && (z.lo == 0 || !assay_mode_is_stochastic(mode))) {
            /* v.hi + (t.lo + v.lo) exactly; the bracket rounded to odd keeps what a deterministic
             * mode looks at. */
            uint64_t bits = assay_bits64(z.hi);
            if (z.lo != 0 && !(bits & 1))
                z.hi = assay_from_bits64((z.lo < 0) == (z.hi < 0) ? bits + 1 : bits - 1);
            assay_dd r = assay_two_sum(v.hi, z.hi);
            return assay_exact_from_pair(r.hi, r.lo);
        }
    }
    assay_superaccumulator s;
    assay_superaccumulator_clear(&s);
    assay_superaccumulator_add_product(&s, a, b);
    assay_superaccumulator_add(&s, c);
    return assay_exact_sum(&s, mode);
}
