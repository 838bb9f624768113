/* SPDX-License-Identifier: Apache-2.0 */
/* What the harness's device side, host side and host reference agree on. C17 and CUDA C++. */
#ifndef ASSAY_TESTS_GPU_MMA_GPU_H
#define ASSAY_TESTS_GPU_MMA_GPU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __CUDACC__
#define GPU_BOTH __host__ __device__ inline
#else
#define GPU_BOTH static inline
#endif

enum { GPU_LANES = 32, GPU_N = 8, GPU_MOST_REGISTERS = 4, GPU_MOST_ROWS = 64 };

/**
 * An instruction: a tile is A [m, words], B [8, words], C and D [m, c_words], in words of 32 bits
 * that hold codes one after another, row by row.
 */
typedef struct gpu_instruction {
    const char *name; /* of the row, without the architecture                      */
    int sm;           /* the least compute capability; wgmma: the only one          */
    int wgmma;        /* 0: one warp, 16 rows; 1: four warps, 64 rows              */
    int m, words, c_words;
    int a_registers, b_registers, c_registers; /* of a lane; wgmma: C's alone */
} gpu_instruction;

/* Fragments, word by word: register r of a lane. Four words of k lie in one group of lanes. */
GPU_BOTH int gpu_a_word(int lane, int r, int words)
{
    return (lane / 4 + 8 * (r & 1)) * words + lane % 4 + 4 * (r >> 1);
}
GPU_BOTH int gpu_b_word(int lane, int r, int words)
{
    return lane / 4 * words + lane % 4 + 4 * r;
}
/* registers: 4 of 32 bits, 2 of a pair of binary16. */
GPU_BOTH int gpu_c_word(int lane, int r, int registers)
{
    return registers == 4 ? (lane / 4 + 8 * (r >> 1)) * GPU_N + lane % 4 * 2 + (r & 1)
                          : (lane / 4 + 8 * r) * (GPU_N / 2) + lane % 4;
}
/* wgmma: where word w of a row lies in shared memory, in words: core matrices of 8 rows and 16
 * bytes, two side by side along k, then the next 8 rows. */
GPU_BOTH int gpu_shared_word(int row, int w)
{
    return (row / 8 * 2 + w / 4) * 32 + row % 8 * 4 + w % 4;
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
