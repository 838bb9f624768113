/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: what parses is written out and parses to an equal value. */
#include "audit/json.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *root = NULL, *again = NULL;
    assay_status status = assay_json_parse("fuzz", data, size, &root);
    if (status != ASSAY_OK) {
        fuzz_refusal(status, "fuzz: ");
        CHECK(!root);
        return 0;
    }
    CHECK(json_is_object(root));
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (text) { /* NULL: deeper than Jansson writes */
        CHECK(assay_json_parse("fuzz", text, strlen(text), &again) == ASSAY_OK);
        CHECK(json_equal(root, again));
    }
    free(text);
    json_decref(again);
    json_decref(root);
    return 0;
}
