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

/** Stochastic modes: nu is the exact position between the neighbours, R the random bits. */
#define ASSAY_STOCHASTIC_MODES(X)                                                               \
    X(SR, "sr", "away from zero iff U < nu, U uniform: exact for every input")                  \
    X(SRA, "sra", "P3109 StochasticA, bits=N: floor(nu 2^N) + R >= 2^N")                        \
    X(SRB, "srb", "P3109 StochasticB, bits=N: floor(nu 2^(N+1)) + 2 R + 1 >= 2^(N+1)")          \
    X(SRC, "src", "P3109 StochasticC, bits=N: nu 2^N to the nearest, ties to even, + R >= 2^N") \
    X(SREQ, "sreq", "either neighbour with probability 1/2: as sr with nu = 1/2")

/** Overflow policies: what finite overflow and an infinite input become. */
#define ASSAY_POLICIES(X)                                                          \
    X(SPEC, "spec", "as the format and the mode say: +-inf, else NaN, else +-max") \
    X(SAT, "sat", "+-max for both")                                                \
    X(INF, "inf", "+-inf for both; an error where the format has none")            \
    X(NAN, "nan", "NaN for both; an error where the format has none")              \
    X(PROPAGATE, "propagate", "finite overflow to +-max, infinity as spec")

typedef enum assay_mode {
#define ASSAY_MODE(id, name, text) ASSAY_##id,
    ASSAY_MODES(ASSAY_MODE) ASSAY_MODE_COUNT, /* of the deterministic modes */
    ASSAY_STOCHASTIC_BEFORE = ASSAY_MODE_COUNT - 1,
    ASSAY_STOCHASTIC_MODES(ASSAY_MODE)
#undef ASSAY_MODE
        ASSAY_MODE_END
} assay_mode;

ASSAY_INLINE bool assay_mode_is_stochastic(assay_mode mode)
{
    return mode >= ASSAY_MODE_COUNT;
}

/** A mode with its parameters: `sra:bits=8`, `rne+ef`. */
typedef struct assay_rounding {
    assay_mode mode;
    int bits;      /* N of sra, srb, src (1 to 32); else 0         */
    bool feedback; /* `+ef`: errors are carried on, see feedback.h */
} assay_rounding;

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
/** Reads MODE[:bits=N][+ef]; ASSAY_ERR_USAGE lists what there is. */
ASSAY_API ASSAY_NODISCARD assay_status assay_rounding_parse(const char *text, assay_rounding *out);
/** Look a name up; ASSAY_ERR_USAGE lists what there is. Modes: the deterministic ones. */
ASSAY_API ASSAY_NODISCARD assay_status assay_mode_parse(const char *name, assay_mode *out);
ASSAY_API ASSAY_NODISCARD assay_status assay_overflow_parse(const char *name, assay_overflow *out);
ASSAY_API ASSAY_NODISCARD assay_status assay_nan_rule_parse(const char *name, assay_nan_rule *out);

/**
 * Everything that one rounding needs besides its operand: constant data, built once and
 * shared by threads. The codes say what overflow, infinity and NaN become, per sign
 * ([0] positive, [1] negative); the doubles are the same as values.
 */
typedef struct assay_rounder {
    assay_format format;
    assay_mode mode;
    int random_bits; /* N of sra, srb, src */
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

/** The same for a mode with parameters; `feedback` is the caller's to see to. */
ASSAY_API ASSAY_NODISCARD assay_status assay_rounder_make_for(const assay_format *format,
                                                              assay_rounding rounding,
                                                              assay_overflow overflow,
                                                              assay_nan_rule nan,
                                                              assay_rounder *out);

/**
 * Where random bits come from. Without `bits`: word j of element i is Philox4x32-10 with key
 * (seed low, seed high) and counter (i / 4 low, i / 4 high, j, stream), output word i mod 4. sr
 * and sreq reveal U 32 bits at a time, words j = 0, 1, ...; N bits are the top N of a draw of d =
 * 8, 16 or 32 bits, the least that holds N, and draws share words (j = 0), low part first. With
 * `bits`: R of element i, below 2^N, is bits[i]; of sr and sreq it is U 2^32, no bits follow.
 */
typedef struct assay_random {
    uint64_t seed;
    uint32_t stream;
    const uint32_t *bits; /* or NULL */
} assay_random;

/** The bits R (N of them, or the first 32 of U) that the rounder's mode takes for element i. */
ASSAY_API uint32_t assay_random_draw(const assay_rounder *rounder, const assay_random *random,
                                     uint64_t i);

/** The code of x rounded: exponents unbounded above, then the overflow policy. A stochastic mode
 * takes seed 0, stream 0, element 0. */
ASSAY_API uint64_t assay_round_exact(const assay_rounder *rounder, assay_exact x);
/** The same with the random bits of element i. */
ASSAY_API uint64_t assay_round_exact_at(const assay_rounder *rounder, assay_exact x,
                                        const assay_random *random, uint64_t i);
/** The same for a binary64, as a code or as the value of that code. */
ASSAY_API uint64_t assay_round_code(const assay_rounder *rounder, double x);
ASSAY_API double assay_round(const assay_rounder *rounder, double x);

#ifdef __cplusplus
}
#endif
#endif
