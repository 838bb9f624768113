/* SPDX-License-Identifier: Apache-2.0 */
/* How a sum is taken: order and precision, named as in recipes and `assay gemm --acc`. */
#ifndef ASSAY_KERNELS_ACCUMULATOR_H
#define ASSAY_KERNELS_ACCUMULATOR_H

#include "../rounding/scheme.h"
#include "mma.h"

#ifdef __cplusplus
extern "C" {
#endif

/** ASSAY_ACCUMULATORS(X) expands X(enumerator, how it is written, what it does). */
#define ASSAY_ACCUMULATORS(X)                                                                   \
    X(REFERENCE, "reference", "binary64, product rounded and then added, ascending k")          \
    X(EXACT, "exact", "exact sum, one rounding into the output")                                \
    X(STEP, "F or F:step", "acc = RND_F(a b + acc), ascending k, from C or +0")                 \
    X(UNFUSED, "F:unfused", "the product rounded to F, then the sum")                           \
    X(BLOCK, "F:block=N", "each block's chain starts at +0; total = RND_F(total + chain)")      \
    X(PAIRWISE, "F:pairwise",                                                                   \
      "products rounded to F, adjacent sums level by level, an odd last one passes up, C last") \
    X(KAHAN, "F:kahan", "Kahan's four rounded operations on products rounded to F")             \
    X(INT32, "int32", "integers modulo 2^32, in two's complement")                              \
    X(INT32_SAT, "int32:sat", "integers, clamped to 32 bits after each term")                   \
    X(BF16X9, "bf16x9", "binary32 operands as three bfloat16 each, nine binary32 chains")       \
    X(OZAKI, "ozaki:slices=N",                                                                  \
      "binary64 operands as N slices for int8 units, exact slice products")                     \
    X(UNIT, "UNIT:promote=N,...",                                                               \
      "a matrix unit of `assay mma --list`, and what a kernel does around it")

typedef enum assay_sum {
#define ASSAY_ACCUMULATOR(id, written, text) ASSAY_SUM_##id,
    ASSAY_ACCUMULATORS(ASSAY_ACCUMULATOR)
#undef ASSAY_ACCUMULATOR
        ASSAY_SUM_COUNT
} assay_sum;

enum { ASSAY_OZAKI_SLICES = 16 }; /* at most */

/**
 * An accumulator. `round` is the rounding of each step: into F for the F kinds, which may be
 * stochastic; into binary32 for BF16X9; identity into binary64 for REFERENCE, OZAKI and the
 * integers; of UNIT it is the format of C and D (binary64 where these are integers), into which
 * the steps around the product are rounded to nearest; for EXACT it is the single final rounding,
 * and the operation that owns the output replaces it by the output's. docs/kernels-product.md has
 * the steps of each.
 */
typedef struct assay_accumulator {
    assay_sum kind;
    size_t block; /* terms of a block, for BLOCK; slices, for OZAKI */
    assay_rounder round;
    bool feedback;       /* ef=yes (STEP, UNFUSED, BLOCK): s' = R(s + t + e), rounding/feedback.h */
    bool rounds_residue; /* residue=FORMAT: e is rounded to nearest into it */
    assay_rounder residue;
    assay_mma_unit unit; /* UNIT: with the parameters that are set, and its plan */
    assay_mma_plan plan;
    assay_rounder operand[2],
        scale; /* into the formats of A and B, and of the scales if it has any */
} assay_accumulator;

/**
 * Reads what ASSAY_ACCUMULATORS shows, each F kind with `,round=MODE,overflow=POLICY`, and
 * `,ef=yes,residue=FORMAT` after step, unfused and block; `round=MODE+ef` says the same. A
 * bracketed F may have parameters of its own: `[float:e=5,m=7]:block=32`; `ozaki` alone has 8
 * slices. ASSAY_ERR_USAGE names what is wrong.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_accumulator_parse(const char *text,
                                                               assay_accumulator *out);

/** The binary64 reference accumulator. */
ASSAY_API assay_accumulator assay_accumulator_reference(void);

/** Operands of UNIT have to belong to its formats (side 0: A, 1: B): ASSAY_ERR_USAGE if values of
 *  `format` do not. Other accumulators take any. */
ASSAY_API ASSAY_NODISCARD assay_status assay_accumulator_check_operand(const assay_accumulator *acc,
                                                                       int side,
                                                                       const assay_format *format);
/** The same for codes of a scheme whose scales are applied to sums; those of a unit that has scales
 *  have to be its own format's, of blocks of its size. */
ASSAY_API ASSAY_NODISCARD assay_status assay_accumulator_check_scheme(const assay_accumulator *acc,
                                                                      int side,
                                                                      const assay_scheme *scheme);
/** Whether C and D are integers of 32 bits. */
ASSAY_API bool assay_accumulator_is_integer(const assay_accumulator *acc);

/**
 * Roundings that a term of a sum of k meets at most, its product's included, in the F kinds,
 * REFERENCE and EXACT: the n of assay_gamma and assay_gamma_probable (numerics/gamma.h), with the u
 * of the rounding. NaN for the others, whose errors are no such product (docs/kernels.md, bounds).
 */
ASSAY_API double assay_accumulator_roundings(const assay_accumulator *acc, size_t k);

/** Whether its steps take random bits: of the products of kernels/product.h. */
ASSAY_API bool assay_accumulator_is_stochastic(const assay_accumulator *acc);
/** Whether it has a format F, to which a C that is added has to belong. */
ASSAY_API bool assay_accumulator_has_format(assay_sum kind);

/** How accumulator i of the list is written and what it does, i < ASSAY_SUM_COUNT. */
ASSAY_API const char *assay_accumulator_written(assay_sum kind);
ASSAY_API const char *assay_accumulator_text(assay_sum kind);

#ifdef __cplusplus
}
#endif
#endif
