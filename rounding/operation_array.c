/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on arrays in binary32 and binary64: docs/numerics.md, 16 says why the results are
 * those of assay_operate. */
#include <math.h>
#include <string.h>

#include "numerics/cpu.h"
#include "numerics/env.h"
#include "rounding/array.h"
#include "rounding/array_table.h"
#include "rounding/operation_lanes.h"
#include "rounding/operation_parts.h"

enum { PRECISE = 24, REACH = 400, BLOCK = 512, FEW = 16, ODD_FRACTION = 21 };

static const assay_lane lanes[ASSAY_OPERATION_COUNT] = {
    [ASSAY_OPERATION_COPY] = ASSAY_LANE_COPY,       [ASSAY_OPERATION_NEG] = ASSAY_LANE_NEG,
    [ASSAY_OPERATION_ABS] = ASSAY_LANE_ABS,         [ASSAY_OPERATION_ADD] = ASSAY_LANE_ADD,
    [ASSAY_OPERATION_SUB] = ASSAY_LANE_SUB,         [ASSAY_OPERATION_MUL] = ASSAY_LANE_MUL,
    [ASSAY_OPERATION_DIV] = ASSAY_LANE_DIV,         [ASSAY_OPERATION_FMA] = ASSAY_LANE_FMA,
    [ASSAY_OPERATION_SQRT] = ASSAY_LANE_SQRT,       [ASSAY_OPERATION_HYPOT] = ASSAY_LANE_HYPOT,
    [ASSAY_OPERATION_EXP] = ASSAY_LANE_EXP,         [ASSAY_OPERATION_EXP2] = ASSAY_LANE_EXP2,
    [ASSAY_OPERATION_SIGMOID] = ASSAY_LANE_SIGMOID, [ASSAY_OPERATION_SILU] = ASSAY_LANE_SILU,
    [ASSAY_OPERATION_GELU] = ASSAY_LANE_GELU,       [ASSAY_OPERATION_TANH] = ASSAY_LANE_TANH,
    [ASSAY_OPERATION_ERF] = ASSAY_LANE_ERF,         [ASSAY_OPERATION_LOG] = ASSAY_LANE_LOG,
    [ASSAY_OPERATION_RSQRT] = ASSAY_LANE_RSQRT,     [ASSAY_OPERATION_POW] = ASSAY_LANE_POW,
    [ASSAY_OPERATION_ATAN2] = ASSAY_LANE_ATAN2,     [ASSAY_OPERATION_ATAN2PI] = ASSAY_LANE_ATAN2PI,
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

/* The loop for sums that are exact in binary64. */
static const assay_lane exact[ASSAY_LANE_COUNT] = {
    [ASSAY_LANE_ADD] = ASSAY_LANE_EXACT_ADD,
    [ASSAY_LANE_SUB] = ASSAY_LANE_EXACT_SUB,
    [ASSAY_LANE_FMA] = ASSAY_LANE_EXACT_FMA,
};

/* Finite numbers of an operand, or of a product, are multiples of 2^unit below 2^top. */
typedef struct range {
    int unit, top;
} range;

static range range_of(const assay_format *f)
{
    int emin = f->has_subnormals || f->emin < -f->bias ? f->emin : -f->bias;
    return (range){ emin - f->fraction_bits, f->emax + 1 };
}

/* Whether the sum of the last two, or of a product and the last, is a binary64 number whatever the
 * operands are. */
static bool sum_is_exact(const assay_operator *op)
{
    range x = range_of(op->operands[0]), y = range_of(op->operands[1]);
    for (int k = 0; k < op->operation->arity; k++)
        if (!assay_format_is_direct(op->operands[k], 52))
            return false;
    if (op->operation->arity == 3) {
        x = (range){ x.unit + y.unit, x.top + y.top };
        y = range_of(op->operands[2]);
    }
    int least = x.unit < y.unit ? x.unit : y.unit, most = x.top > y.top ? x.top : y.top;
    return most + 1 - least <= 53;
}

enum { BOUNDED_MOST = 2 }; /* operands of functions between ends */

/* A block of operands, their codes, and the codes of the upper ends. */
typedef struct block {
    _Alignas(ASSAY_LINE) double x[ASSAY_OPERANDS_MOST][BLOCK];
    _Alignas(ASSAY_LINE) uint64_t own[BOUNDED_MOST][BLOCK], upper[BLOCK];
} block;

/* Bits that are not 0 if x is zero or no number. */
ASSAY_INLINE uint64_t is_special(double x)
{
    return (uint64_t)(x - x != 0) | (uint64_t)(x == 0);
}

/* Where the ends of what f(x) lies between round differently, or an operand is zero or no number,
 * the definition decides. */
static assay_status settle(const assay_operator *op, const block *b, uint64_t *out, size_t n,
                           size_t *bad)
{
    const assay_random none = { 0 };
    const double *x = b->x[0], *y = b->x[op->operation->arity - 1];
    uint64_t open = 0;
    for (size_t i = 0; i < n; i++)
        open |= (out[i] ^ b->upper[i]) | is_special(x[i]) | is_special(y[i]);
    for (size_t i = 0; open && i < n; i++) {
        if (((out[i] ^ b->upper[i]) | is_special(x[i]) | is_special(y[i])) == 0)
            continue;
        const uint64_t codes[] = { b->own[0][i], b->own[1][i] };
        assay_status status = assay_operate(op, &none, 0, codes, &out[i]);
        if (status != ASSAY_OK) {
            out[i] = codes[0];
            *bad = i;
            return status;
        }
    }
    return ASSAY_OK;
}

/* How codes are read and written: binary floating point as words of 64 bits, where they lie; other
 * formats by way of their containers. */
typedef struct plan {
    const assay_operator *op;
    const assay_lane_table *table;
    const assay_array_table *arrays;
    assay_lane_loop *loop;
    assay_odd_loop *odd; /* in binary32, or NULL */
    bool bounded, direct[ASSAY_OPERANDS_MOST];
    assay_decoder decoder[ASSAY_OPERANDS_MOST];
    assay_array_pass encoder; /* of use if its constants are direct */
} plan;

/* The largest binary32 stands for all results above it, and has to overflow if they do. */
static bool tells_overflow(const assay_constants *c, const assay_rounder *r)
{
    const uint64_t largest = c->inf - 1;
    return (c->last[0] < largest || isfinite(r->overflow_value[0])) &&
           (c->last[1] < largest || isfinite(r->overflow_value[1]));
}

/* The same in binary32: false if formats need more. */
static bool plan_odd(plan *p)
{
    const assay_operator *op = p->op;
    p->encoder = assay_array_pass_make(&op->rounder, ASSAY_F32, true);
    bool fits = ASSAY_HAS_ENVIRONMENT && p->encoder.constants.direct &&
                op->rounder.format.fraction_bits <= ODD_FRACTION &&
                tells_overflow(&p->encoder.constants, &op->rounder);
    for (int k = 0; k < op->operation->arity && fits; k++) {
        fits = assay_format_is_direct(op->operands[k], 23);
        if (fits)
            p->decoder[k] = assay_decoder_make(op->operands[k], 23);
        fits = fits && p->decoder[k].is_plain;
    }
    p->encoder.out = sizeof(uint64_t);
    p->odd = fits ? p->table->odd[lanes[op->operation->id]] : NULL;
    return p->odd;
}

static plan plan_of(const assay_operator *op)
{
    plan p = { .op = op, .table = current(), .arrays = assay_array_current() };
    assay_lane lane = lanes[op->operation->id];
    if (plan_odd(&p))
        return p;
    p.loop = p.table->loops[lane];
    if (exact[lane] != ASSAY_LANE_NONE && sum_is_exact(op))
        p.loop = p.table->loops[exact[lane]];
    p.bounded = lane >= ASSAY_LANE_BOUNDED;
    for (int k = 0; k < op->operation->arity; k++) {
        p.direct[k] = assay_format_is_direct(op->operands[k], 52);
        if (p.direct[k])
            p.decoder[k] = assay_decoder_make(op->operands[k], 52);
    }
    p.encoder = assay_array_pass_make(&op->rounder, ASSAY_F64, true);
    p.encoder.out = sizeof(uint64_t);
    return p;
}

static void read_codes(const plan *p, int k, const uint64_t *codes, double *x, size_t n)
{
    const assay_format *f = p->op->operands[k];
    _Alignas(ASSAY_LINE) uint64_t packed[BLOCK];
    if (p->direct[k] && p->decoder[k].is_plain) {
        p->arrays->operands[ASSAY_F64](&p->decoder[k], codes, x, n);
        return;
    }
    if (p->direct[k]) {
        p->arrays->decode[ASSAY_F64](&p->decoder[k], (const char *)codes, (char *)x, n,
                                     sizeof *codes, false);
        return;
    }
    p->table->narrow(codes, packed, n, assay_format_container(f));
    assay_decode_array_f64(f, packed, x, n);
}

static void write_codes(const plan *p, const double *x, uint64_t *codes, size_t n)
{
    const assay_rounder *r = &p->op->rounder;
    _Alignas(ASSAY_LINE) uint64_t packed[BLOCK];
    if (p->encoder.constants.direct) {
        assay_array_pass_run(&p->encoder, x, codes, n);
        return;
    }
    assay_encode_array_f64(r, x, packed, n);
    p->table->widen(packed, codes, n, assay_format_container(&r->format));
}

/* At most BLOCK elements. The operands' codes are kept, as out may be where they are. */
static assay_status operate_block(const plan *p, const uint64_t *const *codes, uint64_t *out,
                                  size_t n, size_t *bad)
{
    block b;
    _Alignas(ASSAY_LINE) double low[BLOCK], high[BLOCK];
    const double *const at[] = { b.x[0], b.x[1], b.x[2] };
    for (int k = 0; k < p->op->operation->arity; k++)
        read_codes(p, k, codes[k], b.x[k], n);
    p->loop(at, low, high, n, p->op->rounder.mode == ASSAY_RDN);
    if (p->bounded) {
        memset(b.own[1], 0, n * sizeof b.own[1][0]);
        for (int k = 0; k < p->op->operation->arity; k++)
            memcpy(b.own[k], codes[k], n * sizeof b.own[k][0]);
        write_codes(p, high, b.upper, n);
    }
    write_codes(p, low, out, n);
    return p->bounded ? settle(p->op, &b, out, n, bad) : ASSAY_OK;
}

static void operate_odd(const plan *p, const uint64_t *const *codes, uint64_t *out, size_t n)
{
    _Alignas(ASSAY_LINE) float x[ASSAY_OPERANDS_MOST][BLOCK], y[BLOCK];
    const int arity = p->op->operation->arity;
    const float *const at[] = { x[0], x[arity > 1], x[arity > 2 ? 2 : 0] };
    for (int k = 0; k < arity; k++)
        p->arrays->operands[ASSAY_F32](&p->decoder[k], codes[k], x[k], n);
    p->odd(at, y, n, p->op->rounder.mode == ASSAY_RDN);
    assay_array_pass_run(&p->encoder, y, out, n);
}

/* Block b of n elements: the first that failed, or n. */
static size_t operate_part(const plan *p, const uint64_t *const *codes, uint64_t *out, size_t n,
                           size_t b)
{
    size_t i = b * BLOCK, most = n - i < BLOCK ? n - i : BLOCK, bad = 0;
    const uint64_t *own[ASSAY_OPERANDS_MOST] = { 0 };
    for (int k = 0; k < p->op->operation->arity; k++)
        own[k] = codes[k] + i;
    if (p->odd)
        operate_odd(p, own, out + i, most);
    else if (operate_block(p, own, out + i, most, &bad) != ASSAY_OK)
        return i + bad;
    return n;
}

/* A parallel region takes as long as rounding some hundred numbers, even on one thread. */
assay_status assay_operate_fast(const assay_operator *op, const uint64_t *const *codes,
                                uint64_t *out, size_t n, size_t *bad)
{
    const size_t blocks = (n + BLOCK - 1) / BLOCK;
    const plan p = plan_of(op);
    size_t worst = n;
    for (size_t b = 0; b < blocks && blocks <= FEW; b++) {
        size_t first = operate_part(&p, codes, out, n, b);
        worst = first < worst ? first : worst;
    }
    if (blocks > FEW) {
#pragma omp parallel for schedule(static) reduction(min : worst)
        for (size_t b = 0; b < blocks; b++) {
            size_t first = operate_part(&p, codes, out, n, b);
            worst = first < worst ? first : worst;
        }
    }
    *bad = worst;
    return worst == n ? ASSAY_OK : ASSAY_ERR_UNAVAILABLE;
}
