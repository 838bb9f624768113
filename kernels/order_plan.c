/* SPDX-License-Identifier: Apache-2.0 */
/* Which plans of a unit add in an order that was found. Two trees are the same if the sets of terms
 * under their nodes are; a set is a sum of random words, one for each term. */
#include "kernels/mma_plan.h"
#include "kernels/order.h"

/* A word for each term: splitmix64. */
static uint64_t word_of(uint64_t term)
{
    uint64_t z = (term + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* The sets under a tree's inner nodes, as one word that does not depend on their order. */
typedef struct sets {
    uint64_t sum;
    size_t count;
} sets;

static void add_set(sets *s, uint64_t set)
{
    uint64_t z = (set ^ set >> 32) * 0xd6e8feb86659fd93u;
    s->sum += z ^ z >> 29;
    s->count++;
}

/* Whether node x lies under `node`. Children have smaller numbers. */
static bool lies_under(const assay_sum_order *o, uint32_t x, uint32_t node)
{
    while (x < node)
        x = o->parent[x];
    return x == node;
}

static sets sets_of_order(const assay_sum_order *o)
{
    sets s = { 0 };
    for (uint32_t node = (uint32_t)o->n; node < o->nodes; node++) {
        uint64_t set = 0;
        for (uint32_t i = 0; i < o->n; i++)
            if (lies_under(o, i, node))
                set += word_of(i);
        add_set(&s, set);
    }
    return s;
}

/* A sum under way: the terms in it, and how many there are. */
typedef struct partial {
    uint64_t set;
    size_t terms;
} partial;

/* x joins total; a node only where both are there, or several terms come at once. */
static void join(sets *s, partial *total, partial x, bool at_once)
{
    bool node = x.terms > 0 && (total->terms > 0 || (at_once && x.terms > 1));
    total->set += x.set;
    total->terms += x.terms;
    if (node)
        add_set(s, total->set);
}

/* Terms first, first + 1, ... below `end` that `half` selects: all, or k % 4 in {0,1}, {2,3}. */
static partial terms_of(size_t first, size_t end, size_t from, int half)
{
    partial p = { 0 };
    for (size_t k = first; k < end; k++)
        if (half < 0 || (int)((k - from) % 4 / 2) == half) {
            p.set += word_of(k);
            p.terms++;
        }
    return p;
}

/* One instruction onto the chain. */
static void run_instruction(const assay_mma_unit *u, size_t first, size_t end, sets *s,
                            partial *chain)
{
    if (u->emulated) {
        partial own = { 0 };
        for (int half = 0; half < 2; half++)
            join(s, &own, terms_of(first, end, first, half), true);
        join(s, chain, own, false);
        return;
    }
    for (size_t k = first; k < end; k += (size_t)u->L) {
        size_t stop = k + (size_t)u->L < end ? k + (size_t)u->L : end;
        join(s, chain, terms_of(k, stop, k, -1), true);
    }
}

static sets sets_of_plan(const assay_mma_unit *u, const assay_mma_plan *p, size_t n)
{
    mma_walk walk = { u, p, n };
    sets s = { 0 };
    partial chain = { 0 }, group = { 0 }, slice = { 0 };
    for (mma_cut c = { 0 }; mma_next_cut(&walk, (size_t)u->K, &c);) {
        run_instruction(u, c.k0, c.k0 + c.terms, &s, &chain);
        if (p->promote && c.group_ends) {
            join(&s, &group, chain, false);
            chain = (partial){ 0 };
        }
        if (mma_splits(p) && c.slice_ends) {
            join(&s, &slice, p->promote ? group : chain, false);
            chain = group = (partial){ 0 };
        }
    }
    return s;
}

typedef struct search {
    const assay_mma_unit *unit;
    sets wanted;
    size_t n;
    assay_mma_plan *plans;
    size_t room, count;
} search;

static void try_plan(search *s, assay_mma_plan plan)
{
    plan.fill = true;
    if (s->count == s->room || assay_mma_plan_check(s->unit, &plan) != ASSAY_OK)
        return;
    sets x = sets_of_plan(s->unit, &plan, s->n);
    if (x.count == s->wanted.count && x.sum == s->wanted.sum)
        s->plans[s->count++] = plan;
}

/* Of less than what is summed by itself anyway. */
static void try_promotions(search *s, size_t terms, assay_mma_plan plan)
{
    size_t K = (size_t)s->unit->K;
    try_plan(s, plan);
    for (plan.promote = K; plan.promote < terms; plan.promote += K)
        try_plan(s, plan);
}

static void try_all(search *s)
{
    size_t K = (size_t)s->unit->K;
    try_promotions(s, s->n, (assay_mma_plan){ 0 });
    for (size_t residue = K; residue < s->n; residue += K)
        try_plan(s, (assay_mma_plan){ .residue = residue });
    for (size_t block = K; block < s->n; block += K)
        try_plan(s, (assay_mma_plan){ .descend = block });
    for (size_t split = 2; split <= 64 && split <= s->n; split++)
        for (size_t granule = K; granule <= 16 * K && granule <= s->n; granule *= 2) {
            size_t granules = (s->n + granule - 1) / granule;
            size_t slice = (granules + split - 1) / split * granule;
            if ((s->n + slice - 1) / slice == split) /* no slice is empty */
                try_promotions(s, slice,
                               (assay_mma_plan){ .split = split,
                                                 .granule = granule,
                                                 .merge = ASSAY_MMA_MERGE_F32 });
        }
}

assay_status assay_sum_order_plans(const assay_mma_unit *unit, const assay_sum_order *order,
                                   assay_mma_plan *plans, size_t room, size_t *count)
{
    bool chained = unit->kind == ASSAY_MMA_KIND_FMA && unit->chain == ASSAY_MMA_ASCENDING;
    bool known = unit->kind == ASSAY_MMA_KIND_T || unit->kind == ASSAY_MMA_KIND_TR || chained;
    if (!known)
        return assay_fail(ASSAY_ERR_USAGE, "%s: its steps are no nodes of a tree", unit->name);
    search s = { unit, sets_of_order(order), order->n, plans, room, 0 };
    try_all(&s);
    *count = s.count;
    return ASSAY_OK;
}
