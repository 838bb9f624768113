/* SPDX-License-Identifier: Apache-2.0 */
#include "numerics/cpu.h"
#include "rounding/array_table.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

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

#ifdef __x86_64__
static unsigned control_of(assay_direction direction)
{
    enum { DEFAULT = 0x1f80, DIRECTION = 13 }; /* all traps masked, no FTZ, no DAZ */
    return DEFAULT | (unsigned)direction << DIRECTION;
}
#endif

/* Reading the register after it was loaded takes as long as rounding some hundred numbers, so what
 * it holds stays. */
unsigned assay_environment_enter(assay_direction direction)
{
#ifdef __x86_64__
    const unsigned flags = 0x3f, before = _mm_getcsr();
    if ((before & ~flags) != control_of(direction))
        _mm_setcsr(control_of(direction));
    return before;
#else
    (void)direction;
    return 0;
#endif
}

void assay_environment_turn(assay_direction direction)
{
#ifdef __x86_64__
    _mm_setcsr(control_of(direction));
#else
    (void)direction;
#endif
}

void assay_environment_leave(unsigned before)
{
#ifdef __x86_64__
    if (_mm_getcsr() != before)
        _mm_setcsr(before);
#else
    (void)before;
#endif
}
