/* SPDX-License-Identifier: Apache-2.0 */
/* What FP8 matrix units do to sums: 32 x 32 outputs of products of random E4M3 matrices against
 * exact sums. relF is the relative error in the Frobenius norm, of normally distributed operands;
 * bias is the mean relative error, of positive ones. */
#include <assay/kernels/mma.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <assay/formats/format.h>
#include <assay/rounding/round.h>

enum { SIZE = 32, MOST = 16384 };

static const struct {
    const char *label, *unit;
    size_t promote;
} rows[] = {
    { "Ada mma", "ada.mma.f32.e4m3.e4m3", 0 },
    { "Hopper wgmma", "hopper.wgmma.f32.e4m3.e4m3", 0 },
    { "Hopper wgmma, promoted every 128", "hopper.wgmma.f32.e4m3.e4m3", 128 },
    { "Blackwell tcgen05", "blackwell.tcgen05.f32.e4m3.e4m3", 0 },
    { "Hopper mma.sync (lowered)", "hopper.mma.f32.e4m3.e4m3", 0 },
};

static double uniform(void)
{
    static unsigned long long state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) * 0x1p-53;
}

/* A sum of twelve uniforms is close enough to normal here. */
static double normal(void)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += uniform();
    return sum;
}

static unsigned char a[SIZE * MOST], b[SIZE * MOST];
static double wide_a[SIZE * MOST], wide_b[SIZE * MOST];
static float out[SIZE * SIZE];

static void fill(const assay_rounder *r, size_t k, int positive, unsigned char *codes,
                 double *values)
{
    for (size_t i = 0; i < SIZE * k; i++) {
        double x = normal();
        codes[i] = (unsigned char)assay_round_code(r, positive ? fabs(x) : x);
        values[i] = assay_decode(&r->format, codes[i]);
    }
}

/* Products of E4M3 are multiples of 2^-18 below 2^18, so that binary64 sums them exactly. */
static double exact(size_t k, size_t i, size_t j)
{
    double sum = 0;
    for (size_t p = 0; p < k; p++)
        sum += wide_a[i * k + p] * wide_b[j * k + p];
    return sum;
}

static double measure(const assay_mma_unit *unit, size_t promote, size_t k, int positive)
{
    assay_mma_plan plan = { .promote = promote };
    assay_mma_operands x = { .a = a, .b = b, .lda = k, .ldb = k };
    size_t bytes = (assay_mma_workspace(unit, SIZE, SIZE, k) + 63) / 64 * 64;
    void *workspace = aligned_alloc(64, bytes);
    double errors = 0, squares = 0, bias = 0;
    if (!workspace || assay_mma_product(unit, &plan, SIZE, SIZE, k, &x, out, SIZE, workspace))
        exit(1);
    free(workspace);
    for (size_t i = 0; i < SIZE; i++)
        for (size_t j = 0; j < SIZE; j++) {
            double y = exact(k, i, j), e = (double)out[i * SIZE + j] - y;
            errors += e * e;
            squares += y * y;
            bias += e / y;
        }
    return positive ? bias / (SIZE * SIZE) : sqrt(errors / squares);
}

int main(void)
{
    static const size_t lengths[2][3] = { { 4096, 16384, 0 }, { 1024, 4096, 16384 } };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    double table[ROWS][5];
    assay_format e4m3;
    assay_rounder r;
    if (assay_format_parse("e4m3", &e4m3) != ASSAY_OK ||
        assay_rounder_make(&e4m3, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &r) !=
            ASSAY_OK)
        return 1;
    for (int positive = 0, column = 0; positive < 2; positive++)
        for (int l = 0; l < 3 && lengths[positive][l]; l++, column++) {
            size_t k = lengths[positive][l];
            fill(&r, k, positive, a, wide_a);
            fill(&r, k, positive, b, wide_b);
            for (size_t i = 0; i < ROWS; i++) {
                assay_mma_unit unit;
                if (assay_mma_parse(rows[i].unit, &unit) != ASSAY_OK)
                    return 1;
                table[i][column] = measure(&unit, rows[i].promote, k, positive);
            }
        }
    printf("%-33s %9s %9s %10s %10s %10s\n", "E4M3", "relF 4096", "16384", "bias 1024", "4096",
           "16384");
    for (size_t i = 0; i < ROWS; i++)
        printf("%-33s %9.1e %9.1e %10.1e %10.1e %10.1e\n", rows[i].label, table[i][0], table[i][1],
               table[i][2], table[i][3], table[i][4]);
    /* Same-sign data on 13 bits is what goes wrong, and promotion is what helps. */
    return table[0][3] < -0.05 && fabs(table[2][3]) < 0.001 ? 0 : 1;
}
