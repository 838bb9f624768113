/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/codebook.h"
#include "rounding/operation_parts.h"

static const assay_operation operations[] = {
#define ASSAY_OPERATION(id, name, arity, reduces, text) \
    { name, text, arity, reduces, ASSAY_OPERATION_##id },
#include "rounding/operations.def"
#undef ASSAY_OPERATION
};

/* Attempts at a function, each with more precision than the one before. */
enum { LEVELS = 5 };

/* From so many on, binary64 arithmetic pays. */
enum { FEW = 32 };

const assay_operation *assay_operation_row(size_t i)
{
    return &operations[i];
}

const assay_operation *assay_operation_find(const char *name)
{
    char list[1024];
    size_t used = 0;
    for (size_t i = 0; i < ASSAY_OPERATION_COUNT; i++) {
        if (strcmp(operations[i].name, name) == 0)
            return &operations[i];
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? " " : "",
                                 operations[i].name);
    }
    (void)!assay_fail(ASSAY_ERR_USAGE, "operation '%.40s': not one of %s", name, list);
    return NULL;
}

static bool is_logarithmic(const assay_format *f)
{
    return f->kind == ASSAY_FAMILY_LOG || (f->kind == ASSAY_FAMILY_TAKUM && f->is_log);
}

/* Integers of operands stay below 2^64 with any divisor of a format beside them. */
static assay_status check_divisor(const assay_format *f)
{
    enum { MOST = 1 << 10 };
    if (assay_format_divisor(f) <= MOST)
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_USAGE, "%s: its values have denominators above %d", f->name, MOST);
}

/* Sums are made of binary64, or of powers whose exponents binary64 holds. */
static assay_status check_reduction(const assay_operator *op)
{
    const assay_format *f = op->operands[0], *g = op->operands[op->operation->arity - 1];
    for (int i = 0; i < op->operation->arity; i++)
        if (!op->operands[i]->fits_binary64)
            return assay_fail(ASSAY_ERR_USAGE, "%s of %s: its values go beyond binary64",
                              op->operation->name, op->operands[i]->name);
    bool powers = is_logarithmic(f) || is_logarithmic(g);
    if (powers && strcmp(f->name, g->name) != 0)
        return assay_fail(ASSAY_ERR_USAGE, "%s of %s and %s: a logarithmic format and another",
                          op->operation->name, f->name, g->name);
    if (powers && (f->emax > 500 || f->emin < -500))
        return assay_fail(ASSAY_ERR_USAGE, "%s of %s: exponents beyond 500", op->operation->name,
                          f->name);
    return ASSAY_OK;
}

assay_status assay_operator_make(const assay_operation *operation, const assay_rounder *rounder,
                                 const assay_format *const *operands, assay_operator *out)
{
    assay_operator op = { .operation = operation, .rounder = *rounder };
    op.divisor = assay_format_divisor(&rounder->format);
    assay_status status = check_divisor(&rounder->format);
    for (int i = 0; i < operation->arity && status == ASSAY_OK; i++) {
        op.operands[i] = operands[i];
        status = check_divisor(operands[i]);
    }
    if (status == ASSAY_OK && operation->reduces)
        status = check_reduction(&op);
    if (status == ASSAY_OK)
        *out = op;
    return status;
}

static assay_status round_result(const assay_operator *op, const assay_result *r,
                                 const assay_random *random, uint64_t index, uint64_t *code)
{
    bool nan = r->good == 0 && !r->failed && r->x.kind == ASSAY_NOT_A_NUMBER;
    if (nan && op->rounder.nan_is_error)
        return assay_fail(ASSAY_ERR_VALUE, "%s: the result is NaN, and %s has none",
                          op->operation->name, op->rounder.format.name);
    if (assay_result_round(op, r, random, index, code))
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_UNAVAILABLE, "%s: the result lies too near to a boundary of %s",
                      op->operation->name, op->rounder.format.name);
}

static bool is_exact(const assay_operation *operation)
{
    return operation->id < ASSAY_OPERATION_EXP;
}

assay_status assay_operate(const assay_operator *op, const assay_random *random, uint64_t index,
                           const uint64_t *codes, uint64_t *code)
{
    assay_operand x[ASSAY_OPERANDS_MOST];
    for (int i = 0; i < op->operation->arity; i++)
        x[i] = assay_operand_of(op->operands[i], codes[i]);
    bool exact = is_exact(op->operation);
    assay_status status = ASSAY_ERR_UNAVAILABLE;
    for (int level = 0; level < LEVELS && status == ASSAY_ERR_UNAVAILABLE; level++) {
        if (level == 1 && !assay_result_is_short(op))
            continue; /* 192 bits cannot tell */
        assay_result r;
        r.x = (assay_exact){ .kind = ASSAY_ZERO };
        r.d = 1;
        r.good = 0;
        r.failed = false;
        if (exact)
            assay_evaluate_exact(op, x, &r);
        else
            assay_evaluate_function(op, x, level, &r);
        status = round_result(op, &r, random, index, code);
        if (exact)
            break;
    }
    return status;
}

assay_status assay_operate_reduce(const assay_operator *op, const assay_random *random,
                                  uint64_t index, const uint64_t *const *codes, size_t n,
                                  uint64_t *code)
{
    assay_result r;
    r.x = (assay_exact){ .kind = ASSAY_ZERO };
    r.d = 1;
    r.good = 0;
    r.failed = false;
    assay_status status = n > 0 ? assay_evaluate_reduction(op, codes, n, &r) : ASSAY_OK;
    return status == ASSAY_OK ? round_result(op, &r, random, index, code) : status;
}

/* ---- arrays ---- */

/* What is done for each element; elements that share a table share its errors. */
typedef struct batch {
    const assay_operator *op;
    const assay_random *random;
    uint64_t first;
    const uint64_t *const *codes;
} batch;

static assay_status operate_one(const batch *b, size_t i, uint64_t *code)
{
    uint64_t own[ASSAY_OPERANDS_MOST] = { 0 };
    for (int k = 0; k < b->op->operation->arity; k++)
        own[k] = b->codes[k][i];
    assay_random random = *b->random;
    random.bits = random.bits ? random.bits - b->first : NULL;
    return assay_operate(b->op, &random, b->first + i, own, code);
}

/* By the definition, one by one. */
static assay_status operate_each(const batch *b, uint64_t *out, size_t n, size_t *bad)
{
    size_t worst = n;
#pragma omp parallel for schedule(dynamic, 256) reduction(min : worst) if (n > 1024)
    for (size_t i = 0; i < n; i++)
        if (operate_one(b, i, &out[i]) != ASSAY_OK && i < worst)
            worst = i;
    *bad = worst;
    return worst == n ? ASSAY_OK : ASSAY_ERR_VALUE;
}

assay_status assay_operate_codes(const assay_operator *op, const assay_random *random,
                                 uint64_t first, const uint64_t *const *codes, uint64_t *out,
                                 size_t n, size_t *bad)
{
    const batch b = { op, random, first, codes };
    bool fast = n >= FEW && assay_operate_is_fast(op);
    uint64_t code;
    assay_status status = ASSAY_OK;
    *bad = n;
    if (!assay_operate_table(op, codes, out, n, bad))
        status = fast ? assay_operate_fast(op, codes, out, n, bad) : operate_each(&b, out, n, bad);
    (void)status;
    return *bad < n ? operate_one(&b, *bad, &code) : ASSAY_OK; /* for its message */
}

static assay_status encode_all(const assay_format *f, const double *x, uint64_t *codes, size_t n,
                               int operand, size_t *bad)
{
    size_t worst = n;
#pragma omp parallel for reduction(min : worst) if (n > 1024)
    for (size_t i = 0; i < n; i++)
        if (!assay_encode_exact(f, x[i], &codes[i]) && i < worst)
            worst = i;
    *bad = worst;
    return worst == n ? ASSAY_OK
                      : assay_fail(ASSAY_ERR_VALUE, "operand %d: element %zu: %a is no value of %s",
                                   operand, worst, x[worst], f->name);
}

assay_status assay_operate_f64(const assay_operator *op, const assay_random *random, uint64_t first,
                               const double *const *x, double *y, size_t n, size_t *bad)
{
    int arity = op->operation->arity;
    uint64_t *codes[ASSAY_OPERANDS_MOST] = { malloc((size_t)arity * n * sizeof(uint64_t) + 1) };
    assay_status status = codes[0] ? ASSAY_OK : assay_fail(ASSAY_ERR_MEMORY, "no memory");
    *bad = n;
    for (int k = 0; k < arity && status == ASSAY_OK; k++) {
        codes[k] = codes[0] + (size_t)k * n;
        status = encode_all(op->operands[k], x[k], codes[k], n, k, bad);
    }
    if (status == ASSAY_OK)
        status = assay_operate_codes(op, random, first, (const uint64_t *const *)codes, codes[0], n,
                                     bad);
    for (size_t i = 0; status == ASSAY_OK && i < n; i++)
        y[i] = assay_decode(&op->rounder.format, codes[0][i]);
    free(codes[0]);
    return status;
}
