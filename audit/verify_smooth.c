/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of binary32 on neighbours: MPFR at five of them, polynomials in integers between, a
 * proven bound around, and MPFR again where a boundary lies within the bound. Regions where a
 * function is nearer to x, x / 2, 1 or 0 than any boundary are known without. docs/numerics.md, 18
 * has the proofs, by these names. */
#if ASSAY_HAVE_MPFR
#include <math.h>

#include "audit/verify_operation.h"
#include "numerics/bits.h"

enum {
    FRACTION = 23,
    LEAST = -149, /* the exponent of the least value */
    NODES = 5,
    FEWEST = 20, /* shorter pieces are not worth it */
    PIECE = 4096,
    UNITS = 118, /* bits of the first value of a piece, in units */
    BOUND = 75,  /* the bound is 2^75 units */
    KEPT = 26    /* bits of a value that decide its place */
};

__extension__ typedef __int128 units;

/* ---- where a number between m 2^e and (m + 1) 2^e lies */

static int length(uint64_t m)
{
    return m ? 64 - __builtin_clzll(m) : 0;
}

/* Numbers strictly between, which no boundary separates: m has KEPT bits, or 2^e is at most a
 * quarter of the least value. */
static assay_verify_item between(bool negative, uint64_t m, int e)
{
    const uint64_t sign = (uint64_t)negative << 31;
    const int top = length(m) - 1 + e;
    assay_verify_item item = { .place = { .kind = ASSAY_PLACE_BETWEEN, .negative = negative } };
    assay_verify_place *p = &item.place;
    if (top > 127) {
        p->kind = ASSAY_PLACE_BEYOND;
        p->over = true;
        return item;
    }
    const int last = top - FRACTION > LEAST ? top - FRACTION : LEAST, shift = last - 1 - e;
    const uint64_t halves = shift < 64 ? m >> shift : 0;
    const uint64_t code = (halves >> 1) + ((uint64_t)(last - LEAST) << FRACTION);
    p->from_zero = code == 0;
    p->over = code + 1 == 0x7f800000;
    p->toward = code ? code | sign : 0;
    p->away = p->over ? 0 : (code + 1) | sign;
    p->tail = halves & 1 ? 1 : -1;
    return item;
}

/* ---- regions that need no MPFR */

typedef enum beside { NONE, ONE, HALF, OPERAND, OPERAND_HALVED, ZERO, FAR } beside;

/* For from < |x| < to and a sign of x, or both: |f(x)| is next to a number, above or below it. */
typedef struct region {
    assay_operation_id id;
    int sign; /* 1, -1, or 0 for both */
    double from, to;
    beside what;
    bool above, negative; /* negative: f(x); of functions that are odd, where x is */
} region;

static const region regions[] = {
    { ASSAY_OPERATION_EXP, 1, 0, 0x1p-25, ONE, true, false },
    { ASSAY_OPERATION_EXP, -1, 0, 0x1p-25, ONE, false, false },
    { ASSAY_OPERATION_EXP, 1, 128, INFINITY, FAR, true, false },
    { ASSAY_OPERATION_EXP, -1, 128, INFINITY, ZERO, true, false },
    { ASSAY_OPERATION_LOG, -1, 0, INFINITY, NONE, false, false },
    { ASSAY_OPERATION_RSQRT, -1, 0, INFINITY, NONE, false, false },
    { ASSAY_OPERATION_TANH, 0, 0, 0x1p-13, OPERAND, false, false },
    { ASSAY_OPERATION_TANH, 0, 10, INFINITY, ONE, false, false },
    { ASSAY_OPERATION_ERF, 0, 4, INFINITY, ONE, false, false },
    { ASSAY_OPERATION_SIGMOID, 1, 0, 0x1p-24, HALF, true, false },
    { ASSAY_OPERATION_SIGMOID, -1, 0, 0x1p-24, HALF, false, false },
    { ASSAY_OPERATION_SIGMOID, 1, 18, INFINITY, ONE, false, false },
    { ASSAY_OPERATION_SIGMOID, -1, 128, INFINITY, ZERO, true, false },
    { ASSAY_OPERATION_SILU, 1, 0, 0x1p-26, OPERAND_HALVED, true, false },
    { ASSAY_OPERATION_SILU, -1, 0, 0x1p-26, OPERAND_HALVED, false, true },
    { ASSAY_OPERATION_SILU, 1, 20, INFINITY, OPERAND, false, false },
    { ASSAY_OPERATION_SILU, -1, 128, INFINITY, ZERO, true, true },
    { ASSAY_OPERATION_GELU, 1, 0, 0x1p-27, OPERAND_HALVED, true, false },
    { ASSAY_OPERATION_GELU, -1, 0, 0x1p-27, OPERAND_HALVED, false, true },
    { ASSAY_OPERATION_GELU, 1, 6, INFINITY, OPERAND, false, false },
    { ASSAY_OPERATION_GELU, -1, 14.5, INFINITY, ZERO, true, true },
};

/* x = significand 2^exponent */
static double magnitude(uint64_t code, uint64_t *significand, int *exponent)
{
    const uint64_t field = code >> FRACTION & 0xff, fraction = code & 0x7fffff;
    *significand = fraction | (uint64_t)(field > 0) << FRACTION;
    *exponent = (int)(field > 0 ? field : 1) - 1 + LEAST;
    return (double)(int64_t)*significand * assay_pow2(*exponent);
}

static double size_of(uint64_t code)
{
    uint64_t significand;
    int exponent;
    return magnitude(code, &significand, &exponent);
}

/* The region that holds both ends of codes of one sign, so all of them. */
static const region *region_of(assay_operation_id id, uint64_t first, uint64_t last)
{
    const int sign = first >> 31 ? -1 : 1;
    const double low = size_of(first), high = size_of(last);
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        const region *r = &regions[i];
        if (r->id == id && r->sign != -sign && low > r->from && high < r->to)
            return r;
    }
    return NULL;
}

static assay_verify_item place_beside(const region *r, uint64_t code)
{
    const bool negative = r->negative || (r->sign == 0 && code >> 31);
    uint64_t significand;
    int exponent;
    magnitude(code, &significand, &exponent);
    uint64_t m = 8 * significand;
    int e = exponent - 3;
    switch (r->what) {
    case NONE: return (assay_verify_item){ .place = { .kind = ASSAY_PLACE_NAN } };
    case ONE: m = (uint64_t)1 << KEPT, e = -KEPT; break;
    case HALF: m = (uint64_t)1 << KEPT, e = -KEPT - 1; break;
    case OPERAND: break;
    case OPERAND_HALVED: e--; break;
    case ZERO: m = 0, e = LEAST - 2; break;
    case FAR: m = 1, e = 200; break;
    }
    return between(negative, r->above ? m : m - 1, e);
}

/* ---- pieces: five neighbours fix a polynomial */

/* How many neighbours from |x| = size on lie within 2^-10 of the radius in which |f| is bounded; 0:
 * too few, or log x at 1. */
static size_t piece_of(assay_operation_id id, bool negative, double size, double step)
{
    double radius = size < 1 ? size / 2 : 0.5;
    if (id == ASSAY_OPERATION_LOG || id == ASSAY_OPERATION_RSQRT)
        radius = size / 2;
    if (id == ASSAY_OPERATION_LOG && size > 1 - 0x1.8p-12 && size < 1 + 0x1.8p-12)
        return 0;
    if (id == ASSAY_OPERATION_GELU && negative && size >= 1)
        radius = 0.125;
    size_t n = PIECE;
    while (n >= FEWEST && (double)(int64_t)n * step > 0x1p-10 * radius)
        n /= 2;
    return n >= FEWEST ? n : 0;
}

/* The place of any number less than 2^BOUND from y units of 2^-scale; false if that depends. */
static bool place_near(units y, int scale, assay_verify_item *out)
{
    const bool negative = y < 0;
    const units size = negative ? -y : y, bound = (units)1 << BOUND;
    const int bits = 64 + length((uint64_t)(size >> 64)), cut = bits - KEPT;
    if (bits < UNITS - 2 || bits > UNITS + 2)
        return false;
    const uint64_t m = (uint64_t)((size - bound) >> cut);
    if (m != (uint64_t)((size + bound) >> cut))
        return false;
    *out = between(negative, m, cut - scale);
    return true;
}

static void evaluate_one(const assay_verify_formats *f, assay_verify_terms *t, uint64_t code,
                         assay_verify_item *out)
{
    const uint64_t codes[ASSAY_OPERANDS_MOST] = { code };
    assay_verify_evaluate(f, t, codes, out);
}

/* f(x) in units of 2^-scale, rounded to one; for the first of a piece scale is chosen. */
static units node(const assay_verify_formats *f, assay_verify_terms *t, uint64_t code, bool first,
                  int *scale)
{
    assay_verify_value(f->operands.format, code, t->x[0]);
    mpfr_set_prec(t->result, f->precision);
    assay_verify_apply(f->operation->id, t->result, t->x);
    if (first)
        *scale = UNITS - (int)mpfr_get_exp(t->result);
    mpfr_set_prec(t->scaled, 64);
    mpfr_mul_2si(t->result, t->result, *scale - 60, MPFR_RNDN);
    mpfr_rint(t->scaled, t->result, MPFR_RNDN);
    units high = mpfr_get_si(t->scaled, MPFR_RNDN);
    mpfr_sub(t->result, t->result, t->scaled, MPFR_RNDN);
    mpfr_mul_2si(t->result, t->result, 60, MPFR_RNDN);
    return high * ((units)1 << 60) + mpfr_get_si(t->result, MPFR_RNDN);
}

/* Newton's forward differences, added up. */
static void interpolate(const assay_verify_formats *f, assay_verify_terms *t, uint64_t code,
                        size_t n, assay_verify_item *out)
{
    units d[NODES];
    int scale = 0;
    for (size_t k = 0; k < NODES; k++)
        d[k] = node(f, t, code + k, k == 0, &scale);
    for (size_t order = 1; order < NODES; order++)
        for (size_t k = NODES - 1; k >= order; k--)
            d[k] -= d[k - 1];
    for (size_t i = 0; i < n; i++) {
        if (!place_near(d[0], scale, &out[i]))
            evaluate_one(f, t, code + i, &out[i]);
        for (size_t k = 0; k + 1 < NODES; k++)
            d[k] += d[k + 1];
    }
}

static bool is_binary32(const assay_format *f)
{
    return f->kind == ASSAY_FAMILY_FLOAT && f->law == ASSAY_LAW_GENERAL && f->bits == 32 &&
           f->exponent_bits == 8 && f->bias == 127 && f->nan == ASSAY_NAN_IEEE && f->has_inf &&
           f->is_signed && f->has_subnormals && f->has_negzero;
}

bool assay_verify_is_smooth(const assay_verify_formats *f)
{
    bool known = false;
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++)
        known = known || regions[i].id == f->operation->id;
    return known && is_binary32(f->result.format) && is_binary32(f->operands.format);
}

void assay_verify_neighbours(const assay_verify_formats *f, assay_verify_terms *t, uint64_t code,
                             size_t n, assay_verify_item *out)
{
    const assay_operation_id id = f->operation->id;
    for (size_t done = 0, step; done < n; done += step, code += step, out += step) {
        uint64_t significand;
        int exponent;
        const double size = magnitude(code, &significand, &exponent);
        size_t left = n - done, most = left < PIECE ? left : PIECE;
        const bool number = (code >> FRACTION & 0xff) != 0xff;
        const region *r = number ? region_of(id, code, code + most - 1) : NULL;
        step = most;
        if (r) {
            for (size_t i = 0; i < step; i++)
                out[i] = place_beside(r, code + i);
        } else if (!number && (code & 0x7fffff) > 0) {
            for (size_t i = 0; i < step; i++)
                out[i] = (assay_verify_item){ .place = { .kind = ASSAY_PLACE_NAN } };
        } else {
            size_t room = number ? piece_of(id, code >> 31, size, assay_pow2(exponent)) : 0;
            bool piece = room > 0 && most >= FEWEST;
            step = !piece ? 1 : room < most ? room : most;
            if (piece)
                interpolate(f, t, code, step, out);
            else
                evaluate_one(f, t, code, out);
        }
    }
}
#endif
