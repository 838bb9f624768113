/* SPDX-License-Identifier: Apache-2.0 */
/* ns per element of quantizing and dequantizing on one core: bench_scheme [ELEMENTS [SPEC...]].
 * Each run is checked first: dequantized codes are the values. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "numerics/cpu.h"
#include "rounding/scheme.h"

enum { COLS = 4096, RUNS = 5 };

/* The thread's own time: on a shared machine the clock on the wall counts others' work. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What a run works on. */
typedef struct buffers {
    size_t rows;
    double *x, *y;
    unsigned char *codes, *scales, *zeros;
} buffers;

static bool allocate(size_t n, buffers *b)
{
    b->rows = n / COLS > 0 ? n / COLS : 1;
    n = b->rows * COLS;
    b->x = malloc(n * sizeof *b->x);
    b->y = malloc(n * sizeof *b->y);
    b->codes = malloc(4 * n);
    b->scales = malloc(4 * n);
    b->zeros = malloc(4 * n);
    unsigned long long state = 1;
    for (size_t i = 0; b->x && i < n; i++) {
        double sum = 0; /* of uniform numbers: about normal */
        for (int k = 0; k < 4; k++) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            sum += (double)(state >> 40) * 0x1p-24 - 0.5;
        }
        b->x[i] = (double)(float)sum;
    }
    return b->x && b->y && b->codes && b->scales && b->zeros;
}

static bool check(const assay_scheme *s, const buffers *b, const assay_tensor_scale *t)
{
    double one[COLS];
    assay_quantized out = { .values = one };
    assay_scheme_quantize(s, t, 1, COLS, b->x, NULL, 0, &out);
    return s->tile_rows > 1 || s->extent == ASSAY_EXTENT_TENSOR ||
           memcmp(one, b->y, sizeof one) == 0;
}

static bool bench(const char *spec, const buffers *b)
{
    assay_scheme s;
    double best[3] = { INFINITY, INFINITY, INFINITY }, n = (double)(b->rows * COLS);
    if (assay_scheme_parse(spec, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &s) !=
        ASSAY_OK) {
        fprintf(stderr, "%s\n", assay_last_error());
        return false;
    }
    assay_quantized out = { .codes = b->codes,
                            .scales = b->scales,
                            .zeros = s.has_zero ? b->zeros : NULL };
    assay_tensor_scale t = { 1, 1, 1 };
    for (int run = 0; run < RUNS; run++) {
        double start = now();
        if (s.has_tensor_scale)
            t = assay_scheme_tensor_scale(&s, assay_scheme_amax(&s, b->rows, COLS, b->x));
        double amax = now();
        assay_scheme_quantize(&s, &t, b->rows, COLS, b->x, NULL, 0, &out);
        double quantized = now();
        assay_scheme_dequantize(&s, b->rows, COLS, b->codes, b->scales,
                                s.has_zero ? b->zeros : NULL, t.stored, b->y);
        const double took[] = { amax - start, quantized - amax, now() - quantized };
        for (int i = 0; i < 3; i++)
            best[i] = took[i] < best[i] ? took[i] : best[i];
    }
    bool right = check(&s, b, &t);
    printf("%-22s  amax %6.3f  quantize %7.3f  dequantize %6.3f ns per element%s\n", spec,
           best[0] / n * 1e9, best[1] / n * 1e9, best[2] / n * 1e9, right ? "" : "  WRONG");
    return right;
}

int main(int argc, char **argv)
{
    static char *usual[] = { "mxfp8_e4m3",     "mxfp4",      "nvfp4",
                             "deepseek_1x128", "int8_token", "int4_group",
                             "mxfp4:rule=mse", "q4_0",       "q4_k" };
    buffers b;
    bool right = true;
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : (size_t)1 << 24;
    if (!allocate(n, &b))
        return 3;
    printf("isa %s, %zu elements\n", assay_isa_name(assay_isa_current()), b.rows * COLS);
    for (int i = 2; i < argc; i++)
        right = bench(argv[i], &b) && right;
    for (size_t i = 0; argc < 3 && i < sizeof usual / sizeof usual[0]; i++)
        right = bench(usual[i], &b) && right;
    return !right;
}
