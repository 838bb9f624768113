/* SPDX-License-Identifier: Apache-2.0 */
/* The loops of matrix units against the definition, for every row, instruction set and plan. */
#include <criterion/criterion.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/mma.h"
#include "kernels/mma_lanes.h"
#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "tests/support/points.h"

static uint64_t state_ = 1, spread_; /* 0 to 15: how large large powers are */

static uint64_t draw(void)
{
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
}

/* Kinds of operands: ordinary ones, any bits, close to overflow or underflow, mostly zeros,
 * magnitudes that cancel, the largest significands all of one sign and exponent, which fill the
 * sums, and powers of two of which large ones cancel beside small ones, and small ones' products
 * are about the least normal number. */
enum { ORDINARY, BITS, WIDE, ZEROS, CANCEL, FULL, POWERS, CATEGORIES };

static uint64_t code_of(assay_mma_format f, int category)
{
    size_t bits = assay_mma_format_bits(f);
    uint64_t all = bits < 64 ? ((uint64_t)1 << bits) - 1 : UINT64_MAX, code = draw() & all;
    if (mma_is_integer(f) || category == BITS)
        return code;
    if (category == ZEROS && draw() % 4)
        return draw() % 8 ? 0 : code & (uint64_t)1 << (bits - 1);
    if (f == ASSAY_MMA_UE8M0)
        return category == WIDE ? code % 255 : 120 + code % 14;
    mma_layout l = mma_layout_of(f);
    int drop = f == ASSAY_MMA_TF32 ? 13 : 0;
    uint64_t sign = draw() & 1, fraction = code & (((uint64_t)1 << (l.fraction_bits + drop)) - 1);
    uint64_t top = ((uint64_t)1 << l.exponent_bits) - 1, near = category == CANCEL ? 2 : 10;
    uint64_t field =
        category == WIDE ? draw() % (top + 1) : (uint64_t)l.bias - near / 2 + draw() % (near + 1);
    if (field > top - (l.specials == MMA_IEEE && category != WIDE))
        field = (uint64_t)l.bias;
    if (category == FULL)
        sign = 0, field = (uint64_t)l.bias,
        fraction = ((uint64_t)1 << (l.fraction_bits + drop)) - 1;
    if (category == CANCEL)
        fraction &= fraction >> 1;
    if (category == POWERS) {
        uint64_t bias = (uint64_t)l.bias, wide = l.exponent_bits == 8;
        uint64_t large = wide || spread_ < 8 ? bias + draw() % 3 : bias + 1 + spread_ % 4;
        uint64_t small = wide ? bias / 2 - 2 + draw() % 4 : draw() % 2;
        field = l.exponent_bits > 2 && draw() & 1 ? large : small;
        fraction = field ? 0 : (uint64_t)1 << (drop + (int)(draw() % (uint64_t)l.fraction_bits));
    }
    return (sign << l.exponent_bits | field) << (l.fraction_bits + drop) | fraction;
}

typedef struct problem {
    size_t m, n, k, scales;
    unsigned char *a, *b, *c, *out, *expected, *sa, *sb;
    void *workspace;
} problem;

static void fill(assay_mma_format f, unsigned char *codes, size_t count, int category)
{
    for (size_t i = 0; i < count; i++)
        mma_store(f, codes, i, code_of(f, category));
}

/* Half of the C are zero, where e_zero matters. */
static void fill_all(const assay_mma_unit *u, problem *p, int category)
{
    spread_ = draw() % 16;
    fill(u->fa, p->a, p->m * p->k, category);
    fill(u->fb, p->b, p->n * p->k, category);
    fill(u->fc, p->c, p->m * p->n, category);
    bool none = category == POWERS && draw() & 1;
    for (size_t i = 0; i < p->m * p->n; i++)
        if (none || draw() & 1)
            mma_store(u->fc, p->c, i, 0);
    if (u->block) {
        fill(u->fs, p->sa, p->m * p->scales, category);
        fill(u->fs, p->sb, p->n * p->scales, category);
    }
}

static void *grab(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);
    cr_assert_not_null(p);
    return p;
}

static problem make(const assay_mma_unit *u, size_t m, size_t n, size_t k)
{
    problem p = { .m = m, .n = n, .k = k };
    p.scales = u->block ? k / (size_t)u->block : 0;
    p.a = grab(8 * m * k), p.b = grab(8 * n * k), p.c = grab(8 * m * n);
    p.out = grab(8 * m * n), p.expected = grab(8 * m * n);
    p.sa = grab(m * p.scales + 1), p.sb = grab(n * p.scales + 1);
    p.workspace = grab(assay_mma_workspace(u, m, n, k));
    return p;
}

static void drop(problem *p)
{
    void *all[] = { p->a, p->b, p->c, p->out, p->expected, p->sa, p->sb, p->workspace };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

static uint64_t define(const assay_mma_unit *u, const problem *p, size_t i, size_t j)
{
    uint64_t code = mma_load(u->fc, p->c, i * p->n + j);
    size_t K = (size_t)u->K, blocks = u->block ? K / (size_t)u->block : 0;
    for (size_t k = 0; k < p->k; k += K)
        code = assay_mma_define(u, p->a + (i * p->k + k) * assay_mma_format_bytes(u->fa),
                                p->b + (j * p->k + k) * assay_mma_format_bytes(u->fb),
                                p->sa + i * p->scales + k / K * blocks,
                                p->sb + j * p->scales + k / K * blocks, code);
    return code;
}

static void define_all(const assay_mma_unit *u, problem *p)
{
#pragma omp parallel for
    for (size_t i = 0; i < p->m; i++)
        for (size_t j = 0; j < p->n; j++)
            mma_store(u->fc, p->expected, i * p->n + j, define(u, p, i, j));
}

static void multiply(const assay_mma_unit *u, const assay_mma_plan *plan, problem *p)
{
    assay_mma_operands x = {
        p->a, p->b, p->c, p->k, p->k, p->n, p->sa, p->sb, p->scales, p->scales
    };
    cr_assert_eq(assay_mma_product(u, plan, p->m, p->n, p->k, &x, p->out, p->n, p->workspace),
                 ASSAY_OK, "%s", assay_last_error());
}

static size_t compare(const assay_mma_unit *u, const problem *p, const char *what)
{
    size_t wrong = 0;
    for (size_t i = 0; i < p->m * p->n; i++) {
        uint64_t x = mma_load(u->fc, p->out, i), y = mma_load(u->fc, p->expected, i);
        if (x != y && wrong++ == 0)
            cr_log_error("%s, %s, %s: element %zu: %llx, defined as %llx", u->name,
                         assay_isa_name(assay_isa_current()), what, i, (unsigned long long)x,
                         (unsigned long long)y);
    }
    return wrong;
}

static const char *const names[] = {
    "ordinary", "bits", "wide", "zeros", "cancel", "full", "powers"
};

/* On one instruction set, or on all that the machine has. */
static size_t compare_category(const assay_mma_unit *u, problem *p, int category, int least)
{
    size_t wrong = 0;
    fill_all(u, p, category);
    define_all(u, p);
    for (int isa = least; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        multiply(u, NULL, p);
        wrong += compare(u, p, names[category]);
    }
    return wrong;
}

/* Sizes beyond a panel and beyond a block of rows, and a chain of two instructions. */
static size_t compare_unit(const assay_mma_unit *u, size_t scale)
{
    size_t wrong = 0, k = (size_t)u->K * 2;
    problem small = make(u, 7, 45, k), large = make(u, 67, 251 * scale, k);
    for (int category = 0; category < CATEGORIES; category++)
        for (int i = 0; i < (category == POWERS ? 8 : 1); i++)
            wrong += compare_category(u, &small, category, 0);
    if (scale > 0)
        wrong += compare_category(u, &large, ORDINARY, (int)assay_isa_best()) +
                 compare_category(u, &large, ZEROS, (int)assay_isa_best()) +
                 compare_category(u, &large, CANCEL, (int)assay_isa_best());
    drop(&small);
    drop(&large);
    return wrong;
}

/* Whether an earlier row has the same arithmetic. */
static bool is_repeated(size_t row)
{
    assay_mma_unit u = *assay_mma_row(row);
    for (size_t i = 0; i < row; i++) {
        assay_mma_unit v = *assay_mma_row(i);
        bool same = u.kind == v.kind && u.K == v.K && u.L == v.L && u.F == v.F && u.fa == v.fa &&
                    u.fb == v.fb && u.fc == v.fc && u.rho == v.rho && u.e_zero == v.e_zero &&
                    u.F2 == v.F2 && u.G == v.G && u.fs == v.fs && u.block == v.block &&
                    u.chain == v.chain && u.emulated == v.emulated && u.flush == v.flush &&
                    u.saturate == v.saturate;
        if (same)
            return true;
    }
    return false;
}

static size_t samples(void)
{
    return points_thorough() ? 1000 : 1;
}

Test(mma_product, loops_equal_the_definition)
{
    size_t wrong = 0, rows = assay_mma_count();
    for (size_t r = 0; r < rows; r++)
        if (!is_repeated(r))
            wrong += compare_unit(assay_mma_row(r), samples());
    printf("%zu rows, %zu outputs different\n", rows, wrong);
    cr_assert_eq(wrong, 0);
}

/* For ./dev certify units: the row that ASSAY_CERTIFY_UNIT names, on ASSAY_CERTIFY_PRODUCTS
 * products of two elements, in chains of two instructions, all kinds of operands in turn, on every
 * instruction set; a line as `assay verify` ends with. */
Test(mma_product, certified)
{
    const char *name = getenv("ASSAY_CERTIFY_UNIT"), *products = getenv("ASSAY_CERTIFY_PRODUCTS");
    size_t row = 0, wanted = products ? strtoul(products, NULL, 10) : 0, checked = 0, wrong = 0;
    if (!name)
        return;
    while (row < assay_mma_count() && strcmp(assay_mma_row(row)->name, name) != 0)
        row++;
    cr_assert_lt(row, assay_mma_count(), "%s", name);
    if (is_repeated(row)) {
        printf("an earlier row has the same arithmetic\n");
        return;
    }
    const assay_mma_unit *u = assay_mma_row(row);
    problem p = make(u, 64, 256, (size_t)u->K * 2);
    for (int category = 0; checked < wanted; category = (category + 1) % CATEGORIES) {
        wrong += compare_category(u, &p, category, 0);
        checked += p.m * p.n * p.k;
    }
    drop(&p);
    printf("%zu checked, %zu wrong\n", checked, wrong);
    cr_assert_eq(wrong, 0);
}

/* Parameters that no row has, so that spans, shifts and the definition's turn are met too. */
Test(mma_product, parameters_equal_the_definition)
{
    static const char *const texts[] = {
        "hopper.mma.f32.f16.f16:F=27",
        "hopper.mma.f32.f16.f16:F=28",
        "hopper.mma.f32.f16.f16:F=40",
        "hopper.mma.f32.f16.f16:F=5",
        "hopper.mma.f32.f16.f16:L=4,F=20,rho=rne_f32",
        "hopper.mma.f32.f16.f16:e_zero=-100",
        "hopper.mma.f32.f16.f16:K=32",
        "hopper.mma.f16.f16.f16:rho=rz_f16,F=21",
        "hopper.mma.f16.f16.f16:e_zero=0",
        "ampere.mma.f32.tf32.tf32:pre=rna,F=15",
        "ampere.mma.f32.tf32.tf32:pre=rne",
        "hopper.wgmma.f32.e4m3.e4m3:F=14,rho=rne_f32",
        "hopper.wgmma.f32.e4m3.e4m3:K=128,L=128",
        "hopper.mma.f32.e4m3.e4m3:F=13",
        "cdna3.mfma.f32.f16.f16:F=22,F2=30",
        "cdna3.mfma.f32.f16.f16:F=26,F2=31,L=16",
        "cdna3.mfma.f32.e4m3fnuz.e4m3fnuz:F=20,F2=24",
        "blackwell.tcgen05.mxf4nvf4.block16.f32.e2m1.e2m1.ue4m3:F=30",
        "cdna1.mfma.f32.f16.f16:L=8",
        "avx512.vdpbf16ps:K=16,L=4",
        "avx512.vpdpwssds:K=8,L=4",
        "avx512.vpdpbusds:K=9,L=3",
    };
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assay_mma_unit u;
        cr_assert_eq(assay_mma_parse(texts[i], &u), ASSAY_OK, "%s", assay_last_error());
        wrong += compare_unit(&u, 0);
    }
    cr_assert_eq(wrong, 0);
}

static float load_f32(const unsigned char *p, size_t i)
{
    float x;
    memcpy(&x, p + i * sizeof x, sizeof x);
    return x;
}

/* A plan by the unit without one: pieces of k, with their sums added here. */
static float planned(const assay_mma_unit *u, const assay_mma_plan *plan, const problem *p,
                     size_t i, size_t j)
{
    size_t step = plan->promote, K = (size_t)u->K;
    float total = load_f32(p->c, i * p->n + j);
    for (size_t at = 0; at < p->k; at += step) {
        uint64_t code = 0;
        for (size_t k = at; k < at + step && k < p->k; k += K)
            code = assay_mma_define(u, p->a + i * p->k + k, p->b + j * p->k + k, NULL, NULL, code);
        total += assay_from_bits32((uint32_t)code);
    }
    return total;
}

Test(mma_product, promotion_adds_groups_in_binary32)
{
    assay_mma_unit u;
    assay_mma_plan plan = { .promote = 128 };
    cr_assert_eq(assay_mma_parse("hopper.wgmma.f32.e4m3.e4m3", &u), ASSAY_OK);
    problem p = make(&u, 5, 70, 640 + 32);
    fill_all(&u, &p, ORDINARY);
    multiply(&u, &plan, &p);
    for (size_t i = 0; i < p.m; i++)
        for (size_t j = 0; j < p.n; j++)
            cr_assert_eq(load_f32(p.out, i * p.n + j), planned(&u, &plan, &p, i, j));
    /* Slices of 128 added in binary32 are the same thing. */
    memcpy(p.expected, p.out, 4 * p.m * p.n);
    plan = (assay_mma_plan){ .split = 6, .granule = 128, .merge = ASSAY_MMA_MERGE_F32 };
    multiply(&u, &plan, &p);
    cr_assert_eq(compare(&u, &p, "slices"), 0);
    drop(&p);
}

/* The remainder of k comes first, filled up with zeros. */
Test(mma_product, residue_comes_first)
{
    assay_mma_unit u;
    assay_mma_plan plan = { .residue = 32 };
    cr_assert_eq(assay_mma_parse("ampere.mma.f32.bf16.bf16", &u), ASSAY_OK);
    problem p = make(&u, 3, 40, 64 + 16 + 5), q = make(&u, 3, 40, 96);
    fill_all(&u, &p, ORDINARY);
    multiply(&u, &plan, &p);
    memset(q.a, 0, 2 * q.m * q.k);
    memset(q.b, 0, 2 * q.n * q.k);
    memcpy(q.c, p.c, 4 * p.m * p.n);
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < (side ? q.n : q.m); i++) {
            unsigned char *to = (side ? q.b : q.a) + 2 * i * q.k;
            const unsigned char *from = (side ? p.b : p.a) + 2 * i * p.k;
            memcpy(to, from, 2 * 21);
            memcpy(to + 2 * 32, from + 2 * 21, 2 * 64);
        }
    multiply(&u, NULL, &q);
    cr_assert_arr_eq(p.out, q.out, 4 * p.m * p.n);
    drop(&p);
    drop(&q);
}

Test(mma_product, rounded_slices)
{
    assay_mma_unit u;
    assay_mma_plan plan = { .split = 2,
                            .merge = ASSAY_MMA_MERGE_ROUNDED,
                            .rounded = ASSAY_MMA_BF16 };
    cr_assert_eq(assay_mma_parse("hopper.mma.f32.bf16.bf16", &u), ASSAY_OK);
    problem p = make(&u, 1, 1, 32);
    memset(p.a, 0, 64), memset(p.b, 0, 64), memset(p.c, 0, 4);
    uint16_t one = 0x3f80, small = 0x3b00; /* 1, 2^-9 */
    for (size_t i = 0; i < 32; i++)
        memcpy(p.b + 2 * i, &one, 2);
    memcpy(p.a, &one, 2), memcpy(p.a + 2, &small, 2), memcpy(p.a + 32, &small, 2);
    multiply(&u, &plan, &p); /* 1 + 2^-9 to 1, then + 2^-9 */
    cr_assert_eq(load_f32(p.out, 0), 1 + 0x1p-9f);
    plan.merge = ASSAY_MMA_MERGE_SERIAL; /* 1 + 2^-9 to 1, + 2^-9 to 1 */
    multiply(&u, &plan, &p);
    cr_assert_eq(load_f32(p.out, 0), 1);
    plan.merge = ASSAY_MMA_MERGE_F32;
    multiply(&u, &plan, &p);
    cr_assert_eq(load_f32(p.out, 0), 1 + 0x1p-8f);
    drop(&p);
}

Test(mma_product, threads_do_not_matter)
{
    assay_mma_unit u;
    cr_assert_eq(assay_mma_parse("blackwell.tcgen05.mxf4nvf4.block16.f32.e2m1.e2m1.ue4m3", &u),
                 ASSAY_OK);
    omp_set_num_threads(3);
    problem p = make(&u, 131, 97, 128);
    fill_all(&u, &p, ORDINARY);
    multiply(&u, NULL, &p);
    memcpy(p.expected, p.out, 4 * p.m * p.n);
    omp_set_num_threads(1);
    multiply(&u, NULL, &p);
    cr_assert_eq(compare(&u, &p, "threads"), 0);
    drop(&p);
}
