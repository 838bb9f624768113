/* SPDX-License-Identifier: Apache-2.0 */
/* Takums (Hunhold 2024): sign S, direction D, three regime bits, r characteristic bits and a
 * fraction; with fewer than 12 bits what is missing on the right is 0. Codes read as two's
 * complement are in the order of their values. With c the characteristic and m the fraction,
 * linear: (1 + m) 2^c for S = 0; logarithmic: e^((c + m) / 2). A negative code's value is minus
 * that of its two's complement, which is what the standard's formulas for S = 1 amount to. */
#include <string.h>

#include "formats/family.h"
#include "numerics/bits.h"
#include "numerics/elementary.h"

enum { MAX_BITS = 32, HEAD = 5 };

static assay_status parse(const assay_spec *spec, assay_format *f)
{
    static const char *const kinds[] = { "linear", "log", NULL };
    long n = 0;
    int kind = 0;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < spec->count && status == ASSAY_OK; i++) {
        const assay_spec_item *item = &spec->items[i];
        if (strcmp(item->key, "n") == 0)
            status = assay_spec_integer(item, 2, MAX_BITS, &n);
        else if (strcmp(item->key, "kind") == 0)
            status = assay_spec_word("kind", item->value ? item->value : "", kinds, &kind);
        else
            status = assay_spec_unknown(item, "n, kind");
    }
    if (status == ASSAY_OK && n == 0)
        status = assay_fail(ASSAY_ERR_USAGE, "takum needs n=BITS");
    if (status != ASSAY_OK)
        return status;
    f->kind = ASSAY_FAMILY_TAKUM;
    f->bits = (int)n;
    f->is_log = kind == 1;
    f->p = f->is_log ? 53 : n > HEAD ? (int)n - HEAD + 1 : 1;
    f->is_signed = true;
    f->nan = ASSAY_NAN_NEGZERO;
    f->nan_code = (uint64_t)1 << (n - 1);
    f->law = ASSAY_LAW_SATURATE;
    return ASSAY_OK;
}

/* Characteristic and fraction (64 bits after the point) of a positive code of n bits. */
static int split(uint64_t code, int n, uint64_t *fraction)
{
    uint64_t body = code << (65 - n); /* the sign bit is gone */
    bool direction = body >> 63;
    int regime = (int)(body >> 60 & 7);
    int r = direction ? regime : 7 - regime;
    uint64_t rest = body << 4;
    int field = r > 0 ? (int)(rest >> (64 - r)) : 0;
    *fraction = r > 0 ? rest << r : rest;
    return direction ? (1 << r) - 1 + field : -(2 << r) + 1 + field;
}

/* (c + m) / 2 = numerator / 2^30: the fraction has at most 28 bits. */
enum { LOG_BITS = 29 };

static int64_t logarithm(uint64_t code, int n)
{
    uint64_t fraction;
    int c = split(code, n, &fraction);
    return (int64_t)c * ((int64_t)1 << LOG_BITS) + (int64_t)(fraction >> (64 - LOG_BITS));
}

static assay_exact at(int64_t k, int n, bool is_log)
{
    if (k == 0)
        return (assay_exact){ .kind = ASSAY_ZERO };
    uint64_t code = (uint64_t)(k < 0 ? -k : k), fraction;
    assay_exact x;
    if (is_log)
        x = assay_exact_exp(logarithm(code, n), (uint32_t)1 << (LOG_BITS + 1));
    else {
        int c = split(code, n, &fraction);
        x = (assay_exact){ .kind = ASSAY_FINITE,
                           .exp = c - 63,
                           .sig = (uint64_t)1 << 63 | fraction >> 1 };
    }
    x.negative = k < 0;
    return x;
}

static int64_t half(const assay_format *f)
{
    return ((int64_t)1 << (f->bits - 1)) - 1;
}

static uint64_t count(const assay_format *f)
{
    return 2 * (uint64_t)half(f) + 1;
}

static assay_exact value(const assay_format *f, uint64_t position)
{
    return at((int64_t)position - half(f), f->bits, f->is_log);
}

static uint64_t code(const assay_format *f, uint64_t position)
{
    return (uint64_t)((int64_t)position - half(f)) & (((uint64_t)1 << f->bits) - 1);
}

static bool position(const assay_format *f, uint64_t code, uint64_t *out)
{
    int64_t k = (int64_t)(code << (64 - f->bits)) >> (64 - f->bits);
    *out = (uint64_t)(k + half(f));
    return k >= -half(f);
}

/* Rounding is on the string of bits: the tie is the code of one bit more. */
static assay_exact tie(const assay_format *f, uint64_t position)
{
    return at(2 * ((int64_t)position - half(f)) + 1, f->bits + 1, f->is_log);
}

/* Linear takums lie within 2^255. */
static double decode(const assay_format *f, uint64_t code)
{
    int64_t k = (int64_t)(code << (64 - f->bits)) >> (64 - f->bits);
    uint64_t fraction;
    if (k == 0 || f->is_log)
        return assay_exact_to_double(at(k, f->bits, f->is_log));
    int e = split((uint64_t)(k < 0 ? -k : k), f->bits, &fraction);
    uint64_t sign = k < 0 ? (uint64_t)1 << 63 : 0;
    return assay_from_bits64(sign | (uint64_t)(e + 1023) << 52 | fraction >> 12);
}

static double near(const assay_format *f, uint64_t position)
{
    int64_t k = (int64_t)position - half(f);
    if (k == 0)
        return 0;
    if (!f->is_log)
        return assay_exact_to_double(value(f, position));
    double l = (double)logarithm((uint64_t)(k < 0 ? -k : k), f->bits);
    double x = assay_exp(l / (double)((int64_t)1 << (LOG_BITS + 1)));
    return k < 0 ? -x : x;
}

const assay_format_family assay_family_takum = { .name = "takum",
                                                 .help = "n=2..32, kind=linear|log (linear)",
                                                 .parse = parse,
                                                 .count = count,
                                                 .value = value,
                                                 .code = code,
                                                 .position = position,
                                                 .decode = decode,
                                                 .tie = tie,
                                                 .near = near };
