/* SPDX-License-Identifier: Apache-2.0 */
/* Posits: the Posit Standard (2022) fixes es = 2; other es are the older posits. A code is a
 * two's-complement integer, so codes read as signed integers are in the order of their values;
 * after the sign come a run of equal bits, es exponent bits and a fraction, as far as there is
 * room, and bits that have none are 0. */
#include "formats/family.h"
#include "numerics/bits.h"

enum { MAX_BITS = 32, MAX_ES = 24 };

static assay_status parse(const assay_spec *spec, assay_format *f)
{
    long n = 0, es = 2;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < spec->count && status == ASSAY_OK; i++) {
        const assay_spec_item *item = &spec->items[i];
        if (item->key[0] == 'n' && !item->key[1])
            status = assay_spec_integer(item, 2, MAX_BITS, &n);
        else if (item->key[0] == 'e' && item->key[1] == 's' && !item->key[2])
            status = assay_spec_integer(item, 0, MAX_ES, &es);
        else
            status = assay_spec_unknown(item, "n, es");
    }
    if (status == ASSAY_OK && n == 0)
        status = assay_fail(ASSAY_ERR_USAGE, "posit needs n=BITS");
    if (status != ASSAY_OK)
        return status;
    f->kind = ASSAY_FAMILY_POSIT;
    f->bits = (int)n;
    f->scale = (int)es;
    f->p = n - 3 - es > 0 ? (int)(n - 2 - es) : 1;
    f->is_signed = true;
    f->nan = ASSAY_NAN_NEGZERO;
    f->nan_code = (uint64_t)1 << (n - 1);
    f->law = ASSAY_LAW_SATURATE;
    return ASSAY_OK;
}

/* The exponent of a positive code of n bits and its fraction from bit 63 down; n up to 33: the tie
 * above code c of n - 1 bits is code 2 c + 1 of one bit more. */
static int split(uint64_t code, int n, int es, uint64_t *fraction)
{
    uint64_t body = code << (65 - n); /* the sign bit is gone */
    bool ones = body >> 63;
    int run = __builtin_clzll(ones ? ~body : body);
    int room = n - 1 - run - 1; /* bits behind the run and the bit that ends it */
    uint64_t rest = room > 0 ? body << run << 1 : 0;
    int64_t regime = ones ? run - 1 : -run;
    int64_t exponent = regime * ((int64_t)1 << es);
    if (es > 0)
        exponent += (int64_t)(rest >> (64 - es));
    *fraction = es > 0 ? rest << es : rest;
    return (int)exponent;
}

static assay_exact at(int64_t k, int n, int es)
{
    if (k == 0)
        return (assay_exact){ .kind = ASSAY_ZERO };
    uint64_t fraction;
    int exponent = split((uint64_t)(k < 0 ? -k : k), n, es, &fraction);
    return (assay_exact){ .kind = ASSAY_FINITE,
                          .negative = k < 0,
                          .exp = exponent - 63,
                          .sig = (uint64_t)1 << 63 | fraction >> 1 };
}

/* Positions are the codes -(2^(n-1) - 1) .. 2^(n-1) - 1; NaR lies below them. */
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
    return at((int64_t)position - half(f), f->bits, f->scale);
}

static uint64_t code(const assay_format *f, uint64_t position)
{
    return (uint64_t)((int64_t)position - half(f)) & (((uint64_t)1 << f->bits) - 1);
}

static double decode(const assay_format *f, uint64_t code)
{
    int64_t k = (int64_t)(code << (64 - f->bits)) >> (64 - f->bits);
    uint64_t fraction;
    if (k == 0)
        return 0;
    int e = split((uint64_t)(k < 0 ? -k : k), f->bits, f->scale, &fraction);
    if (e < -1022 || e > 1023)
        return assay_exact_to_double(at(k, f->bits, f->scale));
    uint64_t sign = k < 0 ? (uint64_t)1 << 63 : 0;
    return assay_from_bits64(sign | (uint64_t)(e + 1023) << 52 | fraction >> 12);
}

static bool position(const assay_format *f, uint64_t code, uint64_t *out)
{
    int64_t k = (int64_t)(code << (64 - f->bits)) >> (64 - f->bits);
    *out = (uint64_t)(k + half(f));
    return k >= -half(f);
}

static assay_exact tie(const assay_format *f, uint64_t position)
{
    return at(2 * ((int64_t)position - half(f)) + 1, f->bits + 1, f->scale);
}

const assay_format_family assay_family_posit = { .name = "posit",
                                                 .help = "n=2..32, es=0..24 (2)",
                                                 .parse = parse,
                                                 .count = count,
                                                 .value = value,
                                                 .code = code,
                                                 .position = position,
                                                 .decode = decode,
                                                 .tie = tie };
