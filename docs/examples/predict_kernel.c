/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel author's test: does my kernel give the bits that its arithmetic defines? The kernel
 * here is a bfloat16 dot product that sums in binary32 with fused multiply-add. */
#include <assay.h>
#include <math.h>
#include <stdio.h>

enum { TERMS = 1000 };

static float my_kernel(const float *x, const float *y, int n)
{
    float sum = 0;
    for (int i = 0; i < n; i++)
        sum = fmaf(x[i], y[i], sum);
    return sum;
}

static int fail(void)
{
    fprintf(stderr, "%s\n", assay_last_error());
    return 1;
}

int main(void)
{
    assay_format bfloat16;
    assay_rounder into;
    assay_accumulator sum;
    if (assay_format_parse("bfloat16", &bfloat16) != ASSAY_OK ||
        assay_rounder_make(&bfloat16, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT,
                           &into) != ASSAY_OK ||
        assay_accumulator_parse("binary32:step", &sum) != ASSAY_OK)
        return fail();

    float x[TERMS], y[TERMS];
    double wide_x[TERMS], wide_y[TERMS];
    for (int i = 0; i < TERMS; i++) { /* any data: both sides see the same bfloat16 values */
        wide_x[i] = assay_round(&into, (i * 37 % 101 - 50) / 7.0);
        wide_y[i] = assay_round(&into, (i * 53 % 97 - 48) / 11.0);
        x[i] = (float)wide_x[i];
        y[i] = (float)wide_y[i];
    }
    double expected = assay_dot(&sum, TERMS, wide_x, 1, wide_y, 1);
    double found = my_kernel(x, y, TERMS);
    printf("expected %a, found %a: %s\n", expected, found,
           expected == found ? "bit for bit" : "DIFFERENT");
    return expected == found ? 0 : 1;
}
