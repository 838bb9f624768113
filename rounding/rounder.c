/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/spec.h"
#include "rounding/round.h"

#define NAME(id, name, text) name,
#define TEXT(id, name, text) text,
static const char *const mode_names[] = { ASSAY_MODES(NAME) NULL };
static const char *const mode_texts[] = { ASSAY_MODES(TEXT) };
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

assay_status assay_mode_parse(const char *name, assay_mode *out)
{
    int index = 0;
    assay_status status = assay_spec_word("rounding mode", name, mode_names, &index);
    if (status == ASSAY_OK)
        *out = (assay_mode)index;
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

/* The contract's overflow value: infinity, else NaN, else the largest finite. */
static uint64_t overflow_value(const assay_format *f, bool negative)
{
    if (f->has_inf)
        return signed_code(f, f->inf_code, negative);
    return f->nan != ASSAY_NAN_NONE ? f->nan_code : signed_code(f, f->max_code, negative);
}

/* Modes that never move away from zero on this side stop at the largest finite value. */
static bool stops_at_max(assay_mode mode, bool negative)
{
    return mode == ASSAY_RTZ || mode == ASSAY_RODD || (mode == ASSAY_RUP && negative) ||
           (mode == ASSAY_RDN && !negative);
}

static void set_overflow(assay_rounder *r, bool negative)
{
    const assay_format *f = &r->format;
    uint64_t max = signed_code(f, f->max_code, negative), value = overflow_value(f, negative);
    uint64_t *finite = &r->overflow_code[negative], *infinite = &r->infinite_code[negative];
    if (negative && !f->is_signed) { /* no negative value belongs: contract, NaN paragraph */
        bool nan = r->overflow != ASSAY_OVERFLOW_SAT && f->nan != ASSAY_NAN_NONE;
        *finite = *infinite = nan ? f->nan_code : 0;
        return;
    }
    switch (r->overflow) {
    case ASSAY_OVERFLOW_SPEC:
        *finite = stops_at_max(r->mode, negative) ? max : value;
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

static assay_status set_nan(assay_rounder *r, assay_nan_rule rule)
{
    const assay_format *f = &r->format;
    if (f->nan != ASSAY_NAN_NONE) {
        r->nan_code = f->nan_code;
        return ASSAY_OK;
    }
    if (rule == ASSAY_NAN_RULE_NEGZERO && !f->has_negzero)
        return assay_fail(ASSAY_ERR_USAGE, "NaN rule negzero: %s has no negative zero", f->name);
    r->nan_is_error = rule == ASSAY_NAN_RULE_ERROR;
    r->nan_code = rule == ASSAY_NAN_RULE_ZERO      ? 0
                  : rule == ASSAY_NAN_RULE_NEGZERO ? f->sign_bit
                                                   : f->max_code;
    return ASSAY_OK;
}

assay_status assay_rounder_make(const assay_format *format, assay_mode mode,
                                assay_overflow overflow, assay_nan_rule nan, assay_rounder *out)
{
    if (overflow == ASSAY_OVERFLOW_INF && !format->has_inf)
        return assay_fail(ASSAY_ERR_USAGE, "overflow policy inf: %s has no infinity", format->name);
    if (overflow == ASSAY_OVERFLOW_NAN && format->nan == ASSAY_NAN_NONE)
        return assay_fail(ASSAY_ERR_USAGE, "overflow policy nan: %s has no NaN", format->name);
    assay_rounder r = { .format = *format, .mode = mode, .overflow = overflow };
    assay_status status = set_nan(&r, nan);
    if (status != ASSAY_OK)
        return status;
    for (int negative = 0; negative < 2; negative++) {
        set_overflow(&r, negative);
        r.overflow_value[negative] = assay_decode(format, r.overflow_code[negative]);
        r.infinite_value[negative] = assay_decode(format, r.infinite_code[negative]);
    }
    r.nan_value = assay_decode(format, r.nan_code);
    r.identity = format->has_negzero && format->p == 53 && format->emin == -1022 &&
                 format->emax == 1023 && assay_code_is_inf(format, r.infinite_code[0]) &&
                 assay_code_is_inf(format, r.infinite_code[1]);
    *out = r;
    return ASSAY_OK;
}
