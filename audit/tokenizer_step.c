/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/tokenizer_parts.h"

assay_status assay_tok_parse_nothing(tok_where *where, const json_t *object, tok_step *out)
{
    (void)where, (void)object, (void)out;
    return ASSAY_OK;
}

assay_status assay_tok_parse_replace(tok_where *where, const json_t *object, tok_step *out)
{
    const char *content = NULL;
    assay_status status = assay_tok_string(where, object, "content", TOK_REQUIRED, &content);
    if (status != ASSAY_OK)
        return status;
    out->content = strdup(content);
    if (!out->content)
        return assay_tok_no_memory();
    return assay_tok_compile_field(where, object, &out->pattern);
}

static assay_status parse_scheme(const tok_where *where, const json_t *object, bool prefix,
                                 tok_prepend *out)
{
    const char *scheme = prefix ? "always" : "never";
    assay_status status = assay_tok_string(where, object, "prepend_scheme", TOK_OPTIONAL, &scheme);
    if (status != ASSAY_OK)
        return status;
    static const char *const names[] = { "never", "first", "always" };
    for (int i = 0; i < 3; i++) {
        if (strcmp(scheme, names[i]) != 0)
            continue;
        if (!prefix && i != TOK_NEVER)
            return assay_tok_refuse(where, "add_prefix_space", "contradicts prepend_scheme");
        *out = (tok_prepend)i;
        return ASSAY_OK;
    }
    return assay_tok_refuse(where, "prepend_scheme", "\"%s\" is not always, first or never",
                            scheme);
}

assay_status assay_tok_parse_metaspace(tok_where *where, const json_t *object, tok_step *out)
{
    bool prefix = true;
    out->split = true;
    assay_status status = assay_tok_character(where, object, "replacement", &out->character);
    if (status == ASSAY_OK)
        status = assay_tok_bool(where, object, "add_prefix_space", TOK_OPTIONAL, &prefix);
    if (status == ASSAY_OK)
        status = parse_scheme(where, object, prefix, &out->prepend);
    if (status == ASSAY_OK)
        status = assay_tok_bool(where, object, "split", TOK_OPTIONAL, &out->split);
    return status;
}

static const tok_type *type_of(const tok_role *role, const char *name)
{
    for (size_t i = 0; i < role->count; i++)
        if (strcmp(role->types[i].name, name) == 0)
            return &role->types[i];
    return NULL;
}

/* A step joins the list before it is parsed, so that the list frees what a failure leaves. */
static assay_status add_step(tok_where *where, const tok_role *role, const char *name,
                             const json_t *object, tok_steps *out)
{
    const tok_type *type = type_of(role, name);
    if (!type)
        return assay_tok_refuse(where, "type", "\"%s\" is not supported", name);
    tok_step *items = assay_tok_grow(out->items, &out->room, out->count + 1, sizeof *items);
    if (!items)
        return assay_tok_no_memory();
    out->items = items;
    items[out->count] = (tok_step){ .type = type };
    return type->parse(where, object, &items[out->count++]);
}

static assay_status parse_step(tok_where *where, const tok_role *role, const json_t *object,
                               tok_steps *out);

static assay_status parse_sequence(tok_where *where, const tok_role *role, const json_t *object,
                                   tok_steps *out)
{
    const json_t *list = json_object_get(object, role->list);
    if (!json_is_array(list))
        return assay_tok_refuse(where, role->list, "expected a list");
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < json_array_size(list) && status == ASSAY_OK; i++) {
        size_t mark = assay_tok_enter(where, ".%s[%zu]", role->list, i);
        status = parse_step(where, role, json_array_get(list, i), out);
        assay_tok_leave(where, mark);
    }
    return status;
}

static assay_status parse_step(tok_where *where, const tok_role *role, const json_t *object,
                               tok_steps *out)
{
    if (!json_is_object(object))
        return assay_tok_refuse(where, NULL, "expected an object");
    const char *name = NULL;
    assay_status status = assay_tok_string(where, object, "type", TOK_REQUIRED, &name);
    if (status != ASSAY_OK)
        return status;
    if (strcmp(name, "Sequence") == 0)
        return parse_sequence(where, role, object, out);
    return add_step(where, role, name, object, out);
}

assay_status assay_tok_steps_parse(tok_where *where, const tok_role *role, const json_t *root,
                                   tok_steps *out)
{
    const json_t *field = json_object_get(root, role->field);
    if (!field || json_is_null(field))
        return ASSAY_OK;
    size_t mark = assay_tok_enter(where, "%s", role->field);
    assay_status status = parse_step(where, role, field, out);
    assay_tok_leave(where, mark);
    return status;
}

void assay_tok_steps_free(tok_steps *steps)
{
    for (size_t i = 0; i < steps->count; i++) {
        pcre2_code_free(steps->items[i].pattern);
        free(steps->items[i].content);
    }
    free(steps->items);
    *steps = (tok_steps){ 0 };
}

assay_status assay_tok_replace(const tok_step *step, const char *text, size_t size,
                               tok_matches *scratch, tok_bytes *out)
{
    assay_status status = assay_tok_find(step->pattern, text, size, scratch);
    if (status != ASSAY_OK)
        return status;
    size_t content = strlen(step->content);
    for (size_t i = 0; i < scratch->count; i++) {
        tok_match m = scratch->items[i];
        if (m.hit)
            assay_tok_put(out, step->content, content);
        else
            assay_tok_put(out, text + m.start, m.end - m.start);
    }
    return ASSAY_OK;
}
