/* SPDX-License-Identifier: Apache-2.0 */
/* Operations in binary32, rounded to odd, give what the definition gives: all pairs of operands
 * whose results are ties, subnormal, beyond the range, or near to that, in every instruction set.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "../support/points.h"
#include "numerics/cpu.h"
#include "rounding/operation.h"

enum { CODES = 160, PAIRS = CODES * CODES };

typedef struct operands {
    uint64_t codes[3][PAIRS], want[PAIRS], got[PAIRS];
    size_t n;
} operands;

/* Exponents at both ends, around that of 1, and where terms of a sum of 11 or 24 bits part; the
 * fractions with few bits, and with all. */
static size_t hard_codes(const assay_format *f, uint64_t *codes)
{
    const int64_t top = (int64_t)(f->max_code >> f->fraction_bits), one = f->bias;
    const int64_t fields[] = { 0, 1, one - 12, one - 1, one, one + 1, one + 11, top - 1, top };
    const uint64_t all = ((uint64_t)1 << f->fraction_bits) - 1, half = (all + 1) / 2;
    const uint64_t fractions[] = { 0, 1, half, half | 1, all - 1, all };
    const uint64_t special[] = { f->inf_code, f->nan_code, f->max_code };
    size_t n = 0;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        for (size_t k = 0; k < sizeof fractions / sizeof fractions[0]; k++)
            if (fields[i] >= 0 && fields[i] <= top)
                codes[n++] = (uint64_t)fields[i] << f->fraction_bits | fractions[k];
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        codes[n++] = special[i];
    for (size_t i = n; i-- > 0 && f->sign_bit;)
        codes[n++] = codes[i] ^ f->sign_bit;
    cr_assert(n <= CODES);
    return n;
}

static void fill(const assay_format *f, operands *x)
{
    uint64_t hard[CODES];
    const size_t count = hard_codes(f, hard);
    x->n = count * count;
    for (size_t i = 0; i < x->n; i++) {
        x->codes[0][i] = hard[i % count];
        x->codes[1][i] = hard[i / count];
        x->codes[2][i] = hard[points_random(i) % count];
    }
}

static void check(operands *x, const char *name, const assay_rounder *r, const assay_format *g)
{
    const uint64_t *const at[] = { x->codes[0], x->codes[1], x->codes[2] };
    const assay_format *const formats[] = { g, g, g };
    const assay_random none = { 0 };
    assay_operator op;
    size_t bad;
    cr_assert_eq(assay_operator_make(assay_operation_find(name), r, formats, &op), ASSAY_OK);
    for (size_t i = 0; i < x->n; i++) {
        const uint64_t own[] = { at[0][i], at[1][i], at[2][i] };
        cr_assert_eq(assay_operate(&op, &none, 0, own, &x->want[i]), ASSAY_OK);
    }
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        cr_assert_eq(assay_operate_codes(&op, &none, 0, at, x->got, x->n, &bad), ASSAY_OK);
        size_t i = 0;
        while (i < x->n && x->got[i] == x->want[i])
            i++;
        cr_expect_eq(i, x->n, "%s of %s into %s, %s, %s: %llx, not %llx: %llx %llx %llx", name,
                     g->name, r->format.name, assay_mode_name(r->mode),
                     assay_isa_name((assay_isa)isa), (unsigned long long)x->got[i % PAIRS],
                     (unsigned long long)x->want[i % PAIRS], (unsigned long long)at[0][i % PAIRS],
                     (unsigned long long)at[1][i % PAIRS], (unsigned long long)at[2][i % PAIRS]);
    }
}

/* Of 22 bits the last goes this way, of 23 it would be wrong. */
Test(operation_odd, hard_pairs_give_what_the_definition_gives)
{
    static const char *const specs[][2] = {
        { "binary16", "binary16" },
        { "bfloat16", "bfloat16" },
        { "bfloat16", "binary32" },
        { "binary16", "bfloat16" },
        { "float:e=8,m=21", "binary32" },
        { "float:e=8,m=22", "binary32" },
        { "float:e=5,m=10,inf=no,nan=none", "binary16" },
        { "float:e=6,m=10,sign=no", "float:e=6,m=9,inf=no,nan=ones" },
        { "float:e=5,m=10,subnormals=no,zero=unsigned,nan=negzero", "float:e=7,m=8" },
        { "float:e=8,m=7", "float:e=6,m=9,bias=127" },
        { "e4m3", "binary16" },
        { "binary16", "e5m2" },
    };
    static const char *const names[] = { "add", "sub", "mul", "div", "fma", "sqrt" };
    operands *x = malloc(sizeof *x);
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        const assay_format f = points_parse(specs[i][0]), g = points_parse(specs[i][1]);
        fill(&g, x);
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
            for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {
                const assay_overflow policy =
                    (assay_overflow)((i + k + (size_t)mode) % ASSAY_OVERFLOW_COUNT);
                assay_rounder r;
                if (assay_mode_is_stochastic((assay_mode)mode) ||
                    (i + 3 * k + (size_t)mode) % points_step(4) != 0)
                    continue;
                if (assay_rounder_make(&f, (assay_mode)mode, policy, ASSAY_NAN_RULE_DEFAULT, &r) !=
                    ASSAY_OK) /* without infinity or NaN */
                    r = points_rounder(specs[i][0], assay_mode_name((assay_mode)mode),
                                       ASSAY_OVERFLOW_SPEC);
                check(x, names[k], &r, &g);
            }
    }
    free(x);
}

/* Whichever way codes are read. */
Test(operation_odd, every_code_is_read)
{
    static const char *const specs[] = { "binary16",
                                         "bfloat16",
                                         "float:e=5,m=10,inf=no,nan=ones",
                                         "float:e=5,m=10,inf=no,nan=none",
                                         "e5m2",
                                         "float:e=5,m=10,sign=no",
                                         "float:e=6,m=9,bias=127" };
    operands *x = malloc(sizeof *x);
    for (size_t s = 0; s < sizeof specs / sizeof specs[0]; s++) {
        assay_rounder r = points_rounder(specs[s], "rne", ASSAY_OVERFLOW_SPEC);
        const assay_format *f = &r.format;
        const uint64_t one = (uint64_t)f->bias << f->fraction_bits;
        for (uint64_t first = 0; first < (uint64_t)1 << f->bits; first += PAIRS) {
            for (x->n = 0; x->n < PAIRS && first + x->n < (uint64_t)1 << f->bits; x->n++) {
                x->codes[0][x->n] = first + x->n;
                x->codes[1][x->n] = x->codes[2][x->n] = one;
            }
            check(x, "mul", &r, f);
        }
    }
    free(x);
}
