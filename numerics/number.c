/* SPDX-License-Identifier: Apache-2.0 */
/* docs/rounding.md, 23, says what a sum keeps. */
#include "numerics/limbs.h"

static const assay_exact not_a_number = { .kind = ASSAY_NOT_A_NUMBER };

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
    assay_uint128 sum = (assay_uint128)h->sig << 64,
                  low = (assay_uint128)l->sig << (64 - (h->exp - l->exp));
    int exp = h->exp;
    if (h->negative != l->negative)
        sum -= low;
    else if (__builtin_add_overflow(sum, low, &sum)) { /* the last bit is 0: h has 53 */
        sum = sum >> 1 | (assay_uint128)1 << 127;
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
    assay_limbs q;
    for (int i = 0; i < ASSAY_LIMBS; i++) {
        assay_uint128 t = (assay_uint128)left << 64;
        q.at[i] = (uint64_t)(t / d);
        left = (uint64_t)(t % d);
    }
    if (whole) {
        q = assay_limbs_right(q, 1, &rest);
        q.at[0] |= ASSAY_TOP_BIT;
    }
    return assay_limbs_number(q, exp - up + down - 64 + whole, negative, rest || left != 0);
}

/* |a| + |b| for |a| >= |b|. */
static assay_exact add_magnitudes(const assay_exact *a, const assay_exact *b)
{
    bool rest = assay_exact_has_rest(a) || assay_exact_has_rest(b);
    assay_limbs x = assay_limbs_of(a),
                y = assay_limbs_right(assay_limbs_of(b), (int64_t)a->exp - b->exp, &rest);
    int exp = a->exp;
    if (assay_limbs_add(&x, &y)) {
        x = assay_limbs_right(x, 1, &rest);
        x.at[0] |= ASSAY_TOP_BIT;
        exp++;
    }
    return assay_limbs_number(x, exp, a->negative, rest);
}

/* |a| - |b| for |a| >= |b|. What falls off b is subtracted as one unit of the last place, and the
 * truth then lies less than that unit above. */
static assay_exact subtract_magnitudes(const assay_exact *a, const assay_exact *b)
{
    bool lost = assay_exact_has_rest(b);
    assay_limbs x = assay_limbs_of(a),
                y = assay_limbs_right(assay_limbs_of(b), (int64_t)a->exp - b->exp, &lost);
    assay_limbs_subtract(&x, &y, lost);
    return assay_limbs_number(x, a->exp, a->negative, assay_exact_has_rest(a) || lost);
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
    assay_limbs a = assay_limbs_of(&x), high = { { 0 } };
    uint64_t carry = 0;
    for (int i = ASSAY_LIMBS - 1; i >= 0; i--) {
        assay_uint128 t = (assay_uint128)a.at[i] * k + carry;
        a.at[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    bool rest = assay_exact_has_rest(&x);
    int up = carry ? 64 - __builtin_clzll(carry) : 0;
    a = assay_limbs_right(a, up, &rest);
    high.at[0] = up > 0 ? carry << (64 - up) : 0;
    assay_limbs_add(&a, &high);
    return assay_limbs_number(a, x.exp + up, x.negative, rest);
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
    assay_limbs x = assay_limbs_of(&a), y = assay_limbs_of(&b);
    for (int i = 0; i < ASSAY_LIMBS; i++)
        if (x.at[i] != y.at[i])
            return x.at[i] < y.at[i] ? -1 : 1;
    return (int)assay_exact_has_rest(&a) - (int)assay_exact_has_rest(&b);
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
    bool up = tail > ASSAY_TOP_BIT || (tail == ASSAY_TOP_BIT && (x.sticky || (kept & 1)));
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
