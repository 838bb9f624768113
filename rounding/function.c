/* SPDX-License-Identifier: Apache-2.0 */
/* Special cases and limits of functions; docs/operations.md, 2, lists them and says why. */
#include "rounding/function_parts.h"

/* Below 2^TINY an argument's second term lies more than 256 bits below the first. An irrational
 * value is known to 220 bits, and what differs from it by 2^-180 or less is still beside it:
 * COARSE. */
enum { TINY = -140, COARSE = -96, HUGE_EXPONENT = 30 };

static const assay_exact unit = { .kind = ASSAY_FINITE, .exp = -63, .sig = (uint64_t)1 << 63 };

/* What a function of one operand gives at zeros, infinities and beyond its domain. */
typedef enum edge {
    GENERAL, /* no special case          */
    SAME,    /* x itself                 */
    ZERO,    /* +0                       */
    NEGZERO, /* -0                       */
    ONE,     /* 1 with the sign of x     */
    PLUS,    /* +1                       */
    MINUS,   /* -1                       */
    HALF,    /* 1/2 with the sign of x   */
    INF,     /* +infinity                */
    POLE,    /* -infinity, at a pole     */
    INVALID  /* NaN                      */
} edge;

/* At 0 of either sign, +infinity, -infinity. */
typedef struct edges {
    edge zero, plus, minus;
} edges;

static const edges table[ASSAY_OPERATION_COUNT] = {
    [ASSAY_OPERATION_EXP] = { PLUS, INF, ZERO },
    [ASSAY_OPERATION_EXP2] = { PLUS, INF, ZERO },
    [ASSAY_OPERATION_EXPM1] = { SAME, INF, MINUS },
    [ASSAY_OPERATION_LOG] = { POLE, INF, INVALID },
    [ASSAY_OPERATION_LOG2] = { POLE, INF, INVALID },
    [ASSAY_OPERATION_LOG1P] = { SAME, INF, INVALID },
    [ASSAY_OPERATION_SIN] = { SAME, INVALID, INVALID },
    [ASSAY_OPERATION_COS] = { PLUS, INVALID, INVALID },
    [ASSAY_OPERATION_TAN] = { SAME, INVALID, INVALID },
    [ASSAY_OPERATION_ASIN] = { SAME, INVALID, INVALID },
    [ASSAY_OPERATION_ACOS] = { GENERAL, INVALID, INVALID },
    [ASSAY_OPERATION_ATAN] = { SAME, GENERAL, GENERAL },
    [ASSAY_OPERATION_SINPI] = { SAME, INVALID, INVALID },
    [ASSAY_OPERATION_COSPI] = { PLUS, INVALID, INVALID },
    [ASSAY_OPERATION_TANPI] = { SAME, INVALID, INVALID },
    [ASSAY_OPERATION_ASINPI] = { SAME, INVALID, INVALID },
    [ASSAY_OPERATION_ACOSPI] = { GENERAL, INVALID, INVALID },
    [ASSAY_OPERATION_ATANPI] = { SAME, HALF, HALF },
    [ASSAY_OPERATION_SINH] = { SAME, SAME, SAME },
    [ASSAY_OPERATION_COSH] = { PLUS, INF, INF },
    [ASSAY_OPERATION_TANH] = { SAME, ONE, ONE },
    [ASSAY_OPERATION_ASINH] = { SAME, SAME, SAME },
    [ASSAY_OPERATION_ACOSH] = { INVALID, INF, INVALID },
    [ASSAY_OPERATION_ATANH] = { SAME, INVALID, INVALID },
    [ASSAY_OPERATION_ERF] = { SAME, ONE, ONE },
    [ASSAY_OPERATION_SIGMOID] = { GENERAL, PLUS, ZERO },
    [ASSAY_OPERATION_SILU] = { SAME, INF, NEGZERO },
    [ASSAY_OPERATION_GELU] = { SAME, INF, NEGZERO },
    [ASSAY_OPERATION_GELU_TANH] = { SAME, INF, NEGZERO },
    [ASSAY_OPERATION_SOFTPLUS] = { GENERAL, INF, ZERO },
};

static bool give(const assay_operator *op, const assay_operand *x, edge e, assay_result *r)
{
    bool negative = x->negative;
    switch (e) {
    case GENERAL: return false;
    case SAME:
        r->x = x->exact;
        r->x.negative = negative;
        return true;
    case ZERO: assay_result_zero(r, false); return true;
    case NEGZERO: assay_result_zero(r, true); return true;
    case ONE: assay_result_ratio(r, 1, 0, 1, negative); return true;
    case PLUS: assay_result_ratio(r, 1, 0, 1, false); return true;
    case MINUS: assay_result_ratio(r, 1, 0, 1, true); return true;
    case HALF: assay_result_ratio(r, 1, -1, 1, negative); return true;
    case INF: assay_result_infinity(r, false); return true;
    case POLE: assay_result_pole(r, op, true, false); return true;
    default: assay_result_nan(r); return true;
    }
}

/* -1, 0, 1 as |x| is below, equal to or above 1. */
static int against_one(const assay_operand *x)
{
    return assay_is_ratio(x, 1, 1, 0) ? 0 : assay_exact_compare(x->exact, unit);
}

/* Ends of domains that are no infinity and no zero. */
static bool outside(const assay_operator *op, const assay_operand *x, assay_result *r)
{
    int order = against_one(x);
    bool negative = x->negative;
    switch (op->operation->id) {
    case ASSAY_OPERATION_LOG:
    case ASSAY_OPERATION_LOG2: return negative && give(op, x, INVALID, r);
    case ASSAY_OPERATION_LOG1P:
        return negative && order >= 0 && give(op, x, order == 0 ? POLE : INVALID, r);
    case ASSAY_OPERATION_ASIN:
    case ASSAY_OPERATION_ACOS:
    case ASSAY_OPERATION_ASINPI:
    case ASSAY_OPERATION_ACOSPI: return order > 0 && give(op, x, INVALID, r);
    case ASSAY_OPERATION_ACOSH: return (negative || order < 0) && give(op, x, INVALID, r);
    case ASSAY_OPERATION_ATANH:
        if (order != 0)
            return order > 0 && give(op, x, INVALID, r);
        assay_result_pole(r, op, negative, false);
        return true;
    default: return false;
    }
}

/* pow at zeros, infinities and 1, as IEEE 754-2019, 9.2.1. */
static bool special_pow(const assay_operator *op, const assay_operand *x, assay_result *r)
{
    const assay_operand *y = &x[1];
    bool odd, whole = assay_is_integer(y, &odd);
    if (y->kind == ASSAY_ZERO || (assay_is_ratio(x, 1, 1, 0) && !x->negative))
        return give(op, x, PLUS, r);
    if (x->kind == ASSAY_NOT_A_NUMBER || y->kind == ASSAY_NOT_A_NUMBER)
        return give(op, x, INVALID, r);
    if (y->kind == ASSAY_INFINITE) {
        int order = x->kind == ASSAY_ZERO ? -1 : x->kind == ASSAY_INFINITE ? 1 : against_one(x);
        return give(op, x, order == 0 ? PLUS : (order > 0) != y->negative ? INF : ZERO, r);
    }
    bool negative = x->negative && odd, down = y->negative;
    if (x->kind == ASSAY_ZERO || x->kind == ASSAY_INFINITE) {
        if ((x->kind == ASSAY_ZERO) != down)
            assay_result_zero(r, negative);
        else if (x->kind == ASSAY_ZERO)
            assay_result_pole(r, op, negative, true);
        else
            assay_result_infinity(r, negative);
        return true;
    }
    return x->negative && !whole && give(op, x, INVALID, r);
}

/* atan2 and atan2pi where one operand is 0 or infinite: the angle in eighths of a turn. */
static bool special_angle(const assay_operator *op, const assay_operand *x, assay_result *r)
{
    const assay_operand *y = &x[0], *a = &x[1];
    if (y->kind == ASSAY_NOT_A_NUMBER || a->kind == ASSAY_NOT_A_NUMBER)
        return give(op, x, INVALID, r);
    bool upright = a->kind == ASSAY_ZERO && y->kind != ASSAY_ZERO;
    bool both = y->kind == ASSAY_INFINITE && a->kind == ASSAY_INFINITE;
    bool flat = y->kind == ASSAY_ZERO || a->kind == ASSAY_INFINITE;
    unsigned eighths = both                                     ? (a->negative ? 3 : 1)
                       : upright || (y->kind == ASSAY_INFINITE) ? 2
                       : a->negative                            ? 4
                                                                : 0;
    if (!both && !upright && !flat && y->kind != ASSAY_INFINITE)
        return false;
    if (eighths == 0) {
        assay_result_zero(r, y->negative);
        return true;
    }
    bool over_pi = op->operation->id == ASSAY_OPERATION_ATAN2PI;
    unsigned twos = eighths == 4 ? 2 : eighths == 2;
    if (over_pi)
        assay_result_ratio(r, eighths >> twos, (int)twos - 2, 1, y->negative);
    return over_pi;
}

bool assay_function_special(const assay_operator *op, const assay_operand *x, assay_result *r)
{
    assay_operation_id id = op->operation->id;
    if (id == ASSAY_OPERATION_POW)
        return special_pow(op, x, r);
    if (id == ASSAY_OPERATION_ATAN2 || id == ASSAY_OPERATION_ATAN2PI)
        return special_angle(op, x, r);
    switch (x->kind) {
    case ASSAY_NOT_A_NUMBER: return give(op, x, INVALID, r);
    case ASSAY_INFINITE: return give(op, x, x->negative ? table[id].minus : table[id].plus, r);
    case ASSAY_ZERO: return give(op, x, table[id].zero, r);
    default: return outside(op, x, r);
    }
}

/* ---- limits ---- */

/* c + a little, or a little less, with the sign of c. */
static bool near_to(assay_result *r, assay_exact c, bool up)
{
    assay_result_nudged(r, c, up);
    return true;
}

static assay_exact power_of_two(int e, bool negative)
{
    assay_exact x = assay_exact_shifted(unit, e);
    x.negative = negative;
    return x;
}

/* |x| < 2^TINY: f(x) = f(0) + c x + ..., where f(0) or x is what is left of it. */
static bool tiny_argument(assay_operation_id id, const assay_operand *x, assay_result *r)
{
    bool up = !x->negative;
    assay_exact self = x->exact;
    switch (id) {
    case ASSAY_OPERATION_EXP:
    case ASSAY_OPERATION_EXP2: return near_to(r, unit, up);
    case ASSAY_OPERATION_COSH: return near_to(r, unit, true);
    case ASSAY_OPERATION_COS:
    case ASSAY_OPERATION_COSPI: return near_to(r, unit, false);
    case ASSAY_OPERATION_SIGMOID: return near_to(r, power_of_two(-1, false), up);
    case ASSAY_OPERATION_EXPM1: return near_to(r, self, up);
    case ASSAY_OPERATION_LOG1P: return near_to(r, self, !up);
    case ASSAY_OPERATION_SIN:
    case ASSAY_OPERATION_ATAN:
    case ASSAY_OPERATION_TANH:
    case ASSAY_OPERATION_ASINH: return near_to(r, self, false);
    case ASSAY_OPERATION_TAN:
    case ASSAY_OPERATION_ASIN:
    case ASSAY_OPERATION_SINH:
    case ASSAY_OPERATION_ATANH: return near_to(r, self, true);
    case ASSAY_OPERATION_SILU:
    case ASSAY_OPERATION_GELU:
    case ASSAY_OPERATION_GELU_TANH: return near_to(r, assay_exact_shifted(self, -1), up);
    default: return false;
    }
}

/* A magnitude that is not zero and below every format, or above every one. */
static bool beyond_all(assay_result *r, bool large, bool negative)
{
    return near_to(r, power_of_two(large ? 1 << HUGE_EXPONENT : -(1 << HUGE_EXPONENT), negative),
                   true);
}

/* Left tails that are below 2^-1460 or, for gelu_tanh, 2^-13000000. */
static bool left_tail(const assay_operator *op, assay_result *r)
{
    int lowest = op->operation->id == ASSAY_OPERATION_GELU ? -1400 : -13000000;
    r->failed = op->rounder.format.emin - op->rounder.format.p < lowest;
    return beyond_all(r, false, true);
}

/* Irrational x: silu(x) and softplus(x) from 128 on, gelu(x) from 16 and gelu_tanh(x) from 12 on
 * differ from x by less than 2^-180 of it. */
static bool beside_itself(assay_operation_id id, const assay_operand *x, assay_result *r)
{
    const assay_exact twelve = { .kind = ASSAY_FINITE, .exp = -60, .sig = (uint64_t)3 << 62 };
    int64_t e = assay_exponent_of(x);
    switch (id) {
    case ASSAY_OPERATION_SILU: return e > 7 && near_to(r, x->exact, false);
    case ASSAY_OPERATION_SOFTPLUS: return e > 7 && near_to(r, x->exact, true);
    case ASSAY_OPERATION_GELU: return e > 4 && near_to(r, x->exact, false);
    case ASSAY_OPERATION_GELU_TANH:
        return assay_exact_compare(x->exact, twelve) > 0 && near_to(r, x->exact, false);
    default: return false;
    }
}

/* Where exponentials leave all formats, or fall off the end of 256 bits. */
static bool large_argument(const assay_operator *op, const assay_operand *x, assay_result *r)
{
    bool negative = x->negative;
    int64_t e = assay_exponent_of(x);
    bool far = e > HUGE_EXPONENT, past = e > 8; /* |x| >= 2^30, 2^8 */
    if (!x->rational && !negative && beside_itself(op->operation->id, x, r))
        return true;
    switch (op->operation->id) {
    case ASSAY_OPERATION_EXP:
    case ASSAY_OPERATION_EXP2: return far && beyond_all(r, !negative, false);
    case ASSAY_OPERATION_COSH: return far && beyond_all(r, true, false);
    case ASSAY_OPERATION_SINH: return far && beyond_all(r, true, negative);
    case ASSAY_OPERATION_EXPM1:
        if (negative)
            return past && near_to(r, power_of_two(0, true), false);
        return far && beyond_all(r, true, false);
    case ASSAY_OPERATION_TANH: return past && near_to(r, power_of_two(0, negative), false);
    case ASSAY_OPERATION_ERF: return e > 4 && near_to(r, power_of_two(0, negative), false);
    case ASSAY_OPERATION_SIGMOID:
        if (negative)
            return far && beyond_all(r, false, false);
        return past && near_to(r, unit, false);
    case ASSAY_OPERATION_SILU:
        if (negative)
            return far && beyond_all(r, false, true);
        return past && near_to(r, x->exact, false);
    case ASSAY_OPERATION_SOFTPLUS:
        if (negative)
            return far && beyond_all(r, false, false);
        return past && near_to(r, x->exact, true);
    case ASSAY_OPERATION_GELU:
    case ASSAY_OPERATION_GELU_TANH:
        if (!negative)
            return e > (op->operation->id == ASSAY_OPERATION_GELU ? 5 : 4) &&
                   near_to(r, x->exact, false);
        return e > (op->operation->id == ASSAY_OPERATION_GELU ? 5 : 9) && left_tail(op, r);
    default: return false;
    }
}

/* atan2 of a small y / x, x > 0: the quotient and a little less. */
static bool small_angle(const assay_operand *y, const assay_operand *x, assay_result *r)
{
    bool finite = y->kind == ASSAY_FINITE && x->kind == ASSAY_FINITE;
    bool ratio = y->rational && x->rational, power = finite && assay_same_base(y, x);
    if (!finite || x->negative || !(ratio || power) ||
        assay_exponent_of(y) - assay_exponent_of(x) > (ratio ? TINY : COARSE))
        return false;
    if (power) /* whose ties are powers too */
        assay_result_power(r, x->natural, y->k - x->k, x->steps, y->negative);
    else
        assay_result_ratio(r, (assay_uint128)y->n * x->d, y->exp - x->exp, x->n * y->d,
                           y->negative);
    return near_to(r, r->x, false);
}

bool assay_function_limit(const assay_operator *op, const assay_operand *x, assay_result *r)
{
    if (op->operation->id == ASSAY_OPERATION_ATAN2)
        return small_angle(&x[0], &x[1], r);
    if (x->kind != ASSAY_FINITE || op->operation->arity > 1)
        return false;
    if (assay_exponent_of(x) < (x->rational ? TINY : COARSE))
        return tiny_argument(op->operation->id, x, r);
    return large_argument(op, x, r);
}

/* Level 0 is double-double, unless all of 256 bits are asked for; then come wide numbers. */
void assay_evaluate_function(const assay_operator *op, const assay_operand *x, int level,
                             assay_result *r)
{
    static const int limbs[] = { 3, 3, 8, 16, 32 };
    assay_operation_id id = op->operation->id;
    if (level == 0) {
        if (assay_function_special(op, x, r) || assay_function_exact(op, x, r) ||
            assay_function_limit(op, x, r))
            return;
        r->failed = !assay_result_is_short(op) || !assay_function_fast(id, x, r);
        return;
    }
    r->good = assay_function_wide(id, limbs[level], &r->w, x);
    r->failed = r->good <= 0;
}
