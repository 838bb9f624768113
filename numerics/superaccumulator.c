/* SPDX-License-Identifier: Apache-2.0 */
/* Digits that wait for their carries: docs/kernels-product.md, 4. */
#include "numerics/superaccumulator_parts.h"

#include <string.h>

#include "numerics/bits.h"

enum {
    DIGITS = ASSAY_SUPERACCUMULATOR_DIGITS,
    WORDS = DIGITS / 2,
    UNIT = ASSAY_SUPERACCUMULATOR_UNIT
};

/* After a carry pass digits are below 2^32; each addition moves one by less than 2^32. So
 * 2^30 of them keep every digit below 2^62 + 2^32. */
static const int64_t limit = (int64_t)1 << 30;

typedef unsigned __int128 u128;

/* A finite x != 0 as sig 2^exp; sig < 2^53. */
typedef struct parts {
    uint64_t sig;
    int exp;
    bool negative;
} parts;

static parts take_apart(double x)
{
    uint64_t u = assay_bits64(x);
    int field = (int)(u >> 52 & 0x7ff);
    uint64_t sig = (u & 0xfffffffffffff) | (uint64_t)(field != 0) << 52;
    return (parts){ sig, (field ? field : 1) - 1075, u >> 63 };
}

static bool not_finite(double x)
{
    return (assay_bits64(x) >> 52 & 0x7ff) == 0x7ff;
}

void assay_superaccumulator_clear(assay_superaccumulator *s)
{
    memset(s, 0, sizeof *s);
}

/* Moves what exceeds 32 bits of each digit to the next one, so that all digits but the top one
 * end in [0, 2^32) and the top one has the sign of the sum. Its place gives that one room. */
static void carry(int64_t *digit, int low, int *high)
{
    for (int i = low; i < *high && i < DIGITS - 1; i++) {
        int64_t up = digit[i] >> 32;
        digit[i] &= 0xffffffff;
        digit[i + 1] += up;
    }
    if (*high < DIGITS && digit[*high] != 0)
        ++*high;
}

static void make_room(assay_superaccumulator *s)
{
    if (++s->pending >= limit) {
        carry(s->digit, s->low, &s->high);
        s->pending = 1;
    }
}

/* Widens [low, high) to hold digits first .. first + count - 1. */
static void touch(assay_superaccumulator *s, int first, int count)
{
    if (s->high == 0 || first < s->low)
        s->low = first;
    if (first + count > s->high)
        s->high = first + count;
}

/* Adds +-sig 2^exp, sig < 2^106: at most 106 + 31 bits from a digit's lower end, 5 digits. The
 * first one is at most (2011 + 2148) / 32 = 129, so that the fifth exists. */
static void add_scaled(assay_superaccumulator *s, u128 sig, int exp, bool negative)
{
    int offset = exp - UNIT, first = offset / 32, shift = offset % 32;
    u128 low = (u128)(uint64_t)sig << shift;
    u128 high = ((u128)(uint64_t)(sig >> 64) << shift) + (uint64_t)(low >> 64);
    uint64_t word[3] = { (uint64_t)low, (uint64_t)high, (uint64_t)(high >> 64) };
    int64_t flip = -(int64_t)negative;
    make_room(s);
    touch(s, first, 5);
    for (int i = 0; i < 5; i++) {
        int64_t part = (int64_t)(word[i / 2] >> 32 * (i % 2) & 0xffffffff);
        s->digit[first + i] += (part ^ flip) - flip;
    }
}

void assay_superaccumulator_add_scaled(assay_superaccumulator *s, assay_int128 sum, int exp)
{
    if (sum != 0)
        add_scaled(s, sum < 0 ? -(u128)sum : (u128)sum, exp, sum < 0);
}

/* Notes a term that is a zero, an infinity or NaN; false if it is neither. */
static bool special(assay_superaccumulator *s, double x)
{
    if (x != x)
        s->nan = true;
    else if (not_finite(x))
        s->infinite[x < 0] = true;
    else if (x == 0)
        s->zero[assay_bits64(x) >> 63] = true;
    else
        return false;
    return true;
}

void assay_superaccumulator_add(assay_superaccumulator *s, double x)
{
    if (special(s, x))
        return;
    parts p = take_apart(x);
    s->non_zero = true;
    add_scaled(s, p.sig, p.exp, p.negative);
}

void assay_superaccumulator_add_product(assay_superaccumulator *s, double x, double y)
{
    if (x == 0 || y == 0 || not_finite(x) || not_finite(y)) {
        special(s, x * y); /* one factor is zero, infinite or NaN: so is the product, exactly */
        return;
    }
    parts p = take_apart(x), q = take_apart(y);
    s->non_zero = true;
    add_scaled(s, (u128)p.sig * q.sig, p.exp + q.exp, p.negative != q.negative);
}

void assay_superaccumulator_merge(assay_superaccumulator *s, const assay_superaccumulator *other)
{
    if (s->pending + other->pending + 1 >= limit) {
        carry(s->digit, s->low, &s->high);
        s->pending = 1;
    }
    if (other->high > 0) {
        touch(s, other->low, other->high - other->low);
        for (int i = other->low; i < other->high; i++)
            s->digit[i] += other->digit[i];
        s->pending += other->pending + 1;
    }
    s->nan |= other->nan;
    s->non_zero |= other->non_zero;
    for (int i = 0; i < 2; i++) {
        s->infinite[i] |= other->infinite[i];
        s->zero[i] |= other->zero[i];
    }
}

/* The 64 bits from bit `from` (counted from digit[0]'s lowest) upwards. */
static uint64_t window(const int64_t *digit, int from)
{
    uint64_t bits = 0;
    for (int i = 0; i < 3; i++) {
        int at = from / 32 + i, shift = 32 * i - from % 32;
        uint64_t d = at < DIGITS ? (uint64_t)digit[at] : 0;
        bits |= shift < 0 ? d >> -shift : shift < 64 ? d << shift : 0;
    }
    return bits;
}

/* digit[0 .. high) are those of a magnitude, the top one not zero. */
static void lead(const int64_t *digit, int low, int high, assay_leading *out)
{
    int top = 32 * (high - 1) + 63 - __builtin_clzll((uint64_t)digit[high - 1]);
    int from = top - 63; /* the top bit's place: below 63 only in sums near the least product */
    if (from >= 0) {
        out->sig = window(digit, from);
        out->sticky = from % 32 && (digit[from / 32] & (((int64_t)1 << from % 32) - 1)) != 0;
        for (int i = low; i < from / 32 && !out->sticky; i++)
            out->sticky = digit[i] != 0;
    } else {
        out->sig = window(digit, 0) << -from;
    }
    out->kind = ASSAY_SUM_FINITE;
    out->exp = from + UNIT;
}

static void lead_finite(const assay_superaccumulator *s, assay_leading *out)
{
    int64_t digit[DIGITS];
    int high = s->high;
    memcpy(digit, s->digit, sizeof digit);
    carry(digit, s->low, &high);
    while (high > s->low && digit[high - 1] == 0)
        high--;
    if (high == s->low)
        return;
    out->negative = digit[high - 1] < 0;
    if (out->negative) {
        for (int i = s->low; i < high; i++)
            digit[i] = -digit[i];
        carry(digit, s->low, &high);
        while (digit[high - 1] == 0)
            high--;
    }
    lead(digit, s->low, high, out);
}

assay_leading assay_superaccumulator_leading(const assay_superaccumulator *s)
{
    assay_leading out = { .kind = ASSAY_SUM_ZERO };
    if (s->nan || (s->infinite[0] && s->infinite[1])) {
        out.kind = ASSAY_SUM_NAN;
    } else if (s->infinite[0] || s->infinite[1]) {
        out.kind = ASSAY_SUM_INFINITE;
        out.negative = s->infinite[1];
    } else if (s->non_zero) {
        lead_finite(s, &out);
    } else {
        out.like_signed = !(s->zero[0] && s->zero[1]);
        out.negative = out.like_signed && s->zero[1];
    }
    return out;
}

/* The sum's magnitude, least significant word first; whether it is negative. */
static bool magnitude(const assay_superaccumulator *s, uint64_t words[WORDS])
{
    int64_t carry = 0;
    uint32_t digit[DIGITS];
    for (int i = 0; i < DIGITS; i++) {
        int64_t t = s->digit[i] + carry; /* carries are below 2^32, digits below 2^63 - 2^32 */
        digit[i] = (uint32_t)t;
        carry = (t - digit[i]) / ((int64_t)1 << 32);
    }
    bool negative = carry < 0;
    uint64_t one = negative;
    for (int i = 0; i < WORDS; i++) {
        uint64_t word = (uint64_t)digit[2 * i + 1] << 32 | digit[2 * i];
        words[i] = (negative ? ~word : word) + one;
        one = one && words[i] == 0;
    }
    return negative;
}

assay_exact assay_superaccumulator_exact(const assay_superaccumulator *s, bool cancelled)
{
    uint64_t words[WORDS], part[5] = { 0 };
    assay_leading lead = assay_superaccumulator_leading(s);
    if (lead.kind == ASSAY_SUM_NAN)
        return (assay_exact){ .kind = ASSAY_NOT_A_NUMBER };
    if (lead.kind == ASSAY_SUM_INFINITE)
        return (assay_exact){ .kind = ASSAY_INFINITE, .negative = lead.negative };
    if (lead.kind == ASSAY_SUM_ZERO)
        return (assay_exact){ .kind = ASSAY_ZERO,
                              .negative = lead.like_signed ? lead.negative : cancelled };
    bool negative = magnitude(s, words), rest = false;
    int top = WORDS - 1;
    while (words[top] == 0)
        top--;
    for (int i = 0; i < 5 && i <= top; i++)
        part[i] = words[top - i];
    int up = __builtin_clzll(part[0]);
    for (int i = 0; i <= top - 5; i++)
        rest |= words[i] != 0;
    for (int i = 0; i < 4; i++)
        part[i] = up > 0 ? part[i] << up | part[i + 1] >> (64 - up) : part[i];
    rest |= part[4] << up != 0;
    return (assay_exact){ .kind = ASSAY_FINITE,
                          .negative = negative,
                          .sticky = rest || (part[1] | part[2] | part[3]) != 0,
                          .exp = 64 * top - up + UNIT,
                          .sig = part[0],
                          .more = { part[1], part[2], part[3] },
                          .rest = rest };
}
