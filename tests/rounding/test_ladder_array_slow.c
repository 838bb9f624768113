/* SPDX-License-Identifier: Apache-2.0 */
/* The table engines equal the definition: at every place where a result can change for formats of
 * few codes, else at a sample of them, for both sources, values and codes, all deterministic modes
 * and policies, and every instruction set. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/points.h"
#include "../support/shared.h"
#include "formats/family.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "rounding/array.h"
#include "rounding/ladder_array.h"

TestSuite(ladder_array, .fini = assay_temp_remove);

/* Builders that reach the corners of each family; rows come besides. A star stands for a file. */
static const char *const builders[] = {
    "posit:n=2,es=0",
    "posit:n=2,es=2",
    "posit:n=3,es=1",
    "posit:n=5,es=3",
    "posit:n=5,es=24",
    "posit:n=7,es=5",
    "posit:n=9,es=4",
    "posit:n=12,es=2",
    "posit:n=16,es=0",
    "posit:n=32,es=0",
    "posit:n=32,es=3",
    "takum:n=2",
    "takum:n=3",
    "takum:n=5",
    "takum:n=7",
    "takum:n=11",
    "takum:n=12",
    "takum:n=13",
    "takum:n=20",
    "takum:n=2,kind=log",
    "takum:n=6,kind=log",
    "int:n=1,sign=no",
    "int:n=1,code=bipolar",
    "int:n=2,code=bipolar",
    "int:n=7,code=bipolar",
    "int:n=24,code=bipolar",
    "int:n=32,code=bipolar",
    "int:n=2,symmetric=yes",
    "int:n=8,symmetric=yes,scale=3",
    "int:n=32,sign=no",
    "int:n=32,symmetric=yes,scale=-90",
    "int:n=20,scale=140",
    "int:n=9,scale=1000",
    "int:n=32,code=magnitude",
    "int:n=5,code=magnitude,scale=-3",
    "int:n=25",
    "int:n=24",
    "fixed:i=0,f=8",
    "fixed:i=3,f=9,sign=no",
    "fixed:i=20,f=11",
    "fixed:i=1,f=0",
    "lns:n=3,r=0",
    "lns:n=8,r=0",
    "lns:n=6,r=1",
    "lns:n=7,r=6",
    "pow2:n=2",
    "pow2:n=8",
    "pow2:n=12",
    "sqrt2:n=2",
    "sqrt2:n=6",
    "p3109:k=16,p=1",
    "p3109:k=16,p=2,sign=no",
    "p3109:k=15,p=3,extended=no",
    "float:e=12,m=5",
    "float:e=14,m=3,subnormals=no",
    "float:e=12,m=2,inf=no,nan=none,subnormals=no",
    "float:e=12,m=2,inf=no,nan=ones",
    "float:e=5,m=2,zero=none,sign=no,inf=no,nan=ones,subnormals=no",
    "float:e=2,m=29,zero=none,sign=no,inf=no,nan=ones,subnormals=no",
    "float:e=1,m=23,zero=none,sign=no,inf=no,nan=ones,subnormals=no",
    "float:e=3,m=0,zero=none,sign=no,inf=no,nan=none,subnormals=no",
    "*none",
    "*positive",
    "*random",
    "*apart",
    "*close"
};

enum {
    BUILDERS = sizeof builders / sizeof builders[0],
    SAMPLE = 30,
    ALL_CODES = 256,
    SOME_CODES = 16,
    FEW_CODES = 16
};

static void write_book(const char *path, const char *kind)
{
    FILE *file = fopen(path, "w");
    cr_assert(file != NULL);
    for (int i = 0; i < 1000; i++) {
        double u = (double)(points_random((uint64_t)i) >> 11) * 0x1p-53;
        double scale = ldexp(1, (int)(points_random((uint64_t)i + 5000) % 12) - 6);
        if (kind[1] == 'r')
            fprintf(file, "%a\n", (u - 0.5) * scale);
        else if (kind[1] == 'p' && i < 20)
            fprintf(file, "%a\n", (u + 0.01) * scale);
        else if (kind[1] == 'n' && i < 9)
            fprintf(file, "%d\n", 3 * i - 10);
        else if (kind[1] == 'a' && i < 24)
            fprintf(file, "%a\n", (i & 1 ? -u : u) * ldexp(1, i * 85 - 1020));
        else if (kind[1] == 'c' && i < 40) /* neighbours in binary64 and in binary32 */
            fprintf(file, "%a\n", 1 + i / 2 * (i & 1 ? 0x1p-52 : 0x1p-23));
    }
    fclose(file);
}

static bool make_format(size_t i, assay_format *f)
{
    if (i < assay_format_count()) {
        *f = *assay_format_row(i);
        return f->kind != ASSAY_FAMILY_FLOAT || !assay_format_is_direct(f, 52);
    }
    const char *spec = builders[i - assay_format_count()];
    char text[4096];
    if (spec[0] == '*') {
        const char *path = assay_temp("book");
        write_book(path, spec);
        snprintf(text, sizeof text, "codebook:%s", path);
        spec = text;
    }
    if (assay_format_parse(spec, f) != ASSAY_OK)
        cr_assert_fail("%s: %s", spec, assay_last_error());
    return true;
}

ParameterizedTestParameters(ladder_array, equals)
{
    static int ids[256];
    assay_format f;
    size_t n = 0;
    for (size_t i = 0; i < assay_format_count() + BUILDERS; i++)
        if (i >= assay_format_count() || make_format(i, &f))
            ids[n++] = (int)i;
    return cr_make_param_array(int, ids, n, NULL);
}

/* Operands, with room for what they become. */
typedef struct operands {
    size_t n, room, tail; /* tail: where those begin that do not depend on the codes */
    double *x;
    float *xf;
} operands;

static void add(operands *o, double x)
{
    if (o->n + 2 > o->room) {
        o->room = 2 * o->room + 4096;
        o->x = realloc(o->x, o->room * sizeof *o->x);
        cr_assert(o->x != NULL);
    }
    o->x[o->n++] = x;
    o->x[o->n++] = -x;
}

static void add_around(operands *o, double x)
{
    float near = (float)x;
    add(o, x);
    add(o, nextafter(x, -INFINITY));
    add(o, nextafter(x, INFINITY));
    add(o, near);
    add(o, nextafterf(near, -INFINITY));
    add(o, nextafterf(near, INFINITY));
}

/* Logarithms, whose values take microseconds. */
static bool is_slow(const assay_format *f)
{
    return f->family->near && (f->kind == ASSAY_FAMILY_LOG ? f->scale > 1 : f->is_log);
}

/* A value, the tie above it, and the power of two below it, where posits have theirs. */
static void add_value(operands *o, const assay_format *f, double x, double next)
{
    add_around(o, x);
    if (!isfinite(x) || !isfinite(next))
        return;
    add_around(o, x / 2 + next / 2);
    if (f->kind == ASSAY_FAMILY_POSIT || f->kind == ASSAY_FAMILY_TAKUM) {
        add(o, ldexp(1, assay_exponent(x)));
        add_around(o, ldexp(1, (assay_exponent(x) + assay_exponent(next)) / 2));
    }
    if (is_slow(f))
        add_around(o, sqrt(fabs(x)) * sqrt(fabs(next)));
}

static operands make_operands(const assay_format *f)
{
    operands o = { 0 };
    uint64_t codes = (uint64_t)1 << f->bits;
    uint64_t most = is_slow(f) ? FEW_CODES : f->bits > 8 ? SOME_CODES : ALL_CODES;
    uint64_t step = codes > most ? codes / most : 1;
    for (uint64_t i = 0; i < codes; i += step) {
        uint64_t code = step > 1 ? i + points_random(i) % step : i;
        add_value(&o, f, assay_decode(f, code), assay_decode(f, code + 1));
    }
    o.tail = o.n;
    for (uint64_t i = 0; i < SAMPLE; i++) {
        add(&o, assay_from_bits64(points_random(i)));
        add(&o, assay_from_bits32((uint32_t)points_random(i + 777)));
        int fields = (int)(points_random(i + 999) % 80) - 40;
        add(&o, ldexp((double)(points_random(i) % 65), fields));
    }
    const double ends[] = { 0,
                            INFINITY,
                            DBL_MAX,
                            DBL_MIN,
                            FLT_MAX,
                            FLT_MIN,
                            0x1p-149,
                            1,
                            f->max,
                            2 * f->max,
                            0x1p-1074,
                            0x1.8p-127,
                            f->min_positive,
                            1.5 * f->max,
                            f->min_positive / 2 };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        add_around(&o, ends[i]);
    add(&o, NAN);
    add(&o, assay_from_bits64(0x7ff0000000000001));
    add(&o, assay_from_bits64(0x7fffffffffffffff));
    o.xf = malloc(o.n * sizeof *o.xf);
    cr_assert(o.xf != NULL);
    for (size_t i = 0; i < o.n; i++)
        o.xf[i] = (float)o.x[i];
    return o;
}

/* The definition, once for each operand. */
static uint64_t *codes_of(const assay_rounder *r, const operands *o, bool wide)
{
    uint64_t *codes = malloc(o->n * sizeof *codes);
    cr_assert(codes != NULL);
    for (size_t i = 0; i < o->n; i++)
        codes[i] = assay_round_code(r, wide ? o->x[i] : (double)o->xf[i]);
    return codes;
}

static uint64_t want_of(const assay_rounder *r, uint64_t code, bool wide, bool as_code)
{
    double y = as_code ? 0 : assay_decode(&r->format, code);
    return as_code ? code : wide ? assay_bits64(y) : assay_bits32((float)y);
}

#define SHOW(what)                                                     \
    "%s %s %s %s %s: " what, r->format.name, assay_mode_name(r->mode), \
        assay_overflow_name(r->overflow), wide ? "f64" : "f32", code ? "code" : "value"

static void check(const assay_rounder *r, const operands *o, const uint64_t *codes, bool wide,
                  bool code, bool expected)
{
    size_t bytes = code ? assay_format_container(&r->format) : wide ? 8 : 4, in = wide ? 8 : 4;
    char *y = malloc(o->n * 8);
    const void *x = wide ? (const void *)o->x : o->xf;
    cr_assert(y != NULL);
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        size_t n = o->n - (size_t)isa; /* odd ends */
        memcpy(y, x, n * in);
        bool done = false;
        for (int again = 0; again < 1000 && !done && expected; again++) /* built once it pays */
            done = assay_ladder_array(r, wide ? 52 : 23, code, code ? x : y, y, n);
        if (done != expected)
            cr_assert_fail(SHOW("no table"));
        for (size_t i = 0; i < n && done; i++) {
            uint64_t got = 0, want = want_of(r, codes[i], wide, code);
            memcpy(&got, y + i * bytes, bytes);
            if (got != want)
                cr_assert_fail(SHOW("%a gives %llx, not %llx"), wide ? o->x[i] : (double)o->xf[i],
                               (unsigned long long)got, (unsigned long long)want);
        }
    }
    free(y);
}

/* Logarithms of many bits are left to the definition, and large odd integers: values that start a
 * binade within another, ties in all of binary32, and rodd, where one operand of a cell differs. */
static bool has_table(const assay_rounder *r, bool wide, bool code)
{
    const assay_format *f = &r->format;
    if (is_slow(f))
        return f->bits <= 11;
    bool odd = f->step == 2 && f->bits > 16;
    return !odd || (code && r->mode != ASSAY_RODD && (wide || f->bits < 25));
}

/* Policies differ at the ends: a part of the operands, and values or codes in turn, show that. */
static void check_rounder(const assay_rounder *r, const operands *o, bool all, int turn)
{
    operands part = { .n = o->n - o->tail, .x = o->x + o->tail, .xf = o->xf + o->tail };
    for (int wide = 0; wide < 2; wide++) {
        if (!all && wide != turn % 2)
            continue;
        uint64_t *codes = codes_of(r, all ? o : &part, wide);
        for (int code = 0; code < 2; code++)
            if (all || code == turn / 2 % 2)
                check(r, all ? o : &part, codes, wide, code, has_table(r, wide, code));
        free(codes);
    }
}

ParameterizedTest(int *id, ladder_array, equals)
{
    assay_format f;
    make_format((size_t)*id, &f);
    operands o = make_operands(&f);
    bool many = is_slow(&f) && f.bits > 11;
    for (int mode = 0; mode < ASSAY_MODE_COUNT && !many; mode++)
        for (int policy = 0; policy < ASSAY_OVERFLOW_COUNT; policy++)
            for (int rule = 0; rule < (mode == 0 && policy == 0 ? 3 : 1); rule++) {
                bool all = policy == ASSAY_OVERFLOW_SPEC && rule == 0;
                assay_rounder r;
                if (is_slow(&f) && (!all || (mode % 3 > 0 && mode != ASSAY_RODD)))
                    continue;
                if (!all && (mode + policy + *id) % 4 > 0 && !points_thorough())
                    continue;
                if (assay_rounder_make(&f, (assay_mode)mode, (assay_overflow)policy,
                                       (assay_nan_rule)rule, &r) == ASSAY_OK)
                    check_rounder(&r, &o, all, mode + policy + rule);
            }
    free(o.x);
    free(o.xf);
}

static const double two[2] = { 1.25, -3 };

Test(ladder_array, leaves_what_is_not_its)
{
    assay_format f;
    assay_rounder r;
    double y[2] = { 7, 7 };
    cr_assert_eq(assay_format_parse("posit8", &f), ASSAY_OK);
    cr_assert_eq(assay_rounder_make_for(&f, (assay_rounding){ .mode = ASSAY_SR },
                                        ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r),
                 ASSAY_OK);
    for (int i = 0; i < 5000; i++)
        cr_assert(!assay_ladder_array(&r, 52, false, two, y, 2));
    cr_assert_eq(y[0], 7);
    cr_assert_eq(assay_rounder_make(assay_format_row(0), ASSAY_RNE, ASSAY_OVERFLOW_SPEC,
                                    ASSAY_NAN_RULE_DEFAULT, &r),
                 ASSAY_OK);
    cr_assert(!assay_ladder_array(&r, 52, false, two, y, 2));
}

/* Every code, decoded by the table and by the definition. */
Test(ladder_array, decodes)
{
    for (size_t i = 0; i < assay_format_count() + BUILDERS; i++) {
        assay_format f;
        if (!make_format(i, &f) || f.bits > 16 || (f.bits > 11 && is_slow(&f)))
            continue;
        size_t count = (size_t)1 << f.bits, bytes = assay_format_container(&f);
        char *codes = calloc(count, bytes);
        double *y = malloc(count * sizeof *y);
        float *yf = malloc(count * sizeof *yf);
        cr_assert(codes && y && yf);
        for (size_t c = 0; c < count; c++)
            memcpy(codes + c * bytes, &c, bytes);
        cr_assert(assay_ladder_decode(&f, 52, codes, y, count), "%s", f.name);
        cr_assert(assay_ladder_decode(&f, 23, codes, yf, count), "%s", f.name);
        for (size_t c = 0; c < count; c++) {
            double want = assay_decode(&f, c);
            cr_assert_eq(assay_bits64(y[c]), assay_bits64(want), "%s %zx", f.name, c);
            cr_assert_eq(assay_bits32(yf[c]), assay_bits32((float)want), "%s %zx", f.name, c);
        }
        free(codes);
        free(y);
        free(yf);
    }
}
