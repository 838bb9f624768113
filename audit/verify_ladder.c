/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a format in order: found by sorting all codes, or for wide formats by the order
 * that the documents give codes. */
#if ASSAY_HAVE_MPFR
#include <stdlib.h>
#include <string.h>

#include "audit/verify_parts.h"
#include "formats/family.h"

typedef struct entry {
    mpfr_t value;
    uint64_t code;
} entry;

static int by_value(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int order = mpfr_cmp(x->value, y->value);
    return order ? order : (x->code > y->code) - (x->code < y->code);
}

/* All codes with a finite value, sorted; reals on the way. */
static size_t collect(assay_verify_ladder *l, entry *entries)
{
    const assay_format *f = l->format;
    int64_t all = (int64_t)1 << f->bits;
#pragma omp parallel for schedule(dynamic, 256)
    for (int64_t code = 0; code < all; code++) {
        mpfr_init2(entries[code].value, l->precision);
        entries[code].code = (uint64_t)code;
        assay_verify_value(f, (uint64_t)code, entries[code].value);
        l->reals[code] = assay_verify_real(f, entries[code].value);
    }
    size_t finite = 0;
    for (int64_t code = 0; code < all; code++) {
        entry *e = &entries[code];
        if (mpfr_zero_p(e->value) && mpfr_signbit(e->value)) {
            l->has_negzero = true;
            l->negzero = e->code;
        }
        bool in = mpfr_number_p(e->value) && !(mpfr_zero_p(e->value) && mpfr_signbit(e->value));
        if (in) {
            mpfr_swap(entries[finite].value, e->value);
            entries[finite++].code = e->code;
        }
    }
    qsort(entries, finite, sizeof *entries, by_value);
    return finite;
}

/* Of codes with the same value the first one counts. */
static void list(assay_verify_ladder *l, entry *entries, size_t finite)
{
    l->top = -1;
    for (size_t i = 0; i < finite; i++) {
        if (l->top >= 0 && mpfr_equal_p(entries[i].value, l->values[l->top]))
            continue;
        l->top++;
        mpfr_init2(l->values[l->top], l->precision);
        mpfr_swap(l->values[l->top], entries[i].value);
        l->codes[l->top] = entries[i].code;
    }
}

static assay_status make_listed(assay_verify_ladder *l)
{
    size_t all = (size_t)1 << l->format->bits;
    entry *entries = calloc(all, sizeof *entries);
    l->values = calloc(all, sizeof *l->values);
    l->codes = calloc(all, sizeof *l->codes);
    l->reals = calloc(all, sizeof *l->reals);
    if (!entries || !l->values || !l->codes || !l->reals) {
        free(entries);
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for the values of %s", l->format->name);
    }
    list(l, entries, collect(l, entries));
    for (size_t i = 0; i < all; i++)
        mpfr_clear(entries[i].value);
    free(entries);
    return ASSAY_OK;
}

/* The greatest magnitude's code of a binary float: below infinity and NaN. */
static int64_t top_float(const assay_format *f)
{
    int64_t all = (int64_t)(((uint64_t)1 << (f->exponent_bits + f->fraction_bits)) - 1);
    if (f->nan == ASSAY_NAN_IEEE)
        return all - ((int64_t)1 << f->fraction_bits);
    return all - (f->nan == ASSAY_NAN_ONES) - f->has_inf;
}

/* The rungs of a wide format are integers that its codes encode. */
static assay_status make_wide(assay_verify_ladder *l)
{
    const assay_format *f = l->format;
    const uint64_t half = (uint64_t)1 << (f->bits - 1);
    int64_t top = (int64_t)(half - 1), bottom = -top;
    switch (f->kind) {
    case ASSAY_FAMILY_FLOAT:
        top = top_float(f);
        bottom = f->is_signed ? -top : 0;
        l->has_negzero = f->has_negzero;
        break;
    case ASSAY_FAMILY_FIXED:
        if (f->step == 2 || !f->is_signed) {
            top = (int64_t)(2 * half - 1);
            bottom = 0;
        } else if (f->encoding == ASSAY_CODE_TWOS_COMPLEMENT && f->lowest != -f->highest) {
            bottom = -(int64_t)half;
        }
        l->has_negzero = f->encoding == ASSAY_CODE_SIGN_MAGNITUDE;
        break;
    case ASSAY_FAMILY_LOG: l->has_negzero = strcmp(f->family->name, "lns") != 0; break;
    default: break;
    }
    l->negzero = half;
    l->bottom = bottom;
    l->top = top;
    return ASSAY_OK;
}

uint64_t assay_verify_rung_code(const assay_verify_ladder *l, int64_t rung)
{
    if (l->codes)
        return l->codes[rung];
    const assay_format *f = l->format;
    const uint64_t half = (uint64_t)1 << (f->bits - 1);
    uint64_t magnitude = (uint64_t)(rung < 0 ? -rung : rung), sign = rung < 0 ? half : 0;
    if (f->kind == ASSAY_FAMILY_LOG && !l->has_negzero) /* lns: steps count from zero's */
        return ((magnitude + half / 2) & (half - 1)) | sign;
    bool magnitudes = f->kind == ASSAY_FAMILY_FLOAT || f->kind == ASSAY_FAMILY_LOG ||
                      (f->encoding == ASSAY_CODE_SIGN_MAGNITUDE && f->step == 1);
    return magnitudes ? magnitude | sign : (uint64_t)rung & (2 * half - 1);
}

void assay_verify_rung(const assay_verify_ladder *l, int64_t rung, mpfr_ptr v)
{
    if (l->values)
        mpfr_set(v, l->values[rung], MPFR_RNDN);
    else
        assay_verify_value(l->format, assay_verify_rung_code(l, rung), v);
}

double assay_verify_code_real(const assay_verify_ladder *l, uint64_t code)
{
    if (l->reals)
        return l->reals[code];
    mpfr_t v;
    mpfr_init2(v, l->precision);
    assay_verify_value(l->format, code, v);
    double x = assay_verify_real(l->format, v);
    mpfr_clear(v);
    return x;
}

double assay_verify_rung_real(const assay_verify_ladder *l, int64_t rung)
{
    return assay_verify_code_real(l, assay_verify_rung_code(l, rung));
}

/* The greatest rung whose value is at most zero. */
static void find_zero(assay_verify_ladder *l)
{
    mpfr_t v;
    mpfr_init2(v, l->precision);
    int64_t below = l->bottom - 1, above = l->top + 1;
    while (below + 1 < above) {
        int64_t middle = (below >> 1) + (above >> 1) + (below & above & 1);
        assay_verify_rung(l, middle, v);
        if (mpfr_sgn(v) <= 0)
            below = middle;
        else
            above = middle;
    }
    if (below >= l->bottom)
        assay_verify_rung(l, below, v);
    l->has_zero = below >= l->bottom && mpfr_zero_p(v);
    l->at_most_zero = below;
    l->at_least_zero = l->has_zero ? below : above;
    if (l->has_zero)
        l->zero = assay_verify_rung_code(l, below);
    mpfr_clear(v);
}

assay_status assay_verify_ladder_make(const assay_format *f, mpfr_prec_t precision,
                                      assay_verify_ladder *out)
{
    assay_verify_ladder l = { .format = f,
                              .divisor = assay_verify_divisor(f),
                              .precision = precision };
    assay_status status = f->bits <= ASSAY_VERIFY_LISTED ? make_listed(&l) : make_wide(&l);
    *out = l;
    if (status == ASSAY_OK)
        find_zero(out);
    else
        assay_verify_ladder_free(out);
    return status;
}

void assay_verify_ladder_free(assay_verify_ladder *l)
{
    for (int64_t i = 0; l->values && i <= l->top; i++)
        mpfr_clear(l->values[i]);
    free(l->values);
    free(l->codes);
    free(l->reals);
    *l = (assay_verify_ladder){ 0 };
}
#endif
