/* SPDX-License-Identifier: Apache-2.0 */
#include "numerics/env.h"

#include <float.h>

#ifdef __x86_64__
#include <xmmintrin.h>
#endif

#if FLT_EVAL_METHOD != 0
#error "intermediate results must have the precision of their type"
#endif

static assay_status complain(int rounding, int flush, int zeros)
{
    if (rounding)
        return assay_fail(ASSAY_ERR_ENVIRONMENT, "floating-point environment: the rounding mode "
                                                 "is not to nearest, ties to even");
    if (flush)
        return assay_fail(ASSAY_ERR_ENVIRONMENT, "floating-point environment: subnormal results "
                                                 "are flushed to zero (FTZ)");
    if (zeros)
        return assay_fail(ASSAY_ERR_ENVIRONMENT, "floating-point environment: subnormal "
                                                 "arguments are read as zero (DAZ)");
    return ASSAY_OK;
}

#ifdef __x86_64__
/* MXCSR, Intel SDM vol. 1, 10.2.3: bits 13 and 14 are the rounding mode, 0 = to nearest;
 * bit 15 is FTZ and bit 6 DAZ. */
assay_status assay_env_check(void)
{
    unsigned csr = _mm_getcsr();
    return complain((csr & 0x6000) != 0, (csr & 0x8000) != 0, (csr & 0x40) != 0);
}
#else
/* The volatile operands keep the compiler, which assumes the default environment, from
 * answering. 1 + 2^-60 exceeds 1 only when rounding up, 1 - 2^-60 misses 1 only when rounding
 * down or to zero, and 1 + 2^-53 exceeds 1 under ties away. Half of 2^-1022 is subnormal. */
assay_status assay_env_check(void)
{
    volatile double one = 1, tiny = 0x1p-60, tie = 0x1p-53, least = 0x1p-1022, sub = 0x1p-1074;
    volatile double up = one + tiny, down = one - tiny, even = one + tie;
    volatile double halved = least * 0.5, raised = sub * 0x1p1000;
    return complain(up != 1 || down != 1 || even != 1, halved == 0, raised == 0);
}
#endif
