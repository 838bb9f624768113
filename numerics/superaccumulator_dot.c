/* SPDX-License-Identifier: Apache-2.0 */
/* Exact dot products at speed: products of significands as integers go into bins by exponent, and
 * the bins to the superaccumulator once in a while. docs/numerics.md, 15 has the bounds. */
#include <string.h>

#include "numerics/cpu.h"
#include "numerics/superaccumulator_lanes.h"
#include "numerics/superaccumulator_parts.h"

enum { CHUNK = ASSAY_DOT_CHUNK, FEW = 24 }; /* fewer terms than that go one by one */
/* Products of binary64 numbers, below 2^106 in magnitude, in bins of 128 bits, which hold 2^21; of
 * binary32, 2^48, in bins of 64 bits, which hold 2^15. Neighbours go to different sets of bins, so
 * that they do not wait for each other. */
enum { LONG_FIELDS = 4093, LONG_SETS = 2, LONG_PIECE = 1 << 20, LONG_UNIT = -2150 };
enum { SHORT_FIELDS = 1279, SHORT_SETS = 4, SHORT_PIECE = 1 << 16, SHORT_UNIT = -1070 };

/* So many fields go to the superaccumulator in one sum. */
enum { GROUP = 32 };

/* A dot product under way. Bins outside [low, high) are not even set. */
typedef struct dot {
    assay_superaccumulator *s;
    const assay_dot_lanes *lanes;
    assay_dot_terms terms;
    int64_t low, high;
    size_t binned; /* terms in the bins */
    union {
        assay_int128 large[LONG_FIELDS][LONG_SETS];
        int64_t small[SHORT_FIELDS][SHORT_SETS];
    } bins;
} dot;

ASSAY_INLINE int64_t end_of_group(const dot *d, int64_t first)
{
    return first + GROUP < d->high ? first + GROUP : d->high;
}

/* The upper and the lower words of a group's bins in sums below 2^95 and 2^97. */
static void empty_long(const dot *d)
{
    for (int64_t first = d->low; first < d->high; first += GROUP) {
        assay_int128 upper = 0, lower = 0;
        for (int64_t f = end_of_group(d, first); f-- > first;) {
            assay_int128 sum = d->bins.large[f][0] + d->bins.large[f][1];
            upper = 2 * upper + (int64_t)(sum >> 64);
            lower = 2 * lower + (uint64_t)sum;
        }
        upper += lower >> 64;
        assay_superaccumulator_add_scaled(d->s, upper, (int)first + LONG_UNIT + 64);
        assay_superaccumulator_add_scaled(d->s, (uint64_t)lower, (int)first + LONG_UNIT);
    }
}

/* A group's sum is below 2^(48 + 14 + 2 + 32). Field 0 is that of zeros. */
static void empty_short(const dot *d)
{
    for (int64_t first = d->low > 0 ? d->low : 1; first < d->high; first += GROUP) {
        assay_int128 sum = 0;
        for (int64_t f = end_of_group(d, first); f-- > first;) {
            sum *= 2;
            for (int set = 0; set < SHORT_SETS; set++)
                sum += d->bins.small[f][set];
        }
        assay_superaccumulator_add_scaled(d->s, sum, (int)first + SHORT_UNIT);
    }
}

static void empty(dot *d, bool is_short)
{
    if (is_short)
        empty_short(d);
    else
        empty_long(d);
    d->low = d->high = 0;
    d->binned = 0;
}

static void clear(dot *d, bool is_short, int64_t from, int64_t to)
{
    if (from < to && is_short)
        memset(d->bins.small[from], 0, (size_t)(to - from) * sizeof d->bins.small[0]);
    else if (from < to)
        memset(d->bins.large[from], 0, (size_t)(to - from) * sizeof d->bins.large[0]);
}

/* Empties full bins, and clears those that the terms are the first to use. */
static void make_room(dot *d, bool is_short)
{
    const int64_t first = d->terms.first, end = d->terms.last + 1;
    if (d->binned >= (is_short ? SHORT_PIECE : LONG_PIECE))
        empty(d, is_short);
    if (d->high == 0)
        d->low = d->high = first;
    clear(d, is_short, first, d->low);
    clear(d, is_short, d->high, end);
    d->low = first < d->low ? first : d->low;
    d->high = end > d->high ? end : d->high;
    d->binned += CHUNK;
}

static void add_long(assay_int128 bins[][LONG_SETS], const assay_dot_terms *t)
{
    for (size_t i = 0; i < CHUNK; i += LONG_SETS)
        for (size_t set = 0; set < LONG_SETS; set++)
            bins[t->field[i + set]][set] += (assay_int128)t->a[i + set] * t->b[i + set];
}

static void add_short(int64_t bins[][SHORT_SETS], const assay_dot_terms *t)
{
    for (size_t i = 0; i < CHUNK; i += SHORT_SETS)
        for (size_t set = 0; set < SHORT_SETS; set++)
            bins[t->field[i + set]][set] += t->a[i + set];
}

static bool any(const assay_dot_terms *t, bool is_short)
{
    for (size_t i = 0; i < CHUNK; i++)
        if (is_short ? t->field[i] != 0 : t->a[i] != 0 && t->b[i] != 0)
            return true;
    return false;
}

/* False, and nothing is changed, if all terms so far are zeros, which are worth their signs. */
static bool add_terms(dot *d, bool is_short)
{
    if (!d->s->non_zero && !any(&d->terms, is_short))
        return false;
    make_room(d, is_short);
    if (is_short)
        add_short(d->bins.small, &d->terms);
    else
        add_long(d->bins.large, &d->terms);
    d->s->non_zero = true;
    return true;
}

static void begin(dot *d, assay_superaccumulator *s)
{
    static const assay_dot_lanes *const lanes[ASSAY_ISA_COUNT] = {
        [ASSAY_ISA_BASELINE] = &assay_dot_base,
        [ASSAY_ISA_AVX2] = &assay_dot_avx2,
        [ASSAY_ISA_AVX512] = &assay_dot_avx512,
    };
    d->s = s;
    d->lanes = lanes[assay_isa_current()];
    d->low = d->high = 0;
    d->binned = 0;
}

/* A whole chunk where it lies, if it can be; else a copy, with zeros behind. */
static const double *packed64(const double *x, size_t stride, size_t n, double *own)
{
    if (stride == 1 && n == CHUNK)
        return x;
    for (size_t i = 0; i < CHUNK; i++)
        own[i] = i < n ? x[i * stride] : 0;
    return own;
}

static const float *packed32(const float *x, size_t stride, size_t n, float *own)
{
    if (stride == 1 && n == CHUNK)
        return x;
    for (size_t i = 0; i < CHUNK; i++)
        own[i] = i < n ? x[i * stride] : 0;
    return own;
}

void assay_superaccumulator_add_dot_f64(assay_superaccumulator *s, size_t n, const double *x,
                                        size_t sx, const double *y, size_t sy)
{
    dot d;
    double own[2][CHUNK];
    begin(&d, s);
    for (size_t at = 0, m; at < n; at += m) {
        m = n - at < CHUNK ? n - at : CHUNK;
        const double *a = x + at * sx, *b = y + at * sy;
        if (m >= FEW &&
            d.lanes->f64(packed64(a, sx, m, own[0]), packed64(b, sy, m, own[1]), &d.terms) &&
            add_terms(&d, false))
            continue;
        for (size_t i = 0; i < m; i++)
            assay_superaccumulator_add_product(s, a[i * sx], b[i * sy]);
    }
    empty(&d, false);
}

void assay_superaccumulator_add_dot_f32(assay_superaccumulator *s, size_t n, const float *x,
                                        size_t sx, const float *y, size_t sy)
{
    dot d;
    float own[2][CHUNK];
    begin(&d, s);
    for (size_t at = 0, m; at < n; at += m) {
        m = n - at < CHUNK ? n - at : CHUNK;
        const float *a = x + at * sx, *b = y + at * sy;
        if (m >= FEW &&
            d.lanes->f32(packed32(a, sx, m, own[0]), packed32(b, sy, m, own[1]), &d.terms) &&
            add_terms(&d, true))
            continue;
        for (size_t i = 0; i < m; i++)
            assay_superaccumulator_add_product(s, (double)a[i * sx], (double)b[i * sy]);
    }
    empty(&d, true);
}
