/* SPDX-License-Identifier: Apache-2.0 */
/* How a tensor is quantized: which elements share a scale, how it is chosen, how they round. */
#ifndef ASSAY_ROUNDING_SCHEME_H
#define ASSAY_ROUNDING_SCHEME_H

#include <stddef.h>

#include "round.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Scale rules, a row each: what it does, and the producers that use it. a = amax = mu 2^E with
 * 1 <= mu < 2; max = (..) 2^emax is the element format's largest value, M its fraction bits. A
 * rule of an exponent gives the scale 2^e, clamped into the scale format.
 */
#define ASSAY_SCALE_RULES(X)                                                                      \
    X(FLOOR, "floor", "e = E - emax; OCP MX, microxcaling, torchao FLOOR, ggml MXFP4")            \
    X(CEIL, "ceil", "e = E + [mu > 1] - emax; torchao CEIL")                                      \
    X(RCEIL, "rceil",                                                                             \
      "e = ceil(log2(a / max)), the least that does not saturate; cuBLAS, TransformerEngine, "    \
      "ModelOpt, DeepGEMM, torchao RCEIL")                                                        \
    X(EVEN, "even", "e = E + [mu >= 2 - 2^-(M+1)] - emax; torchao EVEN, AMD Quark")               \
    X(NEAREST, "nearest", "e = E + [mu^2 >= 2] - emax, to nearest in the logarithm")              \
    X(CT, "ct", "e = E + [mu >= 1.75] - emax; compressed-tensors")                                \
    X(MAX, "max", "a / max, rounded into the scale format; NVFP4, DeepSeek FP8, integer schemes") \
    X(PERCENTILE, "percentile",                                                                   \
      "percentile:p=P: a is the ceil(P n / 100)-th smallest magnitude; then as max, or as floor " \
      "where scales are powers of two; calibrators")                                              \
    X(MSE, "mse",                                                                                 \
      "the least exact squared error over e - 1, e, e + 1 of floor, ties to the larger; "         \
      "calibrators")                                                                              \
    X(FOUR_SIX, "46",                                                                             \
      "a / max or 1.5 times that, whichever has the smaller exact squared error, ties to the "    \
      "first; four-over-six")                                                                     \
    X(MEAN, "mean", "the mean magnitude, rounded into the scale format; BitNet b1.58")            \
    X(RANGE, "range",                                                                             \
      "a over half of an integer format's range, 7.5 of int4, rounded into the scale format; "    \
      "symmetric integers of compressed-tensors and torchao")

typedef enum assay_scale_rule {
#define ASSAY_SCALE_RULE(id, name, text) ASSAY_SCALE_##id,
    ASSAY_SCALE_RULES(ASSAY_SCALE_RULE)
#undef ASSAY_SCALE_RULE
        ASSAY_SCALE_RULE_COUNT
} assay_scale_rule;

/** Who shares a scale. A row is all elements along the last axis. */
typedef enum assay_extent {
    ASSAY_EXTENT_ELEMENT, /* nobody: every element is rounded by itself      */
    ASSAY_EXTENT_BLOCK,   /* `block` consecutive elements of a row           */
    ASSAY_EXTENT_ROW,     /* a row: a channel of weights, a token            */
    ASSAY_EXTENT_TILE,    /* `tile_rows` x `block` elements of a matrix      */
    ASSAY_EXTENT_TENSOR   /* all elements of a tensor                        */
} assay_extent;

/** On what the scales of a scheme depend, when it quantizes what comes along. */
typedef enum assay_reach {
    ASSAY_REACH_FIXED, /* on nothing                             */
    ASSAY_REACH_TOKEN, /* on elements of the same row            */
    ASSAY_REACH_CALL   /* on all rows that are quantized at once */
} assay_reach;

/**
 * The arithmetic of a producer, S the tensor scale's reciprocal; fl is rounding to binary32.
 * docs/schemes.md states the steps of each.
 */
#define ASSAY_ORDERS(X)                                                                      \
    X(EXACT, "exact", "every scale and every element is rounded once, from exact quotients") \
    X(DIV32, "div32", "scale fl(a / max), elements fl(x / scale)")                           \
    X(MUL32, "mul32", "scale fl(a / max), elements fl(x fl(1 / scale))")                     \
    X(TE, "te", "TransformerEngine: scale fl(a fl(S fl(1/6))), elements fl(x encode)")       \
    X(TORCHAO, "torchao", "torchao: scale fl(fl(a / 6) / t) in [2^-6, 448]")                 \
    X(CT, "ct", "compressed-tensors: scale fl(S fl(a / 6)), 0 becomes the epsilon")          \
    X(MODELOPT, "modelopt", "ModelOpt: scale fl(a / fl(6 t)), 0 becomes 1")

typedef enum assay_order {
#define ASSAY_ORDER(id, name, text) ASSAY_ORDER_##id,
    ASSAY_ORDERS(ASSAY_ORDER)
#undef ASSAY_ORDER
        ASSAY_ORDER_COUNT
} assay_order;

/** Blocks with fields of their own, as bytes: see scheme_hierarchy.h. */
typedef struct assay_hierarchy assay_hierarchy;

/**
 * A quantization scheme. block = 0: every element is rounded by itself. Otherwise elements
 * share a scale s as `extent` says, a shorter last block or tile is one like the others, and an
 * element is round(x / (s t)) s t, with the tensor's scale t = 1 where there is none. With
 * zero points it is (clamp(round(x / s) + z) - z) s.
 */
typedef struct assay_scheme {
    assay_rounder element;
    size_t block; /* along the last axis; beyond any row where the extent is a row or a tensor */
    assay_scale_rule rule;
    assay_extent extent;
    size_t tile_rows; /* 1 but for tiles */
    assay_order order;
    assay_rounder scale;   /* the format of scales, and how they round; saturating      */
    assay_rounder whole;   /* with zero points: x / s to an integer                     */
    bool has_zero;         /* zero points, codes of the element's format                */
    bool has_tensor_scale; /* a binary32 scale of the tensor besides                    */
    bool tensor_divides;   /* which is stored as its reciprocal                         */
    double least;          /* amax counts as at least this                              */
    double top_scale;      /* the block scale at which the tensor's amax shall come out */
    uint64_t percent;      /* P 10^6 of the rule percentile                             */
    const assay_hierarchy *hierarchy; /* or NULL                                         */
    int search;                       /* of a hierarchy: how it looks for scales         */
    size_t nested;     /* binary32 scales that share one of their own; 0: scales are as they are */
    assay_rounder map; /* the format of nested scales                                       */
} assay_scheme;

/** Rows of the table of schemes: name, the SPEC it stands for, where it is specified. */
ASSAY_API size_t assay_scheme_count(void);
ASSAY_API const char *assay_scheme_name(size_t i);
ASSAY_API const char *assay_scheme_spec(size_t i);
ASSAY_API const char *assay_scheme_text(size_t i);
ASSAY_API const char *assay_scale_rule_name(assay_scale_rule rule);
ASSAY_API const char *assay_scale_rule_text(assay_scale_rule rule);
ASSAY_API const char *assay_order_name(assay_order order);
ASSAY_API const char *assay_order_text(assay_order order);
ASSAY_API const char *assay_extent_name(assay_extent extent);
ASSAY_API const char *assay_reach_name(assay_reach reach);
ASSAY_API assay_reach assay_scheme_reach(const assay_scheme *scheme);

/**
 * Reads a SPEC: a scalar format, a scheme row, also with parameters set (`mxfp4:rule=rceil`,
 * `nvfp4:order=te`), or a builder: block, group, tile, tensor, channel, token. Elements that
 * share a scale saturate under `spec`. ASSAY_ERR_USAGE names the SPEC and what is wrong.
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

/**
 * ASSAY_ERR_USAGE if rows cannot be quantized one by one (tiles, scales of a tensor); with
 * `output`, also if no bound of what it does to a row of unknown values is known.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_scheme_check_rows(const assay_scheme *scheme,
                                                               bool output);

/** Every binary64 is its own image. */
ASSAY_API assay_scheme assay_scheme_identity(void);
ASSAY_API bool assay_scheme_is_identity(const assay_scheme *scheme);

/** The exponent e of the scale of a block whose largest magnitude is the finite amax, for the
 * rules of an exponent (others: as floor). */
ASSAY_API int assay_scale_exponent(const assay_scheme *scheme, double amax);

/**
 * y[i] = the value that the scheme gives x[i], for one row of n elements, which is the whole
 * tensor where the extent is larger. A block with a NaN or an infinity has a NaN scale, and all
 * of it is NaN. y may be x. Reentrant, no allocation.
 */
ASSAY_API void assay_scheme_apply(const assay_scheme *scheme, const double *x, double *y, size_t n);

/** The same with the random bits of elements first .. first + n - 1; random->bits is x[0]'s. */
ASSAY_API void assay_scheme_apply_random(const assay_scheme *scheme, const assay_random *random,
                                         uint64_t first, const double *x, double *y, size_t n);

/**
 * A bound of |y[i] - x[i]| for each element of the row: a-priori for scalars and for blocks
 * whose scale is a rule's power of two (the distance to max where x[i] saturates), else what
 * assay_scheme_apply does (+inf if it is stochastic), +inf where it overflows otherwise or where x
 * or y is not finite.
 * Source: docs/rounding.md, error of one rounding.
 */
ASSAY_API void assay_scheme_bound(const assay_scheme *scheme, const double *x, double *bound,
                                  size_t n);

/** |round(x) - x| <= relative |x| + absolute for every real x that does not overflow. */
typedef struct assay_unit {
    double relative, absolute;
} assay_unit;
ASSAY_API assay_unit assay_rounder_unit(const assay_rounder *rounder);

/**
 * Nested scales (bitsandbytes' double quantization). Everything else in this file knows the first
 * level, whose codes do not depend on the second. All n scales of a tensor, in order, become codes
 * of `map`, a scale for each `nested` of them (nested[ceil(n / nested)]) and an offset, which is
 * returned: the exact mean of the scales, NaN left out, rounded to binary32; 0 of none. scales[i]
 * less the offset, in binary32, is quantized as a block scheme with the rule max is, in the order
 * of `scheme`; a NaN makes its block's scale NaN. scales become what the way back gives:
 * fl(fl(map[code] nested) + offset). Threads: as quantizing. Memory: none.
 */
ASSAY_API float assay_scheme_nest(const assay_scheme *scheme, size_t n, float *scales,
                                  uint8_t *codes, float *nested);
ASSAY_API void assay_scheme_unnest(const assay_scheme *scheme, size_t n, const uint8_t *codes,
                                   const float *nested, float offset, float *scales);

/** How many scales a tensor [rows, cols] has: [rows of scales, scales in each]. */
typedef struct assay_scale_shape {
    size_t rows, cols;
} assay_scale_shape;
ASSAY_API assay_scale_shape assay_scheme_scales(const assay_scheme *scheme, size_t rows,
                                                size_t cols);

/** What belongs to a tensor as a whole: its own scale, as it is stored and as producers compute
 *  from it; and, once assay_scheme_fix_scale has found it, the one scale of all elements. */
typedef struct assay_tensor_scale {
    float stored;         /* a multiplier, or its reciprocal if the scheme says so       */
    float reciprocal;     /* S, as the order of the producer has it                      */
    float multiplier;     /* t: what the order `exact`, torchao and ModelOpt scale with  */
    bool fixed;           /* rows are quantized by the next two, not by what is in them  */
    uint64_t scale, zero; /* codes of the one scale and its zero point                   */
} assay_tensor_scale;

/** The largest magnitude of a tensor [rows, cols], blocks with a NaN or an infinity left out. */
ASSAY_API double assay_scheme_amax(const assay_scheme *scheme, size_t rows, size_t cols,
                                   const double *x);
ASSAY_API double assay_scheme_amax_f32(const assay_scheme *scheme, size_t rows, size_t cols,
                                       const float *x);
ASSAY_API assay_tensor_scale assay_scheme_tensor_scale(const assay_scheme *scheme, double amax);

/**
 * Fixes the one scale that all elements of x[rows, cols] share, so that quantizing some of its rows
 * with *tensor gives what quantizing all of them does. Schemes without such a scale: nothing
 * happens. Where assay_scheme_follows_range, the least and the largest of 0 and x stand for x.
 */
ASSAY_API void assay_scheme_fix_scale(const assay_scheme *scheme, size_t rows, size_t cols,
                                      const double *x, assay_tensor_scale *tensor);
ASSAY_API bool assay_scheme_follows_range(const assay_scheme *scheme);

/** Where quantizing puts what it makes, each NULL if it is not wanted: containers of the
 * element's format [rows, cols], of the scale's format, of the element's format; values. */
typedef struct assay_quantized {
    void *codes, *scales, *zeros;
    double *values;
} assay_quantized;

/**
 * Quantizes whole rows [rows, cols] of a tensor; tiles start at its first row. Of a hierarchy
 * the codes are uint8 [rows, blocks, bytes]. Elements of a NaN block have the code of zero.
 * `random` (NULL unless the mode is stochastic) gives the bits of elements first, first + 1, ...
 * Threads: splits over OpenMP threads, the same bits for any number. Memory: none.
 */
ASSAY_API void assay_scheme_quantize(const assay_scheme *scheme, const assay_tensor_scale *tensor,
                                     size_t rows, size_t cols, const double *x,
                                     const assay_random *random, uint64_t first,
                                     const assay_quantized *out);

/** assay_scheme_bound for such rows; bound[rows, cols]. */
ASSAY_API void assay_scheme_bound_rows(const assay_scheme *scheme, const assay_tensor_scale *tensor,
                                       size_t rows, size_t cols, const double *x, double *bound);

/** The same from and to binary32, whose values are those nearest to the others. Values may be x. */
typedef struct assay_quantized_f32 {
    void *codes, *scales, *zeros;
    float *values;
} assay_quantized_f32;
ASSAY_API void assay_scheme_quantize_f32(const assay_scheme *scheme,
                                         const assay_tensor_scale *tensor, size_t rows, size_t cols,
                                         const float *x, const assay_random *random, uint64_t first,
                                         const assay_quantized_f32 *out);

/** The same for a tensor on its own, whose scale goes to *tensor (NULL if it is not wanted). */
ASSAY_API void assay_scheme_quantize_tensor(const assay_scheme *scheme, size_t rows, size_t cols,
                                            const double *x, void *codes, void *scales, void *zeros,
                                            float *tensor);

/**
 * y[rows, cols] from codes, scales and zero points (NULL: ones, zeros) and the tensor's stored
 * scale (1 if there is none): each the binary64 nearest to the exact product. Bits above the
 * formats' widths are ignored. Threads, memory: as above.
 */
ASSAY_API void assay_scheme_dequantize(const assay_scheme *scheme, size_t rows, size_t cols,
                                       const void *codes, const void *scales, const void *zeros,
                                       float tensor, double *y);

/** The same to the nearest binary32. */
ASSAY_API void assay_scheme_dequantize_f32(const assay_scheme *scheme, size_t rows, size_t cols,
                                           const void *codes, const void *scales, const void *zeros,
                                           float tensor, float *y);

#ifdef __cplusplus
}
#endif
#endif
