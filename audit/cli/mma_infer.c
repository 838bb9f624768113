/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/mma_infer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/cli/mma_candidates.h"
#include "audit/cli/mma_separate.h"
#include "audit/cli/table.h"

static json_t *hex(uint64_t code)
{
    char text[24];
    snprintf(text, sizeof text, "0x%llx", (unsigned long long)code);
    return json_string(text);
}

static json_t *group_row(const cli_mma_candidate *c)
{
    const assay_mma_unit *u = &c->unit;
    return json_pack("{s:I, s:s, s:s, s:i, s:i, s:s, s:i, s:s}", "group", (json_int_t)c->group + 1,
                     "unit", c->text, "kind", u->emulated ? "t+t" : assay_mma_kind_name(u->kind),
                     "L", u->L, "F", u->F, "rho", assay_mma_rho_name(u->rho), "e_zero", u->e_zero,
                     "certainty",
                     c->is_row ? assay_mma_certainty_name(u->certainty) : "parameters");
}

static json_t *refuted_row(const cli_mma_candidate *c)
{
    return json_pack("{s:s, s:I, s:o, s:o}", "unit", c->text, "index", (json_int_t)c->index,
                     "expected", hex(c->expected), "got", hex(c->got));
}

/* A group lists its rows; parameters only where no row has them. */
static bool is_listed(const cli_mma_candidates *list, size_t i)
{
    const cli_mma_candidate *c = &list->items[i];
    for (size_t j = 0; j < i && !c->is_row; j++)
        if (list->items[j].explains && list->items[j].group == c->group)
            return false;
    return true;
}

static json_t *report(const cli_mma_question *q, const cli_mma_candidates *list, size_t groups)
{
    json_t *explained = json_array(), *refuted = json_array();
    for (size_t g = 0; g < groups; g++)
        for (size_t i = 0; i < list->count; i++)
            if (list->items[i].explains && list->items[i].group == g && is_listed(list, i))
                json_array_append_new(explained, group_row(&list->items[i]));
    for (size_t i = 0; i < list->count; i++)
        if (!list->items[i].explains && list->items[i].is_row)
            json_array_append_new(refuted, refuted_row(&list->items[i]));
    return json_pack("{s:I, s:I, s:I, s:o, s:o}", "outputs",
                     (json_int_t)(q->x.batches * q->x.m * q->x.n), "candidates",
                     (json_int_t)list->count, "groups", (json_int_t)groups, "explained", explained,
                     "refuted", refuted);
}

int cli_mma_infer(const cli *run, const cli_mma_question *q, bool json)
{
    cli_mma_candidates list;
    assay_status status = ASSAY_OK;
    if (q->x.batches * q->x.m * q->x.n == 0)
        return cli_usage_error(run, "%s: shape: no outputs", q->x.names[CLI_MMA_D]);
    if (!cli_mma_candidates_make(q, &list)) {
        free(list.items);
        return cli_fail(run, assay_fail(ASSAY_ERR_MEMORY, "out of memory"));
    }
    if (list.count == 0)
        return cli_usage_error(run, "no unit has these formats and scales and a K that divides %zu",
                               q->x.k);
    cli_mma_candidates_try(q, &list);
    size_t groups = cli_mma_candidates_group(&list);
    if (q->out && groups > 1)
        status = cli_mma_separate(q, &list, groups);
    json_t *record = status == ASSAY_OK ? report(q, &list, groups) : NULL;
    free(list.items);
    if (status != ASSAY_OK)
        return cli_fail(run, status);
    int code = cli_print_record(run, record, json);
    return code != CLI_DONE ? code : groups > 0 ? CLI_DONE : CLI_DIFFERENT;
}
