/* SPDX-License-Identifier: Apache-2.0 */
/* x^y where it is rational. For x = n / d 2^e in lowest terms and y = b / c 2^f, b and c odd, x^y
 * is rational only if x is a power of exponent c 2^-f (f < 0) of a rational: then n, d and 2^e are.
 * docs/operations.md, 2. */
#include "numerics/elementary.h"
#include "numerics/wide_function.h"
#include "rounding/function_parts.h"

/* base^k, or 0 where that is 2^63 or more. */
static uint64_t power_below(uint64_t base, uint64_t k)
{
    uint64_t p = 1;
    if (base == 1)
        return 1;
    for (uint64_t i = 0; i < k; i++) {
        assay_uint128 t = (assay_uint128)p * base;
        if (t >> 63)
            return 0;
        p = (uint64_t)t;
    }
    return p;
}

/* The k-th root of n if it is an integer, else 0. */
static uint64_t root(uint64_t n, uint64_t k)
{
    uint64_t r = 0;
    for (int i = 62; i >= 0; i--) {
        uint64_t next = r | (uint64_t)1 << i, p = power_below(next, k);
        if (p > 0 && p <= n)
            r = next;
    }
    return power_below(r, k) == n ? r : 0;
}

/* A rational base and the integer exponent that is left. */
typedef struct power {
    uint64_t n, d, k;
    int64_t exp;
} power;

static bool take_root(power *p, uint64_t k)
{
    uint64_t n = root(p->n, k), d = root(p->d, k);
    if (n == 0 || d == 0 || p->exp % (int64_t)k != 0)
        return false;
    *p = (power){ n, d, p->k, p->exp / (int64_t)k };
    return true;
}

static bool make_integer(power *p, const assay_operand *y)
{
    if (y->d > 1 && !take_root(p, y->d))
        return false;
    for (int64_t f = y->exp; f < 0; f++)
        if (!take_root(p, 2))
            return false;
    if (y->exp > 30 || assay_exponent_of(y) > 40)
        return false;
    p->k = y->exp > 0 ? y->n << y->exp : y->n;
    return true;
}

static assay_exact exact_of(int n, const assay_wide *w)
{
    assay_exact x = { .kind = ASSAY_FINITE,
                      .exp = (int)w->exp - 64,
                      .sig = w->at[0],
                      .more = { w->at[1], w->at[2], w->at[3] } };
    for (int i = 4; i < n; i++)
        x.rest |= w->at[i] != 0;
    x.sticky = x.rest || (x.more[0] | x.more[1] | x.more[2]) != 0;
    return x;
}

/* Up to 960 bits of n^k are exact in 16 limbs; more are as irregular as an irrational number. */
static bool large_power(const power *p, bool inverse, assay_result *r)
{
    enum { WIDE = 16 };
    assay_wide w, one;
    uint64_t bits = 64 - (uint64_t)__builtin_clzll(p->n);
    if (p->d > 1 || p->k > 960 / bits)
        return false;
    assay_wide_from(WIDE, &w, 1, 0, false);
    for (uint64_t i = 0; i < p->k; i++)
        assay_wide_mul_u(WIDE, &w, &w, p->n);
    w.exp += p->exp * (int64_t)p->k;
    if (!inverse) {
        r->x = exact_of(WIDE, &w);
        return true;
    }
    assay_wide_from(WIDE, &one, 1, 0, false);
    assay_wide_div(WIDE, &r->w, &one, &w);
    r->good = 64 * WIDE - 4;
    return true;
}

static bool rational_power(const assay_operand *x, const assay_operand *y, assay_result *r)
{
    power p = { x->n, x->d, 1, x->exp };
    if (!x->rational || !y->rational || !make_integer(&p, y))
        return false;
    uint64_t n = power_below(p.n, p.k), d = power_below(p.d, p.k);
    int64_t exp = p.exp * (int64_t)p.k;
    if (n == 0 || d == 0)
        return large_power(&p, y->negative, r);
    if (y->negative)
        assay_result_ratio(r, d, -exp, n, false);
    else
        assay_result_ratio(r, n, exp, d, false);
    return true;
}

/* Powers of a power of 2 or e: what logarithmic formats have as values. */
static bool logarithmic_power(const assay_operand *x, const assay_operand *y, assay_result *r)
{
    bool two = x->rational && x->n == 1 && x->d == 1;
    int64_t k = two ? x->exp : x->k, f = y->exp;
    uint64_t size = (uint64_t)(k < 0 ? -k : k), steps = two ? 1 : x->steps;
    if (!(two || x->logarithmic) || !y->rational || y->d > 1)
        return false;
    for (; f > 0 && size < (uint64_t)1 << 40; f--)
        size *= 2;
    for (; f < 0 && steps < (uint64_t)1 << 30; f++)
        steps *= 2;
    if (f != 0 || (assay_uint128)size * y->n >> 60)
        return false;
    bool down = (k < 0) != y->negative;
    k = (int64_t)(size * y->n);
    assay_result_power(r, !two && x->natural, down ? -k : k, (uint32_t)steps, false);
    return true;
}

/* Whether p = y log x surely lies between 2^-130 and 2^29, by its binary64. */
static bool is_moderate(const assay_operand *x, const assay_operand *y)
{
    double a = assay_exact_to_double(x->exact), b = assay_exact_to_double(y->exact);
    double p = b * assay_log(a < 0 ? -a : a);
    return x->rational && y->rational &&
           ((p > 0x1p-130 && p < 0x1p29) || (p < -0x1p-130 && p > -0x1p29));
}

/* x^y = e^p, p = y log x: p tells where it leaves all formats, or hardly leaves 1. */
static bool limit(const assay_operand *x, const assay_operand *y, assay_result *r)
{
    enum { N = 3, TINY = -140, LARGE = 30 };
    const assay_exact one = { .kind = ASSAY_FINITE, .exp = -63, .sig = (uint64_t)1 << 63 };
    assay_operand size = *x;
    assay_wide p, w;
    if (is_moderate(x, y))
        return false;
    size.negative = false;
    assay_operand_wide(N, &p, &size);
    assay_wide_log(N, &p, &p);
    assay_operand_wide(N, &w, y);
    assay_wide_mul(N, &p, &p, &w);
    if (p.exp > TINY && p.exp <= LARGE)
        return false;
    bool large = p.exp > LARGE;
    r->x = one;
    if (large)
        r->x = assay_exact_shifted(one, p.negative ? -(1 << LARGE) : 1 << LARGE);
    assay_result_nudged(r, r->x, large || !p.negative);
    return true;
}

bool assay_pow_exact(const assay_operand *x, assay_result *r)
{
    bool odd;
    assay_is_integer(&x[1], &odd);
    bool done = logarithmic_power(&x[0], &x[1], r) || rational_power(&x[0], &x[1], r) ||
                limit(&x[0], &x[1], r);
    if (done) {
        r->x.negative = x->negative && odd;
        r->w.negative = x->negative && odd;
    }
    return done;
}
