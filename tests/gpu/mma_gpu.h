/* SPDX-License-Identifier: Apache-2.0 */
/* What the harness's device side, host side and host reference agree on. C17 and CUDA C++. */
#ifndef ASSAY_TESTS_GPU_MMA_GPU_H
#define ASSAY_TESTS_GPU_MMA_GPU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __CUDACC__
#define GPU_BOTH __host__ __device__ constexpr inline
#else
#define GPU_BOTH static inline
#endif

enum { GPU_LANES = 32, GPU_N = 8, GPU_MOST_REGISTERS = 8, GPU_MOST_ROWS = 64 };

/**
 * An instruction: a tile is A [m, words], B [8, words], C and D [m, c_words], in words of `width`
 * times 32 bits, a register, that hold codes one after another, row by row; behind A and B, where
 * there are scales, 32 bits for each of their rows, with the scales from the low byte up.
 */
typedef struct gpu_instruction {
    const char *name; /* of the row, without the architecture                      */
    int sm;           /* the least compute capability; but for WARP without scales the only one */
    int by;           /* which threads, and where operands lie */
    int scales;       /* 0 or 1 */
    int m, words, c_words, width;
} gpu_instruction;

enum {
    GPU_WARP,  /* mma.sync: one warp, 16 or 8 rows, registers                            */
    GPU_GROUP, /* wgmma: four warps, 64 rows, operands in shared memory                  */
    GPU_TENSOR /* tcgen05: the same, C and D in tensor memory                            */
};

/* Of a tile: 32-bit words of A or B with `rows` rows, of C, and registers of a lane for n words. */
GPU_BOTH int gpu_operand_words(const gpu_instruction *i, int rows)
{
    return rows * (i->words * i->width + i->scales);
}
GPU_BOTH int gpu_c_words(const gpu_instruction *i)
{
    return i->m * i->c_words * i->width;
}
GPU_BOTH int gpu_registers(int words)
{
    return words / GPU_LANES;
}

/* Fragments, word by word: register r of a lane. Four words of k lie in one group of lanes. The
 * PTX ISA has a picture for each shape and width; these are all of them (test_mma_harness). */
GPU_BOTH int gpu_a_word(int lane, int r, int words)
{
    return (lane / 4 + 8 * (r & 1)) * words + lane % 4 + 4 * (r >> 1);
}
GPU_BOTH int gpu_b_word(int lane, int r, int words)
{
    return lane / 4 * words + lane % 4 + 4 * r;
}
/* A row of C: 8 words, or 4 with a pair of binary16 each. */
GPU_BOTH int gpu_c_word(int lane, int r, int c_words)
{
    return c_words == GPU_N ? (lane / 4 + 8 * (r >> 1)) * GPU_N + lane % 4 * 2 + (r & 1)
                            : (lane / 4 + 8 * r) * (GPU_N / 2) + lane % 4;
}
/* Scales: with thread-id 0 the PTX ISA (8.7, mma with block scaling) takes A's of row g and g + 8
 * from the first and the second lane of group g, and B's of column g from its first lane; the other
 * lanes bring the same. Byte-id 0: from the low byte up. */
GPU_BOTH int gpu_scale_row(int lane)
{
    return lane / 4 + 8 * (lane & 1);
}
GPU_BOTH int gpu_scale_column(int lane)
{
    return lane / 4;
}
/* wgmma: where word w of a row lies in shared memory, in words: core matrices of 8 rows and 16
 * bytes, two side by side along k, then the next 8 rows. */
GPU_BOTH int gpu_shared_word(int row, int w)
{
    return (row / 8 * 2 + w / 4) * 32 + row % 8 * 4 + w % 4;
}

/* tcgen05, 64 rows: each warp's 32 lanes of tensor memory hold 16 of them in the first 16 lanes
 * (PTX ISA 8.7, tcgen05 data path layouts, M = 64 without .ws), a column of C in each column. */
GPU_BOTH int gpu_tensor_row(int thread)
{
    return thread % 32 < 16 ? thread / 32 * 16 + thread % 32 : -1;
}

#ifdef __cplusplus
extern "C" {
#endif
/** Compute capability times 10 of the first device, 0 if there is none. */
int gpu_capability(void);
/** D of `tiles` tiles by instruction i of mma_rows.def; NULL, or what went wrong. */
const char *gpu_run(int i, size_t tiles, const uint32_t *a, const uint32_t *b, const uint32_t *c,
                    uint32_t *d);
#ifdef __cplusplus
}
#endif

/* The list, for C. */
extern const gpu_instruction gpu_instructions[];
extern const int gpu_instruction_count;

#endif
