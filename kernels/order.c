/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/order.h"

#include <math.h>
#include <string.h>

#include "kernels/exact_sum.h"

/* ---- asking ---- */

typedef struct search {
    const assay_sum_order_probe *probe;
    assay_sum_order *order;
    double *a, *b;       /* [n]: operands                                        */
    uint32_t *set, *met; /* [n]: terms, and under the node that joins a term with
                          * the first of its set, how many                       */
    bool failed;
} search;

static void fill(const search *s, double a, double b)
{
    for (size_t i = 0; i < s->order->n; i++) {
        s->a[i] = a;
        s->b[i] = b;
    }
}

static double ask(const search *s)
{
    return s->probe->dot(s->probe->context, s->order->n, s->a, s->b);
}

/* Terms under the node where i and j meet. */
static uint32_t meet(search *s, uint32_t i, uint32_t j)
{
    const assay_sum_order_probe *p = s->probe;
    size_t n = s->order->n;
    fill(s, p->one, p->one);
    s->a[i] = s->b[i] = s->a[j] = p->big;
    s->b[j] = -p->big;
    double left = ask(s) / (p->one * p->one);
    bool sound = left >= 0 && left <= (double)(n - 2) && left == floor(left);
    s->failed |= !sound;
    return sound ? (uint32_t)(n - (size_t)left) : 0;
}

/* ---- the tree ---- */

/* Few sets are long and unsorted at once. */
static void sort(search *s, size_t from, size_t to)
{
    for (size_t i = from + 1; i < to; i++) {
        uint32_t term = s->set[i], met = s->met[i];
        size_t at = i;
        for (; at > from && s->met[at - 1] > met; at--) {
            s->set[at] = s->set[at - 1];
            s->met[at] = s->met[at - 1];
        }
        s->set[at] = term;
        s->met[at] = met;
    }
}

/* Joins what has been found with the tree of the next terms. That tree's root is the newest node:
 * if its children meet under the same node as these do, they are the children of one. */
static uint32_t join(assay_sum_order *o, uint32_t node, uint32_t next, bool at_once)
{
    uint32_t to = at_once ? next : (uint32_t)o->nodes++;
    o->parent[node] = to;
    if (!at_once)
        o->parent[next] = to;
    o->binary &= !at_once;
    return to;
}

/* The tree of terms set[from .. to - 1], and how many terms are under its root in the whole. */
static uint32_t build(search *s, size_t from, size_t to, size_t *under)
{
    uint32_t node = s->set[from];
    *under = 1;
    for (size_t i = from + 1; i < to && !s->failed; i++)
        s->met[i] = meet(s, node, s->set[i]);
    sort(s, from + 1, to);
    for (size_t at = from + 1, end; at < to && !s->failed; at = end) {
        uint32_t met = s->met[at];
        for (end = at; end < to && s->met[end] == met; end++)
            ;
        size_t below;
        uint32_t next = build(s, at, end, &below);
        bool at_once = end - at > 1 && below == met;
        s->failed |= !at_once && below != end - at;
        if (!s->failed)
            node = join(s->order, node, next, at_once);
        *under = met;
    }
    return node;
}

/* ---- children, and which of them are fused ---- */

static void list_children(const assay_sum_order *o)
{
    for (size_t node = o->n; node < o->nodes; node++)
        o->child[node - o->n][0] = UINT32_MAX;
    for (uint32_t x = 0; x + 1 < o->nodes; x++) {
        uint32_t *child = o->child[o->parent[x] - o->n];
        child[child[0] != UINT32_MAX] = x;
    }
}

static uint32_t term_below(const assay_sum_order *o, uint32_t node)
{
    while (node >= o->n)
        node = o->child[node - o->n][0];
    return node;
}

/* odd^2 - near is what a rounded product has lost: it is left where the term x meets the other
 * child, y, unrounded. */
static bool is_fused(const search *s, uint32_t x, uint32_t y)
{
    const assay_sum_order_probe *p = s->probe;
    uint32_t j = term_below(s->order, y);
    if (x >= s->order->n)
        return false;
    fill(s, 0, 0);
    s->a[x] = s->b[x] = p->odd;
    s->a[j] = p->near;
    s->b[j] = -p->one;
    return ask(s) != 0;
}

static void find_fused(const search *s)
{
    const assay_sum_order *o = s->order;
    for (size_t i = 0; i < o->nodes - o->n; i++) {
        uint32_t *child = o->child[i], x = child[0], y = child[1];
        bool first = s->probe->odd != 0 && is_fused(s, x, y);
        o->fused[i] = first || (s->probe->odd != 0 && is_fused(s, y, x));
        if (first) {
            child[0] = y;
            child[1] = x;
        }
    }
}

/* ---- all of it ---- */

static size_t aligned(size_t bytes)
{
    return (bytes + 15) / 16 * 16;
}

size_t assay_sum_order_bytes(size_t n)
{
    return 2 * aligned(2 * n * sizeof(uint32_t)) + aligned(n * sizeof(bool)) +
           2 * aligned(n * sizeof(double)) + 2 * aligned(n * sizeof(uint32_t));
}

static void *take(unsigned char **memory, size_t bytes)
{
    void *p = *memory;
    *memory += aligned(bytes);
    return p;
}

assay_status assay_sum_order_infer(const assay_sum_order_probe *probe, size_t n, void *memory,
                                   assay_sum_order *out)
{
    unsigned char *next = memory;
    assay_sum_order o = { .n = n, .nodes = n, .binary = true };
    search s = { .probe = probe, .order = &o };
    if (n < 1 || n > ASSAY_ORDER_MOST)
        return assay_fail(ASSAY_ERR_USAGE, "order: %zu terms are not from 1 to %d", n,
                          ASSAY_ORDER_MOST);
    o.parent = take(&next, 2 * n * sizeof *o.parent);
    o.child = take(&next, n * sizeof *o.child);
    o.fused = take(&next, n * sizeof *o.fused);
    s.a = take(&next, n * sizeof *s.a);
    s.b = take(&next, n * sizeof *s.b);
    s.set = take(&next, n * sizeof *s.set);
    s.met = take(&next, n * sizeof *s.met);
    for (size_t i = 0; i < n; i++)
        s.set[i] = (uint32_t)i;
    size_t under;
    uint32_t root = build(&s, 0, n, &under);
    if (s.failed || under != n)
        return assay_fail(ASSAY_ERR_INPUT, "order: the sums answered are those of no tree");
    o.parent[root] = root;
    fill(&s, -0.0, probe->one);
    o.from_zero = !signbit(ask(&s));
    if (o.binary) {
        list_children(&o);
        find_fused(&s);
    }
    *out = o;
    return ASSAY_OK;
}

bool assay_sum_order_same(const assay_sum_order *x, const assay_sum_order *y)
{
    size_t inner = x->nodes - x->n;
    return x->n == y->n && x->nodes == y->nodes && x->binary == y->binary &&
           x->from_zero == y->from_zero &&
           memcmp(x->parent, y->parent, x->nodes * sizeof *x->parent) == 0 &&
           (!x->binary || (memcmp(x->child, y->child, inner * sizeof *x->child) == 0 &&
                           memcmp(x->fused, y->fused, inner * sizeof *x->fused) == 0));
}

/* ---- predicting ---- */

static double step(const assay_rounder *r, double a, double b, double c)
{
    return assay_decode(&r->format, assay_round_exact(r, assay_exact_fma(a, b, c, r->mode)));
}

double assay_sum_order_apply(const assay_sum_order *o, const assay_rounder *round, const double *a,
                             const double *b, double *scratch)
{
    for (size_t i = 0; i < o->n; i++) /* -0 is what nothing changes by */
        scratch[i] = step(round, a[i], b[i], o->from_zero ? 0.0 : -0.0);
    for (size_t i = 0; i < o->nodes - o->n; i++) {
        uint32_t x = o->child[i][0], y = o->child[i][1];
        scratch[o->n + i] = o->fused[i] ? step(round, a[y], b[y], scratch[x])
                                        : step(round, scratch[x], 1, scratch[y]);
    }
    return scratch[o->nodes - 1];
}
