/* SPDX-License-Identifier: Apache-2.0 */
/* Builders of binary floating-point formats: every parameter free, and the P3109 family. */
#include <stdio.h>
#include <string.h>

#include "formats/family.h"

static assay_status set_integer(const assay_spec_item *item, long lo, long hi, int *out)
{
    long value = 0;
    assay_status status = assay_spec_integer(item, lo, hi, &value);
    if (status == ASSAY_OK)
        *out = (int)value;
    return status;
}

static assay_status set_parameter(assay_float_params *p, const assay_spec_item *item)
{
    static const char *const nans[] = { "ieee", "ones", "negzero", "none", NULL };
    static const char *const zeros[] = { "unsigned", "signed", "none", NULL };
    const char *value = item->value ? item->value : "";
    int index = 0;
    assay_status status;
    if (strcmp(item->key, "e") == 0)
        return set_integer(item, 0, 30, &p->exponent_bits);
    if (strcmp(item->key, "m") == 0)
        return set_integer(item, 0, 52, &p->fraction_bits);
    if (strcmp(item->key, "bias") == 0)
        return set_integer(item, -(1 << 29), 1 << 29, &p->bias);
    if (strcmp(item->key, "inf") == 0)
        return assay_spec_yes(item, &p->has_inf);
    if (strcmp(item->key, "sign") == 0)
        return assay_spec_yes(item, &p->is_signed);
    if (strcmp(item->key, "subnormals") == 0)
        return assay_spec_yes(item, &p->has_subnormals);
    if (strcmp(item->key, "zero") == 0) {
        status = assay_spec_word("zero", value, zeros, &index);
        p->has_negzero = index == 1;
        p->no_zero = index == 2;
        return status;
    }
    if (strcmp(item->key, "nan") == 0) {
        status = assay_spec_word("nan", value, nans, &index);
        p->nan = (assay_nan_codes)index;
        return status;
    }
    return assay_spec_unknown(item, "e, m, bias, inf, nan, zero, subnormals, sign");
}

/* `float` starts from its documented defaults; a row's name starts from the row. */
static void start(const assay_format *row, assay_float_params *p)
{
    *p = (assay_float_params){ .is_signed = true,
                               .has_inf = true,
                               .has_negzero = true,
                               .has_subnormals = true,
                               .nan = ASSAY_NAN_IEEE,
                               .source = "built from its SPEC" };
    if (!row)
        return;
    p->exponent_bits = row->exponent_bits;
    p->fraction_bits = row->fraction_bits;
    p->bias = row->bias;
    p->is_signed = row->is_signed;
    p->has_inf = row->has_inf;
    p->has_negzero = row->has_negzero;
    p->no_zero = !row->has_zero;
    p->has_subnormals = row->has_subnormals;
    p->nan = row->nan;
    p->law = row->law;
}

/* Without an exponent field nothing tells infinities and NaN apart from numbers: a format with
 * e = 0 has none unless asked for, and its values are the integers unless a bias moves them. */
static void set_defaults(const assay_spec *spec, const assay_format *row, assay_float_params *p)
{
    bool given = assay_spec_find(spec, "e") != NULL;
    if (given && !assay_spec_find(spec, "bias"))
        p->bias = p->exponent_bits > 0 ? (1 << (p->exponent_bits - 1)) - 1 : 1 - p->fraction_bits;
    if (given && p->exponent_bits == 0 && !row) {
        p->has_inf &= assay_spec_find(spec, "inf") != NULL;
        p->nan = assay_spec_find(spec, "nan") ? p->nan : ASSAY_NAN_NONE;
    }
    if (p->nan == ASSAY_NAN_NEGZERO && !assay_spec_find(spec, "zero"))
        p->has_negzero = false;
}

assay_status assay_float_parse(const assay_spec *spec, const assay_format *row, const char *text,
                               assay_format *out)
{
    assay_float_params p;
    assay_status status = ASSAY_OK;
    if (!row && (!assay_spec_find(spec, "e") || !assay_spec_find(spec, "m")))
        return assay_fail(ASSAY_ERR_USAGE, "float needs e=BITS and m=BITS");
    start(row, &p);
    for (size_t i = 0; i < spec->count && status == ASSAY_OK; i++)
        status = set_parameter(&p, &spec->items[i]);
    if (status != ASSAY_OK)
        return status;
    set_defaults(spec, row, &p);
    p.name = text;
    return assay_format_build(&p, out);
}

static assay_status parse_float(const assay_spec *spec, assay_format *f)
{
    char name[ASSAY_FORMAT_NAME_BYTES];
    snprintf(name, sizeof name, "%s", f->name);
    return assay_float_parse(spec, NULL, name, f);
}

/* P3109 interim report 4.0: Binary{K}p{P}{s|u}{e|f}. One zero, one NaN, the code of 1 in the
 * middle of the positive codes. */
static assay_status parse_p3109(const assay_spec *spec, assay_format *f)
{
    char name[ASSAY_FORMAT_NAME_BYTES];
    long k = 0, precision = 0;
    bool is_signed = true, extended = true;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < spec->count && status == ASSAY_OK; i++) {
        const assay_spec_item *item = &spec->items[i];
        if (strcmp(item->key, "k") == 0)
            status = assay_spec_integer(item, 3, 16, &k);
        else if (strcmp(item->key, "p") == 0)
            status = assay_spec_integer(item, 1, 16, &precision);
        else if (strcmp(item->key, "sign") == 0)
            status = assay_spec_yes(item, &is_signed);
        else if (strcmp(item->key, "extended") == 0)
            status = assay_spec_yes(item, &extended);
        else
            status = assay_spec_unknown(item, "k, p, sign, extended");
    }
    if (status == ASSAY_OK && (k == 0 || precision == 0))
        status = assay_fail(ASSAY_ERR_USAGE, "p3109 needs k=BITS and p=PRECISION");
    if (status == ASSAY_OK && precision > k - is_signed)
        status = assay_fail(ASSAY_ERR_USAGE, "p3109:k=%ld,p=%ld: a precision of at most %ld", k,
                            precision, k - is_signed);
    if (status != ASSAY_OK)
        return status;
    snprintf(name, sizeof name, "%s", f->name);
    int e = (int)(k - precision) + !is_signed;
    return assay_format_build(
        &(assay_float_params){ .name = name,
                               .exponent_bits = e,
                               .fraction_bits = (int)precision - 1,
                               .bias = 1 << (e - 1),
                               .is_signed = is_signed,
                               .has_inf = extended,
                               .has_subnormals = true,
                               .nan = is_signed ? ASSAY_NAN_NEGZERO : ASSAY_NAN_ONES,
                               .source = "IEEE P3109 interim report 4.0",
                               .law = ASSAY_LAW_P3109 },
        f);
}

/* Positions: negative magnitudes from the largest down, zero once, then the positive ones. */
static uint64_t negatives(const assay_format *f)
{
    return f->is_signed ? f->max_code : 0;
}

static uint64_t count(const assay_format *f)
{
    return negatives(f) + f->max_code + 1;
}

static uint64_t code(const assay_format *f, uint64_t position)
{
    uint64_t n = negatives(f);
    return position < n ? f->sign_bit | (n - position) : position - n;
}

static assay_exact value(const assay_format *f, uint64_t position)
{
    return assay_decode_exact(f, code(f, position));
}

static bool position(const assay_format *f, uint64_t code, uint64_t *out)
{
    bool minus = code & f->sign_bit;
    uint64_t magnitude = code & (((uint64_t)1 << (f->exponent_bits + f->fraction_bits)) - 1);
    *out = minus ? negatives(f) - magnitude : negatives(f) + magnitude;
    return !assay_code_is_nan(f, code) && !assay_code_is_inf(f, code);
}

const assay_format_family assay_family_float = {
    .name = "float",
    .help = "e=0..30, m=BITS, bias=B, inf=yes|no, nan=ieee|ones|negzero|none, "
            "zero=signed|unsigned|none, subnormals=yes|no, sign=yes|no",
    .parse = parse_float,
    .count = count,
    .value = value,
    .code = code,
    .position = position
};

const assay_format_family assay_family_p3109 = {
    .name = "p3109",
    .help = "k=3..16, p=PRECISION, sign=yes|no, extended=yes|no",
    .parse = parse_p3109,
    .count = count,
    .value = value,
    .code = code,
    .position = position
};
