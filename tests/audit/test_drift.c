/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics on cases worked out by hand. */
#include <criterion/criterion.h>
#include <math.h>

#include "audit/drift.h"

static const double nan_value = NAN;

Test(drift, norms_of_a_three_four_five_triangle)
{
    /* r = (3, 4), c = (3, 4 + 5/2): |r| = 5, |c - r| = 5/2 */
    double r[] = { 3, 4 }, c[] = { 3, 6.5 };
    assay_drift d = { 0 };
    assay_drift_add(&d, r, c, 2);
    cr_expect_eq(d.count, 2);
    cr_expect_eq(assay_drift_rel_l2(&d), 0.5);
    cr_expect_eq(assay_drift_max_abs(&d), 2.5);
    /* 20 log10(2) = 6.0206 dB */
    cr_expect_float_eq(assay_drift_sqnr(&d), 6.020599913279624, 1e-14);
    /* (9 + 26) / (5 sqrt(9 + 42.25)) = 35 / (5 sqrt 51.25) */
    cr_expect_float_eq(assay_drift_cosine(&d), 35 / (5 * sqrt(51.25)), 1e-15);
}

Test(drift, equal_is_exactly_zero)
{
    double r[] = { 0.1, -2, 0, -0.0 };
    assay_drift d = { 0 };
    assay_drift_add(&d, r, r, 4);
    cr_expect_eq(assay_drift_rel_l2(&d), 0);
    cr_expect_eq(assay_drift_max_abs(&d), 0);
    cr_expect_eq(assay_drift_sqnr(&d), INFINITY);
    cr_expect_eq(assay_drift_cosine(&d), 1);
}

Test(drift, error_where_the_reference_is_zero_is_infinite)
{
    double r[] = { 0, 0 }, c[] = { 0, 1e-300 };
    assay_drift d = { 0 };
    assay_drift_add(&d, r, c, 2);
    c[1] = 1e-100;
    assay_drift_add(&d, r, c, 2);
    cr_expect_eq(assay_drift_rel_l2(&d), INFINITY);
}

Test(drift, a_value_that_is_not_finite_is_an_infinite_error)
{
    double r[] = { 1, 2, INFINITY }, c[] = { 1, nan_value, INFINITY };
    assay_drift d = { 0 };
    assay_drift_add(&d, r, c, 3);
    cr_expect_eq(d.count, 3);
    cr_expect_eq(d.nonfinite, 1, "equal infinities agree");
    cr_expect_eq(assay_drift_rel_l2(&d), INFINITY);
    cr_expect_eq(assay_drift_max_abs(&d), INFINITY);
    cr_expect(isnan(assay_drift_cosine(&d)));
}

Test(drift, merge_is_the_sum_of_parts)
{
    double r[] = { 3, 4 }, c[] = { 3, 6.5 };
    assay_drift whole = { 0 }, first = { 0 }, second = { 0 };
    assay_drift_add(&whole, r, c, 2);
    assay_drift_add(&first, r, c, 1);
    assay_drift_add(&second, r + 1, c + 1, 1);
    assay_drift_merge(&first, &second);
    cr_expect_eq(first.count, 2);
    cr_expect_eq(first.error2, whole.error2);
    cr_expect_eq(first.max_abs, whole.max_abs);
    cr_expect_eq(first.dot, whole.dot);
}

Test(drift, wide_reference_counts_what_is_below_a_binary64)
{
    double hi[] = { 1 }, lo[] = { 0x1p-54 }, c[] = { 1 };
    assay_drift d = { 0 };
    assay_drift_add_wide(&d, hi, lo, c, 1);
    cr_expect_eq(assay_drift_max_abs(&d), 0x1p-54);
}

Test(logits, kl_of_two_coins)
{
    /* p = (1/2, 1/2), q = (1/4, 3/4): KL(p||q) = log(2/sqrt 3), KL(q||p) = log 2 - H(q) */
    double p[] = { 0, 0 }, q[] = { 0, log(3) };
    assay_token_drift t;
    assay_logits_compare(p, q, 2, 1, 0.05, &t);
    cr_expect_float_eq(t.kl, log(2 / sqrt(3)), 1e-15);
    cr_expect_float_eq(t.kl_reverse, 0.25 * log(0.5) + 0.75 * log(1.5), 1e-15);
    cr_expect_float_eq(t.nll_reference, log(2), 1e-15);
    cr_expect_float_eq(t.nll_candidate, log(4.0 / 3), 1e-15);
}

Test(logits, a_shift_of_all_logits_is_no_divergence)
{
    double p[] = { 1, 2, 3 }, q[] = { 101, 102, 103 };
    assay_token_drift t;
    assay_logits_compare(p, q, 3, -1, 0.05, &t);
    cr_expect_lt(t.kl, 1e-28);
    cr_expect(isnan(t.nll_reference), "nothing follows");
}

Test(logits, small_divergences_are_not_lost_in_cancellation)
{
    /* q = p moved by e at one of two equal logits: KL = e^2 / 8 to first order */
    double e = 0x1p-30, p[] = { 0, 0 }, q[] = { 0, e };
    assay_token_drift t;
    assay_logits_compare(p, q, 2, -1, 0.05, &t);
    cr_expect_float_eq(t.kl / (e * e / 8), 1, 1e-6);
    cr_expect_geq(t.kl_reverse, 0);
}

Test(logits, the_tail_is_exact)
{
    /* a token of probability e^-60 in p and about 1/2 in q: no clipping at 16 or 24 nats */
    double p[] = { 0, -60 }, q[] = { 0, 0 };
    assay_token_drift t;
    assay_logits_compare(q, p, 2, -1, 0.05, &t);
    cr_expect_float_eq(t.kl, 30 - log(2), 1e-12);
}

Test(logits, divergence_stays_finite_as_long_as_the_logits_are)
{
    /* p = (1, 0), q = (e^-2000, 1): KL = 2000, where exp(2000) overflows */
    double p[] = { 0, -3000 }, q[] = { 0, 2000 };
    assay_token_drift t;
    assay_logits_compare(p, q, 2, -1, 0.05, &t);
    cr_expect_float_eq(t.kl, 2000, 1e-9);
    cr_expect_float_eq(t.kl_reverse, 3000, 1e-9);
}

Test(logits, lost_logits_are_a_material_flip)
{
    double p[] = { 1, 0 }, q[] = { nan_value, nan_value };
    assay_token_drift t;
    assay_logits_compare(p, q, 2, -1, 0.05, &t);
    cr_expect_eq(t.flip, ASSAY_FLIP_MATERIAL);
}

Test(logits, flips_are_near_ties_or_material_by_the_reference_alone)
{
    double reference[] = { 1, 1.04, 0 }, candidate[] = { 1, 0.5, 0 };
    assay_token_drift t;
    assay_logits_compare(reference, candidate, 3, -1, 0.05, &t);
    cr_expect_eq(t.flip, ASSAY_FLIP_NEAR_TIE);
    cr_expect_float_eq(t.margin, 0.04, 1e-15);
    reference[1] = 1.06;
    assay_logits_compare(reference, candidate, 3, -1, 0.05, &t);
    cr_expect_eq(t.flip, ASSAY_FLIP_MATERIAL);
    assay_logits_compare(reference, reference, 3, -1, 0.05, &t);
    cr_expect_eq(t.flip, ASSAY_FLIP_NONE);
}

Test(logits, equal_logits_go_to_the_lower_id)
{
    double x[] = { 1, 3, 3 }, with_nan[] = { nan_value, 2, 1 };
    cr_expect_eq(assay_argmax(x, 3), 1);
    cr_expect_eq(assay_argmax(with_nan, 3), 1);
}
