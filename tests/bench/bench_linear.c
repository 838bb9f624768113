/* SPDX-License-Identifier: Apache-2.0 */
/* Times y = x W^T, W stored as binary32 [n, k], for each kind of accumulator beside OpenBLAS in
 * the same run on one thread, and beside MPFR's fused multiply-add at the accumulator's precision,
 * a chain of it. Equality with the definition comes first. One CSV line each, processor time.
 *
 *   OPENBLAS_CORETYPE=SkylakeX OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 bench_linear [m n k [N
 * [ACC [ISA]]]]
 */
#include <cblas.h>
#include <mpfr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/product.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"

typedef struct problem {
    size_t m, n, k;
    int runs;
    double *a, *b, *out; /* b: the weight as doubles, for dgemm */
    float *a32, *b32, *out32;
    void *workspace;
    double dgemm, sgemm; /* seconds */
} problem;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* neighbours on the machine do not count */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *grab(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!p)
        exit(3);
    memset(p, 0, bytes);
    return p;
}

/* Sums of eight uniforms, from a fixed generator. */
static double noise(uint64_t *state)
{
    double sum = 0;
    for (int i = 0; i < 8; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        sum += (double)(*state >> 33) * 0x1p-31 - 0.5;
    }
    return sum;
}

static assay_rounder rounder(const char *name, assay_overflow overflow)
{
    assay_format f;
    assay_rounder r;
    if (assay_format_parse(name, &f) != ASSAY_OK ||
        assay_rounder_make(&f, ASSAY_RNE, overflow, ASSAY_NAN_RULE_DEFAULT, &r) != ASSAY_OK)
        exit(2);
    return r;
}

/* Operands that belong to `name`, as a quantized model's do. */
static void fill(problem *p, const char *name)
{
    assay_rounder r = rounder(name, ASSAY_OVERFLOW_SPEC);
    double to = strcmp(name, "int8") == 0 ? 40 : strcmp(name, "e2m1") == 0 ? 2 : 1;
    uint64_t state = 1;
    for (size_t i = 0; i < p->m * p->k; i++) {
        p->a[i] = assay_round(&r, noise(&state) * to);
        p->a32[i] = (float)p->a[i];
    }
    for (size_t i = 0; i < p->n * p->k; i++) {
        p->b[i] = assay_round(&r, noise(&state) * (to > 1 ? to : 0.0625));
        p->b32[i] = (float)p->b[i];
    }
}

static void time_blas(problem *p)
{
    int m = (int)p->m, n = (int)p->n, k = (int)p->k;
    p->dgemm = p->sgemm = 1e30;
    for (int i = 0; i < p->runs; i++) {
        double t0 = now();
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, p->a, k, p->b, k, 0,
                    p->out, n);
        double t1 = now();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, p->a32, k, p->b32, k, 0,
                    p->out32, n);
        double t2 = now();
        p->dgemm = t1 - t0 < p->dgemm ? t1 - t0 : p->dgemm;
        p->sgemm = t2 - t1 < p->sgemm ? t2 - t1 : p->sgemm;
    }
}

/* Seconds of one term by MPFR: the operands are its numbers already. */
static double time_mpfr(const problem *p, int precision)
{
    enum { TERMS = 4096, RUNS = 8 };
    static mpfr_t x[TERMS], y[TERMS];
    mpfr_t sum;
    double best = 1e30;
    size_t n = p->k < TERMS ? p->k : TERMS;
    mpfr_init2(sum, precision);
    for (size_t i = 0; i < n; i++) {
        mpfr_inits2(53, x[i], y[i], (mpfr_ptr)NULL);
        mpfr_set_d(x[i], p->a[i], MPFR_RNDN);
        mpfr_set_d(y[i], p->b[i], MPFR_RNDN);
    }
    for (int run = 0; run < RUNS; run++) {
        double t0 = now();
        mpfr_set_zero(sum, 1);
        for (size_t i = 0; i < n; i++)
            mpfr_fma(sum, x[i], y[i], sum, MPFR_RNDN);
        double t = (now() - t0) / (double)n;
        best = t < best ? t : best;
    }
    for (size_t i = 0; i < n; i++)
        mpfr_clears(x[i], y[i], (mpfr_ptr)NULL);
    mpfr_clear(sum);
    return best;
}

/* A sample of the elements; the tests compare all. */
static bool equals_definition(const problem *p, const assay_accumulator *acc)
{
    for (size_t s = 0; s < 16; s++) {
        size_t i = s * 37 % p->m, j = s * 131 % p->n;
        double x = assay_dot_with(acc, p->k, p->a + i * p->k, 1, p->b + j * p->k, 1, NULL, NULL,
                                  (i * p->n + j) * p->k, NULL);
        if (assay_bits64(x) != assay_bits64(p->out[i * p->n + j])) {
            printf("element %zu, %zu is %a, by the definition %a\n", i, j, p->out[i * p->n + j], x);
            return false;
        }
    }
    return true;
}

static bool bench(const problem *p, const char *operands, const char *text)
{
    assay_accumulator acc;
    assay_operand b = { p->b32, ASSAY_STORAGE_F32, 1, p->k, NULL };
    if (assay_accumulator_parse(text, &acc) != ASSAY_OK) {
        printf("%s\n", assay_last_error());
        return false;
    }
    double best = 1e30, macs = (double)p->m * (double)p->n * (double)p->k;
    for (int i = 0; i < p->runs && (i == 0 || best < 3); i++) {
        double t0 = now();
        assay_product(&acc, p->m, p->n, p->k, p->a, p->k, &b, p->out, p->n, p->workspace);
        double t = now() - t0;
        best = t < best ? t : best;
        if (i == 0 && !equals_definition(p, &acc))
            return false;
    }
    printf("%s,%s,%s,%.3f,%.2f,%.3f,%.3f,%.0f\n", assay_isa_name(assay_isa_current()), operands,
           text, 1e3 * best, 1e-9 * macs / best, p->dgemm / best, p->sgemm / best,
           time_mpfr(p, acc.round.format.p) * macs / best);
    fflush(stdout);
    return true;
}

static void bench_wide(const problem *p)
{
    assay_operand b = { p->b32, ASSAY_STORAGE_F32, 1, p->k, NULL };
    double best = 1e30, *lo = (double *)grab(p->m * p->n * sizeof *lo);
    for (int i = 0; i < p->runs && (i == 0 || best < 3); i++) {
        double t0 = now();
        assay_product_wide(p->m, p->n, p->k, p->a, NULL, p->k, &b, NULL, p->out, lo, p->n,
                           p->workspace);
        double t = now() - t0;
        best = t < best ? t : best;
    }
    double macs = (double)p->m * (double)p->n * (double)p->k;
    printf("%s,binary32,(double-double),%.3f,%.2f,%.3f,%.3f,%.0f\n",
           assay_isa_name(assay_isa_current()), 1e3 * best, 1e-9 * macs / best, p->dgemm / best,
           p->sgemm / best, time_mpfr(p, 106) * macs / best);
    free(lo);
}

static void print_machine(const problem *p)
{
    char line[256], cpu[256] = "unknown";
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "model name", 10) == 0)
            snprintf(cpu, sizeof cpu, "%s", strchr(line, ':') + 2);
    if (f)
        fclose(f);
    cpu[strcspn(cpu, "\n")] = 0;
    double macs = (double)p->m * (double)p->n * (double)p->k;
    printf("# cpu %s; compiler %s; m=%zu n=%zu k=%zu, minimum of %d\n", cpu, __VERSION__, p->m,
           p->n, p->k, p->runs);
    printf("# OpenBLAS core %s: dgemm %.3f ms, %.2f GMAC/s; sgemm %.3f ms, %.2f GMAC/s\n",
           openblas_get_corename(), 1e3 * p->dgemm, 1e-9 * macs / p->dgemm, 1e3 * p->sgemm,
           1e-9 * macs / p->sgemm);
    printf("isa,operands,accumulator,ms,GMAC/s,of_dgemm,of_sgemm,of_mpfr\n");
}

static const struct {
    const char *operands, *accumulator;
} cases[] = {
    { "binary32", "reference" },
    { "binary32", "binary64:step" },
    { "binary32", "binary32:step" },
    { "binary32", "binary32:block=32" },
    { "binary32", "binary32:step,round=rtz" },
    { "binary32", "bfloat16:step" },
    { "binary32", "exact" },
    { "bfloat16", "bfloat16:step" },
    { "bfloat16", "bfloat16:step,round=rdn" },
    { "bfloat16", "bfloat16:unfused" },
    { "bfloat16", "bfloat16:block=32" },
    { "bfloat16", "tf32:step" },
    { "bfloat16", "exact" },
    { "e4m3", "e4m3:step,overflow=sat" },
    { "e4m3", "binary16:step" },
    { "e4m3", "binary16:step,round=rodd" },
    { "e4m3", "[float:e=5,m=7]:step,round=rna" },
    { "e5m2", "binary16:step" },
    { "e5m2", "e5m2:step" },
    { "e5m2", "e5m2:step,round=sr" },
    { "bfloat16", "bfloat16:step,round=sr" },
    { "bfloat16", "bfloat16:step,round=sra:bits=8" },
    { "bfloat16", "bfloat16:pairwise" },
    { "bfloat16", "bfloat16:kahan" },
    { "bfloat16", "bfloat16:step,ef=yes" },
    { "e4m3", "exact" },
    { "int8", "exact" },
    { "e2m1", "exact" },
    { "e3m2", "exact" },
    { "binary16", "exact" },
};

int main(int argc, char **argv)
{
    problem p = { 512, 2048, 2048, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0 };
    size_t *sizes[] = { &p.m, &p.n, &p.k };
    for (int i = 1; i < argc && i < 4; i++)
        *sizes[i - 1] = strtoul(argv[i], NULL, 10);
    if (argc > 4)
        p.runs = atoi(argv[4]);
    assay_isa isa = assay_isa_best();
    if (argc > 6 &&
        (assay_isa_parse(argv[6], &isa) != ASSAY_OK || assay_isa_force(isa) != ASSAY_OK))
        return 2;
    p.a = (double *)grab(p.m * p.k * 8), p.b = (double *)grab(p.n * p.k * 8);
    p.out = (double *)grab(p.m * p.n * 8), p.a32 = (float *)grab(p.m * p.k * 4);
    p.b32 = (float *)grab(p.n * p.k * 4), p.out32 = (float *)grab(p.m * p.n * 4);
    assay_accumulator exact, block;
    if (assay_accumulator_parse("exact", &exact) != ASSAY_OK ||
        assay_accumulator_parse("binary32:block=32", &block) != ASSAY_OK)
        return 2;
    size_t x = assay_product_workspace(&exact, p.m, p.n, p.k);
    size_t y = assay_product_workspace(&block, p.m, p.n, p.k);
    p.workspace = grab(x > y ? x : y);
    fill(&p, "binary32");
    time_blas(&p);
    print_machine(&p);
    const char *operands = "binary32";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (argc > 5 && strcmp(argv[5], cases[i].accumulator) != 0)
            continue;
        if (strcmp(operands, cases[i].operands) != 0)
            fill(&p, operands = cases[i].operands);
        if (!bench(&p, operands, cases[i].accumulator))
            return 1;
    }
    fill(&p, "binary32");
    if (argc < 6)
        bench_wide(&p);
    return 0;
}
