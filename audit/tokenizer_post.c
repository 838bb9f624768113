/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/tokenizer_parts.h"

static assay_status parse_processor(tok_where *where, const json_t *object, tok_around *out);

static void insert_front(tok_ids *ids, const tok_ids *front)
{
    size_t old = ids->count;
    for (size_t i = 0; i < front->count; i++)
        assay_tok_push(ids, 0);
    if (ids->failed || front->count == 0)
        return;
    memmove(ids->data + front->count, ids->data, old * sizeof *ids->data);
    memcpy(ids->data, front->data, front->count * sizeof *ids->data);
}

/* A later processor's tokens stand around those of the earlier ones. */
static assay_status surround(tok_around *out, const tok_around *with)
{
    insert_front(&out->before, &with->before);
    for (size_t i = 0; i < with->after.count; i++)
        assay_tok_push(&out->after, with->after.data[i]);
    return out->before.failed || out->after.failed ? assay_tok_no_memory() : ASSAY_OK;
}

static assay_status put_special(tok_where *where, const json_t *specials, const char *name,
                                tok_ids *out)
{
    const json_t *ids = json_object_get(json_object_get(specials, name), "ids");
    if (!json_is_array(ids))
        return assay_tok_refuse(where, "special_tokens", "\"%.60s\" has no list of ids there",
                                name);
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < json_array_size(ids) && status == ASSAY_OK; i++) {
        int32_t id = 0;
        status = assay_tok_id(where, "special_tokens", json_array_get(ids, i), &id);
        if (status == ASSAY_OK)
            assay_tok_push(out, id);
    }
    return status == ASSAY_OK && out->failed ? assay_tok_no_memory() : status;
}

/* One element of a template: {"SpecialToken": {"id": name}} or {"Sequence": {"id": "A"}}. */
static assay_status put_element(tok_where *where, const json_t *element, const json_t *specials,
                                bool *seen, tok_around *out)
{
    const json_t *special = json_object_get(element, "SpecialToken");
    const json_t *sequence = json_object_get(element, "Sequence");
    const char *id = NULL;
    if (!special == !sequence)
        return assay_tok_refuse(where, NULL, "expected a SpecialToken or a Sequence");
    assay_status status =
        assay_tok_string(where, special ? special : sequence, "id", TOK_REQUIRED, &id);
    if (status != ASSAY_OK)
        return status;
    if (special)
        return put_special(where, specials, id, *seen ? &out->after : &out->before);
    if (*seen || strcmp(id, "A") != 0)
        return assay_tok_refuse(where, NULL, "expected the sequence A once");
    *seen = true;
    return ASSAY_OK;
}

static assay_status parse_template(tok_where *where, const json_t *object, tok_around *out)
{
    const json_t *single = json_object_get(object, "single");
    if (!json_is_array(single))
        return assay_tok_refuse(where, "single", "expected a list");
    bool seen = false;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < json_array_size(single) && status == ASSAY_OK; i++) {
        size_t mark = assay_tok_enter(where, ".single[%zu]", i);
        status = put_element(where, json_array_get(single, i),
                             json_object_get(object, "special_tokens"), &seen, out);
        assay_tok_leave(where, mark);
    }
    if (status == ASSAY_OK && !seen)
        status = assay_tok_refuse(where, "single", "lacks the sequence A");
    return status;
}

static assay_status put_pair(const tok_where *where, const json_t *object, const char *key,
                             tok_ids *out)
{
    int32_t id = 0;
    assay_status status =
        assay_tok_id(where, key, json_array_get(json_object_get(object, key), 1), &id);
    if (status == ASSAY_OK)
        assay_tok_push(out, id);
    return status == ASSAY_OK && out->failed ? assay_tok_no_memory() : status;
}

/* ["[CLS]", id] before the text and ["[SEP]", id] after it. */
static assay_status parse_bert(tok_where *where, const json_t *object, tok_around *out)
{
    assay_status status = put_pair(where, object, "cls", &out->before);
    return status == ASSAY_OK ? put_pair(where, object, "sep", &out->after) : status;
}

/* Adjusts offsets only, of which there are none here. */
static assay_status parse_byte_level(tok_where *where, const json_t *object, tok_around *out)
{
    (void)where, (void)object, (void)out;
    return ASSAY_OK;
}

static assay_status parse_sequence(tok_where *where, const json_t *object, tok_around *out)
{
    const json_t *list = json_object_get(object, "processors");
    if (!json_is_array(list))
        return assay_tok_refuse(where, "processors", "expected a list");
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < json_array_size(list) && status == ASSAY_OK; i++) {
        tok_around inner = { 0 };
        size_t mark = assay_tok_enter(where, ".processors[%zu]", i);
        status = parse_processor(where, json_array_get(list, i), &inner);
        if (status == ASSAY_OK)
            status = surround(out, &inner);
        assay_tok_leave(where, mark);
        assay_tok_around_free(&inner);
    }
    return status;
}

static const struct {
    const char *name;
    assay_status (*parse)(tok_where *where, const json_t *object, tok_around *out);
} types[] = {
    { "Sequence", parse_sequence },      { "TemplateProcessing", parse_template },
    { "ByteLevel", parse_byte_level },   { "BertProcessing", parse_bert },
    { "RobertaProcessing", parse_bert },
};

static assay_status parse_processor(tok_where *where, const json_t *object, tok_around *out)
{
    if (!json_is_object(object))
        return assay_tok_refuse(where, NULL, "expected an object");
    const char *name = NULL;
    assay_status status = assay_tok_string(where, object, "type", TOK_REQUIRED, &name);
    if (status != ASSAY_OK)
        return status;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].parse(where, object, out);
    return assay_tok_refuse(where, "type", "\"%s\" is not supported", name);
}

assay_status assay_tok_post_parse(tok_where *where, const json_t *root, tok_around *out)
{
    const json_t *field = json_object_get(root, "post_processor");
    if (!field || json_is_null(field))
        return ASSAY_OK;
    size_t mark = assay_tok_enter(where, "post_processor");
    assay_status status = parse_processor(where, field, out);
    assay_tok_leave(where, mark);
    return status;
}

void assay_tok_around_free(tok_around *around)
{
    free(around->before.data);
    free(around->after.data);
    *around = (tok_around){ 0 };
}
