/* SPDX-License-Identifier: Apache-2.0 */
/* Building the table of cells. Results come from the definition; that values are evenly spaced
 * within a binade is known of the families in `spacing` alone. */
#include <stdlib.h>

#include "formats/family.h"
#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/ladder_array_table.h"

static int keys_of(int fraction)
{
    return fraction == 23 ? ASSAY_KEYS_F32 : ASSAY_KEYS_F64;
}

void assay_ladder_put(void *words, int fraction, size_t i, uint64_t value)
{
    if (fraction == 23)
        ((uint32_t *)words)[i] = (uint32_t)value;
    else
        ((uint64_t *)words)[i] = value;
}

assay_ladder_source assay_ladder_source_of(const assay_rounder *rounder, int fraction, bool code)
{
    return (assay_ladder_source){
        .rounder = rounder, .narrow = assay_binary32_rounder(), .fraction = fraction, .code = code
    };
}

double assay_ladder_operand(const assay_ladder_source *s, bool negative, uint64_t u)
{
    uint64_t bits = u;
    if (s->fraction == 23 && u < 0x00800000) /* an integer and a power of two: FTZ is no matter */
        bits = assay_bits64((double)(int32_t)u * 0x1p-149);
    else if (s->fraction == 23)
        bits = (u << 29) + ((uint64_t)(u < 0x7f800000 ? 1023 - 127 : 2047 - 255) << 52);
    return assay_from_bits64(bits | (uint64_t)negative << 63);
}

uint64_t assay_ladder_result(const assay_ladder_source *s, bool negative, uint64_t u)
{
    double x = assay_ladder_operand(s, negative, u);
    if (s->code)
        return assay_round_code(s->rounder, x);
    double y = assay_round(s->rounder, x);
    return s->fraction == 23 ? assay_round_code(&s->narrow, y) : assay_bits64(y);
}

uint64_t assay_ladder_first(int fraction, int key)
{
    if (key <= fraction)
        return key > 0 ? (uint64_t)1 << (key - 1) : 0;
    return (uint64_t)(key - fraction) << fraction;
}

uint64_t assay_ladder_coordinate(int fraction, uint64_t u)
{
    uint64_t hidden = (uint64_t)1 << fraction;
    if (u >= hidden)
        return u + ((uint64_t)fraction << fraction);
    if (u == 0)
        return 0;
    int top = 63 - __builtin_clzll(u);
    return ((uint64_t)(top + 1) << fraction) | (u << (fraction - top) & (hidden - 1));
}

/* What is being built. */
typedef struct cells {
    const assay_ladder_source *source;
    assay_ladder *ladder;
    void *shape, *base, *delta;
    bool failed;
} cells;

/* A cell and its magnitudes. */
typedef struct cell {
    bool negative;
    int key;
    uint64_t first, last;
} cell;

static cell cell_at(const cells *c, bool negative, int key)
{
    int fraction = c->source->fraction;
    cell at = { negative, key, assay_ladder_first(fraction, key), 0 };
    at.last = assay_ladder_first(fraction, key + 1) - 1;
    if (key == keys_of(fraction) - 1) /* infinity and NaN */
        at.last = ((uint64_t)1 << (fraction == 23 ? 31 : 63)) - 1;
    return at;
}

static uint64_t result(const cells *c, const cell *at, uint64_t u)
{
    return assay_ladder_result(c->source, at->negative, u);
}

static void put(const cells *c, const cell *at, uint64_t shape, uint64_t base, uint64_t delta)
{
    int fraction = c->source->fraction;
    size_t i = (size_t)at->key + (at->negative ? (size_t)keys_of(fraction) : 0);
    assay_ladder_put(c->shape, fraction, i, shape);
    assay_ladder_put(c->base, fraction, i, base);
    assay_ladder_put(c->delta, fraction, i, delta);
}

static uint64_t shape_of(int fraction, uint64_t offset, bool odd, int d)
{
    int bits = fraction == 23 ? ASSAY_SHAPE_F32 : ASSAY_SHAPE_F64;
    return offset << (bits + 1) | (uint64_t)odd << bits | (uint64_t)d;
}

static void put_constant(const cells *c, const cell *at, uint64_t value)
{
    put(c, at, shape_of(c->source->fraction, 0, false, 1), value, 0);
}

/* The distance of values in [2^e, 2^(e+1)) as an exponent, where the family's positions say it: of
 * 2^e and the next value, or, where 2^e would be zero's code, of the next two. */
static bool measured(const assay_format *f, int e, int *out)
{
    assay_exact power = { .kind = ASSAY_FINITE, .exp = e - 63, .sig = (uint64_t)1 << 63 };
    uint64_t at;
    bool exact;
    if (!assay_position_below(f, &power, &at, &exact) || at + 2 - exact >= f->family->count(f))
        return false;
    assay_exact first = f->family->value(f, at + 1);
    power.negative = true;
    assay_exact gap = assay_exact_add(first, power);
    *out = gap.exp + 63;
    if (exact)
        return true;
    first.negative = true;
    assay_exact next = assay_exact_add(f->family->value(f, at + 2), first);
    return assay_exact_compare(gap, next) == 0;
}

/* The same for every family whose values are evenly spaced within a binade, as far as they go:
 * multiples of the distance, or the odd ones of its half. */
static bool spacing(const assay_format *f, bool negative, int e, int *out)
{
    switch (f->kind) {
    case ASSAY_FAMILY_FLOAT:
        *out = (f->has_subnormals && e < f->emin ? f->emin : e) - f->fraction_bits;
        return !negative || f->is_signed;
    case ASSAY_FAMILY_FIXED: *out = (f->step == 2) - f->scale; return true;
    case ASSAY_FAMILY_POSIT:
    case ASSAY_FAMILY_TAKUM:
    case ASSAY_FAMILY_HIFLOAT: return !f->is_log && measured(f, e, out);
    default: return false;
    }
}

/* What is added to 2 fraction so that cutting d bits rounds; below = 2^d - 1. */
static uint64_t increment(assay_mode mode, bool negative, uint64_t below)
{
    switch (mode) {
    case ASSAY_RNE:
    case ASSAY_RNA: return (below >> 1) + 1;
    case ASSAY_RNZ: return below >> 1;
    case ASSAY_RAZ: return below;
    case ASSAY_RUP: return negative ? 0 : below;
    case ASSAY_RDN: return negative ? below : 0;
    default: return 0; /* rtz, rodd */
    }
}

/* The numbers of a linear cell. */
typedef struct line {
    uint64_t offset, base, delta;
    bool odd;
    int d;
} line;

static uint64_t word_of(int fraction, uint64_t x)
{
    return fraction == 23 ? (uint32_t)x : x;
}

/* As the loops have it, for a magnitude of the cell. */
static uint64_t value_of(const cells *c, const line *l, uint64_t u)
{
    int fraction = c->source->fraction;
    uint64_t w = assay_ladder_coordinate(fraction, u);
    uint64_t t = 2 * (w & (((uint64_t)1 << fraction) - 1)) + l->offset;
    uint64_t rest = t & (((uint64_t)1 << l->d) - 1), q = t >> l->d;
    if (c->ladder->rule == ASSAY_CELL_EVEN)
        q -= rest == 0 ? q & 1 : 0;
    if (c->ladder->rule == ASSAY_CELL_ODD)
        q |= rest != 0 && l->odd;
    return word_of(fraction, l->base + q * l->delta);
}

static bool is_value(const cells *c, const cell *at, uint64_t u)
{
    double x = assay_ladder_operand(c->source, at->negative, u);
    return assay_round(c->source->rounder, x) == x;
}

/* Every operand of the cell is a value, or each lies the same way between two. */
static line fine_line(const cells *c, const cell *at, int d)
{
    line l = { .d = d, .base = result(c, at, at->first) };
    l.delta = result(c, at, at->first + 1) - l.base;
    l.offset = c->ladder->rule == ASSAY_CELL_EVEN ? (uint64_t)1 << (d - 1) : 0;
    return l;
}

/* Values `step` magnitudes apart; of odd integers the cell starts in the middle of two. */
static bool coarse_line(const cells *c, const cell *at, uint64_t step, bool middle, int d, line *l)
{
    const assay_rounder *r = c->source->rounder;
    uint64_t u = middle ? at->first + step / 2 : at->first, below = ((uint64_t)1 << d) - 1;
    uint64_t index = middle; /* the q of u */
    if (!middle && !is_value(c, at, u)) {
        u += step;
        index = 1;
    }
    if (u + step > at->last || !is_value(c, at, u) || !is_value(c, at, u + step))
        return false;
    /* q counts from a value with an even code, so that its parity is the code's. */
    uint64_t code = assay_round_code(r, assay_ladder_operand(c->source, at->negative, u));
    uint64_t odd = (code ^ index) & 1;
    l->d = d;
    l->delta = result(c, at, u + step) - result(c, at, u);
    l->base = result(c, at, u) - (index + odd) * l->delta;
    l->offset = (odd << d) + (middle ? (uint64_t)1 << (d - 1) : 0) +
                increment(r->mode, at->negative, below);
    l->odd = true;
    return true;
}

static bool right(const cells *c, const cell *at, const line *l, uint64_t u)
{
    return value_of(c, l, u) == result(c, at, u);
}

/* Where the line is wrong on one side of u, up to u itself, the result is that of u. */
static bool put_region(cells *c, const cell *at, uint64_t from, uint64_t to, uint64_t over)
{
    assay_ladder *ladder = c->ladder;
    int fraction = c->source->fraction, i = 0;
    while (i < ASSAY_REGIONS && ladder->span[i][at->negative] > 0)
        i++;
    if (i == ASSAY_REGIONS)
        return false;
    /* Coordinates of subnormals have gaps, which no operand meets. */
    uint64_t start = assay_ladder_coordinate(fraction, from);
    ladder->from[i][at->negative] = start;
    ladder->span[i][at->negative] = assay_ladder_coordinate(fraction, to) + 1 - start;
    ladder->over[i][at->negative] = over;
    ladder->regions = i >= ladder->regions ? i + 1 : ladder->regions;
    return true;
}

/* Overflow and the least value: at either end of the cell the result may be another than the
 * line's, but it is the same for all operands up to the end. The line is right where it is so at
 * both ends of that stretch, and the rest of the cell is beyond neither. */
static bool put_ends(cells *c, const cell *at, const line *l)
{
    for (int top = 0; top < 2; top++) {
        uint64_t end = top ? at->last : at->first, other = top ? at->first : at->last;
        uint64_t same = end, value = result(c, at, end);
        while (top ? same - other > 1 : other - same > 1) {
            uint64_t middle = same / 2 + other / 2 + (same & other & 1);
            if (result(c, at, middle) == value)
                same = middle;
            else
                other = middle;
        }
        if (right(c, at, l, end) && right(c, at, l, same))
            continue;
        if (!right(c, at, l, other) ||
            !put_region(c, at, top ? same : end, top ? end : same, value))
            return false;
    }
    return true;
}

static bool put_line(cells *c, const cell *at)
{
    const assay_format *f = &c->source->rounder->format;
    int fraction = c->source->fraction, bias = fraction == 23 ? 127 : 1023, s = 0;
    int lowest = 1 - bias - fraction, e = lowest + at->key - 1;
    int ulp = e - fraction > lowest ? e - fraction : lowest;
    if (at->key == 0 || at->key == keys_of(fraction) - 1 || !spacing(f, at->negative, e, &s) ||
        s >= e)
        return false;
    bool odd = f->kind == ASSAY_FAMILY_FIXED && f->step == 2;
    if (odd && !c->source->code) /* the value below 2^e has bits of another binade */
        return false;
    int unit = e - fraction - 1; /* of t */
    line l = { 0 };
    if (ulp > s || (ulp == s && !odd))
        l = fine_line(c, at, ulp - unit);
    else if (ulp == s || !coarse_line(c, at, (uint64_t)1 << (s - ulp), odd, s - unit, &l))
        return false;
    if (!put_ends(c, at, &l))
        return false;
    put(c, at, shape_of(fraction, l.offset, l.odd, l.d), l.base, l.delta);
    return true;
}

/* At most one change within the cell, found by halving. */
static bool put_step(cells *c, const cell *at, uint64_t below, uint64_t above)
{
    uint64_t low = at->first, high = at->last;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (result(c, at, middle) == below)
            low = middle;
        else
            high = middle;
    }
    if (result(c, at, high) != above)
        return false;
    int fraction = c->source->fraction;
    uint64_t mask = ((uint64_t)1 << fraction) - 1;
    uint64_t change = assay_ladder_coordinate(fraction, high) & mask;
    /* 2 fraction - (2 change - 1) is odd and carries into bit F + 2 from the change on. */
    uint64_t offset = ((uint64_t)1 << (fraction + 2)) - (2 * change - 1);
    put(c, at, shape_of(fraction, offset, false, fraction + 2), below, above - below);
    return true;
}

/* Cells a .. b of one sign: as results are monotone, equal ends mean equal everywhere. */
static void fill(cells *c, bool negative, int a, int b)
{
    cell first = cell_at(c, negative, a), last = cell_at(c, negative, b);
    uint64_t below = result(c, &first, first.first), above = result(c, &last, last.last);
    if (c->failed)
        return;
    if (below == above) {
        for (int key = a; key <= b; key++) {
            cell at = cell_at(c, negative, key);
            put_constant(c, &at, below);
        }
    } else if (a == b) {
        c->failed = !put_line(c, &first) && !put_step(c, &first, below, above);
    } else {
        int middle = a + (b - a) / 2;
        fill(c, negative, a, middle);
        fill(c, negative, middle + 1, b);
    }
}

assay_ladder *assay_ladder_cells(const assay_ladder_source *s)
{
    size_t keys = (size_t)keys_of(s->fraction), bytes = 2 * keys * (s->fraction == 23 ? 4 : 8);
    assay_ladder *ladder = malloc(sizeof *ladder + 3 * bytes);
    if (!ladder)
        return NULL;
    char *words = (char *)(ladder + 1);
    *ladder = (assay_ladder){ .kind = ASSAY_LADDER_CELLS,
                              .shape = words,
                              .base = words + bytes,
                              .delta = words + 2 * bytes };
    ladder->rule = s->rounder->mode == ASSAY_RNE    ? ASSAY_CELL_EVEN
                   : s->rounder->mode == ASSAY_RODD ? ASSAY_CELL_ODD
                                                    : ASSAY_CELL_PLAIN;
    cells c = { s, ladder, words, words + bytes, words + 2 * bytes, false };
    for (int negative = 0; negative < 2; negative++) {
        fill(&c, negative, 0, 0); /* of another sign than its neighbours, or NaN */
        fill(&c, negative, 1, (int)keys - 2);
        fill(&c, negative, (int)keys - 1, (int)keys - 1);
    }
    if (!c.failed)
        return ladder;
    free(ladder);
    return NULL;
}
