/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "audit/tokenizer_parts.h"

size_t assay_tok_enter(tok_where *where, const char *fmt, ...)
{
    size_t mark = strlen(where->path);
    va_list args;
    va_start(args, fmt);
    vsnprintf(where->path + mark, sizeof where->path - mark, fmt, args);
    va_end(args);
    return mark;
}

void assay_tok_leave(tok_where *where, size_t mark)
{
    where->path[mark] = 0;
}

assay_status assay_tok_refuse(const tok_where *where, const char *field, const char *fmt, ...)
{
    char what[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    const char *dot = where->path[0] && field ? "." : "";
    return assay_fail(ASSAY_ERR_INPUT, "%s: %s%s%s: %s", where->name, where->path, dot,
                      field ? field : "", what);
}

assay_status assay_tok_no_memory(void)
{
    return assay_fail(ASSAY_ERR_MEMORY, "tokenizer: no memory");
}

/* NULL with *status set: the field is not there, which may be fine. */
static const json_t *present(const tok_where *where, const json_t *object, const char *key,
                             tok_need need, assay_status *status)
{
    const json_t *value = json_object_get(object, key);
    *status = ASSAY_OK;
    if (value && !json_is_null(value))
        return value;
    if (need == TOK_REQUIRED)
        *status = assay_tok_refuse(where, key, "is missing");
    return NULL;
}

assay_status assay_tok_string(const tok_where *where, const json_t *object, const char *key,
                              tok_need need, const char **out)
{
    assay_status status;
    const json_t *value = present(where, object, key, need, &status);
    if (!value)
        return status;
    if (!json_is_string(value))
        return assay_tok_refuse(where, key, "expected a string");
    *out = json_string_value(value);
    return ASSAY_OK;
}

assay_status assay_tok_bool(const tok_where *where, const json_t *object, const char *key,
                            tok_need need, bool *out)
{
    assay_status status;
    const json_t *value = present(where, object, key, need, &status);
    if (!value)
        return status;
    if (!json_is_boolean(value))
        return assay_tok_refuse(where, key, "expected true or false");
    *out = json_is_true(value);
    return ASSAY_OK;
}

assay_status assay_tok_size(const tok_where *where, const json_t *object, const char *key,
                            size_t *out)
{
    assay_status status;
    const json_t *value = present(where, object, key, TOK_REQUIRED, &status);
    if (!value)
        return status;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return assay_tok_refuse(where, key, "expected an integer of at least 0");
    *out = (size_t)json_integer_value(value);
    return ASSAY_OK;
}

assay_status assay_tok_character(const tok_where *where, const json_t *object, const char *key,
                                 int32_t *out)
{
    const char *text = NULL;
    assay_status status = assay_tok_string(where, object, key, TOK_REQUIRED, &text);
    if (status != ASSAY_OK)
        return status;
    size_t size = strlen(text), at = 0;
    int32_t c = size ? assay_tok_next(text, size, &at) : 0;
    if (size == 0 || at != size)
        return assay_tok_refuse(where, key, "expected one character");
    *out = c;
    return ASSAY_OK;
}

assay_status assay_tok_id(const tok_where *where, const char *field, const json_t *value,
                          int32_t *out)
{
    if (!json_is_integer(value))
        return assay_tok_refuse(where, field, "expected an integer id");
    json_int_t id = json_integer_value(value);
    if (id < 0 || id > INT32_MAX)
        return assay_tok_refuse(where, field, "id %lld is not from 0 to 2147483647", (long long)id);
    *out = (int32_t)id;
    return ASSAY_OK;
}
