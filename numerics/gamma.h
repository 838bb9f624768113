/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A-priori bounds of chains of roundings: |theta| <= gamma where 1 + theta is a product of n
 * factors 1 + d or 1 / (1 + d), |d| <= u. A sum of n + 1 terms in any order errs by at most gamma_n
 * times the sum of their magnitudes, an inner product of n terms (products rounded too) by gamma_n
 * times that of its products. Underflow adds its own.
 *
 * Units   u is the largest relative error of one rounding: 2^-p to nearest, 2^(1-p) otherwise.
 * Rounding results are rounded upwards: true bounds, above the formula by less than 2^-40 of it.
 * Threads all functions are pure. Source: docs/numerics.md, 17.
 */
#ifndef ASSAY_NUMERICS_GAMMA_H
#define ASSAY_NUMERICS_GAMMA_H

#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** n u / (1 - n u), whatever the errors are: infinite for n u >= 1. 0 <= n < 2^53, 0 <= u < 1. */
ASSAY_API double assay_gamma(int64_t n, double u);

/**
 * e^((lambda sqrt(n) u + n u^2) / (1 - u)) - 1: exceeded with a probability of at most
 * assay_gamma_failure(lambda), if each error has mean 0 whatever the earlier ones were, u <= 1/2.
 * Of stochastic rounding (sr, with u = 2^(1-p)) that is true; of the others it is a model. A bound
 * of m results at once may be exceeded with m times that probability.
 */
ASSAY_API double assay_gamma_probable(int64_t n, double u, double lambda);

/** 2 e^(-lambda^2 / 2), at most 1. */
ASSAY_API double assay_gamma_failure(double lambda);

#ifdef __cplusplus
}
#endif
#endif
