/* SPDX-License-Identifier: Apache-2.0 */
/* docs/numerics.md, 17, proves the bounds. */
#include "numerics/gamma.h"

#include "numerics/elementary.h"
#include "numerics/exact.h"

/* A dozen roundings of 2^-53 each lie between a result and its formula. */
static const double widen = 1 + 0x1p-45;

double assay_gamma(int64_t n, double u)
{
    double x = (double)n * u * widen;
    return x < 1 ? x / (1 - x) * widen : (double)__builtin_inff();
}

double assay_gamma_probable(int64_t n, double u, double lambda)
{
    double count = (double)n;
    double x = (lambda * assay_sqrt(count) * u + count * u * u) / (1 - u);
    return assay_expm1(x * widen) * widen;
}

double assay_gamma_failure(double lambda)
{
    double p = 2 * assay_exp(-(lambda * lambda) / 2) * widen;
    return p < 1 ? p : 1;
}
