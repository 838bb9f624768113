/* SPDX-License-Identifier: Apache-2.0 */
/* Chains on binary32 operands, which run in binary32's registers, against MPFR: every mode, ties
 * and their neighbours, both ends of the range, specials, policies; more than a tile and a panel.
 * docs/kernels-product.md, 10. */
#include "tests/kernels/product_oracle.h"

#include <fenv.h>
#include <math.h>
#include <stdio.h>

/* ---- data: binary32 numbers ---- */

typedef enum data { CODES, TIES, SUBNORMAL, LARGE, ANY_BITS, SPECIALS, DATA_COUNT } data;

static double any_float(void)
{
    double x = assay_from_bits32((uint32_t)draw());
    return x - x == 0 ? x : 1;
}

/* Members of the format, small ones often: chains that meet many ties by themselves. */
static double code_value(const assay_format *f)
{
    if (draw() % 2)
        return (double)((int)(draw() % 17) - 8);
    double x = assay_decode(f, draw() & (((uint64_t)1 << f->bits) - 1));
    return x - x == 0 ? x : 1;
}

/* Products near powers of two from a sum's quarter quantum up to itself, some a little beside. */
static double tie(const assay_format *f)
{
    static const double sizes[] = { 1, 1, 1.5, 3, 1 + 0x1p-23, 1 - 0x1p-24, 1 + 0x1p-12, 0 };
    int exp = draw() % 2 ? -(int)(draw() % 3) : -(int)(draw() % 4) - f->p + 1;
    double x = sizes[draw() % 8] * ldexp(1, exp);
    return draw() % 2 ? x : -x;
}

/* With the other operand's: products beside the format's least quantum. */
static double subnormal(const assay_format *f)
{
    int exp = (f->emin - f->p) / 2 + (int)(draw() % (uint64_t)(f->p + 4)) - 3;
    return (draw() % 2 ? 1 : -1) * (double)(float)ldexp(1 + (double)(draw() % 16) * 0x1p-4, exp);
}

static double large(const assay_format *f)
{
    double root = sqrt(f->max), x = draw() % 3 ? root * (double)(draw() % 8) / 8 : root;
    return (double)(float)(draw() % 2 ? x : -x);
}

static double special(const assay_format *f)
{
    const double list[] = {
        INFINITY, -INFINITY, NAN, 0x1.fffffep127, -0x1p-149, 0.0, -0.0, f->max
    };
    return draw() % 64 ? code_value(f) : list[draw() % 8];
}

static double element(const assay_format *f, data kind)
{
    switch (kind) {
    case CODES: return code_value(f);
    case TIES: return tie(f);
    case SUBNORMAL: return subnormal(f);
    case LARGE: return large(f);
    case ANY_BITS: return any_float();
    default: return special(f);
    }
}

/* ---- products ---- */

enum { M = 9, N = 49, K = 5 }; /* a tile and a panel, and one more */

static void check(const assay_accumulator *acc, const char *text, data kind)
{
    static double a[M * K], b[N * K], out[M * N], want[M * N];
    char what[200];
    assay_operand operand = { b, ASSAY_STORAGE_F64, 1, K, NULL };
    for (size_t i = 0; i < M * K; i++)
        a[i] = element(&acc->round.format, kind);
    for (size_t i = 0; i < N * K; i++)
        b[i] = element(&acc->round.format, kind);
    for (size_t i = 0; i < M * N; i++) {
        want[i] = 0;
        for (size_t p = 0; p < K; p++)
            want[i] = oracle_step(acc, a[i / N * K + p], b[i % N * K + p], want[i]);
    }
    snprintf(what, sizeof what, "%s, data %d", text, (int)kind);
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        product(acc, M, N, K, a, &operand, out, N);
        cr_assert_eq(fegetround(), FE_TONEAREST);
        for (size_t i = 0; i < M * N; i++)
            expect_bits(out[i], want[i], what, i);
    }
}

/* Kinds of data as bits 1 << kind. */
static void check_modes(const char *format, const char *sum, const char *policy, unsigned kinds)
{
    char text[200];
    for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {
        assay_accumulator acc;
        snprintf(text, sizeof text, "[%s]:%s,round=%s,overflow=%s", format, sum,
                 assay_mode_name((assay_mode)mode), policy);
        if (assay_accumulator_parse(text, &acc) != ASSAY_OK)
            continue; /* the format lacks what the policy asks for */
        for (int kind = 0; kind < DATA_COUNT; kind++)
            if (kinds >> kind & 1)
                check(&acc, text, (data)kind);
    }
}

/* binary32 cut short, to as many bits as leave room for ties and one more; narrower ranges, again
 * up to the last that has room. */
static const char *const formats[] = {
    "bfloat16", "tf32", "float:e=8,m=1", "float:e=8,m=22", "binary32",       "binary16",
    "e5m2",     "e4m3", "float:e=6,m=9", "float:e=5,m=19", "float:e=5,m=20",
};

enum { FORMATS = sizeof formats / sizeof formats[0] };

Test(product_single, every_mode, .timeout = 600)
{
    start_oracle();
    for (size_t i = 0; i < FORMATS; i++) {
        check_modes(formats[i], "step", "spec", ~0u);
        check_modes(formats[i], "unfused", "spec", ~0u);
    }
}

/* Overflow that a mode keeps finite shows in no infinite sum. */
Test(product_single, policies, .timeout = 600)
{
    static const char *const policies[] = { "sat", "inf", "nan", "propagate" };
    start_oracle();
    for (size_t i = 0; i < FORMATS; i++)
        for (size_t j = 0; j < 4; j++)
            check_modes(formats[i], (i + j) % 2 ? "step" : "unfused", policies[j],
                        1u << LARGE | 1u << SPECIALS);
}
