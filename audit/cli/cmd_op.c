/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/cli/hexfloat.h"
#include "audit/cli/input.h"
#include "audit/cli/options.h"
#include "audit/npy.h"
#include "numerics/bits.h"
#include "rounding/operation.h"

/* Elements at a time. */
enum { PIECE = 1 << 20 };

/* One run under way. */
typedef struct work {
    assay_operator op;
    assay_random random;
    cli_input inputs[ASSAY_OPERANDS_MOST];
    size_t row;                           /* elements that become one: 1, or the last axis */
    uint64_t *codes[ASSAY_OPERANDS_MOST]; /* [piece] */
    double *x;                            /* [piece] */
} work;

/* The bits that stand for a result in A's type; false if it does not hold it. */
static bool result_bits(const work *w, uint64_t code, uint64_t *bits)
{
    const assay_format *f = &w->op.rounder.format;
    const cli_input *a = &w->inputs[0];
    double value = assay_decode(f, code);
    if (!f->fits_binary64) {
        assay_exact x = assay_decode_exact(f, code);
        bool irrational = f->p == 53;
        if (irrational ? x.kind == ASSAY_FINITE && (value == 0 || isinf(value))
                       : !assay_exact_is_double(x))
            return false;
    }
    return cli_input_encode(a, value, bits);
}

/* A value of a format has at most 53 bits, so an integer that binary64 does not hold is none. */
static bool belongs(const cli_input *input, const assay_format *f, size_t i, double x,
                    uint64_t *code)
{
    if (cli_input_is_wide(input) && !assay_exact_is_double(cli_input_exact(input, i)))
        return false;
    return assay_encode_exact(f, x, code);
}

static assay_status refuse(const cli_input *input, size_t i, const char *what, const char *where)
{
    char text[CLI_HEXFLOAT_BYTES];
    double x;
    cli_input_read(input, i, 1, &x);
    assay_exact exact = assay_exact_from(x);
    if (cli_input_is_wide(input))
        exact = cli_input_exact(input, i);
    return assay_fail(ASSAY_ERR_VALUE, "%s: element %zu: %s %s %s", input->name, i,
                      cli_hexfloat_exact(exact, text), what, where);
}

/* The codes of n elements of each operand. */
static assay_status read_codes(work *w, size_t first, size_t n)
{
    for (int k = 0; k < w->op.operation->arity; k++) {
        const cli_input *input = &w->inputs[k];
        const assay_format *f = w->op.operands[k];
        size_t bad = n;
        cli_input_read(input, first, n, w->x);
#pragma omp parallel for reduction(min : bad) if (n > 4096)
        for (size_t i = 0; i < n; i++)
            if (!belongs(input, f, first + i, w->x[i], &w->codes[k][i]) && i < bad)
                bad = i;
        if (bad < n)
            return refuse(input, first + bad, "is no value of", f->name);
    }
    return ASSAY_OK;
}

/* The results of n elements over the first operand's codes, one per row. */
static assay_status operate(work *w, size_t first, size_t n, size_t *bad)
{
    const size_t rows = n / w->row;
    const uint64_t *const *codes = (const uint64_t *const *)w->codes;
    if (!w->op.operation->reduces)
        return assay_operate_codes(&w->op, &w->random, first, codes, w->codes[0], n, bad);
    size_t worst = rows;
#pragma omp parallel for schedule(dynamic) reduction(min : worst)
    for (size_t i = 0; i < rows; i++) {
        const uint64_t *row[2] = { codes[0] + i * w->row, w->codes[1] + i * w->row };
        assay_status status = assay_operate_reduce(&w->op, &w->random, first / w->row + i, row,
                                                   w->row, &w->codes[0][i * w->row]);
        if (status != ASSAY_OK && i < worst)
            worst = i;
    }
    *bad = worst;
    if (worst < rows) {
        const uint64_t *row[2] = { codes[0] + worst * w->row, w->codes[1] + worst * w->row };
        uint64_t code;
        return assay_operate_reduce(&w->op, &w->random, first / w->row + worst, row, w->row, &code);
    }
    for (size_t i = 1; i < rows; i++)
        w->codes[0][i] = w->codes[0][i * w->row];
    return ASSAY_OK;
}

static assay_status write_piece(work *w, size_t first, size_t n, FILE *stream)
{
    size_t rows = n / w->row, bad = rows, start = first / w->row;
    assay_status status = operate(w, first, n, &bad);
    size_t width = assay_dtypes[cli_input_out_dtype(&w->inputs[0])].bits / 8;
    unsigned char *bytes = (unsigned char *)w->x;
    if (status != ASSAY_OK && bad < rows) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "element %zu", start + bad);
        status = assay_fail_in(status, prefix);
        return assay_fail_in(status, w->inputs[0].name);
    }
    for (size_t i = 0; status == ASSAY_OK && i < rows; i++) {
        uint64_t bits;
        char text[CLI_HEXFLOAT_BYTES];
        if (!result_bits(w, w->codes[0][i], &bits))
            return assay_fail(ASSAY_ERR_VALUE,
                              "%s: element %zu: the result %s is no value of its type",
                              w->inputs[0].name, start + i,
                              cli_hexfloat_exact(
                                  assay_decode_exact(&w->op.rounder.format, w->codes[0][i]), text));
        memcpy(bytes + i * width, &bits, width);
    }
    if (status == ASSAY_OK && fwrite(bytes, width, rows, stream) != rows)
        status = assay_fail(ASSAY_ERR_IO, "cannot write: %s", strerror(errno));
    return status;
}

/* What an empty row sums up to. */
static assay_status write_empty(work *w, size_t rows, FILE *stream)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < rows && status == ASSAY_OK; i++) {
        uint64_t code = 0, bits = 0;
        status = assay_operate_reduce(&w->op, &w->random, i, NULL, 0, &code);
        size_t width = assay_dtypes[cli_input_out_dtype(&w->inputs[0])].bits / 8;
        if (status == ASSAY_OK && !result_bits(w, code, &bits))
            status = assay_fail(ASSAY_ERR_VALUE, "element %zu: an empty sum", i);
        if (status == ASSAY_OK && fwrite(&bits, width, 1, stream) != 1)
            status = assay_fail(ASSAY_ERR_IO, "cannot write: %s", strerror(errno));
    }
    return status;
}

static assay_status write_all(work *w, FILE *stream)
{
    const assay_array *a = &w->inputs[0].array;
    size_t piece = w->row > PIECE ? w->row : w->row > 0 ? PIECE / w->row * w->row : 1, rows = 1;
    size_t ndim = a->ndim - w->op.operation->reduces;
    for (size_t i = 0; i < ndim; i++)
        rows *= a->shape[i];
    assay_status status =
        assay_npy_write_header(stream, cli_input_out_dtype(&w->inputs[0]), ndim, a->shape);
    if (status == ASSAY_OK && w->row == 0)
        return write_empty(w, rows, stream);
    for (size_t at = 0, n; at < a->count && status == ASSAY_OK; at += n) {
        n = a->count - at < piece ? a->count - at : piece;
        status = read_codes(w, at, n);
        if (status == ASSAY_OK)
            status = write_piece(w, at, n, stream);
    }
    return status;
}

static assay_status write_file(work *w, const char *path)
{
    assay_output out;
    size_t piece = w->row > PIECE ? w->row : PIECE, arity = (size_t)w->op.operation->arity;
    if (w->inputs[0].array.count < piece)
        piece = w->inputs[0].array.count + 1;
    w->x = malloc(piece * sizeof *w->x);
    uint64_t *codes = malloc(arity * piece * sizeof *codes);
    for (size_t k = 0; codes && k < ASSAY_OPERANDS_MOST; k++)
        w->codes[k] = k < arity ? codes + k * piece : codes;
    assay_status status = w->x && codes ? assay_output_begin(path, &out)
                                        : assay_fail(ASSAY_ERR_MEMORY, "out of memory");
    if (status == ASSAY_OK) {
        status = write_all(w, out.stream);
        if (status == ASSAY_OK)
            status = assay_output_commit(&out);
        else
            assay_output_abort(&out);
        if (status == ASSAY_ERR_IO)
            status = assay_fail_in(status, path);
    }
    free(codes);
    free(w->x);
    return status;
}

static assay_status check_shapes(const work *w)
{
    const assay_array *a = &w->inputs[0].array;
    if (w->op.operation->reduces && a->ndim == 0)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: shape: %s needs an axis", w->inputs[0].name,
                          w->op.operation->name);
    for (int k = 1; k < w->op.operation->arity; k++) {
        const assay_array *b = &w->inputs[k].array;
        bool same = a->ndim == b->ndim;
        for (size_t i = 0; same && i < a->ndim; i++)
            same = a->shape[i] == b->shape[i];
        if (!same)
            return assay_fail(ASSAY_ERR_SHAPE, "%s: shape: not that of %s", w->inputs[k].name,
                              w->inputs[0].name);
    }
    return ASSAY_OK;
}

static int run_operation(const cli *run, work *w)
{
    int opened = 0, arity = w->op.operation->arity;
    assay_status status = ASSAY_OK;
    for (; opened < arity && status == ASSAY_OK; opened += status == ASSAY_OK)
        status = cli_input_open(run->operands[opened + 1], NULL, &w->inputs[opened]);
    if (status == ASSAY_OK)
        status = check_shapes(w);
    const assay_array *a = &w->inputs[0].array;
    w->row = status == ASSAY_OK && w->op.operation->reduces ? a->shape[a->ndim - 1] : 1;
    if (status == ASSAY_OK)
        status = write_file(w, run->operands[arity + 1]);
    while (opened > 0)
        cli_input_close(&w->inputs[--opened]);
    return status == ASSAY_OK ? CLI_DONE : cli_fail(run, status);
}

static int op(cli *run)
{
    assay_format format = { 0 }, operands = { 0 };
    assay_rounding round = { .mode = ASSAY_RNE };
    assay_overflow overflow = ASSAY_OVERFLOW_SPEC;
    assay_nan_rule nan = ASSAY_NAN_RULE_DEFAULT;
    uint64_t seed = 0, stream = 0;
    const cli_option options[] = { { "format", CLI_FORMAT, &format, 0, 0 },
                                   { "operands", CLI_FORMAT, &operands, 0, 0 },
                                   { "round", CLI_MODE, &round, 0, 0 },
                                   { "overflow", CLI_POLICY, &overflow, 0, 0 },
                                   { "nan", CLI_NAN, &nan, 0, 0 },
                                   { "seed", CLI_INTEGER, &seed, 0, UINT64_MAX },
                                   { "stream", CLI_INTEGER, &stream, 0, UINT32_MAX },
                                   { 0 } };
    int code = cli_parse(run, options, 3, 5);
    if (code != CLI_RUN)
        return code;
    const assay_operation *operation = assay_operation_find(run->operands[0]);
    if (!operation)
        return cli_fail(run, ASSAY_ERR_USAGE);
    if (run->count != (size_t)operation->arity + 2)
        return cli_usage_error(run, "%s takes %d operand%s and OUT.npy", operation->name,
                               operation->arity, operation->arity > 1 ? "s" : "");
    if (format.bits == 0)
        return cli_usage_error(run, "option --format is missing");
    if (round.feedback)
        return cli_usage_error(run, "option --round: an operation has no error feedback");
    const assay_format *from = operands.bits > 0 ? &operands : &format;
    const assay_format *const formats[ASSAY_OPERANDS_MOST] = { from, from, from };
    work w = { .random = { .seed = seed, .stream = (uint32_t)stream } };
    assay_rounder rounder;
    assay_status status = assay_rounder_make_for(&format, round, overflow, nan, &rounder);
    if (status == ASSAY_OK)
        status = assay_operator_make(operation, &rounder, formats, &w.op);
    return status == ASSAY_OK ? run_operation(run, &w) : cli_fail(run, status);
}

const cli_command cli_command_op = {
    .name = "op",
    .usage = "NAME A [B [C]] OUT.npy --format F [--operands G] [--round MODE] "
             "[--overflow POLICY] [--nan RULE] [--seed N] [--stream N]",
    .summary = "One correctly rounded operation on arrays",
    .help =
        "Elementwise, on arrays of equal shapes; dot and sum reduce the last axis exactly, with "
        "one\n"
        "rounding. Elements are values of F (or of G), else an error names the index. OUT has the\n"
        "results in A's type; one which that type does not hold is an error too.\n\n"
        "  copy neg abs add sub mul div fma remainder sqrt rsqrt reciprocal hypot\n"
        "  minimum maximum minimum_number maximum_number minimum_magnitude maximum_magnitude\n"
        "  minimum_magnitude_number maximum_magnitude_number   sum dot\n"
        "  exp exp2 expm1 log log2 log1p pow   sin cos tan asin acos atan atan2\n"
        "  sinpi cospi tanpi asinpi acospi atanpi atan2pi\n"
        "  sinh cosh tanh asinh acosh atanh   erf sigmoid silu gelu gelu_tanh softplus\n\n"
        "  --format F         format of the results, and of the operands\n"
        "  --operands G       format of the operands, if another\n"
        "  --round MODE       rounding mode, rne if absent; `assay formats --modes`\n"
        "  --overflow POLICY  overflow policy, spec if absent; `assay formats --policies`\n"
        "  --nan RULE         what NaN becomes where F has none: max, zero, negzero, error\n"
        "  --seed N           of the random bits of stochastic modes (Philox4x32-10); 0 if absent\n"
        "  --stream N         another stream of the same seed, below 2^32; 0 if absent\n",
    .run = op,
};
