/* SPDX-License-Identifier: Apache-2.0 */
/* Times products on matrix units, each instruction set beside OpenBLAS's sgemm in the same run on
 * one thread. Equality with the definition comes first. One CSV line each, processor time, the
 * best run of a third of a second; on a busy machine short runs count: 128 64 512.
 *
 *   OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 bench_mma [m n k [UNIT]]
 */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/mma.h"
#include "numerics/cpu.h"

typedef struct problem {
    size_t m, n, k;
    unsigned char *a, *b, *sa, *sb, *out;
    float *fa, *fb, *fc;
    double sgemm; /* seconds */
} problem;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* neighbours on the machine do not count */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *grab(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (!p)
        exit(3);
    memset(p, 0, bytes);
    return p;
}

static uint64_t draw(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* Finite values of magnitude near 1: some bits of the exponent below the bias, any fraction. */
static uint64_t code_near_one(assay_mma_format f)
{
    uint64_t x = draw();
    switch (f) {
    case ASSAY_MMA_F64: return (x & 0x801fffffffffffff) | 0x3fe0000000000000;
    case ASSAY_MMA_F32:
    case ASSAY_MMA_TF32: return (x & 0x81ffffff) | 0x3e000000;
    case ASSAY_MMA_BF16: return (x & 0x81ff) | 0x3e00;
    case ASSAY_MMA_F16: return (x & 0x8fff) | 0x3000;
    case ASSAY_MMA_E4M3:
    case ASSAY_MMA_E4M3FNUZ: return (x & 0x9f) | 0x20;
    case ASSAY_MMA_E5M2:
    case ASSAY_MMA_E5M2FNUZ: return (x & 0x8f) | 0x30;
    default: return x;
    }
}

static void fill(const assay_mma_unit *u, problem *p)
{
    size_t wa = assay_mma_format_bytes(u->fa), wb = assay_mma_format_bytes(u->fb);
    for (size_t i = 0; i < p->m * p->k; i++) {
        uint64_t code = code_near_one(u->fa);
        memcpy(p->a + i * wa, &code, wa);
    }
    for (size_t i = 0; i < p->n * p->k; i++) {
        uint64_t code = code_near_one(u->fb);
        memcpy(p->b + i * wb, &code, wb);
    }
    for (size_t i = 0; i < p->m * p->k; i++)
        p->sa[i] = (uint8_t)(u->fs == ASSAY_MMA_UE8M0 ? 120 + draw() % 8 : 0x30 + draw() % 16);
    for (size_t i = 0; i < p->n * p->k; i++)
        p->sb[i] = (uint8_t)(u->fs == ASSAY_MMA_UE8M0 ? 120 + draw() % 8 : 0x30 + draw() % 16);
}

static bool equals_definition(const assay_mma_unit *u, const problem *p)
{
    size_t K = (size_t)u->K, blocks = u->block ? (size_t)u->block : p->k;
    size_t wa = assay_mma_format_bytes(u->fa), wb = assay_mma_format_bytes(u->fb);
    size_t wc = assay_mma_format_bytes(u->fc);
    for (size_t s = 0; s < 32; s++) {
        size_t i = s * 37 % p->m, j = s * 131 % p->n;
        uint64_t code = 0, got = 0;
        for (size_t k = 0; k < p->k; k += K)
            code = assay_mma_define(u, p->a + (i * p->k + k) * wa, p->b + (j * p->k + k) * wb,
                                    p->sa + i * (p->k / blocks) + k / blocks,
                                    p->sb + j * (p->k / blocks) + k / blocks, code);
        memcpy(&got, p->out + (i * p->n + j) * wc, wc);
        if (got != code) {
            printf("%s: element %zu, %zu is %llx, by the definition %llx\n", u->name, i, j,
                   (unsigned long long)got, (unsigned long long)code);
            return false;
        }
    }
    return true;
}

static bool bench(const assay_mma_unit *u, problem *p)
{
    size_t scales = u->block ? p->k / (size_t)u->block : 0;
    assay_mma_operands x = { p->a, p->b, NULL, p->k, p->k, 0, p->sa, p->sb, scales, scales };
    void *workspace = grab(assay_mma_workspace(u, p->m, p->n, p->k));
    double best = 1e30, all = 0, macs = (double)p->m * (double)p->n * (double)p->k;
    bool equal = true;
    fill(u, p);
    for (int i = 0; (i < 3 || all < 0.3) && (i == 0 || all < 4) && equal; i++) {
        double t0 = now();
        if (assay_mma_product(u, NULL, p->m, p->n, p->k, &x, p->out, p->n, workspace) != ASSAY_OK) {
            printf("%s\n", assay_last_error());
            exit(2);
        }
        double t = now() - t0;
        best = t < best ? t : best;
        all += t;
        equal = i > 0 || equals_definition(u, p);
    }
    free(workspace);
    printf("%s,%s,%.3f,%.3f,%.3f\n", assay_isa_name(assay_isa_current()), u->name, 1e3 * best,
           1e-9 * macs / best, p->sgemm / best);
    fflush(stdout);
    return equal;
}

static void time_blas(problem *p)
{
    int m = (int)p->m, n = (int)p->n, k = (int)p->k;
    p->sgemm = 1e30;
    for (int i = 0; i < 20; i++) {
        double t0 = now();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, p->fa, k, p->fb, k, 0,
                    p->fc, n);
        double t = now() - t0;
        p->sgemm = t < p->sgemm ? t : p->sgemm;
    }
}

/* One row of each kind, format and step. */
static const char *const units[] = {
    "volta.mma.f32.f16.f16",
    "ampere.mma.f32.f16.f16",
    "ampere.mma.f32.bf16.bf16",
    "ampere.mma.f32.tf32.tf32",
    "hopper.mma.f32.f16.f16",
    "hopper.mma.f16.f16.f16",
    "hopper.wgmma.f32.bf16.bf16",
    "ada.mma.f32.e4m3.e4m3",
    "hopper.wgmma.f32.e4m3.e4m3",
    "hopper.wgmma.f16.e5m2.e5m2",
    "hopper.mma.f32.e4m3.e4m3",
    "blackwell.tcgen05.f32.e4m3.e4m3",
    "blackwell.tcgen05.mxf8f6f4.block32.f32.e4m3.e4m3.ue8m0",
    "blackwell.tcgen05.mxf4nvf4.block16.f32.e2m1.e2m1.ue4m3",
    "blackwell.tcgen05.mxf4nvf4.block32.f32.e2m1.e2m1.ue8m0",
    "cdna1.mfma.f32.f16.f16",
    "cdna1.mfma.f32.bf16.bf16",
    "cdna2.mfma.f32.f16.f16",
    "cdna3.mfma.f32.f16.f16",
    "cdna3.mfma.f32.tf32.tf32",
    "cdna3.mfma.f32.e4m3fnuz.e4m3fnuz",
    "cdna3.mfma.f32.f32.f32",
    "hopper.mma.f64.f64.f64",
    "ampere.mma.m16n8k32.s32.s8.s8.s32",
    "ampere.mma.m16n8k32.s32.s8.s8.s32.satfinite",
    "avx512.vdpbf16ps",
    "amx.tdpbf16ps",
    "avx512.vpdpbusds",
};

int main(int argc, char **argv)
{
    problem p = { .m = 384, .n = 768, .k = 2048 };
    size_t *sizes[] = { &p.m, &p.n, &p.k };
    for (int i = 1; i < argc && i < 4; i++)
        *sizes[i - 1] = strtoul(argv[i], NULL, 10);
    p.a = grab(8 * p.m * p.k), p.b = grab(8 * p.n * p.k), p.out = grab(8 * p.m * p.n);
    p.sa = grab(p.m * p.k), p.sb = grab(p.n * p.k);
    p.fa = grab(4 * p.m * p.k), p.fb = grab(4 * p.n * p.k), p.fc = grab(4 * p.m * p.n);
    time_blas(&p);
    printf("# compiler %s; m=%zu n=%zu k=%zu; sgemm %.2f GMAC/s\n", __VERSION__, p.m, p.n, p.k,
           1e-9 * (double)p.m * (double)p.n * (double)p.k / p.sgemm);
    printf("isa,unit,ms,GMAC/s,of_sgemm\n");
    for (int isa = (int)assay_isa_best(); isa >= 1; isa--)
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
            assay_mma_unit u;
            if (argc > 4 && strcmp(argv[4], units[i]) != 0)
                continue;
            if (assay_isa_force((assay_isa)isa) != ASSAY_OK ||
                assay_mma_parse(units[i], &u) != ASSAY_OK || !bench(&u, &p)) {
                printf("%s\n", assay_last_error());
                return 1;
            }
        }
    return 0;
}
