/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fenv.h>
#include <string.h>

#ifdef __x86_64__
#include <xmmintrin.h>
#endif

#include "numerics/cpu.h"
#include "numerics/env.h"

Test(cpu, names_round_trip)
{
    for (int i = 0; i < ASSAY_ISA_COUNT; i++) {
        assay_isa isa = ASSAY_ISA_COUNT;
        cr_expect_eq(assay_isa_parse(assay_isa_name((assay_isa)i), &isa), ASSAY_OK);
        cr_expect_eq((int)isa, i);
    }
    cr_expect_str_eq(assay_isa_name((assay_isa)7), "unknown");
}

Test(cpu, parse_refuses_and_leaves_the_result)
{
    const char *const wrong[] = { "", "AVX2", "avx", "avx512f", "avx2 " };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assay_isa isa = ASSAY_ISA_AVX2;
        cr_expect_eq(assay_isa_parse(wrong[i], &isa), ASSAY_ERR_USAGE);
        cr_expect_eq(isa, ASSAY_ISA_AVX2);
    }
    cr_expect(strstr(assay_last_error(), "'avx2 '"), "%s", assay_last_error());
}

Test(cpu, current_is_best_until_forced)
{
    cr_expect_eq(assay_isa_current(), assay_isa_best());
    for (int i = 0; i < ASSAY_ISA_COUNT; i++) {
        assay_isa before = assay_isa_current(), isa = (assay_isa)i;
        assay_status status = assay_isa_force(isa);
        cr_expect_eq(status, isa <= assay_isa_best() ? ASSAY_OK : ASSAY_ERR_UNAVAILABLE);
        cr_expect_eq(assay_isa_current(), status == ASSAY_OK ? isa : before);
    }
    cr_expect_eq(assay_isa_force((assay_isa)-1), ASSAY_ERR_USAGE);
    cr_expect_eq(assay_isa_force((assay_isa)ASSAY_ISA_COUNT), ASSAY_ERR_USAGE);
}

Test(env, default_environment_is_fine)
{
    cr_expect_eq(assay_env_check(), ASSAY_OK);
}

Test(env, other_rounding_modes_are_named)
{
    const int modes[] = { FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        fesetround(modes[i]);
        assay_status status = assay_env_check();
        fesetround(FE_TONEAREST);
        cr_expect_eq(status, ASSAY_ERR_ENVIRONMENT);
        cr_expect(strstr(assay_last_error(), "rounding mode"), "%s", assay_last_error());
    }
    cr_expect_eq(assay_env_check(), ASSAY_OK);
}

#ifdef __x86_64__
static void expect_complaint(unsigned bit, const char *word)
{
    unsigned csr = _mm_getcsr();
    _mm_setcsr(csr | bit);
    assay_status status = assay_env_check();
    _mm_setcsr(csr);
    cr_expect_eq(status, ASSAY_ERR_ENVIRONMENT);
    cr_expect(strstr(assay_last_error(), word), "%s", assay_last_error());
}

Test(env, flushing_is_named)
{
    expect_complaint(0x8000, "FTZ");
    expect_complaint(0x40, "DAZ");
    cr_expect_eq(assay_env_check(), ASSAY_OK);
}
#endif
