/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix units as accumulators: products against the table's definition, with plans, C and a k that
 * is no multiple of K; what is refused. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/product.h"
#include "numerics/bits.h"

static uint64_t state_ = 9;

static double draw(const assay_rounder *r)
{
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    double x = (double)(int64_t)(state_ >> 40) * 0x1p-24 - 0.5;
    if (!r->format.is_signed)
        x = fabs(x);
    return assay_round(r, ldexp(x, (int)(state_ >> 33 & 7)));
}

static assay_accumulator parse(const char *text)
{
    assay_accumulator acc;
    cr_assert_eq(assay_accumulator_parse(text, &acc), ASSAY_OK, "%s", assay_last_error());
    cr_assert_eq(acc.kind, ASSAY_SUM_UNIT);
    return acc;
}

static void *grab(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);
    cr_assert_not_null(p);
    return p;
}

/* The product against one sum after another by the definition. */
static size_t compare(const char *text, size_t m, size_t n, size_t k, bool with_c)
{
    assay_accumulator acc = parse(text);
    double *a = grab(m * k * 8), *b = grab(n * k * 8), *c = grab(m * n * 8), *out = grab(m * n * 8);
    void *workspace = grab(assay_product_workspace(&acc, m, n, k));
    assay_operand w = { b, ASSAY_STORAGE_F64, 1, k, NULL };
    assay_product_more more = { .c = with_c ? c : NULL, .ldc = n };
    size_t wrong = 0;
    for (size_t i = 0; i < m * k; i++)
        a[i] = draw(&acc.operand[0]);
    for (size_t i = 0; i < n * k; i++)
        b[i] = draw(&acc.operand[1]);
    for (size_t i = 0; i < m * n; i++)
        c[i] = acc.unit.fc == ASSAY_MMA_S32 ? floor(1e6 * draw(&acc.round)) : draw(&acc.round);
    assay_product_with(&acc, m, n, k, a, k, &w, &more, out, n, workspace);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double y = assay_dot_with(&acc, k, a + i * k, 1, b + j * k, 1,
                                      with_c ? &c[i * n + j] : NULL, NULL, 0, NULL);
            wrong += assay_bits64(y) != assay_bits64(out[i * n + j]);
        }
    void *all[] = { a, b, c, out, workspace };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    return wrong;
}

Test(unit_sum, products_equal_the_definition)
{
    static const char *const texts[] = {
        "hopper.wgmma.f32.e4m3.e4m3",
        "hopper.wgmma.f32.e4m3.e4m3:promote=128",
        "hopper.wgmma.f32.e4m3.e4m3:F=14,rho=rne_f32,promote=64",
        "hopper.wgmma.f32.e4m3.e4m3:plan=deepgemm",
        "hopper.mma.f32.e4m3.e5m2",
        "hopper.mma.f16.f16.f16",
        "ada.mma.f16.e5m2.e5m2",
        "ampere.mma.f32.tf32.tf32",
        "ampere.mma.m8n8k4.f64.f64.f64.f64",
        "blackwell.tcgen05.f32.bf16.bf16:split=3,merge=f32,granule=64",
        "blackwell.tcgen05.f32.bf16.bf16:plan=cublaslt.rounded,split=2,rounded=bf16",
        "hopper.mma.f32.f16.f16:plan=cublaslt.serial,split=4,rounded=f16",
        "hopper.mma.f32.f16.f16:split=4,merge=f32,promote=32",
        "ampere.mma.f32.bf16.bf16:plan=cutlass",
        "hopper.wgmma.f32.bf16.bf16:descend=48",
        "hopper.wgmma.f32.e4m3.e4m3:descend=128,promote=128,split=2,merge=f32",
        "ampere.mma.m16n8k32.s32.s8.s8.s32",
        "turing.mma.m8n8k32.s32.u4.s4.s32",
        "cdna3.mfma.f32.e4m3fnuz.e4m3fnuz",
        "avx512.vdpbf16ps",
        "blackwell.tcgen05.mxf4nvf4.block16.f32.e2m1.e2m1.ue4m3",
        "blackwell.tcgen05.mxf8f6f4.block32.f32.e4m3.e4m3.ue8m0",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_expect_eq(compare(texts[i], 5, 37, 300, false), 0, "%s", texts[i]);
        cr_expect_eq(compare(texts[i], 3, 33, 256, true), 0, "%s with C", texts[i]);
    }
    cr_expect_eq(compare(texts[1], 2, 1030, 40, true), 0); /* two panels */
}

/* What descends is an ascending chain over blocks of k that stand the other way round. */
static void compare_descending(const char *unit, size_t block, size_t k)
{
    char text[128];
    snprintf(text, sizeof text, "%s:descend=%zu", unit, block);
    assay_accumulator down = parse(text), up = parse(unit);
    size_t K = (size_t)up.unit.K, whole = (k + K - 1) / K * K, last = (k - 1) / block * block;
    double *a = grab(whole * 8), *b = grab(whole * 8), *x = grab(whole * 8), *y = grab(whole * 8);
    for (size_t i = 0; i < whole; i++) { /* zeros fill the last instruction up */
        a[i] = i < k ? draw(&up.operand[0]) : 0;
        b[i] = i < k ? draw(&up.operand[1]) : 0;
    }
    for (size_t to = 0, from = last, n = whole - last; to < whole; to += n, from -= block) {
        n = to ? block : whole - last;
        memcpy(x + to, a + from, n * 8);
        memcpy(y + to, b + from, n * 8);
    }
    double c = draw(&up.round), out = 0;
    assay_operand w = { b, ASSAY_STORAGE_F64, 1, k, NULL };
    assay_product_more more = { .c = &c, .ldc = 1 };
    void *workspace = grab(assay_product_workspace(&down, 1, 1, k));
    assay_product_with(&down, 1, 1, k, a, k, &w, &more, &out, 1, workspace);
    cr_expect_eq(out, assay_dot_with(&up, whole, x, 1, y, 1, &c, NULL, 0, NULL), "%s", text);
    cr_expect_neq(out, assay_dot_with(&up, whole, a, 1, b, 1, &c, NULL, 0, NULL), "%s", text);
    void *all[] = { a, b, x, y, workspace };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

Test(unit_sum, blocks_of_k_descend)
{
    compare_descending("hopper.wgmma.f32.e4m3.e4m3", 128, 1024);
    compare_descending("hopper.wgmma.f32.e4m3.e4m3", 32, 1024);
    compare_descending("hopper.wgmma.f32.bf16.bf16", 176, 700);
    compare_descending("ampere.mma.f32.f16.f16", 16, 1001);
}

/* ---- scales ---- */

enum { ROWS = 3, TERMS = 104, WHOLE = 128 };

typedef struct quantized {
    unsigned char codes[ROWS * WHOLE], scales[ROWS * WHOLE]; /* rows of whole instructions */
    double x[ROWS * TERMS], scale[ROWS * WHOLE];
    float tensor;
} quantized;

static quantized quantize(const assay_scheme *s)
{
    quantized q = { .tensor = 1 };
    double x[ROWS * TERMS];
    unsigned char codes[ROWS * TERMS], scales[ROWS * TERMS];
    assay_rounder wide = assay_scheme_identity().element;
    for (size_t i = 0; i < ROWS * TERMS; i++)
        x[i] = draw(&wide);
    assay_scheme_quantize_tensor(s, ROWS, TERMS, x, codes, scales, NULL,
                                 s->has_tensor_scale ? &q.tensor : NULL);
    size_t blocks = assay_scheme_scales(s, ROWS, TERMS).cols, whole = WHOLE / s->block;
    for (size_t i = 0; i < ROWS; i++) {
        memset(q.scales + i * whole, 0x38, whole); /* 1 as ue4m3: zeros fill up */
        memcpy(q.codes + i * WHOLE, codes + i * TERMS, TERMS);
        memcpy(q.scales + i * whole, scales + i * blocks, blocks);
    }
    for (size_t i = 0; i < ROWS * TERMS; i++)
        q.x[i] = assay_decode(&s->element.format, codes[i]);
    for (size_t i = 0; i < ROWS * blocks; i++)
        q.scale[i] = assay_decode(&s->scale.format, scales[i]);
    return q;
}

static float define_scaled(const assay_mma_unit *u, const quantized *a, const quantized *b,
                           size_t i, size_t j, uint64_t code)
{
    size_t K = (size_t)u->K, blocks = K / (size_t)u->block, whole = WHOLE / (size_t)u->block;
    for (size_t k = 0; k < WHOLE; k += K)
        code = assay_mma_define(u, a->codes + i * WHOLE + k, b->codes + j * WHOLE + k,
                                a->scales + i * whole + k / K * blocks,
                                b->scales + j * whole + k / K * blocks, code);
    return assay_from_bits32((uint32_t)code);
}

/* Codes and scales of schemes, as they are, through the definition. */
static void compare_scaled(const char *unit, const char *spec)
{
    assay_accumulator acc = parse(unit);
    assay_scheme s;
    cr_assert_eq(
        assay_scheme_parse(spec, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &s),
        ASSAY_OK);
    cr_assert_eq(assay_accumulator_check_scheme(&acc, 0, &s), ASSAY_OK, "%s", assay_last_error());
    static quantized a, b;
    a = quantize(&s), b = quantize(&s);
    size_t blocks = assay_scheme_scales(&s, ROWS, TERMS).cols;
    bool tensors = s.has_tensor_scale;
    assay_scales sa = { a.scale, 1, s.block, blocks, tensors ? (double)a.tensor : 0 };
    assay_scales sb = { b.scale, 1, s.block, blocks, tensors ? (double)b.tensor : 0 };
    assay_operand w = { b.x, ASSAY_STORAGE_F64, 1, TERMS, NULL };
    double c[ROWS * ROWS], out[ROWS * ROWS];
    for (size_t i = 0; i < ROWS * ROWS; i++)
        c[i] = draw(&acc.round);
    assay_product_more more = { .c = c, .ldc = ROWS };
    void *workspace = grab(assay_product_scaled_workspace(&acc, ROWS, ROWS, TERMS));
    assay_product_scaled(&acc, ROWS, ROWS, TERMS, a.x, TERMS, &sa, &w, &sb, &more, out, ROWS,
                         workspace);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < ROWS; j++) {
            uint64_t code = tensors ? 0 : assay_bits32((float)c[i * ROWS + j]);
            float y = define_scaled(&acc.unit, &a, &b, i, j, code);
            if (tensors) /* one rounding: 24 + 48 bits are more than a binary64 has */
                y = (float)((long double)y * a.tensor * b.tensor + c[i * ROWS + j]);
            cr_expect_eq(out[i * ROWS + j], y, "%s: %a, not %a", spec, out[i * ROWS + j],
                         (double)y);
        }
    free(workspace);
}

Test(unit_sum, schemes_scales_go_to_the_unit)
{
    compare_scaled("blackwell.tcgen05.mxf4nvf4.block32.f32.e2m1.e2m1.ue8m0", "mxfp4");
    compare_scaled("rtx_blackwell.mma.mxf8f6f4.block32.f32.e4m3.e4m3.ue8m0", "mxfp8_e4m3");
    compare_scaled("blackwell.tcgen05.mxf4nvf4.block16.f32.e2m1.e2m1.ue4m3",
                   "block:elem=e2m1,size=16,scale=ue4m3,rule=max");
    compare_scaled("blackwell.tcgen05.mxf4nvf4.block16.f32.e2m1.e2m1.ue4m3", "nvfp4");
}

/* Columns beyond the first panel have scales of their own. */
Test(unit_sum, every_column_has_its_scales)
{
    enum { COLUMNS = 1027, K = 32 };
    static double a[K], b[COLUMNS * K], scale[COLUMNS], out[COLUMNS];
    assay_accumulator acc = parse("blackwell.tcgen05.mxf8f6f4.block32.f32.e4m3.e4m3.ue8m0");
    for (size_t k = 0; k < K; k++)
        a[k] = 1;
    for (size_t j = 0; j < COLUMNS; j++) {
        scale[j] = ldexp(1, (int)(j % 29) - 14);
        for (size_t k = 0; k < K; k++)
            b[j * K + k] = 0.5;
    }
    assay_scales none = { .vectors = 1, .block = 1 }, sb = { scale, 1, K, 1, 0 };
    assay_operand w = { b, ASSAY_STORAGE_F64, 1, K, NULL };
    void *workspace = grab(assay_product_scaled_workspace(&acc, 1, COLUMNS, K));
    assay_product_scaled(&acc, 1, COLUMNS, K, a, K, &none, &w, &sb, NULL, out, COLUMNS, workspace);
    for (size_t j = 0; j < COLUMNS; j++)
        cr_assert_eq(out[j], 16 * scale[j], "column %zu", j);
    free(workspace);
}

/* Totals of scaled sums as C's own float arithmetic makes them. */
static void compare_totals(const char *plan, bool fused)
{
    enum { BLOCK = 128, K = 512, BLOCKS = K / BLOCK };
    char text[128];
    snprintf(text, sizeof text, "hopper.wgmma.f32.e4m3.e4m3:%s", plan);
    assay_accumulator acc = parse(text), unit = parse("hopper.wgmma.f32.e4m3.e4m3");
    double a[K], b[K], sa[BLOCKS], sb[BLOCKS], c = draw(&acc.round), out = 0;
    for (size_t i = 0; i < K; i++)
        a[i] = draw(&acc.operand[0]), b[i] = draw(&acc.operand[1]);
    for (size_t i = 0; i < BLOCKS; i++)
        sa[i] = draw(&acc.round), sb[i] = draw(&acc.round);
    assay_scales of_a = { sa, 1, BLOCK, BLOCKS, 0 }, of_b = { sb, 1, BLOCK, BLOCKS, 0 };
    assay_operand w = { b, ASSAY_STORAGE_F64, 1, K, NULL };
    assay_product_more more = { .c = &c, .ldc = 1 };
    void *workspace = grab(assay_product_scaled_workspace(&acc, 1, 1, K));
    assay_product_scaled(&acc, 1, 1, K, a, K, &of_a, &w, &of_b, &more, &out, 1, workspace);
    float total = (float)c;
    for (size_t i = 0; i < BLOCKS; i++) {
        float sum = (float)assay_dot(&unit, BLOCK, a + i * BLOCK, 1, b + i * BLOCK, 1);
        volatile float scale = (float)sa[i] * (float)sb[i], product = sum * scale;
        total = fused ? fmaf(sum, scale, total) : total + product;
    }
    cr_expect_eq(out, total, "%s: %a, not %a", text, out, (double)total);
    free(workspace);
}

Test(unit_sum, totals_of_scaled_sums)
{
    for (int i = 0; i < 200; i++) {
        compare_totals("plan=deepgemm", true);
        compare_totals("plan=deepgemm.apart", false);
        compare_totals("scaled=apart", false);
    }
}

static bool takes(const char *unit, const char *spec)
{
    assay_accumulator acc = parse(unit);
    assay_scheme s;
    cr_assert_eq(
        assay_scheme_parse(spec, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &s),
        ASSAY_OK);
    return assay_accumulator_check_scheme(&acc, 1, &s) == ASSAY_OK;
}

Test(unit_sum, scales_have_to_fit)
{
    const char *mx = "blackwell.tcgen05.mxf4nvf4.block32.f32.e2m1.e2m1.ue8m0";
    const char *nv = "blackwell.tcgen05.mxf4nvf4.block16.f32.e2m1.e2m1.ue4m3";
    cr_expect(takes(mx, "mxfp4") && takes(nv, "nvfp4") && takes(nv, "nvfp4_2d") &&
              takes(mx, "e2m1"));
    cr_expect(!takes(mx, "nvfp4") && !takes(nv, "mxfp4") && !takes(mx, "mxfp8_e4m3"));
    cr_expect(!takes(mx, "mxfp4:size=16") && !takes(nv, "amdfp4") && !takes(nv, "q4_k"));
    cr_expect(takes("hopper.wgmma.f32.e4m3.e4m3", "deepseek_1x128"));
    cr_expect(!takes("hopper.wgmma.f32.e4m3.e4m3", "int8_token"));
}

/* 1 and 31 products of 2^-15: 13 bits lose them, 25 keep them; a promoted total too. */
Test(unit_sum, thirteen_bits)
{
    double a[64] = { 1 }, b[64] = { 1 };
    for (int i = 1; i < 32; i++)
        a[i] = 0x1p-6, b[i] = 0x1p-9;
    a[32] = 1, b[32] = 0x1p-9;
    assay_accumulator ada = parse("ada.mma.f32.e4m3.e4m3"),
                      hopper = parse("hopper.mma.f32.e4m3.e4m3");
    assay_accumulator wgmma = parse("hopper.wgmma.f32.e4m3.e4m3:promote=32");
    cr_expect_eq(assay_dot(&ada, 32, a, 1, b, 1), 1);
    cr_expect_eq(assay_dot(&hopper, 32, a, 1, b, 1), 1 + 31 * 0x1p-15);
    cr_expect_eq(assay_dot(&wgmma, 64, a, 1, b, 1), 1 + 0x1p-9);
}

static void refused(const char *text, const char *word)
{
    assay_accumulator acc;
    cr_expect_eq(assay_accumulator_parse(text, &acc), ASSAY_ERR_USAGE, "%s", text);
    cr_expect(strstr(assay_last_error(), word), "%s: %s", text, assay_last_error());
}

Test(unit_sum, what_is_refused)
{
    refused("hopper.wgmma.f32.e4m3.e9m9", "no such unit");
    refused("hopper.wgmma.f32.e4m3.e4m3:promote=100", "multiples");
    refused("hopper.wgmma.f32.e4m3.e4m3:promote=x", "promote");
    refused("hopper.wgmma.f16.e4m3.e4m3:promote=128", "C is f32");
    refused("hopper.wgmma.f32.e4m3.e4m3:split=65", "64 slices");
    refused("hopper.wgmma.f32.e4m3.e4m3:split=2,merge=rounded", "rounded=f16 or bf16");
    refused("hopper.wgmma.f32.e4m3.e4m3:merge=f32", "split=N");
    refused("hopper.wgmma.f32.e4m3.e4m3:plan=cublaslt.f32", "split=N");
    refused("hopper.wgmma.f32.e4m3.e4m3:plan=nobody", "plan: 'nobody'");
    refused("hopper.wgmma.f32.e4m3.e4m3:rounded=bf16", "split=N");
    refused("hopper.wgmma.f32.e4m3.e4m3:bits=3", "no parameter");
    refused("hopper.wgmma.f32.e4m3.e4m3:residue=32,promote=128", "residue");
    refused("hopper.wgmma.f32.e4m3.e4m3:residue=32,descend=128", "does not descend");
    refused("hopper.wgmma.f32.e4m3.e4m3:promote=64,descend=128", "blocks of its own");
    refused("hopper.wgmma.f32.e4m3.e4m3:descend=40", "multiples");
    refused("hopper.wgmma.f32.e4m3.e4m3:scaled=fused", "exact, fma or apart");
    refused("hopper.wgmma.f16.e4m3.e4m3:scaled=fma", "C is f32");
    refused("blackwell.tcgen05.mxf8f6f4.block32.f32.e4m3.e4m3.ue8m0:scaled=fma", "no scales");
}

Test(unit_sum, operands_have_to_fit)
{
    static const struct {
        const char *unit, *format;
        bool fits;
    } cases[] = { { "hopper.wgmma.f32.e4m3.e4m3", "e4m3", true },
                  { "hopper.wgmma.f32.e4m3.e4m3", "e2m1", true },
                  { "hopper.wgmma.f32.e4m3.e4m3", "e5m2", false },
                  { "hopper.wgmma.f32.e4m3.e4m3", "e4m3fnuz", false },
                  { "hopper.mma.f32.bf16.bf16", "binary16", false },
                  { "hopper.mma.f32.bf16.bf16", "e5m2", true },
                  { "ampere.mma.f32.tf32.tf32", "binary32", true },
                  { "ampere.mma.f32.tf32.tf32", "bfloat16", true },
                  { "ampere.mma.f32.tf32.tf32", "binary64", false },
                  { "ampere.mma.m8n8k4.f64.f64.f64.f64", "binary32", true },
                  { "ampere.mma.m16n8k32.s32.s8.s8.s32", "int8", true },
                  { "ampere.mma.m16n8k32.s32.s8.s8.s32", "int4", true },
                  { "ampere.mma.m16n8k32.s32.s8.s8.s32", "uint8", false } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assay_accumulator acc = parse(cases[i].unit);
        assay_format f;
        cr_assert_eq(assay_format_parse(cases[i].format, &f), ASSAY_OK);
        cr_expect_eq(assay_accumulator_check_operand(&acc, 0, &f) == ASSAY_OK, cases[i].fits,
                     "%s, %s", cases[i].unit, cases[i].format);
    }
}
