/* SPDX-License-Identifier: Apache-2.0 */
/* Operations whose results are rational: exact, with a remainder. docs/operations.md, 1. */
#include "numerics/wide_function.h"
#include "rounding/operation_parts.h"

/* Limbs for results that are irrational: 512 bits. */
enum { WIDE = 8 };

static bool is_nan(const assay_operand *x)
{
    return x->kind == ASSAY_NOT_A_NUMBER;
}

static bool is_zero(const assay_operand *x)
{
    return x->kind == ASSAY_ZERO;
}

static bool is_infinite(const assay_operand *x)
{
    return x->kind == ASSAY_INFINITE;
}

/* ---- sums ---- */

/* a + b times da db: everything is exact, or what falls off 256 bits is far below both. */
static void add_exact(const assay_operator *op, assay_result *r, assay_exact a, uint64_t da,
                      assay_exact b, uint64_t db)
{
    if (a.kind == ASSAY_ZERO && b.kind == ASSAY_ZERO) {
        bool alike = a.negative == b.negative;
        assay_result_zero(r, alike ? a.negative : assay_cancelled_sign(op));
        return;
    }
    bool finite = a.kind != ASSAY_INFINITE && b.kind != ASSAY_INFINITE;
    if (finite && da != db) {
        a = assay_exact_times(a, (uint32_t)db);
        b = assay_exact_times(b, (uint32_t)da);
    }
    r->x = assay_exact_add(a, b);
    r->d = da == db ? da : da * db;
    if (r->x.kind == ASSAY_ZERO)
        r->x.negative = assay_cancelled_sign(op);
}

/* The numerator n 2^exp; irrational ones have d = 1. */
static assay_exact numerator(const assay_operand *x)
{
    assay_result r = { .d = 1 };
    assay_result_operand(&r, x);
    return r.x;
}

/* 2^a + 2^a and 2^(a+1) - 2^a, a = k / steps, are powers of 2 themselves, which the sum of their
 * rounded values would not show. Other sums of two powers are none, as 2^m + 1 and 2^m - 1 are no
 * powers of 2 and powers of different fractions are independent. */
static bool power_sum(assay_result *r, int64_t j, bool j_negative, int64_t k, bool k_negative,
                      uint32_t steps)
{
    const int64_t octave = steps;
    if (j_negative == k_negative && j == k)
        assay_result_power(r, false, k + octave, steps, k_negative);
    else if (j_negative != k_negative && j - k == octave)
        assay_result_power(r, false, k, steps, j_negative);
    else if (j_negative != k_negative && k - j == octave)
        assay_result_power(r, false, j, steps, k_negative);
    else
        return false;
    return true;
}

static bool are_powers_of_two(const assay_operand *x, const assay_operand *y)
{
    return x->kind == ASSAY_FINITE && y->kind == ASSAY_FINITE && assay_same_base(x, y) &&
           !x->natural;
}

static void add(const assay_operator *op, const assay_operand *x, const assay_operand *y,
                bool subtract, assay_result *r)
{
    assay_exact b = numerator(y);
    b.negative = y->negative != subtract;
    if (is_nan(x) || is_nan(y))
        assay_result_nan(r);
    else if (!are_powers_of_two(x, y) ||
             !power_sum(r, x->k, x->negative, y->k, b.negative, x->steps))
        add_exact(op, r, numerator(x), x->d, b, y->d);
}

/* ---- products and quotients ---- */

/* An irrational operand beside one of another kind. */
static void wide_product(const assay_operand *x, const assay_operand *y, bool divide,
                         assay_result *r)
{
    assay_wide a;
    int good = assay_operand_wide(WIDE, &r->w, x), other = assay_operand_wide(WIDE, &a, y);
    if (divide)
        assay_wide_div(WIDE, &r->w, &r->w, &a);
    else
        assay_wide_mul(WIDE, &r->w, &r->w, &a);
    r->good = (good < other ? good : other) - 2;
}

static void multiply(const assay_operand *x, const assay_operand *y, assay_result *r)
{
    bool negative = x->negative != y->negative;
    if (is_nan(x) || is_nan(y) || (is_zero(x) && is_infinite(y)) || (is_infinite(x) && is_zero(y)))
        assay_result_nan(r);
    else if (is_infinite(x) || is_infinite(y))
        assay_result_infinity(r, negative);
    else if (is_zero(x) || is_zero(y))
        assay_result_zero(r, negative);
    else if (assay_same_base(x, y))
        assay_result_power(r, x->natural, x->k + y->k, x->steps, negative);
    else if (!x->rational || !y->rational)
        wide_product(x, y, false, r);
    else
        assay_result_ratio(r, (assay_uint128)x->n * y->n, x->exp + y->exp, x->d * y->d, negative);
}

static void divide(const assay_operator *op, const assay_operand *x, const assay_operand *y,
                   assay_result *r)
{
    bool negative = x->negative != y->negative;
    bool by_zero = is_zero(y), p3109 = op->rounder.format.law == ASSAY_LAW_P3109;
    if (is_nan(x) || is_nan(y) || (is_zero(x) && by_zero) || (is_infinite(x) && is_infinite(y)))
        assay_result_nan(r);
    else if (by_zero && is_infinite(x) && !p3109)
        assay_result_infinity(r, negative);
    else if (by_zero)
        assay_result_pole(r, op, negative, true);
    else if (is_infinite(x))
        assay_result_infinity(r, negative);
    else if (is_zero(x) || is_infinite(y))
        assay_result_zero(r, negative);
    else if (assay_same_base(x, y))
        assay_result_power(r, x->natural, x->k - y->k, x->steps, negative);
    else if (!x->rational || !y->rational)
        wide_product(x, y, true, r);
    else
        assay_result_ratio(r, (assay_uint128)x->n * y->d, x->exp - y->exp, y->n * x->d, negative);
}

static void fma_of(const assay_operator *op, const assay_operand *x, assay_result *r)
{
    multiply(&x[0], &x[1], r);
    if (r->x.kind == ASSAY_NOT_A_NUMBER || is_nan(&x[2])) {
        assay_result_nan(r);
        return;
    }
    if (are_powers_of_two(&x[0], &x[1]) && are_powers_of_two(&x[0], &x[2]) &&
        power_sum(r, x[0].k + x[1].k, x[0].negative != x[1].negative, x[2].k, x[2].negative,
                  x[0].steps))
        return;
    if (r->good > 0) { /* operands of different families: what follows 256 bits is a rest */
        r->failed = !assay_wide_certify(WIDE, &r->w, r->good, 256, &r->x);
        r->good = 0;
    }
    add_exact(op, r, r->x, r->d, numerator(&x[2]), x[2].d);
}

/* ---- remainder ---- */

static uint64_t power_modulo(uint64_t base, uint64_t exponent, uint64_t m)
{
    uint64_t result = 1 % m;
    for (base %= m; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = (uint64_t)((assay_uint128)result * base % m);
        base = (uint64_t)((assay_uint128)base * base % m);
    }
    return result;
}

/* a 2^shift, shift any, against b: the remainder is +-t, or a itself where that lies far below. */
static void remainder_parts(assay_result *r, uint64_t a, int64_t a_exp, uint64_t b, int64_t b_exp,
                            bool negative, uint64_t d)
{
    int64_t shift = a_exp - b_exp, low = shift < 0 ? a_exp : b_exp;
    assay_uint128 t, divisor = b;
    if (-shift > 64) { /* a < 2^64 <= b 2^64 / 2 */
        assay_result_ratio(r, a, a_exp, d, negative);
        return;
    }
    if (shift > 0) /* a 2^shift mod 2 b */
        t = (assay_uint128)2 *
            (uint64_t)((assay_uint128)(a % b) * power_modulo(2, (uint64_t)shift - 1, b) % b);
    else {
        if (-shift + 64 - __builtin_clzll(b) > 126) {
            assay_result_ratio(r, a, a_exp, d, negative);
            return;
        }
        divisor <<= -shift;
        t = a % (2 * divisor);
    }
    bool odd = t >= divisor;
    t -= odd ? divisor : 0;
    bool beyond = 2 * t > divisor || (odd && 2 * t == divisor);
    t = beyond ? divisor - t : t;
    assay_result_ratio(r, t, low, d, t == 0 ? negative : negative != beyond);
}

/* Powers of one base: the quotient is a whole number, a half or irrational. */
static void remainder_wide(const assay_operand *x, const assay_operand *y, assay_result *r)
{
    assay_wide a, b;
    int64_t k = x->k - y->k;
    bool powers = assay_same_base(x, y);
    if (powers && (k == 0 || (!x->natural && k > 0 && k % x->steps == 0))) {
        assay_result_zero(r, x->negative);
        return;
    }
    if (powers && !x->natural && k < 0 && k % x->steps == 0) {
        assay_result_operand(r, x);
        return;
    }
    int64_t gap = (int64_t)x->exact.exp - y->exact.exp;
    int n = WIDE + (int)(gap > 0 ? gap / 64 + 1 : 0);
    if (gap < -2) {
        assay_result_operand(r, x);
        return;
    }
    r->failed = gap > 2000;
    if (r->failed)
        return;
    int good = assay_operand_wide(n, &a, x), other = assay_operand_wide(n, &b, y);
    b.negative = false;
    assay_wide_div(n, &a, &a, &b);
    int64_t before = a.exp;
    assay_wide_nearest(n, &a, &a);
    if (a.exp == before) { /* |x / y| < 1/2: else what is left of it is smaller */
        assay_result_operand(r, x);
        return;
    }
    r->good = (good < other ? good : other) - 4 - (int)(before - a.exp);
    assay_wide_mul(n, &r->w, &a, &b);
    r->failed = r->good < 64;
}

static void remainder_of(const assay_operator *op, const assay_operand *x, const assay_operand *y,
                         assay_result *r)
{
    (void)op;
    if (is_nan(x) || is_nan(y) || is_infinite(x) || is_zero(y))
        assay_result_nan(r);
    else if (is_zero(x) || is_infinite(y))
        assay_result_operand(r, x);
    else if (x->rational && y->rational)
        remainder_parts(r, x->n * y->d, x->exp, y->n * x->d, y->exp, x->negative, x->d * y->d);
    else
        remainder_wide(x, y, r);
}

/* ---- minimum, maximum ---- */

/* The wanted one of two numbers. `sign` is -1 for the lesser, 1 for the greater. */
static const assay_operand *choose(const assay_operand *x, const assay_operand *y, int sign,
                                   bool magnitude)
{
    int order = assay_exact_compare(x->exact, y->exact);
    bool infinite = is_infinite(x) || is_infinite(y);
    if (infinite)
        order = is_infinite(x) - is_infinite(y);
    if (magnitude && order != 0)
        return order == sign ? x : y;
    if (x->negative != y->negative) /* zeros too */
        return x->negative == (sign < 0) ? x : y;
    order = x->negative ? -order : order;
    return order == -sign ? y : x;
}

static void extremum(const assay_operand *x, const assay_operand *y, int sign, bool magnitude,
                     bool number, assay_result *r)
{
    if (is_nan(x) || is_nan(y)) {
        const assay_operand *other = is_nan(x) ? y : x;
        if (number && !is_nan(other))
            assay_result_operand(r, other);
        else
            assay_result_nan(r);
    } else
        assay_result_operand(r, choose(x, y, sign, magnitude));
}

void assay_evaluate_exact(const assay_operator *op, const assay_operand *x, assay_result *r)
{
    const assay_operand one = { .kind = ASSAY_FINITE, .rational = true, .n = 1, .d = 1 };
    switch (op->operation->id) {
    case ASSAY_OPERATION_COPY: assay_result_operand(r, x); break;
    case ASSAY_OPERATION_NEG:
        assay_result_operand(r, x);
        r->x.negative = !x->negative;
        break;
    case ASSAY_OPERATION_ABS:
        assay_result_operand(r, x);
        r->x.negative = false;
        break;
    case ASSAY_OPERATION_ADD: add(op, &x[0], &x[1], false, r); break;
    case ASSAY_OPERATION_SUB: add(op, &x[0], &x[1], true, r); break;
    case ASSAY_OPERATION_MUL: multiply(&x[0], &x[1], r); break;
    case ASSAY_OPERATION_DIV: divide(op, &x[0], &x[1], r); break;
    case ASSAY_OPERATION_FMA: fma_of(op, x, r); break;
    case ASSAY_OPERATION_REMAINDER: remainder_of(op, &x[0], &x[1], r); break;
    case ASSAY_OPERATION_SQRT: assay_square_root(op, x, r); break;
    case ASSAY_OPERATION_RSQRT: assay_reciprocal_root(op, x, r); break;
    case ASSAY_OPERATION_RECIPROCAL:
        if (x->kind == ASSAY_FINITE && x->logarithmic)
            assay_result_power(r, x->natural, -x->k, x->steps, x->negative);
        else
            divide(op, &one, x, r);
        break;
    case ASSAY_OPERATION_HYPOT: assay_hypotenuse(&x[0], &x[1], r); break;
    case ASSAY_OPERATION_MINIMUM: extremum(&x[0], &x[1], -1, false, false, r); break;
    case ASSAY_OPERATION_MAXIMUM: extremum(&x[0], &x[1], 1, false, false, r); break;
    case ASSAY_OPERATION_MINIMUM_NUMBER: extremum(&x[0], &x[1], -1, false, true, r); break;
    case ASSAY_OPERATION_MAXIMUM_NUMBER: extremum(&x[0], &x[1], 1, false, true, r); break;
    case ASSAY_OPERATION_MINIMUM_MAGNITUDE: extremum(&x[0], &x[1], -1, true, false, r); break;
    case ASSAY_OPERATION_MAXIMUM_MAGNITUDE: extremum(&x[0], &x[1], 1, true, false, r); break;
    case ASSAY_OPERATION_MINIMUM_MAGNITUDE_NUMBER: extremum(&x[0], &x[1], -1, true, true, r); break;
    case ASSAY_OPERATION_MAXIMUM_MAGNITUDE_NUMBER: extremum(&x[0], &x[1], 1, true, true, r); break;
    default: assay_evaluate_function(op, x, 0, r); break;
    }
}
