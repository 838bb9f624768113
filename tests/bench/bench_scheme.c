/* SPDX-License-Identifier: Apache-2.0 */
/* ns per element of quantizing and dequantizing binary32 on one core: bench_scheme [ELEMENTS
 * [SPEC[@MODE]|rotation:N...]]. Codes and scales of some rows are first compared with the
 * definition's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "numerics/cpu.h"
#include "rounding/scheme_run.h"
#include "rounding/transform.h"

enum { COLS = 4096 };

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
    int runs; /* short ones more often: the least is wanted */
    float *x, *y;
    unsigned char *codes, *scales, *zeros;
} buffers;

static bool allocate(size_t n, buffers *b)
{
    b->runs = n < 1 << 20 ? 1000 : 5;
    b->rows = n / COLS > 0 ? n / COLS : 1;
    n = b->rows * COLS;
    b->x = malloc(n * sizeof *b->x);
    b->y = aligned_alloc(64, n * sizeof *b->y);
    b->codes = calloc(4 * n, 1);
    b->scales = calloc(n, 1);
    b->zeros = calloc(n, 1);
    unsigned long long state = 1;
    for (size_t i = 0; b->x && i < n; i++) {
        double sum = 0; /* of uniform numbers: about normal */
        for (int k = 0; k < 4; k++) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            sum += (double)(state >> 40) * 0x1p-24 - 0.5;
        }
        b->x[i] = (float)sum;
    }
    return b->x && b->y && b->codes && b->scales && b->zeros;
}

/* The first rows, with the scale of the whole tensor. */
static bool check(const assay_scheme *s, const buffers *b, const assay_tensor_scale *t)
{
    enum { ROWS = 16, BYTES = 4 * ROWS * COLS };
    static double x[ROWS * COLS];
    static unsigned char codes[2][BYTES], scales[2][BYTES], zeros[2][BYTES];
    const assay_random random = { 0 };
    size_t rows = b->rows < ROWS ? b->rows : ROWS;
    for (size_t i = 0; i < rows * COLS; i++)
        x[i] = (double)b->x[i];
    memset(codes, 0, sizeof codes);
    memset(scales, 0, sizeof scales);
    memset(zeros, 0, sizeof zeros);
    const assay_quantized slow = { codes[0], scales[0], s->has_zero ? zeros[0] : NULL, NULL };
    const assay_quantized_f32 fast = { codes[1], scales[1], s->has_zero ? zeros[1] : NULL, NULL };
    assay_scheme_quantize_slowly(s, t, rows, COLS, x, &random, 0, &slow);
    assay_scheme_quantize_f32(s, t, rows, COLS, b->x, &random, 0, &fast);
    return memcmp(codes[0], codes[1], BYTES) == 0 && memcmp(scales[0], scales[1], BYTES) == 0 &&
           memcmp(zeros[0], zeros[1], BYTES) == 0;
}

static bool parse(const char *text, assay_scheme *s)
{
    char spec[256];
    assay_rounding rounding = { 0 };
    snprintf(spec, sizeof spec, "%s", text);
    char *at = strchr(spec, '@');
    if (at)
        *at = 0;
    if ((!at || assay_rounding_parse(at + 1, &rounding) == ASSAY_OK) &&
        assay_scheme_parse_for(spec, rounding, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, s) ==
            ASSAY_OK)
        return true;
    fprintf(stderr, "%s\n", assay_last_error());
    return false;
}

static bool bench(const char *spec, const buffers *b)
{
    assay_scheme s;
    const assay_random random = { 0 };
    double best[3] = { INFINITY, INFINITY, INFINITY }, n = (double)(b->rows * COLS);
    assay_tensor_scale t = { .stored = 1, .reciprocal = 1, .multiplier = 1 };
    if (!parse(spec, &s))
        return false;
    const assay_quantized_f32 out = { b->codes, b->scales, s.has_zero ? b->zeros : NULL, NULL };
    if (s.has_tensor_scale)
        t = assay_scheme_tensor_scale(&s, assay_scheme_amax_f32(&s, b->rows, COLS, b->x));
    bool right = check(&s, b, &t);
    for (int i_run = 0; i_run < b->runs; i_run++) {
        double start = now();
        if (s.has_tensor_scale)
            t = assay_scheme_tensor_scale(&s, assay_scheme_amax_f32(&s, b->rows, COLS, b->x));
        double amax = now();
        assay_scheme_quantize_f32(&s, &t, b->rows, COLS, b->x, &random, 0, &out);
        double quantized = now();
        assay_scheme_dequantize_f32(&s, b->rows, COLS, b->codes, b->scales, out.zeros, t.stored,
                                    b->y);
        const double took[] = { amax - start, quantized - amax, now() - quantized };
        for (int i = 0; i < 3; i++)
            best[i] = took[i] > 0 && took[i] < best[i] ? took[i] : best[i];
    }
    printf("%-22s  amax %6.3f  quantize %7.3f  dequantize %6.3f ns per element%s\n", spec,
           best[0] / n * 1e9, best[1] / n * 1e9, best[2] / n * 1e9, right ? "" : "  WRONG");
    return right;
}

/* A rotation in blocks of n, of the whole and of what stays in the caches. */
static void bench_rotation(size_t n, const buffers *b)
{
    const assay_transform t = { .kind = ASSAY_TRANSFORM_ROTATE, .block = n, .random = true };
    double all = INFINITY, cached = INFINITY;
    for (int i = 0; i < b->runs; i++) {
        double start = now();
        assay_transform_f32(&t, false, b->rows, COLS, b->x, b->y);
        double took = now() - start;
        all = took < all ? took : all;
        start = now();
        for (int k = 0; k < 64; k++)
            assay_transform_f32(&t, false, 8, COLS, b->x, b->y);
        took = now() - start;
        cached = took < cached ? took : cached;
    }
    printf("rotation of %-5zu  %6.3f, in cache %6.3f ns per element\n", n,
           all / (double)(b->rows * COLS) * 1e9, cached / (64 * 8 * COLS) * 1e9);
}

int main(int argc, char **argv)
{
    static const char *const usual[] = {
        "mxfp8_e4m3", "mxfp8_e5m2",     "mxfp6_e2m3",      "mxfp4",          "mxint8",
        "nvfp4",      "nvfp4:order=te", "nvfp4_2d",        "deepseek_1x128", "int8_token",
        "int8_group", "int4_group",     "int4_group_asym", "mxfp8_e4m3@sr",  "mxfp4@sr",
        "nvfp4@sr",   "int4_group@sr",  "mxfp4:rule=mse",  "nvfp4_46",       "nf4_64",
        "q4_0",       "q4_k",
    };
    buffers b;
    bool right = true;
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : (size_t)1 << 24;
    const char *isa = getenv("ASSAY_BENCH_ISA");
    assay_isa forced;
    if (isa && (assay_isa_parse(isa, &forced) != ASSAY_OK || assay_isa_force(forced) != ASSAY_OK))
        return 3;
    if (!allocate(n, &b))
        return 3;
    double copied = INFINITY;
    for (int i = 0; i < b.runs; i++) {
        double start = now();
        memcpy(b.y, b.x, b.rows * COLS * sizeof *b.x);
        double took = now() - start;
        copied = took < copied ? took : copied;
    }
    printf("memcpy %.3f ns per element, ", copied / (double)(b.rows * COLS) * 1e9);
    printf("isa %s, %zu elements\n", assay_isa_name(assay_isa_current()), b.rows * COLS);
    for (int i = 2; i < argc; i++)
        if (strncmp(argv[i], "rotation:", 9) == 0)
            bench_rotation(strtoul(argv[i] + 9, NULL, 10), &b);
        else
            right = bench(argv[i], &b) && right;
    for (size_t i = 0; argc < 3 && i < sizeof usual / sizeof usual[0]; i++)
        right = bench(usual[i], &b) && right;
    for (size_t i = 16; argc < 3 && i <= 1024; i *= 2)
        bench_rotation(i, &b);
    return !right;
}
