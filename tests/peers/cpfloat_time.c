/* SPDX-License-Identifier: Apache-2.0 */
/* CPFloat's rounding of binary32: equality with the command first (rne) or one of its two
 * neighbours (stochastic), then the least CPU time of many runs. CPFLOAT_HEADER is its header's
 * path, given on the compiler's command line. Usage: cpfloat_time ASSAY LABEL. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include CPFLOAT_HEADER

enum { N = 16 << 20, CHECKED = 1 << 20, RUNS = 5, NPY_HEADER = 128 };

static const struct format {
    const char *name;
    int precision, emin, emax;
} formats[] = { { "e5m2", 3, -14, 15 }, { "binary16", 11, -14, 15 } };

static float *x, *y, *low, *high;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Magnitudes spread over the binades 2^-28 .. 2^20, as bench_cast's wide data. */
static void fill(void)
{
    uint64_t z = 1;
    for (size_t i = 0; i < N; i++) {
        z = z * 6364136223846793005u + 1442695040888963407u;
        uint32_t field = 127 - 28 + (uint32_t)(z >> 58) * 48 / 64;
        uint32_t u = (uint32_t)(z >> 33 & 1) << 31 | field << 23 | (uint32_t)(z >> 34 & 0x7fffff);
        memcpy(&x[i], &u, sizeof u);
    }
}

static void write_npy(const char *name)
{
    char header[NPY_HEADER + 1];
    FILE *file = fopen(name, "wb");
    int used = snprintf(header, sizeof header,
                        "{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }", CHECKED);
    memset(header + used, ' ', (size_t)(NPY_HEADER - used));
    header[NPY_HEADER - 10 - 1] = '\n';
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file);
    fwrite(header, 1, NPY_HEADER - 10, file);
    fwrite(x, sizeof *x, CHECKED, file);
    fclose(file);
}

static int ours(const char *assay, const char *format, const char *mode, float *out)
{
    char command[4096];
    snprintf(command, sizeof command,
             "'%s' cast cpfloat_in.npy cpfloat_out.npy --to %s --round %s --quiet", assay, format,
             mode);
    if (system(command) != 0)
        return 1;
    FILE *file = fopen("cpfloat_out.npy", "rb");
    fseek(file, -(long)(CHECKED * sizeof *out), SEEK_END);
    size_t got = fread(out, sizeof *out, CHECKED, file);
    fclose(file);
    return got != CHECKED;
}

static int check(const char *assay, const struct format *f, int stochastic)
{
    if (ours(assay, f->name, stochastic ? "rtz" : "rne", low) ||
        ours(assay, f->name, stochastic ? "raz" : "rne", high))
        return 1;
    size_t wrong = 0;
    for (size_t i = 0; i < CHECKED; i++)
        wrong += memcmp(&y[i], &low[i], sizeof *y) != 0 && memcmp(&y[i], &high[i], sizeof *y) != 0;
    if (wrong)
        printf("cpfloat %s: %zu of %d values differ\n", f->name, wrong, CHECKED);
    return wrong != 0;
}

int main(int argc, char **argv)
{
    optstruct *o = init_optstruct();
    int status = argc < 3;
    x = malloc(N * sizeof *x);
    y = calloc(N, sizeof *y);
    low = malloc(CHECKED * sizeof *low);
    high = malloc(CHECKED * sizeof *high);
    if (!x || !y || !low || !high || status)
        return 1;
    fill();
    write_npy("cpfloat_in.npy");
    for (size_t f = 0; f < 2; f++)
        for (int stochastic = 0; stochastic < 2; stochastic++) {
            o->precision = (cpfloat_precision_t)formats[f].precision;
            o->emin = formats[f].emin;
            o->emax = formats[f].emax;
            o->subnormal = CPFLOAT_SUBN_USE;
            o->explim = CPFLOAT_EXPRANGE_TARG;
            o->infinity = CPFLOAT_INF_USE;
            o->round = stochastic ? CPFLOAT_RND_SP : CPFLOAT_RND_NE;
            o->saturation = CPFLOAT_SAT_NO;
            o->flip = CPFLOAT_SOFTERR_NO;
            o->p = 0;
            double best = 1e9;
            for (int k = 0; k < RUNS; k++) {
                double start = now();
                cpfloatf(y, x, N, o);
                double t = (now() - start) * 1e9 / N;
                best = t < best ? t : best;
            }
            status |= check(argv[1], &formats[f], stochastic);
            printf("cpfloat %-5s %-8s %-3s %6.2f ns/element\n", argv[2], formats[f].name,
                   stochastic ? "sr" : "rne", best);
        }
    return status;
}
