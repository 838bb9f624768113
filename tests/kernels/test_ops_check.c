/* SPDX-License-Identifier: Apache-2.0 */
/* What check() refuses, special values, and the Lipschitz constants of the bounds. */
#include "kernels/step.h"
#include "numerics/elementary.h"
#include "tests/kernels/ops_test.h"

static const shape plain = { 2, 1, 4, 2, 6, 8, 5, false, true, ASSAY_STORAGE_F32 };

/* One line that starts with the operation's name; the output keeps its bytes. */
static void expect_refusal(assay_op_id op, const assay_call *c, assay_status status,
                           const char *what)
{
    const assay_op *row = assay_op_row(op);
    assay_policy policy = assay_policy_reference();
    assay_call call = *c;
    call.policy = &policy;
    cr_expect_eq(row->check(&call), status, "%s: %s", row->name, what);
    const char *text = assay_last_error();
    size_t n = strlen(row->name);
    cr_expect(strncmp(text, row->name, n) == 0 && text[n] == ':' && !strchr(text, '\n'),
              "%s: %s: '%s'", row->name, what, text);
    size_t bytes = c->out.rows * c->out.ld * sizeof(double);
    for (size_t i = 0; i < bytes; i++)
        cr_assert_eq(((unsigned char *)c->out.hi)[i], 0xff, "%s: %s wrote", row->name, what);
}

Test(ops_check, every_good_call_is_accepted)
{
    assay_policy policy = assay_policy_reference();
    for (int op = 0; op < ASSAY_OP_COUNT; op++) {
        assay_call c = make_call((assay_op_id)op, &plain, NORMAL);
        c.policy = &policy;
        cr_expect_eq(assay_op_row((size_t)op)->check(&c), ASSAY_OK, "%s", assay_last_error());
    }
}

/* Each operand one row and one column larger than it should be. */
static void widen_operands(assay_op_id op)
{
    assay_call good = make_call(op, &plain, NORMAL);
    for (int i = 0; i < 2; i++)
        if (good.in[i].hi) {
            assay_call c = good;
            c.in[i].rows++;
            expect_refusal(op, &c, ASSAY_ERR_SHAPE, "rows of an input");
            c = good;
            c.in[i].cols++;
            expect_refusal(op, &c, ASSAY_ERR_SHAPE, "columns of an input");
        }
    for (int i = 0; i < 2; i++)
        if (good.weight[i].data) {
            assay_call c = good;
            c.weight[i].cols++;
            expect_refusal(op, &c, ASSAY_ERR_SHAPE, "columns of a parameter");
        }
    if (good.weight[0].data) {
        assay_call c = good;
        c.weight[0].data = NULL;
        expect_refusal(op, &c, ASSAY_ERR_SHAPE, "an absent parameter");
    }
}

Test(ops_check, wrong_shapes_are_refused)
{
    for (int op = 0; op < ASSAY_OP_COUNT; op++)
        widen_operands((assay_op_id)op);
    assay_call c = make_call(ASSAY_OP_linear, &plain, NORMAL);
    c.weight[0].rows++;
    expect_refusal(ASSAY_OP_linear, &c, ASSAY_ERR_SHAPE, "rows of the weight");
    c = make_call(ASSAY_OP_rope, &plain, NORMAL);
    c.past += 2;
    expect_refusal(ASSAY_OP_rope, &c, ASSAY_ERR_SHAPE, "a position beyond the table");
    c = make_call(ASSAY_OP_rope, &plain, NORMAL);
    c.sine.cols--;
    expect_refusal(ASSAY_OP_rope, &c, ASSAY_ERR_SHAPE, "fewer sines than cosines");
    c = make_call(ASSAY_OP_rope, &plain, NORMAL);
    c.head_dim = 3;
    expect_refusal(ASSAY_OP_rope, &c, ASSAY_ERR_SHAPE, "more angles than pairs");
}

Test(ops_check, wrong_heads_are_refused)
{
    const assay_op_id ops[] = { ASSAY_OP_scores, ASSAY_OP_softmax, ASSAY_OP_context };
    for (size_t o = 0; o < 3; o++) {
        assay_call good = make_call(ops[o], &plain, NORMAL), c = good;
        c.heads = 3;
        expect_refusal(ops[o], &c, ASSAY_ERR_SHAPE, "heads that do not divide the rows");
        c.heads = 0;
        expect_refusal(ops[o], &c, ASSAY_ERR_SHAPE, "no heads");
        c = good;
        c.past = 0;
        expect_refusal(ops[o], &c, ASSAY_ERR_SHAPE, "keys beyond the last position");
        c = good;
        c.kv_heads = 3;
        if (ops[o] != ASSAY_OP_softmax)
            expect_refusal(ops[o], &c, ASSAY_ERR_SHAPE, "heads that do not share evenly");
        c.kv_heads = 0;
        if (ops[o] != ASSAY_OP_softmax)
            expect_refusal(ops[o], &c, ASSAY_ERR_SHAPE, "no keys");
    }
    assay_call c = make_call(ASSAY_OP_scores, &plain, NORMAL);
    c.scale = NAN;
    expect_refusal(ASSAY_OP_scores, &c, ASSAY_ERR_VALUE, "a scale that is no number");
}

Test(ops_check, unknown_tokens_are_refused)
{
    assay_call c = make_call(ASSAY_OP_embedding, &plain, NORMAL);
    const int32_t ids[][2] = { { 0, 7 }, { -1, 0 }, { 0, INT32_MIN } };
    for (size_t i = 0; i < 3; i++) {
        c.ids = ids[i];
        expect_refusal(ASSAY_OP_embedding, &c, ASSAY_ERR_VALUE, "a token outside the table");
    }
    c.ids = NULL;
    expect_refusal(ASSAY_OP_embedding, &c, ASSAY_ERR_SHAPE, "no tokens");
}

/* ---- special values ---- */

static double special(size_t i)
{
    const double list[] = { NAN, INFINITY, -INFINITY, -0.0, 0.0, 0x1p1023, -0x1p-1074, 1 };
    return list[i % 8];
}

/* The backends' NaN is the canonical one, and NaN and infinities bound nothing. */
Test(ops_check, specials_reach_the_output)
{
    for (int op = 1; op < ASSAY_OP_COUNT; op++)
        for (size_t k = 0; k < 8; k++) {
            assay_call c = make_call((assay_op_id)op, &plain, NORMAL);
            assay_policy policy = assay_policy_reference();
            c.in[0].hi[0] = special(k);
            assay_matrix out = run_new((assay_op_id)op, &c, &policy, RUN);
            c.out = out;
            assay_matrix bound = run_new((assay_op_id)op, &c, &policy, BOUND);
            bool nan = false;
            for (size_t i = 0; i < out.rows; i++)
                for (size_t j = 0; j < out.cols; j++) {
                    double y = out.hi[i * out.ld + j], e = bound.hi[i * bound.ld + j];
                    nan |= y != y;
                    cr_expect(y == y || assay_bits64(y) == 0x7ff8000000000000, "NaN");
                    cr_expect(e >= 0 && (y == y || e == INFINITY), "%s: bound %g of %g",
                              assay_op_row((size_t)op)->name, e, y);
                }
            cr_expect(nan || k > 0, "%s drops a NaN", assay_op_row((size_t)op)->name);
        }
}

static double apply(assay_op_id op, const assay_policy *policy, double x, double y)
{
    assay_call c = { .policy = policy };
    double out = 77;
    c.in[0] = (assay_matrix){ &x, NULL, 1, 1, 1 };
    c.in[1] = (assay_matrix){ &y, NULL, 1, 1, 1 };
    c.out = (assay_matrix){ &out, NULL, 1, 1, 1 };
    _Alignas(64) unsigned char workspace[256];
    cr_assert_leq(assay_op_row(op)->workspace(&c), sizeof workspace);
    c.workspace = workspace;
    assay_op_row(op)->run(&c);
    return out;
}

/* IEEE 754-2019, 6.3, and one rounding where two would differ. */
Test(ops_check, steps_are_ieee_operations)
{
    policy_row row = { "binary64", "binary64", "binary64", "binary32", NULL, "rne", "spec" };
    const struct {
        const char *acc;
        assay_op_id op;
        double x, y, want;
    } cases[] = {
        { "binary32", ASSAY_OP_add, 1, -1, 0.0 },
        { "binary32:round=rdn", ASSAY_OP_add, 1, -1, -0.0 },
        { "binary32", ASSAY_OP_add, -0.0, -0.0, -0.0 },
        { "binary32:round=rtz", ASSAY_OP_add, 1, -0x1p-90, 0x1.fffffep-1 },
        { "binary32:round=rup", ASSAY_OP_add, 1, 0x1p-1074, 0x1.000002p0 },
        { "binary32", ASSAY_OP_add, 1, 0x1p-24 * (1 + 0x1p-40), 0x1.000002p0 },
        { "binary32", ASSAY_OP_multiply, 0x1.000001p0, 0x1.0000000000001p0, 0x1.000002p0 },
        { "binary64:round=rtz", ASSAY_OP_add, 1, -0x1p-90, 0x1.fffffffffffffp-1 },
        { "binary64:round=rup", ASSAY_OP_multiply, 0x1p-1000, 0x1p-1000, 0x1p-1074 },
        { "binary32", ASSAY_OP_multiply, -0x1p-100, 0x1p-100, -0.0 },
        { "binary32:round=rdn", ASSAY_OP_multiply, 0.0, 1, 0.0 },
        { "binary32:round=rtz", ASSAY_OP_add, 0x1p1023, 0x1p1023, 0x1.fffffep127 },
        { "binary32:round=rtz", ASSAY_OP_add, INFINITY, 1, INFINITY },
        { "binary32:overflow=sat", ASSAY_OP_multiply, 0x1p1000, -0x1p1000, -0x1.fffffep127 },
        { "binary32", ASSAY_OP_multiply, 0.0, INFINITY, NAN },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        row.acc = cases[i].acc;
        assay_policy policy = policy_of(&row);
        double got = apply(cases[i].op, &policy, cases[i].x, cases[i].y), want = cases[i].want;
        cr_expect(got != got ? want != want : assay_bits64(got) == assay_bits64(want),
                  "case %zu: %a, not %a", i, got, want);
    }
}

/* x = q b + 2^-75 with q = 1 + 2^-23: only what 64 bits of the quotient leave out moves it off q.
 */
Test(ops_check, quotients_keep_what_64_bits_leave_out)
{
    policy_row row = {
        "binary64", "binary64", "binary64", "binary32:round=rup", NULL, "rne", "spec"
    };
    const double k = 0x1p23, b = 1 + (k - 1) * 0x1p-52, x = 1 + 0x1p-23 + k * 0x1p-52;
    assay_policy policy = policy_of(&row);
    step s = step_of(&policy);
    cr_expect_eq(step_divide(&s, x, b), 1 + 0x1p-22);
    cr_expect_eq(step_divide(&s, -x, b), -(1 + 0x1p-23));
    cr_expect_eq(step_divide(&s, 0x1p-1000, 0x1p1000), 0x1p-149);
    cr_expect_eq(step_divide(&s, 6, 3), 2);
    cr_expect_eq(step_divide(&s, 1, 0.0), INFINITY);
}

/* 1 + eps lies beyond a tie of bfloat16, 1 + RND(eps) on it. */
Test(ops_check, constants_are_rounded_before_they_are_used)
{
    policy_row row = { "binary64", "binary64", "binary64", "bfloat16", NULL, "rne", "spec" };
    assay_policy policy = policy_of(&row);
    double x = 1, gain = 1, y = 0;
    _Alignas(64) unsigned char workspace[256];
    assay_call c = { .policy = &policy, .eps = 0x1p-8 * (1 + 0x1p-9), .workspace = workspace };
    c.in[0] = (assay_matrix){ &x, NULL, 1, 1, 1 };
    c.weight[0] = (assay_parameter){ &gain, ASSAY_STORAGE_F64, 1, 1 };
    c.out = (assay_matrix){ &y, NULL, 1, 1, 1 };
    assay_op_row(ASSAY_OP_rmsnorm)->run(&c);
    cr_expect_eq(y, 1, "%a", y);
}

/* A sum in the steps' format where the reference would round twice. */
Test(ops_check, exact_rounds_once_into_the_output)
{
    policy_row row = { "binary64", "binary64", "binary16", "exact", NULL, "rne", "spec" };
    assay_policy policy = policy_of(&row);
    const double x[] = { 1, 0x1p-11, 0x1p-70 }; /* a tie of binary16, and a little more */
    double p[3], v[3], out = 0;
    memcpy(p, x, sizeof p);
    for (size_t i = 0; i < 3; i++)
        v[i] = 1;
    assay_call c = { .heads = 1, .kv_heads = 1, .head_dim = 1, .past = 2 };
    c.in[0] = (assay_matrix){ p, NULL, 1, 3, 3 };
    c.in[1] = (assay_matrix){ v, NULL, 3, 1, 1 };
    c.out = (assay_matrix){ &out, NULL, 1, 1, 1 };
    c.policy = &policy;
    void *workspace =
        aligned_alloc(64, (assay_op_row(ASSAY_OP_context)->workspace(&c) + 63) / 64 * 64);
    c.workspace = workspace;
    assay_op_row(ASSAY_OP_context)->run(&c);
    cr_expect_eq(out, 1 + 0x1p-10, "context: %a", out);
    double bias = 0x1p-70;
    assay_call d = { .policy = &policy, .workspace = workspace };
    d.in[0] = (assay_matrix){ p, NULL, 1, 2, 2 };
    d.weight[0] = (assay_parameter){ v, ASSAY_STORAGE_F64, 1, 2 };
    d.weight[1] = (assay_parameter){ &bias, ASSAY_STORAGE_F64, 1, 1 };
    d.out = c.out;
    free(workspace);
    d.workspace = workspace =
        aligned_alloc(64, (assay_op_row(ASSAY_OP_linear)->workspace(&d) + 63) / 64 * 64);
    assay_op_row(ASSAY_OP_linear)->run(&d);
    cr_expect_eq(out, 1 + 0x1p-10, "linear: %a", out);
    free(workspace);
}

/* ---- Lipschitz constants ---- */

/* The constant that the bound of an activation uses: bound / (error of its input). */
static double constant_of(assay_op_id op)
{
    policy_row row = { "bfloat16", "binary64", "binary64", "reference", NULL, "rne", "spec" };
    assay_policy policy = policy_of(&row);
    double x = 3, y = 3, e = 0, dx;
    assay_call c = { .policy = &policy };
    c.in[0] = (assay_matrix){ &x, NULL, 1, 1, 1 };
    c.out = (assay_matrix){ &y, NULL, 1, 1, 1 };
    assay_op_row(op)->bound(&c, (assay_matrix){ &e, NULL, 1, 1, 1 });
    assay_scheme_bound(&policy.in, &x, &dx, 1);
    return e / dx;
}

/* No difference quotient of neighbours exceeds the largest slope, and on a grid this fine the
 * largest quotient is within 1e-6 of it. */
Test(ops_check, lipschitz_constants_hold)
{
    const struct {
        assay_op_id op;
        double (*f)(double);
    } rows[] = { { ASSAY_OP_silu, assay_silu },
                 { ASSAY_OP_gelu, assay_gelu_erf },
                 { ASSAY_OP_gelu_tanh, assay_gelu_tanh } };
    const double h = 0x1p-10;
    for (size_t r = 0; r < 3; r++) {
        double most = 0;
        for (double x = -40; x < 40; x += h)
            most = fmax(most, fabs(rows[r].f(x + h) - rows[r].f(x)) / h);
        double constant = constant_of(rows[r].op);
        cr_expect(most <= constant && constant < most + 0.002, "%s: slope %.9g, constant %.9g",
                  assay_op_row(rows[r].op)->name, most, constant);
    }
    double relu = constant_of(ASSAY_OP_relu);
    cr_expect(relu >= 1 && relu < 1.0001, "relu: %.9g", relu);
}

Test(ops_check, backends_are_found_by_name)
{
    const assay_backend *backend = NULL;
    cr_assert_eq(assay_backend_find("wide", &backend), ASSAY_OK);
    cr_expect_eq(backend->planes, 2);
    cr_expect_eq(assay_backend_find("none", &backend), ASSAY_ERR_USAGE);
    cr_expect_eq(backend->planes, 2);
    for (size_t i = 0; i < assay_backend_count(); i++) {
        backend = assay_backend_row(i);
        for (int op = 0; op < ASSAY_OP_COUNT; op++)
            cr_expect(backend->run[op], "%s has no %s", backend->name,
                      assay_op_row((size_t)op)->name);
        cr_expect(strstr(assay_last_error(), backend->name), "%s", assay_last_error());
    }
}
