/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/table.h"

#include <stdio.h>
#include <string.h>

enum { CELL = 512, COLUMNS = 16 };

/* The text of a scalar; what is longer than a cell is cut. */
static const char *cell_text(const json_t *value, char cell[CELL])
{
    switch (json_typeof(value)) {
    case JSON_STRING: snprintf(cell, CELL, "%s", json_string_value(value)); break;
    case JSON_INTEGER: snprintf(cell, CELL, "%lld", (long long)json_integer_value(value)); break;
    case JSON_REAL: snprintf(cell, CELL, "%.6g", json_real_value(value)); break;
    case JSON_TRUE: strcpy(cell, "yes"); break;
    case JSON_FALSE: strcpy(cell, "no"); break;
    default: strcpy(cell, "-"); break;
    }
    return cell;
}

static void widen(int widths[COLUMNS], size_t column, const char *text)
{
    int length = (int)strlen(text);
    if (length > widths[column])
        widths[column] = length;
}

static void measure(const json_t *rows, int widths[COLUMNS])
{
    char cell[CELL];
    for (size_t i = 0; i < json_array_size(rows); i++) {
        size_t column = 0;
        const char *key;
        json_t *value;
        json_object_foreach(json_array_get(rows, i), key, value)
        {
            if (column == COLUMNS)
                break;
            widen(widths, column, key);
            widen(widths, column++, cell_text(value, cell));
        }
    }
}

/* One line of keys or of values; the last column is not padded, so no line ends in blanks. */
static void print_line(json_t *row, bool header, int indent, const int widths[COLUMNS])
{
    char cell[CELL];
    size_t column = 0, count = json_object_size(row);
    const char *key;
    json_t *value;
    printf("%*s", indent, "");
    json_object_foreach(row, key, value)
    {
        if (column == COLUMNS)
            break;
        const char *text = header ? key : cell_text(value, cell);
        int width = json_is_number(value) ? widths[column]
                    : column + 1 < count  ? -widths[column]
                                          : 0;
        printf("%s%*s", column > 0 ? "  " : "", width, text);
        column++;
    }
    putchar('\n');
}

static void print_rows(const json_t *rows, int indent)
{
    int widths[COLUMNS] = { 0 };
    measure(rows, widths);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        if (i == 0)
            print_line(row, true, indent, widths);
        print_line(row, false, indent, widths);
    }
}

static int no_memory(const cli *run)
{
    return cli_fail(run, assay_fail(ASSAY_ERR_MEMORY, "out of memory"));
}

static int print_json(json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(value);
    return CLI_DONE;
}

int cli_print_table(const cli *run, json_t *rows, bool json)
{
    if (!rows)
        return no_memory(run);
    if (json)
        return print_json(rows);
    print_rows(rows, 0);
    json_decref(rows);
    return CLI_DONE;
}

static int key_width(json_t *record)
{
    int width = 0;
    const char *key;
    json_t *value;
    json_object_foreach(record, key, value)
    {
        if (!json_is_array(value) && (int)strlen(key) > width)
            width = (int)strlen(key);
    }
    return width;
}

int cli_print_record(const cli *run, json_t *record, bool json)
{
    if (!record)
        return no_memory(run);
    if (json)
        return print_json(record);
    char cell[CELL];
    int width = key_width(record);
    const char *key;
    json_t *value;
    json_object_foreach(record, key, value)
    {
        if (json_is_array(value)) {
            printf("%s:\n", key);
            print_rows(value, 2);
        } else {
            printf("%-*s  %s\n", width, key, cell_text(value, cell));
        }
    }
    json_decref(record);
    return CLI_DONE;
}
