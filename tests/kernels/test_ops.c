/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation under every policy against the oracle, within its own bound. */
#include "tests/kernels/ops_test.h"
#include "tests/support/ops_oracle.h"

static const shape shapes[] = {
    { 3, 0, 4, 2, 6, 24, 7, false, false, ASSAY_STORAGE_F64 },
    { 1, 4, 3, 1, 5, 37, 50, true, true, ASSAY_STORAGE_BF16 },
    { 4, 3, 2, 2, 8, 33, 9, false, true, ASSAY_STORAGE_F16 },
    { 2, 1, 4, 1, 2, 1, 1, true, true, ASSAY_STORAGE_F32 },
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* What the oracle says of one call, element by element. */
enum { ELEMENTS = 1024 };
static mpfr_t values[ELEMENTS], error;
static double scales[ELEMENTS];

static void start(void)
{
    mpfr_init2(error, OPS_ORACLE_BITS);
    for (size_t i = 0; i < ELEMENTS; i++)
        mpfr_init2(values[i], OPS_ORACLE_BITS);
}

static void ask_oracle(assay_op_id op, const assay_call *c)
{
    cr_assert(c->out.rows * c->out.cols <= ELEMENTS);
    mpfr_t scale;
    mpfr_init2(scale, OPS_ORACLE_BITS);
    for (size_t i = 0; i < c->out.rows; i++)
        for (size_t j = 0; j < ops_oracle_columns(op, c, i); j++) {
            ops_oracle(op, c, i, j, values[i * c->out.cols + j], scale);
            scales[i * c->out.cols + j] = mpfr_get_d(scale, MPFR_RNDU);
        }
    mpfr_clear(scale);
}

/* |x - exact| rounded down: a bound that it exceeds is surely exceeded. */
static double distance(const assay_matrix *m, size_t i, size_t j)
{
    size_t at = i * m->ld + j;
    mpfr_set_d(error, m->hi[at], MPFR_RNDN);
    mpfr_sub(error, error, values[i * m->cols + j], MPFR_RNDN);
    if (m->lo && m->lo[at] == m->lo[at])
        mpfr_add_d(error, error, m->lo[at], MPFR_RNDN);
    mpfr_abs(error, error, MPFR_RNDN);
    return mpfr_get_d(error, MPFR_RNDD);
}

typedef struct results {
    assay_matrix reference, wide, emulated, own, bound;
} results;

static double at(const assay_matrix *m, size_t i, size_t j)
{
    return m->hi[i * m->ld + j];
}

static void check_element(const results *r, size_t i, size_t j, const char *text)
{
    double reference = distance(&r->reference, i, j), own = at(&r->own, i, j);
    double emulated = distance(&r->emulated, i, j), bound = at(&r->bound, i, j);
    cr_assert(own >= 0 && bound >= 0, "%s: (%zu, %zu): bounds %g, %g", text, i, j, own, bound);
    cr_assert(own < INFINITY, "%s: (%zu, %zu): the reference has no bound", text, i, j);
    cr_assert(reference <= own, "%s: (%zu, %zu): reference errs by %g, bound %g", text, i, j,
              reference, own);
    cr_assert(emulated <= bound || bound == INFINITY, "%s: (%zu, %zu): %a errs by %g, bound %g",
              text, i, j, at(&r->emulated, i, j), emulated, bound);
    double wide = distance(&r->wide, i, j);
    double allowed = 0x1p-95 * scales[i * r->wide.cols + j] + 0x1p-1040;
    cr_assert(wide <= allowed, "%s: (%zu, %zu): double-double errs by %g, allowed %g", text, i, j,
              wide, allowed);
}

/* Hidden scores are -inf, hidden probabilities 0, and their bounds 0. */
static void check_hidden(assay_op_id op, const results *r, size_t i, size_t j, const char *text)
{
    double hidden = op == ASSAY_OP_scores ? -INFINITY : 0;
    cr_assert(at(&r->reference, i, j) == hidden && at(&r->emulated, i, j) == hidden &&
                  at(&r->wide, i, j) == hidden && at(&r->bound, i, j) == 0,
              "%s: hidden (%zu, %zu)", text, i, j);
}

static size_t bounded[ALL_POLICIES], elements[ALL_POLICIES];

static void check_policy(assay_op_id op, assay_call *c, results *r, size_t p, const char *text)
{
    assay_policy policy;
    if (!any_policy(op, p, &policy))
        return;
    r->emulated = run_new(op, c, &policy, RUN);
    r->bound = run_new(op, c, &policy, BOUND);
    for (size_t i = 0; i < c->out.rows; i++) {
        size_t seen = ops_oracle_columns(op, c, i);
        for (size_t j = 0; j < seen; j++) {
            check_element(r, i, j, text);
            bounded[p] += at(&r->bound, i, j) < INFINITY;
            elements[p]++;
        }
        for (size_t j = seen; j < c->out.cols; j++)
            check_hidden(op, r, i, j, text);
    }
}

static void check_call(assay_op_id op, size_t s, data kind)
{
    char text[96];
    assay_call c = make_call(op, &shapes[s], kind);
    assay_policy reference = assay_policy_reference();
    c.policy = &reference;
    cr_assert_eq(assay_op_row(op)->check(&c), ASSAY_OK, "%s", assay_last_error());
    results r = { .reference = run_new(op, &c, &reference, RUN),
                  .wide = run_new(op, &c, &reference, WIDE) };
    c.out = r.reference;
    r.own = run_new(op, &c, &reference, BOUND);
    ask_oracle(op, &c);
    for (size_t p = 0; p < ALL_POLICIES; p++) {
        size_t used = pool_used;
        snprintf(text, sizeof text, "%s, policy %zu, shape %zu, data %d", assay_op_row(op)->name, p,
                 s, (int)kind);
        check_policy(op, &c, &r, p, text);
        pool_used = used;
    }
}

Test(ops, errors_stay_within_their_bounds, .init = start)
{
    for (int op = 0; op < ASSAY_OP_COUNT; op++)
        for (size_t s = 0; s < SHAPES; s++)
            for (int kind = 0; kind < DATA_COUNT; kind++)
                check_call((assay_op_id)op, s, (data)kind);
    for (size_t p = 0; p < ALL_POLICIES; p++)
        cr_expect(bounded[p] * 2 > elements[p], "policy %zu bounds %zu of %zu elements", p,
                  bounded[p], elements[p]);
}

/* The largest bound over the largest error of one call. */
static double looseness(assay_op_id op, const shape *s, const char *format)
{
    policy_row row = { format, format, format, "binary32", NULL, "rne", "spec" };
    assay_policy reference = assay_policy_reference(), policy = policy_of(&row);
    assay_call c = make_call(op, s, NORMAL);
    assay_matrix emulated = run_new(op, &c, &policy, RUN);
    c.out = run_new(op, &c, &reference, RUN);
    assay_matrix bound = run_new(op, &c, &policy, BOUND);
    ask_oracle(op, &c);
    double most = 0, errs = 0;
    for (size_t i = 0; i < c.out.rows; i++)
        for (size_t j = 0; j < ops_oracle_columns(op, &c, i); j++) {
            errs = fmax(errs, distance(&emulated, i, j));
            most = fmax(most, at(&bound, i, j));
        }
    return most / errs;
}

Test(ops, bounds_are_not_absurd, .init = start)
{
    const shape s = { 8, 0, 4, 2, 16, 64, 16, false, false, ASSAY_STORAGE_F32 };
    for (int op = 0; op < ASSAY_OP_COUNT; op++) {
        double single = looseness((assay_op_id)op, &s, "binary32");
        double half = looseness((assay_op_id)op, &s, "bfloat16");
        if (op == ASSAY_OP_embedding) /* binary32 tables in binary32: no error */
            single = half;
        double allowed = op == ASSAY_OP_softmax || op == ASSAY_OP_layernorm ? 2000 : 500;
        cr_expect(single >= 1 && single < allowed, "%s: binary32 bound / error = %g",
                  assay_op_row((size_t)op)->name, single);
        cr_expect(half >= 1 && half < allowed, "%s: bfloat16 bound / error = %g",
                  assay_op_row((size_t)op)->name, half);
    }
}
