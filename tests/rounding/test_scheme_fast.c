/* SPDX-License-Identifier: Apache-2.0 */
/* The block loops give the bits of the definition: every scheme, mode, instruction set, shape. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/bits.h"
#include "numerics/cpu.h"
#include "rounding/array.h"
#include "rounding/scheme_run.h"

enum { ROWS = 3, COLS = 2400, N = ROWS * COLS, BYTES = 4 * N };

/* What quantizing made. */
typedef struct made {
    unsigned char codes[BYTES], scales[BYTES], zeros[BYTES];
    double values[N];
    float narrow[N];
} made;

static float x[N];
static double wide[N];
static made slow, fast;
static uint64_t state = 1;

static uint32_t next_word(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

/* About normal. */
static float normal(void)
{
    double sum = 0;
    for (int k = 0; k < 4; k++)
        sum += (double)next_word() * 0x1p-32 - 0.5;
    return (float)sum;
}

/* Kinds of data; what one kind may hide stays in some of its elements only. */
enum { NORMAL, TIES, RANGES, SPECIALS, TINY, NEAR, KINDS };

static float element(int kind)
{
    uint32_t w = next_word();
    switch (kind) {
    case TIES: return (float)((int)(w >> 20) % 65 - 32) * 0.125F;
    case RANGES: return assay_from_bits32((w & 0x807fffff) | ((127 - 30 + (w >> 24) % 61) << 23));
    case SPECIALS:
        return w % 97 == 0 ? assay_from_bits32(next_word()) : w % 3 == 0 ? -0.0F : normal();
    case TINY: return assay_from_bits32(w & (w % 5 == 0 ? 0x81ffffff : 0x800fffff));
    default: return normal();
    }
}

/* Numbers next to ties of elements whose scale is c: what a rounded quotient hides. */
static void fill_near(void)
{
    static const int tops[] = { 127, 7, 6, 448 };
    const uint32_t bits = next_word(), few = bits & 1 ? 0x1fff : 0; /* scales of any length */
    const float unit = assay_from_bits32(0x3d000000 | (bits >> 9 & ~few));
    const int top = tops[next_word() % 4];
    const float amax = unit * (float)top, c = (float)((double)amax / top);
    for (size_t i = 0; i < N; i++) {
        uint32_t w = next_word();
        double tie = ((double)(w % 128) * (w & 1024 ? 1 : 0.125) + 0.5) * (double)c;
        x[i] = assay_from_bits32(assay_bits32((float)tie) + (w >> 20) % 3 - 1);
        x[i] = i % 16 == 0 ? amax : x[i] < amax ? x[i] : c;
    }
}

static void fill(int kind)
{
    if (kind == NEAR)
        fill_near();
    for (size_t i = 0; i < N; i++) {
        x[i] = kind == NEAR ? x[i] : element(kind);
        wide[i] = assay_widen_f32(x[i]);
    }
}

/* Enough elements for the loops to be taken at all. */
static size_t rows_of(size_t cols)
{
    return cols >= 256 && cols < 1024 ? 1023 / cols + 1 : ROWS;
}

static void clear(made *m)
{
    memset(m, 0x5a, sizeof *m);
}

static void narrow(const double *from, float *to, size_t n)
{
    const assay_rounder nearest = assay_binary32_rounder();
    assay_encode_array_f64(&nearest, from, to, n);
}

static void compare(const char *what, const char *spec, const char *mode, int kind, size_t cols,
                    const void *a, const void *b, size_t bytes)
{
    cr_assert_eq(memcmp(a, b, bytes), 0, "%s of %s, %s, data %d, %zu columns, %s", what, spec, mode,
                 kind, cols, assay_isa_name(assay_isa_current()));
}

static void check_with(const assay_scheme *s, const assay_random random, const char *spec,
                       const char *mode, int kind, size_t cols)
{
    size_t rows = rows_of(cols), n = rows * cols;
    const assay_tensor_scale t =
        assay_scheme_tensor_scale(s, assay_scheme_amax(s, rows, cols, wide));
    bool zeros = s->has_zero;
    double top = assay_scheme_amax_f32(s, rows, cols, x);
    cr_assert_eq(top, assay_scheme_amax(s, rows, cols, wide));
    clear(&slow);
    clear(&fast);
    assay_quantized out = { slow.codes, slow.scales, zeros ? slow.zeros : NULL, slow.values };
    assay_scheme_quantize_slowly(s, &t, rows, cols, wide, &random, 5, &out);
    narrow(slow.values, slow.narrow, n);
    assay_quantized_f32 of = { fast.codes, fast.scales, zeros ? fast.zeros : NULL, fast.narrow };
    assay_scheme_quantize_f32(s, &t, rows, cols, x, &random, 5, &of);
    compare("codes", spec, mode, kind, cols, slow.codes, fast.codes, BYTES);
    compare("scales", spec, mode, kind, cols, slow.scales, fast.scales, BYTES);
    compare("zeros", spec, mode, kind, cols, slow.zeros, fast.zeros, BYTES);
    compare("values", spec, mode, kind, cols, slow.narrow, fast.narrow, n * 4);
    /* In place, which a group that is given up half-way must not notice. */
    memcpy(fast.narrow, x, sizeof x);
    of = (assay_quantized_f32){ .values = fast.narrow };
    assay_scheme_quantize_f32(s, &t, rows, cols, fast.narrow, &random, 5, &of);
    compare("values in place", spec, mode, kind, cols, slow.narrow, fast.narrow, n * 4);
    out = (assay_quantized){ .values = fast.values };
    memcpy(fast.values, wide, sizeof wide);
    assay_scheme_quantize(s, &t, rows, cols, fast.values, &random, 5, &out);
    compare("binary64", spec, mode, kind, cols, slow.values, fast.values, n * 8);
    if (s->hierarchy)
        return;
    assay_scheme_dequantize(s, rows, cols, slow.codes, slow.scales, zeros ? slow.zeros : NULL,
                            t.stored, fast.values);
    narrow(fast.values, slow.narrow, n);
    assay_scheme_dequantize_f32(s, rows, cols, slow.codes, slow.scales, zeros ? slow.zeros : NULL,
                                t.stored, fast.narrow);
    compare("dequantized", spec, mode, kind, cols, slow.narrow, fast.narrow, n * 4);
}

static void check(const assay_scheme *s, const char *spec, const char *mode, int kind, size_t cols)
{
    check_with(s, (assay_random){ 7, 3, NULL }, spec, mode, kind, cols);
}

/* clang-format off */
static const char *const specs[] = {
    "mxfp8_e4m3", "mxfp8_e5m2", "mxfp6_e3m2", "mxfp4", "mxint8", "mxint4", "nvfp4", "nvfp4_2d",
    "nvfp4_46", "nvint4", "amdfp4", "msfp12", "bfp16", "flex16", "dfp8", "bm8", "deepseek_1x128",
    "deepseek_1x128_ue8m0", "deepseek_128x128", "fp8_tensor", "fp8_token", "int8_token",
    "int8_group", "int4_group", "int4_group_asym", "int8_channel_asym", "nf4_64", "ternary_tensor",
    "mxfp4:rule=ceil", "mxfp4:rule=rceil", "mxfp6_e2m3:rule=even", "mxfp8_e4m3:rule=nearest",
    "mxfp4:rule=ct", "mxfp4:rule=mse", "mxfp4:rule=[percentile:p=90]",
    "int8_group:rule=[percentile:p=70]", "nvfp4:order=te", "nvfp4:order=torchao", "nvfp4:order=ct",
    "nvfp4:order=modelopt", "nvfp4:tensor=divisor", "deepseek_1x128:order=mul32",
    "int8_group:order=div32", "nvfp4:tensor=no,order=torchao", "fp8_token:order=ct",
    "group:elem=int4,size=32,scale=binary32,rule=range",
    "group:elem=int8,size=64,scale=binary16,rule=range,order=ct",
    "int8_group_asym:order=mul32,least=0x1p-110", "int8_group_asym:order=ct,least=0x1p-20",
    "int4_group_asym:least=0.5", "mxfp8_e4m3:size=7", "int4_group:size=3000", "q4_0", "mx9",
    "block:elem=binary16,size=16,scale=e8m0", "block:elem=int8,size=16,scale=bfloat16",
    "block:elem=e5m2,size=8,scale=e4m3,round=raz", "tile:elem=e2m1,rows=2,cols=5,scale=e8m0"
};
/* clang-format on */
enum { SPECS = sizeof specs / sizeof specs[0] };

static void all(const char *mode, unsigned kinds, const size_t *widths, size_t count)
{
    for (size_t i = 0; i < SPECS; i++) {
        assay_scheme s;
        assay_rounding rounding;
        cr_assert_eq(assay_rounding_parse(mode, &rounding), ASSAY_OK);
        if (assay_scheme_parse_for(specs[i], rounding, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT,
                                   &s) != ASSAY_OK) {
            cr_assert_neq(strcmp(mode, "rne"), 0, "%s", assay_last_error());
            continue; /* a type that fixes its mode */
        }
        for (int kind = 0; kind < KINDS; kind++) {
            if (!(kinds >> kind & 1))
                continue;
            fill(kind);
            for (size_t k = 0; k < count; k++)
                if (widths[k] < COLS || kind == RANGES) /* a long row takes its time */
                    check(&s, specs[i], mode, kind, widths[k]);
        }
    }
}

static void each_isa(const char *mode, const size_t *widths, size_t count)
{
    for (int isa = 0; isa < ASSAY_ISA_COUNT; isa++)
        if (assay_isa_force((assay_isa)isa) == ASSAY_OK)
            all(mode, isa == (int)assay_isa_best() ? ~0u : 1u << RANGES | 1u << NEAR, widths,
                count);
}

Test(scheme_fast, nearest)
{
    const size_t widths[] = { 1, 352, COLS };
    each_isa("rne", widths, 3);
}

Test(scheme_fast, modes)
{
    const char *const modes[] = { "rna", "rnz", "rtz", "raz", "rup", "rdn", "rodd" };
    const size_t widths[] = { 277 };
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        all(modes[i], 1u << SPECIALS | 1u << NEAR, widths, 1);
}

Test(scheme_fast, stochastic)
{
    const char *const modes[] = { "sr", "sra:bits=8", "srb:bits=12", "src:bits=4", "sreq" };
    const size_t widths[] = { 277 };
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        all(modes[i], 1u << SPECIALS | 1u << NEAR, widths, 1);
}

/* What one pass serves, with the tables that only more elements pay for: short last blocks too. */
Test(scheme_fast, one_pass)
{
    static const char *const names[] = { "mxfp8_e4m3",
                                         "mxfp4",
                                         "mxint8",
                                         "nvfp4",
                                         "nvfp4_2d",
                                         "nvfp4:order=torchao",
                                         "nvint4",
                                         "amdfp4",
                                         "int8_group",
                                         "int4_group",
                                         "int4_group_asym",
                                         "deepseek_1x128",
                                         "int8_token",
                                         "mxfp8_e4m3:size=64",
                                         "block:elem=int8,size=16,scale=bfloat16",
                                         "block:elem=e4m3,size=32,scale=binary32",
                                         "nf4_64",
                                         "block:elem=iq4_nl,size=32,scale=binary16" };
    enum { NAMES = sizeof names / sizeof names[0] };
    for (int isa = 1; isa < ASSAY_ISA_COUNT; isa++)
        for (size_t i = 0; assay_isa_force((assay_isa)isa) == ASSAY_OK && i < 2 * NAMES; i++) {
            assay_scheme s;
            size_t cols = i % 2 ? COLS - 13 : COLS;
            cr_assert_eq(assay_scheme_parse(names[i / 2], ASSAY_RNE, ASSAY_OVERFLOW_SPEC,
                                            ASSAY_NAN_RULE_DEFAULT, &s),
                         ASSAY_OK);
            for (int kind = 0; kind < KINDS; kind++) {
                fill(kind);
                check(&s, names[i / 2], "rne", kind, cols);
            }
        }
}

/* Numbers next to the midpoints of a codebook times the block's largest magnitude. */
Test(scheme_fast, next_to_midpoints_of_a_codebook)
{
    assay_scheme s;
    cr_assert_eq(
        assay_scheme_parse("nf4_64", ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &s),
        ASSAY_OK);
    for (size_t i = 0; i < N; i++) {
        static float amax;
        uint32_t w = next_word(), k = w % 15;
        amax = i % 64 == 0 ? assay_from_bits32(0x3f000000 | w >> 9) : amax;
        double low = assay_decode(&s.element.format, k);
        double bound = (low + assay_decode(&s.element.format, k + 1)) / 2;
        x[i] = (float)(bound * (double)amax);
        x[i] = i % 64 == 0 ? amax : assay_from_bits32(assay_bits32(x[i]) + (w >> 20) % 5 - 2);
        wide[i] = assay_widen_f32(x[i]);
    }
    for (int isa = 0; isa < ASSAY_ISA_COUNT; isa++)
        if (assay_isa_force((assay_isa)isa) == ASSAY_OK)
            check(&s, "nf4_64", "rne", NEAR, COLS);
}

/* Random bits next to the position between two values, which a rounded quotient does not tell. */
Test(scheme_fast, random_bits_next_to_the_position)
{
    static const char *const names[] = { "int8_token",      "int4_group", "fp8_token", "nvfp4",
                                         "int4_group_asym", "mxfp4",      "mxint8" };
    static uint32_t bits[N], few[N];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assay_scheme s;
        const size_t cols = 300;
        cr_assert_eq(assay_scheme_parse_for(names[i], (assay_rounding){ .mode = ASSAY_SR },
                                            ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &s),
                     ASSAY_OK);
        fill(NORMAL);
        const assay_tensor_scale t =
            assay_scheme_tensor_scale(&s, assay_scheme_amax(&s, rows_of(cols), cols, wide));
        assay_quantized out = { slow.codes, slow.scales, s.has_zero ? slow.zeros : NULL, NULL };
        assay_scheme_quantize_slowly(&s, &t, rows_of(cols), cols, wide, NULL, 0, &out);
        const assay_format *f = &s.element.format;
        for (size_t k = 0; k < rows_of(cols) * cols; k++) {
            assay_scale_shape shape = assay_scheme_scales(&s, rows_of(cols), cols);
            size_t at = k / cols * shape.cols + k % cols / (s.block < cols ? s.block : cols);
            uint64_t code = 0;
            size_t bytes = assay_format_container(&s.scale.format);
            memcpy(&code, slow.scales + at * bytes, bytes);
            double scale = assay_decode(&s.scale.format, code) * (double)t.multiplier;
            double q = fabs(wide[k]) / scale, unit = ldexp(1, -f->scale);
            if (f->kind == ASSAY_FAMILY_FLOAT) {
                int e = q > 0 ? ilogb(q) : 0;
                unit = ldexp(1, (e > f->emin ? e : f->emin) - f->fraction_bits);
            }
            double nu = q / unit - floor(q / unit);
            bits[k] = (uint32_t)(int64_t)(nu * 0x1p32) + (next_word() % 512 - 256);
            few[k] = k % 61 == 0 ? bits[k] : next_word(); /* that other loops do not see */
        }
        check_with(&s, (assay_random){ .bits = bits }, names[i], "sr", NORMAL, cols);
        for (int isa = 0; isa < ASSAY_ISA_COUNT; isa++)
            if (assay_isa_force((assay_isa)isa) == ASSAY_OK)
                check_with(&s, (assay_random){ .bits = few }, names[i], "sr", NORMAL, cols);
    }
}

/* Codes and scales that quantizing does not make: NaN, infinities, bits above the width. */
Test(scheme_fast, any_bytes_back)
{
    static const char *const names[] = { "mxfp8_e4m3", "mxfp8_e5m2",       "mxfp6_e3m2",
                                         "mxfp4",      "mxint8",           "nvfp4",
                                         "int8_group", "int4_group",       "nf4_64",
                                         "fp8_token",  "mxfp8_e4m3:size=7" };
    static unsigned char codes[N], scales[4 * N];
    static const float tensors[] = { 1, 0.3F, 0, INFINITY };
    for (size_t i = 0; i < 4 * N; i++)
        scales[i] = (unsigned char)(next_word() >> 24);
    for (size_t i = 0; i < 8 * sizeof names / sizeof names[0]; i++) {
        assay_scheme s;
        const size_t cols = i % 2 ? COLS : 301;
        const char *name = names[i / 8];
        const float t = tensors[i / 2 % 4];
        cr_assert_eq(
            assay_scheme_parse(name, ASSAY_RNE, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT, &s),
            ASSAY_OK);
        for (size_t k = 0; k < N; k++) /* specials in some pieces only */
            codes[k] = (unsigned char)(next_word() >> 24 & (k % 4096 < 2048 ? 0xff : 0x77));
        assay_scheme_dequantize(&s, ROWS, cols, codes, scales, NULL, t, slow.values);
        narrow(slow.values, slow.narrow, ROWS * cols);
        for (int isa = 0; isa < ASSAY_ISA_COUNT; isa++) {
            if (assay_isa_force((assay_isa)isa) != ASSAY_OK)
                continue;
            assay_scheme_dequantize_f32(&s, ROWS, cols, codes, scales, NULL, t, fast.narrow);
            compare("values", name, "any", 0, cols, slow.narrow, fast.narrow,
                    ROWS * cols * sizeof(float));
        }
    }
}

/* Results beyond the caches are stored another way, from any address. */
Test(scheme_fast, large_arrays)
{
    static const char *const names[] = { "mxfp8_e4m3", "nvfp4", "int8_token", "mxfp4:size=7" };
    enum { LARGE_ROWS = 300, LARGE_COLS = 4003, LARGE = LARGE_ROWS * LARGE_COLS };
    float *in = malloc(LARGE * sizeof *in), *out = malloc((LARGE + 1) * sizeof *out);
    float *want = malloc(LARGE * sizeof *want);
    double *y = malloc(LARGE * sizeof *y);
    unsigned char *codes = malloc(LARGE), *scales = malloc(4 * LARGE);
    cr_assert(in && out && want && y && codes && scales);
    for (size_t i = 0; i < LARGE; i++)
        in[i] = normal();
    for (size_t i = 0; i < 4; i++) {
        assay_scheme s;
        cr_assert_eq(assay_scheme_parse(names[i], ASSAY_RNE, ASSAY_OVERFLOW_SPEC,
                                        ASSAY_NAN_RULE_DEFAULT, &s),
                     ASSAY_OK);
        const assay_tensor_scale t =
            assay_scheme_tensor_scale(&s, assay_scheme_amax_f32(&s, LARGE_ROWS, LARGE_COLS, in));
        const assay_quantized_f32 of = { codes, scales, NULL, NULL };
        assay_scheme_quantize_f32(&s, &t, LARGE_ROWS, LARGE_COLS, in, NULL, 0, &of);
        assay_scheme_dequantize(&s, LARGE_ROWS, LARGE_COLS, codes, scales, NULL, t.stored, y);
        narrow(y, want, LARGE);
        for (size_t shift = 0; shift < 2; shift++) {
            assay_scheme_dequantize_f32(&s, LARGE_ROWS, LARGE_COLS, codes, scales, NULL, t.stored,
                                        out + shift);
            cr_assert_eq(memcmp(out + shift, want, LARGE * sizeof *want), 0, "%s", names[i]);
        }
    }
    free(in);
    free(out);
    free(want);
    free(y);
    free(codes);
    free(scales);
}
