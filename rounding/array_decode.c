/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/container.h"
#include "numerics/bits.h"
#include "rounding/array.h"
#include "rounding/array_table.h"
#include "rounding/ladder_array.h"

/* Which codes are NaN and infinity, as thresholds on the magnitude or as one code. */
static void set_specials(assay_decoder *d, const assay_format *f, uint64_t none)
{
    d->nan_above = none;
    d->nan_code = ~(uint64_t)0;
    d->inf_from = f->has_inf ? f->inf_code : none;
    if (f->nan == ASSAY_NAN_IEEE)
        d->nan_above = f->inf_code - !f->has_inf;
    if (f->nan == ASSAY_NAN_ONES)
        d->nan_above = f->nan_code - 1;
    if (f->nan == ASSAY_NAN_NEGZERO)
        d->nan_code = f->nan_code;
    uint64_t fraction = ((uint64_t)1 << f->fraction_bits) - 1;
    bool ieee = f->has_inf && f->nan == ASSAY_NAN_IEEE && (f->inf_code & fraction) == 0;
    bool ones = !f->has_inf && f->nan == ASSAY_NAN_ONES && (f->nan_code & fraction) != 0;
    d->is_plain = ieee || ones || (!f->has_inf && f->nan == ASSAY_NAN_NONE);
    d->special = ieee ? f->inf_code : ones ? f->nan_code : none;
}

assay_decoder assay_decoder_make(const assay_format *f, int fraction)
{
    int bias = fraction == 23 ? 127 : 1023;
    assay_decoder d = { .sign = f->sign_bit, .base = fraction - f->fraction_bits };
    int magnitude_bits = f->exponent_bits + f->fraction_bits;
    d.magnitude = ((uint64_t)1 << magnitude_bits) - 1;
    d.shift = (uint64_t)(bias - f->bias) << fraction;
    d.inf = (uint64_t)(2 * bias + 1) << fraction;
    d.linear = 1; /* without subnormals only zero stands apart */
    if (f->has_subnormals && f->emin == 1 - bias)
        d.linear = 0; /* the result type's subnormals are the format's */
    else if (f->has_subnormals) {
        d.linear = (uint64_t)1 << f->fraction_bits;
        d.quantum = assay_pow2(f->emin - f->fraction_bits);
    }
    set_specials(&d, f, fraction == 23 ? 0x7fffffff : 0x7fffffffffffffff);
    d.is_cut = d.is_plain && d.linear == 0 && d.special << d.base == d.inf;
    d.is_half = fraction == 23 && f->bits == 16 && f->fraction_bits == 10 && f->bias == 15 &&
                f->has_subnormals && d.special == 0x7c00;
    return d;
}

static void run(const assay_format *f, int source, const char *codes, char *y, size_t n)
{
    assay_decode_loop *decode = assay_array_current()->decode[source];
    size_t in = assay_format_container(f), out = source == ASSAY_F32 ? 4 : 8;
    assay_decoder d = assay_decoder_make(f, source == ASSAY_F32 ? 23 : 52);
    size_t head = assay_array_head(codes, y, n, out);
    decode(&d, codes, y, head, in, false);
    if (head == n)
        return;
    decode(&d, codes + head * in, y + head * out, n - head, in, true);
    assay_end_past();
}

void assay_decode_array_f64(const assay_format *format, const void *codes, double *y, size_t n)
{
    if (assay_format_is_direct(format, 52)) {
        run(format, ASSAY_F64, codes, (char *)y, n);
        return;
    }
    if (assay_ladder_decode(format, 52, codes, y, n))
        return;
    for (size_t i = 0; i < n; i++)
        y[i] = assay_decode(format, assay_container_load(codes, i, assay_format_container(format)));
}

void assay_decode_array_f32(const assay_format *format, const void *codes, float *y, size_t n)
{
    if (assay_format_is_direct(format, 23)) {
        run(format, ASSAY_F32, codes, (char *)y, n);
        return;
    }
    if (assay_ladder_decode(format, 23, codes, y, n))
        return;
    assay_rounder nearest = assay_binary32_rounder();
    double block[ASSAY_BLOCK];
    size_t bytes = assay_format_container(format);
    for (size_t i = 0; i < n; i += ASSAY_BLOCK) {
        size_t k = n - i < ASSAY_BLOCK ? n - i : ASSAY_BLOCK;
        assay_decode_array_f64(format, (const char *)codes + i * bytes, block, k);
        assay_encode_array_f64(&nearest, block, y + i, k);
    }
}
