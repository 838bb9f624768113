/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/count.h"

#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "rounding/count_table.h"

static const uint64_t OVERFLOWS = ~(uint64_t)0; /* no code of a format with overflow */

static const uint64_t MAGNITUDE = 0x7fffffffffffffff, INFINITE = 0x7ff0000000000000;

/* Whether the definition says that x overflows: a rounder whose overflow has a code of its own. */
static bool overflows(const assay_rounder *r, double x, const assay_random *random, uint64_t i)
{
    static const assay_random none = { 0 };
    assay_rounder marked = *r;
    marked.overflow_code[0] = marked.overflow_code[1] = OVERFLOWS;
    assay_exact e = assay_exact_from(x);
    return e.kind == ASSAY_FINITE &&
           assay_round_exact_at(&marked, e, random ? random : &none, i) == OVERFLOWS;
}

static void count_overflow(const assay_rounder *r, const assay_random *random, uint64_t i, double x,
                           double y, assay_counters *counters)
{
    bool over = overflows(r, x, random, i);
    counters->overflow += over;
    counters->saturated += over && (assay_bits64(y) & MAGNITUDE) < INFINITE;
}

/* Formats that loops do not serve. */
static void count_one(const assay_rounder *r, const assay_random *random, uint64_t i, double x,
                      double y, assay_counters *counters)
{
    uint64_t u = assay_bits64(x) & MAGNITUDE, v = assay_bits64(y) & MAGNITUDE;
    bool differs = assay_bits64(x) != assay_bits64(y) && (u | v) != 0;
    bool inexact = u < INFINITE && differs;
    counters->inexact += inexact;
    counters->underflow += inexact && u < assay_bits64(r->format.min_normal);
    counters->nan += u > INFINITE || v > INFINITE;
    counters->saturated += u == INFINITE && v < INFINITE;
    count_overflow(r, random, i, x, y, counters);
}

/* How the elements of an array are counted. */
typedef struct tally {
    const assay_rounder *rounder;
    const assay_random *random;
    uint64_t first;
    int source;
    bool direct;
    assay_count_constants constants;
    assay_count_loop *loop;
} tally;

static assay_count_loop *current_loop(int source)
{
#ifdef __x86_64__
    static const assay_count_table *const tables[ASSAY_ISA_COUNT] = { &assay_count_base,
                                                                      &assay_count_avx2,
                                                                      &assay_count_avx512 };
    return tables[assay_isa_current()]->count[source];
#else
    return assay_count_base.count[source];
#endif
}

static tally make_tally(const assay_rounder *r, const assay_random *random, uint64_t first,
                        int source)
{
    int fraction = source == ASSAY_F32 ? 23 : 52;
    bool rolls = assay_mode_is_stochastic(r->mode);
    assay_rounder lowest = *r, highest = *r;
    if (rolls) { /* between not going up and going up */
        lowest.mode = ASSAY_RAZ;
        highest.mode = ASSAY_RTZ;
    }
    const assay_constants low = assay_constants_from(&lowest, fraction);
    const assay_constants high = assay_constants_from(&highest, fraction);
    tally t = { .rounder = r,
                .random = random,
                .first = first,
                .source = source,
                .direct = low.direct,
                .loop = current_loop(source) };
    t.constants = (assay_count_constants){
        .inf = low.inf,
        .limit = low.limit,
        .min_normal = low.min_normal,
        .refuse = r->format.is_signed ? 0 : (uint64_t)1 << (source == ASSAY_F32 ? 31 : 63),
        .told = !(r->overflow_value[0] - r->overflow_value[0] == 0),
    };
    for (int i = 0; i < 2; i++) {
        t.constants.below[i] = low.last[i];
        t.constants.beyond[i] = high.last[i];
    }
    t.constants.held = r->format.is_signed ? low.limit : 0;
    return t;
}

static double value_at(const tally *t, const void *x, size_t i)
{
    return t->source == ASSAY_F32 ? assay_widen_f32(((const float *)x)[i]) : ((const double *)x)[i];
}

static bool marked(const tally *t, const void *marks, size_t i)
{
    return t->source == ASSAY_F32 ? ((const uint32_t *)marks)[i] != 0
                                  : ((const uint64_t *)marks)[i] != 0;
}

/* Elements i .. i + n - 1, at x and y. */
static void count_chunk(const tally *t, size_t i, const void *x, const void *y, size_t n,
                        assay_counters *counters)
{
    _Alignas(ASSAY_LINE) uint64_t marks[ASSAY_BLOCK];
    bool bits = t->random && t->random->bits;
    uint64_t first = bits ? i : t->first + i;
    uint64_t ask = t->direct ? t->loop(&t->constants, x, y, marks, n, counters) : 0;
    for (size_t k = 0; ask && k < n; k++)
        if (marked(t, marks, k))
            count_overflow(t->rounder, t->random, first + k, value_at(t, x, k), value_at(t, y, k),
                           counters);
    for (size_t k = 0; !t->direct && k < n; k++)
        count_one(t->rounder, t->random, first + k, value_at(t, x, k), value_at(t, y, k), counters);
}

void assay_count_f32(const assay_rounder *rounder, const assay_random *random, uint64_t first,
                     const float *x, const float *y, size_t n, assay_counters *counters)
{
    tally t = make_tally(rounder, random, first, ASSAY_F32);
    for (size_t i = 0; i < n; i += ASSAY_BLOCK)
        count_chunk(&t, i, x + i, y + i, n - i < ASSAY_BLOCK ? n - i : ASSAY_BLOCK, counters);
}

void assay_count_f64(const assay_rounder *rounder, const assay_random *random, uint64_t first,
                     const double *x, const double *y, size_t n, assay_counters *counters)
{
    tally t = make_tally(rounder, random, first, ASSAY_F64);
    for (size_t i = 0; i < n; i += ASSAY_BLOCK)
        count_chunk(&t, i, x + i, y + i, n - i < ASSAY_BLOCK ? n - i : ASSAY_BLOCK, counters);
}
