/* SPDX-License-Identifier: Apache-2.0 */
/* Functions in double-double arithmetic: what nearly every result is decided by. Bounds are those
 * of numerics/elementary_dd.h, 2^-100, and of the few operations behind them, each below 2^-101
 * (numerics/exact.h); docs/operations.md, 2.3. */
#include "numerics/elementary_dd.h"
#include "rounding/function_parts.h"

static const assay_dd log2_e = { 0x1.71547652b82fep0, 0x1.777d0ffda0d24p-56 };
static const assay_dd ln2 = { 0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56 };

static int bits_above_one(double x)
{
    int e = assay_exponent(x) + 1;
    return e > 0 ? e : 0;
}

/* With f = e^|x| - 1, as the wide ones: sinh = (f + f / (1 + f)) / 2, cosh = (g + 1 / g) / 2. */
static assay_dd hyperbolic(bool sine, double x)
{
    assay_dd f = assay_dd_expm1(assay_dd_from(x < 0 ? -x : x)), g = assay_dd_add_d(f, 1);
    assay_dd y = assay_dd_div(sine ? f : assay_dd_from(1), g);
    y = assay_dd_ldexp(assay_dd_add(sine ? f : g, y), -1);
    return sine && x < 0 ? assay_dd_neg(y) : y;
}

static assay_dd tangent(double x)
{
    assay_dd s, c;
    assay_dd_sincos(assay_dd_from(x), &s, &c);
    return assay_dd_div(s, c);
}

/* log(1 + x), |x| > 2^-40, where 1 + x is a double-double exactly. */
static assay_dd log1p_of(double x)
{
    return assay_dd_log(assay_two_sum(1, x));
}

/* y within 2^-result of f(x); 0 where there is none. */
static int evaluate(assay_operation_id id, double x, double z, assay_dd *y)
{
    assay_dd a = assay_dd_from(x);
    int large = bits_above_one(x), size = assay_exponent(x);
    switch (id) {
    case ASSAY_OPERATION_EXP: *y = assay_dd_exp(a); return 99;
    case ASSAY_OPERATION_EXP2: *y = assay_dd_exp(assay_dd_mul_d(ln2, x)); return 98 - large;
    case ASSAY_OPERATION_EXPM1: *y = assay_dd_expm1(a); return 99;
    case ASSAY_OPERATION_LOG: *y = assay_dd_log(a); return 99;
    case ASSAY_OPERATION_LOG2: *y = assay_dd_mul(assay_dd_log(a), log2_e); return 98;
    case ASSAY_OPERATION_LOG1P: *y = log1p_of(x); return size > -40 && size < 40 ? 99 : 0;
    case ASSAY_OPERATION_SIN: *y = assay_dd_sin(a); return 99;
    case ASSAY_OPERATION_COS: *y = assay_dd_cos(a); return 99;
    case ASSAY_OPERATION_TAN: *y = tangent(x); return 97;
    case ASSAY_OPERATION_SINH:
    case ASSAY_OPERATION_COSH:
        *y = hyperbolic(id == ASSAY_OPERATION_SINH, x);
        return large < 9 ? 97 : 0;
    case ASSAY_OPERATION_TANH: *y = assay_dd_tanh(a); return large < 6 ? 99 : 0;
    case ASSAY_OPERATION_ERF: *y = assay_dd_erf(a); return large < 3 ? 99 : 0;
    case ASSAY_OPERATION_SIGMOID: *y = assay_dd_sigmoid(a); return large < 6 ? 99 : 0;
    case ASSAY_OPERATION_SILU: *y = assay_dd_silu(a); return large < 6 ? 99 : 0;
    case ASSAY_OPERATION_GELU: *y = assay_dd_gelu_erf(a); return large < 4 ? 99 : 0;
    case ASSAY_OPERATION_GELU_TANH: *y = assay_dd_gelu_tanh(a); return large < 4 ? 99 - 10 : 0;
    case ASSAY_OPERATION_POW:
        if (!(x > 0))
            return 0;
        *y = assay_dd_pow(a, assay_dd_from(z));
        return 99 - 11; /* |z log x| < 800 where neither 0 nor infinite */
    case ASSAY_OPERATION_ATAN2:
    case ASSAY_OPERATION_ATAN2PI: return assay_function_angle(id, x, z, y);
    default: return assay_function_inverse(id, x, y);
    }
}

static bool to_double(const assay_operand *x, double *y)
{
    *y = assay_exact_to_double(x->exact);
    return x->kind == ASSAY_FINITE && x->rational && x->d == 1 && x->exact.exp > -1060 &&
           x->exact.exp < 900;
}

/* The bounds hold for results far enough from underflow and overflow. */
bool assay_function_fast(assay_operation_id id, const assay_operand *x, assay_result *r)
{
    double a, b = 0;
    assay_dd y = { 0, 0 };
    bool two =
        id == ASSAY_OPERATION_POW || id == ASSAY_OPERATION_ATAN2 || id == ASSAY_OPERATION_ATAN2PI;
    if (!to_double(&x[0], &a) || (two && !to_double(&x[1], &b)))
        return false;
    int good = evaluate(id, a, b, &y);
    double size = y.hi < 0 ? -y.hi : y.hi;
    if (good == 0 || !(size > 0x1p-900 && size < 0x1p900))
        return false;
    assay_exact exact = assay_exact_from_pair(y.hi, y.lo);
    assay_wide_from_exact(2, &r->w, &exact);
    r->good = good;
    return true;
}
