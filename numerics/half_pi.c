/* SPDX-License-Identifier: Apache-2.0 */
/* Payne and Hanek's reduction in integers; docs/numerics.md section 8 proves its error. */
#include "numerics/half_pi.h"

#include "numerics/elementary_tables.h"

__extension__ typedef unsigned __int128 wide_uint;

/* The 256 bits of 2/pi that begin with the one of weight 2^(1 - e), multiplied by m: for
 * |x| = m 2^e the multiples of 4 that precede them drop out of |x| 2/pi mod 4. So
 * |x| 2/pi = w 2^-254 mod 4, less than m 2^-254 too small. */
static void times_two_over_pi(uint64_t m, int e, uint64_t w[4])
{
    const int start = e + 62, shift = start % 64; /* the table begins with 64 zeros */
    const uint64_t *bits = assay_two_over_pi + start / 64;
    uint64_t carry = 0;
    for (int j = 3; j >= 0; j--) {
        uint64_t next = shift ? bits[j + 1] >> (64 - shift) : 0;
        wide_uint t = (wide_uint)(bits[j] << shift | next) * m + carry;
        w[j] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
}

/* (w[0] 2^-64 + w[1] 2^-128 + w[2] 2^-192) with its leading zeros, at most 63, shifted out and
 * put back as a power of two: 128 bits from the first one on, in three doubles. */
static assay_dd fraction(const uint64_t w[3])
{
    int zeros = __builtin_clzll(w[0] | 1);
    uint64_t a = w[0], b = w[1];
    if (zeros > 0) {
        a = a << zeros | b >> (64 - zeros);
        b = b << zeros | w[2] >> (64 - zeros);
    }
    double hi = (double)(a >> 11) * 0x1p-53;
    double mid = (double)((a & 0x7ff) << 42 | b >> 22) * 0x1p-106;
    double lo = (double)(b & 0x3fffff) * 0x1p-128;
    return assay_dd_ldexp(assay_dd_add_d(assay_fast_two_sum(hi, mid), lo), -zeros);
}

int assay_reduce_half_pi(double x, assay_dd *r)
{
    double a = x < 0 ? -x : x;
    *r = assay_dd_from(x);
    if (a <= 0x1.921fb54442d18p-1)
        return 0;
    uint64_t w[4], m = (assay_bits64(a) & 0xfffffffffffff) | 0x10000000000000;
    times_two_over_pi(m, assay_exponent(a) - 52, w);
    int q = (int)(((w[0] >> 61) + 1) >> 1);
    uint64_t flip = (w[0] >> 61 & 1) ? ~(uint64_t)0 : 0; /* 1 - f as ~f: off by 2^-254 */
    for (int j = 0; j < 3; j++)
        w[j] = (w[j] << 2 | w[j + 1] >> 62) ^ flip;
    assay_dd half_pi = { assay_half_pi[0], assay_half_pi[1] };
    assay_dd f = assay_dd_mul(fraction(w), half_pi);
    *r = (x < 0) != (flip != 0) ? assay_dd_neg(f) : f;
    return x < 0 ? -q : q;
}
