/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that try scales, for all blocks of a group at once: sums of squared errors in binary64
 * decide unless they are too close, which is left to the exact sums of scale_search.c. */
#include <math.h>
#include <string.h>

#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/scheme_run.h"

/* The scales that are tried, in the order in which ties are won. */
enum { TRIES = 3 };

typedef struct tries {
    size_t count;
    uint32_t code[TRIES][ASSAY_PIECE_BLOCKS];
    double value[TRIES][ASSAY_PIECE_BLOCKS], factor[TRIES][ASSAY_PIECE_BLOCKS];
    double error[TRIES][ASSAY_PIECE_BLOCKS];
    float v[TRIES][ASSAY_PIECE]; /* what elements become, before the factor */
} tries;

bool assay_fast_search_can(const assay_fast *f, const run *r)
{
    const assay_scheme *s = r->s;
    bool power = s->rule == ASSAY_SCALE_MSE && s->scale.format.p == 1 && !r->tensor;
    return s->extent == ASSAY_EXTENT_BLOCK && s->block <= ASSAY_PIECE && !s->tensor_divides &&
           !assay_mode_is_stochastic(s->element.mode) && assay_narrow_decoder_fits(s) &&
           (power || (s->rule == ASSAY_SCALE_FOUR_SIX && f->of_scales.constants.direct));
}

/* Codes and values of try c. */
static bool find_try(const assay_fast *f, const run *r, size_t n, int c, fast_group *w)
{
    if (r->s->rule == ASSAY_SCALE_FOUR_SIX)
        return assay_fast_quotient_scales(f, r, n, c == 1, w);
    const assay_powers *p = &f->powers;
    if (f->loops->powers(p, n, w->top, w->code, w->value, w->by) != 0)
        return false;
    for (size_t b = 0; b < n; b++) {
        int e = assay_clamp((int)w->code[b] - p->bias + 1 - c, p->lowest, p->highest);
        w->code[b] = (uint32_t)(e + p->bias);
        w->value[b] = assay_pow2(e);
    }
    return true;
}

/* Try c with the scales in w, of blocks of one row. */
static bool find_errors(const assay_fast *f, const run *r, size_t at, assay_blocks k,
                        const float *x, fast_group *w, int c, tries *all)
{
    unsigned char codes[ASSAY_PIECE * sizeof(uint32_t)];
    double t = r->tensor ? (double)r->tensor->stored : 1;
    size_t n = (k.n - 1) / k.size + 1;
    memcpy(all->code[c], w->code, n * sizeof w->code[0]);
    memcpy(all->value[c], w->value, n * sizeof w->value[0]);
    if (!assay_fast_factors(f, r, n, w))
        return false;
    if (!assay_fast_encode(f, r, at, k, x, codes, w))
        return false;
    assay_narrow_decode_codes(&f->decoder, codes, all->v[c], k.n);
    for (size_t b = 0; b < n; b++)
        all->factor[c][b] = w->value[b] * t;
    f->loops->errors(k, x, all->v[c], all->factor[c], all->error[c]);
    return true;
}

/* Whether tries c and d give the same values to n elements of block b. */
static bool are_same(const tries *all, int c, int d, size_t b, size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++)
        if ((double)all->v[c][i] * all->factor[c][b] != (double)all->v[d][i] * all->factor[d][b])
            return false;
    return true;
}

/* The first of the least, or -1 if that is not sure. */
static int best_of(const tries *all, size_t b, size_t from, size_t n)
{
    int best = 0;
    for (int c = 1; c < (int)all->count; c++) {
        double error = all->error[c][b], least = all->error[best][b];
        if (error == least && are_same(all, c, best, b, from, n))
            continue;
        int below = assay_error_is_below(error, least, n);
        if (below < 0)
            return -1;
        best = below > 0 ? c : best;
    }
    return best;
}

bool assay_fast_search(const assay_fast *f, const run *r, const group *g, fast_group *w)
{
    tries all;
    size_t start = g->from * g->size, left = r->cols - start, at = g->row * r->cols + start;
    const assay_blocks k = { left / g->count < g->size ? left : g->size * g->count, g->size };
    const float *x = assay_fast_piece(f, r, at, k.n, w->buffer);
    all.count = r->s->rule == ASSAY_SCALE_FOUR_SIX ? 2 : TRIES;
    memset(w->zero, 0, g->count * sizeof w->zero[0]);
    for (int c = 0; x && c < (int)all.count; c++) {
        if (!find_try(f, r, g->count, c, w) || !find_errors(f, r, at, k, x, w, c, &all))
            return false;
    }
    for (size_t b = 0; x && b < g->count; b++) {
        size_t from = b * k.size, n = k.n - from < k.size ? k.n - from : k.size;
        int best = best_of(&all, b, from, n);
        if (best < 0) {
            region part = assay_run_region(r, at + from, 1, n);
            block_scale scale = assay_block_scale(r->s, r->tensor, &part);
            w->code[b] = (uint32_t)scale.code;
            w->value[b] = scale.value;
        } else {
            w->code[b] = all.code[best][b];
            w->value[b] = all.value[best][b];
        }
    }
    return x != NULL && assay_fast_factors(f, r, g->count, w);
}
