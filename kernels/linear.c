/* SPDX-License-Identifier: Apache-2.0 */
/* y = x W^T (+ b). A mapped weight is read and rounded panel by panel inside the product; only
 * a block scheme, an operand format, a stochastic mode or an exact sum with a bias needs a
 * dequantized copy, made of some columns of the output at a time. */
#include <math.h>
#include <string.h>

#include "kernels/bound.h"
#include "kernels/linear_parts.h"

/* 32 MiB of a weight, but never too few columns for the product's threads. */
enum { PANEL_DOUBLES = 1 << 22, PANEL_COLUMNS = 256 };

bool linear_biased(const assay_call *c)
{
    return c->weight[1].data != NULL;
}

/* An exact sum takes the bias as one more term, so that it is rounded once. */
static bool folds_bias(const assay_call *c)
{
    return linear_biased(c) && c->policy->acc.kind == ASSAY_SUM_EXACT;
}

static bool copies_weight(const assay_call *c)
{
    return c->policy->weight.block > 0 || c->policy->has_operand || folds_bias(c) ||
           assay_mode_is_stochastic(c->policy->weight.element.mode);
}

size_t linear_panel(const assay_call *c)
{
    size_t n = c->out.cols, columns = PANEL_DOUBLES / (c->in[0].cols + 1);
    size_t height = weight_height(c->policy, &c->weight[0]);
    columns = (larger(columns, PANEL_COLUMNS) + height - 1) / height * height;
    return columns < n ? columns : n;
}

static assay_status check(const assay_call *c)
{
    const assay_parameter *w = &c->weight[0];
    if (!w->data || w->cols != c->in[0].cols || w->rows != c->out.cols ||
        c->in[0].rows != c->out.rows)
        return assay_fail(ASSAY_ERR_SHAPE,
                          "linear: weight [%zu, %zu] does not take [%zu, %zu] to [%zu, %zu]",
                          w->rows, w->cols, c->in[0].rows, c->in[0].cols, c->out.rows, c->out.cols);
    return linear_biased(c) ? check_vector("linear", "bias", &c->weight[1], w->rows) : ASSAY_OK;
}

static size_t workspace(const assay_call *c)
{
    size_t m = c->out.rows, n = c->out.cols, k = c->in[0].cols + 1, panel = linear_panel(c);
    size_t x = doubles(m * k), w = doubles(panel * k);
    size_t run = x + doubles(n) + (copies_weight(c) ? w : 0);
    size_t bound = 2 * x + 2 * w + doubles(m * panel);
    if (assay_policy_is_scaled(c->policy))
        run = linear_scaled_workspace(c);
    return larger(run, bound) + product_bytes(c->policy, m, n, k);
}

static void load_input(const assay_call *c, double *x, size_t ldx)
{
    size_t k = c->in[0].cols;
#pragma omp parallel for schedule(static) if (shares_rows(&c->out))
    for (size_t i = 0; i < c->out.rows; i++) {
        input_row(c->policy, ASSAY_ROLE_IN, element_of(c, i, k), c->in[0].hi + i * c->in[0].ld,
                  x + i * ldx, k);
        if (ldx > k)
            x[i * ldx + k] = 1;
    }
}

/* From rows without space between them to rows with a bias behind each. */
static void add_bias(const assay_call *c, size_t first, size_t count, double *w)
{
    size_t k = c->weight[0].cols;
    for (size_t i = count; i-- > 0;) {
        memmove(w + i * (k + 1), w + i * k, k * sizeof *w);
        w[i * (k + 1) + k] = parameter_get(&c->weight[1], first + i);
    }
}

static void load_weight(const assay_call *c, size_t first, size_t count, double *w, size_t ldw)
{
    const assay_parameter *p = &c->weight[0];
    size_t height = weight_height(c->policy, p);
#pragma omp parallel for schedule(static)
    for (size_t j = 0; j < count; j += height) {
        size_t rows = count - j < height ? count - j : height;
        weight_rows(c->policy, p, first + j, rows, w + j * ldw);
        if (ldw > p->cols)
            add_bias(c, first + j, rows, w + j * ldw);
    }
}

/* out = RND(out + RND(b)), then Q_out */
void linear_finish(const assay_call *c, double *bias)
{
    step s = step_of(c->policy);
    bool add = linear_biased(c) && !folds_bias(c);
    for (size_t j = 0; add && j < c->out.cols; j++)
        bias[j] = step_round(&s, parameter_get(&c->weight[1], j));
#pragma omp parallel for schedule(static) if (shares_rows(&c->out))
    for (size_t i = 0; i < c->out.rows; i++) {
        double *row = c->out.hi + i * c->out.ld;
        for (size_t j = 0; add && j < c->out.cols; j++)
            row[j] = step_add(&s, row[j], bias[j]);
        output_row(c->policy, element_of(c, i, c->out.cols), row, c->out.cols);
    }
}

static void run(const assay_call *c)
{
    size_t m = c->out.rows, n = c->out.cols, k = c->in[0].cols + folds_bias(c);
    size_t panel = copies_weight(c) ? linear_panel(c) : n;
    if (assay_policy_is_scaled(c->policy)) {
        linear_run_scaled(c);
        return;
    }
    const assay_rounder *round = &c->policy->weight.element;
    assay_operand w = { c->weight[0].data, c->weight[0].storage, 1, k,
                        round->identity ? NULL : round };
    arena a = { c->workspace };
    double *x = arena_doubles(&a, m * k), *bias = arena_doubles(&a, n), *copy = NULL;
    if (copies_weight(c)) {
        copy = arena_doubles(&a, panel * k);
        w = (assay_operand){ copy, ASSAY_STORAGE_F64, 1, k, NULL };
    }
    load_input(c, x, k);
    assay_accumulator acc = final_sum(c->policy);
    for (size_t j = 0; j < n; j += panel) {
        size_t count = n - j < panel ? n - j : panel;
        if (copy)
            load_weight(c, j, count, copy, k);
        assay_product_more more = more_of(c->policy, c->past, j, n);
        assay_product_with(&acc, m, count, k, x, k, &w, &more, c->out.hi + j, c->out.ld, a.next);
    }
    linear_finish(c, bias);
}

static void wide(const assay_call *c)
{
    size_t m = c->out.rows, n = c->out.cols, k = c->in[0].cols;
    assay_operand w = { c->weight[0].data, c->weight[0].storage, 1, k, NULL };
    assay_product_wide(m, n, k, c->in[0].hi, c->in[0].lo, c->in[0].ld, &w, NULL, c->out.hi,
                       c->out.lo, c->out.ld, c->workspace);
    for (size_t i = 0; linear_biased(c) && i < m; i++)
        for (size_t j = 0; j < n; j++) {
            assay_dd y = matrix_get(&c->out, i, j);
            matrix_set(&c->out, i, j, assay_dd_add_d(y, parameter_get(&c->weight[1], j)));
        }
}

/* Sums of columns first .. first + n - 1, whose terms p has. */
static void bound_sums(const assay_call *c, const product_bound *p, size_t first)
{
    rounding_unit u = unit_of_step(c->policy);
    sum_unit sum = unit_of_sum(c->policy, p->k + folds_bias(c));
    for (size_t j = 0; j < p->n; j++) {
        est bias = { 0, 0 };
        if (linear_biased(c))
            bias = est_constant(u, parameter_get(&c->weight[1], first + j));
        for (size_t i = 0; i < p->m; i++) {
            double *e = &p->operand[i * p->operand_ld + j];
            double magnitude = p->magnitude[i * p->n + j];
            if (folds_bias(c))
                magnitude += fabs(bias.v);
            *e = est_sum(sum, *e, magnitude);
            if (linear_biased(c))
                *e = est_round(u, (est){ c->out.hi[i * c->out.ld + first + j], *e + bias.e }).e;
        }
    }
}

/* dx and w of the panel at `first`: bound_product has changed what the one before it used. */
static void load_bounds(const assay_call *c, const product_bound *p, size_t first)
{
    for (size_t i = 0; i < p->m; i++) {
        const double *x = c->in[0].hi + i * c->in[0].ld;
        bound_input(c->policy, x, p->dx + i * p->k, p->k);
        for (size_t j = 0; j < p->k; j++)
            p->x[i * p->k + j] = fabs(x[j]);
    }
    size_t height = weight_height(c->policy, &c->weight[0]);
#pragma omp parallel for schedule(static)
    for (size_t j = 0; j < p->n; j += height) {
        size_t rows = p->n - j < height ? p->n - j : height;
        double *w = p->w + j * p->k;
        bound_weights(c->policy, &c->weight[0], first + j, rows, w, p->dw + j * p->k);
        for (size_t i = 0; i < rows * p->k; i++)
            w[i] = fabs(w[i]);
    }
}

static void bound(const assay_call *c, assay_matrix b)
{
    size_t m = c->out.rows, n = c->out.cols, k = c->in[0].cols, panel = linear_panel(c);
    arena a = { c->workspace };
    product_bound p = {
        .policy = c->policy, .m = m, .k = k, .row_stride = 1, .column_stride = k, .operand_ld = b.ld
    };
    p.x = arena_doubles(&a, m * k);
    p.dx = arena_doubles(&a, m * k);
    p.w = arena_doubles(&a, panel * k);
    p.dw = arena_doubles(&a, panel * k);
    p.magnitude = arena_doubles(&a, m * panel);
    p.workspace = a.next;
    for (size_t j = 0; j < n; j += panel) {
        p.n = n - j < panel ? n - j : panel;
        p.operand = b.hi + j;
        load_bounds(c, &p, j);
        bound_product(&p);
        bound_sums(c, &p, j);
    }
    for (size_t i = 0; i < m; i++)
        bound_output(c->policy, c->out.hi + i * c->out.ld, b.hi + i * b.ld, n);
}

const assay_op assay_op_linear = { .name = "linear",
                                   .text = "y = x W^T (+ bias)",
                                   .check = check,
                                   .workspace = workspace,
                                   .run = run,
                                   .wide = wide,
                                   .bound = bound };
