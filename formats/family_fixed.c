/* SPDX-License-Identifier: Apache-2.0 */
/* Integers and fixed point: integer 2^-scale, in two's complement, as sign and magnitude, or
 * without a sign; bipolar codes are the odd integers 2 c - (2^n - 1). */
#include <string.h>

#include "formats/family.h"

enum { MAX_BITS = 32, MAX_SCALE = 1000 };

static uint64_t mask(const assay_format *f)
{
    return ((uint64_t)1 << f->bits) - 1;
}

static void set_range(assay_format *f, bool symmetric)
{
    int64_t top = (int64_t)1 << (f->bits - 1);
    f->kind = ASSAY_FAMILY_FIXED;
    f->is_signed = f->encoding != ASSAY_CODE_UNSIGNED || f->step == 2;
    f->highest = f->encoding == ASSAY_CODE_UNSIGNED ? (int64_t)mask(f) : top - 1;
    f->lowest = f->encoding == ASSAY_CODE_UNSIGNED                      ? 0
                : symmetric || f->encoding == ASSAY_CODE_SIGN_MAGNITUDE ? -(top - 1)
                                                                        : -top;
    f->has_negzero = f->encoding == ASSAY_CODE_SIGN_MAGNITUDE;
    f->sign_bit = f->has_negzero ? (uint64_t)top : 0;
    f->nan = ASSAY_NAN_NONE;
    f->nan_rule = ASSAY_NAN_RULE_ZERO;
    f->p = f->bits;
}

static assay_status parse_int(const assay_spec *spec, assay_format *f)
{
    static const char *const encodings[] = { "twos", "magnitude", "bipolar", NULL };
    long n = 0, scale = 0;
    bool is_signed = true, symmetric = false;
    int encoding = 0;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < spec->count && status == ASSAY_OK; i++) {
        const assay_spec_item *item = &spec->items[i];
        if (strcmp(item->key, "n") == 0)
            status = assay_spec_integer(item, 1, MAX_BITS, &n);
        else if (strcmp(item->key, "sign") == 0)
            status = assay_spec_yes(item, &is_signed);
        else if (strcmp(item->key, "symmetric") == 0)
            status = assay_spec_yes(item, &symmetric);
        else if (strcmp(item->key, "scale") == 0)
            status = assay_spec_integer(item, -MAX_SCALE, MAX_SCALE, &scale);
        else if (strcmp(item->key, "code") == 0)
            status = assay_spec_word("code", item->value ? item->value : "", encodings, &encoding);
        else
            status = assay_spec_unknown(item, "n, sign, symmetric, code, scale");
    }
    if (status == ASSAY_OK && n == 0)
        status = assay_fail(ASSAY_ERR_USAGE, "int needs n=BITS");
    if (status == ASSAY_OK && n == 1 && is_signed && encoding < 2)
        status = assay_fail(ASSAY_ERR_USAGE, "int:n=1 has no positive value beside its sign");
    if (status != ASSAY_OK)
        return status;
    f->bits = (int)n;
    f->scale = (int)scale;
    f->step = encoding == 2 ? 2 : 1;
    f->encoding = encoding == 2 || !is_signed ? ASSAY_CODE_UNSIGNED
                  : encoding == 1             ? ASSAY_CODE_SIGN_MAGNITUDE
                                              : ASSAY_CODE_TWOS_COMPLEMENT;
    set_range(f, symmetric);
    return ASSAY_OK;
}

static assay_status parse_fixed(const assay_spec *spec, assay_format *f)
{
    long i = -1, fraction = -1;
    bool is_signed = true, symmetric = false;
    assay_status status = ASSAY_OK;
    for (size_t k = 0; k < spec->count && status == ASSAY_OK; k++) {
        const assay_spec_item *item = &spec->items[k];
        if (strcmp(item->key, "i") == 0)
            status = assay_spec_integer(item, 0, MAX_BITS, &i);
        else if (strcmp(item->key, "f") == 0)
            status = assay_spec_integer(item, 0, MAX_BITS, &fraction);
        else if (strcmp(item->key, "sign") == 0)
            status = assay_spec_yes(item, &is_signed);
        else if (strcmp(item->key, "symmetric") == 0)
            status = assay_spec_yes(item, &symmetric);
        else
            status = assay_spec_unknown(item, "i, f, sign, symmetric");
    }
    if (status == ASSAY_OK && (i < 0 || fraction < 0))
        status = assay_fail(ASSAY_ERR_USAGE, "fixed needs i=BITS and f=BITS");
    if (status == ASSAY_OK && (i + fraction == 0 || i + fraction + is_signed > MAX_BITS))
        status = assay_fail(ASSAY_ERR_USAGE, "fixed:i=%ld,f=%ld: need 1 to %d bits in all", i,
                            fraction, MAX_BITS);
    if (status != ASSAY_OK)
        return status;
    f->bits = (int)(i + fraction) + is_signed;
    f->scale = (int)fraction;
    f->step = 1;
    f->encoding = is_signed ? ASSAY_CODE_TWOS_COMPLEMENT : ASSAY_CODE_UNSIGNED;
    set_range(f, symmetric);
    return ASSAY_OK;
}

static uint64_t count(const assay_format *f)
{
    return (uint64_t)(f->highest - f->lowest) + 1;
}

static assay_exact value(const assay_format *f, uint64_t position)
{
    int64_t k = f->lowest + (int64_t)position;
    if (f->step == 2)
        k = 2 * k - f->highest;
    return assay_exact_from_ratio(k < 0, (uint64_t)(k < 0 ? -k : k), 1, -f->scale);
}

static uint64_t code(const assay_format *f, uint64_t position)
{
    int64_t k = f->lowest + (int64_t)position;
    if (f->encoding == ASSAY_CODE_SIGN_MAGNITUDE && k < 0)
        return (uint64_t)-k | f->sign_bit;
    return (uint64_t)k & mask(f);
}

static bool position(const assay_format *f, uint64_t code, uint64_t *out)
{
    int64_t k = (int64_t)(code & mask(f));
    if (f->encoding == ASSAY_CODE_TWOS_COMPLEMENT)
        k = (int64_t)(code << (64 - f->bits)) >> (64 - f->bits);
    else if (f->encoding == ASSAY_CODE_SIGN_MAGNITUDE && (code & f->sign_bit))
        k = -(int64_t)(code & (f->sign_bit - 1));
    *out = (uint64_t)(k - f->lowest);
    return k >= f->lowest;
}

const assay_format_family assay_family_int = {
    .name = "int",
    .help =
        "n=1..32, sign=yes|no (yes), symmetric=yes|no (no), code=twos|magnitude|bipolar (twos), "
        "scale=S (0): integers times 2^-S",
    .parse = parse_int,
    .count = count,
    .value = value,
    .code = code,
    .position = position
};

const assay_format_family assay_family_fixed = {
    .name = "fixed",
    .help = "i=BITS, f=BITS, sign=yes|no (yes: a bit besides), "
            "symmetric=yes|no (no)",
    .parse = parse_fixed,
    .count = count,
    .value = value,
    .code = code,
    .position = position
};
