/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/npy.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/bits.h"
#include "tests/support/shared.h"

TestSuite(npy, .fini = assay_temp_remove);

typedef struct bytes {
    unsigned char data[1024];
    size_t size;
} bytes;

/* A version 1 file of HEADER and SIZE zero bytes. */
static bytes file_of(const char *header, size_t size)
{
    bytes b = { .data = "\x93NUMPY\x01" };
    size_t n = strlen(header);
    b.data[8] = (unsigned char)n;
    b.data[9] = (unsigned char)(n >> 8);
    memcpy(b.data + 10, header, n);
    b.size = 10 + n + size;
    return b;
}

static void refused(const char *header, size_t size, const char *text)
{
    bytes b = file_of(header, size);
    assay_array a = { .ndim = 99 };
    cr_expect_eq(assay_npy_parse("x.npy", b.data, b.size, &a), ASSAY_ERR_INPUT, "%s", header);
    cr_expect_eq(strncmp(assay_last_error(), "x.npy: ", 7), 0);
    cr_expect_not_null(strstr(assay_last_error(), text), "%s: %s", header, assay_last_error());
    cr_expect_eq(a.ndim, 99, "untouched on failure");
}

static void accepted(const char *header, size_t size, size_t ndim, size_t count)
{
    bytes b = file_of(header, size);
    assay_array a;
    cr_assert_eq(assay_npy_parse("x.npy", b.data, b.size, &a), ASSAY_OK, "%s", assay_last_error());
    cr_expect_eq(a.ndim, ndim);
    cr_expect_eq(a.count, count);
    cr_expect_eq(a.data, b.data + b.size - size);
}

#define HEADER(descr, order, shape) \
    "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape "}"

Test(npy, accepts_what_numpy_may_write)
{
    accepted(HEADER("'<f8'", "False", "(2, 3)"), 48, 2, 6);
    accepted(HEADER("'<f2'", "False", "()"), 2, 0, 1);
    accepted(HEADER("'|u1'", "False", "(0,)"), 0, 1, 0);
    accepted(HEADER("'<i1'", "False", "(1, 1, 1, 1, 1, 1, 1, 3,)"), 3, 8, 3);
    accepted("{\"shape\":(4,),\"descr\":\"<i4\",\"fortran_order\":False}", 16, 1, 4);
    accepted(" {  'shape' : ( 2 ,\n) , 'fortran_order':False ,'descr':'<u2' , }   \n", 4, 1, 2);
    accepted(HEADER("'<f8'", "False", "(0, 9223372036854775807)"), 0, 2, 0);
}

Test(npy, refuses_other_orders_and_types)
{
    refused(HEADER("'>f8'", "False", "(1,)"), 8, "descr: big-endian");
    refused(HEADER("'<f8'", "True", "(1,)"), 8, "fortran_order: True");
    refused(HEADER("'=f8'", "False", "(1,)"), 8, "descr: '=f8'");
    refused(HEADER("'|f8'", "False", "(1,)"), 8, "descr: '|f8'");
    refused(HEADER("'<f16'", "False", "(1,)"), 16, "descr: '<f16'");
    refused(HEADER("'|b1'", "False", "(1,)"), 1, "descr: '|b1'");
    refused(HEADER("'<c8'", "False", "(1,)"), 8, "descr: '<c8'");
    refused(HEADER("'|O'", "False", "(1,)"), 8, "descr: '|O'");
    refused(HEADER("'<V2'", "False", "(1,)"), 2, "descr: '<V2'");
    refused(HEADER("''", "False", "(1,)"), 8, "descr: ''");
    refused(HEADER("[('a', '<f8')]", "False", "(1,)"), 8, "descr: structured");
    refused(HEADER("8", "False", "(1,)"), 8, "descr: expected a quoted string");
    refused(HEADER("'<f8'", "0", "(1,)"), 8, "fortran_order: expected");
}

Test(npy, refuses_bad_shapes)
{
    refused(HEADER("'<f8'", "False", "(-1,)"), 8, "shape: negative");
    refused(HEADER("'<f8'", "False", "(1)"), 8, "shape: one number without a comma");
    refused(HEADER("'<f8'", "False", "[1]"), 8, "shape: expected a tuple");
    refused(HEADER("'<f8'", "False", "1"), 8, "shape: expected a tuple");
    refused(HEADER("'<f8'", "False", "(,)"), 8, "shape: expected");
    refused(HEADER("'<f8'", "False", "(1 2)"), 16, "shape: expected ','");
    refused(HEADER("'<f8'", "False", "(01,)"), 8, "shape: expected");
    refused(HEADER("'<f8'", "False", "(1.0,)"), 8, "shape: expected");
    refused(HEADER("'<f8'", "False", "(1L,)"), 8, "shape: expected");
    refused(HEADER("'<f8'", "False", "(+1,)"), 8, "shape: expected");
    refused(HEADER("'<f8'", "False", "(1"), 8, "shape: expected");
    refused(HEADER("'|u1'", "False", "(9223372036854775808,)"), 0, "shape: dimension of 2^63");
    refused(HEADER("'|u1'", "False", "(99999999999999999999999,)"), 0, "shape: dimension of 2^63");
    refused(HEADER("'<f8'", "False", "(2305843009213693952,)"), 0, "shape: number of elements");
    refused(HEADER("'|u1'", "False", "(4294967296, 4294967296)"), 0, "shape: number of elements");
    refused(HEADER("'|u1'", "False", "(1,1,1,1,1,1,1,1,1)"), 1, "shape: more than 8");
}

Test(npy, refuses_bad_dictionaries)
{
    refused("", 0, "header: expected a dictionary");
    refused("[]", 0, "header: expected a dictionary");
    refused("{}", 0, "descr: key is missing");
    refused("{'descr': '<f8'}", 8, "fortran_order: key is missing");
    refused("{'descr': '<f8', 'fortran_order': False}", 8, "shape: key is missing");
    refused(HEADER("'<f8'", "False", "(1,), 'x': 1"), 8, "header: unknown key 'x'");
    refused(HEADER("'<f8'", "False", "(1,), 'shape': (1,)"), 8, "shape: key appears twice");
    refused(HEADER("'<f8'", "False", "(1,)") "x", 8, "header: text behind");
    refused(HEADER("'<f8'", "False", "(1,)") "}", 8, "header: text behind");
    refused("{'descr' '<f8'}", 8, "descr: expected ':'");
    refused("{'descr': '<f8' 'shape': (1,)}", 8, "header: expected ','");
    refused("{descr: '<f8'}", 8, "header: expected a quoted string");
    refused("{'descr': '<f\\x38'}", 8, "descr: string does not end");
    refused("{'descr': '<f8\"}", 8, "descr: string does not end");
    refused("{'descr': '<f8<f8<f8<f8<f8<f8'}", 8, "descr: string is too long");
}

Test(npy, refuses_wrong_sizes)
{
    refused(HEADER("'<f8'", "False", "(2,)"), 15, "data: 15 bytes, expected 16");
    refused(HEADER("'<f8'", "False", "(2,)"), 17, "data: 17 bytes, expected 16");
    refused(HEADER("'<f8'", "False", "(0,)"), 1, "data: 1 bytes, expected 0");
}

Test(npy, refuses_every_truncation)
{
    const bytes b = file_of(HEADER("'<f4'", "False", "(3,)"), 12);
    for (size_t size = 0; size < b.size; size++) {
        unsigned char *copy = malloc(size + 1); /* so that a sanitizer sees the end */
        assay_array a = { .ndim = 99 };
        memcpy(copy, b.data, size);
        copy = realloc(copy, size ? size : 1);
        cr_expect_eq(assay_npy_parse("x.npy", copy, size, &a), ASSAY_ERR_INPUT, "%zu", size);
        cr_expect_eq(a.ndim, 99);
        cr_expect_eq(strncmp(assay_last_error(), "x.npy: ", 7), 0);
        free(copy);
    }
}

Test(npy, reads_version_2_and_no_other)
{
    const char *header = HEADER("'<i2'", "False", "(1,)");
    unsigned char b[256] = "\x93NUMPY\x02";
    assay_array a;
    size_t n = strlen(header);
    b[8] = (unsigned char)n;
    memcpy(b + 12, header, n);
    b[12 + n] = 0xfe, b[13 + n] = 0xff;
    cr_assert_eq(assay_npy_parse("x", b, 14 + n, &a), ASSAY_OK);
    cr_expect_eq(assay_array_get_f64(&a, 0), -2);
    b[11] = 1;
    cr_expect_eq(assay_npy_parse("x", b, 14 + n, &a), ASSAY_ERR_INPUT);
    b[6] = 3, b[11] = 0;
    cr_expect_eq(assay_npy_parse("x", b, 14 + n, &a), ASSAY_ERR_INPUT);
    cr_expect_str_eq(assay_last_error(), "x: version: 3.0, expected 1.0 or 2.0");
}

/* What numpy.save of NumPy 2.4 writes: dictionary, spaces, line feed, 128 bytes in all. */
Test(npy, writes_numpys_bytes)
{
    const struct {
        assay_dtype dtype;
        size_t ndim, shape[ASSAY_MAX_DIMS];
        const char *text; /* up to the padding */
    } rows[] = {
        { ASSAY_DTYPE_F64,
          2,
          { 2, 3 },
          "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }" },
        { ASSAY_DTYPE_F32, 0, { 0 }, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }" },
        { ASSAY_DTYPE_U8, 1, { 5 }, "{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }" },
        { ASSAY_DTYPE_F16,
          8,
          { 1, 2, 3, 4, 5, 6, 7, 8 },
          "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 2, 3, 4, 5, 6, 7, 8), }" },
        { ASSAY_DTYPE_U8,
          8,
          { 1, 100000, 100000, 10000, 10, 0, 10, 1 },
          "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 100000, 100000, 10000, 10, 0, 10, "
          "1), }" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);
        cr_assert_eq(assay_npy_write_header(f, rows[i].dtype, rows[i].ndim, rows[i].shape),
                     ASSAY_OK);
        fclose(f);
        cr_assert_eq(size, 128);
        size_t n = strlen(rows[i].text);
        cr_expect_arr_eq(text, "\x93NUMPY\x01\x00\x76\x00", 10);
        cr_expect_arr_eq(text + 10, rows[i].text, n);
        for (size_t k = 10 + n; k < 127; k++)
            cr_expect_eq(text[k], ' ');
        cr_expect_eq(text[127], '\n');
        free(text);
    }
}

Test(npy, writes_what_it_reads)
{
    const double values[6] = { 1.5, -0.0, INFINITY, 0x1p-1074, -2, 1e300 };
    const size_t shape[2] = { 2, 3 };
    const char *path = assay_temp("a.npy");
    FILE *f = fopen(path, "wb");
    cr_assert_eq(assay_npy_write(f, ASSAY_DTYPE_F64, 2, shape, values), ASSAY_OK);
    fclose(f);
    assay_array a;
    double out[6];
    cr_assert_eq(assay_array_open(path, &a), ASSAY_OK);
    cr_expect_eq(a.ndim, 2);
    cr_expect_arr_eq(a.shape, shape, sizeof shape);
    cr_expect_eq(assay_array_bytes(&a), sizeof values);
    cr_assert_eq(assay_array_to_f64(&a, out), ASSAY_OK);
    cr_expect_arr_eq(out, values, sizeof values);
    assay_array_close(&a);
}

Test(npy, writer_refuses)
{
    const size_t shape[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, huge[2] = { SIZE_MAX, 2 };
    FILE *f = fopen("/dev/full", "wb");
    cr_expect_eq(assay_npy_write_header(f, ASSAY_DTYPE_BF16, 1, shape), ASSAY_ERR_USAGE);
    cr_expect_eq(assay_npy_write_header(f, ASSAY_DTYPE_F32, 9, shape), ASSAY_ERR_USAGE);
    cr_expect_eq(assay_npy_write(f, ASSAY_DTYPE_F32, 2, huge, shape), ASSAY_ERR_SHAPE);
    setvbuf(f, NULL, _IONBF, 0);
    cr_expect_eq(assay_npy_write(f, ASSAY_DTYPE_U8, 1, shape, shape), ASSAY_ERR_IO);
    fclose(f);
}

static assay_array array_of(assay_dtype dtype, const void *data, size_t count)
{
    return (
        assay_array){ .dtype = dtype, .ndim = 1, .shape = { count }, .count = count, .data = data };
}

/* Every float16 and bfloat16 against the exact value of its code. */
Test(npy, sixteen_bit_floats_are_exact)
{
    static uint16_t codes[65536];
    static double half[65536], brain[65536];
    for (unsigned i = 0; i < 65536; i++)
        codes[i] = (uint16_t)i;
    const assay_array h = array_of(ASSAY_DTYPE_F16, codes, 65536);
    const assay_array b = array_of(ASSAY_DTYPE_BF16, codes, 65536);
    cr_assert_eq(assay_array_to_f64(&h, half), ASSAY_OK);
    cr_assert_eq(assay_array_to_f64(&b, brain), ASSAY_OK);
    for (unsigned i = 0; i < 65536; i++) {
        int e = i >> 10 & 31, m = i & 1023;
        double value = e == 31 ? m ? NAN : INFINITY : e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
        value = i >> 15 ? -value : value;
        cr_assert(isnan(value) ? isnan(half[i]) : assay_bits64(value) == assay_bits64(half[i]),
                  "%04x: %a", i, half[i]);
        double wide = assay_from_bits32((uint32_t)i << 16);
        cr_assert(isnan(wide) ? isnan(brain[i]) : assay_bits64(wide) == assay_bits64(brain[i]),
                  "%04x: %a", i, brain[i]);
        cr_assert(isnan(value) || assay_array_get_f64(&h, i) == value);
    }
}

Test(npy, unaligned_elements)
{
    unsigned char raw[1 + 4 * sizeof(float)];
    const float values[4] = { 0.1f, -0x1p-149f, INFINITY, 3 };
    double out[4];
    memcpy(raw + 1, values, sizeof values);
    const assay_array a = array_of(ASSAY_DTYPE_F32, raw + 1, 4);
    cr_assert_eq(assay_array_to_f64(&a, out), ASSAY_OK);
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(out[i], (double)values[i]);
        cr_expect_eq(assay_array_get_f64(&a, i), (double)values[i]);
    }
}

Test(npy, integers)
{
    const int8_t small[2] = { -128, 127 };
    const uint64_t large[3] = { 1, 0x20000000000000, 0x20000000000001 };
    const int64_t least[2] = { INT64_MIN, -0x20000000000001 };
    int64_t i64[3] = { 7 };
    uint64_t u64[3];
    double f64[3];
    assay_array a = array_of(ASSAY_DTYPE_I8, small, 2);
    cr_assert_eq(assay_array_to_i64(&a, i64), ASSAY_OK);
    cr_expect_eq(i64[0], -128);
    cr_expect_eq(assay_array_get_f64(&a, 0), -128);
    cr_expect_eq(assay_array_to_u64(&a, u64), ASSAY_ERR_VALUE);
    cr_expect_str_eq(assay_last_error(), "element 0: -128 is negative");
    a = array_of(ASSAY_DTYPE_U64, large, 3);
    cr_expect_eq(assay_array_to_f64(&a, f64), ASSAY_ERR_VALUE);
    cr_expect_str_eq(assay_last_error(), "element 2: 9007199254740993 is not a float64");
    cr_assert_eq(assay_array_to_u64(&a, u64), ASSAY_OK);
    cr_expect_eq(u64[2], large[2]);
    a = array_of(ASSAY_DTYPE_I64, least, 2);
    cr_expect_eq(assay_array_to_f64(&a, f64), ASSAY_ERR_VALUE);
    cr_expect_str_eq(assay_last_error(), "element 1: -9007199254740993 is not a float64");
    cr_expect_eq(f64[0], -0x1p63);
    const uint64_t top = UINT64_MAX;
    a = array_of(ASSAY_DTYPE_U64, &top, 1);
    i64[0] = 7;
    cr_expect_eq(assay_array_get_i64(&a, 0, i64), ASSAY_ERR_VALUE);
    cr_expect_eq(i64[0], 7);
    a = array_of(ASSAY_DTYPE_F32, &top, 1);
    cr_expect_eq(assay_array_get_i64(&a, 0, i64), ASSAY_ERR_INPUT);
    cr_expect_eq(assay_array_to_u64(&a, u64), ASSAY_ERR_INPUT);
    a = array_of(ASSAY_DTYPE_F8_E4M3, &top, 1);
    cr_expect_eq(assay_array_to_f64(&a, f64), ASSAY_ERR_INPUT);
    cr_expect(isnan(assay_array_get_f64(&a, 0)));
}

Test(npy, names_the_file)
{
    assay_array a;
    cr_expect_eq(assay_array_open(assay_temp("none.npy"), &a), ASSAY_ERR_IO);
    cr_expect_eq(assay_array_open("m.safetensors", &a), ASSAY_ERR_INPUT);
    cr_expect_not_null(strstr(assay_last_error(), "FILE.safetensors:TENSOR"));
    assay_temp_write(assay_temp("bad.npy"), "hello", 5);
    cr_expect_eq(assay_array_open(assay_temp("bad.npy"), &a), ASSAY_ERR_INPUT);
    cr_expect_not_null(strstr(assay_last_error(), "/bad.npy: magic: "));
}

Test(npy, reads_real_files)
{
    assay_array a;
    int64_t id;
    const char *spec = assay_shared("models/tinystories656k/oracle/ids.npy");
    cr_assert_eq(assay_array_open(spec, &a), ASSAY_OK, "%s", assay_last_error());
    cr_expect_eq(a.dtype, ASSAY_DTYPE_I32);
    cr_expect_eq(a.ndim, 1);
    cr_expect_eq(a.count, 48);
    cr_assert_eq(assay_array_get_i64(&a, 0, &id), ASSAY_OK);
    cr_expect(id >= 0 && id < 2048);
    assay_array_close(&a);
}
