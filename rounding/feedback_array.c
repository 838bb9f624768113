/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays with error feedback: lanes side by side in strips, step by step. */
#include "numerics/cpu.h"
#include "numerics/env.h"
#include "rounding/feedback_strip.h"

/* Lanes that are not neighbours in memory are transposed, a square of this side at a time. */
enum { STRIP = ASSAY_FEEDBACK_STRIP, TILE = 64 };

typedef struct arrays {
    const void *x;
    void *y, *hi, *lo;
    bool narrow; /* binary32 */
    const assay_random *random;
    uint64_t index; /* of x[0] */
    assay_feedback_counts *counts;
} arrays;

/* Lanes that begin `between` elements apart, of `steps` elements each `apart` from the last. */
typedef struct lanes {
    size_t first; /* element     */
    size_t count, between, steps, apart;
    size_t residue, residues; /* the first lane's residue, and from one to the next */
} lanes;

static assay_feedback_loop *loop_of(const assay_feedback *f)
{
#ifdef __x86_64__
    static const assay_feedback_table *const tables[ASSAY_ISA_COUNT] = { &assay_feedback_base,
                                                                         &assay_feedback_avx2,
                                                                         &assay_feedback_avx512 };
    const assay_feedback_table *table = tables[assay_isa_current()];
#else
    const assay_feedback_table *table = &assay_feedback_base;
#endif
    return f->quick && !f->rounds_residue ? table->loop[f->type][f->fast.mode] : NULL;
}

static double get(const void *x, bool narrow, size_t i)
{
    return narrow ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static void put(void *y, bool narrow, size_t i, double value)
{
    if (narrow)
        ((float *)y)[i] = (float)value;
    else
        ((double *)y)[i] = value;
}

static void load(const arrays *a, const lanes *l, size_t from, size_t n, assay_feedback_strip *s)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = l->residue + (from + i) * l->residues;
        double hi = get(a->hi, a->narrow, at), lo = get(a->lo, a->narrow, at);
        /* Two binary32 may be one binary64, which the loops want; other sums are kept. */
        assay_dd sum = a->narrow ? assay_two_sum(hi, lo) : (assay_dd){ hi, lo };
        bool kept = sum.hi - sum.hi == 0 && sum.lo == sum.lo;
        s->hi[0][i] = kept ? sum.hi : hi;
        s->lo[0][i] = kept ? sum.lo : lo;
    }
    s->now = 0;
}

static void save(const arrays *a, const lanes *l, size_t from, size_t n,
                 const assay_feedback_strip *s)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = l->residue + (from + i) * l->residues;
        double hi = s->hi[s->now][i], lo = s->lo[s->now][i];
        if (a->narrow) { /* exact: a step leaves pairs of binary32 */
            double head = (double)(float)hi;
            lo += hi - head;
            hi = head;
        }
        put(a->hi, a->narrow, at, hi);
        put(a->lo, a->narrow, at, lo);
    }
}

/* What the loop did not do, or all lanes if there is none. */
static void finish(const assay_feedback *f, const arrays *a, assay_feedback_strip *s, const void *x,
                   size_t n, uint64_t index, size_t between, bool looped)
{
    int before = looped ? 1 - s->now : s->now, after = 1 - before;
    for (size_t i = 0; i < n; i++) {
        if (looped && s->done[i])
            continue;
        assay_residue e = { s->hi[before][i], s->lo[before][i] };
        s->q[i] = assay_feedback_stream(f, get(x, a->narrow, i), &e, a->random, index + i * between,
                                        a->counts);
        assay_dd sum = a->narrow ? assay_two_sum(e.hi, e.lo) : (assay_dd){ e.hi, e.lo };
        s->hi[after][i] = sum.hi;
        s->lo[after][i] = sum.lo;
    }
    s->now = after;
}

/* One step of n lanes, whose operands are side by side at x and results at y. */
static void step(const assay_feedback *f, const arrays *a, assay_feedback_strip *s,
                 assay_feedback_loop *loop, const void *x, void *y, size_t n, uint64_t index,
                 size_t between)
{
    if (!loop || !loop(f, x, s, n))
        finish(f, a, s, x, n, index, between, loop != NULL);
    for (size_t i = 0; i < n; i++)
        put(y, a->narrow, i, s->q[i]);
}

static const void *at(const void *x, bool narrow, size_t i)
{
    return (const char *)x + i * (narrow ? sizeof(float) : sizeof(double));
}

static void *at_out(void *y, bool narrow, size_t i)
{
    return (char *)y + i * (narrow ? sizeof(float) : sizeof(double));
}

/* Lanes that are neighbours. */
static void run_strip(const assay_feedback *f, const arrays *a, const lanes *l, size_t from,
                      size_t n, assay_feedback_strip *s, assay_feedback_loop *loop)
{
    for (size_t t = 0; t < l->steps; t++) {
        size_t i = l->first + from + t * l->apart;
        step(f, a, s, loop, at(a->x, a->narrow, i), at_out(a->y, a->narrow, i), n, a->index + i, 1);
    }
}

typedef union tile {
    float narrow[TILE * TILE];
    double wide[TILE * TILE];
} tile;

/* Steps t .. t + steps of n lanes by way of a tile, where these lanes are neighbours. */
static void run_tile(const assay_feedback *f, const arrays *a, const lanes *l, size_t from,
                     size_t n, size_t t, size_t steps, assay_feedback_strip *s,
                     assay_feedback_loop *loop)
{
    tile square;
    size_t first = l->first + from * l->between + t * l->apart;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < steps; j++)
            put(&square, a->narrow, j * TILE + i,
                get(a->x, a->narrow, first + i * l->between + j * l->apart));
    for (size_t j = 0; j < steps; j++)
        step(f, a, s, loop, at(&square, a->narrow, j * TILE), at_out(&square, a->narrow, j * TILE),
             n, a->index + first + j * l->apart, l->between);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < steps; j++)
            put(a->y, a->narrow, first + i * l->between + j * l->apart,
                get(&square, a->narrow, j * TILE + i));
}

static void run(const assay_feedback *f, const arrays *a, lanes l)
{
    assay_feedback_strip strip;
    assay_feedback_loop *loop = loop_of(f);
    size_t side = l.between == 1 ? STRIP : TILE;
    for (size_t from = 0; l.steps > 0 && from < l.count; from += side) {
        size_t n = l.count - from < side ? l.count - from : side;
        load(a, &l, from, n, &strip);
        if (l.between == 1)
            run_strip(f, a, &l, from, n, &strip, loop);
        for (size_t t = 0; l.between != 1 && t < l.steps; t += TILE)
            run_tile(f, a, &l, from, n, t, l.steps - t < TILE ? l.steps - t : TILE, &strip, loop);
        save(a, &l, from, n, &strip);
    }
}

/* Whole blocks are lanes side by side, all of them if rows join without a gap; the shorter last
 * ones of all rows come after. */
static void run_blocks(const assay_feedback *f, const arrays *a, const assay_feedback_shape *s)
{
    size_t whole = s->columns / s->block, tail = s->columns % s->block, per = whole + (tail > 0);
    bool joined = tail == 0 && s->stride == s->columns;
    size_t rows = joined ? 1 : s->rows, count = joined ? s->rows * whole : whole;
    for (size_t row = 0; row < rows; row++)
        run(f, a, (lanes){ row * s->stride, count, s->block, s->block, 1, row * per, 1 });
    if (tail > 0)
        run(f, a, (lanes){ whole * s->block, s->rows, s->stride, tail, 1, whole, per });
}

size_t assay_feedback_lanes(const assay_feedback_shape *s)
{
    if (s->layout == ASSAY_FEEDBACK_TIME)
        return s->columns;
    if (s->layout == ASSAY_FEEDBACK_ROW)
        return s->rows;
    return s->rows * (s->columns / s->block + (s->columns % s->block > 0));
}

static assay_status run_array(const assay_feedback *f, const assay_feedback_shape *s,
                              const arrays *a)
{
    assay_status status = assay_env_check();
    if (s->stride < s->columns || (s->layout == ASSAY_FEEDBACK_BLOCK && s->block == 0))
        status = assay_fail(ASSAY_ERR_SHAPE,
                            "error feedback: rows of %zu elements, %zu apart, in "
                            "blocks of %zu",
                            s->columns, s->stride, s->block);
    else if (a->narrow != (f->type == ASSAY_FEEDBACK_F32))
        status = assay_fail(ASSAY_ERR_USAGE, "error feedback: made for the other type");
    if (status != ASSAY_OK)
        return status;
    if (s->layout == ASSAY_FEEDBACK_TIME)
        run(f, a, (lanes){ 0, s->columns, 1, s->rows, s->stride, 0, 1 });
    else if (s->layout == ASSAY_FEEDBACK_ROW)
        run(f, a, (lanes){ 0, s->rows, s->stride, s->columns, 1, 0, 1 });
    else
        run_blocks(f, a, s);
    return ASSAY_OK;
}

assay_status assay_feedback_array_f32(const assay_feedback *f, const assay_feedback_shape *shape,
                                      const float *x, float *y, const assay_random *random,
                                      uint64_t index, float *hi, float *lo,
                                      assay_feedback_counts *counts)
{
    return run_array(f, shape, &(arrays){ x, y, hi, lo, true, random, index, counts });
}

assay_status assay_feedback_array_f64(const assay_feedback *f, const assay_feedback_shape *shape,
                                      const double *x, double *y, const assay_random *random,
                                      uint64_t index, double *hi, double *lo,
                                      assay_feedback_counts *counts)
{
    return run_array(f, shape, &(arrays){ x, y, hi, lo, false, random, index, counts });
}
