/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/operation_parts.h"

#include <math.h>
#include <string.h>

#include "formats/codebook.h"
#include "numerics/elementary.h"
#include "numerics/wide_function.h"

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
    while (b > 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* ---- operands ---- */

/* k of a value 2^(k / steps) or e^(k / 2^30): lns and powers count positions; the logarithm of a
 * takum is below 2^7 and a multiple of 2^-30, far above the error of assay_log. */
static void set_logarithm(assay_operand *x, const assay_format *f, uint64_t code)
{
    uint64_t position = 0, levels = (uint64_t)(f->highest - f->lowest) + 1;
    x->logarithmic = true;
    if (f->kind == ASSAY_FAMILY_TAKUM) {
        x->natural = true;
        x->steps = (uint32_t)1 << 30;
        x->k = (int64_t)rint(assay_log(fabs(assay_decode(f, code))) * 0x1p30);
        x->rational = x->k == 0;
        return;
    }
    assay_code_position(f, code, &position);
    x->steps = (uint32_t)f->scale;
    x->k = position < levels ? f->highest - (int64_t)position
                             : f->lowest + (int64_t)(position - levels - 1);
    x->rational = x->k % f->scale == 0;
}

static bool is_logarithmic(const assay_format *f)
{
    return f->kind == ASSAY_FAMILY_LOG || (f->kind == ASSAY_FAMILY_TAKUM && f->is_log);
}

/* A codebook's value is a binary64 over its divisor. */
static void set_ratio(assay_operand *x, const assay_format *f, uint64_t code)
{
    uint64_t position;
    uint32_t divisor = assay_format_divisor(f);
    assay_exact value = x->exact;
    if (divisor > 1 && assay_code_position(f, code, &position))
        value = f->family->value(f, position);
    int low = __builtin_ctzll(value.sig), twos = __builtin_ctz(divisor);
    x->n = value.sig >> low;
    x->exp = (int64_t)value.exp + low - twos;
    uint64_t common = greatest_divisor(x->n, divisor >> twos);
    x->n /= common;
    x->d = (divisor >> twos) / common;
}

assay_operand assay_operand_of(const assay_format *f, uint64_t code)
{
    assay_operand x = { .exact = assay_decode_exact(f, code), .rational = true, .d = 1 };
    x.kind = x.exact.kind;
    x.negative = x.exact.negative;
    if (x.kind != ASSAY_FINITE)
        return x;
    if (is_logarithmic(f))
        set_logarithm(&x, f, code);
    if (x.rational)
        set_ratio(&x, f, code);
    return x;
}

/* ---- results ---- */

void assay_result_nan(assay_result *r)
{
    r->x = (assay_exact){ .kind = ASSAY_NOT_A_NUMBER };
}

void assay_result_infinity(assay_result *r, bool negative)
{
    r->x = (assay_exact){ .kind = ASSAY_INFINITE, .negative = negative };
}

void assay_result_pole(assay_result *r, const assay_operator *op, bool negative, bool division)
{
    assay_law law = op->rounder.format.law;
    if (law == ASSAY_LAW_SATURATE || (law == ASSAY_LAW_P3109 && division))
        assay_result_nan(r);
    else
        assay_result_infinity(r, negative);
}

void assay_result_zero(assay_result *r, bool negative)
{
    r->x = (assay_exact){ .kind = ASSAY_ZERO, .negative = negative };
}

/* Exponents beyond what any format reaches are all alike. */
static int clamped(int64_t exp)
{
    const int64_t most = (int64_t)1 << 30;
    return (int)(exp > most ? most : exp < -most ? -most : exp);
}

static assay_exact exact_from(assay_uint128 n, int64_t exp, bool negative)
{
    uint64_t high = (uint64_t)(n >> 64), low = (uint64_t)n;
    if (n == 0)
        return (assay_exact){ .kind = ASSAY_ZERO, .negative = negative };
    int up = high ? __builtin_clzll(high) : 64 + __builtin_clzll(low);
    n = up > 0 ? n << up : n;
    low = (uint64_t)n;
    return (assay_exact){ .kind = ASSAY_FINITE,
                          .negative = negative,
                          .sticky = low != 0,
                          .exp = clamped(exp + 64 - up),
                          .sig = (uint64_t)(n >> 64),
                          .more = { low } };
}

void assay_result_ratio(assay_result *r, assay_uint128 n, int64_t exp, uint64_t d, bool negative)
{
    r->x = exact_from(n, exp, negative);
    r->d = d;
}

void assay_result_operand(assay_result *r, const assay_operand *x)
{
    r->x = x->exact;
    if (x->kind == ASSAY_FINITE && x->rational)
        assay_result_ratio(r, x->n, x->exp, x->d, x->negative);
    r->x.negative = x->negative;
}

void assay_result_power(assay_result *r, bool natural, int64_t k, uint32_t steps, bool negative)
{
    for (; k % 2 == 0 && steps > 1 && steps % 2 == 0; steps /= 2)
        k /= 2;
    const int64_t most = (int64_t)steps << 29;
    if (natural && k > -most && k < most && k / (int64_t)steps > -(1 << 15) &&
        k / (int64_t)steps < 1 << 15)
        r->x = assay_exact_exp(k, steps);
    else if (!natural && k > -most && k < most)
        r->x = assay_exact_exp2(k, steps);
    else
        r->x = exact_from(1, k < 0 ? INT64_MIN / 2 : INT64_MAX / 2, negative);
    r->x.negative = negative;
}

void assay_result_nudged(assay_result *r, assay_exact x, bool up)
{
    r->x = x;
    if (!up) { /* all that lies below the last of 256 bits is ones */
        bool whole = x.sig == (uint64_t)1 << 63 && (x.more[0] | x.more[1] | x.more[2]) == 0;
        for (int i = 2; i >= 0; i--) {
            bool borrow = r->x.more[i]-- == 0;
            if (!borrow)
                break;
            if (i == 0)
                r->x.sig--;
        }
        if (whole) {
            r->x.sig = ~(uint64_t)0;
            r->x.exp--;
        }
    }
    r->x.sticky = r->x.rest = true;
}

int assay_operand_wide(int n, assay_wide *w, const assay_operand *x)
{
    if (x->rational) {
        assay_wide_from(n, w, x->n, x->exp, x->negative);
        if (x->d > 1)
            assay_wide_div_u(n, w, w, x->d);
        return x->d > 1 ? 64 * n - 1 : 64 * n;
    }
    assay_wide l;
    uint64_t magnitude = (uint64_t)(x->k < 0 ? -x->k : x->k);
    assay_wide_from(n, w, magnitude, 0, x->k < 0);
    if (!x->natural) {
        assay_wide_ln2(n, &l);
        assay_wide_mul(n, w, w, &l);
    }
    assay_wide_div_u(n, w, w, x->steps);
    int good = assay_wide_exp(n, w, w) - 1;
    w->negative = x->negative;
    return good - 2;
}

/* The root of the leading 53 bits, made right by Newton's step and single ones: for n >= 2^106 the
 * first is off by less than 2^12. */
uint64_t assay_integer_root(assay_uint128 n)
{
    if (n == 0)
        return 0;
    assay_uint128 r = (assay_uint128)__builtin_sqrt((double)n);
    r = (r + n / r) / 2;
    while (r * r > n || r >> 64)
        r--;
    while ((r + 1) * (r + 1) <= n && !((r + 1) >> 64))
        r++;
    return (uint64_t)r;
}

/* Long division of the 256 bits by 64, two limbs further than they reach. */
assay_exact assay_exact_over(assay_exact x, uint64_t d)
{
    uint64_t q[6], rest = 0, bits[6] = { x.sig, x.more[0], x.more[1], x.more[2] };
    if (x.kind != ASSAY_FINITE || d == 1)
        return x;
    for (int i = 0; i < 6; i++) {
        assay_uint128 t = (assay_uint128)rest << 64 | bits[i];
        q[i] = (uint64_t)(t / d);
        rest = (uint64_t)(t % d);
    }
    int first = q[0] == 0, up = __builtin_clzll(q[first]);
    for (int i = 0; i < 5; i++)
        bits[i] = up > 0 ? q[first + i] << up | (first + i < 5 ? q[first + i + 1] >> (64 - up) : 0)
                         : q[first + i];
    x.rest = x.rest || rest != 0 || bits[4] != 0 || (first == 0 && q[5] << up != 0);
    x.exp -= 64 * first + up;
    x.sig = bits[0];
    memcpy(x.more, bits + 1, sizeof x.more);
    x.sticky = x.rest || (x.more[0] | x.more[1] | x.more[2]) != 0;
    return x;
}

/* ---- rounding ---- */

/* Values and ties of all but logarithmic formats are dyadic and have at most 54 bits, so that 64
 * bits and a rest place a result between them; random modes see all that an assay_exact has. */
bool assay_result_is_short(const assay_operator *op)
{
    bool random = assay_mode_is_stochastic(op->rounder.mode);
    return !random && !is_logarithmic(&op->rounder.format);
}

static bool round_wide(const assay_operator *op, const assay_result *r, assay_exact *x)
{
    assay_wide w;
    int n = (r->good + 63) / 64, bits = assay_result_is_short(op) ? 64 : 256;
    int good = r->good < 64 * n - 3 ? r->good : 64 * n - 3;
    assay_wide_set(n, &w, &r->w);
    if (op->divisor > 1)
        assay_wide_mul_u(n, &w, &w, op->divisor);
    if (r->d > 1)
        assay_wide_div_u(n, &w, &w, r->d);
    if (w.exp > (int64_t)1 << 30 || w.exp < -((int64_t)1 << 30)) {
        *x = exact_from(1, w.exp, w.negative);
        return true;
    }
    return assay_wide_certify(n, &w, good - 1, bits, x);
}

/* Values of a codebook are numerators over a divisor. Rounding the numerator of the result among
 * them, as if the divisor were 1, needs no quotient; the codes are the same. */
static uint64_t round_numerator(const assay_operator *op, assay_exact x, const assay_random *random,
                                uint64_t index)
{
    assay_rounder scaled = op->rounder;
    assay_codebook book = *scaled.format.book;
    book.divisor = 1;
    scaled.format.book = &book;
    return assay_round_exact_at(&scaled, x, random, index);
}

bool assay_result_round(const assay_operator *op, const assay_result *r, const assay_random *random,
                        uint64_t index, uint64_t *code)
{
    assay_exact x = r->x;
    if (r->failed)
        return false;
    if (r->good > 0) {
        if (!round_wide(op, r, &x))
            return false;
    } else if (x.kind == ASSAY_FINITE) {
        if (op->divisor > 1)
            x = assay_exact_times(x, op->divisor);
        if (r->d > 1)
            x = assay_exact_over(x, r->d);
    }
    *code = op->divisor > 1 ? round_numerator(op, x, random, index)
                            : assay_round_exact_at(&op->rounder, x, random, index);
    return true;
}
