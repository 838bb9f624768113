/* SPDX-License-Identifier: Apache-2.0 */
/* Runs matrix instructions on the GPU of this machine and compares with the table.
 * mma_gpu [--tiles N] [--probes FILE] [--capture DIR]
 *   --tiles N      random tiles of each instruction (default 256)
 *   --probes FILE  the questions of hopper_probes.json, and whom the device agrees with
 *   --capture DIR  the first 16 tiles of each instruction as tiles.txt and tiles.bin, in the layout
 *                  of tests/vectors/mma
 * Exit 0: nothing differs; 1: something does; 2: usage; 77: no GPU that the kernels know. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/mma_parts.h"
#include "tests/gpu/mma_reference.h"

enum { CAPTURED = 16, SKIPPED = 77 };

typedef struct run {
    const char *architecture, *probes, *capture;
    size_t tiles, wrong;
    int capability;
    FILE *names, *records;
} run;

typedef struct tiles {
    size_t count, a, b, c; /* words of one tile */
    uint32_t *x, *y, *z, *d;
} tiles;

static tiles make_tiles(const gpu_instruction *row, size_t count)
{
    tiles t = { .count = count,
                .a = (size_t)gpu_operand_words(row, row->m),
                .b = (size_t)gpu_operand_words(row, GPU_N),
                .c = (size_t)gpu_c_words(row) };
    t.x = calloc(count * t.a, 4);
    t.y = calloc(count * t.b, 4);
    t.z = calloc(count * t.c, 4);
    t.d = calloc(count * t.c, 4);
    if (!t.x || !t.y || !t.z || !t.d) {
        fprintf(stderr, "mma_gpu: out of memory\n");
        exit(3);
    }
    return t;
}

static void free_tiles(tiles *t)
{
    free(t->x);
    free(t->y);
    free(t->z);
    free(t->d);
}

static bool run_device(int i, const tiles *t)
{
    const char *error = gpu_run(i, t->count, t->x, t->y, t->z, t->d);
    if (error)
        fprintf(stderr, "mma_gpu: %s: %s\n", gpu_instructions[i].name, error);
    return !error;
}

static bool is_nan(assay_mma_format f, uint64_t code)
{
    return !mma_is_integer(f) && mma_decode(f, code).kind == MMA_NAN;
}

/* Of binary64 any NaN equals any. */
static size_t compare(const gpu_instruction *row, const assay_mma_unit *u, const tiles *t)
{
    uint32_t expected[GPU_MOST_ROWS * GPU_N * 2];
    size_t wrong = 0;
    for (size_t i = 0; i < t->count; i++) {
        gpu_expected(row, u, t->x + i * t->a, t->y + i * t->b, t->z + i * t->c, expected);
        for (size_t e = 0; e < (size_t)row->m * GPU_N; e++) {
            uint64_t got = mma_load(u->fc, t->d + i * t->c, e), want = mma_load(u->fc, expected, e);
            bool nan = u->kind > ASSAY_MMA_KIND_GST && is_nan(u->fc, got) && is_nan(u->fc, want);
            if (got != want && !nan && wrong++ < 3)
                printf("  %s: tile %zu, element %zu: the device %llx, the table %llx\n", u->name, i,
                       e, (unsigned long long)got, (unsigned long long)want);
        }
    }
    return wrong;
}

/* Codes of all rows of A or B, one per container. */
static size_t write_codes(const run *r, const gpu_instruction *row, const assay_mma_unit *u,
                          assay_mma_format f, int rows, const uint32_t *words)
{
    unsigned char codes[16 * 8];
    size_t bytes = (size_t)u->K * assay_mma_format_bytes(f);
    for (int i = 0; i < rows; i++) {
        gpu_codes(row, u, f, words + i * row->words * row->width, codes);
        fwrite(codes, 1, bytes, r->records);
    }
    return (size_t)rows * bytes;
}

static size_t write_scales(const run *r, const gpu_instruction *row, const assay_mma_unit *u,
                           int rows, const uint32_t *words)
{
    size_t bytes = gpu_scale_bytes(u);
    for (int i = 0; i < rows; i++)
        fwrite(words + rows * row->words * row->width + i, 1, bytes, r->records);
    return (size_t)rows * bytes;
}

static void capture(const run *r, const gpu_instruction *row, const assay_mma_unit *u,
                    const tiles *t)
{
    size_t count = t->count < CAPTURED ? t->count : CAPTURED, bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t *x = t->x + i * t->a, *y = t->y + i * t->b;
        bytes = write_codes(r, row, u, u->fa, row->m, x) + write_codes(r, row, u, u->fb, GPU_N, y);
        bytes += 4 * fwrite(t->z + i * t->c, 4, t->c, r->records);
        bytes += write_scales(r, row, u, row->m, x) + write_scales(r, row, u, GPU_N, y);
        bytes += 4 * fwrite(t->d + i * t->c, 4, t->c, r->records);
    }
    fprintf(r->names, "%s %zu %d %d %zu %zu\n", u->name, count, row->m, GPU_N, gpu_scale_bytes(u),
            bytes);
}

static void run_random(run *r, int i)
{
    const gpu_instruction *row = &gpu_instructions[i];
    assay_mma_unit unit;
    if (!gpu_runs(row, r->capability) || !gpu_unit(row, r->architecture, &unit))
        return;
    tiles t = make_tiles(row, r->tiles);
    uint64_t state = 11;
    for (size_t j = 0; j < t.count; j++)
        gpu_draw_tile(row, &unit, &state, t.x + j * t.a, t.y + j * t.b, t.z + j * t.c);
    size_t outputs = t.count * (size_t)row->m * GPU_N;
    size_t wrong = run_device(i, &t) ? compare(row, &unit, &t) : outputs;
    printf("%-48s %zu outputs, %zu different\n", unit.name, outputs, wrong);
    if (r->names)
        capture(r, row, &unit, &t);
    r->wrong += wrong;
    free_tiles(&t);
}

/* ---- probes ---- */

static void read_codes(assay_mma_format f, const json_t *list, void *codes)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        mma_store(f, codes, i, strtoull(json_string_value(json_array_get(list, i)), NULL, 16));
}

static bool asks(const json_t *probe, const gpu_instruction *row, const assay_mma_unit *u)
{
    const char *instruction = json_string_value(json_object_get(probe, "instr"));
    bool mma = strstr(instruction, "mma.sync"), wgmma = strstr(instruction, "wgmma");
    const char *fa = assay_mma_format_name(u->fa), *fc = assay_mma_format_name(u->fc);
    return (row->by == GPU_GROUP ? wgmma || !mma : row->by == GPU_WARP && (mma || !wgmma)) &&
           strcmp(fa, json_string_value(json_object_get(probe, "fa"))) == 0 && u->fa == u->fb &&
           strcmp(fc, json_string_value(json_object_get(probe, "fc"))) == 0 &&
           json_integer_value(json_object_get(probe, "K")) == u->K;
}

static void run_probe(run *r, int i, const json_t *probe)
{
    const gpu_instruction *row = &gpu_instructions[i];
    assay_mma_unit u;
    if (!gpu_runs(row, r->capability) || !gpu_unit(row, r->architecture, &u) ||
        !asks(probe, row, &u))
        return;
    tiles t = make_tiles(row, 1);
    read_codes(u.fa, json_object_get(probe, "A"), t.x);
    read_codes(u.fb, json_object_get(probe, "B"), t.y);
    uint64_t c = strtoull(json_string_value(json_object_get(probe, "C")), NULL, 16);
    mma_store(u.fc, t.z, 0, c);
    uint64_t table = assay_mma_define(&u, t.x, t.y, NULL, NULL, c);
    uint64_t got = run_device(i, &t) ? mma_load(u.fc, t.d, 0) : ~(uint64_t)0;
    printf("%-22s %-40s device %llx, table %llx;", json_string_value(json_object_get(probe, "id")),
           u.name, (unsigned long long)got, (unsigned long long)table);
    const char *hypothesis;
    json_t *bits;
    json_object_foreach(json_object_get(probe, "expected"), hypothesis,
                        bits) if (strtoull(json_string_value(bits), NULL, 16) == got)
        printf(" [%s]", hypothesis);
    putchar('\n');
    r->wrong += got != table;
    free_tiles(&t);
}

static bool run_probes(run *r)
{
    json_error_t error;
    json_t *list = json_load_file(r->probes, 0, &error), *probe;
    size_t at;
    if (!list)
        return fprintf(stderr, "mma_gpu: %s: %s\n", r->probes, error.text), false;
    json_array_foreach(list, at, probe) for (int i = 0; i < gpu_instruction_count; i++)
        run_probe(r, i, probe);
    json_decref(list);
    return true;
}

/* ---- the command ---- */

static bool read_arguments(run *r, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--tiles") == 0)
            r->tiles = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--probes") == 0)
            r->probes = argv[i + 1];
        else if (strcmp(argv[i], "--capture") == 0)
            r->capture = argv[i + 1];
        else
            return false;
    }
    return argc % 2 == 1 && r->tiles > 0 && r->tiles < 1 << 20;
}

static FILE *open_in(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f)
        fprintf(stderr, "mma_gpu: %s: cannot be written\n", path);
    return f;
}

int main(int argc, char **argv)
{
    run r = { .tiles = 256 };
    if (!read_arguments(&r, argc, argv))
        return fprintf(stderr, "usage: mma_gpu [--tiles N] [--probes FILE] [--capture DIR]\n"), 2;
    r.capability = gpu_capability();
    r.architecture = gpu_architecture(r.capability);
    if (!r.architecture)
        return printf("no GPU here that the kernels know: no instruction was run\n"), SKIPPED;
    if (r.capture && (!(r.names = open_in(r.capture, "tiles.txt")) ||
                      !(r.records = open_in(r.capture, "tiles.bin"))))
        return 2;
    printf("compute capability %d.%d: %s\n", r.capability / 10, r.capability % 10, r.architecture);
    for (int i = 0; i < gpu_instruction_count; i++)
        run_random(&r, i);
    if (r.probes && !run_probes(&r))
        return 2;
    if (r.names && (fclose(r.names) != 0 || fclose(r.records) != 0))
        return 3;
    printf("%zu different\n", r.wrong);
    return r.wrong > 0;
}
