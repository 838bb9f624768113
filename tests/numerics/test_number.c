/* SPDX-License-Identifier: Apache-2.0 */
/* assay_exact against MPFR at precisions where nothing is rounded. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <mpfr.h>

#include "numerics/bits.h"
#include "numerics/number.h"

enum { EXACT = 4400 }; /* every sum of three binary64 */

static uint64_t next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Any finite binary64, often near to `near`, sometimes with few bits. */
static double operand(uint64_t *state, double near)
{
    for (;;) {
        uint64_t bits = next(state), how = next(state) % 8;
        double x = assay_from_bits64(bits);
        if (how < 3)
            x = ldexp((double)(int64_t)bits, (int)(next(state) % 400) - 260);
        else if (how == 3)
            x = assay_from_bits64(assay_bits64(near) ^ (bits & 0x800000000000000f));
        else if (how == 4)
            x = ldexp(1, (int)(bits % 2098) - 1074);
        else if (how == 5)
            x = -near * ldexp(1, -(int)(bits % 120));
        if (x - x == 0)
            return x;
    }
}

static void set(mpfr_ptr out, const assay_exact *x)
{
    mpfr_set_ui(out, 0, MPFR_RNDN);
    const uint64_t limbs[] = { x->sig, x->more[0], x->more[1], x->more[2] };
    for (int i = 0; x->kind == ASSAY_FINITE && i < 4; i++) {
        mpfr_t part;
        mpfr_init2(part, 64);
        mpfr_set_ui(part, limbs[i], MPFR_RNDN);
        mpfr_mul_2si(part, part, x->exp - 64 * i, MPFR_RNDN);
        mpfr_add(out, out, part, MPFR_RNDN);
        mpfr_clear(part);
    }
    if (x->negative)
        mpfr_neg(out, out, MPFR_RNDN);
}

/* The stored part is at most the truth, and less than 2^-254 of it below. */
static void expect_represents(const assay_exact *x, mpfr_srcptr truth, const char *what)
{
    mpfr_t stored, gap;
    mpfr_inits2(EXACT, stored, gap, (mpfr_ptr)NULL);
    set(stored, x);
    mpfr_sub(gap, truth, stored, MPFR_RNDN);
    if (x->negative)
        mpfr_neg(gap, gap, MPFR_RNDN);
    cr_assert_eq(x->kind == ASSAY_ZERO, mpfr_zero_p(truth) != 0, "%s: zero", what);
    cr_assert_eq(mpfr_sgn(gap) > 0, x->rest, "%s: the rest", what);
    cr_assert(mpfr_sgn(gap) >= 0, "%s: above the truth", what);
    cr_assert(mpfr_zero_p(gap) || mpfr_get_exp(gap) <= x->exp - 191, "%s: too far below", what);
    bool below = x->more[0] || x->more[1] || x->more[2] || x->rest;
    cr_assert_eq(x->sticky, below, "%s: sticky", what);
    mpfr_clears(stored, gap, (mpfr_ptr)NULL);
}

Test(number, doubles_go_in_and_out)
{
    uint64_t state = 1;
    for (int i = 0; i < 20000; i++) {
        double x = operand(&state, DBL_MIN);
        cr_assert_eq(assay_bits64(assay_exact_to_double(assay_exact_from(x))), assay_bits64(x));
        cr_assert(assay_exact_is_double(assay_exact_from(x)));
    }
    cr_expect_eq(assay_exact_to_double(assay_exact_from(-INFINITY)), -INFINITY);
    cr_expect(isnan(assay_exact_to_double(assay_exact_from(NAN))));
}

Test(number, sums_of_three)
{
    uint64_t state = 2;
    mpfr_t a, b;
    mpfr_inits2(EXACT, a, b, (mpfr_ptr)NULL);
    for (int i = 0; i < 60000; i++) {
        double x = operand(&state, 1), y = operand(&state, x), z = operand(&state, -y);
        assay_exact two = assay_exact_from_pair(x, y);
        assay_exact sum = assay_exact_add(assay_exact_from(x), assay_exact_from(y));
        mpfr_set_d(a, x, MPFR_RNDN);
        mpfr_add_d(a, a, y, MPFR_RNDN);
        expect_represents(&sum, a, "x + y");
        expect_represents(&two, a, "pair");
        double want = mpfr_get_d(a, MPFR_RNDN), got = assay_exact_to_double(sum);
        cr_assert(got == want || x + y == want, "%a + %a", x, y);
        if (sum.rest)
            continue;
        assay_exact three = assay_exact_add(sum, assay_exact_from(z));
        mpfr_add_d(a, a, z, MPFR_RNDN);
        expect_represents(&three, a, "x + y + z");
    }
    mpfr_clears(a, b, (mpfr_ptr)NULL);
}

Test(number, rounding_to_binary64_is_nearest_even_also_below_its_normals)
{
    uint64_t state = 3;
    mpfr_t a, r;
    mpfr_init2(a, EXACT);
    mpfr_init2(r, 53);
    mpfr_set_emin(-1073);
    mpfr_set_emax(1024);
    for (int i = 0; i < 40000; i++) {
        double x = operand(&state, DBL_MIN), y = operand(&state, x);
        int down = (int)(next(&state) % 80);
        assay_exact e = assay_exact_shifted(assay_exact_from_pair(x, y), -down);
        mpfr_set_emin(-5000);
        mpfr_set_emax(5000);
        mpfr_set_d(a, x, MPFR_RNDN);
        mpfr_add_d(a, a, y, MPFR_RNDN);
        mpfr_div_2si(a, a, down, MPFR_RNDN);
        mpfr_set_emin(-1073);
        mpfr_set_emax(1024);
        int t = mpfr_set(r, a, MPFR_RNDN);
        t = mpfr_check_range(r, t, MPFR_RNDN);
        mpfr_subnormalize(r, t, MPFR_RNDN);
        cr_assert_eq(assay_exact_to_double(e), mpfr_get_d(r, MPFR_RNDN), "%a + %a by 2^-%d", x, y,
                     down);
    }
    mpfr_set_emin(-5000);
    mpfr_set_emax(5000);
    mpfr_clears(a, r, (mpfr_ptr)NULL);
}

Test(number, order_products_and_ratios)
{
    uint64_t state = 4;
    mpfr_t a, b;
    mpfr_inits2(EXACT, a, b, (mpfr_ptr)NULL);
    for (int i = 0; i < 20000; i++) {
        double x = fabs(operand(&state, 1)), y = fabs(operand(&state, x));
        uint32_t k = (uint32_t)next(&state);
        int order = assay_exact_compare(assay_exact_from(x), assay_exact_from(y));
        cr_assert_eq(order, (x > y) - (x < y), "%a and %a", x, y);
        assay_exact product = assay_exact_times(assay_exact_from(x), k);
        mpfr_set_d(a, x, MPFR_RNDN);
        mpfr_mul_ui(a, a, k, MPFR_RNDN);
        expect_represents(&product, a, "x k");
        uint64_t n = next(&state) >> (next(&state) % 64),
                 d = next(&state) >> (next(&state) % 63) | 1;
        assay_exact ratio = assay_exact_from_ratio(i & 1, n, d, 3 - (int)(k % 7));
        mpfr_set_ui(a, n, MPFR_RNDN);
        mpfr_div_ui(a, a, 1, MPFR_RNDN);
        mpfr_set_ui(b, d, MPFR_RNDN);
        mpfr_div(a, a, b, MPFR_RNDN); /* 4400 bits: any period of d shows a rest */
        mpfr_mul_2si(a, a, 3 - (int)(k % 7), MPFR_RNDN);
        mpfr_setsign(a, a, i & 1, MPFR_RNDN);
        expect_represents(&ratio, a, "ratio");
    }
    mpfr_clears(a, b, (mpfr_ptr)NULL);
}

/* |got - truth| <= 2^-bits |truth|. */
static void expect_near(const assay_exact *got, mpfr_srcptr truth, int bits, const char *what)
{
    mpfr_t g;
    mpfr_init2(g, 600);
    set(g, got);
    mpfr_sub(g, g, truth, MPFR_RNDN);
    cr_assert(mpfr_zero_p(g) || mpfr_get_exp(g) <= mpfr_get_exp(truth) - 1 - bits, "%s", what);
    mpfr_clear(g);
}

Test(number, exponentials)
{
    uint64_t state = 5;
    mpfr_t x;
    mpfr_init2(x, 600);
    for (int i = 0; i < 4000; i++) {
        uint32_t d =
            i % 3 == 0 ? (uint32_t)1 << (i % 31) : (uint32_t)(next(&state) % (1u << 30)) + 1;
        int64_t n = (int64_t)(next(&state) % ((uint64_t)d * 2000)) - (int64_t)d * 1000;
        n = i < 100 ? i - 50 : n; /* near 1, where k and y are at their ends */
        assay_exact two = assay_exact_exp2(n, d), e = assay_exact_exp(n, d);
        mpfr_set_si(x, n, MPFR_RNDN);
        mpfr_div_ui(x, x, d, MPFR_RNDN);
        mpfr_exp2(x, x, MPFR_RNDN);
        expect_near(&two, x, 230, "exp2");
        if (n % d == 0)
            cr_assert(two.sig == (uint64_t)1 << 63 && !two.sticky, "2^%lld", (long long)(n / d));
        mpfr_set_si(x, n, MPFR_RNDN);
        mpfr_div_ui(x, x, d, MPFR_RNDN);
        mpfr_exp(x, x, MPFR_RNDN);
        expect_near(&e, x, 220, "exp");
    }
    /* Multiples of ln 2 from both sides: convergents p / q of it, times k. */
    static const int64_t convergents[][2] = { { 2, 3 },        { 9, 13 },      { 61, 88 },
                                              { 253, 365 },    { 2731, 3940 }, { 5715, 8245 },
                                              { 34197, 49336 } };
    for (size_t i = 0; i < sizeof convergents / sizeof convergents[0]; i++)
        for (int64_t k = -200; k <= 200; k++) {
            assay_exact e = assay_exact_exp(k * convergents[i][0], (uint32_t)convergents[i][1]);
            mpfr_set_si(x, k * convergents[i][0], MPFR_RNDN);
            mpfr_div_ui(x, x, (unsigned long)convergents[i][1], MPFR_RNDN);
            mpfr_exp(x, x, MPFR_RNDN);
            expect_near(&e, x, 220, "exp near a power of 2");
        }
    mpfr_clear(x);
}

Test(number, expansions_are_the_quotients_bits)
{
    uint64_t state = 6;
    mpz_t n, d, q;
    mpz_inits(n, d, q, NULL);
    for (int i = 0; i < 3000; i++) {
        uint64_t a = next(&state) >> (next(&state) % 64), b = next(&state) >> (next(&state) % 62);
        int shift = (int)(next(&state) % 90);
        if (a == 0 || b == 0 || (shift == 0 && a >= b) || (shift > 0 && a >> (shift % 64) >= b))
            continue;
        assay_exact x = assay_exact_from_ratio(false, a, 1, -shift);
        assay_exact y = assay_exact_from_ratio(true, b, 1, 0);
        assay_expansion e = assay_expansion_of(x, y);
        mpz_set_ui(n, a);
        mpz_set_ui(d, b);
        mpz_mul_2exp(d, d, (mp_bitcnt_t)shift);
        for (int j = 0; j < 6; j++) {
            mpz_mul_2exp(n, n, 32);
            mpz_fdiv_qr(q, n, n, d);
            cr_assert_eq(assay_expansion_next(&e), mpz_get_ui(q), "%llu / %llu 2^-%d, word %d",
                         (unsigned long long)a, (unsigned long long)b, shift, j);
            cr_assert_eq(assay_expansion_ended(&e), mpz_sgn(n) == 0);
        }
    }
    mpz_clears(n, d, q, NULL);
}
