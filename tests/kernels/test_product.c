/* SPDX-License-Identifier: Apache-2.0 */
/* Products against MPFR, step by step, and against each other across ISAs, threads and sizes. */
#include "tests/kernels/product_oracle.h"
#include "tests/support/points.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>

/* ---- sums ---- */

static double oracle_exact(const assay_accumulator *acc, size_t k, const double *x, const double *y)
{
    if (k == 0)
        return 0;
    for (size_t p = 0; p < k; p++) {
        mpfr_set_d(product_, x[p], MPFR_RNDN);
        mpfr_mul_d(product_, product_, y[p], MPFR_RNDN);
        if (p == 0)
            mpfr_set(sum_, product_, MPFR_RNDN);
        else
            mpfr_add(sum_, sum_, product_, zero_mode(&acc->round));
    }
    return rounded(&acc->round, sum_);
}

static double oracle_dot(const assay_accumulator *acc, size_t k, const double *x, const double *y)
{
    double total = 0, sum = 0;
    if (acc->kind == ASSAY_SUM_EXACT)
        return oracle_exact(acc, k, x, y);
    for (size_t p = 0; p < k; p++) {
        sum = oracle_step(acc, x[p], y[p], sum);
        if (acc->kind == ASSAY_SUM_BLOCK && ((p + 1) % acc->block == 0 || p + 1 == k)) {
            total = oracle_step(acc, sum, 1, total);
            sum = 0;
        }
    }
    return acc->kind == ASSAY_SUM_BLOCK ? total : sum;
}

/* ---- data ---- */

typedef enum data { IN_FORMAT, SMALL_INTEGERS, TIES, ANY_DOUBLES, EXTREMES, DATA_COUNT } data;

static double code_value(const assay_format *f)
{
    double x = assay_decode(f, draw() & (f->bits < 64 ? ((uint64_t)1 << f->bits) - 1 : ~0ull));
    return x == x && draw() % 64 != 0 && x - x != 0 ? 1 : x == x ? x : 0.5;
}

static double one_of_specials(const assay_format *f)
{
    const double list[] = { 0.0,
                            -0.0,
                            INFINITY,
                            -INFINITY,
                            NAN,
                            1,
                            -1,
                            f->max,
                            -f->max,
                            f->min_positive,
                            0x1p-1074,
                            -0x1p1023,
                            f->min_normal,
                            0x1.fffffffffffffp-500 };
    return list[draw() % (sizeof list / sizeof list[0])];
}

/* Values whose products lie on and beside ties of f: few bits, then one far below. */
static double tie(const assay_format *f)
{
    double x = 1 + (double)(draw() % 8) * ldexp(1, -f->p);
    x = ldexp(x, (int)(draw() % 5) - 2);
    if (draw() % 3 == 0)
        x = ldexp(x, f->emin / 2);
    return draw() % 4 == 0 ? x + ldexp(x, -45) : draw() % 2 ? -x : x;
}

static double any_double(void)
{
    double x = assay_from_bits64(draw());
    int e = (int)(draw() % 40) - 20;
    return x - x != 0        ? 1
           : draw() % 4 == 0 ? x
                             : copysign(ldexp(1 + (double)(draw() >> 12) * 0x1p-52, e), x);
}

static double element(const assay_format *f, data kind)
{
    switch (kind) {
    case IN_FORMAT: return code_value(f);
    case SMALL_INTEGERS: return (double)((int)(draw() % 17) - 8);
    case TIES: return tie(f);
    case ANY_DOUBLES: return any_double();
    default: return draw() % 3 ? code_value(f) : one_of_specials(f);
    }
}

static void fill(double *x, size_t n, const assay_format *f, data kind)
{
    for (size_t i = 0; i < n; i++)
        x[i] = element(f, kind);
}

/* ---- every row, mode, kind of sum ---- */

enum { M = 5, N = 7, K = 11 };

static void check_against_oracle(const assay_accumulator *acc, const char *what, data kind)
{
    double a[M * K], b[N * K], out[M * N], want[M * N];
    assay_operand operand = { b, ASSAY_STORAGE_F64, 1, K, NULL };
    fill(a, M * K, &acc->round.format, kind);
    fill(b, N * K, &acc->round.format, kind);
    for (size_t i = 0; i < M * N; i++) {
        const double *x = a + i / N * K, *y = b + i % N * K;
        want[i] = oracle_dot(acc, K, x, y);
        expect_bits(assay_dot(acc, K, x, 1, y, 1), want[i], what, i);
    }
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        product(acc, M, N, K, a, &operand, out, N);
        for (size_t i = 0; i < M * N; i++)
            expect_bits(out[i], want[i], what, i);
    }
}

/* Policies in turns: what they do to overflow does not depend on the order of the sum. */
static void check_format(const char *format)
{
    static int turn;
    static const char *const sums[] = { "step", "unfused", "block=3", "block=11" };
    char text[200];
    for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++)
        for (int policy = 0; policy < ASSAY_OVERFLOW_COUNT; policy++)
            for (size_t s = 0; s < sizeof sums / sizeof sums[0] + 1; s++) {
                bool exact = s == sizeof sums / sizeof sums[0];
                assay_accumulator acc;
                if (policy != ASSAY_OVERFLOW_SPEC && turn++ % 7 > 0 && !points_thorough())
                    continue;
                snprintf(text, sizeof text, "[%s]:%s,round=%s,overflow=%s", format,
                         exact ? "step" : sums[s], assay_mode_name((assay_mode)mode),
                         assay_overflow_name((assay_overflow)policy));
                if (assay_accumulator_parse(text, &acc) != ASSAY_OK)
                    continue; /* the format lacks what the policy asks for */
                if (exact) {
                    acc.kind = ASSAY_SUM_EXACT;
                    memcpy(strstr(text, ":step"), ":exac", 5);
                }
                for (int kind = 0; kind < DATA_COUNT; kind++)
                    check_against_oracle(&acc, text, (data)kind);
            }
}

Test(product, every_row_mode_and_sum, .timeout = 600)
{
    start_oracle();
    for (size_t i = 0; i < assay_format_count(); i++)
        if (assay_format_row(i)->kind == ASSAY_FAMILY_FLOAT)
            check_format(assay_format_row(i)->name);
}

Test(product, unusual_formats, .timeout = 600)
{
    static const char *const specs[] = {
        "float:e=5,m=7",
        "float:e=4,m=3,inf=no,nan=negzero,zero=unsigned,bias=8",
        "float:e=8,m=20",
        "float:e=5,m=4,sign=no,zero=unsigned",
        "float:e=4,m=3,subnormals=no",
        "float:e=6,m=0,inf=no,nan=none",
        "float:e=11,m=9",
        "float:e=4,m=1,inf=yes,nan=none",
    };
    start_oracle();
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++)
        check_format(specs[i]);
}

/* ---- sizes, threads, ISAs ---- */

static const char *const sums[] = {
    "reference",        "exact",         "binary64:step",           "binary64:block=50",
    "binary32:step",    "bfloat16:step", "binary32:block=7",        "binary16:block=250",
    "binary64:unfused", "e4m3:unfused",  "binary32:step,round=rup", "tf32:block=192",
};

static void check_size(const assay_accumulator *acc, const char *text, size_t m, size_t n, size_t k,
                       data kind)
{
    const assay_rounder *f = &acc->round;
    assay_format operands = *assay_format_row(3); /* bfloat16: chains that do not saturate */
    double *a = (double *)grab(m * k * 8), *b = (double *)grab(n * k * 8);
    double *out = (double *)grab(m * (n + 3) * 8), *want = (double *)grab(m * n * 8);
    assay_operand operand = { b, ASSAY_STORAGE_F64, n, 1, NULL };
    fill(a, m * k, kind == IN_FORMAT ? &operands : &f->format, kind);
    fill(b, n * k, kind == IN_FORMAT ? &operands : &f->format, kind);
    for (size_t i = 0; i < m * n; i++)
        want[i] = assay_dot(acc, k, a + i / n * k, 1, b + i % n, n);
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++)
        for (int threads = 1; threads <= 2; threads++) {
            cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
            omp_set_num_threads(threads);
            product(acc, m, n, k, a, &operand, out, n + 3);
            for (size_t i = 0; i < m * n; i++)
                expect_bits(out[i / n * (n + 3) + i % n], want[i], text, i);
        }
    free(a);
    free(b);
    free(out);
    free(want);
}

Test(product, sizes_threads_and_sets, .timeout = 600)
{
    static const size_t sizes[][3] = {
        { 0, 5, 5 },  { 5, 0, 5 },  { 5, 5, 0 },     { 1, 1, 1 },   { 1, 50, 257 },  { 8, 24, 256 },
        { 9, 25, 5 }, { 7, 47, 3 }, { 17, 49, 391 }, { 3, 97, 64 }, { 40, 60, 101 }, { 515, 9, 33 },
    };
    for (size_t s = 0; s < sizeof sums / sizeof sums[0]; s++) {
        assay_accumulator acc = accumulator(sums[s]);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            const size_t *z = sizes[i];
            check_size(&acc, sums[s], z[0], z[1], z[2], i % 2 ? TIES : ANY_DOUBLES);
            check_size(&acc, sums[s], z[0], z[1], z[2], i % 3 ? SMALL_INTEGERS : TIES);
        }
    }
}

/* Where a later block of terms overflows, the tile is redone from what the earlier one left. */
Test(product, overflow_in_a_later_block)
{
    static double a[400], b[400];
    for (size_t i = 0; i < 400; i++) {
        a[i] = i < 200 ? 0.25 : 2;
        b[i] = i < 390 ? 0.5 : 30000;
    }
    static const char *const texts[] = { "binary16:step", "binary16:step,overflow=sat",
                                         "e5m2:unfused,round=rtz", "e4m3:step" };
    assay_operand operand = { b, ASSAY_STORAGE_F64, 1, 400, NULL };
    start_oracle();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assay_accumulator acc = accumulator(texts[i]);
        double out = 0;
        product(&acc, 1, 1, 400, a, &operand, &out, 1);
        expect_bits(out, oracle_dot(&acc, 400, a, b), texts[i], i);
    }
}

/* One bit beyond what each fast loop may take for exact. */
Test(product, conditions_of_the_fast_loops)
{
    static const struct {
        const char *text;
        double a[3], b[3], want;
    } cases[] = {
        { "binary16:step", { 2048, 0x1.000000000008p0 }, { 1, 1 }, 2050 },
        { "binary16:step,round=rtz", { 0x1.00000004p0 }, { 0x1.fffffff8p-1 }, 0x1.ffcp-1 },
        { "binary16:unfused,round=rtz", { 0x1.00000004p0 }, { 0x1.fffffff8p-1 }, 0x1.ffcp-1 },
        { "bfloat16:unfused,round=rtz", { 1, -0x1p-70 }, { 1, 1 }, 0x1.fep-1 },
        { "bfloat16:unfused,round=rdn", { -1, -0x1p-70 }, { 1, 1 }, -0x1.02p0 },
        { "exact", { 0x1p60, 1, -0x1p60 }, { 1, 1, 1 }, 1 },
        { "exact", { 0x1p30, 1, -0x1p30 }, { 0x1p23, 1, 0x1p23 }, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
            assay_accumulator acc = accumulator(cases[i].text);
            assay_operand operand = { cases[i].b, ASSAY_STORAGE_F64, 1, 3, NULL };
            double out = 0;
            cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
            product(&acc, 1, 1, 3, cases[i].a, &operand, &out, 1);
            expect_bits(out, cases[i].want, cases[i].text, i);
        }
}

/* Exact products whose sum, once rounded to binary64, sits on a tie of the format. */
Test(product, double_rounding_traps)
{
    static const struct {
        const char *text;
        double a, b, c, want;
    } traps[] = {
        { "e5m2:step", 0x1.8p-8, 0x1.8p15, 0x1p-16, 0 },
        { "bfloat16:step", 0x1.04p0, 0x1.4p0, 0x1p-40, 0x1.46p0 },
        { "binary16:step", 0x1.8p10, 0x1.558p0, 0x1p-24, 2050 },
    };
    start_oracle();
    for (size_t i = 0; i < sizeof traps / sizeof traps[0]; i++)
        for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
            assay_accumulator acc = accumulator(traps[i].text);
            cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
            double a[2] = { traps[i].c, traps[i].a }, b[2] = { 1, traps[i].b }, out = 0;
            assay_operand operand = { b, ASSAY_STORAGE_F64, 1, 2, NULL };
            product(&acc, 1, 1, 2, a, &operand, &out, 1);
            expect_bits(out, oracle_dot(&acc, 2, a, b), traps[i].text, i);
            if (traps[i].want != 0)
                expect_bits(out, traps[i].want, traps[i].text, i);
        }
}
