/* SPDX-License-Identifier: Apache-2.0 */
/* Bits of quotients, 32 at a time. */
#include <string.h>

#include "numerics/limbs.h"

assay_expansion assay_expansion_of(assay_exact n, assay_exact d)
{
    assay_expansion e = { .unknown = assay_exact_has_rest(&n) };
    if (n.kind != ASSAY_FINITE) {
        e.divisor[0] = 1;
        return e;
    }
    assay_limbs a = assay_limbs_of(&n), b = assay_limbs_of(&d);
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
        assay_uint128 t = (assay_uint128)a[i] - b[i] - borrow;
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
