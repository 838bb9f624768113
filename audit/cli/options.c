/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/options.h"

#include <errno.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/cpu.h"
#include "rounding/round.h"

enum { MAX_THREADS = 1024 };

/* The options of every command, read before they take effect: a bad line changes nothing. */
typedef struct common {
    uint64_t threads;
    const char *isa;
    bool help;
} common;

/* One walk over the arguments. */
typedef struct walk {
    cli *run;
    const cli_option *own, *shared;
    uint64_t own_seen, shared_seen; /* bit i: option i of that table was given */
    int next;                       /* argument to read next                   */
} walk;

static assay_status read_integer(const char *text, uint64_t lo, uint64_t hi, uint64_t *to)
{
    errno = 0;
    bool digits = *text != 0 && strspn(text, "0123456789") == strlen(text);
    uint64_t value = digits ? strtoull(text, NULL, 10) : 0;
    if (!digits || errno != 0 || value < lo || value > hi)
        return assay_fail(ASSAY_ERR_USAGE, "'%s' is not an integer from %llu to %llu", text,
                          (unsigned long long)lo, (unsigned long long)hi);
    *to = value;
    return ASSAY_OK;
}

static assay_status read_real(const char *text, double *to)
{
    char *end = NULL;
    bool decimal = *text != 0 && strspn(text, "0123456789.eE+-") == strlen(text);
    double value = decimal ? strtod(text, &end) : -1;
    if (!decimal || *end != 0 || !isfinite(value) || signbit(value))
        return assay_fail(ASSAY_ERR_USAGE, "'%s' is not a decimal number from 0 up", text);
    *to = value;
    return ASSAY_OK;
}

static assay_status append(const char *text, cli_list *list)
{
    if (list->count == CLI_LIST_ITEMS)
        return assay_fail(ASSAY_ERR_USAGE, "given more than %d times", CLI_LIST_ITEMS);
    list->items[list->count++] = text;
    return ASSAY_OK;
}

static assay_status read_value(const cli_option *option, const char *text)
{
    switch (option->kind) {
    case CLI_FLAG: *(bool *)option->to = true; return ASSAY_OK;
    case CLI_TEXT: *(const char **)option->to = text; return ASSAY_OK;
    case CLI_LIST: return append(text, option->to);
    case CLI_INTEGER: return read_integer(text, option->lo, option->hi, option->to);
    case CLI_REAL: return read_real(text, option->to);
    case CLI_FORMAT: return assay_format_parse(text, option->to);
    case CLI_MODE: return assay_rounding_parse(text, option->to);
    case CLI_POLICY: return assay_overflow_parse(text, option->to);
    default: return assay_nan_rule_parse(text, option->to);
    }
}

/* The row called name (length bytes of it), NULL if there is none. */
static const cli_option *find(const cli_option *table, const char *name, size_t length)
{
    for (; table->name; table++)
        if (strlen(table->name) == length && memcmp(table->name, name, length) == 0)
            return table;
    return NULL;
}

/* A separate value may not look like an option: `--to --round` has forgotten one. */
static const char *take_value(walk *w, const char *inlined)
{
    if (inlined)
        return inlined;
    const char *next = w->next < w->run->argc ? w->run->argv[w->next] : NULL;
    if (!next || strncmp(next, "--", 2) == 0)
        return NULL;
    w->next++;
    return next;
}

static int read_option(walk *w, const char *arg)
{
    const char *name = arg + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const char *value = equals ? equals + 1 : NULL;
    const cli_option *option = find(w->own, name, length);
    const cli_option *table = option ? w->own : w->shared;
    uint64_t *seen = option ? &w->own_seen : &w->shared_seen;
    if (!option && !(option = find(w->shared, name, length)))
        return cli_usage_error(w->run, "unknown option '%.*s'", (int)length + 2, arg);
    uint64_t bit = (uint64_t)1 << (option - table);
    if (*seen & bit && option->kind != CLI_LIST)
        return cli_usage_error(w->run, "option --%s is given twice", option->name);
    *seen |= bit;
    if (option->kind == CLI_FLAG && value)
        return cli_usage_error(w->run, "option --%s takes no value", option->name);
    if (option->kind != CLI_FLAG && !(value = take_value(w, value)))
        return cli_usage_error(w->run, "option --%s needs a value", option->name);
    if (read_value(option, value) != ASSAY_OK)
        return cli_usage_error(w->run, "option --%s: %s", option->name, assay_last_error());
    return CLI_RUN;
}

/* Operands move to the front of argv; what they overwrite has been read already. */
static int read_all(walk *w)
{
    cli *run = w->run;
    bool options = true;
    run->operands = run->argv;
    run->count = 0;
    while (w->next < run->argc) {
        char *arg = run->argv[w->next++];
        if (options && strcmp(arg, "--") == 0) {
            options = false;
        } else if (options && strncmp(arg, "--", 2) == 0) {
            int code = read_option(w, arg);
            if (code != CLI_RUN)
                return code;
        } else if (options && arg[0] == '-' && arg[1] != 0) {
            return cli_usage_error(run, "unknown option '%s'", arg);
        } else {
            run->operands[run->count++] = arg;
        }
    }
    return CLI_RUN;
}

static int apply(cli *run, const common *c)
{
    if (c->threads)
        omp_set_num_threads((int)c->threads);
    assay_isa isa;
    assay_status status = ASSAY_OK;
    if (c->isa && (status = assay_isa_parse(c->isa, &isa)) == ASSAY_OK)
        status = assay_isa_force(isa);
    return status == ASSAY_OK ? CLI_RUN : cli_fail(run, status);
}

int cli_parse(cli *run, const cli_option *options, size_t least, size_t most)
{
    common c = { 0 };
    const cli_option shared[] = { { "threads", CLI_INTEGER, &c.threads, 1, MAX_THREADS },
                                  { "isa", CLI_TEXT, &c.isa, 0, 0 },
                                  { "quiet", CLI_FLAG, &run->quiet, 0, 0 },
                                  { "help", CLI_FLAG, &c.help, 0, 0 },
                                  { 0 } };
    walk w = { .run = run, .own = options, .shared = shared };
    int code = read_all(&w);
    if (code != CLI_RUN)
        return code;
    if (c.help) {
        cli_print_help(run->command);
        return CLI_DONE;
    }
    if (run->count < least || run->count > most)
        return cli_usage_error(run, "%s operands; usage: assay %s %s",
                               run->count < least ? "missing" : "too many", run->command->name,
                               run->command->usage);
    return apply(run, &c);
}
