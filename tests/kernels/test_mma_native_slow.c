/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of instructions that this processor may have, against the instruction itself. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernels/mma.h"
#include "kernels/mma_parts.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

static uint64_t state_ = 7;

static uint64_t draw(void)
{
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    return state_ ^= state_ << 17;
}

static bool has(const char *feature)
{
    if (strcmp(feature, "avx512_bf16") == 0)
        return __builtin_cpu_supports("avx512bf16");
    if (strcmp(feature, "avx512_vnni") == 0)
        return __builtin_cpu_supports("avx512vnni");
    char line[8192], word[64];
    FILE *f = fopen("/proc/cpuinfo", "r");
    bool found = false;
    snprintf(word, sizeof word, " %s", feature);
    while (f && !found && fgets(line, sizeof line, f))
        found = strncmp(line, "flags", 5) == 0 && strstr(line, word);
    if (f)
        fclose(f);
    return found;
}

/* The kernel hands out the tile registers on request only. */
static bool may_use_tiles(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18 };
    return has("amx_tile") && syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA) == 0;
}

/* Operands of one call: lanes are columns, or for tiles 16 x 16 results. */
typedef struct call {
    uint32_t a[16][16], b[16][16], c[16][16], d[16][16];
} call;

static __attribute__((target("avx512f,avx512bf16"))) void vdpbf16ps(call *x)
{
    __m512i a = _mm512_loadu_si512(x->a[0]), b = _mm512_loadu_si512(x->b[0]);
    __m512 c = _mm512_castsi512_ps(_mm512_loadu_si512(x->c[0]));
    c = _mm512_dpbf16_ps(c, (__m512bh)a, (__m512bh)b);
    _mm512_storeu_si512(x->d[0], _mm512_castps_si512(c));
}

#define VNNI(name)                                                                \
    static __attribute__((target("avx512f,avx512vnni"))) void v##name(call *x)    \
    {                                                                             \
        __m512i a = _mm512_loadu_si512(x->a[0]), b = _mm512_loadu_si512(x->b[0]); \
        __m512i c = _mm512_loadu_si512(x->c[0]);                                  \
        _mm512_storeu_si512(x->d[0], _mm512_##name##_epi32(c, a, b));             \
    }
#define _mm512_pdpbusd_epi32  _mm512_dpbusd_epi32
#define _mm512_pdpbusds_epi32 _mm512_dpbusds_epi32
#define _mm512_pdpwssd_epi32  _mm512_dpwssd_epi32
#define _mm512_pdpwssds_epi32 _mm512_dpwssds_epi32
VNNI(pdpbusd)
VNNI(pdpbusds)
VNNI(pdpwssd)
VNNI(pdpwssds)

typedef struct tile_config {
    uint8_t palette, start, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;

/* Three tiles of 16 rows of 64 bytes. */
#define TILES(name, feature)                                               \
    static __attribute__((target("amx-tile," feature))) void name(call *x) \
    {                                                                      \
        tile_config config = { .palette = 1 };                             \
        for (int t = 0; t < 3; t++)                                        \
            config.row_bytes[t] = 64, config.rows[t] = 16;                 \
        _tile_loadconfig(&config);                                         \
        _tile_loadd(0, x->c, 64);                                          \
        _tile_loadd(1, x->a, 64);                                          \
        _tile_loadd(2, x->b, 64);                                          \
        _tile_dp(name)(0, 1, 2);                                           \
        _tile_stored(0, x->d, 64);                                         \
        _tile_release();                                                   \
    }
#define _tile_dp(name)    _tile_dp_again(name)
#define _tile_dp_again(n) _tile_##n
TILES(dpbf16ps, "amx-bf16")
TILES(dpbssd, "amx-int8")
TILES(dpbsud, "amx-int8")
TILES(dpbusd, "amx-int8")
TILES(dpbuud, "amx-int8")

/* bfloat16 patterns: any, near 1, near the ends of the range, so that sums cancel or flush. */
static uint32_t pattern(bool bf16)
{
    uint32_t x = (uint32_t)draw();
    if (!bf16 || draw() % 4 == 0)
        return x;
    uint32_t base[2];
    for (int i = 0; i < 2; i++) {
        uint32_t kind = (uint32_t)(draw() % 8), e = 120 + (uint32_t)(draw() % 14);
        e = kind == 0 ? (uint32_t)(draw() % 70) : kind == 1 ? 60 + (uint32_t)(draw() % 8) : e;
        base[i] = ((uint32_t)(draw() & 1) << 15) | e << 7 | (uint32_t)(draw() & 127);
        base[i] = kind == 2 ? base[i] & 0x8000 : base[i];
    }
    return base[0] | base[1] << 16;
}

static uint32_t addend(bool bf16)
{
    uint32_t x = (uint32_t)draw();
    if (!bf16)
        return draw() % 2 ? x : 0x7ffff000 + (x & 0xfff) + (x & 0x80000000);
    return draw() % 4 == 0 ? x : (x & 0x81ffffff) | (draw() % 8 ? 0x3e000000u : 0);
}

static bool same(const assay_mma_unit *u, uint32_t x, uint32_t y)
{
    bool nan =
        u->fc == ASSAY_MMA_F32 && (x & 0x7fffffff) > 0x7f800000 && (y & 0x7fffffff) > 0x7f800000;
    return x == y || nan;
}

/* Element (i, j) of a tile's result by the definition: pairs or quads of b lie below each other. */
static uint32_t define_tile(const assay_mma_unit *u, const call *x, int i, int j)
{
    uint32_t b[16];
    for (int k = 0; k < 16; k++)
        b[k] = x->b[k][j];
    return (uint32_t)assay_mma_define(u, x->a[i], b, NULL, NULL, x->c[i][j]);
}

static size_t compare(const char *name, void (*instruction)(call *), int rows, size_t outputs)
{
    static call x;
    assay_mma_unit u;
    cr_assert_eq(assay_mma_parse(name, &u), ASSAY_OK, "%s", assay_last_error());
    size_t wrong = 0, done = 0;
    while (done < outputs) {
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < 16; j++) {
                x.a[i][j] = pattern(u.fa == ASSAY_MMA_BF16);
                x.b[i][j] = pattern(u.fa == ASSAY_MMA_BF16);
                x.c[i][j] = addend(u.fa == ASSAY_MMA_BF16);
            }
        instruction(&x);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < 16; j++, done++) {
                uint32_t d = rows == 1 ? (uint32_t)assay_mma_define(&u, &x.a[0][j], &x.b[0][j],
                                                                    NULL, NULL, x.c[0][j])
                                       : define_tile(&u, &x, i, j);
                if (!same(&u, d, x.d[i][j]) && wrong++ == 0)
                    cr_log_error("%s: a %08x b %08x c %08x: %08x, by the instruction %08x", name,
                                 x.a[i][j], x.b[i][j], x.c[i][j], d, x.d[i][j]);
            }
    }
    printf("%s: %zu outputs, %zu different\n", name, done, wrong);
    return wrong;
}

/* ---- many at once: chains by the loops, which other tests hold against the definition ---- */

enum { SIDE = 256, DWORDS = 128 }; /* rows and columns, and the k of a row as 32-bit words */

typedef struct chains {
    uint32_t a[SIDE][DWORDS], b[SIDE][DWORDS], c[SIDE][SIDE], d[SIDE][SIDE];
    int steps, words; /* of a row, and how many words of k an instruction takes */
} chains;

/* Finite numbers near 1, zeros, some so small that results are flushed. */
static uint32_t finite(void)
{
    uint64_t x = draw();
    uint32_t words[2];
    for (int i = 0; i < 2; i++, x >>= 32) {
        uint32_t e = (x >> 8 & 63) == 0 ? (uint32_t)(x >> 16 & 63) : 120 + (uint32_t)(x >> 16 & 15);
        words[i] = (x >> 8 & 63) == 1 ? 0 : (uint32_t)(x & 0x80ff & ~128u) | e << 7;
    }
    return words[0] | words[1] << 16;
}

static void draw_chains(const assay_mma_unit *u, chains *x)
{
    bool bf16 = u->fa == ASSAY_MMA_BF16;
    for (int i = 0; i < SIDE; i++)
        for (int k = 0; k < x->steps * x->words; k++) {
            x->a[i][k] = bf16 ? finite() : (uint32_t)draw();
            x->b[i][k] = bf16 ? finite() : (uint32_t)draw();
        }
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++)
            x->c[i][j] = bf16 ? finite() & 0xffff0000 : addend(false);
}

/* d = the chain of instructions on `rows` rows and 16 columns at a time. */
static void run_chains(void (*instruction)(call *), int rows, chains *x)
{
    static call one;
    int words = x->words;
    for (int j = 0; j < SIDE; j += 16)
        for (int i = 0; i < SIDE; i += rows) {
            for (int r = 0; r < rows; r++)
                memcpy(one.d[r], &x->c[i + r][j], sizeof one.d[r]);
            for (int k = 0; k < x->steps * words; k += words) {
                memcpy(one.c, one.d, sizeof one.c);
                for (int l = 0; l < 16; l++)
                    for (int w = 0; w < words; w++)
                        one.b[w][l] = x->b[j + l][k + w];
                for (int r = 0; r < rows; r++)
                    for (int l = 0; l < 16; l++)
                        one.a[r][l] = x->a[i + r][words > 1 ? k + l : k];
                instruction(&one);
            }
            for (int r = 0; r < rows; r++)
                memcpy(&x->d[i + r][j], one.d[r], sizeof one.d[r]);
        }
}

static size_t compare_chains(const char *name, void (*instruction)(call *), int rows, size_t steps)
{
    static chains x;
    static uint32_t out[SIDE][SIDE];
    assay_mma_unit u;
    cr_assert_eq(assay_mma_parse(name, &u), ASSAY_OK, "%s", assay_last_error());
    x.words = u.K * (int)assay_mma_format_bytes(u.fa) / 4;
    x.steps = x.words > 1 ? DWORDS / x.words : 16;
    size_t k = (size_t)(x.steps * u.K), ld = DWORDS / (size_t)x.words * (size_t)u.K;
    size_t wrong = 0, done = 0;
    void *workspace = aligned_alloc(64, (assay_mma_workspace(&u, SIDE, SIDE, k) + 63) / 64 * 64);
    assay_mma_operands operands = {
        .a = x.a, .b = x.b, .c = x.c, .lda = ld, .ldb = ld, .ldc = SIDE
    };
    cr_assert_not_null(workspace);
    for (; done < steps; done += SIDE * SIDE * (size_t)x.steps) {
        draw_chains(&u, &x);
        run_chains(instruction, rows, &x);
        cr_assert_eq(assay_mma_product(&u, NULL, SIDE, SIDE, k, &operands, out, SIDE, workspace),
                     ASSAY_OK);
        for (int i = 0; i < SIDE * SIDE; i++)
            wrong += !same(&u, out[i / SIDE][i % SIDE], x.d[i / SIDE][i % SIDE]);
    }
    free(workspace);
    printf("%s: %zu steps of chains, %zu chains different\n", name, done, wrong);
    return wrong;
}

static size_t wanted(const char *variable, size_t otherwise)
{
    const char *count = getenv(variable);
    return count ? strtoul(count, NULL, 10) : otherwise;
}

static size_t compare_both(const char *name, void (*instruction)(call *), int rows)
{
    return compare(name, instruction, rows, wanted("ASSAY_TEST_OUTPUTS", 250000)) +
           compare_chains(name, instruction, rows, wanted("ASSAY_TEST_STEPS", 100000000));
}

Test(mma_native, avx512)
{
    size_t wrong = 0;
    if (has("avx512_bf16"))
        wrong += compare_both("avx512.vdpbf16ps", vdpbf16ps, 1);
    if (has("avx512_vnni")) {
        wrong += compare_both("avx512.vpdpbusd", vpdpbusd, 1);
        wrong += compare_both("avx512.vpdpbusds", vpdpbusds, 1);
        wrong += compare_both("avx512.vpdpwssd", vpdpwssd, 1);
        wrong += compare_both("avx512.vpdpwssds", vpdpwssds, 1);
    }
    if (!has("avx512_bf16") || !has("avx512_vnni"))
        fprintf(stderr, "SKIPPED for want of AVX-512 BF16 or VNNI\n");
    cr_assert_eq(wrong, 0);
}

Test(mma_native, amx)
{
    size_t wrong = 0;
    if (!may_use_tiles() || !has("amx_bf16") || !has("amx_int8")) {
        fprintf(stderr, "SKIPPED for want of AMX\n");
        cr_skip_test("no AMX");
    }
    wrong += compare_both("amx.tdpbf16ps", dpbf16ps, 16);
    wrong += compare_both("amx.tdpbssd", dpbssd, 16);
    wrong += compare_both("amx.tdpbsud", dpbsud, 16);
    wrong += compare_both("amx.tdpbusd", dpbusd, 16);
    wrong += compare_both("amx.tdpbuud", dpbuud, 16);
    cr_assert_eq(wrong, 0);
}
#endif
