/* SPDX-License-Identifier: Apache-2.0 */
/* Casting arrays: equality with the scalar definition first, then the least time of many runs, in
 * ns per element, its ratio to memcpy of the same numbers in the same run, and the least time in
 * cache. Usage: bench_cast [FORMAT...]; a few of each kind without arguments. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "numerics/philox.h"
#include "rounding/array.h"
#include "rounding/count.h"

enum { LARGE = 16 << 20, CACHED = 64 << 10, CHECKED = 1 << 14, LARGE_RUNS = 5, CACHED_RUNS = 100 };

/* x, and the same as binary64; codes of x for decoding. */
typedef struct arrays {
    float *x;
    double *wide;
    void *y, *codes;
} arrays;

typedef enum job { VALUES, CODES, WIDE, DECODE, COUNTED, JOBS } job;
static const char *const job_names[] = { "values", "codes", "binary64", "decode", "counted" };

static const char *const formats[] = { "e4m3", "e5m2", "e2m1", "binary16", "bfloat16", "tf32" };
static const char *const modes[] = { "rne",        "rna",        "rtz",        "raz",
                                     "rup",        "rodd",       "sr",         "sra:bits=16",
                                     "sra:bits=8", "srb:bits=8", "src:bits=8", "sreq" };
static const assay_random dice = { .seed = 1 };

/* The thread's own time: on a shared machine the clock on the wall counts others' work. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t random_bits(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static double uniform(uint64_t i)
{
    return ((double)(random_bits(i) >> 11) + 0.5) * 0x1p-53;
}

/* N(0, 1), or magnitudes spread evenly over the binades 2^-28 .. 2^20. */
static void fill(float *x, size_t n, int wide)
{
    const double turn = 6.283185307179586;
    for (size_t i = 0; i < n; i++) {
        double normal = sqrt(-2 * log(uniform(2 * i))) * cos(turn * uniform(2 * i + 1));
        double spread = ldexp(1 + uniform(2 * i), (int)(random_bits(2 * i + 1) % 48) - 28);
        x[i] = (float)(wide ? (random_bits(i) >> 60 & 1 ? -spread : spread) : normal);
    }
}

static void run(const assay_rounder *r, job what, const arrays *a, size_t n)
{
    static assay_counters counters;
    switch (what) {
    case VALUES: assay_round_random_f32(r, &dice, 0, a->x, a->y, n); break;
    case CODES: assay_encode_random_f32(r, &dice, 0, a->x, a->y, n); break;
    case WIDE: assay_round_random_f64(r, &dice, 0, a->wide, a->y, n); break;
    case DECODE: assay_decode_array_f32(&r->format, a->codes, a->y, n); break;
    default: /* block by block, as a caller that wants both would */
        for (size_t i = 0; i < n; i += CHECKED) {
            float *y = (float *)a->y + i;
            size_t k = n - i < CHECKED ? n - i : CHECKED;
            assay_round_random_f32(r, &dice, i, a->x + i, y, k);
            assay_count_f32(r, &dice, i, a->x + i, y, k, &counters);
        }
    }
}

/* Nonzero if an element differs from the definition. */
static int differs(const assay_rounder *r, const arrays *a, job what)
{
    size_t bytes = assay_format_container(&r->format);
    run(r, what, a, CHECKED);
    for (size_t i = 0; i < CHECKED; i++) {
        uint64_t want = assay_round_exact_at(r, assay_exact_from(a->wide[i]), &dice, i),
                 code = want;
        double value = assay_decode(&r->format, want), got = value;
        if (what == CODES)
            code = 0, memcpy(&code, (char *)a->y + i * bytes, bytes);
        else if (what == WIDE)
            got = ((double *)a->y)[i];
        else
            got = (double)((float *)a->y)[i];
        if (code != want || assay_bits64(got) != assay_bits64(value))
            return fprintf(stderr, "%s %s %s: element %zu of %a\n", r->format.name,
                           assay_mode_name(r->mode), job_names[what], i, a->wide[i]);
    }
    return 0;
}

/* Nanoseconds per element of one run; r NULL is memcpy. */
static double time_once(const assay_rounder *r, job what, const arrays *a, size_t n)
{
    double start = now();
    if (r)
        run(r, what, a, n);
    else if (what == WIDE)
        memcpy(a->y, a->wide, n * sizeof *a->wide);
    else
        memcpy(a->y, a->x, n * sizeof *a->x);
    __asm__ volatile("" : : "r"(a->y) : "memory");
    return (now() - start) * 1e9 / (double)n;
}

static void print_times(const assay_rounder *r, job what, const arrays *a)
{
    double large = INFINITY, copy = INFINITY, cached = INFINITY;
    for (int k = 0; k < LARGE_RUNS; k++) { /* interleaved, so that both meet the same machine */
        copy = fmin(copy, time_once(NULL, what, a, LARGE));
        large = fmin(large, time_once(r, what, a, LARGE));
    }
    for (int k = 0; k < CACHED_RUNS; k++)
        cached = fmin(cached, time_once(r, what, a, CACHED));
    printf("  %6.3f %5.2f %6.3f", large, large / copy, cached);
}

static void bench_row(const assay_rounder *r, const char *mode, const arrays *a, const char *data)
{
    assay_encode_random_f32(r, &dice, 0, a->x, a->codes, LARGE);
    for (int isa = (int)assay_isa_best(); isa >= 0; isa--) {
        if (assay_isa_force((assay_isa)isa) != ASSAY_OK)
            exit(1);
        printf("%-9s %-11s %-6s %-8s", r->format.name, mode, data, assay_isa_name((assay_isa)isa));
        for (job what = VALUES; what < JOBS; what++) {
            if (differs(r, a, what))
                exit(1);
            print_times(r, what, a);
        }
        printf("\n");
        fflush(stdout);
    }
}

static void bench_format(const char *name, const arrays *a, const char *data)
{
    assay_format f;
    assay_rounder r;
    assay_rounding rounding;
    for (size_t k = 0; k < sizeof modes / sizeof modes[0]; k++) {
        if (assay_format_parse(name, &f) != ASSAY_OK ||
            assay_rounding_parse(modes[k], &rounding) != ASSAY_OK ||
            assay_rounder_make_for(&f, rounding, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r) !=
                ASSAY_OK)
            fprintf(stderr, "bench_cast: %s\n", assay_last_error()), exit(2);
        bench_row(&r, modes[k], a, data);
    }
}

/* What stochastic modes cannot do without: the words alone. */
static void bench_words(const arrays *a)
{
    for (int isa = (int)assay_isa_best(); isa >= 0; isa--) {
        double best = INFINITY;
        if (assay_isa_force((assay_isa)isa) != ASSAY_OK)
            exit(1);
        for (int k = 0; k < CACHED_RUNS; k++) {
            double start = now();
            assay_philox_words(1, 0, 0, 0, a->y, CACHED);
            best = fmin(best, (now() - start) * 1e9 / CACHED);
        }
        printf("# Philox, ns a word: %-8s %6.3f\n", assay_isa_name((assay_isa)isa), best);
    }
}

static void print_cpu(void)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "model name", 10) == 0) {
            printf("# CPU%s", strchr(line, ':'));
            break;
        }
    if (file)
        fclose(file);
    printf("# compiler: %s\n", __VERSION__);
    printf("# each: %d Mi elements: ns/element, times memcpy; %d Ki: ns/element\n", LARGE >> 20,
           CACHED >> 10);
    printf("%-9s %-11s %-6s %-8s", "# format", "mode", "data", "isa");
    for (job what = VALUES; what < JOBS; what++)
        printf(" %21s", job_names[what]);
    printf("\n");
}

int main(int argc, char **argv)
{
    size_t bytes = (size_t)LARGE * sizeof(double);
    arrays a = { aligned_alloc(4096, bytes / 2), aligned_alloc(4096, bytes),
                 aligned_alloc(4096, bytes), aligned_alloc(4096, bytes / 2) };
    if (!a.x || !a.wide || !a.y || !a.codes)
        return 3;
    memset(a.y, 0, bytes);
    print_cpu();
    bench_words(&a);
    for (int wide = 0; wide < 2; wide++) {
        fill(a.x, LARGE, wide);
        for (size_t i = 0; i < LARGE; i++)
            a.wide[i] = (double)a.x[i];
        for (size_t i = 0; argc == 1 && i < sizeof formats / sizeof formats[0]; i++)
            bench_format(formats[i], &a, wide ? "wide" : "normal");
        for (int i = 1; i < argc; i++)
            bench_format(argv[i], &a, wide ? "wide" : "normal");
    }
    free(a.x);
    free(a.wide);
    free(a.y);
    free(a.codes);
    return 0;
}
