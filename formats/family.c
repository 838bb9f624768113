/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/codebook.h"

#include <math.h>
#include <stddef.h>

#include "numerics/bits.h"

const assay_format_family *const assay_families[] = {
    &assay_family_float, &assay_family_p3109,   &assay_family_int,      &assay_family_fixed,
    &assay_family_posit, &assay_family_takum,   &assay_family_lns,      &assay_family_pow2,
    &assay_family_sqrt2, &assay_family_hifloat, &assay_family_codebook, NULL
};

const char *assay_format_family_name(const assay_format *f)
{
    return f->family->name;
}

size_t assay_format_builder_count(void)
{
    return sizeof assay_families / sizeof assay_families[0] - 1;
}

const char *assay_format_builder_name(size_t i)
{
    return assay_families[i]->name;
}

const char *assay_format_builder_help(size_t i)
{
    return assay_families[i]->help;
}

int assay_compare_signed(const assay_exact *a, const assay_exact *b)
{
    bool below = a->kind == ASSAY_FINITE && a->negative;
    bool other = b->kind == ASSAY_FINITE && b->negative;
    if (below != other)
        return below ? -1 : 1;
    int order = assay_exact_compare(*a, *b);
    return below ? -order : order;
}

uint32_t assay_format_divisor(const assay_format *f)
{
    return f->book ? f->book->divisor : 1;
}

/* x, not exact where it is subnormal or beyond binary64, against the value at a position. */
static int compare(const assay_format *f, uint64_t position, const assay_exact *x, double near)
{
    if (f->family->near) {
        double value = f->family->near(f, position), gap = value - near;
        if (fabs(gap) > fabs(value) * 0x1p-40)
            return gap < 0 ? -1 : 1;
    }
    assay_exact value = f->family->value(f, position);
    return assay_compare_signed(&value, x);
}

bool assay_position_below(const assay_format *f, const assay_exact *x, uint64_t *position,
                          bool *exact)
{
    double near = assay_exact_to_double(*x);
    uint64_t low = 0, high = f->family->count(f); /* values before low are <= x, from high on > x */
    *exact = false;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        int order = compare(f, middle, x, near);
        if (order == 0) {
            *exact = true;
            *position = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *position = low - 1;
    return low > 0;
}

/* The first position of a positive value. */
static uint64_t first_positive(const assay_format *f, bool *has_zero)
{
    assay_exact zero = { .kind = ASSAY_ZERO };
    uint64_t position = 0;
    bool any = assay_position_below(f, &zero, &position, has_zero);
    return any ? position + 1 : 0;
}

static double value_near(const assay_format *f, uint64_t position)
{
    return assay_decode(f, f->family->code(f, position));
}

/* The gap after a position, over what lies nearer to zero of its two ends. */
static double relative_gap(const assay_format *f, uint64_t position)
{
    double a = value_near(f, position), b = value_near(f, position + 1);
    double least = fmin(fabs(a), fabs(b));
    return (a < 0) != (b < 0) || least == 0 ? 0 : (b - a) / least;
}

/* Gaps of tapered formats are widest at their ends, and of logarithmic ones all alike. */
static void set_gaps(assay_format *f, uint64_t first, uint64_t count)
{
    bool irregular = f->kind == ASSAY_FAMILY_CODEBOOK || f->kind == ASSAY_FAMILY_HIFLOAT;
    f->absolute = f->min_positive;
    if (first > 0 && !f->has_zero)
        f->absolute = value_near(f, first) - value_near(f, first - 1);
    if (f->kind == ASSAY_FAMILY_FIXED)
        return;
    for (uint64_t i = irregular ? 0 : first; i + 1 < count; i++) {
        f->relative = fmax(f->relative, relative_gap(f, i) * (1 + 0x1p-50));
        if (!irregular && i < count - 3)
            i = count - 3;
    }
}

uint64_t assay_position_count(const assay_format *f)
{
    return f->family->count(f);
}

uint64_t assay_position_code(const assay_format *f, uint64_t position)
{
    return f->family->code(f, position);
}

bool assay_code_position(const assay_format *f, uint64_t code, uint64_t *position)
{
    return f->family->position(f, code, position);
}

assay_status assay_format_finish(assay_format *f)
{
    uint64_t count = f->family->count(f), first = first_positive(f, &f->has_zero);
    if (first >= count)
        return assay_fail(ASSAY_ERR_USAGE, "format %s: no positive value", f->name);
    f->max_code = f->family->code(f, count - 1);
    assay_exact least = assay_decode_exact(f, f->family->code(f, first));
    assay_exact most = assay_decode_exact(f, f->max_code);
    assay_exact lowest = assay_decode_exact(f, f->family->code(f, 0));
    f->max = assay_exact_to_double(most);
    f->min_positive = f->min_normal = assay_exact_to_double(least);
    f->emin = least.exp + 63;
    f->emax = most.exp + 63;
    int widest = f->emax;
    if (lowest.kind == ASSAY_FINITE && lowest.exp + 63 > widest)
        widest = lowest.exp + 63;
    f->fits_binary64 = f->emin - (f->p > 1 ? f->p - 1 : 0) >= -1074 && widest <= 1023;
    if (f->fits_binary64)
        set_gaps(f, first, count);
    else
        f->relative = f->absolute = INFINITY;
    return ASSAY_OK;
}
