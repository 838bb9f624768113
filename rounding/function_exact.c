/* SPDX-License-Identifier: Apache-2.0 */
/* Results that are rational, and where: by the theorems of Lindemann and Weierstrass, Gelfond and
 * Schneider, Niven, and Siegel (for erf) there are no others; docs/operations.md, 2, has the list.
 */
#include "numerics/wide_function.h"
#include "rounding/function_parts.h"

static bool give(assay_result *r, uint64_t n, int64_t exp, uint64_t d, bool negative)
{
    assay_result_ratio(r, n, exp, d, negative);
    if (n == 0)
        assay_result_zero(r, negative);
    return true;
}

/* parts x modulo `whole`, if that is an integer; else -1. parts is 4 or 6. */
static int turns(const assay_operand *x, unsigned parts, unsigned whole)
{
    int64_t exp = x->exp;
    uint64_t n = x->n;
    if (x->kind == ASSAY_ZERO)
        return 0;
    if (!x->rational || parts % x->d != 0)
        return -1;
    parts /= (unsigned)x->d;
    for (; exp < 0 && parts % 2 == 0; exp++)
        parts /= 2;
    if (exp < 0)
        return -1;
    exp = exp < 4 ? exp : 4 + (exp & 1); /* powers of 2 modulo 8 and 12 */
    return (int)((n % whole) * (parts << exp) % whole);
}

/* sin pi x at sixths of 1, cos pi x a quarter of a turn on. The zeros of sinpi have the sign of x,
 * those of cospi are +0. */
static bool exact_circular(const assay_operator *op, const assay_operand *x, bool sine,
                           assay_result *r)
{
    static const signed char halves[12] = { 0, 1, 9, 2, 9, 1, 0, -1, 9, -2, 9, -1 };
    int t = turns(x, 4, 8), shifted = (t + 2 * !sine) % 8;
    if (t % 2 == 1 && op->rounder.format.kind == ASSAY_FAMILY_LOG) { /* 1 / sqrt 2 */
        assay_result_power(r, false, -1, 2, (shifted > 4) != (sine && x->negative));
        return true;
    }
    t = turns(x, 6, 12);
    int twice = t < 0 ? 9 : halves[sine ? t : (t + 3) % 12];
    if (twice == 9)
        return false;
    bool flip = sine && x->negative;
    if (twice == 0)
        return give(r, 0, 0, 1, flip);
    return give(r, 1, twice == 2 || twice == -2 ? 0 : -1, 1, (twice < 0) != flip);
}

static bool exact_tangent(const assay_operator *op, const assay_operand *x, assay_result *r)
{
    int t = turns(x, 4, 8);
    bool minus = (t >= 3 && t <= 4) || t >= 6;
    if (t < 0)
        return false;
    if (t % 4 == 2)
        assay_result_pole(r, op, (t == 6) != x->negative, false);
    else
        give(r, t % 2 ? 1 : 0, 0, 1, (t % 2 ? t % 4 == 3 : minus) != x->negative);
    return true;
}

static bool is_one(const assay_operand *x)
{
    return assay_is_ratio(x, 1, 1, 0);
}

static bool is_half(const assay_operand *x)
{
    return assay_is_ratio(x, 1, 1, -1);
}

/* 1 / sqrt 2, the cosine of a quarter of pi. */
static bool is_root_half(const assay_operand *x)
{
    return x->kind == ASSAY_FINITE && x->logarithmic && !x->natural &&
           2 * x->k == -(int64_t)x->steps;
}

static bool exact_arc(assay_operation_id id, const assay_operand *x, assay_result *r)
{
    if (id == ASSAY_OPERATION_ATANPI)
        return is_one(x) && give(r, 1, -2, 1, x->negative);
    if (is_root_half(x) && id == ASSAY_OPERATION_ACOSPI)
        return give(r, x->negative ? 3 : 1, -2, 1, false);
    if (is_root_half(x))
        return give(r, 1, -2, 1, x->negative);
    if (id == ASSAY_OPERATION_ASINPI)
        return (is_one(x) && give(r, 1, -1, 1, x->negative)) ||
               (is_half(x) && give(r, 1, -1, 3, x->negative));
    if (is_one(x)) /* acospi */
        return give(r, x->negative, 0, 1, false);
    return (x->kind == ASSAY_ZERO && give(r, 1, -1, 1, false)) ||
           (is_half(x) && give(r, 1, x->negative, 3, false));
}

/* atan2pi on the diagonals. */
static bool exact_diagonal(const assay_operand *y, const assay_operand *x, assay_result *r)
{
    bool rational = x->rational && y->rational;
    bool same = rational ? assay_is_ratio(y, x->n, x->d, x->exp)
                         : x->rational == y->rational && x->k == y->k && x->steps == y->steps &&
                               x->natural == y->natural;
    return same && give(r, x->negative ? 3 : 1, -2, 1, y->negative);
}

static int log2_of(uint32_t power)
{
    return __builtin_ctz(power);
}

/* x as k / 2^bits, bits at most `most`. */
static bool as_fraction(const assay_operand *x, int most, int64_t *k, uint32_t *steps)
{
    if (!x->rational || x->d != 1 || x->exp < -most || assay_exponent_of(x) > 30)
        return false;
    *k = (int64_t)(x->exp > 0 ? x->n << x->exp : x->n);
    *steps = (uint32_t)1 << (x->exp < 0 ? -x->exp : 0);
    *k = x->negative ? -*k : *k;
    return true;
}

/* 2^x of integers; and powers that are values of logarithmic formats, or ties between them. */
static bool exact_power(const assay_operator *op, const assay_operand *x, bool natural,
                        assay_result *r)
{
    const assay_format *f = &op->rounder.format;
    bool log_takum = f->kind == ASSAY_FAMILY_TAKUM && f->is_log;
    bool wanted = natural ? log_takum : f->kind == ASSAY_FAMILY_LOG;
    int64_t k;
    uint32_t steps;
    if (!as_fraction(x, 30, &k, &steps) || (natural && assay_exponent_of(x) > 14))
        return false;
    if (!wanted && (natural || steps > 1))
        return false;
    assay_result_power(r, natural, k, steps, false);
    return true;
}

static bool exact_log(const assay_operand *x, bool natural, assay_result *r)
{
    if (is_one(x))
        return give(r, 0, 0, 1, false);
    int64_t k = x->k < 0 ? -x->k : x->k;
    if (x->logarithmic && x->natural == natural)
        return give(r, (uint64_t)k, -log2_of(x->steps), 1, x->k < 0);
    k = x->exp < 0 ? -x->exp : x->exp;
    return !natural && x->rational && x->n == 1 && x->d == 1 &&
           give(r, (uint64_t)k, 0, 1, x->exp < 0);
}

bool assay_function_exact(const assay_operator *op, const assay_operand *x, assay_result *r)
{
    assay_operation_id id = op->operation->id;
    switch (id) {
    case ASSAY_OPERATION_EXP:
    case ASSAY_OPERATION_EXP2: return exact_power(op, x, id == ASSAY_OPERATION_EXP, r);
    case ASSAY_OPERATION_LOG:
    case ASSAY_OPERATION_LOG2: return exact_log(x, id == ASSAY_OPERATION_LOG, r);
    case ASSAY_OPERATION_ACOS: return is_one(x) && !x->negative && give(r, 0, 0, 1, false);
    case ASSAY_OPERATION_ACOSH: return is_one(x) && give(r, 0, 0, 1, false);
    case ASSAY_OPERATION_SINPI:
    case ASSAY_OPERATION_COSPI: return exact_circular(op, x, id == ASSAY_OPERATION_SINPI, r);
    case ASSAY_OPERATION_TANPI: return exact_tangent(op, x, r);
    case ASSAY_OPERATION_ASINPI:
    case ASSAY_OPERATION_ACOSPI:
    case ASSAY_OPERATION_ATANPI: return exact_arc(id, x, r);
    case ASSAY_OPERATION_ATAN2PI: return exact_diagonal(&x[0], &x[1], r);
    case ASSAY_OPERATION_SIGMOID: return x->kind == ASSAY_ZERO && give(r, 1, -1, 1, false);
    case ASSAY_OPERATION_POW: return assay_pow_exact(x, r);
    default: return false;
    }
}
