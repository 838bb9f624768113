/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/gpu/mma_reference.h"

#include <stdio.h>
#include <string.h>

#include "kernels/mma_parts.h"

#define REGISTERS(kind) REGISTERS_##kind
#define REGISTERS_F42   8, 8, 4, 2, 4
#define REGISTERS_F21   4, 8, 2, 1, 4
#define REGISTERS_H42   8, 4, 4, 2, 2
#define REGISTERS_H21   4, 4, 2, 1, 2
#define REGISTERS_I42   8, 8, 4, 2, 4
#define REGISTERS_I21   4, 8, 2, 1, 4
#define WIDE_F          8, 8, 0, 0, 4
#define WIDE_H          8, 4, 0, 0, 2
#define WIDE_I          8, 8, 0, 0, 4

const gpu_instruction gpu_instructions[] = {
#define GPU_MMA(kind, sm, shape, types, modifier) \
    { "mma." shape "." types modifier, sm, 0, 16, REGISTERS(kind) },
#define GPU_WGMMA(c, shape, types, modifier, end) \
    { "wgmma." shape "." types modifier, 90, 1, 64, WIDE_##c },
#include "mma_rows.def"
};
const int gpu_instruction_count = sizeof gpu_instructions / sizeof gpu_instructions[0];

/* ---- names ---- */

const char *gpu_architecture(int capability)
{
    switch (capability) {
    case 80:
    case 86:
    case 87: return "ampere";
    case 89: return "ada";
    case 90: return "hopper";
    case 100:
    case 103: return "blackwell";
    case 120:
    case 121: return "rtx_blackwell";
    default: return NULL;
    }
}

bool gpu_runs(const gpu_instruction *row, int capability)
{
    return row->wgmma ? capability == 90 : capability >= row->sm;
}

bool gpu_unit(const gpu_instruction *row, const char *architecture, assay_mma_unit *out)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", architecture, row->name);
    return assay_mma_parse(name, out) == ASSAY_OK;
}

/* ---- one tile by the definition ---- */

void gpu_expected(const gpu_instruction *row, const assay_mma_unit *u, const uint32_t *a,
                  const uint32_t *b, const uint32_t *c, uint32_t *d)
{
    for (size_t i = 0; i < (size_t)row->m; i++)
        for (size_t j = 0; j < GPU_N; j++) {
            uint64_t code = mma_load(u->fc, c, i * GPU_N + j);
            code = assay_mma_define(u, a + i * (size_t)row->words, b + j * (size_t)row->words, NULL,
                                    NULL, code);
            mma_store(u->fc, d, i * GPU_N + j, code);
        }
}

/* ---- fragments as the PTX ISA describes them: element i of a lane, g = lane / 4, t = lane % 4.
 * It has a formula for each width; mma_gpu.h has one for all, in words. ---- */

typedef struct place {
    int row, k;
} place;

static place place_16_bits(int g, int t, int i)
{
    bool lower = i < 2 || (i >= 4 && i < 6);
    return (place){ lower ? g : g + 8, t * 2 + (i & 1) + (i >= 4 ? 8 : 0) };
}

static place place_8_bits(int g, int t, int i)
{
    bool lower = i < 4 || (i >= 8 && i < 12);
    return (place){ lower ? g : g + 8, t * 4 + (i & 3) + (i >= 8 ? 16 : 0) };
}

static place place_32_bits(int g, int t, int i)
{
    return (place){ i == 0 || i == 2 ? g : g + 8, i < 2 ? t : t + 4 };
}

static place place_of_a(int bytes, int lane, int i)
{
    int g = lane / 4, t = lane % 4;
    return bytes == 1   ? place_8_bits(g, t, i)
           : bytes == 2 ? place_16_bits(g, t, i)
                        : place_32_bits(g, t, i);
}

/* b(k, column g): k as in A, but half the elements are the lower ones */
static place place_of_b(int bytes, int lane, int i)
{
    int g = lane / 4, t = lane % 4, half = 4 / bytes;
    return (place){ g, t * half + i % half + (i >= half ? 4 * half : 0) };
}

static place place_of_c(int lane, int i)
{
    return (place){ lane / 4 + (i < 2 ? 0 : 8), lane % 4 * 2 + (i & 1) };
}

typedef struct tile {
    unsigned char a[GPU_MOST_ROWS * 32], b[GPU_N * 32];
    uint32_t c[16 * GPU_N], d[16 * GPU_N];
} tile;

/* What the instruction sees of the registers that the kernel loads. */
static void gather(const gpu_instruction *row, int bytes, const uint32_t *a, const uint32_t *b,
                   tile *t)
{
    for (int lane = 0; lane < GPU_LANES; lane++) {
        uint32_t x[GPU_MOST_REGISTERS], y[GPU_MOST_REGISTERS];
        for (int r = 0; r < row->a_registers; r++)
            x[r] = a[gpu_a_word(lane, r, row->words)];
        for (int r = 0; r < row->b_registers; r++)
            y[r] = b[gpu_b_word(lane, r, row->words)];
        for (int i = 0; i < row->a_registers * 4 / bytes; i++) {
            place p = place_of_a(bytes, lane, i);
            memcpy(t->a + p.row * row->words * 4 + p.k * bytes,
                   (const unsigned char *)x + i * bytes, (size_t)bytes);
        }
        for (int i = 0; i < row->b_registers * 4 / bytes; i++) {
            place p = place_of_b(bytes, lane, i);
            memcpy(t->b + p.row * row->words * 4 + p.k * bytes,
                   (const unsigned char *)y + i * bytes, (size_t)bytes);
        }
    }
}

/* C or D between a tile in memory and what the instruction holds, through the registers. */
static void move_c(const gpu_instruction *row, uint32_t *memory, uint32_t *held, bool back)
{
    int bytes = row->c_registers == 4 ? 4 : 2;
    for (int lane = 0; lane < GPU_LANES; lane++)
        for (int i = 0; i < 4; i++) {
            place p = place_of_c(lane, i);
            int word = gpu_c_word(lane, i * bytes / 4, row->c_registers);
            unsigned char *x = (unsigned char *)&memory[word] + i * bytes % 4;
            unsigned char *y = (unsigned char *)held + (p.row * GPU_N + p.k) * bytes;
            memcpy(back ? x : y, back ? y : x, (size_t)bytes);
        }
}

static void run_warp(const gpu_instruction *row, const assay_mma_unit *u, const tile *t,
                     uint32_t *d)
{
    uint32_t c[16 * GPU_N], out[16 * GPU_N];
    gpu_instruction part = *row;
    part.m = 16;
    move_c(row, d, c, false);
    gpu_expected(&part, u, (const uint32_t *)(const void *)t->a,
                 (const uint32_t *)(const void *)t->b, c, out);
    move_c(row, d, out, true);
}

/* Core matrices: 8 rows of 16 bytes, 128 bytes apart along k and 256 along the rows. */
static void gather_shared(const gpu_instruction *row, const uint32_t *from, int rows,
                          unsigned char *to)
{
    unsigned char shared[GPU_MOST_ROWS * 32];
    for (int i = 0; i < rows * row->words; i++)
        memcpy(shared + 4 * gpu_shared_word(i / row->words, i % row->words), &from[i], 4);
    for (int i = 0; i < rows; i++)
        for (int byte = 0; byte < 32; byte++)
            to[i * 32 + byte] = shared[i / 8 * 256 + byte / 16 * 128 + i % 8 * 16 + byte % 16];
}

void gpu_reference(const gpu_instruction *row, const assay_mma_unit *u, const uint32_t *a,
                   const uint32_t *b, const uint32_t *c, uint32_t *d)
{
    _Alignas(8) tile t;
    memcpy(d, c, (size_t)(row->m * row->c_words) * sizeof *d);
    if (!row->wgmma) {
        gather(row, (int)assay_mma_format_bytes(u->fa), a, b, &t);
        run_warp(row, u, &t, d);
        return;
    }
    gather_shared(row, a, 64, t.a);
    gather_shared(row, b, GPU_N, t.b);
    for (int warp = 0; warp < 4; warp++) {
        tile part = t;
        memcpy(part.a, t.a + warp * 16 * 32, 16 * 32);
        run_warp(row, u, &part, d + warp * 16 * row->c_words);
    }
}

/* ---- operands ---- */

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* kind 0: any bits; 1: exponents near 0; 2: the same with small significands, which cancel. */
static uint64_t draw_code(assay_mma_format f, int kind, uint64_t *state)
{
    uint64_t code = draw(state) >> 8, choice = draw(state) >> 20;
    if (kind == 0 || mma_is_integer(f))
        return choice % 16 ? code : 0;
    mma_layout l = mma_layout_of(f);
    int width = f == ASSAY_MMA_TF32 ? 23 : l.fraction_bits;
    uint64_t fraction = code & (((uint64_t)1 << width) - 1), sign = choice & 1;
    if (kind == 2)
        fraction &= ~(uint64_t)0 << (width - 2);
    uint64_t field = (uint64_t)(l.bias - 3) + choice / 2 % 7;
    return (sign << l.exponent_bits | field) << width | fraction;
}

void gpu_draw_tile(const gpu_instruction *row, const assay_mma_unit *u, uint64_t *state,
                   uint32_t *a, uint32_t *b, uint32_t *c)
{
    int kind = (int)(draw(state) >> 30 & 3) % 3;
    size_t k = (size_t)u->K, m = (size_t)row->m;
    for (size_t i = 0; i < m * k; i++)
        mma_store(u->fa, a, i, draw_code(u->fa, kind, state));
    for (size_t i = 0; i < GPU_N * k; i++)
        mma_store(u->fb, b, i, draw_code(u->fb, kind, state));
    for (size_t i = 0; i < m * GPU_N; i++)
        mma_store(u->fc, c, i, draw(state) >> 40 & 1 ? draw_code(u->fc, kind, state) : 0);
}
