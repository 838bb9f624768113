/* SPDX-License-Identifier: Apache-2.0 */
/* Scalar number formats: which numbers exist and what their codes are; nothing about rounding. */
#ifndef ASSAY_FORMATS_FORMAT_H
#define ASSAY_FORMATS_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "../numerics/number.h"
#include "../numerics/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ASSAY_FORMAT_NAME_BYTES = 192 };

/** Which codes are NaN. */
typedef enum assay_nan_codes {
    ASSAY_NAN_IEEE,    /* exponent all ones, fraction not zero (without inf: any fraction) */
    ASSAY_NAN_ONES,    /* the all-ones code of each sign, as OFP8 e4m3                      */
    ASSAY_NAN_NEGZERO, /* the code of -0, as the FNUZ formats; in other families NaR or NaN */
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

/** Families of formats: what their codes mean is in the file of that name. */
typedef enum assay_family_id {
    ASSAY_FAMILY_FLOAT,   /* sign, exponent field, fraction; every parameter free          */
    ASSAY_FAMILY_FIXED,   /* integers and fixed point in three encodings                    */
    ASSAY_FAMILY_POSIT,   /* posits of the 2022 standard and of other es                    */
    ASSAY_FAMILY_TAKUM,   /* linear and logarithmic takums                                  */
    ASSAY_FAMILY_LOG,     /* sign and logarithm: LNS, powers of 2 and of sqrt 2             */
    ASSAY_FAMILY_HIFLOAT, /* HiFloat8                                                       */
    ASSAY_FAMILY_CODEBOOK /* any list of values                                             */
} assay_family_id;

/** How signed codes are written. */
typedef enum assay_encoding {
    ASSAY_CODE_UNSIGNED,
    ASSAY_CODE_TWOS_COMPLEMENT,
    ASSAY_CODE_SIGN_MAGNITUDE
} assay_encoding;

/** How overflow is decided where documents differ from the general rules. */
typedef enum assay_law {
    ASSAY_LAW_GENERAL,
    ASSAY_LAW_P3109,   /* P3109 interim report 4.0: SatNone, SatFinite, SatPropagate        */
    ASSAY_LAW_SATURATE /* posit standard: never to zero, never to infinity; infinity is NaR */
} assay_law;

/** The parameters that determine a binary floating-point format; a row of formats.def. */
typedef struct assay_float_params {
    const char *name, *alias; /* lower case; alias is the catalogue's name, or NULL     */
    int exponent_bits, fraction_bits, bias;
    bool is_signed, has_inf, has_negzero, has_subnormals;
    assay_nan_codes nan;
    const char *source; /* the document that fixes the row */
    bool no_zero;       /* code 0 is the least value, as e8m0 */
    assay_law law;
} assay_float_params;

typedef struct assay_format_family assay_format_family;
typedef struct assay_codebook assay_codebook;

/**
 * A scalar format of at most 32 bits, or binary64. A code is an integer, right-aligned in a
 * uint64_t. Every format lists its values in ascending order ("positions", see family.h).
 *
 * Family float: a code is sign, exponent field and fraction. With field e and fraction f the
 * magnitude is f 2^(emin-p+1) for e = 0 and (2^(p-1) + f) 2^(e-bias-p+1) otherwise, codes of
 * infinity and NaN excepted; without subnormals e = 0, f > 0 is the binade 2^-bias, and without
 * zero f = 0 too. The magnitudes are in the order of their codes.
 *
 * Constant data, passed by value or pointer, shared by threads.
 */
typedef struct assay_format {
    char name[ASSAY_FORMAT_NAME_BYTES]; /* row name or the SPEC that built it          */
    const assay_format_family *family;
    assay_family_id kind;
    int bits;                               /* width of a code                             */
    int exponent_bits, fraction_bits, bias; /* family float, else 0                         */
    int p;          /* precision: fraction_bits + 1; in other families the greatest         */
    int emin, emax; /* exponents of least normal and largest finite: in other families of
                       the least positive and of the largest value                         */
    bool is_signed, has_inf, has_negzero, has_subnormals;
    bool has_zero;      /* zero is a value                                          */
    bool fits_binary64; /* every value is a binary64, or stands for its nearest one */
    assay_nan_codes nan;
    assay_nan_rule nan_rule; /* what ASSAY_NAN_RULE_DEFAULT means here                  */
    assay_law law;
    uint64_t sign_bit; /* 0 if unsigned                                            */
    uint64_t max_code; /* of the largest finite value                              */
    uint64_t inf_code; /* of +inf; meaningful if has_inf                           */
    uint64_t nan_code; /* the canonical NaN; meaningful if nan != ASSAY_NAN_NONE   */
    double max, min_normal, min_positive; /* nearest binary64                      */
    /* Other families than float: every real x in range has |round(x) - x| <= relative |x| +
     * absolute, in every mode. */
    double relative, absolute;
    const char *alias, *source;
    /* Families other than float. */
    assay_encoding encoding; /* fixed: of the code; log: of the exponent                    */
    int64_t lowest, highest; /* fixed: range of the integers that rounding may give         */
    int scale;   /* fixed: value = integer 2^-scale; posit: es; log: steps per octave     */
    int step;    /* fixed: 1, or 2 for the odd integers of bipolar codes                  */
    int offset;  /* log: exponent of magnitude code 1, in steps                           */
    bool is_log; /* takum: logarithmic                                                    */
    const assay_codebook *book; /* codebook: lives as long as the process                   */
} assay_format;

/** The builder of a format's family, as `posit`, and for each family: its builder and help. */
ASSAY_API const char *assay_format_family_name(const assay_format *format);
ASSAY_API size_t assay_format_builder_count(void);
ASSAY_API const char *assay_format_builder_name(size_t i);
ASSAY_API const char *assay_format_builder_help(size_t i);

/** Number of rows, and row i (i < count). */
ASSAY_API size_t assay_format_count(void);
ASSAY_API const assay_format *assay_format_row(size_t i);

/**
 * Reads the SPEC of a scalar format: a row's name or alias, a row with parameters set
 * (`e4m3:bias=8`), or a builder; docs/formats.md lists the builders and their parameters.
 * A codebook's file is read here.
 * Errors: ASSAY_ERR_USAGE names the SPEC and the parameter, ASSAY_ERR_IO and ASSAY_ERR_FORMAT
 * the file; *out is then untouched. Threads: reentrant. Memory: codebooks stay until the end.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_format_parse(const char *spec, assay_format *out);

/** Fills in what follows from the parameters. ASSAY_ERR_USAGE if there is no such format. */
ASSAY_API ASSAY_NODISCARD assay_status assay_format_build(const assay_float_params *params,
                                                          assay_format *out);

/** The exact value of a code; codes beyond the width are taken modulo 2^bits. Irrational values
 * are correct to 2^-220. */
ASSAY_API assay_exact assay_decode_exact(const assay_format *format, uint64_t code);
/** The binary64 nearest to the value of a code, which is the value itself unless it is
 * irrational or beyond binary64 (fits_binary64 is then false). NaN is quiet. */
ASSAY_API double assay_decode(const assay_format *format, uint64_t code);

ASSAY_API bool assay_code_is_nan(const assay_format *format, uint64_t code);
ASSAY_API bool assay_code_is_inf(const assay_format *format, uint64_t code);

/**
 * The code of x if x belongs to the format (a NaN: the canonical code), else false.
 * -0 in a format without it does not belong. Of an irrational value its nearest binary64 does.
 */
ASSAY_API bool assay_encode_exact(const assay_format *format, double x, uint64_t *code);

/**
 * The values in ascending order, zero once: position 0 is the lowest one. A code of NaN, of an
 * infinity or without a meaning has no position; -0 has zero's.
 */
ASSAY_API uint64_t assay_position_count(const assay_format *format);
ASSAY_API uint64_t assay_position_code(const assay_format *format, uint64_t position);
ASSAY_API bool assay_code_position(const assay_format *format, uint64_t code, uint64_t *position);

/** Bytes of the smallest unsigned integer that holds a code: 1, 2, 4 or 8. */
ASSAY_API size_t assay_format_container(const assay_format *format);

#ifdef __cplusplus
}
#endif
#endif
