/* SPDX-License-Identifier: Apache-2.0 */
/* Rounding and encoding arrays of binary32: equality with the scalar definition first, then the
 * least time of many runs, in ns per element, and its ratio to memcpy of the same floats in the
 * same run. Usage: bench_cast [FORMAT...]; all rows without arguments. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "rounding/array.h"

enum { LARGE = 16 << 20, CACHED = 64 << 10, CHECKED = 1 << 16, LARGE_RUNS = 7, CACHED_RUNS = 200 };

typedef struct arrays {
    float *x, *y;
} arrays;

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

static void run(const assay_rounder *r, int codes, const float *x, void *y, size_t n)
{
    if (codes)
        assay_encode_array_f32(r, x, y, n);
    else
        assay_round_array_f32(r, x, y, n);
}

/* Nonzero if an element differs from assay_round or assay_round_code. */
static int differs(const assay_rounder *r, const arrays *a)
{
    size_t bytes = assay_format_container(&r->format);
    for (int codes = 0; codes < 2; codes++) {
        run(r, codes, a->x, a->y, CHECKED);
        for (size_t i = 0; i < CHECKED; i++) {
            uint64_t code = 0, want = assay_round_code(r, a->x[i]);
            memcpy(&code, (char *)a->y + i * (codes ? bytes : 0), codes ? bytes : 0);
            float value = (float)assay_round(r, a->x[i]);
            if (codes ? code != want : assay_bits32(value) != assay_bits32(a->y[i]))
                return fprintf(stderr, "%s %s: element %zu of %a\n", r->format.name,
                               assay_mode_name(r->mode), i, (double)a->x[i]);
        }
    }
    return 0;
}

/* Nanoseconds per element of one run; r NULL is memcpy. */
static double time_once(const assay_rounder *r, int codes, const arrays *a, size_t n)
{
    double start = now();
    if (r)
        run(r, codes, a->x, a->y, n);
    else
        memcpy(a->y, a->x, n * sizeof *a->x);
    __asm__ volatile("" : : "r"(a->y) : "memory");
    return (now() - start) * 1e9 / (double)n;
}

static void print_times(const assay_rounder *r, int codes, const arrays *a)
{
    double large = INFINITY, copy = INFINITY, cached = INFINITY;
    for (int k = 0; k < LARGE_RUNS; k++) { /* interleaved, so that both meet the same machine */
        copy = fmin(copy, time_once(NULL, 0, a, LARGE));
        large = fmin(large, time_once(r, codes, a, LARGE));
    }
    for (int k = 0; k < CACHED_RUNS; k++)
        cached = fmin(cached, time_once(r, codes, a, CACHED));
    printf(" %6.3f %5.2f %6.3f", large, large / copy, cached);
}

static void bench_row(const assay_rounder *r, const arrays *a, const char *data)
{
    for (int isa = (int)assay_isa_best(); isa > 0; isa--) {
        if (assay_isa_force((assay_isa)isa) != ASSAY_OK || differs(r, a))
            exit(1);
        printf("%-9s %-5s %-6s %-7s", r->format.name, assay_mode_name(r->mode), data,
               assay_isa_name((assay_isa)isa));
        print_times(r, 0, a);
        print_times(r, 1, a);
        printf("\n");
        fflush(stdout);
    }
}

static void bench_format(const char *name, const arrays *a, const char *data)
{
    assay_format f;
    assay_rounder r;
    if (assay_format_parse(name, &f) != ASSAY_OK)
        fprintf(stderr, "bench_cast: %s\n", assay_last_error()), exit(2);
    for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++)
        if (assay_rounder_make(&f, (assay_mode)mode, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT,
                               &r) == ASSAY_OK)
            bench_row(&r, a, data);
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
    printf("# %d Mi binary32: ns/element, times memcpy; %d Ki: ns/element\n", LARGE >> 20,
           CACHED >> 10);
    printf("%-9s %-5s %-6s %-7s %20s %20s\n", "# format", "mode", "data", "isa", "values", "codes");
}

int main(int argc, char **argv)
{
    size_t bytes = (size_t)LARGE * sizeof(double);
    arrays a = { aligned_alloc(4096, bytes), aligned_alloc(4096, bytes) };
    if (!a.x || !a.y)
        return 3;
    memset(a.y, 0, bytes);
    print_cpu();
    for (int wide = 0; wide < 2; wide++) {
        fill(a.x, LARGE, wide);
        for (size_t i = 0; argc == 1 && i < assay_format_count(); i++)
            bench_format(assay_format_row(i)->name, &a, wide ? "wide" : "normal");
        for (int i = 1; i < argc; i++)
            bench_format(argv[i], &a, wide ? "wide" : "normal");
    }
    free(a.x);
    free(a.y);
    return 0;
}
