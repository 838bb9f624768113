/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix units as accumulators: `UNIT` or `UNIT:PARAMETER=VALUE,...`, its own and its plan's. */
#include <stdio.h>
#include <string.h>

#include "kernels/accumulator_parts.h"

/* The format whose codes a unit takes or gives; binary64 holds the sums of integers. */
static const char *format_of(assay_mma_format f)
{
    switch (f) {
    case ASSAY_MMA_F32:
    case ASSAY_MMA_TF32: return "binary32";
    case ASSAY_MMA_F16: return "binary16";
    case ASSAY_MMA_BF16: return "bfloat16";
    case ASSAY_MMA_UE8M0: return "e8m0";
    case ASSAY_MMA_S16: return "int16";
    case ASSAY_MMA_S8: return "int8";
    case ASSAY_MMA_U8: return "uint8";
    case ASSAY_MMA_S4: return "int4";
    case ASSAY_MMA_U4: return "uint4";
    case ASSAY_MMA_F64:
    case ASSAY_MMA_S32: return "binary64";
    default: return assay_mma_format_name(f);
    }
}

static assay_status make_rounder(assay_mma_format f, assay_rounder *out)
{
    assay_format format;
    assay_status status = assay_format_parse(format_of(f), &format);
    if (status == ASSAY_OK)
        status = assay_rounder_make(&format, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT,
                                    out);
    return status;
}

/* No format's name has a dot in it, and every unit's has one. */
bool assay_accumulator_is_unit(const char *text)
{
    return text[0] != '[' && memchr(text, '.', strcspn(text, ":")) != NULL;
}

assay_status assay_accumulator_parse_unit(const char *text, assay_accumulator *out)
{
    assay_accumulator acc = { .kind = ASSAY_SUM_UNIT };
    assay_status status = assay_mma_parse_planned(text, &acc.unit, &acc.plan);
    acc.plan.fill = true;
    if (status == ASSAY_OK)
        status = make_rounder(acc.unit.fa, &acc.operand[0]);
    if (status == ASSAY_OK)
        status = make_rounder(acc.unit.fb, &acc.operand[1]);
    if (status == ASSAY_OK && acc.unit.block)
        status = make_rounder(acc.unit.fs, &acc.scale);
    if (status == ASSAY_OK)
        status = make_rounder(acc.unit.fc, &acc.round);
    if (status != ASSAY_OK) {
        char prefix[300];
        snprintf(prefix, sizeof prefix, "accumulator '%.200s'", text);
        return assay_fail_in(status, prefix);
    }
    *out = acc;
    return ASSAY_OK;
}

/* ---- operands ---- */

static bool same_value(double x, double y)
{
    return x == y || (x != x && y != y);
}

/* Whether every value of x is one of y's; codes of 16 bits and fewer are tried one by one. */
static bool holds(const assay_rounder *y, const assay_format *x)
{
    if (strcmp(x->name, y->format.name) == 0)
        return true;
    if (x->bits > 16)
        return x->kind == ASSAY_FAMILY_FLOAT && y->format.kind == ASSAY_FAMILY_FLOAT &&
               x->p <= y->format.p && x->emax <= y->format.emax &&
               x->emin - x->p >= y->format.emin - y->format.p && x->emin >= y->format.emin;
    for (uint64_t code = 0; code < (uint64_t)1 << x->bits; code++) {
        double v = assay_decode(x, code);
        if (!same_value(assay_decode(&y->format, assay_round_code(y, v)), v))
            return false;
    }
    return true;
}

assay_status assay_accumulator_check_operand(const assay_accumulator *acc, int side,
                                             const assay_format *format)
{
    const assay_mma_unit *u = &acc->unit;
    if (acc->kind != ASSAY_SUM_UNIT || holds(&acc->operand[side], format))
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_USAGE, "%s is not what %s takes as %c, which is %s", format->name,
                      u->name, side ? 'B' : 'A', assay_mma_format_name(side ? u->fb : u->fa));
}

assay_status assay_accumulator_check_scheme(const assay_accumulator *acc, int side,
                                            const assay_scheme *s)
{
    const assay_mma_unit *u = &acc->unit;
    assay_status status = assay_accumulator_check_operand(acc, side, &s->element.format);
    if (status != ASSAY_OK || acc->kind != ASSAY_SUM_UNIT || s->block == 0)
        return status;
    if (s->hierarchy || s->has_zero)
        return assay_fail(ASSAY_ERR_USAGE,
                          "%s takes no fields or zero points: dequantize with @operand:F", u->name);
    if (u->block == 0)
        return ASSAY_OK;
    bool blocks = s->extent == ASSAY_EXTENT_BLOCK || s->extent == ASSAY_EXTENT_TILE;
    if (!blocks || s->block != (size_t)u->block)
        return assay_fail(ASSAY_ERR_USAGE, "%s takes a scale for each %d terms", u->name, u->block);
    /* Scales are not negative, so that e4m3 is as good as ue4m3. */
    bool signed_too = u->fs == ASSAY_MMA_UE4M3 && strcmp(s->scale.format.name, "e4m3") == 0;
    if (!signed_too && !holds(&acc->scale, &s->scale.format))
        return assay_fail(ASSAY_ERR_USAGE, "%s takes scales in %s, not in %s", u->name,
                          assay_mma_format_name(u->fs), s->scale.format.name);
    return ASSAY_OK;
}

bool assay_accumulator_is_integer(const assay_accumulator *acc)
{
    return acc->kind == ASSAY_SUM_INT32 || acc->kind == ASSAY_SUM_INT32_SAT ||
           (acc->kind == ASSAY_SUM_UNIT && acc->unit.fc == ASSAY_MMA_S32);
}
