/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/safetensors.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit/weights.h"
#include "tests/support/shared.h"

TestSuite(safetensors, .fini = assay_temp_remove);

typedef struct bytes {
    unsigned char data[4096];
    size_t size;
} bytes;

/* A file of HEADER and SIZE data bytes 0, 1, 2, ... */
static bytes file_of(const char *header, size_t size)
{
    bytes b = { .size = 8 + strlen(header) + size };
    uint64_t n = strlen(header);
    memcpy(b.data, &n, 8);
    memcpy(b.data + 8, header, n);
    for (size_t i = 0; i < size; i++)
        b.data[8 + n + i] = (unsigned char)i;
    return b;
}

static void refused(const char *header, size_t size, const char *text)
{
    bytes b = file_of(header, size);
    assay_safetensors *out = NULL;
    cr_expect_eq(assay_safetensors_parse("m", b.data, b.size, &out), ASSAY_ERR_INPUT, "%s", header);
    cr_expect_eq(strncmp(assay_last_error(), "m: ", 3), 0, "%s", assay_last_error());
    cr_expect_not_null(strstr(assay_last_error(), text), "%s: %s", header, assay_last_error());
    cr_expect_null(out, "untouched on failure");
}

static void accepted(const char *header, size_t size, size_t count)
{
    bytes b = file_of(header, size);
    assay_safetensors *out = NULL;
    cr_assert_eq(assay_safetensors_parse("m", b.data, b.size, &out), ASSAY_OK, "%s",
                 assay_last_error());
    cr_expect_eq(assay_safetensors_count(out), count);
    assay_safetensors_close(out);
}

#define ENTRY(dtype, shape, range) \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" range "}"
#define ONE(dtype, shape, range) "{\"a\":" ENTRY(dtype, shape, range) "}"
#define TWO(range_a, range_b) \
    "{\"a\":" ENTRY("U8", "[4]", range_a) ",\"b\":" ENTRY("U8", "[4]", range_b) "}"

Test(safetensors, accepts_every_type)
{
    for (int d = 0; d < ASSAY_DTYPE_COUNT; d++) {
        char header[256];
        unsigned size = assay_dtypes[d].bits; /* 8 elements */
        snprintf(header, sizeof header, ONE("%s", "[2,4]", "[0,%u]"), assay_dtypes[d].name, size);
        accepted(header, size, 1);
        snprintf(header, sizeof header, ONE("%s", "[2,4]", "[0,%u]"), assay_dtypes[d].name,
                 size - 1);
        refused(header, size - 1, "a.data_offsets: ");
    }
}

Test(safetensors, accepts_the_corner_cases)
{
    accepted("{}", 0, 0);
    accepted("{}      ", 0, 0);
    accepted("{\"__metadata__\":{\"format\":\"pt\"}}", 0, 0);
    accepted(ONE("F64", "[]", "[0,8]"), 8, 1);
    accepted(ONE("F64", "[0]", "[0,0]"), 0, 1);
    accepted(ONE("F32", "[3,0,2]", "[0,0]"), 0, 1);
    accepted(TWO("[4,8]", "[0,4]"), 8, 2);
    accepted("{\"a\":" ENTRY("U8", "[4]", "[0,4]") ",\"e\":" ENTRY(
                 "F32", "[0]", "[4,4]") ",\"b\":" ENTRY("U8", "[4]",
                                                        "[4,8]") ",\"z\":" ENTRY("F32", "[0]",
                                                                                 "[8,8]") "}",
             8, 4);
    accepted(ONE("F4", "[2,3]", "[0,3]"), 3, 1);
    accepted(ONE("F6_E2M3", "[4]", "[0,3]"), 3, 1);
    accepted(ONE("U8", "[1,1,1,1,1,1,1,2]", "[0,2]"), 2, 1);
}

Test(safetensors, refuses_bad_headers)
{
    refused("", 0, "header: does not start with '{'");
    refused("   ", 0, "header: does not start with '{'");
    refused(" {}", 0, "header: does not start with '{'");
    refused("[]", 0, "header: does not start with '{'");
    refused("{}\n", 0, "header: does not end with '}'");
    refused("{", 0, "header: does not end with '}'");
    refused("{}{}", 0, "line 1");
    refused("{\"a\":1,\"a\":2}", 0, "duplicate");
    refused("{\"a\":" ENTRY("U8", "[1]", "[0,1]") ",\"a\":" ENTRY("U8", "[1]", "[0,1]") "}", 1,
            "duplicate");
    refused("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1,
            "duplicate");
    refused("{\"a\\u0000\":" ENTRY("U8", "[1]", "[0,1]") "}", 1, "line 1");
    refused("{\"\xff\":" ENTRY("U8", "[1]", "[0,1]") "}", 1, "line 1");
    refused("{\"a\":1}", 0, "a: expected an object");
    refused("{\"__metadata__\":1}", 0, "__metadata__: expected an object");
    refused("{\"__metadata__\":null}", 0, "__metadata__: expected an object");
    refused("{\"__metadata__\":{\"k\":1}}", 0, "__metadata__.k: expected a string");
}

Test(safetensors, refuses_bad_entries)
{
    refused("{\"a\":{}}", 0, "a.dtype: key is missing");
    refused("{\"a\":{\"dtype\":\"U8\"}}", 0, "a.shape: key is missing");
    refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[]}}", 0, "a.data_offsets: key is missing");
    refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":0}}", 1,
            "a: unknown key");
    refused("{\"a\":{\"dtype\":8,\"shape\":[],\"data_offsets\":[0,1]}}", 1, "a.dtype: expected");
    refused(ONE("F128", "[1]", "[0,16]"), 16, "a.dtype: unknown type 'F128'");
    refused(ONE("f32", "[1]", "[0,4]"), 4, "a.dtype: unknown type 'f32'");
    refused(ONE("U8", "4", "[0,4]"), 4, "a.shape: expected an array");
    refused(ONE("U8", "[-4]", "[0,4]"), 4, "a.shape: expected integers");
    refused(ONE("U8", "[4.0]", "[0,4]"), 4, "a.shape: expected integers");
    refused(ONE("U8", "[\"4\"]", "[0,4]"), 4, "a.shape: expected integers");
    refused(ONE("U8", "[9223372036854775808]", "[0,4]"), 4, "too big integer");
    refused(ONE("U8", "[9223372036854775807,4]", "[0,4]"), 4, "a.shape: number of elements");
    refused(ONE("F64", "[2305843009213693952]", "[0,0]"), 0, "a.shape: number of elements");
    refused(ONE("U8", "[4294967296,4294967296]", "[0,0]"), 0, "a.shape: number of elements");
    refused(ONE("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1, "a.shape: more than 8");
    refused(ONE("F4", "[3]", "[0,1]"), 1, "a.shape: does not fill whole bytes");
    refused(ONE("F6_E3M2", "[3]", "[0,2]"), 2, "a.shape: does not fill whole bytes");
    refused(ONE("U8", "[4]", "{}"), 4, "a.data_offsets: expected [begin, end]");
    refused(ONE("U8", "[4]", "[4]"), 4, "a.data_offsets: expected [begin, end]");
    refused(ONE("U8", "[4]", "[0,4,8]"), 4, "a.data_offsets: expected [begin, end]");
    refused(ONE("U8", "[4]", "[-1,3]"), 4, "a.data_offsets: expected [begin, end]");
    refused(ONE("U8", "[4]", "[4,0]"), 4, "a.data_offsets: begin lies behind end");
    refused(ONE("U8", "[4]", "[0,9223372036854775807]"), 4, "a.data_offsets: end 9223");
    refused(ONE("U8", "[4]", "[0,5]"), 4, "a.data_offsets: end 5, but the data has 4");
    refused(ONE("U8", "[3]", "[0,4]"), 4, "a.data_offsets: 4 bytes, but the shape has 3");
}

Test(safetensors, refuses_holes_and_overlaps)
{
    refused(TWO("[0,4]", "[2,6]"), 6, "b.data_offsets: overlaps");
    refused(TWO("[0,4]", "[0,4]"), 4, "data_offsets: overlaps");
    refused(TWO("[0,4]", "[5,9]"), 9, "b.data_offsets: leaves a hole");
    refused(ONE("U8", "[4]", "[1,5]"), 5, "a.data_offsets: leaves a hole");
    refused(ONE("U8", "[4]", "[0,4]"), 5, "data: 1 bytes belong to no tensor");
    refused("{}", 1, "data: 1 bytes belong to no tensor");
    refused("{\"a\":" ENTRY("U8", "[4]", "[0,4]") ",\"e\":" ENTRY("U8", "[0]", "[2,2]") "}", 4,
            "e.data_offsets: overlaps");
}

Test(safetensors, refuses_bad_lengths)
{
    const struct {
        uint64_t length;
        const char *text;
    } rows[] = { { 3, "but the file has 2" },
                 { 100000000, "but the file has 2" },
                 { 100000001, "at most 100000000" },
                 { UINT64_MAX, "at most 100000000" } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char b[10] = "????????{}";
        assay_safetensors *out = NULL;
        memcpy(b, &rows[i].length, 8);
        cr_expect_eq(assay_safetensors_parse("m", b, 10, &out), ASSAY_ERR_INPUT);
        cr_expect_not_null(strstr(assay_last_error(), rows[i].text), "%s", assay_last_error());
        cr_expect_null(out);
    }
}

Test(safetensors, refuses_every_truncation)
{
    const bytes b =
        file_of("{\"__metadata__\":{\"k\":\"v\"},\"a\":" ENTRY("F32", "[2]", "[0,8]") "}  ", 8);
    for (size_t size = 0; size < b.size; size++) {
        unsigned char *copy = malloc(size ? size : 1); /* a sanitizer sees its end */
        assay_safetensors *out = NULL;
        memcpy(copy, b.data, size);
        cr_expect_eq(assay_safetensors_parse("m", copy, size, &out), ASSAY_ERR_INPUT, "%zu", size);
        cr_expect_eq(strncmp(assay_last_error(), "m: ", 3), 0);
        cr_expect_null(out);
        free(copy);
    }
}

Test(safetensors, looks_up_names)
{
    const char *header =
        "{\"__metadata__\":{\"format\":\"pt\"},\"z\":" ENTRY("U8", "[2]", "[0,2]") ",\"\":" ENTRY(
            "U8", "[1]", "[2,3]") ",\"m.x\":" ENTRY("U8", "[1]", "[3,4]") "}";
    bytes b = file_of(header, 4);
    assay_safetensors *s = NULL;
    const assay_tensor *t = NULL;
    cr_assert_eq(assay_safetensors_parse("m", b.data, b.size, &s), ASSAY_OK);
    cr_expect_str_eq(assay_safetensors_at(s, 0)->name, "");
    cr_expect_str_eq(assay_safetensors_at(s, 1)->name, "m.x");
    cr_expect_str_eq(assay_safetensors_at(s, 2)->name, "z");
    cr_assert_eq(assay_safetensors_find(s, "m.x", &t), ASSAY_OK);
    cr_expect_eq(t->data[0], 3);
    cr_expect_str_eq(t->file, "m");
    cr_expect_eq(assay_safetensors_find(s, "m.y", &t), ASSAY_ERR_INPUT);
    cr_expect_str_eq(assay_last_error(), "m: m.y: no such tensor");
    cr_expect_null(assay_safetensors_lookup(s, "__metadata__"));
    cr_expect_str_eq(assay_safetensors_metadata(s, "format"), "pt");
    cr_expect_null(assay_safetensors_metadata(s, "x"));
    assay_safetensors_close(s);
    assay_safetensors_close(NULL);
}

Test(safetensors, arrays_name_a_tensor)
{
    bytes b = file_of("{\"t:1\":" ENTRY("U16", "[2]", "[0,4]") "}", 4);
    char spec[256];
    assay_array a;
    snprintf(spec, sizeof spec, "%s", assay_temp("m.safetensors"));
    assay_temp_write(spec, b.data, b.size);
    size_t n = strlen(spec);
    strcpy(spec + n, ":t:1");
    cr_assert_eq(assay_array_open(spec, &a), ASSAY_OK, "%s", assay_last_error());
    cr_expect_eq(a.count, 2);
    cr_expect_eq(assay_array_get_f64(&a, 1), 0x302);
    assay_array_close(&a);
    strcpy(spec + n, ":x");
    cr_expect_eq(assay_array_open(spec, &a), ASSAY_ERR_INPUT);
    cr_expect_not_null(strstr(assay_last_error(), "m.safetensors: x: no such tensor"));
}

Test(safetensors, tensor_values)
{
    const float values[4] = { 1, -0.1f, INFINITY, NAN };
    const assay_tensor t = { .name = "w",
                             .file = "m",
                             .dtype = ASSAY_DTYPE_F32,
                             .ndim = 2,
                             .shape = { 2, 2 },
                             .count = 4,
                             .data = (const unsigned char *)values,
                             .bytes = 16 };
    double out[4] = { 0 };
    cr_assert_eq(assay_tensor_to_f64(&t, 1, 2, out), ASSAY_OK);
    cr_expect_eq(out[0], (double)-0.1f);
    cr_expect_eq(out[1], INFINITY);
    cr_assert_eq(assay_tensor_row_f64(&t, 0, out), ASSAY_OK);
    cr_expect_eq(out[0], 1);
    cr_expect_eq(assay_tensor_row_f64(&t, 2, out), ASSAY_ERR_SHAPE);
    cr_expect_eq(assay_tensor_to_f64(&t, 3, 2, out), ASSAY_ERR_SHAPE);
    cr_expect_eq(assay_tensor_to_f64(&t, 1, SIZE_MAX, out), ASSAY_ERR_SHAPE);
    cr_expect_eq(assay_tensor_check_finite(&t), ASSAY_ERR_VALUE);
    cr_expect_str_eq(assay_last_error(), "m: w: element 2 is NaN or infinite");
    assay_tensor codes = t;
    codes.dtype = ASSAY_DTYPE_F8_E4M3;
    cr_expect_eq(assay_tensor_to_f64(&codes, 0, 1, out), ASSAY_ERR_INPUT);
    cr_expect_str_eq(assay_last_error(), "m: w: dtype F8_E4M3, expected F16, BF16, F32 or F64");
}

Test(safetensors, reads_a_real_model)
{
    const assay_source source = { .name = assay_shared("models/tinystories656k") };
    assay_weights *w = NULL;
    const assay_tensor *t = NULL;
    const size_t shape[] = { 2048, 128 };
    cr_assert_eq(assay_weights_open(&source, &w), ASSAY_OK, "%s", assay_last_error());
    cr_assert_eq(assay_weights_require(w, "lm_head.weight", 2, shape, &t), ASSAY_OK);
    cr_expect_eq(assay_weights_require(w, "lm_head.weight", 1, shape, &t), ASSAY_ERR_SHAPE);
    cr_expect_not_null(strstr(assay_last_error(), "shape [2048, 128], expected [2048]"));
    for (size_t i = 0; i < assay_weights_count(w); i++)
        cr_expect_eq(assay_tensor_check_finite(assay_weights_at(w, i)), ASSAY_OK);
    assay_weights_close(w);
}
