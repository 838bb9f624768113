/* SPDX-License-Identifier: Apache-2.0 */
/* Which instruction set the array loops run on. The choice changes speed, never bits. */
#ifndef ASSAY_NUMERICS_CPU_H
#define ASSAY_NUMERICS_CPU_H

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Instruction sets that loops are compiled for, each containing the ones before it. */
typedef enum assay_isa {
    ASSAY_ISA_BASELINE = 0, /* what the compiler may assume anywhere: SSE2 on x86-64   */
    ASSAY_ISA_AVX2 = 1,     /* AVX2, FMA and F16C                                      */
    ASSAY_ISA_AVX512 = 2    /* AVX2's, and AVX-512 F, BW, DQ and VL                    */
} assay_isa;

#define ASSAY_ISA_COUNT 3

/** The richest set that this processor and its operating system support. Reentrant. */
ASSAY_API assay_isa assay_isa_best(void);

/**
 * The set that loops dispatch on: the forced one, else assay_isa_best(). One choice for
 * the process; a loop already running keeps the set that it started with. Reentrant.
 */
ASSAY_API assay_isa assay_isa_current(void);

/**
 * Makes isa the current set. ASSAY_ERR_UNAVAILABLE if this machine lacks it,
 * ASSAY_ERR_USAGE if it is no enumerator; the choice is then unchanged. Reentrant.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_isa_force(assay_isa isa);

/** "baseline", "avx2" or "avx512"; "unknown" for anything else. Reentrant. */
ASSAY_API const char *assay_isa_name(assay_isa isa);

/** The inverse of assay_isa_name. ASSAY_ERR_USAGE leaves *isa untouched. Reentrant. */
ASSAY_API ASSAY_NODISCARD assay_status assay_isa_parse(const char *name, assay_isa *isa);

#ifdef __cplusplus
}
#endif
#endif
