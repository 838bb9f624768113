/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs for the verification, and a failure that names the first wrong result. */
#ifndef ASSAY_TESTS_ROUNDING_VERIFY_JOBS_H
#define ASSAY_TESTS_ROUNDING_VERIFY_JOBS_H

#include <criterion/criterion.h>

#include "../support/points.h"
#include "audit/verify.h"

/* The first VERIFY_USUAL are for every run, the others for ASSAY_THOROUGH=1. */
static const assay_rounding verify_modes[] = {
    { ASSAY_RNE, 0, false },  { ASSAY_RNA, 0, false },  { ASSAY_RNZ, 0, false },
    { ASSAY_RTZ, 0, false },  { ASSAY_RAZ, 0, false },  { ASSAY_RUP, 0, false },
    { ASSAY_RDN, 0, false },  { ASSAY_RODD, 0, false }, { ASSAY_SR, 0, false },
    { ASSAY_SREQ, 0, false }, { ASSAY_SRA, 4, false },  { ASSAY_SRB, 16, false },
    { ASSAY_SRC, 8, false },  { ASSAY_SRA, 1, false },  { ASSAY_SRA, 8, false },
    { ASSAY_SRA, 16, false }, { ASSAY_SRA, 32, false }, { ASSAY_SRB, 1, false },
    { ASSAY_SRB, 4, false },  { ASSAY_SRB, 8, false },  { ASSAY_SRB, 32, false },
    { ASSAY_SRC, 1, false },  { ASSAY_SRC, 4, false },  { ASSAY_SRC, 16, false },
    { ASSAY_SRC, 32, false },
};

static const assay_overflow verify_policies[] = { ASSAY_OVERFLOW_SPEC, ASSAY_OVERFLOW_SAT,
                                                  ASSAY_OVERFLOW_INF, ASSAY_OVERFLOW_NAN,
                                                  ASSAY_OVERFLOW_PROPAGATE };

enum {
    VERIFY_MODES = sizeof verify_modes / sizeof verify_modes[0],
    VERIFY_USUAL = 13,
    VERIFY_POLICIES = ASSAY_OVERFLOW_COUNT
};

/* Every mode and policy; samples = 0 for every breakpoint. */
static inline assay_verify verify_job(const assay_format *f, int source_bits, uint64_t samples)
{
    return (assay_verify){ .format = *f,
                           .source_bits = source_bits,
                           .roundings = verify_modes,
                           .rounding_count = points_thorough() ? VERIFY_MODES : VERIFY_USUAL,
                           .policies = verify_policies,
                           .policy_count = VERIFY_POLICIES,
                           .tier = samples ? ASSAY_VERIFY_SAMPLED : ASSAY_VERIFY_QUICK,
                           .samples = samples };
}

static inline void verify_report(const assay_format *f, const assay_verify_result *r,
                                 assay_status status)
{
    cr_assert_eq(status, ASSAY_OK, "%s: %s", f->name, assay_last_error());
    const assay_verify_case *c = &r->first[0];
    cr_expect_eq(r->wrong, 0, "%s: %llu wrong; %a %s:bits=%d %s, %s: got %#llx, want %#llx",
                 f->name, (unsigned long long)r->wrong, c->operand,
                 assay_mode_name(c->rounding.mode), c->rounding.bits,
                 assay_overflow_name(c->policy), c->path, (unsigned long long)c->got,
                 (unsigned long long)c->want);
    cr_expect_gt(r->checked, 0, "%s: nothing checked", f->name);
}

static inline void verify_rounding(const assay_format *f, int source_bits, uint64_t samples)
{
    assay_verify job = verify_job(f, source_bits, samples);
    assay_verify_result result;
    assay_status status = assay_verify_cast(&job, &result);
    verify_report(f, &result, status);
}

static inline void verify_codes(const assay_format *f)
{
    assay_verify_result result;
    assay_status status = assay_verify_codes(f, &result);
    verify_report(f, &result, status);
}

#endif
