/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs of binary32 whose results lie nearest to a value or to the middle between two, one by one
 * and in arrays, in every mode against MPFR. tests/bench/bench_hard.c has found them. */
#include "hard_cases.h"
#include "test_operation_oracle.h"

enum { CASES = sizeof hard_cases / sizeof hard_cases[0], COPIES = 40 };

Test(function, hard_cases_of_binary32)
{
    assay_format f;
    oracle_case c;
    size_t wrong = 0;
    oracle_format("binary32", &f);
    oracle_open(&c);
    for (size_t i = 0; i < CASES; i++) {
        assay_operator ops[ASSAY_MODE_COUNT];
        const assay_random none = { 0 };
        uint64_t codes[COPIES], out[COPIES];
        const uint64_t *const at[] = { codes };
        oracle_operators(hard_cases[i].name, &f, &f, ops);
        for (int sign = 0; sign < 2; sign++) {
            const uint64_t own[] = { hard_cases[i].code ^ (uint64_t)sign << 31, 0, 0 };
            wrong += oracle_check(&c, ops, own);
            for (int k = 0; k < COPIES; k++)
                codes[k] = own[0];
            for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {
                size_t bad;
                cr_assert_eq(assay_operate_codes(&ops[mode], &none, 0, at, out, COPIES, &bad),
                             ASSAY_OK);
                uint64_t want = oracle_expected(&c, &ops[mode].rounder);
                cr_expect_eq(out[COPIES - 1], want, "%s of %08x, %s", hard_cases[i].name,
                             hard_cases[i].code, assay_mode_name((assay_mode)mode));
            }
        }
    }
    oracle_close(&c);
    cr_expect_eq(wrong, 0);
}
