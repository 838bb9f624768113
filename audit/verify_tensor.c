/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors that are hard to quantize. */
#if ASSAY_HAVE_MPFR
#include <math.h>

#include "audit/verify_block.h"

enum {
    WIDE_ROW = 256, /* columns from which loops take over, and the elements that they want */
    LOOPED = 1024,
    SHAPES = 8,       /* kinds of shapes, in turn                   */
    BLOCKS = 0x10000, /* where the random numbers of elements begin */
    AIMS = 0x80000    /* and those of aims                          */
};

typedef enum kind {
    BELL,    /* like weights                                              */
    EQUAL,   /* one magnitude                                             */
    OUTLIER, /* one element much larger                                   */
    EDGE,    /* the largest where a rule of exponents may turn            */
    AIMED,   /* midpoints times the scale, and their neighbours           */
    TINY,    /* subnormals                                                */
    HUGE_,   /* the last binades                                          */
    ANY,     /* any finite bits                                           */
    ZEROS,
    SPECIAL, /* with a NaN or an infinity */
    KINDS
} kind;

uint64_t assay_verify_tensor_random(const assay_verify_tensor *t, uint64_t i)
{
    return assay_verify_mix(t->number * 0x100000 + i);
}

static uint64_t fraction_mask(const assay_verify_tensor *t)
{
    return ((uint64_t)1 << t->source->fraction) - 1;
}

/* A magnitude of about 2^(field - bias), geometrically often less. */
static uint64_t bell(const assay_verify_tensor *t, uint64_t field, uint64_t m)
{
    uint64_t down = (uint64_t)__builtin_ctzll(m | (uint64_t)1 << 40);
    field = field > down ? field - down : 0;
    return field << t->source->fraction | ((m >> 8) & fraction_mask(t));
}

/* A magnitude of the binade `field`: a quarter, 2 - 2^-j, sqrt 2, or a neighbour of one. */
static uint64_t edge(const assay_verify_tensor *t, uint64_t field, uint64_t m)
{
    const uint64_t one = (uint64_t)1 << t->source->fraction, root = 0x6a09e667f3bcc908;
    const uint64_t fractions[] = { (m >> 8) % 4 * (one / 4), one - (one >> (1 + (m >> 8) % 8)),
                                   root >> (64 - t->source->fraction) };
    static const uint64_t steps[] = { 1, 1, 0, 2 };
    return field * one + fractions[(m >> 16) % 3] + steps[(m >> 32) % 4] - 1;
}

static uint64_t ordinal_of(const assay_verify_tensor *t, kind what, uint64_t field, size_t i,
                           uint64_t m)
{
    const uint64_t one = (uint64_t)1 << t->source->fraction, last = t->source->infinity - 1;
    switch (what) {
    case EQUAL: return field << t->source->fraction | (field * 77 & fraction_mask(t));
    case OUTLIER: return bell(t, i == 2 ? field + 1 + m % 12 : field, m);
    case EDGE: return i == 1 ? edge(t, field + 1, m) : bell(t, field, m);
    case TINY: return m % (8 * one);
    case HUGE_: return last - m % (3 * one);
    case ANY: return m % t->source->infinity;
    case ZEROS: return i > 0 && m % 61 == 0 ? m % one : 0;
    case SPECIAL: return i == 3 ? t->source->infinity + (m & 1) : bell(t, field, m);
    default: return bell(t, field, m);
    }
}

/* One tensor in four has a mixture, and those of tiles, of which few fit into a run. */
static kind kind_of(const assay_verify_tensor *t, size_t block)
{
    bool mixed = t->number % 4 == 3 || t->s->extent == ASSAY_EXTENT_TILE;
    uint64_t turn =
        mixed ? assay_verify_tensor_random(t, block) >> 8 : t->number + t->number / KINDS;
    return (kind)(turn % KINDS);
}

static void set_operand(const assay_verify_tensor *t, size_t at, bool negative, uint64_t ordinal)
{
    t->x[at] = assay_verify_operand(t->source, negative, ordinal);
    if (t->source->bits < 64)
        t->narrow[at] = (float)t->x[at];
}

/* ---- shapes and blocks ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t at_least(size_t n, size_t size)
{
    return (n + size - 1) / size * size;
}

/* Long rows for the loops, with and without a short last block; some too small for these. */
static void choose_shape(assay_verify_tensor *t)
{
    const assay_scheme *s = t->s;
    const uint64_t turn = t->number % SHAPES;
    size_t size = s->extent == ASSAY_EXTENT_BLOCK || s->extent == ASSAY_EXTENT_TILE ? s->block : 7;
    size_t rest = turn % 2 ? size / 3 + 1 : 0;
    t->cols = turn == SHAPES - 1 ? rest : at_least(WIDE_ROW, size) + rest;
    t->rows = turn == SHAPES - 1 ? 3 : LOOPED / t->cols + 1;
    if (s->extent == ASSAY_EXTENT_TILE)
        t->rows = s->tile_rows + (turn % 2 ? s->tile_rows / 3 + 1 : 0);
    t->height = s->extent == ASSAY_EXTENT_TENSOR ? t->rows : s->tile_rows;
    t->width = least(s->block, t->cols);
    t->scales = assay_scheme_scales(s, t->rows, t->cols);
}

assay_verify_region assay_verify_region_of(const assay_verify_tensor *t, size_t b)
{
    assay_verify_region p = { b / t->scales.cols * t->height, b % t->scales.cols * t->width, 0, 0 };
    p.height = least(t->height, t->rows - p.row);
    p.width = least(t->width, t->cols - p.col);
    return p;
}

size_t assay_verify_element_at(const assay_verify_tensor *t, const assay_verify_region *p, size_t i)
{
    return (p->row + i / p->width) * t->cols + p->col + i % p->width;
}

bool assay_verify_tensor_is_aimed(const assay_verify_tensor *t, size_t b)
{
    return kind_of(t, b) == AIMED;
}

static void fill_operands(const assay_verify_tensor *t, const assay_verify_region *p, size_t b)
{
    const uint64_t m = assay_verify_tensor_random(t, b);
    const uint64_t middle = (uint64_t)t->source->emax, span = middle / 4;
    const uint64_t field = middle - span / 2 + (m >> 20) % (span + 1);
    for (size_t i = 0; i < p->height * p->width; i++) {
        size_t at = assay_verify_element_at(t, p, i);
        uint64_t random = assay_verify_tensor_random(t, at + BLOCKS);
        uint64_t last = t->source->infinity - 1;
        uint64_t ordinal = ordinal_of(t, kind_of(t, b), field, i, random);
        set_operand(t, at, random >> 63, ordinal > last + 2 ? last : ordinal);
    }
}

void assay_verify_tensor_fill(assay_verify_tensor *t)
{
    choose_shape(t);
    for (size_t b = 0; b < t->scales.rows * t->scales.cols; b++) {
        const assay_verify_region p = assay_verify_region_of(t, b);
        fill_operands(t, &p, b);
    }
}

double assay_verify_tensor_amax(const assay_verify_tensor *t)
{
    double top = 0;
    for (size_t b = 0; b < t->scales.rows * t->scales.cols; b++) {
        const assay_verify_region p = assay_verify_region_of(t, b);
        double a = 0;
        for (size_t i = 0; i < p.height * p.width; i++) {
            double size = fabs(t->x[assay_verify_element_at(t, &p, i)]);
            a = size <= a || a != a ? a : size; /* a NaN stays */
        }
        top = a < INFINITY && a > top ? a : top;
    }
    return top;
}

/* All but the largest move; sums of neighbours are halved by s / 2. */
void assay_verify_tensor_aim(const assay_verify_tensor *t, const assay_verify_blocks *o,
                             const assay_verify_region *p, const assay_verify_block *block)
{
    const assay_verify_ladder *l = &o->element;
    const double s = assay_verify_code_real(&o->scale, block->scale);
    double amax = 0;
    for (size_t i = 0; i < block->n; i++)
        amax = fabs(block->x[i]) > amax ? fabs(block->x[i]) : amax;
    if (!(s > 0) || l->top == l->bottom)
        return;
    mpfr_t v, w;
    mpfr_inits2(l->precision + 128, v, w, (mpfr_ptr)NULL);
    for (size_t i = 0; i < block->n; i++) {
        size_t at = assay_verify_element_at(t, p, i);
        uint64_t m = assay_verify_tensor_random(t, at + AIMS);
        uint64_t rungs = (uint64_t)(l->top - l->bottom);
        int64_t rung = l->bottom + (int64_t)(m % rungs);
        assay_verify_rung(l, rung, v);
        assay_verify_rung(l, rung + 1, w);
        mpfr_add(v, v, w, MPFR_RNDN);
        mpfr_mul_d(v, v, s / 2, MPFR_RNDN);
        mpfr_mul_q(v, v, o->tensor, MPFR_RNDN);
        bool negative = mpfr_sgn(v) < 0;
        mpfr_abs(v, v, MPFR_RNDN);
        uint64_t ordinal = assay_verify_first(t->source, v, l->divisor, false) + (m >> 32) % 5;
        ordinal = ordinal > 2 ? ordinal - 2 : 0;
        double x = assay_verify_operand(t->source, negative, ordinal);
        if (fabs(block->x[i]) < amax && fabs(x) < amax)
            set_operand(t, at, negative, ordinal);
    }
    mpfr_clears(v, w, (mpfr_ptr)NULL);
}

size_t assay_verify_tensor_most(const assay_scheme *s)
{
    size_t cols = at_least(WIDE_ROW, s->block < (size_t)1 << 30 ? s->block : 7);
    size_t rest = cols / 3 + 1;
    size_t rows = LOOPED / cols + 4 + 2 * s->tile_rows;
    return rows * (cols + rest);
}
#endif
