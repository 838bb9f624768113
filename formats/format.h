/* SPDX-License-Identifier: Apache-2.0 */
/* Scalar number formats: which numbers exist and what their codes are; nothing about rounding. */
#ifndef ASSAY_FORMATS_FORMAT_H
#define ASSAY_FORMATS_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "../numerics/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ASSAY_FORMAT_NAME_BYTES = 96 };

/** Which codes are NaN. */
typedef enum assay_nan_codes {
    ASSAY_NAN_IEEE,    /* exponent all ones, fraction not zero (without inf: any fraction) */
    ASSAY_NAN_ONES,    /* the all-ones code of each sign, as OFP8 e4m3                      */
    ASSAY_NAN_NEGZERO, /* the code of -0, as the FNUZ formats                               */
    ASSAY_NAN_NONE
} assay_nan_codes;

/** What a NaN becomes where the format has none. */
typedef enum assay_nan_rule {
    ASSAY_NAN_RULE_DEFAULT, /* what the format's row states */
    ASSAY_NAN_RULE_MAX,
    ASSAY_NAN_RULE_ZERO,
    ASSAY_NAN_RULE_NEGZERO,
    ASSAY_NAN_RULE_ERROR
} assay_nan_rule;

/** The parameters that determine a binary floating-point format; a row of formats.def. */
typedef struct assay_float_params {
    const char *name, *alias; /* lower case; alias is the catalogue's name, or NULL     */
    int exponent_bits, fraction_bits, bias;
    bool is_signed, has_inf, has_negzero, has_subnormals;
    assay_nan_codes nan;
    const char *source; /* the document that fixes the row */
} assay_float_params;

/**
 * A binary floating-point format of at most 64 bits. A code is sign, exponent field and
 * fraction, right-aligned in a uint64_t. With field e and fraction f the magnitude is
 * f 2^(emin-p+1) for e = 0 and (2^(p-1) + f) 2^(e-bias-p+1) otherwise, codes of infinity and
 * NaN excepted; without subnormals e = 0, f > 0 is the binade 2^-bias. The magnitudes are in
 * the order of their codes. Constant data, passed by value or pointer, shared by threads.
 */
typedef struct assay_format {
    char name[ASSAY_FORMAT_NAME_BYTES]; /* row name or the SPEC that built it          */
    int bits;                           /* width of a code                             */
    int exponent_bits, fraction_bits, bias;
    int p;          /* precision: fraction_bits + 1                */
    int emin, emax; /* exponents of least normal and largest finite */
    bool is_signed, has_inf, has_negzero, has_subnormals;
    assay_nan_codes nan;
    uint64_t sign_bit; /* 0 if unsigned                                            */
    uint64_t max_code; /* of the largest finite value                              */
    uint64_t inf_code; /* of +inf; meaningful if has_inf                           */
    uint64_t nan_code; /* the canonical NaN; meaningful if nan != ASSAY_NAN_NONE   */
    double max, min_normal, min_positive;
    const char *alias, *source;
} assay_format;

/** Number of rows, and row i (i < count). */
ASSAY_API size_t assay_format_count(void);
ASSAY_API const assay_format *assay_format_row(size_t i);

/**
 * Reads the SPEC of a scalar format: a row's name or alias, a row with parameters set
 * (`e4m3:bias=8`), or the builder `float:e=4,m=3[,bias=B][,inf=yes|no]
 * [,nan=ieee|ones|negzero|none][,zero=signed|unsigned][,subnormals=yes|no][,sign=yes|no]`.
 * Errors: ASSAY_ERR_USAGE names the SPEC and the parameter; *out is then untouched.
 * Threads: reentrant. Memory: never allocates.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_format_parse(const char *spec, assay_format *out);

/** Fills in what follows from the parameters. ASSAY_ERR_USAGE if there is no such format. */
ASSAY_API ASSAY_NODISCARD assay_status assay_format_build(const assay_float_params *params,
                                                          assay_format *out);

/** The exact value of a code; codes beyond the width are taken modulo 2^bits. NaN is quiet. */
ASSAY_API double assay_decode(const assay_format *format, uint64_t code);

ASSAY_API bool assay_code_is_nan(const assay_format *format, uint64_t code);
ASSAY_API bool assay_code_is_inf(const assay_format *format, uint64_t code);

/**
 * The code of x if x belongs to the format (a NaN: the canonical code), else false.
 * -0 in a format without it does not belong.
 */
ASSAY_API bool assay_encode_exact(const assay_format *format, double x, uint64_t *code);

/** Bytes of the smallest unsigned integer that holds a code: 1, 2, 4 or 8. */
ASSAY_API size_t assay_format_container(const assay_format *format);

#ifdef __cplusplus
}
#endif
#endif
