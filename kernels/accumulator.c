/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/accumulator_parts.h"

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

static assay_status make_named(assay_sum kind, const char *name, assay_accumulator *out)
{
    assay_format format;
    assay_accumulator acc = { .kind = kind };
    assay_status status = assay_format_parse(name, &format);
    if (status == ASSAY_OK)
        status = assay_rounder_make(&format, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT,
                                    &acc.round);
    if (status == ASSAY_OK)
        *out = acc;
    return status;
}

assay_accumulator assay_accumulator_reference(void)
{
    assay_accumulator acc = { .kind = ASSAY_SUM_REFERENCE };
    if (make_named(ASSAY_SUM_REFERENCE, "binary64", &acc) != ASSAY_OK)
        __builtin_trap(); /* binary64 is a row */
    return acc;
}

bool assay_accumulator_is_stochastic(const assay_accumulator *acc)
{
    return assay_mode_is_stochastic(acc->round.mode);
}

bool assay_accumulator_has_format(assay_sum kind)
{
    return kind == ASSAY_SUM_STEP || kind == ASSAY_SUM_UNFUSED || kind == ASSAY_SUM_BLOCK ||
           kind == ASSAY_SUM_PAIRWISE || kind == ASSAY_SUM_KAHAN || kind == ASSAY_SUM_UNIT;
}

/* Splits `F:...` or `[F]:...` into F and the items behind it, which a comma may begin as well: F
 * alone is F:step, and F,round=MODE is F:step,round=MODE. */
static assay_status split(const char *text, char format[ASSAY_SPEC_BYTES], assay_spec *spec)
{
    char rest[ASSAY_SPEC_BYTES + 2];
    const char *end = text;
    int depth = 0;
    if (strlen(text) >= ASSAY_SPEC_BYTES)
        return assay_fail(ASSAY_ERR_USAGE, "longer than %d characters", ASSAY_SPEC_BYTES - 1);
    do /* to the bracket that closes the first one, or at once */
        depth += (*end == '[') - (*end == ']');
    while (depth > 0 && *end++);
    bool nested = *text == '[';
    if (nested && (depth != 0 || (end[1] && end[1] != ':' && end[1] != ',')))
        return assay_fail(ASSAY_ERR_USAGE, "accumulator '%s': brackets do not match", text);
    snprintf(rest, sizeof rest, "%s%s", nested ? "F" : "", nested ? end + 1 : text);
    char *first = rest + strcspn(rest, ":,");
    if (*first)
        *first = ':';
    assay_status status = assay_spec_split(rest, spec);
    if (status != ASSAY_OK)
        return status;
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
    bool ordered; /* step, unfused, ... has been given */
    assay_rounding round;
    assay_overflow overflow;
    bool feedback, rounds_residue;
    assay_rounder residue;
} choice;

static assay_status read_order(const assay_spec_item *item, assay_sum kind, choice *c)
{
    long block = 0;
    assay_status status = ASSAY_OK;
    if (c->ordered)
        return assay_fail(ASSAY_ERR_USAGE,
                          "only one of step, unfused, block=N, pairwise and kahan");
    if (kind == ASSAY_SUM_BLOCK)
        status = assay_spec_integer(item, 1, LONG_MAX, &block);
    else if (item->value)
        return assay_fail(ASSAY_ERR_USAGE, "%s takes no value", item->key);
    c->kind = kind;
    c->block = (size_t)block;
    c->ordered = true;
    return status;
}

static assay_status read_residue(const char *spec, choice *c)
{
    assay_format format;
    assay_status status = assay_format_parse(spec, &format);
    if (status == ASSAY_OK)
        status = assay_rounder_make(&format, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT,
                                    &c->residue);
    c->rounds_residue = true;
    return status;
}

static assay_status read_item(const assay_spec_item *item, choice *c)
{
    static const char *const words[] = { "step",  "unfused",  "block", "pairwise", "kahan",
                                         "round", "overflow", "ef",    "residue",  NULL };
    const char *value = item->value ? item->value : "";
    int word = 0;
    while (words[word] && strcmp(words[word], item->key) != 0)
        word++;
    switch (word) {
    case 0: return read_order(item, ASSAY_SUM_STEP, c);
    case 1: return read_order(item, ASSAY_SUM_UNFUSED, c);
    case 2: return read_order(item, ASSAY_SUM_BLOCK, c);
    case 3: return read_order(item, ASSAY_SUM_PAIRWISE, c);
    case 4: return read_order(item, ASSAY_SUM_KAHAN, c);
    case 5: return assay_rounding_parse(value, &c->round);
    case 6: return assay_overflow_parse(value, &c->overflow);
    case 7: return assay_spec_yes(item, &c->feedback);
    case 8: return read_residue(value, c);
    default:
        return assay_fail(ASSAY_ERR_USAGE,
                          "'%s' is unknown; there are step, unfused, block=N, pairwise, kahan, "
                          "round=MODE, overflow=POLICY, ef=yes, residue=FORMAT, and a format with "
                          "parameters of its own stands in "
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
    for (size_t i = 0; status == ASSAY_OK && i < items.count; i++)
        status = read_item(&items.items[i], &c);
    c.feedback |= c.round.feedback;
    assay_accumulator acc = { .kind = c.kind,
                              .block = c.block,
                              .feedback = c.feedback,
                              .rounds_residue = c.rounds_residue,
                              .residue = c.residue };
    if (status == ASSAY_OK && c.feedback &&
        (c.kind == ASSAY_SUM_PAIRWISE || c.kind == ASSAY_SUM_KAHAN))
        status = assay_fail(ASSAY_ERR_USAGE, "error feedback goes with step, unfused and block=N");
    if (status == ASSAY_OK && c.rounds_residue && !c.feedback)
        status = assay_fail(ASSAY_ERR_USAGE, "residue=FORMAT goes with ef=yes");
    if (status == ASSAY_OK)
        status = assay_format_parse(spec, &format);
    if (status == ASSAY_OK && !format.fits_binary64)
        status = assay_fail(ASSAY_ERR_USAGE, "sums are kept in binary64, which does not hold "
                                             "all values of this format");
    if (status == ASSAY_OK)
        status = assay_rounder_make_for(&format, c.round, c.overflow, ASSAY_NAN_RULE_DEFAULT,
                                        &acc.round);
    if (status != ASSAY_OK) {
        char prefix[ASSAY_SPEC_BYTES + 16];
        snprintf(prefix, sizeof prefix, "accumulator '%s'", text);
        return assay_fail_in(status, prefix);
    }
    *out = acc;
    return ASSAY_OK;
}

/* `ozaki`, `ozaki:slices=N` */
static assay_status read_ozaki(const char *text, assay_accumulator *out)
{
    assay_spec spec;
    long slices = 8;
    assay_status status = assay_spec_split(text, &spec);
    if (status == ASSAY_OK && spec.count > 0)
        status = spec.count > 1 || strcmp(spec.items[0].key, "slices") != 0
                     ? assay_fail(ASSAY_ERR_USAGE, "there is only slices=N")
                     : assay_spec_integer(&spec.items[0], 1, ASSAY_OZAKI_SLICES, &slices);
    if (status != ASSAY_OK)
        return assay_fail_in(status, "accumulator 'ozaki'");
    status = make_named(ASSAY_SUM_OZAKI, "binary64", out);
    if (status == ASSAY_OK)
        out->block = (size_t)slices;
    return status;
}

assay_status assay_accumulator_parse(const char *text, assay_accumulator *out)
{
    static const struct {
        const char *name, *format;
        assay_sum kind;
    } named[] = { { "reference", "binary64", ASSAY_SUM_REFERENCE },
                  { "exact", "binary64", ASSAY_SUM_EXACT },
                  { "int32", "binary64", ASSAY_SUM_INT32 },
                  { "int32:sat", "binary64", ASSAY_SUM_INT32_SAT },
                  { "bf16x9", "binary32", ASSAY_SUM_BF16X9 } };
    size_t head = strcspn(text, ":,");
    if (assay_accumulator_is_unit(text))
        return assay_accumulator_parse_unit(text, out);
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (strcmp(text, named[i].name) == 0)
            return make_named(named[i].kind, named[i].format, out);
    if (head == 5 && strncmp(text, "ozaki", head) == 0)
        return read_ozaki(text, out);
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if ((named[i].kind != ASSAY_SUM_INT32 || text[head] == ',') &&
            strlen(named[i].name) == head && strncmp(text, named[i].name, head) == 0)
            return assay_fail(ASSAY_ERR_USAGE, "accumulator '%s': %s takes no parameters", text,
                              named[i].name);
    return read_format(text, out);
}
