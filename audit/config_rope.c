/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "audit/config_parts.h"
#include "numerics/elementary.h"

#define MAX_FACTOR 0x1p+40

enum { MAX_POSITIONS = 0x7fffffff };

/* Keys of a rope object besides rope_type, type, rope_theta and partial_rotary_factor. */
static const struct {
    const char *name;
    const char *required, *optional; /* each name between spaces */
} types[] = {
    [ASSAY_ROPE_DEFAULT] = { "default", "", "" },
    [ASSAY_ROPE_LINEAR] = { "linear", " factor ", "" },
    [ASSAY_ROPE_DYNAMIC] = { "dynamic", " factor ", " original_max_position_embeddings " },
    [ASSAY_ROPE_LLAMA3] = { "llama3", " factor low_freq_factor high_freq_factor ",
                            " original_max_position_embeddings " },
    [ASSAY_ROPE_YARN] = { "yarn", " factor ",
                          " original_max_position_embeddings attention_factor beta_fast beta_slow "
                          "mscale mscale_all_dim truncate " },
    [ASSAY_ROPE_LONGROPE] = { "longrope", " short_factor long_factor ",
                              " factor attention_factor original_max_position_embeddings " },
};
enum { TYPES = sizeof types / sizeof *types };

static bool listed(const char *list, const char *key)
{
    size_t length = strlen(key);
    for (const char *at = list; length && (at = strstr(at, key)); at += length)
        if (at > list && at[-1] == ' ' && at[length] == ' ')
            return true;
    return false;
}

/* rope_scaling of transformers 4 or rope_parameters of 5; both only if they are equal. */
static assay_status pick_object(assay_fields top, assay_fields *rope)
{
    bool v4 = assay_field_given(top, "rope_scaling"),
         v5 = assay_field_given(top, "rope_parameters");
    const json_t *scaling = json_object_get(top.object, "rope_scaling");
    const json_t *parameters = json_object_get(top.object, "rope_parameters");
    if (v4 && v5 && !json_equal(scaling, parameters))
        return assay_field_bad(top, "rope_scaling", "differs from rope_parameters");
    *rope = (assay_fields){ top.file, v5 ? "rope_parameters." : "rope_scaling.",
                            v5   ? parameters
                            : v4 ? scaling
                                 : NULL };
    if ((v4 || v5) && !json_is_object(rope->object))
        return assay_field_bad(top, v5 ? "rope_parameters" : "rope_scaling", "expected an object");
    return ASSAY_OK;
}

static assay_status read_type(assay_fields f, assay_rope *rope)
{
    static const char *const names[] = { "rope_type", "type" };
    const char *text[2] = { NULL, NULL };
    for (size_t i = 0; i < 2; i++)
        if (assay_field_there(f, names[i])) {
            assay_status status = assay_field_text(f, names[i], &text[i]);
            if (status != ASSAY_OK)
                return status;
        }
    if (text[0] && text[1] && strcmp(text[0], text[1]) != 0)
        return assay_field_bad(f, "rope_type", "differs from type");
    const char *type = text[0] ? text[0] : text[1];
    if (!type && f.object && strcmp(f.prefix, "rope_scaling.") == 0)
        return assay_field_bad(f, "rope_type", "key is missing");
    size_t i = 0;
    while (type && i < TYPES && strcmp(types[i].name, type) != 0)
        i++;
    if (i == TYPES)
        return assay_fail(ASSAY_ERR_INPUT,
                          "%s: %srope_type: '%.40s' is not supported, expected "
                          "default, linear, dynamic, llama3, yarn or longrope",
                          f.file, f.prefix, type);
    rope->type = (assay_rope_type)i;
    return ASSAY_OK;
}

static assay_status check_keys(assay_fields f, assay_allowed allowed, assay_rope_type type)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)f.object, key, value)
    {
        if (listed(" rope_type type rope_theta ", key) || listed(types[type].required, key) ||
            listed(types[type].optional, key))
            continue;
        if (strcmp(key, "partial_rotary_factor") == 0) {
            double one;
            assay_status status = assay_field_number(f, key, 1, 1, &one);
            if (status != ASSAY_OK)
                return status;
        } else if (!assay_config_allows(allowed, f.prefix, key)) {
            return assay_config_unknown(f, key);
        }
    }
    return ASSAY_OK;
}

/* theta is in the object, beside it, or both if they agree. */
static assay_status read_theta(assay_fields top, assay_fields f, assay_rope *rope)
{
    const double least = 0x1.0000000000001p+0; /* its logarithm divides, so above 1 */
    bool outside = assay_field_there(top, "rope_theta"),
         inside = assay_field_there(f, "rope_theta");
    double theta = 10000;
    assay_status status = ASSAY_OK;
    if (outside)
        status = assay_field_number(top, "rope_theta", least, 0x1p+100, &theta);
    rope->theta = theta;
    if (status == ASSAY_OK && inside)
        status = assay_field_number(f, "rope_theta", least, 0x1p+100, &rope->theta);
    if (status == ASSAY_OK && outside && inside && rope->theta != theta)
        status = assay_field_bad(f, "rope_theta", "differs from rope_theta outside");
    return status;
}

/* L0: transformers 5 reads it inside the object, older configs have it beside the object. */
static assay_status read_original(assay_fields top, assay_fields f, const assay_config *c,
                                  assay_rope *rope)
{
    static const char key[] = "original_max_position_embeddings";
    bool outside = assay_field_given(top, key), inside = assay_field_given(f, key);
    size_t outer = c->max_positions, inner;
    assay_status status = ASSAY_OK;
    if (outside)
        status = assay_field_size(top, key, 1, MAX_POSITIONS, &outer);
    inner = outer;
    if (status == ASSAY_OK && inside)
        status = assay_field_size(f, key, 1, MAX_POSITIONS, &inner);
    if (status != ASSAY_OK)
        return status;
    if (outside && inside && outer != inner)
        return assay_field_bad(f, key, "differs from the one outside");
    if (rope->type == ASSAY_ROPE_LLAMA3 && !outside && !inside)
        return assay_field_bad(f, key, "key is missing");
    if (rope->type < ASSAY_ROPE_LLAMA3 && inner != c->max_positions)
        return assay_fail(ASSAY_ERR_INPUT,
                          "%s: %s: %zu, but rope_type %s uses max_position_embeddings %zu", f.file,
                          key, inner, types[rope->type].name, c->max_positions);
    rope->original_max_positions = inner;
    return ASSAY_OK;
}

/* An optional number: null counts as absent, as it does in transformers. */
static assay_status optional(assay_fields f, const char *key, double min, double max, double *out)
{
    return assay_field_given(f, key) ? assay_field_number(f, key, min, max, out) : ASSAY_OK;
}

static assay_status read_llama3(assay_fields f, assay_rope *rope)
{
    assay_status status =
        assay_field_number(f, "low_freq_factor", 0x1p-20, MAX_FACTOR, &rope->low_freq_factor);
    if (status == ASSAY_OK)
        status =
            assay_field_number(f, "high_freq_factor", 0x1p-20, MAX_FACTOR, &rope->high_freq_factor);
    if (status == ASSAY_OK && rope->high_freq_factor <= rope->low_freq_factor)
        status = assay_field_bad(f, "high_freq_factor", "not above low_freq_factor");
    return status;
}

static double yarn_scale(double factor, double mscale)
{
    return factor <= 1 ? 1.0 : 0.1 * mscale * assay_log(factor) + 1.0;
}

static assay_status read_yarn(assay_fields f, assay_rope *rope)
{
    double mscale = 0, all_dim = 0;
    rope->beta_fast = 32;
    rope->beta_slow = 1;
    rope->truncate = true;
    assay_status status = optional(f, "beta_fast", 0x1p-20, MAX_FACTOR, &rope->beta_fast);
    if (status == ASSAY_OK)
        status = optional(f, "beta_slow", 0x1p-20, MAX_FACTOR, &rope->beta_slow);
    if (status == ASSAY_OK)
        status = optional(f, "mscale", 0, MAX_FACTOR, &mscale);
    if (status == ASSAY_OK)
        status = optional(f, "mscale_all_dim", 0, MAX_FACTOR, &all_dim);
    if (status == ASSAY_OK && assay_field_there(f, "truncate"))
        status = assay_field_bool(f, "truncate", &rope->truncate);
    if (status != ASSAY_OK)
        return status;
    if (rope->beta_fast < rope->beta_slow)
        return assay_field_bad(f, "beta_fast", "less than beta_slow");
    rope->attention_factor = mscale != 0 && all_dim != 0 ? yarn_scale(rope->factor, mscale) /
                                                               yarn_scale(rope->factor, all_dim)
                                                         : yarn_scale(rope->factor, 1);
    return optional(f, "attention_factor", 0x1p-20, MAX_FACTOR, &rope->attention_factor);
}

static assay_status read_factors(assay_fields f, const char *key, size_t count, double *out)
{
    const json_t *list = json_object_get(f.object, key);
    if (!list)
        return assay_field_bad(f, key, "key is missing");
    if (!json_is_array(list) || json_array_size(list) != count)
        return assay_fail(ASSAY_ERR_INPUT, "%s: %s%s: expected %zu numbers, half of head_dim",
                          f.file, f.prefix, key, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        out[i] = json_number_value(value);
        if (!json_is_number(value) || !(out[i] >= 0x1p-20 && out[i] <= MAX_FACTOR))
            return assay_fail(ASSAY_ERR_INPUT, "%s: %s%s: element %zu is no positive number",
                              f.file, f.prefix, key, i);
    }
    return ASSAY_OK;
}

/* transformers 4 takes the ratio where 5 takes the stated factor: they have to agree. */
static assay_status read_longrope(assay_fields f, const assay_config *c, assay_rope *rope)
{
    double l0 = (double)rope->original_max_positions, ratio = (double)c->max_positions / l0;
    assay_status status = read_factors(f, "short_factor", c->head_dim / 2, rope->short_factor);
    if (status == ASSAY_OK)
        status = read_factors(f, "long_factor", c->head_dim / 2, rope->long_factor);
    rope->factor = ratio;
    if (status == ASSAY_OK)
        status = optional(f, "factor", 1, MAX_FACTOR, &rope->factor);
    if (status != ASSAY_OK)
        return status;
    if (assay_field_given(f, "attention_factor"))
        return assay_field_number(f, "attention_factor", 0x1p-20, MAX_FACTOR,
                                  &rope->attention_factor);
    if (ratio != 1 && rope->factor != ratio)
        return assay_fail(ASSAY_ERR_INPUT,
                          "%s: %sfactor: %g, but max_position_embeddings over the original is %g",
                          f.file, f.prefix, rope->factor, ratio);
    if (rope->factor > 1 && rope->original_max_positions < 2)
        return assay_field_bad(f, "original_max_position_embeddings", "1, expected 2 and more");
    if (rope->factor > 1)
        rope->attention_factor = sqrt(1 + assay_log(rope->factor) / assay_log(l0));
    return ASSAY_OK;
}

assay_status assay_config_rope(assay_fields top, assay_allowed allowed, assay_config *c)
{
    assay_rope *rope = &c->rope;
    assay_fields f;
    *rope = (assay_rope){ .factor = 1, .attention_factor = 1 };
    assay_status status = pick_object(top, &f);
    if (status == ASSAY_OK)
        status = read_type(f, rope);
    if (status == ASSAY_OK)
        status = check_keys(f, allowed, rope->type);
    if (status == ASSAY_OK)
        status = read_theta(top, f, rope);
    if (status == ASSAY_OK)
        status = read_original(top, f, c, rope);
    if (status == ASSAY_OK && listed(types[rope->type].required, "factor"))
        status = assay_field_number(f, "factor", 1, MAX_FACTOR, &rope->factor);
    if (status != ASSAY_OK)
        return status;
    switch (rope->type) {
    case ASSAY_ROPE_LLAMA3: return read_llama3(f, rope);
    case ASSAY_ROPE_YARN: return read_yarn(f, rope);
    case ASSAY_ROPE_LONGROPE: return read_longrope(f, c, rope);
    case ASSAY_ROPE_DYNAMIC:
        return c->head_dim > 2 ? ASSAY_OK
                               : assay_field_bad(f, "rope_type", "dynamic needs head_dim above 2");
    default: return ASSAY_OK;
    }
}
