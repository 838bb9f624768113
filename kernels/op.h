/* SPDX-License-Identifier: Apache-2.0 */
/* Transformer operations, the policies they run under, and the backends that run them. */
#ifndef ASSAY_KERNELS_OP_H
#define ASSAY_KERNELS_OP_H

#include <stdint.h>

#include "../rounding/scheme.h"
#include "accumulator.h"
#include "product.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * An activation: row-major binary64, element (i, j) at hi[i ld + j]. The wide backend keeps a
 * second plane, and the value is hi + lo; for the others lo is NULL.
 */
typedef struct assay_matrix {
    double *hi, *lo;
    size_t rows, cols, ld;
} assay_matrix;

/** A parameter as it lies in the model's file: [rows, cols] row-major; a vector has one row. */
typedef struct assay_parameter {
    const void *data; /* NULL: the operation has none here (a bias that is absent) */
    assay_storage storage;
    size_t rows, cols;
} assay_parameter;

/** What an operation rounds. */
typedef enum assay_role {
    ASSAY_ROLE_OUT,
    ASSAY_ROLE_IN, /* the first activation */
    ASSAY_ROLE_IN_2,
    ASSAY_ROLE_WEIGHT,
    ASSAY_ROLE_COUNT
} assay_role;

/**
 * How one operation is emulated. `in` is applied to each activation that it reads, `weight` to
 * each parameter except a bias, `acc` to its sums; every further step is rounded once to the
 * accumulator's format (binary64 for `reference` and `exact`), and so are a bias and the model's
 * constants before they are used; `out` to the result. docs/kernels.md gives each operation's
 * steps.
 */
typedef struct assay_policy {
    assay_scheme in, weight, out;
    assay_tensor_scale whole; /* of the parameter that `weight` quantizes: assay_policy_weigh */
    assay_accumulator acc;
    bool has_operand; /* acc had `@operand:F`: dequantized operands are rounded to F */
    assay_rounder operand;
    /* Random bits of stochastic schemes, one stream for each array that is rounded: the element of
     * an activation is [absolute position, feature] of the array, of a per-head one
     * (position heads + head) 2^32 + key, of a parameter its index in the file. */
    uint64_t seed;
    uint32_t streams[ASSAY_ROLE_COUNT];
} assay_policy;

/** The policy that keeps everything in binary64: the reference itself. */
ASSAY_API assay_policy assay_policy_reference(void);

/**
 * Puts into policy->whole what `weight` takes from a parameter as a whole, its tensor's scale or
 * the one scale of its elements, before operations run with this parameter under this policy.
 * Schemes of smaller reach take nothing. The parameter is read once, in pieces; rules that need all
 * elements at once (mean, mse, 46 and percentile of a tensor) have them in binary64 meanwhile.
 * ASSAY_ERR_MEMORY says for what shape.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_policy_weigh(assay_policy *policy,
                                                          const assay_parameter *weight);

/** Whether what `in` (side 0) or `weight` (side 1) makes are operands that the accumulator takes,
 *  codes and scales or, with `@operand:F`, values: ASSAY_ERR_USAGE says why not. */
ASSAY_API ASSAY_NODISCARD assay_status assay_policy_check_operand(const assay_policy *policy,
                                                                  int side);
/** Whether linear applies scales to sums of codes, and not to operands: what schemes do without
 *  `@operand:F`, but for fields of their own, and but for exact sums. */
ASSAY_API bool assay_policy_is_scaled(const assay_policy *policy);

/**
 * How the scales value[assay_scheme_scales(scheme, vectors, k)] of vectors [vectors, k], and the
 * tensor's scale, are those of assay_product_scaled: the latter joins each value, or with `apart`
 * stays by itself, as units with scales want it.
 */
ASSAY_API assay_scales assay_scales_of(const assay_scheme *scheme, const assay_tensor_scale *tensor,
                                       bool apart, size_t vectors, size_t k, double *value);
/** x[vectors, k] less the zero points of its scales, which lie as these do. */
ASSAY_API void assay_scales_take_zeros(const assay_scales *scales, size_t vectors, size_t k,
                                       const double *zeros, double *x);

struct assay_op;

/**
 * One call of an operation. Unused fields are zero. Positions count from 0; `past` is the
 * position of the first row, and keys and values hold positions 0 .. past + tokens - 1.
 */
typedef struct assay_call {
    const assay_policy *policy; /* never NULL                                           */
    assay_matrix in[2], out;
    assay_parameter weight[2];        /* weight or gain, then bias                            */
    const int32_t *ids;               /* embedding: [out.rows], each below weight[0].rows     */
    double eps;                       /* norms                                                */
    size_t heads, kv_heads, head_dim; /* attention and rope                             */
    size_t past;
    double scale;              /* scores: 1 / sqrt(head_dim), the model's constant     */
    bool interleaved;          /* rope: pairs (2i, 2i+1) instead of (i, i + head_dim/2) */
    assay_matrix cosine, sine; /* rope: [positions, angles], positions >= past + rows, 2 angles
                                * <= head_dim; the columns of a head beyond them stay      */
    void *workspace;           /* as the operation's workspace() says, 64-byte aligned  */
} assay_call;

typedef void assay_run_fn(const assay_call *call);

/** A transformer operation. Only check() can fail; the rest assumes what it has checked. */
typedef struct assay_op {
    const char *name, *text;
    assay_status (*check)(const assay_call *call);
    size_t (*workspace)(const assay_call *call); /* bytes for any of the functions below   */
    assay_run_fn *run;  /* under call->policy; the reference is assay_policy_reference     */
    assay_run_fn *wide; /* in double-double, policy ignored; finite values only            */
    /* bound.hi(i, j) = an a-priori bound of |emulated - exact|, exact being the operation over
     * the reals on call->in.hi and the unquantized parameters and constants; +inf where an
     * overflow is possible or nothing is known. call->out holds the reference's result. */
    void (*bound)(const assay_call *call, assay_matrix bound);
} assay_op;

/** The operations: ASSAY_OPS(X) expands X(enumerator); `assay_op_NAME` is the row. */
#define ASSAY_OPS(X) \
    X(embedding)     \
    X(linear)        \
    X(rmsnorm)       \
    X(layernorm)     \
    X(rope)          \
    X(scores)        \
    X(softmax)       \
    X(context)       \
    X(silu)          \
    X(gelu)          \
    X(gelu_tanh)     \
    X(relu)          \
    X(multiply)      \
    X(add)

typedef enum assay_op_id {
#define ASSAY_OP(id) ASSAY_OP_##id,
    ASSAY_OPS(ASSAY_OP)
#undef ASSAY_OP
        ASSAY_OP_COUNT
} assay_op_id;

ASSAY_API size_t assay_op_count(void);
ASSAY_API const assay_op *assay_op_row(size_t i);

/**
 * One way to run operations; a NULL slot means that this backend does not provide it.
 * `planes` is 2 where activations need their lo plane.
 */
typedef struct assay_backend {
    const char *name, *text;
    int planes;
    bool (*usable)(void); /* can this machine run it? */
    assay_run_fn *run[ASSAY_OP_COUNT];
} assay_backend;

/** `reference`, `emulated`, `wide`. */
ASSAY_API size_t assay_backend_count(void);
ASSAY_API const assay_backend *assay_backend_row(size_t i);
/** ASSAY_ERR_USAGE lists what there is; ASSAY_ERR_UNAVAILABLE if this machine cannot run it. */
ASSAY_API ASSAY_NODISCARD assay_status assay_backend_find(const char *name,
                                                          const assay_backend **out);

#ifdef __cplusplus
}
#endif
#endif
