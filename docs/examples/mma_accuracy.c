/* SPDX-License-Identifier: Apache-2.0 */
/* What FP8 matrix units do to sums: 32 x 32 outputs of products of random E4M3 matrices against
 * exact sums. relF is the relative error in the Frobenius norm, of normally distributed operands;
 * bias is the mean relative error, of positive ones. */
#include <assay/kernels/product.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 32, MOST = 16384 };

/* Values of E4M3 up to 240 are values of E4M3 FNUZ too, and of binary32. */
static const struct {
    const char *label, *accumulator;
} rows[] = {
    { "Ada mma", "ada.mma.f32.e4m3.e4m3" },
    { "Hopper wgmma", "hopper.wgmma.f32.e4m3.e4m3" },
    { "Hopper wgmma, promoted every 128", "hopper.wgmma.f32.e4m3.e4m3:promote=128" },
    { "Blackwell tcgen05", "blackwell.tcgen05.f32.e4m3.e4m3" },
    { "Hopper mma.sync (lowered)", "hopper.mma.f32.e4m3.e4m3" },
    { "CDNA3 mfma", "cdna3.mfma.f32.e4m3fnuz.e4m3fnuz" },
    { "binary32, fused steps", "binary32" },
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

static double a[SIZE * MOST], b[SIZE * MOST], out[SIZE * SIZE];

static void fill(const assay_rounder *e4m3, size_t k, int positive, double *x)
{
    for (size_t i = 0; i < SIZE * k; i++) {
        double y = normal();
        x[i] = assay_round(e4m3, positive ? fabs(y) : y);
    }
}

/* Products of E4M3 are multiples of 2^-18 below 2^18, so that binary64 sums them exactly. */
static double exact(size_t k, size_t i, size_t j)
{
    double sum = 0;
    for (size_t p = 0; p < k; p++)
        sum += a[i * k + p] * b[j * k + p];
    return sum;
}

static double measure(const assay_accumulator *acc, size_t k, int positive)
{
    const assay_operand columns = { b, ASSAY_STORAGE_F64, 1, k, NULL };
    size_t bytes = (assay_product_workspace(acc, SIZE, SIZE, k) + 63) / 64 * 64;
    void *workspace = aligned_alloc(64, bytes);
    double errors = 0, squares = 0, bias = 0;
    if (!workspace)
        exit(1);
    assay_product(acc, SIZE, SIZE, k, a, k, &columns, out, SIZE, workspace);
    free(workspace);
    for (size_t i = 0; i < SIZE; i++)
        for (size_t j = 0; j < SIZE; j++) {
            double y = exact(k, i, j), e = out[i * SIZE + j] - y;
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
    assay_format format;
    assay_rounder e4m3;
    if (assay_format_parse("e4m3", &format) != ASSAY_OK ||
        assay_rounder_make(&format, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT,
                           &e4m3) != ASSAY_OK)
        return 1;
    for (int positive = 0, column = 0; positive < 2; positive++)
        for (int l = 0; l < 3 && lengths[positive][l]; l++, column++) {
            size_t k = lengths[positive][l];
            fill(&e4m3, k, positive, a);
            fill(&e4m3, k, positive, b);
            for (size_t i = 0; i < ROWS; i++) {
                assay_accumulator acc;
                if (assay_accumulator_parse(rows[i].accumulator, &acc) != ASSAY_OK)
                    return 1;
                table[i][column] = measure(&acc, k, positive);
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
