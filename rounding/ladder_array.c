/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for formats that are no binary floats, kept in slots. */
#include "rounding/ladder_array.h"

#include <string.h>

#include "formats/family.h"
#include "numerics/cpu.h"
#include "rounding/ladder_array_table.h"
#include "rounding/slots.h"

enum { PAID = 2048 };

/* Purposes: decode, values or codes, times the source. */
enum { PURPOSE_VALUE, PURPOSE_CODE, PURPOSE_DECODE };

/* All that a table is made from. */
typedef struct key {
    assay_rounder_key rounder;
    int64_t purpose;
} key;

static assay_slots slots = { .lock = PTHREAD_MUTEX_INITIALIZER, .count = ASSAY_SLOTS };

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
    assay_rounder_key_set(&k.rounder, r);
    k.rounder.nan_is_error = 0; /* the caller's to see to */
    k.purpose = 2 * (code ? PURPOSE_CODE : PURPOSE_VALUE) + wide;
    /* Thresholds cost a search each, about as long as the source's bits. */
    bool listed = f->book || f->is_log || (f->kind == ASSAY_FAMILY_LOG && f->scale > 1);
    uint64_t steps = listed && f->bits <= 16 ? f->family->count(f) : 0;
    assay_slot *s =
        assay_slots_acquire(&slots, &k, sizeof k, PAID + (wide ? 48 : 20) * steps, n, &build);
    if (build)
        s = assay_slots_keep(&slots, s, make(r, fraction, code));
    if (!s)
        return false;
    const assay_ladder *l = s->table;
    assay_ladder_loop *loop = l->kind == ASSAY_LADDER_STEPS
                                  ? loops()->steps[wide]
                                  : loops()->cells[wide][l->rule][l->regions];
    loop(l, x, y, n, code ? assay_format_container(f) : wide ? 8 : 4);
    assay_slots_release(&slots, s);
    return true;
}

bool assay_ladder_decode(const assay_format *f, int fraction, const void *codes, void *y, size_t n)
{
    bool wide = fraction == 52, build;
    if (f->bits > 16 || assay_format_is_direct(f, fraction))
        return false;
    key k;
    memset(&k, 0, sizeof k);
    assay_format_key_set(&k.rounder.format, f);
    k.purpose = 2 * PURPOSE_DECODE + wide;
    assay_slot *s = assay_slots_acquire(&slots, &k, sizeof k, (uint64_t)1 << f->bits, n, &build);
    if (build)
        s = assay_slots_keep(&slots, s, assay_ladder_codes(f, fraction));
    if (!s)
        return false;
    loops()->decode[wide](s->table, codes, y, n, assay_format_container(f));
    assay_slots_release(&slots, s);
    return true;
}
