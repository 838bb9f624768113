/* SPDX-License-Identifier: Apache-2.0 */
/* Inverse functions, the Pi variants and softplus in double-double: docs/operations.md, 2.3. A
 * first guess of an angle needs no proof, as Newton's step says how good it was. */
#include "rounding/function_parts.h"

static const assay_dd over_pi = { 0x1.45f306dc9c883p-2, -0x1.6b01ec5417056p-56 };
static const assay_dd pi = { 0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53 };

static double size_of(double x)
{
    return x < 0 ? -x : x;
}

/* atan y / x for y, x >= 0, x + y > 0: Abramowitz and Stegun 4.4.49, to 2^-16. */
static double guess_angle(double y, double x)
{
    bool steep = y > x;
    double t = steep ? x / y : y / x, s = t * t;
    double a =
        t * (0.9998660 + s * (-0.3302995 + s * (0.1801410 + s * (-0.0851330 + s * 0.0208351))));
    return steep ? 0x1.921fb54442d18p+0 - a : a;
}

/* The angle a of the point (x, y), x^2 + y^2 = 1 not being needed: with a guess g the rest is the
 * arc tangent of d = (y cos g - x sin g) / (x cos g + y sin g), |d| < 2^-14. */
static bool angle_of(assay_dd y, assay_dd x, assay_dd *a)
{
    assay_dd sine, cosine;
    double g = guess_angle(y.hi, x.hi);
    assay_dd_sincos(assay_dd_from(g), &sine, &cosine);
    assay_dd up = assay_dd_sub(assay_dd_mul(y, cosine), assay_dd_mul(x, sine));
    assay_dd d = assay_dd_div(up, assay_dd_add(assay_dd_mul(x, cosine), assay_dd_mul(y, sine)));
    if (!(size_of(d.hi) < 0x1p-14))
        return false;
    assay_dd s = assay_dd_mul(d, d);
    double tail = 0x1.999999999999ap-3 - s.hi * 0x1.2492492492492p-3;
    assay_dd third = { 0x1.5555555555555p-2, 0x1.5555555555555p-56 };
    assay_dd c = assay_dd_sub(assay_dd_mul_d(s, tail), third); /* -1/3 + s/5 - s^2/7 */
    d = assay_dd_add(d, assay_dd_mul(assay_dd_mul(d, s), c));
    *a = assay_dd_add_d(d, g);
    return true;
}

/* log(1 + t) for t > -1/2: log(u) t / (u - 1) with u = 1 + t rounded; u - 1 is exact. */
static assay_dd log1p_of(assay_dd t)
{
    assay_dd u = assay_dd_add_d(t, 1), less = assay_two_sum(u.hi - 1, u.lo);
    if (size_of(t.hi) > 0x1p20 || less.hi == 0)
        return less.hi == 0 ? t : assay_dd_log(u);
    return assay_dd_div(assay_dd_mul(assay_dd_log(u), t), less);
}

/* sqrt(1 - x^2) and sqrt(x^2 - 1): the factors are exact. */
static assay_dd root_of_difference(double x, bool below)
{
    assay_dd a = assay_two_sum(1, x), b = below ? assay_two_sum(1, -x) : assay_two_sum(x, -1);
    return assay_dd_sqrt(assay_dd_mul(a, b));
}

/* |x| >= 2^-30, below which asinh x = x - ... comes from wide numbers. */
static assay_dd inverse_hyperbolic(assay_operation_id id, double x)
{
    double a = size_of(x);
    assay_dd t;
    if (id == ASSAY_OPERATION_ASINH) { /* log1p(x + x^2 / (1 + sqrt(1 + x^2))) */
        assay_dd square = assay_two_prod(a, a), root = assay_dd_sqrt(assay_dd_add_d(square, 1));
        t = assay_dd_add_d(assay_dd_div(square, assay_dd_add_d(root, 1)), a);
    } else if (id == ASSAY_OPERATION_ACOSH) { /* log1p((x - 1) + sqrt((x - 1) (x + 1))) */
        t = assay_dd_add(root_of_difference(x, false), assay_two_sum(x, -1));
    } else { /* log1p(2 x / (1 - x)) / 2 */
        t = assay_dd_div(assay_dd_from(2 * a), assay_two_sum(1, -a));
    }
    assay_dd y = log1p_of(t);
    y = id == ASSAY_OPERATION_ATANH ? assay_dd_ldexp(y, -1) : y;
    return x < 0 && id != ASSAY_OPERATION_ACOSH ? assay_dd_neg(y) : y;
}

/* acos x lies in the other quadrant for x < 0. */
static int arc(assay_operation_id id, double x, assay_dd *y)
{
    double a = size_of(x);
    bool tangent = id == ASSAY_OPERATION_ATAN || id == ASSAY_OPERATION_ATANPI;
    bool cosine = id == ASSAY_OPERATION_ACOS || id == ASSAY_OPERATION_ACOSPI;
    bool over = id == ASSAY_OPERATION_ATANPI || id == ASSAY_OPERATION_ACOSPI ||
                id == ASSAY_OPERATION_ASINPI;
    assay_dd own = assay_dd_from(a);
    assay_dd other = tangent ? assay_dd_from(1) : root_of_difference(a, true);
    if (a < 0x1p-30 || a > 0x1p60 || !angle_of(cosine ? other : own, cosine ? own : other, y))
        return 0;
    if (cosine && x < 0)
        *y = assay_dd_sub(pi, *y);
    else if (x < 0)
        *y = assay_dd_neg(*y);
    if (over)
        *y = assay_dd_mul(*y, over_pi);
    return 93;
}

/* sin(pi x) and the like: x modulo 2 in halves is exact, and so is what is left of it. */
static int circular_pi(assay_operation_id id, double x, assay_dd *y)
{
    double n = x * 2 + 0x1.8p52, rest = x - (n - 0x1.8p52) * 0.5;
    assay_dd sine, cosine;
    if (size_of(x) > 0x1p40 || size_of(rest) < 0x1p-16)
        return 0;
    int64_t quarter = (int64_t)(n - 0x1.8p52) & 3;
    assay_dd_sincos(assay_dd_mul_d(pi, rest), &sine, &cosine);
    assay_dd s = quarter & 1 ? cosine : sine, c = quarter & 1 ? sine : cosine;
    s = quarter >= 2 ? assay_dd_neg(s) : s;
    c = quarter == 1 || quarter == 2 ? assay_dd_neg(c) : c;
    *y = id == ASSAY_OPERATION_SINPI ? s : id == ASSAY_OPERATION_COSPI ? c : assay_dd_div(s, c);
    return 97 - 16;
}

/* Of a point (x, y) whose coordinates are neither far apart nor near binary64's ends. */
int assay_function_angle(assay_operation_id id, double y, double x, assay_dd *a)
{
    double up = size_of(y), along = size_of(x);
    bool moderate = up > 0x1p-300 && up < 0x1p300 && along > 0x1p-300 && along < 0x1p300;
    if (!moderate || up < along * 0x1p-60 || along < up * 0x1p-60 ||
        !angle_of(assay_dd_from(up), assay_dd_from(along), a))
        return 0;
    if (x < 0)
        *a = assay_dd_sub(pi, *a);
    if (y < 0)
        *a = assay_dd_neg(*a);
    if (id == ASSAY_OPERATION_ATAN2PI)
        *a = assay_dd_mul(*a, over_pi);
    return 93;
}

int assay_function_inverse(assay_operation_id id, double x, assay_dd *y)
{
    double a = size_of(x);
    switch (id) {
    case ASSAY_OPERATION_ASIN:
    case ASSAY_OPERATION_ACOS:
    case ASSAY_OPERATION_ATAN:
    case ASSAY_OPERATION_ASINPI:
    case ASSAY_OPERATION_ACOSPI:
    case ASSAY_OPERATION_ATANPI: return arc(id, x, y);
    case ASSAY_OPERATION_SINPI:
    case ASSAY_OPERATION_COSPI:
    case ASSAY_OPERATION_TANPI: return circular_pi(id, x, y);
    case ASSAY_OPERATION_ASINH:
    case ASSAY_OPERATION_ACOSH:
    case ASSAY_OPERATION_ATANH:
        *y = inverse_hyperbolic(id, x);
        return a > 0x1p-30 && a < 0x1p400 ? 93 : 0;
    case ASSAY_OPERATION_SOFTPLUS: { /* x + log1p(e^-x) for x > 0 */
        assay_dd t = log1p_of(assay_dd_exp(assay_dd_from(-a)));
        *y = x > 0 ? assay_dd_add_d(t, x) : t;
        return a < 60 ? 95 : 0;
    }
    default: return 0;
    }
}
