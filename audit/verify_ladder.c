/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a format in order: found by sorting all codes, or for wide formats by the order
 * that the documents give codes. */
#if ASSAY_HAVE_MPFR
#include <stdlib.h>
#include <string.h>

#include "audit/verify_parts.h"

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

/* A symmetric range leaves out the lowest integer of two's complement. */
static bool left_out(const assay_format *f, uint64_t code)
{
    return f->kind == ASSAY_FAMILY_FIXED && f->encoding == ASSAY_CODE_TWOS_COMPLEMENT &&
           f->is_signed && f->step == 1 && f->lowest == -f->highest &&
           code == (uint64_t)1 << (f->bits - 1);
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
        bool in = mpfr_number_p(e->value) && !left_out(f, e->code) &&
                  !(mpfr_zero_p(e->value) && mpfr_signbit(e->value));
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
    for (size_t i = 0; i < finite; i++) {
        if (l->count > 0 && mpfr_equal_p(entries[i].value, l->values[l->count - 1]))
            continue;
        mpfr_init2(l->values[l->count], l->precision);
        mpfr_swap(l->values[l->count], entries[i].value);
        l->codes[l->count++] = entries[i].code;
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
    int64_t all = ((int64_t)1 << (f->exponent_bits + f->fraction_bits)) - 1;
    if (f->nan == ASSAY_NAN_IEEE)
        return all - ((int64_t)1 << f->fraction_bits);
    return all - (f->nan == ASSAY_NAN_ONES) - f->has_inf;
}

/* Rung r of a wide format stands for the integer lowest + r, which codes encode. */
static assay_status make_wide(assay_verify_ladder *l)
{
    const assay_format *f = l->format;
    int64_t half = (int64_t)1 << (f->bits - 1), top = half - 1, bottom = -top;
    switch (f->kind) {
    case ASSAY_FAMILY_FLOAT:
        top = top_float(f);
        bottom = f->is_signed ? -top : 0;
        l->has_negzero = f->has_negzero;
        break;
    case ASSAY_FAMILY_FIXED:
        if (f->step == 2 || !f->is_signed) {
            top = 2 * half - 1;
            bottom = 0;
        } else if (f->encoding == ASSAY_CODE_TWOS_COMPLEMENT && !left_out(f, (uint64_t)half)) {
            bottom = -half;
        }
        l->has_negzero = f->encoding == ASSAY_CODE_SIGN_MAGNITUDE;
        break;
    case ASSAY_FAMILY_LOG:
        l->has_negzero = strcmp(f->family->name, "lns") != 0;
        if (!l->has_negzero) /* k = -half / 2 is zero */
            bottom = -top;
        break;
    default: break;
    }
    l->negzero = (uint64_t)half;
    l->lowest = bottom;
    l->count = top - bottom + 1;
    return ASSAY_OK;
}

uint64_t assay_verify_rung_code(const assay_verify_ladder *l, int64_t rung)
{
    if (l->codes)
        return l->codes[rung];
    const assay_format *f = l->format;
    int64_t n = l->lowest + rung, half = (int64_t)1 << (f->bits - 1);
    uint64_t mask = 2 * (uint64_t)half - 1, magnitude = (uint64_t)(n < 0 ? -n : n);
    switch (f->kind) {
    case ASSAY_FAMILY_LOG:
        if (strcmp(f->family->name, "lns") == 0) { /* steps count from zero's */
            uint64_t k = (magnitude + (uint64_t)half / 2) & (uint64_t)(half - 1);
            return k + (n < 0 ? (uint64_t)half : 0);
        }
        return magnitude + (n < 0 ? (uint64_t)half : 0);
    case ASSAY_FAMILY_FLOAT: return magnitude + (n < 0 ? (uint64_t)half : 0);
    case ASSAY_FAMILY_FIXED:
        if (f->encoding == ASSAY_CODE_SIGN_MAGNITUDE && f->step == 1)
            return magnitude + (n < 0 ? (uint64_t)half : 0);
        return (uint64_t)n & mask;
    default: return (uint64_t)n & mask;
    }
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

/* The greatest rung whose value is at most zero. */
static void find_zero(assay_verify_ladder *l)
{
    mpfr_t v;
    mpfr_init2(v, l->precision);
    int64_t below = -1, above = l->count;
    while (above - below > 1) {
        int64_t middle = below + (above - below) / 2;
        assay_verify_rung(l, middle, v);
        if (mpfr_sgn(v) <= 0)
            below = middle;
        else
            above = middle;
    }
    if (below >= 0)
        assay_verify_rung(l, below, v);
    l->has_zero = below >= 0 && mpfr_zero_p(v);
    l->at_most_zero = below;
    l->at_least_zero = l->has_zero ? below : above;
    if (l->has_zero)
        l->zero = assay_verify_rung_code(l, below);
    mpfr_clear(v);
}

assay_status assay_verify_ladder_make(const assay_format *f, assay_verify_ladder *out)
{
    assay_verify_ladder l = { .format = f,
                              .divisor = assay_verify_divisor(f),
                              .precision = assay_verify_precision(f) };
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
    for (int64_t i = 0; l->values && i < l->count; i++)
        mpfr_clear(l->values[i]);
    free(l->values);
    free(l->codes);
    free(l->reals);
    *l = (assay_verify_ladder){ 0 };
}
#endif
