/* SPDX-License-Identifier: Apache-2.0 */
/* model.safetensors.index.json over two fixed shards. Oracle: an index that is accepted gives
 * exactly the tensors of the shards that it names, each from its own shard. */
#include "audit/weights.h"
#include "tests/fuzz/fuzz.h"

#define ENTRY(range) "{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":" range "}"

#define ONE "{\"a\":" ENTRY("[0,1]") ",\"c\":" ENTRY("[1,2]") "}"
#define TWO "{\"b\":" ENTRY("[0,1]") "}"

_Static_assert(sizeof ONE - 1 == 0x69 && sizeof TWO - 1 == 0x35, "the lengths below");
static const unsigned char one[] = "\x69\0\0\0\0\0\0\0" ONE "13";
static const unsigned char two[] = "\x35\0\0\0\0\0\0\0" TWO "2";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const assay_embedded files[] = {
        { "model.safetensors.index.json", data, data + size },
        { "1", one, one + sizeof one - 1 },
        { "2", two, two + sizeof two - 1 },
    };
    const assay_source source = { "fuzz", files, 3 };
    assay_weights *w = NULL;
    assay_status status = assay_weights_open(&source, &w);
    if (status != ASSAY_OK) {
        CHECK(status == ASSAY_ERR_INPUT || status == ASSAY_ERR_IO);
        CHECK(strncmp(assay_last_error(), "fuzz/", 5) == 0);
        CHECK(!w);
        return 0;
    }
    const char *const names = "abc";
    size_t found = 0;
    for (int i = 0; i < 3; i++) {
        const assay_tensor *t = assay_weights_lookup(w, (char[]){ names[i], 0 });
        found += t != NULL;
        CHECK(!t || t->data[0] == "123"[i]);
    }
    CHECK(found == assay_weights_count(w));
    CHECK(!assay_weights_lookup(w, "a") == !assay_weights_lookup(w, "c"));
    assay_weights_close(w);
    return 0;
}
