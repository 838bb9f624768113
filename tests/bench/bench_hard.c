/* SPDX-License-Identifier: Apache-2.0 */
/* Searches inputs of binary32 whose results lie nearest to a value or to the middle between two,
 * and prints the hardest as rows of tests/rounding/hard_cases.h. exp, exp2, sigmoid and silu: every
 * x with 2^-12 <= |x| < 2^7, found by the binary64 function and ranked by the double-double one.
 * Others: random x of the same binades, double-double alone. Usage: bench_hard [SAMPLES]. */
#include <stdio.h>
#include <stdlib.h>

#include "numerics/bits.h"
#include "numerics/elementary.h"
#include "rounding/function_parts.h"

enum { KEPT = 4, LOWEST = 127 - 12, HIGHEST = 127 + 7 };

typedef struct found {
    uint32_t code[KEPT];
    double distance[KEPT]; /* in units of half a place of binary32 */
} found;

static void keep(found *f, uint32_t code, double distance)
{
    int at = KEPT;
    for (; at > 0 && distance < f->distance[at - 1]; at--)
        if (at < KEPT) {
            f->distance[at] = f->distance[at - 1];
            f->code[at] = f->code[at - 1];
        }
    if (at < KEPT) {
        f->distance[at] = distance;
        f->code[at] = code;
    }
}

/* What the bits of a result behind the 25th are away from all zeros or all ones; nearer than 2^-36
 * are arguments where the function is nearly x or 1, which other tests have. */
static void rank(const assay_format *g, assay_operation_id id, uint32_t code, found *f)
{
    assay_operand x[2] = { assay_operand_of(g, code) };
    assay_result r = { .d = 1 };
    if (x[0].kind != ASSAY_FINITE || !assay_function_fast(id, x, &r))
        return;
    uint64_t low = r.w.at[0] << 25, next = r.w.at[1];
    double part = (double)(int64_t)(low >> 25) * 0x1p-39 + (double)(int64_t)(next >> 24) * 0x1p-79;
    double away = part < 0.5 ? part : 1 - part;
    if (away > 0x1p-36 && r.w.exp > -126)
        keep(f, code, away);
}

static double rough(assay_operation_id id, double x)
{
    switch (id) {
    case ASSAY_OPERATION_EXP: return assay_exp_inline(x);
    case ASSAY_OPERATION_EXP2: return assay_exp_inline(x * 0x1.62e42fefa39efp-1);
    case ASSAY_OPERATION_SIGMOID: return assay_sigmoid(x);
    default: return assay_silu(x);
    }
}

static bool has_rough(assay_operation_id id)
{
    return id == ASSAY_OPERATION_EXP || id == ASSAY_OPERATION_EXP2 ||
           id == ASSAY_OPERATION_SIGMOID || id == ASSAY_OPERATION_SILU;
}

static void search(const assay_format *g, assay_operation_id id, uint64_t samples, found *f)
{
    uint64_t s = 1;
    if (!has_rough(id)) {
        for (uint64_t i = 0; i < samples; i++) {
            s = s * 6364136223846793005u + 1442695040888963407u;
            uint32_t field = LOWEST + (uint32_t)((s >> 57) % (HIGHEST - LOWEST));
            rank(g, id,
                 (uint32_t)(s >> 56 & 1) << 31 | field << 23 | (uint32_t)(s >> 32 & 0x7fffff), f);
        }
        return;
    }
    for (uint32_t sign = 0; sign < 2; sign++)
        for (uint32_t u = (uint32_t)LOWEST << 23; u < (uint32_t)HIGHEST << 23; u++) {
            uint64_t bits = assay_bits64(rough(id, (double)assay_from_bits32(u | sign << 31)));
            uint64_t low = (bits + 64) & 0xfffffff;
            if (low < 128)
                rank(g, id, u | sign << 31, f);
        }
}

int main(int argc, char **argv)
{
    assay_format f;
    uint64_t samples = argc > 1 ? strtoull(argv[1], NULL, 10) : 1 << 20;
    if (assay_format_parse("binary32", &f) != ASSAY_OK)
        return 1;
    for (size_t k = ASSAY_OPERATION_EXP; k < ASSAY_OPERATION_COUNT; k++) {
        const assay_operation *o = assay_operation_row(k);
        found best;
        for (int i = 0; i < KEPT; i++)
            best.distance[i] = 1;
        if (o->arity > 1)
            continue;
        search(&f, o->id, samples, &best);
        for (int i = 0; i < KEPT && best.distance[i] < 1; i++)
            printf("    { \"%s\", 0x%08x }, /* %.2g */\n", o->name, best.code[i], best.distance[i]);
    }
    return 0;
}
