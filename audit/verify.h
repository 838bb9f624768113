/* SPDX-License-Identifier: Apache-2.0 */
/* Checking rounding against ground truth: values computed with MPFR from the documents alone, and
 * results by search among them. Nothing here is derived from formats/ or rounding/. Not installed.
 */
#ifndef ASSAY_AUDIT_VERIFY_H
#define ASSAY_AUDIT_VERIFY_H

#include "../rounding/operation.h"
#include "../rounding/scheme.h"

/** How many operands are tried; docs/commands.md, "verify". */
typedef enum assay_verify_tier {
    ASSAY_VERIFY_QUICK,   /* every breakpoint of at most 16 bits, else those of a sample */
    ASSAY_VERIFY_SAMPLED, /* `samples` random operands and the breakpoints around them   */
    ASSAY_VERIFY_EXHAUSTIVE
} assay_verify_tier;

/** What is to be checked. Combinations that a format lacks are left out. */
typedef struct assay_verify {
    assay_format format;
    int source_bits; /* 16, 32 or 64: the binary format that operands have */
    const assay_rounding *roundings;
    const assay_overflow *policies;
    size_t rounding_count, policy_count;
    assay_verify_tier tier;
    uint64_t samples;
    void (*progress)(double fraction); /* or NULL */
} assay_verify;

enum { ASSAY_VERIFY_SHOWN = 8, ASSAY_VERIFY_PATH_BYTES = 24, ASSAY_VERIFY_TUPLE_BITS = 34 };

/** One wrong result. */
typedef struct assay_verify_case {
    double operand;
    uint64_t operand_bits; /* in the source format; of an operation: which tuple it was */
    uint64_t codes[ASSAY_OPERANDS_MOST]; /* of an operation's operands */
    assay_rounding rounding;
    assay_overflow policy;
    char path[ASSAY_VERIFY_PATH_BYTES]; /* which function gave it              */
    uint32_t random;                    /* the random bits of a stochastic mode */
    uint64_t got, want;                 /* codes, or bits of values             */
} assay_verify_case;

/** What is to be checked of an operation; docs/commands.md, "verify". */
typedef struct assay_verify_operation {
    const assay_operation *operation;
    assay_format format, operands; /* of the result, of all operands */
    const assay_rounding *roundings;
    const assay_overflow *policies;
    size_t rounding_count, policy_count;
    bool exhaustive;                   /* every tuple of operands; else `samples` of them */
    uint64_t samples;                  /* random and adversarial ones */
    void (*progress)(double fraction); /* or NULL */
} assay_verify_operation;

/** What is to be checked of a scheme; docs/commands.md, "verify". */
typedef struct assay_verify_schemes {
    const char *spec;
    int source_bits;
    const assay_rounding *roundings;
    const assay_overflow *policies;
    size_t rounding_count, policy_count;
    uint64_t samples;                  /* elements of each mode and policy, at least */
    void (*progress)(double fraction); /* or NULL */
} assay_verify_schemes;

/** A count of (operand, mode, policy), and the first that were wrong. */
typedef struct assay_verify_result {
    uint64_t checked, wrong;
    size_t shown;
    assay_verify_case first[ASSAY_VERIFY_SHOWN];
} assay_verify_result;

/** Whether this build has MPFR; without it the functions below give ASSAY_ERR_UNAVAILABLE. */
bool assay_verify_available(void);

/** Rounding of all operands of the tier by the array functions and the definition. */
ASSAY_NODISCARD assay_status assay_verify_cast(const assay_verify *job, assay_verify_result *out);

/** An operation on all operands or a sample: by the array function and, of one in 16, by the
 * definition. ASSAY_ERR_USAGE where the operation is not there for the formats, where there are
 * more than 2^ASSAY_VERIFY_TUPLE_BITS tuples for an exhaustive run (rows of at most 24
 * terms of sum and dot are sampled). */
ASSAY_NODISCARD assay_status assay_verify_operate(const assay_verify_operation *job,
                                                  assay_verify_result *out);

/** Quantizing tensors: scales, codes, zero points, tensor scales and values. ASSAY_ERR_USAGE for
 * the packed types, and where the SPEC does not go with a mode or policy. */
ASSAY_NODISCARD assay_status assay_verify_quantize(const assay_verify_schemes *job,
                                                   assay_verify_result *out);

/** Decoding of every code of a format of at most 16 bits, and encoding of its value; of a wider
 * one, of a sample. `operand_bits` is the code, `got` and `want` are bits of binary64. */
ASSAY_NODISCARD assay_status assay_verify_codes(const assay_format *format,
                                                assay_verify_result *out);

/** Whether the format has what the policy asks for. */
bool assay_verify_applies(const assay_format *format, assay_overflow policy);

#endif
