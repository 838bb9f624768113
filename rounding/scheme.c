/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/scheme.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "formats/spec.h"
#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/fast.h"

enum { SCALE_LIMIT = 127 }; /* E8M0 holds 2^-127 .. 2^127 */

/* Elements of at least this size stay normal binary64 values under every scale. */
#define LEAST_ELEMENT 0x1p-800

typedef struct scheme_row {
    const char *name, *element, *text;
} scheme_row;

static const scheme_row rows[] = {
    { "mxfp8_e4m3", "e4m3", "OCP MX 1.0: 32 e4m3 elements, one e8m0 scale" },
    { "mxfp8_e5m2", "e5m2", "OCP MX 1.0: 32 e5m2 elements, one e8m0 scale" },
    { "mxfp6_e2m3", "e2m3", "OCP MX 1.0: 32 e2m3 elements, one e8m0 scale" },
    { "mxfp6_e3m2", "e3m2", "OCP MX 1.0: 32 e3m2 elements, one e8m0 scale" },
    { "mxfp4", "e2m1", "OCP MX 1.0: 32 e2m1 elements, one e8m0 scale" },
};

enum { ROWS = sizeof rows / sizeof rows[0], MX_BLOCK = 32, MAX_BLOCK = 1 << 20 };

#define NAME(id, name, text) name,
#define TEXT(id, name, text) text,
static const char *const rule_names[] = { ASSAY_SCALE_RULES(NAME) NULL };
static const char *const rule_texts[] = { ASSAY_SCALE_RULES(TEXT) };

size_t assay_scheme_count(void)
{
    return ROWS;
}

const char *assay_scheme_name(size_t i)
{
    return rows[i].name;
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

/* The parameters of a block SPEC, before the element's rounder is made. */
typedef struct block_spec {
    const char *element;
    size_t size;
    assay_scale_rule rule;
} block_spec;

static assay_status set_parameter(const assay_spec_item *item, bool is_row, block_spec *block)
{
    const char *value = item->value ? item->value : "";
    int rule = 0;
    long size = 0;
    assay_status status;
    if (strcmp(item->key, "rule") == 0) {
        status = assay_spec_word("scale rule", value, rule_names, &rule);
        block->rule = (assay_scale_rule)rule;
        return status;
    }
    if (strcmp(item->key, "size") == 0) {
        status = assay_spec_integer(item, 1, MAX_BLOCK, &size);
        block->size = (size_t)size;
        return status;
    }
    if (strcmp(item->key, "elem") == 0 && !is_row) {
        block->element = value;
        return ASSAY_OK;
    }
    if (strcmp(item->key, "scale") == 0 && strcmp(value, "e8m0") == 0)
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_USAGE,
                      "parameter '%s=%s' is unknown; there are %ssize, rule and "
                      "scale=e8m0",
                      item->key, value, is_row ? "" : "elem, ");
}

static const scheme_row *find_row(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static assay_status parse_block(const assay_spec *spec, block_spec *block)
{
    const scheme_row *row = find_row(spec->head);
    *block = (block_spec){ row ? row->element : NULL, row ? MX_BLOCK : 0, ASSAY_SCALE_FLOOR };
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < spec->count && status == ASSAY_OK; i++)
        status = set_parameter(&spec->items[i], row != NULL, block);
    if (status == ASSAY_OK && (!block->element || !block->size))
        status = assay_fail(ASSAY_ERR_USAGE, "block needs elem=FORMAT and size=N");
    return status;
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
    assay_scheme scheme = { .rule = ASSAY_SCALE_FLOOR };
    assay_status status = assay_spec_split(text, &spec);
    if (status != ASSAY_OK)
        return status;
    block_spec block = { .element = text };
    if (find_row(spec.head) || strcmp(spec.head, "block") == 0) {
        status = parse_block(&spec, &block);
        if (status != ASSAY_OK)
            return assay_fail_in(status, text);
        overflow = overflow == ASSAY_OVERFLOW_SPEC ? ASSAY_OVERFLOW_SAT : overflow;
        scheme.block = block.size;
        scheme.rule = block.rule;
    }
    assay_format format;
    status = assay_format_parse(block.element, &format);
    if (status == ASSAY_OK && scheme.block &&
        (format.min_positive < LEAST_ELEMENT || !format.fits_binary64))
        return assay_fail(ASSAY_ERR_USAGE, "%s: %s is too wide for an element of a block", text,
                          block.element);
    if (status == ASSAY_OK)
        status = assay_rounder_make_for(&format, rounding, overflow, nan, &scheme.element);
    if (status == ASSAY_OK)
        *out = scheme;
    return status;
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

int assay_scale_exponent(const assay_scheme *scheme, double amax)
{
    const assay_format *f = &scheme->element.format;
    if (amax == 0)
        return -SCALE_LIMIT;
    int e = assay_exponent(amax) - f->emax;
    /* mu and max's significand compared on the bits: both are doubles in [1, 2). */
    uint64_t mu = assay_exact_from(amax).sig, top = assay_exact_from(f->max).sig;
    const uint64_t one = (uint64_t)1 << 63;
    if (scheme->rule == ASSAY_SCALE_CEIL)
        e += mu > one;
    else if (scheme->rule == ASSAY_SCALE_RCEIL)
        e += mu > top;
    return assay_clamp(e, -SCALE_LIMIT, SCALE_LIMIT);
}

/* Largest magnitude of a block; NaN if one of them is NaN or infinite. */
static double block_amax(const double *x, size_t n)
{
    double amax = 0;
    for (size_t i = 0; i < n; i++) {
        double a = fabs(x[i]);
        if (!(a <= 1.7976931348623157e308))
            return NAN;
        amax = a > amax ? a : amax;
    }
    return amax;
}

/* x 2^-e is exact unless it falls below binary64's normal range, far below half of any
 * element's least value, where only its sign and its not being zero still matter. */
static double scaled(double x, int e)
{
    double y = x * assay_pow2(-e);
    return y == 0 && x != 0 ? copysign(0x1p-1074, x) : y;
}

static void round_random(const assay_rounder *r, const assay_random *random, uint64_t first,
                         const double *x, double *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t at = random->bits ? i : first + i;
        y[i] =
            assay_decode(&r->format, assay_round_exact_at(r, assay_exact_from(x[i]), random, at));
    }
}

/* Elements of one block, and the bits of stochastic ones. */
typedef struct block_run {
    const assay_scheme *scheme;
    const assay_fast_rounder *round;
    const assay_random *random; /* or NULL */
    uint64_t first;
} block_run;

static void apply_block(const block_run *run, const double *x, double *y, size_t n)
{
    const assay_scheme *s = run->scheme;
    double amax = block_amax(x, n);
    if (amax != amax) {
        for (size_t i = 0; i < n; i++)
            y[i] = assay_from_bits64(0x7ff8000000000000);
        return;
    }
    int e = assay_scale_exponent(s, amax);
    double scale = assay_pow2(e);
    for (size_t i = 0; i < n; i++)
        y[i] = scaled(x[i], e);
    if (run->random)
        round_random(&s->element, run->random, run->first, y, y, n);
    for (size_t i = 0; i < n; i++)
        y[i] = (run->random ? y[i] : assay_round_fast(run->round, y[i])) * scale;
}

static void apply(const assay_scheme *s, const assay_random *random, uint64_t first,
                  const double *x, double *y, size_t n)
{
    assay_fast_rounder round = assay_fast_rounder_from(&s->element);
    for (size_t i = 0; i < n; i += s->block) {
        assay_random here = random ? *random : (assay_random){ 0 };
        here.bits = here.bits ? here.bits + i : NULL;
        block_run run = { s, &round, random ? &here : NULL, first + i };
        apply_block(&run, x + i, y + i, n - i < s->block ? n - i : s->block);
    }
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
    if (s->block == 0)
        round_random(&s->element, random, first, x, y, n);
    else
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
    if (a <= top)
        return a * u.relative + scale * u.absolute;
    bool clips = r->overflow == ASSAY_OVERFLOW_SAT || r->overflow == ASSAY_OVERFLOW_PROPAGATE;
    return clips && a < INFINITY ? (a - top) * (1 + 0x1p-50) : INFINITY;
}

void assay_scheme_bound(const assay_scheme *s, const double *x, double *bound, size_t n)
{
    if (s->block == 0) {
        for (size_t i = 0; i < n; i++)
            bound[i] = s->element.identity && fabs(x[i]) < INFINITY
                           ? 0
                           : bound_element(&s->element, x[i], 1);
        return;
    }
    for (size_t i = 0; i < n; i += s->block) {
        size_t m = n - i < s->block ? n - i : s->block;
        double amax = block_amax(x + i, m);
        double scale = amax == amax ? assay_pow2(assay_scale_exponent(s, amax)) : NAN;
        for (size_t j = i; j < i + m; j++)
            bound[j] = amax == amax ? bound_element(&s->element, x[j], scale) : INFINITY;
    }
}
