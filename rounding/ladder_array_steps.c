/* SPDX-License-Identifier: Apache-2.0 */
/* Building the tables of thresholds and of codes. */
#include <stdlib.h>

#include "formats/family.h"
#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/ladder_array_table.h"

enum { MOST_STEPS = 1 << 17, MOST_BUCKETS = 1 << 20, FEW_BUCKETS = 1 << 14 };

/* Where results change along the magnitudes of one sign, and to what. */
typedef struct list {
    uint64_t *from, *to;
    size_t count, room;
    uint64_t start; /* the result of zero */
    bool failed;
} list;

static void add(list *l, uint64_t from, uint64_t to)
{
    if (l->count == l->room) {
        size_t room = l->room * 2 + 64;
        uint64_t *a = realloc(l->from, room * sizeof *a);
        l->from = a ? a : l->from;
        uint64_t *b = realloc(l->to, room * sizeof *b);
        l->to = b ? b : l->to;
        l->failed = !a || !b || room > 2 * MOST_STEPS;
        if (l->failed)
            return;
        l->room = room;
    }
    l->from[l->count] = from;
    l->to[l->count++] = to;
}

/* All changes in (a, b], given the results there: where they are equal, rounding is constant. */
static void collect(const assay_ladder_source *s, bool negative, list *l, uint64_t a, uint64_t b,
                    uint64_t below, uint64_t above)
{
    if (below == above || l->failed)
        return;
    if (b - a == 1) {
        add(l, b, above);
        return;
    }
    uint64_t middle = a + (b - a) / 2, between = assay_ladder_result(s, negative, middle);
    collect(s, negative, l, a, middle, below, between);
    collect(s, negative, l, middle, b, between, above);
}

static void list_steps(const assay_ladder_source *s, bool negative, list *l)
{
    uint64_t inf = (uint64_t)(s->fraction == 23 ? 255 : 2047) << s->fraction;
    l->start = assay_ladder_result(s, negative, 0);
    uint64_t first = assay_ladder_result(s, negative, 1);
    uint64_t last = assay_ladder_result(s, negative, inf - 1);
    if (first != l->start) /* zero is of another sign than its neighbours, or NaN */
        add(l, 1, first);
    collect(s, negative, l, 1, inf - 1, first, last);
    uint64_t infinite = assay_ladder_result(s, negative, inf);
    if (infinite != last)
        add(l, inf, infinite);
    add(l, inf + 1, assay_ladder_result(s, negative, inf + 1));
    for (size_t i = 0; i < l->count && !l->failed; i++)
        l->from[i] = assay_ladder_coordinate(s->fraction, l->from[i]);
}

/* The most changes that a bucket's operands have to be told apart by. */
static size_t crowded(const list *l, int shift)
{
    size_t most = 0, run = 0;
    for (size_t i = 0; i < l->count; i++) {
        run = i > 0 && l->from[i] >> shift == l->from[i - 1] >> shift ? run + 1 : 1;
        most = run > most ? run : most;
    }
    return most;
}

static uint64_t buckets_of(int fraction, int shift)
{
    uint64_t keys = fraction == 23 ? ASSAY_KEYS_F32 : ASSAY_KEYS_F64;
    return keys << (fraction - shift);
}

static int rounds_for(const list lists[2], int shift)
{
    size_t most = crowded(&lists[0], shift), other = crowded(&lists[1], shift);
    int rounds = 0;
    for (most = most > other ? most : other; most >> rounds; rounds++) {
    }
    return rounds;
}

/* As many buckets as make one round enough, within reason. */
static int choose_shift(int fraction, const list lists[2])
{
    uint64_t limit = 8 * (lists[0].count + lists[1].count);
    limit = limit < FEW_BUCKETS ? FEW_BUCKETS : limit > MOST_BUCKETS ? MOST_BUCKETS : limit;
    int shift = fraction;
    while (rounds_for(lists, shift) > 1 && shift > 0 && buckets_of(fraction, shift - 1) <= limit)
        shift--;
    return shift;
}

/* The lists one behind the other, each with room for a search that starts at its last step. */
static assay_ladder *pack(int fraction, const list lists[2])
{
    int shift = choose_shift(fraction, lists), rounds = rounds_for(lists, shift);
    size_t word = fraction == 23 ? 4 : 8, pad = (size_t)1 << rounds;
    size_t rooms = lists[0].count + lists[1].count + 2 * pad;
    uint64_t buckets = buckets_of(fraction, shift);
    assay_ladder *ladder = malloc(sizeof *ladder + 2 * (rooms + (size_t)buckets) * word);
    if (!ladder)
        return NULL;
    char *threshold = (char *)(ladder + 1), *out = threshold + rooms * word;
    char *start = out + rooms * word;
    *ladder = (assay_ladder){ .kind = ASSAY_LADDER_STEPS,
                              .shift = shift,
                              .rounds = rounds,
                              .buckets = buckets,
                              .start = start,
                              .threshold = threshold,
                              .out = out };
    size_t at = 0;
    for (int negative = 0; negative < 2; negative++) {
        const list *l = &lists[negative];
        size_t passed = 0;
        for (uint64_t b = 0; b < buckets; b++) {
            while (passed < l->count && l->from[passed] >> shift < b)
                passed++;
            assay_ladder_put(start, fraction, b + (negative ? buckets : 0), at + passed);
        }
        for (size_t i = 0; i < l->count + pad; i++) {
            uint64_t from = i < l->count ? l->from[i] : UINT64_MAX;
            assay_ladder_put(threshold, fraction, at + i, from);
            assay_ladder_put(out, fraction, at + i,
                             i == 0 ? l->start : l->to[i <= l->count ? i - 1 : l->count - 1]);
        }
        at += l->count + pad;
    }
    return ladder;
}

assay_ladder *assay_ladder_steps(const assay_ladder_source *s)
{
    const assay_format *f = &s->rounder->format;
    if (f->bits > (f->family->near ? 11 : 16)) /* a search costs too much where values are slow */
        return NULL;
    list lists[2] = { 0 };
    for (int negative = 0; negative < 2; negative++)
        list_steps(s, negative, &lists[negative]);
    assay_ladder *ladder = NULL;
    if (!lists[0].failed && !lists[1].failed)
        ladder = pack(s->fraction, lists);
    for (int negative = 0; negative < 2; negative++) {
        free(lists[negative].from);
        free(lists[negative].to);
    }
    return ladder;
}

assay_ladder *assay_ladder_codes(const assay_format *format, int fraction)
{
    if (format->bits > 16)
        return NULL;
    size_t count = (size_t)1 << format->bits;
    assay_rounder narrow = assay_binary32_rounder();
    assay_ladder *ladder = malloc(sizeof *ladder + count * (fraction == 23 ? 4 : 8));
    if (!ladder)
        return NULL;
    *ladder = (assay_ladder){ .kind = ASSAY_LADDER_DECODE, .mask = count - 1, .out = ladder + 1 };
    for (size_t code = 0; code < count; code++) {
        double x = assay_decode(format, code);
        assay_ladder_put(ladder + 1, fraction, code,
                         fraction == 23 ? assay_round_code(&narrow, x) : assay_bits64(x));
    }
    return ladder;
}
