/* SPDX-License-Identifier: Apache-2.0 */
/* One step of a chain by MPFR at a precision where nothing is rounded, then assay_round_exact. */
#ifndef ASSAY_TESTS_PRODUCT_ORACLE_H
#define ASSAY_TESTS_PRODUCT_ORACLE_H

#include <mpfr.h>

#include "tests/kernels/product_test.h"

enum { PRECISION = 4400 }; /* of any binary64 product beside any sum */
static mpfr_t product_, sum_, top_;
static mpz_t integer_;

ASSAY_INLINE void start_oracle(void)
{
    mpfr_inits2(PRECISION, product_, sum_, (mpfr_ptr)0);
    mpfr_init2(top_, 64);
    mpz_init(integer_);
}

ASSAY_INLINE assay_exact exact_of(const mpfr_t x)
{
    assay_exact e = { .kind = ASSAY_ZERO, .negative = mpfr_signbit(x) != 0 };
    if (mpfr_nan_p(x))
        return (assay_exact){ .kind = ASSAY_NOT_A_NUMBER };
    if (mpfr_inf_p(x))
        e.kind = ASSAY_INFINITE;
    if (!mpfr_regular_p(x))
        return e;
    e.kind = ASSAY_FINITE;
    e.sticky = mpfr_set(top_, x, MPFR_RNDZ) != 0;
    e.exp = (int)mpfr_get_z_2exp(integer_, top_);
    mpz_abs(integer_, integer_);
    e.sig = mpz_get_ui(integer_);
    return e;
}

ASSAY_INLINE double rounded(const assay_rounder *r, const mpfr_t x)
{
    return assay_decode(&r->format, assay_round_exact(r, exact_of(x)));
}

/* RDN alone matters to MPFR here: for the sign of an exact zero. */
ASSAY_INLINE mpfr_rnd_t zero_mode(const assay_rounder *r)
{
    return r->mode == ASSAY_RDN ? MPFR_RNDD : MPFR_RNDN;
}

ASSAY_INLINE double oracle_step(const assay_accumulator *acc, double a, double b, double c)
{
    const assay_rounder *r = &acc->round;
    mpfr_set_d(product_, a, MPFR_RNDN);
    mpfr_mul_d(product_, product_, b, zero_mode(r));
    if (acc->kind == ASSAY_SUM_UNFUSED)
        mpfr_set_d(product_, rounded(r, product_), MPFR_RNDN);
    mpfr_set_d(sum_, c, MPFR_RNDN);
    mpfr_add(sum_, product_, sum_, zero_mode(r));
    return rounded(r, sum_);
}

#endif
