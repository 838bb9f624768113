/* SPDX-License-Identifier: Apache-2.0 */
/* Rows for sum and dot: made from their number alone, and added up as fractions. */
#if ASSAY_HAVE_MPFR
#include "audit/verify_operation.h"

enum { CANCELLED = 1900 }; /* as in verify_tuple.c */

size_t assay_verify_row(const assay_verify_formats *f, uint64_t i,
                        uint64_t codes[2][ASSAY_VERIFY_ROW])
{
    const assay_format *g = f->operands.format;
    uint64_t mask = g->bits < 64 ? ((uint64_t)1 << g->bits) - 1 : ~(uint64_t)0;
    uint64_t seed = assay_verify_mix(i);
    size_t n = 1 + seed % ASSAY_VERIFY_ROW;
    for (size_t k = 0; k < 2; k++)
        for (size_t j = 0; j < n; j++) {
            uint64_t random = assay_verify_mix((seed ^ j << 1 ^ k) + (i << 8));
            bool again = j > 0 && (seed >> 32 & 3) < 2 && random >> 60 > 3;
            codes[k][j] = random & mask;
            if (again) /* a term that cancels the one before, all or nearly */
                codes[k][j] = codes[k][j - 1] ^ (k == 0 ? g->sign_bit : 0) ^ (random >> 59 & 1);
            if (random % 97 == 0 || seed >> 34 == 0)
                codes[k][j] = k == 0 && random >> 62 ? g->sign_bit : 0;
        }
    return n;
}

/* One term: finite ones are added, others remembered. */
typedef struct total {
    bool nan, above, below, all_negative_zeros, all_positive_zeros;
    mpfr_exp_t largest;
} total;

static void add_term(const assay_verify_formats *f, assay_verify_terms *t, uint64_t a, uint64_t b,
                     total *sum)
{
    const bool two = f->operation->arity == 2;
    const uint64_t codes[] = { a, b };
    for (int k = 0; k < 1 + two; k++) {
        assay_verify_value(f->operands.format, codes[k], t->x[k]);
        sum->nan = sum->nan || mpfr_nan_p(t->x[k]);
    }
    if (!two)
        mpfr_set_ui(t->x[1], 1, MPFR_RNDN);
    mpfr_mul(t->x[2], t->x[0], t->x[1], MPFR_RNDN); /* for zeros, infinities and NaN */
    sum->nan = sum->nan || mpfr_nan_p(t->x[2]);
    sum->above = sum->above || (mpfr_inf_p(t->x[2]) && mpfr_sgn(t->x[2]) > 0);
    sum->below = sum->below || (mpfr_inf_p(t->x[2]) && mpfr_sgn(t->x[2]) < 0);
    sum->all_negative_zeros =
        sum->all_negative_zeros && mpfr_zero_p(t->x[2]) && mpfr_signbit(t->x[2]);
    sum->all_positive_zeros =
        sum->all_positive_zeros && mpfr_zero_p(t->x[2]) && !mpfr_signbit(t->x[2]);
    if (!mpfr_regular_p(t->x[2]))
        return;
    if (mpfr_get_exp(t->x[2]) > sum->largest)
        sum->largest = mpfr_get_exp(t->x[2]);
    mpfr_get_q(t->q[0], t->x[0]);
    mpfr_get_q(t->q[1], t->x[1]);
    mpq_mul(t->q[0], t->q[0], t->q[1]);
    mpq_add(t->fraction, t->fraction, t->q[0]);
}

/* The divisor of each operand divides the sum at the end. */
static void divide(const assay_verify_formats *f, assay_verify_terms *t)
{
    for (int k = 0; k < f->operation->arity; k++) {
        mpz_mul_ui(mpq_denref(t->fraction), mpq_denref(t->fraction), f->operands.divisor);
        mpq_canonicalize(t->fraction);
    }
}

void assay_verify_evaluate_row(const assay_verify_formats *f, assay_verify_terms *t, uint64_t i,
                               assay_verify_item *out)
{
    uint64_t codes[2][ASSAY_VERIFY_ROW];
    size_t n = assay_verify_row(f, i, codes);
    total sum = { .all_negative_zeros = true,
                  .all_positive_zeros = true,
                  .largest = mpfr_get_emin() };
    mpq_set_ui(t->fraction, 0, 1);
    for (size_t j = 0; j < n; j++)
        add_term(f, t, codes[0][j], codes[1][j], &sum);
    divide(f, t);
    mpfr_set_prec(t->result, f->precision);
    assay_verify_truncate(t->result, t->fraction);
    t->is_fraction = true;
    if (f->approximate && mpfr_regular_p(t->result) &&
        mpfr_get_exp(t->result) < sum.largest - CANCELLED)
        mpfr_set_zero(t->result, 1);
    if (sum.nan || (sum.above && sum.below))
        mpfr_set_nan(t->result);
    else if (sum.above || sum.below)
        mpfr_set_inf(t->result, sum.above ? 1 : -1);
    else if (mpfr_zero_p(t->result))
        mpfr_set_zero(t->result, sum.all_negative_zeros ? -1 : 1);
    out->down = mpfr_zero_p(t->result) && !sum.all_positive_zeros;
    mpfr_set_prec(t->scaled, mpfr_get_prec(t->result) + 16);
    mpfr_mul_ui(t->scaled, t->result, f->result.divisor, MPFR_RNDN);
    assay_verify_place_of(&f->result, t->scaled, f->approximate, &t->gap, &out->place);
}
#endif
