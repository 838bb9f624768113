/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions of processors, named after their instruction. docs/hardware.md. */
#ifndef ASSAY_ROUNDING_HARDWARE_H
#define ASSAY_ROUNDING_HARDWARE_H

#include "round.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How sure a row is. */
typedef enum assay_certainty {
    ASSAY_DOCUMENTED, /* the vendor's manual says so                       */
    ASSAY_CAPTURED,   /* others observed it on the hardware                */
    ASSAY_MODELLED    /* a plausible reading; parts have not been observed */
} assay_certainty;

typedef enum assay_hardware_source { ASSAY_HARDWARE_F32, ASSAY_HARDWARE_F16 } assay_hardware_source;

/** What a NaN becomes. */
typedef enum assay_hardware_nan {
    ASSAY_HARDWARE_NAN_CODE,   /* one code                                                   */
    ASSAY_HARDWARE_NAN_SIGNED, /* a code with the operand's sign                             */
    ASSAY_HARDWARE_NAN_PAYLOAD /* the operand's top bits, with the top fraction bit set      */
} assay_hardware_nan;

/** Where R of an element is in the word W of its group; a, b, e, f are elements 0 to 3. */
typedef enum assay_hardware_bits {
    ASSAY_HARDWARE_BITS_NONE,
    ASSAY_HARDWARE_BITS_HALVES_13,      /* a: W[28:16], b: W[12:0]                                */
    ASSAY_HARDWARE_BITS_HALVES_16,      /* a: W[31:16], b: W[15:0]                                */
    ASSAY_HARDWARE_BITS_MIRRORED,       /* b: W[31:16], f: W[15:0]; a, e: those bits reversed     */
    ASSAY_HARDWARE_BITS_MIRRORED_BYTES, /* b: bytes 3, 1 of W, f: bytes 2, 0; a, e: reversed      */
    ASSAY_HARDWARE_BITS_TOP,            /* the top N bits                                         */
    ASSAY_HARDWARE_BITS_LOW_8           /* W[7:0]                                                 */
} assay_hardware_bits;

/** What differs from rounding the operand; a set. */
enum {
    ASSAY_HARDWARE_RELU = 1,      /* negative operands, -0 too, become +0           */
    ASSAY_HARDWARE_FLUSH = 2,     /* subnormal operands become zeros                */
    ASSAY_HARDWARE_SIGNED_NAN = 4 /* NaN for overflow and infinity keeps the sign */
};

/** A row of hardware.def. Constant data. */
typedef struct assay_instruction {
    const char *name;
    int group; /* elements that share a random word */
    assay_hardware_source source;
    const char *format, *rounding; /* SPECs */
    assay_overflow overflow;
    assay_hardware_nan nan;
    uint32_t nan_code;
    int deviations;
    assay_hardware_bits bits;
    assay_certainty certainty;
    const char *document;
} assay_instruction;

ASSAY_API size_t assay_hardware_count(void);
ASSAY_API const assay_instruction *assay_hardware_row(size_t i);
/** ASSAY_ERR_USAGE lists what there is. */
ASSAY_API ASSAY_NODISCARD assay_status assay_hardware_find(const char *name,
                                                           const assay_instruction **out);

/**
 * n groups of `instruction->group` elements, in the order of the instruction's operands (the
 * first one is what PTX calls a, which lands in the most significant lane): codes[k] is what
 * the instruction makes of the bits source[k] (binary16 in the low half).
 *
 * Random    one word per group; NULL if the row needs none.
 * Codes     right-aligned; tf32 has 19 bits, of which the container's low 13 are not shown.
 * Errors    ASSAY_ERR_USAGE if words are needed and there are none; nothing is then written.
 * Threads   reentrant. Memory: none is allocated.
 * Source    docs/hardware.md.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_hardware_convert(const assay_instruction *instruction,
                                                              const uint32_t *source,
                                                              const uint32_t *random_words,
                                                              uint32_t *codes, size_t n);

#ifdef __cplusplus
}
#endif
#endif
