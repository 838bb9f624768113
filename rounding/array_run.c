/* SPDX-License-Identifier: Apache-2.0 */
#include "numerics/cpu.h"
#include "rounding/array_table.h"

/* Stores past the caches pay once the output exceeds what a second-level cache of today holds;
 * smaller outputs are likely read soon. In place the lines are in the cache already. */
enum { PAST_BYTES = 4 << 20 };

const assay_array_table *assay_array_current(void)
{
#ifdef __x86_64__
    static const assay_array_table *const tables[ASSAY_ISA_COUNT] = { &assay_array_base,
                                                                      &assay_array_avx2,
                                                                      &assay_array_avx512 };
    return tables[assay_isa_current()];
#else
    return &assay_array_base;
#endif
}

size_t assay_array_head(const void *x, const void *y, size_t n, size_t bytes)
{
    size_t rest = (size_t)(ASSAY_LINE - (uintptr_t)y % ASSAY_LINE) % ASSAY_LINE;
    return x != y && n * bytes >= PAST_BYTES && rest % bytes == 0 ? rest / bytes : n;
}

void assay_end_past(void)
{
#ifdef __x86_64__
    __builtin_ia32_sfence();
#endif
}
