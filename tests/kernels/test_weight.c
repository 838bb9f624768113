/* SPDX-License-Identifier: Apache-2.0 */
/* Schemes of weights whose scales belong to more than one row: operations that quantize a part of a
 * parameter at a time give what they give on the whole of it, quantized at once. */
#include "tests/kernels/ops_test.h"
#include "tests/support/ops_oracle.h"

enum { ROWS = 7, WIDTH = 100, OUTPUTS = 70 };

static const assay_op_id takers[] = { ASSAY_OP_embedding, ASSAY_OP_linear, ASSAY_OP_rmsnorm,
                                      ASSAY_OP_layernorm };
enum { TAKERS = sizeof takers / sizeof takers[0] };

/* All of a parameter, quantized at once. */
static assay_parameter quantized(const assay_policy *policy, const assay_parameter *p)
{
    const assay_scheme *s = &policy->weight;
    const assay_random random = { .seed = policy->seed,
                                  .stream = policy->streams[ASSAY_ROLE_WEIGHT] };
    size_t n = p->rows * p->cols;
    double *x = (double *)take(n * sizeof *x);
    const assay_quantized out = { .values = x };
    for (size_t i = 0; i < n; i++)
        x[i] = ops_oracle_parameter(p, i);
    assay_tensor_scale whole =
        assay_scheme_tensor_scale(s, assay_scheme_amax(s, p->rows, p->cols, x));
    assay_scheme_quantize(s, &whole, p->rows, p->cols, x,
                          assay_mode_is_stochastic(s->element.mode) ? &random : NULL, 0, &out);
    return (assay_parameter){ x, ASSAY_STORAGE_F64, p->rows, p->cols };
}

static assay_policy exact_policy(void)
{
    assay_policy p = assay_policy_reference();
    cr_assert_eq(assay_accumulator_parse("exact", &p.acc), ASSAY_OK);
    p.seed = 11;
    p.streams[ASSAY_ROLE_WEIGHT] = 5;
    return p;
}

static void check_scheme(assay_op_id op, const assay_scheme *scheme, const shape *s,
                         const char *text)
{
    assay_call c = make_call(op, s, RANGE);
    assay_policy plain = exact_policy(), policy = plain;
    policy.weight = *scheme;
    cr_assert_eq(assay_policy_weigh(&policy, &c.weight[0]), ASSAY_OK);
    assay_call whole = c;
    whole.weight[0] = quantized(&policy, &c.weight[0]);
    assay_matrix want = run_new(op, &whole, &plain, RUN);
    assay_matrix got = run_new(op, &c, &policy, RUN);
    expect_equal(&got, &want, text);
    c.out = run_new(op, &c, &plain, RUN);
    assay_matrix bound = run_new(op, &c, &policy, BOUND);
    for (size_t i = 0; i < got.rows; i++)
        for (size_t j = 0; j < got.cols; j++) {
            double error = fabs(got.hi[i * got.ld + j] - c.out.hi[i * c.out.ld + j]);
            double e = bound.hi[i * bound.ld + j];
            cr_assert(error <= e, "%s of %s: error %a, bound %a", text,
                      assay_op_row((size_t)op)->name, error, e);
            cr_expect(assay_mode_is_stochastic(scheme->element.mode) || e < INFINITY, "%s", text);
        }
}

static void check_spec(const char *spec, assay_mode mode)
{
    assay_scheme s;
    if (assay_scheme_parse(spec, mode, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &s) !=
            ASSAY_OK ||
        s.nested > 0 || assay_scheme_reach(&s) != ASSAY_REACH_CALL)
        return;
    for (size_t op = 0; op < TAKERS; op++)
        for (int bias = 0; bias < 2; bias++) {
            const shape of = {
                ROWS,  0,       4,     2,    16,
                WIDTH, OUTPUTS, false, bias, bias ? ASSAY_STORAGE_F32 : ASSAY_STORAGE_BF16
            };
            check_scheme(takers[op], &s, &of, spec);
        }
}

Test(weight, parts_are_those_of_the_whole)
{
    for (size_t i = 0; i < assay_scheme_count(); i++) {
        check_spec(assay_scheme_name(i), ASSAY_RNE);
        check_spec(assay_scheme_name(i), ASSAY_SR);
    }
    check_spec("tile:elem=int8,rows=3,cols=7,zero=yes", ASSAY_RNE);
    check_spec("tensor:elem=e4m3,scale=binary32,rule=[percentile:p=99]", ASSAY_RAZ);
    check_spec("tensor:elem=e2m1,scale=e4m3,rule=46,tensor=multiplier", ASSAY_RNE);
    check_spec("tensor:elem=int4,scale=e8m0,rule=mse", ASSAY_RNE);
}

/* So many columns that a panel has 256 rows, made up to whole tiles. */
Test(weight, panels_begin_with_tiles)
{
    enum { K = 16500, N = 301 };
    static double w[N * K], q[N * K], x[K];
    const char *const specs[] = { "tile:elem=e4m3,rows=48,cols=48", "fp8_tensor" };
    for (size_t i = 0; i < N * K; i++)
        w[i] = element(RANGE, i);
    for (size_t i = 0; i < K; i++)
        x[i] = element(NORMAL, i);
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        assay_policy plain = exact_policy(), policy = plain;
        policy.weight = scheme_of(specs[i], "rne", "spec");
        assay_call c = { .in = { { x, NULL, 1, K, K } },
                         .weight = { { w, ASSAY_STORAGE_F64, N, K } } };
        cr_assert_eq(assay_policy_weigh(&policy, &c.weight[0]), ASSAY_OK);
        assay_tensor_scale t =
            assay_scheme_tensor_scale(&policy.weight, assay_scheme_amax(&policy.weight, N, K, w));
        assay_scheme_quantize(&policy.weight, &t, N, K, w, NULL, 0,
                              &(const assay_quantized){ .values = q });
        pool_used = 0;
        c.out = matrix(1, N, 1);
        assay_call whole = c;
        whole.weight[0].data = q;
        assay_matrix want = run_new(ASSAY_OP_linear, &whole, &plain, RUN);
        assay_matrix got = run_new(ASSAY_OP_linear, &c, &policy, RUN);
        expect_equal(&got, &want, specs[i]);
    }
}

/* What is not finite makes the one scale NaN, and blocks of it have no part in a tensor's scale. */
Test(weight, not_finite)
{
    double x[4 * 32];
    const assay_parameter p = { x, ASSAY_STORAGE_F64, 4, 32 };
    assay_policy policy = assay_policy_reference();
    for (size_t i = 0; i < 4 * 32; i++)
        x[i] = (double)(int)(i % 16);
    x[40] = INFINITY;
    x[41] = 1000;
    policy.weight = scheme_of("fp8_tensor", "rne", "spec");
    cr_assert_eq(assay_policy_weigh(&policy, &p), ASSAY_OK);
    cr_expect(policy.whole.fixed && policy.whole.scale == policy.weight.scale.format.nan_code);
    policy.weight = scheme_of("nvfp4", "rne", "spec");
    cr_assert_eq(assay_policy_weigh(&policy, &p), ASSAY_OK);
    cr_expect(!policy.whole.fixed && policy.whole.stored == 15.0F / 2688);
    policy.weight = scheme_of("mxfp4", "rne", "spec");
    cr_assert_eq(assay_policy_weigh(&policy, &p), ASSAY_OK);
    cr_expect(!policy.whole.fixed && policy.whole.stored == 1);
}
