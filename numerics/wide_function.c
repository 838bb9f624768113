/* SPDX-License-Identifier: Apache-2.0 */
/* docs/operations.md, 2.6, proves the bounds. */
#include "numerics/wide_function.h"

#include <pthread.h>
#include <string.h>

enum { LIMBS = ASSAY_WIDE_LIMBS };

static assay_wide pi_constant, ln2_constant;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Whether adding term to sum no longer matters: it is below 2^-2 ulp. */
static bool negligible(int n, const assay_wide *term, const assay_wide *sum)
{
    return assay_wide_is_zero(term) || term->exp < sum->exp - 64 * n - 2;
}

/* atan(1/m) or atanh(1/m) */
static void inverse_series(assay_wide *sum, uint64_t m, bool alternating)
{
    assay_wide power, term;
    assay_wide_from(LIMBS, &power, 1, 0, false);
    assay_wide_div_u(LIMBS, &power, &power, m);
    assay_wide_set(LIMBS, sum, &power);
    for (uint64_t k = 3; !negligible(LIMBS, &power, sum); k += 2) {
        assay_wide_div_u(LIMBS, &power, &power, m * m);
        assay_wide_div_u(LIMBS, &term, &power, k);
        term.negative = alternating && k % 4 == 3;
        assay_wide_add(LIMBS, sum, sum, &term);
    }
}

/* Machin: pi = 16 atan(1/5) - 4 atan(1/239); ln 2 = 2 atanh(1/3). */
static void make_constants(void)
{
    assay_wide a, b;
    inverse_series(&a, 5, true);
    inverse_series(&b, 239, true);
    a.exp += 4;
    b.exp += 2;
    assay_wide_sub(LIMBS, &pi_constant, &a, &b);
    inverse_series(&ln2_constant, 3, false);
    ln2_constant.exp++;
}

void assay_wide_pi(int n, assay_wide *r)
{
    pthread_once(&once, make_constants);
    assay_wide_set(n, r, &pi_constant);
}

void assay_wide_ln2(int n, assay_wide *r)
{
    pthread_once(&once, make_constants);
    assay_wide_set(n, r, &ln2_constant);
}

static void one(int n, assay_wide *r)
{
    assay_wide_from(n, r, 1, 0, false);
}

/* e^x - 1 for |x| <= 1/2: Taylor's series of x / 2^s, then s times f (2 + f). */
static void expm1_small(int n, assay_wide *r, const assay_wide *x)
{
    const int halvings = n <= 4 ? 6 : 16;
    assay_wide z, term, sum, two;
    assay_wide_set(n, &z, x);
    z.exp -= halvings;
    assay_wide_set(n, &term, &z);
    assay_wide_set(n, &sum, &z);
    for (uint64_t k = 2; !negligible(n, &term, &sum); k++) {
        assay_wide_mul(n, &term, &term, &z);
        assay_wide_div_u(n, &term, &term, k);
        assay_wide_add(n, &sum, &sum, &term);
    }
    assay_wide_from(n, &two, 2, 0, false);
    for (int i = 0; i < halvings; i++) {
        assay_wide_add(n, &z, &sum, &two);
        assay_wide_mul(n, &sum, &sum, &z);
    }
    assay_wide_set(n, r, &sum);
}

/* The leading 53 bits. */
static double leading(const assay_wide *x)
{
    double m = __builtin_ldexp((double)(x->at[0] >> 11), (int)(x->exp - 53));
    return x->negative ? -m : m;
}

static int beyond_one(const assay_wide *x)
{
    return x->exp > 0 ? (int)x->exp : 0;
}

int assay_wide_exp(int n, assay_wide *r, const assay_wide *x)
{
    assay_wide f, m, unit;
    one(n, &unit);
    if (assay_wide_is_zero(x)) {
        assay_wide_set(n, r, &unit);
        return 64 * n;
    }
    int lost = beyond_one(x);
    int64_t k = (int64_t)__builtin_rint(leading(x) * 1.4426950408889634);
    assay_wide_ln2(n, &m);
    assay_wide_mul_u(n, &m, &m, (uint64_t)(k < 0 ? -k : k));
    m.negative = k < 0;
    assay_wide_sub(n, &f, x, &m);
    if (!assay_wide_is_zero(&f))
        expm1_small(n, &f, &f);
    assay_wide_add(n, r, &f, &unit);
    r->exp += k;
    return 64 * n - 14 - lost;
}

int assay_wide_expm1(int n, assay_wide *r, const assay_wide *x)
{
    assay_wide unit;
    if (assay_wide_is_zero(x)) {
        assay_wide_set(n, r, x);
        return 64 * n;
    }
    if (x->exp <= -1) {
        expm1_small(n, r, x);
        return 64 * n - 12;
    }
    int good = assay_wide_exp(n, r, x);
    one(n, &unit);
    assay_wide_sub(n, r, r, &unit);
    return good - 2;
}

/* atanh t or atan t, t = 0 or |t| < 0.18. */
static void odd_series(int n, assay_wide *r, const assay_wide *t, bool alternating)
{
    assay_wide square, power, term, sum;
    assay_wide_set(n, &sum, t);
    assay_wide_set(n, &power, t);
    assay_wide_mul(n, &square, t, t);
    square.negative = alternating && !assay_wide_is_zero(&square);
    for (uint64_t k = 3; !negligible(n, &power, &sum); k += 2) {
        assay_wide_mul(n, &power, &power, &square);
        assay_wide_div_u(n, &term, &power, k);
        assay_wide_add(n, &sum, &sum, &term);
    }
    assay_wide_set(n, r, &sum);
}

/* x = m 2^k, m in [3/4, 3/2): log m = 2 atanh((m - 1) / (m + 1)), and |log m| <= 0.41 < ln 2 / 1.6,
 * so that at most 1.5 bits cancel against k ln 2. */
int assay_wide_log(int n, assay_wide *r, const assay_wide *x)
{
    assay_wide m, t, unit, base;
    one(n, &unit);
    assay_wide_set(n, &m, x);
    int64_t k = x->at[0] >> 62 == 3 ? x->exp : x->exp - 1;
    m.exp -= k;
    assay_wide_sub(n, &t, &m, &unit);
    assay_wide_add(n, &m, &m, &unit);
    assay_wide_div(n, &t, &t, &m);
    odd_series(n, &t, &t, false);
    t.exp += !assay_wide_is_zero(&t);
    assay_wide_ln2(n, &base);
    assay_wide_mul_u(n, &base, &base, (uint64_t)(k < 0 ? -k : k));
    base.negative = k < 0;
    assay_wide_add(n, r, &base, &t);
    return 64 * n - 16;
}

int assay_wide_log1p(int n, assay_wide *r, const assay_wide *x)
{
    assay_wide t;
    if (assay_wide_is_zero(x)) {
        assay_wide_set(n, r, x);
        return 64 * n;
    }
    assay_wide_from(n, &t, x->exp <= -2 ? 2 : 1, 0, false);
    assay_wide_add(n, &t, &t, x);
    if (x->exp > -2)
        return assay_wide_log(n, r, &t) - 4;
    assay_wide_div(n, &t, x, &t);
    odd_series(n, r, &t, false);
    r->exp++;
    return 64 * n - 13;
}

/* atan x = 2 atan(x / (1 + sqrt(1 + x^2))), until the series is short. */
int assay_wide_atan(int n, assay_wide *r, const assay_wide *x)
{
    assay_wide t, s, unit, quarter;
    bool negative = x->negative, inverted = x->exp > 1 || (x->exp == 1 && !assay_wide_is_zero(x));
    int doublings = 0;
    one(n, &unit);
    assay_wide_set(n, &t, x);
    t.negative = false;
    if (inverted)
        assay_wide_div(n, &t, &unit, &t);
    for (; t.exp > -3; doublings++) {
        assay_wide_mul(n, &s, &t, &t);
        assay_wide_add(n, &s, &s, &unit);
        assay_wide_sqrt(n, &s, &s);
        assay_wide_add(n, &s, &s, &unit);
        assay_wide_div(n, &t, &t, &s);
    }
    odd_series(n, &t, &t, true);
    t.exp += assay_wide_is_zero(&t) ? 0 : doublings;
    if (inverted) {
        assay_wide_pi(n, &quarter);
        quarter.exp--;
        assay_wide_sub(n, &t, &quarter, &t);
    }
    assay_wide_set(n, r, &t);
    r->negative = negative;
    return 64 * n - 14;
}

/* sin x from x itself, cos x from 1. */
static int circular(int n, assay_wide *r, const assay_wide *x, bool sine)
{
    assay_wide square, term, sum;
    if (sine)
        assay_wide_set(n, &term, x);
    else
        one(n, &term);
    assay_wide_set(n, &sum, &term);
    assay_wide_mul(n, &square, x, x);
    square.negative = !assay_wide_is_zero(&square);
    for (uint64_t k = sine ? 2 : 1; !negligible(n, &term, &sum); k += 2) {
        assay_wide_mul(n, &term, &term, &square);
        assay_wide_div_u(n, &term, &term, k * (k + 1));
        assay_wide_add(n, &sum, &sum, &term);
    }
    assay_wide_set(n, r, &sum);
    return 64 * n - 13;
}

int assay_wide_sin(int n, assay_wide *r, const assay_wide *x)
{
    return circular(n, r, x, true);
}

int assay_wide_cos(int n, assay_wide *r, const assay_wide *x)
{
    return circular(n, r, x, false);
}

/* 2/sqrt(pi) x e^(-x^2) (1 + 2x^2/3 + (2x^2)^2/(3 5) + ...): nothing cancels. */
int assay_wide_erf(int n, assay_wide *r, const assay_wide *x)
{
    assay_wide square, twice, term, sum;
    if (assay_wide_is_zero(x)) {
        assay_wide_set(n, r, x);
        return 64 * n;
    }
    assay_wide_mul(n, &square, x, x);
    assay_wide_set(n, &twice, &square);
    twice.exp++;
    one(n, &term);
    one(n, &sum);
    for (uint64_t k = 3; !negligible(n, &term, &sum); k += 2) {
        assay_wide_mul(n, &term, &term, &twice);
        assay_wide_div_u(n, &term, &term, k);
        assay_wide_add(n, &sum, &sum, &term);
    }
    assay_wide_mul(n, &sum, &sum, x);
    square.negative = true;
    int good = assay_wide_exp(n, &term, &square);
    assay_wide_mul(n, &sum, &sum, &term);
    assay_wide_pi(n, &twice);
    assay_wide_sqrt(n, &twice, &twice);
    assay_wide_div(n, r, &sum, &twice);
    r->exp++;
    return good - beyond_one(&square) - 6;
}

/* 1 - erf x loses as many bits as erfc x has zeros in front. */
int assay_wide_erfc(int n, assay_wide *r, const assay_wide *x)
{
    assay_wide y, unit;
    int w = n + 1 + (int)(leading(x) * leading(x) * 1.4427 + 8) / 64;
    if (w > ASSAY_WIDE_MOST)
        return 0;
    assay_wide_set(n, &y, x);
    memset(y.at + n, 0, (size_t)(w - n) * sizeof y.at[0]);
    int good = assay_wide_erf(w, &y, &y);
    one(w, &unit);
    assay_wide_sub(w, &y, &unit, &y);
    good += (int)y.exp - 2;
    assay_wide_set(n, r, &y);
    return good < 64 * n - 2 ? good : 64 * n - 2;
}

/* x without the bits worth 2^62 and more: cleared, but for the top one, which a subtraction takes
 * away and so brings the next one up. */
static void drop_high(int n, assay_wide *f)
{
    assay_wide top;
    int64_t drop = f->exp - 62;
    int limb = (int)(drop / 64), part = (int)(drop % 64);
    if (drop >= 64 * n) {
        assay_wide_from(n, f, 0, 0, false);
        return;
    }
    memset(f->at, 0, (size_t)limb * sizeof f->at[0]);
    f->at[limb] &= ~(uint64_t)0 >> part;
    f->at[0] |= (uint64_t)1 << 63;
    assay_wide_from(n, &top, 1, f->exp - 1, f->negative);
    assay_wide_sub(n, f, f, &top);
}

uint64_t assay_wide_nearest(int n, const assay_wide *x, assay_wide *fraction)
{
    assay_wide f, unit;
    assay_wide_set(n, &f, x);
    if (x->exp > 62)
        drop_high(n, &f);
    uint64_t whole = assay_wide_split(n, &f, &f);
    if (f.exp == 0 && !assay_wide_is_zero(&f)) { /* at least 1/2 */
        assay_wide_from(n, &unit, 1, 0, f.negative);
        assay_wide_sub(n, &f, &f, &unit);
        whole++;
    }
    assay_wide_set(n, fraction, &f);
    return whole & (((uint64_t)1 << 62) - 1);
}

int assay_wide_reduce(int n, assay_wide *r, const assay_wide *x, unsigned *q)
{
    assay_wide t, half_pi;
    *q = 0;
    if (x->exp <= -1 || (x->exp == 0 && x->at[0] >> 56 < 0xc9)) { /* below pi/4 */
        assay_wide_set(n, r, x);
        return 64 * n;
    }
    int64_t extra = x->exp > 0 ? x->exp / 64 + 2 : 2;
    if (n + extra > ASSAY_WIDE_MOST)
        return 0;
    int w = n + (int)extra;
    assay_wide_pi(w, &half_pi);
    half_pi.exp--;
    assay_wide_div(w, &t, x, &half_pi);
    int64_t before = t.exp;
    uint64_t whole = assay_wide_nearest(w, &t, &t);
    *q = (unsigned)(x->negative ? 0 - whole : whole) & 3;
    int64_t good = 64 * (int64_t)w - 4 - (before - t.exp);
    if (assay_wide_is_zero(&t) || good < 1)
        return 0;
    assay_wide_mul(w, &t, &t, &half_pi);
    assay_wide_set(n, r, &t);
    return good - 1 < 64 * n - 2 ? (int)good - 1 : 64 * n - 2;
}
