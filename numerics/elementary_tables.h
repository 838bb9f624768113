/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constants of the elementary functions; internal. elementary_tables.c is made by tables.py.
 * A series has its coefficients of x^0, x^1, ... as pairs hi, lo.
 */
#ifndef ASSAY_NUMERICS_ELEMENTARY_TABLES_H
#define ASSAY_NUMERICS_ELEMENTARY_TABLES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

extern const double assay_ln2_128[3];        /* ln2/128: 34 bits, 34 bits, the rest          */
extern const double assay_ln2[3];            /* ln2: 42 bits, 42 bits, the rest              */
extern const double assay_log_table[384];    /* i: c = 1/m to 10 bits, -log c as hi, lo      */
extern const double assay_exp_series[38];    /* 1/(n + 1)!                                   */
extern const double assay_atanh_series[14];  /* 1/(2n + 1)                                   */
extern const double assay_sin_series[30];    /* (-1)^n/(2n + 1)!                             */
extern const double assay_cos_series[32];    /* (-1)^n/(2n)!                                 */
extern const double assay_erf_series[44];    /* (-1)^n 2/sqrt(pi)/(n! (2n + 1))              */
extern const double assay_scaled_erfc[3520]; /* 80 intervals of 22 Taylor coefficients      */
extern const double assay_atan_table[65];    /* atan(i/64), rounded to nearest               */
extern const double assay_half_pi[2], assay_rsqrt2[2], assay_rlog10[2]; /* pi/2 ... 1/ln 10 */
extern const double assay_gelu_linear[2];    /* 2 sqrt(2/pi)                                 */
extern const double assay_gelu_cubic[2];     /* 2 sqrt(2/pi) 0.044715                        */
extern const uint64_t assay_two_over_pi[21]; /* 64 zeros, then 2/pi's bits after the point  */

#ifdef __cplusplus
}
#endif
#endif
