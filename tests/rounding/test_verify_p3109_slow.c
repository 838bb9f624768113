/* SPDX-License-Identifier: Apache-2.0 */
/* IEEE P3109: all 504 formats of 3 to 16 bits, every code by the report's formula, and rounding
 * under SatNone, SatFinite and SatPropagate; of those above 8 bits every 12th, unless
 * ASSAY_THOROUGH=1. */
#include "verify_jobs.h"

#include <stdio.h>

enum { FORMATS = 504, ALL_BREAKPOINTS = 6, SAMPLES = 16, PART = 4, SHORT = 8, STEP = 13 };

/* The i-th of the family. */
static void make(size_t i, assay_format *f)
{
    int k = 3;
    for (; i >= (size_t)(4 * k - 2); k++)
        i -= (size_t)(4 * k - 2);
    bool is_signed = i < 2 * (size_t)(k - 1);
    size_t j = is_signed ? i : i - 2 * (size_t)(k - 1);
    char spec[64];
    snprintf(spec, sizeof spec, "p3109:k=%d,p=%zu,sign=%s,extended=%s", k, j / 2 + 1,
             is_signed ? "yes" : "no", j % 2 ? "yes" : "no");
    cr_assert_eq(assay_format_parse(spec, f), ASSAY_OK, "%s", assay_last_error());
    cr_assert(f->bits == k && f->p == (int)(j / 2 + 1) && f->has_inf == (j % 2 == 1));
}

static bool chosen(const assay_format *f, size_t i)
{
    return f->bits <= SHORT || i % points_step(STEP) == 0;
}

static void check_codes(size_t part)
{
    for (size_t i = part; i < FORMATS; i += PART) {
        assay_format f;
        make(i, &f);
        if (chosen(&f, i))
            verify_codes(&f);
    }
}

Test(p3109, codes_0)
{
    check_codes(0);
}

Test(p3109, codes_1)
{
    check_codes(1);
}

Test(p3109, codes_2)
{
    check_codes(2);
}

Test(p3109, codes_3)
{
    check_codes(3);
}

Test(p3109, rounding)
{
    for (size_t i = 0; i < FORMATS; i++) {
        assay_format f;
        make(i, &f);
        if (!chosen(&f, i))
            continue;
        uint64_t few = SAMPLES / points_step(4);
        verify_rounding(&f, 32, f.bits <= ALL_BREAKPOINTS - !points_thorough() ? 0 : few);
        if (i % 8 == 0)
            verify_rounding(&f, 64, few);
    }
}
