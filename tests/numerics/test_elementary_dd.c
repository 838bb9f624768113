/* SPDX-License-Identifier: Apache-2.0 */
/* The double-double elementary functions: the stated relative error. */
#include "elementary_cases.h"

/* Relative error of y against t; 2^-1073 absolutely is free, as the headers say. */
static double wide_error(assay_dd y, const mpfr_t t)
{
    mpfr_t d;
    mpfr_init2(d, BITS);
    mpfr_sub_d(d, t, y.hi, MPFR_RNDN);
    mpfr_sub_d(d, d, y.lo, MPFR_RNDN);
    mpfr_abs(d, d, MPFR_RNDN);
    if (mpfr_get_exp(t) < -959)
        mpfr_sub_d(d, d, 0x1p-1073, MPFR_RNDN);
    double error = 0;
    if (mpfr_sgn(d) > 0) {
        mpfr_div(d, d, t, MPFR_RNDN);
        error = fabs(mpfr_get_d(d, MPFR_RNDA));
    }
    mpfr_clear(d);
    return error;
}

/* What the header multiplies 2^-100 by. */
static double widening(const row *r, assay_dd x, const mpfr_t x_exact, const mpfr_t t)
{
    if (r->truth == truth_gelu_tanh && x.hi < 0) {
        mpfr_t a;
        mpfr_init2(a, BITS);
        gelu_argument(a, x_exact);
        double factor = 1 + fabs(mpfr_get_d(a, MPFR_RNDN));
        mpfr_clear(a);
        return factor;
    }
    int circular = r->truth == truth_sin || r->truth == truth_cos;
    return circular && x.lo != 0 ? 1 / fabs(mpfr_get_d(t, MPFR_RNDN)) : 1;
}

static void check_wide(const row *r, assay_dd x, worst *w)
{
    mpfr_t t, y;
    if (!isfinite(x.hi))
        return;
    mpfr_inits2(BITS, t, y, (mpfr_ptr)0);
    mpfr_set_d(t, x.hi, MPFR_RNDN);
    mpfr_add_d(t, t, x.lo, MPFR_RNDN);
    r->truth(y, t);
    double high = mpfr_get_d(y, MPFR_RNDN);
    assay_dd z = r->wide(x);
    if (isfinite(high) && high != 0)
        keep(w, wide_error(z, y) / widening(r, x, t, y), x.hi);
    cr_expect(isfinite(high) || z.hi == high || (isnan(high) && isnan(z.hi)), "%s %a", r->name,
              x.hi);
    mpfr_clears(t, y, (mpfr_ptr)0);
}

PER_FUNCTION(wide_bounds)
{
    const row *r = &rows[*id];
    worst single = { 0, 0 }, both = { 0, 0 };
    if (!r->wide)
        return;
    for (size_t i = 0; i < points(r->cost); i++) {
        double x = argument(r, i);
        double lo = fabs(x) > 0x1p-900 && fabs(x) < 0x1p200 ? x * 0x1p-53 * (unit(i) - 0.5) : 0;
        check_wide(r, assay_dd_from(x), &single);
        check_wide(r, assay_two_sum(x, lo), &both);
    }
    for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) {
        check_wide(r, assay_dd_from(hard[i]), &single);
        check_wide(r, assay_dd_from(-hard[i]), &single);
    }
    cr_log_info("%s: 2^%.2f at %a, double-word 2^%.2f at %a", r->name, log2(single.value),
                single.at, log2(both.value), both.at);
    cr_expect(single.value <= ASSAY_DD_REL, "%s: %a at %a", r->name, single.value, single.at);
    cr_expect(both.value <= ASSAY_DD_REL, "%s: %a at %a", r->name, both.value, both.at);
}
