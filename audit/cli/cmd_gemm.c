/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit/cli/feedback.h"
#include "audit/cli/gemm_operand.h"
#include "audit/cli/hexfloat.h"
#include "audit/cli/options.h"
#include "audit/cli/progress.h"
#include "audit/npy.h"
#include "audit/recipe.h"
#include "rounding/array.h"

/* What the command line says. */
typedef struct request {
    const char *a, *b, *acc, *out, *c;
    assay_rounding round;
    assay_overflow overflow;
    uint64_t seed, stream;
} request;

/* One product under way. */
typedef struct gemm {
    const request *r;
    assay_policy policy; /* in: A, weight: B, out, acc, operand */
    cli_gemm_operand a, b;
    double *c, *out; /* [m, n] */
    void *workspace;
    assay_feedback_counts counts;
} gemm;

static assay_status read_schemes(const request *r, assay_policy *p)
{
    const assay_nan_rule nan = ASSAY_NAN_RULE_DEFAULT;
    assay_status status = assay_scheme_parse(r->a, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, nan, &p->in);
    if (status != ASSAY_OK)
        return assay_fail_in(status, "option --a");
    status = assay_scheme_parse(r->b, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, nan, &p->weight);
    if (status != ASSAY_OK)
        return assay_fail_in(status, "option --b");
    status = assay_scheme_parse_for(r->out, r->round, r->overflow, nan, &p->out);
    if (status == ASSAY_OK && !p->out.element.format.fits_binary64)
        status = assay_fail(ASSAY_ERR_USAGE, "binary64 does not hold all values of %s",
                            p->out.element.format.name);
    if (status != ASSAY_OK)
        return assay_fail_in(status, "option --out");
    if (p->out.nested > 0)
        return assay_fail(ASSAY_ERR_USAGE, "option --out: results have no nested scales");
    status = assay_recipe_acc(r->acc, ASSAY_RNE, p);
    if (status != ASSAY_OK)
        return assay_fail_in(status, "option --acc");
    status = assay_policy_check_operand(p, 0);
    if (status != ASSAY_OK)
        return assay_fail_in(status, "option --a");
    status = assay_policy_check_operand(p, 1);
    return status == ASSAY_OK ? status : assay_fail_in(status, "option --b");
}

/* ---- C ---- */

/* The format that C belongs to; false if any binary64 will do. */
static bool format_of_c(const assay_accumulator *acc, const assay_format **f)
{
    *f = &acc->round.format;
    return assay_accumulator_has_format(acc->kind) || acc->kind == ASSAY_SUM_BF16X9;
}

static assay_status check_c(const gemm *g, const cli_input *c)
{
    const assay_accumulator *acc = &g->policy.acc;
    bool integers = assay_accumulator_is_integer(acc);
    const assay_format *f;
    bool has = format_of_c(acc, &f);
    char text[CLI_HEXFLOAT_BYTES];
    for (size_t i = 0; i < c->array.count && (has || integers); i++) {
        uint64_t code;
        double x = g->c[i];
        bool whole = x >= -0x1p31 && x < 0x1p31 && (double)(int64_t)x == x;
        if (integers ? !whole : !assay_encode_exact(f, x, &code))
            return assay_fail(ASSAY_ERR_VALUE, "%s: element %zu: %s is no value of %s", c->name, i,
                              cli_hexfloat(x, text), integers ? "int32" : f->name);
    }
    return ASSAY_OK;
}

static assay_status load_c(gemm *g)
{
    cli_input c;
    size_t m = g->a.vectors, n = g->b.vectors;
    assay_status status = cli_input_open(g->r->c, NULL, &c);
    if (status != ASSAY_OK)
        return status;
    const assay_array *x = &c.array;
    if (x->ndim != 2 || x->shape[0] != m || x->shape[1] != n)
        status = assay_fail(ASSAY_ERR_SHAPE, "%s: shape: expected [%zu, %zu]", c.name, m, n);
    g->c = status == ASSAY_OK ? (double *)malloc((m * n + 1) * sizeof *g->c) : NULL;
    if (status == ASSAY_OK && !g->c)
        status = assay_fail(ASSAY_ERR_MEMORY, "%s: no memory", c.name);
    if (status == ASSAY_OK)
        status = cli_gemm_read(&c, g->c);
    if (status == ASSAY_OK)
        status = check_c(g, &c);
    cli_input_close(&c);
    return status;
}

/* ---- the product ---- */

static bool is_exact(const gemm *g)
{
    return g->policy.acc.kind == ASSAY_SUM_EXACT;
}

static assay_random random_of(const request *r)
{
    return (assay_random){ .seed = r->seed, .stream = (uint32_t)r->stream };
}

/* An exact sum is rounded once: into a scalar output, or for a scheme to odd into binary64, after
 * which the scheme's roundings are those of the sum itself. */
static assay_accumulator final_sum(const gemm *g)
{
    assay_accumulator acc = g->policy.acc;
    if (is_exact(g) && g->policy.out.block == 0)
        acc.round = g->policy.out.element;
    else if (is_exact(g))
        acc.round.mode = ASSAY_RODD;
    return acc;
}

/* Rows `row` .. `row` + m - 1, the first of a row of scales. */
static void multiply_rows(gemm *g, const assay_accumulator *acc, size_t row, size_t m)
{
    size_t n = g->b.vectors, k = g->a.k;
    assay_operand b = { g->b.x, ASSAY_STORAGE_F64, 1, k, NULL };
    assay_product_more more = { .c = g->c ? g->c + row * n : NULL,
                                .ldc = n,
                                .row = row,
                                .random = random_of(g->r),
                                .counts = &g->counts };
    const double *a = g->a.x + row * k;
    double *out = g->out + row * n;
    assay_scales scales = g->a.scales;
    if (scales.value)
        scales.value += row / scales.vectors * scales.ld;
    if (scales.value || g->b.scales.value)
        assay_product_scaled(acc, m, n, k, a, k, &scales, &b, &g->b.scales, &more, out, n,
                             g->workspace);
    else
        assay_product_with(acc, m, n, k, a, k, &b, &more, out, n, g->workspace);
}

/* A piece at a time, between which the progress is shown; a row of scales stays in one. */
static void multiply(const cli *run, gemm *g)
{
    enum { ROWS = 256 };
    cli_progress progress = cli_progress_begin(run);
    assay_accumulator acc = final_sum(g);
    size_t m = g->a.vectors, tile = g->a.scales.value ? g->a.scales.vectors : 1;
    size_t piece = (ROWS + tile - 1) / tile * tile;
    for (size_t row = 0; row < m; row += piece) {
        size_t rows = m - row < piece ? m - row : piece;
        multiply_rows(g, &acc, row, rows);
        cli_progress_draw(&progress, row + rows, m);
    }
    cli_progress_end(&progress);
}

/* What an exact sum into a scalar output has behind it already. */
static void round_output(gemm *g)
{
    const assay_scheme *s = &g->policy.out;
    size_t m = g->a.vectors, n = g->b.vectors;
    assay_random random = random_of(g->r);
    if (s->block == 0) {
        if (!is_exact(g))
            assay_round_random_f64(&s->element, &random, 0, g->out, g->out, m * n);
        return;
    }
    assay_quantized out = { .values = g->out };
    assay_tensor_scale tensor = assay_scheme_tensor_scale(s, assay_scheme_amax(s, m, n, g->out));
    if (m * n > 0)
        assay_scheme_quantize(s, &tensor, m, n, g->out,
                              assay_mode_is_stochastic(s->element.mode) ? &random : NULL, 0, &out);
}

/* ---- OUT ---- */

/* Values of block schemes are rounded once into OUT's type, as `assay cast` does. */
static assay_status encode(const gemm *g, unsigned char *bytes, size_t width)
{
    const cli_input *like = &g->a.input;
    assay_rounder into;
    bool rounds = g->policy.out.block > 0 && like->has_format;
    if (rounds && assay_rounder_make(&like->format, ASSAY_RNE, ASSAY_OVERFLOW_SPEC,
                                     ASSAY_NAN_RULE_DEFAULT, &into) != ASSAY_OK)
        return ASSAY_ERR_USAGE;
    for (size_t i = 0; i < g->a.vectors * g->b.vectors; i++) {
        char text[CLI_HEXFLOAT_BYTES];
        uint64_t bits;
        double x = rounds ? assay_round(&into, g->out[i]) : g->out[i];
        if (!cli_input_encode(like, x, &bits))
            return assay_fail(ASSAY_ERR_VALUE,
                              "%s: element %zu of the product: %s is no value of its type",
                              like->name, i, cli_hexfloat(x, text));
        memcpy(bytes + i * width, &bits, width);
    }
    return ASSAY_OK;
}

static assay_status write_out(const gemm *g, const char *path)
{
    const assay_dtype dtype = cli_input_out_dtype(&g->a.input);
    const size_t shape[] = { g->a.vectors, g->b.vectors }, width = assay_dtypes[dtype].bits / 8;
    unsigned char *bytes = malloc(shape[0] * shape[1] * width + 1);
    assay_output out;
    if (!bytes)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for the product");
    assay_status status = encode(g, bytes, width);
    if (status == ASSAY_OK)
        status = assay_output_begin(path, &out);
    if (status == ASSAY_OK) {
        status = assay_npy_write(out.stream, dtype, 2, shape, bytes);
        if (status == ASSAY_OK)
            status = assay_output_commit(&out);
        else
            assay_output_abort(&out);
        if (status == ASSAY_ERR_IO)
            status = assay_fail_in(status, path);
    }
    free(bytes);
    return status;
}

/* ---- from files to a file ---- */

static assay_status allocate(gemm *g)
{
    size_t m = g->a.vectors, n = g->b.vectors, k = g->a.k, shape[] = { m, n }, count, bits;
    if (!assay_shape_count(2, shape, &count) || !assay_dtype_size(ASSAY_DTYPE_F64, count, &bits))
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for a product [%zu, %zu]", m, n);
    size_t bytes = assay_product_scaled_workspace(&g->policy.acc, m, n, k);
    g->out = (double *)malloc((count + 1) * sizeof *g->out);
    g->workspace = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
    return g->out && g->workspace
               ? ASSAY_OK
               : assay_fail(ASSAY_ERR_MEMORY, "no memory for a product [%zu, %zu]", m, n);
}

static assay_status quantize(gemm *g)
{
    const assay_policy *p = &g->policy;
    cli_gemm_quantizer how = { .dequantize = is_exact(g),
                               .tensor_apart = p->acc.unit.block > 0,
                               .operand = p->has_operand ? &p->operand : NULL };
    bool integers = assay_accumulator_is_integer(&p->acc);
    how.scheme = p->in;
    assay_status status = cli_gemm_quantize(&how, &g->a);
    how.scheme = p->weight;
    if (status == ASSAY_OK)
        status = cli_gemm_quantize(&how, &g->b);
    if (status == ASSAY_OK && integers)
        status = cli_gemm_check_integers(&g->a);
    if (status == ASSAY_OK && integers)
        status = cli_gemm_check_integers(&g->b);
    return status;
}

static assay_status run_opened(const cli *run, gemm *g)
{
    if (g->a.k != g->b.k)
        return assay_fail(ASSAY_ERR_SHAPE, "%s: shape: %zu rows, but %s has %zu columns",
                          g->b.input.name, g->b.k, g->a.input.name, g->a.k);
    assay_status status = g->r->c ? load_c(g) : ASSAY_OK;
    if (status == ASSAY_OK)
        status = quantize(g);
    if (status == ASSAY_OK)
        status = allocate(g);
    if (status == ASSAY_OK) {
        multiply(run, g);
        round_output(g);
        status = write_out(g, run->operands[2]);
    }
    free(g->c);
    free(g->out);
    free(g->workspace);
    return status;
}

static int run_gemm(const cli *run, gemm *g)
{
    assay_status status = cli_gemm_open(run->operands[0], false, &g->a);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    status = cli_gemm_open(run->operands[1], true, &g->b);
    if (status == ASSAY_OK) {
        status = run_opened(run, g);
        cli_gemm_close(&g->b);
    }
    cli_gemm_close(&g->a);
    if (status == ASSAY_OK && !run->quiet)
        cli_feedback_report("gemm", &g->counts);
    return status == ASSAY_OK ? CLI_DONE : cli_fail(run, status);
}

static int gemm_command(cli *run)
{
    request r = { .round = { .mode = ASSAY_RNE } };
    const cli_option options[] = { { "a", CLI_TEXT, &r.a, 0, 0 },
                                   { "b", CLI_TEXT, &r.b, 0, 0 },
                                   { "c", CLI_TEXT, &r.c, 0, 0 },
                                   { "acc", CLI_TEXT, &r.acc, 0, 0 },
                                   { "out", CLI_TEXT, &r.out, 0, 0 },
                                   { "round", CLI_MODE, &r.round, 0, 0 },
                                   { "overflow", CLI_POLICY, &r.overflow, 0, 0 },
                                   { "seed", CLI_INTEGER, &r.seed, 0, UINT64_MAX },
                                   { "stream", CLI_INTEGER, &r.stream, 0, UINT32_MAX },
                                   { 0 } };
    int code = cli_parse(run, options, 3, 3);
    if (code != CLI_RUN)
        return code;
    const char *missing = !r.a ? "a" : !r.b ? "b" : !r.acc ? "acc" : !r.out ? "out" : NULL;
    if (missing)
        return cli_usage_error(run, "option --%s is missing", missing);
    if (r.round.feedback)
        return cli_usage_error(run, "option --round: sums feed errors back, not the output; say "
                                    "--acc F:step,ef=yes");
    gemm g = { .r = &r };
    assay_status status = read_schemes(&r, &g.policy);
    return status == ASSAY_OK ? run_gemm(run, &g) : cli_fail(run, status);
}

const cli_command cli_command_gemm = {
    .name = "gemm",
    .usage = "A B OUT.npy [--c C] --a SPEC --b SPEC --acc ACC[@operand:F] --out SPEC "
             "[--round MODE] [--overflow POLICY] [--seed N] [--stream N]",
    .summary = "Multiply matrices with any format, accumulator and rounding",
    .help =
        "D = A B + C for A [m,k], B [k,n] and C [m,n]. A and B are quantized along k, to nearest.\n"
        "OUT has D in A's type; a value which that type does not hold is an error, but values of\n"
        "block schemes are rounded into it. A NaN sum is NaN; an empty sum is C or +0.\n\n"
        "  --a SPEC, --b SPEC  formats or schemes of the operands\n"
        "  --c C               a term of each sum; it belongs to the accumulator's format\n"
        "  --acc ACC           how sums are taken, `assay formats --accumulators`:\n"
        "      reference       binary64: products rounded, then added, ascending k\n"
        "      exact           one rounding, into the output\n"
        "      F, F:step       acc = RND_F(a b + acc), ascending k, from C or +0\n"
        "      F:unfused       products rounded to F first\n"
        "      F:block=N       chains of N terms from +0; total = RND_F(total + chain)\n"
        "      F:pairwise      adjacent sums level by level, of products rounded to F; C last\n"
        "      F:kahan         Kahan's four operations, each rounded to F\n"
        "                      after these: ,round=MODE,overflow=POLICY (a stochastic MODE too),\n"
        "                      and but for pairwise and kahan ,ef=yes and ,residue=FORMAT:\n"
        "                      s' = R(s + t + e), then e = (s + t + e) - s'\n"
        "      int32, int32:sat  integers, modulo 2^32 or clamped after each term\n"
        "      bf16x9          binary32 from nine products of bfloat16 parts\n"
        "      ozaki:slices=N  binary64 from int8 slices, N = 1 to 16, 8 if absent\n"
        "      UNIT[:...]      a matrix unit of `assay mma --list`, its parameters, and a plan:\n"
        "                      promote=N, split=N,merge=serial|f32|rounded, descend=N,\n"
        "                      scaled=exact|fma|apart, plan=NAME\n"
        "      ...@operand:F   operands of a block scheme are dequantized and rounded to F\n"
        "                      first; else codes are summed within a block, and scales applied\n"
        "                      to the block's sum: total = RND(sum x scales + total)\n"
        "  --out SPEC          format or scheme of D\n"
        "  --round MODE        rounding of the output, rne if absent; `assay formats --modes`\n"
        "  --overflow POLICY   its overflow policy, spec if absent\n"
        "  --seed N            of the random bits of stochastic modes (Philox4x32-10); 0 if "
        "absent.\n"
        "                      Term (i,j,p) has index (i n + j) k + p, output (i,j) i n + j\n"
        "  --stream N          another stream of the same seed, below 2^32; 0 if absent\n",
    .run = gemm_command,
};
