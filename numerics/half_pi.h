/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_NUMERICS_HALF_PI_H
#define ASSAY_NUMERICS_HALF_PI_H

#include "exact.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * q and *r with x = q pi/2 + *r modulo 2 pi, |*r| <= pi/4 (1 + 2^-50), for every finite x; q may be
 * negative. Relative error of *r: 10.1 * 2^-106. Pure. Internal: sin and cos are made of it.
 * Source: Payne and Hanek, "Radian reduction for trigonometric functions", SIGNUM 18, 1983.
 */
int assay_reduce_half_pi(double x, assay_dd *r);

#ifdef __cplusplus
}
#endif
#endif
