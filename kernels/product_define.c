/* SPDX-License-Identifier: Apache-2.0 */
/* The loops' constants. */
#include "kernels/exact_sum.h"
#include "kernels/product_kernels.h"
#include "kernels/sum.h"
#include "numerics/cpu.h"
#include "numerics/exact.h"

const assay_product_kernels *assay_product_table(void)
{
    static const assay_product_kernels *const tables[ASSAY_ISA_COUNT] = {
        [ASSAY_ISA_BASELINE] = &assay_product_base,
        [ASSAY_ISA_AVX2] = &assay_product_avx2,
        [ASSAY_ISA_AVX512] = &assay_product_avx512,
    };
    return tables[assay_isa_current()];
}

assay_words assay_product_words(const assay_product_kernels *table, bool are_bytes)
{
#if defined(__x86_64__)
    if (table->integer[ASSAY_WORDS_VNNI_QUADS] && __builtin_cpu_supports("avx512vnni"))
        return are_bytes ? ASSAY_WORDS_VNNI_QUADS : ASSAY_WORDS_VNNI_PAIRS;
#endif
    (void)table, (void)are_bytes;
    return ASSAY_WORDS_PAIRS;
}

/* The bounds keep every constant, and 2^52 quanta of any binade up to emax + 1, normal [2]. */
bool assay_lane_rounder_make(const assay_rounder *r, assay_lane_rounder *out)
{
    const assay_format *f = &r->format;
    if (!f->is_signed || !f->has_subnormals || f->p < 2 || f->p > 50 || f->emax > 960 ||
        f->emin - f->p + 1 < -1022)
        return false;
    const int64_t one = (int64_t)1 << 52;
    *out = (assay_lane_rounder){
        .least = (f->emin + 1023) * one,
        .most = (f->emax + 1024) * one,
        .magic = (53 - f->p) * one,
        .unit = (f->p - 1) * one,
        .max = f->max,
        .overflow = { r->overflow_value[0], r->overflow_value[1] },
        .infinite = { r->infinite_value[0], r->infinite_value[1] },
        .nan = r->nan_value,
        .zero = f->has_negzero ? -0.0 : 0.0,
    };
    return true;
}

bool assay_is_native(const assay_rounder *r)
{
    return r->identity && r->mode == ASSAY_RNE && r->overflow_value[0] == __builtin_inf() &&
           r->overflow_value[1] == -__builtin_inf();
}

double assay_step_define(const assay_accumulator *acc, double a, double b, double sum)
{
    const assay_summer s = { .acc = acc };
    return assay_sum_step(&s, a, b, sum, 0);
}
