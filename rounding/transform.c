/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/transform.h"

#include <math.h>
#include <string.h>

#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "numerics/philox.h"
#include "rounding/array_table.h"
#include "rounding/scheme_loops.h"
#include "rounding/scheme_parts.h"
#include "rounding/transform_loops.h"

/* What is rotated at once, and stored past the caches at once. */
enum { CHUNK = ASSAY_ROTATE_CHUNK };

static const assay_transform_loops *current_loops(void)
{
#ifdef __x86_64__
    static const assay_transform_loops *const tables[ASSAY_ISA_COUNT] = { &assay_transform_base,
                                                                          &assay_transform_avx2,
                                                                          &assay_transform_avx512 };
    return tables[assay_isa_current()];
#else
    return &assay_transform_base;
#endif
}

static assay_status check_smooth(const assay_transform *t)
{
    for (size_t j = 0; j < t->cols; j++)
        if (!(fabs(t->by[j]) < INFINITY) || t->by[j] == 0)
            return assay_fail(ASSAY_ERR_VALUE, "element %zu: a factor has to be finite, not zero",
                              j);
    return ASSAY_OK;
}

static assay_status check_order(const assay_transform *t, unsigned char *seen)
{
    memset(seen, 0, t->cols);
    for (size_t j = 0; j < t->cols; j++) {
        if (t->order[j] >= t->cols || seen[t->order[j]])
            return assay_fail(ASSAY_ERR_VALUE,
                              "element %zu: a permutation has each column from 0 to %zu once", j,
                              t->cols - 1);
        seen[t->order[j]] = 1;
    }
    return ASSAY_OK;
}

assay_status assay_transform_check(const assay_transform *t, size_t cols, unsigned char *seen)
{
    bool rotate = t->kind == ASSAY_TRANSFORM_ROTATE;
    if (rotate && (t->block == 0 || (t->block & (t->block - 1)) != 0))
        return assay_fail(ASSAY_ERR_USAGE, "n=%zu: a rotation needs a power of two", t->block);
    if (!rotate && t->cols != cols)
        return assay_fail(ASSAY_ERR_SHAPE, "%zu elements, but the rows have %zu", t->cols, cols);
    if (t->kind == ASSAY_TRANSFORM_SMOOTH)
        return check_smooth(t);
    return rotate ? ASSAY_OK : check_order(t, seen);
}

/* ---- rotation ---- */

/* The words of signs from `first` on, or NULL. */
static const uint32_t *signs_of(const assay_transform *t, size_t first, size_t n, uint32_t *words)
{
    if (!t->random)
        return NULL;
    assay_philox_words(t->seed, t->stream, 0, first, words, n);
    return words;
}

/* fl(1 / sqrt n): of 2^-k, and of 2^-k sqrt(1/2) correctly rounded. */
static double norm_of(size_t n)
{
    int k = __builtin_ctzll(n);
    return k % 2 ? assay_pow2(-(k - 1) / 2) * 0x1.6a09e667f3bcdp-1 : assay_pow2(-k / 2);
}

static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* False if the loops do not do that. Signs are longer than a chunk only for long blocks. */
static bool rotate_short_f32(bool back, const uint32_t *signs, size_t n, size_t all, const float *x,
                             float *y)
{
    const assay_transform_loops *loops = current_loops();
    if (!loops->short_blocks || n > ASSAY_ROTATE_SHORT)
        return false;
    loops->short_blocks(signs, back, (float)norm_of(n), n, x, y, all);
    return true;
}

static bool rotate_short_f64(bool back, const uint32_t *signs, size_t n, size_t all,
                             const double *x, double *y)
{
    (void)back, (void)signs, (void)n, (void)all, (void)x, (void)y;
    return false;
}

#define SOURCE(name) name##_f32
#define real         float
#define NAN_OF       assay_from_bits32(0x7fc00000)
#include "rounding/transform_rows.inc"
#undef SOURCE
#undef real
#undef NAN_OF

#define SOURCE(name) name##_f64
#define real         double
#define NAN_OF       assay_from_bits64(0x7ff8000000000000)
#include "rounding/transform_rows.inc"

/* ---- outliers ---- */

/* The `count` largest magnitudes of a row, the first of equal ones. Magnitudes compare as bits. */
static void take_largest(const double *x, size_t n, size_t count, unsigned char *kept)
{
    const uint64_t magnitude = 0x7fffffffffffffff;
    const region row = { x, 1, n, n, NULL };
    uint64_t least = assay_bits64(assay_region_select(&row, n - count + 1));
    for (size_t i = 0; i < n; i++) {
        kept[i] = (assay_bits64(x[i]) & magnitude) > least;
        count -= kept[i];
    }
    for (size_t i = 0; i < n && count > 0; i++)
        if ((assay_bits64(x[i]) & magnitude) == least) {
            kept[i] = 1;
            count--;
        }
}

size_t assay_outliers_find(const assay_outliers *rule, size_t rows, size_t cols, const double *x,
                           unsigned char *kept)
{
    const unsigned __int128 whole = 100 * 1000000;
    size_t found = 0, count = (size_t)(((unsigned __int128)rule->share * cols + whole - 1) / whole);
    memset(kept, 0, rows * cols);
#pragma omp parallel for reduction(+ : found) if (rows > 8)
    for (size_t i = 0; i < rows; i++) {
        if (!rule->above && count > 0)
            take_largest(x + i * cols, cols, least_of(count, cols), kept + i * cols);
        for (size_t j = i * cols; j < (i + 1) * cols; j++) {
            if (rule->above)
                kept[j] = (unsigned char)!(fabs(x[j]) <= rule->least);
            found += kept[j];
        }
    }
    return found;
}
