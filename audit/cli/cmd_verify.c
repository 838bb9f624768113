/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/cli/options.h"
#include "audit/verify.h"
#include "rounding/scheme.h"

enum { MODES = ASSAY_MODE_COUNT + 2 + 3 * 5, HEX_FLOAT = 64 };

typedef struct request {
    const char *op, *round, *overflow, *from; /* from: NULL if absent */
    assay_format operands;
    uint64_t samples;
    bool exhaustive;
    assay_rounding roundings[MODES];
    assay_overflow policies[ASSAY_OVERFLOW_COUNT];
    assay_verify job;
} request;

static void add_mode(request *r, assay_mode mode, int bits)
{
    r->roundings[r->job.rounding_count++] = (assay_rounding){ .mode = mode, .bits = bits };
}

static int set_modes(const cli *run, request *r)
{
    static const int bits[] = { 1, 4, 8, 16, 32 };
    r->job.roundings = r->roundings;
    bool all = strcmp(r->round, "all") == 0;
    if (all || strcmp(r->round, "deterministic") == 0)
        for (int mode = 0; mode < ASSAY_MODE_COUNT; mode++)
            add_mode(r, (assay_mode)mode, 0);
    if (r->job.rounding_count > 0 && !all)
        return CLI_RUN;
    if (all) {
        add_mode(r, ASSAY_SR, 0);
        add_mode(r, ASSAY_SREQ, 0);
        for (int mode = ASSAY_SRA; mode <= ASSAY_SRC; mode++)
            for (int i = 0; i < 5; i++)
                add_mode(r, (assay_mode)mode, bits[i]);
        return CLI_RUN;
    }
    assay_rounding rounding;
    assay_status status = assay_rounding_parse(r->round, &rounding);
    if (status != ASSAY_OK)
        return cli_fail_in(run, status, "option --round");
    if (rounding.feedback)
        return cli_usage_error(run, "option --round: %s depends on what came before", r->round);
    add_mode(r, rounding.mode, rounding.bits);
    return CLI_RUN;
}

static int set_policies(const cli *run, request *r)
{
    r->job.policies = r->policies;
    bool all = strcmp(r->overflow, "all") == 0;
    assay_overflow one = ASSAY_OVERFLOW_SPEC;
    assay_status status = all ? ASSAY_OK : assay_overflow_parse(r->overflow, &one);
    if (status != ASSAY_OK)
        return cli_fail_in(run, status, "option --overflow");
    if (!all && !assay_verify_applies(&r->job.format, one))
        return cli_usage_error(run, "option --overflow: %s has no %s", r->job.format.name,
                               one == ASSAY_OVERFLOW_INF ? "infinity" : "NaN");
    for (int policy = 0; policy < ASSAY_OVERFLOW_COUNT; policy++)
        if (all ? assay_verify_applies(&r->job.format, (assay_overflow)policy) : policy == (int)one)
            r->policies[r->job.policy_count++] = (assay_overflow)policy;
    return CLI_RUN;
}

static int set_tier(const cli *run, request *r)
{
    static const struct {
        const char *name;
        int bits;
    } sources[] = { { "binary16", 16 }, { "binary32", 32 }, { "binary64", 64 } };
    const char *from = r->from ? r->from : "binary32";
    for (int i = 0; i < 3; i++)
        if (strcmp(sources[i].name, from) == 0)
            r->job.source_bits = sources[i].bits;
    if (r->job.source_bits == 0)
        return cli_usage_error(run, "option --from: '%s' is not binary16, binary32 or binary64",
                               from);
    if (r->samples && r->exhaustive)
        return cli_usage_error(run, "options --samples and --exhaustive exclude each other");
    r->job.samples = r->samples;
    r->job.tier = r->exhaustive ? ASSAY_VERIFY_EXHAUSTIVE
                  : r->samples  ? ASSAY_VERIFY_SAMPLED
                                : ASSAY_VERIFY_QUICK;
    return CLI_RUN;
}

static void show_progress(double fraction)
{
    fprintf(stderr, "\r%3.0f%%", 100 * fraction);
    if (fraction >= 1)
        fputs("\r    \r", stderr);
}

static void print_case(const assay_verify_case *c, int source_bits)
{
    char mode[HEX_FLOAT];
    snprintf(mode, sizeof mode, c->rounding.bits ? "%s:bits=%d" : "%s",
             assay_mode_name(c->rounding.mode), c->rounding.bits);
    printf("wrong: %a (0x%0*llx) %s %s, %s: got 0x%llx, want 0x%llx\n", c->operand, source_bits / 4,
           (unsigned long long)c->operand_bits, mode, assay_overflow_name(c->policy), c->path,
           (unsigned long long)c->got, (unsigned long long)c->want);
}

static void print_tuple(const assay_verify_case *c, const assay_operation *o)
{
    printf("wrong: %s", o->name);
    if (o->reduces)
        printf(" of row %llu", (unsigned long long)c->operand_bits);
    for (int k = 0; k < o->arity && !o->reduces; k++)
        printf(" 0x%llx", (unsigned long long)c->codes[k]);
    printf(c->rounding.bits ? ", %s:bits=%d" : ", %s", assay_mode_name(c->rounding.mode),
           c->rounding.bits);
    printf(" %s, %s", assay_overflow_name(c->policy), c->path);
    if (assay_mode_is_stochastic(c->rounding.mode))
        printf(" 0x%x", (unsigned)c->random);
    if (c->got == UINT64_MAX)
        printf(": no result, want 0x%llx\n", (unsigned long long)c->want);
    else
        printf(": got 0x%llx, want 0x%llx\n", (unsigned long long)c->got,
               (unsigned long long)c->want);
}

/* The cases and the last line, and the exit code; of a cast, whose operation is NULL, with operands
 * of so many bits. */
static int conclude(const cli *run, assay_status status, const assay_verify_result *result,
                    const assay_operation *operation, int source_bits)
{
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    for (size_t i = 0; i < result->shown; i++)
        if (operation)
            print_tuple(&result->first[i], operation);
        else
            print_case(&result->first[i], source_bits);
    printf("%llu checked, %llu wrong\n", (unsigned long long)result->checked,
           (unsigned long long)result->wrong);
    return result->wrong ? CLI_DIFFERENT : CLI_DONE;
}

static void (*progress_of(const cli *run))(double)
{
    return !run->quiet && isatty(STDERR_FILENO) ? show_progress : NULL;
}

static int check_cast(const cli *run, request *r)
{
    assay_verify_result result;
    r->job.progress = progress_of(run);
    assay_status status = assay_verify_cast(&r->job, &result);
    return conclude(run, status, &result, NULL, r->job.source_bits);
}

/* Without a tier: every tuple of small formats, else a sample. */
static int check_operation(const cli *run, const request *r, const assay_operation *operation)
{
    enum { USUAL_SAMPLES = 20000, USUAL_BITS = 16 };
    assay_verify_operation job = { .operation = operation,
                                   .format = r->job.format,
                                   .operands = r->operands.bits ? r->operands : r->job.format,
                                   .roundings = r->job.roundings,
                                   .policies = r->job.policies,
                                   .rounding_count = r->job.rounding_count,
                                   .policy_count = r->job.policy_count,
                                   .samples = r->samples ? r->samples : USUAL_SAMPLES,
                                   .progress = progress_of(run) };
    if (r->from)
        return cli_usage_error(run, "option --from: %s has operands of --operands",
                               operation->name);
    if (r->samples && r->exhaustive)
        return cli_usage_error(run, "options --samples and --exhaustive exclude each other");
    bool small = !operation->reduces && operation->arity * job.operands.bits <= USUAL_BITS;
    job.exhaustive = r->exhaustive || (r->samples == 0 && small);
    assay_verify_result result;
    assay_status status = assay_verify_operate(&job, &result);
    return conclude(run, status, &result, operation, 0);
}

/* A scheme, by tensors. */
static int check_scheme(const cli *run, const request *r)
{
    enum { USUAL_SAMPLES = 20000 };
    const assay_verify_schemes job = { .spec = run->operands[0],
                                       .source_bits = r->job.source_bits,
                                       .roundings = r->job.roundings,
                                       .policies = r->job.policies,
                                       .rounding_count = r->job.rounding_count,
                                       .policy_count = r->job.policy_count,
                                       .samples = r->samples ? r->samples : USUAL_SAMPLES,
                                       .progress = progress_of(run) };
    if (r->exhaustive)
        return cli_usage_error(run,
                               "option --exhaustive: %s quantizes tensors, of which there is "
                               "no last one; --samples N counts elements",
                               job.spec);
    assay_verify_result result;
    assay_status status = assay_verify_quantize(&job, &result);
    return conclude(run, status, &result, NULL, job.source_bits);
}

static int verify(cli *run)
{
    request r = { .op = "cast", .round = "rne", .overflow = "spec" };
    const cli_option options[] = { { "op", CLI_TEXT, &r.op, 0, 0 },
                                   { "round", CLI_TEXT, &r.round, 0, 0 },
                                   { "overflow", CLI_TEXT, &r.overflow, 0, 0 },
                                   { "samples", CLI_INTEGER, &r.samples, 1, 1000000000 },
                                   { "exhaustive", CLI_FLAG, &r.exhaustive, 0, 0 },
                                   { "from", CLI_TEXT, &r.from, 0, 0 },
                                   { "operands", CLI_FORMAT, &r.operands, 0, 0 },
                                   { 0 } };
    int code = cli_parse(run, options, 1, 1);
    if (code != CLI_RUN)
        return code;
    const assay_operation *operation = NULL;
    if (strcmp(r.op, "cast") != 0) {
        operation = assay_operation_find(r.op);
        if (!operation)
            return cli_fail_in(run, ASSAY_ERR_USAGE, "option --op");
    } else if (r.operands.bits > 0) {
        return cli_usage_error(run, "option --operands: a cast has operands of --from");
    }
    assay_scheme scheme;
    assay_status status = assay_scheme_parse(run->operands[0], ASSAY_RNE, ASSAY_OVERFLOW_SPEC,
                                             ASSAY_NAN_RULE_DEFAULT, &scheme);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    r.job.format = scheme.element.format;
    if (operation && scheme.block > 0)
        return cli_usage_error(run, "option --op: %s is a scheme, which is verified as a cast",
                               run->operands[0]);
    if ((code = set_modes(run, &r)) != CLI_RUN || (code = set_policies(run, &r)) != CLI_RUN)
        return code;
    if (operation)
        return check_operation(run, &r, operation);
    if ((code = set_tier(run, &r)) != CLI_RUN)
        return code;
    return scheme.block > 0 ? check_scheme(run, &r) : check_cast(run, &r);
}

const cli_command cli_command_verify = {
    .name = "verify",
    .usage = "SPEC [--op NAME] [--round MODE|all] [--overflow POLICY|all] "
             "[--samples N | --exhaustive] [--from binary16|binary32|binary64] [--operands G]",
    .summary = "Check rounding and operations against MPFR",
    .help =
        "Compares what the library gives with values computed by MPFR and GMP from the documents\n"
        "alone, neighbours found by search, and the rules of rounding. The last line is\n"
        "`N checked, M wrong`, N counting (operand, mode, policy); the first that are wrong stand\n"
        "before it. Exit code 1 if M > 0, 3 if this build has no MPFR.\n\n"
        "  --op NAME          the operation: cast if absent, or one of `assay op --help`; sum and\n"
        "                     dot by samples\n"
        "  --operands G       format of an operation's operands, if not SPEC\n"
        "  --round MODE       rounding mode, rne if absent; deterministic: those eight; all:\n"
        "                     these, sr, sreq, and sra, srb, src with 1, 4, 8, 16 and 32 bits\n"
        "  --overflow POLICY  overflow policy, spec if absent; all: those that SPEC has\n"
        "  --from SOURCE      format of a cast's operands, binary32 if absent\n"
        "  --samples N        N random operands, and the breakpoints on both sides of each; of an\n"
        "                     operation N tuples: random, of moderate size, special, and aimed at\n"
        "                     results near values and ties\n"
        "  --exhaustive       an operation: every tuple of operands, of at most 34 bits. A cast: "
        "formats of at most 24 bits: all 2^32 operands of binary32, all 2^16 "
        "of\n"
        "                     binary16, every breakpoint and its neighbours in binary64; wider\n"
        "                     formats: the breakpoints of 2^15 gaps between values\n\n"
        "Without either: an operation at all tuples of at most 16 bits, else 20000. A cast: "
        "formats of at most 16 bits at every breakpoint (the first and the last\n"
        "operand of each stretch that rounds alike, and one inside), policies after the first "
        "where\n"
        "they can matter and at one breakpoint in 16; wider formats at those of 6000 gaps. "
        "Stochastic\n"
        "modes are checked in a sample of gaps, at the random bits where the result changes.\n\n"
        "A SPEC of a scheme: scales, codes, zero points, the tensor's scale and values of tensors\n"
        "with N elements in all (20000 if absent), against fractions. Packed types have no\n"
        "oracle here.\n",
    .run = verify,
};
