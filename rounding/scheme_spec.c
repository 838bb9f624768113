/* SPDX-License-Identifier: Apache-2.0 */
/* From a SPEC to a scheme. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/spec.h"
#include "numerics/bits.h"
#include "rounding/scheme_hierarchy.h"
#include "rounding/scheme_rows.h"

/* Elements of at least this size stay normal binary64 values under every scale. */
#define LEAST_ELEMENT 0x1p-800

enum { MAX_BLOCK = 1 << 20 };
static const size_t whole_row = (size_t)1 << 40; /* longer than any row */

/* The parameters of a SPEC, before the rounders are made. */
typedef struct plan {
    char element[ASSAY_SPEC_BYTES], scale[ASSAY_SPEC_BYTES], map[ASSAY_SPEC_BYTES];
    assay_extent extent;
    size_t size, rows, nested;
    assay_scale_rule rule;
    bool has_rule, has_zero, has_tensor, tensor_divides;
    assay_order order;
    assay_mode scale_mode;
    double least, top;
    uint64_t percent;
    const assay_hierarchy *hierarchy;
    int search;
} plan;

#define NAME(id, name, text) name,
static const char *const rule_names[] = { ASSAY_SCALE_RULES(NAME) NULL };
static const char *const order_names[] = { ASSAY_ORDERS(NAME) NULL };

/* A builder: its word, who shares a scale, and the scale's format unless it is said. */
static const struct builder {
    const char *name;
    assay_extent extent;
    const char *scale;
} builders[] = {
    { "block", ASSAY_EXTENT_BLOCK, "e8m0" },      { "group", ASSAY_EXTENT_BLOCK, "binary16" },
    { "tile", ASSAY_EXTENT_TILE, "binary32" },    { "tensor", ASSAY_EXTENT_TENSOR, "binary32" },
    { "channel", ASSAY_EXTENT_ROW, "binary32" },  { "token", ASSAY_EXTENT_ROW, "binary32" },
    { "packed", ASSAY_EXTENT_BLOCK, "binary16" },
};
enum { BUILDERS = sizeof builders / sizeof builders[0] };

static const struct builder *find_builder(const char *name)
{
    for (size_t i = 0; i < BUILDERS; i++)
        if (strcmp(builders[i].name, name) == 0)
            return &builders[i];
    return NULL;
}

static assay_status set_size(const assay_spec_item *item, size_t *out)
{
    long value = 0;
    assay_status status = assay_spec_integer(item, 1, MAX_BLOCK, &value);
    *out = (size_t)value;
    return status;
}

/* P of a percentile, a decimal in [0, 100] with at most six digits after the point. */
static assay_status set_percent(const char *text, uint64_t *out)
{
    uint64_t value = 0, digits = 0;
    const char *p = text, *point = NULL;
    for (; *p >= '0' && *p <= '9' && digits < 10; p++, digits++)
        value = value * 10 + (uint64_t)(*p - '0');
    if (*p == '.' && digits > 0)
        for (point = p++; *p >= '0' && *p <= '9' && p - point <= 6; p++)
            value = value * 10 + (uint64_t)(*p - '0');
    for (long i = point ? p - point - 1 : 0; i < 6; i++)
        value *= 10;
    if (*p || digits == 0 || value > 100000000)
        return assay_fail(ASSAY_ERR_USAGE,
                          "percentile:p=%s: expected a decimal from 0 to 100 with at most six "
                          "digits after the point",
                          text);
    *out = value;
    return ASSAY_OK;
}

static assay_status set_rule(const char *value, plan *p)
{
    static const char *const searches[] = { "own", "minmax", "mse", NULL };
    assay_spec spec;
    int rule = 0;
    if (p->hierarchy) {
        assay_status status = assay_spec_word("rule", value, searches, &p->search);
        if (status == ASSAY_OK && !(p->search ? p->hierarchy->searches : p->hierarchy->own))
            status = assay_fail(ASSAY_ERR_USAGE, "rule=%s: %s has only rule=%s", value,
                                p->hierarchy->name, p->search ? "own" : "minmax and rule=mse");
        return status;
    }
    assay_status status = assay_spec_split(value, &spec);
    if (status == ASSAY_OK)
        status = assay_spec_word("scale rule", spec.head, rule_names, &rule);
    if (status != ASSAY_OK)
        return status;
    p->rule = (assay_scale_rule)rule;
    p->has_rule = true;
    const assay_spec_item *percent = assay_spec_find(&spec, "p");
    if ((p->rule == ASSAY_SCALE_PERCENTILE) != (spec.count == 1 && percent && percent->value))
        return assay_fail(ASSAY_ERR_USAGE, "rule=%s: only percentile:p=P has a parameter, p",
                          value);
    return percent ? set_percent(percent->value, &p->percent) : ASSAY_OK;
}

static assay_status set_positive(const assay_spec_item *item, double *out)
{
    char *end;
    double value = item->value ? strtod(item->value, &end) : 0;
    if (!item->value || *end || !(value >= 0 && value < 0x1p100))
        return assay_fail(ASSAY_ERR_USAGE, "parameter '%s=%s' has to be a number, not negative",
                          item->key, item->value ? item->value : "");
    *out = value;
    return ASSAY_OK;
}

static assay_status set_text(const assay_spec_item *item, char out[ASSAY_SPEC_BYTES])
{
    if (!item->value || !*item->value)
        return assay_fail(ASSAY_ERR_USAGE, "parameter '%s' needs a FORMAT", item->key);
    snprintf(out, ASSAY_SPEC_BYTES, "%s", item->value);
    return ASSAY_OK;
}

static assay_status set_tensor(const char *value, plan *p)
{
    static const char *const words[] = { "no", "multiplier", "divisor", NULL };
    int word = 0;
    assay_status status = assay_spec_word("tensor scale", value, words, &word);
    p->has_tensor = word > 0;
    p->tensor_divides = word == 2;
    return status;
}

static assay_status unknown(const assay_spec_item *item)
{
    return assay_fail(
        ASSAY_ERR_USAGE,
        "parameter '%s=%s' cannot be set here; there are elem, size (block, group), "
        "rows and cols (tile), scale, rule, zero, tensor, order, least, top, round, nested, map",
        item->key, item->value ? item->value : "");
}

/* What only a builder may say, or a row whose scales are no powers of two. */
static assay_status set_formats(const assay_spec_item *item, bool of_row, plan *p)
{
    const char *value = item->value ? item->value : "";
    if (p->hierarchy)
        return unknown(item);
    if (strcmp(item->key, "scale") == 0 &&
        (!of_row || strcmp(value, p->scale) == 0 || strcmp(p->scale, "e8m0") != 0))
        return set_text(item, p->scale);
    if (strcmp(item->key, "elem") == 0 && !of_row)
        return set_text(item, p->element);
    return unknown(item);
}

static assay_status set_shape(const assay_spec_item *item, plan *p)
{
    bool tile = p->extent == ASSAY_EXTENT_TILE;
    if (p->hierarchy)
        return unknown(item);
    if (strcmp(item->key, "size") == 0 && p->extent == ASSAY_EXTENT_BLOCK)
        return set_size(item, &p->size);
    if (strcmp(item->key, "cols") == 0 && tile)
        return set_size(item, &p->size);
    if (strcmp(item->key, "rows") == 0 && tile)
        return set_size(item, &p->rows);
    return unknown(item);
}

static assay_status set_order(const assay_spec_item *item, plan *p)
{
    int order = 0;
    assay_status status =
        assay_spec_word("order", item->value ? item->value : "", order_names, &order);
    p->order = (assay_order)order;
    /* the producer that stores S itself */
    p->tensor_divides = p->tensor_divides || (p->has_tensor && p->order == ASSAY_ORDER_CT);
    return status;
}

static assay_status set_parameter(const assay_spec_item *item, bool of_row, plan *p)
{
    const char *key = item->key, *value = item->value ? item->value : "";
    if (strcmp(key, "rule") == 0)
        return set_rule(value, p);
    if (strcmp(key, "elem") == 0 || strcmp(key, "scale") == 0)
        return set_formats(item, of_row, p);
    if (strcmp(key, "size") == 0 || strcmp(key, "rows") == 0 || strcmp(key, "cols") == 0)
        return set_shape(item, p);
    if (p->hierarchy)
        return unknown(item);
    if (strcmp(key, "zero") == 0)
        return assay_spec_yes(item, &p->has_zero);
    if (strcmp(key, "tensor") == 0)
        return set_tensor(value, p);
    if (strcmp(key, "order") == 0)
        return set_order(item, p);
    if (strcmp(key, "least") == 0)
        return set_positive(item, &p->least);
    if (strcmp(key, "top") == 0)
        return set_positive(item, &p->top);
    if (strcmp(key, "nested") == 0)
        return set_size(item, &p->nested);
    if (strcmp(key, "map") == 0)
        return set_text(item, p->map);
    if (strcmp(key, "round") == 0)
        return assay_mode_parse(value, &p->scale_mode);
    return unknown(item);
}

static assay_status set_type(const assay_spec *spec, plan *p)
{
    const assay_spec_item *item = assay_spec_find(spec, "type");
    p->hierarchy = item && item->value ? assay_hierarchy_find(item->value) : NULL;
    if (!p->hierarchy)
        return assay_fail(ASSAY_ERR_USAGE, "packed needs type=NAME, a row of that kind");
    p->size = p->hierarchy->elements;
    p->search = p->hierarchy->own ? ASSAY_SEARCH_OWN : ASSAY_SEARCH_MINMAX;
    snprintf(p->element, sizeof p->element, "%s", p->hierarchy->element);
    return ASSAY_OK;
}

static assay_status read_builder(const assay_spec *spec, const struct builder *b, plan *p)
{
    *p = (plan){ .extent = b->extent, .rows = 1, .top = 448 };
    snprintf(p->scale, sizeof p->scale, "%s", b->scale);
    bool packed = strcmp(b->name, "packed") == 0;
    assay_status status = packed ? set_type(spec, p) : ASSAY_OK;
    for (size_t i = 0; i < spec->count && status == ASSAY_OK; i++)
        if (!packed || strcmp(spec->items[i].key, "type") != 0)
            status = set_parameter(&spec->items[i], false, p);
    return status;
}

static assay_status read_plan(const assay_spec *spec, plan *p)
{
    assay_spec own;
    const char *row = assay_scheme_row_spec(spec->head);
    if (!row)
        return read_builder(spec, find_builder(spec->head), p);
    assay_status status = assay_spec_split(row, &own);
    if (status == ASSAY_OK)
        status = read_builder(&own, find_builder(own.head), p);
    for (size_t i = 0; i < spec->count && status == ASSAY_OK; i++)
        status = set_parameter(&spec->items[i], true, p);
    return status;
}

static assay_status check_plan(const plan *p)
{
    if (!*p->element)
        return assay_fail(ASSAY_ERR_USAGE, "elem=FORMAT is missing");
    if (p->size == 0 && p->extent == ASSAY_EXTENT_BLOCK)
        return assay_fail(ASSAY_ERR_USAGE, "size=N is missing");
    if (p->size == 0 && p->extent == ASSAY_EXTENT_TILE)
        return assay_fail(ASSAY_ERR_USAGE, "rows=N and cols=N are missing");
    bool replays = p->order >= ASSAY_ORDER_TE;
    if (p->order == ASSAY_ORDER_TE && !p->has_tensor)
        return assay_fail(ASSAY_ERR_USAGE, "order=%s needs a tensor scale", order_names[p->order]);
    if (replays && p->order != ASSAY_ORDER_CT && p->has_zero)
        return assay_fail(ASSAY_ERR_USAGE, "order=%s has no zero points", order_names[p->order]);
    if (!replays && p->order != ASSAY_ORDER_EXACT && p->has_tensor)
        return assay_fail(ASSAY_ERR_USAGE, "order=%s is for schemes without a tensor scale",
                          order_names[p->order]);
    if (p->has_zero && p->has_tensor)
        return assay_fail(ASSAY_ERR_USAGE, "zero points do not go with a tensor scale");
    if (*p->map && p->nested == 0)
        return assay_fail(ASSAY_ERR_USAGE, "map=%s goes with nested=N", p->map);
    return ASSAY_OK;
}

static assay_status check_element(const plan *p, const assay_scheme *s)
{
    const assay_format *f = &s->element.format;
    if (f->min_positive < LEAST_ELEMENT || !f->fits_binary64 || !assay_scheme_is_narrow(f))
        return assay_fail(ASSAY_ERR_USAGE, "%s is too wide for an element of a block", p->element);
    if (p->has_zero && (f->kind != ASSAY_FAMILY_FIXED || f->scale != 0 || f->step != 1 ||
                        f->encoding == ASSAY_CODE_SIGN_MAGNITUDE))
        return assay_fail(ASSAY_ERR_USAGE,
                          "%s: zero points need elements that are integers, in two's complement "
                          "or unsigned",
                          p->element);
    bool stochastic = assay_mode_is_stochastic(s->element.mode);
    if (stochastic && p->has_tensor && p->tensor_divides && p->order == ASSAY_ORDER_EXACT)
        return assay_fail(ASSAY_ERR_USAGE, "stochastic modes need tensor=multiplier");
    return ASSAY_OK;
}

static assay_status make_scale(const plan *p, assay_scheme *s)
{
    assay_format f;
    assay_status status = assay_format_parse(p->scale, &f);
    if (status != ASSAY_OK)
        return status;
    if (f.p > 24 || f.nan == ASSAY_NAN_NONE || f.min_positive < 0x1p-200 || !(f.max < 0x1p200) ||
        !f.fits_binary64)
        return assay_fail(ASSAY_ERR_USAGE, "scale=%s: scales need a NaN and fit into binary32",
                          p->scale);
    s->rule = p->has_rule ? p->rule : f.p == 1 ? ASSAY_SCALE_FLOOR : ASSAY_SCALE_MAX;
    return assay_rounder_make(&f, p->scale_mode, ASSAY_OVERFLOW_SAT, ASSAY_NAN_RULE_DEFAULT,
                              &s->scale);
}

/* x / s as an integer that no zero point can bring back into range once it is clipped. */
static assay_status make_whole(assay_rounding rounding, assay_scheme *s)
{
    assay_format f;
    assay_status status = assay_format_parse("int32", &f);
    if (status != ASSAY_OK)
        return status;
    return assay_rounder_make_for(&f, rounding, ASSAY_OVERFLOW_SAT, ASSAY_NAN_RULE_ZERO, &s->whole);
}

static assay_status make_scheme(const plan *p, assay_rounding rounding, assay_overflow overflow,
                                assay_nan_rule nan, assay_scheme *s)
{
    assay_format f;
    bool row = p->extent == ASSAY_EXTENT_ROW || p->extent == ASSAY_EXTENT_TENSOR;
    s->block = row ? whole_row : p->size;
    s->extent = p->extent;
    s->tile_rows = p->rows;
    s->order = p->order;
    s->has_zero = p->has_zero;
    s->has_tensor_scale = p->has_tensor;
    s->tensor_divides = p->tensor_divides;
    s->least = p->least;
    s->top_scale = p->top;
    s->percent = p->percent;
    s->hierarchy = p->hierarchy;
    s->search = p->search;
    overflow = overflow == ASSAY_OVERFLOW_SPEC ? ASSAY_OVERFLOW_SAT : overflow;
    assay_status status = assay_format_parse(p->element, &f);
    if (status == ASSAY_OK)
        status = assay_rounder_make_for(&f, rounding, overflow, nan, &s->element);
    if (status == ASSAY_OK)
        status = check_element(p, s);
    if (status == ASSAY_OK)
        status = make_scale(p, s);
    if (status == ASSAY_OK && p->has_zero)
        status = make_whole(rounding, s);
    if (status == ASSAY_OK && p->nested > 0)
        status = assay_scheme_make_nested(*p->map ? p->map : "dynamic8", p->nested, s);
    if (status == ASSAY_OK && p->hierarchy && !p->hierarchy->follows_mode &&
        rounding.mode != ASSAY_RNE)
        status = assay_fail(ASSAY_ERR_USAGE, "its type fixes how elements round: mode rne only");
    return status;
}

/* What follows from other parameters: the largest block scale of four-over-six. */
static void complete(plan *p, bool top_given)
{
    if (p->rule == ASSAY_SCALE_FOUR_SIX && p->has_rule && !top_given)
        p->top = 256;
}

bool assay_scheme_is_block_spec(const char *head)
{
    return find_builder(head) || assay_scheme_row_spec(head);
}

assay_status assay_scheme_build(const assay_spec *spec, assay_rounding rounding,
                                assay_overflow overflow, assay_nan_rule nan, assay_scheme *out)
{
    plan p;
    assay_scheme scheme;
    memset(&scheme, 0, sizeof scheme);
    assay_status status = read_plan(spec, &p);
    if (status == ASSAY_OK)
        complete(&p, assay_spec_find(spec, "top") != NULL);
    if (status == ASSAY_OK)
        status = check_plan(&p);
    if (status == ASSAY_OK)
        status = make_scheme(&p, rounding, overflow, nan, &scheme);
    if (status == ASSAY_OK)
        *out = scheme;
    return status;
}
