/* SPDX-License-Identifier: Apache-2.0 */
#include "numerics/philox.h"

#include <string.h>

enum { ROUNDS = 10 };

void assay_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c[4], k0 = key[0], k1 = key[1];
    memcpy(c, counter, sizeof c);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t a = (uint64_t)0xd2511f53 * c[0], b = (uint64_t)0xcd9e8d57 * c[2];
        c[0] = (uint32_t)(b >> 32) ^ c[1] ^ k0;
        c[1] = (uint32_t)b;
        c[2] = (uint32_t)(a >> 32) ^ c[3] ^ k1;
        c[3] = (uint32_t)a;
        k0 += 0x9e3779b9; /* the golden ratio, and sqrt(3) - 1 */
        k1 += 0xbb67ae85;
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
