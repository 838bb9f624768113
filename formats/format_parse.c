/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "formats/format.h"
#include "formats/spec.h"

static const assay_format *find_row(const char *name)
{
    for (size_t i = 0; i < assay_format_count(); i++) {
        const assay_format *row = assay_format_row(i);
        if (strcmp(name, row->name) == 0 || (row->alias && strcmp(name, row->alias) == 0))
            return row;
    }
    return NULL;
}

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
    static const char *const zeros[] = { "unsigned", "signed", NULL };
    const char *value = item->value ? item->value : "";
    int index = 0;
    assay_status status;
    if (strcmp(item->key, "e") == 0)
        return set_integer(item, 1, 11, &p->exponent_bits);
    if (strcmp(item->key, "m") == 0)
        return set_integer(item, 0, 52, &p->fraction_bits);
    if (strcmp(item->key, "bias") == 0)
        return set_integer(item, -1100, 1100, &p->bias);
    if (strcmp(item->key, "inf") == 0)
        return assay_spec_yes(item, &p->has_inf);
    if (strcmp(item->key, "sign") == 0)
        return assay_spec_yes(item, &p->is_signed);
    if (strcmp(item->key, "subnormals") == 0)
        return assay_spec_yes(item, &p->has_subnormals);
    if (strcmp(item->key, "zero") == 0) {
        status = assay_spec_word("zero", value, zeros, &index);
        p->has_negzero = index == 1;
        return status;
    }
    if (strcmp(item->key, "nan") == 0) {
        status = assay_spec_word("nan", value, nans, &index);
        p->nan = (assay_nan_codes)index;
        return status;
    }
    return assay_fail(ASSAY_ERR_USAGE,
                      "parameter '%s' is unknown; there are e, m, bias, inf, nan, "
                      "zero, subnormals, sign",
                      item->key);
}

/* `float` starts from its documented defaults; a row's name starts from the row. */
static assay_status start(const assay_spec *spec, assay_float_params *p)
{
    *p = (assay_float_params){ .name = spec->head,
                               .is_signed = true,
                               .has_inf = true,
                               .has_negzero = true,
                               .has_subnormals = true,
                               .nan = ASSAY_NAN_IEEE,
                               .source = "built from its SPEC" };
    const assay_format *row = find_row(spec->head);
    if (row) {
        p->exponent_bits = row->exponent_bits;
        p->fraction_bits = row->fraction_bits;
        p->bias = row->bias;
        p->is_signed = row->is_signed;
        p->has_inf = row->has_inf;
        p->has_negzero = row->has_negzero;
        p->has_subnormals = row->has_subnormals;
        p->nan = row->nan;
        return ASSAY_OK;
    }
    if (strcmp(spec->head, "float") != 0)
        return assay_fail(ASSAY_ERR_USAGE, "format '%s' is unknown; `assay formats` lists them",
                          spec->head);
    if (!assay_spec_find(spec, "e") || !assay_spec_find(spec, "m"))
        return assay_fail(ASSAY_ERR_USAGE, "float needs e=BITS and m=BITS");
    return ASSAY_OK;
}

static assay_status parse(const assay_spec *spec, const char *text, assay_format *out)
{
    assay_float_params p;
    assay_status status = start(spec, &p);
    for (size_t i = 0; i < spec->count && status == ASSAY_OK; i++)
        status = set_parameter(&p, &spec->items[i]);
    if (status != ASSAY_OK)
        return assay_fail_in(status, text);
    /* A new exponent width moves the default bias with it, unless a bias is given. */
    if (assay_spec_find(spec, "e") && !assay_spec_find(spec, "bias"))
        p.bias = (1 << (p.exponent_bits - 1)) - 1;
    if (p.nan == ASSAY_NAN_NEGZERO && !assay_spec_find(spec, "zero"))
        p.has_negzero = false;
    p.name = text; /* whose errors it names by itself */
    return assay_format_build(&p, out);
}

assay_status assay_format_parse(const char *text, assay_format *out)
{
    assay_spec spec;
    assay_status status = assay_spec_split(text, &spec);
    if (status != ASSAY_OK)
        return status;
    const assay_format *row = find_row(text);
    if (row) {
        *out = *row;
        return ASSAY_OK;
    }
    if (strlen(text) >= ASSAY_FORMAT_NAME_BYTES)
        return assay_fail(ASSAY_ERR_USAGE, "format '%.40s...' is too long", text);
    return parse(&spec, text, out);
}
