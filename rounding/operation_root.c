/* SPDX-License-Identifier: Apache-2.0 */
/* Square roots of rational numbers: found exact by integers, else irrational. docs/operations.md,
 * 1.1. */
#include <string.h>

#include "numerics/wide_function.h"
#include "rounding/operation_parts.h"

/* Limbs for results that are irrational: 512 bits. */
enum { WIDE = 8 };

/* sqrt(m 2^exp) / d for an odd m < 2^128. No irrational root lies so near to a number of 64 bits
 * that 3 limbs could not tell: q^2 and m would differ by less than their last places. */
static void root_of(const assay_operator *op, assay_result *r, assay_uint128 m, int64_t exp,
                    uint64_t d)
{
    bool odd = exp & 1;
    if (m == 1 && d == 1) {
        assay_result_power(r, false, exp, 2, false);
        return;
    }
    uint64_t root = odd ? 0 : assay_integer_root(m);
    if ((assay_uint128)root * root == m) {
        assay_result_ratio(r, root, (exp - odd) / 2, d, false);
        return;
    }
    assay_result_ratio(r, m, exp, d, false);
    int n = assay_result_is_short(op) ? 3 : WIDE;
    assay_wide_from_exact(n, &r->w, &r->x);
    assay_wide_sqrt(n, &r->w, &r->w);
    r->good = 64 * n - 4;
}

void assay_square_root(const assay_operator *op, const assay_operand *x, assay_result *r)
{
    if (x->kind == ASSAY_NOT_A_NUMBER || (x->negative && x->kind != ASSAY_ZERO))
        assay_result_nan(r);
    else if (x->kind != ASSAY_FINITE)
        r->x = x->exact; /* -0 too */
    else if (x->logarithmic)
        assay_result_power(r, x->natural, x->k, 2 * x->steps, false);
    else
        root_of(op, r, (assay_uint128)x->n * x->d, x->exp, x->d);
}

/* 1 / sqrt(n / d 2^exp) = sqrt(n d 2^-exp) / n */
void assay_reciprocal_root(const assay_operator *op, const assay_operand *x, assay_result *r)
{
    if (x->kind == ASSAY_NOT_A_NUMBER || (x->negative && x->kind != ASSAY_ZERO))
        assay_result_nan(r);
    else if (x->kind == ASSAY_ZERO)
        assay_result_pole(r, op, x->negative, true);
    else if (x->kind == ASSAY_INFINITE)
        assay_result_zero(r, false);
    else if (x->logarithmic)
        assay_result_power(r, x->natural, -x->k, 2 * x->steps, false);
    else
        root_of(op, r, (assay_uint128)x->n * x->d, -x->exp, x->n);
}

/* The root of s = x^2 + y^2 is rational only if it has at most half the bits of s: then rounding
 * the wide root to that many and squaring gives s back. */
static void root_of_sum(int n, assay_result *r, const assay_wide *s, uint64_t d)
{
    assay_wide root, half, square;
    assay_wide_sqrt(n, &root, s);
    assay_wide_from(n, &half, 1, root.exp - 257, false);
    assay_wide_add(n, &half, &half, &root);
    memset(half.at + 4, 0, (size_t)(n - 4) * sizeof half.at[0]);
    assay_wide_mul(n, &square, &half, &half);
    if (assay_wide_compare(n, &square, s) == 0) {
        r->x = (assay_exact){ .kind = ASSAY_FINITE,
                              .sticky = (half.at[1] | half.at[2] | half.at[3]) != 0,
                              .exp = (int)half.exp - 64,
                              .sig = half.at[0],
                              .more = { half.at[1], half.at[2], half.at[3] } };
    } else {
        r->w = root;
        r->good = 64 * n - 4;
    }
    r->d = d;
}

/* (x other)^2, which has at most 128 bits; of an irrational x, as far as n goes. */
static int square_of(int n, assay_wide *w, const assay_operand *x, uint64_t other)
{
    int good = 64 * n;
    if (x->rational)
        assay_wide_from(n, w, x->n, x->exp, false);
    else
        good = assay_operand_wide(n, w, x) - 2;
    assay_wide_mul_u(n, w, w, other);
    assay_wide_mul(n, w, w, w);
    return good;
}

/* 2^a sqrt(2^3 + 1) = 3 2^a is the only root of a sum of two powers of 2 that is rational beside
 * sqrt(2^a + 2^a). */
static bool thrice_a_power(const assay_operand *x, const assay_operand *y, assay_result *r)
{
    int64_t steps = x->steps, k = x->k < y->k ? x->k : y->k;
    if (!assay_same_base(x, y) || x->natural || k % steps != 0 ||
        2 * (x->k + y->k - 2 * k) != 3 * steps)
        return false;
    assay_result_ratio(r, 3, k / steps, 1, false);
    return true;
}

/* sqrt(x^2 + y^2) = x + y^2 / 2x - y^4 / 8x^3 + ...: where y^2 / x^2 is above 2^-300, the third
 * term is within 16 limbs. */
static void hypotenuse_finite(const assay_operand *x, const assay_operand *y, assay_result *r)
{
    int order = assay_exact_compare(x->exact, y->exact);
    const assay_operand *large = order < 0 ? y : x, *small = order < 0 ? x : y;
    int64_t gap = (int64_t)large->exact.exp - small->exact.exp;
    int n = gap > 60 ? 2 * WIDE : WIDE;
    assay_wide a, b;
    if (gap > 150) {
        r->x = large->exact;
        r->x.negative = false;
        assay_result_nudged(r, r->x, true);
        return;
    }
    int good = square_of(n, &a, x, y->d), other = square_of(n, &b, y, x->d);
    assay_wide_add(n, &a, &a, &b);
    bool same = order == 0 && x->rational == y->rational;
    if (same && assay_same_base(x, y) && !x->natural) { /* sqrt 2 x */
        assay_result_power(r, false, 2 * x->k + x->steps, 2 * x->steps, false);
    } else if (same && x->rational && x->n == 1 && x->d == 1) {
        assay_result_power(r, false, 2 * x->exp + 1, 2, false);
    } else if (thrice_a_power(x, y, r)) {
        return;
    } else if (x->rational && y->rational) {
        root_of_sum(n, r, &a, x->d * y->d);
    } else {
        assay_wide_sqrt(n, &r->w, &a);
        r->good = (good < other ? good : other) - 4;
        r->d = x->d * y->d;
    }
}

void assay_hypotenuse(const assay_operand *x, const assay_operand *y, assay_result *r)
{
    if (x->kind == ASSAY_INFINITE || y->kind == ASSAY_INFINITE)
        assay_result_infinity(r, false);
    else if (x->kind == ASSAY_NOT_A_NUMBER || y->kind == ASSAY_NOT_A_NUMBER)
        assay_result_nan(r);
    else if (x->kind == ASSAY_ZERO || y->kind == ASSAY_ZERO) {
        assay_result_operand(r, x->kind == ASSAY_ZERO ? y : x);
        r->x.negative = false;
    } else
        hypotenuse_finite(x, y, r);
}
