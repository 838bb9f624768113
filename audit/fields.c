/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/fields.h"

static const char *type_name(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "an integer", [JSON_REAL] = "a real",    [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",        [JSON_NULL] = "null"
    };
    return names[json_typeof(value)];
}

assay_status assay_field_bad(assay_fields fields, const char *key, const char *what)
{
    return assay_fail(ASSAY_ERR_INPUT, "%s: %s%s: %s", fields.file, fields.prefix, key, what);
}

static assay_status wrong_type(assay_fields fields, const char *key, const char *wanted)
{
    const json_t *value = json_object_get(fields.object, key);
    if (!value)
        return assay_field_bad(fields, key, "key is missing");
    return assay_fail(ASSAY_ERR_INPUT, "%s: %s%s: %s, expected %s", fields.file, fields.prefix, key,
                      type_name(value), wanted);
}

bool assay_field_there(assay_fields fields, const char *key)
{
    return json_object_get(fields.object, key) != NULL;
}

bool assay_field_given(assay_fields fields, const char *key)
{
    const json_t *value = json_object_get(fields.object, key);
    return value && !json_is_null(value);
}

assay_status assay_field_size(assay_fields fields, const char *key, size_t min, size_t max,
                              size_t *out)
{
    const json_t *value = json_object_get(fields.object, key);
    if (!json_is_integer(value))
        return wrong_type(fields, key, "an integer");
    json_int_t n = json_integer_value(value);
    if (n < 0 || (size_t)n < min || (size_t)n > max)
        return assay_fail(ASSAY_ERR_INPUT, "%s: %s%s: %lld, expected %zu to %zu", fields.file,
                          fields.prefix, key, (long long)n, min, max);
    *out = (size_t)n;
    return ASSAY_OK;
}

assay_status assay_field_number(assay_fields fields, const char *key, double min, double max,
                                double *out)
{
    const json_t *value = json_object_get(fields.object, key);
    if (!json_is_number(value))
        return wrong_type(fields, key, "a number");
    double x = json_number_value(value);
    if (!(x >= min && x <= max))
        return assay_fail(ASSAY_ERR_INPUT, "%s: %s%s: %.17g, expected %g to %g", fields.file,
                          fields.prefix, key, x, min, max);
    *out = x;
    return ASSAY_OK;
}

assay_status assay_field_bool(assay_fields fields, const char *key, bool *out)
{
    const json_t *value = json_object_get(fields.object, key);
    if (!json_is_boolean(value))
        return wrong_type(fields, key, "true or false");
    *out = json_is_true(value);
    return ASSAY_OK;
}

assay_status assay_field_text(assay_fields fields, const char *key, const char **out)
{
    const json_t *value = json_object_get(fields.object, key);
    if (!json_is_string(value))
        return wrong_type(fields, key, "a string");
    *out = json_string_value(value);
    return ASSAY_OK;
}
