/* SPDX-License-Identifier: Apache-2.0 */
/* The instructions on given bits: a warp or a group of four computes one tile. */
#include "mma_gpu.h"

#ifdef __CUDA_ARCH__
constexpr int capability = __CUDA_ARCH__ / 10;
#else
constexpr int capability = 0;
#endif
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
constexpr bool has_wgmma = true;
#else
constexpr bool has_wgmma = false;
#endif

typedef uint32_t word;

__device__ __forceinline__ float &as_float(word &x)
{
    return reinterpret_cast<float &>(x);
}

/* ---- mma.sync: one struct for each row, whose step is the instruction ---- */

#define C4(type)  : type(d[0]), type(d[1]), type(d[2]), type(d[3])
#define A42       : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1])
#define A21       : "r"(a[0]), "r"(a[1]), "r"(b[0])
#define AS_F(x) "+f"(as_float(x))
#define AS_I(x) "+r"(x)
#define STEP_F42(t) \
    asm volatile(t " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};" C4(AS_F) A42)
#define STEP_I42(t) \
    asm volatile(t " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};" C4(AS_I) A42)
#define STEP_F21(t) asm volatile(t " {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};" C4(AS_F) A21)
#define STEP_I21(t) asm volatile(t " {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};" C4(AS_I) A21)
#define STEP_H42(t) \
    asm volatile(t " {%0,%1}, {%2,%3,%4,%5}, {%6,%7}, {%0,%1};" : "+r"(d[0]), "+r"(d[1])A42)
#define STEP_H21(t) asm volatile(t " {%0,%1}, {%2,%3}, {%4}, {%0,%1};" : "+r"(d[0]), "+r"(d[1])A21)

enum { F42, F21, H42, H21, I42, I21 };

template <int ROW> struct instruction;

/* ---- wgmma: operands in shared memory, without swizzling ---- */

__device__ __forceinline__ uint64_t descriptor(const word *shared)
{
    uint64_t address = (uint64_t)__cvta_generic_to_shared(shared);
    /* the next core matrix along k is 128 bytes away, the next 8 rows 256 bytes */
    return (address & 0x3ffff) >> 4 | (uint64_t)(128 >> 4) << 16 | (uint64_t)(256 >> 4) << 32;
}

#define WG_HEAD "{ .reg .pred p; setp.ne.b32 p, 1, 0; "
#define WG_F(t, end) \
    asm volatile(WG_HEAD t " {%0,%1,%2,%3}, %4, %5, p" end "; }" C4(AS_F) : "l"(x), "l"(y))
#define WG_I(t, end) \
    asm volatile(WG_HEAD t " {%0,%1,%2,%3}, %4, %5, p" end "; }" C4(AS_I) : "l"(x), "l"(y))
#define WG_H(t, end)                                       \
    asm volatile(WG_HEAD t " {%0,%1}, %2, %3, p" end "; }" \
                 : "+r"(d[0]), "+r"(d[1])                  \
                 : "l"(x), "l"(y))

enum { ROW_BASE = __COUNTER__ + 1 };
#define NEXT_ROW (__COUNTER__ - ROW_BASE)

#define GPU_MMA(kind, least, shape, types, modifier)                                             \
    template <> struct instruction<NEXT_ROW> {                                                   \
        static constexpr bool wide = false, there = capability >= least;                         \
        static constexpr int words = kind == F42 || kind == H42 || kind == I42 ? 8 : 4;          \
        static constexpr int registers = kind == H42 || kind == H21 ? 2 : 4;                     \
        template <bool THERE> static __device__ void step(word *d, const word *a, const word *b) \
        {                                                                                        \
            if constexpr (THERE)                                                                 \
                STEP_##kind("mma.sync.aligned." shape ".row.col" modifier "." types);            \
        }                                                                                        \
    };
#define GPU_WGMMA(c, shape, types, modifier, end)                                          \
    template <> struct instruction<NEXT_ROW> {                                             \
        static constexpr bool wide = true, there = has_wgmma;                              \
        static constexpr int words = 8, registers = #c[0] == 'H' ? 2 : 4;                  \
        template <bool THERE> static __device__ void step(word *d, uint64_t x, uint64_t y) \
        {                                                                                  \
            if constexpr (THERE)                                                           \
                WG_##c("wgmma.mma_async.sync.aligned." shape "." types modifier, end);     \
        }                                                                                  \
    };
#include "mma_rows.def"
#undef GPU_MMA
#undef GPU_WGMMA
enum { ROWS = NEXT_ROW };

/* ---- tiles ---- */

template <class I> __device__ void run_warp(const word *a, const word *b, word *d, int lane)
{
    word x[4], y[2], z[4];
    for (int r = 0; r < I::words / 2; r++)
        x[r] = a[gpu_a_word(lane, r, I::words)];
    for (int r = 0; r < I::words / 4; r++)
        y[r] = b[gpu_b_word(lane, r, I::words)];
    for (int r = 0; r < I::registers; r++)
        z[r] = d[gpu_c_word(lane, r, I::registers)];
    I::template step<I::there>(z, x, y);
    for (int r = 0; r < I::registers; r++)
        d[gpu_c_word(lane, r, I::registers)] = z[r];
}

template <class I> __device__ void run_group(const word *a, const word *b, word *d, int thread)
{
    __shared__ alignas(128) word x[64 * 8], y[8 * 8];
    word z[4];
    word *own = d + thread / 32 * 16 * I::registers * 2; /* 16 rows of 8 or 4 words */
    for (int i = thread; i < 64 * 8; i += 128)
        x[gpu_shared_word(i / 8, i % 8)] = a[i];
    if (thread < 64)
        y[gpu_shared_word(thread / 8, thread % 8)] = b[thread];
    for (int r = 0; r < I::registers; r++)
        z[r] = own[gpu_c_word(thread % 32, r, I::registers)];
    if constexpr (has_wgmma) {
        asm volatile("fence.proxy.async;" ::: "memory");
        __syncthreads();
        asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
        I::template step<I::there>(z, descriptor(x), descriptor(y));
        asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
        asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
    }
    for (int r = 0; r < I::registers; r++)
        own[gpu_c_word(thread % 32, r, I::registers)] = z[r];
}

template <int ROW> __global__ void run_tile(const word *a, const word *b, word *d)
{
    typedef instruction<ROW> I;
    constexpr int m = I::wide ? 64 : 16;
    size_t tile = blockIdx.x;
    a += tile * m * I::words;
    b += tile * GPU_N * I::words;
    d += tile * m * I::registers * 2;
    if constexpr (I::wide)
        run_group<I>(a, b, d, (int)threadIdx.x);
    else
        run_warp<I>(a, b, d, (int)threadIdx.x);
}

/* ---- host ---- */

typedef void launch_fn(unsigned tiles, const word *a, const word *b, word *d);

template <int ROW> static void launch(unsigned tiles, const word *a, const word *b, word *d)
{
    run_tile<ROW><<<tiles, instruction<ROW>::wide ? 128 : 32>>>(a, b, d);
}

template <int ROW> static launch_fn *find(int row)
{
    if constexpr (ROW < ROWS)
        return row == ROW ? launch<ROW> : find<ROW + 1>(row);
    else
        return nullptr;
}

int gpu_capability(void)
{
    int devices = 0;
    cudaDeviceProp properties;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0 ||
        cudaGetDeviceProperties(&properties, 0) != cudaSuccess)
        return 0;
    return properties.major * 10 + properties.minor;
}

const char *gpu_run(int i, size_t tiles, const word *a, const word *b, const word *c, word *d)
{
    const gpu_instruction *row = &gpu_instructions[i];
    size_t bytes_a = tiles * row->m * row->words * sizeof(word);
    size_t bytes_b = tiles * GPU_N * row->words * sizeof(word);
    size_t bytes_d = tiles * row->m * row->c_words * sizeof(word);
    word *x = nullptr;
    cudaError_t error = cudaMalloc(&x, bytes_a + bytes_b + bytes_d);
    word *y = x + bytes_a / sizeof(word), *z = y + bytes_b / sizeof(word);
    if (error == cudaSuccess)
        error = cudaMemcpy(x, a, bytes_a, cudaMemcpyHostToDevice);
    if (error == cudaSuccess)
        error = cudaMemcpy(y, b, bytes_b, cudaMemcpyHostToDevice);
    if (error == cudaSuccess)
        error = cudaMemcpy(z, c, bytes_d, cudaMemcpyHostToDevice);
    if (error == cudaSuccess) {
        find<0>(i)((unsigned)tiles, x, y, z);
        error = cudaGetLastError();
    }
    if (error == cudaSuccess)
        error = cudaMemcpy(d, z, bytes_d, cudaMemcpyDeviceToHost);
    cudaFree(x);
    return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}
