/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/accumulator.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "formats/spec.h"

#define WRITTEN(id, written, text) written,
#define TEXT(id, written, text)    text,
static const char *const written_as[] = { ASSAY_ACCUMULATORS(WRITTEN) };
static const char *const texts[] = { ASSAY_ACCUMULATORS(TEXT) };

const char *assay_accumulator_written(assay_sum kind)
{
    return (unsigned)kind < ASSAY_SUM_COUNT ? written_as[kind] : "unknown";
}

const char *assay_accumulator_text(assay_sum kind)
{
    return (unsigned)kind < ASSAY_SUM_COUNT ? texts[kind] : "unknown";
}

static assay_status binary64_sum(assay_sum kind, assay_accumulator *out)
{
    assay_format binary64;
    assay_accumulator acc = { .kind = kind };
    assay_status status = assay_format_parse("binary64", &binary64);
    if (status == ASSAY_OK)
        status = assay_rounder_make(&binary64, ASSAY_RNE, ASSAY_OVERFLOW_SPEC,
                                    ASSAY_NAN_RULE_DEFAULT, &acc.round);
    if (status == ASSAY_OK)
        *out = acc;
    return status;
}

assay_accumulator assay_accumulator_reference(void)
{
    assay_accumulator acc = { .kind = ASSAY_SUM_REFERENCE };
    if (binary64_sum(ASSAY_SUM_REFERENCE, &acc) != ASSAY_OK)
        __builtin_trap(); /* binary64 is a row */
    return acc;
}

/* Splits `F:...` or `[F]:...` into F and the items behind it. */
static assay_status split(const char *text, char format[ASSAY_SPEC_BYTES], assay_spec *spec)
{
    char rest[ASSAY_SPEC_BYTES + 2];
    const char *end = text;
    int depth = 0;
    if (strlen(text) >= ASSAY_SPEC_BYTES)
        return assay_fail(ASSAY_ERR_USAGE, "accumulator '%.40s...' is longer than %d characters",
                          text, ASSAY_SPEC_BYTES - 1);
    do /* to the bracket that closes the first one, or at once */
        depth += (*end == '[') - (*end == ']');
    while (depth > 0 && *end++);
    bool nested = *text == '[';
    if (nested && (depth != 0 || (end[1] && end[1] != ':')))
        return assay_fail(ASSAY_ERR_USAGE, "accumulator '%s': brackets do not match", text);
    snprintf(rest, sizeof rest, "F%s", nested ? end + 1 : "");
    assay_status status = assay_spec_split(nested ? rest : text, spec);
    if (status != ASSAY_OK)
        return assay_fail(ASSAY_ERR_USAGE, "accumulator '%s' is incomplete", text);
    if (nested)
        snprintf(format, ASSAY_SPEC_BYTES, "%.*s", (int)(end - text - 1), text + 1);
    else
        snprintf(format, ASSAY_SPEC_BYTES, "%s", spec->head);
    return ASSAY_OK;
}

/* What the items say, before the format is known. */
typedef struct choice {
    assay_sum kind;
    size_t block;
    bool ordered; /* step, unfused or block has been given */
    assay_mode mode;
    assay_overflow overflow;
} choice;

static assay_status read_order(const assay_spec_item *item, assay_sum kind, choice *c)
{
    long block = 0;
    assay_status status = ASSAY_OK;
    if (c->ordered)
        return assay_fail(ASSAY_ERR_USAGE, "only one of step, unfused and block=N");
    if (kind == ASSAY_SUM_BLOCK)
        status = assay_spec_integer(item, 1, LONG_MAX, &block);
    else if (item->value)
        return assay_fail(ASSAY_ERR_USAGE, "%s takes no value", item->key);
    c->kind = kind;
    c->block = (size_t)block;
    c->ordered = true;
    return status;
}

static assay_status read_item(const assay_spec_item *item, choice *c)
{
    static const char *const words[] = { "step", "unfused", "block", "round", "overflow", NULL };
    const char *value = item->value ? item->value : "";
    int word = 0;
    while (words[word] && strcmp(words[word], item->key) != 0)
        word++;
    switch (word) {
    case 0: return read_order(item, ASSAY_SUM_STEP, c);
    case 1: return read_order(item, ASSAY_SUM_UNFUSED, c);
    case 2: return read_order(item, ASSAY_SUM_BLOCK, c);
    case 3: return assay_mode_parse(value, &c->mode);
    case 4: return assay_overflow_parse(value, &c->overflow);
    default:
        return assay_fail(ASSAY_ERR_USAGE,
                          "'%s' is unknown; there are step, unfused, block=N, round=MODE, "
                          "overflow=POLICY, and a format with parameters of its own stands in "
                          "brackets: [float:e=5,m=7]:step",
                          item->key);
    }
}

static assay_status read_format(const char *text, assay_accumulator *out)
{
    char spec[ASSAY_SPEC_BYTES];
    assay_spec items;
    assay_format format;
    choice c = { .kind = ASSAY_SUM_STEP };
    assay_status status = split(text, spec, &items);
    if (status != ASSAY_OK)
        return status;
    for (size_t i = 0; i < items.count && status == ASSAY_OK; i++)
        status = read_item(&items.items[i], &c);
    assay_accumulator acc = { .kind = c.kind, .block = c.block };
    if (status == ASSAY_OK)
        status = assay_format_parse(spec, &format);
    if (status == ASSAY_OK && !format.fits_binary64)
        status = assay_fail(ASSAY_ERR_USAGE, "sums are kept in binary64, which does not hold "
                                             "all values of this format");
    if (status == ASSAY_OK)
        status =
            assay_rounder_make(&format, c.mode, c.overflow, ASSAY_NAN_RULE_DEFAULT, &acc.round);
    if (status != ASSAY_OK) {
        char prefix[ASSAY_SPEC_BYTES + 16];
        snprintf(prefix, sizeof prefix, "accumulator '%s'", text);
        return assay_fail_in(status, prefix);
    }
    *out = acc;
    return ASSAY_OK;
}

assay_status assay_accumulator_parse(const char *text, assay_accumulator *out)
{
    if (strcmp(text, "reference") == 0)
        return binary64_sum(ASSAY_SUM_REFERENCE, out);
    if (strcmp(text, "exact") == 0)
        return binary64_sum(ASSAY_SUM_EXACT, out);
    if (strncmp(text, "reference:", 10) == 0 || strncmp(text, "exact:", 6) == 0)
        return assay_fail(ASSAY_ERR_USAGE, "accumulator '%s': %.*s takes no parameters", text,
                          (int)strcspn(text, ":"), text);
    return read_format(text, out);
}
