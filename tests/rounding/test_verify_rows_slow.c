/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of the catalogue, and builders that reach what rows do not, against the verification's
 * oracle: all codes there and back, and rounding in every mode and policy at every breakpoint; of
 * wider formats and builders a sample, unless ASSAY_THOROUGH=1. */
#include "verify_jobs.h"

#include <stdio.h>
#include <stdlib.h>

enum { WIDE_SAMPLES = 100, FEW_SAMPLES = 12, LISTED = 16, SHORT = 8, PART = 4 };

/* Long ladders take their time: a sample. */
static uint64_t samples_of(const assay_format *f)
{
    bool all = points_thorough(), binary = f->kind == ASSAY_FAMILY_FLOAT;
    int most = all ? (binary ? LISTED : SHORT + 1) : (binary ? SHORT : SHORT - 1);
    return f->bits <= most ? 0 : all ? WIDE_SAMPLES : FEW_SAMPLES;
}

static void check_rows(size_t part)
{
    for (size_t i = part; i < assay_format_count(); i += PART) {
        const assay_format *f = assay_format_row(i);
        verify_rounding(f, 32, samples_of(f));
        if (points_thorough() || (f->bits <= SHORT && i % 3 != 0))
            verify_rounding(f, 64, 40 / points_step(4));
        if (points_thorough() || (f->bits <= SHORT && i % 3 == 0))
            verify_rounding(f, 16, 20 / points_step(4));
    }
}

/* Parts run side by side. */
Test(verify, rows_0)
{
    check_rows(0);
}

Test(verify, rows_1)
{
    check_rows(1);
}

Test(verify, rows_2)
{
    check_rows(2);
}

Test(verify, rows_3)
{
    check_rows(3);
}

Test(verify, codes_of_rows)
{
    for (size_t i = 0; i < assay_format_count(); i++) {
        const assay_format *f = assay_format_row(i);
        bool quick = f->bits <= SHORT || f->bits > LISTED || f->kind == ASSAY_FAMILY_FLOAT;
        if (points_thorough() || (quick && f->bits < LISTED) || i % 5 == 2)
            verify_codes(f);
    }
}

static const char *const builders[] = {
    "float:e=4,m=3,sign=no",
    "float:e=4,m=3,sign=no,inf=no,nan=none",
    "float:e=5,m=0,inf=no,nan=none",
    "float:e=5,m=0,inf=no,nan=ones",
    "float:e=4,m=3,nan=ones",
    "float:e=4,m=3,nan=negzero,bias=8",
    "float:e=4,m=3,subnormals=no",
    "float:e=4,m=3,bias=129",
    "float:e=4,m=3,bias=1060",
    "float:e=3,m=0,subnormals=no,inf=no,nan=none",
    "float:e=12,m=2",
    "float:e=14,m=1",
    "float:e=0,m=5",
    "float:e=11,m=20",
    "int:n=8,symmetric=yes",
    "int:n=2,symmetric=yes",
    "int:n=6,code=bipolar",
    "int:n=1,sign=no",
    "int:n=5,scale=-3",
    "int:n=5,scale=140",
    "int:n=32,sign=no",
    "int:n=24,code=bipolar",
    "int:n=24,code=magnitude",
    "fixed:i=0,f=7",
    "fixed:i=4,f=3,sign=no",
    "fixed:i=3,f=4,symmetric=yes",
    "posit:n=2",
    "posit:n=3",
    "posit:n=4,es=0",
    "posit:n=6,es=5",
    "posit:n=10,es=1",
    "posit:n=5,es=9",
    "posit:n=20",
    "takum:n=2",
    "takum:n=5",
    "takum:n=11",
    "takum:n=13",
    "takum:n=3,kind=log",
    "takum:n=9,kind=log",
    "takum:n=20",
    "lns:n=3,r=0",
    "lns:n=4,r=2",
    "lns:n=9,r=8",
    "lns:n=24,r=16",
    "pow2:n=2",
    "pow2:n=8",
    "pow2:n=17",
    "sqrt2:n=2",
    "sqrt2:n=8",
};

Test(verify, builders)
{
    for (size_t i = 0; i < sizeof builders / sizeof builders[0]; i++) {
        assay_format f;
        cr_assert_eq(assay_format_parse(builders[i], &f), ASSAY_OK, "%s", assay_last_error());
        verify_codes(&f);
        if (points_thorough() || i % 2 == 0 || f.bits <= SHORT - 2)
            verify_rounding(&f, 32, samples_of(&f));
    }
}

/* Lists of values: positive ones, no zero, out of order, values twice, beyond binary32. (Values
 * further apart than 256 bits are left to the deterministic modes: docs/rounding.md.) */
Test(verify, codebooks)
{
    static const char *const texts[] = { "1\n2\n", "-3\n-0.1\n0.3\n1e40\n", "0\n1\n0.1\n5\n1e-50\n",
                                         "-1e-320\n0\n1e-323\n3e-310\n3e-310\n", "0\n-7\n0.25\n" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char path[32];
        snprintf(path, sizeof path, "codebook:book%zu", i);
        FILE *file = fopen(path + sizeof "codebook:" - 1, "w");
        cr_assert(file && fputs(texts[i], file) >= 0 && fclose(file) == 0);
        assay_format f;
        cr_assert_eq(assay_format_parse(path, &f), ASSAY_OK, "%s", assay_last_error());
        verify_codes(&f);
        verify_rounding(&f, 32, 0);
        verify_rounding(&f, 64, 0);
    }
}
