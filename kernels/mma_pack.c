/* SPDX-License-Identifier: Apache-2.0 */
/* Codes to what the loops of the matrix units read, and which loop that is. */
#include <string.h>

#include "kernels/mma_lanes.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"

enum {
    NOTHING = -4096, /* exponent of a zero: below every other, and of no weight */
    FIFTEEN = 15     /* bits of a magnitude that 16-bit multiplications take     */
};

const mma_lanes *mma_lanes_current(void)
{
#ifdef __x86_64__
    static const mma_lanes *const tables[ASSAY_ISA_COUNT] = { &mma_lanes_base, &mma_lanes_avx2,
                                                              &mma_lanes_avx512 };
    return tables[assay_isa_current()];
#else
    return &mma_lanes_base;
#endif
}

/* ---- which loop ---- */

static bool is_aligned(const assay_mma_unit *u)
{
    return u->kind == ASSAY_MMA_KIND_T || u->kind == ASSAY_MMA_KIND_ST ||
           u->kind == ASSAY_MMA_KIND_TR || u->kind == ASSAY_MMA_KIND_GTR;
}

static bool is_short(assay_mma_format f)
{
    return f >= ASSAY_MMA_TF32 && f <= ASSAY_MMA_E2M1;
}

mma_shifts mma_shifts_of(const assay_mma_unit *u)
{
    int fa = mma_layout_of(u->fa).fraction_bits, fb = mma_layout_of(u->fb).fraction_bits;
    int left = u->F - fa - fb, room = FIFTEEN - 1 - fa;
    if (left < 0)
        return (mma_shifts){ 0, 0, -left };
    int a = left < room ? left : room;
    return (mma_shifts){ a, left - a, 0 };
}

/* A C other than zero has an exponent that hides e_zero, so that it is one of the terms' always. */
static bool zero_is_low(const assay_mma_unit *u)
{
    return u->e_zero <= mma_emin(u->fc);
}

static bool fits_lanes(const assay_mma_unit *u)
{
    return is_short(u->fa) && is_short(u->fb) && u->F <= 27;
}

/* Sums of L products of F + 2 bits fit 32 bits. */
static bool sum_fits(const assay_mma_unit *u)
{
    return (int64_t)u->L << (u->F + 2) < (int64_t)1 << 31;
}

mma_lanes_fn *mma_lanes_for(const mma_lanes *table, const assay_mma_unit *u)
{
    bool rounds_f32 = u->fc == ASSAY_MMA_F32;
    switch (u->kind) {
    case ASSAY_MMA_KIND_T:
    case ASSAY_MMA_KIND_ST: return fits_lanes(u) && zero_is_low(u) ? table->aligned : NULL;
    case ASSAY_MMA_KIND_TR:
    case ASSAY_MMA_KIND_GTR:
        return fits_lanes(u) && sum_fits(u) && rounds_f32 && u->rho == ASSAY_MMA_RNE_F32
                   ? table->joined
                   : NULL;
    case ASSAY_MMA_KIND_GST:
        return u->fa == ASSAY_MMA_E2M1 && u->fb == ASSAY_MMA_E2M1 && u->F <= 38 && u->G == 16 &&
                       zero_is_low(u)
                   ? table->gst
                   : NULL;
    case ASSAY_MMA_KIND_E: return is_short(u->fa) && is_short(u->fb) ? table->exact : NULL;
    case ASSAY_MMA_KIND_FTZ: return is_short(u->fa) && is_short(u->fb) ? table->flushed : NULL;
    case ASSAY_MMA_KIND_FMA:
        return u->fc == ASSAY_MMA_F64 ? table->fma64 : rounds_f32 ? table->fma32 : NULL;
    case ASSAY_MMA_KIND_INT: return table->integer;
    default: return NULL;
    }
}

/* ---- memory ---- */

static size_t aligned64(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static size_t sig_bytes(const assay_mma_unit *u, size_t instructions, size_t width)
{
    size_t each = u->fa == ASSAY_MMA_F64 ? 8 : 4;
    return aligned64(instructions * (size_t)u->K * width * each);
}

static size_t groups(const assay_mma_unit *u)
{
    return u->kind == ASSAY_MMA_KIND_GST ? (size_t)(u->K / u->G) : 0;
}

size_t mma_packed_bytes(const assay_mma_unit *u, size_t instructions, size_t width)
{
    size_t scales = aligned64(instructions * groups(u) * width * 4);
    return sig_bytes(u, instructions, width) * 2 + 2 * scales + aligned64(4 * instructions);
}

mma_packed mma_packed_in(const assay_mma_unit *u, size_t instructions, size_t width, void *memory)
{
    unsigned char *p = memory;
    size_t sig = sig_bytes(u, instructions, width);
    size_t scales = aligned64(instructions * groups(u) * width * 4);
    return (mma_packed){ .sig = p,
                         .exp = (int32_t *)(void *)(p + sig),
                         .scale_sig = (int32_t *)(void *)(p + 2 * sig),
                         .scale_exp = (int32_t *)(void *)(p + 2 * sig + scales),
                         .special = (uint32_t *)(void *)(p + 2 * sig + 2 * scales) };
}

/* ---- one element ---- */

typedef struct element {
    int32_t m, e;
    bool special;
} element;

/* The signed significand and the exponent; formats of at most 16 bits once tf32 is cut. */
ASSAY_INLINE element take(mma_layout l, uint32_t code)
{
    int width = l.exponent_bits + l.fraction_bits;
    uint32_t ones = (1u << l.fraction_bits) - 1, top = (1u << l.exponent_bits) - 1;
    uint32_t fraction = code & ones, field = code >> l.fraction_bits & top;
    uint32_t sign = code >> width & 1;
    int32_t m = (int32_t)(field ? fraction | (ones + 1) : fraction);
    element x = { sign ? -m : m, (int32_t)(field ? field : 1) - l.bias, false };
    switch (l.specials) {
    case MMA_IEEE: x.special = field == top; break;
    case MMA_ONES_NAN: x.special = field == top && fraction == ones; break;
    case MMA_NEGZERO_NAN: x.special = sign && m == 0; break;
    default: break;
    }
    x.e = m == 0 ? NOTHING : x.e;
    return x;
}

/* ---- packing ---- */

/* One column being packed: where its codes start and where its numbers go. */
typedef struct column {
    const mma_side *side;
    const mma_packed *out;
    assay_mma_format format;
    size_t lane, k0, terms, at;
} column;

static size_t scale_index(const column *c, size_t k)
{
    return (c->side->row + c->lane) * c->side->lds + k / (size_t)c->side->unit->block;
}

/* Where term k of an instruction goes: the lowering takes the k in two halves. */
ASSAY_INLINE size_t place_of(bool emulated, size_t K, size_t k)
{
    return emulated ? (k & 2 ? K / 2 : 0) + k / 4 * 2 + (k & 1) : k;
}

ASSAY_INLINE uint64_t code_at(const column *c, size_t k)
{
    size_t at = (c->side->row + c->lane) * c->side->ld + c->k0 + k;
    const unsigned char *p = c->side->codes;
    uint64_t u64;
    uint32_t u32;
    uint16_t u16;
    switch (assay_mma_format_bytes(c->format)) {
    case 1: return p[at];
    case 2: memcpy(&u16, p + 2 * at, 2); return u16;
    case 4: memcpy(&u32, p + 4 * at, 4); return u32;
    default: memcpy(&u64, p + 8 * at, 8); return u64;
    }
}

static uint32_t short_code(const column *c, size_t k)
{
    uint64_t code = code_at(c, k);
    if (c->format == ASSAY_MMA_TF32)
        code = mma_pre(c->side->unit->pre, code) >> 13;
    return (uint32_t)code;
}

/* Instruction i; `bytes` is a constant where this is inlined. */
ASSAY_INLINE void pack_instruction(const column *c, size_t i, const size_t bytes, mma_layout l,
                                   int shift)
{
    const assay_mma_unit *u = c->side->unit;
    size_t K = (size_t)u->K, width = c->side->width, k0 = i * K, count = c->terms - k0;
    size_t first = (c->side->row + c->lane) * c->side->ld + c->k0 + k0;
    const unsigned char *codes = (const unsigned char *)c->side->codes + first * bytes;
    int32_t *sig = (int32_t *)c->out->sig + (c->at + i) * K * width + c->lane;
    int32_t *exp = c->out->exp + (c->at + i) * K * width + c->lane;
    int32_t keep = c->side->is_b ? -1 : 0xffff;
    bool special = false, emulated = u->emulated;
    for (size_t k = 0; k < (count < K ? count : K); k++) {
        uint32_t code = 0;
        memcpy(&code, codes + k * bytes, bytes);
        if (bytes == 4)
            code = (uint32_t)mma_pre(u->pre, code) >> 13;
        element x = take(l, code);
        size_t to = place_of(emulated, K, k) * width;
        sig[to] = x.m * (1 << shift) & keep;
        exp[to] = x.e;
        special |= x.special;
    }
    c->out->special[c->at + i] |= (uint32_t)special << c->lane;
}

/* Scales of powers of two move the exponents. */
static void add_scales(const column *c)
{
    const assay_mma_unit *u = c->side->unit;
    size_t K = (size_t)u->K, width = c->side->width;
    int32_t *exp = c->out->exp + c->at * K * width + c->lane;
    for (size_t k = 0; k < c->terms; k++) {
        mma_number scale = mma_decode(u->fs, c->side->scales[scale_index(c, c->k0 + k)]);
        exp[k * width] += scale.e;
        if (scale.kind == MMA_NAN)
            c->out->special[c->at + k / K] |= (uint32_t)1 << c->lane;
    }
}

static void pack_aligned(const column *c)
{
    const assay_mma_unit *u = c->side->unit;
    mma_layout l = mma_layout_of(c->format);
    mma_shifts s = mma_shifts_of(u);
    int shift = c->side->is_b ? s.b : s.a;
    size_t bytes = assay_mma_format_bytes(c->format);
    for (size_t i = 0; i * (size_t)u->K < c->terms; i++) {
        if (bytes == 1)
            pack_instruction(c, i, 1, l, shift);
        else if (bytes == 2)
            pack_instruction(c, i, 2, l, shift);
        else
            pack_instruction(c, i, 4, l, shift);
    }
    if (u->kind == ASSAY_MMA_KIND_ST)
        add_scales(c);
}

/* Values as binary32, flushed where the unit does that. */
static void pack_values(const column *c)
{
    const assay_mma_unit *u = c->side->unit;
    float *out = c->out->sig;
    for (size_t k = 0; k < c->terms; k++) {
        uint64_t code = code_at(c, k);
        float x;
        if (c->format == ASSAY_MMA_F32 || c->format == ASSAY_MMA_BF16) {
            x = assay_from_bits32((uint32_t)code << (c->format == ASSAY_MMA_BF16 ? 16 : 0));
        } else {
            element e = take(mma_layout_of(c->format), short_code(c, k));
            mma_number n = { 0 };
            if (e.special || e.m == 0)
                n = mma_decode(c->format, code);
            x = e.special || e.m == 0
                    ? (n.kind == MMA_ZERO ? (n.negative ? -0.0f : 0.0f) : __builtin_nanf(""))
                    : (float)((double)e.m *
                              assay_pow2(e.e - mma_layout_of(c->format).fraction_bits));
        }
        bool low = c->format == ASSAY_MMA_F16 ? __builtin_fabsf(x) < 0x1p-14f
                                              : __builtin_fabsf(x) < 0x1p-126f;
        if (u->kind == ASSAY_MMA_KIND_FTZ && low && x != 0)
            x = 0;
        if (u->flush && low)
            x = __builtin_copysignf(0, x);
        out[(c->at * (size_t)u->K + k) * c->side->width + c->lane] = x;
    }
}

static void pack_doubles(const column *c)
{
    uint64_t *out = c->out->sig;
    for (size_t k = 0; k < c->terms; k++)
        out[(c->at * (size_t)c->side->unit->K + k) * c->side->width + c->lane] = code_at(c, k);
}

static void pack_integers(const column *c)
{
    int32_t *out = c->out->sig;
    for (size_t k = 0; k < c->terms; k++)
        out[(c->at * (size_t)c->side->unit->K + k) * c->side->width + c->lane] =
            (int32_t)mma_decode_integer(c->format, code_at(c, k));
}

/* Multiples of 1/2 in pairs; a group's scale, above it which of its 16 elements are not zero. */
static void pack_groups(const column *c)
{
    static const int8_t halves[16] = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };
    const assay_mma_unit *u = c->side->unit;
    size_t width = c->side->width, G = (size_t)u->G, K = (size_t)u->K;
    int32_t *sig = c->out->sig;
    size_t first = c->at * K / 2, first_group = c->at * groups(u);
    const unsigned char *codes =
        (const unsigned char *)c->side->codes + (c->side->row + c->lane) * c->side->ld + c->k0;
    for (size_t k = 0; k < c->terms; k += G) {
        size_t to = (first_group + k / G) * width + c->lane;
        mma_number scale = mma_decode(u->fs, c->side->scales[scale_index(c, c->k0 + k)]);
        uint32_t present = 0;
        for (size_t i = 0; i < G; i += 2) {
            size_t left = c->terms - k; /* a group that k does not fill goes on with zeros */
            int32_t x = i < left ? halves[codes[k + i] & 15] : 0;
            int32_t y = i + 1 < left ? halves[codes[k + i + 1] & 15] : 0;
            present |= (uint32_t)(x != 0) << i | (uint32_t)(y != 0) << (i + 1);
            sig[(first + (k + i) / 2) * width + c->lane] =
                (x & 0xffff) | (int32_t)((uint32_t)y << 16);
        }
        c->out->scale_sig[to] = (int32_t)(present << 16 | (uint32_t)scale.m);
        c->out->scale_exp[to] = scale.e;
        c->out->special[c->at + k / K] |= (uint32_t)(scale.kind == MMA_NAN) << c->lane;
    }
}

static void pack_column(const column *c)
{
    const assay_mma_unit *u = c->side->unit;
    if (is_aligned(u))
        pack_aligned(c);
    else if (u->kind == ASSAY_MMA_KIND_GST)
        pack_groups(c);
    else if (u->kind == ASSAY_MMA_KIND_INT)
        pack_integers(c);
    else if (u->fa == ASSAY_MMA_F64)
        pack_doubles(c);
    else
        pack_values(c);
}

/* What no code fills is zero: lanes beyond the last column, terms beyond a residue. */
static void clear(const mma_side *s, size_t at, size_t count, const mma_packed *out)
{
    const assay_mma_unit *u = s->unit;
    size_t K = (size_t)u->K, n = count * K * s->width, from = at * K * s->width;
    size_t scales = groups(u) * s->width;
    if (u->fa == ASSAY_MMA_F64)
        memset((uint64_t *)out->sig + from, 0, n * sizeof(uint64_t));
    else if (u->kind == ASSAY_MMA_KIND_GST)
        memset((int32_t *)out->sig + from / 2, 0, n / 2 * sizeof(int32_t));
    else
        memset((int32_t *)out->sig + from, 0, n * sizeof(int32_t));
    if (is_aligned(u))
        for (size_t i = from; i < from + n; i++)
            out->exp[i] = NOTHING;
    if (scales > 0) {
        memset(out->scale_sig + at * scales, 0, count * scales * sizeof(int32_t));
        memset(out->scale_exp + at * scales, 0, count * scales * sizeof(int32_t));
    }
}

void mma_pack(const mma_side *side, size_t k0, size_t terms, size_t at, const mma_packed *out)
{
    size_t K = (size_t)side->unit->K, count = (terms + K - 1) / K;
    column c = { side, out, side->is_b ? side->unit->fb : side->unit->fa, 0, k0, terms, at };
    memset(out->special + at, 0, count * sizeof *out->special);
    if (side->count < side->width || terms % K != 0)
        clear(side, at, count, out);
    for (c.lane = 0; c.lane < side->count; c.lane++)
        pack_column(&c);
}
