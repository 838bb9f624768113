/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of NVIDIA's units in integers: t, st, gst, and what a whole instruction is. */
#include "kernels/mma_parts.h"

#include "kernels/exact_sum.h"

mma_number mma_multiply(const mma_number *a, const mma_number *b)
{
    mma_number p = {
        .negative = a->negative != b->negative, .m = a->m * b->m, .q = a->q + b->q, .e = a->e + b->e
    };
    bool infinite = a->kind == MMA_INFINITE || b->kind == MMA_INFINITE;
    bool zero = a->kind == MMA_ZERO || b->kind == MMA_ZERO;
    p.kind = a->kind == MMA_NAN || b->kind == MMA_NAN || (infinite && zero) ? MMA_NAN
             : infinite                                                     ? MMA_INFINITE
             : zero                                                         ? MMA_ZERO
                                                                            : MMA_FINITE;
    return p;
}

void mma_note(mma_special *s, const mma_number *x)
{
    s->nan |= x->kind == MMA_NAN;
    if (x->kind == MMA_INFINITE)
        s->infinite[x->negative] = true;
}

bool mma_is_special(const assay_mma_unit *unit, const mma_special *s, uint64_t *code)
{
    if (s->nan || (s->infinite[0] && s->infinite[1])) {
        *code = mma_nan(unit);
        return true;
    }
    if (s->infinite[0] || s->infinite[1]) {
        *code = mma_infinity(unit->fc, s->infinite[1]);
        return true;
    }
    return false;
}

int64_t mma_truncate(const mma_number *x, int unit)
{
    int shift = x->q - unit;
    if (x->kind == MMA_ZERO || shift <= -64)
        return 0;
    int64_t size = (int64_t)(shift >= 0 ? x->m << shift : x->m >> -shift);
    return x->negative ? -size : size;
}

uint64_t mma_finish(const assay_mma_unit *unit, int64_t x, int q, bool zero)
{
    bool negative = x < 0 || (x == 0 && zero);
    return mma_round(unit->rho, negative, x < 0 ? 0 - (uint64_t)x : (uint64_t)x, q, false);
}

uint64_t mma_add(const assay_mma_unit *unit, uint64_t x, uint64_t y)
{
    assay_mma_rho rho = unit->fc == ASSAY_MMA_F16 ? ASSAY_MMA_RNE_F16 : ASSAY_MMA_RNE_F32;
    mma_number n[2] = { mma_decode(unit->fc, x), mma_decode(unit->fc, y) };
    mma_special special = { 0 };
    uint64_t code;
    mma_note(&special, &n[0]);
    mma_note(&special, &n[1]);
    if (mma_is_special(unit, &special, &code))
        return code;
    assay_exact sum = assay_exact_fma(mma_value(unit->fc, x), 1, mma_value(unit->fc, y), ASSAY_RNE);
    return mma_round(rho, sum.negative, sum.kind == ASSAY_ZERO ? 0 : sum.sig, sum.exp, sum.sticky);
}

/* The terms of one fused sum: products or scaled groups, and C at the end. */
typedef struct terms {
    mma_number x[MMA_MAX_K + 1];
    int count;
} terms;

/* All terms, C among them, meet at the largest exponent and are cut off F bits below it. */
static uint64_t sum_aligned(const assay_mma_unit *unit, const terms *t)
{
    mma_special special = { 0 };
    uint64_t code;
    int most = -100000;
    for (int i = 0; i < t->count; i++) {
        const mma_number *x = &t->x[i];
        int e = x->kind == MMA_ZERO ? unit->e_zero : x->e;
        most = e > most ? e : most;
        mma_note(&special, x);
    }
    if (mma_is_special(unit, &special, &code))
        return code;
    int64_t sum = 0;
    bool zero = true;
    for (int i = 0; i < t->count; i++) {
        sum += mma_truncate(&t->x[i], most - unit->F);
        zero &= t->x[i].negative;
    }
    return mma_finish(unit, sum, most - unit->F, zero);
}

static void scale(mma_number *x, const mma_number *by)
{
    *x = mma_multiply(x, by);
}

/* Of t, and of st: the scales shift a product's exponent. */
uint64_t mma_step_t(const assay_mma_unit *unit, const mma_operands *x, int first, int count,
                    uint64_t c)
{
    terms t = { .count = count + 1 };
    for (int i = 0; i < count; i++) {
        t.x[i] = mma_multiply(&x->a[first + i], &x->b[first + i]);
        if (unit->kind == ASSAY_MMA_KIND_ST) {
            scale(&t.x[i], &x->sa[(first + i) / unit->block]);
            scale(&t.x[i], &x->sb[(first + i) / unit->block]);
        }
    }
    t.x[count] = mma_decode(unit->fc, c);
    return sum_aligned(unit, &t);
}

/* The exact sum of the products of a group; its exponent is that of the scales alone. */
static mma_number group_sum(const assay_mma_unit *unit, const mma_operands *x, int first)
{
    int64_t sum = 0;
    bool zero = true, negative = true;
    int q = 0;
    for (int i = first; i < first + unit->G; i++) {
        mma_number p = mma_multiply(&x->a[i], &x->b[i]);
        q = 2 * (mma_emin(unit->fa) - mma_layout_of(unit->fa).fraction_bits);
        sum += mma_truncate(&p, q);
        zero &= p.kind == MMA_ZERO;
        negative &= p.negative;
    }
    return (mma_number){ .kind = zero ? MMA_ZERO : MMA_FINITE,
                         .negative = sum < 0 || (sum == 0 && negative),
                         .m = (uint64_t)(sum < 0 ? -sum : sum),
                         .q = q };
}

uint64_t mma_step_gst(const assay_mma_unit *unit, const mma_operands *x, int first, int count,
                      uint64_t c)
{
    terms t = { .count = count / unit->G + 1 };
    for (int g = 0; g < count / unit->G; g++) {
        int at = first + g * unit->G;
        t.x[g] = group_sum(unit, x, at);
        scale(&t.x[g], &x->sa[at / unit->block]);
        scale(&t.x[g], &x->sb[at / unit->block]);
    }
    t.x[t.count - 1] = mma_decode(unit->fc, c);
    return sum_aligned(unit, &t);
}

/* FP8 mma.sync where the chip has none: two steps of 16 bits over the k whose k % 4 is 0 or 1,
 * then 2 or 3, from +0, and C is added at the end. */
static uint64_t emulated(const assay_mma_unit *unit, const mma_operands *x, uint64_t c)
{
    uint64_t sum = 0;
    for (int half = 0; half < 2; half++) {
        mma_operands picked;
        int count = 0;
        for (int k = 0; k < unit->K; k++)
            if ((k & 2) / 2 == half) {
                picked.a[count] = x->a[k];
                picked.b[count++] = x->b[k];
            }
        for (int k = 0; k < count; k += unit->L)
            sum = mma_step_t(unit, &picked, k, unit->L < count - k ? unit->L : count - k, sum);
    }
    return mma_add(unit, sum, c);
}

/* ---- integers ---- */

static int64_t clamp32(int64_t x)
{
    return x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : x;
}

static uint64_t integers(const assay_mma_unit *unit, const void *a, const void *b, uint64_t c)
{
    int64_t sum = (int32_t)(uint32_t)c;
    for (int k = 0; k < unit->K; k++) {
        sum += mma_decode_integer(unit->fa, mma_load(unit->fa, a, (size_t)k)) *
               mma_decode_integer(unit->fb, mma_load(unit->fb, b, (size_t)k));
        if (unit->saturate && ((k + 1) % unit->L == 0 || k + 1 == unit->K))
            sum = clamp32(sum);
    }
    return (uint32_t)sum;
}

/* ---- an instruction ---- */

static mma_step_fn *const steps[ASSAY_MMA_KIND_COUNT] = {
    [ASSAY_MMA_KIND_T] = mma_step_t,     [ASSAY_MMA_KIND_ST] = mma_step_t,
    [ASSAY_MMA_KIND_GST] = mma_step_gst, [ASSAY_MMA_KIND_TR] = mma_step_tr,
    [ASSAY_MMA_KIND_GTR] = mma_step_gtr, [ASSAY_MMA_KIND_E] = mma_step_e,
    [ASSAY_MMA_KIND_FTZ] = mma_step_ftz, [ASSAY_MMA_KIND_FMA] = mma_step_fma,
};

static mma_number operand(const assay_mma_unit *unit, assay_mma_format format, const void *codes,
                          int k)
{
    uint64_t code = mma_load(format, codes, (size_t)k);
    return mma_decode(format, format == ASSAY_MMA_TF32 ? mma_pre(unit->pre, code) : code);
}

uint64_t assay_mma_define(const assay_mma_unit *unit, const void *a, const void *b,
                          const uint8_t *sa, const uint8_t *sb, uint64_t c)
{
    if (unit->kind == ASSAY_MMA_KIND_INT)
        return integers(unit, a, b, c);
    mma_operands x;
    for (int k = 0; k < unit->K; k++) {
        x.a[k] = operand(unit, unit->fa, a, k);
        x.b[k] = operand(unit, unit->fb, b, k);
    }
    for (int s = 0; unit->block > 0 && s < unit->K / unit->block; s++) {
        x.sa[s] = mma_decode(unit->fs, sa[s]);
        x.sb[s] = mma_decode(unit->fs, sb[s]);
    }
    if (unit->emulated)
        return emulated(unit, &x, c);
    for (int k = 0; k < unit->K; k += unit->L)
        c = steps[unit->kind](unit, &x, k, unit->L < unit->K - k ? unit->L : unit->K - k, c);
    return c;
}
