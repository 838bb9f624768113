/* SPDX-License-Identifier: Apache-2.0 */
#include "points.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mpfr.h>

#include "numerics/bits.h"
#include "oracle.h"

static const char *const builders[] = {
    "float:e=4,m=3",
    "float:e=4,m=3,inf=no,nan=negzero,bias=8",
    "float:e=5,m=2,inf=no,nan=negzero,bias=16",
    "float:e=4,m=3,nan=negzero,bias=8",
    "float:e=5,m=3,sign=no,inf=no,nan=ones",
    "float:e=4,m=3,sign=no,inf=no,nan=none",
    "float:e=6,m=4,subnormals=no,inf=no,nan=ones,bias=31",
    "float:e=4,m=3,subnormals=no",
    "float:e=3,m=0,subnormals=no,inf=no,nan=none",
    "float:e=5,m=0,inf=no,nan=ones",
    "float:e=5,m=0,inf=no,nan=none,bias=16",
    "float:e=8,m=0,sign=no,inf=no,nan=ones",
    "float:e=4,m=3,nan=ones",
    "float:e=1,m=2",
    "float:e=1,m=3,inf=no,nan=none,zero=unsigned",
    "float:e=3,m=4,bias=-119",
    "float:e=4,m=3,bias=129",
    "float:e=4,m=3,bias=1060",
    "float:e=4,m=4,bias=1022",
    "float:e=9,m=3",
    "float:e=4,m=3,bias=-1000",
    "float:e=8,m=23,zero=unsigned",
    "float:e=3,m=23",
    "float:e=4,m=27,subnormals=no",
    "float:e=11,m=20",
    "float:e=8,m=22,bias=128,subnormals=no",
    "binary64:zero=unsigned",
};

enum { BUILDERS = sizeof builders / sizeof builders[0], SAMPLE = 1500 };

/* Binary floats: what the oracle beside this file knows. */
static const assay_format *float_row(size_t i)
{
    for (size_t k = 0; k < assay_format_count(); k++) {
        const assay_format *row = assay_format_row(k);
        if (row->kind == ASSAY_FAMILY_FLOAT && row->law == ASSAY_LAW_GENERAL && row->has_zero &&
            row->exponent_bits > 0 && i-- == 0)
            return row;
    }
    return NULL;
}

static size_t float_rows(void)
{
    size_t n = 0;
    while (float_row(n))
        n++;
    return n;
}

size_t points_specs(void)
{
    return float_rows() + BUILDERS;
}

void points_format(size_t i, assay_format *out)
{
    const assay_format *row = float_row(i);
    if (row)
        *out = *row;
    else if (assay_format_parse(builders[i - float_rows()], out) != ASSAY_OK)
        fprintf(stderr, "%s\n", assay_last_error()), abort();
}

uint64_t points_random(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

typedef struct list {
    double *at;
    size_t count, room;
} list;

static void add(list *l, double x)
{
    if (l->count + 2 > l->room) {
        l->room = l->room * 2 + 1024;
        l->at = realloc(l->at, l->room * sizeof *l->at);
        if (!l->at)
            abort();
    }
    l->at[l->count++] = x;
    l->at[l->count++] = -x;
}

static void add_around(list *l, double x)
{
    float near = (float)x;
    add(l, x);
    add(l, nextafter(x, -INFINITY));
    add(l, nextafter(x, INFINITY));
    if (near != x)
        add(l, near);
    add(l, nextafterf(near, -INFINITY));
    add(l, nextafterf(near, INFINITY));
}

/* The value of a code, and the midpoint above it unless that needs more than a binary64. */
static void add_code(list *l, const assay_format *f, uint64_t code)
{
    mpfr_t x, next;
    mpfr_inits2(64, x, next, (mpfr_ptr)NULL);
    oracle_value(f, code, x);
    oracle_value(f, code + 1, next);
    add_around(l, mpfr_get_d(x, MPFR_RNDN));
    mpfr_add(x, x, next, MPFR_RNDN);
    mpfr_div_2ui(x, x, 1, MPFR_RNDN);
    add_around(l, mpfr_get_d(x, MPFR_RNDZ));
    mpfr_clears(x, next, (mpfr_ptr)NULL);
}

static void add_binade(list *l, const assay_format *f, uint64_t field)
{
    for (uint64_t k = 0; k < 3; k++) {
        uint64_t edge = field << f->fraction_bits;
        add_code(l, f, edge + k);
        if (edge > k)
            add_code(l, f, edge - k - 1);
    }
}

size_t points_make(const assay_format *f, double **points)
{
    list l = { 0 };
    uint64_t max = oracle_max(f);
    bool small = f->exponent_bits + f->fraction_bits < 16;
    for (uint64_t code = 0; small && code < max; code++)
        add_code(&l, f, code);
    uint64_t fields = (max >> f->fraction_bits) + 1;
    for (uint64_t field = 0; !small && field < fields; field++)
        if (fields < 512 || field % 16 == 0 || field < 64 || field + 4 > fields)
            add_binade(&l, f, field);
    for (uint64_t i = 0; !small && i < SAMPLE; i++)
        add_code(&l, f, points_random(i) % max);
    for (uint64_t i = 0; i < SAMPLE; i++)
        add(&l, assay_from_bits64(points_random(SAMPLE + i)));
    for (uint64_t i = 0; i < SAMPLE; i++)
        add(&l, assay_from_bits32((uint32_t)points_random(i)));
    for (uint64_t k = 0; k < 5; k++)
        add_code(&l, f, max - 2 + k);
    const double ends[] = { 0, INFINITY, NAN, DBL_MAX, DBL_MIN, FLT_MAX, FLT_MIN, 0x1p-149 };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        add_around(&l, ends[i]);
    add(&l, assay_from_bits64(0x7ff0000000000001)); /* a signalling NaN with the least payload */
    add(&l, assay_from_bits64(0x7fffffffffffffff));
    *points = l.at;
    return l.count;
}

assay_format points_parse(const char *spec)
{
    assay_format f;
    cr_assert_eq(assay_format_parse(spec, &f), ASSAY_OK, "%s", assay_last_error());
    return f;
}

assay_rounder points_rounder_for(const assay_format *f, assay_rounding rounding,
                                 assay_overflow policy)
{
    assay_rounder r;
    cr_assert_eq(assay_rounder_make_for(f, rounding, policy, ASSAY_NAN_RULE_DEFAULT, &r), ASSAY_OK,
                 "%s", assay_last_error());
    return r;
}

assay_rounder points_rounder(const char *spec, const char *mode, assay_overflow policy)
{
    const assay_format f = points_parse(spec);
    assay_rounding rounding;
    cr_assert_eq(assay_rounding_parse(mode, &rounding), ASSAY_OK, "%s", assay_last_error());
    return points_rounder_for(&f, rounding, policy);
}

bool points_thorough(void)
{
    const char *text = getenv("ASSAY_THOROUGH");
    return text && strcmp(text, "1") == 0;
}

uint64_t points_step(uint64_t usual)
{
    return points_thorough() ? 1 : usual;
}
