/* SPDX-License-Identifier: Apache-2.0 */
#include "numerics/philox.h"

#include <string.h>

#include "numerics/cpu.h"
#include "numerics/philox_lanes.h"

void assay_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c[4], k0 = key[0], k1 = key[1];
    memcpy(c, counter, sizeof c);
    for (int i = 0; i < ASSAY_PHILOX_ROUNDS; i++) {
        uint64_t a = (uint64_t)ASSAY_PHILOX_M0 * c[0], b = (uint64_t)ASSAY_PHILOX_M1 * c[2];
        c[0] = (uint32_t)(b >> 32) ^ c[1] ^ k0;
        c[1] = (uint32_t)b;
        c[2] = (uint32_t)(a >> 32) ^ c[3] ^ k1;
        c[3] = (uint32_t)a;
        k0 += ASSAY_PHILOX_W0;
        k1 += ASSAY_PHILOX_W1;
    }
    memcpy(out, c, sizeof c);
}

uint32_t assay_philox_word(uint64_t seed, uint32_t stream, uint64_t i, uint32_t j)
{
    uint64_t group = i / 4;
    const uint32_t counter[4] = { (uint32_t)group, (uint32_t)(group >> 32), j, stream };
    const uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
    uint32_t out[4];
    assay_philox4x32(counter, key, out);
    return out[i % 4];
}

static assay_philox_loop *current_loop(void)
{
#ifdef __x86_64__
    static assay_philox_loop *const loops[ASSAY_ISA_COUNT] = { assay_philox_base, assay_philox_avx2,
                                                               assay_philox_avx512 };
    return loops[assay_isa_current()];
#else
    return assay_philox_base;
#endif
}

void assay_philox_columns(uint64_t seed, uint32_t stream, const assay_philox_grid *g, uint64_t *out)
{
#ifdef __x86_64__
    static assay_philox_columns_loop *const loops[ASSAY_ISA_COUNT] = {
        assay_philox_columns_base, assay_philox_columns_avx2, assay_philox_columns_avx512
    };
    loops[assay_isa_current()](seed, stream, g, out);
#else
    assay_philox_columns_base(seed, stream, g, out);
#endif
}

/* Whole batches go straight to out; the ends, of which only a part is asked for, by a copy. After
 * the first copy, words begin with a group. */
void assay_philox_words(uint64_t seed, uint32_t stream, uint32_t j, uint64_t first, uint32_t *out,
                        size_t n)
{
    enum { WORDS = 4 * ASSAY_PHILOX_BATCH };
    assay_philox_loop *loop = current_loop();
    size_t skip = first % 4;
    uint64_t group = first / 4;
    while (n > 0) {
        if (skip == 0 && n >= WORDS) {
            size_t batches = n / WORDS;
            loop(seed, stream, j, group, out, batches);
            group += batches * ASSAY_PHILOX_BATCH;
            out += batches * WORDS;
            n -= batches * WORDS;
            continue;
        }
        uint32_t batch[WORDS];
        size_t count = WORDS - skip < n ? WORDS - skip : n;
        loop(seed, stream, j, group, batch, 1);
        memcpy(out, batch + skip, count * sizeof *out);
        group += ASSAY_PHILOX_BATCH;
        out += count;
        n -= count;
        skip = 0;
    }
}
