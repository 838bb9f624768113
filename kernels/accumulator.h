/* SPDX-License-Identifier: Apache-2.0 */
/* How a sum is taken: order and precision, named as in recipes and `assay gemm --acc`. */
#ifndef ASSAY_KERNELS_ACCUMULATOR_H
#define ASSAY_KERNELS_ACCUMULATOR_H

#include "../rounding/round.h"

#ifdef __cplusplus
extern "C" {
#endif

/** ASSAY_ACCUMULATORS(X) expands X(enumerator, how it is written, what it does). */
#define ASSAY_ACCUMULATORS(X)                                                          \
    X(REFERENCE, "reference", "binary64, product rounded and then added, ascending k") \
    X(EXACT, "exact", "exact sum, one rounding into the output")                       \
    X(STEP, "F or F:step", "acc = RND_F(a b + acc), ascending k, from C or +0")        \
    X(UNFUSED, "F:unfused", "the product rounded to F, then the sum")                  \
    X(BLOCK, "F:block=N", "each block's chain starts at +0; total = RND_F(total + chain)")

typedef enum assay_sum {
#define ASSAY_ACCUMULATOR(id, written, text) ASSAY_SUM_##id,
    ASSAY_ACCUMULATORS(ASSAY_ACCUMULATOR)
#undef ASSAY_ACCUMULATOR
        ASSAY_SUM_COUNT
} assay_sum;

/**
 * An accumulator. `round` is the rounding of each step: into F for the F kinds; identity into
 * binary64 for REFERENCE; for EXACT it is the single final rounding, and the operation that
 * owns the output replaces it by the output's.
 */
typedef struct assay_accumulator {
    assay_sum kind;
    size_t block; /* terms of a block, for BLOCK */
    assay_rounder round;
} assay_accumulator;

/**
 * Reads `reference`, `exact`, `F`, `F:step`, `F:unfused`, `F:block=N`, each F kind with
 * `,round=MODE,overflow=POLICY`; a bracketed F may have parameters of its own:
 * `[float:e=5,m=7]:block=32`. ASSAY_ERR_USAGE names what is wrong.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_accumulator_parse(const char *text,
                                                               assay_accumulator *out);

/** The binary64 reference accumulator. */
ASSAY_API assay_accumulator assay_accumulator_reference(void);

/** How accumulator i of the list is written and what it does, i < ASSAY_SUM_COUNT. */
ASSAY_API const char *assay_accumulator_written(assay_sum kind);
ASSAY_API const char *assay_accumulator_text(assay_sum kind);

#ifdef __cplusplus
}
#endif
#endif
