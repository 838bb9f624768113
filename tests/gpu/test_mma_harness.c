/* SPDX-License-Identifier: Apache-2.0 */
/* What the harness for real GPUs needs none for: each kernel with its instruction replaced by the
 * table's definition, its operands through the lanes' registers and shared memory; its vectors;
 * and what the table says to the probes of open questions. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/mma_parts.h"
#include "tests/gpu/mma_reference.h"
#include "tests/support/shared.h"

enum { WORDS = GPU_MOST_ROWS * 9 };

static const char *const architectures[] = { "ampere", "ada", "hopper", "blackwell",
                                             "rtx_blackwell" };

/* The first architecture whose table has the instruction. */
static assay_mma_unit any_unit(const gpu_instruction *row)
{
    enum { COUNT = sizeof architectures / sizeof architectures[0] };
    assay_mma_unit unit;
    size_t i = 0;
    while (i < COUNT && !gpu_unit(row, architectures[i], &unit))
        i++;
    cr_assert_lt(i, COUNT, "no unit has %s", row->name);
    return unit;
}

Test(mma_harness, kernels_equal_the_table)
{
    uint32_t a[WORDS], b[WORDS], c[WORDS], d[WORDS], expected[WORDS];
    uint64_t state = 5;
    for (int i = 0; i < gpu_instruction_count; i++) {
        const gpu_instruction *row = &gpu_instructions[i];
        assay_mma_unit unit = any_unit(row);
        size_t bytes = (size_t)gpu_c_words(row) * 4;
        int width = unit.kind == ASSAY_MMA_KIND_GST ? 4 : 8 * (int)assay_mma_format_bytes(unit.fa);
        cr_expect_eq(unit.K * width, row->words * row->width * 32, "%s", row->name);
        for (int t = 0; t < 6; t++) {
            gpu_draw_tile(row, &unit, &state, a, b, c);
            gpu_reference(row, &unit, a, b, c, d);
            gpu_expected(row, &unit, a, b, c, expected);
            cr_expect_arr_eq(d, expected, bytes, "%s", row->name);
        }
    }
}

/* Every kernel has vectors: the sample of tiles that comes with the sources names its unit, or
 * has one of the same arithmetic. */
Test(mma_harness, kernels_have_vectors)
{
    char name[128], rest[128];
    size_t found = 0, floats = 0;
    for (int i = 0; i < gpu_instruction_count; i++) {
        const gpu_instruction *row = &gpu_instructions[i];
        assay_mma_unit unit = any_unit(row);
        FILE *f = fopen(ASSAY_SOURCE_DIR "/tests/vectors/mma/tiles.txt", "r");
        cr_assert_not_null(f);
        bool has = false;
        while (fscanf(f, "%127s %127[^\n]", name, rest) == 2)
            has |= strstr(name, row->name) != NULL;
        fclose(f);
        floats += !mma_is_integer(unit.fa);
        found += has;
        if (!has && !mma_is_integer(unit.fa))
            printf("no vectors of its own: %s\n", row->name);
    }
    printf("%zu of %zu floating-point kernels have vectors\n", found, floats);
    cr_expect_geq(found, 24);
}

/* ---- probes ---- */

static void read_codes(assay_mma_format f, const json_t *list, void *codes)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        mma_store(f, codes, i, strtoull(json_string_value(json_array_get(list, i)), NULL, 16));
}

/* The table's answer is one of those that somebody expects. */
Test(mma_harness, probes_have_answers)
{
    static const char *const families[] = { "mma", "wgmma" };
    json_error_t error;
    json_t *probes = json_load_file(assay_shared("vectors/mma/hopper_probes.json"), 0, &error), *p;
    size_t i, asked = 0;
    cr_assert_not_null(probes, "%s", error.text);
    json_array_foreach(probes, i, p)
    {
        for (int f = 0; f < 2; f++) {
            char name[96];
            assay_mma_unit unit;
            const char *fa = json_string_value(json_object_get(p, "fa"));
            const char *fc = json_string_value(json_object_get(p, "fc"));
            snprintf(name, sizeof name, "hopper.%s.%s.%s.%s", families[f], fc, fa, fa);
            cr_assert_eq(assay_mma_parse(name, &unit), ASSAY_OK, "%s", assay_last_error());
            if (unit.K != json_integer_value(json_object_get(p, "K")))
                continue;
            uint32_t a[WORDS] = { 0 }, b[WORDS] = { 0 };
            read_codes(unit.fa, json_object_get(p, "A"), a);
            read_codes(unit.fb, json_object_get(p, "B"), b);
            uint64_t c = strtoull(json_string_value(json_object_get(p, "C")), NULL, 16);
            uint64_t d = assay_mma_define(&unit, a, b, NULL, NULL, c);
            const char *hypothesis;
            json_t *bits;
            bool expected = false;
            json_object_foreach(json_object_get(p, "expected"), hypothesis, bits) expected |=
                strtoull(json_string_value(bits), NULL, 16) == d;
            cr_expect(expected, "%s on %s: %llx", json_string_value(json_object_get(p, "id")), name,
                      (unsigned long long)d);
            asked++;
        }
    }
    cr_expect_geq(asked, 19);
    json_decref(probes);
}
