/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on arrays in binary64: docs/numerics.md, 16 says why the results are those of
 * assay_operate. */
#include <string.h>

#include "numerics/cpu.h"
#include "numerics/env.h"
#include "rounding/array.h"
#include "rounding/array_table.h"
#include "rounding/operation_lanes.h"
#include "rounding/operation_parts.h"

enum { PRECISE = 24, REACH = 400, BLOCK = 1024 };

static const assay_lane lanes[ASSAY_OPERATION_COUNT] = {
    [ASSAY_OPERATION_COPY] = ASSAY_LANE_COPY, [ASSAY_OPERATION_NEG] = ASSAY_LANE_NEG,
    [ASSAY_OPERATION_ABS] = ASSAY_LANE_ABS,   [ASSAY_OPERATION_ADD] = ASSAY_LANE_ADD,
    [ASSAY_OPERATION_SUB] = ASSAY_LANE_SUB,   [ASSAY_OPERATION_MUL] = ASSAY_LANE_MUL,
    [ASSAY_OPERATION_DIV] = ASSAY_LANE_DIV,   [ASSAY_OPERATION_FMA] = ASSAY_LANE_FMA,
    [ASSAY_OPERATION_SQRT] = ASSAY_LANE_SQRT, [ASSAY_OPERATION_EXP] = ASSAY_LANE_EXP,
    [ASSAY_OPERATION_EXP2] = ASSAY_LANE_EXP2, [ASSAY_OPERATION_SIGMOID] = ASSAY_LANE_SIGMOID,
    [ASSAY_OPERATION_SILU] = ASSAY_LANE_SILU, [ASSAY_OPERATION_GELU] = ASSAY_LANE_GELU,
    [ASSAY_OPERATION_TANH] = ASSAY_LANE_TANH, [ASSAY_OPERATION_ERF] = ASSAY_LANE_ERF,
    [ASSAY_OPERATION_LOG] = ASSAY_LANE_LOG,   [ASSAY_OPERATION_RSQRT] = ASSAY_LANE_RSQRT,
};

static const assay_lane_table *current(void)
{
#ifdef __x86_64__
    static const assay_lane_table *const tables[ASSAY_ISA_COUNT] = { &assay_lanes_base,
                                                                     &assay_lanes_avx2,
                                                                     &assay_lanes_avx512 };
    return tables[assay_isa_current()];
#else
    return &assay_lanes_base;
#endif
}

/* Values and ties are binary fractions of at most 25 bits, far from binary64's ends. */
static bool is_short(const assay_format *f)
{
    bool logarithmic = f->kind == ASSAY_FAMILY_LOG || (f->kind == ASSAY_FAMILY_TAKUM && f->is_log);
    return f->fits_binary64 && !logarithmic && f->kind != ASSAY_FAMILY_CODEBOOK &&
           f->p <= PRECISE && f->emax <= REACH && f->emin - f->p >= -REACH;
}

bool assay_operate_is_fast(const assay_operator *op)
{
    const assay_rounder *r = &op->rounder;
    assay_operation_id id = op->operation->id;
    bool fast = lanes[id] != ASSAY_LANE_NONE && !assay_mode_is_stochastic(r->mode) &&
                !r->nan_is_error && is_short(&r->format) &&
                !(id == ASSAY_OPERATION_DIV && r->format.law != ASSAY_LAW_GENERAL);
    for (int k = 0; k < op->operation->arity && fast; k++)
        fast = is_short(op->operands[k]);
    return fast && assay_env_check() == ASSAY_OK;
}

/* Where the ends of what f(x) lies between round differently, or x is zero or no number, the
 * definition decides. */
static assay_status settle(const assay_operator *op, const double *x, const uint64_t *codes,
                           const uint64_t *other, uint64_t *out, size_t n, size_t *bad)
{
    const assay_random none = { 0 };
    uint64_t open = 0;
    for (size_t i = 0; i < n; i++)
        open |= (out[i] ^ other[i]) | (uint64_t)(x[i] - x[i] != 0) | (uint64_t)(x[i] == 0);
    for (size_t i = 0; open && i < n; i++) {
        if (out[i] == other[i] && x[i] - x[i] == 0 && x[i] != 0)
            continue;
        assay_status status = assay_operate(op, &none, 0, &codes[i], &out[i]);
        if (status != ASSAY_OK) {
            out[i] = codes[i];
            *bad = i;
            return status;
        }
    }
    return ASSAY_OK;
}

/* At most BLOCK elements. The operand's codes are kept, as out may be where they are. */
static assay_status operate_block(const assay_operator *op, const uint64_t *const *codes,
                                  uint64_t *out, size_t n, size_t *bad)
{
    _Alignas(ASSAY_LINE) double x[ASSAY_OPERANDS_MOST][BLOCK], low[BLOCK];
    _Alignas(ASSAY_LINE) double high[BLOCK];
    _Alignas(ASSAY_LINE) uint64_t packed[BLOCK], own[BLOCK], other[BLOCK];
    const double *const at[] = { x[0], x[1], x[2] };
    const assay_rounder *r = &op->rounder;
    assay_lane lane = lanes[op->operation->id];
    const assay_lane_table *table = current();
    size_t bytes = assay_format_container(&r->format);
    for (int k = 0; k < op->operation->arity; k++) {
        table->narrow(codes[k], packed, n, assay_format_container(op->operands[k]));
        assay_decode_array_f64(op->operands[k], packed, x[k], n);
    }
    table->loops[lane](at, low, high, n, r->mode == ASSAY_RDN);
    bool bounded = lane >= ASSAY_LANE_BOUNDED;
    if (bounded) {
        memcpy(own, codes[0], n * sizeof *own);
        assay_encode_array_f64(r, high, packed, n);
        table->widen(packed, other, n, bytes);
    }
    assay_encode_array_f64(r, low, packed, n);
    table->widen(packed, out, n, bytes);
    return bounded ? settle(op, x[0], own, other, out, n, bad) : ASSAY_OK;
}

assay_status assay_operate_fast(const assay_operator *op, const uint64_t *const *codes,
                                uint64_t *out, size_t n, size_t *bad)
{
    const size_t blocks = (n + BLOCK - 1) / BLOCK;
    size_t worst = n;
#pragma omp parallel for schedule(static) reduction(min : worst) if (blocks > 8)
    for (size_t b = 0; b < blocks; b++) {
        size_t i = b * BLOCK, most = n - i < BLOCK ? n - i : BLOCK, first = 0;
        const uint64_t *own[ASSAY_OPERANDS_MOST] = { 0 };
        for (int k = 0; k < op->operation->arity; k++)
            own[k] = codes[k] + i;
        if (operate_block(op, own, out + i, most, &first) != ASSAY_OK && i + first < worst)
            worst = i + first;
    }
    *bad = worst;
    return worst == n ? ASSAY_OK : ASSAY_ERR_UNAVAILABLE;
}
