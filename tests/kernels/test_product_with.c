/* SPDX-License-Identifier: Apache-2.0 */
/* Products with C and all accumulators against the definition of one sum, which exact rationals
 * check in test_gemm_oracle.py: sizes, panels, threads, instruction sets, and for exact sums the
 * loops that depend on how many bits the operands have. */
#include "tests/kernels/product_test.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>

#include "numerics/philox.h"

/* Operands whose elements are sig 2^exp, |sig| <= |most|, lowest <= exp <= highest; most < 0: but
 * -most is not among them. */
typedef struct shape {
    const char *name;
    int64_t most;
    int lowest, highest;
} shape;

static const shape shapes[] = {
    { "bytes", 127, 0, 0 },
    { "the end of bytes", -128, 4, 4 },
    { "no bytes", 128, 0, 0 },
    { "all pairs at their limit", 2047, -3, -3 },
    { "one bit more", 4095, 5, 5 },
    { "e4m3", 15, -9, 5 },
    { "binary16", 2047, -24, 5 },
    { "bfloat16", 255, -30, 2 },
    { "binary32", 0xffffff, -48, -20 },
    { "wide", 0xffffff, -100, 50 },
    { "binary64", 0x1fffffffffffff, 0, 0 },
};

static double element(const shape *s, bool all)
{
    int64_t size = s->most < 0 ? -s->most : s->most;
    int64_t sig = all ? s->most : (int64_t)(draw() % (uint64_t)(2 * size + 1)) - size;
    sig = s->most < 0 && sig == size ? -size : sig;
    int exp = s->lowest + (int)(draw() % (uint64_t)(s->highest - s->lowest + 1));
    return (double)sig * assay_pow2(exp);
}

static double *matrix(size_t n, const shape *s, bool all)
{
    double *x = (double *)grab(n * sizeof *x + 8);
    for (size_t i = 0; i < n; i++)
        x[i] = element(s, all);
    return x;
}

typedef struct problem {
    size_t m, n, k;
    double *a, *b, *c, *out, *want;
} problem;

static const assay_random bits = { .seed = 99, .stream = 5 };

static void define(const problem *p, const assay_accumulator *acc, bool with_c)
{
    for (size_t i = 0; i < p->m; i++)
        for (size_t j = 0; j < p->n; j++) {
            uint64_t sum = i * p->n + j;
            p->want[sum] = assay_dot_with(acc, p->k, p->a + i * p->k, 1, p->b + j * p->k, 1,
                                          with_c ? &p->c[sum] : NULL, &bits,
                                          acc->kind == ASSAY_SUM_EXACT ? sum : sum * p->k, NULL);
        }
}

static void compare(const problem *p, const assay_accumulator *acc, const char *what, bool with_c)
{
    size_t bytes = assay_product_workspace(acc, p->m, p->n, p->k);
    unsigned char *workspace = (unsigned char *)grab(bytes + 64);
    assay_operand b = { p->b, ASSAY_STORAGE_F64, 1, p->k, NULL };
    assay_product_more more = { .c = with_c ? p->c : NULL, .ldc = p->n, .random = bits };
    memset(workspace, 0xff, bytes + 64);
    assay_product_with(acc, p->m, p->n, p->k, p->a, p->k, &b, &more, p->out, p->n, workspace);
    for (size_t i = 0; i < p->m * p->n; i++)
        expect_bits(p->out[i], p->want[i], what, i);
    for (size_t i = 0; i < 64; i++)
        cr_assert_eq(workspace[bytes + i], 0xff, "%s overruns its workspace", what);
    free(workspace);
}

static void check(const char *text, const assay_accumulator *acc, const size_t size[3],
                  const shape *s, bool all)
{
    problem p = { size[0], size[1], size[2], NULL, NULL, NULL, NULL, NULL };
    const shape small = { "", 31, 0, 0 };
    char what[200];
    p.a = matrix(p.m * p.k, s, all);
    p.b = matrix(p.k * p.n, s, all);
    p.c = matrix(p.m * p.n, &small, false); /* which belong to every format of these tests */
    p.out = (double *)grab(p.m * p.n * 8 + 8);
    p.want = (double *)grab(p.m * p.n * 8 + 8);
    snprintf(what, sizeof what, "%s of %s, %zu %zu %zu", text, s->name, p.m, p.n, p.k);
    for (int with_c = 0; with_c < 2; with_c++) {
        define(&p, acc, with_c);
        for (int isa = 0; isa <= (int)assay_isa_best(); isa++)
            for (int threads = 1; threads <= 2; threads++) {
                cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
                omp_set_num_threads(threads);
                compare(&p, acc, what, with_c);
            }
    }
    free(p.a);
    free(p.b);
    free(p.c);
    free(p.out);
    free(p.want);
}

/* ---- exact sums ---- */

static assay_accumulator exact_into(const char *format, assay_rounding round)
{
    assay_accumulator acc = accumulator("exact");
    assay_format f;
    cr_assert_eq(assay_format_parse(format, &f), ASSAY_OK);
    cr_assert_eq(
        assay_rounder_make_for(&f, round, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &acc.round),
        ASSAY_OK);
    return acc;
}

Test(product_with, exact_sums, .timeout = 300)
{
    static const size_t sizes[][3] = { { 3, 5, 7 }, { 1, 1, 1 }, { 9, 50, 1025 }, { 2, 25, 513 } };
    static const struct {
        const char *format;
        assay_rounding round;
    } into[] = { { "binary64", { .mode = ASSAY_RNE } },
                 { "binary32", { .mode = ASSAY_RDN } },
                 { "bfloat16", { .mode = ASSAY_SR } },
                 { "binary64", { .mode = ASSAY_RODD } } };
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (size_t z = 0; z < sizeof sizes / sizeof sizes[0]; z++) {
            size_t t = (s + z) % (sizeof into / sizeof into[0]);
            assay_accumulator acc = exact_into(into[t].format, into[t].round);
            check(into[t].format, &acc, sizes[z], &shapes[s], z == 3);
        }
}

/* Blocks of rows and panels beyond one, where threads share. */
Test(product_with, exact_sums_of_many_rows)
{
    static const size_t size[3] = { 131, 49, 40 };
    assay_accumulator acc = exact_into("binary16", (assay_rounding){ .mode = ASSAY_RNE });
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        check("binary16", &acc, size, &shapes[s], false);
}

/* ---- the other accumulators ---- */

Test(product_with, every_accumulator, .timeout = 300)
{
    static const char *const texts[] = { "reference",
                                         "binary32",
                                         "bfloat16:unfused",
                                         "binary16:block=7",
                                         "binary32:pairwise",
                                         "bfloat16:kahan,round=rup",
                                         "bfloat16:pairwise,round=sr",
                                         "binary16:kahan,round=sra:bits=8",
                                         "bfloat16:step,round=sr",
                                         "binary16:block=7,round=sra:bits=9",
                                         "e5m2:step,round=src:bits=8,overflow=sat",
                                         "binary16:step,round=srb:bits=13",
                                         "bfloat16:block=9,round=sreq",
                                         "binary32:step,round=sr",
                                         "binary32:step,round=sreq",
                                         "binary16:block=16,round=sr",
                                         "e5m2:step,round=sr,overflow=sat",
                                         "bfloat16:step,round=sra:bits=20",
                                         "bfloat16:unfused,round=sr",
                                         "[float:e=3,m=28]:step,round=sr",
                                         "bfloat16:step,ef=yes",
                                         "binary16:block=5,ef=yes,residue=bfloat16",
                                         "int32",
                                         "int32:sat",
                                         "bf16x9",
                                         "ozaki:slices=4" };
    static const size_t sizes[][3] = { { 0, 3, 4 },   { 3, 0, 4 },   { 3, 4, 0 },  { 1, 1, 1 },
                                       { 5, 51, 29 }, { 2, 3, 150 }, { 9, 25, 32 } };
    const shape integers = { "integers", 31, 0, 0 };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (size_t z = 0; z < sizeof sizes / sizeof sizes[0]; z++) {
            assay_accumulator acc = accumulator(texts[i]);
            check(texts[i], &acc, sizes[z], &integers, false);
            if (texts[i][0] != 'i')
                check(texts[i], &acc, sizes[z], &shapes[4], false);
        }
}

/* Whole panels and rows, zeros, infinities and NaN, overflow: in lanes as by the definition. */
Test(product_with, trees_compensation_and_feedback_in_every_mode)
{
    enum { M = 5, N = 25, K = 21 };
    static const char *const sums[] = { "pairwise", "kahan", "step,ef=yes", "unfused,ef=yes",
                                        "block=4,ef=yes" };
    static const char *const formats[] = { "bfloat16", "binary16", "e4m3", "e4m3fnuz", "e5m2" };
    const double some[] = { 0,    -0.0,   1,        -1,     1.5,      -0.375,    448,
                            -448, 0x1p-9, -0x1p-16, 0x1p15, INFINITY, -INFINITY, NAN };
    double a[M * K], b[N * K], c[M * N], out[M * N], want[M * N];
    problem p = { M, N, K, a, b, c, out, want };
    for (size_t i = 0; i < 5 * 5 * (size_t)ASSAY_MODE_COUNT; i++) {
        char text[80];
        snprintf(text, sizeof text, "%s:%s,round=%s", formats[i / 5 % 5], sums[i % 5],
                 assay_mode_name((assay_mode)(i / 25)));
        assay_accumulator acc = accumulator(text);
        size_t kinds = i % 3 == 0 ? 14 : 10; /* sums of infinities are soon NaN */
        for (size_t e = 0; e < M * K; e++)
            a[e] = draw() % 4 ? some[draw() % 10] : some[draw() % kinds];
        for (size_t e = 0; e < N * K; e++)
            b[e] = draw() % 2 ? some[draw() % 6] : some[draw() % 10];
        for (size_t e = 0; e < M * N; e++)
            c[e] = some[draw() % 6];
        for (int with_c = 0; with_c < 2; with_c++) {
            define(&p, &acc, with_c);
            for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
                cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
                compare(&p, &acc, text, with_c);
            }
        }
    }
}

/* Sums whose position between two values begins with the 32 bits of their draw, or differs by as
 * little: there sr has to see more of its bits, or nearly so. */
Test(product_with, draws_that_do_not_decide)
{
    enum { M = 3, N = 26, K = 16 };
    assay_accumulator acc = accumulator("bfloat16:step,round=sr");
    double a[M * K] = { 0 }, b[N * K] = { 0 }, want[M * N], out[M * N];
    problem p = { M, N, K, a, b, NULL, out, want };
    for (size_t past = 0; past < 5; past++)
        for (size_t row = 0; row < M; row++) {
            for (size_t i = 0; i < M * K; i++)
                a[i] = i / K == row && i % K == 5 ? 1 : 0;
            for (size_t j = 0; j < N; j++) {
                uint64_t index = (row * N + j) * K + 5;
                double draw = (double)(int64_t)assay_philox_word(99, 5, index, 0);
                b[j * K + 5] = 1 + 0x1p-7 * 0x1p-32 * (draw + 0.25 * (double)(int)past);
            }
            define(&p, &acc, false);
            for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
                cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
                compare(&p, &acc, "undecided", false);
            }
        }
}

/* A part of a product takes the random bits of the whole. */
Test(product_with, parts_of_a_product)
{
    enum { M = 4, N = 5, K = 9 };
    assay_accumulator acc = accumulator("bfloat16:step,round=sr");
    double *a = matrix(M * K, &shapes[4], false), *b = matrix(N * K, &shapes[4], false);
    double whole[M * N], part[2 * 2];
    void *workspace = grab(assay_product_workspace(&acc, M, N, K));
    assay_operand all = { b, ASSAY_STORAGE_F64, 1, K, NULL };
    assay_operand some = { b + 3 * K, ASSAY_STORAGE_F64, 1, K, NULL };
    assay_product_more more = { .random = bits };
    assay_product_with(&acc, M, N, K, a, K, &all, &more, whole, N, workspace);
    more.row = 1, more.column = 3, more.columns = N, more.terms = K;
    assay_product_with(&acc, 2, 2, K, a + K, K, &some, &more, part, 2, workspace);
    for (size_t i = 0; i < 4; i++)
        expect_bits(part[i], whole[(1 + i / 2) * N + 3 + i % 2], "a part", i);
    more.random.seed++;
    assay_product_with(&acc, 2, 2, K, a + K, K, &some, &more, part, 2, workspace);
    cr_expect(part[0] != whole[N + 3] || part[1] != whole[N + 4] || part[2] != whole[2 * N + 3],
              "another seed gives other bits");
    free(workspace);
    free(a);
    free(b);
}
