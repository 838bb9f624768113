/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of one operand: inputs of binary16 and bfloat16 in every mode (with ASSAY_THOROUGH=1
 * all of them), and some of binary32 against MPFR. */
#include "test_operation_oracle.h"

enum { FUNCTIONS = ASSAY_OPERATION_COUNT - ASSAY_OPERATION_EXP, WIDE = 5000, STEP = 61 };

static size_t check_function(const assay_operation *o, const assay_format *f, uint64_t count,
                             uint64_t step)
{
    assay_operator ops[ASSAY_MODE_COUNT];
    oracle_case c;
    size_t wrong = 0;
    oracle_open(&c);
    oracle_operators(o->name, f, f, ops);
    for (uint64_t i = points_random(o->id) % step; i < count; i += step) {
        uint64_t u = points_random(i), near = u % 24 + 110, v = points_random(i + count);
        uint64_t codes[3] = { i, v >> (64 - f->bits) };
        if (f->bits > 16) /* every other one in the binades 2^-17 .. 2^6 */
            codes[0] = i % 2 ? u >> 32 : (u >> 63 << 31 | near << 23 | (u >> 20 & 0x7fffff));
        wrong += oracle_check(&c, ops, codes);
    }
    oracle_close(&c);
    cr_log_info("%s of %s: %zu wrong", o->name, f->name, wrong);
    return wrong;
}

static void check_all(const char *spec, uint64_t count, uint64_t step, bool two)
{
    assay_format f;
    size_t wrong = 0;
    oracle_format(spec, &f);
#pragma omp parallel for schedule(dynamic) reduction(+ : wrong)
    for (int k = 0; k < FUNCTIONS; k++) {
        const assay_operation *o = assay_operation_row((size_t)k + ASSAY_OPERATION_EXP);
        if (o->arity == 1 || two)
            wrong += check_function(o, &f, count, step);
    }
    cr_expect_eq(wrong, 0);
}

Test(function, all_of_binary16)
{
    check_all("binary16", 1 << 16, points_step(STEP), false);
}

Test(function, all_of_bfloat16)
{
    check_all("bfloat16", 1 << 16, points_step(STEP), false);
}

Test(function, binary32_at_random)
{
    check_all("binary32", WIDE, points_step(10), true);
}
