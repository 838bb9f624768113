/* SPDX-License-Identifier: Apache-2.0 */
/* What operations give, by MPFR: the result towards zero with one bit more for what is cut off,
 * which serves every mode. */
#ifndef ASSAY_TESTS_ROUNDING_OPERATION_ORACLE_H
#define ASSAY_TESTS_ROUNDING_OPERATION_ORACLE_H

#include <criterion/criterion.h>
#include <math.h>

#include <mpfr.h>

#include "../support/oracle.h"
#include "../support/points.h"
#include "audit/verify_operation.h"
#include "numerics/bits.h"
#include "rounding/operation.h"

enum { ORACLE_BITS = 192 };

/* As a binary64 rounded to odd: no boundary of 51 bits lies between the two. */
static inline double oracle_odd(mpfr_srcptr x)
{
    double y = mpfr_get_d(x, MPFR_RNDZ);
    if (mpfr_nan_p(x) || mpfr_inf_p(x) || mpfr_cmp_d(x, y) == 0)
        return y;
    return assay_from_bits64(assay_bits64(y) | (uint64_t)mpfr_signbit(x) << 63 | 1);
}

/* A pole or a division by zero in formats where that is NaN. */
static inline bool oracle_is_nan(const assay_operator *op, const mpfr_t *x, mpfr_srcptr r)
{
    assay_operation_id id = op->operation->id;
    assay_law law = op->rounder.format.law;
    bool pole = mpfr_inf_p(r) && law == ASSAY_LAW_SATURATE;
    bool division =
        (id == ASSAY_OPERATION_DIV && mpfr_zero_p(x[1])) ||
        ((id == ASSAY_OPERATION_RECIPROCAL || id == ASSAY_OPERATION_RSQRT) && mpfr_zero_p(x[0]));
    return pole || (law == ASSAY_LAW_P3109 && division);
}

typedef struct oracle_case {
    mpfr_t x[ASSAY_OPERANDS_MOST], r, scratch;
    bool down; /* a zero that is -0 under rdn */
} oracle_case;

static inline void oracle_open(oracle_case *c)
{
    for (int i = 0; i < ASSAY_OPERANDS_MOST; i++)
        mpfr_init2(c->x[i], 64);
    mpfr_init2(c->r, ORACLE_BITS);
    mpfr_init2(c->scratch, ORACLE_BITS);
}

static inline void oracle_close(oracle_case *c)
{
    for (int i = 0; i < ASSAY_OPERANDS_MOST; i++)
        mpfr_clear(c->x[i]);
    mpfr_clears(c->r, c->scratch, (mpfr_ptr)NULL);
    mpfr_free_cache();
}

/* c->r of the operands' values, which binary64 holds. */
static inline void oracle_evaluate(oracle_case *c, const assay_operator *op, const uint64_t *codes)
{
    assay_operation_id id = op->operation->id;
    for (int i = 0; i < op->operation->arity; i++)
        mpfr_set_d(c->x[i], assay_decode(op->operands[i], codes[i]), MPFR_RNDN);
    mpfr_set_prec(c->r, ORACLE_BITS);
    assay_verify_apply(id, c->r, c->x);
    if (oracle_is_nan(op, (const mpfr_t *)c->x, c->r))
        mpfr_set_nan(c->r);
    c->down = mpfr_zero_p(c->r) && assay_verify_is_negative_down(id, c->scratch, c->x);
}

static inline bool oracle_knows(const assay_rounder *r)
{
    return r->format.kind == ASSAY_FAMILY_FLOAT && r->format.law == ASSAY_LAW_GENERAL &&
           r->format.has_zero;
}

static inline uint64_t oracle_expected(const oracle_case *c, const assay_rounder *r)
{
    bool down = c->down && mpfr_zero_p(c->r) && r->mode == ASSAY_RDN;
    if (!oracle_knows(r)) {
        double x = down ? -0.0 : oracle_odd(c->r);
        return assay_round_code(r, x);
    }
    oracle_place place = oracle_locate(&r->format, c->r);
    place.negative |= down;
    return oracle_code(&r->format, &place, r->mode, r->overflow, ASSAY_NAN_RULE_DEFAULT);
}

/* All modes of one operand tuple; the count of wrong ones. */
static inline size_t oracle_check(oracle_case *c, assay_operator *ops, const uint64_t *codes)
{
    size_t wrong = 0;
    const assay_random none = { 0 };
    oracle_evaluate(c, &ops[0], codes);
    for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {
        uint64_t want = oracle_expected(c, &ops[mode].rounder), got = ~want;
        assay_status status = assay_operate(&ops[mode], &none, 0, codes, &got);
        if (status == ASSAY_OK && got == want)
            continue;
        if (wrong++ == 0)
            cr_log_error("%s %s into %s, %s: codes %llx %llx %llx give %llx, not %llx %s",
                         ops[mode].operation->name, ops[mode].operands[0]->name,
                         ops[mode].rounder.format.name, assay_mode_name((assay_mode)mode),
                         (unsigned long long)codes[0], (unsigned long long)codes[1],
                         (unsigned long long)codes[2], (unsigned long long)got,
                         (unsigned long long)want, status == ASSAY_OK ? "" : assay_last_error());
    }
    return wrong;
}

/* One operator per mode, spec. */
static inline void oracle_operators(const char *name, const assay_format *operands,
                                    const assay_format *result, assay_operator *ops)
{
    const assay_format *const all[] = { operands, operands, operands };
    const assay_operation *operation = assay_operation_find(name);
    cr_assert(operation, "%s", assay_last_error());
    for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++) {
        assay_rounder r;
        cr_assert_eq(assay_rounder_make(result, (assay_mode)mode, ASSAY_OVERFLOW_SPEC,
                                        ASSAY_NAN_RULE_DEFAULT, &r),
                     ASSAY_OK);
        cr_assert_eq(assay_operator_make(operation, &r, all, &ops[mode]), ASSAY_OK, "%s",
                     assay_last_error());
    }
}

static inline void oracle_format(const char *spec, assay_format *f)
{
    cr_assert_eq(assay_format_parse(spec, f), ASSAY_OK, "%s", assay_last_error());
}

/* Values that are binary64, so that MPFR has the operands. */
static inline bool oracle_rational(const assay_format *f)
{
    bool powers = f->kind == ASSAY_FAMILY_LOG && f->scale > 1;
    bool book = f->kind == ASSAY_FAMILY_CODEBOOK && strcmp(f->name, "bnb_fp4") == 0;
    return f->fits_binary64 && !powers && !book && !(f->kind == ASSAY_FAMILY_TAKUM && f->is_log);
}

#endif
