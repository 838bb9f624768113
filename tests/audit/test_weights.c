/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/weights.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/shared.h"

TestSuite(weights, .fini = assay_temp_remove);

#define ENTRY(range) "{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":" range "}"
#define SHARD1       "{\"a\":" ENTRY("[0,1]") ",\"c\":" ENTRY("[1,2]") "}"
#define SHARD2       "{\"b\":" ENTRY("[0,1]") "}"
#define INDEX(map)   "{\"metadata\":{\"total_size\":3},\"weight_map\":" map "}"
#define GOOD_MAP     "{\"b\":\"2.safetensors\",\"a\":\"1.safetensors\",\"c\":\"1.safetensors\"}"
#define INDEX_NAME   "model.safetensors.index.json"

static void put_shard(const char *name, const char *header, size_t size)
{
    unsigned char b[512] = { 0 };
    uint64_t n = strlen(header);
    memcpy(b, &n, 8);
    memcpy(b + 8, header, n);
    for (size_t i = 0; i < size; i++)
        b[8 + n + i] = (unsigned char)((size_t)name[0] + i);
    assay_temp_write(assay_temp(name), b, 8 + n + size);
}

static assay_status open_here(assay_weights **w)
{
    const assay_source source = { .name = assay_temp(".") };
    return assay_weights_open(&source, w);
}

static void refused(const char *index, const char *text)
{
    assay_weights *w = NULL;
    put_shard("1.safetensors", SHARD1, 2);
    put_shard("2.safetensors", SHARD2, 1);
    assay_temp_write(assay_temp(INDEX_NAME), index, strlen(index));
    cr_expect_neq(open_here(&w), ASSAY_OK, "%s", index);
    cr_expect_not_null(strstr(assay_last_error(), text), "%s: %s", index, assay_last_error());
    cr_expect_null(w, "untouched on failure");
}

Test(weights, one_file)
{
    assay_weights *w = NULL;
    const assay_tensor *t = NULL;
    put_shard("model.safetensors", SHARD1, 2);
    cr_assert_eq(open_here(&w), ASSAY_OK, "%s", assay_last_error());
    cr_expect_eq(assay_weights_count(w), 2);
    cr_expect_eq(assay_weights_find(w, "c", &t), ASSAY_OK);
    cr_expect_eq(t->data[0], 'm' + 1);
    cr_expect_eq(assay_weights_find(w, "b", &t), ASSAY_ERR_INPUT);
    cr_expect_not_null(strstr(assay_last_error(), "model.safetensors: b: no such tensor"));
    assay_weights_close(w);
    assay_weights_close(NULL);
}

Test(weights, shards)
{
    assay_weights *w = NULL;
    put_shard("1.safetensors", SHARD1, 2);
    put_shard("2.safetensors", SHARD2, 1);
    assay_temp_write(assay_temp(INDEX_NAME), INDEX(GOOD_MAP), strlen(INDEX(GOOD_MAP)));
    cr_assert_eq(open_here(&w), ASSAY_OK, "%s", assay_last_error());
    cr_assert_eq(assay_weights_count(w), 3);
    cr_expect_eq(assay_weights_lookup(w, "a")->data[0], '1');
    cr_expect_eq(assay_weights_lookup(w, "b")->data[0], '2');
    cr_expect_eq(assay_weights_lookup(w, "c")->data[0], '2');
    cr_expect_null(assay_weights_lookup(w, "d"));
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(assay_weights_at(w, i)->name[0], 'a' + (char)i);
    cr_expect_not_null(strstr(assay_weights_at(w, 1)->file, "/2.safetensors"));
    assay_weights_close(w);
}

Test(weights, embedded)
{
    static const unsigned char bytes[] = "\x02\0\0\0\0\0\0\0{}";
    const assay_embedded files[] = { { "model.safetensors", bytes, bytes + 10 } };
    const assay_source source = { "demo", files, 1 };
    assay_weights *w = NULL;
    cr_assert_eq(assay_weights_open(&source, &w), ASSAY_OK);
    cr_expect_eq(assay_weights_count(w), 0);
    cr_expect_null(assay_weights_lookup(w, "a"));
    assay_weights_close(w);
}

Test(weights, refuses_what_is_missing)
{
    assay_weights *w = NULL;
    cr_expect_eq(open_here(&w), ASSAY_ERR_IO);
    cr_expect_not_null(strstr(assay_last_error(), "has neither model.safetensors nor"));
    cr_expect_null(w);
}

Test(weights, refuses_bad_indexes)
{
    refused("", "is empty");
    refused("[]", "expected a JSON object");
    refused("{}", "weight_map: key is missing");
    refused("{\"weight_map\":[]}", "weight_map: expected an object");
    refused("{\"weight_map\":{},\"metadata\":1}", "metadata: expected an object");
    refused("{\"weight_map\":{},\"x\":{}}", "x: unknown key");
    refused(INDEX("{\"a\":1}"), "weight_map.a: expected a plain file name");
    refused(INDEX("{\"a\":\"\"}"), "weight_map.a: expected a plain file name");
    refused(INDEX("{\"a\":\"..\"}"), "weight_map.a: expected a plain file name");
    refused(INDEX("{\"a\":\"../1.safetensors\"}"), "weight_map.a: expected a plain file name");
    refused(INDEX("{\"a\":\"/1.safetensors\"}"), "weight_map.a: expected a plain file name");
    refused(INDEX("{\"a\":\"3.safetensors\"}"), "3.safetensors: No such file");
    refused(INDEX("{\"a\":\"" INDEX_NAME "\"}"), "header length");
}

Test(weights, map_and_shards_have_to_agree)
{
    refused(INDEX("{\"a\":\"1.safetensors\"}"),
            "weight_map.c: missing, but the tensor is in 1.safetensors");
    refused(INDEX("{\"a\":\"1.safetensors\",\"c\":\"2.safetensors\",\"b\":\"2.safetensors\"}"),
            "weight_map.c: 2.safetensors, but the tensor is in 1.safetensors");
    refused(INDEX("{\"b\":\"2.safetensors\",\"d\":\"2.safetensors\"}"),
            "2.safetensors: d: no such tensor, but weight_map names it");
    put_shard("3.safetensors", SHARD2, 1);
    refused(INDEX("{\"b\":\"2.safetensors\",\"c\":\"1.safetensors\",\"a\":\"3.safetensors\"}"),
            "weight_map.a: 3.safetensors, but the tensor is in 1.safetensors");
}

Test(weights, refuses_a_bad_shard)
{
    assay_weights *w = NULL;
    put_shard("1.safetensors", SHARD1, 2);
    put_shard("2.safetensors", SHARD2, 2);
    assay_temp_write(assay_temp(INDEX_NAME), INDEX(GOOD_MAP), strlen(INDEX(GOOD_MAP)));
    cr_expect_eq(open_here(&w), ASSAY_ERR_INPUT);
    cr_expect_not_null(strstr(assay_last_error(), "/2.safetensors: data: 1 bytes belong"));
    cr_expect_null(w);
}
