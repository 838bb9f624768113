/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One operation on values of any formats, rounded once from its exact result.
 *
 * Operands are codes, and stand for the exact values of these, irrational ones too. Results are
 * what assay_round_exact_at makes of the exact result, in every mode. NaN: of an invalid
 * operation (inf - inf, inf 0, 0 / 0, sqrt(-1), log(-1), remainder of inf or by 0 ...) and of any
 * NaN operand, except where the row says otherwise. A finite x / 0 and another pole is an infinity,
 * which the overflow policy may change; in P3109 formats a division by 0 is NaN, and in those
 * that saturate (posits, takums) every pole is. An exact zero is +0, -0 under rdn; a product or
 * quotient of zeros has the sign of its factors, a sum of zeros of one sign that sign; sqrt(-0)
 * is -0. docs/operations.md lists the rest.
 *
 * Threads: reentrant; tables that are built on first use are shared. Source: IEEE 754-2019, 5.4,
 * 9.2, 9.6; IEEE P3109 interim report 4.0.
 */
#ifndef ASSAY_ROUNDING_OPERATION_H
#define ASSAY_ROUNDING_OPERATION_H

#include <stddef.h>

#include "round.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_operation_id {
#define ASSAY_OPERATION(id, name, arity, reduces, text) ASSAY_OPERATION_##id,
#include "operations.def"
#undef ASSAY_OPERATION
    ASSAY_OPERATION_COUNT
} assay_operation_id;

enum { ASSAY_OPERANDS_MOST = 3 };

typedef struct assay_operation {
    const char *name, *text;
    int arity;    /* 1 to ASSAY_OPERANDS_MOST operands                             */
    bool reduces; /* sum and dot: of any number of elements; assay_operate_reduce */
    assay_operation_id id;
} assay_operation;

/** Row i of the list, i < ASSAY_OPERATION_COUNT. */
ASSAY_API const assay_operation *assay_operation_row(size_t i);
/** NULL if there is no such operation; assay_last_error then lists what there is. */
ASSAY_API const assay_operation *assay_operation_find(const char *name);

/**
 * An operation with all that it needs: the formats of its operands, and the rounder into the
 * format of its result.
 */
typedef struct assay_operator {
    const assay_operation *operation;
    assay_rounder rounder;
    const assay_format *operands[ASSAY_OPERANDS_MOST]; /* of the caller's, to outlive this */
    uint32_t divisor; /* of the result's values: internal                           */
} assay_operator;

/** ASSAY_ERR_USAGE if the operation is not there for these formats; operands has arity entries. */
ASSAY_API ASSAY_NODISCARD assay_status assay_operator_make(const assay_operation *operation,
                                                           const assay_rounder *rounder,
                                                           const assay_format *const *operands,
                                                           assay_operator *out);

/**
 * The code of the result for the random bits of element `index`. codes has arity entries.
 * ASSAY_ERR_VALUE if it is NaN and the rounder says that this is an error; ASSAY_ERR_UNAVAILABLE if
 * the precision of numerics/wide.h does not decide it, which does not happen for formats of at
 * most 16 bits and binary32 (docs/operations.md). *code is then untouched.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_operate(const assay_operator *op,
                                                     const assay_random *random, uint64_t index,
                                                     const uint64_t *codes, uint64_t *code);

/**
 * sum and dot of n elements, codes[k][i] element i of operand k: exact, whatever cancels, and
 * independent of the order. An empty one is +0.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_operate_reduce(const assay_operator *op,
                                                            const assay_random *random,
                                                            uint64_t index,
                                                            const uint64_t *const *codes, size_t n,
                                                            uint64_t *code);

/**
 * Elementwise: element i has the random index first + i, random->bits begins at element 0. The
 * output may be an operand. *bad gets the index of an element that failed. Long arrays of few
 * distinct operands go through a table; threads do not change a bit.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_operate_codes(const assay_operator *op,
                                                           const assay_random *random,
                                                           uint64_t first,
                                                           const uint64_t *const *codes,
                                                           uint64_t *out, size_t n, size_t *bad);

/** The same on values, which have to belong to the formats: ASSAY_ERR_VALUE names the element. */
ASSAY_API ASSAY_NODISCARD assay_status assay_operate_f64(const assay_operator *op,
                                                         const assay_random *random, uint64_t first,
                                                         const double *const *x, double *y,
                                                         size_t n, size_t *bad);

#ifdef __cplusplus
}
#endif
#endif
