/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the item at *p: returns its start and moves *p past the comma. Commas within brackets
 * belong to the nested SPEC. */
static char *next_item(char **p, bool *balanced)
{
    char *start = *p;
    int depth = 0;
    for (; **p && (**p != ',' || depth > 0); ++*p) {
        depth += (**p == '[') - (**p == ']');
        if (depth < 0)
            break;
    }
    *balanced = depth == 0;
    if (**p)
        *(*p)++ = 0;
    return start;
}

static void strip_brackets(const char **value)
{
    size_t n = *value ? strlen(*value) : 0;
    if (n >= 2 && (*value)[0] == '[' && (*value)[n - 1] == ']') {
        ((char *)(size_t)*value)[n - 1] = 0;
        ++*value;
    }
}

assay_status assay_spec_split(const char *text, assay_spec *out)
{
    if (strlen(text) >= sizeof out->text)
        return assay_fail(ASSAY_ERR_USAGE, "SPEC '%.40s...' is longer than %d characters", text,
                          ASSAY_SPEC_BYTES - 1);
    memset(out, 0, sizeof *out);
    memcpy(out->text, text, strlen(text) + 1);
    out->head = out->text;
    char *p = strchr(out->text, ':');
    if (p)
        *p++ = 0;
    if (!*out->head || (p && !*p))
        return assay_fail(ASSAY_ERR_USAGE, "SPEC '%s' is incomplete", text);
    while (p && *p) {
        bool balanced, last = false;
        char *item = next_item(&p, &balanced);
        last = !*p && text[strlen(text) - 1] == ',';
        if (!balanced || !*item || last)
            return assay_fail(ASSAY_ERR_USAGE, "SPEC '%s': %s", text,
                              balanced ? "an empty parameter" : "brackets do not match");
        if (out->count == ASSAY_SPEC_MAX_ITEMS)
            return assay_fail(ASSAY_ERR_USAGE, "SPEC '%s' has more than %d parameters", text,
                              ASSAY_SPEC_MAX_ITEMS);
        assay_spec_item parsed = { .key = item };
        char *equals = strchr(item, '=');
        if (equals) {
            *equals = 0;
            parsed.value = equals + 1;
        }
        strip_brackets(&parsed.value);
        if (assay_spec_find(out, parsed.key))
            return assay_fail(ASSAY_ERR_USAGE, "SPEC '%s': '%s' is given twice", text, parsed.key);
        out->items[out->count++] = parsed;
    }
    return ASSAY_OK;
}

const assay_spec_item *assay_spec_find(const assay_spec *spec, const char *key)
{
    for (size_t i = 0; i < spec->count; i++)
        if (strcmp(spec->items[i].key, key) == 0)
            return &spec->items[i];
    return NULL;
}

assay_status assay_spec_integer(const assay_spec_item *item, long lo, long hi, long *out)
{
    char *end = NULL;
    errno = 0;
    long value = item->value ? strtol(item->value, &end, 10) : 0;
    if (!item->value || end == item->value || *end || errno || value < lo || value > hi)
        return assay_fail(ASSAY_ERR_USAGE, "%s=%s: expected an integer from %ld to %ld", item->key,
                          item->value ? item->value : "", lo, hi);
    *out = value;
    return ASSAY_OK;
}

assay_status assay_spec_yes(const assay_spec_item *item, bool *out)
{
    static const char *const words[] = { "no", "yes", NULL };
    int index;
    assay_status status = assay_spec_word(item->key, item->value ? item->value : "", words, &index);
    if (status == ASSAY_OK)
        *out = index;
    return status;
}

assay_status assay_spec_unknown(const assay_spec_item *item, const char *known)
{
    return assay_fail(ASSAY_ERR_USAGE, "parameter '%s' is unknown; there are %s", item->key, known);
}

assay_status assay_spec_word(const char *what, const char *word, const char *const *words, int *out)
{
    char list[ASSAY_SPEC_BYTES] = "";
    for (int i = 0; words[i]; i++) {
        if (strcmp(word, words[i]) == 0) {
            *out = i;
            return ASSAY_OK;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", words[i]);
    }
    return assay_fail(ASSAY_ERR_USAGE, "%s '%s' is unknown; there are %s", what, word, list);
}
