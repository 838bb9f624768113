/* SPDX-License-Identifier: Apache-2.0 */
/* docs/rounding.md, 24. */
#include "rounding/ladder.h"

#include "formats/family.h"

static assay_exact magnitude(assay_exact x)
{
    x.negative = false;
    return x;
}

static assay_exact minus(assay_exact x)
{
    x.negative = !x.negative;
    return x;
}

/* toward and away as values; x lies between them and is neither. */
static void measure(assay_step *step, const assay_exact *x, assay_exact toward, assay_exact away,
                    const assay_exact *tie)
{
    assay_exact middle = tie ? *tie : assay_exact_shifted(assay_exact_add(toward, away), -1);
    int order = assay_compare_signed(x, &middle);
    step->tail = assay_compare_signed(&away, &toward) > 0 ? order : -order;
    step->fraction = magnitude(assay_exact_add(*x, minus(toward)));
    step->unit = magnitude(assay_exact_add(away, minus(toward)));
    step->from_zero = toward.kind == ASSAY_ZERO;
}

/* Past the end on x's side. Rounding has no upper bound: where overflow gives something else than
 * the largest value, the values go on for one step, and what lies beyond it overflows. */
static assay_step past(const assay_format *f, const assay_exact *x)
{
    uint64_t last = x->negative ? 0 : f->family->count(f) - 1;
    assay_step step = { .toward = f->family->code(f, last), .beyond = true };
    if (!f->family->beyond)
        return step;
    assay_exact next = f->family->beyond(f);
    next.negative = x->negative;
    if (assay_exact_compare(*x, next) >= 0)
        return step;
    step.beyond = false;
    step.overflows = true;
    measure(&step, x, f->family->value(f, last), next, NULL);
    return step;
}

assay_step assay_ladder_locate(const assay_format *f, const assay_exact *operand)
{
    assay_exact x = assay_exact_times(*operand, assay_format_divisor(f));
    uint64_t position = 0, count = f->family->count(f);
    bool exact, any = assay_position_below(f, &x, &position, &exact);
    if (exact) {
        assay_step step = { .exact = true, .toward = f->family->code(f, position) };
        step.toward |= x.kind == ASSAY_ZERO && x.negative && f->has_negzero ? f->sign_bit : 0;
        return step;
    }
    if (!any && !x.negative) /* all values lie above x, which has the nearest one */
        return (assay_step){ .exact = true, .toward = f->family->code(f, 0) };
    if (!any || position + 1 == count)
        return past(f, &x);
    bool up = x.kind == ASSAY_ZERO || !x.negative;
    uint64_t toward = up ? position : position + 1, away = up ? position + 1 : position;
    assay_step step = { .toward = f->family->code(f, toward), .away = f->family->code(f, away) };
    assay_exact tie;
    if (f->family->tie)
        tie = f->family->tie(f, position);
    measure(&step, &x, f->family->value(f, toward), f->family->value(f, away),
            f->family->tie ? &tie : NULL);
    return step;
}
