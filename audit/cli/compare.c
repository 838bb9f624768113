/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/compare.h"

#include <math.h>

#include "numerics/exact.h"

enum { PIECE = 4096 };

/* Sums of squares scaled by powers of two, so that they neither overflow nor vanish. */
typedef struct norms {
    int exponent_a, exponent_d; /* of the largest |a| and |a - b|; INT32_MIN without any */
    assay_dd a, d;
} norms;

enum { NONE = INT32_MIN };

static bool both_finite(double a, double b)
{
    return isfinite(a) && isfinite(b);
}

static int top_exponent(double x)
{
    return x == 0 ? NONE : isinf(x) ? 1024 : assay_exponent(x); /* |a - b| < 2^1025 */
}

static void measure_exponents(norms *n, double a, double d)
{
    int ea = top_exponent(a), ed = top_exponent(d);
    n->exponent_a = ea > n->exponent_a ? ea : n->exponent_a;
    n->exponent_d = ed > n->exponent_d ? ed : n->exponent_d;
}

/* x 2^-e in steps that binary64 has. */
static double scaled(double x, int e)
{
    int half = e / 2;
    return x * assay_pow2(-half) * assay_pow2(half - e);
}

/* Terms of at most 4, none negative: what the sum loses is far below the terms' own rounding. */
static void add_square(assay_dd *sum, double x)
{
    assay_dd square = assay_two_prod(x, x);
    assay_dd s = assay_two_sum(sum->hi, square.hi);
    *sum = assay_fast_two_sum(s.hi, s.lo + (sum->lo + square.lo));
}

static double ratio(const norms *n)
{
    if (n->exponent_d == NONE)
        return 0;
    if (n->exponent_a == NONE)
        return INFINITY;
    double r = assay_sqrt(n->d.hi) / assay_sqrt(n->a.hi);
    int e = n->exponent_a - n->exponent_d;
    return scaled(scaled(r, e / 2), e - e / 2);
}

static void count_specials(cli_comparison *c, double a, double b)
{
    bool nan_a = a != a, nan_b = b != b;
    c->values_differ += !(a == b || (nan_a && nan_b));
    c->nan_differ += nan_a != nan_b;
    c->inf_differ += !nan_a && !nan_b && (isinf(a) || isinf(b)) && a != b;
    c->zero_signs += a == 0 && b == 0 && signbit(a) != signbit(b);
    double size = fabs(a - b);
    if (a != b && size > c->max_abs) /* equal infinities have no difference */
        c->max_abs = size;
}

/* Integers without a format: |a - b| itself, and as a binary64 that is not below it. */
static uint64_t integer_distance(const cli_input *a, const cli_input *b, size_t i)
{
    uint64_t x = cli_input_bits(a, i), y = cli_input_bits(b, i);
    bool is_signed = assay_dtypes[a->array.dtype].kind == ASSAY_SIGNED;
    return (is_signed ? (int64_t)x < (int64_t)y : x < y) ? y - x : x - y;
}

static double upwards(uint64_t u)
{
    double up = (double)u;
    return up < 0x1p64 && (uint64_t)up < u ? assay_from_bits64(assay_bits64(up) + 1) : up;
}

/* A unit is 1, and so is a code. */
static void count_integers(cli_comparison *c, uint64_t distance)
{
    double up = upwards(distance);
    c->values_differ += distance != 0;
    c->max_codes = distance > c->max_codes ? distance : c->max_codes;
    c->max_abs = up > c->max_abs ? up : c->max_abs;
    assay_ulp_add(&c->ulps, up);
}

static void count_values(cli_comparison *c, const assay_format *f, double a, double b)
{
    uint64_t distance = 0;
    count_specials(c, a, b);
    assay_ulp_add(&c->ulps, assay_ulp_error(f, a, b));
    if (!assay_code_distance(f, a, b, &distance))
        c->no_codes++;
    c->max_codes = distance > c->max_codes ? distance : c->max_codes;
}

static void count_bits(cli_comparison *c, const cli_input *a, const cli_input *b, size_t i,
                       bool nans)
{
    if (cli_input_bits(a, i) == cli_input_bits(b, i))
        return;
    if (c->bits_differ++ == 0)
        c->first = i;
    c->nan_bits += nans;
}

/* A piece of both arrays at a time: n elements from `at`. */
typedef struct piece {
    const cli_input *a, *b;
    size_t at, n;
    double x[PIECE], y[PIECE];
} piece;

static bool next_piece(piece *p)
{
    size_t count = p->a->array.count;
    cli_input_forget(p->a, p->at, p->n);
    cli_input_forget(p->b, p->at, p->n);
    p->at += p->n;
    p->n = count - p->at < PIECE ? count - p->at : PIECE;
    cli_input_read(p->a, p->at, p->n, p->x);
    cli_input_read(p->b, p->at, p->n, p->y);
    return p->n > 0;
}

/* The difference scaled before it is taken, so that it does not overflow. */
static double scaled_difference(const piece *p, size_t i, int e)
{
    if (p->a->has_format)
        return scaled(p->x[i], e) - scaled(p->y[i], e);
    return scaled(upwards(integer_distance(p->a, p->b, p->at + i)), e);
}

static void measure_pair(norms *n, const piece *p, size_t i)
{
    if (both_finite(p->x[i], p->y[i]))
        measure_exponents(n, p->x[i],
                          p->a->has_format ? p->x[i] - p->y[i] : scaled_difference(p, i, 0));
}

static void add_pair(norms *n, const piece *p, size_t i)
{
    if (!both_finite(p->x[i], p->y[i]))
        return;
    if (n->exponent_a != NONE)
        add_square(&n->a, scaled(p->x[i], n->exponent_a));
    if (n->exponent_d != NONE)
        add_square(&n->d, scaled_difference(p, i, n->exponent_d));
}

static void count_pair(cli_comparison *c, const piece *p, const assay_format *f, size_t i)
{
    double x = p->x[i], y = p->y[i];
    count_bits(c, p->a, p->b, p->at + i, x != x && y != y);
    if (p->a->has_format)
        count_values(c, f, x, y);
    else
        count_integers(c, integer_distance(p->a, p->b, p->at + i));
}

void cli_compare(const cli_input *a, const cli_input *b, const assay_format *format,
                 cli_comparison *out)
{
    norms n = { .exponent_a = NONE, .exponent_d = NONE };
    *out = (cli_comparison){ .count = a->array.count };
    piece p = { .a = a, .b = b };
    while (next_piece(&p))
        for (size_t i = 0; i < p.n; i++)
            measure_pair(&n, &p, i);
    p.at = p.n = 0;
    while (next_piece(&p))
        for (size_t i = 0; i < p.n; i++) {
            add_pair(&n, &p, i);
            count_pair(out, &p, format, i);
        }
    out->rel_l2 = ratio(&n);
}
