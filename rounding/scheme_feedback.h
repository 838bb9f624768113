/* SPDX-License-Identifier: Apache-2.0 */
/* Error feedback with a scheme, along time: what quantizing one step loses joins the next one. */
#ifndef ASSAY_ROUNDING_SCHEME_FEEDBACK_H
#define ASSAY_ROUNDING_SCHEME_FEEDBACK_H

#include "feedback.h"
#include "scheme.h"

#ifdef __cplusplus
extern "C" {
#endif

/** ASSAY_ERR_USAGE if the scheme does not feed back: hierarchies, one scale for the whole tensor,
 * which would span time, and formats so wide that x + e rounded to odd might round otherwise. */
ASSAY_API ASSAY_NODISCARD assay_status assay_scheme_feedback_check(const assay_scheme *scheme);

/**
 * One step of a slice [rows, cols], whose tiles begin with its first row: quantizes u = x + e as
 * assay_scheme_quantize does, scales from u, then e = u - value. out->values and out->scales are
 * required; `u` is scratch for rows x cols numbers.
 *
 * Rounding  u is exact for everything that compares it with midpoints; where it is no binary64,
 *           the sums of the rules mse, 46, mean and of zero points see it rounded to odd.
 * Residues  hi + lo [rows, cols] as of assay_feedback_stream, with f made of scheme->element and
 *           the type of the residues; in units of x. Where the value is an end of its block's
 * range, |e| is at most the step from there to the neighbour inside; blocks with a NaN or an
 *           infinity, or a scale 0 of what is not 0, are no exception: e stays or becomes 0 as
 * there. Tensor    its scale is the caller's, one for all steps. Aliasing  out->values may be x.
 * Threads: as assay_scheme_quantize. Memory: none.
 */
ASSAY_API void assay_scheme_feedback_step(const assay_scheme *scheme, const assay_feedback *f,
                                          const assay_tensor_scale *tensor, size_t rows,
                                          size_t cols, const double *x, const assay_random *random,
                                          uint64_t first, double *hi, double *lo, double *u,
                                          const assay_quantized *out,
                                          assay_feedback_counts *counts);

#ifdef __cplusplus
}
#endif
#endif
