/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit/cli/mma_arrays.h"
#include "audit/cli/mma_infer.h"
#include "audit/cli/mma_list.h"
#include "audit/cli/options.h"
#include "audit/cli/progress.h"
#include "audit/npy.h"

/* What the command line says. */
typedef struct request {
    bool list, json, infer;
    const char *fa, *fb, *fc, *sa, *sb, *out;
} request;

static void *grab(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (!p)
        (void)assay_fail(ASSAY_ERR_MEMORY, "out of memory");
    return p;
}

enum { PIECE = 256 }; /* rows between two looks at the progress */

/* The operands of rows `first` and on. */
static assay_mma_operands rows_of(const assay_mma_unit *unit, assay_mma_operands all, size_t first)
{
    assay_mma_operands part = all;
    part.a = (const char *)all.a + first * all.lda * assay_mma_format_bytes(unit->fa);
    part.c = (const char *)all.c + first * all.ldc * assay_mma_format_bytes(unit->fc);
    part.sa = all.sa ? all.sa + first * all.ldsa : NULL;
    return part;
}

static assay_status multiply(const cli *run, const assay_mma_unit *unit, const cli_mma_arrays *x,
                             unsigned char *out)
{
    cli_progress progress = cli_progress_begin(run);
    size_t row_bytes = x->n * assay_mma_format_bytes(unit->fc), done = 0;
    void *workspace = grab(assay_mma_workspace(unit, x->m, x->n, x->k));
    assay_status status = workspace ? ASSAY_OK : ASSAY_ERR_MEMORY;
    for (size_t i = 0; i < x->batches && status == ASSAY_OK; i++)
        for (size_t row = 0; row < x->m && status == ASSAY_OK; row += PIECE) {
            size_t rows = x->m - row < PIECE ? x->m - row : PIECE;
            assay_mma_operands operands = rows_of(unit, cli_mma_operands(x, i), row);
            status = assay_mma_product(unit, NULL, rows, x->n, x->k, &operands,
                                       out + (i * x->m + row) * row_bytes, x->n, workspace);
            done += rows;
            cli_progress_draw(&progress, done, x->batches * x->m);
        }
    cli_progress_end(&progress);
    free(workspace);
    return status;
}

static assay_status write_array(const char *path, const assay_array *like, const void *data)
{
    assay_output out;
    assay_status status = assay_output_begin(path, &out);
    if (status != ASSAY_OK)
        return status;
    status = assay_npy_write(out.stream, like->dtype, like->ndim, like->shape, data);
    if (status == ASSAY_OK)
        return assay_output_commit(&out);
    assay_output_abort(&out);
    return assay_fail_in(status, path);
}

static int run_unit(const cli *run, const request *r)
{
    assay_mma_unit unit;
    cli_mma_arrays x = { .names = { run->operands[1], run->operands[2], run->operands[3], NULL,
                                    r->sa, r->sb } };
    assay_status status = assay_mma_parse(run->operands[0], &unit);
    if (status == ASSAY_OK)
        status = cli_mma_open(&x, unit.fa, unit.fb, unit.fc);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    status = cli_mma_suits(&x, &unit);
    unsigned char *out = status == ASSAY_OK ? grab(assay_array_bytes(&x.arrays[CLI_MMA_C])) : NULL;
    if (status == ASSAY_OK && !out)
        status = ASSAY_ERR_MEMORY;
    if (status == ASSAY_OK)
        status = multiply(run, &unit, &x, out);
    if (status == ASSAY_OK)
        status = write_array(run->operands[4], &x.arrays[CLI_MMA_C], out);
    free(out);
    cli_mma_close(&x);
    return status == ASSAY_OK ? CLI_DONE : cli_fail(run, status);
}

static int infer(const cli *run, const request *r)
{
    cli_mma_question q = { .out = r->out };
    const char *names[CLI_MMA_ROLES] = {
        run->operands[0], run->operands[1], run->operands[2], run->operands[3], r->sa, r->sb
    };
    const char *missing = !r->fa ? "fa" : !r->fb ? "fb" : !r->fc ? "fc" : NULL;
    if (missing)
        return cli_usage_error(run, "option --%s is missing", missing);
    memcpy(q.x.names, names, sizeof names);
    assay_status status = assay_mma_format_parse(r->fa, &q.fa);
    if (status == ASSAY_OK)
        status = assay_mma_format_parse(r->fb, &q.fb);
    if (status == ASSAY_OK)
        status = assay_mma_format_parse(r->fc, &q.fc);
    if (status == ASSAY_OK)
        status = cli_mma_open(&q.x, q.fa, q.fb, q.fc);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    int code = cli_mma_infer(run, &q, r->json);
    cli_mma_close(&q.x);
    return code;
}

static int mma(cli *run)
{
    request r = { 0 };
    const cli_option options[] = {
        { "list", CLI_FLAG, &r.list, 0, 0 },   { "json", CLI_FLAG, &r.json, 0, 0 },
        { "infer", CLI_FLAG, &r.infer, 0, 0 }, { "fa", CLI_TEXT, &r.fa, 0, 0 },
        { "fb", CLI_TEXT, &r.fb, 0, 0 },       { "fc", CLI_TEXT, &r.fc, 0, 0 },
        { "sa", CLI_TEXT, &r.sa, 0, 0 },       { "sb", CLI_TEXT, &r.sb, 0, 0 },
        { "out", CLI_TEXT, &r.out, 0, 0 },     { 0 }
    };
    int code = cli_parse(run, options, 0, 5);
    if (code != CLI_RUN)
        return code;
    size_t wanted = r.list ? 0 : r.infer ? 4 : 5;
    if (r.list && r.infer)
        return cli_usage_error(run, "options --list and --infer exclude each other");
    if (run->count != wanted)
        return cli_usage_error(run, "%zu operands instead of %zu; usage: assay mma %s", run->count,
                               wanted, run->command->usage);
    if (!r.infer && (r.fa || r.fb || r.fc || r.out))
        return cli_usage_error(run, "options --fa, --fb, --fc and --out belong to --infer");
    if (r.list && (r.sa || r.sb))
        return cli_usage_error(run, "option --list goes without scales");
    if (!r.list && !r.infer && r.json)
        return cli_usage_error(run, "option --json belongs to --list and --infer");
    return r.list ? cli_mma_list(run, r.json) : r.infer ? infer(run, &r) : run_unit(run, &r);
}

const cli_command cli_command_mma = {
    .name = "mma",
    .usage = "UNIT A B C OUT.npy [--sa S --sb S] | --list [--json] | --infer A B C D --fa F --fb F "
             "--fc F [--sa S --sb S] [--out DIR] [--json]",
    .summary = "Multiply matrices as a matrix unit does, bit for bit",
    .help =
        "UNIT is a name of --list, its alias, or either with parameters: NAME:F=14,rho=rne_f32.\n"
        "A [..,m,k], B [..,n,k] and C [..,m,n] are raw codes in unsigned integers of the\n"
        "container's width: f64 uint64, f32 and tf32 uint32, f16 and bf16 uint16, 8 bits and\n"
        "fewer uint8; integers may be signed. OUT is like C. k is a multiple of the unit's K,\n"
        "chained in ascending order through C.\n\n"
        "  --sa S, --sb S  scales, uint8 [..,m or n,k/block], of units that have them\n"
        "  --list          print the units: formats, K, L, F, rho, e_zero, certainty, source\n"
        "  --infer         search for units that make D of A, B and C; exit 1 if there is none\n"
        "  --fa F          format of A, as f16, bf16, tf32, e4m3; --fb and --fc likewise\n"
        "  --out DIR       write vectors there that separate what is left\n"
        "  --json          print --list or --infer as JSON\n",
    .run = mma,
};
