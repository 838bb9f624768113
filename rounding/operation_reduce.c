/* SPDX-License-Identifier: Apache-2.0 */
/* Sums and dot products, exact whatever cancels. Rational formats go through the superaccumulator.
 * In logarithmic ones terms are powers b^(k / steps): those whose powers differ by a rational
 * factor add up to a rational multiple of one of them, and what is left over different powers is
 * linearly independent, so it cancels only as far as precision can follow. docs/operations.md, 1.2.
 */
#include <stdlib.h>

#include "formats/codebook.h"
#include "numerics/superaccumulator.h"
#include "numerics/wide_function.h"
#include "rounding/operation_parts.h"

/* A code as a binary64: codebooks without their divisor. */
static double numerator_of(const assay_format *f, uint64_t code)
{
    uint64_t position;
    if (assay_format_divisor(f) > 1 && assay_code_position(f, code, &position))
        return assay_exact_to_double(f->family->value(f, position));
    return assay_decode(f, code);
}

static void reduce_rational(const assay_operator *op, const uint64_t *const *codes, size_t n,
                            assay_result *r)
{
    bool dot = op->operation->arity == 2;
    const assay_format *f = op->operands[0], *g = op->operands[dot ? 1 : 0];
    assay_superaccumulator sum;
    assay_superaccumulator_clear(&sum);
    for (size_t i = 0; i < n; i++) {
        double x = numerator_of(f, codes[0][i]);
        if (dot)
            assay_superaccumulator_add_product(&sum, x, numerator_of(g, codes[1][i]));
        else
            assay_superaccumulator_add(&sum, x);
    }
    r->x = assay_superaccumulator_exact(&sum, assay_cancelled_sign(op));
    r->d = assay_format_divisor(f) * (dot ? assay_format_divisor(g) : 1);
}

/* One term: +-2^whole b^(part / steps), part in [0, steps) for b = 2; whole = 0 for b = e. */
typedef struct term {
    int64_t part, whole;
    bool negative;
} term;

static int by_part(const void *a, const void *b)
{
    int64_t x = ((const term *)a)->part, y = ((const term *)b)->part;
    return (x > y) - (x < y);
}

/* Specials and zeros: what the superaccumulator says of them decides without the terms. */
static size_t collect(const assay_operator *op, const uint64_t *const *codes, size_t n, term *terms,
                      assay_superaccumulator *specials, assay_operand *base)
{
    bool dot = op->operation->arity == 2;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        assay_operand x = assay_operand_of(op->operands[0], codes[0][i]), y = { 0 };
        if (dot)
            y = assay_operand_of(op->operands[1], codes[1][i]);
        double a = assay_decode(op->operands[0], codes[0][i]);
        double b = dot ? assay_decode(op->operands[1], codes[1][i]) : 1;
        if (x.kind != ASSAY_FINITE || (dot && y.kind != ASSAY_FINITE)) {
            assay_superaccumulator_add_product(specials, a, b);
            continue;
        }
        *base = x;
        int64_t k = x.k + (dot ? y.k : 0), steps = x.steps, part = k % steps;
        part += part < 0 ? steps : 0;
        terms[count].part = x.natural ? k : part;
        terms[count].whole = x.natural ? 0 : (k - part) / steps;
        terms[count++].negative = x.negative != (dot && y.negative);
    }
    return count;
}

/* The powers of equal part, as one coefficient each; parts that cancel are dropped. */
static size_t combine(const term *terms, size_t count, assay_exact *coefficients, int64_t *parts)
{
    size_t kept = 0;
    for (size_t i = 0, j; i < count; i = j) {
        assay_superaccumulator sum;
        assay_superaccumulator_clear(&sum);
        for (j = i; j < count && terms[j].part == terms[i].part; j++) {
            double power = __builtin_ldexp(1, (int)terms[j].whole);
            assay_superaccumulator_add(&sum, terms[j].negative ? -power : power);
        }
        coefficients[kept] = assay_superaccumulator_exact(&sum, false);
        parts[kept] = terms[i].part;
        kept += coefficients[kept].kind == ASSAY_FINITE;
    }
    return kept;
}

static void add_powers(int n, const assay_operand *base, const assay_exact *coefficients,
                       const int64_t *parts, size_t count, assay_result *r)
{
    int64_t most = INT64_MIN, zeros = 64 - __builtin_clzll(count);
    int good = 64 * n;
    assay_wide_from(n, &r->w, 0, 0, false);
    for (size_t i = 0; i < count; i++) {
        assay_wide t, c;
        assay_operand power = *base;
        power.rational = power.negative = false;
        power.k = parts[i];
        int own = assay_operand_wide(n, &t, &power);
        assay_wide_from_exact(n, &c, &coefficients[i]);
        assay_wide_mul(n, &t, &t, &c);
        assay_wide_add(n, &r->w, &r->w, &t);
        good = own < good ? own : good;
        most = t.exp > most ? t.exp : most;
    }
    r->good = good - 4 - (int)zeros - (int)(most - r->w.exp);
    if (assay_wide_is_zero(&r->w))
        r->good = 0;
}

static bool is_power(const assay_exact *x)
{
    return (x->sig & (x->sig - 1)) == 0 && !x->sticky;
}

/* 2^a + 2^b may be the middle between two values, and is made of the bits that this is made of. */
static bool sum_of_two(const assay_operand *base, const assay_exact *coefficients,
                       const int64_t *parts, assay_result *r)
{
    if (base->natural || !is_power(&coefficients[0]) || !is_power(&coefficients[1]) ||
        coefficients[0].negative != coefficients[1].negative)
        return false;
    assay_exact x[2];
    for (int i = 0; i < 2; i++) {
        int64_t k = parts[i] + ((int64_t)coefficients[i].exp + 63) * base->steps;
        assay_result_power(r, false, k, base->steps, coefficients[i].negative);
        x[i] = r->x;
    }
    r->x = assay_exact_add(x[0], x[1]);
    return true;
}

static void sum_powers(const assay_operand *base, const assay_exact *coefficients,
                       const int64_t *parts, size_t count, assay_result *r)
{
    bool power = is_power(&coefficients[0]);
    if (count == 1 && power && !base->natural) {
        int64_t k = parts[0] + ((int64_t)coefficients[0].exp + 63) * base->steps;
        assay_result_power(r, false, k, base->steps, coefficients[0].negative);
        return;
    }
    if (count == 1 && power && coefficients[0].exp == -63) {
        assay_result_power(r, true, parts[0], base->steps, coefficients[0].negative);
        return;
    }
    if (count == 1 && parts[0] == 0) {
        r->x = coefficients[0];
        return;
    }
    if (count == 2 && sum_of_two(base, coefficients, parts, r))
        return;
    for (int n = 8; n <= 32 && r->good < 270; n *= 2)
        add_powers(n, base, coefficients, parts, count, r);
    r->failed = r->good < 270;
}

static assay_status reduce_powers(const assay_operator *op, const uint64_t *const *codes, size_t n,
                                  assay_result *r)
{
    assay_operand base = { 0 };
    assay_superaccumulator specials;
    assay_superaccumulator_clear(&specials);
    term *terms = malloc(n * sizeof *terms);
    assay_exact *coefficients = malloc(n * sizeof *coefficients);
    int64_t *parts = malloc(n * sizeof *parts);
    bool memory = terms && coefficients && parts;
    size_t count = memory ? collect(op, codes, n, terms, &specials, &base) : 0, kept = 0;
    if (count > 0) {
        qsort(terms, count, sizeof *terms, by_part);
        kept = combine(terms, count, coefficients, parts);
    }
    assay_leading lead = assay_superaccumulator_leading(&specials);
    r->x = assay_superaccumulator_exact(&specials, false);
    if (lead.kind == ASSAY_SUM_ZERO && kept > 0)
        sum_powers(&base, coefficients, parts, kept, r);
    else if (lead.kind == ASSAY_SUM_ZERO)
        r->x.negative = count == 0 && lead.like_signed ? lead.negative : assay_cancelled_sign(op);
    free(terms);
    free(coefficients);
    free(parts);
    return memory ? ASSAY_OK : assay_fail(ASSAY_ERR_MEMORY, "no memory for %zu terms", n);
}

assay_status assay_evaluate_reduction(const assay_operator *op, const uint64_t *const *codes,
                                      size_t n, assay_result *r)
{
    const assay_format *f = op->operands[0];
    if (f->kind == ASSAY_FAMILY_LOG || (f->kind == ASSAY_FAMILY_TAKUM && f->is_log))
        return reduce_powers(op, codes, n, r);
    reduce_rational(op, codes, n, r);
    return ASSAY_OK;
}
