/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of the units' formats to integers and back. */
#include <math.h>
#include <string.h>

#include "kernels/mma_parts.h"
#include "numerics/bits.h"

static const mma_layout layouts[ASSAY_MMA_FORMAT_COUNT] = {
    [ASSAY_MMA_F64] = { 11, 52, 1023, MMA_IEEE },
    [ASSAY_MMA_F32] = { 8, 23, 127, MMA_IEEE },
    [ASSAY_MMA_TF32] = { 8, 10, 127, MMA_IEEE },
    [ASSAY_MMA_F16] = { 5, 10, 15, MMA_IEEE },
    [ASSAY_MMA_BF16] = { 8, 7, 127, MMA_IEEE },
    [ASSAY_MMA_E4M3] = { 4, 3, 7, MMA_ONES_NAN },
    [ASSAY_MMA_E5M2] = { 5, 2, 15, MMA_IEEE },
    [ASSAY_MMA_E4M3FNUZ] = { 4, 3, 8, MMA_NEGZERO_NAN },
    [ASSAY_MMA_E5M2FNUZ] = { 5, 2, 16, MMA_NEGZERO_NAN },
    [ASSAY_MMA_E2M3] = { 2, 3, 1, MMA_NO_SPECIALS },
    [ASSAY_MMA_E3M2] = { 3, 2, 3, MMA_NO_SPECIALS },
    [ASSAY_MMA_E2M1] = { 2, 1, 1, MMA_NO_SPECIALS },
    [ASSAY_MMA_UE4M3] = { 4, 3, 7, MMA_ONES_NAN },
};

mma_layout mma_layout_of(assay_mma_format format)
{
    return layouts[format];
}

bool mma_is_integer(assay_mma_format format)
{
    return format >= ASSAY_MMA_S32;
}

uint64_t mma_load(assay_mma_format format, const void *codes, size_t i)
{
    size_t bytes = assay_mma_format_bytes(format);
    uint64_t code = 0;
    memcpy(&code, (const unsigned char *)codes + i * bytes, bytes);
    return code;
}

void mma_store(assay_mma_format format, void *codes, size_t i, uint64_t code)
{
    size_t bytes = assay_mma_format_bytes(format);
    memcpy((unsigned char *)codes + i * bytes, &code, bytes);
}

uint64_t mma_pre(assay_mma_pre pre, uint64_t code)
{
    enum { DROPPED = 13 };
    if (pre == ASSAY_MMA_PRE_TRUNCATE || (code >> 23 & 0xff) == 0xff)
        return code;
    uint64_t half = (uint64_t)1 << (DROPPED - 1), odd = code >> DROPPED & 1;
    return code + (pre == ASSAY_MMA_PRE_RNA ? half : half - 1 + odd);
}

static mma_class class_of(mma_layout l, uint64_t code, uint64_t field, uint64_t fraction)
{
    uint64_t top = ((uint64_t)1 << l.exponent_bits) - 1;
    uint64_t ones = ((uint64_t)1 << l.fraction_bits) - 1;
    switch (l.specials) {
    case MMA_IEEE:
        if (field == top)
            return fraction ? MMA_NAN : MMA_INFINITE;
        break;
    case MMA_ONES_NAN:
        if (field == top && fraction == ones)
            return MMA_NAN;
        break;
    case MMA_NEGZERO_NAN:
        if (code >> (l.exponent_bits + l.fraction_bits) && field == 0 && fraction == 0)
            return MMA_NAN;
        break;
    default: break;
    }
    return field == 0 && fraction == 0 ? MMA_ZERO : MMA_FINITE;
}

mma_number mma_decode(assay_mma_format format, uint64_t code)
{
    if (format == ASSAY_MMA_UE8M0)
        return (mma_number){ code == 0xff ? MMA_NAN : MMA_FINITE, false, 1, (int)code - 127,
                             (int)code - 127 };
    if (format == ASSAY_MMA_TF32)
        code >>= 13; /* the container's low bits are not read */
    mma_layout l = layouts[format];
    int width = l.exponent_bits + l.fraction_bits;
    uint64_t fraction = code & (((uint64_t)1 << l.fraction_bits) - 1);
    uint64_t field = code >> l.fraction_bits & (((uint64_t)1 << l.exponent_bits) - 1);
    uint64_t sign = format == ASSAY_MMA_UE4M3 ? 0 : code >> width & 1;
    mma_number x = { .kind = class_of(l, sign << width | field << l.fraction_bits | fraction, field,
                                      fraction),
                     .negative = sign != 0 };
    x.m = field ? fraction | (uint64_t)1 << l.fraction_bits : fraction;
    x.e = (field ? (int)field : 1) - l.bias;
    x.q = x.e - l.fraction_bits;
    return x;
}

int64_t mma_decode_integer(assay_mma_format format, uint64_t code)
{
    int bits = (int)assay_mma_format_bits(format);
    uint64_t sign = (uint64_t)1 << (bits - 1), value = code & (2 * sign - 1);
    bool is_signed = format != ASSAY_MMA_U8 && format != ASSAY_MMA_U4;
    return (int64_t)(is_signed ? (value ^ sign) - sign : value);
}

/* ---- rounding ---- */

typedef struct target {
    int p, emin, exponent_bits, unused; /* low bits of the container that stay zero */
    bool nearest;
} target;

static const target targets[ASSAY_MMA_RHO_COUNT] = {
    [ASSAY_MMA_RZ_F32] = { 24, -126, 8, 0, false },
    [ASSAY_MMA_RZ_E8M13] = { 14, -126, 8, 10, false },
    [ASSAY_MMA_RNE_F32] = { 24, -126, 8, 0, true },
    [ASSAY_MMA_RNE_F16] = { 11, -14, 5, 0, true },
    [ASSAY_MMA_RZ_F16] = { 11, -14, 5, 0, false },
    [ASSAY_MMA_RNE_F64] = { 53, -1022, 11, 0, true },
};

/* m 2^-shift to an integer. */
static uint64_t quotient(uint64_t m, int shift, bool sticky, bool nearest)
{
    if (shift <= 0)
        return m << -shift;
    if (shift > 64)
        return 0;
    uint64_t kept = shift < 64 ? m >> shift : 0;
    uint64_t rest = m << (64 - shift), half = (uint64_t)1 << 63;
    bool up = rest > half || (rest == half && (sticky || kept & 1));
    return kept + (nearest && up);
}

uint64_t mma_round(assay_mma_rho rho, bool negative, uint64_t m, int q, bool sticky)
{
    target t = targets[rho];
    int width = t.p - 1 + t.exponent_bits;
    uint64_t sign = (uint64_t)negative << (width + t.unused);
    if (m == 0)
        return sign;
    int least = t.emin - (t.p - 1), unit = 63 - __builtin_clzll(m) + q - (t.p - 1);
    unit = unit < least ? least : unit;
    /* The leading bit of a normal result adds 1 to the exponent field, a carry too. */
    uint64_t kept = quotient(m, unit - q, sticky, t.nearest);
    uint64_t infinity = (((uint64_t)1 << t.exponent_bits) - 1) << (t.p - 1);
    bool over = unit - least >= 1 << t.exponent_bits;
    uint64_t code = over ? infinity : ((uint64_t)(unit - least) << (t.p - 1)) + kept;
    return sign | (code > infinity ? infinity : code) << t.unused;
}

uint64_t mma_infinity(assay_mma_format format, bool negative)
{
    mma_layout l = layouts[format];
    uint64_t code = (((uint64_t)1 << l.exponent_bits) - 1) << l.fraction_bits;
    return code | (uint64_t)negative << (l.exponent_bits + l.fraction_bits);
}

uint64_t mma_nan(const assay_mma_unit *unit)
{
    bool nvidia = unit->kind <= ASSAY_MMA_KIND_GST;
    switch (unit->fc) {
    case ASSAY_MMA_F16: return nvidia ? 0x7fff : 0x7e00;
    case ASSAY_MMA_F32: return nvidia ? 0x7fffffff : 0x7fc00000;
    default: return 0x7ff8000000000000;
    }
}

double mma_value(assay_mma_format format, uint64_t code)
{
    if (format == ASSAY_MMA_F64)
        return assay_from_bits64(code);
    mma_number x = mma_decode(format, code);
    double size = x.kind == MMA_NAN        ? __builtin_nan("")
                  : x.kind == MMA_INFINITE ? __builtin_inf()
                                           : (double)x.m * assay_pow2(x.q);
    return x.negative ? -size : size;
}
