/* SPDX-License-Identifier: Apache-2.0 */
/* What the oracle knows of neighbours is what MPFR says of each: at the ends of regions, of binades
 * and of pieces, and at random; in every mode. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "../support/points.h"
#include "audit/verify_operation.h"

enum { STRIP = 4096 };

static const char *const names[] = {
    "exp", "log", "tanh", "erf", "sigmoid", "silu", "gelu", "rsqrt"
};

static assay_verify_operation job; /* ladders point at its formats */

static void make(const char *name, assay_verify_formats *f)
{
    job.operation = assay_operation_find(name);
    cr_assert_eq(assay_format_parse("binary32", &job.format), ASSAY_OK);
    job.operands = job.format;
    *f = (assay_verify_formats){ 0 };
    cr_assert_eq(assay_verify_formats_make(&job, f), ASSAY_OK);
    cr_assert(assay_verify_is_smooth(f), "%s", name);
}

/* Of the strip that holds a code: `some` places by both ways. */
static size_t compare(const assay_verify_formats *f, assay_verify_terms *t, uint64_t code,
                      uint64_t some)
{
    static assay_verify_item items[STRIP];
    const uint64_t first = code / STRIP * STRIP;
    size_t wrong = 0;
    assay_verify_neighbours(f, t, first, STRIP, items);
    for (uint64_t i = 0; i < some; i++) {
        uint64_t at = i == 0   ? 0
                      : i == 1 ? STRIP - 1
                      : i == 2 ? code - first
                               : points_random(code + i) % STRIP;
        const uint64_t codes[ASSAY_OPERANDS_MOST] = { first + at };
        assay_verify_item own;
        assay_verify_evaluate(f, t, codes, &own);
        for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {
            uint64_t got = assay_verify_law(&f->result, &items[at].place, (assay_mode)mode,
                                            ASSAY_OVERFLOW_SPEC),
                     expected = assay_verify_law(&f->result, &own.place, (assay_mode)mode,
                                                 ASSAY_OVERFLOW_SPEC);
            if ((got != expected || items[at].down != own.down) && wrong++ == 0)
                cr_log_error("%s of %llx, %s: %llx, MPFR %llx", f->operation->name,
                             (unsigned long long)codes[0], assay_mode_name((assay_mode)mode),
                             (unsigned long long)got, (unsigned long long)expected);
        }
    }
    return wrong;
}

Test(verify_smooth, neighbours_are_what_mpfr_says_of_each)
{
    /* 2^k that limit regions and pieces, in units of 2^23 codes; and the ends of formats. */
    static const int exponents[] = { -126, -125, -30, -27, -26, -25, -24, -14, -13, -12, -1,
                                     0,    1,    2,   3,   4,   5,   6,   7,   8,   127 };
    static const uint64_t codes[] = { 0,          1,          5000,       0x7fff,     0x10000,
                                      0x7fffff,   0x7f7fffff, 0x7f800000, 0x7fffffff, 0x3f7ff800,
                                      0x3f800400, 0x3f800c00, 0x41200000, 0x41a00000, 0x41900000,
                                      0x40c00000, 0x41680000, 0x42b17218, 0x42cff1b4, 0x40800000,
                                      0x33000000 };
    const uint64_t some = points_thorough() ? 100 : 8;
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        assay_verify_formats f;
        assay_verify_terms t;
        size_t wrong = 0;
        make(names[k], &f);
        assay_verify_terms_init(&f, &t);
        for (uint64_t sign = 0; sign <= 1; sign++) {
            for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++)
                for (int below = 0; below <= 1; below++)
                    wrong += compare(&f, &t,
                                     (sign << 31 | (uint64_t)(exponents[i] + 127) << 23) -
                                         (uint64_t)below,
                                     some);
            for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
                wrong += compare(&f, &t, sign << 31 | codes[i], some);
        }
        for (uint64_t i = 0; i < 160; i++)
            wrong += compare(&f, &t, points_random(i + 1000 * k) >> 32, some);
        cr_expect_eq(wrong, 0, "%s: %zu wrong", names[k], wrong);
        assay_verify_terms_clear(&t);
        assay_verify_ladder_free(&f.result);
        assay_verify_ladder_free(&f.operands);
    }
}
