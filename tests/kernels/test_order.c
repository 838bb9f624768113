/* SPDX-License-Identifier: Apache-2.0 */
/* Orders of summation found by asking: sums written out here, whose trees are known. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/mma.h"
#include "kernels/order.h"
#include "numerics/bits.h"

enum { MOST = 300 };

static float product(const double *a, const double *b, size_t i)
{
    return (float)a[i] * (float)b[i];
}

static double ascending(void *context, size_t n, const double *a, const double *b)
{
    float sum = 0;
    (void)context;
    for (size_t i = 0; i < n; i++)
        sum += product(a, b, i);
    return sum;
}

static double descending_fused(void *context, size_t n, const double *a, const double *b)
{
    float sum = 0;
    (void)context;
    for (size_t i = n; i-- > 0;)
        sum = fmaf((float)a[i], (float)b[i], sum);
    return sum;
}

static double pairwise(void *context, size_t n, const double *a, const double *b)
{
    if (n == 1)
        return product(a, b, 0);
    size_t half = n / 2;
    float x = (float)pairwise(context, half, a, b);
    return x + (float)pairwise(context, n - half, a + half, b + half);
}

/* Eight lanes of fused steps, folded; the rest one by one. */
static double lanes(void *context, size_t n, const double *a, const double *b)
{
    float lane[8] = { 0 }, sum = 0;
    size_t whole = n / 8 * 8;
    (void)context;
    for (size_t i = 0; i < whole; i++)
        lane[i % 8] = fmaf((float)a[i], (float)b[i], lane[i % 8]);
    for (size_t width = 4; width > 0; width /= 2)
        for (size_t l = 0; l < width; l++)
            lane[l] += lane[l + width];
    sum = lane[0];
    for (size_t i = whole; i < n; i++)
        sum = fmaf((float)a[i], (float)b[i], sum);
    return sum;
}

/* Chains of *context terms, added up. */
static double blocks(void *context, size_t n, const double *a, const double *b)
{
    size_t block = *(const size_t *)context;
    float sum = 0;
    for (size_t at = 0; at < n; at += block) {
        float chain = 0;
        for (size_t i = at; i < at + block && i < n; i++)
            chain = fmaf((float)a[i], (float)b[i], chain);
        sum = at == 0 ? chain : sum + chain;
    }
    return sum;
}

/* Not a sum of products. */
static double largest(void *context, size_t n, const double *a, const double *b)
{
    double most = 0;
    (void)context;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, a[i] * b[i]);
    return most;
}

static assay_rounder binary32(void)
{
    assay_format format;
    assay_rounder r;
    cr_assert_eq(assay_format_parse("binary32", &format), ASSAY_OK);
    cr_assert_eq(
        assay_rounder_make(&format, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r),
        ASSAY_OK);
    return r;
}

static assay_sum_order_probe probe_of(assay_sum_order_dot *dot, void *context)
{
    return (assay_sum_order_probe){ .dot = dot,
                                    .context = context,
                                    .big = 0x1p40,
                                    .one = 1,
                                    .odd = 1 + 0x1p-13,
                                    .near = 1 + 0x1p-12 };
}

static double draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    double x = (double)(int64_t)(*state >> 40) * 0x1p-24 - 0.5;
    return (float)ldexp(x, (int)(*state >> 33 & 15));
}

/* Wrong predictions of `rounds` products of random operands. */
static size_t mispredicted(const assay_sum_order *o, assay_sum_order_dot *dot, void *context,
                           size_t rounds)
{
    static double a[MOST], b[MOST], scratch[2 * MOST];
    assay_rounder r = binary32();
    uint64_t state = 1;
    size_t wrong = 0;
    for (size_t t = 0; t < rounds; t++) {
        for (size_t i = 0; i < o->n; i++)
            a[i] = t % 8 ? draw(&state) : -0.0, b[i] = t % 8 ? draw(&state) : 1;
        double x = dot(context, o->n, a, b), y = assay_sum_order_apply(o, &r, a, b, scratch);
        wrong += assay_bits64(x) != assay_bits64(y);
    }
    return wrong;
}

Test(order, trees_predict_the_bits)
{
    static size_t sizes[] = { 5, 64 };
    const struct {
        const char *name;
        assay_sum_order_dot *dot;
        void *context;
    } boxes[] = {
        { "ascending", ascending, NULL },     { "descending, fused", descending_fused, NULL },
        { "pairwise", pairwise, NULL },       { "lanes, fused", lanes, NULL },
        { "blocks of 5", blocks, &sizes[0] }, { "blocks of 64", blocks, &sizes[1] }
    };
    enum { BOXES = sizeof boxes / sizeof boxes[0] };
    static const size_t lengths[] = { 1, 2, 3, 7, 64, 131, 257 };
    void *memory = malloc(assay_sum_order_bytes(MOST)),
         *other = malloc(assay_sum_order_bytes(MOST));
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++)
        for (size_t i = 0; i < BOXES; i++) {
            assay_sum_order o, p;
            size_t n = lengths[l], j = (i + 1) % BOXES;
            assay_sum_order_probe probe = probe_of(boxes[i].dot, boxes[i].context);
            cr_assert_eq(assay_sum_order_infer(&probe, n, memory, &o), ASSAY_OK, "%s",
                         assay_last_error());
            cr_expect(o.binary);
            cr_expect_eq(mispredicted(&o, boxes[i].dot, boxes[i].context, 100), 0, "%s, %zu terms",
                         boxes[i].name, n);
            probe = probe_of(boxes[j].dot, boxes[j].context);
            cr_assert_eq(assay_sum_order_infer(&probe, n, other, &p), ASSAY_OK);
            cr_expect(assay_sum_order_same(&o, &o));
            cr_expect(n < 131 || !assay_sum_order_same(&o, &p), "%s", boxes[i].name);
        }
    free(memory);
    free(other);
}

Test(order, what_is_no_sum_is_refused)
{
    void *memory = malloc(assay_sum_order_bytes(MOST));
    assay_sum_order o = { .n = 77 };
    assay_sum_order_probe probe = probe_of(largest, NULL);
    cr_expect_eq(assay_sum_order_infer(&probe, 8, memory, &o), ASSAY_ERR_INPUT);
    cr_expect_eq(assay_sum_order_infer(&probe, 0, memory, &o), ASSAY_ERR_USAGE);
    cr_expect_eq(assay_sum_order_infer(&probe, ASSAY_ORDER_MOST + 1, memory, &o), ASSAY_ERR_USAGE);
    cr_expect_eq(o.n, 77);
    free(memory);
}

/* ---- matrix units ---- */

typedef struct unit_box {
    assay_mma_unit unit;
    assay_mma_plan plan;
    void *workspace;
} unit_box;

/* Operands in binary16. */
static double unit_dot(void *context, size_t n, const double *a, const double *b)
{
    static uint16_t x[MOST], y[MOST];
    unit_box *box = context;
    assay_format format;
    assay_rounder r;
    float out;
    cr_assert_eq(assay_format_parse("binary16", &format), ASSAY_OK);
    cr_assert_eq(
        assay_rounder_make(&format, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r),
        ASSAY_OK);
    for (size_t i = 0; i < n; i++) {
        x[i] = (uint16_t)assay_round_code(&r, a[i]);
        y[i] = (uint16_t)assay_round_code(&r, b[i]);
    }
    assay_mma_operands operands = { .a = x, .b = y, .lda = n, .ldb = n };
    cr_assert_eq(
        assay_mma_product(&box->unit, &box->plan, 1, 1, n, &operands, &out, 1, box->workspace),
        ASSAY_OK, "%s", assay_last_error());
    return out;
}

static assay_sum_order unit_order(const char *text, size_t n, void *memory)
{
    unit_box box;
    assay_sum_order o;
    cr_assert_eq(assay_mma_parse_planned(text, &box.unit, &box.plan), ASSAY_OK, "%s",
                 assay_last_error());
    box.plan.fill = true;
    box.workspace = aligned_alloc(64, (assay_mma_workspace(&box.unit, 1, 1, n) + 63) / 64 * 64);
    assay_sum_order_probe probe = { unit_dot, &box, 0x1p15, 0x1p-6, 0, 0 };
    cr_assert_eq(assay_sum_order_infer(&probe, n, memory, &o), ASSAY_OK, "%s", assay_last_error());
    free(box.workspace);
    return o;
}

static size_t children(const assay_sum_order *o, size_t node)
{
    size_t count = 0;
    for (size_t i = 0; i + 1 < o->nodes; i++)
        count += o->parent[i] == node;
    return count;
}

/* A step of L products and C is one node: all of the first, L and the sum so far of the next. */
Test(order, steps_of_units_are_nodes)
{
    void *memory = malloc(assay_sum_order_bytes(MOST));
    assay_sum_order o = unit_order("hopper.mma.f32.f16.f16", 64, memory);
    cr_expect_not(o.binary);
    cr_assert_eq(o.nodes, 64 + 4);
    cr_expect_eq(children(&o, 64), 16);
    for (size_t node = 65; node < 68; node++)
        cr_expect_eq(children(&o, node), 17);
    o = unit_order("ampere.mma.f32.f16.f16", 64, memory); /* two steps of 8 in an instruction */
    cr_assert_eq(o.nodes, 64 + 8);
    cr_expect_eq(children(&o, 64), 8);
    /* two slices of 32, and their sum */
    o = unit_order("hopper.mma.f32.f16.f16:split=2,merge=f32", 64, memory);
    cr_assert_eq(o.nodes, 64 + 5);
    cr_expect_eq(children(&o, o.nodes - 1), 2);
    o = unit_order("hopper.mma.f32.f16.f16:promote=16", 64, memory);
    cr_assert_eq(o.nodes, 64 + 7);
    free(memory);
}

/* A plan is found again from the order alone, and some of what is found has the bits too. */
Test(order, plans_are_found_again)
{
    static const char *const texts[] = { "hopper.mma.f32.f16.f16",
                                         "hopper.mma.f32.f16.f16:promote=64",
                                         "ampere.mma.f32.f16.f16:split=3,granule=32,merge=f32",
                                         "ampere.mma.f32.f16.f16:split=2,promote=32,merge=f32",
                                         "hopper.mma.f32.f16.f16:plan=cutlass,residue=64",
                                         "cdna3.mfma.f32.f16.f16:promote=32" };
    enum { ROOM = 64, N = 168 };
    void *memory = malloc(assay_sum_order_bytes(MOST));
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        assay_mma_unit unit;
        assay_mma_plan plan, found[ROOM];
        size_t count = 0, same = 0;
        assay_sum_order o = unit_order(texts[t], N, memory);
        cr_assert_eq(assay_mma_parse_planned(texts[t], &unit, &plan), ASSAY_OK);
        cr_assert_eq(assay_sum_order_plans(&unit, &o, found, ROOM, &count), ASSAY_OK);
        for (size_t i = 0; i < count; i++) {
            bool granule = found[i].granule == plan.granule || plan.split < 2 || !plan.granule;
            same += found[i].promote == plan.promote && found[i].residue == plan.residue &&
                    (found[i].split > 1 ? found[i].split : 0) == plan.split && granule;
        }
        cr_expect_geq(same, 1, "%s: not among %zu", texts[t], count);
        cr_expect_lt(count, ROOM, "%s", texts[t]);
        printf("%s: %zu plans\n", texts[t], count);
    }
    /* The order of one unit is no other's. */
    assay_mma_unit other;
    assay_mma_plan found[ROOM];
    size_t count = 9;
    assay_sum_order o = unit_order("hopper.mma.f32.f16.f16", N, memory);
    cr_assert_eq(assay_mma_parse("ampere.mma.f32.f16.f16", &other), ASSAY_OK);
    cr_assert_eq(assay_sum_order_plans(&other, &o, found, ROOM, &count), ASSAY_OK);
    cr_expect_eq(count, 0);
    free(memory);
}
