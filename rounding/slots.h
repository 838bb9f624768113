/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that are kept by what they depend on, a bounded number of them, shared by threads. One
 * that is asked for is built once the elements asked for would have paid for it; meanwhile, and
 * while a thread builds it, the definition serves. Not installed. */
#ifndef ASSAY_ROUNDING_SLOTS_H
#define ASSAY_ROUNDING_SLOTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "../formats/family.h"
#include "round.h"

/** All of a format that its values and codes depend on; padding is zero, so that keys compare as
 * bytes. */
typedef struct assay_format_key {
    const assay_format_family *family;
    const assay_codebook *book;
    int64_t lowest, highest;
    uint64_t sign_bit, max_code, inf_code, nan_code;
    int32_t kind, bits, exponent_bits, fraction_bits, bias, nan, law, encoding;
    int32_t scale, step, offset, flags;
} assay_format_key;

/** And of a rounder. */
typedef struct assay_rounder_key {
    assay_format_key format;
    uint64_t overflow_code[2], infinite_code[2], nan_result;
    int32_t mode, nan_is_error;
} assay_rounder_key;

void assay_format_key_set(assay_format_key *k, const assay_format *f);
void assay_rounder_key_set(assay_rounder_key *k, const assay_rounder *r);

enum { ASSAY_SLOTS = 64, ASSAY_SLOT_KEY = 80 };

/** A slot with an unbuilt table counts the elements that were asked for. */
typedef struct assay_slot {
    uint64_t key[ASSAY_SLOT_KEY];
    bool used, tried; /* tried: being built, built, or there is none */
    uint64_t seen, stamp;
    int readers;
    void *table; /* of malloc */
} assay_slot;

typedef struct assay_slots {
    pthread_mutex_t lock; /* PTHREAD_MUTEX_INITIALIZER */
    size_t count;         /* of slots in use, at most ASSAY_SLOTS */
    uint64_t clock;
    assay_slot at[ASSAY_SLOTS];
} assay_slots;

/** The slot with its table, for release; or NULL. *build says that the caller has to make it, and
 * give it to keep. key has `bytes`, at most 8 ASSAY_SLOT_KEY. */
assay_slot *assay_slots_acquire(assay_slots *slots, const void *key, size_t bytes, uint64_t paid,
                                size_t n, bool *build);
void assay_slots_release(assay_slots *slots, assay_slot *slot);
/** Gives a new table to its slot; NULL frees the caller of it, who gets NULL. */
assay_slot *assay_slots_keep(assay_slots *slots, assay_slot *slot, void *table);

#endif
