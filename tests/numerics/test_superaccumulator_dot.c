/* SPDX-License-Identifier: Apache-2.0 */
/* Exact dot products against MPFR: any magnitudes, specials, cancellation, order, split, threads.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <mpfr.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "numerics/superaccumulator.h"
#include "tests/support/points.h"

static uint64_t state = 1;

static uint64_t draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 33 ^ state << 31;
}

static double *grab(size_t n)
{
    double *x = malloc((n + 1) * sizeof *x);
    cr_assert(x);
    return x;
}

/* What MPFR says the sum is, at a precision where nothing is rounded. */
static void oracle(size_t n, const double *x, const double *y, mpfr_t sum)
{
    mpfr_t product;
    mpfr_init2(sum, 4500);
    mpfr_init2(product, 106);
    mpfr_set_zero(sum, 1);
    for (size_t i = 0; i < n; i++) {
        mpfr_set_d(product, x[i], MPFR_RNDN);
        mpfr_mul_d(product, product, y[i], MPFR_RNDN);
        mpfr_add(sum, sum, product, MPFR_RNDN);
    }
    mpfr_clear(product);
}

static void expect(const assay_superaccumulator *s, const mpfr_t want, const char *what)
{
    assay_leading l = assay_superaccumulator_leading(s);
    mpfr_t top;
    mpz_t sig;
    if (mpfr_nan_p(want)) {
        cr_assert_eq(l.kind, ASSAY_SUM_NAN, "%s", what);
        return;
    }
    if (mpfr_inf_p(want) || mpfr_zero_p(want)) {
        cr_assert_eq(l.kind, mpfr_inf_p(want) ? ASSAY_SUM_INFINITE : ASSAY_SUM_ZERO, "%s", what);
        return;
    }
    mpfr_init2(top, 64);
    mpz_init(sig);
    bool sticky = mpfr_set(top, want, MPFR_RNDZ) != 0;
    int exp = (int)mpfr_get_z_2exp(sig, top);
    mpz_abs(sig, sig);
    cr_assert(l.kind == ASSAY_SUM_FINITE && l.negative == (mpfr_sgn(want) < 0) &&
                  l.sticky == sticky && l.exp == exp && l.sig == mpz_get_ui(sig),
              "%s: %s", assay_isa_name(assay_isa_current()), what);
    mpz_clear(sig);
    mpfr_clear(top);
}

/* ---- data ---- */

static double magnitude(int low, int high)
{
    double x = 1 + (double)(int64_t)(draw() >> 12) * 0x1p-52;
    int e = low + (int)(draw() % (uint64_t)(high - low + 1)), half = e / 2;
    x = x * assay_pow2(half) * assay_pow2(e - half);
    return draw() % 2 ? -x : x;
}

typedef struct range {
    const char *name;
    int low, high, zeros; /* a zero in so many, 0: none */
} range;

static const range ranges[] = {
    { "alike", -2, 2, 0 },
    { "spread", -60, 60, 0 },
    { "wide", -300, 300, 0 },
    { "anything", -1074, 1023, 0 },
    { "subnormal", -1074, -1000, 0 },
    { "underflow", -560, -500, 0 },
    { "huge", 900, 1023, 0 },
    { "sparse", -3, 3, 2 },
    { "mostly zero", -3, 3, 500 },
};

static void fill(const range *r, size_t n, double *x)
{
    for (size_t i = 0; i < n; i++) {
        bool zero = r->zeros == 2 ? draw() % 2 : r->zeros > 2 && draw() % (uint64_t)r->zeros != 0;
        x[i] = zero ? (draw() % 2 ? -0.0 : 0.0) : magnitude(r->low, r->high);
    }
}

static void for_each_set(void (*check)(const range *))
{
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
            check(&ranges[i]);
    }
}

static void check64(const range *r)
{
    static const size_t sizes[] = { 0, 1, 255, 256, 257, 5000, 20000 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t n = sizes[i];
        double *x = grab(3 * n), *y = grab(n), *packed = grab(n);
        mpfr_t want;
        assay_superaccumulator s, t;
        fill(r, 3 * n, x);
        fill(r, n, y);
        for (size_t k = 0; k < n; k++)
            packed[k] = x[3 * k];
        oracle(n, packed, y, want);
        assay_superaccumulator_clear(&s);
        assay_superaccumulator_clear(&t);
        assay_superaccumulator_add_dot_f64(&s, n, x, 3, y, 1);
        expect(&s, want, r->name);
        assay_superaccumulator_add_dot_f64(&t, n, y, 1, packed, 1);
        expect(&t, want, r->name);
        mpfr_clear(want);
        free(x);
        free(y);
        free(packed);
    }
}

Test(superaccumulator_dot, binary64)
{
    for_each_set(check64);
}

static void check32(const range *r)
{
    enum { N = 6000 };
    static float x[N], y[N];
    static double a[N], b[N];
    mpfr_t want;
    assay_superaccumulator s;
    for (size_t i = 0; i < N; i++) {
        uint32_t u = (uint32_t)draw(), v = (uint32_t)draw();
        x[i] = r->low < -900 ? assay_from_bits32(u) : (float)magnitude(-3, 3);
        y[i] = r->low < -900 ? assay_from_bits32(v) : (float)magnitude(-3, 3);
        x[i] = x[i] - x[i] == 0 ? x[i] : 0x1p-149f;
        y[i] = y[i] - y[i] == 0 ? y[i] : -0x1.fffffep127f;
        a[i] = (double)x[i];
        b[i] = (double)y[i];
    }
    oracle(N, a, b, want);
    assay_superaccumulator_clear(&s);
    assay_superaccumulator_add_dot_f32(&s, N, x, 1, y, 1);
    expect(&s, want, r->name);
    mpfr_clear(want);
}

Test(superaccumulator_dot, binary32)
{
    for_each_set(check32);
}

/* ---- against the slow sum, term by term ---- */

/* Of bits: subnormal numbers, zeros of both signs, and at times an infinity or NaN. */
static double any_number(bool specials)
{
    double x = assay_from_bits64(draw() ^ draw() << 32);
    uint64_t pick = draw() % 64;
    if (pick < 4)
        x = pick % 2 ? -0.0 : 0.0;
    return x - x == 0 ? x : specials ? x : 1;
}

static float any_short(bool specials)
{
    float x = assay_from_bits32((uint32_t)draw());
    return draw() % 16 == 0 ? -0.0f : x - x == 0 ? x : specials ? x : 0x1.8p-140f;
}

static void expect_same(const assay_superaccumulator *s, const assay_superaccumulator *t, size_t n)
{
    assay_leading a = assay_superaccumulator_leading(s), b = assay_superaccumulator_leading(t);
    cr_assert(a.kind == b.kind && a.negative == b.negative && a.sticky == b.sticky &&
                  a.like_signed == b.like_signed && a.exp == b.exp && a.sig == b.sig,
              "%s: %zu terms", assay_isa_name(assay_isa_current()), n);
}

static void check_size(size_t n, bool specials)
{
    enum { MOST = 600 };
    double x[MOST], y[MOST];
    float x32[MOST], y32[MOST];
    assay_superaccumulator s = { 0 }, t = { 0 }, s32 = { 0 }, t32 = { 0 };
    for (size_t i = 0; i < n; i++) {
        x[i] = any_number(specials && n % 3 == 0);
        y[i] = any_number(false);
        x32[i] = any_short(specials && n % 3 == 0);
        y32[i] = any_short(false);
        assay_superaccumulator_add_product(&t, x[i], y[i]);
        assay_superaccumulator_add_product(&t32, (double)x32[i], (double)y32[i]);
    }
    assay_superaccumulator_add_dot_f64(&s, n, x, 1, y, 1);
    assay_superaccumulator_add_dot_f32(&s32, n, x32, 1, y32, 1);
    expect_same(&s, &t, n);
    expect_same(&s32, &t32, n);
}

Test(superaccumulator_dot, every_size_as_term_by_term)
{
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        for (size_t n = 0; n <= 600; n++) {
            check_size(n, false);
            check_size(n, true);
        }
    }
}

/* The greatest significands of one exponent and sign, and more of them than the bins may hold. */
Test(superaccumulator_dot, full_bins)
{
    enum { N = 3 << 20 };
    double *x = grab(N);
    float *x32 = malloc(N * sizeof *x32);
    mpfr_t want;
    cr_assert(x32);
    mpfr_init2(want, 200);
    for (size_t i = 0; i < N; i++) {
        x[i] = -0x1.fffffffffffffp0;
        x32[i] = -0x1.fffffep0f;
    }
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        assay_superaccumulator s = { 0 }, s32 = { 0 };
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        assay_superaccumulator_add_dot_f64(&s, N, x, 1, x, 1);
        assay_superaccumulator_add_dot_f32(&s32, N, x32, 1, x32, 1);
        mpfr_set_d(want, x[0], MPFR_RNDN);
        mpfr_sqr(want, want, MPFR_RNDN);
        mpfr_mul_ui(want, want, N, MPFR_RNDN);
        expect(&s, want, "full bins of binary64");
        mpfr_set_flt(want, x32[0], MPFR_RNDN);
        mpfr_sqr(want, want, MPFR_RNDN);
        mpfr_mul_ui(want, want, N, MPFR_RNDN);
        expect(&s32, want, "full bins of binary32");
    }
    mpfr_clear(want);
    free(x);
    free(x32);
}

Test(superaccumulator_dot, specials)
{
    static const double cases[][3] = { { INFINITY, 1, INFINITY },
                                       { -INFINITY, 2, -INFINITY },
                                       { INFINITY, 0, NAN },
                                       { NAN, 1, NAN },
                                       { 0, -1, -0.0 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double x[1000], y[1000];
        assay_superaccumulator s;
        bool zero = cases[i][0] == 0;
        for (size_t k = 0; k < 1000; k++) {
            x[k] = zero ? 0 : 1;
            y[k] = zero ? -1 : 1;
        }
        x[300] = cases[i][0];
        y[300] = cases[i][1];
        assay_superaccumulator_clear(&s);
        assay_superaccumulator_add_dot_f64(&s, 1000, x, 1, y, 1);
        assay_leading l = assay_superaccumulator_leading(&s);
        cr_assert_eq(l.kind, zero                 ? ASSAY_SUM_ZERO
                             : isnan(cases[i][2]) ? ASSAY_SUM_NAN
                                                  : ASSAY_SUM_INFINITE);
        cr_expect(!zero || (l.like_signed && l.negative), "a sum of -0 is -0");
        cr_expect(l.kind != ASSAY_SUM_INFINITE || l.negative == (cases[i][2] < 0));
    }
}

/* ---- cancellation: what is left lies far below every term ---- */

static void shuffle(size_t n, double *x, double *y)
{
    for (size_t i = n; i-- > 1;) {
        size_t j = draw() % (i + 1);
        double a = x[i], b = y[i];
        x[i] = x[j];
        y[i] = y[j];
        x[j] = a;
        y[j] = b;
    }
}

/* Terms +t and -t in random places, and one of 2^-1000 of them; any order gives that one. */
static void fill_cancelling(size_t n, double *x, double *y)
{
    for (size_t i = 0; i + 1 < n; i += 2) {
        x[i] = magnitude(300, 340);
        y[i] = magnitude(160, 200);
        x[i + 1] = -x[i];
        y[i + 1] = y[i];
    }
    x[n - 1] = 0x1.8p-300;
    y[n - 1] = 0x1p-200;
    shuffle(n, x, y);
}

static assay_superaccumulator in_parts(size_t n, const double *x, const double *y, size_t parts,
                                       int threads)
{
    assay_superaccumulator all;
    assay_superaccumulator_clear(&all);
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (size_t part = 0; part < parts; part++) {
        assay_superaccumulator mine;
        size_t from = n / parts * part, to = part + 1 == parts ? n : n / parts * (part + 1);
        assay_superaccumulator_clear(&mine);
        assay_superaccumulator_add_dot_f64(&mine, to - from, x + from, 1, y + from, 1);
#pragma omp critical(merge)
        assay_superaccumulator_merge(&all, &mine);
    }
    return all;
}

/* n terms in each order, split and number of threads; how many terms were added. */
static size_t check_cancelling(size_t n, int orders)
{
    double *x = grab(n), *y = grab(n);
    size_t added = 0;
    mpfr_t want;
    fill_cancelling(n, x, y);
    oracle(n, x, y, want);
    cr_assert_eq(mpfr_cmp_d(want, 0x1.8p-500), 0);
    for (int order = 0; order < orders; order++, shuffle(n, x, y))
        for (size_t parts = 1; parts <= 7; parts += 3)
            for (int threads = 1; threads <= 3; threads++, added += n) {
                assay_superaccumulator s = in_parts(n, x, y, parts, threads);
                expect(&s, want, "cancelling");
            }
    mpfr_clear(want);
    free(x);
    free(y);
    return added;
}

Test(superaccumulator_dot, cancellation_in_any_order_split_and_threads)
{
    check_cancelling(100001, 3);
}

/* For ./dev certify sums: ASSAY_CERTIFY_TERMS terms; any difference ends it. */
Test(superaccumulator_dot, certified)
{
    const char *terms = getenv("ASSAY_CERTIFY_TERMS");
    if (terms)
        printf("%zu checked, 0 wrong\n", check_cancelling(strtoul(terms, NULL, 10) | 1, 3));
}
