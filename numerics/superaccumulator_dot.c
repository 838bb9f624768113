/* SPDX-License-Identifier: Apache-2.0 */
/* Exact dot products at speed. Chunks of terms go through lanes of unevaluated sums; where these
 * cannot be exact, products of significands as integers go into bins by exponent. Both reach the
 * superaccumulator once in a while. docs/numerics.md has the bounds. */
#include <string.h>

#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "numerics/superaccumulator_lanes.h"
#include "numerics/superaccumulator_parts.h"

/* Magnitudes of products, 106 bits, in bins of 128, which hold 2^22 of them: positive ones and
 * negative ones; sums of two exponent fields are 2 to 4092. */
enum { FIELDS = 4096, SIGNS = 2, PIECE = 1 << 20 };
/* Products of binary32 numbers, 48 bits, in bins of 64, which hold 2^15; fields are 2 to 508. Four
 * sets of bins, so that neighbours do not wait for each other. */
enum { SHORT_FIELDS = 512, SETS = 4, SHORT_PIECE = 1 << 14 };
/* Chunks that take the bins after one that had to. */
enum { CHUNK = ASSAY_DOT_CHUNK, PATIENCE = 32 };

/* A dot product under way. */
typedef struct dot {
    assay_superaccumulator *s;
    const assay_dot_lanes *lanes;
    assay_dot_state state;
    size_t patience, binned, short_binned; /* terms in the bins */
    bool has_bins, has_short;
    unsigned __int128 bins[SIGNS][FIELDS];
    int64_t short_bins[SETS][SHORT_FIELDS];
} dot;

static void empty_bins(dot *d)
{
    for (int sign = 0; d->binned > 0 && sign < SIGNS; sign++)
        for (int f = 0; f < FIELDS; f++)
            if (d->bins[sign][f] != 0) {
                assay_int128 sum = (assay_int128)d->bins[sign][f];
                assay_superaccumulator_add_scaled(d->s, sign ? -sum : sum, f - 2150);
                d->bins[sign][f] = 0;
            }
    d->binned = 0;
}

static void empty_short(dot *d)
{
    for (int f = 0; d->short_binned > 0 && f < SHORT_FIELDS; f++) {
        assay_int128 sum = 0;
        for (int set = 0; set < SETS; set++) {
            sum += d->short_bins[set][f];
            d->short_bins[set][f] = 0;
        }
        if (sum != 0)
            assay_superaccumulator_add_scaled(d->s, sum, f - 300);
    }
    d->short_binned = 0;
}

/* A normal number's exponent field, less 1: others come out as at least 0x7fe. */
ASSAY_INLINE uint64_t field_of(uint64_t u)
{
    return (u >> 52 & 0x7ff) - 1;
}

ASSAY_INLINE void add_binned(dot *d, double x, double y)
{
    const uint64_t hidden = (uint64_t)1 << 52;
    uint64_t u = assay_bits64(x), v = assay_bits64(y), e = field_of(u), f = field_of(v);
    if (__builtin_expect(e >= 0x7fe || f >= 0x7fe, 0)) {
        assay_superaccumulator_add_product(d->s, x, y);
        return;
    }
    uint64_t a = (u & (hidden - 1)) | hidden, b = (v & (hidden - 1)) | hidden;
    d->bins[(u ^ v) >> 63][e + f + 2] += (unsigned __int128)a * b;
    d->s->non_zero = true;
}

static void add_to_bins(dot *d, const double *x, const double *y)
{
    if (!d->has_bins)
        memset(d->bins, 0, sizeof d->bins);
    d->has_bins = true;
    for (size_t i = 0; i < CHUNK; i++)
        add_binned(d, x[i], y[i]);
    d->binned += CHUNK;
    if (d->binned >= PIECE)
        empty_bins(d);
}

/* A chunk: by lanes if these did not just fail. A chunk of zeros only is worth its signs. */
static void add_chunk64(dot *d, const double *x, const double *y)
{
    bool any = false;
    if (d->patience > 0) {
        d->patience--;
        add_to_bins(d, x, y);
    } else if (!d->lanes->f64(x, y, &d->state, &any)) {
        d->patience = PATIENCE;
        add_to_bins(d, x, y);
    } else if (any) {
        d->s->non_zero = true;
    } else {
        for (size_t i = 0; i < CHUNK; i++)
            assay_superaccumulator_add_product(d->s, x[i], y[i]);
    }
}

/* False, and nothing is changed, where a factor is not finite or no product is worth more than its
 * zero's sign. */
static bool add_to_short(dot *d, const float *x, const float *y)
{
    int64_t product[CHUNK], field[CHUNK];
    bool any = false;
    if (!d->lanes->integers(x, y, product, field, &any) || !any)
        return false;
    if (!d->has_short)
        memset(d->short_bins, 0, sizeof d->short_bins);
    d->has_short = true;
    for (size_t i = 0; i < CHUNK; i += SETS)
        for (size_t set = 0; set < SETS; set++)
            d->short_bins[set][field[i + set]] += product[i + set];
    d->short_binned += CHUNK;
    if (d->short_binned >= SHORT_PIECE)
        empty_short(d);
    d->s->non_zero = true;
    return true;
}

static void add_chunk32(dot *d, const float *x, const float *y)
{
    bool any = false, tried = d->patience == 0;
    if (tried && d->lanes->f32(x, y, &d->state, &any) && any) {
        d->s->non_zero = true;
        return;
    }
    if (add_to_short(d, x, y)) {
        d->patience = tried ? PATIENCE : d->patience - 1;
        return;
    }
    double a[CHUNK], b[CHUNK];
    for (size_t i = 0; i < CHUNK; i++) {
        a[i] = (double)x[i];
        b[i] = (double)y[i];
    }
    add_chunk64(d, a, b); /* which a chunk of zeros leaves alone, too */
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
    d->patience = d->binned = d->short_binned = 0;
    d->has_bins = d->has_short = false;
    memset(&d->state, 0, sizeof d->state);
}

static void end(dot *d)
{
    empty_bins(d);
    empty_short(d);
    for (int q = 0; q < ASSAY_DOT_LEVELS; q++)
        for (int l = 0; l < ASSAY_DOT_LANES; l++)
            if (d->state.level[q][l] != 0)
                assay_superaccumulator_add(d->s, d->state.level[q][l]);
}

void assay_superaccumulator_add_dot_f64(assay_superaccumulator *s, size_t n, const double *x,
                                        size_t sx, const double *y, size_t sy)
{
    dot d;
    double a[CHUNK], b[CHUNK];
    size_t at = 0;
    begin(&d, s);
    for (; n - at >= CHUNK; at += CHUNK) {
        for (size_t i = 0; sx != 1 && i < CHUNK; i++)
            a[i] = x[(at + i) * sx];
        for (size_t i = 0; sy != 1 && i < CHUNK; i++)
            b[i] = y[(at + i) * sy];
        add_chunk64(&d, sx == 1 ? x + at : a, sy == 1 ? y + at : b);
    }
    for (; at < n; at++)
        assay_superaccumulator_add_product(s, x[at * sx], y[at * sy]);
    end(&d);
}

void assay_superaccumulator_add_dot_f32(assay_superaccumulator *s, size_t n, const float *x,
                                        size_t sx, const float *y, size_t sy)
{
    dot d;
    float a[CHUNK], b[CHUNK];
    size_t at = 0;
    begin(&d, s);
    for (; n - at >= CHUNK; at += CHUNK) {
        for (size_t i = 0; sx != 1 && i < CHUNK; i++)
            a[i] = x[(at + i) * sx];
        for (size_t i = 0; sy != 1 && i < CHUNK; i++)
            b[i] = y[(at + i) * sy];
        add_chunk32(&d, sx == 1 ? x + at : a, sy == 1 ? y + at : b);
    }
    for (; at < n; at++)
        assay_superaccumulator_add_product(s, (double)x[at * sx], (double)y[at * sy]);
    end(&d);
}
