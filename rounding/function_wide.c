/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of operands in wide numbers. Each formula's loss of bits is in docs/operations.md,
 * 2.6; none of them cancels, except where a line here says what it costs. */
#include <string.h>

#include "numerics/wide_function.h"
#include "rounding/function_parts.h"

static int least(int a, int b)
{
    return a < b ? a : b;
}

static void from_int(int n, assay_wide *r, uint64_t m)
{
    assay_wide_from(n, r, m, 0, false);
}

/* e^x for |x| up to 2^31. */
static int sigmoid(int n, assay_wide *r, const assay_wide *x)
{
    assay_wide e, unit, below;
    assay_wide_set(n, &below, x);
    below.negative = true;
    int good = assay_wide_exp(n, &e, &below);
    from_int(n, &unit, 1);
    assay_wide_add(n, &below, &e, &unit);
    assay_wide_div(n, r, x->negative ? &e : &unit, &below);
    return good - 3;
}

static int times_sigmoid(int n, assay_wide *r, const assay_wide *x, const assay_wide *z)
{
    assay_wide s;
    int good = sigmoid(n, &s, z);
    assay_wide_mul(n, r, &s, x);
    return good - 2;
}

/* 2 sqrt(2/pi) (x + 0.044715 x^3) = sqrt(8/pi) x (1 + 8943 x^2 / 200000) */
static int gelu_tanh(int n, assay_wide *r, const assay_wide *x)
{
    assay_wide a, c;
    assay_wide_mul(n, &a, x, x);
    assay_wide_mul_u(n, &a, &a, 8943);
    assay_wide_div_u(n, &a, &a, 200000);
    from_int(n, &c, 1);
    assay_wide_add(n, &a, &a, &c);
    assay_wide_mul(n, &a, &a, x);
    assay_wide_pi(n, &c);
    c.exp -= 3;
    assay_wide_sqrt(n, &c, &c);
    assay_wide_div(n, &a, &a, &c);
    int lost = a.exp > 0 ? (int)a.exp : 0;
    return least(times_sigmoid(n, r, x, &a), 64 * n - 6 - lost);
}

/* x/2 (1 + erf(x / sqrt 2)): of a negative x, through erfc. */
static int gelu(int n, assay_wide *r, const assay_wide *x)
{
    assay_wide z, f, c;
    if (x->exp > 5 + 1)
        return 0;
    int w = n + 1 < ASSAY_WIDE_MOST ? n + 1 : n;
    from_int(w, &c, 2);
    assay_wide_sqrt(w, &c, &c);
    assay_wide_set(n, &z, x);
    memset(z.at + n, 0, (size_t)(w - n) * sizeof z.at[0]);
    assay_wide_div(w, &z, &z, &c);
    bool left = x->negative;
    z.negative = false;
    /* f(z (1 + d)) = f(z) (1 + 2 z^2 d): the limb more pays for that. */
    int good = left ? assay_wide_erfc(w, &f, &z) : assay_wide_erf(w, &f, &z);
    if (good <= 0)
        return 0;
    if (!left) {
        from_int(w, &c, 1);
        assay_wide_add(w, &f, &f, &c);
    }
    assay_wide_mul(n, r, &f, x);
    r->exp--;
    return least(good, 64 * w - 16) - 4;
}

static int softplus(int n, assay_wide *r, const assay_wide *x)
{
    assay_wide e;
    assay_wide_set(n, &e, x);
    e.negative = true;
    int good = assay_wide_exp(n, &e, &e), own = assay_wide_log1p(n, &e, &e);
    if (x->negative || assay_wide_is_zero(x))
        assay_wide_set(n, r, &e);
    else
        assay_wide_add(n, r, x, &e);
    return least(good, own) - 3;
}

/* ---- hyperbolic functions, of |x| ---- */

/* With f = e^x - 1: sinh = (f + f / (1 + f)) / 2, cosh = (1 + f + 1 / (1 + f)) / 2,
 * tanh x = f(2x) / (f(2x) + 2). */
static int hyperbolic(assay_operation_id id, int n, assay_wide *r, const assay_wide *x)
{
    assay_wide f, g, unit, t;
    bool negative = x->negative;
    from_int(n, &unit, 1);
    assay_wide_set(n, &t, x);
    t.negative = false;
    t.exp += id == ASSAY_OPERATION_TANH && !assay_wide_is_zero(x);
    int good = assay_wide_expm1(n, &f, &t);
    assay_wide_add(n, &g, &f, &unit);
    if (id == ASSAY_OPERATION_TANH) {
        assay_wide_add(n, &g, &g, &unit);
        assay_wide_div(n, r, &f, &g);
    } else {
        bool sine = id == ASSAY_OPERATION_SINH;
        assay_wide_div(n, &t, sine ? &f : &unit, &g);
        assay_wide_add(n, r, sine ? &f : &g, &t);
        r->exp--;
    }
    r->negative = negative && id != ASSAY_OPERATION_COSH;
    return good - 4;
}

/* asinh x = log1p(x + x^2 / (1 + sqrt(1 + x^2))), acosh x = log1p(t + sqrt(t (t + 2))), t = x - 1,
 * atanh x = log1p(2x / (1 - x)) / 2, all of |x|. */
static int inverse_hyperbolic(assay_operation_id id, int n, assay_wide *r, const assay_wide *x)
{
    assay_wide t, s, unit;
    bool negative = x->negative;
    from_int(n, &unit, 1);
    assay_wide_set(n, &t, x);
    t.negative = false;
    if (id == ASSAY_OPERATION_ATANH) {
        assay_wide_sub(n, &s, &unit, &t);
        assay_wide_div(n, &s, &t, &s);
        s.exp++;
    } else if (id == ASSAY_OPERATION_ASINH) {
        assay_wide q;
        assay_wide_mul(n, &q, &t, &t);
        assay_wide_add(n, &s, &q, &unit);
        assay_wide_sqrt(n, &s, &s);
        assay_wide_add(n, &s, &s, &unit);
        assay_wide_div(n, &s, &q, &s);
        assay_wide_add(n, &s, &s, &t);
    } else {
        assay_wide_sub(n, &t, &t, &unit);
        from_int(n, &s, 2);
        assay_wide_add(n, &s, &s, &t);
        assay_wide_mul(n, &s, &s, &t);
        assay_wide_sqrt(n, &s, &s);
        assay_wide_add(n, &s, &s, &t);
    }
    int good = assay_wide_log1p(n, r, &s);
    r->exp -= id == ASSAY_OPERATION_ATANH;
    r->negative = negative;
    return good - 6;
}

/* ---- circular functions ---- */

/* sin, cos, tan of q quarter turns and r. */
static int circular(assay_operation_id id, int n, assay_wide *r, unsigned q, int good)
{
    assay_wide s, c;
    bool tangent = id == ASSAY_OPERATION_TAN || id == ASSAY_OPERATION_TANPI;
    q += id == ASSAY_OPERATION_COS || id == ASSAY_OPERATION_COSPI;
    if (tangent) {
        int one = assay_wide_sin(n, &s, r), two = assay_wide_cos(n, &c, r);
        assay_wide_div(n, r, q % 2 ? &c : &s, q % 2 ? &s : &c);
        r->negative = r->negative != (q % 2 == 1);
        return least(good, least(one, two)) - 3;
    }
    int own = q % 2 ? assay_wide_cos(n, r, r) : assay_wide_sin(n, r, r);
    r->negative = r->negative != (q % 4 >= 2);
    return least(good, own) - 2;
}

static int of_radians(assay_operation_id id, int n, assay_wide *r, const assay_wide *x)
{
    unsigned q;
    int good = assay_wide_reduce(n, r, x, &q);
    return good > 0 ? circular(id, n, r, q, good) : 0;
}

/* x = q / 2 + f, |f| <= 1/4, exactly; then f pi. */
static int of_turns(assay_operation_id id, int n, assay_wide *r, const assay_wide *x)
{
    assay_wide f, pi;
    assay_wide_set(n, &f, x);
    f.exp++;
    uint64_t whole = assay_wide_nearest(n, &f, &f);
    unsigned q = (unsigned)(x->negative ? 0 - whole : whole) & 3;
    if (assay_wide_is_zero(&f))
        return 0;
    f.exp--;
    assay_wide_pi(n, &pi);
    assay_wide_mul(n, r, &f, &pi);
    return circular(id, n, r, q, 64 * n - 4);
}

/* asin x = atan(x / sqrt((1 - x) (1 + x))), acos x = 2 atan(sqrt((1 - x) / (1 + x))). */
static int arc(assay_operation_id id, int n, assay_wide *r, const assay_wide *x)
{
    assay_wide minus, plus, unit;
    bool sine = id == ASSAY_OPERATION_ASIN || id == ASSAY_OPERATION_ASINPI;
    from_int(n, &unit, 1);
    assay_wide_sub(n, &minus, &unit, x);
    assay_wide_add(n, &plus, &unit, x);
    bool end = assay_wide_is_zero(&plus) || (sine && assay_wide_is_zero(&minus));
    if (end) { /* pi, pi/2 or -pi/2 */
        assay_wide_pi(n, r);
        r->exp -= sine;
        r->negative = sine && x->negative;
        return 64 * n - 1;
    }
    if (sine) {
        assay_wide_mul(n, &plus, &plus, &minus);
        assay_wide_sqrt(n, &plus, &plus);
        assay_wide_div(n, &plus, x, &plus);
    } else {
        assay_wide_div(n, &plus, &minus, &plus);
        assay_wide_sqrt(n, &plus, &plus);
    }
    int good = assay_wide_atan(n, r, &plus);
    r->exp += !sine;
    return good - 5;
}

/* The angle of (y, x), neither 0 unless infinite: atan |y/x|, or pi less that. */
static int angle(int n, assay_wide *r, const assay_wide *y, const assay_wide *x)
{
    assay_wide q, pi;
    bool negative = y->negative, left = x->negative;
    assay_wide_div(n, &q, y, x);
    q.negative = false;
    int good = assay_wide_atan(n, &q, &q);
    if (left) {
        assay_wide_pi(n, &pi);
        assay_wide_sub(n, &q, &pi, &q);
    }
    assay_wide_set(n, r, &q);
    r->negative = negative;
    return good - 4;
}

static bool has_end(const assay_operand *x)
{
    return x->kind == ASSAY_ZERO || x->kind == ASSAY_INFINITE;
}

/* atan2 at infinities and zeros, in quarters of pi: what special cases left to this. */
static int fixed_angle(int n, assay_wide *r, const assay_operand *y, const assay_operand *x)
{
    bool both = y->kind == ASSAY_INFINITE && x->kind == ASSAY_INFINITE;
    bool flat = y->kind == ASSAY_ZERO || (x->kind == ASSAY_INFINITE && !both);
    uint64_t eighths = both ? (x->negative ? 3 : 1) : flat ? 4 : 2;
    assay_wide_pi(n, r);
    assay_wide_mul_u(n, r, r, eighths);
    r->exp -= 2;
    r->negative = y->negative;
    return 64 * n - 3;
}

/* ---- all of them ---- */

static int over_pi(int n, assay_wide *r, int good)
{
    assay_wide pi;
    assay_wide_pi(n, &pi);
    assay_wide_div(n, r, r, &pi);
    return good > 0 ? good - 3 : 0;
}

static int of_one(assay_operation_id id, int n, assay_wide *r, const assay_wide *x)
{
    assay_wide t;
    int good;
    switch (id) {
    case ASSAY_OPERATION_EXP: return assay_wide_exp(n, r, x);
    case ASSAY_OPERATION_EXP2:
        assay_wide_ln2(n, &t);
        assay_wide_mul(n, &t, &t, x);
        return assay_wide_exp(n, r, &t) - 3;
    case ASSAY_OPERATION_EXPM1: return assay_wide_expm1(n, r, x);
    case ASSAY_OPERATION_LOG: return assay_wide_log(n, r, x);
    case ASSAY_OPERATION_LOG2:
        good = assay_wide_log(n, r, x);
        assay_wide_ln2(n, &t);
        assay_wide_div(n, r, r, &t);
        return good - 2;
    case ASSAY_OPERATION_LOG1P: return assay_wide_log1p(n, r, x);
    case ASSAY_OPERATION_SIN:
    case ASSAY_OPERATION_COS:
    case ASSAY_OPERATION_TAN: return of_radians(id, n, r, x);
    case ASSAY_OPERATION_SINPI:
    case ASSAY_OPERATION_COSPI:
    case ASSAY_OPERATION_TANPI: return of_turns(id, n, r, x);
    case ASSAY_OPERATION_ASIN:
    case ASSAY_OPERATION_ACOS: return arc(id, n, r, x);
    case ASSAY_OPERATION_ASINPI:
    case ASSAY_OPERATION_ACOSPI: return over_pi(n, r, arc(id, n, r, x));
    case ASSAY_OPERATION_ATAN: return assay_wide_atan(n, r, x);
    case ASSAY_OPERATION_ATANPI: return over_pi(n, r, assay_wide_atan(n, r, x));
    case ASSAY_OPERATION_SINH:
    case ASSAY_OPERATION_COSH:
    case ASSAY_OPERATION_TANH: return hyperbolic(id, n, r, x);
    case ASSAY_OPERATION_ASINH:
    case ASSAY_OPERATION_ACOSH:
    case ASSAY_OPERATION_ATANH: return inverse_hyperbolic(id, n, r, x);
    case ASSAY_OPERATION_ERF: return assay_wide_erf(n, r, x);
    case ASSAY_OPERATION_SIGMOID: return sigmoid(n, r, x);
    case ASSAY_OPERATION_SILU: return times_sigmoid(n, r, x, x);
    case ASSAY_OPERATION_GELU: return gelu(n, r, x);
    case ASSAY_OPERATION_GELU_TANH: return gelu_tanh(n, r, x);
    default: return softplus(n, r, x);
    }
}

static int power_of(int n, assay_wide *r, const assay_wide *x, const assay_wide *y, bool negative)
{
    assay_wide l;
    assay_wide_set(n, &l, x);
    l.negative = false;
    int good = assay_wide_log(n, &l, &l) - 2;
    assay_wide_mul(n, &l, &l, y);
    int lost = l.exp > 0 ? (int)l.exp : 0, own = assay_wide_exp(n, r, &l);
    r->negative = negative;
    return least(good - lost, own) - 2;
}

/* The whole operand in wide numbers; one that is not exact costs as many bits as the function may
 * magnify its error: its exponent, and what lies near a zero. */
static int operand(int n, assay_wide *w, const assay_operand *x)
{
    memset(w->at, 0, sizeof w->at);
    if (x->kind != ASSAY_FINITE) {
        assay_wide_from(n, w, 0, 0, false);
        return 64 * n;
    }
    return assay_operand_wide(n, w, x);
}

int assay_function_wide(assay_operation_id id, int n, assay_wide *w, const assay_operand *x)
{
    enum { NEAR_ZERO = 64 };
    const assay_operand one = { .kind = ASSAY_FINITE };
    assay_wide a, b;
    bool two =
        id == ASSAY_OPERATION_ATAN2 || id == ASSAY_OPERATION_ATAN2PI || id == ASSAY_OPERATION_POW;
    bool exact = x->rational && x->d == 1 && (!two || (x[1].rational && x[1].d == 1));
    int64_t lost = exact ? 0 : NEAR_ZERO;
    bool angles = two && id != ASSAY_OPERATION_POW;
    if (angles && (has_end(&x[0]) || has_end(&x[1])))
        return fixed_angle(n, w, &x[0], &x[1]);
    if (x->kind == ASSAY_INFINITE) /* atan */
        return fixed_angle(n, w, &x[0], &one);
    if (!exact && x->kind == ASSAY_FINITE && assay_exponent_of(x) > 0)
        lost += assay_exponent_of(x);
    int m = n + (int)(lost / 64) + (exact ? 0 : 1);
    if (lost > 4096 || m > ASSAY_WIDE_MOST)
        return 0;
    int good = operand(m, &a, &x[0]), other = two ? operand(m, &b, &x[1]) : 64 * m;
    int own =
        id == ASSAY_OPERATION_POW
            ? power_of(m, w, &a, &b, x->negative && x[1].rational && x[1].d == 1 && x[1].exp == 0)
        : two ? angle(m, w, &a, &b)
              : of_one(id, m, w, &a);
    if (id == ASSAY_OPERATION_ATAN2PI)
        own = over_pi(m, w, own);
    return exact || own <= 0 ? own : least(own, least(good, other) - (int)lost - 2);
}
