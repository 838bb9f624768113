/* SPDX-License-Identifier: Apache-2.0 */
/* Rounding an exact value into a format: the definition that every faster path must equal. */
#ifndef ASSAY_ROUNDING_ROUND_H
#define ASSAY_ROUNDING_ROUND_H

#include <stdint.h>

#include "../formats/format.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Rounding modes, a row each: ASSAY_MODES(X) expands X(enumerator, name, what it does). */
#define ASSAY_MODES(X)                                 \
    X(RNE, "rne", "to nearest, ties to the even code") \
    X(RNA, "rna", "to nearest, ties away from zero")   \
    X(RNZ, "rnz", "to nearest, ties towards zero")     \
    X(RTZ, "rtz", "towards zero")                      \
    X(RAZ, "raz", "away from zero")                    \
    X(RUP, "rup", "towards +infinity")                 \
    X(RDN, "rdn", "towards -infinity")                 \
    X(RODD, "rodd", "inexact values to the neighbour with the odd code")

/** Overflow policies: what finite overflow and an infinite input become. */
#define ASSAY_POLICIES(X)                                                          \
    X(SPEC, "spec", "as the format and the mode say: +-inf, else NaN, else +-max") \
    X(SAT, "sat", "+-max for both")                                                \
    X(INF, "inf", "+-inf for both; an error where the format has none")            \
    X(NAN, "nan", "NaN for both; an error where the format has none")              \
    X(PROPAGATE, "propagate", "finite overflow to +-max, infinity as spec")

typedef enum assay_mode {
#define ASSAY_MODE(id, name, text) ASSAY_##id,
    ASSAY_MODES(ASSAY_MODE)
#undef ASSAY_MODE
        ASSAY_MODE_COUNT
} assay_mode;

typedef enum assay_overflow {
#define ASSAY_POLICY(id, name, text) ASSAY_OVERFLOW_##id,
    ASSAY_POLICIES(ASSAY_POLICY)
#undef ASSAY_POLICY
        ASSAY_OVERFLOW_COUNT
} assay_overflow;

ASSAY_API const char *assay_mode_name(assay_mode mode);
ASSAY_API const char *assay_mode_text(assay_mode mode);
ASSAY_API const char *assay_overflow_name(assay_overflow policy);
ASSAY_API const char *assay_overflow_text(assay_overflow policy);
/** Look a name up; ASSAY_ERR_USAGE lists what there is. */
ASSAY_API ASSAY_NODISCARD assay_status assay_mode_parse(const char *name, assay_mode *out);
ASSAY_API ASSAY_NODISCARD assay_status assay_overflow_parse(const char *name, assay_overflow *out);
ASSAY_API ASSAY_NODISCARD assay_status assay_nan_rule_parse(const char *name, assay_nan_rule *out);

/** What kind of value an assay_exact is. */
typedef enum assay_class {
    ASSAY_ZERO,
    ASSAY_FINITE,
    ASSAY_INFINITE,
    ASSAY_NOT_A_NUMBER
} assay_class;

/**
 * A real number as far as rounding to at most 62 bits can tell: (sig + s) 2^exp with the top
 * bit of sig set and s = 0, or 0 < s < 1 if sticky.
 */
typedef struct assay_exact {
    assay_class kind;
    bool negative, sticky;
    int exp;
    uint64_t sig;
} assay_exact;

ASSAY_API assay_exact assay_exact_from(double x);
/** The exact sum hi + lo, |lo| <= ulp(hi) (as TwoSum and TwoProd give it). */
ASSAY_API assay_exact assay_exact_from_pair(double hi, double lo);

/**
 * Everything that one rounding needs besides its operand: constant data, built once and
 * shared by threads. The codes say what overflow, infinity and NaN become, per sign
 * ([0] positive, [1] negative); the doubles are the same as values.
 */
typedef struct assay_rounder {
    assay_format format;
    assay_mode mode;
    assay_overflow overflow;
    uint64_t overflow_code[2], infinite_code[2], nan_code;
    double overflow_value[2], infinite_value[2], nan_value;
    bool nan_is_error; /* --nan error: the caller has to look for NaN first            */
    bool identity;     /* every binary64 is its own result (binary64 under spec)        */
} assay_rounder;

/**
 * Source of the overflow rules: docs/rounding.md. ASSAY_ERR_USAGE if the format lacks what
 * the policy asks for. `nan` matters only for formats without NaN.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_rounder_make(const assay_format *format,
                                                          assay_mode mode, assay_overflow overflow,
                                                          assay_nan_rule nan, assay_rounder *out);

/** The code of x rounded: exponents unbounded above, then the overflow policy. */
ASSAY_API uint64_t assay_round_exact(const assay_rounder *rounder, assay_exact x);
/** The same for a binary64, as a code or as the value of that code. */
ASSAY_API uint64_t assay_round_code(const assay_rounder *rounder, double x);
ASSAY_API double assay_round(const assay_rounder *rounder, double x);

#ifdef __cplusplus
}
#endif
#endif
