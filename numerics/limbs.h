/* SPDX-License-Identifier: Apache-2.0 */
/* Significands of 256 bits as four limbs, the most significant first. Internal. */
#ifndef ASSAY_NUMERICS_LIMBS_H
#define ASSAY_NUMERICS_LIMBS_H

#include "numerics/bits.h"
#include "numerics/number.h"

__extension__ typedef unsigned __int128 assay_uint128;

enum { ASSAY_LIMBS = 4, ASSAY_LIMB_BITS = 64 * ASSAY_LIMBS };
#define ASSAY_TOP_BIT ((uint64_t)1 << 63)

typedef struct assay_limbs {
    uint64_t at[ASSAY_LIMBS];
} assay_limbs;

ASSAY_INLINE assay_limbs assay_limbs_of(const assay_exact *x)
{
    return (assay_limbs){ { x->sig, x->more[0], x->more[1], x->more[2] } };
}

ASSAY_INLINE bool assay_limbs_is_zero(const assay_limbs *a)
{
    return (a->at[0] | a->at[1] | a->at[2] | a->at[3]) == 0;
}

/* Bits whose values are not known, or lie below the last limb. */
ASSAY_INLINE bool assay_exact_has_rest(const assay_exact *x)
{
    return x->rest || (x->sticky && (x->more[0] | x->more[1] | x->more[2]) == 0);
}

ASSAY_INLINE assay_limbs assay_limbs_left(assay_limbs a, int n)
{
    assay_limbs r = { { 0 } };
    int whole = n / 64, part = n % 64;
    for (int i = 0; i + whole < ASSAY_LIMBS; i++) {
        r.at[i] = a.at[i + whole] << part;
        if (part > 0 && i + whole + 1 < ASSAY_LIMBS)
            r.at[i] |= a.at[i + whole + 1] >> (64 - part);
    }
    return r;
}

/* a / 2^n, *lost if a bit that is not 0 fell off. */
ASSAY_INLINE assay_limbs assay_limbs_right(assay_limbs a, int64_t n, bool *lost)
{
    assay_limbs r = { { 0 } };
    if (n >= ASSAY_LIMB_BITS) {
        *lost |= !assay_limbs_is_zero(&a);
        return r;
    }
    int whole = (int)n / 64, part = (int)n % 64;
    for (int i = ASSAY_LIMBS - 1; i >= 0; i--) {
        uint64_t low = i + whole < ASSAY_LIMBS ? a.at[i] << (63 - part) << 1 : a.at[i];
        if (i + whole < ASSAY_LIMBS)
            r.at[i + whole] |= a.at[i] >> part;
        if (i + whole + 1 < ASSAY_LIMBS)
            r.at[i + whole + 1] |= low;
        else
            *lost |= low != 0;
        if (i + whole >= ASSAY_LIMBS)
            *lost |= a.at[i] != 0;
    }
    return r;
}

ASSAY_INLINE bool assay_limbs_add(assay_limbs *a, const assay_limbs *b)
{
    unsigned carry = 0;
    for (int i = ASSAY_LIMBS - 1; i >= 0; i--) {
        assay_uint128 t = (assay_uint128)a->at[i] + b->at[i] + carry;
        a->at[i] = (uint64_t)t;
        carry = (unsigned)(t >> 64);
    }
    return carry;
}

ASSAY_INLINE bool assay_limbs_subtract(assay_limbs *a, const assay_limbs *b, bool borrow)
{
    for (int i = ASSAY_LIMBS - 1; i >= 0; i--) {
        assay_uint128 t = (assay_uint128)a->at[i] - b->at[i] - borrow;
        a->at[i] = (uint64_t)t;
        borrow = t >> 127;
    }
    return borrow;
}

/* From limbs worth 2^(exp - 192): brings the top bit up. */
ASSAY_INLINE assay_exact assay_limbs_number(assay_limbs a, int exp, bool negative, bool rest)
{
    if (assay_limbs_is_zero(&a))
        return rest ? (assay_exact){ ASSAY_FINITE,  negative, true, exp - ASSAY_LIMB_BITS,
                                     ASSAY_TOP_BIT, { 0 },    true }
                    : (assay_exact){ .kind = ASSAY_ZERO, .negative = negative };
    int zeros = 0;
    while (a.at[zeros / 64] == 0)
        zeros += 64;
    zeros += __builtin_clzll(a.at[zeros / 64]);
    a = assay_limbs_left(a, zeros);
    return (assay_exact){ .kind = ASSAY_FINITE,
                          .negative = negative,
                          .sticky = rest || (a.at[1] | a.at[2] | a.at[3]) != 0,
                          .exp = exp - zeros,
                          .sig = a.at[0],
                          .more = { a.at[1], a.at[2], a.at[3] },
                          .rest = rest };
}

#endif
