/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/gpu/mma_reference.h"

#include <stdio.h>
#include <string.h>

#include "kernels/mma_parts.h"

/* m, words, c_words, width */
#define SIZES(kind) SIZES_##kind
#define SIZES_F42   16, 8, 8, 1
#define SIZES_F21   16, 4, 8, 1
#define SIZES_H42   16, 8, 4, 1
#define SIZES_H21   16, 4, 4, 1
#define SIZES_I42   16, 8, 8, 1
#define SIZES_I21   16, 4, 8, 1
#define SIZES_D11   8, 4, 8, 2
#define SIZES_D84   16, 16, 8, 2
#define WIDE_F      64, 8, 8, 1
#define WIDE_H      64, 8, 4, 1
#define WIDE_I      64, 8, 8, 1

const gpu_instruction gpu_instructions[] = {
#define GPU_MMA(kind, sm, shape, types, modifier) \
    { "mma." shape "." types modifier, sm, GPU_WARP, 0, SIZES(kind) },
#define GPU_SCALED(shape, kind, block, vector, types, scales) \
    { "mma." shape "." kind "." block ".f32." types "." scales, 120, GPU_WARP, 1, SIZES_F42 },
#define GPU_WGMMA(c, shape, types, modifier, end) \
    { "wgmma." shape "." types modifier, 90, GPU_GROUP, 0, WIDE_##c },
#define GPU_TCGEN05(shape, types, kind, a, b) \
    { "tcgen05." shape "." types, 100, GPU_TENSOR, 0, WIDE_F },
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
    bool only = row->by != GPU_WARP || row->scales;
    return only ? capability == row->sm : capability >= row->sm;
}

bool gpu_unit(const gpu_instruction *row, const char *architecture, assay_mma_unit *out)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", architecture, row->name);
    return assay_mma_parse(name, out) == ASSAY_OK;
}

/* ---- one tile by the definition ---- */

static bool is_packed(const gpu_instruction *row, const assay_mma_unit *u)
{
    return u->K > row->words * row->width * 4;
}

void gpu_codes(const gpu_instruction *row, const assay_mma_unit *u, assay_mma_format format,
               const uint32_t *words, unsigned char *codes)
{
    const unsigned char *bytes = (const unsigned char *)words;
    if (!is_packed(row, u))
        memcpy(codes, bytes, (size_t)u->K * assay_mma_format_bytes(format));
    else
        for (int k = 0; k < u->K; k++)
            codes[k] = (unsigned char)(bytes[k / 2] >> k % 2 * 4 & 15);
}

size_t gpu_scale_bytes(const assay_mma_unit *u)
{
    return u->block ? (size_t)(u->K / u->block) : 0;
}

void gpu_expected(const gpu_instruction *row, const assay_mma_unit *u, const uint32_t *a,
                  const uint32_t *b, const uint32_t *c, uint32_t *d)
{
    size_t words = (size_t)(row->words * row->width), m = (size_t)row->m;
    const uint32_t *sa = a + m * words, *sb = b + GPU_N * words;
    unsigned char x[16 * 8], y[16 * 8];
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < GPU_N; j++) {
            uint64_t code = mma_load(u->fc, c, i * GPU_N + j);
            gpu_codes(row, u, u->fa, a + i * words, x);
            gpu_codes(row, u, u->fb, b + j * words, y);
            code = assay_mma_define(u, x, y, row->scales ? (const uint8_t *)&sa[i] : NULL,
                                    row->scales ? (const uint8_t *)&sb[j] : NULL, code);
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

/* m16n8k16; m8n8k4 is its first element */
static place place_64_bits(int g, int t, int i)
{
    return (place){ i % 2 == 0 ? g : g + 8, i % 2 == 0 ? i * 2 + t : i * 2 - 2 + t };
}

static place place_of_a(int bytes, int lane, int i)
{
    int g = lane / 4, t = lane % 4;
    return bytes == 1   ? place_8_bits(g, t, i)
           : bytes == 2 ? place_16_bits(g, t, i)
           : bytes == 4 ? place_32_bits(g, t, i)
                        : place_64_bits(g, t, i);
}

/* b(k, column g): k as in A, but half the elements are the lower ones */
static place place_of_b(int bytes, int lane, int i)
{
    int g = lane / 4, t = lane % 4, half = 4 / bytes;
    if (bytes == 8)
        return (place){ g, t + 4 * i };
    return (place){ g, t * half + i % half + (i >= half ? 4 * half : 0) };
}

static place place_of_c(int lane, int i)
{
    return (place){ lane / 4 + (i < 2 ? 0 : 8), lane % 4 * 2 + (i & 1) };
}

/* The longest rows, of 16 binary64; scales of rows behind them. */
typedef struct tile {
    unsigned char a[GPU_MOST_ROWS * 32 + 16 * 4], b[GPU_N * 128 + GPU_N * 4];
    uint32_t c[16 * GPU_N], d[16 * GPU_N];
} tile;

/* What the instruction sees of the registers that the kernel loads. */
static void gather(const gpu_instruction *row, int bytes, const uint32_t *a, const uint32_t *b,
                   tile *t)
{
    int size = row->words * row->width * 4, registers_a = gpu_registers(row->m * row->words);
    int registers_b = gpu_registers(GPU_N * row->words), w = row->width;
    for (int lane = 0; lane < GPU_LANES; lane++) {
        uint32_t x[2 * GPU_MOST_REGISTERS], y[2 * GPU_MOST_REGISTERS];
        for (int r = 0; r < registers_a * w; r++)
            x[r] = a[gpu_a_word(lane, r / w, row->words) * w + r % w];
        for (int r = 0; r < registers_b * w; r++)
            y[r] = b[gpu_b_word(lane, r / w, row->words) * w + r % w];
        for (int i = 0; i < registers_a * w * 4 / bytes; i++) {
            place p = place_of_a(bytes, lane, i);
            memcpy(t->a + p.row * size + p.k * bytes, (const unsigned char *)x + i * bytes,
                   (size_t)bytes);
        }
        for (int i = 0; i < registers_b * w * 4 / bytes; i++) {
            place p = place_of_b(bytes, lane, i);
            memcpy(t->b + p.row * size + p.k * bytes, (const unsigned char *)y + i * bytes,
                   (size_t)bytes);
        }
        /* thread-id 0: rows from the first two lanes of a group, columns from the first */
        if (row->scales && lane % 4 < 2)
            memcpy(t->a + 16 * size + (lane / 4 + lane % 4 * 8) * 4,
                   &a[16 * size / 4 + gpu_scale_row(lane)], 4);
        if (row->scales && lane % 4 == 0)
            memcpy(t->b + GPU_N * size + lane / 4 * 4,
                   &b[GPU_N * size / 4 + gpu_scale_column(lane)], 4);
    }
}

/* C or D between a tile in memory and what the instruction holds, through the registers. */
static void move_c(const gpu_instruction *row, uint32_t *memory, uint32_t *held, bool back)
{
    int bytes = row->c_words == 4 ? 2 : row->width * 4, w = row->width;
    for (int lane = 0; lane < GPU_LANES; lane++)
        for (int i = 0; i < row->m / 4; i++) {
            place p = place_of_c(lane, i);
            int word = gpu_c_word(lane, i * bytes / (4 * w), row->c_words) * w;
            unsigned char *x = (unsigned char *)&memory[word] + i * bytes % (4 * w);
            unsigned char *y = (unsigned char *)held + (p.row * GPU_N + p.k) * bytes;
            memcpy(back ? x : y, back ? y : x, (size_t)bytes);
        }
}

static void run_warp(const gpu_instruction *row, const assay_mma_unit *u, const tile *t,
                     uint32_t *d)
{
    uint32_t c[16 * GPU_N * 2], out[16 * GPU_N * 2];
    gpu_instruction part = *row;
    part.m = row->by == GPU_GROUP ? 16 : row->m;
    move_c(&part, d, c, false);
    gpu_expected(&part, u, (const uint32_t *)(const void *)t->a,
                 (const uint32_t *)(const void *)t->b, c, out);
    move_c(&part, d, out, true);
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

/* Rows of C through the lanes of tensor memory: row r is lane r % 16 of the warp r / 16. */
static void run_tensor(const gpu_instruction *row, const assay_mma_unit *u, const tile *t,
                       uint32_t *d)
{
    uint32_t c[64 * GPU_N], out[64 * GPU_N];
    for (int back = 0; back < 2; back++) {
        for (int thread = 0; thread < 4 * GPU_LANES; thread++) {
            uint32_t *memory = d + gpu_tensor_row(thread) * GPU_N;
            uint32_t *held = (back ? out : c) + (thread / 32 * 16 + thread % 32) * GPU_N;
            if (thread % 32 < 16)
                memcpy(back ? memory : held, back ? held : memory, GPU_N * sizeof *held);
        }
        if (!back)
            gpu_expected(row, u, (const uint32_t *)(const void *)t->a,
                         (const uint32_t *)(const void *)t->b, c, out);
    }
}

void gpu_reference(const gpu_instruction *row, const assay_mma_unit *u, const uint32_t *a,
                   const uint32_t *b, const uint32_t *c, uint32_t *d)
{
    _Alignas(8) tile t;
    memcpy(d, c, (size_t)gpu_c_words(row) * sizeof *d);
    if (row->by == GPU_WARP) {
        gather(row, is_packed(row, u) ? 1 : (int)assay_mma_format_bytes(u->fa), a, b, &t);
        run_warp(row, u, &t, d);
        return;
    }
    gather_shared(row, a, 64, t.a);
    gather_shared(row, b, GPU_N, t.b);
    if (row->by == GPU_TENSOR) {
        run_tensor(row, u, &t, d);
        return;
    }
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
    uint64_t choice = draw(state) >> 20, code = draw(state) >> 8 | choice << 56;
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

/* Rows of a matrix, and their scales behind them: around 1, or anything. */
static void draw_rows(const gpu_instruction *row, const assay_mma_unit *u, assay_mma_format f,
                      size_t rows, int kind, uint64_t *state, uint32_t *to)
{
    size_t k = (size_t)u->K, bytes = rows * (size_t)(row->words * row->width) * 4;
    uint8_t *scales = (uint8_t *)to + bytes;
    if (is_packed(row, u))
        for (size_t i = 0; i < bytes; i++)
            ((uint8_t *)to)[i] = (uint8_t)(draw(state) >> 30);
    else
        for (size_t i = 0; i < rows * k; i++)
            mma_store(f, to, i, draw_code(f, kind, state));
    uint8_t one = u->fs == ASSAY_MMA_UE8M0 ? 127 : 0x38;
    for (size_t i = 0; i < (row->scales ? 4 * rows : 0); i++)
        scales[i] = (uint8_t)(kind == 0 ? draw(state) >> 30 : one - 4 + (draw(state) >> 30) % 9);
}

void gpu_draw_tile(const gpu_instruction *row, const assay_mma_unit *u, uint64_t *state,
                   uint32_t *a, uint32_t *b, uint32_t *c)
{
    int kind = (int)(draw(state) >> 30 & 3) % 3;
    size_t m = (size_t)row->m;
    draw_rows(row, u, u->fa, m, kind, state, a);
    draw_rows(row, u, u->fb, GPU_N, kind, state, b);
    for (size_t i = 0; i < m * GPU_N; i++)
        mma_store(u->fc, c, i, draw(state) >> 40 & 1 ? draw_code(u->fc, kind, state) : 0);
}
