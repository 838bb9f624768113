/* SPDX-License-Identifier: Apache-2.0 */
/* Every scheme against the verification's fractions, and these against values that documents give.
 */
#include <gmp.h>
#include <mpfr.h>

#include "verify_jobs.h"

#include "audit/verify_block.h"

enum { SAMPLES = 1500, MANY = 20000, ELEMENTS = 4 };

static void check(const char *spec, int source_bits, assay_rounding mode, assay_overflow policy)
{
    const assay_verify_schemes job = { .spec = spec,
                                       .source_bits = source_bits,
                                       .roundings = &mode,
                                       .policies = &policy,
                                       .rounding_count = 1,
                                       .policy_count = 1,
                                       .samples = points_thorough() ? MANY : SAMPLES };
    assay_verify_result r;
    assay_status status = assay_verify_quantize(&job, &r);
    cr_assert_eq(status, ASSAY_OK, "%s: %s", spec, assay_last_error());
    const assay_verify_case *c = &r.first[0];
    cr_expect(r.checked >= SAMPLES && r.wrong == 0,
              "%s: %llu wrong; %a %s, %s: got %#llx, want %#llx", spec, (unsigned long long)r.wrong,
              c->operand, assay_mode_name(c->rounding.mode), c->path, (unsigned long long)c->got,
              (unsigned long long)c->want);
}

/* One mode to nearest even and one of the others in turn; ASSAY_THOROUGH=1: all. */
static void check_modes(const char *spec, size_t turn)
{
    check(spec, turn % 2 ? 64 : 32, verify_modes[0], ASSAY_OVERFLOW_SPEC);
    for (size_t m = 1; m < VERIFY_USUAL; m++)
        if (points_thorough() || m == turn % (VERIFY_USUAL - 1) + 1)
            check(spec, turn % 2 ? 32 : turn % 4 ? 64 : 16, verify_modes[m], ASSAY_OVERFLOW_SPEC);
}

Test(verify_schemes, rows)
{
    for (size_t i = 0; i < assay_scheme_count(); i++)
        if (strncmp(assay_scheme_spec(i), "packed:", 7) != 0)
            check_modes(assay_scheme_name(i), i);
}

Test(verify_schemes, rules_and_orders)
{
    static const char *const specs[] = {
        "mxfp4:rule=ceil",
        "mxfp8_e5m2:rule=rceil",
        "mxfp6_e3m2:rule=even",
        "mxint8:rule=nearest",
        "mxfp8_e4m3:rule=ct",
        "mxfp4:rule=mse",
        "mxfp6_e2m3:rule=46",
        "mxfp4:rule=percentile:p=93.75",
        "block:elem=e4m3,size=16,scale=bfloat16,rule=percentile:p=99",
        "block:elem=e4m3,size=16,scale=e4m3,rule=mse",
        "nvfp4:order=te",
        "nvfp4:order=torchao",
        "nvfp4:order=ct",
        "nvfp4:order=modelopt",
        "nvfp4:rule=46,order=te",
        "int8_group:order=div32",
        "int8_group:order=mul32",
        "nf4_64:order=mul32",
        "nvfp4:tensor=no,order=torchao",
        "mxfp4:rule=ct,order=ct",
        "group:elem=int4,size=32,scale=binary32,rule=range,order=ct",
        "int8_group:rule=range",
        "int8_group_asym:order=ct",
        "int8_group_asym:order=mul32,least=0.5",
        "block:elem=posit8,size=8,scale=bfloat16,rule=max",
        "group:elem=uint4,size=64,scale=bfloat16,zero=yes,round=rup",
        "tensor:elem=e5m2,scale=e5m2,rule=mean",
        "block:elem=e8m0,size=32,scale=binary32,rule=max",
    };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++)
        check_modes(specs[i], i);
}

/* The scale of the tensor as a divisor, deterministic modes only; other policies. */
Test(verify_schemes, divisors_and_policies)
{
    check("nvfp4:tensor=divisor", 32, verify_modes[0], ASSAY_OVERFLOW_SPEC);
    check("nvfp4_46:tensor=divisor", 64, verify_modes[0], ASSAY_OVERFLOW_SPEC);
    check("mxfp8_e4m3", 32, verify_modes[0], ASSAY_OVERFLOW_NAN);
    check("block:elem=e5m2,size=16,scale=binary16,rule=46", 32, verify_modes[0],
          ASSAY_OVERFLOW_INF);
    check("block:elem=e4m3,size=16,scale=binary16,rule=46", 64, verify_modes[0],
          ASSAY_OVERFLOW_NAN);
}

Test(verify_schemes, blocks_with_fields)
{
    const assay_overflow policy = ASSAY_OVERFLOW_SPEC;
    const assay_verify_schemes job = { "q4_k", 32, verify_modes, &policy, 1, 1, 1, NULL };
    assay_verify_result r;
    cr_expect_eq(assay_verify_quantize(&job, &r), ASSAY_ERR_USAGE);
}

/* ---- blocks by hand ---- */

static void expect(const char *spec, double amax, const double x[ELEMENTS], uint64_t scale,
                   uint64_t zero, const uint64_t codes[ELEMENTS])
{
    assay_scheme s;
    cr_assert_eq(
        assay_scheme_parse(spec, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &s),
        ASSAY_OK, "%s", assay_last_error());
    assay_verify_blocks o;
    cr_assert_eq(assay_verify_blocks_make(&s, verify_modes[0], &o), ASSAY_OK);
    assay_verify_set_tensor(&o, amax);
    double sizes[ELEMENTS], values[ELEMENTS];
    uint64_t got[ELEMENTS];
    assay_verify_block b = {
        .n = ELEMENTS, .x = x, .sizes = sizes, .codes = got, .values = values
    };
    assay_verify_fill_block(&o, 0, &b);
    cr_expect(b.scale == scale && b.zero == zero, "%s: scale %#llx, zero %#llx", spec,
              (unsigned long long)b.scale, (unsigned long long)b.zero);
    for (int i = 0; i < ELEMENTS; i++)
        cr_expect_eq(got[i], codes[i], "%s: element %d: %#llx", spec, i,
                     (unsigned long long)got[i]);
    assay_verify_blocks_clear(&o);
}

/* OCP MX 1.0, 6.3: the exponent of amax less that of the largest element, 2 of e2m1. */
Test(verify_schemes, mx_by_hand)
{
    expect("mxfp4", 0, (const double[]){ 6, -1.25, 0.25, 7.9 }, 127, 0,
           (const uint64_t[]){ 7, 0xa, 0, 7 });
    expect("mxfp4", 0, (const double[]){ 0x1p-140, -0.0, 0, 0 }, 0, 0,
           (const uint64_t[]){ 0, 8, 0, 0 });
    expect("mxfp4:rule=rceil", 0, (const double[]){ 6.5, -6, 1, 0 }, 128, 0,
           (const uint64_t[]){ 5, 0xd, 1, 0 });
}

/* With a tensor's amax of 6 x 448 its scale is 1; block scales are amax / 6. */
Test(verify_schemes, nvfp4_by_hand)
{
    expect("nvfp4", 2688, (const double[]){ 6, -5, 0.75, 1 }, 0x38, 0,
           (const uint64_t[]){ 7, 0xe, 2, 2 });
    expect("nvfp4", 2688, (const double[]){ 2688, 448, -100, 0 }, 0x7e, 0,
           (const uint64_t[]){ 7, 2, 8, 0 });
}

/* lo = -1 and hi = 2 over 15 steps: 0.2 in binary16 is 0x3266, 819 / 4096. */
Test(verify_schemes, zero_points_by_hand)
{
    expect("int4_group_asym", 0, (const double[]){ -1, 2, 0, 0.1 }, 0x3266, 5,
           (const uint64_t[]){ 0, 15, 5, 6 });
}
