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

#ifdef __CUDA_ARCH_FEAT_SM120_ALL
constexpr bool has_scales = true;
#else
constexpr bool has_scales = false;
#endif

#ifdef __CUDA_ARCH_FEAT_SM100_ALL
constexpr bool has_tensor_memory = true;
#else
constexpr bool has_tensor_memory = false;
#endif

typedef uint32_t word;

__device__ __forceinline__ float &as_float(word &x)
{
    return reinterpret_cast<float &>(x);
}

__device__ __forceinline__ double &as_double(word &x)
{
    return reinterpret_cast<double &>(x);
}
__device__ __forceinline__ const double &as_double(const word &x)
{
    return reinterpret_cast<const double &>(x);
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

#define D(x, i) "d"(as_double(x[2 * i]))
#define P(i)    "+d"(as_double(d[2 * i]))
#define STEP_D11(t) \
    asm volatile(t " {%0,%1}, {%2}, {%3}, {%0,%1};" : P(0), P(1) : D(a, 0), D(b, 0))
#define STEP_D84(t)                                                                          \
    asm volatile(t " {%0,%1,%2,%3}, {%4,%5,%6,%7,%8,%9,%10,%11}, {%12,%13,%14,%15}, "        \
                   "{%0,%1,%2,%3};"                                                          \
                 : P(0), P(1), P(2), P(3)                                                    \
                 : D(a, 0), D(a, 1), D(a, 2), D(a, 3), D(a, 4), D(a, 5), D(a, 6), D(a, 7),   \
                   D(b, 0), D(b, 1), D(b, 2), D(b, 3))
/* d, a, b, c, scales of A, {byte-id, thread-id}, scales of B, {byte-id, thread-id} */
#define STEP_SCALED(t)                                                                         \
    asm volatile(t " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3}, {%10}, {%12,%13}, " \
                   "{%11}, {%12,%13};" C4(AS_F) A42, "r"(sa), "r"(sb), "h"(none), "h"(none))

enum { F42, F21, H42, H21, I42, I21, D11, D84 };

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
        static constexpr int by = GPU_WARP;                                                      \
        static constexpr bool scaled = false, there = capability >= least;                       \
        static constexpr int m = kind == D11 ? 8 : 16, width = kind >= D11 ? 2 : 1;              \
        static constexpr int words = kind == D84 ? 16 : kind == F42 || kind == H42 || kind == I42 ? 8 : 4; \
        static constexpr int c_words = kind == H42 || kind == H21 ? 4 : 8;                       \
        template <bool THERE> static __device__ void step(word *d, const word *a, const word *b) \
        {                                                                                        \
            if constexpr (THERE)                                                                 \
                STEP_##kind("mma.sync.aligned." shape ".row.col" modifier "." types);            \
        }                                                                                        \
    };
#define GPU_SCALED(shape, kind, block, vector, types, scales)                                    \
    template <> struct instruction<NEXT_ROW> {                                                   \
        static constexpr int by = GPU_WARP;                                                      \
        static constexpr bool scaled = true, there = has_scales;                                 \
        static constexpr int m = 16, width = 1, words = 8, c_words = 8;                          \
        template <bool THERE>                                                                    \
        static __device__ void step(word *d, const word *a, const word *b, word sa, word sb)     \
        {                                                                                        \
            constexpr uint16_t none = 0;                                                         \
            if constexpr (THERE)                                                                 \
                STEP_SCALED("mma.sync.aligned." shape ".row.col.kind::" kind                     \
                            ".block_scale.scale_vec::" vector ".f32." types ".f32." scales);     \
        }                                                                                        \
    };
#define GPU_WGMMA(c, shape, types, modifier, end)                                          \
    template <> struct instruction<NEXT_ROW> {                                             \
        static constexpr int by = GPU_GROUP;                                               \
        static constexpr bool scaled = false, there = has_wgmma;                           \
        static constexpr int m = 64, width = 1, words = 8, c_words = #c[0] == 'H' ? 4 : 8; \
        template <bool THERE> static __device__ void step(word *d, uint64_t x, uint64_t y) \
        {                                                                                  \
            if constexpr (THERE)                                                           \
                WG_##c("wgmma.mma_async.sync.aligned." shape "." types modifier, end);     \
        }                                                                                  \
    };
/* D in binary32 (1), the operands' types, 8 columns, 64 rows: PTX ISA 8.7, instruction descriptor. */
#define GPU_TCGEN05(shape, types, kind, a, b)                                                     \
    template <> struct instruction<NEXT_ROW> {                                                    \
        static constexpr int by = GPU_TENSOR;                                                     \
        static constexpr bool scaled = false, there = has_tensor_memory;                          \
        static constexpr int m = 64, width = 1, words = 8, c_words = 8;                           \
        template <bool THERE> static __device__ void step(word tensor, uint64_t x, uint64_t y)    \
        {                                                                                         \
            constexpr word how = 1u << 4 | a << 7 | b << 10 | (8u >> 3) << 17 | (64u >> 4) << 24; \
            if constexpr (THERE)                                                                  \
                asm volatile("{ .reg .pred p; setp.ne.b32 p, 1, 0; "                              \
                             "tcgen05.mma.cta_group::1.kind::" kind " [%0], %1, %2, %3, p; }"     \
                             :                                                                    \
                             : "r"(tensor), "l"(x), "l"(y), "r"(how)                              \
                             : "memory");                                                         \
        }                                                                                         \
    };
#include "mma_rows.def"
#undef GPU_TCGEN05
#undef GPU_MMA
#undef GPU_SCALED
#undef GPU_WGMMA
enum { ROWS = NEXT_ROW };

/* ---- tiles ---- */

/* Register r of 32 or 64 bits. */
template <class I> __device__ void copy_register(word *to, int r, const word *from, int at)
{
    for (int w = 0; w < I::width; w++)
        to[r * I::width + w] = from[at * I::width + w];
}

template <class I> __device__ void run_warp(const word *a, const word *b, word *d, int lane)
{
    alignas(8) word x[16], y[8], z[8];
    constexpr int of_a = I::m * I::words, of_b = GPU_N * I::words, of_c = I::m * I::c_words;
    for (int r = 0; r < gpu_registers(of_a); r++)
        copy_register<I>(x, r, a, gpu_a_word(lane, r, I::words));
    for (int r = 0; r < gpu_registers(of_b); r++)
        copy_register<I>(y, r, b, gpu_b_word(lane, r, I::words));
    for (int r = 0; r < gpu_registers(of_c); r++)
        copy_register<I>(z, r, d, gpu_c_word(lane, r, I::c_words));
    if constexpr (I::scaled)
        I::template step<I::there>(z, x, y, a[of_a + gpu_scale_row(lane)],
                                   b[of_b + gpu_scale_column(lane)]);
    else
        I::template step<I::there>(z, x, y);
    for (int r = 0; r < gpu_registers(of_c); r++)
        for (int w = 0; w < I::width; w++)
            d[gpu_c_word(lane, r, I::c_words) * I::width + w] = z[r * I::width + w];
}

template <class I> __device__ void run_group(const word *a, const word *b, word *d, int thread)
{
    __shared__ alignas(128) word x[64 * 8], y[8 * 8];
    word z[4];
    word *own = d + thread / 32 * 16 * I::c_words;
    constexpr int registers = gpu_registers(16 * I::c_words);
    for (int i = thread; i < 64 * 8; i += 128)
        x[gpu_shared_word(i / 8, i % 8)] = a[i];
    if (thread < 64)
        y[gpu_shared_word(thread / 8, thread % 8)] = b[thread];
    for (int r = 0; r < registers; r++)
        z[r] = own[gpu_c_word(thread % 32, r, I::c_words)];
    if constexpr (has_wgmma) {
        asm volatile("fence.proxy.async;" ::: "memory");
        __syncthreads();
        asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
        I::template step<I::there>(z, descriptor(x), descriptor(y));
        asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
        asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
    }
    for (int r = 0; r < registers; r++)
        own[gpu_c_word(thread % 32, r, I::c_words)] = z[r];
}

/* C through tensor memory: 32 columns of it are the least that can be had, 8 are used. One thread
 * starts the product and a barrier says when D is there. Compiled, but never yet run on a device. */
template <class I> __device__ void run_tensor(const word *a, const word *b, word *d, int thread)
{
    __shared__ alignas(128) word x[64 * 8], y[8 * 8];
    __shared__ alignas(8) uint64_t barrier;
    __shared__ word base;
    word z[8] = {}, arrived = 0, own = (word)__cvta_generic_to_shared(&barrier);
    int row = gpu_tensor_row(thread);
    for (int i = thread; i < 64 * 8; i += 128)
        x[gpu_shared_word(i / 8, i % 8)] = a[i];
    if (thread < 64)
        y[gpu_shared_word(thread / 8, thread % 8)] = b[thread];
    for (int j = 0; j < 8 && row >= 0; j++)
        z[j] = d[row * 8 + j];
    if constexpr (has_tensor_memory) {
        if (thread < 32)
            asm volatile("tcgen05.alloc.cta_group::1.sync.aligned.shared::cta.b32 [%0], 32;" ::"r"(
                (word)__cvta_generic_to_shared(&base)) : "memory");
        if (thread == 0)
            asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(own) : "memory");
        asm volatile("fence.proxy.async;" ::: "memory");
        asm volatile("tcgen05.fence::before_thread_sync;" ::: "memory");
        __syncthreads();
        asm volatile("tcgen05.fence::after_thread_sync;" ::: "memory");
        word tensor = base, lanes = tensor + ((word)(thread / 32 * 32) << 16);
        asm volatile("tcgen05.st.sync.aligned.32x32b.x8.b32 [%0], {%1,%2,%3,%4,%5,%6,%7,%8};" ::"r"(
                         lanes),
                     "r"(z[0]), "r"(z[1]), "r"(z[2]), "r"(z[3]), "r"(z[4]), "r"(z[5]), "r"(z[6]),
                     "r"(z[7]) : "memory");
        asm volatile("tcgen05.wait::st.sync.aligned;" ::: "memory");
        asm volatile("tcgen05.fence::before_thread_sync;" ::: "memory");
        __syncthreads();
        asm volatile("tcgen05.fence::after_thread_sync;" ::: "memory");
        if (thread == 0) { /* descriptors as of wgmma, and version 1 in bits 46 to 48 */
            constexpr uint64_t version = (uint64_t)1 << 46;
            I::template step<I::there>(tensor, descriptor(x) | version, descriptor(y) | version);
            asm volatile("tcgen05.commit.cta_group::1.mbarrier::arrive::one.shared::cluster.b64 "
                         "[%0];" ::"r"(own) : "memory");
        }
        while (!arrived)
            asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], 0; "
                         "selp.b32 %0, 1, 0, p; }" : "=r"(arrived) : "r"(own) : "memory");
        asm volatile("tcgen05.fence::after_thread_sync;" ::: "memory");
        asm volatile("tcgen05.ld.sync.aligned.32x32b.x8.b32 {%0,%1,%2,%3,%4,%5,%6,%7}, [%8];"
                     : "=r"(z[0]), "=r"(z[1]), "=r"(z[2]), "=r"(z[3]), "=r"(z[4]), "=r"(z[5]),
                       "=r"(z[6]), "=r"(z[7])
                     : "r"(lanes));
        asm volatile("tcgen05.wait::ld.sync.aligned;" ::: "memory");
        asm volatile("tcgen05.fence::before_thread_sync;" ::: "memory");
        __syncthreads();
        if (thread < 32) {
            asm volatile("tcgen05.dealloc.cta_group::1.sync.aligned.b32 %0, 32;" ::"r"(tensor));
            asm volatile("tcgen05.relinquish_alloc_permit.cta_group::1.sync.aligned;");
        }
    }
    for (int j = 0; j < 8 && row >= 0; j++)
        d[row * 8 + j] = z[j];
}

template <int ROW> __global__ void run_tile(const word *a, const word *b, word *d)
{
    typedef instruction<ROW> I;
    constexpr int row = I::words * I::width + I::scaled;
    size_t tile = blockIdx.x;
    a += tile * I::m * row;
    b += tile * GPU_N * row;
    d += tile * I::m * I::c_words * I::width;
    if constexpr (I::by == GPU_TENSOR)
        run_tensor<I>(a, b, d, (int)threadIdx.x);
    else if constexpr (I::by == GPU_GROUP)
        run_group<I>(a, b, d, (int)threadIdx.x);
    else
        run_warp<I>(a, b, d, (int)threadIdx.x);
}

/* ---- host ---- */

typedef void launch_fn(unsigned tiles, const word *a, const word *b, word *d);

template <int ROW> static void launch(unsigned tiles, const word *a, const word *b, word *d)
{
    run_tile<ROW><<<tiles, instruction<ROW>::by == GPU_WARP ? 32 : 128>>>(a, b, d);
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
    size_t bytes_a = tiles * gpu_operand_words(row, row->m) * sizeof(word);
    size_t bytes_b = tiles * gpu_operand_words(row, GPU_N) * sizeof(word);
    size_t bytes_d = tiles * gpu_c_words(row) * sizeof(word);
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
