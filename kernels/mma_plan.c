/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: how they are written, whether they suit a unit, and the order in which they walk k. */
#include "kernels/mma_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows, and plans as text ---- */

static const assay_mma_plan_row rows[] = {
    { "chain", { 0 }, false, "one ascending chain through C: a kernel without split k" },
    { "triton",
      { 0 },
      false,
      "tl.dot in a loop over BLOCK_K: the accumulator is C; promote=N where FP8 on Hopper has "
      "max_num_imprecise_acc=N" },
    { "deepgemm",
      { .promote = 128, .scaled = ASSAY_MMA_SCALED_FMA },
      false,
      "DeepGEMM: every 128 k from +0; total = fma(sum, a b rounded, total) in binary32" },
    { "deepgemm.apart",
      { .promote = 128, .scaled = ASSAY_MMA_SCALED_APART },
      false,
      "the same compiled without fusion: the product with the scales is rounded first" },
    { "cublaslt.fp8",
      { .promote = 128 },
      false,
      "cuBLASLt on Hopper, FP8 without fast accumulation: totals of 128 k added in binary32" },
    { "cublaslt.serial",
      { .merge = ASSAY_MMA_MERGE_SERIAL },
      true,
      "split k, reduction schemes 0 and 1: slice after slice, held in the output's format" },
    { "cublaslt.f32",
      { .merge = ASSAY_MMA_MERGE_F32 },
      true,
      "split k, reduction scheme 2: slices in binary32, added forward" },
    { "cublaslt.rounded",
      { .merge = ASSAY_MMA_MERGE_ROUNDED },
      true,
      "split k, reduction scheme 4: slices rounded into the output's format, added in binary32" },
    { "cutlass",
      { .residue = 32 },
      false,
      "CUTLASS kernels of cuBLASLt: the remainder of k by block_k first; residue=block_k" },
};

size_t assay_mma_plan_count(void)
{
    return sizeof rows / sizeof rows[0];
}

const assay_mma_plan_row *assay_mma_plan_row_at(size_t i)
{
    return &rows[i];
}

static assay_status set_size(const char *name, const char *value, size_t *to)
{
    char *end;
    errno = 0;
    long x = strtol(value, &end, 10);
    if (errno || end == value || *end || x < 0 || x > 1 << 30)
        return assay_fail(ASSAY_ERR_USAGE, "%s: '%s' is no count", name, value);
    *to = (size_t)x;
    return ASSAY_OK;
}

/* Which of three names value is; 3 for none. */
static int find(const char *const names[3], const char *value)
{
    int i = 0;
    while (i < 3 && strcmp(value, names[i]) != 0)
        i++;
    return i;
}

static assay_status set_merge(const char *value, mma_planned *to)
{
    static const char *const names[] = { "serial", "f32", "rounded" };
    int merge = find(names, value);
    if (merge == 3)
        return assay_fail(ASSAY_ERR_USAGE, "merge: '%s' is not serial, f32 or rounded", value);
    to->plan.merge = (assay_mma_merge)merge;
    to->needs_split = true;
    return ASSAY_OK;
}

static assay_status set_scaled(const char *value, mma_planned *to)
{
    static const char *const names[] = { "exact", "fma", "apart" };
    int scaled = find(names, value);
    if (scaled == 3)
        return assay_fail(ASSAY_ERR_USAGE, "scaled: '%s' is not exact, fma or apart", value);
    to->plan.scaled = (assay_mma_scaled)scaled;
    return ASSAY_OK;
}

static assay_status set_row(const char *value, mma_planned *to)
{
    for (size_t i = 0; i < assay_mma_plan_count(); i++)
        if (strcmp(value, rows[i].name) == 0) {
            to->plan = rows[i].plan;
            to->needs_split = rows[i].splits;
            return ASSAY_OK;
        }
    return assay_fail(ASSAY_ERR_USAGE,
                      "plan: '%s' is none of chain, triton, deepgemm, deepgemm.apart, "
                      "cublaslt.fp8|serial|f32|rounded, cutlass",
                      value);
}

bool mma_plan_has(const char *name)
{
    static const char *const names[] = { "plan",    "promote", "split",   "granule", "merge",
                                         "rounded", "residue", "descend", "scaled",  NULL };
    int i = 0;
    while (names[i] && strcmp(name, names[i]) != 0)
        i++;
    return names[i] != NULL;
}

assay_status mma_plan_set(const char *name, const char *value, mma_planned *to)
{
    const struct {
        const char *name;
        size_t *to;
    } sizes[] = { { "promote", &to->plan.promote },
                  { "split", &to->plan.split },
                  { "granule", &to->plan.granule },
                  { "residue", &to->plan.residue },
                  { "descend", &to->plan.descend } };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (strcmp(name, sizes[i].name) == 0)
            return set_size(name, value, sizes[i].to);
    if (strcmp(name, "rounded") == 0)
        return assay_mma_format_parse(value, &to->plan.rounded);
    if (strcmp(name, "scaled") == 0)
        return set_scaled(value, to);
    return strcmp(name, "merge") == 0 ? set_merge(value, to) : set_row(value, to);
}

/* ---- what fits together ---- */

assay_status assay_mma_plan_check(const assay_mma_unit *unit, const assay_mma_plan *plan)
{
    size_t K = (size_t)unit->K;
    bool outer = plan->promote || mma_splits(plan) || plan->scaled;
    if (outer && unit->fc != ASSAY_MMA_F32)
        return assay_fail(ASSAY_ERR_USAGE, "plan: partial sums are for units whose C is f32");
    if (plan->promote % K != 0 || plan->granule % K != 0 || plan->residue % K != 0 ||
        plan->descend % K != 0)
        return assay_fail(ASSAY_ERR_USAGE, "plan: not in multiples of the unit's K, %zu", K);
    if (plan->residue && (unit->block > 0 || plan->promote))
        return assay_fail(ASSAY_ERR_USAGE, "plan: no residue with scales or promotion");
    if (plan->descend && plan->residue)
        return assay_fail(ASSAY_ERR_USAGE, "plan: a residue comes first, it does not descend");
    if (plan->descend && plan->promote && plan->descend != plan->promote)
        return assay_fail(ASSAY_ERR_USAGE, "plan: what is promoted descends in blocks of its own");
    if (plan->scaled && unit->block > 0)
        return assay_fail(ASSAY_ERR_USAGE, "plan: scaled is for units that take no scales");
    bool float16 = plan->rounded == ASSAY_MMA_F16 || plan->rounded == ASSAY_MMA_BF16;
    if (plan->rounded && !float16)
        return assay_fail(ASSAY_ERR_USAGE, "plan: slices are rounded into f16 or bf16");
    if (plan->merge == ASSAY_MMA_MERGE_ROUNDED && !float16)
        return assay_fail(ASSAY_ERR_USAGE, "plan: merge=rounded needs rounded=f16 or bf16");
    if (plan->split > 64)
        return assay_fail(ASSAY_ERR_USAGE, "plan: more than 64 slices");
    return ASSAY_OK;
}

assay_status mma_planned_check(const assay_mma_unit *unit, const mma_planned *x)
{
    const assay_mma_plan *p = &x->plan;
    if (x->needs_split && !mma_splits(p))
        return assay_fail(ASSAY_ERR_USAGE, "plan: merging slices needs split=N, N > 1");
    if (!mma_splits(p) && (p->granule || p->rounded))
        return assay_fail(ASSAY_ERR_USAGE, "plan: granule and rounded are of slices: split=N");
    return assay_mma_plan_check(unit, p);
}

assay_status assay_mma_check(const assay_mma_unit *unit, const assay_mma_plan *plan, size_t k)
{
    size_t K = (size_t)unit->K;
    assay_status status = assay_mma_unit_check(unit);
    if (status == ASSAY_OK)
        status = assay_mma_plan_check(unit, plan);
    if (status == ASSAY_OK && k % K != 0 && !plan->residue && !plan->fill)
        status =
            assay_fail(ASSAY_ERR_SHAPE, "k = %zu is not a multiple of the unit's K, %zu", k, K);
    return status;
}

/* ---- the order in which k is walked ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t slice_terms(const mma_walk *w)
{
    const assay_mma_plan *p = w->plan;
    size_t granule = p->granule ? p->granule : (size_t)w->unit->K;
    size_t granules = (w->k + granule - 1) / granule;
    return mma_splits(p) ? (granules + p->split - 1) / p->split * granule : w->k;
}

/* Where blocks of N terms that descend go on after c: begin and end of the slice, and of the block,
 * whose terms are taken from *at on; false at the end of all. */
static bool next_descending(const mma_walk *w, const mma_cut *c, size_t *begin, size_t *end,
                            size_t *at)
{
    size_t N = w->plan->descend, slice = slice_terms(w), block = 0;
    *begin = w->k ? c->k0 / slice * slice : 0;
    *end = least(*begin + slice, w->k);
    *at = c->k0 + c->terms;
    if (c->terms > 0) {
        block = *begin + (c->k0 - *begin) / N * N;
        if (*at < least(block + N, *end))
            return true;
        if (block > *begin) {
            *at = block - N;
            return true;
        }
        *begin = *end;
        *end = least(*begin + slice, w->k);
    }
    if (*begin >= w->k)
        return false;
    *at = *begin + (*end - *begin - 1) / N * N;
    return true;
}

static bool descend(const mma_walk *w, size_t segment, mma_cut *c)
{
    size_t K = (size_t)w->unit->K, N = w->plan->descend, begin, end, at;
    if (!next_descending(w, c, &begin, &end, &at))
        return false;
    size_t block = begin + (at - begin) / N * N, stop = least(block + N, end);
    c->instruction += (c->terms + K - 1) / K;
    c->k0 = at;
    c->terms = least(stop - at, segment / K * K);
    c->group_ends = at + c->terms == stop;
    c->slice_ends = c->group_ends && block == begin;
    return true;
}

bool mma_next_cut(const mma_walk *w, size_t segment, mma_cut *c)
{
    const assay_mma_plan *p = w->plan;
    if (p->descend)
        return descend(w, segment, c);
    size_t K = (size_t)w->unit->K, slice = slice_terms(w), at = c->k0 + c->terms;
    if (at >= w->k)
        return false;
    c->instruction += (c->terms + K - 1) / K;
    size_t begin = at / slice * slice, end = least(begin + slice, w->k), stop = end;
    if (p->residue) {
        size_t rest = (end - begin) % p->residue;
        stop = at < begin + rest ? begin + rest : end;
    }
    if (p->promote) /* to the end of the group that `at` lies in */
        stop = least(stop, begin + ((at - begin) / p->promote + 1) * p->promote);
    c->k0 = at;
    c->terms = least(stop - at, segment / K * K);
    c->group_ends = at + c->terms == stop;
    c->slice_ends = at + c->terms == end;
    return true;
}

size_t mma_count_instructions(const mma_walk *w, size_t segment)
{
    size_t K = (size_t)w->unit->K;
    mma_cut c = { 0 };
    while (mma_next_cut(w, segment, &c))
        ;
    return c.instruction + (c.terms + K - 1) / K;
}
