/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/accumulator.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct {
    const char *text;
    assay_sum kind;
    size_t block;
    const char *format;
    assay_mode mode;
    assay_overflow overflow;
} good[] = {
    { "reference", ASSAY_SUM_REFERENCE, 0, "binary64", ASSAY_RNE, ASSAY_OVERFLOW_SPEC },
    { "exact", ASSAY_SUM_EXACT, 0, "binary64", ASSAY_RNE, ASSAY_OVERFLOW_SPEC },
    { "binary32", ASSAY_SUM_STEP, 0, "binary32", ASSAY_RNE, ASSAY_OVERFLOW_SPEC },
    { "bf16:step", ASSAY_SUM_STEP, 0, "bfloat16", ASSAY_RNE, ASSAY_OVERFLOW_SPEC },
    { "binary32:round=rtz", ASSAY_SUM_STEP, 0, "binary32", ASSAY_RTZ, ASSAY_OVERFLOW_SPEC },
    { "binary32,round=rtz", ASSAY_SUM_STEP, 0, "binary32", ASSAY_RTZ, ASSAY_OVERFLOW_SPEC },
    { "e4m3,overflow=sat,round=sra:bits=7", ASSAY_SUM_STEP, 0, "e4m3", ASSAY_SRA,
      ASSAY_OVERFLOW_SAT },
    { "[float:e=5,m=7],round=rup", ASSAY_SUM_STEP, 0, "float:e=5,m=7", ASSAY_RUP,
      ASSAY_OVERFLOW_SPEC },
    { "e4m3:unfused,overflow=nan", ASSAY_SUM_UNFUSED, 0, "e4m3", ASSAY_RNE, ASSAY_OVERFLOW_NAN },
    { "binary32:block=32,round=rtz,overflow=sat", ASSAY_SUM_BLOCK, 32, "binary32", ASSAY_RTZ,
      ASSAY_OVERFLOW_SAT },
    { "[binary16]", ASSAY_SUM_STEP, 0, "binary16", ASSAY_RNE, ASSAY_OVERFLOW_SPEC },
    { "[float:e=5,m=7]:block=32", ASSAY_SUM_BLOCK, 32, "float:e=5,m=7", ASSAY_RNE,
      ASSAY_OVERFLOW_SPEC },
    { "e4m3:pairwise,round=rna", ASSAY_SUM_PAIRWISE, 0, "e4m3", ASSAY_RNA, ASSAY_OVERFLOW_SPEC },
    { "binary32:kahan", ASSAY_SUM_KAHAN, 0, "binary32", ASSAY_RNE, ASSAY_OVERFLOW_SPEC },
    { "bfloat16:round=sra:bits=7", ASSAY_SUM_STEP, 0, "bfloat16", ASSAY_SRA, ASSAY_OVERFLOW_SPEC },
    { "bfloat16:block=4,ef=yes,residue=e5m2", ASSAY_SUM_BLOCK, 4, "bfloat16", ASSAY_RNE,
      ASSAY_OVERFLOW_SPEC },
    { "int32", ASSAY_SUM_INT32, 0, "binary64", ASSAY_RNE, ASSAY_OVERFLOW_SPEC },
    { "int32:sat", ASSAY_SUM_INT32_SAT, 0, "binary64", ASSAY_RNE, ASSAY_OVERFLOW_SPEC },
    { "int32:step", ASSAY_SUM_STEP, 0, "int32", ASSAY_RNE, ASSAY_OVERFLOW_SPEC },
    { "bf16x9", ASSAY_SUM_BF16X9, 0, "binary32", ASSAY_RNE, ASSAY_OVERFLOW_SPEC },
    { "ozaki", ASSAY_SUM_OZAKI, 8, "binary64", ASSAY_RNE, ASSAY_OVERFLOW_SPEC },
    { "ozaki:slices=3", ASSAY_SUM_OZAKI, 3, "binary64", ASSAY_RNE, ASSAY_OVERFLOW_SPEC },
    { "[e4m3:bias=8]:step,round=rodd", ASSAY_SUM_STEP, 0, "e4m3:bias=8", ASSAY_RODD,
      ASSAY_OVERFLOW_SPEC },
};

Test(accumulator, grammar)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assay_accumulator a;
        assay_format f;
        cr_assert_eq(assay_accumulator_parse(good[i].text, &a), ASSAY_OK, "%s: %s", good[i].text,
                     assay_last_error());
        cr_assert_eq(assay_format_parse(good[i].format, &f), ASSAY_OK);
        cr_expect_eq(a.kind, good[i].kind, "%s", good[i].text);
        cr_expect_eq(a.block, good[i].block, "%s", good[i].text);
        cr_expect_eq(a.round.mode, good[i].mode, "%s", good[i].text);
        cr_expect_eq(a.round.overflow, good[i].overflow, "%s", good[i].text);
        cr_expect(a.round.format.p == f.p && a.round.format.emin == f.emin &&
                      a.round.format.bias == f.bias,
                  "%s", good[i].text);
    }
}

static const struct {
    const char *text, *mentions;
} bad[] = {
    { "", "incomplete" },
    { "reference:round=rtz", "takes no parameters" },
    { "exact:step", "takes no parameters" },
    { "exact,round=rtz", "exact takes no parameters" },
    { "int32,round=rtz", "int32 takes no parameters" },
    { "binary32:block=3,block=4", "'block' is given twice" },
    { "binary32,", "incomplete" },
    { "nosuch", "nosuch" },
    { "nosuch:step", "nosuch" },
    { "float:e=5,m=7", "[float:e=5,m=7]" },
    { "e4m3:bias=8", "brackets" },
    { "binary32:step,unfused", "only one" },
    { "binary32:step=1", "takes no value" },
    { "binary32:block=0", "block=0" },
    { "binary32:block", "block" },
    { "binary32:block=x", "block=x" },
    { "binary32:round=up", "rounding mode 'up'" },
    { "binary32:overflow=wrap", "overflow policy 'wrap'" },
    { "e4m3:overflow=inf", "no infinity" },
    { "binary32:pairwise,ef=yes", "feedback goes with" },
    { "binary32:kahan,round=rne+ef", "feedback goes with" },
    { "binary32:step,residue=e4m3", "goes with ef=yes" },
    { "binary32:step,ef=maybe", "ef" },
    { "binary32:pairwise,kahan", "only one" },
    { "binary32:round=sra", "bits" },
    { "bf16x9:step", "takes no parameters" },
    { "ozaki:slices=0", "slices" },
    { "ozaki:blocks=3", "slices=N" },
    { "binary32:", "incomplete" },
    { "[binary32", "brackets" },
    { "[binary32]step", "brackets" },
    { "[float:e=5,m=7:step", "brackets" },
};

Test(accumulator, refusals_leave_the_result)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assay_accumulator a, before;
        memset(&a, 0x5a, sizeof a);
        before = a;
        cr_assert_eq(assay_accumulator_parse(bad[i].text, &a), ASSAY_ERR_USAGE, "'%s'",
                     bad[i].text);
        cr_expect(strstr(assay_last_error(), bad[i].mentions), "'%s' says: %s", bad[i].text,
                  assay_last_error());
        cr_expect_eq(memcmp(&a, &before, sizeof a), 0, "'%s'", bad[i].text);
    }
}

Test(accumulator, names)
{
    cr_assert_str_eq(assay_accumulator_written(ASSAY_SUM_BLOCK), "F:block=N");
    cr_assert(strstr(assay_accumulator_text(ASSAY_SUM_EXACT), "one rounding"));
    cr_assert_str_eq(assay_accumulator_written(ASSAY_SUM_COUNT), "unknown");
    cr_assert_eq(assay_accumulator_reference().kind, ASSAY_SUM_REFERENCE);
    cr_assert(assay_accumulator_reference().round.identity);
}

/* Worst cases of one sum: what is rounded in turn, counted by hand. */
Test(accumulator, roundings_are_counted)
{
    static const struct {
        const char *text;
        size_t k;
        double n; /* -1: NaN */
    } rows[] = { { "bfloat16:step", 100, 101 },
                 { "bfloat16:unfused", 1, 2 },
                 { "bfloat16:block=16", 64, 22 },
                 { "bfloat16:block=16", 8, 9 },
                 { "bfloat16:pairwise", 1, 3 },
                 { "bfloat16:pairwise", 64, 9 },
                 { "exact", 1000, 1 },
                 { "reference", 7, 8 },
                 { "bfloat16:kahan", 10, -1 },
                 { "bf16x9", 10, -1 },
                 { "bfloat16:step,ef=yes", 5, -1 } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assay_accumulator acc;
        cr_assert_eq(assay_accumulator_parse(rows[i].text, &acc), ASSAY_OK);
        double n = assay_accumulator_roundings(&acc, rows[i].k);
        cr_expect(rows[i].n < 0 ? n != n : n == rows[i].n, "%s: %g", rows[i].text, n);
    }
}
