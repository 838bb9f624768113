/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/slots.h"

#include <stdlib.h>

void assay_format_key_set(assay_format_key *k, const assay_format *f)
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

void assay_rounder_key_set(assay_rounder_key *k, const assay_rounder *r)
{
    memset(k, 0, sizeof *k);
    assay_format_key_set(&k->format, &r->format);
    k->mode = (int32_t)r->mode;
    k->nan_result = r->nan_code;
    k->nan_is_error = r->nan_is_error;
    for (int i = 0; i < 2; i++) {
        k->overflow_code[i] = r->overflow_code[i];
        k->infinite_code[i] = r->infinite_code[i];
    }
}

/* The key's slot, or the one that was longest not asked for, given to it; NULL if all are in use.
 * A slot that is tried and has no table is being built: its builder is a reader. */
static assay_slot *slot_of(assay_slots *slots, const void *key, size_t bytes)
{
    assay_slot *oldest = NULL;
    for (size_t i = 0; i < slots->count; i++) {
        assay_slot *s = &slots->at[i];
        if (s->used && memcmp(s->key, key, bytes) == 0)
            return s;
        if (s->readers == 0 && (!oldest || s->stamp < oldest->stamp))
            oldest = s;
    }
    if (!oldest)
        return NULL;
    free(oldest->table);
    *oldest = (assay_slot){ .used = true };
    memcpy(oldest->key, key, bytes);
    return oldest;
}

assay_slot *assay_slots_acquire(assay_slots *slots, const void *key, size_t bytes, uint64_t paid,
                                size_t n, bool *build)
{
    pthread_mutex_lock(&slots->lock);
    assay_slot *s = slot_of(slots, key, bytes);
    *build = false;
    if (s) {
        s->stamp = ++slots->clock;
        s->seen += n;
        *build = !s->tried && s->seen >= paid;
        s->tried |= *build;
        if (!s->table && !*build)
            s = NULL;
        else
            s->readers++;
    }
    pthread_mutex_unlock(&slots->lock);
    return s;
}

void assay_slots_release(assay_slots *slots, assay_slot *s)
{
    pthread_mutex_lock(&slots->lock);
    s->readers--;
    pthread_mutex_unlock(&slots->lock);
}

assay_slot *assay_slots_keep(assay_slots *slots, assay_slot *s, void *table)
{
    pthread_mutex_lock(&slots->lock);
    s->table = table;
    s->readers -= !table;
    pthread_mutex_unlock(&slots->lock);
    return table ? s : NULL;
}
