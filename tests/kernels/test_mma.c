/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix units: outputs captured on devices and tiles of independent models, bit for bit. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/mma.h"
#include "kernels/mma_parts.h"
#include "tests/support/shared.h"

static unsigned char *read_all(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(f, "%s", path);
    fseek(f, 0, SEEK_END);
    long length = ftell(f);
    rewind(f);
    unsigned char *bytes = malloc((size_t)length + 1);
    cr_assert(bytes && fread(bytes, 1, (size_t)length, f) == (size_t)length, "%s", path);
    fclose(f);
    *size = (size_t)length;
    return bytes;
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static size_t number_of(const json_t *row, const char *key)
{
    return (size_t)json_integer_value(json_object_get(row, key));
}

static void lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text + 'a' - 'A');
}

static bool is_nan(assay_mma_format format, uint64_t code)
{
    return !mma_is_integer(format) && mma_decode(format, code).kind == MMA_NAN;
}

/* NVIDIA's NaN has bits of its own; elsewhere any NaN equals any. */
static bool same(const assay_mma_unit *unit, uint64_t x, uint64_t y)
{
    bool any = unit->kind > ASSAY_MMA_KIND_GST && is_nan(unit->fc, x) && is_nan(unit->fc, y);
    return x == y || any;
}

/* ---- captured ---- */

static const char *architecture(const char *gpu)
{
    static const char *const names[][2] = { { "V100", "volta" },  { "A100", "ampere" },
                                            { "A2", "ampere" },   { "Ada", "ada" },
                                            { "L40S", "ada" },    { "H100", "hopper" },
                                            { "H200", "hopper" }, { "B200", "blackwell" } };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(gpu, names[i][0]) == 0)
            return names[i][1];
    return "unknown";
}

/* The row of the instruction that a captured set names. */
static assay_mma_unit captured_unit(const json_t *row)
{
    const char *fa = text_of(row, "fa"), *fc = text_of(row, "fc");
    bool wgmma = strstr(text_of(row, "instr"), "wgmma") != NULL;
    size_t K = number_of(row, "K");
    char name[128];
    assay_mma_unit unit;
    if (wgmma)
        snprintf(name, sizeof name, "hopper.wgmma.%s.%s.%s", fc, fa, fa);
    else
        snprintf(name, sizeof name, "%s.mma.%s.%s.%s.%s.%s", architecture(text_of(row, "gpu")),
                 K == 4 && strcmp(fa, "f16") == 0 ? "m8n8k4"
                 : K == 4                         ? "m16n8k4"
                 : K == 8                         ? "m16n8k8"
                 : K == 16                        ? "m16n8k16"
                                                  : "m16n8k32",
                 fc, fa, fa, fc);
    cr_assert_eq(assay_mma_parse(name, &unit), ASSAY_OK, "%s", assay_last_error());
    cr_assert_eq(unit.certainty, ASSAY_MMA_CAPTURED, "%s", unit.name);
    return unit;
}

static size_t replay_captured(const char *path, const assay_mma_unit *unit, size_t rows)
{
    size_t size, wrong = 0, wc = assay_mma_format_bytes(unit->fc);
    size_t wa = assay_mma_format_bytes(unit->fa), K = (size_t)unit->K;
    size_t record = K * wa * 2 + 2 * wc;
    unsigned char *bytes = read_all(path, &size);
    cr_assert_eq(size, rows * record, "%s", path);
    for (size_t r = 0; r < rows; r++) {
        const unsigned char *a = bytes + r * record, *b = a + K * wa, *c = b + K * wa;
        uint64_t d = assay_mma_define(unit, a, b, NULL, NULL, mma_load(unit->fc, c, 0));
        uint64_t expected = mma_load(unit->fc, c, 1);
        if (d != expected && wrong++ == 0)
            cr_log_error("%s, row %zu: %llx, expected %llx", path, r, (unsigned long long)d,
                         (unsigned long long)expected);
    }
    free(bytes);
    return wrong;
}

Test(mma, captured_outputs)
{
    char folder[2048], path[4096];
    snprintf(folder, sizeof folder, "%s", assay_shared("vectors/mma/captured"));
    snprintf(path, sizeof path, "%s/index.json", folder);
    json_error_t error;
    json_t *index = json_load_file(path, 0, &error), *row;
    size_t i, wrong = 0, rows = 0;
    cr_assert_not_null(index, "%s", error.text);
    json_array_foreach(index, i, row)
    {
        assay_mma_unit unit = captured_unit(row);
        snprintf(path, sizeof path, "%s/%s", folder, text_of(row, "file"));
        rows += number_of(row, "rows");
        wrong += replay_captured(path, &unit, number_of(row, "rows"));
    }
    printf("captured: %zu rows, %zu different\n", rows, wrong);
    cr_assert_eq(rows, 38400);
    cr_assert_eq(wrong, 0);
    json_decref(index);
}

/* ---- model ---- */

typedef struct tiles {
    size_t count, m, n, scales, record;
} tiles;

static size_t replay_tile(const assay_mma_unit *unit, const tiles *t, const unsigned char *record)
{
    size_t wa = assay_mma_format_bytes(unit->fa), wb = assay_mma_format_bytes(unit->fb);
    size_t wc = assay_mma_format_bytes(unit->fc), K = (size_t)unit->K, wrong = 0;
    const unsigned char *a = record, *b = a + t->m * K * wa, *c = b + t->n * K * wb;
    const unsigned char *sa = c + t->m * t->n * wc, *sb = sa + t->m * t->scales;
    const unsigned char *d = sb + t->n * t->scales;
    for (size_t i = 0; i < t->m; i++)
        for (size_t j = 0; j < t->n; j++) {
            uint64_t got =
                assay_mma_define(unit, a + i * K * wa, b + j * K * wb, sa + i * t->scales,
                                 sb + j * t->scales, mma_load(unit->fc, c, i * t->n + j));
            wrong += !same(unit, got, mma_load(unit->fc, d, i * t->n + j));
        }
    return wrong;
}

static size_t replay_model(const char *folder, const json_t *row)
{
    char path[4096], name[256];
    assay_mma_unit unit;
    tiles t = { number_of(row, "tiles"), number_of(row, "tile_m"), number_of(row, "tile_n"),
                number_of(row, "ns"), number_of(row, "record_bytes") };
    size_t size, wrong = 0;
    snprintf(name, sizeof name, "%s.%s", text_of(row, "arch"), text_of(row, "instr"));
    lower(name);
    cr_assert_eq(assay_mma_parse(name, &unit), ASSAY_OK, "%s", assay_last_error());
    snprintf(path, sizeof path, "%s/%s", folder, text_of(row, "file"));
    unsigned char *bytes = read_all(path, &size);
    cr_assert_eq(size, t.count * t.record);
    for (size_t i = 0; i < t.count; i++) {
        size_t w = replay_tile(&unit, &t, bytes + i * t.record);
        if (w && getenv("MMA_VERBOSE"))
            cr_log_error("%s, tile %zu: %zu different", name, i, w);
        wrong += w;
    }
    if (wrong)
        cr_log_error("%s: %zu different", name, wrong);
    free(bytes);
    return wrong;
}

Test(mma, model_tiles)
{
    char folder[2048], path[4096];
    snprintf(folder, sizeof folder, "%s", assay_shared("vectors/mma/model"));
    snprintf(path, sizeof path, "%s/index.json", folder);
    json_error_t error;
    json_t *index = json_load_file(path, 0, &error), *row;
    size_t i, wrong = 0, outputs = 0;
    cr_assert_not_null(index, "%s", error.text);
    json_array_foreach(json_object_get(index, "instructions"), i, row)
    {
        outputs += number_of(row, "tiles") * number_of(row, "tile_m") * number_of(row, "tile_n");
        wrong += replay_model(folder, row);
    }
    printf("model: %zu outputs, %zu different\n", outputs, wrong);
    cr_assert_eq(outputs, 255360);
    cr_assert_eq(wrong, 0);
    json_decref(index);
}

/* ---- a sample of both that comes with the sources ---- */

Test(mma, sample)
{
    const char *folder = ASSAY_SOURCE_DIR "/tests/vectors/mma";
    char path[4096], name[128];
    size_t size, at = 0, wrong = 0, lines = 0, outputs = 0;
    tiles t;
    snprintf(path, sizeof path, "%s/tiles.bin", folder);
    unsigned char *bytes = read_all(path, &size);
    snprintf(path, sizeof path, "%s/tiles.txt", folder);
    FILE *index = fopen(path, "r");
    cr_assert_not_null(index, "%s", path);
    while (fscanf(index, "%127s %zu %zu %zu %zu %zu", name, &t.count, &t.m, &t.n, &t.scales,
                  &t.record) == 6) {
        assay_mma_unit unit;
        cr_assert_eq(assay_mma_parse(name, &unit), ASSAY_OK, "%s", assay_last_error());
        cr_assert_leq(at + t.count * t.record, size);
        for (size_t i = 0; i < t.count; i++, at += t.record) {
            size_t w = replay_tile(&unit, &t, bytes + at);
            if (w)
                cr_log_error("%s, record %zu: %zu different", name, i, w);
            wrong += w;
            outputs += t.m * t.n;
        }
        lines++;
    }
    fclose(index);
    free(bytes);
    printf("sample: %zu units, %zu outputs, %zu different\n", lines, outputs, wrong);
    cr_assert_eq(lines, 181);
    cr_assert_eq(at, size);
    cr_assert_eq(wrong, 0);
}

Test(mma, rows_are_sound)
{
    for (size_t i = 0; i < assay_mma_count(); i++) {
        assay_mma_unit unit;
        const assay_mma_unit *row = assay_mma_row(i);
        char alias[128];
        assay_mma_alias(row, alias, sizeof alias);
        cr_expect_eq(assay_mma_unit_check(row), ASSAY_OK, "%s: %s", row->name, assay_last_error());
        cr_expect_eq(assay_mma_parse(row->name, &unit), ASSAY_OK, "%s", assay_last_error());
        cr_expect_eq(unit.name, row->name, "%s is there twice", row->name);
        cr_expect(!*alias || assay_mma_parse(alias, &unit) == ASSAY_OK, "%s", alias);
        cr_expect_eq(unit.fa, row->fa, "%s", alias);
    }
}
