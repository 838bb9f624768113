/* SPDX-License-Identifier: Apache-2.0 */
/* assay_recode is one rounding of the exact value of every code. */
#include "rounding/recode.h"

#include <criterion/criterion.h>
#include <string.h>

enum { N = 1 << 16, SAMPLE = 1500 };

static uint16_t codes16[N];
static uint8_t codes8[N];
static uint16_t out16[N];

static const char *const sources[] = { "binary16",    "bfloat16",     "posit16",
                                       "takum16_log", "binary16p1se", "int16",
                                       "e5m2",        "lns8",         "posit:n=8,es=20" };
static const char *const targets[] = {
    "e4m3", "bfloat16", "posit8", "binary8p1uf", "e8m0", "int8"
};

/* Every code, or a sample of those whose exact values are slow to search. */
static size_t fill(const assay_format *from, size_t step)
{
    size_t n = 0;
    for (size_t c = 0; c < (size_t)1 << from->bits; c += step) {
        codes8[n] = (uint8_t)c;
        codes16[n++] = (uint16_t)c;
    }
    return n;
}

static void check(const char *source, const char *target, const char *mode, size_t step)
{
    assay_format from, to;
    assay_rounding how;
    assay_rounder r;
    const assay_random random = { .seed = 77, .stream = 3 };
    const uint64_t first = 1000003;
    cr_assert_eq(assay_format_parse(source, &from), ASSAY_OK, "%s", assay_last_error());
    cr_assert_eq(assay_format_parse(target, &to), ASSAY_OK, "%s", assay_last_error());
    cr_assert_eq(assay_rounding_parse(mode, &how), ASSAY_OK);
    cr_assert_eq(assay_rounder_make_for(&to, how, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r),
                 ASSAY_OK);
    size_t n = fill(&from, step);
    const void *in = assay_format_container(&from) == 1 ? (void *)codes8 : (void *)codes16;
    memset(out16, 0xaa, sizeof out16);
    assay_recode(&r, &random, first, &from, in, out16, n);
    const uint8_t *out8 = (const uint8_t *)out16;
    bool narrow = assay_format_container(&to) == 1;
    for (size_t i = 0; i < n; i++) {
        assay_exact x = assay_decode_exact(&from, codes16[i]);
        if (from.fits_binary64) /* an irrational value stands for its nearest binary64 */
            x = assay_exact_from(assay_decode(&from, codes16[i]));
        uint64_t want = assay_round_exact_at(&r, x, &random, first + i);
        uint64_t got = narrow ? out8[i] : out16[i];
        cr_assert_eq(got, want, "%s %#x to %s in %s: %#llx, not %#llx", source, codes16[i], target,
                     mode, (unsigned long long)got, (unsigned long long)want);
    }
}

Test(recode, one_rounding_of_every_code)
{
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        for (size_t k = 0; k < sizeof targets / sizeof targets[0]; k++) {
            assay_format from;
            cr_assert_eq(assay_format_parse(sources[i], &from), ASSAY_OK);
            size_t step = from.bits > 8 ? N / SAMPLE | 1 : 1;
            check(sources[i], targets[k], "rne", step);
            check(sources[i], targets[k], "rup", step);
            check(sources[i], targets[k], "sr", step);
            check(sources[i], targets[k], "src:bits=12", step);
        }
    check("binary16", "e4m3", "rne", 1);
    check("bfloat16", "e2m1", "sra:bits=8", 1);
}

Test(recode, in_place_where_containers_agree)
{
    assay_format from, to;
    assay_rounder r;
    cr_assert_eq(assay_format_parse("binary16", &from), ASSAY_OK);
    cr_assert_eq(assay_format_parse("bfloat16", &to), ASSAY_OK);
    cr_assert_eq(
        assay_rounder_make(&to, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r),
        ASSAY_OK);
    size_t n = fill(&from, 1);
    assay_recode(&r, NULL, 0, &from, codes16, out16, n);
    assay_recode(&r, NULL, 0, &from, codes16, codes16, n);
    cr_expect_arr_eq(codes16, out16, n * sizeof *out16);
}
