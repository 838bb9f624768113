/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/family.h"

/* Families of names in the catalogue and the documents: # is a number, $1 and $2 stand for them
 * in order. Upper and lower case are the same. */
static const struct {
    const char *name, *spec;
} patterns[] = {
    { "binary#p#se", "p3109:k=$1,p=$2" },
    { "binary#p#sf", "p3109:k=$1,p=$2,extended=no" },
    { "binary#p#ue", "p3109:k=$1,p=$2,sign=no" },
    { "binary#p#uf", "p3109:k=$1,p=$2,sign=no,extended=no" },
    { "posit_#_#", "posit:n=$1,es=$2" },
    { "takum_linear_#", "takum:n=$1" },
    { "takum_log_#", "takum:n=$1,kind=log" },
    { "lns_#_#", "lns:n=$1,r=$2" },
    { "pot_#", "pow2:n=$1" },
    { "post_sqrt2_#", "sqrt2:n=$1" },
    { "int#", "int:n=$1" },
    { "int#_twos_complement", "int:n=$1" },
    { "int#_sign_magnitude", "int:n=$1,code=magnitude" },
    { "uint#", "int:n=$1,sign=no" },
    { "bipolar_int#", "int:n=$1,code=bipolar" },
    { "cfloat8_143_bias#", "cfloat8_143:bias=$1" },
    { "cfloat8_152_bias#", "cfloat8_152:bias=$1" },
};

enum { PATTERNS = sizeof patterns / sizeof patterns[0], NUMBERS = 2, DIGITS = 3 };

static bool match(const char *pattern, const char *name, char numbers[NUMBERS][DIGITS + 1])
{
    int found = 0;
    for (; *pattern; pattern++) {
        if (*pattern != '#') {
            if (tolower((unsigned char)*name++) != *pattern)
                return false;
            continue;
        }
        size_t n = strspn(name, "0123456789");
        if (n == 0 || n > DIGITS)
            return false;
        memcpy(numbers[found], name, n);
        numbers[found++][n] = 0;
        name += n;
    }
    return !*name;
}

/* The SPEC that a patterned name stands for, or NULL. */
static const char *expand(const char *name, char text[ASSAY_SPEC_BYTES])
{
    char numbers[NUMBERS][DIGITS + 1];
    for (size_t i = 0; i < PATTERNS; i++) {
        if (!match(patterns[i].name, name, numbers))
            continue;
        char *to = text;
        for (const char *p = patterns[i].spec; *p; p++)
            if (*p == '$')
                to = stpcpy(to, numbers[*++p - '1']);
            else
                *to++ = *p;
        *to = 0;
        return text;
    }
    return NULL;
}

static const assay_format *find_row(const char *name)
{
    for (size_t i = 0; i < assay_format_count(); i++) {
        const assay_format *row = assay_format_row(i);
        if (strcmp(name, row->name) == 0 || (row->alias && strcmp(name, row->alias) == 0))
            return row;
    }
    return NULL;
}

static const assay_format_family *find_family(const char *name)
{
    for (const assay_format_family *const *f = assay_families; *f; f++)
        if (strcmp((*f)->name, name) == 0)
            return *f;
    return NULL;
}

/* base's parameters, and then spec's, which replace those of the same key. */
static assay_status merge(const char *base, const assay_spec *spec, char text[ASSAY_SPEC_BYTES])
{
    assay_spec whole;
    assay_status status = assay_spec_split(base, &whole);
    if (status != ASSAY_OK)
        return status;
    int n = snprintf(text, ASSAY_SPEC_BYTES, "%s", whole.head);
    char separator = ':';
    for (size_t k = 0; k < whole.count + spec->count && n < ASSAY_SPEC_BYTES; k++) {
        const assay_spec_item *item =
            k < whole.count ? &whole.items[k] : &spec->items[k - whole.count];
        if (k < whole.count && assay_spec_find(spec, item->key))
            continue;
        n += snprintf(text + n, (size_t)(ASSAY_SPEC_BYTES - n), "%c%s%s%s", separator, item->key,
                      item->value ? "=" : "", item->value ? item->value : "");
        separator = ',';
    }
    return n < ASSAY_SPEC_BYTES ? ASSAY_OK : assay_fail(ASSAY_ERR_USAGE, "SPEC is too long");
}

static assay_status build(const assay_format_family *family, const assay_spec *spec,
                          const char *text, assay_format *out)
{
    assay_format f = { .family = family, .source = "built from its SPEC" };
    snprintf(f.name, sizeof f.name, "%s", text);
    assay_status status = family->parse(spec, &f);
    /* Floats know their extremes from their parameters, and are built with them. */
    if (status == ASSAY_OK && f.kind != ASSAY_FAMILY_FLOAT)
        status = assay_format_finish(&f);
    if (status == ASSAY_OK) {
        snprintf(f.name, sizeof f.name, "%s", text);
        *out = f;
    }
    return status;
}

static assay_status parse(const char *text, const char *name, int depth, assay_format *out);

static assay_status parse_row(const assay_format *row, const assay_spec *spec, const char *name,
                              int depth, assay_format *out)
{
    char text[ASSAY_SPEC_BYTES];
    const char *base = assay_format_row_spec(row);
    if (row->kind == ASSAY_FAMILY_FLOAT && !base)
        return assay_float_parse(spec, row, name, out);
    if (!base)
        return assay_fail(ASSAY_ERR_USAGE, "%s has no parameters", row->name);
    assay_status status = merge(base, spec, text);
    return status == ASSAY_OK ? parse(text, name, depth + 1, out) : status;
}

/* text is what is read, name what the format is called. A pattern may name a row with parameters,
 * and a row a builder: no more than three texts in all. */
static assay_status parse(const char *text, const char *name, int depth, assay_format *out)
{
    assay_spec spec;
    char expanded[ASSAY_SPEC_BYTES];
    assay_status status = assay_spec_split(text, &spec);
    if (status != ASSAY_OK)
        return status;
    const assay_format *row = find_row(spec.head);
    const assay_format_family *family = find_family(spec.head);
    if (row && spec.count == 0) {
        *out = *row;
        return ASSAY_OK;
    }
    if (family)
        status = build(family, &spec, name, out);
    else if (row)
        status = parse_row(row, &spec, name, depth, out);
    else if (depth == 0 && expand(spec.head, expanded)) {
        char merged[ASSAY_SPEC_BYTES];
        status = merge(expanded, &spec, merged);
        return status == ASSAY_OK ? parse(merged, name, 1, out) : status;
    } else
        status = assay_fail(ASSAY_ERR_USAGE, "format '%s' is unknown; `assay formats` lists them",
                            spec.head);
    return status;
}

assay_status assay_format_parse(const char *text, assay_format *out)
{
    if (strlen(text) >= ASSAY_FORMAT_NAME_BYTES)
        return assay_fail(ASSAY_ERR_USAGE, "format '%.40s...' is too long", text);
    assay_status status = parse(text, text, 0, out);
    if (status != ASSAY_OK && !strstr(assay_last_error(), text))
        return assay_fail_in(status, text);
    return status;
}
