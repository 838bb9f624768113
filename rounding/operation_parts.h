/* SPDX-License-Identifier: Apache-2.0 */
/* Operands and results of operations before they are rounded. Not installed. */
#ifndef ASSAY_ROUNDING_OPERATION_PARTS_H
#define ASSAY_ROUNDING_OPERATION_PARTS_H

#include "../numerics/wide.h"
#include "operation.h"

__extension__ typedef unsigned __int128 assay_uint128;

/** One operand. A finite rational one is +-n / d 2^exp in lowest terms, n and d odd. One of a
 * logarithmic format is +-2^(k / steps), or e^(k / steps) if natural, whether rational or not. */
typedef struct assay_operand {
    assay_class kind;
    bool negative, rational, logarithmic, natural;
    uint64_t n, d;
    int64_t exp, k;
    uint32_t steps;
    assay_exact exact; /* correct to 2^-220 where it is not exact */
} assay_operand;

assay_operand assay_operand_of(const assay_format *format, uint64_t code);

/** A result: x / d exactly; or, where good > 0, w / d within a relative error of 2^-good. */
typedef struct assay_result {
    assay_exact x;
    uint64_t d;
    int good;
    bool failed; /* no precision that is to be had decides it */
    assay_wide w;
} assay_result;

/* How results are made: `r` is all theirs. */
void assay_result_nan(assay_result *r);
void assay_result_infinity(assay_result *r, bool negative);
/** What a pole gives: infinity, NaN where formats say so (`division`: by zero). */
void assay_result_pole(assay_result *r, const assay_operator *op, bool negative, bool division);
void assay_result_zero(assay_result *r, bool negative);
/** n 2^exp / d */
void assay_result_ratio(assay_result *r, assay_uint128 n, int64_t exp, uint64_t d, bool negative);
/** x itself. */
void assay_result_operand(assay_result *r, const assay_operand *x);
/** base^(k / steps), exactly as the values of logarithmic formats are computed. */
void assay_result_power(assay_result *r, bool natural, int64_t k, uint32_t steps, bool negative);
/** An exact number and something besides it that is too small to be seen; `up`: away from zero. */
void assay_result_nudged(assay_result *r, assay_exact x, bool up);

/** x as a wide number of n limbs: exact where it is rational with d = 1, else w / d; a logarithmic
 * one is computed. Returns its good bits. */
int assay_operand_wide(int n, assay_wide *w, const assay_operand *x);

/** op->operation on operands, but for reductions: by what kind of operation it is. `level` counts
 * attempts: 0 is the cheapest. */
void assay_evaluate_exact(const assay_operator *op, const assay_operand *x, assay_result *r);
void assay_evaluate_function(const assay_operator *op, const assay_operand *x, int level,
                             assay_result *r);

/** Both are powers of the same base: so are their product and quotient. */
static inline bool assay_same_base(const assay_operand *x, const assay_operand *y)
{
    return x->logarithmic && y->logarithmic && x->natural == y->natural && x->steps == y->steps;
}

/** Whether arrays of these codes can go through binary64; and that, for elements of which a
 * function may leave one to the definition: *bad is the first that it did not decide either. */
bool assay_operate_is_fast(const assay_operator *op);
ASSAY_NODISCARD assay_status assay_operate_fast(const assay_operator *op,
                                                const uint64_t *const *codes, uint64_t *out,
                                                size_t n, size_t *bad);

/** Arrays by a table of all operands of at most 16 bits together, which is kept; false if there is
 * none (yet). *bad is the first element without a result, or n. */
bool assay_operate_table(const assay_operator *op, const uint64_t *const *codes, uint64_t *out,
                         size_t n, size_t *bad);

/** The roots among them. */
void assay_square_root(const assay_operator *op, const assay_operand *x, assay_result *r);
void assay_reciprocal_root(const assay_operator *op, const assay_operand *x, assay_result *r);
void assay_hypotenuse(const assay_operand *x, const assay_operand *y, assay_result *r);

/** Signed zero of an exact cancellation. */
static inline bool assay_cancelled_sign(const assay_operator *op)
{
    return op->rounder.mode == ASSAY_RDN;
}

/** sum or dot of n elements, n > 0; ASSAY_ERR_MEMORY. */
ASSAY_NODISCARD assay_status assay_evaluate_reduction(const assay_operator *op,
                                                      const uint64_t *const *codes, size_t n,
                                                      assay_result *r);

/** floor(sqrt(n)) */
uint64_t assay_integer_root(assay_uint128 n);

/** x / d: 256 bits and a rest. */
assay_exact assay_exact_over(assay_exact x, uint64_t d);

/** Whether 64 bits and a rest decide every rounding: not in random modes and logarithmic formats.
 */
bool assay_result_is_short(const assay_operator *op);
/** Rounds a result; false if it is uncertain. */
bool assay_result_round(const assay_operator *op, const assay_result *r, const assay_random *random,
                        uint64_t index, uint64_t *code);

#endif
