/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of products share. */
#ifndef ASSAY_TESTS_PRODUCT_TEST_H
#define ASSAY_TESTS_PRODUCT_TEST_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/product.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"

static uint64_t state = 1;

ASSAY_INLINE uint64_t draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 33 ^ state << 31;
}

ASSAY_INLINE assay_accumulator accumulator(const char *text)
{
    assay_accumulator acc;
    cr_assert_eq(assay_accumulator_parse(text, &acc), ASSAY_OK, "%s", assay_last_error());
    return acc;
}

ASSAY_INLINE void *grab(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes / 64 + 2) * 64);
    cr_assert(p);
    return p;
}

ASSAY_INLINE void product(const assay_accumulator *acc, size_t m, size_t n, size_t k,
                          const double *a, const assay_operand *b, double *out, size_t ldo)
{
    size_t bytes = assay_product_workspace(acc, m, n, k);
    unsigned char *workspace = (unsigned char *)grab(bytes + 64);
    memset(workspace, 0xff, bytes + 64);
    assay_product(acc, m, n, k, a, k, b, out, ldo, workspace);
    for (size_t i = 0; i < 64; i++)
        cr_assert_eq(workspace[bytes + i], 0xff, "the workspace is overrun");
    free(workspace);
}

ASSAY_INLINE void expect_bits(double got, double want, const char *what, size_t i)
{
    cr_assert_eq(assay_bits64(got), assay_bits64(want), "%s, %s: element %zu is %a, not %a",
                 assay_isa_name(assay_isa_current()), what, i, got, want);
}

#endif
