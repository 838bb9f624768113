/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "formats/family.h"
#include "formats/spec.h"
#include "rounding/round.h"

#define NAME(id, name, text) name,
#define TEXT(id, name, text) text,
static const char *const mode_names[] = { ASSAY_MODES(NAME) ASSAY_STOCHASTIC_MODES(NAME) NULL };
static const char *const mode_texts[] = { ASSAY_MODES(TEXT) ASSAY_STOCHASTIC_MODES(TEXT) };
static const char *const overflow_names[] = { ASSAY_POLICIES(NAME) NULL };
static const char *const overflow_texts[] = { ASSAY_POLICIES(TEXT) };
static const char *const nan_names[] = { "default", "max", "zero", "negzero", "error", NULL };

const char *assay_mode_name(assay_mode mode)
{
    return mode_names[mode];
}

const char *assay_mode_text(assay_mode mode)
{
    return mode_texts[mode];
}

const char *assay_overflow_name(assay_overflow policy)
{
    return overflow_names[policy];
}

const char *assay_overflow_text(assay_overflow policy)
{
    return overflow_texts[policy];
}

/* MODE[:bits=N][+ef], where the feedback's suffix is cut off first. */
static assay_status parse_mode(const char *text, assay_rounding *r)
{
    assay_spec spec;
    int index = 0;
    long bits = 0;
    assay_status status = assay_spec_split(text, &spec);
    if (status == ASSAY_OK)
        status = assay_spec_word("rounding mode", spec.head, mode_names, &index);
    if (status != ASSAY_OK)
        return status;
    r->mode = (assay_mode)index;
    bool counted = r->mode == ASSAY_SRA || r->mode == ASSAY_SRB || r->mode == ASSAY_SRC;
    const assay_spec_item *item = assay_spec_find(&spec, "bits");
    if (counted && !item)
        return assay_fail(ASSAY_ERR_USAGE, "rounding mode %s needs bits=N", spec.head);
    if (spec.count > counted)
        return assay_fail(ASSAY_ERR_USAGE, "rounding mode %s: parameter '%s' is unknown; there %s",
                          spec.head, spec.items[counted && item == &spec.items[0]].key,
                          counted ? "is bits" : "are none");
    if (counted)
        status = assay_spec_integer(item, 1, 32, &bits);
    r->bits = (int)bits;
    return status;
}

assay_status assay_rounding_parse(const char *text, assay_rounding *out)
{
    char head[ASSAY_SPEC_BYTES];
    size_t n = strlen(text);
    assay_rounding r = { .feedback = n > 3 && strcmp(text + n - 3, "+ef") == 0 };
    if (n >= sizeof head)
        return assay_fail(ASSAY_ERR_USAGE, "rounding mode '%.40s...' is too long", text);
    snprintf(head, sizeof head, "%.*s", (int)(n - (r.feedback ? 3 : 0)), text);
    assay_status status = parse_mode(head, &r);
    if (status == ASSAY_OK)
        *out = r;
    return status;
}

assay_status assay_mode_parse(const char *name, assay_mode *out)
{
    assay_rounding r;
    assay_status status = assay_rounding_parse(name, &r);
    if (status == ASSAY_OK && (assay_mode_is_stochastic(r.mode) || r.feedback))
        return assay_fail(ASSAY_ERR_USAGE, "rounding mode '%s' is not deterministic", name);
    if (status == ASSAY_OK)
        *out = r.mode;
    return status;
}

assay_status assay_overflow_parse(const char *name, assay_overflow *out)
{
    int index = 0;
    assay_status status = assay_spec_word("overflow policy", name, overflow_names, &index);
    if (status == ASSAY_OK)
        *out = (assay_overflow)index;
    return status;
}

assay_status assay_nan_rule_parse(const char *name, assay_nan_rule *out)
{
    int index = 0;
    assay_status status = assay_spec_word("NaN rule", name, nan_names, &index);
    if (status == ASSAY_OK)
        *out = (assay_nan_rule)index;
    return status;
}

static uint64_t signed_code(const assay_format *f, uint64_t magnitude, bool negative)
{
    return negative ? magnitude | f->sign_bit : magnitude;
}

/* Modes that never move away from zero on this side stop at the largest finite value. */
static bool stops_at_max(assay_mode mode, bool negative)
{
    return mode == ASSAY_RTZ || mode == ASSAY_RODD || (mode == ASSAY_RUP && negative) ||
           (mode == ASSAY_RDN && !negative);
}

/* The largest finite value of a side. Unsigned formats have nothing below their least value. */
static uint64_t largest(const assay_format *f, bool negative)
{
    if (f->kind == ASSAY_FAMILY_FLOAT)
        return negative && !f->is_signed ? 0 : signed_code(f, f->max_code, negative);
    return f->family->code(f, negative ? 0 : f->family->count(f) - 1);
}

/* The contract's overflow value: infinity, else NaN, else the largest finite. */
static uint64_t overflow_value(const assay_format *f, bool negative)
{
    if (f->has_inf)
        return signed_code(f, f->inf_code, negative);
    return f->nan != ASSAY_NAN_NONE ? f->nan_code : largest(f, negative);
}

/* P3109 4.0, Saturate under SatNone: towards zero stops at the largest value; so does ToOdd where
 * that value's code is odd, which is in the unsigned formats. */
static bool p3109_stops(const assay_rounder *r, bool negative)
{
    if (r->mode == ASSAY_RODD)
        return !r->format.is_signed;
    return stops_at_max(r->mode, negative);
}

static void set_p3109(assay_rounder *r, bool negative)
{
    const assay_format *f = &r->format;
    uint64_t max = largest(f, negative);
    uint64_t infinity = f->has_inf ? signed_code(f, f->inf_code, negative) : max;
    bool spec = r->overflow == ASSAY_OVERFLOW_SPEC;
    if (negative && !f->is_signed) {
        bool zero = !spec || r->mode == ASSAY_RTZ || r->mode == ASSAY_RUP;
        r->overflow_code[1] = zero ? 0 : f->nan_code;
        r->infinite_code[1] = spec ? f->nan_code : 0; /* 4.7.5: this line comes before the modes' */
        return;
    }
    r->overflow_code[negative] = spec && !p3109_stops(r, negative) ? infinity : max;
    r->infinite_code[negative] = r->overflow == ASSAY_OVERFLOW_SAT ? max : infinity;
}

static void set_overflow(assay_rounder *r, bool negative)
{
    const assay_format *f = &r->format;
    uint64_t max = largest(f, negative), value = overflow_value(f, negative);
    uint64_t *finite = &r->overflow_code[negative], *infinite = &r->infinite_code[negative];
    bool named = r->overflow == ASSAY_OVERFLOW_INF || r->overflow == ASSAY_OVERFLOW_NAN;
    if (f->law == ASSAY_LAW_P3109 && !named) {
        set_p3109(r, negative);
        return;
    }
    if (negative && !f->is_signed) { /* no negative value belongs: contract, NaN paragraph */
        bool nan = r->overflow != ASSAY_OVERFLOW_SAT && f->nan != ASSAY_NAN_NONE;
        *finite = *infinite = nan ? f->nan_code : max;
        return;
    }
    bool saturates = f->law == ASSAY_LAW_SATURATE;
    switch (r->overflow) {
    case ASSAY_OVERFLOW_SPEC:
        *finite = saturates || stops_at_max(r->mode, negative) ? max : value;
        *infinite = value;
        return;
    case ASSAY_OVERFLOW_SAT: *finite = *infinite = max; return;
    case ASSAY_OVERFLOW_INF: *finite = *infinite = signed_code(f, f->inf_code, negative); return;
    case ASSAY_OVERFLOW_NAN: *finite = *infinite = f->nan_code; return;
    default:
        *finite = max;
        *infinite = value;
        return;
    }
}

/* Zero, or the value nearest to it. */
static uint64_t zero_code(const assay_rounder *r)
{
    assay_rounder nearest = *r;
    nearest.mode = ASSAY_RNE;
    return assay_round_exact(&nearest, (assay_exact){ .kind = ASSAY_ZERO });
}

static assay_status set_nan(assay_rounder *r, assay_nan_rule rule)
{
    const assay_format *f = &r->format;
    if (f->nan != ASSAY_NAN_NONE) {
        r->nan_code = f->nan_code;
        return ASSAY_OK;
    }
    if (rule == ASSAY_NAN_RULE_NEGZERO && !f->has_negzero)
        return assay_fail(ASSAY_ERR_USAGE, "NaN rule negzero: %s has no negative zero", f->name);
    rule = rule == ASSAY_NAN_RULE_DEFAULT ? f->nan_rule : rule;
    r->nan_is_error = rule == ASSAY_NAN_RULE_ERROR;
    r->nan_code = rule == ASSAY_NAN_RULE_ZERO      ? zero_code(r)
                  : rule == ASSAY_NAN_RULE_NEGZERO ? f->sign_bit
                                                   : f->max_code;
    return ASSAY_OK;
}

assay_status assay_rounder_make(const assay_format *format, assay_mode mode,
                                assay_overflow overflow, assay_nan_rule nan, assay_rounder *out)
{
    return assay_rounder_make_for(format, (assay_rounding){ .mode = mode }, overflow, nan, out);
}

assay_status assay_rounder_make_for(const assay_format *format, assay_rounding rounding,
                                    assay_overflow overflow, assay_nan_rule nan, assay_rounder *out)
{
    if (overflow == ASSAY_OVERFLOW_INF && !format->has_inf)
        return assay_fail(ASSAY_ERR_USAGE, "overflow policy inf: %s has no infinity", format->name);
    if (overflow == ASSAY_OVERFLOW_NAN && format->nan == ASSAY_NAN_NONE)
        return assay_fail(ASSAY_ERR_USAGE, "overflow policy nan: %s has no NaN", format->name);
    assay_rounder r = {
        .format = *format, .mode = rounding.mode, .random_bits = rounding.bits, .overflow = overflow
    };
    for (int negative = 0; negative < 2; negative++) {
        set_overflow(&r, negative);
        r.overflow_value[negative] = assay_decode(format, r.overflow_code[negative]);
        r.infinite_value[negative] = assay_decode(format, r.infinite_code[negative]);
    }
    assay_status status = set_nan(&r, nan);
    if (status != ASSAY_OK)
        return status;
    r.nan_value = assay_decode(format, r.nan_code);
    r.identity = format->kind == ASSAY_FAMILY_FLOAT && format->has_negzero && format->p == 53 &&
                 format->emin == -1022 && format->emax == 1023 &&
                 assay_code_is_inf(format, r.infinite_code[0]) &&
                 assay_code_is_inf(format, r.infinite_code[1]);
    *out = r;
    return ASSAY_OK;
}
