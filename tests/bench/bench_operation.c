/* SPDX-License-Identifier: Apache-2.0 */
/* ns per correctly rounded result, beside MPFR at the format's own precision in the same run (which
 * then rounds to nearest with MPFR's exponent range: no subnormals, no overflow). The last column
 * is the share of results that 192 bits or more had to decide. Usage: bench_operation [FORMAT]. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <mpfr.h>

#include "rounding/function_parts.h"

enum { N = 4000, RUNS = 3 };

typedef int (*unary)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);
typedef int (*binary)(mpfr_ptr, mpfr_srcptr, mpfr_srcptr, mpfr_rnd_t);

static const struct {
    const char *name;
    unary one;
    binary two;
} rows[] = {
    { "add", NULL, mpfr_add },     { "mul", NULL, mpfr_mul },     { "div", NULL, mpfr_div },
    { "sqrt", mpfr_sqrt, NULL },   { "hypot", NULL, mpfr_hypot }, { "exp", mpfr_exp, NULL },
    { "exp2", mpfr_exp2, NULL },   { "expm1", mpfr_expm1, NULL }, { "log", mpfr_log, NULL },
    { "log2", mpfr_log2, NULL },   { "log1p", mpfr_log1p, NULL }, { "sin", mpfr_sin, NULL },
    { "cos", mpfr_cos, NULL },     { "tan", mpfr_tan, NULL },     { "asin", mpfr_asin, NULL },
    { "acos", mpfr_acos, NULL },   { "atan", mpfr_atan, NULL },   { "atan2", NULL, mpfr_atan2 },
    { "sinpi", mpfr_sinpi, NULL }, { "sinh", mpfr_sinh, NULL },   { "tanh", mpfr_tanh, NULL },
    { "asinh", mpfr_asinh, NULL }, { "pow", NULL, mpfr_pow },     { "erf", mpfr_erf, NULL },
    { "sigmoid", NULL, NULL },     { "gelu", NULL, NULL },        { "gelu_tanh", NULL, NULL },
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

/* Magnitudes 2^-8 .. 2^4, as every function here has values for. */
static void fill(const assay_format *f, uint64_t codes[2][N])
{
    uint64_t s = 1;
    for (size_t i = 0; i < 2 * N; i++) {
        uint64_t field = (uint64_t)(f->bias - 8) + next(&s) % 8;
        codes[i % 2][i / 2] =
            field << f->fraction_bits | (next(&s) & ((1u << f->fraction_bits) - 1));
    }
}

static double ours(const assay_operator *op, uint64_t codes[2][N], uint64_t *sum)
{
    const assay_random none = { 0 };
    double best = 1e300;
    for (int run = 0; run < RUNS; run++) {
        double start = now();
        for (size_t i = 0; i < N; i++) {
            const uint64_t own[2] = { codes[0][i], codes[1][i] };
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

static double theirs(size_t k, const assay_format *f, uint64_t codes[2][N])
{
    mpfr_t x, y, r;
    double best = 1e300;
    mpfr_inits2(f->p, x, y, r, (mpfr_ptr)NULL);
    for (int run = 0; run < RUNS; run++) {
        double start = now();
        for (size_t i = 0; i < N; i++) {
            mpfr_set_d(x, assay_decode(f, codes[0][i]), MPFR_RNDN);
            mpfr_set_d(y, assay_decode(f, codes[1][i]), MPFR_RNDN);
            if (rows[k].one)
                rows[k].one(r, x, MPFR_RNDN);
            else
                rows[k].two(r, x, y, MPFR_RNDN);
        }
        double t = (now() - start) / N;
        best = t < best ? t : best;
    }
    mpfr_clears(x, y, r, (mpfr_ptr)NULL);
    return best;
}

/* How often the double-double result leaves the rounding open, where there is one. */
static double fallback(const assay_operator *op, uint64_t codes[2][N])
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
    static uint64_t codes[2][N];
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
    printf("%-10s %10s %10s %10s\n", "operation", "assay_ns", "mpfr_ns", "open");
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        assay_operator op;
        const assay_format *const formats[] = { &f, &f };
        if (assay_operator_make(assay_operation_find(rows[k].name), &r, formats, &op) != ASSAY_OK)
            return 1;
        printf("%-10s %10.0f", rows[k].name, ours(&op, codes, &sum));
        if (rows[k].one || rows[k].two)
            printf(" %10.0f", theirs(k, &f, codes));
        else
            printf(" %10s", "-");
        if (op.operation->id >= ASSAY_OPERATION_EXP)
            printf(" %10.2g", fallback(&op, codes));
        puts("");
    }
    return sum == 0;
}
