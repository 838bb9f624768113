/* SPDX-License-Identifier: Apache-2.0 */
/* Codes to what the loops of the matrix units read, and which loop that is. */
#include <string.h>

#include "kernels/mma_lanes.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"

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

/* Terms come in pairs, and what is clamped is a sum that fits 32 bits, but for -2^15 -2^15 twice.
 */
static bool pairs_fit(const assay_mma_unit *u)
{
    return u->L % 2 == 0 && (!u->saturate || u->fa != ASSAY_MMA_S16 || u->L == 2);
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
    case ASSAY_MMA_KIND_INT: return pairs_fit(u) ? table->integer : NULL;
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
    size_t ranges = aligned64(instructions * width * 4);
    return sig_bytes(u, instructions, width) * 2 + 2 * scales + aligned64(4 * instructions) +
           2 * ranges;
}

mma_packed mma_packed_in(const assay_mma_unit *u, size_t instructions, size_t width, void *memory)
{
    unsigned char *p = memory;
    size_t sig = sig_bytes(u, instructions, width);
    size_t scales = aligned64(instructions * groups(u) * width * 4);
    size_t ranges = aligned64(instructions * width * 4);
    unsigned char *after = p + 2 * sig + 2 * scales;
    return (mma_packed){ .sig = p,
                         .exp = p + sig,
                         .scale_sig = (int32_t *)(void *)(p + 2 * sig),
                         .scale_exp = (int32_t *)(void *)(p + 2 * sig + scales),
                         .lowest = (int32_t *)(void *)after,
                         .top = (int32_t *)(void *)(after + ranges),
                         .special = (uint32_t *)(void *)(after + 2 * ranges) };
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
ASSAY_INLINE size_t place_of(size_t K, size_t k)
{
    return (k & 2 ? K / 2 : 0) + k / 4 * 2 + (k & 1);
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

/* All terms of a column. */
typedef struct numbers {
    float x[MMA_SEGMENT];
    int16_t e[MMA_SEGMENT];
} numbers;

static void decode(const column *c, numbers *n)
{
    size_t first = (c->side->row + c->lane) * c->side->ld + c->k0;
    const unsigned char *codes = c->side->codes;
    mma_decode_terms(c->format, c->side->unit->pre, c->side->table,
                     codes + first * assay_mma_format_bytes(c->format), c->terms, n->x, n->e);
}

/* Scales of powers of two; a value that leaves binary32 is left to the definition. */
static void add_scales(const column *c, numbers *n)
{
    const assay_mma_unit *u = c->side->unit;
    size_t block = (size_t)u->block;
    for (size_t k = 0, stop; k < c->terms; k = stop) {
        mma_number scale = mma_decode(u->fs, c->side->scales[scale_index(c, c->k0 + k)]);
        double by = scale.kind == MMA_NAN ? __builtin_nan("") : assay_pow2(scale.e);
        stop = k + block - (c->k0 + k) % block;
        stop = stop < c->terms ? stop : c->terms;
        for (size_t i = k; i < stop; i++) {
            double x = (double)n->x[i] * by;
            bool fits = __builtin_fabs(x) < 0x1p128 && (double)(float)x == x;
            n->x[i] = fits ? (float)x : __builtin_nanf("");
            n->e[i] = (int16_t)(n->e[i] + scale.e);
        }
    }
}

static void note_specials(const column *c, numbers *n)
{
    size_t K = (size_t)c->side->unit->K;
    int any = 0;
    for (size_t k = 0; k < c->terms; k++)
        any |= n->x[k] != n->x[k];
    for (size_t k = 0; any && k < c->terms; k++)
        if (n->x[k] != n->x[k]) {
            c->out->special[c->at + k / K] |= (uint32_t)1 << c->lane;
            n->x[k] = 0;
            n->e[k] = MMA_NOTHING;
        }
}

static void pack_aligned(const column *c)
{
    const assay_mma_unit *u = c->side->unit;
    size_t K = (size_t)u->K, width = c->side->width, at = c->at * K * width + c->lane;
    float *sig = (float *)c->out->sig + at;
    int16_t *exp = (int16_t *)c->out->exp + at;
    int32_t *twice = (int32_t *)c->out->exp + at;
    numbers n;
    decode(c, &n);
    if (u->kind == ASSAY_MMA_KIND_ST)
        add_scales(c, &n);
    note_specials(c, &n);
    for (size_t k = 0; k < c->terms; k++) {
        size_t to = u->emulated ? k / K * K + place_of(K, k % K) : k;
        sig[to * width] = n.x[k];
        if (c->side->is_b)
            exp[to * width] = n.e[k];
        else
            twice[to] = n.e[k] * (int32_t)0x10000 + (uint16_t)n.e[k];
    }
}

/* ---- values ---- */

/* Subnormals become zeros, of AMD's units positive ones. */
static void flush(const column *c, float *x)
{
    float least = c->format == ASSAY_MMA_F16 ? 0x1p-14f : 0x1p-126f;
    uint32_t keep = c->side->unit->kind == ASSAY_MMA_KIND_FTZ ? 0 : 0x80000000;
    for (size_t k = 0; k < c->terms; k++) {
        uint32_t bits = assay_bits32(x[k]);
        bool low = __builtin_fabsf(x[k]) < least && x[k] != 0;
        x[k] = assay_from_bits32(low ? bits & keep : bits);
    }
}

/* The range of all values, from their exponents. */
static void note_range(const column *c, const int16_t *e)
{
    int16_t low = 1000, high = -1000;
    size_t at = c->at * c->side->width + c->lane;
    for (size_t k = 0; k < c->terms; k++) {
        int16_t some = e[k] == MMA_NOTHING ? 1000 : e[k];
        low = some < low ? some : low;
        high = e[k] > high ? e[k] : high;
    }
    c->out->lowest[at] = low - mma_layout_of(c->format).fraction_bits;
    c->out->top[at] = high + 1;
}

static void pack_values(const column *c)
{
    const assay_mma_unit *u = c->side->unit;
    size_t width = c->side->width;
    float *out = (float *)c->out->sig + c->at * (size_t)u->K * width + c->lane;
    numbers n;
    decode(c, &n);
    if (u->kind == ASSAY_MMA_KIND_FTZ || u->flush)
        flush(c, n.x);
    note_range(c, n.e);
    for (size_t k = 0; k < c->terms; k++)
        out[k * width] = n.x[k];
}

static void pack_doubles(const column *c)
{
    uint64_t *out = c->out->sig;
    for (size_t k = 0; k < c->terms; k++)
        out[(c->at * (size_t)c->side->unit->K + k) * c->side->width + c->lane] = code_at(c, k);
}

/* In pairs of 16 bits. */
static void pack_integers(const column *c)
{
    int32_t *out = c->out->sig;
    size_t first = c->at * (size_t)c->side->unit->K / 2;
    for (size_t k = 0; k < c->terms; k += 2) {
        int32_t x = (int32_t)mma_decode_integer(c->format, code_at(c, k));
        int64_t y = k + 1 < c->terms ? mma_decode_integer(c->format, code_at(c, k + 1)) : 0;
        out[(first + k / 2) * c->side->width + c->lane] =
            (int32_t)((uint32_t)(x & 0xffff) | (uint32_t)y << 16);
    }
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
    else if (u->kind == ASSAY_MMA_KIND_GST || u->kind == ASSAY_MMA_KIND_INT)
        memset((int32_t *)out->sig + from / 2, 0, n / 2 * sizeof(int32_t));
    else
        memset((int32_t *)out->sig + from, 0, n * sizeof(int32_t));
    if (is_aligned(u) && s->is_b)
        for (size_t i = from; i < from + n; i++)
            ((int16_t *)out->exp)[i] = MMA_NOTHING;
    else if (is_aligned(u))
        for (size_t i = from; i < from + n; i++)
            ((int32_t *)out->exp)[i] = MMA_NOTHING * 0x10000 + (uint16_t)MMA_NOTHING;
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
    for (size_t lane = side->count; lane < side->width; lane++) {
        out->lowest[at * side->width + lane] = 1000;
        out->top[at * side->width + lane] = -1000;
    }
    for (c.lane = 0; c.lane < side->count; c.lane++)
        pack_column(&c);
}
