/* SPDX-License-Identifier: Apache-2.0 */
/* In what order does a product add? Found by asking it, and used to predict its bits. */
#ifndef ASSAY_KERNELS_ORDER_H
#define ASSAY_KERNELS_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "../numerics/status.h"
#include "../rounding/round.h"
#include "mma.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ASSAY_ORDER_MOST = 1 << 13 };

/** The product that is asked: sum over i < n of a[i] b[i] in an order of its own. */
typedef double assay_sum_order_dot(void *context, size_t n, const double *a, const double *b);

/**
 * What it is asked with; every value has to be one of its operands. big times big swallows n
 * times one times one, which the sums hold exactly for every count up to n, and one times one
 * and its opposite are. odd times odd is inexact in the sums, and near times one is what it is
 * rounded to; odd = 0: products are exact, and nobody asks whether they are fused.
 */
typedef struct assay_sum_order_probe {
    assay_sum_order_dot *dot;
    void *context;
    double big, one, odd, near;
} assay_sum_order_probe;

/**
 * A tree of sums: nodes 0 .. n - 1 are the terms, each further one adds its children, which have
 * smaller numbers; the last is the result. A node of more than two children adds them at once,
 * as matrix units do.
 */
typedef struct assay_sum_order {
    size_t n, nodes;
    uint32_t *parent;     /* [nodes]; the last one's is itself                          */
    bool binary;          /* every node has two children: then they are child[node - n], */
    uint32_t (*child)[2]; /* and the second one is, if                                   */
    bool *fused;          /* [nodes - n], a term whose product is added unrounded (FMA)   */
    bool from_zero;       /* terms of -0 alone give +0: chains start there                */
} assay_sum_order;

/** Bytes of memory that a tree of n terms and finding it take. */
ASSAY_API size_t assay_sum_order_bytes(size_t n);

/**
 * Finds the tree of products of length n, 1 <= n <= ASSAY_ORDER_MOST, from at most n^2 / 2 sums,
 * n of them where the order is ascending. Between two terms +-big^2 the ones that meet them
 * before they cancel are lost, and the rest is the result: it counts the terms under the node
 * where the two meet.
 *
 * Errors    ASSAY_ERR_INPUT if what it answers is no tree's.
 * Memory    `memory`, of assay_sum_order_bytes(n), holds the tree; aligned as malloc's.
 * Source    FPRev, arXiv:2411.00442, the idea of revealing an order by masked sums; whether terms
 *           are fused is asked here besides.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_sum_order_infer(const assay_sum_order_probe *probe,
                                                             size_t n, void *memory,
                                                             assay_sum_order *out);

/** Whether two trees add the same terms in the same order. */
ASSAY_API bool assay_sum_order_same(const assay_sum_order *x, const assay_sum_order *y);

/**
 * The sum of a[i] b[i] as a binary tree adds it, every product that is not fused and every sum
 * rounded by `round`; scratch [nodes].
 */
ASSAY_API double assay_sum_order_apply(const assay_sum_order *order, const assay_rounder *round,
                                       const double *a, const double *b, double *scratch);

/**
 * Plans under which a unit adds n terms in the order that was found: all of promotions, slices and
 * granules, and residues in multiples of K; at most `room` of them, the simplest first, with
 * merge F32 where there are slices, as how these are merged is not of the order. *count = 0: none.
 * ASSAY_ERR_USAGE for kinds whose steps are no single node: st, gst, gtr, e, ftz, int, and fma
 * in other orders than ascending.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_sum_order_plans(const assay_mma_unit *unit,
                                                             const assay_sum_order *order,
                                                             assay_mma_plan *plans, size_t room,
                                                             size_t *count);

#ifdef __cplusplus
}
#endif
#endif
