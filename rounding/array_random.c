/* SPDX-License-Identifier: Apache-2.0 */
/* Stochastic rounding of arrays. A chunk takes the first of three ways that serves it: a quick
 * loop for operands that the format can hold, a loop for any operands, and element by element
 * the definition, which only a tie of 32 random bits and a few rare formats need. */
#include "rounding/array_random.h"

#include <string.h>

#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "numerics/philox.h"
#include "rounding/array.h"
#include "rounding/draws.h"

/* Elements of a chunk: its buffers stay in the first-level cache. */
enum { CHUNK = 1024, EXTRA_DRAWS = 16 };

/* Dividing lines of the thresholds (docs/rounding.md, proof 8). */
static assay_thresholds make_thresholds(const assay_rounder *r, const assay_random *random)
{
    int n = r->random_bits, width = random->bits ? n : (int)assay_draw_share_of(r).width;
    assay_thresholds t = { .bytes = random->bits ? 4 : (size_t)width / 8,
                           .left = 32 - width,
                           .parity = n < 32 ? 32 - n : 0,
                           .mask = ~(uint32_t)0 << (32 - n) };
    if (n == 32)
        return t;
    if (r->mode == ASSAY_SRB)
        t.lower = (uint32_t)1 << (31 - n);
    if (r->mode == ASSAY_SRC) {
        t.lower = ((uint32_t)1 << (31 - n)) - 1;
        t.odd = 1;
    }
    return t;
}

static const assay_random_table *current_table(void)
{
#ifdef __x86_64__
    static const assay_random_table *const tables[ASSAY_ISA_COUNT] = { &assay_random_base,
                                                                       &assay_random_avx2,
                                                                       &assay_random_avx512 };
    return tables[assay_isa_current()];
#else
    return &assay_random_base;
#endif
}

/* One array's way. */
typedef struct roll {
    const assay_rounder *rounder;
    const assay_random *random;
    uint64_t first;
    int source;
    bool code;
    size_t in, out; /* bytes of an element */
    assay_random_constants constants;
    assay_thresholds thresholds;
    const assay_random_table *table;
    assay_quick_loop *quick[2]; /* or NULL; the second takes operands beyond the format */
    assay_direction direction;
    assay_decoder decoder;
    assay_decode_loop *decode;
} roll;

static uint64_t code_at(const roll *p, const char *x, uint64_t i)
{
    float f;
    double d;
    if (p->source == ASSAY_F32)
        memcpy(&f, x, sizeof f), d = assay_widen_f32(f);
    else
        memcpy(&d, x, sizeof d);
    return assay_round_exact_at(p->rounder, assay_exact_from(d), p->random,
                                p->random->bits ? i : p->first + i);
}

/* Draws share a word from its low end; where memory has the high end first, that is turned. */
static void order_draws(uint32_t *words, size_t n, size_t bytes)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (size_t i = 0; i < n && bytes < 4; i++)
        words[i] = bytes == 1 ? __builtin_bswap32(words[i]) : words[i] << 16 | words[i] >> 16;
#else
    (void)words;
    (void)n;
    (void)bytes;
#endif
}

/* The thresholds of elements i .. i + n - 1, in v or where they already are; for quick loops that
 * read them the draws themselves. */
static const void *roll_dice(const roll *p, size_t i, size_t n, bool raw, uint32_t *words,
                             uint32_t *v)
{
    bool whole = p->rounder->random_bits == 0; /* the words themselves: sr, sreq */
    const assay_thresholds *t = &p->thresholds;
    if (p->random->bits) {
        if (whole || raw)
            return p->random->bits + i;
        p->table->thresholds(t, p->random->bits + i, v, n);
        return v;
    }
    size_t bytes = whole ? 4 : t->bytes, share = 4 / bytes;
    uint64_t first = p->first + i;
    size_t skip = (size_t)(first % share), count = (skip + n + share - 1) / share;
    assay_philox_words(p->random->seed, p->random->stream, 0, first / share, words, count);
    if (whole)
        return words;
    order_draws(words, count, bytes);
    const char *draws = (const char *)words + skip * bytes;
    if (raw)
        return draws;
    p->table->thresholds(t, draws, v, n);
    return v;
}

/* Any operands: codes, repaired where only the definition knows, then their values if wanted. */
static void roll_any(const roll *p, const char *x, size_t i, const void *v, char *y, size_t n)
{
    _Alignas(ASSAY_LINE) uint64_t codes[CHUNK], mark[CHUNK];
    uint64_t ask = p->table->any[p->source][p->constants.dice](&p->constants, x, v, codes, mark, n);
    uint32_t *codes4 = (uint32_t *)(void *)codes, *mark4 = (uint32_t *)(void *)mark;
    for (size_t k = 0; ask && k < n; k++) {
        if (p->source == ASSAY_F32 && mark4[k])
            codes4[k] = (uint32_t)code_at(p, x + k * p->in, i + k);
        if (p->source == ASSAY_F64 && mark[k])
            codes[k] = code_at(p, x + k * p->in, i + k);
    }
    if (p->code)
        p->table->narrow[p->source](codes, y, n, p->out);
    else
        p->decode(&p->decoder, (const char *)codes, y, n, p->in, false);
}

/* Nonzero if the loop did not serve the chunk, of which y then has nothing. */
static uint64_t roll_quick(const roll *p, bool all, const char *x, const void *dice, char *y,
                           size_t n)
{
    _Alignas(ASSAY_LINE) uint64_t wide[CHUNK];
    bool straight = p->out == p->in && x != y;
    unsigned before = 0;
    if (!p->quick[all])
        return 1;
    if (p->constants.quick != ASSAY_QUICK_CUT)
        before = assay_environment_enter(p->direction);
    uint64_t left = p->quick[all](&p->constants, x, dice, straight ? (void *)y : (void *)wide, n);
    if (p->constants.quick != ASSAY_QUICK_CUT)
        assay_environment_leave(before);
    if (!straight && !left)
        p->table->narrow[p->source](wide, y, n, p->out);
    return left;
}

/* Where one chunk had operands beyond the format the next ones may: results do not depend on it. */
static void roll_all(const roll *p, const char *x, char *y, size_t n)
{
    _Alignas(ASSAY_LINE) uint32_t words[CHUNK + EXTRA_DRAWS], v[CHUNK];
    const bool raw = p->constants.quick == ASSAY_QUICK_PLUS;
    bool all = false;
    for (size_t i = 0; i < n; i += CHUNK) {
        size_t k = n - i < CHUNK ? n - i : CHUNK;
        const char *from = x + i * p->in;
        char *to = y + i * p->out;
        const void *dice = roll_dice(p, i, k, raw, words, v);
        if (!all && roll_quick(p, false, from, dice, to, k) == 0)
            continue;
        all = p->quick[1] != NULL;
        if (roll_quick(p, true, from, dice, to, k) != 0)
            roll_any(p, from, i, raw ? roll_dice(p, i, k, false, words, v) : dice, to, k);
    }
}

static void set_quick(roll *p)
{
    assay_random_constants *c = &p->constants;
    c->draw_bytes = p->thresholds.bytes;
    c->shift = 8 * (int)c->draw_bytes - p->rounder->random_bits;
    if (p->random->bits)
        c->shift = 0;
    switch (c->quick) {
    case ASSAY_QUICK_CUT: p->quick[0] = p->table->cut[p->source][p->code][c->dice]; break;
    case ASSAY_QUICK_SCALED:
        memcpy(p->quick, p->table->scaled[p->source][p->code][c->dice], sizeof p->quick);
        break;
    case ASSAY_QUICK_PLUS:
        memcpy(p->quick, p->table->plus[p->source][p->code], sizeof p->quick);
        p->direction = ASSAY_TO_ZERO;
        break;
    case ASSAY_QUICK_MINUS:
        memcpy(p->quick, p->table->minus[p->source][p->code], sizeof p->quick);
        p->direction = ASSAY_UP;
        break;
    default: break;
    }
}

static roll make_roll(const assay_rounder *r, const assay_random *random, uint64_t first,
                      int source, bool code)
{
    int fraction = source == ASSAY_F32 ? 23 : 52;
    roll p = { .rounder = r,
               .random = random,
               .first = first,
               .source = source,
               .code = code,
               .in = source == ASSAY_F32 ? 4 : 8,
               .constants = assay_random_constants_from(r, fraction),
               .table = current_table() };
    p.out = code ? assay_format_container(&r->format) : p.in;
    if (!p.constants.direct)
        return p;
    if (r->random_bits > 0)
        p.thresholds = make_thresholds(r, random);
    set_quick(&p);
    p.decoder = assay_decoder_make(&r->format, fraction);
    p.decode = assay_array_current()->decode[source];
    return p;
}

/* Modes differ only in what they do with dropped bits, where there are any. */
static bool is_exact(const roll *p)
{
    return !assay_mode_is_stochastic(p->rounder->mode) ||
           (p->constants.direct && !p->constants.drops);
}

static assay_rounder without_dice(const assay_rounder *r)
{
    assay_rounder same = *r;
    if (assay_mode_is_stochastic(r->mode))
        same.mode = ASSAY_RNE; /* overflows as stochastic modes do */
    return same;
}

void assay_round_random_f64(const assay_rounder *rounder, const assay_random *random,
                            uint64_t first, const double *x, double *y, size_t n)
{
    roll p = make_roll(rounder, random, first, ASSAY_F64, false);
    assay_rounder same = without_dice(rounder);
    if (is_exact(&p)) {
        assay_round_array_f64(&same, x, y, n);
        return;
    }
    if (p.constants.direct) {
        roll_all(&p, (const char *)x, (char *)y, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        y[i] = assay_decode(&rounder->format, code_at(&p, (const char *)&x[i], i));
}

/* In blocks of binary64, for formats that loops on binary32 do not serve. */
typedef void random_block(const assay_rounder *rounder, const assay_random *random, uint64_t first,
                          const double *x, void *y, size_t n);

static void round_block(const assay_rounder *rounder, const assay_random *random, uint64_t first,
                        const double *x, void *y, size_t n)
{
    double value[ASSAY_BLOCK];
    assay_rounder nearest = assay_binary32_rounder();
    assay_round_random_f64(rounder, random, first, x, value, n);
    assay_encode_array_f64(&nearest, value, y, n);
}

static void widened(const roll *p, random_block *block, const float *x, char *y, size_t n)
{
    double wide[ASSAY_BLOCK];
    for (size_t i = 0; i < n; i += ASSAY_BLOCK) {
        size_t k = n - i < ASSAY_BLOCK ? n - i : ASSAY_BLOCK;
        assay_random here = *p->random;
        here.bits = here.bits ? here.bits + i : NULL;
        for (size_t j = 0; j < k; j++)
            wide[j] = assay_widen_f32(x[i + j]);
        block(p->rounder, &here, p->first + i, wide, y + i * p->out, k);
    }
}

void assay_round_random_f32(const assay_rounder *rounder, const assay_random *random,
                            uint64_t first, const float *x, float *y, size_t n)
{
    roll p = make_roll(rounder, random, first, ASSAY_F32, false);
    assay_rounder same = without_dice(rounder);
    if (is_exact(&p))
        assay_round_array_f32(&same, x, y, n);
    else if (p.constants.direct)
        roll_all(&p, (const char *)x, (char *)y, n);
    else
        widened(&p, round_block, x, (char *)y, n);
}

void assay_encode_random_f64(const assay_rounder *rounder, const assay_random *random,
                             uint64_t first, const double *x, void *codes, size_t n)
{
    roll p = make_roll(rounder, random, first, ASSAY_F64, true);
    assay_rounder same = without_dice(rounder);
    if (is_exact(&p)) {
        assay_encode_array_f64(&same, x, codes, n);
        return;
    }
    if (p.constants.direct) {
        roll_all(&p, (const char *)x, codes, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t code = code_at(&p, (const char *)&x[i], i);
        p.table->narrow[ASSAY_F64](&code, (char *)codes + i * p.out, 1, p.out);
    }
}

void assay_encode_random_f32(const assay_rounder *rounder, const assay_random *random,
                             uint64_t first, const float *x, void *codes, size_t n)
{
    roll p = make_roll(rounder, random, first, ASSAY_F32, true);
    assay_rounder same = without_dice(rounder);
    if (is_exact(&p))
        assay_encode_array_f32(&same, x, codes, n);
    else if (p.constants.direct)
        roll_all(&p, (const char *)x, codes, n);
    else
        widened(&p, assay_encode_random_f64, x, codes, n);
}
