/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of operations whose operands have at most 16 bits together: 256 KiB each, and at most
 * TABLES of them are kept. */
#include <stdlib.h>

#include "rounding/operation_parts.h"
#include "rounding/slots.h"

enum { TABLE_BITS = 16, TABLES = 16, RESULT_BITS = 31, PART = 256 };

/* An operand tuple without a result: no code of RESULT_BITS. */
static const uint32_t missing = UINT32_MAX;

typedef struct key {
    assay_rounder_key rounder;
    assay_format_key operands[2];
    int64_t operation;
} key;

_Static_assert(sizeof(key) <= 8 * ASSAY_SLOT_KEY, "a key has to fit its slot");

static assay_slots slots = { .lock = PTHREAD_MUTEX_INITIALIZER, .count = TABLES };

static int operand_bits(const assay_operator *op)
{
    int bits = 0;
    for (int k = 0; k < op->operation->arity; k++)
        bits += op->operands[k]->bits;
    return bits;
}

/* Entries i to i + n - 1 <= i + PART - 1: operands one behind the other, the first lowest. */
static void fill(const assay_operator *op, bool fast, uint64_t i, size_t n, uint32_t *entries)
{
    uint64_t codes[2][PART] = { { 0 } }, out[PART];
    const uint64_t *const at[] = { codes[0], codes[1], codes[1] };
    const assay_random none = { 0 };
    const int low = op->operands[0]->bits;
    size_t bad = 0;
    for (size_t k = 0; k < n; k++) {
        codes[0][k] = (i + k) & (((uint64_t)1 << low) - 1);
        codes[1][k] = (i + k) >> low;
    }
    fast = fast && assay_operate_fast(op, at, out, n, &bad) == ASSAY_OK;
    for (size_t k = 0; k < n; k++) {
        const uint64_t own[] = { codes[0][k], codes[1][k], 0 };
        bool done = fast || assay_operate(op, &none, 0, own, &out[k]) == ASSAY_OK;
        entries[k] = done ? (uint32_t)out[k] : missing;
    }
}

static uint32_t *make_table(const assay_operator *op, int bits)
{
    const int64_t size = (int64_t)1 << bits, part = size < PART ? size : PART;
    uint32_t *table = malloc((size_t)size * sizeof *table);
    const bool fast = assay_operate_is_fast(op);
    if (!table)
        return NULL;
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < size; i += part)
        fill(op, fast, (uint64_t)i, (size_t)part, table + i);
    return table;
}

static size_t look_up(const assay_operator *op, const uint32_t *table, const uint64_t *const *codes,
                      uint64_t *out, size_t n)
{
    const uint64_t *a = codes[0], *b = op->operation->arity > 1 ? codes[1] : NULL;
    const int low = op->operands[0]->bits;
    const uint64_t mask = ((uint64_t)1 << operand_bits(op)) - 1; /* what is no code stays inside */
    size_t worst = n;
#pragma omp parallel for schedule(static) reduction(min : worst) if (n > 16384)
    for (size_t i = 0; i < n; i++) {
        uint32_t code = table[(b ? a[i] | b[i] << low : a[i]) & mask];
        if (code != missing)
            out[i] = code;
        else if (i < worst)
            worst = i;
    }
    return worst;
}

bool assay_operate_table(const assay_operator *op, const uint64_t *const *codes, uint64_t *out,
                         size_t n, size_t *bad)
{
    int arity = op->operation->arity, bits = operand_bits(op);
    bool build;
    if (assay_mode_is_stochastic(op->rounder.mode) || arity > 2 || bits > TABLE_BITS ||
        op->rounder.format.bits > RESULT_BITS)
        return false;
    key k;
    memset(&k, 0, sizeof k);
    assay_rounder_key_set(&k.rounder, &op->rounder);
    for (int i = 0; i < arity; i++)
        assay_format_key_set(&k.operands[i], op->operands[i]);
    k.operation = (int64_t)op->operation->id;
    assay_slot *s = assay_slots_acquire(&slots, &k, sizeof k, (uint64_t)1 << bits, n, &build);
    if (build)
        s = assay_slots_keep(&slots, s, make_table(op, bits));
    if (!s)
        return false;
    *bad = look_up(op, s->table, codes, out, n);
    assay_slots_release(&slots, s);
    return true;
}
