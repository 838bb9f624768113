/* SPDX-License-Identifier: Apache-2.0 */
/* Random bits of many elements. */
#include "rounding/draws.h"

#include <string.h>

#include "numerics/philox.h"
#include "numerics/philox_lanes.h"
#include "rounding/array.h"

enum { CHUNK = 1024 };

void assay_random_draws(const assay_rounder *rounder, const assay_random *random, uint64_t first,
                        uint32_t *draws, size_t n)
{
    const assay_draw_share s = assay_draw_share_of(rounder);
    uint32_t words[CHUNK];
    if (random->bits) {
        memcpy(draws, random->bits, n * sizeof *draws);
        return;
    }
    for (size_t i = 0; i < n;) {
        size_t skip = (size_t)((first + i) % s.count), most = CHUNK * s.count - skip;
        size_t k = n - i < most ? n - i : most;
        assay_philox_words(random->seed, random->stream, 0, (first + i) / s.count, words,
                           (skip + k + s.count - 1) / s.count);
        for (size_t j = 0; j < k; j++)
            draws[i + j] = assay_draw_of(&s, words[(skip + j) / s.count], (skip + j) % s.count);
        i += k;
    }
}

static void by_columns(const assay_rounder *rounder, const assay_random *random,
                       const assay_draw_grid *g, uint64_t *draws, size_t ld)
{
    const assay_random own = { .seed = random->seed, .stream = random->stream };
    uint32_t column[CHUNK];
    for (size_t j = 0; j < g->columns; j++)
        for (size_t q = 0, n; q < g->n; q += n) {
            n = g->n - q < CHUNK ? g->n - q : CHUNK;
            assay_random_draws(rounder, &own, g->first + j * g->apart + q, column, n);
            for (size_t i = 0; i < n; i++)
                draws[(q + i) * ld + j] = column[i] >> g->drop;
        }
}

/* Where every column begins with a group, its words come side by side with the others'. They lie in
 * the first rows of what they become, which is made from the last row back. */
void assay_random_columns(const assay_rounder *rounder, const assay_random *random,
                          const assay_draw_grid *g, uint64_t *draws, size_t ld)
{
    const assay_draw_share s = assay_draw_share_of(rounder);
    const size_t group = (size_t)4 * s.count, columns = g->columns;
    if (g->first % group != 0 || g->apart % group != 0 || g->n % group != 0) {
        by_columns(rounder, random, g, draws, ld);
        return;
    }
    assay_philox_grid words = { g->first / group, g->apart / group, g->n / group, columns, ld };
    assay_philox_columns(random->seed, random->stream, &words, draws);
    const uint64_t mask = UINT32_MAX >> (32 - s.bits) >> g->drop;
    for (size_t q = g->n; mask != UINT32_MAX && q-- > 0;) {
        const uint64_t *from = draws + q / s.count * ld;
        uint64_t *to = draws + q * ld;
        unsigned shift = (unsigned)(q % s.count) * s.width + s.width - s.bits + (unsigned)g->drop;
        for (size_t j = 0; j < columns; j++)
            to[j] = from[j] >> shift & mask;
    }
}
