/* SPDX-License-Identifier: Apache-2.0 */
/* y = x W^T (+ b). A mapped weight is read and rounded panel by panel inside the product; only
 * a block scheme, an operand format or an exact sum with a bias needs a dequantized copy. */
#include "kernels/bound.h"
#include "kernels/step.h"

static bool biased(const assay_call *c)
{
    return c->weight[1].data != NULL;
}

/* An exact sum takes the bias as one more term, so that it is rounded once. */
static bool folds_bias(const assay_call *c)
{
    return biased(c) && c->policy->acc.kind == ASSAY_SUM_EXACT;
}

static bool copies_weight(const assay_call *c)
{
    return c->policy->weight.block > 0 || c->policy->has_operand || folds_bias(c);
}

static assay_status check(const assay_call *c)
{
    const assay_parameter *w = &c->weight[0];
    if (w->cols != c->in[0].cols || w->rows != c->out.cols || c->in[0].rows != c->out.rows)
        return assay_fail(ASSAY_ERR_SHAPE,
                          "linear: weight [%zu, %zu] does not take [%zu, %zu] to [%zu, %zu]",
                          w->rows, w->cols, c->in[0].rows, c->in[0].cols, c->out.rows, c->out.cols);
    return biased(c) ? check_vector("linear", "bias", &c->weight[1], w->rows) : ASSAY_OK;
}

static size_t workspace(const assay_call *c)
{
    size_t m = c->out.rows, n = c->out.cols, k = c->in[0].cols + 1;
    assay_accumulator reference = assay_accumulator_reference();
    size_t product = assay_product_workspace(&c->policy->acc, m, n, k);
    size_t plain = assay_product_workspace(&reference, m, n, k);
    size_t operands = 2 * (align64(m * k * sizeof(double)) + align64(n * k * sizeof(double)));
    return operands + align64(m * n * sizeof(double)) + align64(n * sizeof(double)) +
           (product > plain ? product : plain);
}

static void load_input(const assay_call *c, double *x, size_t ldx)
{
    size_t k = c->in[0].cols;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < c->out.rows; i++) {
        input_row(c->policy, c->in[0].hi + i * c->in[0].ld, x + i * ldx, k);
        if (ldx > k)
            x[i * ldx + k] = 1;
    }
}

static void load_weight(const assay_call *c, double *w, size_t ldw)
{
    const assay_parameter *p = &c->weight[0];
#pragma omp parallel for schedule(static)
    for (size_t j = 0; j < p->rows; j++) {
        weight_row(c->policy, p, j, w + j * ldw);
        if (ldw > p->cols)
            w[j * ldw + p->cols] = parameter_get(&c->weight[1], j);
    }
}

/* out = RND(out + RND(b)), then Q_out */
static void finish(const assay_call *c, double *bias)
{
    step s = step_of(c->policy);
    bool add = biased(c) && !folds_bias(c);
    for (size_t j = 0; add && j < c->out.cols; j++)
        bias[j] = step_round(&s, parameter_get(&c->weight[1], j));
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < c->out.rows; i++) {
        double *row = c->out.hi + i * c->out.ld;
        for (size_t j = 0; add && j < c->out.cols; j++)
            row[j] = step_round(&s, row[j] + bias[j]);
        output_row(c->policy, row, c->out.cols);
    }
}

static void run(const assay_call *c)
{
    size_t m = c->out.rows, n = c->out.cols, k = c->in[0].cols + folds_bias(c);
    arena a = { c->workspace };
    double *x = arena_doubles(&a, m * k), *bias = arena_doubles(&a, n);
    assay_operand w = { c->weight[0].data, c->weight[0].storage, 1, k, &c->policy->weight.element };
    if (copies_weight(c)) {
        double *copy = arena_doubles(&a, n * k);
        load_weight(c, copy, k);
        w = (assay_operand){ copy, ASSAY_STORAGE_F64, 1, k, NULL };
    } else if (c->policy->weight.element.identity) {
        w.round = NULL;
    }
    load_input(c, x, k);
    assay_accumulator acc = c->policy->acc;
    if (acc.kind == ASSAY_SUM_EXACT)
        acc.round = c->policy->out.block ? assay_scheme_identity().element : c->policy->out.element;
    assay_product(&acc, m, n, k, x, k, &w, c->out.hi, c->out.ld, a.next);
    finish(c, bias);
}

static void wide(const assay_call *c)
{
    size_t m = c->out.rows, n = c->out.cols, k = c->in[0].cols;
    assay_operand w = { c->weight[0].data, c->weight[0].storage, 1, k, NULL };
    assay_product_wide(m, n, k, c->in[0].hi, c->in[0].lo, c->in[0].ld, &w, NULL, c->out.hi,
                       c->out.lo, c->out.ld, c->workspace);
    for (size_t i = 0; biased(c) && i < m; i++)
        for (size_t j = 0; j < n; j++) {
            assay_dd y = matrix_get(&c->out, i, j);
            matrix_set(&c->out, i, j, assay_dd_add_d(y, parameter_get(&c->weight[1], j)));
        }
}

static void bound_finish(const assay_call *c, assay_matrix b)
{
    rounding_unit u = unit_of_step(c->policy);
    for (size_t i = 0; i < c->out.rows; i++) {
        const double *y = c->out.hi + i * c->out.ld;
        double *e = b.hi + i * b.ld;
        for (size_t j = 0; biased(c) && j < c->out.cols; j++) {
            double v = parameter_get(&c->weight[1], j);
            est bias = est_round(u, (est){ v, 0 });
            est sum = { y[j] - v, e[j] };
            e[j] = est_round(u, est_add(sum, bias)).e;
        }
        bound_output(c->policy, y, e, c->out.cols);
    }
}

static void magnitudes(double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] < 0 ? -x[i] : x[i];
}

static void bound(const assay_call *c, assay_matrix b)
{
    size_t m = c->out.rows, n = c->out.cols, k = c->in[0].cols;
    arena a = { c->workspace };
    product_bound p = { .policy = c->policy,
                        .m = m,
                        .n = n,
                        .k = k,
                        .ldx = k,
                        .row_stride = 1,
                        .column_stride = k,
                        .w_count = n * k,
                        .e = b.hi,
                        .lde = b.ld };
    p.x = arena_doubles(&a, m * k);
    p.dx = arena_doubles(&a, m * k);
    p.w = arena_doubles(&a, n * k);
    p.dw = arena_doubles(&a, n * k);
    p.scratch = arena_doubles(&a, m * n);
    p.workspace = a.next;
    for (size_t i = 0; i < m; i++) {
        const double *x = c->in[0].hi + i * c->in[0].ld;
        for (size_t j = 0; j < k; j++)
            p.x[i * k + j] = x[j];
        bound_input(c->policy, x, p.dx + i * k, k);
    }
    for (size_t j = 0; j < n; j++) {
        parameter_row(&c->weight[0], j, p.w + j * k);
        bound_weight(c->policy, p.w + j * k, p.dw + j * k, k);
    }
    magnitudes(p.x, m * k);
    magnitudes(p.w, n * k);
    bound_product(&p);
    bound_finish(c, b);
}

const assay_op assay_op_linear = { .name = "linear",
                                   .text = "y = x W^T (+ bias)",
                                   .check = check,
                                   .workspace = workspace,
                                   .run = run,
                                   .wide = wide,
                                   .bound = bound };
