/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/mma_list.h"

#include "audit/cli/table.h"
#include "kernels/mma.h"

/* Text, or null where there is nothing to say. */
static json_t *text(const char *value)
{
    return *value ? json_string(value) : json_null();
}

static bool put(json_t *row, const char *key, json_t *value)
{
    return json_object_set_new(row, key, value) == 0;
}

static json_t *describe(const assay_mma_unit *u)
{
    char alias[96];
    bool aligned = u->kind <= ASSAY_MMA_KIND_GTR, has_zero = u->kind <= ASSAY_MMA_KIND_GST;
    json_t *row = json_object();
    assay_mma_alias(u, alias, sizeof alias);
    bool done = row && put(row, "name", json_string(u->name)) && put(row, "alias", text(alias)) &&
                put(row, "kind", json_string(u->emulated ? "t+t" : assay_mma_kind_name(u->kind))) &&
                put(row, "a", json_string(assay_mma_format_name(u->fa))) &&
                put(row, "b", json_string(assay_mma_format_name(u->fb))) &&
                put(row, "c", json_string(assay_mma_format_name(u->fc))) &&
                put(row, "scale", text(assay_mma_format_name(u->fs))) &&
                put(row, "block", u->block ? json_integer(u->block) : json_null()) &&
                put(row, "K", json_integer(u->K)) && put(row, "L", json_integer(u->L)) &&
                put(row, "F", aligned ? json_integer(u->F) : json_null()) &&
                put(row, "rho", json_string(assay_mma_rho_name(u->rho))) &&
                put(row, "e_zero", has_zero ? json_integer(u->e_zero) : json_null()) &&
                put(row, "certainty", json_string(assay_mma_certainty_name(u->certainty))) &&
                put(row, "source", json_string(u->source));
    if (done)
        return row;
    json_decref(row);
    return NULL;
}

int cli_mma_list(const cli *run, bool json)
{
    json_t *rows = json_array();
    for (size_t i = 0; rows && i < assay_mma_count(); i++)
        if (json_array_append_new(rows, describe(assay_mma_row(i))) != 0) {
            json_decref(rows);
            rows = NULL;
        }
    return cli_print_table(run, rows, json);
}
