/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: the tensors of what parses cover its data exactly, each is found by its name, and a
 * header made of them parses to the same tensors. */
#include <jansson.h>

#include "audit/weights.h"
#include "tests/fuzz/fuzz.h"

static json_t *entry_of(const assay_tensor *t, const unsigned char *base)
{
    json_t *shape = json_array();
    for (size_t i = 0; i < t->ndim; i++)
        json_array_append_new(shape, json_integer((json_int_t)t->shape[i]));
    json_int_t begin = t->data - base;
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", assay_dtypes[t->dtype].name, "shape", shape,
                     "data_offsets", begin, begin + (json_int_t)t->bytes);
}

static void check_again(const assay_safetensors *s, const unsigned char *base, size_t room)
{
    json_t *header = json_object();
    for (size_t i = 0; i < assay_safetensors_count(s); i++) {
        const assay_tensor *t = assay_safetensors_at(s, i);
        CHECK(json_object_set_new(header, t->name, entry_of(t, base)) == 0);
    }
    char *text = json_dumps(header, JSON_COMPACT);
    CHECK(text);
    uint64_t length = strlen(text);
    unsigned char *file = malloc(8 + length + room);
    CHECK(file);
    memcpy(file, &length, 8);
    memcpy(file + 8, text, length);
    memcpy(file + 8 + length, base, room);
    assay_safetensors *again = NULL;
    CHECK(assay_safetensors_parse("again", file, 8 + length + room, &again) == ASSAY_OK);
    CHECK(assay_safetensors_count(again) == assay_safetensors_count(s));
    for (size_t i = 0; i < assay_safetensors_count(s); i++) {
        const assay_tensor *t = assay_safetensors_at(s, i), *u = assay_safetensors_at(again, i);
        CHECK(strcmp(t->name, u->name) == 0 && t->dtype == u->dtype && t->bytes == u->bytes);
        CHECK(t->ndim == u->ndim && memcmp(t->shape, u->shape, sizeof t->shape) == 0);
        CHECK(t->data - base == u->data - (file + 8 + length));
    }
    assay_safetensors_close(again);
    free(file);
    free(text);
    json_decref(header);
}

static void check_values(const assay_tensor *t)
{
    double x;
    assay_status status = assay_tensor_check_finite(t);
    CHECK(status == ASSAY_OK || status == ASSAY_ERR_VALUE);
    if (assay_dtypes[t->dtype].kind == ASSAY_FLOAT && t->count > 0) {
        CHECK(assay_tensor_to_f64(t, t->count - 1, 1, &x) == ASSAY_OK);
        CHECK(assay_tensor_to_f64(t, t->count, 1, &x) == ASSAY_ERR_SHAPE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    assay_safetensors *s = NULL;
    assay_status status = assay_safetensors_parse("fuzz", data, size, &s);
    if (status != ASSAY_OK) {
        fuzz_refusal(status, "fuzz: ");
        CHECK(!s);
        return 0;
    }
    uint64_t length;
    size_t covered = 0;
    memcpy(&length, data, 8);
    const unsigned char *base = data + 8 + length, *end = data + size;
    for (size_t i = 0; i < assay_safetensors_count(s); i++) {
        const assay_tensor *t = assay_safetensors_at(s, i);
        CHECK(t->data >= base && t->bytes <= (size_t)(end - t->data));
        CHECK(assay_safetensors_lookup(s, t->name) == t);
        CHECK(i == 0 || strcmp(assay_safetensors_at(s, i - 1)->name, t->name) < 0);
        check_values(t);
        covered += t->bytes;
    }
    CHECK(covered == (size_t)(end - base));
    check_again(s, base, covered);
    assay_safetensors_close(s);
    return 0;
}
