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
      { .promote = 128 },
      false,
      "DeepGEMM: every 128 k from +0, then times the scales and added in binary32" },
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

static assay_status set_merge(const char *value, mma_planned *to)
{
    static const char *const names[] = { "serial", "f32", "rounded" };
    for (int m = 0; m < 3; m++)
        if (strcmp(value, names[m]) == 0) {
            to->plan.merge = (assay_mma_merge)m;
            to->needs_split = true;
            return ASSAY_OK;
        }
    return assay_fail(ASSAY_ERR_USAGE, "merge: '%s' is not serial, f32 or rounded", value);
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
                      "plan: '%s' is none of chain, triton, deepgemm, "
                      "cublaslt.fp8|serial|f32|rounded, cutlass",
                      value);
}

bool mma_plan_has(const char *name)
{
    static const char *const names[] = { "plan",  "promote", "split",   "granule",
                                         "merge", "rounded", "residue", NULL };
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
                  { "residue", &to->plan.residue } };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (strcmp(name, sizes[i].name) == 0)
            return set_size(name, value, sizes[i].to);
    if (strcmp(name, "rounded") == 0)
        return assay_mma_format_parse(value, &to->plan.rounded);
    return strcmp(name, "merge") == 0 ? set_merge(value, to) : set_row(value, to);
}

/* ---- what fits together ---- */

assay_status assay_mma_plan_check(const assay_mma_unit *unit, const assay_mma_plan *plan)
{
    size_t K = (size_t)unit->K;
    bool outer = plan->promote || mma_splits(plan);
    if (outer && unit->fc != ASSAY_MMA_F32)
        return assay_fail(ASSAY_ERR_USAGE, "plan: partial sums are for units whose C is f32");
    if (plan->promote % K != 0 || plan->granule % K != 0 || plan->residue % K != 0)
        return assay_fail(ASSAY_ERR_USAGE, "plan: not in multiples of the unit's K, %zu", K);
    if (plan->residue && (unit->block > 0 || plan->promote))
        return assay_fail(ASSAY_ERR_USAGE, "plan: no residue with scales or promotion");
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

bool mma_next_cut(const mma_walk *w, size_t segment, mma_cut *c)
{
    const assay_mma_plan *p = w->plan;
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
