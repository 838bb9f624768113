/* SPDX-License-Identifier: Apache-2.0 */
#include "numerics/elementary.h"

#include "numerics/elementary_dd.h"
#include "numerics/elementary_tables.h"

/* Most functions are the double-double one rounded: section 13 of docs/numerics.md. */

double assay_exp(double x)
{
    return assay_exp_inline(x);
}

double assay_expm1(double x)
{
    return assay_dd_expm1(assay_dd_from(x)).hi;
}

double assay_log(double x)
{
    return assay_dd_log(assay_dd_from(x)).hi;
}

/* 1 + x is exact as a double-word; a tiny x would drown its own low word's exponent range. */
double assay_log1p(double x)
{
    if (x > -0x1p-110 && x < 0x1p-110)
        return x;
    return assay_dd_log(x < 0x1p1000 ? assay_two_sum(1, x) : assay_dd_from(x)).hi;
}

double assay_log10(double x)
{
    assay_dd l = assay_dd_log(assay_dd_from(x));
    assay_dd c = { assay_rlog10[0], assay_rlog10[1] };
    return l.hi - l.hi == 0 ? assay_dd_mul(l, c).hi : l.hi;
}

double assay_pow(double x, double y)
{
    return assay_dd_pow(assay_dd_from(x), assay_dd_from(y)).hi;
}

double assay_sin(double x)
{
    return assay_dd_sin(assay_dd_from(x)).hi;
}

double assay_cos(double x)
{
    return assay_dd_cos(assay_dd_from(x)).hi;
}

double assay_tanh(double x)
{
    return assay_dd_tanh(assay_dd_from(x)).hi;
}

double assay_erf(double x)
{
    return assay_dd_erf(assay_dd_from(x)).hi;
}

double assay_erfc(double x)
{
    return assay_dd_erfc(assay_dd_from(x)).hi;
}

/* e <= 1 whatever the sign of x, so that neither e nor the sum overflows; section 5. */
static double times_sigmoid(double factor, double x)
{
    double e = assay_exp_inline(x < 0 ? x : -x);
    return factor * (x < 0 ? e : 1) / (1 + e);
}

double assay_sigmoid(double x)
{
    return times_sigmoid(1, x);
}

/* Below -700 e^x nears the subnormals, where x times its rounding would be many ulps. */
double assay_silu(double x)
{
    return x >= -700 ? times_sigmoid(x, x) : assay_dd_silu(assay_dd_from(x)).hi;
}

double assay_gelu_erf(double x)
{
    return assay_dd_gelu_erf(assay_dd_from(x)).hi;
}

double assay_gelu_tanh(double x)
{
    return assay_dd_gelu_tanh(assay_dd_from(x)).hi;
}
