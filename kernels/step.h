/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations share: rounding one step, reading a parameter, quantizing operands. */
#ifndef ASSAY_KERNELS_STEP_H
#define ASSAY_KERNELS_STEP_H

#include "kernels/op.h"
#include "numerics/bits.h"
#include "numerics/exact.h"
#include "rounding/fast.h"

/** One step's rounding: RND into the accumulator's format, binary64 for `reference` and `exact`. */
typedef struct step {
    assay_fast_rounder round;
    bool native; /* RND is what the processor's binary64 operations do */
} step;

step step_of(const assay_policy *policy);

/** RND(x) of a constant, or of a function's value in binary64. */
ASSAY_INLINE double step_round(const step *s, double x)
{
    return s->native ? x : assay_round_fast(&s->round, x);
}

/** RND of the exact a + b, a - b, a b, a / b: one rounding whatever the operands. */
double step_add(const step *s, double a, double b);
double step_subtract(const step *s, double a, double b);
double step_multiply(const step *s, double a, double b);
double step_divide(const step *s, double a, double b);

/** The accumulator of a sum that further steps use; `exact` rounds it once, into binary64. */
assay_accumulator inner_sum(const assay_policy *policy);
/** Of a sum that is the result; `exact` rounds it once, into the output's scalar format. */
assay_accumulator final_sum(const assay_policy *policy);
/** Bytes for a product by the policy's sums or by the reference's. */
size_t product_bytes(const assay_policy *policy, size_t m, size_t n, size_t k);

/** Element i of a parameter as binary64, exactly. */
double parameter_get(const assay_parameter *p, size_t i);

/** The index of the first element of row i of an activation of `cols` features. */
ASSAY_INLINE uint64_t element_of(const assay_call *call, size_t i, size_t cols)
{
    return (uint64_t)(call->past + i) * cols;
}

/** Row i of a parameter as it stands. */
void parameter_row(const assay_parameter *p, size_t i, double *out);
/** Rows of a parameter that its weight scheme quantizes together: those of a tile. */
size_t weight_height(const assay_policy *policy, const assay_parameter *p);
/** Rows first .. first + count - 1, dequantized as the policy's weight scheme and operand format
 *  say; `first` is a multiple of weight_height, and so is `count` unless they are the last ones. */
void weight_rows(const assay_policy *policy, const assay_parameter *p, size_t first, size_t count,
                 double *out);

/** The second rounding of `@operand:F`, after dequantization. */
void round_operand(const assay_policy *policy, double *x, size_t n);
/** The random bits of what has this role. */
assay_random random_of(const assay_policy *policy, assay_role role);

/** x through the policy's input scheme (and operand format), n elements of one row from element
 * `first` of the activation on. */
void input_row(const assay_policy *policy, assay_role role, uint64_t first, const double *x,
               double *out, size_t n);

/** Rounds a finished row, elements `first` and on, into the output format in place; every NaN
 * becomes the canonical one. */
void output_row(const assay_policy *policy, uint64_t first, double *y, size_t n);

/** What makes stochastic sums of `out` those of its elements: row i of the product is row `row`,
 * `columns` wide. */
assay_product_more more_of(const assay_policy *policy, uint64_t row, uint64_t column,
                           uint64_t columns);

/** Whether rows are worth sharing out: fewer elements take less time than waking a thread. */
ASSAY_INLINE bool shares_rows(const assay_matrix *m)
{
    enum { LEAST = 1 << 13 };
    return m->rows > 1 && m->rows * m->cols >= LEAST;
}

ASSAY_INLINE size_t align64(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/** Bytes that arena_doubles takes for n doubles. */
ASSAY_INLINE size_t doubles(size_t n)
{
    return align64(n * sizeof(double));
}

ASSAY_INLINE size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/** Carves 64-byte aligned pieces off a workspace. */
typedef struct arena {
    unsigned char *next;
} arena;

ASSAY_INLINE double *arena_doubles(arena *a, size_t n)
{
    void *p = a->next;
    a->next += doubles(n);
    return (double *)p;
}

ASSAY_INLINE assay_dd matrix_get(const assay_matrix *m, size_t i, size_t j)
{
    size_t at = i * m->ld + j;
    return (assay_dd){ m->hi[at], m->lo ? m->lo[at] : 0 };
}

ASSAY_INLINE void matrix_set(const assay_matrix *m, size_t i, size_t j, assay_dd x)
{
    m->hi[i * m->ld + j] = x.hi;
    m->lo[i * m->ld + j] = x.lo;
}

/** Checks that operations share; `op` and `what` name the operation and the operand. */
ASSAY_NODISCARD assay_status check_same_shape(const char *op, const assay_matrix *a,
                                              const assay_matrix *b);
ASSAY_NODISCARD assay_status check_vector(const char *op, const char *what,
                                          const assay_parameter *p, size_t cols);

#endif
