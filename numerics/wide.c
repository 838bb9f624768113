/* SPDX-License-Identifier: Apache-2.0 */
/* docs/operations.md, 2.5, proves the error of each function. */
#include "numerics/wide.h"

#include <string.h>

__extension__ typedef unsigned __int128 wide_uint;

enum { LIMBS = ASSAY_WIDE_LIMBS };

void assay_wide_set(int n, assay_wide *r, const assay_wide *x)
{
    if (r == x)
        return;
    r->exp = x->exp;
    r->negative = x->negative;
    memcpy(r->at, x->at, (size_t)n * sizeof r->at[0]);
}

static void set_zero(int n, assay_wide *r)
{
    r->exp = 0;
    r->negative = false;
    memset(r->at, 0, (size_t)n * sizeof r->at[0]);
}

/* The first n of `count` limbs, worth 0.limbs 2^exp, brought up so that the top bit is set. */
static void take_limbs(int n, assay_wide *r, const uint64_t *limbs, int count, int64_t exp)
{
    int whole = 0;
    while (whole < count && limbs[whole] == 0)
        whole++;
    if (whole == count) {
        set_zero(n, r);
        return;
    }
    int part = __builtin_clzll(limbs[whole]);
    for (int i = 0; i < n; i++) {
        uint64_t high = i + whole < count ? limbs[i + whole] : 0;
        uint64_t low = i + whole + 1 < count ? limbs[i + whole + 1] : 0;
        r->at[i] = part > 0 ? high << part | low >> (64 - part) : high;
    }
    r->exp = exp - 64 * (int64_t)whole - part;
}

void assay_wide_from(int n, assay_wide *r, uint64_t m, int64_t e, bool negative)
{
    take_limbs(n, r, &m, 1, e + 64);
    r->negative = negative && m != 0;
}

void assay_wide_from_exact(int n, assay_wide *r, const assay_exact *x)
{
    const uint64_t limbs[4] = { x->sig, x->more[0], x->more[1], x->more[2] };
    if (x->kind != ASSAY_FINITE) {
        set_zero(n, r);
        return;
    }
    take_limbs(n, r, limbs, 4, (int64_t)x->exp + 64);
    r->negative = x->negative;
}

int assay_wide_compare(int n, const assay_wide *x, const assay_wide *y)
{
    bool any = !assay_wide_is_zero(x), other = !assay_wide_is_zero(y);
    if (!any || !other)
        return any - other;
    if (x->exp != y->exp)
        return x->exp < y->exp ? -1 : 1;
    for (int i = 0; i < n; i++)
        if (x->at[i] != y->at[i])
            return x->at[i] < y->at[i] ? -1 : 1;
    return 0;
}

/* The limbs of x and one of zeros, moved right by gap bits. Whether a bit fell off. */
static bool spread(int n, uint64_t *out, const assay_wide *x, uint64_t gap)
{
    if (gap >= 64 * ((uint64_t)n + 1)) {
        memset(out, 0, ((size_t)n + 1) * sizeof *out);
        return true;
    }
    int whole = (int)(gap / 64), part = (int)(gap % 64);
    uint64_t lost = 0;
    for (int i = 0; i <= n; i++) {
        uint64_t high = i - whole - 1 >= 0 && i - whole - 1 < n ? x->at[i - whole - 1] : 0;
        uint64_t low = i - whole >= 0 && i - whole < n ? x->at[i - whole] : 0;
        out[i] = part > 0 ? high << (64 - part) | low >> part : low;
    }
    for (int i = n - whole > 0 ? n - whole : 0; i < n; i++)
        if (i > n - whole || part > 0)
            lost |= i > n - whole ? x->at[i] : x->at[i] << (64 - part);
    return lost != 0;
}

/* |x| + |y| or |x| - |y| for |x| >= |y|, with a guard limb: what falls off it is less than 2^-64
 * ulp of x, and nothing does where the difference loses more than one leading bit. A bit that
 * falls off a difference is taken as a whole unit, so that the result stays a truncation. */
static void combine(int n, assay_wide *r, const assay_wide *x, const assay_wide *y, bool plus)
{
    uint64_t sum[LIMBS + 2], other[LIMBS + 1];
    int64_t exp = x->exp;
    bool negative = x->negative, lost = spread(n, other, y, (uint64_t)(x->exp - y->exp));
    memcpy(sum + 1, x->at, (size_t)n * sizeof *sum);
    sum[0] = 0;
    sum[n + 1] = 0;
    uint64_t carry = !plus && lost;
    for (int i = n; i >= 0; i--) {
        wide_uint t = plus ? (wide_uint)sum[i + 1] + other[i] + carry
                           : (wide_uint)sum[i + 1] - other[i] - carry;
        sum[i + 1] = (uint64_t)t;
        carry = (uint64_t)(t >> 64) & 1;
    }
    sum[0] = plus ? carry : 0;
    take_limbs(n, r, sum, n + 2, exp + 64);
    r->negative = negative && !assay_wide_is_zero(r);
}

static void add_signed(int n, assay_wide *r, const assay_wide *x, const assay_wide *y, bool flip)
{
    bool sign = y->negative != flip;
    if (assay_wide_is_zero(y)) {
        assay_wide_set(n, r, x);
        return;
    }
    if (assay_wide_is_zero(x)) {
        assay_wide_set(n, r, y);
        r->negative = sign;
        return;
    }
    int order = assay_wide_compare(n, x, y);
    bool plus = x->negative == sign;
    if (order >= 0) {
        combine(n, r, x, y, plus);
        return;
    }
    combine(n, r, y, x, plus);
    r->negative = sign && !assay_wide_is_zero(r);
}

void assay_wide_add(int n, assay_wide *r, const assay_wide *x, const assay_wide *y)
{
    add_signed(n, r, x, y, false);
}

void assay_wide_sub(int n, assay_wide *r, const assay_wide *x, const assay_wide *y)
{
    add_signed(n, r, x, y, true);
}

void assay_wide_mul(int n, assay_wide *r, const assay_wide *x, const assay_wide *y)
{
    uint64_t p[2 * LIMBS];
    bool negative = x->negative != y->negative;
    memset(p, 0, 2 * (size_t)n * sizeof *p);
    for (int i = n - 1; i >= 0; i--) {
        uint64_t carry = 0;
        if (x->at[i] == 0)
            continue;
        for (int j = n - 1; j >= 0; j--) {
            wide_uint t = (wide_uint)x->at[i] * y->at[j] + p[i + j + 1] + carry;
            p[i + j + 1] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        p[i] = carry;
    }
    take_limbs(n, r, p, 2 * n, x->exp + y->exp);
    r->negative = negative && !assay_wide_is_zero(r);
}

void assay_wide_mul_u(int n, assay_wide *r, const assay_wide *x, uint64_t m)
{
    uint64_t p[LIMBS + 1], carry = 0;
    bool negative = x->negative;
    for (int i = n - 1; i >= 0; i--) {
        wide_uint t = (wide_uint)x->at[i] * m + carry;
        p[i + 1] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    p[0] = carry;
    take_limbs(n, r, p, n + 1, x->exp + 64);
    r->negative = negative && !assay_wide_is_zero(r);
}

/* One limb more than asked for, as the first one of the quotient may be small or zero. */
void assay_wide_div_u(int n, assay_wide *r, const assay_wide *x, uint64_t m)
{
    uint64_t q[LIMBS + 2], rest = 0;
    bool negative = x->negative;
    for (int i = 0; i < n + 2; i++) {
        wide_uint t = (wide_uint)rest << 64 | (i < n ? x->at[i] : 0);
        q[i] = (uint64_t)(t / m);
        rest = (uint64_t)(t % m);
    }
    take_limbs(n, r, q, n + 2, x->exp);
    r->negative = negative && !assay_wide_is_zero(r);
}

/* a -= q b for n limbs of b under the n + 1 limbs of a; the borrow that is left. */
static uint64_t take_multiple(uint64_t *a, const uint64_t *b, int n, uint64_t q)
{
    uint64_t carry = 0, borrow = 0;
    for (int i = n - 1; i >= 0; i--) {
        wide_uint t = (wide_uint)q * b[i] + carry;
        carry = (uint64_t)(t >> 64);
        wide_uint d = (wide_uint)a[i + 1] - (uint64_t)t - borrow;
        a[i + 1] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    wide_uint d = (wide_uint)a[0] - carry - borrow;
    a[0] = (uint64_t)d;
    return (uint64_t)(d >> 64) & 1;
}

static void give_back(uint64_t *a, const uint64_t *b, int n)
{
    uint64_t carry = 0;
    for (int i = n - 1; i >= 0; i--) {
        wide_uint t = (wide_uint)a[i + 1] + b[i] + carry;
        a[i + 1] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    a[0] += carry;
}

/* Long division in base 2^64 (Knuth, TAOCP 2, 4.3.1, algorithm D): the divisor's top bit is set,
 * so each guess from the leading two limbs is at most 2 too large. */
void assay_wide_div(int n, assay_wide *r, const assay_wide *x, const assay_wide *y)
{
    uint64_t a[2 * LIMBS + 2] = { 0 }, q[LIMBS + 1];
    bool negative = x->negative != y->negative;
    memcpy(a + 1, x->at, (size_t)n * sizeof *a);
    for (int i = 0; i <= n; i++) {
        uint64_t *rest = a + i, guess = ~(uint64_t)0;
        wide_uint top = (wide_uint)rest[0] << 64 | rest[1];
        if (rest[0] < y->at[0])
            guess = (uint64_t)(top / y->at[0]);
        if (take_multiple(rest, y->at, n, guess)) {
            do {
                guess--;
                give_back(rest, y->at, n);
            } while (rest[0] >> 63);
        }
        q[i] = guess;
    }
    take_limbs(n, r, q, n + 1, x->exp - y->exp + 64);
    r->negative = negative && !assay_wide_is_zero(r);
}

/* y = 1/sqrt(x) by Newton's y + y (1 - x y^2) / 2, which doubles the bits that are right, on as
 * many limbs as they fill; then sqrt(x) = x y. */
void assay_wide_sqrt(int n, assay_wide *r, const assay_wide *x)
{
    assay_wide y, t, one, m;
    if (assay_wide_is_zero(x)) {
        set_zero(n, r);
        return;
    }
    int64_t half = (x->exp - (x->exp & 1)) / 2;
    assay_wide_set(n, &m, x); /* m in [1/4, 1): x = m 4^half, or m in [1, 2) for odd exponents */
    m.exp -= 2 * half;
    int width = n < ASSAY_WIDE_LIMBS ? n + 1 : n;
    if (width > n)
        m.at[n] = 0;
    double start = 1 / __builtin_sqrt(__builtin_ldexp((double)m.at[0], (int)m.exp - 64));
    assay_wide_from(width, &y, (uint64_t)(start * 0x1p52), -52, false);
    assay_wide_from(width, &one, 1, 0, false);
    for (int right = 48; right < 64 * width; right = 2 * right - 4) {
        int k = (2 * right + 63) / 64 + 1;
        k = k < width ? k : width;
        assay_wide_mul(k, &t, &y, &y);
        assay_wide_mul(k, &t, &t, &m);
        assay_wide_sub(k, &t, &one, &t);
        assay_wide_mul(k, &t, &t, &y);
        t.exp--;
        for (int i = k; i < width; i++)
            t.at[i] = 0;
        assay_wide_add(width, &y, &y, &t);
    }
    assay_wide_mul(width, &y, &y, &m);
    y.exp += half;
    assay_wide_set(n, r, &y);
}

uint64_t assay_wide_split(int n, const assay_wide *x, assay_wide *fraction)
{
    uint64_t limbs[LIMBS];
    bool negative = x->negative;
    if (x->exp <= 0) {
        assay_wide_set(n, fraction, x);
        return 0;
    }
    int whole = (int)x->exp; /* 1 to 64 */
    uint64_t integer = x->at[0] >> (64 - whole);
    memcpy(limbs, x->at, (size_t)n * sizeof *limbs);
    limbs[0] = whole < 64 ? limbs[0] << whole >> whole : 0;
    take_limbs(n, fraction, limbs, n, whole);
    fraction->negative = negative && !assay_wide_is_zero(fraction);
    return integer;
}

/* Bits from .. to - 1, counted from the top, are not all alike. */
static bool mixed(const assay_wide *x, int from, int to)
{
    bool zeros = false, ones = false;
    for (int i = from; i < to && !(zeros && ones); i++) {
        bool bit = x->at[i / 64] >> (63 - i % 64) & 1;
        ones |= bit;
        zeros |= !bit;
    }
    return zeros && ones;
}

/* The true value is x (1 + d), |d| <= 2^-good, so its distance from x is below 2^-good times the
 * weight of two units of the bit before the first. Where the bits from `bits` to good - 2 hold
 * both a 0 and a 1, adding or taking away that much carries no further than these. */
bool assay_wide_certify(int n, const assay_wide *x, int good, int bits, assay_exact *out)
{
    good = good < 64 * n ? good : 64 * n;
    if (assay_wide_is_zero(x) || good - 2 <= bits || !mixed(x, bits, good - 2))
        return false;
    *out = (assay_exact){ .kind = ASSAY_FINITE,
                          .negative = x->negative,
                          .sticky = true,
                          .exp = (int)(x->exp - 64),
                          .sig = x->at[0],
                          .rest = true };
    for (int i = 0; i < bits / 64 - 1; i++)
        out->more[i] = x->at[i + 1];
    return true;
}
