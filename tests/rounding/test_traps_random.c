/* SPDX-License-Identifier: Apache-2.0 */
/* Where other implementations give stochastic rounding the wrong probability. All R of N bits are
 * counted, so that probabilities are exact. Above each test stands who does it how. */
#include <criterion/criterion.h>
#include <math.h>

#include "../support/points.h"
#include "numerics/bits.h"
#include "numerics/philox.h"
#include "rounding/round.h"

static double with_bits(const assay_rounder *r, double x, uint32_t bits)
{
    assay_random random = { .bits = &bits };
    return assay_decode(&r->format, assay_round_exact_at(r, assay_exact_from(x), &random, 0));
}

/* How many of the 2^N values of R give |y| > |low|, NaN and infinity included; the others have to
 * give low. */
static uint32_t count_up(const assay_rounder *r, double x, double low)
{
    uint32_t up = 0;
    for (uint32_t bits = 0; bits < (uint32_t)1 << r->random_bits; bits++) {
        double y = with_bits(r, x, bits);
        if (assay_bits64(y) != assay_bits64(low)) {
            cr_assert(!(fabs(y) <= fabs(low)), "%s %a: %a", r->format.name, x, y);
            up++;
        }
    }
    return up;
}

/* nu = k / 2^12, as the report's formulas (4.7.4) count R: A floors, B rounds half up, C to even.
 */
static uint32_t expected(assay_mode mode, int n, uint32_t k)
{
    uint32_t scaled = k << n, whole = scaled >> 12, rest = scaled & 0xfff;
    if (mode == ASSAY_SRA)
        return whole;
    return whole + (rest > 0x800 || (rest == 0x800 && (mode == ASSAY_SRB || (whole & 1))));
}

/* Low and its unit; x = low + unit k / 2^12 has to go up for exactly so many R. */
static void check_counts(const char *spec, double low, double unit)
{
    static const uint32_t ks[] = { 0,     1,     2,     0x0ff, 0x100, 0x1ff, 0x200, 0x201, 0x555,
                                   0x7ff, 0x800, 0x801, 0xa00, 0xc00, 0xdff, 0xe00, 0xfff };
    const assay_format f = points_parse(spec);
    for (int mode = ASSAY_SRA; mode <= ASSAY_SRC; mode++)
        for (int n = 1; n <= 9; n += n == 1 ? 2 : 1)
            for (size_t i = 0; i < sizeof ks / sizeof ks[0]; i++)
                for (int sign = -1; sign <= 1; sign += 2) {
                    assay_rounder r = points_rounder_for(
                        &f, (assay_rounding){ (assay_mode)mode, n, false }, ASSAY_OVERFLOW_SPEC);
                    double x = sign * (low + unit * ks[i] / 4096);
                    uint32_t got = count_up(&r, x, sign * low);
                    cr_assert_eq(got, expected((assay_mode)mode, n, ks[i]),
                                 "%s %s:bits=%d %a: %u of R go up", spec,
                                 assay_mode_name((assay_mode)mode), n, x, got);
                }
}

/* CPFloat 3583976: between max and the next binade the probability of overflow is twice nu, and 1
 * from the middle on (484 in its E4M3 that ends at 480: 0.248 for 0.125). */
Test(traps, stochastic_overflow_has_probability_nu)
{
    check_counts("e4m3", 448, 32);
    check_counts("e5m2", 57344, 8192);
    check_counts("e4m3fnuz", 240, 16);
    check_counts("e3m4", 15.5, 0.5);
    check_counts("binary16", 65504, 32);
    check_counts("binary8p4se", 224, 16);
    check_counts("bfloat16", 0x1.fep127, 0x1p120);
    assay_rounder r = points_rounder("float:e=4,m=3,inf=no,nan=negzero,bias=7", "sra:bits=8",
                                     ASSAY_OVERFLOW_SPEC);
    cr_expect_eq(count_up(&r, 484, 480), 32); /* of 256 */
    r = points_rounder("e4m3", "src:bits=8", ASSAY_OVERFLOW_SPEC);
    cr_expect_eq(count_up(&r, 484, 448), 256); /* both neighbours lie above 448 */
    r = points_rounder("e4m3", "srb:bits=8", ASSAY_OVERFLOW_SAT);
    cr_expect_eq(count_up(&r, 470, 448), 0);
    cr_expect_eq(count_up(&r, 1e30, 448), 0);
}

/* CPFloat without OpenMP: 2 to 4 times too often up below the least value; AMD's conversion loses
 * the bits that it shifts out of subnormals; QPyTorch has none. */
Test(traps, stochastic_subnormals_have_probability_nu)
{
    check_counts("e5m2", 0, 0x1p-16);
    check_counts("e5m2", 0x1p-16, 0x1p-16);
    check_counts("e5m2", 0x1.8p-15, 0x1p-16);
    check_counts("e4m3", 0, 0x1p-9);
    check_counts("e4m3", 0x1.cp-7, 0x1p-9);
    check_counts("e2m1", 0, 0.5);
    check_counts("e2m3", 0.875, 0.125);
    check_counts("binary16", 0, 0x1p-24);
    check_counts("bfloat16", 0, 0x1p-133);
    check_counts("float:e=4,m=3,subnormals=no", 0, 0x1.2p-7);
    assay_rounder r = points_rounder("e5m2", "sra:bits=8", ASSAY_OVERFLOW_SPEC);
    cr_expect_eq(count_up(&r, 0x1p-24, 0), 1);
    cr_expect_eq(count_up(&r, 0x1p-25, 0), 0);
    r = points_rounder("e5m2", "src:bits=8", ASSAY_OVERFLOW_SPEC);
    cr_expect_eq(count_up(&r, 0x1.8p-25, 0), 1);
    cr_expect_eq(count_up(&r, 0x1p-25, 0), 0);
}

/* CPFloat's SR of values that need no rounding is right; a library that adds the bits before it
 * looks is not. And in the interior of the range. */
Test(traps, stochastic_modes_keep_exact_values_and_count_elsewhere)
{
    check_counts("e5m2", 1, 0.25);
    check_counts("e4m3", 15, 1);
    check_counts("e2m1", 4, 2);
    check_counts("posit8", 1, 0.125);
    check_counts("hif8", 8, 1);
    check_counts("int8", 5, 1);
    assay_rounder r = points_rounder("e5m2", "sreq", ASSAY_OVERFLOW_SPEC);
    cr_expect_eq(with_bits(&r, 1, 0), 1);
    cr_expect_eq(with_bits(&r, 1 + 0x1p-52, 0), 1.25);
    cr_expect_eq(with_bits(&r, 1 + 0x1p-52, 0x7fffffff), 1.25);
    cr_expect_eq(with_bits(&r, 1 + 0x1p-52, 0x80000000), 1);
}

/* The first 32 bits of U decide unless they tie with nu's: up iff U < nu, exactly. */
Test(traps, sr_compares_all_bits_of_nu)
{
    assay_rounder r = points_rounder("e5m2", "sr", ASSAY_OVERFLOW_SPEC);
    for (uint32_t k = 0; k < 4096; k++) {
        uint32_t nu = k << 20;
        double x = 1 + 0.25 * k / 4096;
        cr_assert_eq(with_bits(&r, x, nu), 1);
        if (k > 0)
            cr_assert_eq(with_bits(&r, x, nu - 1), 1.25);
        /* U = nu's first 32 bits and then zeros: below nu by what nu has beyond them */
        cr_assert_eq(with_bits(&r, x + 0x1p-52, nu), 1.25);
    }
}

/* CPFloat without PCG: 32 distinct draws, none of which ever rounds up; pychop repeats the same
 * draws at every call; its results depend on the number of threads. */
Test(traps, sr_draws_are_distinct_and_a_function_of_the_index)
{
    enum { N = 1 << 16 };
    static bool seen[N];
    assay_rounder r = points_rounder("e5m2", "sr", ASSAY_OVERFLOW_SPEC);
    assay_random random = { .seed = 1 }, other = { .seed = 1, .stream = 1 };
    size_t up = 0, distinct = 0, equal = 0;
    for (uint64_t i = 0; i < N; i++) {
        uint32_t draw = assay_random_draw(&r, &random, i);
        cr_assert_eq(draw, assay_philox_word(1, 0, i, 0));
        distinct += !seen[draw >> 16];
        seen[draw >> 16] = true;
        equal += draw == assay_random_draw(&r, &other, i);
        up += assay_decode(&r.format,
                           assay_round_exact_at(&r, assay_exact_from(1.0625), &random, i)) > 1;
    }
    cr_expect(distinct > 40632 && distinct < 42270, "%zu", distinct); /* (1 - 1/e) N +- 2 % */
    cr_expect(equal < 3);
    cr_expect(up > N / 4 - 600 && up < N / 4 + 600, "%zu of %d", up, N); /* 5 sigma */
}
