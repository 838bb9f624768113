/* SPDX-License-Identifier: Apache-2.0 */
/* Functions, from special cases to the wide evaluation. Not installed. */
#ifndef ASSAY_ROUNDING_FUNCTION_PARTS_H
#define ASSAY_ROUNDING_FUNCTION_PARTS_H

#include "../numerics/elementary_dd.h"
#include "operation_parts.h"

/** Infinities, NaN, zeros, poles and what lies outside the domain; true if that was it. */
bool assay_function_special(const assay_operator *op, const assay_operand *x, assay_result *r);
/** Rational results, and powers that logarithmic formats have as values. */
bool assay_function_exact(const assay_operator *op, const assay_operand *x, assay_result *r);
/** Arguments so small or large that the result is an exact number and a rest. */
bool assay_function_limit(const assay_operator *op, const assay_operand *x, assay_result *r);
/** pow: the last two of these. */
bool assay_pow_exact(const assay_operand *x, assay_result *r);

/** f(x) in double-double, if that has it: r->w in 2 limbs and r->good. */
bool assay_function_fast(assay_operation_id id, const assay_operand *x, assay_result *r);

/** y within 2^-result of f(x) for inverse functions, Pi variants and softplus; 0: there is none. */
int assay_function_inverse(assay_operation_id id, double x, assay_dd *y);
/** atan2(y, x) and atan2pi(y, x), likewise. */
int assay_function_angle(assay_operation_id id, double y, double x, assay_dd *a);

/** f(x) in n limbs, w within 2^-result of it; 0 if n does not suffice. */
int assay_function_wide(assay_operation_id id, int n, assay_wide *w, const assay_operand *x);

/** |x| < 2^assay_exponent_of(x); x is finite. */
static inline int64_t assay_exponent_of(const assay_operand *x)
{
    return (int64_t)x->exact.exp + 64;
}

/** Whether x is the fraction n / d 2^exp, of that sign. */
static inline bool assay_is_ratio(const assay_operand *x, uint64_t n, uint64_t d, int64_t exp)
{
    return x->kind == ASSAY_FINITE && x->rational && x->n == n && x->d == d && x->exp == exp;
}

/** x is an integer; `odd` whether an odd one. */
static inline bool assay_is_integer(const assay_operand *x, bool *odd)
{
    *odd = x->kind == ASSAY_FINITE && x->rational && x->d == 1 && x->exp == 0;
    return x->kind == ASSAY_ZERO ||
           (x->kind == ASSAY_FINITE && x->rational && x->d == 1 && x->exp >= 0);
}

#endif
