/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of the units' floating-point formats to the values and exponents that their loops read. */
#include <string.h>

#include "kernels/mma_lanes.h"
#include "numerics/bits.h"

void mma_decode_table(assay_mma_format format, mma_decoded table[MMA_TABLE])
{
    for (uint32_t code = 0; code < MMA_TABLE; code++) {
        mma_number n = mma_decode(format, code);
        bool finite = n.kind == MMA_ZERO || n.kind == MMA_FINITE;
        float size = finite ? (float)((double)(int64_t)n.m * assay_pow2(n.q)) : __builtin_nanf("");
        table[code].x = n.negative ? -size : size;
        table[code].e = n.kind == MMA_FINITE ? n.e : MMA_NOTHING;
    }
}

/* Of a binary32 number as those formats see it whose exponents are binary32's. */
ASSAY_INLINE void take_wide(uint32_t bits, float *x, int16_t *e)
{
    int32_t field = (int32_t)(bits >> 23 & 0xff), exponent = (field ? field : 1) - 127;
    *x = assay_from_bits32(field == 0xff ? 0x7fc00000 : bits);
    *e = (int16_t)(bits << 1 ? exponent : MMA_NOTHING);
}

ASSAY_INLINE void take_f16(uint32_t code, float *x, int16_t *e)
{
    int32_t field = (int32_t)(code >> 10 & 0x1f), exponent = (field ? field : 1) - 15;
    int32_t m = (int32_t)(code & 0x3ff) | (field ? 0x400 : 0);
    float ulp = assay_from_bits32((uint32_t)(exponent - 10 + 127) << 23);
    uint32_t bits = assay_bits32((float)m * ulp) | (code & 0x8000) << 16;
    *x = assay_from_bits32(field == 0x1f ? 0x7fc00000 : bits);
    *e = (int16_t)(m ? exponent : MMA_NOTHING);
}

static void decode_short(assay_mma_format format, const unsigned char *codes, size_t n, float *x,
                         int16_t *e)
{
    uint16_t code[MMA_SEGMENT];
    memcpy(code, codes, n * sizeof *code);
    if (format == ASSAY_MMA_F16)
        for (size_t k = 0; k < n; k++)
            take_f16(code[k], &x[k], &e[k]);
    else
        for (size_t k = 0; k < n; k++)
            take_wide((uint32_t)code[k] << 16, &x[k], &e[k]);
}

void mma_decode_terms(assay_mma_format format, assay_mma_pre pre, const mma_decoded *table,
                      const unsigned char *codes, size_t n, float *x, int16_t *e)
{
    uint32_t code[MMA_SEGMENT];
    switch (assay_mma_format_bytes(format)) {
    case 1:
        for (size_t k = 0; k < n; k++) {
            x[k] = table[codes[k]].x;
            e[k] = (int16_t)table[codes[k]].e;
        }
        return;
    case 2: decode_short(format, codes, n, x, e); return;
    default: break;
    }
    memcpy(code, codes, n * sizeof *code);
    for (size_t k = 0; k < n; k++) {
        if (format == ASSAY_MMA_TF32)
            code[k] = (uint32_t)mma_pre(pre, code[k]) & 0xffffe000;
        take_wide(code[k], &x[k], &e[k]);
    }
}
