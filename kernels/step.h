/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations share: rounding one step, reading a parameter, quantizing operands. */
#ifndef ASSAY_KERNELS_STEP_H
#define ASSAY_KERNELS_STEP_H

#include "kernels/op.h"
#include "numerics/bits.h"
#include "numerics/exact.h"
#include "rounding/fast.h"

/** Rounds an intermediate result to the accumulator's format; binary64 for exact sums. */
typedef struct step {
    assay_fast_rounder round;
    bool identity;
} step;

step step_of(const assay_policy *policy);

ASSAY_INLINE double step_round(const step *s, double x)
{
    return s->identity ? x : assay_round_fast(&s->round, x);
}

/** The policy's accumulator with its steps; EXACT rounds once, into binary64. */
const assay_accumulator *sum_of(const assay_policy *policy, assay_accumulator *exact);

/** Element i of a parameter as binary64, exactly. */
double parameter_get(const assay_parameter *p, size_t i);

/** Row i of a parameter, dequantized as the policy's weight scheme and operand format say. */
void weight_row(const assay_policy *policy, const assay_parameter *p, size_t i, double *out);
/** Row i as it stands. */
void parameter_row(const assay_parameter *p, size_t i, double *out);

/** x through the policy's input scheme (and operand format), n elements of one row. */
void input_row(const assay_policy *policy, const double *x, double *out, size_t n);

/** Rounds a finished row into the output format in place; every NaN becomes the canonical one. */
void output_row(const assay_policy *policy, double *y, size_t n);

ASSAY_INLINE size_t align64(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/** Carves 64-byte aligned pieces off a workspace. */
typedef struct arena {
    unsigned char *next;
} arena;

ASSAY_INLINE void *arena_take(arena *a, size_t bytes)
{
    void *p = a->next;
    a->next += align64(bytes);
    return p;
}

ASSAY_INLINE double *arena_doubles(arena *a, size_t n)
{
    return (double *)arena_take(a, n * sizeof(double));
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

/** Checks shared by the operations; what names the operand in the message. */
ASSAY_NODISCARD assay_status check_same_shape(const char *op, const assay_matrix *a,
                                              const assay_matrix *b);
ASSAY_NODISCARD assay_status check_vector(const char *op, const char *what,
                                          const assay_parameter *p, size_t cols);

#endif
