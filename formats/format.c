/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "formats/spec.h"
#include "numerics/bits.h"

static const assay_float_params rows[] = {
#define ASSAY_FLOAT(name, alias, e, m, bias, sign, inf, zero, sub, nan, source) \
    { name, alias, e, m, bias, sign, inf, zero, sub, nan, source },
#include "formats/formats.def"
#undef ASSAY_FLOAT
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static assay_format table[ROWS];

/* The rows are constants, so every thread would write the same bytes; doing it before main
 * keeps the table immutable while threads run. */
__attribute__((constructor)) static void build_table(void)
{
    for (size_t i = 0; i < ROWS; i++)
        if (assay_format_build(&rows[i], &table[i]) != ASSAY_OK)
            __builtin_trap();
}

size_t assay_format_count(void)
{
    return ROWS;
}

const assay_format *assay_format_row(size_t i)
{
    return &table[i];
}

size_t assay_format_container(const assay_format *format)
{
    return format->bits <= 8 ? 1 : format->bits <= 16 ? 2 : format->bits <= 32 ? 4 : 8;
}

static uint64_t ones(int n)
{
    return n >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1;
}

/* Specials take codes off the top of the magnitudes 0 .. 2^(e+m) - 1; what is below is finite. */
static void place_specials(assay_format *f)
{
    uint64_t top = ones(f->exponent_bits + f->fraction_bits);
    uint64_t fraction = ones(f->fraction_bits);
    switch (f->nan) {
    case ASSAY_NAN_IEEE:
        f->inf_code = top - fraction;
        f->max_code = f->inf_code - 1;
        f->nan_code = f->inf_code | (fraction ^ fraction >> 1);
        return;
    case ASSAY_NAN_ONES: f->nan_code = top--; break;
    case ASSAY_NAN_NEGZERO: f->nan_code = f->sign_bit; break;
    case ASSAY_NAN_NONE: break;
    }
    f->inf_code = top;
    f->max_code = f->has_inf ? top - 1 : top;
}

static assay_status check_params(const assay_float_params *p)
{
    int e = p->exponent_bits, m = p->fraction_bits;
    bool wide = e == 11 && m == 52 && p->bias == 1023 && p->is_signed;
    if (e < 1 || e > 11 || m < 0 || m > 52 || (e + m + p->is_signed > 32 && !wide))
        return assay_fail(ASSAY_ERR_USAGE,
                          "format %s: e=%d,m=%d: need 1 <= e <= 11, m >= 0 and at "
                          "most 32 bits in all",
                          p->name, e, m);
    if (p->nan == ASSAY_NAN_IEEE && m == 0 && p->has_inf)
        return assay_fail(ASSAY_ERR_USAGE, "format %s: nan=ieee needs a fraction beside inf",
                          p->name);
    if (p->nan == ASSAY_NAN_NEGZERO && !p->is_signed)
        return assay_fail(ASSAY_ERR_USAGE, "format %s: nan=negzero needs a sign", p->name);
    if (p->nan == ASSAY_NAN_NEGZERO && p->has_negzero)
        return assay_fail(ASSAY_ERR_USAGE, "format %s: nan=negzero needs zero=unsigned", p->name);
    return ASSAY_OK;
}

assay_status assay_format_build(const assay_float_params *p, assay_format *out)
{
    assay_status status = check_params(p);
    if (status != ASSAY_OK)
        return status;
    assay_format f = { .exponent_bits = p->exponent_bits,
                       .fraction_bits = p->fraction_bits,
                       .bias = p->bias,
                       .is_signed = p->is_signed,
                       .has_inf = p->has_inf,
                       .has_negzero = p->has_negzero && p->is_signed,
                       .has_subnormals = p->has_subnormals,
                       .nan = p->nan,
                       .alias = p->alias,
                       .source = p->source };
    snprintf(f.name, sizeof f.name, "%s", p->name);
    f.p = f.fraction_bits + 1;
    f.bits = f.exponent_bits + f.fraction_bits + f.is_signed;
    f.sign_bit = f.is_signed ? (uint64_t)1 << (f.bits - 1) : 0;
    place_specials(&f);
    /* max_code is the last code below the specials: none is left in, say, e=1,m=0,nan=ieee. */
    if (f.max_code == 0 || f.max_code > ones(f.exponent_bits + f.fraction_bits))
        return assay_fail(ASSAY_ERR_USAGE, "format %s: no finite value is left but zero", p->name);
    f.emin = 1 - f.bias;
    int field = (int)(f.max_code >> f.fraction_bits);
    f.emax = field > 0 ? field - f.bias : f.emin - 1;
    int least = f.has_subnormals ? f.emin - f.fraction_bits : -f.bias - f.fraction_bits;
    if (least < -1074 || f.emax > 1023)
        return assay_fail(ASSAY_ERR_USAGE, "format %s: bias=%d puts values beyond binary64's range",
                          p->name, f.bias);
    f.max = assay_decode(&f, f.max_code);
    f.min_positive = assay_decode(&f, 1);
    f.min_normal = assay_decode(&f, f.has_subnormals ? (uint64_t)1 << f.fraction_bits : 1);
    *out = f;
    return ASSAY_OK;
}

bool assay_code_is_nan(const assay_format *f, uint64_t code)
{
    uint64_t magnitude = code & ones(f->exponent_bits + f->fraction_bits);
    switch (f->nan) {
    case ASSAY_NAN_IEEE: return magnitude >= f->inf_code + (f->has_inf ? 1 : 0);
    case ASSAY_NAN_ONES: return magnitude == f->nan_code;
    case ASSAY_NAN_NEGZERO: return (code & ones(f->bits)) == f->nan_code;
    default: return false;
    }
}

bool assay_code_is_inf(const assay_format *f, uint64_t code)
{
    return f->has_inf && (code & ones(f->exponent_bits + f->fraction_bits)) == f->inf_code;
}

double assay_decode(const assay_format *f, uint64_t code)
{
    if (assay_code_is_nan(f, code))
        return assay_from_bits64(0x7ff8000000000000);
    bool negative = (code & f->sign_bit) != 0;
    uint64_t magnitude = code & ones(f->exponent_bits + f->fraction_bits);
    if (assay_code_is_inf(f, code))
        return negative ? -INFINITY : INFINITY;
    int field = (int)(magnitude >> f->fraction_bits);
    uint64_t sig = magnitude & ones(f->fraction_bits);
    if (field > 0 || (!f->has_subnormals && sig > 0))
        sig |= (uint64_t)1 << f->fraction_bits;
    int e = field > 0 || !f->has_subnormals ? field - f->bias : f->emin;
    /* Two exact steps: sig < 2^53, and the quantum may lie below the least normal of binary64. */
    int q = e - f->fraction_bits;
    double value =
        q < -1022 ? (double)sig * assay_pow2(-1022) * assay_pow2(q + 1022)
                  : (double)sig * assay_pow2(q > 970 ? 970 : q) * assay_pow2(q > 970 ? q - 970 : 0);
    return negative ? -value : value;
}

bool assay_encode_exact(const assay_format *f, double x, uint64_t *code)
{
    uint64_t bits = assay_bits64(x);
    uint64_t sign = bits >> 63 ? f->sign_bit : 0;
    if (x != x) {
        *code = f->nan_code;
        return f->nan != ASSAY_NAN_NONE;
    }
    if (bits >> 63 && (!f->is_signed || (x == 0 && !f->has_negzero)))
        return false;
    if (isinf(x)) {
        *code = sign | f->inf_code;
        return f->has_inf;
    }
    if (x == 0) {
        *code = sign;
        return true;
    }
    int lowest = f->has_subnormals ? f->emin : -f->bias;
    int e = assay_exponent(x);
    e = e < lowest ? lowest : e;
    int field = bits >> 52 & 0x7ff ? (int)(bits >> 52 & 0x7ff) : 1;
    uint64_t sig = (bits & ones(52)) | (bits >> 52 & 0x7ff ? (uint64_t)1 << 52 : 0);
    int shift = e - f->fraction_bits - (field - 1075); /* from x's quantum to the format's */
    /* One binade above emax, the range check below decides: e=1 formats end in subnormals. */
    if (e > f->emax + 1 || shift > 52 || (shift > 0 && (sig & ones(shift)) != 0))
        return false;
    uint64_t whole = shift > 0 ? sig >> shift : sig << -shift;
    /* The rule of the array loops: codes are linear in the significand within a binade and
     * continuous across binades, so field and fraction need not be put together apart. */
    uint64_t magnitude = ((uint64_t)(e + f->bias - f->has_subnormals) << f->fraction_bits) + whole;
    if (!f->has_subnormals)
        magnitude -= (uint64_t)1 << f->fraction_bits;
    *code = sign | magnitude;
    return magnitude <= f->max_code && (f->has_subnormals || magnitude > 0);
}
