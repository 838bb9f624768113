/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/scheme.h"

#include <math.h>
#include <string.h>

#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/scheme_rows.h"

typedef struct scheme_row {
    const char *name, *spec, *text;
} scheme_row;

#define ASSAY_SCHEME(name, spec, text) { name, spec, text },
static const scheme_row rows[] = {
#include "rounding/schemes.def"
};
enum { ROWS = sizeof rows / sizeof rows[0] };

#define NAME(id, name, text) name,
#define TEXT(id, name, text) text,
static const char *const rule_names[] = { ASSAY_SCALE_RULES(NAME) };
static const char *const rule_texts[] = { ASSAY_SCALE_RULES(TEXT) };
static const char *const order_names[] = { ASSAY_ORDERS(NAME) };
static const char *const order_texts[] = { ASSAY_ORDERS(TEXT) };

size_t assay_scheme_count(void)
{
    return ROWS;
}

const char *assay_scheme_name(size_t i)
{
    return rows[i].name;
}

const char *assay_scheme_spec(size_t i)
{
    return rows[i].spec;
}

const char *assay_scheme_text(size_t i)
{
    return rows[i].text;
}

const char *assay_scale_rule_name(assay_scale_rule rule)
{
    return rule_names[rule];
}

const char *assay_scale_rule_text(assay_scale_rule rule)
{
    return rule_texts[rule];
}

const char *assay_order_name(assay_order order)
{
    return order_names[order];
}

const char *assay_order_text(assay_order order)
{
    return order_texts[order];
}

const char *assay_extent_name(assay_extent extent)
{
    static const char *const names[] = { "element", "block", "row", "tile", "tensor" };
    return names[extent];
}

const char *assay_reach_name(assay_reach reach)
{
    static const char *const names[] = { "fixed", "token", "call" };
    return names[reach];
}

assay_reach assay_scheme_reach(const assay_scheme *s)
{
    if (s->block == 0)
        return ASSAY_REACH_FIXED;
    bool beyond = s->extent == ASSAY_EXTENT_TENSOR || s->tile_rows > 1 || s->has_tensor_scale ||
                  s->nested > 0;
    return beyond ? ASSAY_REACH_CALL : ASSAY_REACH_TOKEN;
}

const char *assay_scheme_row_spec(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].spec;
    return NULL;
}

assay_status assay_scheme_parse(const char *text, assay_mode mode, assay_overflow overflow,
                                assay_nan_rule nan, assay_scheme *out)
{
    return assay_scheme_parse_for(text, (assay_rounding){ .mode = mode }, overflow, nan, out);
}

assay_status assay_scheme_parse_for(const char *text, assay_rounding rounding,
                                    assay_overflow overflow, assay_nan_rule nan, assay_scheme *out)
{
    assay_spec spec;
    assay_format format;
    assay_scheme scheme;
    assay_status status = assay_spec_split(text, &spec);
    if (status != ASSAY_OK)
        return status;
    memset(&scheme, 0, sizeof scheme);
    if (assay_scheme_is_block_spec(spec.head)) {
        status = assay_scheme_build(&spec, rounding, overflow, nan, &scheme);
        if (status != ASSAY_OK)
            return assay_fail_in(status, text);
        *out = scheme;
        return ASSAY_OK;
    }
    scheme.tile_rows = 1;
    status = assay_format_parse(text, &format);
    if (status == ASSAY_OK)
        status = assay_rounder_make_for(&format, rounding, overflow, nan, &scheme.element);
    if (status == ASSAY_OK)
        *out = scheme;
    return status;
}

assay_status assay_scheme_check_rows(const assay_scheme *s, bool output)
{
    if (assay_scheme_reach(s) == ASSAY_REACH_CALL)
        return assay_fail(ASSAY_ERR_USAGE,
                          "the scheme's scales belong to more than one row, and rows are "
                          "quantized one by one here; use a block, group, channel or token scheme");
    bool known = s->block == 0 || (s->extent == ASSAY_EXTENT_BLOCK && !s->hierarchy &&
                                   s->rule <= ASSAY_SCALE_RCEIL && s->scale.format.p == 1);
    if (output && !known)
        return assay_fail(ASSAY_ERR_USAGE,
                          "results are quantized by scalar formats, or by blocks with e8m0 "
                          "scales and the rule floor, ceil or rceil");
    return ASSAY_OK;
}

assay_scheme assay_scheme_identity(void)
{
    assay_scheme scheme;
    if (assay_scheme_parse("binary64", ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT,
                           &scheme) != ASSAY_OK)
        __builtin_trap();
    return scheme;
}

bool assay_scheme_is_identity(const assay_scheme *scheme)
{
    return scheme->block == 0 && scheme->element.identity;
}

/* Odd quotients round right where midpoints have at most 51 bits, and code x scale is exact where
 * codes have 24: a codebook's values are multiples of one unit, binary32 and below 2^48 units. */
bool assay_scheme_is_narrow(const assay_format *f)
{
    if (f->kind != ASSAY_FAMILY_CODEBOOK)
        return f->p <= 24;
    double low = f->max;
    bool exact = true;
    for (uint64_t i = 0; i < assay_position_count(f); i++) {
        double v = assay_decode(f, assay_position_code(f, i));
        uint64_t bits = assay_bits64(v);
        exact = exact && (double)(float)v == v;
        double unit =
            v == 0 ? low
                   : assay_pow2(assay_exponent(v) - 52 + __builtin_ctzll(bits | (uint64_t)1 << 52));
        low = unit < low ? unit : low;
    }
    return exact && f->max < low * 0x1p48;
}

/* A scheme of tensors takes the row as its tensor. */
static assay_tensor_scale tensor_of_row(const assay_scheme *s, const double *x, size_t n)
{
    return assay_scheme_tensor_scale(s, s->has_tensor_scale ? assay_scheme_amax(s, 1, n, x) : 0);
}

static void apply(const assay_scheme *s, const assay_random *random, uint64_t first,
                  const double *x, double *y, size_t n)
{
    assay_tensor_scale tensor = tensor_of_row(s, x, n);
    assay_quantized out = { .values = y };
    assay_scheme_quantize(s, &tensor, 1, n, x, random, first, &out);
}

void assay_scheme_apply(const assay_scheme *s, const double *x, double *y, size_t n)
{
    if (s->block == 0)
        assay_round_array_f64(&s->element, x, y, n);
    else
        apply(s, NULL, 0, x, y, n);
}

void assay_scheme_apply_random(const assay_scheme *s, const assay_random *random, uint64_t first,
                               const double *x, double *y, size_t n)
{
    apply(s, random, first, x, y, n);
}

assay_unit assay_rounder_unit(const assay_rounder *r)
{
    if (r->format.kind != ASSAY_FAMILY_FLOAT)
        return (assay_unit){ r->format.relative, r->format.absolute };
    bool nearest = r->mode == ASSAY_RNE || r->mode == ASSAY_RNA || r->mode == ASSAY_RNZ;
    double unit = assay_pow2(-r->format.p), least = r->format.min_positive;
    return (assay_unit){ nearest ? unit : 2 * unit,
                         nearest && least > 0x1p-1074 ? least / 2 : least };
}

/* |round(x / scale) scale - x|, scale a power of two. In binary64 the sum below is not less than
 * the unit times the power of two below |x|, nor than the absolute part, and one of these two
 * bounds the error. */
static double bound_element(const assay_rounder *r, double x, double scale)
{
    assay_unit u = assay_rounder_unit(r);
    double a = fabs(x), top = scale * r->format.max;
    if (x < 0 && !r->format.is_signed)
        return INFINITY;
    double inside = a * u.relative + scale * u.absolute;
    bool clips = r->overflow == ASSAY_OVERFLOW_SAT || r->overflow == ASSAY_OVERFLOW_PROPAGATE;
    if (a <= top)
        return inside;
    if (!clips || !(a < INFINITY))
        return INFINITY;
    double over = (a - top) * (1 + 0x1p-50);
    return x < 0 && inside > over ? inside : over; /* integers go below -max */
}

/* Blocks whose scale follows from amax alone, a power of two. */
static bool is_plain(const assay_scheme *s)
{
    bool of_amax = s->rule <= ASSAY_SCALE_CT && s->extent == ASSAY_EXTENT_BLOCK;
    return of_amax && s->scale.format.p == 1 && !s->has_tensor_scale && !s->has_zero &&
           !s->hierarchy;
}

static void bound_plain(const assay_scheme *s, const double *x, double *bound, size_t n)
{
    for (size_t i = 0; i < n; i += s->block) {
        region block = { x + i, 1, n - i < s->block ? n - i : s->block, n, NULL };
        double amax = assay_region_amax(&block);
        double scale = amax == amax ? assay_pow2(assay_scale_exponent(s, amax)) : NAN;
        for (size_t j = i; j < i + block.cols; j++)
            bound[j] = amax == amax ? bound_element(&s->element, x[j], scale) : INFINITY;
    }
}

void assay_scheme_bound_rows(const assay_scheme *s, const assay_tensor_scale *tensor, size_t count,
                             size_t cols, const double *x, double *bound)
{
    size_t n = count * cols;
    for (size_t i = 0; s->block == 0 && i < n; i++)
        bound[i] =
            s->element.identity && fabs(x[i]) < INFINITY ? 0 : bound_element(&s->element, x[i], 1);
    if (s->block == 0)
        return;
    if (is_plain(s)) {
        for (size_t i = 0; i < count; i++)
            bound_plain(s, x + i * cols, bound + i * cols, cols);
        return;
    }
    if (assay_mode_is_stochastic(s->element.mode)) {
        for (size_t i = 0; i < n; i++)
            bound[i] = INFINITY;
        return;
    }
    const assay_quantized out = { .values = bound };
    assay_scheme_quantize(s, tensor, count, cols, x, NULL, 0, &out);
    for (size_t i = 0; i < n; i++) {
        double e = fabs(bound[i] - x[i]) * (1 + 0x1p-50);
        bound[i] = e < INFINITY ? e : INFINITY;
    }
}

void assay_scheme_bound(const assay_scheme *s, const double *x, double *bound, size_t n)
{
    assay_tensor_scale tensor = tensor_of_row(s, x, n);
    assay_scheme_bound_rows(s, &tensor, 1, n, x, bound);
}
