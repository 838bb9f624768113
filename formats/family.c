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
    return ASSAY_OK;
}
