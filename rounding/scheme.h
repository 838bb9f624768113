/* SPDX-License-Identifier: Apache-2.0 */
/* How a tensor is quantized: one rounding per element, or blocks that share a power of two. */
#ifndef ASSAY_ROUNDING_SCHEME_H
#define ASSAY_ROUNDING_SCHEME_H

#include "round.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Scale rules, a row each. With a = amax = mu 2^E, 1 <= mu < 2, and the element format's
 * largest value max = (..) 2^emax, the scale is 2^e with
 */
#define ASSAY_SCALE_RULES(X)                   \
    X(FLOOR, "floor", "e = E - emax (OCP MX)") \
    X(CEIL, "ceil", "e = E + [mu > 1] - emax") \
    X(RCEIL, "rceil", "e = ceil(log2(a / max)), the least that does not saturate")

typedef enum assay_scale_rule {
#define ASSAY_SCALE_RULE(id, name, text) ASSAY_SCALE_##id,
    ASSAY_SCALE_RULES(ASSAY_SCALE_RULE)
#undef ASSAY_SCALE_RULE
        ASSAY_SCALE_RULE_COUNT
} assay_scale_rule;

/**
 * A quantization scheme. block = 0: every element is rounded by itself. Otherwise `block`
 * consecutive elements along the last axis (the last block may be shorter) share the scale
 * 2^e, e in [-127, 127] as an E8M0 code holds it, and an element is round(x 2^-e) 2^e.
 */
typedef struct assay_scheme {
    assay_rounder element;
    size_t block;
    assay_scale_rule rule;
} assay_scheme;

/** Rows of the table of schemes: name, element format, block, where it is specified. */
ASSAY_API size_t assay_scheme_count(void);
ASSAY_API const char *assay_scheme_name(size_t i);
ASSAY_API const char *assay_scheme_text(size_t i);
ASSAY_API const char *assay_scale_rule_name(assay_scale_rule rule);
ASSAY_API const char *assay_scale_rule_text(assay_scale_rule rule);

/**
 * Reads a SPEC: a scalar format, a scheme row (`mxfp4`, `mxfp4:rule=rceil`) or
 * `block:elem=SPEC,size=N,scale=e8m0,rule=RULE`. Elements of a block saturate under `spec`.
 * ASSAY_ERR_USAGE names the SPEC and what is wrong with it.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_scheme_parse(const char *spec, assay_mode mode,
                                                          assay_overflow overflow,
                                                          assay_nan_rule nan, assay_scheme *out);

/** The same with a mode that has parameters; stochastic elements take their bits from
 * assay_scheme_apply_random. */
ASSAY_API ASSAY_NODISCARD assay_status assay_scheme_parse_for(const char *spec,
                                                              assay_rounding rounding,
                                                              assay_overflow overflow,
                                                              assay_nan_rule nan,
                                                              assay_scheme *out);

/** Every binary64 is its own image. */
ASSAY_API assay_scheme assay_scheme_identity(void);
ASSAY_API bool assay_scheme_is_identity(const assay_scheme *scheme);

/** The exponent e of the scale of a block whose largest magnitude is the finite amax. */
ASSAY_API int assay_scale_exponent(const assay_scheme *scheme, double amax);

/**
 * y[i] = the value that the scheme gives x[i], for one row of n elements. A block with a NaN
 * or an infinity has a NaN scale, and all of it is NaN. y may be x. Reentrant, no allocation.
 */
ASSAY_API void assay_scheme_apply(const assay_scheme *scheme, const double *x, double *y, size_t n);

/** The same with the random bits of elements first .. first + n - 1; random->bits is x[0]'s. */
ASSAY_API void assay_scheme_apply_random(const assay_scheme *scheme, const assay_random *random,
                                         uint64_t first, const double *x, double *y, size_t n);

/**
 * An a-priori bound of |y[i] - x[i]| for each element of the row: the distance to max where x[i]
 * saturates, +inf where it overflows otherwise or where x or y is not finite.
 * Source: docs/rounding.md, error of one rounding.
 */
ASSAY_API void assay_scheme_bound(const assay_scheme *scheme, const double *x, double *bound,
                                  size_t n);

/** |round(x) - x| <= relative |x| + absolute for every real x that does not overflow. */
typedef struct assay_unit {
    double relative, absolute;
} assay_unit;
ASSAY_API assay_unit assay_rounder_unit(const assay_rounder *rounder);

#ifdef __cplusplus
}
#endif
#endif
