/* SPDX-License-Identifier: Apache-2.0 */
/* Where other implementations round otherwise, a test each: single values, modes and policies.
 * Above each test stands who does it how; docs/peers.md has the versions. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "../support/points.h"
#include "formats/container.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "rounding/array.h"
#include "rounding/fast.h"

#define IS(spec, mode, policy, x, want) \
    is(spec, ASSAY_##mode, ASSAY_OVERFLOW_##policy, x, want, __LINE__)
#define RNE(spec, x, want) IS(spec, RNE, SPEC, x, want)

static const double nan_value = (double)NAN, inf = (double)INFINITY;

/* x rounds to `want`, bit for bit, by the definition, inline, and by the arrays of each ISA. */
static void is(const char *spec, assay_mode mode, assay_overflow policy, double x, double want,
               int line)
{
    enum { PATHS = 6 };
    static const char *const names[] = { "definition", "inline", "f64",
                                         "f64 codes",  "f32",    "f32 codes" };
    assay_rounder r = points_rounder(spec, assay_mode_name(mode), policy);
    assay_fast_rounder fast = assay_fast_rounder_from(&r);
    size_t bytes = assay_format_container(&r.format);
    assay_isa best = assay_isa_best();
    for (int isa = 0; isa <= (int)best; isa++) {
        float narrow = (float)x, y32;
        uint64_t codes[2] = { 0 };
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        double y[PATHS] = { assay_round(&r, x), assay_round_fast(&fast, x) };
        assay_round_array_f64(&r, &x, &y[2], 1);
        assay_encode_array_f64(&r, &x, &codes[0], 1);
        y[3] = assay_decode(&r.format, assay_container_load(codes, 0, bytes));
        assay_round_array_f32(&r, &narrow, &y32, 1);
        y[4] = (double)y32;
        assay_encode_array_f32(&r, &narrow, &codes[1], 1);
        y[5] = assay_decode(&r.format, assay_container_load(&codes[1], 0, bytes));
        int paths = assay_bits64((double)narrow) == assay_bits64(x) ? PATHS : 4;
        for (int p = 0; p < paths; p++)
            cr_expect_eq(assay_bits64(y[p]), assay_bits64(want), "line %d: %s %s %s %a: %a, not %a",
                         line, spec, names[p], assay_mode_name(mode), x, y[p], want);
    }
    cr_assert_eq(assay_isa_force(best), ASSAY_OK);
}

/* ---- the end of the range ---- */

/* CPFloat's E4M3 reaches 480, the code that OFP8 gives to NaN, and saturates there. */
Test(traps, e4m3_maximum_is_448_not_480)
{
    const double over[] = { 465, 480, 495, 512, 1e9, inf };
    RNE("e4m3", 448, 448);
    for (size_t i = 0; i < 6; i++) {
        RNE("e4m3", over[i], nan_value);
        RNE("e4m3", -over[i], nan_value);
        IS("e4m3", RNE, SAT, over[i], 448);
        IS("e4m3", RNE, SAT, -over[i], -448);
        IS("e4m3", RTZ, SAT, over[i], 448);
        IS("e4m3", RTZ, SPEC, over[i], isinf(over[i]) ? nan_value : 448);
        IS("e4m3", RODD, SPEC, over[i], isinf(over[i]) ? nan_value : 448);
    }
}

/* ROCm's HIP header and saturn-vectors#101 compare with the maximum before rounding: NaN from
 * 448 on, infinity from 57344 on. OFP8 decides after rounding; the tie goes to the even code. */
Test(traps, e4m3_464_is_a_tie_that_stays)
{
    RNE("e4m3", 464, 448);
    RNE("e4m3", -464, -448);
    RNE("e4m3", nextafter(464, 500), nan_value);
    RNE("e4m3", nextafterf(464, 500), nan_value);
    RNE("ue4m3", 464, 448);
    RNE("ue5m3", 118784, 114688);
    RNE("dlfloat16", 0x1.ff4p+32, 0x1.ffp+32);
    IS("e4m3", RNA, SPEC, 464, nan_value);
    IS("e4m3", RNZ, SPEC, 464, 448);
    IS("e4m3", RUP, SPEC, nextafter(448, 500), nan_value);
    IS("e4m3", RUP, SPEC, -500, -448);
    IS("e4m3", RDN, SPEC, 500, 448);
}

Test(traps, e5m2_61440_is_a_tie_that_overflows)
{
    RNE("e5m2", 61440, inf);
    RNE("e5m2", -61440, -inf);
    RNE("e5m2", nextafter(61440, 0), 57344);
    RNE("e5m2", nextafterf(61440, 0), 57344);
    IS("e5m2", RNZ, SPEC, 61440, 57344);
    IS("e5m2", RTZ, SPEC, 1e30, 57344);
    RNE("binary16", 65520, inf);
    RNE("bfloat16", 0x1.ffp+127, inf);
    RNE("e4m3ieee", 248, inf);
    RNE("e3m4", 15.75, inf);
}

/* HIP's FNUZ conversion turns NaN into 0x7f when it clips. */
Test(traps, fnuz_248_is_a_tie_that_overflows)
{
    RNE("e4m3fnuz", 248, nan_value);
    RNE("e4m3fnuz", nextafter(248, 0), 240);
    RNE("e5m2fnuz", 61440, nan_value);
    RNE("e4m3b11fnuz", 31, nan_value);
    RNE("e4m3b11fnuz", nextafter(31, 0), 30);
    IS("e4m3fnuz", RNE, SAT, 248, 240);
    IS("e4m3fnuz", RNE, SAT, nan_value, nan_value);
}

/* ml_dtypes' kSaturate and microxcaling keep infinity; OFP8 and P3109's SatFinite clamp it. */
Test(traps, saturation_takes_infinity_and_propagation_keeps_it)
{
    static const char *const specs[] = { "e5m2",        "e4m3",        "e4m3fnuz", "binary16",
                                         "binary8p3se", "binary8p3sf", "hif8" };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        assay_format f = points_rounder(specs[i], "rne", ASSAY_OVERFLOW_SPEC).format;
        for (int sign = -1; sign <= 1; sign += 2) {
            IS(specs[i], RNE, SAT, sign * inf, sign * f.max);
            IS(specs[i], RTZ, SAT, sign * inf, sign * f.max);
            IS(specs[i], RNE, SAT, sign * 1e30, sign * f.max);
            IS(specs[i], RNE, PROPAGATE, sign * 1e30, sign * f.max);
        }
        IS(specs[i], RNE, PROPAGATE, inf,
           f.has_inf                  ? inf
           : f.law == ASSAY_LAW_P3109 ? f.max
           : f.nan != ASSAY_NAN_NONE  ? nan_value
                                      : f.max);
    }
}

/* pychop gives 0 for every |x| in [2^(emax+1), 2^(emax+2)), FloatX with its float backend for
 * every overflow. */
Test(traps, the_binade_above_max_is_not_zero)
{
    for (size_t k = 0; k < assay_format_count(); k++) {
        const assay_format *f = assay_format_row(k);
        if (f->kind != ASSAY_FAMILY_FLOAT || !f->has_zero || f->emax > 1020)
            continue;
        for (int e = f->emax + 1; e < f->emax + 3; e++)
            for (int i = 0; i < 8; i++)
                for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {
                    assay_rounder r = points_rounder(f->name, assay_mode_name((assay_mode)mode),
                                                     ASSAY_OVERFLOW_SPEC);
                    double x = ldexp(1 + i / 8.0, e), y;
                    assay_round_array_f64(&r, &x, &y, 1);
                    cr_assert(!(y < f->max), "%s %s %a: %a", f->name, assay_mode_name(r.mode), x,
                              y);
                    cr_assert_eq(assay_bits64(y), assay_bits64(assay_round(&r, x)));
                }
    }
    RNE("e5m2", 65536, inf);
    RNE("e5m2", 98304, inf);
    RNE("float:e=4,m=3", 256, inf);
    IS("float:e=4,m=3", RUP, SPEC, 241, inf);
    IS("float:e=4,m=3", RNE, SAT, 448, 240);
}

/* QPyTorch does not reserve the top exponent: its E5M2 goes on to 114688. */
Test(traps, the_top_exponent_is_reserved_where_there_is_infinity)
{
    RNE("e5m2", 81920, inf);
    IS("e5m2", RNE, SAT, 114688, 57344);
    RNE("binary16", 65536, inf);
    RNE("cfloat8_152", 114688, 114688); /* and is not where there is none */
    RNE("e3m2", 28, 28);
    RNE("e2m1", inf, 6);
    RNE("e2m3", -1e30, -7.5);
}

/* ---- zeros and signs ---- */

/* CPFloat's rup and rdn lose the sign of zero; pychop always, QPyTorch in subnormals. */
Test(traps, negative_zero_survives_every_mode)
{
    static const char *const specs[] = { "binary16", "bfloat16", "e4m3", "e5m2",     "e2m1",
                                         "e2m3",     "tf32",     "e3m0", "dlfloat16" };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {
            is(specs[i], (assay_mode)mode, ASSAY_OVERFLOW_SPEC, -0.0, -0.0, __LINE__);
            is(specs[i], (assay_mode)mode, ASSAY_OVERFLOW_SPEC, 0.0, 0.0, __LINE__);
        }
        IS(specs[i], RUP, SPEC, -0x1p-1074, -0.0);
        IS(specs[i], RUP, SPEC, -0x1p-149, -0.0);
        IS(specs[i], RDN, SPEC, 0x1p-149, 0.0);
        IS(specs[i], RTZ, SPEC, -0x1p-149, -0.0);
        RNE(specs[i], -0x1p-149, -0.0);
    }
}

/* triton#10745: code 0x80 of FNUZ is NaN, never -0. */
Test(traps, fnuz_and_p3109_have_no_negative_zero)
{
    static const char *const specs[] = { "e4m3fnuz", "e5m2fnuz", "e4m3b11fnuz", "binary8p4se",
                                         "binary8p3sf" };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++)
        for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {
            is(specs[i], (assay_mode)mode, ASSAY_OVERFLOW_SPEC, -0.0, 0.0, __LINE__);
            if (mode == ASSAY_RNE || mode == ASSAY_RTZ || mode == ASSAY_RUP)
                is(specs[i], (assay_mode)mode, ASSAY_OVERFLOW_SPEC, -0x1p-40, 0.0, __LINE__);
        }
}

/* pychop swaps the two modes for negatives and finds ties with a tolerance of 1e-6. */
Test(traps, rna_and_rnz_are_symmetric_and_ties_are_exact)
{
    IS("e2m1", RNA, SPEC, -2.5, -3);
    IS("e2m1", RNZ, SPEC, -2.5, -2);
    IS("e2m1", RNA, SPEC, 2.5, 3);
    IS("e2m1", RNZ, SPEC, 2.5, 2);
    IS("e2m1", RNA, SPEC, -0.25, -0.5);
    IS("e2m1", RNZ, SPEC, -0.25, -0.0);
    RNE("e5m2", nextafter(1.125, 2), 1.25);
    RNE("e5m2", nextafter(1.375, 0), 1.25);
    IS("e5m2", RNZ, SPEC, nextafterf(1.125F, 2), 1.25);
    IS("e5m2", RNA, SPEC, nextafterf(1.125F, 0), 1);
}

/* pychop's mode "odd" moves 1.0 to 1.25: what is exact has no odd neighbour to go to. */
Test(traps, rodd_and_all_modes_keep_exact_values)
{
    for (size_t k = 0; k < assay_format_count(); k++) {
        const assay_format *f = assay_format_row(k);
        if (f->bits > 16 || !f->fits_binary64)
            continue;
        for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {
            assay_rounder r =
                points_rounder(f->name, assay_mode_name((assay_mode)mode), ASSAY_OVERFLOW_SPEC);
            uint64_t step = f->bits > 8 ? 7 : 1;
            for (uint64_t p = 0; p < assay_position_count(f); p += step) {
                assay_exact x = assay_decode_exact(f, assay_position_code(f, p));
                if (!assay_exact_is_double(x)) /* known to 220 bits only */
                    continue;
                cr_assert_eq(assay_round_exact(&r, x), assay_position_code(f, p), "%s %s %llx",
                             f->name, assay_mode_name(r.mode),
                             (unsigned long long)assay_position_code(f, p));
            }
        }
    }
    IS("e5m2", RODD, SPEC, 1, 1);
    IS("e5m2", RODD, SPEC, nextafter(1, 2), 1.25);
}

/* ---- double rounding ---- */

/* ml_dtypes#401 casts binary64 through binary32, PyTorch's CPU does for binary16. */
Test(traps, binary64_never_passes_through_binary32)
{
    RNE("e4m3", -431.99999999999994, -416);
    RNE("e4m3", 0x1.1000000001p0, 0x1.2p0);
    RNE("e4m3", 464 + 0x1p-30, nan_value);
    RNE("e5m2", 0x1.2000000001p0, 0x1.4p0);
    RNE("e2m1", 0x1.4000000001p0, 0x1.8p0);
    RNE("bfloat16", 1 + 0x1p-8 + 0x1p-40, 1 + 0x1p-7);
    RNE("bfloat16", 16973823, 16908288);
    RNE("binary16", 0x1.0020000001p0, 0x1.004p0);
    RNE("tf32", 0x1.0020000001p0, 0x1.004p0);
    RNE("binary8p4se", 0x1.1000000001p0, 0x1.2p0);
    RNE("posit8", 0x1p22, 0x1p20);
    RNE("posit8", 0x1.0000000001p22, 0x1p24);
    RNE("int8", 2.5000000000000004, 3);
    IS("binary16", RUP, SPEC, 1 + 0x1p-52, 1 + 0x1p-10);
    IS("e4m3", RODD, SPEC, 1 + 0x1p-52, 1.125);
}

/* gfloat#49 and pychop take the exponent from log2: rtz then passes the power of two that it
 * stands before, or misses the binade. The largest value below 2^k, for all k. */
Test(traps, rtz_stays_below_the_power_of_two)
{
    for (int k = -125; k <= 127; k++) {
        double f32 = (double)assay_from_bits32(assay_bits32((float)ldexp(1, k)) - 1);
        IS("bfloat16", RTZ, SPEC, f32, ldexp(0x1.fep-1, k));
        IS("bfloat16", RTZ, SPEC, nextafter(ldexp(1, k), 0), ldexp(0x1.fep-1, k));
        RNE("bfloat16", f32, ldexp(1, k));
    }
    IS("binary16", RTZ, SPEC, 0x1.fffffep+9, 0x1.ffcp+9);
    IS("binary16", RUP, SPEC, 0x1.fffffep+9, 0x1p+10);
}

/* Universal truncated to bfloat16 until universal#1133; CPFloat's rup of 1 + 2^-24 was 1. */
Test(traps, bfloat16_rounds_to_nearest_and_up)
{
    RNE("bfloat16", 0x1.01p0, 1);
    RNE("bfloat16", 0x1.03p0, 0x1.04p0);
    RNE("bfloat16", 0x1.018p0, 0x1.02p0);
    RNE("bfloat16", 0x1.8p-134, 0x1p-133);
    RNE("bfloat16", 0x1p-134, 0);
    IS("binary16", RUP, SPEC, 1 + 0x1p-23, 1 + 0x1p-10);
    IS("bfloat16", RUP, SPEC, 0x1p-149, 0x1p-133);
}

/* QPyTorch#48: a format as wide as binary32 flips signs by a shift beyond the word. */
Test(traps, binary32_is_its_own_image)
{
    assay_rounder r = points_rounder("float:e=8,m=23", "rne", ASSAY_OVERFLOW_SPEC);
    for (uint64_t i = 0; i < 1 << 20; i++) {
        uint32_t u = (uint32_t)(i * 0x9e3779b97f4a7c15 >> 32);
        float x = assay_from_bits32(u), y;
        if (x != x)
            continue;
        assay_round_array_f32(&r, &x, &y, 1);
        cr_assert_eq(assay_bits32(y), u);
    }
}

/* The halves below the least subnormal, where implementations flush or lose the sticky bits. */
Test(traps, ties_at_half_of_the_least_value)
{
    static const char *const specs[] = { "e4m3", "e5m2", "e2m1", "e3m2", "binary16", "e4m3fnuz" };
    for (size_t i = 0; i < 6; i++) {
        double least = points_rounder(specs[i], "rne", ASSAY_OVERFLOW_SPEC).format.min_positive;
        RNE(specs[i], least / 2, 0);
        RNE(specs[i], nextafter(least / 2, 1), least);
        RNE(specs[i], 1.5 * least, 2 * least);
        RNE(specs[i], 2.5 * least, 2 * least);
        IS(specs[i], RNA, SPEC, least / 2, least);
        IS(specs[i], RUP, SPEC, 0x1p-1074, least);
        IS(specs[i], RODD, SPEC, 0x1p-1074, least);
    }
}
