/* SPDX-License-Identifier: Apache-2.0 */
/* Tables are kept by what they depend on. One that is asked for is built once the elements asked
 * for would have paid for it; meanwhile, and while a thread builds it, the definition serves. */
#include "rounding/ladder_array.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "formats/family.h"
#include "numerics/cpu.h"
#include "rounding/ladder_array_table.h"

enum { SLOTS = 64, PAID = 2048 };

/* All that a table is made from; padding is zero, so that keys compare as bytes. */
typedef struct key {
    const assay_format_family *family;
    const assay_codebook *book;
    int64_t lowest, highest;
    uint64_t sign_bit, max_code, inf_code, nan_code;
    uint64_t overflow_code[2], infinite_code[2], nan_result;
    int32_t kind, bits, exponent_bits, fraction_bits, bias, nan, law, encoding;
    int32_t scale, step, offset, flags, mode, purpose;
} key;

/* Purposes: decode, values or codes, times the source. */
enum { PURPOSE_VALUE, PURPOSE_CODE, PURPOSE_DECODE };

static void set_format(key *k, const assay_format *f)
{
    memset(k, 0, sizeof *k);
    k->family = f->family;
    k->book = f->book;
    k->lowest = f->lowest;
    k->highest = f->highest;
    k->sign_bit = f->sign_bit;
    k->max_code = f->max_code;
    k->inf_code = f->inf_code;
    k->nan_code = f->nan_code;
    k->kind = (int32_t)f->kind;
    k->bits = f->bits;
    k->exponent_bits = f->exponent_bits;
    k->fraction_bits = f->fraction_bits;
    k->bias = f->bias;
    k->nan = (int32_t)f->nan;
    k->law = (int32_t)f->law;
    k->encoding = (int32_t)f->encoding;
    k->scale = f->scale;
    k->step = f->step;
    k->offset = f->offset;
    k->flags = f->is_signed | f->has_inf << 1 | f->has_negzero << 2 | f->has_subnormals << 3 |
               f->has_zero << 4 | f->is_log << 5;
}

static void set_rounder(key *k, const assay_rounder *r)
{
    k->mode = (int32_t)r->mode;
    k->nan_result = r->nan_code;
    for (int i = 0; i < 2; i++) {
        k->overflow_code[i] = r->overflow_code[i];
        k->infinite_code[i] = r->infinite_code[i];
    }
}

/* A slot with an unbuilt table counts the elements that were asked for. */
typedef struct slot {
    key key;
    bool used, tried; /* tried: being built, built, or there is none */
    uint64_t seen, stamp;
    int readers;
    assay_ladder *ladder;
} slot;

static slot slots[SLOTS];
static uint64_t clock_of_slots;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The key's slot, or the one that was longest not asked for, given to it; NULL if all are in use.
 * A slot that is tried and has no table is being built: its builder is a reader. */
static slot *slot_of(const key *k)
{
    slot *oldest = NULL;
    for (size_t i = 0; i < SLOTS; i++) {
        slot *s = &slots[i];
        if (s->used && memcmp(&s->key, k, sizeof *k) == 0)
            return s;
        if (s->readers == 0 && (!oldest || s->stamp < oldest->stamp))
            oldest = s;
    }
    if (!oldest)
        return NULL;
    free(oldest->ladder);
    *oldest = (slot){ .key = *k, .used = true };
    return oldest;
}

/* The slot with its table, for release; or NULL. `build` says that the caller has to make it. */
static slot *acquire(const key *k, uint64_t paid, size_t n, bool *build)
{
    pthread_mutex_lock(&lock);
    slot *s = slot_of(k);
    *build = false;
    if (s) {
        s->stamp = ++clock_of_slots;
        s->seen += n;
        *build = !s->tried && s->seen >= paid;
        s->tried |= *build;
        if (!s->ladder && !*build)
            s = NULL;
        else
            s->readers++;
    }
    pthread_mutex_unlock(&lock);
    return s;
}

static void release(slot *s)
{
    pthread_mutex_lock(&lock);
    s->readers--;
    pthread_mutex_unlock(&lock);
}

/* Gives a new table to its slot; NULL frees the caller of it. */
static slot *keep(slot *s, assay_ladder *ladder)
{
    pthread_mutex_lock(&lock);
    s->ladder = ladder;
    s->readers -= !ladder;
    pthread_mutex_unlock(&lock);
    return ladder ? s : NULL;
}

static const assay_ladder_loops *loops(void)
{
#ifdef __x86_64__
    static const assay_ladder_loops *const tables[ASSAY_ISA_COUNT] = { &assay_ladder_base,
                                                                       &assay_ladder_avx2,
                                                                       &assay_ladder_avx512 };
    return tables[assay_isa_current()];
#else
    return &assay_ladder_base;
#endif
}

static assay_ladder *make(const assay_rounder *r, int fraction, bool code)
{
    assay_ladder_source source = assay_ladder_source_of(r, fraction, code);
    assay_ladder *ladder = assay_ladder_cells(&source);
    return ladder ? ladder : assay_ladder_steps(&source);
}

bool assay_ladder_array(const assay_rounder *r, int fraction, bool code, const void *x, void *y,
                        size_t n)
{
    const assay_format *f = &r->format;
    bool wide = fraction == 52, build;
    if (assay_mode_is_stochastic(r->mode) || assay_format_is_direct(f, 52))
        return false;
    key k;
    set_format(&k, f);
    set_rounder(&k, r);
    k.purpose = 2 * (code ? PURPOSE_CODE : PURPOSE_VALUE) + wide;
    /* Thresholds cost a search each, about as long as the source's bits. */
    bool listed = f->book || f->is_log || (f->kind == ASSAY_FAMILY_LOG && f->scale > 1);
    uint64_t steps = listed && f->bits <= 16 ? f->family->count(f) : 0;
    slot *s = acquire(&k, PAID + (wide ? 48 : 20) * steps, n, &build);
    if (build)
        s = keep(s, make(r, fraction, code));
    if (!s)
        return false;
    const assay_ladder *l = s->ladder;
    assay_ladder_loop *loop = l->kind == ASSAY_LADDER_STEPS
                                  ? loops()->steps[wide]
                                  : loops()->cells[wide][l->rule][l->regions];
    loop(l, x, y, n, code ? assay_format_container(f) : wide ? 8 : 4);
    release(s);
    return true;
}

bool assay_ladder_decode(const assay_format *f, int fraction, const void *codes, void *y, size_t n)
{
    bool wide = fraction == 52, build;
    if (f->bits > 16 || assay_format_is_direct(f, fraction))
        return false;
    key k;
    set_format(&k, f);
    k.purpose = 2 * PURPOSE_DECODE + wide;
    slot *s = acquire(&k, (uint64_t)1 << f->bits, n, &build);
    if (build)
        s = keep(s, assay_ladder_codes(f, fraction));
    if (!s)
        return false;
    loops()->decode[wide](s->ladder, codes, y, n, assay_format_container(f));
    release(s);
    return true;
}
