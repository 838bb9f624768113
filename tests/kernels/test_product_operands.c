/* SPDX-License-Identifier: Apache-2.0 */
/* Storage of the right operand, double-double sums, exact sums that cancel. */
#include "tests/kernels/product_test.h"

#include <math.h>
#include <mpfr.h>

/* ---- operands ---- */

static void fill_integers(double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (double)((int)(draw() % 17) - 8);
}

static double stored(assay_storage storage, const unsigned char *p)
{
    static const char *const names[] = { "binary64", "binary32", "binary16", "bfloat16" };
    static const size_t bytes[] = { 8, 4, 2, 2 };
    assay_format f;
    uint64_t code = 0;
    cr_assert_eq(assay_format_parse(names[storage], &f), ASSAY_OK);
    memcpy(&code, p, bytes[storage]);
    return assay_decode(&f, code);
}

static void check_storage(const char *sum, assay_storage storage, size_t size, bool transposed,
                          const char *round)
{
    enum { R = 4, C = 29, T = 37 };
    static unsigned char bytes[1 + 8 * C * T];
    double a[R * T], out[R * C], x[T];
    assay_accumulator acc = accumulator(sum), e4m3 = accumulator(round ? round : "e4m3");
    assay_operand b = { bytes + 1, storage, transposed ? C : 1, transposed ? 1 : T,
                        round ? &e4m3.round : NULL };
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(draw() >> 20);
    fill_integers(a, R * T);
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        product(&acc, R, C, T, a, &b, out, C);
        for (size_t i = 0; i < R * C; i++) {
            for (size_t p = 0; p < T; p++) {
                size_t at = p * b.row_stride + i % C * b.column_stride;
                x[p] = stored(storage, bytes + 1 + size * at);
                x[p] = round ? assay_round(&e4m3.round, x[p]) : x[p];
            }
            expect_bits(out[i], assay_dot(&acc, T, a + i / C * T, 1, x, 1), "storage", i);
        }
    }
}

Test(product, storage_strides_and_rounding)
{
    static const size_t sizes[] = { 8, 4, 2, 2 };
    static const char *const sums[] = { "binary32:step", "bfloat16:step", "binary16:block=8" };
    static const char *const rounds[] = { NULL, "e4m3:overflow=sat", "bfloat16:round=rup",
                                          "[float:e=4,m=3,subnormals=no]" };
    for (int storage = 0; storage < 4; storage++)
        for (size_t i = 0; i < 8; i++)
            for (size_t j = 0; j < 3; j++)
                check_storage(sums[j], (assay_storage)storage, sizes[storage], i % 2 == 1,
                              rounds[i / 2]);
}

/* ---- double-double ---- */

enum { PRECISION = 4400 };
static mpfr_t product_, sum_;

/* |hi + lo - exact| <= k 2^-100 times the sum of the magnitudes. */
static void check_wide_element(size_t k, const double *const *x, double hi, double lo)
{
    mpfr_t magnitude, bound;
    mpfr_inits2(200, magnitude, bound, (mpfr_ptr)0);
    mpfr_set_zero(sum_, 1);
    mpfr_set_zero(magnitude, 1);
    for (size_t p = 0; p < k; p++) {
        mpfr_set_d(product_, x[0][p], MPFR_RNDN);
        mpfr_add_d(product_, product_, x[1][p], MPFR_RNDN);
        mpfr_set_d(bound, x[2][p], MPFR_RNDN);
        mpfr_add_d(bound, bound, x[3][p], MPFR_RNDN);
        mpfr_mul(product_, product_, bound, MPFR_RNDN);
        mpfr_add(sum_, sum_, product_, MPFR_RNDN);
        mpfr_abs(product_, product_, MPFR_RNDN);
        mpfr_add(magnitude, magnitude, product_, MPFR_RNDN);
    }
    mpfr_sub_d(sum_, sum_, hi, MPFR_RNDN);
    mpfr_sub_d(sum_, sum_, lo, MPFR_RNDN);
    mpfr_mul_ui(bound, magnitude, k, MPFR_RNDU);
    mpfr_div_2ui(bound, bound, 100, MPFR_RNDU);
    cr_assert(mpfr_cmpabs(sum_, bound) <= 0, "double-double error beyond the bound");
    cr_assert_eq(hi + lo, hi);
    mpfr_clears(magnitude, bound, (mpfr_ptr)0);
}

static void fill_pair(double *hi, double *lo, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        hi[i] = (double)(int64_t)(draw() ^ draw() << 20) * 0x1p-63;
        lo[i] = hi[i] * 0x1p-54 * (double)(draw() % 1000) * 0x1p-10;
    }
}

Test(product, wide)
{
    enum { WM = 3, WN = 30, WK = 401 };
    static double a[2][WM * WK], b[2][WN * WK], zero[WK], out[2][WM * WN], first[2][WM * WN];
    assay_accumulator reference = assay_accumulator_reference();
    void *workspace = grab(assay_product_workspace(&reference, WM, WN, WK));
    assay_operand operand = { b[0], ASSAY_STORAGE_F64, 1, WK, NULL };
    mpfr_inits2(PRECISION, product_, sum_, (mpfr_ptr)0);
    fill_pair(a[0], a[1], WM * WK);
    fill_pair(b[0], b[1], WN * WK);
    for (int low = 0; low < 2; low++)
        for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
            cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
            assay_product_wide(WM, WN, WK, a[0], low ? a[1] : NULL, WK, &operand, low ? b[1] : NULL,
                               out[0], out[1], WN, workspace);
            for (size_t i = 0; i < WM * WN && isa == 0; i++) {
                const double *x[] = { a[0] + i / WN * WK, low ? a[1] + i / WN * WK : zero,
                                      b[0] + i % WN * WK, low ? b[1] + i % WN * WK : zero };
                check_wide_element(WK, x, out[0][i], out[1][i]);
            }
            if (isa > 0)
                cr_assert_eq(memcmp(first, out, sizeof out), 0, "words differ between sets");
            memcpy(first, out, sizeof out);
        }
    free(workspace);
}

Test(product, wide_specials)
{
    double a[3] = { INFINITY, 1, 2 }, b[3] = { 1, 2, 3 }, hi = 0, lo = 1;
    assay_accumulator reference = assay_accumulator_reference();
    void *workspace = grab(assay_product_workspace(&reference, 1, 1, 3));
    assay_operand operand = { b, ASSAY_STORAGE_F64, 1, 3, NULL };
    assay_product_wide(1, 1, 3, a, NULL, 3, &operand, NULL, &hi, &lo, 1, workspace);
    cr_assert(hi == INFINITY && lo == 0);
    b[0] = 0;
    assay_product_wide(1, 1, 3, a, NULL, 3, &operand, NULL, &hi, &lo, 1, workspace);
    cr_assert_eq(assay_bits64(hi), 0x7ff8000000000000);
    free(workspace);
}

/* 10^5 terms that cancel but for the last: one exact sum, one rounding. */
Test(product, exact_cancellation)
{
    enum { TERMS = 100001 };
    double *x = (double *)grab(TERMS * 8), *y = (double *)grab(TERMS * 8), out = 0;
    for (size_t i = 0; i + 1 < TERMS; i += 2) {
        x[i] = x[i + 1] = ldexp((double)(draw() >> 12), (int)(draw() % 400) - 200);
        y[i] = ldexp((double)(draw() >> 12), (int)(draw() % 400) - 200);
        y[i + 1] = -y[i];
    }
    x[TERMS - 1] = 0x1.0000001p-300;
    y[TERMS - 1] = 0x1.0000001p-300;
    assay_accumulator acc = accumulator("exact");
    assay_operand operand = { y, ASSAY_STORAGE_F64, 1, TERMS, NULL };
    product(&acc, 1, 1, TERMS, x, &operand, &out, 1);
    expect_bits(out, 0x1.0000001p-300 * 0x1.0000001p-300, "exact", 0);
    expect_bits(assay_dot(&acc, TERMS, x, 1, y, 1), out, "exact dot", 0);
    free(x);
    free(y);
}
