/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds of sums where nothing else errs: operands belong to the accumulator's formats, the output
 * is binary64, and sums of their products are exact in binary64 or __float128. */
#include "tests/kernels/ops_test.h"

enum { M = 3, N = 5, MOST_K = 192 };

static double x[M * MOST_K], w[N * MOST_K], y[M * N], e[M * N], reference[M * N];

/* Of one sign, or of both with small or large spread; and products that are cut off just below
 * the last bit that is kept: beside a 1, and beside a subnormal times the largest value, which is
 * aligned as if it were normal. */
enum { ONE_SIGN, NARROW, SPREAD, BELOW_ONE, BELOW_SUBNORMAL, KINDS };

static double value_of(const assay_accumulator *acc, int side, int kind, size_t k)
{
    const assay_format *a = &acc->operand[0].format, *b = &acc->operand[1].format;
    int F = acc->unit.F, half = (F + 1) / 2, spread = kind == NARROW ? 1 : 12;
    double v = ldexp(1 + fabs(uniform()), (int)(draw() % (uint64_t)spread) - spread / 2);
    if (kind == NARROW || kind == SPREAD)
        v = draw() % 2 ? v : -v;
    if (kind == BELOW_ONE)
        v = k == 0 ? 1 : side ? ldexp(1, half - F - 1) : ldexp(1.75, -half);
    if (kind == BELOW_SUBNORMAL && side == 0)
        v = k == 0 ? a->min_normal / 4 : 1.75 * a->min_normal;
    if (kind == BELOW_SUBNORMAL && side == 1)
        v = k == 0 ? b->max : ldexp(1, b->emax - F - 1);
    return assay_round(&acc->operand[side], v);
}

static void run_linear(const assay_policy *policy, size_t k, bool runs, double *out)
{
    const assay_op *linear = assay_op_row(ASSAY_OP_linear);
    assay_call c = { .policy = policy };
    c.in[0] = (assay_matrix){ x, NULL, M, k, k };
    c.weight[0] = (assay_parameter){ w, ASSAY_STORAGE_F64, N, k };
    c.out = (assay_matrix){ out, NULL, M, N, N };
    cr_assert_eq(linear->check(&c), ASSAY_OK);
    c.workspace = aligned_alloc(64, (linear->workspace(&c) + 63) / 64 * 64);
    if (runs) {
        linear->run(&c);
    } else { /* out has the reference's result */
        assay_matrix bound = { e, NULL, M, N, N };
        linear->bound(&c, bound);
    }
    free(c.workspace);
}

/* The largest error over its bound; what exceeds it is counted. */
static double compare(const assay_policy *policy, size_t k, size_t *beyond)
{
    assay_policy plain = assay_policy_reference();
    double most = 0;
    run_linear(&plain, k, true, reference);
    run_linear(policy, k, true, y);
    memcpy(e, reference, sizeof e);
    run_linear(policy, k, false, reference);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++) {
            __float128 sum = 0;
            for (size_t p = 0; p < k; p++)
                sum += (__float128)x[i * k + p] * w[j * k + p];
            __float128 error = y[i * N + j] - sum;
            double size = (double)(error < 0 ? -error : error);
            *beyond += size <= e[i * N + j] ? 0 : 1;
            most = fmax(most, size / e[i * N + j]);
        }
    return most;
}

static double compare_unit(const char *text, size_t k, int kind, size_t *beyond)
{
    assay_policy policy = assay_policy_reference();
    cr_assert_eq(assay_accumulator_parse(text, &policy.acc), ASSAY_OK, "%s", assay_last_error());
    for (size_t i = 0; i < M * k; i++)
        x[i] = value_of(&policy.acc, 0, kind, i % k);
    for (size_t i = 0; i < N * k; i++)
        w[i] = value_of(&policy.acc, 1, kind, i % k);
    return compare(&policy, k, beyond);
}

Test(bound_sum, units_err_by_no_more)
{
    static const char *const units[] = {
        "ada.mma.f32.e4m3.e4m3",
        "hopper.wgmma.f32.e4m3.e4m3",
        "hopper.wgmma.f32.e4m3.e4m3:promote=64",
        "hopper.wgmma.f32.e4m3.e4m3:F=6",
        "hopper.mma.f32.e4m3.e4m3:F=14",
        "hopper.mma.f32.f16.f16",
        "turing.mma.f16.f16.f16",
        "hopper.mma.f32.bf16.bf16:split=3,merge=serial,rounded=bf16",
        "cdna3.mfma.f32.bf16.bf16",
        "cdna3.mfma.f32.e4m3fnuz.e4m3fnuz:F=10,F2=12",
        "cdna1.mfma.f32.f16.f16",
        "cdna2.mfma.f32.f16.f16",
        "avx512.vdpbf16ps",
    };
    for (size_t r = 0; r < sizeof units / sizeof units[0]; r++) {
        size_t beyond = 0;
        double most = 0;
        for (int kind = 0; kind < KINDS; kind++)
            for (size_t k = 16; k <= MOST_K; k += 44)
                most = fmax(most, compare_unit(units[r], k, kind, &beyond));
        cr_expect_eq(beyond, 0, "%s: %zu sums, by up to %g", units[r], beyond, most);
        cr_expect_geq(most, 1e-3, "%s: bounds are %g times the errors", units[r], 1 / most);
        printf("%-60s error / bound up to %.5f\n", units[r], most);
    }
}

/* Numbers of 12 bits, so that sums are exact; or such that a chain's roundings all go one way: a 1
 * and what is just more than half of its last place, or just less than all of it. */
enum { SIGNED, SIGNED_WIDE, POSITIVE, ABOVE_HALF, BELOW_ULP, TERM_KINDS };

static void fill_terms(int kind, int bits, size_t k, double *to, size_t n, bool second)
{
    for (size_t i = 0; i < n * k; i++) {
        double v = ldexp(rint(2048 * (1 + fabs(uniform()))), -11);
        v = ldexp(v, kind == SIGNED_WIDE ? (int)(draw() % 12) - 6 : 0);
        v = kind <= SIGNED_WIDE && draw() % 2 ? -v : v;
        if (kind >= ABOVE_HALF && i % k > 0)
            v = second ? 1 : ldexp(kind == ABOVE_HALF ? 1.0625 : 1.9375, -bits);
        to[i] = kind >= ABOVE_HALF && i % k == 0 ? 1 : v;
    }
}

Test(bound_sum, other_sums_err_by_no_more)
{
    static const struct {
        const char *text;
        int bits;     /* of F */
        double least; /* error over bound, at least once */
    } rows[] = {
        { "bfloat16:step", 8, 0.2 },
        { "bfloat16:unfused,round=rtz", 8, 0.2 },
        { "bfloat16:pairwise", 8, 0.05 },
        { "bfloat16:block=16", 8, 0.05 },
        { "bfloat16:kahan", 8, 0.1 },
        { "bfloat16:kahan,round=rtz", 8, 0.1 },
        { "binary32:kahan,round=rup", 24, 0.1 },
        { "bfloat16:step,ef=yes", 8, 0.1 },
        { "bfloat16:unfused,round=rdn,ef=yes", 8, 0.1 },
        { "bfloat16:block=16,ef=yes,residue=e5m2", 8, 0.02 },
        { "bfloat16:step,ef=yes,residue=[float:e=8,m=1]", 8, 0.02 },
        { "bf16x9", 24, 0.01 },
        { "ozaki:slices=2", 14, 0.01 },
        { "ozaki:slices=5", 35, 0.001 },
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        assay_policy policy = assay_policy_reference();
        size_t beyond = 0;
        double most = 0;
        policy.in = policy.weight = scheme_of("binary32", "rne", "spec");
        cr_assert_eq(assay_accumulator_parse(rows[r].text, &policy.acc), ASSAY_OK, "%s",
                     assay_last_error());
        for (int kind = 0; kind < TERM_KINDS; kind++)
            for (size_t k = 1; k <= MOST_K; k += k < 4 ? 1 : 47) {
                fill_terms(kind, rows[r].bits, k, x, M, false);
                fill_terms(kind, rows[r].bits, k, w, N, true);
                double ratio = compare(&policy, k, &beyond);
                most = ratio > most ? ratio : most;
            }
        cr_expect_eq(beyond, 0, "%s: %zu sums, by up to %g", rows[r].text, beyond, most);
        cr_expect_geq(most, rows[r].least, "%s: bounds are %g times the errors", rows[r].text,
                      1 / most);
        printf("%-60s error / bound up to %.5f\n", rows[r].text, most);
    }
}
