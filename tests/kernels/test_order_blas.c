/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which the machine's OpenBLAS adds, found by asking sgemm, predicts the
 * bits of products of random matrices. */
#include <cblas.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/order.h"
#include "numerics/bits.h"

enum { MOST = 2048 };

typedef struct shape {
    int m, n, k;
} shape;

/* Kernels for the edges of a matrix may have orders of their own. A product whose rows are all
 * the same, and whose columns are, asks every element at once: those that answer as element
 * `leader` does, as long as it is asked, add in its order. */
typedef struct box {
    shape s;
    size_t leader;
    float *a, *b, *c;
    bool *follows;
} box;

static double gemm_dot(void *context, size_t k, const double *a, const double *b)
{
    box *x = context;
    shape s = x->s;
    for (size_t p = 0; p < k; p++) {
        for (int i = 0; i < s.m; i++)
            x->a[(size_t)i * k + p] = (float)a[p];
        for (int j = 0; j < s.n; j++)
            x->b[p * (size_t)s.n + (size_t)j] = (float)b[p];
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, s.m, s.n, s.k, 1, x->a, s.k, x->b, s.n,
                0, x->c, s.n);
    for (size_t i = 0; i < (size_t)(s.m * s.n); i++)
        x->follows[i] &= x->c[i] == x->c[x->leader];
    return x->c[x->leader];
}

static double draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)(*state >> 40) * 0x1p-24 - 0.5;
}

static assay_rounder binary32(void)
{
    assay_format format;
    assay_rounder r;
    cr_assert_eq(assay_format_parse("binary32", &format), ASSAY_OK);
    cr_assert_eq(
        assay_rounder_make(&format, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r),
        ASSAY_OK);
    return r;
}

static assay_sum_order order_of(box *x, size_t leader, void *memory)
{
    assay_sum_order o;
    assay_sum_order_probe probe = { gemm_dot, x, 0x1p40, 1, 1 + 0x1p-13, 1 + 0x1p-12 };
    x->leader = leader;
    memset(x->follows, 1, (size_t)(x->s.m * x->s.n));
    cr_assert_eq(assay_sum_order_infer(&probe, (size_t)x->s.k, memory, &o), ASSAY_OK, "%s",
                 assay_last_error());
    cr_assert(o.binary);
    return o;
}

static size_t fused_terms(const assay_sum_order *o)
{
    size_t count = 0;
    for (size_t i = 0; i < o->nodes - o->n; i++)
        count += o->fused[i];
    return count;
}

static void multiply(box *x, const float *a, const float *b, float *c)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, x->s.m, x->s.n, x->s.k, 1, a, x->s.k, b,
                x->s.n, 0, c, x->s.n);
}

static float *floats(int rows, int cols, uint64_t *state)
{
    float *x = malloc((size_t)(rows * cols) * sizeof *x);
    for (int i = 0; i < rows * cols; i++)
        x[i] = (float)draw(state);
    return x;
}

/* Wrong predictions for the elements that follow the order's. */
static size_t compare(const box *x, const assay_sum_order *o, const float *a, const float *b,
                      const float *c, int *class, int number)
{
    static double row[MOST], column[MOST], scratch[2 * MOST];
    assay_rounder r = binary32();
    size_t wrong = 0, n = (size_t)x->s.n, k = (size_t)x->s.k;
    for (size_t e = 0; e < (size_t)x->s.m * n; e++) {
        if (class[e] || !x->follows[e])
            continue;
        for (size_t p = 0; p < k; p++) {
            row[p] = a[e / n * k + p];
            column[p] = b[p * n + e % n];
        }
        double y = assay_sum_order_apply(o, &r, row, column, scratch);
        wrong += assay_bits32((float)y) != assay_bits32(c[e]);
        class[e] = number;
    }
    return wrong;
}

static size_t predict(shape s)
{
    uint64_t state = 3;
    size_t wrong = 0, elements = (size_t)(s.m * s.n), first = 0;
    float *a = floats(s.m, s.k, &state), *b = floats(s.k, s.n, &state),
          *c = floats(s.m, s.n, &state);
    box x = { .s = s, .a = floats(s.m, s.k, &state), .b = floats(s.k, s.n, &state) };
    x.c = floats(s.m, s.n, &state);
    x.follows = malloc(elements);
    int orders = 0, *class = calloc(elements, sizeof *class);
    void *memory = malloc(assay_sum_order_bytes((size_t)s.k));
    multiply(&x, a, b, c);
    for (; first < elements; first++)
        if (!class[first]) {
            assay_sum_order o = order_of(&x, first, memory);
            wrong += compare(&x, &o, a, b, c, class, ++orders);
            printf("%d x %d x %d, order %d: %zu of %zu products fused\n", s.m, s.n, s.k, orders,
                   fused_terms(&o), o.n);
        }
    void *all[] = { a, b, c, x.a, x.b, x.c, x.follows, class, memory };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    printf("%zu of %zu elements wrong\n", wrong, elements);
    return wrong;
}

Test(order_blas, predicts_sgemm)
{
    static const shape shapes[] = {
        { 16, 16, 64 }, { 37, 29, 200 }, { 8, 24, 777 }, { 50, 3, 1000 }
    };
    size_t wrong = 0;
    openblas_set_num_threads(1);
    printf("OpenBLAS: %s\n", openblas_get_corename());
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        wrong += predict(shapes[i]);
    cr_assert_eq(wrong, 0);
}
