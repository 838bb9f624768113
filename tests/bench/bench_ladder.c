/* SPDX-License-Identifier: Apache-2.0 */
/* Rounding, encoding and decoding arrays of formats that are not binary floats: equality with the
 * scalar definition first, then the least time of many runs on 64 Ki elements, in ns per element,
 * and its ratio to memcpy of the same binary32 in the same run.
 * Usage: bench_ladder [FORMAT...]; some rows without arguments. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "rounding/array.h"

enum { ELEMENTS = 64 << 10, CHECKED = 1 << 12, RUNS = 100, OPERATIONS = 5 };

static float x32[ELEMENTS], y32[ELEMENTS];
static double x64[ELEMENTS], y64[ELEMENTS];
static char codes[ELEMENTS * 4];

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
static void fill(int wide)
{
    const double turn = 6.283185307179586;
    for (uint64_t i = 0; i < ELEMENTS; i++) {
        double normal = sqrt(-2 * log(uniform(2 * i))) * cos(turn * uniform(2 * i + 1));
        double spread = ldexp(1 + uniform(2 * i), (int)(random_bits(2 * i + 1) % 48) - 28);
        x32[i] = (float)(wide ? (random_bits(i) >> 60 & 1 ? -spread : spread) : normal);
        x64[i] = x32[i];
    }
}

static void run(const assay_rounder *r, int operation)
{
    switch (operation) {
    case 0: assay_round_array_f32(r, x32, y32, ELEMENTS); return;
    case 1: assay_encode_array_f32(r, x32, codes, ELEMENTS); return;
    case 2: assay_decode_array_f32(&r->format, codes, y32, ELEMENTS); return;
    case 3: assay_round_array_f64(r, x64, y64, ELEMENTS); return;
    case 4: assay_encode_array_f64(r, x64, codes, ELEMENTS); return;
    default: memcpy(y32, x32, sizeof x32); return;
    }
}

/* Nonzero if an element differs from assay_round or assay_round_code. */
static int differs(const assay_rounder *r)
{
    size_t bytes = assay_format_container(&r->format);
    run(r, 0);
    run(r, 3);
    run(r, 1);
    for (size_t i = 0; i < CHECKED; i++) {
        uint64_t code = 0, want = assay_round_code(r, x64[i]);
        memcpy(&code, codes + i * bytes, bytes);
        double y = assay_decode(&r->format, want);
        if (code != want || assay_bits64(y) != assay_bits64(y64[i]) ||
            assay_bits32((float)y) != assay_bits32(y32[i]))
            return fprintf(stderr, "%s: element %zu of %a\n", r->format.name, i, x64[i]);
    }
    return 0;
}

static double time_of(const assay_rounder *r, int operation)
{
    double start = now();
    run(r, operation);
    __asm__ volatile("" : : "r"(y32), "r"(y64), "r"(codes) : "memory");
    return (now() - start) * 1e9 / ELEMENTS;
}

static void bench(const char *name, const char *data)
{
    assay_format f;
    assay_rounder r;
    if (assay_format_parse(name, &f) != ASSAY_OK ||
        assay_rounder_make(&f, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r) !=
            ASSAY_OK)
        fprintf(stderr, "bench_ladder: %s\n", assay_last_error()), exit(2);
    for (int isa = (int)assay_isa_best(); isa >= 0; isa--) {
        if (assay_isa_force((assay_isa)isa) != ASSAY_OK || differs(&r))
            exit(1);
        double least[OPERATIONS + 1];
        for (int k = 0; k <= OPERATIONS; k++) {
            least[k] = INFINITY;
            for (int i = 0; i < RUNS && (i < 3 || least[k] < 100); i++)
                least[k] = fmin(least[k], time_of(&r, k));
        }
        printf("%-12s %-7s %-9s", name, data, assay_isa_name((assay_isa)isa));
        for (int k = 0; k < OPERATIONS; k++)
            printf(" %7.3f %5.1f", least[k], least[k] / least[OPERATIONS]);
        printf("\n");
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    static const char *const some[] = { "posit8",  "posit16", "posit32", "takum8", "takum16",
                                        "takum32", "hif8",    "int8",    "int32",  "nf4",
                                        "lns8",    "sqrt2_4", "pow2_4",  "e8m0",   "e6m2" };
    printf("# compiler: %s; %d Ki elements, rne: ns/element, times memcpy of binary32\n",
           __VERSION__, ELEMENTS >> 10);
    printf("%-30s %13s %13s %13s %13s %13s\n", "# format     data    isa", "f32 values",
           "f32 codes", "f32 decode", "f64 values", "f64 codes");
    for (int wide = 0; wide < 2; wide++) {
        fill(wide);
        for (size_t i = 0; argc == 1 && i < sizeof some / sizeof some[0]; i++)
            bench(some[i], wide ? "wide" : "normal");
        for (int i = 1; i < argc; i++)
            bench(argv[i], wide ? "wide" : "normal");
    }
    return 0;
}
