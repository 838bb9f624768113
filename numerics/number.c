/* SPDX-License-Identifier: Apache-2.0 */
#include "numerics/number.h"

#include <string.h>

#include "numerics/bits.h"

__extension__ typedef unsigned __int128 wide_uint;

/* Significands as four limbs, the most significant first. */
enum { LIMBS = 4, BITS = 64 * LIMBS };
typedef struct limbs {
    uint64_t at[LIMBS];
} limbs;

static const assay_exact not_a_number = { .kind = ASSAY_NOT_A_NUMBER };
static const uint64_t top_bit = (uint64_t)1 << 63;

static limbs limbs_of(const assay_exact *x)
{
    return (limbs){ { x->sig, x->more[0], x->more[1], x->more[2] } };
}

static bool is_zero(const limbs *a)
{
    return (a->at[0] | a->at[1] | a->at[2] | a->at[3]) == 0;
}

/* Bits whose values are not known, or lie below the last limb. */
static bool has_rest(const assay_exact *x)
{
    return x->rest || (x->sticky && (x->more[0] | x->more[1] | x->more[2]) == 0);
}

static limbs shifted_left(limbs a, int n)
{
    limbs r = { { 0 } };
    int whole = n / 64, part = n % 64;
    for (int i = 0; i + whole < LIMBS; i++) {
        r.at[i] = a.at[i + whole] << part;
        if (part > 0 && i + whole + 1 < LIMBS)
            r.at[i] |= a.at[i + whole + 1] >> (64 - part);
    }
    return r;
}

/* a / 2^n, *lost if a bit that is not 0 fell off. */
static limbs shifted_right(limbs a, int64_t n, bool *lost)
{
    limbs r = { { 0 } };
    if (n >= BITS) {
        *lost |= !is_zero(&a);
        return r;
    }
    int whole = (int)n / 64, part = (int)n % 64;
    for (int i = LIMBS - 1; i >= 0; i--) {
        uint64_t low = i + whole < LIMBS ? a.at[i] << (63 - part) << 1 : a.at[i];
        if (i + whole < LIMBS)
            r.at[i + whole] |= a.at[i] >> part;
        if (i + whole + 1 < LIMBS)
            r.at[i + whole + 1] |= low;
        else
            *lost |= low != 0;
        if (i + whole >= LIMBS)
            *lost |= a.at[i] != 0;
    }
    return r;
}

/* From limbs worth 2^(exp - 192): brings the top bit up. */
static assay_exact normalised(limbs a, int exp, bool negative, bool rest)
{
    if (is_zero(&a))
        return rest
                   ? (assay_exact){ ASSAY_FINITE, negative, true, exp - BITS, top_bit, { 0 }, true }
                   : (assay_exact){ .kind = ASSAY_ZERO, .negative = negative };
    int zeros = 0;
    while (a.at[zeros / 64] == 0)
        zeros += 64;
    zeros += __builtin_clzll(a.at[zeros / 64]);
    a = shifted_left(a, zeros);
    return (assay_exact){ .kind = ASSAY_FINITE,
                          .negative = negative,
                          .sticky = rest || (a.at[1] | a.at[2] | a.at[3]) != 0,
                          .exp = exp - zeros,
                          .sig = a.at[0],
                          .more = { a.at[1], a.at[2], a.at[3] },
                          .rest = rest };
}

assay_exact assay_exact_from(double x)
{
    uint64_t bits = assay_bits64(x);
    int field = (int)(bits >> 52 & 0x7ff);
    uint64_t sig = bits & 0xfffffffffffff;
    assay_exact e = { .negative = bits >> 63 };
    if (field == 0x7ff) {
        e.kind = sig ? ASSAY_NOT_A_NUMBER : ASSAY_INFINITE;
        return sig ? not_a_number : e;
    }
    if (field > 0)
        sig |= (uint64_t)1 << 52;
    if (sig == 0)
        return e;
    int shift = __builtin_clzll(sig);
    e.kind = ASSAY_FINITE;
    e.sig = sig << shift;
    e.exp = (field > 0 ? field : 1) - 1075 - shift;
    return e;
}

/* Both within 128 bits: what TwoSum and TwoProd give nearly always. */
static assay_exact near_pair(const assay_exact *h, const assay_exact *l)
{
    wide_uint sum = (wide_uint)h->sig << 64, low = (wide_uint)l->sig << (64 - (h->exp - l->exp));
    int exp = h->exp;
    if (h->negative != l->negative)
        sum -= low;
    else if (__builtin_add_overflow(sum, low, &sum)) { /* the last bit is 0: h has 53 */
        sum = sum >> 1 | (wide_uint)1 << 127;
        exp++;
    }
    int up = sum >> 64 ? __builtin_clzll((uint64_t)(sum >> 64)) : 64;
    if (up == 64)
        up += __builtin_clzll((uint64_t)sum);
    sum <<= up;
    return (assay_exact){ .kind = ASSAY_FINITE,
                          .negative = h->negative,
                          .sticky = (uint64_t)sum != 0,
                          .exp = exp - up,
                          .sig = (uint64_t)(sum >> 64),
                          .more = { (uint64_t)sum } };
}

assay_exact assay_exact_from_pair(double hi, double lo)
{
    assay_exact h = assay_exact_from(hi), l = assay_exact_from(lo);
    if (h.kind == ASSAY_FINITE && l.kind == ASSAY_FINITE && h.exp > l.exp && h.exp - l.exp <= 64)
        return near_pair(&h, &l);
    return assay_exact_add(h, l);
}

assay_exact assay_exact_from_ratio(bool negative, uint64_t n, uint64_t d, int exp)
{
    if (d == 0)
        return not_a_number;
    if (n == 0)
        return (assay_exact){ .kind = ASSAY_ZERO, .negative = negative };
    /* With both top bits set the quotient lies between 1/2 and 2: its whole part is one bit. */
    int up = __builtin_clzll(n), down = __builtin_clzll(d);
    n <<= up;
    d <<= down;
    bool whole = n >= d, rest = false;
    uint64_t left = whole ? n - d : n;
    limbs q;
    for (int i = 0; i < LIMBS; i++) {
        wide_uint t = (wide_uint)left << 64;
        q.at[i] = (uint64_t)(t / d);
        left = (uint64_t)(t % d);
    }
    if (whole) {
        q = shifted_right(q, 1, &rest);
        q.at[0] |= top_bit;
    }
    return normalised(q, exp - up + down - 64 + whole, negative, rest || left != 0);
}

static bool add_limbs(limbs *a, const limbs *b)
{
    unsigned carry = 0;
    for (int i = LIMBS - 1; i >= 0; i--) {
        wide_uint t = (wide_uint)a->at[i] + b->at[i] + carry;
        a->at[i] = (uint64_t)t;
        carry = (unsigned)(t >> 64);
    }
    return carry;
}

static bool subtract_limbs(limbs *a, const limbs *b, bool borrow)
{
    for (int i = LIMBS - 1; i >= 0; i--) {
        wide_uint t = (wide_uint)a->at[i] - b->at[i] - borrow;
        a->at[i] = (uint64_t)t;
        borrow = t >> 127;
    }
    return borrow;
}

/* |a| + |b| for |a| >= |b|. */
static assay_exact add_magnitudes(const assay_exact *a, const assay_exact *b)
{
    bool rest = has_rest(a) || has_rest(b);
    limbs x = limbs_of(a), y = shifted_right(limbs_of(b), (int64_t)a->exp - b->exp, &rest);
    int exp = a->exp;
    if (add_limbs(&x, &y)) {
        x = shifted_right(x, 1, &rest);
        x.at[0] |= top_bit;
        exp++;
    }
    return normalised(x, exp, a->negative, rest);
}

/* |a| - |b| for |a| >= |b|. What falls off b is subtracted as one unit of the last place, and the
 * truth then lies less than that unit above. */
static assay_exact subtract_magnitudes(const assay_exact *a, const assay_exact *b)
{
    bool lost = has_rest(b);
    limbs x = limbs_of(a), y = shifted_right(limbs_of(b), (int64_t)a->exp - b->exp, &lost);
    subtract_limbs(&x, &y, lost);
    return normalised(x, a->exp, a->negative, has_rest(a) || lost);
}

assay_exact assay_exact_add(assay_exact a, assay_exact b)
{
    bool nan = a.kind == ASSAY_NOT_A_NUMBER || b.kind == ASSAY_NOT_A_NUMBER;
    if (nan || (a.kind == ASSAY_INFINITE && b.kind == ASSAY_INFINITE && a.negative != b.negative))
        return not_a_number;
    if (a.kind == ASSAY_ZERO && b.kind == ASSAY_ZERO)
        return (assay_exact){ .kind = ASSAY_ZERO, .negative = a.negative && b.negative };
    if (a.kind == ASSAY_INFINITE || b.kind == ASSAY_ZERO)
        return a;
    if (b.kind == ASSAY_INFINITE || a.kind == ASSAY_ZERO)
        return b;
    int order = assay_exact_compare(a, b);
    const assay_exact *large = order < 0 ? &b : &a, *small = order < 0 ? &a : &b;
    if (a.negative == b.negative)
        return add_magnitudes(large, small);
    return order == 0 ? (assay_exact){ .kind = ASSAY_ZERO } : subtract_magnitudes(large, small);
}

assay_exact assay_exact_times(assay_exact x, uint32_t k)
{
    if (x.kind != ASSAY_FINITE || k == 0) {
        if (x.kind == ASSAY_FINITE)
            x = (assay_exact){ .kind = ASSAY_ZERO, .negative = x.negative };
        return x;
    }
    limbs a = limbs_of(&x), high = { { 0 } };
    uint64_t carry = 0;
    for (int i = LIMBS - 1; i >= 0; i--) {
        wide_uint t = (wide_uint)a.at[i] * k + carry;
        a.at[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    bool rest = has_rest(&x);
    int up = carry ? 64 - __builtin_clzll(carry) : 0;
    a = shifted_right(a, up, &rest);
    high.at[0] = up > 0 ? carry << (64 - up) : 0;
    add_limbs(&a, &high);
    return normalised(a, x.exp + up, x.negative, rest);
}

assay_exact assay_exact_shifted(assay_exact x, int e)
{
    x.exp += x.kind == ASSAY_FINITE ? e : 0;
    return x;
}

int assay_exact_compare(assay_exact a, assay_exact b)
{
    if (a.kind != ASSAY_FINITE || b.kind != ASSAY_FINITE)
        return (a.kind == ASSAY_FINITE) - (b.kind == ASSAY_FINITE);
    if (a.exp != b.exp)
        return a.exp < b.exp ? -1 : 1;
    limbs x = limbs_of(&a), y = limbs_of(&b);
    for (int i = 0; i < LIMBS; i++)
        if (x.at[i] != y.at[i])
            return x.at[i] < y.at[i] ? -1 : 1;
    return (int)has_rest(&a) - (int)has_rest(&b);
}

double assay_exact_to_double(assay_exact x)
{
    uint64_t sign = (uint64_t)x.negative << 63, infinity = (uint64_t)0x7ff << 52;
    if (x.kind == ASSAY_NOT_A_NUMBER)
        return assay_from_bits64(0x7ff8000000000000);
    if (x.kind == ASSAY_ZERO)
        return assay_from_bits64(sign);
    int e = x.exp + 63; /* of the top bit; below -1022 fewer bits are kept */
    if (x.kind == ASSAY_INFINITE || e > 1023)
        return assay_from_bits64(sign | infinity);
    int drop = e >= -1022 ? 11 : e < -1076 ? 64 : 11 - 1022 - e;
    uint64_t kept = drop < 64 ? x.sig >> drop : 0;
    uint64_t tail = drop < 64 ? x.sig << (64 - drop) : x.sig >> (e < -1075);
    bool up = tail > top_bit || (tail == top_bit && (x.sticky || (kept & 1)));
    uint64_t bits = kept + up;
    if (e >= -1022) /* the top bit is the exponent's last; a carry moves on by itself */
        bits += (uint64_t)(e + 1022) << 52;
    return assay_from_bits64(sign | bits);
}

bool assay_exact_is_double(assay_exact x)
{
    if (x.kind != ASSAY_FINITE)
        return true;
    assay_exact back = assay_exact_from(assay_exact_to_double(x));
    return back.kind == ASSAY_FINITE && assay_exact_compare(back, x) == 0;
}

/* ---- exponentials: fixed-point fractions of 256 bits ---- */

/* floor(a b / 2^256), but for a few units of carries from below. */
static limbs multiplied(const limbs *a, const limbs *b)
{
    uint64_t r[2 * LIMBS] = { 0 };
    for (int i = LIMBS - 1; i >= 0; i--) {
        uint64_t carry = 0;
        for (int j = LIMBS - 1; j >= 0; j--) {
            wide_uint t = (wide_uint)a->at[i] * b->at[j] + r[i + j + 1] + carry;
            r[i + j + 1] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        r[i] = carry;
    }
    limbs high;
    memcpy(high.at, r, sizeof high.at);
    return high;
}

static void divide_small(limbs *a, uint64_t d)
{
    uint64_t rest = 0;
    for (int i = 0; i < LIMBS; i++) {
        wide_uint t = (wide_uint)rest << 64 | a->at[i];
        a->at[i] = (uint64_t)(t / d);
        rest = (uint64_t)(t % d);
    }
}

/* ln 2 in units of 2^-256. */
static const limbs ln2 = { { 0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af, 0x40f343267298b62d,
                             0x8a0d175b8baafa2b } };

/* e^y - 1 as a fraction, 0 <= y <= ln 2, by the series of y / 2^10 and ten squarings: with
 * f = e^z - 1, e^2z - 1 = 2 f + f^2. Terms fall by 2^-10 / n; each operation errs by at most 2
 * units of 2^-256, and a squaring at most triples what it meets: 30 * 2 * 3^10 units < 2^22. */
static limbs exp_minus_1(limbs y)
{
    enum { HALVINGS = 10, TERMS = 22 };
    bool lost = false;
    limbs z = shifted_right(y, HALVINGS, &lost), term = z, sum = z;
    for (unsigned n = 2; n <= TERMS; n++) {
        term = multiplied(&term, &z);
        divide_small(&term, n);
        add_limbs(&sum, &term);
    }
    for (int i = 0; i < HALVINGS; i++) {
        limbs square = multiplied(&sum, &sum);
        add_limbs(&sum, &sum);
        add_limbs(&sum, &square);
    }
    return sum;
}

/* (1 + f) 2^e. */
static assay_exact one_plus(limbs f, int e)
{
    bool lost = false;
    limbs a = shifted_right(f, 1, &lost);
    a.at[0] |= top_bit;
    return normalised(a, e - 63, false, false);
}

static int64_t floor_div(int64_t n, int64_t d)
{
    return n / d - (n % d < 0);
}

assay_exact assay_exact_exp2(int64_t n, uint32_t d)
{
    int64_t whole = floor_div(n, d);
    uint64_t part = (uint64_t)(n - whole * d);
    limbs y = { { 0 } };
    if (part > 0) { /* part ln 2 / d: the product fits, as part < d <= 2^30 */
        y = ln2;
        uint64_t carry = 0;
        for (int i = LIMBS - 1; i >= 0; i--) {
            wide_uint t = (wide_uint)y.at[i] * part + carry;
            y.at[i] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        uint64_t rest = carry % d;
        for (int i = 0; i < LIMBS; i++) {
            wide_uint t = (wide_uint)rest << 64 | y.at[i];
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
        return one_plus((limbs){ { 0 } }, 0);
    int64_t whole = floor_div(n, d);
    limbs y = { { 0 } };
    uint64_t rest = (uint64_t)(n - whole * d);
    for (int i = 0; i < LIMBS; i++) {
        wide_uint t = (wide_uint)rest << 64;
        y.at[i] = (uint64_t)(t / d);
        rest = (uint64_t)(t % d);
    }
    double q = ((double)n / d) / 0.6931471805599453;
    int64_t k = (int64_t)q;
    k -= (double)k > q;
    /* y += whole - k ln 2, keeping the whole part to see on which side y lies. */
    limbs m = ln2;
    uint64_t size = (uint64_t)(k < 0 ? -k : k), carry = 0;
    for (int i = LIMBS - 1; i >= 0; i--) {
        wide_uint t = (wide_uint)m.at[i] * size + carry;
        m.at[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    int64_t units = whole;
    if (k < 0) {
        units += (int64_t)carry;
        units += add_limbs(&y, &m);
    } else {
        units -= (int64_t)carry;
        units -= subtract_limbs(&y, &m, false);
    }
    if (units < 0) { /* k was one too high */
        units += add_limbs(&y, &ln2);
        k--;
    }
    limbs less = y;
    if (units > 0 || !subtract_limbs(&less, &ln2, false)) { /* one too low */
        if (units > 0)
            subtract_limbs(&y, &ln2, false);
        else
            y = less;
        k++;
    }
    return one_plus(exp_minus_1(y), (int)k);
}

/* ---- quotients ---- */

assay_expansion assay_expansion_of(assay_exact n, assay_exact d)
{
    assay_expansion e = { .unknown = has_rest(&n) };
    if (n.kind != ASSAY_FINITE) {
        e.divisor[0] = 1;
        return e;
    }
    limbs a = limbs_of(&n), b = limbs_of(&d);
    memcpy(e.rest + 1, a.at, sizeof a.at);
    memcpy(e.divisor + 1, b.at, sizeof b.at);
    e.zeros = d.exp - n.exp;
    return e;
}

static bool at_least(const uint64_t a[5], const uint64_t b[5])
{
    for (int i = 0; i < 5; i++)
        if (a[i] != b[i])
            return a[i] > b[i];
    return true;
}

static void twice(uint64_t a[5])
{
    for (int i = 0; i < 5; i++)
        a[i] = a[i] << 1 | (i < 4 ? a[i + 1] >> 63 : 0);
}

static void take(uint64_t a[5], const uint64_t b[5])
{
    uint64_t borrow = 0;
    for (int i = 4; i >= 0; i--) {
        wide_uint t = (wide_uint)a[i] - b[i] - borrow;
        a[i] = (uint64_t)t;
        borrow = (uint64_t)(t >> 127);
    }
}

/* The next n <= 32 bits of a fraction rest / D below 1, D the power of two that is bit 63 of
 * limb 1: those below this bit. */
static uint32_t shift_out(uint64_t rest[5], int n)
{
    uint32_t bits = (uint32_t)(rest[1] << 1 >> (64 - n));
    for (int i = 1; i < 5; i++)
        rest[i] = rest[i] << n | (i < 4 ? rest[i + 1] >> (64 - n) : 0);
    rest[1] &= ~(uint64_t)0 >> 1;
    return bits;
}

/* n / d = (N / D) 2^-zeros with significands N / D in (1/2, 2): the bit of weight 2^-zeros is
 * [N >= D] and those above are 0; below it, the usual long division. */
uint32_t assay_expansion_next(assay_expansion *e)
{
    static const uint64_t one[5] = { 0, (uint64_t)1 << 63 };
    uint32_t word = 0;
    int i = 32; /* bits of the word still to come */
    if (e->zeros > 0) {
        int skipped = e->zeros - 1 < i ? e->zeros - 1 : i;
        e->zeros -= skipped;
        i -= skipped;
        if (i == 0)
            return 0;
        e->zeros = 0;
        i--;
        if (at_least(e->rest, e->divisor)) {
            take(e->rest, e->divisor);
            word = (uint32_t)1 << i;
        }
    }
    if (i > 0 && memcmp(e->divisor, one, sizeof one) == 0)
        return word | shift_out(e->rest, i);
    while (--i >= 0) {
        twice(e->rest);
        if (at_least(e->rest, e->divisor)) {
            take(e->rest, e->divisor);
            word |= (uint32_t)1 << i;
        }
    }
    return word;
}

bool assay_expansion_ended(const assay_expansion *e)
{
    uint64_t any = 0;
    for (int i = 0; i < 5; i++)
        any |= e->rest[i];
    return any == 0 && !e->unknown;
}
