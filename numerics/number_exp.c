/* SPDX-License-Identifier: Apache-2.0 */
/* Exponentials by fixed-point fractions of 256 bits, in units of 2^-256: docs/rounding.md, 25. */
#include <string.h>

#include "numerics/limbs.h"

/* floor(a b / 2^256), but for a few units of carries from below. */
static assay_limbs multiplied(const assay_limbs *a, const assay_limbs *b)
{
    uint64_t r[2 * ASSAY_LIMBS] = { 0 };
    for (int i = ASSAY_LIMBS - 1; i >= 0; i--) {
        uint64_t carry = 0;
        for (int j = ASSAY_LIMBS - 1; j >= 0; j--) {
            assay_uint128 t = (assay_uint128)a->at[i] * b->at[j] + r[i + j + 1] + carry;
            r[i + j + 1] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        r[i] = carry;
    }
    assay_limbs high;
    memcpy(high.at, r, sizeof high.at);
    return high;
}

static void divide_small(assay_limbs *a, uint64_t d)
{
    uint64_t rest = 0;
    for (int i = 0; i < ASSAY_LIMBS; i++) {
        assay_uint128 t = (assay_uint128)rest << 64 | a->at[i];
        a->at[i] = (uint64_t)(t / d);
        rest = (uint64_t)(t % d);
    }
}

/* ln 2 in units of 2^-256. */
static const assay_limbs ln2 = { { 0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af, 0x40f343267298b62d,
                                   0x8a0d175b8baafa2b } };

/* e^y - 1 as a fraction, 0 <= y <= ln 2, by the series of y / 2^10 and ten squarings: with
 * f = e^z - 1, e^2z - 1 = 2 f + f^2. Off by less than 2^21 units. */
static assay_limbs exp_minus_1(assay_limbs y)
{
    enum { HALVINGS = 10, TERMS = 22 };
    bool lost = false;
    assay_limbs z = assay_limbs_right(y, HALVINGS, &lost), term = z, sum = z;
    for (unsigned n = 2; n <= TERMS; n++) {
        term = multiplied(&term, &z);
        divide_small(&term, n);
        assay_limbs_add(&sum, &term);
    }
    for (int i = 0; i < HALVINGS; i++) {
        assay_limbs square = multiplied(&sum, &sum);
        assay_limbs_add(&sum, &sum);
        assay_limbs_add(&sum, &square);
    }
    return sum;
}

/* (1 + f) 2^e. */
static assay_exact one_plus(assay_limbs f, int e)
{
    bool lost = false;
    assay_limbs a = assay_limbs_right(f, 1, &lost);
    a.at[0] |= ASSAY_TOP_BIT;
    return assay_limbs_number(a, e - 63, false, false);
}

static int64_t floor_div(int64_t n, int64_t d)
{
    return n / d - (n % d < 0);
}

assay_exact assay_exact_exp2(int64_t n, uint32_t d)
{
    int64_t whole = floor_div(n, d);
    uint64_t part = (uint64_t)(n - whole * d);
    assay_limbs y = { { 0 } };
    if (part > 0) { /* part ln 2 / d: the product fits, as part < d <= 2^30 */
        y = ln2;
        uint64_t carry = 0;
        for (int i = ASSAY_LIMBS - 1; i >= 0; i--) {
            assay_uint128 t = (assay_uint128)y.at[i] * part + carry;
            y.at[i] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        uint64_t rest = carry % d;
        for (int i = 0; i < ASSAY_LIMBS; i++) {
            assay_uint128 t = (assay_uint128)rest << 64 | y.at[i];
            y.at[i] = (uint64_t)(t / d);
            rest = (uint64_t)(t % d);
        }
        y = exp_minus_1(y);
    }
    return one_plus(y, (int)whole);
}

/* e^(n/d) = 2^k e^y with k = floor(n / (d ln 2)) and y = n/d - k ln 2 in [0, ln 2). The whole
 * parts of n/d and k ln 2 cancel: y < 1, so fractions modulo 1 suffice. k from binary64 may be
 * one off, which shows in y. */
assay_exact assay_exact_exp(int64_t n, uint32_t d)
{
    if (n == 0)
        return one_plus((assay_limbs){ { 0 } }, 0);
    int64_t whole = floor_div(n, d);
    assay_limbs y = { { 0 } };
    uint64_t rest = (uint64_t)(n - whole * d);
    for (int i = 0; i < ASSAY_LIMBS; i++) {
        assay_uint128 t = (assay_uint128)rest << 64;
        y.at[i] = (uint64_t)(t / d);
        rest = (uint64_t)(t % d);
    }
    double q = ((double)n / d) / 0.6931471805599453;
    int64_t k = (int64_t)q;
    k -= (double)k > q;
    /* y += whole - k ln 2, keeping the whole part to see on which side y lies. */
    assay_limbs m = ln2;
    uint64_t size = (uint64_t)(k < 0 ? -k : k), carry = 0;
    for (int i = ASSAY_LIMBS - 1; i >= 0; i--) {
        assay_uint128 t = (assay_uint128)m.at[i] * size + carry;
        m.at[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    int64_t units = whole;
    if (k < 0) {
        units += (int64_t)carry;
        units += assay_limbs_add(&y, &m);
    } else {
        units -= (int64_t)carry;
        units -= assay_limbs_subtract(&y, &m, false);
    }
    if (units < 0) { /* k was one too high */
        units += assay_limbs_add(&y, &ln2);
        k--;
    }
    assay_limbs less = y;
    if (units > 0 || !assay_limbs_subtract(&less, &ln2, false)) { /* one too low */
        if (units > 0)
            assay_limbs_subtract(&y, &ln2, false);
        else
            y = less;
        k++;
    }
    return one_plus(exp_minus_1(y), (int)k);
}
