/* SPDX-License-Identifier: Apache-2.0 */
/* One rounding of a binary64 into a format, inline: what emulated kernels do per operation. */
#ifndef ASSAY_ROUNDING_FAST_H
#define ASSAY_ROUNDING_FAST_H

#include "../numerics/bits.h"
#include "round.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * An assay_rounder as constants on the bits of a binary64; docs/rounding.md, proofs 1 to 7.
 * Pairs are per sign ([0] positive, [1] negative). Constant data, shared by threads.
 */
typedef struct assay_fast_rounder {
    bool direct; /* the constants below apply; else only assay_round does             */
    assay_mode mode;
    int start, base;      /* bits dropped from exponent field E: max(start - E, base)  */
    uint64_t least;       /* bits of the least positive value                          */
    uint64_t parity;      /* subtracted, it gives the last kept bit the code's parity  */
    uint64_t odd;         /* 1, or 0 if no bit is ever dropped (binary64)              */
    uint64_t zero[2];     /* magnitudes up to this one round to zero                   */
    uint64_t limit[2];    /* bits of the largest magnitude of that sign                */
    uint64_t zero_sign;   /* the sign bit where there is a -0                          */
    uint64_t overflow[2]; /* bits of the results of overflow, infinity and NaN         */
    uint64_t infinite[2];
    uint64_t nan;
    assay_rounder rounder;
} assay_fast_rounder;

/** Derives the constants; every rounder has them. Reentrant, never allocates. */
ASSAY_API assay_fast_rounder assay_fast_rounder_from(const assay_rounder *rounder);

/* What is added before `below` = 2^drop - 1 low bits are cut off. `odd` is the code's parity. */
ASSAY_INLINE uint64_t assay_fast_increment(assay_mode mode, bool negative, uint64_t odd,
                                           uint64_t below)
{
    switch (mode) {
    case ASSAY_RNE: return (below >> 1) + odd;
    case ASSAY_RNA: return below - (below >> 1);
    case ASSAY_RNZ: return below >> 1;
    case ASSAY_RAZ: return below;
    case ASSAY_RUP: return negative ? 0 : below;
    case ASSAY_RDN: return negative ? below : 0;
    case ASSAY_RODD: return odd ? 0 : below;
    default: return 0; /* rtz */
    }
}

/**
 * The bits of x rounded, for f->direct and mode == f->mode. Branch-free when mode is a
 * constant, so that a loop which passes a literal mode vectorises.
 */
ASSAY_INLINE uint64_t assay_fast_bits(const assay_fast_rounder *f, assay_mode mode, uint64_t x)
{
    const uint64_t sign_bit = (uint64_t)1 << 63, infinity = (uint64_t)0x7ff << 52;
    uint64_t u = x & ~sign_bit, sign = x & sign_bit;
    bool negative = sign != 0;
    /* Below the least value only zero[] decides; there w keeps the shifts in range. */
    uint64_t w = u > f->least ? u : f->least;
    int drop = f->start - (int)(w >> 52);
    drop = drop > f->base ? drop : f->base;
    uint64_t below = ((uint64_t)1 << drop) - 1;
    uint64_t odd = (w - f->parity) >> drop & f->odd;
    uint64_t r = (w + assay_fast_increment(mode, negative, odd, below)) & ~below;
    uint64_t y = r | sign;
    bool to_zero = u <= (negative ? f->zero[1] : f->zero[0]);
    y = to_zero ? sign & f->zero_sign : y;
    bool over = !to_zero && r > (negative ? f->limit[1] : f->limit[0]);
    y = over ? (negative ? f->overflow[1] : f->overflow[0]) : y;
    y = u >= infinity ? (negative ? f->infinite[1] : f->infinite[0]) : y;
    return u > infinity ? f->nan : y;
}

/** assay_round(rounder, x), bit for bit. */
ASSAY_INLINE double assay_round_fast(const assay_fast_rounder *f, double x)
{
    if (__builtin_expect(!f->direct, 0))
        return assay_round(&f->rounder, x);
    uint64_t bits = assay_bits64(x);
    return assay_from_bits64(f->mode == ASSAY_RNE ? assay_fast_bits(f, ASSAY_RNE, bits)
                                                  : assay_fast_bits(f, f->mode, bits));
}

#ifdef __cplusplus
}
#endif
#endif
