/* SPDX-License-Identifier: Apache-2.0 */
/* Transforms: the documented order of a rotation's sums, exact sums of integers, and the way back.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "numerics/philox.h"
#include "rounding/transform.h"

enum { MOST = 8192 };

static float x32[MOST], y32[MOST];
static double x64[MOST], y64[MOST];

static void fill(void)
{
    for (size_t i = 0; i < MOST; i++) {
        uint32_t w = assay_philox_word(1, 0, i, 0);
        x32[i] = (float)((int)(w % 20001) - 10000) * (w & 1 ? 1e-3F : 1e3F) / 7;
        x64[i] = (double)x32[i] / 3;
    }
}

static double sign_of(const assay_transform *t, size_t j)
{
    return t->random && assay_philox_word(t->seed, t->stream, j, 0) >> 31 ? -1 : 1;
}

/* What stage k, k - 1, ... 1 make of x[i] and its partners for output s: distance 2^(k-1) last. */
static float node32(const assay_transform *t, const float *x, int k, size_t i, size_t s)
{
    if (k == 0)
        return (float)sign_of(t, i) * x[i];
    volatile float a = node32(t, x, k - 1, i, s);
    volatile float b = node32(t, x, k - 1, i + ((size_t)1 << (k - 1)), s);
    return s >> (k - 1) & 1 ? a - b : a + b;
}

static double node64(const assay_transform *t, const double *x, int k, size_t i, size_t s)
{
    if (k == 0)
        return sign_of(t, i) * x[i];
    volatile double a = node64(t, x, k - 1, i, s);
    volatile double b = node64(t, x, k - 1, i + ((size_t)1 << (k - 1)), s);
    return s >> (k - 1) & 1 ? a - b : a + b;
}

static void check_rotation(size_t n, bool random, size_t step)
{
    assay_transform t = { .kind = ASSAY_TRANSFORM_ROTATE, .block = n, .random = random, .seed = 9 };
    int k = __builtin_ctzll(n);
    float norm32 = sqrtf(1 / (float)n);
    double norm64 = sqrt(1 / (double)n);
    cr_assert_eq(assay_transform_check(&t, n, NULL), ASSAY_OK);
    assay_transform_f32(&t, false, 1, n, x32, y32);
    assay_transform_f64(&t, false, 1, n, x64, y64);
    for (size_t s = 0; s < n; s += step) {
        float want = node32(&t, x32, k, 0, s) * norm32;
        double want64 = node64(&t, x64, k, 0, s) * norm64;
        cr_assert_eq(assay_bits32(want), assay_bits32(y32[s]), "n %zu, %zu: %a, not %a, %s", n, s,
                     y32[s], want, assay_isa_name(assay_isa_current()));
        cr_assert_eq(assay_bits64(want64), assay_bits64(y64[s]), "binary64, n %zu, %zu", n, s);
    }
}

Test(transform, sums_in_the_documented_order)
{
    fill();
    for (int isa = 0; isa < ASSAY_ISA_COUNT; isa++) {
        if (assay_isa_force((assay_isa)isa) != ASSAY_OK)
            continue;
        for (size_t n = 1; n <= 512; n *= 2)
            for (int random = 0; random < 2; random++)
                check_rotation(n, random, 1);
        check_rotation(4096, true, 517);
        check_rotation(8192, true, 1511);
    }
}

/* Rows of many blocks and a remainder, with zeros, NaN and infinities, both ways: each instruction
 * set as baseline, which the test above compares with the definition. */
Test(transform, same_on_every_instruction_set)
{
    enum { ROWS = 2, COLS = 2048 + 301 };
    static float x[ROWS * COLS], want[ROWS * COLS], got[ROWS * COLS + 1];
    for (size_t i = 0; i < ROWS * COLS; i++) {
        uint32_t w = assay_philox_word(3, 0, i, 0);
        x[i] = w % 53 == 0 ? -0.0F : (float)(int)(w % 20001) / 7;
        if (i % 1024 == 77)
            x[i] = assay_from_bits32(w | 0x7f800000);
    }
    for (size_t n = 1; n <= 2048; n *= 2)
        for (int way = 0; way < 4; way++) {
            const assay_transform t = {
                .kind = ASSAY_TRANSFORM_ROTATE, .block = n, .random = way > 1, .seed = 4
            };
            cr_assert_eq(assay_isa_force(ASSAY_ISA_BASELINE), ASSAY_OK);
            assay_transform_f32(&t, way % 2, ROWS, COLS, x, want);
            for (int isa = 1; isa < ASSAY_ISA_COUNT; isa++) {
                if (assay_isa_force((assay_isa)isa) != ASSAY_OK)
                    continue;
                assay_transform_f32(&t, way % 2, ROWS, COLS, x, got + 1);
                cr_assert_eq(memcmp(want, got + 1, sizeof want), 0, "n %zu, way %d, isa %d", n, way,
                             isa);
            }
        }
}

/* Results past the caches, from any address. */
Test(transform, large_arrays)
{
    enum { ROWS = 9, COLS = 150001 };
    float *x = malloc(ROWS * COLS * sizeof *x), *y = malloc((ROWS * COLS + 1) * sizeof *y);
    float *want = malloc(ROWS * COLS * sizeof *want);
    cr_assert(x && y && want);
    for (size_t i = 0; i < ROWS * COLS; i++)
        x[i] = (float)(int)(assay_philox_word(7, 0, i, 0) % 20001) / 7;
    for (size_t n = 16; n <= 4096; n *= 16) {
        const assay_transform t = { .kind = ASSAY_TRANSFORM_ROTATE, .block = n, .random = true };
        for (size_t i = 0; i < ROWS; i++)
            assay_transform_f32(&t, false, 1, COLS, x + i * COLS, want + i * COLS);
        for (size_t shift = 0; shift < 2; shift++) {
            assay_transform_f32(&t, false, ROWS, COLS, x, y + shift);
            cr_assert_eq(memcmp(y + shift, want, ROWS * COLS * sizeof *want), 0, "n %zu", n);
        }
    }
    free(x);
    free(y);
    free(want);
}

/* Integers sum exactly, and 256 is a power of four: (H D)^T H D is n times the identity. */
Test(transform, back_is_the_inverse)
{
    const size_t rows = 3, cols = 256 + 100;
    assay_transform t = { .kind = ASSAY_TRANSFORM_ROTATE, .block = 256, .random = true, .seed = 2 };
    for (size_t i = 0; i < rows * cols; i++)
        x32[i] = (float)(int)(assay_philox_word(5, 0, i, 0) % 2048) - 1024;
    assay_transform_f32(&t, false, rows, cols, x32, y32);
    assay_transform_f32(&t, true, rows, cols, y32, y32);
    for (size_t i = 0; i < rows * cols; i++) {
        size_t j = i % cols; /* blocks of 256, 64, 32 and 4: those of 32 divide by sqrt 32 */
        bool exact = j < 320 || j >= 352;
        cr_assert(exact ? y32[i] == x32[i] : fabsf(y32[i] - x32[i]) < 1e-3F, "element %zu", i);
    }
}

Test(transform, zeros_and_specials)
{
    assay_transform t = { .kind = ASSAY_TRANSFORM_ROTATE, .block = 2 };
    const float in[] = { INFINITY, INFINITY, -NAN, 1, -0.0F, -0.0F, 3e38F, 3e38F };
    assay_transform_f32(&t, false, 1, 8, in, y32);
    cr_expect_eq(y32[0], INFINITY);
    for (size_t i = 1; i < 4; i++)
        cr_expect_eq(assay_bits32(y32[i]), 0x7fc00000);
    cr_expect_eq(assay_bits32(y32[4]), 0x80000000);
    cr_expect_eq(assay_bits32(y32[5]), 0);
    cr_expect_eq(y32[6], INFINITY, "a sum overflows before it is scaled");
}

Test(transform, columns)
{
    const double by[] = { 3, 0.5, -7, 1e-3 };
    const uint64_t order[] = { 2, 0, 3, 1 }, twice[] = { 0, 1, 1, 2 };
    unsigned char seen[4];
    assay_transform smooth = { .kind = ASSAY_TRANSFORM_SMOOTH, .cols = 4, .by = by };
    assay_transform permute = { .kind = ASSAY_TRANSFORM_PERMUTE, .cols = 4, .order = order };
    assay_transform wrong = { .kind = ASSAY_TRANSFORM_PERMUTE, .cols = 4, .order = twice };
    const double in[] = { 1, 2, 3, 4, 5, 6, 7, NAN };
    double back[8];
    assay_transform_f64(&smooth, false, 2, 4, in, y64);
    for (size_t i = 0; i < 7; i++)
        cr_expect_eq(y64[i], in[i] / by[i % 4]);
    cr_expect_eq(assay_bits64(y64[7]), 0x7ff8000000000000);
    assay_transform_f64(&smooth, true, 2, 4, in, y64);
    cr_expect_eq(y64[4], 15);
    assay_transform_f64(&permute, false, 2, 4, in, y64);
    cr_expect_eq(y64[0], 3);
    cr_expect_eq(y64[5], 5);
    assay_transform_f64(&permute, true, 2, 4, y64, back);
    cr_expect_eq(memcmp(back, in, sizeof in), 0);
    cr_expect_eq(assay_transform_check(&permute, 4, seen), ASSAY_OK);
    cr_expect_eq(assay_transform_check(&wrong, 4, seen), ASSAY_ERR_VALUE);
    cr_expect_eq(assay_transform_check(&permute, 5, seen), ASSAY_ERR_SHAPE);
}

Test(transform, outliers)
{
    const double in[] = { 1, -5, 5, 2, 0, 3, -3, 3, -3, 0.5 };
    unsigned char kept[10];
    const assay_outliers above = { .above = true, .least = 3 };
    const assay_outliers share = { .share = 21 * 1000000 }; /* ceil(1.05) of five */
    cr_expect_eq(assay_outliers_find(&above, 2, 5, in, kept), 2);
    cr_expect_eq(memcmp(kept, "\0\1\1\0\0\0\0\0\0\0", 10), 0);
    cr_expect_eq(assay_outliers_find(&share, 2, 5, in, kept), 4);
    cr_expect_eq(memcmp(kept, "\0\1\1\0\0\1\1\0\0\0", 10), 0);
}
