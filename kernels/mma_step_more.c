/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of AMD's units and of chains of fused multiply-adds, in integers. */
#include "kernels/exact_sum.h"
#include "kernels/mma_parts.h"

enum { NO_EXPONENT = -999 }; /* that of a sum without a nonzero term: below every other */

/* floor(x 2^-shift) */
static int64_t floor_shift(int64_t x, int shift)
{
    if (shift <= 0)
        return (int64_t)((uint64_t)x << -shift);
    return shift > 62 ? -(int64_t)(x < 0) : x >> shift;
}

/* ---- tr, gtr ---- */

/* A sum of truncated products: x 2^(e - F). */
typedef struct partial {
    int64_t x;
    int e;
} partial;

static mma_number product_of(const assay_mma_unit *unit, const mma_operands *x, int k)
{
    mma_number p = mma_multiply(&x->a[k], &x->b[k]);
    bool overflows = p.kind == MMA_FINITE && 63 - __builtin_clzll(p.m) + p.q >= 128;
    if (unit->kind == ASSAY_MMA_KIND_TR && overflows)
        p.kind = MMA_INFINITE;
    return p;
}

static partial sum_products(const assay_mma_unit *unit, const mma_operands *x, int first, int count,
                            int stride, mma_special *special)
{
    partial s = { 0, NO_EXPONENT };
    for (int k = first; k < first + count; k += stride) {
        mma_number p = product_of(unit, x, k);
        mma_note(special, &p);
        s.e = p.kind == MMA_FINITE && p.e > s.e ? p.e : s.e;
    }
    for (int k = first; k < first + count; k += stride) {
        mma_number p = product_of(unit, x, k);
        s.x += p.kind == MMA_FINITE ? mma_truncate(&p, s.e - unit->F) : 0;
    }
    return s;
}

/* Rounds x 2^q down to F2 bits below its own leading bit, or below 2^-126. */
static uint64_t round_down_twice(const assay_mma_unit *unit, int64_t x, int q)
{
    if (x == 0)
        return 0;
    uint64_t size = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    int e = 63 - __builtin_clzll(size) + q, least = -126;
    int shift = (e > least ? e : least) - unit->F2 - q;
    return shift > 0 ? mma_finish(unit, floor_shift(x, shift), q + shift, x < 0)
                     : mma_finish(unit, x, q, false);
}

/* The second stage: products and C meet, each rounded down. */
static uint64_t join(const assay_mma_unit *unit, partial d, const mma_number *c)
{
    int ec = c->kind == MMA_FINITE ? c->e : NO_EXPONENT;
    int e = d.e > ec ? d.e : ec, unit2 = e - unit->F2 - 1;
    bool cut = unit->kind == ASSAY_MMA_KIND_GTR && ec < e - unit->F - 1;
    int64_t sum = floor_shift(d.x, unit2 - (d.e - unit->F));
    if (c->kind == MMA_FINITE && !cut) {
        int64_t m = c->negative ? -(int64_t)c->m : (int64_t)c->m;
        int64_t floored = floor_shift(m, e - unit->F - c->q);
        sum += floored * ((int64_t)1 << (unit->F2 + 1 - unit->F));
    }
    return round_down_twice(unit, sum, unit2);
}

uint64_t mma_step_tr(const assay_mma_unit *unit, const mma_operands *x, int first, int count,
                     uint64_t c)
{
    mma_special special = { 0 };
    uint64_t code;
    mma_number nc = mma_decode(unit->fc, c);
    partial d = sum_products(unit, x, first, count, 1, &special);
    mma_note(&special, &nc);
    return mma_is_special(unit, &special, &code) ? code : join(unit, d, &nc);
}

uint64_t mma_step_gtr(const assay_mma_unit *unit, const mma_operands *x, int first, int count,
                      uint64_t c)
{
    mma_special special = { 0 };
    uint64_t code;
    mma_number nc = mma_decode(unit->fc, c);
    partial even = sum_products(unit, x, first, count, 2, &special);
    partial odd = sum_products(unit, x, first + 1, count - 1, 2, &special);
    mma_note(&special, &nc);
    if (mma_is_special(unit, &special, &code))
        return code;
    partial d = { .e = even.e > odd.e ? even.e : odd.e };
    d.x = floor_shift(even.x, d.e - even.e) + floor_shift(odd.x, d.e - odd.e);
    return join(unit, d, &nc);
}

/* ---- e ---- */

static uint64_t round_exact(const assay_mma_unit *unit, assay_exact x)
{
    switch (x.kind) {
    case ASSAY_NOT_A_NUMBER: return mma_nan(unit);
    case ASSAY_INFINITE: return mma_infinity(unit->fc, x.negative);
    case ASSAY_ZERO: return mma_round(unit->rho, x.negative, 0, 0, false);
    default: return mma_round(unit->rho, x.negative, x.sig, x.exp, x.sticky);
    }
}

static double real(const mma_number *x)
{
    double size = x->kind == MMA_NAN        ? __builtin_nan("")
                  : x->kind == MMA_INFINITE ? __builtin_inf()
                                            : __builtin_ldexp((double)x->m, x->q);
    return x->negative ? -size : size;
}

uint64_t mma_step_e(const assay_mma_unit *unit, const mma_operands *x, int first, int count,
                    uint64_t c)
{
    assay_superaccumulator sum;
    assay_superaccumulator_clear(&sum);
    for (int k = first; k < first + count; k++)
        assay_superaccumulator_add_product(&sum, real(&x->a[k]), real(&x->b[k]));
    assay_superaccumulator_add(&sum, mma_value(unit->fc, c));
    assay_exact exact = assay_exact_sum(&sum, ASSAY_RNE);
    exact.negative &= exact.kind != ASSAY_ZERO; /* an exact zero is +0 */
    return round_exact(unit, exact);
}

/* ---- chains ---- */

static uint64_t flushed(assay_mma_format format, uint64_t code)
{
    mma_number x = mma_decode(format, code);
    bool subnormal = x.kind == MMA_FINITE && x.m >> mma_layout_of(format).fraction_bits == 0;
    return subnormal ? mma_round(ASSAY_MMA_RNE_F32, x.negative, 0, 0, false) : code;
}

static void flush_operand(const assay_mma_unit *unit, assay_mma_format format, mma_number *x)
{
    bool subnormal = x->kind == MMA_FINITE && x->m >> mma_layout_of(format).fraction_bits == 0;
    if (!subnormal)
        return;
    x->kind = MMA_ZERO;
    x->m = 0;
    x->negative &= unit->kind == ASSAY_MMA_KIND_FMA; /* AMD's become +0 */
}

static uint64_t fma_code(const assay_mma_unit *unit, double a, double b, double c)
{
    return round_exact(unit, assay_exact_fma(a, b, c, ASSAY_RNE));
}

static uint64_t add_flushed(const assay_mma_unit *unit, uint64_t x, uint64_t y)
{
    return flushed(unit->fc, fma_code(unit, mma_value(unit->fc, x), 1, mma_value(unit->fc, y)));
}

uint64_t mma_step_ftz(const assay_mma_unit *unit, const mma_operands *x, int first, int count,
                      uint64_t c)
{
    mma_number nc = mma_decode(unit->fc, c);
    uint64_t sum[MMA_MAX_K];
    flush_operand(unit, unit->fc, &nc);
    c = nc.kind == MMA_ZERO && mma_decode(unit->fc, c).kind == MMA_FINITE ? 0 : c;
    for (int k = 0; k < count; k++) {
        mma_number a = x->a[first + k], b = x->b[first + k];
        flush_operand(unit, unit->fa, &a);
        flush_operand(unit, unit->fb, &b);
        mma_number p = mma_multiply(&a, &b);
        sum[k] = p.kind == MMA_NAN ? mma_nan(unit)
                 : p.kind == MMA_INFINITE
                     ? mma_infinity(unit->fc, p.negative)
                     : flushed(unit->fc, mma_round(unit->rho, p.negative, p.m, p.q, false));
    }
    for (int n = count; n > 1; n /= 2)
        for (int k = 0; k < n / 2; k++)
            sum[k] = add_flushed(unit, sum[2 * k], sum[2 * k + 1]);
    return add_flushed(unit, sum[0], c);
}

/* x86 decides on the result rounded to 24 bits with any exponent whether it is subnormal. */
static uint64_t fma_flushed(const assay_mma_unit *unit, const mma_number *a, const mma_number *b,
                            uint64_t c)
{
    mma_number x = *a, y = *b;
    if (!unit->flush)
        return fma_code(unit, real(a), real(b), mma_value(unit->fc, c));
    flush_operand(unit, unit->fa, &x);
    flush_operand(unit, unit->fb, &y);
    assay_exact e =
        assay_exact_fma(real(&x), real(&y), mma_value(unit->fc, flushed(unit->fc, c)), ASSAY_RNE);
    uint64_t code = round_exact(unit, e);
    int top = e.exp + 63;
    bool nearly = top == -127 && e.sig >> 39 == 0x1ffffff; /* rounds up to 2^-126 in 24 bits */
    if (e.kind == ASSAY_FINITE && top < -126 && !nearly)
        return mma_round(unit->rho, e.negative, 0, 0, false);
    return code;
}

static uint64_t even_odd(const assay_mma_unit *unit, const mma_operands *x, int first, int count,
                         uint64_t c)
{
    static const mma_number one = { MMA_FINITE, false, 1 << 23, -23, 0 };
    uint64_t sum[2] = { 0, 0 };
    for (int k = 0; k < count; k++)
        sum[k & 1] = fma_flushed(unit, &x->a[first + k], &x->b[first + k], sum[k & 1]);
    assay_mma_unit wide = *unit; /* the sums are values of C's format */
    wide.fa = wide.fb = unit->fc;
    mma_number term = mma_decode(unit->fc, sum[0]);
    sum[0] = fma_flushed(&wide, &term, &one, sum[1]);
    term = mma_decode(unit->fc, sum[0]);
    return fma_flushed(&wide, &term, &one, c);
}

uint64_t mma_step_fma(const assay_mma_unit *unit, const mma_operands *x, int first, int count,
                      uint64_t c)
{
    if (unit->chain == ASSAY_MMA_EVEN_ODD)
        return even_odd(unit, x, first, count, c);
    for (int i = 0; i < count; i++) {
        int k = first + (unit->chain == ASSAY_MMA_ODD_FIRST ? i ^ 1 : i);
        c = fma_flushed(unit, &x->a[k], &x->b[k], c);
    }
    return c;
}
