/* SPDX-License-Identifier: Apache-2.0 */
#include "numerics/cpu.h"

#include <stdatomic.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

static const char *const names[ASSAY_ISA_COUNT] = { "baseline", "avx2", "avx512" };

/* The forced set, or UNFORCED. It publishes nothing but itself, so relaxed order is enough. */
enum { UNFORCED = -1 };
static atomic_int forced = UNFORCED;

#ifdef __x86_64__
/* clang 14's __builtin_cpu_supports does not know f16c. F16C needs no state beyond AVX's,
 * whose OS support the AVX2 query has already settled. */
static int has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}

static int has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static assay_isa detect(void)
{
    __builtin_cpu_init();
    return has_avx512() ? ASSAY_ISA_AVX512 : has_avx2() ? ASSAY_ISA_AVX2 : ASSAY_ISA_BASELINE;
}
#else
static assay_isa detect(void)
{
    return ASSAY_ISA_BASELINE;
}
#endif

/* Detection is idempotent: threads that race here store the same value. It is kept because
 * CPUID traps to the hypervisor on a virtual machine, at about 20 us a call. */
assay_isa assay_isa_best(void)
{
    static atomic_int best = UNFORCED;
    int isa = atomic_load_explicit(&best, memory_order_relaxed);
    if (isa == UNFORCED) {
        isa = (int)detect();
        atomic_store_explicit(&best, isa, memory_order_relaxed);
    }
    return (assay_isa)isa;
}

assay_isa assay_isa_current(void)
{
    int isa = atomic_load_explicit(&forced, memory_order_relaxed);
    return isa == UNFORCED ? assay_isa_best() : (assay_isa)isa;
}

assay_status assay_isa_force(assay_isa isa)
{
    if ((unsigned)isa >= ASSAY_ISA_COUNT)
        return assay_fail(ASSAY_ERR_USAGE, "isa: %d is not an instruction set", (int)isa);
    if (isa > assay_isa_best())
        return assay_fail(ASSAY_ERR_UNAVAILABLE, "isa: this machine lacks %s, its best is %s",
                          assay_isa_name(isa), assay_isa_name(assay_isa_best()));
    atomic_store_explicit(&forced, (int)isa, memory_order_relaxed);
    return ASSAY_OK;
}

const char *assay_isa_name(assay_isa isa)
{
    return (unsigned)isa < ASSAY_ISA_COUNT ? names[isa] : "unknown";
}

assay_status assay_isa_parse(const char *name, assay_isa *isa)
{
    for (int i = 0; i < ASSAY_ISA_COUNT; i++)
        if (strcmp(name, names[i]) == 0) {
            *isa = (assay_isa)i;
            return ASSAY_OK;
        }
    return assay_fail(ASSAY_ERR_USAGE, "isa: '%s' is none of baseline, avx2, avx512", name);
}
