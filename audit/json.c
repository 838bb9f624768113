/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/json.h"

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
