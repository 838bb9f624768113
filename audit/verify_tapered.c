/* SPDX-License-Identifier: Apache-2.0 */
/* Posits and takums read bit by bit; their codes of one bit more are where ties lie. */
#if ASSAY_HAVE_MPFR
#include "audit/verify_parts.h"

/* A string of bits from the left; what lies behind its end is 0. */
typedef struct bits {
    uint64_t code;
    int left;
} bits;

static unsigned take(bits *b, int count)
{
    unsigned value = 0;
    while (count-- > 0)
        value = 2 * value + (b->left > 0 ? (unsigned)(b->code >> --b->left & 1) : 0);
    return value;
}

/* Zero and NaR have all bits but the first 0. */
static bool special(int n, uint64_t code, mpfr_ptr v)
{
    if (code == 0)
        mpfr_set_zero(v, 1);
    else if (code == (uint64_t)1 << (n - 1))
        mpfr_set_nan(v);
    else
        return false;
    return true;
}

/* (1 + f) 2^(r 2^es + e): r = k - 1 for a run of k ones, -k for a run of k zeros. */
void assay_verify_posit(int n, int es, uint64_t code, mpfr_ptr v)
{
    if (special(n, code, v))
        return;
    bool negative = code >> (n - 1) & 1;
    bits b = { negative ? ((uint64_t)1 << n) - code : code, n - 1 };
    unsigned first = take(&b, 1);
    long run = 1;
    while (b.left > 0 && take(&b, 1) == first)
        run++;
    long regime = first ? run - 1 : -run;
    long e = regime * (1L << es) + (long)take(&b, es);
    int fraction_bits = b.left;
    uint64_t fraction = ((uint64_t)1 << fraction_bits) | take(&b, fraction_bits);
    mpfr_set_ui_2exp(v, fraction, e - fraction_bits, MPFR_RNDN);
    if (negative)
        mpfr_neg(v, v, MPFR_RNDN);
}

/* S D RRR C M: l = (-1)^S (c + m), value (-1)^S sqrt(e)^l; linear ((1 - 3 S) + m) 2^e,
 * e = (-1)^S (c + S). */
void assay_verify_takum(int n, bool logarithmic, uint64_t code, mpfr_ptr v)
{
    enum { SHORTEST = 12 };
    if (special(n, code, v))
        return;
    int width = n < SHORTEST ? SHORTEST : n;
    bits b = { code << (width - n), width };
    long sign = (long)take(&b, 1), direction = (long)take(&b, 1), field = (long)take(&b, 3);
    int r = (int)(direction ? field : 7 - field);
    long characteristic = (long)take(&b, r);
    characteristic += direction ? (1L << r) - 1 : 1 - (1L << (r + 1));
    int p = b.left;
    mpfr_set_ui_2exp(v, take(&b, p), -p, MPFR_RNDN);
    if (logarithmic) {
        mpfr_add_si(v, v, characteristic, MPFR_RNDN);
        mpfr_div_2ui(v, v, 1, MPFR_RNDN);
        if (sign)
            mpfr_neg(v, v, MPFR_RNDN);
        mpfr_exp(v, v, MPFR_RNDN);
        if (sign)
            mpfr_neg(v, v, MPFR_RNDN);
        return;
    }
    mpfr_add_si(v, v, 1 - 3 * sign, MPFR_RNDN);
    long e = characteristic + sign;
    mpfr_mul_2si(v, v, sign ? -e : e, MPFR_RNDN);
}
#endif
