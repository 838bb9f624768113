/* SPDX-License-Identifier: Apache-2.0 */
/* Rounding, encoding and decoding whole arrays: assay_round on every element, at memory speed. */
#ifndef ASSAY_ROUNDING_ARRAY_H
#define ASSAY_ROUNDING_ARRAY_H

#include <stddef.h>

#include "round.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * y[i] = assay_round(rounder, x[i]), bit for bit; a binary64 is rounded once.
 *
 * Rounding  the f32 form gives the binary32 nearest to the result where the format has
 *           values beyond binary32; assay_round_array_check_f32 says whether that can happen.
 * Specials  a NaN becomes the canonical one, or what the NaN rule of the rounder says; under
 *           the rule `error` look with assay_find_nan first.
 * Aliasing  y may be x; any other overlap is a contract violation.
 * Threads   reentrant; bits depend neither on the instruction set nor on how x is split.
 * Memory    none for binary floats; other formats have tables made once for large arrays, at most
 * 64 of them kept. Without memory for a table the same bits come slowly.
 */
ASSAY_API void assay_round_array_f32(const assay_rounder *rounder, const float *x, float *y,
                                     size_t n);
ASSAY_API void assay_round_array_f64(const assay_rounder *rounder, const double *x, double *y,
                                     size_t n);

/** ASSAY_ERR_VALUE, naming the format, if a value of it is not a binary32. */
ASSAY_API ASSAY_NODISCARD assay_status assay_round_array_check_f32(const assay_rounder *rounder);

/** The index of the first NaN, or n. Reentrant. */
ASSAY_API size_t assay_find_nan_f32(const float *x, size_t n);
ASSAY_API size_t assay_find_nan_f64(const double *x, size_t n);

/**
 * codes[i] = assay_round_code(rounder, x[i]), each an unsigned integer of
 * assay_format_container bytes, in the machine's byte order. codes must not overlap x.
 */
ASSAY_API void assay_encode_array_f32(const assay_rounder *rounder, const float *x, void *codes,
                                      size_t n);
ASSAY_API void assay_encode_array_f64(const assay_rounder *rounder, const double *x, void *codes,
                                      size_t n);

/**
 * The same with the random bits of elements first, first + 1, ...: x[k] is rounded, or encoded, as
 * assay_round_exact_at has it for element first + k. random->bits, if given, begins with the bits
 * of x[0]. A deterministic mode takes none.
 *
 * Aliasing, threads, memory and the binary32 form as above; bits depend neither on the
 * instruction set nor on how an array is split, nor on the caller's floating-point environment.
 */
ASSAY_API void assay_round_random_f32(const assay_rounder *rounder, const assay_random *random,
                                      uint64_t first, const float *x, float *y, size_t n);
ASSAY_API void assay_round_random_f64(const assay_rounder *rounder, const assay_random *random,
                                      uint64_t first, const double *x, double *y, size_t n);
ASSAY_API void assay_encode_random_f32(const assay_rounder *rounder, const assay_random *random,
                                       uint64_t first, const float *x, void *codes, size_t n);
ASSAY_API void assay_encode_random_f64(const assay_rounder *rounder, const assay_random *random,
                                       uint64_t first, const double *x, void *codes, size_t n);

/** draws[k] = assay_random_draw of element first + k. */
ASSAY_API void assay_random_draws(const assay_rounder *rounder, const assay_random *random,
                                  uint64_t first, uint32_t *draws, size_t n);

/**
 * y[i] = assay_decode(format, codes[i]); bits beyond the format's width are ignored. The f32
 * form gives the nearest binary32 of a value beyond binary32. y must not overlap codes.
 */
ASSAY_API void assay_decode_array_f32(const assay_format *format, const void *codes, float *y,
                                      size_t n);
ASSAY_API void assay_decode_array_f64(const assay_format *format, const void *codes, double *y,
                                      size_t n);

#ifdef __cplusplus
}
#endif
#endif
