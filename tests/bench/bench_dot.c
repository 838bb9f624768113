/* SPDX-License-Identifier: Apache-2.0 */
/* Times exact dot products of binary32 and binary64 vectors beside MPFR, and threads beside one.
 * The sums are compared first. One CSV line each, processor time (of all threads).
 *
 *   bench_dot [TERMS]
 */
#include <mpfr.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "numerics/bits.h"
#include "numerics/superaccumulator.h"

typedef struct vectors {
    size_t n;
    double *x, *y;
    float *x32, *y32;
} vectors;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* neighbours do not count */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *grab(size_t bytes)
{
    void *p = malloc(bytes);
    if (!p)
        exit(3);
    return p;
}

static uint64_t draw(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state;
}

/* Numbers of the magnitudes 2^-spread to 2^spread. */
static double number(int spread)
{
    double x = 1 + (double)(int64_t)(draw() >> 41) * 0x1p-23;
    int e = (int)(draw() >> 33) % (2 * spread + 1) - spread;
    return draw() >> 63 ? -x * assay_pow2(e) : x * assay_pow2(e);
}

static assay_leading sum64(const vectors *v, int threads)
{
    assay_superaccumulator all;
    assay_superaccumulator_clear(&all);
#pragma omp parallel num_threads(threads)
    {
        assay_superaccumulator mine;
        size_t t = (size_t)omp_get_thread_num(), of = (size_t)omp_get_num_threads();
        size_t from = v->n / of * t, to = t + 1 == of ? v->n : v->n / of * (t + 1);
        assay_superaccumulator_clear(&mine);
        assay_superaccumulator_add_dot_f64(&mine, to - from, v->x + from, 1, v->y + from, 1);
#pragma omp critical(merge)
        assay_superaccumulator_merge(&all, &mine);
    }
    return assay_superaccumulator_leading(&all);
}

static assay_leading sum32(const vectors *v)
{
    assay_superaccumulator s;
    assay_superaccumulator_clear(&s);
    assay_superaccumulator_add_dot_f32(&s, v->n, v->x32, 1, v->y32, 1);
    return assay_superaccumulator_leading(&s);
}

static bool same(assay_leading a, assay_leading b)
{
    return a.kind == b.kind && a.negative == b.negative && a.sticky == b.sticky && a.exp == b.exp &&
           a.sig == b.sig;
}

static double mpfr_seconds(const vectors *v, size_t n)
{
    mpfr_t sum, product;
    mpfr_init2(sum, 700);
    mpfr_init2(product, 106);
    mpfr_set_zero(sum, 1);
    double t = now();
    for (size_t i = 0; i < n; i++) {
        mpfr_set_d(product, v->x[i], MPFR_RNDN);
        mpfr_mul_d(product, product, v->y[i], MPFR_RNDN);
        mpfr_add(sum, sum, product, MPFR_RNDN);
    }
    t = now() - t;
    mpfr_clears(sum, product, (mpfr_ptr)0);
    return t;
}

static void show(const char *what, int spread, size_t n, double seconds, double mpfr)
{
    double each = 1e9 * seconds / (double)n;
    printf("%s,2^+-%d,%.3f,%.1f\n", what, spread, each, mpfr / each);
}

static bool bench(vectors *v, int spread)
{
    for (size_t i = 0; i < v->n; i++) {
        v->x[i] = number(spread);
        v->y[i] = number(spread);
        v->x32[i] = (float)(spread > 120 ? number(120) : v->x[i]); /* what binary32 can hold */
        v->y32[i] = (float)(spread > 120 ? number(120) : v->y[i]);
    }
    double least[3] = { 1e9, 1e9, 1e9 };
    size_t few = v->n / 50 + 1;
    double mpfr = 1e9 * mpfr_seconds(v, few) / (double)few;
    for (size_t i = 0; i < 5 + 20000000 / (v->n + 1); i++) {
        double t0 = now();
        assay_leading a = sum32(v);
        double t1 = now();
        assay_leading b = sum64(v, 1);
        double t2 = now();
        assay_leading c = sum64(v, 2);
        double t[3] = { t1 - t0, t2 - t1, now() - t2 };
        if ((spread <= 120 && !same(a, b)) || !same(b, c))
            return false;
        for (int k = 0; k < 3; k++)
            least[k] = t[k] < least[k] ? t[k] : least[k];
    }
    show("binary32", spread, v->n, least[0], mpfr);
    show("binary64", spread, v->n, least[1], mpfr);
    show("binary64 on 2 threads", spread, v->n, least[2], mpfr);
    return true;
}

int main(int argc, char **argv)
{
    vectors v = { .n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000 };
    v.x = (double *)grab(v.n * sizeof *v.x), v.y = (double *)grab(v.n * sizeof *v.y);
    v.x32 = (float *)grab(v.n * sizeof *v.x32), v.y32 = (float *)grab(v.n * sizeof *v.y32);
    printf("operands,magnitudes,ns/term,times faster than MPFR\n");
    return bench(&v, 2) && bench(&v, 10) && bench(&v, 40) && bench(&v, 300) ? 0 : 1;
}
