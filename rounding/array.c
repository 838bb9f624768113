/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/array.h"

#include "numerics/bits.h"
#include "rounding/array_table.h"

/* One way through the loops. */
typedef struct pass {
    assay_constants constants;
    assay_round_loop *loop;
    assay_fold_loop *fold; /* or NULL */
    size_t in, out;        /* bytes of an element */
} pass;

static pass make_pass(const assay_rounder *r, int source, bool code)
{
    const assay_array_table *t = assay_array_current();
    pass p = { .constants = assay_constants_from(r, source == ASSAY_F32 ? 23 : 52) };
    p.loop = code ? t->encode[source][r->mode] : t->round[source][r->mode];
    p.fold = p.constants.folds ? t->fold[source] : NULL;
    p.in = p.out = source == ASSAY_F32 ? 4 : 8;
    if (code)
        p.out = assay_format_container(&r->format);
    return p;
}

static void run_part(const pass *p, const char *x, char *y, size_t n, bool past)
{
    _Alignas(ASSAY_LINE) char folded[ASSAY_BLOCK * 8];
    if (!p->fold) {
        p->loop(&p->constants, x, y, n, p->out, past);
        return;
    }
    for (size_t i = 0; i < n; i += ASSAY_BLOCK) {
        size_t k = n - i < ASSAY_BLOCK ? n - i : ASSAY_BLOCK;
        p->fold(&p->constants, x + i * p->in, folded, k);
        p->loop(&p->constants, folded, y + i * p->out, k, p->out, past);
    }
}

static void run(const pass *p, const void *x, void *y, size_t n)
{
    const char *from = x;
    char *to = y;
    size_t head = assay_array_head(x, y, n, p->out);
    run_part(p, from, to, head, false);
    if (head == n)
        return;
    run_part(p, from + head * p->in, to + head * p->out, n - head, true);
    assay_end_past();
}

static void store_code(char *at, size_t bytes, uint64_t code)
{
    uint8_t c1 = (uint8_t)code;
    uint16_t c2 = (uint16_t)code;
    uint32_t c4 = (uint32_t)code;
    const void *from = bytes == 1 ? (void *)&c1 : bytes == 2 ? (void *)&c2 : (void *)&c4;
    memcpy(at, bytes == 8 ? (void *)&code : from, bytes);
}

/* The exact binary64 of a binary32, on the bits: a conversion would flush subnormals under a
 * caller's DAZ, but that of an integer and its product by 2^-149 meet no subnormal. */
static double widened(float x)
{
    uint32_t bits = assay_bits32(x), u = bits & 0x7fffffff;
    uint64_t sign = (uint64_t)(bits >> 31) << 63;
    if (u < 0x00800000)
        return assay_from_bits64(sign | assay_bits64((double)(int32_t)u * 0x1p-149));
    uint64_t rebias = u < 0x7f800000 ? (uint64_t)(1023 - 127) << 52 : (uint64_t)(2047 - 255) << 52;
    return assay_from_bits64(sign | (((uint64_t)u << 29) + rebias));
}

void assay_round_array_f64(const assay_rounder *rounder, const double *x, double *y, size_t n)
{
    pass p = make_pass(rounder, ASSAY_F64, false);
    if (p.constants.direct) {
        run(&p, x, y, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        y[i] = assay_round(rounder, x[i]);
}

void assay_round_array_f32(const assay_rounder *rounder, const float *x, float *y, size_t n)
{
    assay_rounder narrow = assay_binary32_rounder();
    pass p = make_pass(rounder->identity ? &narrow : rounder, ASSAY_F32, false);
    if (p.constants.direct) {
        run(&p, x, y, n);
        return;
    }
    double block[ASSAY_BLOCK];
    for (size_t i = 0; i < n; i += ASSAY_BLOCK) {
        size_t k = n - i < ASSAY_BLOCK ? n - i : ASSAY_BLOCK;
        for (size_t j = 0; j < k; j++)
            block[j] = widened(x[i + j]);
        assay_round_array_f64(rounder, block, block, k);
        assay_encode_array_f64(&narrow, block, y + i, k);
    }
}

void assay_encode_array_f64(const assay_rounder *rounder, const double *x, void *codes, size_t n)
{
    pass p = make_pass(rounder, ASSAY_F64, true);
    if (p.constants.direct) {
        run(&p, x, codes, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        store_code((char *)codes + i * p.out, p.out, assay_round_code(rounder, x[i]));
}

void assay_encode_array_f32(const assay_rounder *rounder, const float *x, void *codes, size_t n)
{
    pass p = make_pass(rounder, ASSAY_F32, true);
    if (p.constants.direct) {
        run(&p, x, codes, n);
        return;
    }
    double block[ASSAY_BLOCK];
    for (size_t i = 0; i < n; i += ASSAY_BLOCK) {
        size_t k = n - i < ASSAY_BLOCK ? n - i : ASSAY_BLOCK;
        for (size_t j = 0; j < k; j++)
            block[j] = widened(x[i + j]);
        assay_encode_array_f64(rounder, block, (char *)codes + i * p.out, k);
    }
}

assay_status assay_round_array_check_f32(const assay_rounder *rounder)
{
    if (assay_format_fits_f32(&rounder->format))
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_VALUE, "format %s has values that are not binary32",
                      rounder->format.name);
}

size_t assay_find_nan_f32(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] != x[i])
            return i;
    return n;
}

size_t assay_find_nan_f64(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] != x[i])
            return i;
    return n;
}
