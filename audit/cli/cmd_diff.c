/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audit/cli/compare.h"
#include "audit/cli/hexfloat.h"
#include "audit/cli/options.h"
#include "audit/cli/table.h"

enum { TEXT = 256 };

/* JSON has no infinity. */
static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_string(x != x ? "nan" : "inf");
}

/* "float32 [2, 3]", or "codes of e4m3 in uint8 [2, 3]". */
static const char *type_text(const cli_input *input, char text[TEXT])
{
    char shape[TEXT / 2];
    const assay_array *a = &input->array;
    assay_shape_text(a->ndim, a->shape, shape, sizeof shape);
    snprintf(text, TEXT, "%s %s", assay_dtypes[a->dtype].word, shape);
    return text;
}

static bool same_type(const cli_input *a, const cli_input *b)
{
    return a->array.dtype == b->array.dtype && a->array.ndim == b->array.ndim &&
           memcmp(a->array.shape, b->array.shape, a->array.ndim * sizeof a->array.shape[0]) == 0;
}

static int print_mismatch(const cli *run, const cli_input *a, const cli_input *b, bool json)
{
    char text_a[TEXT], text_b[TEXT];
    const char *what = a->array.dtype != b->array.dtype ? "type" : "shape";
    json_t *record = json_pack("{sb ss ss ss}", "same_bits", 0, "difference", what, "a",
                               type_text(a, text_a), "b", type_text(b, text_b));
    if (json) {
        int code = cli_print_record(run, record, true);
        return code == CLI_DONE ? CLI_DIFFERENT : code;
    }
    json_decref(record);
    printf("%s differs: %s against %s\n", what, text_a, text_b);
    return CLI_DIFFERENT;
}

/* "0x1.8p+3 (code 0x4b)": the value, or the integer, and the stored bits. */
static json_t *element(const cli_input *input, size_t i)
{
    char value[CLI_HEXFLOAT_BYTES], text[TEXT], digits[17];
    const assay_dtype_info *d = &assay_dtypes[input->array.dtype];
    uint64_t bits = cli_input_bits(input, i);
    double x;
    cli_input_read(input, i, 1, &x);
    snprintf(digits, sizeof digits, "%016llx", (unsigned long long)bits);
    const char *code = digits + 16 - d->bits / 4;
    if (input->has_format)
        snprintf(text, sizeof text, "%s (0x%s)", cli_hexfloat(x, value), code);
    else
        snprintf(text, sizeof text, d->kind == ASSAY_SIGNED ? "%lld (0x%s)" : "%llu (0x%s)",
                 (long long)bits, code);
    return json_string(text);
}

/* [i, j, ...] of the row-major index. */
static json_t *position(const assay_array *a, size_t index)
{
    char text[TEXT];
    size_t at[ASSAY_MAX_DIMS];
    for (size_t d = a->ndim; d-- > 0; index /= a->shape[d])
        at[d] = index % a->shape[d];
    assay_shape_text(a->ndim, at, text, sizeof text);
    return json_string(text);
}

static void add_bucket(json_t *rows, const char *ulps, uint64_t count)
{
    if (count > 0)
        json_array_append_new(rows, json_pack("{ss sI}", "ulps", ulps, "count", (json_int_t)count));
}

static json_t *histogram(const assay_ulp_histogram *h)
{
    char text[TEXT];
    json_t *rows = json_array();
    add_bucket(rows, "0", h->count[0]);
    for (size_t i = 1; i < ASSAY_ULP_BUCKETS; i++) {
        double high = assay_ulp_high(i);
        if (isinf(high))
            snprintf(text, sizeof text, "above %.17g", assay_ulp_low(i));
        else
            snprintf(text, sizeof text, "(%.17g, %.17g]", assay_ulp_low(i), high);
        add_bucket(rows, text, h->count[i]);
    }
    add_bucket(rows, "inf", h->inf);
    add_bucket(rows, "nan", h->nan);
    return rows;
}

static void set_count(json_t *record, const char *key, uint64_t count)
{
    json_object_set_new(record, key, json_integer((json_int_t)count));
}

static json_t *describe(const cli_input *a, const cli_input *b, const assay_format *f,
                        const cli_comparison *c)
{
    char text[TEXT];
    json_t *r = json_pack("{sb ss ss}", "same_bits", c->bits_differ == 0, "type",
                          type_text(a, text), "format", a->has_format ? f->name : "integer");
    set_count(r, "elements", c->count);
    set_count(r, "bits_differ", c->bits_differ);
    set_count(r, "values_differ", c->values_differ);
    set_count(r, "nan_in_one", c->nan_differ);
    set_count(r, "nan_bits_differ", c->nan_bits);
    set_count(r, "inf_differ", c->inf_differ);
    set_count(r, "zero_sign_differ", c->zero_signs);
    if (c->bits_differ > 0) {
        set_count(r, "first_index", c->first);
        json_object_set_new(r, "first_position", position(&a->array, c->first));
        json_object_set_new(r, "first_a", element(a, c->first));
        json_object_set_new(r, "first_b", element(b, c->first));
    }
    json_object_set_new(r, "max_abs", number(c->max_abs));
    json_object_set_new(r, "rel_l2", number(c->rel_l2));
    json_object_set_new(r, "max_ulps", number(c->ulps.max));
    snprintf(text, sizeof text, "%llu", (unsigned long long)c->max_codes);
    json_object_set_new(r, "max_codes_apart", json_string(text));
    set_count(r, "pairs_without_codes", c->no_codes);
    json_object_set_new(r, "ulp_histogram", histogram(&c->ulps));
    return r;
}

static int compare(const cli *run, const cli_input *a, const cli_input *b, const assay_format *f,
                   bool json)
{
    if (!same_type(a, b))
        return print_mismatch(run, a, b, json);
    cli_comparison c;
    cli_compare(a, b, f ? f : &a->format, &c);
    int code = cli_print_record(run, describe(a, b, f ? f : &a->format, &c), json);
    return code != CLI_DONE ? code : c.bits_differ > 0 ? CLI_DIFFERENT : CLI_DONE;
}

/* Integers are codes of the format, if one is given; floats are what they are. */
static assay_status open_operand(const char *name, const assay_format *f, cli_input *out)
{
    assay_status status = cli_input_open(name, NULL, out);
    if (status != ASSAY_OK || !f || out->has_format)
        return status;
    cli_input_close(out);
    return cli_input_open(name, f, out);
}

static int diff(cli *run)
{
    assay_format format = { 0 };
    bool json = false;
    const cli_option options[] = { { "format", CLI_FORMAT, &format, 0, 0 },
                                   { "json", CLI_FLAG, &json, 0, 0 },
                                   { 0 } };
    int code = cli_parse(run, options, 2, 2);
    if (code != CLI_RUN)
        return code;
    const assay_format *f = format.bits > 0 ? &format : NULL;
    cli_input a, b;
    assay_status status = open_operand(run->operands[0], f, &a);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    status = open_operand(run->operands[1], f, &b);
    code = status == ASSAY_OK ? compare(run, &a, &b, f, json) : cli_fail(run, status);
    cli_input_close(&a);
    if (status == ASSAY_OK)
        cli_input_close(&b);
    return code;
}

const cli_command cli_command_diff = {
    .name = "diff",
    .usage = "A B [--format F] [--json]",
    .summary = "Compare two arrays bit by bit and as numbers",
    .help =
        "A is the reference. Exit code 1 if any bits, the types or the shapes differ.\n"
        "An error in ulps is counted in quanta of the binade that holds A's value (at 2^k the\n"
        "upper one), rounded up; codes apart are counted through zero. max_abs leaves out pairs\n"
        "with a NaN, and rel_l2 = |A - B| / |A| those that are not both finite.\n\n"
        "  --format F  count ulps and codes in F instead of the arrays' own type; integers are\n"
        "              then codes of F\n"
        "  --json      print JSON\n",
    .run = diff,
};
