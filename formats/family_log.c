/* SPDX-License-Identifier: Apache-2.0 */
/* Formats of a sign and a logarithm: the value of exponent k is 2^(k / scale).
 * lns: sign, then k as a two's-complement integer of n - 1 bits with r fraction bits; the least k
 * stands for zero (sign 0) and NaN (sign 1), as in Universal's lns<n,r>.
 * pow2, sqrt2: sign and magnitude m; m = 0 is zero, else k = m + offset. */
#include <string.h>

#include "formats/family.h"
#include "numerics/elementary.h"

enum { MAX_BITS = 32, MAX_STEPS = 20 };

static assay_status finish(assay_format *f, long n, int scale)
{
    f->kind = ASSAY_FAMILY_LOG;
    f->bits = (int)n;
    f->scale = scale;
    f->p = scale == 1 ? 1 : 53;
    f->is_signed = true;
    f->sign_bit = (uint64_t)1 << (n - 1);
    return ASSAY_OK;
}

static assay_status parse_lns(const assay_spec *spec, assay_format *f)
{
    long n = 0, r = -1;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < spec->count && status == ASSAY_OK; i++) {
        const assay_spec_item *item = &spec->items[i];
        if (strcmp(item->key, "n") == 0)
            status = assay_spec_integer(item, 3, MAX_BITS, &n);
        else if (strcmp(item->key, "r") == 0)
            status = assay_spec_integer(item, 0, MAX_STEPS, &r);
        else
            status = assay_spec_unknown(item, "n, r");
    }
    if (status == ASSAY_OK && (n == 0 || r < 0))
        status = assay_fail(ASSAY_ERR_USAGE, "lns needs n=BITS and r=BITS");
    if (status == ASSAY_OK && n - 1 - r > 24)
        status = assay_fail(ASSAY_ERR_USAGE, "lns:n=%ld,r=%ld: more than 24 whole bits", n, r);
    if (status != ASSAY_OK)
        return status;
    f->encoding = ASSAY_CODE_TWOS_COMPLEMENT;
    f->highest = ((int64_t)1 << (n - 2)) - 1; /* of k; the lowest code of k is zero's */
    f->lowest = -f->highest;
    f->nan = ASSAY_NAN_NEGZERO;
    f->nan_code = (uint64_t)3 << (n - 2);
    return finish(f, n, 1 << r);
}

/* Both have 2^(n-1) - 1 positive values. */
static assay_status parse_power(const assay_spec *spec, assay_format *f, int scale, long widest)
{
    long n = 0;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < spec->count && status == ASSAY_OK; i++) {
        const assay_spec_item *item = &spec->items[i];
        if (strcmp(item->key, "n") == 0)
            status = assay_spec_integer(item, 2, widest, &n);
        else
            status = assay_spec_unknown(item, "n");
    }
    if (status == ASSAY_OK && n == 0)
        status = assay_fail(ASSAY_ERR_USAGE, "%s needs n=BITS", spec->head);
    if (status != ASSAY_OK)
        return status;
    int64_t levels = ((int64_t)1 << (n - 1)) - 1;
    f->encoding = ASSAY_CODE_SIGN_MAGNITUDE;
    f->lowest = scale == 1 ? 1 - levels : -(levels / 2);
    f->highest = f->lowest + levels - 1;
    f->offset = (int)f->lowest - 1;
    f->has_negzero = true;
    f->nan = ASSAY_NAN_NONE;
    f->nan_rule = ASSAY_NAN_RULE_ZERO;
    return finish(f, n, scale);
}

static assay_status parse_pow2(const assay_spec *spec, assay_format *f)
{
    return parse_power(spec, f, 1, 25);
}

static assay_status parse_sqrt2(const assay_spec *spec, assay_format *f)
{
    return parse_power(spec, f, 2, 25);
}

static uint64_t levels(const assay_format *f)
{
    return (uint64_t)(f->highest - f->lowest) + 1;
}

static uint64_t count(const assay_format *f)
{
    return 2 * levels(f) + 1;
}

/* The exponent at a position: descending for the negative values, then zero, then ascending. */
static int64_t exponent(const assay_format *f, uint64_t position, int *sign)
{
    uint64_t n = levels(f);
    *sign = position < n ? -1 : position > n;
    return position < n ? f->highest - (int64_t)position : f->lowest + (int64_t)(position - n - 1);
}

static assay_exact value(const assay_format *f, uint64_t position)
{
    int sign;
    int64_t k = exponent(f, position, &sign);
    if (sign == 0)
        return (assay_exact){ .kind = ASSAY_ZERO };
    assay_exact x = assay_exact_exp2(k, (uint32_t)f->scale);
    x.negative = sign < 0;
    return x;
}

static assay_exact beyond(const assay_format *f)
{
    return assay_exact_exp2(f->highest + 1, (uint32_t)f->scale);
}

static uint64_t code(const assay_format *f, uint64_t position)
{
    int sign;
    int64_t k = exponent(f, position, &sign);
    uint64_t minus = sign < 0 ? f->sign_bit : 0;
    if (f->encoding == ASSAY_CODE_SIGN_MAGNITUDE)
        return sign == 0 ? 0 : minus | (uint64_t)(k - f->offset);
    return sign == 0 ? f->sign_bit >> 1 : minus | ((uint64_t)k & (f->sign_bit - 1));
}

static bool position(const assay_format *f, uint64_t code, uint64_t *out)
{
    bool minus = code & f->sign_bit;
    uint64_t field = code & (f->sign_bit - 1);
    bool zero = f->encoding == ASSAY_CODE_SIGN_MAGNITUDE ? field == 0 : field == f->sign_bit >> 1;
    int64_t k = (int64_t)field + f->offset;
    if (f->encoding == ASSAY_CODE_TWOS_COMPLEMENT)
        k = (int64_t)(field << (65 - f->bits)) >> (65 - f->bits);
    *out = zero    ? levels(f)
           : minus ? (uint64_t)(f->highest - k)
                   : levels(f) + 1 + (uint64_t)(k - f->lowest);
    return !zero || !minus || f->encoding == ASSAY_CODE_SIGN_MAGNITUDE;
}

static double near(const assay_format *f, uint64_t position)
{
    int sign;
    int64_t k = exponent(f, position, &sign);
    /* Far exponents are left to the exact comparison: 0 and infinity say nothing. */
    double l = (double)k / f->scale;
    if (sign == 0)
        return 0;
    if (l > 1000 || l < -1000)
        return assay_exact_to_double(value(f, position));
    return sign * assay_exp(l * 0.6931471805599453);
}

#define TABLE .count = count, .value = value, .code = code, .position = position, .near = near

const assay_format_family assay_family_lns = { .name = "lns",
                                               .help =
                                                   "n=3..32, r=0..20 fraction bits of the exponent",
                                               .parse = parse_lns,
                                               .beyond = beyond,
                                               TABLE };
const assay_format_family assay_family_pow2 = {
    .name = "pow2", .help = "n=2..25: 0 and +-2^k up to 1", .parse = parse_pow2, TABLE
};
const assay_format_family assay_family_sqrt2 = {
    .name = "sqrt2", .help = "n=2..25: 0 and +-sqrt(2)^k", .parse = parse_sqrt2, TABLE
};
