/* SPDX-License-Identifier: Apache-2.0 */
/* What one instruction set's array loops look like to the dispatcher. Not installed. */
#ifndef ASSAY_ROUNDING_ARRAY_TABLE_H
#define ASSAY_ROUNDING_ARRAY_TABLE_H

#include "../numerics/bits.h"
#include "constants.h"

/* Sources of loops, by their fraction bits: binary32 and binary64. */
enum { ASSAY_F32, ASSAY_F64, ASSAY_SOURCES };

/** How a loop rounds: by shifts that vary, as all formats can; by adding a power of two, in binary
 * floating point; by cutting the same number of bits everywhere. */
typedef enum assay_way { ASSAY_WAY_ANY, ASSAY_WAY_ADDED, ASSAY_WAY_CUT, ASSAY_WAYS } assay_way;

/** A decoder as constants on a code's bits, results as bits of binary32 or binary64. */
typedef struct assay_decoder {
    uint64_t sign, magnitude; /* masks of the code                                      */
    uint64_t linear;          /* magnitudes from here on are (magnitude << base) + shift */
    int base;
    uint64_t shift;
    double quantum; /* below, the value is magnitude * quantum                 */
    uint64_t inf_from, nan_above, nan_code;
    uint64_t inf;  /* bits of the result's infinity */
    bool is_plain; /* magnitudes from `special` on are infinite if their fraction is 0, else NaN */
    bool is_cut;   /* and codes are the leading bits of their values */
    bool is_half;  /* binary16 into binary32 */
    uint64_t special;
} assay_decoder;

/** n results of `bytes` bytes each; past the caches if y is aligned to a line and past is set. */
typedef void assay_round_loop(const assay_constants *c, const void *x, char *y, size_t n,
                              size_t bytes, bool past);
/** n values of codes of `bytes` bytes each; past as above. */
typedef void assay_decode_loop(const assay_decoder *d, const char *codes, char *y, size_t n,
                               size_t bytes, bool past);
/** n values of codes in 64 bits, if d->is_plain; NaN are any. */
typedef void assay_operand_loop(const assay_decoder *d, const uint64_t *codes, void *y, size_t n);
typedef void assay_fold_loop(const assay_constants *c, const void *x, void *y, size_t n);

/** Loops by source. */
typedef struct assay_array_table {
    assay_round_loop *round[ASSAY_SOURCES][ASSAY_WAYS][ASSAY_MODE_COUNT];
    assay_round_loop *encode[ASSAY_SOURCES][ASSAY_WAYS][ASSAY_MODE_COUNT];
    assay_fold_loop *fold[ASSAY_SOURCES];
    assay_decode_loop *decode[ASSAY_SOURCES];
    assay_operand_loop *operands[ASSAY_SOURCES];
} assay_array_table;

extern const assay_array_table assay_array_base, assay_array_avx2, assay_array_avx512;

/** The table of assay_isa_current. */
const assay_array_table *assay_array_current(void);

/** The constants that decode a format into a source of `fraction` fraction bits. */
assay_decoder assay_decoder_make(const assay_format *format, int fraction);

/* The exact binary64 of a binary32, on the bits: a conversion would flush subnormals under a
 * caller's DAZ, but that of an integer and its product by 2^-149 meet no subnormal. */
ASSAY_INLINE double assay_widen_f32(float x)
{
    uint32_t bits = assay_bits32(x), u = bits & 0x7fffffff;
    uint64_t sign = (uint64_t)(bits >> 31) << 63;
    if (u < 0x00800000)
        return assay_from_bits64(sign | assay_bits64((double)(int32_t)u * 0x1p-149));
    uint64_t rebias = u < 0x7f800000 ? (uint64_t)(1023 - 127) << 52 : (uint64_t)(2047 - 255) << 52;
    return assay_from_bits64(sign | (((uint64_t)u << 29) + rebias));
}

/**
 * Loops that compute in binary floating point run between these: the thread rounds in one
 * direction, keeps subnormals and takes no traps, whatever its caller had set, and has that
 * and its flags again afterwards. The calls are opaque, so that no operation moves across them.
 */
typedef enum assay_direction {
    ASSAY_TO_NEAREST,
    ASSAY_DOWN,
    ASSAY_UP,
    ASSAY_TO_ZERO
} assay_direction;
unsigned assay_environment_enter(assay_direction direction);
void assay_environment_turn(assay_direction direction); /* another one */
void assay_environment_leave(unsigned before);
#ifdef __x86_64__
enum { ASSAY_HAS_ENVIRONMENT = 1 };
#else
enum { ASSAY_HAS_ENVIRONMENT = 0 }; /* such loops are not used */
#endif

/**
 * One way through the loops: what assay_round_array_* and assay_encode_array_* (`code`) make of a
 * rounder, for callers with many short arrays. Of use if constants.direct.
 */
typedef struct assay_array_pass {
    assay_constants constants;
    assay_way way;
    assay_direction direction; /* of sums, for ASSAY_WAY_ADDED */
    assay_round_loop *loop;
    assay_fold_loop *fold; /* or NULL */
    size_t in, out;        /* bytes of an element */
} assay_array_pass;
assay_array_pass assay_array_pass_make(const assay_rounder *rounder, int source, bool code);
void assay_array_pass_run(const assay_array_pass *pass, const void *x, void *y, size_t n);

/* A block's buffers stay in the first-level cache. */
enum { ASSAY_BLOCK = 512, ASSAY_LINE = 64 };

/**
 * How many of n results of `bytes` bytes come before y is aligned to a line, if the rest is to
 * be stored past the caches; n if not. assay_end_past orders such stores for other threads.
 */
size_t assay_array_head(const void *x, const void *y, size_t n, size_t bytes);
void assay_end_past(void);

#endif
