/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of operations share: policies, small calls of every operation, running them. */
#ifndef ASSAY_TESTS_OPS_TEST_H
#define ASSAY_TESTS_OPS_TEST_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/op.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "tests/support/points.h"

/* ---- policies ---- */

typedef struct policy_row {
    const char *in, *weight, *out, *acc, *operand, *mode, *overflow;
} policy_row;

static const policy_row policies[] = {
    { "binary64", "binary64", "binary64", "reference", NULL, "rne", "spec" },
    { "binary32", "binary32", "binary32", "binary32", NULL, "rne", "spec" },
    { "bfloat16", "bfloat16", "bfloat16", "binary32", NULL, "rne", "spec" },
    { "e4m3", "e4m3", "binary32", "binary32", NULL, "rne", "sat" },
    { "binary16", "binary16", "binary16", "binary16:unfused", NULL, "rne", "spec" },
    { "bfloat16", "bfloat16", "bfloat16", "bfloat16:block=4", NULL, "rne", "spec" },
    { "binary16", "binary16", "binary16", "exact", NULL, "rne", "spec" },
    { "tf32", "tf32", "tf32", "tf32:round=rtz", NULL, "rtz", "spec" },
    { "bfloat16", "mxfp4", "binary32", "binary32", "bfloat16", "rne", "spec" },
    { "mxfp8_e5m2", "mxfp4", "mxfp8_e4m3", "binary32", "binary32", "rne", "spec" },
    { "binary64", "binary64", "binary64", "binary64:round=rup", NULL, "rne", "spec" },
    { "binary64", "binary64", "bfloat16", "binary32:unfused,round=rdn", NULL, "rup", "spec" },
    { "e5m2", "e5m2", "binary16", "binary32:block=3,round=raz", NULL, "rna", "propagate" },
    { "binary32", "binary32", "e4m3", "exact", NULL, "rodd", "sat" },
    { "bfloat16", "bfloat16", "bfloat16", "bfloat16:kahan", NULL, "rne", "spec" },
    { "binary16", "binary16", "binary32", "binary32:kahan,round=rdn", NULL, "rne", "spec" },
    { "bfloat16", "bfloat16", "bfloat16", "bfloat16:ef=yes", NULL, "rne", "spec" },
    { "bfloat16", "bfloat16", "bfloat16", "bfloat16:block=4,ef=yes,residue=bfloat16", NULL, "rne",
      "spec" },
    { "binary32", "binary32", "binary32", "bf16x9", NULL, "rne", "spec" },
    { "binary64", "binary64", "binary64", "ozaki:slices=3", NULL, "rne", "spec" },
};
enum { POLICIES = sizeof policies / sizeof policies[0] };

/* Of products alone: matrix units, and scales that are applied to sums, which is linear's. */
static const policy_row unit_policies[] = {
    { "e4m3", "e4m3", "bfloat16", "hopper.wgmma.f32.e4m3.e4m3", NULL, "rne", "sat" },
    { "e4m3", "e4m3", "binary32", "ada.mma.f32.e4m3.e4m3:promote=32", NULL, "rne", "sat" },
    { "e5m2", "e5m2", "binary32", "hopper.mma.f32.e5m2.e5m2", NULL, "rne", "sat" },
    { "binary32", "binary32", "binary32", "ampere.mma.f32.tf32.tf32", NULL, "rne", "spec" },
    { "binary16", "binary16", "binary16", "turing.mma.f16.f16.f16", NULL, "rne", "spec" },
    { "bfloat16", "bfloat16", "binary32", "cdna3.mfma.f32.bf16.bf16", NULL, "rne", "spec" },
    { "e4m3fnuz", "e4m3fnuz", "binary32", "cdna3.mfma.f32.e4m3fnuz.e4m3fnuz", NULL, "rne", "sat" },
    { "binary16", "binary16", "binary32", "cdna1.mfma.f32.f16.f16", NULL, "rne", "spec" },
    { "bfloat16", "bfloat16", "binary32",
      "hopper.mma.f32.bf16.bf16:split=2,merge=rounded,rounded=bf16", NULL, "rne", "spec" },
    { "mxfp4", "mxfp4", "binary32", "blackwell.tcgen05.f32.e4m3.e4m3", "e4m3", "rne", "sat" },
    { "mxfp4", "mxfp4", "binary32", "blackwell.tcgen05.mxf4nvf4.block32.f32.e2m1.e2m1.ue8m0", NULL,
      "rne", "sat" },
    { "block:elem=e2m1,size=16,scale=e4m3,rule=max", "block:elem=e2m1,size=16,scale=e4m3,rule=max",
      "binary32", "blackwell.tcgen05.mxf4nvf4.block16.f32.e2m1.e2m1.ue4m3", NULL, "rne", "sat" },
    { "mxfp8_e4m3", "mxfp8_e4m3", "binary32",
      "blackwell.tcgen05.mxf8f6f4.block32.f32.e4m3.e4m3.ue8m0", NULL, "rne", "sat" },
    { "fp8_token", "fp8_channel", "binary32", "hopper.wgmma.f32.e4m3.e4m3", NULL, "rne", "sat" },
    { "block:elem=e4m3,size=8,scale=binary32,rule=max",
      "block:elem=e4m3,size=8,scale=binary32,rule=max", "binary32", "hopper.wgmma.f32.e4m3.e4m3",
      NULL, "rne", "sat" },
    { "mxfp4", "mxfp4:size=8", "bfloat16", "binary32", NULL, "rne", "spec" },
};
enum { UNIT_POLICIES = sizeof unit_policies / sizeof unit_policies[0] };

enum { ALL_POLICIES = (int)POLICIES + (int)UNIT_POLICIES };

static inline bool unit_policy_suits(assay_op_id op, const assay_policy *policy)
{
    bool attention = op == ASSAY_OP_scores || op == ASSAY_OP_context;
    return op == ASSAY_OP_linear || (attention && !assay_policy_is_scaled(policy));
}

static inline assay_scheme scheme_of(const char *spec, const char *mode, const char *overflow)
{
    assay_mode m;
    assay_overflow o;
    assay_scheme s;
    cr_assert_eq(assay_mode_parse(mode, &m), ASSAY_OK);
    cr_assert_eq(assay_overflow_parse(overflow, &o), ASSAY_OK);
    cr_assert_eq(assay_scheme_parse(spec, m, o, ASSAY_NAN_RULE_DEFAULT, &s), ASSAY_OK, "%s",
                 assay_last_error());
    return s;
}

static inline assay_policy policy_of(const policy_row *row)
{
    assay_policy p = { .in = scheme_of(row->in, row->mode, row->overflow),
                       .weight = scheme_of(row->weight, row->mode, row->overflow),
                       .out = scheme_of(row->out, row->mode, row->overflow),
                       .has_operand = row->operand != NULL };
    cr_assert_eq(assay_accumulator_parse(row->acc, &p.acc), ASSAY_OK, "%s", assay_last_error());
    p.operand = scheme_of(row->operand ? row->operand : "binary64", row->mode, "spec").element;
    return p;
}

/* Policy p < ALL_POLICIES; false if the operation does not take it. */
static inline bool any_policy(assay_op_id op, size_t p, assay_policy *out)
{
    *out = policy_of(p < POLICIES ? &policies[p] : &unit_policies[p - POLICIES]);
    return p < POLICIES || unit_policy_suits(op, out);
}

/* ---- data ---- */

typedef enum data { NORMAL, CANCELLING, RANGE, TIES, TINY, ZEROS, DATA_COUNT } data;

static uint64_t drawn;

static inline uint64_t draw(void)
{
    return points_random(drawn++);
}

static inline double uniform(void) /* in [-1, 1) */
{
    return (double)(int64_t)draw() * 0x1p-63;
}

/* CANCELLING: neighbours that nearly are each other's negatives. TIES: few bits, then one at the
 * place of a tie of bfloat16 or e4m3. */
static inline double element(data kind, size_t j)
{
    static double last;
    double x = 2 * uniform();
    switch (kind) {
    case CANCELLING: return last = j % 2 ? -last * (1 + (draw() % 3 ? 0x1p-20 * uniform() : 0)) : x;
    case RANGE: return ldexp(x, (int)(draw() % 13) - 7);
    case TIES:
        return (double)(int)(draw() % 64 + 1) * (draw() % 2 ? 0x1p-4 : -0x1p-4) *
               (draw() % 2 ? 1 : 1 + 0x1p-8);
    case TINY: return ldexp(x, -140 + (int)(draw() % 12));
    case ZEROS: return draw() % 3 == 0 ? x : draw() % 2 ? 0.0 : -0.0;
    default: return x;
    }
}

/* ---- calls ---- */

typedef struct shape {
    size_t tokens, past, heads, kv_heads, head_dim, width, outputs;
    bool interleaved, bias;
    assay_storage storage;
} shape;

static _Alignas(64) unsigned char pool[1 << 22];
static size_t pool_used;

static inline void *take(size_t bytes)
{
    void *p = pool + pool_used;
    pool_used += (bytes + 127) / 64 * 64;
    cr_assert(pool_used <= sizeof pool, "pool");
    memset(p, 0xff, bytes);
    return p;
}

/* Rows are three elements further apart than they are long; between them are NaN. */
static inline assay_matrix matrix(size_t rows, size_t cols, int planes)
{
    assay_matrix m = { .rows = rows, .cols = cols, .ld = cols + 3 };
    m.hi = (double *)take(rows * m.ld * sizeof(double));
    if (planes > 1)
        m.lo = (double *)take(rows * m.ld * sizeof(double));
    return m;
}

static inline assay_matrix filled(size_t rows, size_t cols, data kind)
{
    assay_matrix m = matrix(rows, cols, 1);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            m.hi[i * m.ld + j] = element(kind, j);
    return m;
}

/* At an address that is a multiple of 2 only, as in a mapped file. */
static inline assay_parameter parameter(size_t rows, size_t cols, assay_storage storage, data kind)
{
    unsigned char *bytes = (unsigned char *)take(rows * cols * 8 + 8) + 2;
    assay_rounder half = scheme_of("binary16", "rne", "sat").element;
    for (size_t i = 0; i < rows * cols; i++) {
        double x = element(kind, i);
        float f = (float)x;
        uint16_t h = (uint16_t)assay_round_code(&half, x);
        uint16_t b = (uint16_t)(assay_bits32(f) >> 16);
        switch (storage) {
        case ASSAY_STORAGE_F64: memcpy(bytes + 8 * i, &x, 8); break;
        case ASSAY_STORAGE_F32: memcpy(bytes + 4 * i, &f, 4); break;
        case ASSAY_STORAGE_F16: memcpy(bytes + 2 * i, &h, 2); break;
        default: memcpy(bytes + 2 * i, &b, 2); break;
        }
    }
    return (assay_parameter){ bytes, storage, rows, cols };
}

static inline void hide(assay_matrix *m, const shape *s)
{
    for (size_t i = 0; i < m->rows; i++)
        for (size_t j = s->past + i % s->tokens + 1; j < m->cols; j++)
            m->hi[i * m->ld + j] = NAN; /* whoever reads it shows */
}

static inline void make_angles(assay_call *c, const shape *s)
{
    size_t rows = s->past + s->tokens + 1, angles = s->head_dim / 2;
    angles -= s->bias && angles > 1; /* partial rotation */
    c->cosine = matrix(rows, angles, 2);
    c->sine = matrix(rows, angles, 2);
    for (size_t i = 0; i < rows; i++)
        for (size_t p = 0; p < angles; p++) {
            size_t at = i * c->cosine.ld + p;
            double angle = (double)i / (double)(1 + 7 * p);
            c->cosine.hi[at] = cos(angle);
            c->sine.hi[at] = sin(angle);
            c->cosine.lo[at] = c->cosine.hi[at] * 0x1p-54 * uniform();
            c->sine.lo[at] = c->sine.hi[at] * 0x1p-54 * uniform();
        }
}

static inline void make_attention(assay_op_id op, assay_call *c, const shape *s, data kind)
{
    size_t keys = s->past + s->tokens, rows = s->heads * s->tokens;
    size_t width = s->heads * s->head_dim, kv = s->kv_heads * s->head_dim;
    c->scale = 1 / sqrt((double)s->head_dim);
    c->out = op == ASSAY_OP_context ? matrix(s->tokens, width, 2) : matrix(rows, keys, 2);
    c->in[0] = op == ASSAY_OP_scores ? filled(s->tokens, width, kind) : filled(rows, keys, kind);
    if (op != ASSAY_OP_scores)
        hide(&c->in[0], s);
    if (op != ASSAY_OP_softmax)
        c->in[1] = filled(keys, kv, kind);
}

static inline void make_norm(assay_call *c, const shape *s, data kind)
{
    c->eps = kind == TINY ? 0x1p-120 : kind == NORMAL ? 0.37 : 1e-5;
    c->weight[0] = parameter(1, s->width, s->storage, NORMAL);
    if (s->bias)
        c->weight[1] = parameter(1, s->width, s->storage, kind);
}

static inline void make_embedding(assay_call *c, const shape *s, data kind)
{
    int32_t *ids = (int32_t *)take(s->tokens * sizeof *ids);
    for (size_t i = 0; i < s->tokens; i++)
        ids[i] = (int32_t)(draw() % 7);
    c->ids = ids;
    c->weight[0] = parameter(7, s->width, s->storage, kind);
}

/* The call without policy and workspace, in the pool; the outputs hold garbage. */
static inline assay_call make_call(assay_op_id op, const shape *s, data kind)
{
    assay_call c = { .heads = s->heads,
                     .kv_heads = s->kv_heads,
                     .head_dim = s->head_dim,
                     .past = s->past,
                     .interleaved = s->interleaved };
    pool_used = 0;
    size_t width = op == ASSAY_OP_rope ? s->heads * s->head_dim : s->width;
    switch (op) {
    case ASSAY_OP_scores:
    case ASSAY_OP_softmax:
    case ASSAY_OP_context: make_attention(op, &c, s, kind); return c;
    case ASSAY_OP_embedding: make_embedding(&c, s, kind); break;
    case ASSAY_OP_rmsnorm:
    case ASSAY_OP_layernorm: make_norm(&c, s, kind); break;
    case ASSAY_OP_rope: make_angles(&c, s); break;
    case ASSAY_OP_linear:
        c.weight[0] = parameter(s->outputs, width, s->storage, kind);
        if (s->bias)
            c.weight[1] = parameter(1, s->outputs, s->storage, kind);
        break;
    case ASSAY_OP_multiply:
    case ASSAY_OP_add: c.in[1] = filled(s->tokens, width, kind); break;
    default: break;
    }
    c.out = matrix(s->tokens, op == ASSAY_OP_linear ? s->outputs : width, 2);
    if (op != ASSAY_OP_embedding)
        c.in[0] = filled(s->tokens, width, kind);
    return c;
}

/* ---- running ---- */

static inline void check_gaps(const assay_matrix *m, const char *name)
{
    for (size_t i = 0; i < m->rows; i++)
        for (size_t j = m->cols; j < m->ld; j++)
            cr_assert_eq(assay_bits64(m->hi[i * m->ld + j]), ~(uint64_t)0, "%s: row %zu is overrun",
                         name, i);
}

typedef enum evaluation { RUN, WIDE, BOUND } evaluation;

/* Runs one function of the operation in a workspace of exactly the size that it asked for. */
static inline void run_into(assay_op_id op, assay_call *c, const assay_policy *policy,
                            evaluation which, assay_matrix out)
{
    const assay_op *row = assay_op_row(op);
    c->policy = policy;
    size_t bytes = row->workspace(c);
    unsigned char *workspace = (unsigned char *)aligned_alloc(64, (bytes / 64 + 2) * 64);
    memset(workspace, 0xff, bytes + 64);
    c->workspace = workspace;
    assay_matrix kept = c->out;
    if (which == BOUND) {
        row->bound(c, out);
    } else {
        c->out = out;
        (which == RUN ? row->run : row->wide)(c);
    }
    c->out = kept;
    for (size_t i = 0; i < 64; i++)
        cr_assert_eq(workspace[bytes + i], 0xff, "%s: the workspace is overrun", row->name);
    check_gaps(&out, row->name);
    free(workspace);
}

static inline assay_matrix run_new(assay_op_id op, assay_call *c, const assay_policy *policy,
                                   evaluation which)
{
    assay_matrix out = matrix(c->out.rows, c->out.cols, 2);
    run_into(op, c, policy, which, out);
    return out;
}

static inline void expect_equal(const assay_matrix *a, const assay_matrix *b, const char *text)
{
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++) {
            double x = a->hi[i * a->ld + j], y = b->hi[i * b->ld + j];
            cr_assert_eq(assay_bits64(x), assay_bits64(y), "%s: (%zu, %zu) is %a, not %a", text, i,
                         j, x, y);
        }
}

#endif
