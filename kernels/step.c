/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/step.h"

#include <math.h>
#include <string.h>

#include "kernels/exact_sum.h"
#include "kernels/product_kernels.h"
#include "rounding/array.h"

__extension__ typedef unsigned __int128 wide_uint;

static const double canonical_nan = __builtin_nan("");

assay_policy assay_policy_reference(void)
{
    assay_scheme identity = assay_scheme_identity();
    return (assay_policy){ .in = identity,
                           .weight = identity,
                           .out = identity,
                           .whole = assay_scheme_tensor_scale(&identity, 0),
                           .acc = assay_accumulator_reference(),
                           .operand = identity.element };
}

assay_status assay_policy_check_operand(const assay_policy *p, int side)
{
    return p->has_operand
               ? assay_accumulator_check_operand(&p->acc, side, &p->operand.format)
               : assay_accumulator_check_scheme(&p->acc, side, side ? &p->weight : &p->in);
}

bool assay_policy_is_scaled(const assay_policy *p)
{
    const assay_scheme *schemes[] = { &p->in, &p->weight };
    bool scaled = false, fields = false;
    for (int i = 0; i < 2; i++) {
        scaled |= schemes[i]->block > 0;
        fields |= schemes[i]->block > 0 && schemes[i]->hierarchy;
    }
    return scaled && !fields && !p->has_operand && p->acc.kind != ASSAY_SUM_EXACT;
}

step step_of(const assay_policy *policy)
{
    return (step){ .round = assay_fast_rounder_from(&policy->acc.round),
                   .native = policy->acc.kind == ASSAY_SUM_EXACT ||
                             policy->acc.kind == ASSAY_SUM_REFERENCE ||
                             assay_is_native(&policy->acc.round) };
}

static double rounded(const step *s, assay_exact x)
{
    const assay_rounder *r = &s->round.rounder;
    return assay_decode(&r->format, assay_round_exact(r, x));
}

/* Whether IEEE arithmetic gives a product or a quotient exactly: zero, infinity or NaN. */
static bool is_special(double a, double b)
{
    return a == 0 || b == 0 || a - a != 0 || b - b != 0;
}

/* Where binary64 has the exact result, that is what RND takes: the fast way, and the usual one,
 * as operands of at most 26 bits multiply without error. A sum of 0 has a sign to be found. */
double step_add(const step *s, double a, double b)
{
    double x = a + b;
    if (s->native || (x != 0 && assay_two_sum(a, b).lo == 0))
        return step_round(s, x);
    return rounded(s, assay_exact_fma(a, 1, b, s->round.mode));
}

double step_subtract(const step *s, double a, double b)
{
    return step_add(s, a, -b);
}

static bool is_moderate(double x)
{
    return fabs(x) >= 0x1p-450 && fabs(x) <= 0x1p450;
}

double step_multiply(const step *s, double a, double b)
{
    double p = a * b;
    bool exact = is_moderate(a) && is_moderate(b) && assay_two_prod(a, b).lo == 0;
    if (s->native || exact || is_special(a, b))
        return step_round(s, p);
    assay_exact x = assay_exact_from(a), y = assay_exact_from(b);
    wide_uint sig = (wide_uint)x.sig * y.sig; /* in [2^126, 2^128) */
    int up = sig >> 127 ? 0 : 1;
    sig <<= up;
    return rounded(s, (assay_exact){ .kind = ASSAY_FINITE,
                                     .negative = x.negative != y.negative,
                                     .sticky = (uint64_t)sig != 0,
                                     .exp = x.exp + y.exp + 64 - up,
                                     .sig = (uint64_t)(sig >> 64),
                                     .more = { (uint64_t)sig } });
}

double step_divide(const step *s, double a, double b)
{
    double q = a / b;
    if (s->native || is_special(a, b))
        return step_round(s, q);
    assay_exact x = assay_exact_from(a), y = assay_exact_from(b);
    int up = x.sig >= y.sig ? 63 : 64; /* so that the quotient has 64 bits */
    wide_uint dividend = (wide_uint)x.sig << up;
    return rounded(s, (assay_exact){ .kind = ASSAY_FINITE,
                                     .negative = x.negative != y.negative,
                                     .sticky = dividend % y.sig != 0,
                                     .exp = x.exp - y.exp - up,
                                     .sig = (uint64_t)(dividend / y.sig) });
}

assay_accumulator inner_sum(const assay_policy *policy)
{
    assay_accumulator acc = policy->acc;
    if (acc.kind == ASSAY_SUM_EXACT)
        acc.round = assay_scheme_identity().element;
    return acc;
}

assay_accumulator final_sum(const assay_policy *policy)
{
    assay_accumulator acc = inner_sum(policy);
    if (acc.kind == ASSAY_SUM_EXACT && policy->out.block == 0)
        acc.round = policy->out.element;
    return acc;
}

size_t product_bytes(const assay_policy *policy, size_t m, size_t n, size_t k)
{
    assay_accumulator reference = assay_accumulator_reference();
    return align64(larger(assay_product_workspace(&policy->acc, m, n, k),
                          assay_product_workspace(&reference, m, n, k)));
}

void round_operand(const assay_policy *policy, double *x, size_t n)
{
    if (policy->has_operand)
        assay_round_array_f64(&policy->operand, x, x, n);
}

assay_random random_of(const assay_policy *policy, assay_role role)
{
    return (assay_random){ .seed = policy->seed, .stream = policy->streams[role] };
}

/* n elements of a row, the first being element `first` of its array; y may be x. */
static void quantize(const assay_policy *policy, const assay_scheme *s, assay_role role,
                     uint64_t first, const double *x, double *y, size_t n)
{
    assay_random random = random_of(policy, role);
    if (assay_mode_is_stochastic(s->element.mode))
        assay_scheme_apply_random(s, &random, first, x, y, n);
    else if (!assay_scheme_is_identity(s))
        assay_scheme_apply(s, x, y, n);
    else if (x != y)
        memmove(y, x, n * sizeof *x);
}

void input_row(const assay_policy *policy, assay_role role, uint64_t first, const double *x,
               double *out, size_t n)
{
    quantize(policy, &policy->in, role, first, x, out, n);
    round_operand(policy, out, n);
}

assay_product_more more_of(const assay_policy *policy, uint64_t row, uint64_t column,
                           uint64_t columns)
{
    return (assay_product_more){ .random = random_of(policy, ASSAY_ROLE_OUT),
                                 .row = row,
                                 .column = column,
                                 .columns = columns };
}

void output_row(const assay_policy *policy, uint64_t first, double *y, size_t n)
{
    quantize(policy, &policy->out, ASSAY_ROLE_OUT, first, y, y, n);
    for (size_t j = 0; j < n; j++)
        y[j] = y[j] == y[j] ? y[j] : canonical_nan;
}

assay_status check_same_shape(const char *op, const assay_matrix *a, const assay_matrix *b)
{
    if (a->rows == b->rows && a->cols == b->cols)
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_SHAPE,
                      "%s: an operand is [%zu, %zu] where the output is [%zu, %zu]", op, a->rows,
                      a->cols, b->rows, b->cols);
}

assay_status check_vector(const char *op, const char *what, const assay_parameter *p, size_t cols)
{
    if (p->data && p->rows == 1 && p->cols == cols)
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_SHAPE, "%s: %s is [%zu, %zu], expected [%zu]", op, what, p->rows,
                      p->cols, cols);
}
