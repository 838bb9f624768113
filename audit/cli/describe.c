/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/describe.h"

#include <stdio.h>
#include <string.h>

#include "audit/cli/hexfloat.h"
#include "rounding/scheme_hierarchy.h"

enum { TEXT = 160, CODE = 64 };

/* "0x7e = 0x1.cp+8": a code with as many digits as the width needs, and its value. */
static const char *code_text(const assay_format *f, uint64_t code, char text[CODE])
{
    char value[CLI_HEXFLOAT_BYTES], digits[17];
    snprintf(digits, sizeof digits, "%016llx", (unsigned long long)code);
    snprintf(text, CODE, "0x%s = %s", digits + 16 - (f->bits + 3) / 4,
             cli_hexfloat_exact(assay_decode_exact(f, code), value));
    return text;
}

static void set(json_t *record, const char *key, const char *text)
{
    json_object_set_new(record, key, json_string(text));
}

static void set_code(json_t *record, const char *key, const assay_format *f, bool there,
                     uint64_t code)
{
    char text[CODE];
    set(record, key, there ? code_text(f, code, text) : "none");
}

static const char *nan_codes(const assay_format *f)
{
    if (f->kind == ASSAY_FAMILY_POSIT || f->kind == ASSAY_FAMILY_TAKUM)
        return "NaR, the sign bit alone";
    if (f->kind != ASSAY_FAMILY_FLOAT)
        return f->nan == ASSAY_NAN_NONE ? "none" : "one code";
    switch (f->nan) {
    case ASSAY_NAN_IEEE:
        return f->has_inf ? "exponent all ones, fraction not zero" : "exponent all ones";
    case ASSAY_NAN_ONES:
        return f->is_signed ? "the all-ones code of each sign" : "the all-ones code";
    case ASSAY_NAN_NEGZERO: return "the code of -0";
    default: return "none";
    }
}

static const char *nan_results(const assay_format *f, char text[TEXT])
{
    assay_rounder r;
    char code[CODE];
    if (assay_rounder_make(f, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r) !=
        ASSAY_OK)
        return "-";
    snprintf(text, TEXT, "%s%s", code_text(f, r.nan_code, code),
             f->nan == ASSAY_NAN_NONE ? ", or as --nan says" : "");
    return text;
}

static void set_integer(json_t *record, const char *key, int value)
{
    json_object_set_new(record, key, json_integer(value));
}

static void set_parameters(json_t *record, const assay_format *f)
{
    bool is_float = f->kind == ASSAY_FAMILY_FLOAT;
    set(record, "family", assay_format_family_name(f));
    set_integer(record, "bits", f->bits);
    set_integer(record, "stored_bits", 8 * (int)assay_format_container(f));
    if (is_float) {
        set_integer(record, "sign_bits", f->is_signed);
        set_integer(record, "exponent_bits", f->exponent_bits);
        set_integer(record, "fraction_bits", f->fraction_bits);
        set_integer(record, "bias", f->bias);
    }
    set_integer(record, "p", f->p);
    set_integer(record, "emin", f->emin);
    set_integer(record, "emax", f->emax);
    char text[TEXT];
    snprintf(text, sizeof text, "%llu", (unsigned long long)assay_position_count(f));
    set(record, "values", text);
}

/* The code of the least positive value: the position after zero's, or after the negative ones'. */
static uint64_t least_code(const assay_format *f)
{
    uint64_t low = 0, high = assay_position_count(f) - 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        assay_exact x = assay_decode_exact(f, assay_position_code(f, middle));
        if (x.kind == ASSAY_FINITE && !x.negative)
            high = middle;
        else
            low = middle + 1;
    }
    return assay_position_code(f, low);
}

/* What a policy makes of values beyond max, of infinities: "-" where the format lacks it. */
static json_t *policy_row(const assay_format *f, assay_overflow policy)
{
    static const char *const keys[] = { "above_max", "below_-max", "+inf", "-inf" };
    json_t *row = json_pack("{ss}", "policy", assay_overflow_name(policy));
    assay_rounder r;
    bool there = assay_rounder_make(f, ASSAY_RNE, policy, ASSAY_NAN_RULE_DEFAULT, &r) == ASSAY_OK;
    for (int i = 0; i < 4; i++) {
        char text[CODE];
        const uint64_t *codes = i < 2 ? r.overflow_code : r.infinite_code;
        set(row, keys[i], there ? code_text(f, codes[i % 2], text) : "-");
    }
    set(row, "meaning", assay_overflow_text(policy));
    return row;
}

static json_t *policy_rows(const assay_format *f)
{
    json_t *rows = json_array();
    for (int i = 0; i < ASSAY_OVERFLOW_COUNT; i++)
        json_array_append_new(rows, policy_row(f, (assay_overflow)i));
    return rows;
}

json_t *cli_describe_format(const assay_format *f)
{
    char text[TEXT];
    json_t *record =
        json_pack("{ss ss? ss}", "name", f->name, "alias", f->alias, "source", f->source);
    set_parameters(record, f);
    set_code(record, "max", f, true, f->max_code);
    snprintf(text, sizeof text, "%.17g", f->max);
    set(record, "max_in_decimal", text);
    set_code(record, "lowest", f, true, assay_position_code(f, 0));
    if (f->kind == ASSAY_FAMILY_FLOAT) {
        set_code(record, "min_normal", f, true,
                 f->has_subnormals ? (uint64_t)1 << f->fraction_bits : f->has_zero);
        set(record, "subnormals", f->has_subnormals ? "yes" : "no");
    }
    set_code(record, "min_positive", f, true, least_code(f));
    uint64_t zero = 0;
    bool has_zero = f->has_zero && assay_encode_exact(f, 0, &zero);
    set_code(record, "zero", f, has_zero, zero);
    set_code(record, "negative_zero", f, f->has_negzero, f->sign_bit);
    set_code(record, "infinity", f, f->has_inf, f->inf_code);
    set_code(record, "nan", f, f->nan != ASSAY_NAN_NONE, f->nan_code);
    set(record, "nan_codes", nan_codes(f));
    set(record, "nan_becomes", nan_results(f, text));
    json_object_set_new(record, "overflow_rne", policy_rows(f));
    return record;
}

static const char *row_source(const char *spec)
{
    for (size_t i = 0; i < assay_scheme_count(); i++)
        if (strcmp(assay_scheme_name(i), spec) == 0)
            return assay_scheme_text(i);
    return "built from its SPEC";
}

static const char *row_spec(const char *spec)
{
    for (size_t i = 0; i < assay_scheme_count(); i++)
        if (strcmp(assay_scheme_name(i), spec) == 0)
            return assay_scheme_spec(i);
    return spec;
}

/* Elements that share a scale. */
static void set_extent(json_t *record, const assay_scheme *s)
{
    char text[TEXT];
    if (s->extent == ASSAY_EXTENT_TILE)
        snprintf(text, sizeof text, "tile of %zu x %zu", s->tile_rows, s->block);
    else if (s->extent == ASSAY_EXTENT_BLOCK)
        snprintf(text, sizeof text, "block of %zu along the last axis", s->block);
    else
        snprintf(text, sizeof text, "%s", assay_extent_name(s->extent));
    set(record, "extent", text);
    set(record, "scales_depend_on", assay_reach_name(assay_scheme_reach(s)));
}

static double bits_per_element(const assay_scheme *s)
{
    double block = (double)s->block * (double)s->tile_rows;
    if (s->hierarchy)
        return 8.0 * (double)s->hierarchy->bytes / (double)s->hierarchy->elements;
    double bits = s->element.format.bits, scale = s->scale.format.bits;
    if (s->nested > 0)
        scale = s->map.format.bits + scale / (double)s->nested;
    if (s->extent == ASSAY_EXTENT_BLOCK || s->extent == ASSAY_EXTENT_TILE)
        bits += (scale + (s->has_zero ? s->element.format.bits : 0)) / block;
    return bits;
}

static void describe_scales(json_t *record, const assay_scheme *s)
{
    static const char *const tensor[] = { "none", "binary32, value = code x scale x tensor scale",
                                          "binary32, value = code x scale / tensor scale" };
    char text[TEXT];
    set(record, "scale", s->scale.format.name);
    set(record, "scale_rounding", assay_mode_name(s->scale.mode));
    set(record, "scale_rule", assay_scale_rule_name(s->rule));
    set(record, "scale_rule_text",
        s->has_zero ? "(max - min) / (levels - 1), with 0 between min and max"
                    : assay_scale_rule_text(s->rule));
    set(record, "zero_point",
        s->has_zero ? "least code - round(min / scale), a code of the element" : "none");
    set(record, "tensor_scale", tensor[s->has_tensor_scale + s->tensor_divides]);
    if (s->has_tensor_scale) {
        snprintf(text, sizeof text, "amax of the tensor gets %g x %g", s->element.format.max,
                 s->top_scale);
        set(record, "tensor_scale_rule", text);
    }
    if (s->nested > 0) {
        set_integer(record, "nested_size", (int)s->nested);
        set(record, "nested_map", s->map.format.name);
        set(record, "nested_rule", "scale = code x nested scale + offset, the mean of the scales");
    }
    set(record, "order", assay_order_name(s->order));
    set(record, "order_text", assay_order_text(s->order));
    snprintf(text, sizeof text, "%.9g", s->least);
    set(record, "least_amax", text);
}

json_t *cli_describe_scheme(const char *spec, const assay_scheme *s)
{
    char text[TEXT];
    json_t *record =
        json_pack("{ss ss ss}", "name", spec, "source", row_source(spec), "spec", row_spec(spec));
    set(record, "element", s->element.format.name);
    json_object_set_new(record, "block_size",
                        json_integer(s->block < (size_t)1 << 32 ? (json_int_t)s->block : 0));
    set_extent(record, s);
    snprintf(text, sizeof text, "%.6g", bits_per_element(s));
    set(record, "bits_per_element", text);
    if (s->hierarchy) {
        set_integer(record, "bytes_per_block", (int)s->hierarchy->bytes);
        set(record, "fields", s->hierarchy->fields);
        set(record, "scale_rule",
            s->search == ASSAY_SEARCH_OWN      ? "own"
            : s->search == ASSAY_SEARCH_MINMAX ? "minmax"
                                               : "mse");
        set(record, "scale_rule_text", s->hierarchy->rule);
    } else {
        describe_scales(record, s);
    }
    set(record, "element_overflow", assay_overflow_name(s->element.overflow));
    set(record, "short_last_block", s->hierarchy ? "padded with zeros" : "a block of its own");
    set(record, "nan_or_infinity", "the scale is NaN, and so is the whole block");
    set(record, "matrix_product",
        s->nested > 0 ? "none: nested scales are for cast and decode"
        : s->hierarchy
            ? "blocks are dequantized into binary64 first; @operand:FORMAT rounds the "
              "values once more"
            : "codes are multiplied and summed within a block, total = RND(sum x scales + "
              "total), unless @operand:FORMAT dequantizes first");
    return record;
}
