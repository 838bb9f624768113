/* SPDX-License-Identifier: Apache-2.0 */
/* assay_exact_from_pair is the exact sum, as far as any rounding can tell. */
#include <criterion/criterion.h>
#include <math.h>

#include <mpfr.h>

#include "../support/oracle.h"
#include "../support/points.h"
#include "numerics/bits.h"

enum { SUM_BITS = 2200, PAIRS = 60000 };

/* A low word for hi: anything up to an ulp, half an ulp, neighbours of both, and tiny. */
static double low_word(double hi, uint64_t i)
{
    double ulp = assay_pow2(assay_clamp(assay_exponent(hi) - 52, -1074, 1023));
    double lo = ulp * ((double)(points_random(i) >> 11) * 0x1p-53);
    switch (i % 9) {
    case 0: lo = ulp; break;
    case 1: lo = ulp / 2; break;
    case 2: lo = nextafter(ulp / 2, 0); break;
    case 3: lo = nextafter(ulp / 2, INFINITY); break;
    case 4: lo = 0x1p-1074; break;
    case 5: lo = 0; break;
    case 6: lo *= 0x1p-11; break;
    case 7: lo = ldexp(lo, -(int)(points_random(i) % 200)); break;
    default: break;
    }
    lo = fmin(lo, ulp);
    return points_random(i + 5) % 2 ? lo : -lo;
}

/* High words: powers of two and neighbours (where a subtraction moves the top bit), numbers of
 * few bits, the subnormals and the largest. */
static double high_word(uint64_t i)
{
    uint64_t u = points_random(3 * i);
    uint64_t field = i % 4 == 0 ? u >> 53 & 0x7ff : 1023 - 40 + u % 80;
    if (i % 16 == 5)
        field = u % 70;
    field = field < 0x7ff ? field : 0x7fe;
    uint64_t fraction = points_random(3 * i + 1) & 0xfffffffffffff;
    if (i % 3 == 0)
        fraction = i % 7 == 0 ? 0xfffffffffffff : i % 7 == 1;
    else if (i % 3 == 1)
        fraction &= 0xff00000000000;
    double x = assay_from_bits64(u << 63 | field << 52 | fraction);
    return x == 0 ? 0x1p-1074 : x;
}

static void check_pair(const assay_format *f, double hi, double lo, mpfr_ptr sum)
{
    mpfr_set_d(sum, hi, MPFR_RNDN);
    cr_assert_eq(mpfr_add_d(sum, sum, lo, MPFR_RNDN), 0, "the oracle's sum is exact");
    oracle_place place = oracle_locate(f, sum);
    place.negative = mpfr_zero_p(sum) ? false : place.negative;
    assay_exact exact = assay_exact_from_pair(hi, lo);
    for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {
        assay_rounder r;
        cr_assert_eq(assay_rounder_make(f, (assay_mode)mode, ASSAY_OVERFLOW_SPEC,
                                        ASSAY_NAN_RULE_DEFAULT, &r),
                     ASSAY_OK);
        uint64_t want =
            oracle_code(f, &place, (assay_mode)mode, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT);
        uint64_t got = assay_round_exact(&r, exact);
        if (got != want)
            cr_assert_fail("%s %s of %a + %a: %llx, expected %llx", f->name,
                           assay_mode_name((assay_mode)mode), hi, lo, (unsigned long long)got,
                           (unsigned long long)want);
    }
}

Test(exact_pair, equals_mpfr)
{
    static const char *const specs[] = { "binary64", "binary32", "binary16", "e4m3",
                                         "float:e=11,m=20" };
    mpfr_t sum;
    mpfr_init2(sum, SUM_BITS);
    for (uint64_t i = 0; i < PAIRS; i++) {
        assay_format f;
        cr_assert_eq(assay_format_parse(specs[i % 5], &f), ASSAY_OK);
        double hi = high_word(i);
        check_pair(&f, hi, low_word(hi, i), sum);
    }
    mpfr_clear(sum);
}

/* The sum of a power of two and the largest number below half of its lower ulp, by hand. */
Test(exact_pair, borrows_across_a_power_of_two)
{
    assay_exact e = assay_exact_from_pair(1, -0x1p-60);
    cr_expect(e.sig == ~(uint64_t)0 << 4 && !e.sticky && e.exp == -64);
    e = assay_exact_from_pair(1, -0x1p-70);
    cr_expect(e.sig == ~(uint64_t)0 && e.sticky && e.exp == -64);
    e = assay_exact_from_pair(0x1p-1074, -0x1p-1074);
    cr_expect(e.kind == ASSAY_ZERO);
}
