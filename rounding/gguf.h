/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF block types: bytes as ggml stores them. Decoding is exact in binary64. */
#ifndef ASSAY_ROUNDING_GGUF_H
#define ASSAY_ROUNDING_GGUF_H

#include "rounding/scheme_hierarchy.h"

extern const assay_hierarchy assay_gguf_q4_0, assay_gguf_q4_1, assay_gguf_q5_0, assay_gguf_q5_1,
    assay_gguf_q8_0, assay_gguf_q2_k, assay_gguf_q3_k, assay_gguf_q4_k, assay_gguf_q5_k,
    assay_gguf_q6_k, assay_gguf_iq4_nl, assay_gguf_tq1_0, assay_gguf_tq2_0;

/* A binary16 in two bytes, and the binary32 nearest to it the other way (ties to even, overflow to
 * infinity). */
double assay_gguf_half(const unsigned char *bytes);
void assay_gguf_put_half(unsigned char *bytes, float x);

/* All elements of a type whose block starts with a binary16, made NaN. */
void assay_gguf_nan_first(unsigned char *bytes);

/* (v multiply - minus), the canonical NaN where it is one. */
double assay_gguf_value(double v, double multiply, double minus);

#endif
