/* SPDX-License-Identifier: Apache-2.0 */
/* ns per correctly rounded result, beside MPFR at the format's own precision in the same run (which
 * then rounds to nearest with MPFR's exponent range: no subnormals, no overflow): one by one, and
 * arrays on one thread, which are compared with the first before they are timed. `ratio` is MPFR
 * over arrays; `open` the share of results that 192 bits or more had to decide.
 * Usage: bench_operation [FORMAT]. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <mpfr.h>
#include <omp.h>

#include "rounding/function_parts.h"

enum { N = 4000, LONG = 1 << 14, RUNS = 3, MANY_RUNS = 100 };

typedef int (*unary)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);
typedef int (*binary)(mpfr_ptr, mpfr_srcptr, mpfr_srcptr, mpfr_rnd_t);
typedef int (*ternary)(mpfr_ptr, mpfr_srcptr, mpfr_srcptr, mpfr_srcptr, mpfr_rnd_t);

static const struct {
    const char *name;
    unary one;
    binary two;
    ternary three;
} rows[] = {
    { .name = "fma", .three = mpfr_fma },
    { .name = "sub", .two = mpfr_sub },
    { .name = "softplus" },
    { .name = "silu" },
    { .name = "add", .two = mpfr_add },
    { .name = "mul", .two = mpfr_mul },
    { .name = "div", .two = mpfr_div },
    { .name = "sqrt", .one = mpfr_sqrt },
    { .name = "rsqrt", .one = mpfr_rec_sqrt },
    { .name = "hypot", .two = mpfr_hypot },
    { .name = "exp", .one = mpfr_exp },
    { .name = "exp2", .one = mpfr_exp2 },
    { .name = "expm1", .one = mpfr_expm1 },
    { .name = "log", .one = mpfr_log },
    { .name = "log2", .one = mpfr_log2 },
    { .name = "log1p", .one = mpfr_log1p },
    { .name = "sin", .one = mpfr_sin },
    { .name = "cos", .one = mpfr_cos },
    { .name = "tan", .one = mpfr_tan },
    { .name = "asin", .one = mpfr_asin },
    { .name = "acos", .one = mpfr_acos },
    { .name = "atan", .one = mpfr_atan },
    { .name = "atan2", .two = mpfr_atan2 },
    { .name = "sinpi", .one = mpfr_sinpi },
    { .name = "sinh", .one = mpfr_sinh },
    { .name = "tanh", .one = mpfr_tanh },
    { .name = "asinh", .one = mpfr_asinh },
    { .name = "pow", .two = mpfr_pow },
    { .name = "erf", .one = mpfr_erf },
    { .name = "sigmoid" },
    { .name = "gelu" },
    { .name = "gelu_tanh" },
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t next(uint64_t *s)
{
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return *s >> 20;
}

/* Magnitudes 2^-8 .. 1, or what the format has of them. */
static void fill(const assay_format *f, uint64_t codes[3][N])
{
    uint64_t s = 1;
    for (size_t i = 0; i < 3 * N; i++) {
        uint64_t field =
            (uint64_t)(f->bias > 8 ? f->bias - 8 : 1) + next(&s) % (f->bias > 8 ? 8 : 5);
        codes[i % 3][i / 3] =
            field << f->fraction_bits | (next(&s) & ((1u << f->fraction_bits) - 1));
    }
}

static double ours(const assay_operator *op, uint64_t codes[3][N], uint64_t *sum)
{
    const assay_random none = { 0 };
    double best = 1e300;
    for (int run = 0; run < RUNS; run++) {
        double start = now();
        for (size_t i = 0; i < N; i++) {
            const uint64_t own[3] = { codes[0][i], codes[1][i], codes[2][i] };
            uint64_t code = 0;
            if (assay_operate(op, &none, 0, own, &code) != ASSAY_OK)
                exit(1);
            *sum += code;
        }
        double t = (now() - start) / N;
        best = t < best ? t : best;
    }
    return best;
}

/* The same operands again and again. */
static double arrays(const assay_operator *op, uint64_t codes[3][N])
{
    static uint64_t x[3][LONG], y[LONG];
    const uint64_t *const at[] = { x[0], x[1], x[2] };
    const assay_random none = { 0 };
    size_t bad;
    double best = 1e300;
    for (size_t i = 0; i < (size_t)3 * LONG; i++)
        x[i % 3][i / 3] = codes[i % 3][i / 3 % N];
    for (int i = 0; i < (op->rounder.format.bits > 16 ? 1 : 4); i++) /* then a table is made */
        if (assay_operate_codes(op, &none, 0, at, y, LONG, &bad) != ASSAY_OK)
            exit(1);
    for (size_t i = 0; i < N; i++) {
        const uint64_t own[3] = { x[0][i], x[1][i], x[2][i] };
        uint64_t code = 0;
        if (assay_operate(op, &none, 0, own, &code) != ASSAY_OK || code != y[i]) {
            fprintf(stderr, "%s: element %zu differs\n", op->operation->name, i);
            exit(1);
        }
    }
    for (int run = 0; run < (best < 100 ? MANY_RUNS : RUNS); run++) {
        double start = now();
        if (assay_operate_codes(op, &none, 0, at, y, LONG, &bad) != ASSAY_OK)
            exit(1);
        double t = (now() - start) / LONG;
        best = t < best ? t : best;
    }
    return best;
}

static double theirs(size_t k, const assay_format *f, uint64_t codes[3][N])
{
    mpfr_t x, y, z, r;
    double best = 1e300;
    mpfr_inits2(f->p, x, y, z, r, (mpfr_ptr)NULL);
    for (int run = 0; run < RUNS; run++) {
        double start = now();
        for (size_t i = 0; i < N; i++) {
            mpfr_set_d(x, assay_decode(f, codes[0][i]), MPFR_RNDN);
            mpfr_set_d(y, assay_decode(f, codes[1][i]), MPFR_RNDN);
            if (rows[k].three)
                mpfr_set_d(z, assay_decode(f, codes[2][i]), MPFR_RNDN);
            if (rows[k].three)
                rows[k].three(r, x, y, z, MPFR_RNDN);
            else if (rows[k].one)
                rows[k].one(r, x, MPFR_RNDN);
            else
                rows[k].two(r, x, y, MPFR_RNDN);
        }
        double t = (now() - start) / N;
        best = t < best ? t : best;
    }
    mpfr_clears(x, y, z, r, (mpfr_ptr)NULL);
    return best;
}

/* How often the double-double result leaves the rounding open, where there is one. */
static double fallback(const assay_operator *op, uint64_t codes[3][N])
{
    size_t open = 0, all = 0;
    const assay_random none = { 0 };
    for (size_t i = 0; i < N && op->operation->id >= ASSAY_OPERATION_EXP; i++) {
        assay_operand x[2];
        assay_result r = { .d = 1 };
        uint64_t code;
        for (int k = 0; k < op->operation->arity; k++)
            x[k] = assay_operand_of(op->operands[k], codes[k][i]);
        if (!assay_function_fast(op->operation->id, x, &r))
            continue;
        all++;
        open += !assay_result_round(op, &r, &none, 0, &code);
    }
    return all > 0 ? (double)open / (double)all : 1;
}

int main(int argc, char **argv)
{
    static uint64_t codes[3][N];
    assay_format f;
    assay_rounder r;
    uint64_t sum = 0;
    if (assay_format_parse(argc > 1 ? argv[1] : "binary32", &f) != ASSAY_OK ||
        assay_rounder_make(&f, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r) !=
            ASSAY_OK ||
        f.kind != ASSAY_FAMILY_FLOAT || f.p > 24) {
        fprintf(stderr, "a binary float of at most 24 bits of precision\n");
        return 2;
    }
    fill(&f, codes);
    omp_set_num_threads(1);
    printf("%-10s %10s %10s %10s %10s %10s\n", "operation", "assay_ns", "array_ns", "mpfr_ns",
           "ratio", "open");
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        assay_operator op;
        const assay_format *const formats[] = { &f, &f, &f };
        if (assay_operator_make(assay_operation_find(rows[k].name), &r, formats, &op) != ASSAY_OK)
            return 1;
        double array = arrays(&op, codes);
        printf("%-10s %10.0f %10.2f", rows[k].name, ours(&op, codes, &sum), array);
        if (rows[k].one || rows[k].two || rows[k].three) {
            double mpfr = theirs(k, &f, codes);
            printf(" %10.0f %10.1f", mpfr, mpfr / array);
        } else {
            printf(" %10s %10s", "-", "-");
        }
        if (op.operation->id >= ASSAY_OPERATION_EXP)
            printf(" %10.2g", fallback(&op, codes));
        puts("");
    }
    return sum == 0;
}
