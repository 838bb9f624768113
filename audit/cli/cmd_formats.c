/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "audit/cli/describe.h"
#include "audit/cli/hexfloat.h"
#include "audit/cli/options.h"
#include "audit/cli/table.h"
#include "kernels/op.h"

/* A list that the library keeps: how many rows, and the two texts of row i. */
typedef struct list {
    const char *option;
    size_t (*count)(void);
    const char *(*name)(size_t i);
    const char *(*text)(size_t i);
} list;

/* NAME_count, NAME_name, NAME_text: the library's functions behind one signature. */
#define LIST(of, how_many, name_of_i, text_of_i) \
    static size_t of##_count(void)               \
    {                                            \
        return how_many;                         \
    }                                            \
    static const char *of##_name(size_t i)       \
    {                                            \
        return name_of_i;                        \
    }                                            \
    static const char *of##_text(size_t i)       \
    {                                            \
        return text_of_i;                        \
    }

LIST(modes, ASSAY_MODE_END, assay_mode_name((assay_mode)i), assay_mode_text((assay_mode)i))
LIST(policies, ASSAY_OVERFLOW_COUNT, assay_overflow_name((assay_overflow)i),
     assay_overflow_text((assay_overflow)i))
LIST(accumulators, ASSAY_SUM_COUNT, assay_accumulator_written((assay_sum)i),
     assay_accumulator_text((assay_sum)i))
LIST(operations, assay_op_count(), assay_op_row(i)->name, assay_op_row(i)->text)
LIST(schemes, assay_scheme_count(), assay_scheme_name(i), assay_scheme_text(i))
LIST(builders, assay_format_builder_count(), assay_format_builder_name(i),
     assay_format_builder_help(i))
LIST(rules, ASSAY_SCALE_RULE_COUNT, assay_scale_rule_name((assay_scale_rule)i),
     assay_scale_rule_text((assay_scale_rule)i))

#define ROW(of)                               \
    {                                         \
#of, of##_count, of##_name, of##_text \
    }
static const list lists[] = { ROW(modes),   ROW(policies), ROW(accumulators), ROW(operations),
                              ROW(schemes), ROW(rules),    ROW(builders) };
enum { LISTS = sizeof lists / sizeof lists[0], SCHEMES = 4 };

static json_t *list_rows(const list *l)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < l->count(); i++)
        json_array_append_new(rows, json_pack("{ss ss}", "name", l->name(i), "text", l->text(i)));
    return rows;
}

static json_t *format_rows(void)
{
    json_t *rows = json_array();
    char max[CLI_HEXFLOAT_BYTES];
    for (size_t i = 0; i < assay_format_count(); i++) {
        const assay_format *f = assay_format_row(i);
        json_t *row = json_pack("{ss ss? si si si si ss ss}", "name", f->name, "alias", f->alias,
                                "bits", f->bits, "p", f->p, "emin", f->emin, "emax", f->emax, "max",
                                cli_hexfloat(f->max, max), "source", f->source);
        json_array_append_new(rows, row);
    }
    return rows;
}

/* Everything there is: one JSON object, or two tables. */
static int print_all(const cli *run, bool json)
{
    json_t *formats = format_rows(), *schemes = list_rows(&lists[SCHEMES]);
    if (json)
        return cli_print_record(run, json_pack("{so so}", "formats", formats, "schemes", schemes),
                                true);
    int code = cli_print_table(run, formats, false);
    if (schemes && json_array_size(schemes) > 0)
        putchar('\n');
    return code == CLI_DONE ? cli_print_table(run, schemes, false) : code;
}

/* A scalar format, else a scheme; the scheme's message covers both. */
static assay_status describe(const char *name, json_t **out)
{
    assay_format format;
    assay_scheme scheme;
    if (assay_format_parse(name, &format) == ASSAY_OK) {
        *out = cli_describe_format(&format);
        return ASSAY_OK;
    }
    assay_status status =
        assay_scheme_parse(name, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &scheme);
    if (status == ASSAY_OK)
        *out = cli_describe_scheme(name, &scheme);
    return status;
}

/* All names are read before anything is printed. With --json several become one array. */
static int print_described(const cli *run, bool json)
{
    json_t *all = json_array();
    for (size_t i = 0; i < run->count; i++) {
        json_t *record = NULL;
        assay_status status = describe(run->operands[i], &record);
        if (status != ASSAY_OK) {
            json_decref(all);
            return cli_fail(run, status);
        }
        json_array_append_new(all, record);
    }
    if (json && run->count > 1)
        return cli_print_table(run, all, true);
    int code = CLI_DONE;
    for (size_t i = 0; i < run->count && code == CLI_DONE; i++) {
        if (i > 0)
            putchar('\n');
        code = cli_print_record(run, json_incref(json_array_get(all, i)), json);
    }
    json_decref(all);
    return code;
}

static int formats(cli *run)
{
    bool wanted[LISTS] = { 0 }, json = false;
    cli_option options[LISTS + 2] = { { "json", CLI_FLAG, &json, 0, 0 } };
    for (size_t i = 0; i < LISTS; i++)
        options[i + 1] = (cli_option){ lists[i].option, CLI_FLAG, &wanted[i], 0, 0 };
    int code = cli_parse(run, options, 0, SIZE_MAX);
    if (code != CLI_RUN)
        return code;
    const list *chosen = NULL;
    for (size_t i = 0; i < LISTS; i++) {
        if (wanted[i] && (chosen || run->count > 0))
            return cli_usage_error(run, "one list at a time, or names");
        chosen = wanted[i] ? &lists[i] : chosen;
    }
    if (chosen)
        return cli_print_table(run, list_rows(chosen), json);
    return run->count > 0 ? print_described(run, json) : print_all(run, json);
}

const cli_command cli_command_formats = {
    .name = "formats",
    .usage =
        "[NAME...] [--modes|--policies|--accumulators|--operations|--schemes|--rules|--builders]",
    .summary = "List or describe formats and schemes, and what else has a name",
    .help = "Without arguments: all formats and schemes. With names or SPECs: the parameters,\n"
            "special codes, what each overflow policy gives, and the source of each.\n\n"
            "  --modes         rounding modes\n"
            "  --policies      overflow policies\n"
            "  --accumulators  orders and precisions of sums\n"
            "  --operations    operations of a transformer\n"
            "  --schemes       block schemes\n"
            "  --rules         rules that choose a block's scale\n"
            "  --builders      families of formats, and the parameters that build one\n"
            "  --json          print JSON\n",
    .run = formats,
};
