/* SPDX-License-Identifier: Apache-2.0 */
/* Cells of a tile: how sums are held between the pieces of k, and how totals are taken. */
#include <string.h>

#include "kernels/mma_plan.h"
#include "numerics/bits.h"

size_t mma_cell_bytes(const assay_mma_unit *unit)
{
    return unit->fc == ASSAY_MMA_F64 ? 8 : 4;
}

static uint64_t widen(assay_mma_format format, uint64_t code)
{
    if (format != ASSAY_MMA_F16)
        return code;
    if (mma_decode(format, code).kind == MMA_NAN)
        return 0x7fffffff;
    return assay_bits32((float)mma_value(format, code));
}

static uint64_t narrow(const assay_mma_unit *unit, uint64_t cell)
{
    if (unit->fc != ASSAY_MMA_F16)
        return cell;
    mma_number x = mma_decode(ASSAY_MMA_F32, cell);
    return x.kind == MMA_NAN        ? mma_nan(unit)
           : x.kind == MMA_INFINITE ? mma_infinity(ASSAY_MMA_F16, x.negative)
                                    : mma_round(ASSAY_MMA_RNE_F16, x.negative, x.m, x.q, false);
}

uint64_t mma_get_cell(const assay_mma_unit *unit, const void *cells, size_t i)
{
    size_t bytes = mma_cell_bytes(unit);
    uint64_t cell = 0;
    memcpy(&cell, (const unsigned char *)cells + i * bytes, bytes);
    return narrow(unit, cell);
}

void mma_put_cell(const assay_mma_unit *unit, void *cells, size_t i, uint64_t code)
{
    size_t bytes = mma_cell_bytes(unit);
    uint64_t cell = widen(unit->fc, code);
    memcpy((unsigned char *)cells + i * bytes, &cell, bytes);
}

static float load_f32(const unsigned char *cells, size_t i)
{
    float x;
    memcpy(&x, cells + i * sizeof x, sizeof x);
    return x;
}

void mma_add_cell(const assay_mma_unit *unit, unsigned char *total, const unsigned char *x,
                  size_t i, assay_mma_format round_x, assay_mma_format round_sum)
{
    float y = load_f32(x, i), sum;
    uint64_t code = assay_bits32(y);
    const assay_mma_format rounds[2] = { round_x, round_sum };
    for (int step = 0; step < 2; step++) {
        if (step == 1)
            code = assay_bits32(load_f32(total, i) + assay_from_bits32((uint32_t)code));
        mma_number v = mma_decode(ASSAY_MMA_F32, code);
        if (v.kind == MMA_NAN)
            code = mma_nan(unit);
        else if (rounds[step] == ASSAY_MMA_F16 && v.kind != MMA_INFINITE)
            code = widen(ASSAY_MMA_F16, mma_round(ASSAY_MMA_RNE_F16, v.negative, v.m, v.q, false));
        else if (rounds[step] == ASSAY_MMA_BF16 && v.kind != MMA_INFINITE)
            code = (code + 0x7fff + (code >> 16 & 1)) & 0xffff0000;
    }
    sum = assay_from_bits32((uint32_t)code);
    memcpy(total + i * sizeof sum, &sum, sizeof sum);
}
