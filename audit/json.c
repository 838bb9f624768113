/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/json.h"

#include <string.h>

#include "audit/file.h"

assay_status assay_json_parse(const char *name, const void *bytes, size_t size, json_t **out)
{
    if (size == 0)
        return assay_fail(ASSAY_ERR_INPUT, "%s: is empty, expected a JSON object", name);
    json_error_t error;
    json_t *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return assay_fail(ASSAY_ERR_INPUT, "%s: line %d, column %d: %s", name, error.line,
                          error.column, error.text);
    if (!json_is_object(root)) {
        json_decref(root);
        return assay_fail(ASSAY_ERR_INPUT, "%s: expected a JSON object", name);
    }
    *out = root;
    return ASSAY_OK;
}

assay_status assay_json_load(const char *path, json_t **out)
{
    assay_file file;
    assay_status status = assay_file_open(path, &file);
    if (status != ASSAY_OK)
        return status;
    status = assay_json_parse(path, file.data, file.size, out);
    assay_file_close(&file);
    return status;
}

assay_status assay_json_rules(const char *name, json_t *root, const char *kind, json_t **rules)
{
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        if (strcmp(key, kind) != 0 && strcmp(key, "rules") != 0)
            return assay_fail(ASSAY_ERR_INPUT, "%s: key '%s' is unknown", name, key);
    }
    value = json_object_get(root, kind);
    if (!json_is_integer(value) || json_integer_value(value) != 1)
        return assay_fail(ASSAY_ERR_INPUT, "%s: %s: expected version 1", name, kind);
    value = json_object_get(root, "rules");
    if (!json_is_array(value) || json_array_size(value) == 0)
        return assay_fail(ASSAY_ERR_INPUT, "%s: rules: expected an array of at least one rule",
                          name);
    *rules = value;
    return ASSAY_OK;
}
