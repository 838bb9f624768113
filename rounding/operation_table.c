/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of operations whose operands have at most 16 bits together: 256 KiB each, and at most
 * TABLES of them are kept. */
#include <stdlib.h>

#include "rounding/operation_parts.h"
#include "rounding/slots.h"

enum { TABLE_BITS = 16, TABLES = 16, RESULT_BITS = 31 };

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

/* Entry i: operands one behind the other, the first lowest. */
static uint32_t entry(const assay_operator *op, uint64_t i)
{
    uint64_t codes[ASSAY_OPERANDS_MOST] = { 0 }, code;
    const assay_random none = { 0 };
    for (int k = 0; k < op->operation->arity; k++) {
        codes[k] = i & (((uint64_t)1 << op->operands[k]->bits) - 1);
        i >>= op->operands[k]->bits;
    }
    return assay_operate(op, &none, 0, codes, &code) == ASSAY_OK ? (uint32_t)code : missing;
}

static uint32_t *make_table(const assay_operator *op, int bits)
{
    const int64_t size = (int64_t)1 << bits;
    uint32_t *table = malloc((size_t)size * sizeof *table);
    if (!table)
        return NULL;
#pragma omp parallel for schedule(dynamic, 64)
    for (int64_t i = 0; i < size; i++)
        table[i] = entry(op, (uint64_t)i);
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
