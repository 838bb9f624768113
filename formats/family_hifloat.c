/* SPDX-License-Identifier: Apache-2.0 */
/* HiFloat8 (Luo et al. 2024; Huawei AMCT's decoder): after the sign a prefix code says how many
 * exponent bits follow; the rest is fraction. Prefix 0000 has 7 powers of two below the normals.
 * The magnitudes are in the order of their exponents, not of their codes: a table of 111 is made
 * by sorting once, before main. */
#include <stdlib.h>

#include "formats/family.h"
#include "numerics/bits.h"

enum { INFINITY_CODE = 0x6f, NAN_CODE = 0x80 };

static uint8_t magnitudes[128]; /* codes in ascending order of their values, zero first */
static uint8_t places[128];
static int values;

/* The value of magnitude code 1 .. 127, infinity's as the finite one it would be. */
static double decode(unsigned code)
{
    int exponent_bits, fraction_bits;
    if (code < 8)
        return assay_pow2((int)code - 23);
    if (code >= 0x60)
        exponent_bits = 4, fraction_bits = 1;
    else if (code >= 0x40)
        exponent_bits = 3, fraction_bits = 2;
    else if (code >= 0x20)
        exponent_bits = 2, fraction_bits = 3;
    else
        exponent_bits = code >= 0x10, fraction_bits = 3;
    int exponent = 0;
    if (exponent_bits > 0) { /* a sign, and a magnitude whose leading 1 is not written */
        unsigned field = code >> fraction_bits & ((1u << exponent_bits) - 1);
        unsigned top = 1u << (exponent_bits - 1);
        exponent = (int)(top | (field & (top - 1)));
        exponent = field & top ? -exponent : exponent;
    }
    unsigned fraction = code & ((1u << fraction_bits) - 1);
    return (1 + (double)fraction * assay_pow2(-fraction_bits)) * assay_pow2(exponent);
}

static int by_value(const void *a, const void *b)
{
    double x = decode(*(const uint8_t *)a), y = decode(*(const uint8_t *)b);
    return (x > y) - (x < y);
}

__attribute__((constructor(101))) static void sort_codes(void)
{
    values = 1;
    for (unsigned c = 1; c < 128; c++)
        if (c != INFINITY_CODE)
            magnitudes[values++] = (uint8_t)c;
    qsort(magnitudes + 1, (size_t)values - 1, 1, by_value);
    for (int i = 0; i < values; i++)
        places[magnitudes[i]] = (uint8_t)i;
}

static assay_status parse(const assay_spec *spec, assay_format *f)
{
    if (spec->count > 0)
        return assay_spec_unknown(&spec->items[0], "none");
    f->kind = ASSAY_FAMILY_HIFLOAT;
    f->bits = 8;
    f->p = 4;
    f->is_signed = f->has_inf = true;
    f->sign_bit = 0x80;
    f->inf_code = INFINITY_CODE;
    f->nan = ASSAY_NAN_NEGZERO;
    f->nan_code = NAN_CODE;
    return ASSAY_OK;
}

static uint64_t count(const assay_format *f)
{
    (void)f;
    return 2 * (uint64_t)values - 1;
}

static uint64_t code(const assay_format *f, uint64_t position)
{
    (void)f;
    int k = (int)position - (values - 1);
    return k < 0 ? 0x80u | magnitudes[-k] : magnitudes[k];
}

static assay_exact value(const assay_format *f, uint64_t position)
{
    uint64_t c = code(f, position);
    double x = (c & 0x7f) == 0 ? 0 : decode(c & 0x7f);
    return assay_exact_from(c & 0x80 ? -x : x);
}

/* With the one fraction bit of the top binades: 1.5 2^15, which infinity's code would be. */
static assay_exact beyond(const assay_format *f)
{
    (void)f;
    return assay_exact_from(decode(INFINITY_CODE));
}

static bool position(const assay_format *f, uint64_t code, uint64_t *out)
{
    (void)f;
    unsigned magnitude = code & 0x7f;
    int k = code & 0x80 ? -(int)places[magnitude] : (int)places[magnitude];
    *out = (uint64_t)(k + values - 1);
    return magnitude != INFINITY_CODE && (code & 0xff) != NAN_CODE;
}

const assay_format_family assay_family_hifloat = { .name = "hif8",
                                                   .help = "no parameters",
                                                   .parse = parse,
                                                   .count = count,
                                                   .value = value,
                                                   .code = code,
                                                   .position = position,
                                                   .beyond = beyond };
